# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads CustomResourceDefinitions, checks manifests with yamllint, and writes them into a directory."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from stageset_render.helm.documents import documents
from stageset_render.helm.reading import load_yaml
from stageset_render.helm.values import named as shown
from stageset_render.problems import Refused


def read_crds(directory: Path) -> list[tuple[str, dict]]:
    """The CustomResourceDefinitions in a directory's YAML files.

    Returns:
        (file name, object) pairs, by file name.

    Raises:
        Refused: when there are none, or a file holds anything else.
    """
    if not directory.is_dir():
        raise Refused(f"{shown(str(directory))}: is no directory; --crds takes the one that holds the definitions")
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
        raise Refused(f"{shown(str(directory))}: holds no YAML file with a CustomResourceDefinition")
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

    text = re.sub(r"^( *(?:- )?[\w-]+:) $", r"\1", text, flags=re.M)  # what a value that is null leaves behind
    found = list(linter.run(text, config.YamlLintConfig(rules)))
    if found:
        raise Refused(*(f"output:{one.line}:{one.column}: {one.message}" for one in found))


def stale(directory: str, files: set[str]) -> list[str]:
    """Those of `files` that an earlier run left below a directory; `kubectl apply -R` would still apply them."""
    there = {parent: _names(os.path.join(directory, parent)) for parent in {os.path.dirname(file) for file in files}}
    left = [file for file in sorted(files) if os.path.basename(file) in there[os.path.dirname(file)]]
    return [path for path in (os.path.join(directory, file) for file in left) if os.path.isfile(path)]


def _names(directory: str) -> set[str]:
    try:
        return set(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return set()


def write(pages: list[tuple[str, str]], directory: str) -> None:
    """Write pages into a directory, all or none: each file is completed under another name before any takes its place.

    Args:
        pages: (path below the directory, text) pairs; texts of one path follow one another in its file.
        directory: made when it is missing; its other files stay.

    Raises:
        OSError: when a file can't be written. Nothing has changed then, unless the file system fails between two
            renames.
    """
    staged = Staged()
    try:
        staged.add(pages, directory)
        staged.commit()
    finally:
        staged.discard()


class Staged:
    """Files that are complete, each beside its place under a name that begins with a dot, until all take their places.

    Which they are is read from the directories, so that ten thousand of those take no more memory than one.
    """

    def __init__(self) -> None:
        self._mark = f".{os.getpid()}.new"
        self._places: list[tuple[str, bool]] = []  # directories that hold all of them, and whether each was made here

    def add(self, pages: list[tuple[str, str]], directory: str) -> None:
        """Complete the files of a directory; arguments and errors as for `write`."""
        texts: dict[str, list[str]] = {}
        for file, text in pages:
            texts.setdefault(os.path.join(directory, file), []).append(text)
        place = above = os.path.realpath(directory)  # .. behind a link is not what the path's text says
        made = not os.path.lexists(place)
        while not os.path.lexists(above):
            place, above = above, os.path.dirname(above)
        for path in () if made else texts:
            if os.path.isdir(path) and not os.path.islink(path):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        last, new = self._places[-1] if self._places else ("", False)
        if not (new and place.startswith(last + os.sep)):
            self._places.append((place, made))
        for parent in dict.fromkeys(map(os.path.dirname, texts)):
            os.makedirs(parent, exist_ok=True)
            if os.path.islink(parent):
                self._places.append((os.path.realpath(parent), False))
        for path, parts in texts.items():
            with open(self._other(path), "xb") as file:
                file.write("".join(parts).encode())

    def commit(self) -> None:
        """Put all files into their places."""
        for place, _ in self._places:
            for staged, path in self._files(place):
                os.replace(staged, path)
        self._places = []

    def discard(self) -> None:
        """Remove what has not taken its place, and the directories made for it."""
        for place, made in self._places:
            if made:
                shutil.rmtree(place, ignore_errors=True)
            else:
                for staged, _ in self._files(place):
                    os.unlink(staged)

    def _other(self, path: str) -> str:
        parent, name = os.path.split(path)
        return os.path.join(parent, f".{name}{self._mark}")

    def _files(self, directory: str) -> Iterator[tuple[str, str]]:
        for parent, _, names in os.walk(directory):
            for name in names:
                if name.startswith(".") and name.endswith(self._mark):
                    yield os.path.join(parent, name), os.path.join(parent, name[1 : -len(self._mark)])
