# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Compares a chart with the pack: their structure, defaults and schemas, and the objects that they render."""

from __future__ import annotations

import difflib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from stageset_render.findings import Refused, dotted
from stageset_render.helm.go_syntax import GoSyntaxError
from stageset_render.helm.reading import load_yaml
from stageset_render.port.chart import ported, schema_file
from stageset_render.port.diff.outline import Outline, squeezed
from stageset_render.port.diff.schemas import bounds
from stageset_render.port.diff.sides import chart_files, pack_files


class Absent:
    """What the side has that has nothing."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT = Absent()


class Difference(NamedTuple):
    """One difference. `expected` is the chart's, `got` the pack's; ABSENT on the side that has nothing."""

    level: str  # objects, structure, defaults or schema
    where: str  # a file, or an object as KIND NAMESPACE/NAME
    what: str  # object, field, order, layout; file, lines; default; bound, more
    path: str
    expected: Any
    got: Any
    seen: tuple[str, ...] = ()  # the names of cases
    places: tuple[str, ...] = ()  # the template and line that print a field, of the chart and of the pack
    reason: str = ""  # why it is deliberate


def structure(chart: str) -> tuple[list[Difference], list[str]]:
    """The files that one side lacks, and the lines, defaults and bounds that differ.

    Returns:
        The differences, and a sentence for each of the chart's files that can't be read.
    """
    theirs, ours, found, failures = chart_files(chart), pack_files(), [], []
    for file in sorted({*theirs, *ours}):
        if file not in ours or file not in theirs:
            sides = (ABSENT if file not in side else "present" for side in (theirs, ours))
            found.append(Difference("structure", file, "file", "", *sides))
            continue
        try:
            found += _file_differences(file, theirs[file], ours[file])
        except GoSyntaxError as error:
            failures.append(f"the chart fails: {file}:{error.line}: {error.message}")
        except (Refused, ValueError, yaml.YAMLError) as error:
            failures.append(f"the chart fails: {file}: {error}")
    return found, failures


def _file_differences(file: str, theirs: str, ours: str) -> Iterator[Difference]:
    if file == "values.yaml":
        pair = (load_yaml(text, file) or {} for text in (theirs, ours))
        yield from (Difference("defaults", file, "default", *one[1:]) for one in compared(*pair))
    elif file == "values.schema.json":
        pair = (json.loads(theirs), json.loads(schema_file()))
        try:
            yield from [Difference("schema", file, *one) for one in bounds(*pair, ABSENT)]
        except (AttributeError, TypeError) as error:
            raise ValueError(f"is no JSON schema ({error})") from error
    elif file.startswith("templates/") and file != "templates/NOTES.txt":
        yield from line_differences(file, theirs, ported(Path(file).name, ours))


def line_differences(file: str, theirs: str, ours: str) -> Iterator[Difference]:
    """The lines that differ between two templates in Go, one difference for each run of them.

    `expected` and `got` are (line number, neutral text) pairs; see outline.
    """
    if theirs == ours:
        return
    sides = [Outline(text).lines for text in (theirs, ours)]
    matcher = difflib.SequenceMatcher(None, *([line.text for line in side] for side in sides), autojunk=False)
    for what, a, b, c, d in matcher.get_opcodes():
        if what != "equal":
            pairs = list(itertools.zip_longest(sides[0][a:b], sides[1][c:d]))
            runs = [
                [(line.at(other.text if other else ""), line.text) for line, other in ordered if line]
                for ordered in (pairs, [pair[::-1] for pair in pairs])
            ]
            path = " | ".join(text.strip() for run in runs for _, text in run)
            yield Difference("structure", file, "lines", path, *(run or ABSENT for run in runs))


def compared(expected: Any, got: Any, path: str = "") -> Iterator[tuple[str, str, Any, Any]]:
    """The differences of two values, path by path: (what, path, expected, got).

    `what` is field, order, or layout for texts that differ only in white space which parts no words.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in sorted({*expected, *got}, key=str):
            below = dotted((str(key),))
            pair = expected.get(key, ABSENT), got.get(key, ABSENT)
            yield from compared(*pair, f"{path}.{below}" if path else below)
    elif isinstance(expected, list) and isinstance(got, list):
        yield from _compared_lists(expected, got, path)
    elif type(expected) is not type(got) or expected != got:
        texts = isinstance(expected, str) and isinstance(got, str)
        alike = texts and squeezed(expected.strip()) == squeezed(got.strip())
        yield "layout" if alike else "field", path, expected, got


def _compared_lists(expected: list, got: list, path: str) -> Iterator[tuple[str, str, Any, Any]]:
    plain = [[_unordered(item) for item in side] for side in (expected, got)]
    if plain[0] != plain[1] and sorted(plain[0]) == sorted(plain[1]):
        yield "order", path, expected, got
        return
    names = [_names(side) for side in (expected, got)]
    if all(names):
        shared = [[name for name in side if name in other] for side, other in (names, names[::-1])]
        if shared[0] != shared[1]:
            yield "order", path, *names
        for name in dict.fromkeys([*names[0], *names[1]]):
            pair = (side[own.index(name)] if name in own else ABSENT for side, own in zip((expected, got), names))
            yield from compared(*pair, f"{path}[{name}]")
    else:
        for _, a, b, c, d in difflib.SequenceMatcher(None, *plain, autojunk=False).get_opcodes():
            for one, other in itertools.zip_longest(range(a, b), range(c, d)):
                pair = (ABSENT if at is None else side[at] for at, side in ((one, expected), (other, got)))
                yield from compared(*pair, f"{path}[{other if one is None else one}]")


def _names(items: list) -> list[str]:
    """The names of a list of named items, such as containers; none when one has no name or two have the same."""
    found = [item.get("name") if isinstance(item, dict) else None for item in items]
    return found if all(isinstance(name, str) for name in found) and len({*found}) == len(found) else []


def _unordered(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",".join(sorted(map(_unordered, value))) + "]"
    if isinstance(value, dict):
        return json.dumps({str(key): _unordered(item) for key, item in value.items()}, sort_keys=True)
    return json.dumps(value, default=repr)


def object_differences(expected: dict[str, list], got: dict[str, list]) -> Iterator[Difference]:
    """Compare two sides of `objects`; two of one name are compared in the order in which they stand."""
    for where in sorted({*expected, *got}):
        pairs = itertools.zip_longest(expected.get(where, []), got.get(where, []), fillvalue=("", ABSENT))
        for (file, theirs), (our_file, ours) in pairs:
            places = tuple(filter(None, (file, our_file)))
            if theirs is ABSENT or ours is ABSENT:
                sides = (ABSENT if side is ABSENT else "present" for side in (theirs, ours))
                yield Difference("objects", where, "object", "", *sides, places=places)
            else:
                yield from (Difference("objects", where, *one, places=places) for one in compared(theirs, ours))
