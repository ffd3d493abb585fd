# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads the CustomResourceDefinitions of a release, from YAML files or from the chart's own templates."""

from __future__ import annotations

import functools
import gzip
import os
import re
import tarfile
import zlib
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

from stageset_render.findings import Finding, Place, Refused, short
from stageset_render.helm import functions
from stageset_render.helm.documents import BLANKS
from stageset_render.helm.go_syntax import Action, Comment, Const, Dot, Function, GoSyntaxError, Text, Variable, parse
from stageset_render.helm.reading import Document, decoded
from stageset_render.helm.values import named
from stageset_render.pack.names import check_file_name
from stageset_render.pack.release import Release

MAX_FILE = 5 * 2**20  # bytes of a file of definitions; an object of Kubernetes has at most one and a half
MAX_CHART = 100 * 2**20  # bytes that a chart may unpack to, as in Helm (MaxDecompressedChartSize)
MAX_MEMBERS = 10_000
YAML = (".yaml", ".yml")
UNUSABLE = "crds-unusable"
OWN = re.compile(r"crd-[^/]*\.yaml")  # of the chart's templates those that hold a definition
IN_CHART = re.compile(r"(\./)*[^/]+/templates")
CONDITION = ("Values", "crds", "create")
GO = re.compile(r"^\{\{-?[ \t\r\n]*if[ \t\r\n]", re.M)  # no line of a definition begins so
INDENTS = {Function("indent"): functions.indent, Function("nindent"): functions.nindent}
HELPERS_TAKEN = ("labels", "selectorLabels", "name", "namespace")
GZIP = b"\x1f\x8b"


class Definitions:
    """The definitions of a release, read once for as many releases as there are.

    Args:
        where: a directory of YAML files, one such file, or the chart, a directory or .tgz, for templates/crd-*.yaml.

    Raises:
        Refused: when there are none, or a file holds anything else.
    """

    def __init__(self, where: str):
        files = _files(where)
        self._own = {f"templates/{file.name}": _pieces(file) for file in files if file.own}
        self._others = {f"crds/{file.name}": _objects(file, file.text) for file in files if not file.own}
        self._made: dict[str, dict[str, str]] = {}

    def texts(self, release: Release) -> dict[str, str]:
        """The definitions that a release has, which may be turned off.

        Returns:
            path in the chart to text: `templates/FILE` for what the chart renders, as it renders it, and `crds/FILE`
            for what the pack makes of other files (`_crds.tpl`).
        """
        create = release.at("crds.create")
        if repr(create) not in self._made:
            made = {path: release.crds([(path, one) for one in objects]) for path, objects in self._others.items()}
            self._made[repr(create)] = {path: "---\n".join(text for _, text in pages) for path, pages in made.items()}
        own = {path: "".join(one.printed(release, create) for one in pieces) for path, pieces in self._own.items()}
        return {**own, **self._made[repr(create)]}


def is_definition(path: str) -> bool:
    """Whether a path in the chart is that of a definition."""
    return path.startswith(("crds/", "templates/crd-"))


class _File(NamedTuple):
    """A file of definitions.

    Attributes:
        name: its name.
        label: how messages name it.
        text: its text.
        own: whether it is a template of the chart.
    """

    name: str
    label: str
    text: str
    own: bool

    def refused(self, message: str, mend: str = "", line: int | None = None) -> Refused:
        return Refused(Finding((), message, mend, UNUSABLE, place=Place(self.label, line)))


def _objects(file: _File, text: str) -> list[dict]:
    """The objects in a text; Refused for any other than definitions with a name, and where there are none."""
    read = Document(text, file.label)
    objects = [(read.at(root.start_mark), read.value(root)) for root in read.roots]
    if read.problems:
        raise Refused(*read.problems)
    for place, one in objects:
        metadata = one.get("metadata") if isinstance(one, dict) else None
        has_name = isinstance(metadata, dict) and isinstance(metadata.get("name"), str)
        if one is not None and not (has_name and one.get("kind") == "CustomResourceDefinition"):
            raise file.refused("is no CustomResourceDefinition with a name", "leave it out", place.line)
    found = [one for _, one in objects if one is not None]
    if not found:
        raise file.refused("holds no CustomResourceDefinition", "leave it out")
    return found


# Files


def _files(where: str) -> list[_File]:
    """The files of definitions, by name."""
    whole = _File("", named(where), "", False)
    chart = os.path.isfile(os.path.join(where, "Chart.yaml"))
    try:
        if os.path.isdir(where):
            directory = os.path.join(where, "templates") if chart else where
            names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
            known = [name for name in names if (OWN.fullmatch(name) if chart else name.endswith(YAML))]
            found = [_in_a_directory(name, os.path.join(directory, name), chart) for name in known]
        else:
            with open(where, "rb") as stream:  # a pipe as well
                chart = stream.peek(2)[:2] == GZIP
                found = _packed(stream, where) if chart else [_alone(stream, where)]
    except (OSError, ValueError) as error:
        raise whole.refused(getattr(error, "strerror", None) or "it can't be read", "check the path") from None
    if not found:
        what = "the chart has no templates/crd-*.yaml" if chart else "holds no YAML file with a definition"
        raise whole.refused(what, "--crds takes the chart, or what holds its definitions")
    return found


def _in_a_directory(name: str, path: str, own: bool) -> _File:
    if not os.path.isfile(path):  # a pipe would be waited for
        raise Refused(Finding((), "is no file", "leave it out", UNUSABLE, place=Place(named(path))))
    with open(path, "rb") as stream:
        return _file(name, path, stream, own)


def _alone(stream: BinaryIO, path: str) -> _File:
    name = os.path.basename(path)
    return _file(name if name.endswith(YAML) else f"{name}.yaml", path, stream, False)


def _file(name: str, path: str, stream: BinaryIO, own: bool) -> _File:
    check_file_name(name)
    data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        message = f"it is larger than {MAX_FILE // 2**20} MiB, the most that is read of definitions"
        raise Refused(Finding((), message, rule=UNUSABLE, place=Place(named(path))))
    text = decoded(data, named(path))
    return _File(name, named(path), text, own or GO.search(text) is not None)


class _Bounded:
    """A stream that ends with an error where a chart would unpack to more than Helm takes."""

    def __init__(self, stream: BinaryIO):
        self.stream, self.left = stream, MAX_CHART

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise _TooLarge
        return data


class _TooLarge(Exception):
    pass


def _packed(stream: BinaryIO, path: str) -> list[_File]:
    """The definitions in a packed chart; nothing is unpacked."""
    found: dict[str, _File] = {}
    try:
        with gzip.GzipFile(fileobj=stream) as unzipped, tarfile.open(fileobj=_Bounded(unzipped), mode="r|") as archive:
            for number, member in enumerate(archive):
                if number >= MAX_MEMBERS:
                    raise _TooLarge
                directory, name = os.path.split(member.name)
                if OWN.fullmatch(name) and IN_CHART.fullmatch(directory) and member.isreg():
                    found[name] = _file(name, f"{path}/templates/{name}", archive.extractfile(member), True)
    except _TooLarge:
        message = f"the chart unpacks to more than {MAX_CHART // 2**20} MiB, or to more than {MAX_MEMBERS} files"
        raise Refused(Finding((), message, rule=UNUSABLE, place=Place(named(path)))) from None
    except (OSError, EOFError, tarfile.TarError, zlib.error, ValueError) as error:
        raise Refused(Finding((), f"is no packed chart: {error}", rule=UNUSABLE, place=Place(named(path)))) from None
    return [found[name] for name in sorted(found)]


# The chart's own templates


class _Piece(NamedTuple):
    """A part of a template: a text, or a helper of the pack; and whether crds.create must be on for it."""

    text: str
    helper: str = ""
    indents: tuple[tuple[Callable[[int, str], str], int], ...] = ()
    conditional: bool = False

    def printed(self, release: Release, create: bool) -> str:
        if self.conditional and not create:
            return ""
        text = release.helper(self.helper) if self.helper else self.text
        return functools.reduce(lambda inner, one: one[0](one[1], inner), self.indents, text)


def _pieces(file: _File) -> list[_Piece]:
    """A template that has a condition around a definition, and otherwise is YAML as it is."""
    try:
        parts = parse(file.text)
    except GoSyntaxError as error:
        raise file.refused(f"Go reads no template here: {error.message}", line=error.line) from None
    except RecursionError:
        raise file.refused("Go reads no template here: parentheses without end") from None
    lined, pieces, conditional = "", [], False
    for before, part, after in zip([None, *parts], parts, [*parts[1:], None]):
        if isinstance(part, Text):
            lined += part.text
            text = part.text.lstrip(BLANKS) if before and before.right else part.text
            pieces.append(_Piece(text.rstrip(BLANKS) if after and after.left else text, conditional=conditional))
        elif isinstance(part, Comment):
            lined += "\n" * part.text.count("\n")
        elif part.keyword == "if" and _is_condition(part) or part.keyword == "end":
            conditional = part.keyword == "if"
        else:
            pieces.append(_printed(part, file)._replace(conditional=conditional))
            lined += pieces[-1].text
    _objects(file, lined)  # which has the lines of the file
    return pieces


def _is_condition(action: Action) -> bool:
    """Whether an action asks for crds.create, and nothing else."""
    (command, *more) = action.pipe.commands
    asked = (Dot(CONDITION), Variable("", CONDITION))
    return not more and not action.variables and len(command.operands) == 1 and command.operands[0] in asked


def _printed(action: Action, file: _File) -> _Piece:
    """What an action prints that is a text in quotes, or a helper such as the labels, perhaps indented."""
    first, *filters = [command.operands for command in action.pipe.commands] if action.pipe else [()]
    indents = [(INDENTS.get(one[0]), getattr(one[-1], "value", None)) for one in filters if len(one) == 2]
    if not action.keyword and not action.variables and len(indents) == len(filters):
        known = all(function and type(width) is int and 0 <= width < 100 for function, width in indents)
        if known and len(first) == 1 and isinstance(first[0], Const) and first[0].kind == "string":
            return _Piece(first[0].value, indents=tuple(indents))
        if known and len(first) == 3 and first[0] == Function("include") and first[2] in (Dot(), Variable("")):
            name = str(getattr(first[1], "value", "")).removeprefix("stageset.")
            if name in HELPERS_TAKEN:
                return _Piece("", name, tuple(indents))
    message = f"`{short(action.source, 60)}` is more than a condition on crds.create around a definition"
    raise file.refused(message, "give a directory with the definitions themselves", action.line)
