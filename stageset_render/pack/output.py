# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads CustomResourceDefinitions, checks manifests with yamllint, and writes them into a directory."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from stageset_render.helm.documents import documents
from stageset_render.helm.reading import load_yaml
from stageset_render.problems import Refused


def read_crds(directory: Path) -> list[tuple[str, dict]]:
    """The CustomResourceDefinitions in a directory's YAML files.

    Returns:
        (file name, object) pairs, by file name.

    Raises:
        Refused: when there are none, or a file holds anything else.
    """
    if not directory.is_dir():
        raise Refused(f"{directory}: is no directory; --crds takes the one that holds the definitions")
    found = []
    for path in sorted(path for path in directory.iterdir() if path.suffix in (".yaml", ".yml")):
        try:
            parts = documents(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise Refused(f"{path}: is not UTF-8; save it as UTF-8") from error
        for definition in [load_yaml(part, str(path)) for part in parts] or [{}]:
            metadata = definition.get("metadata")
            named = isinstance(metadata, dict) and isinstance(metadata.get("name"), str)
            if definition.get("kind") != "CustomResourceDefinition" or not named:
                raise Refused(f"{path}: is no CustomResourceDefinition with a name; remove it from the directory")
            found.append((path.name, definition))
    if not found:
        raise Refused(f"{directory}: holds no YAML file with a CustomResourceDefinition")
    return found


def lint(text: str, rules: str) -> None:
    """Run yamllint over manifests.

    Args:
        text: the manifests.
        rules: the text of a .yamllint.

    Raises:
        Refused: with everything that yamllint finds.
    """
    from yamllint import config, linter  # only --lint pays for it

    found = list(linter.run(text, config.YamlLintConfig(rules)))
    if found:
        raise Refused(*(f"output:{one.line}:{one.column}: {one.message}" for one in found))


def stale(directory: Path, files: set[str]) -> list[Path]:
    """Those of `files` that an earlier run left below a directory; `kubectl apply -R` would still apply them."""
    return [directory / file for file in sorted(files) if (directory / file).is_file()]


def write(pages: list[tuple[str, str]], directory: Path) -> None:
    """Write pages into a directory, all or none: each file is completed under another name before any takes its place.

    Args:
        pages: (path below the directory, text) pairs; texts of one path follow one another in its file.
        directory: made when it is missing; its other files stay.

    Raises:
        OSError: when a file can't be written. Nothing has changed then, unless the file system fails between two
            renames.
    """
    texts: dict[Path, str] = {}
    for file, text in pages:
        texts[directory / file] = texts.get(directory / file, "") + text
    ready: dict[Path, str] = {}
    try:
        for path in texts:
            if path.is_dir() and not path.is_symlink():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, ready[path] = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
            with open(handle, "wb") as file:
                file.write(text.encode())
            os.chmod(ready[path], 0o666 & ~_umask())
        for path in texts:
            os.replace(ready.pop(path), path)
    finally:
        for name in ready.values():
            os.unlink(name)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
