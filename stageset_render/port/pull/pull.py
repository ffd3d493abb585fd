# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Takes a chart over into the pack: its templates as Jinja, its defaults, and stubs for the schema."""

from __future__ import annotations

import difflib
import fnmatch
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jinja2
from jinja2 import nodes

from stageset_render.findings import Refused
from stageset_render.helm.go_syntax import GoSyntaxError, Part, parse
from stageset_render.helm.reading import load_yaml
from stageset_render.pack.environment import environment
from stageset_render.pack.files import DEFAULTS, SCHEMA, all_templates, root, source, text
from stageset_render.pack.output import write
from stageset_render.port.deliberate import entries
from stageset_render.port.pull import known, pulled_values
from stageset_render.port.pull.jinja import Template
from stageset_render.port.pull.named import NamedTemplates
from stageset_render.port.pull.own_form import imports, kept
from stageset_render.port.to_helm.expressions import macros

FOLDER = "templates/"
ROUNDS = 20
NEAR = 2  # lines


class Change(NamedTuple):
    """A file of the pack, by its path, and what becomes of it."""

    path: str
    before: str
    after: str


# From Go to Jinja


def _parts(go: dict[str, str], problems: list[tuple[str, int, str]]) -> dict[str, list[Part]]:
    found = {}
    for file, template in go.items():
        try:
            found[file] = parse(template)
        except GoSyntaxError as error:
            problems.append((file, error.line, f"{error.message}; Go doesn't parse this"))
    return found


@functools.cache
def _of_pack() -> tuple[dict[str, dict[str, list[str]]], dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Of the pack's templates: the macros of partials, what each file imports, and how it names what it loops over."""
    partials, imported, loops = {}, {}, {}
    for file in all_templates():
        if file == DEFAULTS:
            continue
        tree = source(file)
        imported[file] = imports(tree)
        if file.startswith("_"):
            partials[file] = macros(tree)
        loops[file] = {}
        for loop in environment().parse(tree).find_all(nodes.For):
            if isinstance(loop.target, nodes.Name):
                loops[file].setdefault(_path(loop.iter), loop.target.name)
    return partials, imported, loops


def _path(node: nodes.Node) -> str:
    if isinstance(node, nodes.Getattr):
        return f"{_path(node.node)}.{node.attr}"
    return node.name if isinstance(node, nodes.Name) else ""


def jinja(go: dict[str, str], schema: dict, wanted: list[str], alone: str = "", quotes: bool = False) -> dict[str, str]:
    """Translate Go templates into Jinja.

    Args:
        go: file to Go template; they may include one another's named templates, and the macros of the pack.
        schema: what is known of the values; see known.of_values.
        wanted: the files to translate; the others say what their named templates are called.
        alone: for one file that is no file of the pack, how errors call it.
        quotes: whether a helper that is a whole value keeps its quotes, which the pack gives it by itself.

    Returns:
        File to Jinja template, for the files wanted.

    Raises:
        Refused: with all that has no exact Jinja form, as `templates/FILE:LINE: what it is; what to write instead`.
    """
    problems = []
    parts = _parts(go, problems)
    pack, imported, loops = _of_pack()
    aliases = {file: name for names in imported.values() for file, name in names.items()}
    named = NamedTemplates(parts, pack, aliases)
    for _ in range(ROUNDS):  # an include says what the dot of a template is, and so of what that includes
        found = {
            file: Template(file, found, named, schema, loops.get(file, {}), imported.get(file, {}))
            for file, found in parts.items()
        }
        if not named.finish():
            break
    problems += named.problems + [(file, *problem) for file in found for problem in found[file].problems]
    problems = [problem for problem in problems if problem[0] in wanted]
    texts = {}
    for file in wanted:
        if file in found and not found[file].problems:
            own = source(file) if file in imported and not alone else ""
            new = found[file].text
            texts[file] = kept(own, new, found[file].imports)
            try:
                environment().parse(texts[file])
            except jinja2.TemplateSyntaxError as error:
                problems.append((file, error.lineno, f"{error.message}; Jinja can't read this, so name it otherwise"))
    if problems:
        raise Refused(*(f"{alone or FOLDER + file}:{line}: {message}" for file, line, message in sorted(problems)))
    return texts


def one(name: str, go: str, beside: dict[str, str]) -> str:
    """Translate one Go template, which may be a file of the chart or not.

    Args:
        name: a path, or - for standard input; one that begins with an underline is a partial.
        go: its text.
        beside: the files of the chart around it, if there is one.

    Raises:
        Refused: see `jinja`.
    """
    file = Path(name).name
    if file == "-" and re.search(r"\{\{-?\s*define\b", go):
        file = "_-"
    return jinja({**_templates(beside), file: go}, _known(beside), [file], name)[file]


def around(path: Path) -> Path | None:
    """The chart whose template a file is, if it is one."""
    chart = path.resolve().parent.parent
    return chart if path.resolve().parent.name == "templates" and (chart / "Chart.yaml").is_file() else None


# A chart


def _templates(chart: dict[str, str]) -> dict[str, str]:
    """The Go templates of a chart by name; of the notes that the pack has written, what is its own."""
    found = {path.removeprefix(FOLDER): text for path, text in chart.items() if path.startswith(FOLDER)}
    strange = [name for name in found if "/" in name]
    if strange:
        raise Refused(*(f"{FOLDER}{name}: the pack's templates lie in one folder; move it there" for name in strange))
    return found


def _values(chart: dict[str, str]) -> dict:
    return load_yaml(chart.get("values.yaml", ""), "values.yaml") or {}


def _known(chart: dict[str, str]) -> dict:
    schemas = [json.loads(chart[SCHEMA])] if SCHEMA in chart else []
    return known.of_values(_values(chart), *schemas, json.loads(text(SCHEMA)))


def changes(chart: dict[str, str], only: str | None = None) -> list[Change]:
    """What becomes of the pack's files when a chart is taken over. Files that only the pack has stay as they are.

    Args:
        chart: the files of the chart by path.
        only: the one template to take over, by its name.

    Returns:
        The files that change, in the order of their paths.

    Raises:
        Refused: with all that has no exact Jinja form.
    """
    go = _templates(chart)
    after = {FOLDER + name: text for name, text in jinja(go, _known(chart), [only] if only else list(go)).items()}
    if not only and "values.yaml" in chart:
        after[FOLDER + DEFAULTS] = pulled_values.defaults(_values(chart), source(DEFAULTS))
        after[SCHEMA] = pulled_values.schema(_values(chart), text(SCHEMA))
    before = {path: text(path) if (root() / path).is_file() else "" for path in after}
    return [Change(path, before[path], after[path]) for path in sorted(after) if before[path] != after[path]]


def save(found: list[Change]) -> None:
    """Write the changes into the checkout, all or none. Refused when the pack is installed and there is no checkout."""
    if not (root() / "setup.cfg").is_file():
        raise Refused(f"{root()} is no checkout; run `python -m stageset_render.port pull` in one")
    write([(change.path, change.after) for change in found], root())


# What is shown


def as_text(found: list[Change]) -> str:
    """The changes as a unified diff; a hunk that undoes what differs on purpose says why it does."""
    return "".join(line for change in found for line in _diff(change, entries()))


def _diff(change: Change, deliberate: list[dict]) -> Iterator[str]:
    lines = [text.splitlines(keepends=True) for text in (change.before, change.after)]
    names = [change.path if text else "/dev/null" for text in (change.before, change.after)]
    hunk: list[str] = []
    for line in [*difflib.unified_diff(*lines, *names), "@@"]:
        if hunk and line.startswith("@@"):
            reasons = [entry["reason"] for entry in deliberate if _undoes(entry, change, hunk)]
            if reasons and hunk[0].startswith("@@"):
                hunk[0] = f"{hunk[0].rstrip()} deliberate: {'; '.join(dict.fromkeys(reasons))}\n"
            yield from (part if part.endswith("\n") else f"{part}\n\\ No newline at end of file\n" for part in hunk)
            hunk = []
        hunk.append(line)


def _undoes(entry: dict, change: Change, hunk: list[str]) -> bool:
    """Whether a hunk takes away what an entry of deliberate.yaml is about: on its lines, or on those next to them."""
    gone = [at for at, line in enumerate(hunk) if at and line.startswith("-")]
    removed = [
        line[1:].rstrip("\n") for at, line in enumerate(hunk) if at and any(abs(at - one) <= NEAR for one in gone)
    ]
    path = str(entry.get("pulled", entry.get("path", "*")))
    if not removed or entry["level"] == "schema" or entry.get("what") in ("file", "order"):
        return False
    if entry["level"] == "objects":
        kind, key = entry["where"].split()[0], re.split(r"[.\[*]", path)[-1]
        return f"kind: {kind}\n" in change.before and any(re.search(rf"\b{re.escape(key)}:", line) for line in removed)
    return fnmatch.fnmatch(change.path, entry["where"]) and any(fnmatch.fnmatch(line, path) for line in removed)
