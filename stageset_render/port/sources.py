# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads the files of a chart or of the pack: from a directory, an archive, or a commit of a git checkout."""

from __future__ import annotations

import difflib
import fnmatch
import gzip
import io
import os
import re
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from stageset_render.findings import Refused, short
from stageset_render.pack.files import SCHEMA, all_templates, root, source, text

IGNORES = ".helmignore"
TESTS = "templates/tests/"  # of Helm, which run in a cluster; the pack has none
MOST_BYTES, MOST_FILES = 32_000_000, 5_000  # of what is read of a chart
PACK = ("templates", SCHEMA)


def chart_files(chart: str) -> dict[str, str]:
    """The files of a chart by their paths in it.

    Raises:
        Refused: when `chart` is neither a directory nor a .tgz with a Chart.yaml, is too large, or holds what is not UTF-8.
        OSError: when a file can't be read.
    """
    path = Path(chart)
    raw = dict(_of_directory(path) if path.is_dir() else _of_archive(path))
    return _texts(raw, chart)


def _texts(raw: dict[str, bytes], label: str, needed: str = "Chart.yaml") -> dict[str, str]:
    if needed not in raw:
        raise Refused(f"{label}: holds no {needed}; name the directory of a chart, or its .tgz")
    found = {}
    for name, data in raw.items():
        try:
            found[name] = decoded(data)
        except UnicodeDecodeError as error:
            raise Refused(f"{label}: {name} is not UTF-8 ({error.reason}); save it as UTF-8") from error
    lines = (line.strip() for line in found.pop(IGNORES, "").splitlines())
    rules = [line for line in lines if line and not line.startswith("#")]
    return {name: text for name, text in found.items() if not _ignored(rules, name)}


def _ignored(rules: list[str], name: str) -> bool:
    """Whether Helm leaves a file out, or a directory around it (Helm's package ignore)."""
    parts = name.split("/")
    return any(_matched(rules, parts[:count], count < len(parts)) for count in range(1, len(parts) + 1))


def _matched(rules: list[str], parts: list[str], is_directory: bool) -> bool:
    for rule in rules:
        negated, pattern = rule.startswith("!"), rule.removeprefix("!")
        wanted, anchored = pattern.strip("/").split("/"), "/" in pattern.rstrip("/")
        known = parts if anchored else parts[-1:]
        fits = len(known) == len(wanted) and all(map(fnmatch.fnmatchcase, known, wanted))
        if (is_directory or not pattern.endswith("/")) and fits != negated:
            return True
    return False


def decoded(data: bytes) -> str:
    """A text without what its lines do not say: a byte order mark, which Helm skips too, and carriage returns."""
    return data.decode("utf-8-sig").replace("\r\n", "\n")


def lines(text: str) -> list[str]:
    """The lines of a text, each with its end, as `diff` and `patch` tell them."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def as_stored(before: str, after: str, data: bytes) -> tuple[str, str]:
    """A text and what it becomes, with the byte order mark and the line ends that its file has."""
    stored = data.decode()
    mark = "\ufeff" if stored.startswith("\ufeff") else ""
    own = lines(stored.removeprefix(mark))
    end = "\r\n" if own and own[0].endswith("\r\n") else "\n"
    texts, out = (lines(before), lines(after)), [mark]
    for what, a, b, c, d in difflib.SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
        out += own[a:b] if what == "equal" else [line.replace("\n", end) for line in texts[1][c:d]]
    return stored, "".join(out)


def _of_directory(path: Path) -> Iterator[tuple[str, bytes]]:
    size, count, inside = 0, 0, path.resolve()
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if _is_read(name) and file.is_file():
            if inside not in file.resolve().parents:
                raise Refused(f"{file}: is a link that leads out of the chart; put a file in its place")
            size, count = size + file.stat().st_size, count + 1
            _check(size, count, str(path))
            yield _named(name, str(path)), file.read_bytes()


def _of_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with gzip.open(path) as packed:
            data = packed.read(MOST_BYTES + 1)
        _check(len(data), 0, str(path))
        yield from _of_tar(data, str(path), True)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Refused(f"{path}: is no chart archive ({error}); name a directory or a .tgz") from error


def _of_tar(data: bytes, label: str, inside: bool) -> Iterator[tuple[str, bytes]]:
    """The files of a tar, which lie in one folder where it is a chart's archive."""
    count = 0
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for one in archive:
            name = _named(one.name, label)
            name = name.partition("/")[2] if inside else name
            if one.isfile() and _is_read(name):
                count += 1
                _check(0, count, label)
                yield name, archive.extractfile(one).read()


def _check(size: int, count: int, label: str) -> None:
    if size > MOST_BYTES or count > MOST_FILES:
        raise Refused(
            f"{label}: is larger than a chart, more than {MOST_BYTES // 1_000_000} MB or {MOST_FILES} files; name a chart"
        )


def _named(name: str, label: str) -> str:
    if not name.isprintable() or ".." in name.split("/") or name.startswith("/"):
        raise Refused(f"{label}: the file {short(name, 60)!r} has no name of a file in a chart; rename it")
    return name


def _is_read(name: str) -> bool:
    """Whether Helm reads a file when it renders, as far as its name says; the editor's leavings are left out."""
    hidden = any(part.startswith(".") for part in name.split("/") if part not in (".", ".."))
    read = re.fullmatch(r"(Chart|values)\.yaml|values\.schema\.json|(templates|crds|charts)/.*", name, re.S)
    return name == IGNORES or bool(read) and not hidden and not name.endswith(("~", ".orig", ".swp"))


# The versions of a checkout


def _git(directory: Path, *arguments: str) -> bytes:
    try:
        asked = ["git", "-C", str(directory), *arguments]
        done = subprocess.run(
            asked, capture_output=True, env={**os.environ, "LC_ALL": "C"}
        )  # whose words are looked at
    except FileNotFoundError as error:
        raise Refused("there is no git to read an older version with; install it, or name a directory") from error
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        if "not a git repository" in (told[-1] if told else ""):
            raise Refused(f"{directory}: is no git checkout, whose commits say what has changed; run this in one")
        raise Refused(f"{directory}: {short(told[-1] if told else 'git failed')}; name a commit of this checkout")
    return done.stdout


def _archived(directory: Path, revision: str, *paths: str) -> dict[str, bytes]:
    if revision.startswith("-"):
        raise Refused(f"{revision} is no commit; name one")
    data = _git(directory, "archive", "--format=tar", revision, "--", *paths)
    _check(len(data), 0, f"{directory} at {revision}")
    return dict(_of_tar(data, f"{directory} at {revision}", False))


def older_chart(since: str, chart: str) -> dict[str, str]:
    """The files of an older version: a directory, a .tgz, or a commit of the checkout that `chart` stands in."""
    if Path(since).exists():
        return chart_files(since)
    if since.startswith(("/", "./", "../")):
        raise Refused(f"{since}: there is no such directory and no such .tgz; check the path")
    if not Path(chart).is_dir():
        raise Refused(f"{since}: there is no such file, and {chart} is no checkout; name a directory or a .tgz")
    return _texts(_archived(Path(chart), since, "."), f"{chart} at {since}")


def pack_files() -> dict[str, str]:
    """The files of the pack that a chart has too, by their paths."""
    texts = {**{f"templates/{name}": source(name) for name in all_templates()}, SCHEMA: text(SCHEMA)}
    return {path: one.removeprefix("\ufeff") for path, one in texts.items()}


def checkout() -> Path:
    """The pack's checkout. Refused when the pack is installed and there is none."""
    if not (root() / "setup.cfg").is_file():
        raise Refused(f"{root()} is no checkout; run `python -m stageset_render.port` in one")
    return root()


def older_pack(revision: str) -> dict[str, str]:
    """The same of a commit of the pack's checkout."""
    return _texts(_archived(checkout(), revision, *PACK), revision, SCHEMA)


def pack_commits(most: int = 80) -> list[str]:
    """The commits that changed these files, the latest first."""
    return _git(checkout(), "log", f"-n{most}", "--format=%h", "--", *PACK).decode().split()
