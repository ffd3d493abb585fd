# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Compares a chart with the pack: their templates, defaults and schemas."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from stageset_render.findings import Finding, Place, Refused, dotted
from stageset_render.helm.go_syntax import GoSyntaxError
from stageset_render.helm.reading import load_yaml
from stageset_render.pack.definitions import is_definition
from stageset_render.pack.files import DEFAULTS, SCHEMA
from stageset_render.pack.release import schema
from stageset_render.port import versions
from stageset_render.port.chart import ported, schema_file
from stageset_render.port.diff.differences import ABSENT, Difference, compared
from stageset_render.port.diff.schemas import bounds
from stageset_render.port.diff.sides import Chart, pack_files
from stageset_render.port.language.align import Alignment, Body, Paired, aligned, equal
from stageset_render.port.language.outline import Item, Side, flat
from stageset_render.port.language.types import of_pack, of_values
from stageset_render.port.sources import TESTS

OF_PACK = {"values.yaml": f"templates/{DEFAULTS}", "Chart.yaml": versions.ABOUT}
PAIRED = re.compile(r"(?<=\w)~[0-9]+\b")  # what a variable's name ends in where the other side has another for it


def structure(chart: Chart) -> tuple[list[Difference], list[Finding]]:
    """The files that one side lacks, and the lines, defaults and bounds that differ; definitions are left out.

    Returns:
        The differences, and what keeps the chart's files from being read.
    """
    theirs, ours, found, failures = chart.files, pack_files(), [], []
    changed = {file for file in {*theirs} & {*ours} if _is_template(file) and theirs[file] != _ported(file, ours[file])}
    both = _version(theirs, changed), versions.Pack(ours, values=of_pack())
    for file in sorted({*theirs, *ours}):
        if (
            is_definition(file)
            or file.startswith(TESTS)
            or file not in ours
            and _is_template(file)
            and _is_empty(theirs[file])
        ):
            continue
        if file not in ours or file not in theirs:
            sides = (ABSENT if file not in side else "present" for side in (theirs, ours))
            found.append(Difference("structure", file, "file", "", *sides))
            continue
        line = None
        try:
            if not _is_template(file):
                found += _file_differences(file, theirs[file], ours[file])
            elif file in changed:
                found += line_differences(*both, Path(file).name)
            continue
        except Refused as refused:
            failures += [_in_chart(one, chart.label(file)) for one in refused.problems]
            continue
        except GoSyntaxError as error:
            message, line = error.message, error.line
        except RecursionError:
            message = "it is nested too deep"
        except json.JSONDecodeError as error:
            message, line = f"is no JSON: {error.msg}", error.lineno
        except ValueError as error:
            message = str(error)
        failures.append(Finding((), message, place=Place(chart.label(file), line)))
    return found, failures


_own_schema = functools.cache(schema_file)


def _is_template(file: str) -> bool:
    return file.startswith("templates/") and file != "templates/NOTES.txt"


def _is_empty(text: str) -> bool:
    try:
        return versions.Chart({"templates/it.yaml": text}, values={}).says_nothing("it.yaml")
    except (Refused, RecursionError):
        return False


def _ported(file: str, source: str) -> str:
    return ported(Path(file).name, source)


def _version(files: dict[str, str], changed: set[str]) -> versions.Chart:
    """The chart's templates, read with what its own values are known to be where they can be read.

    Where no helper has changed, those are enough that have: who calls a helper tells what it is given.
    """
    if not any(Path(file).name.startswith("_") for file in changed):
        kept = {file for file in files if not _is_template(file) or Path(file).name.startswith("_")} | changed
        files = {file: text for file, text in files.items() if file in kept}
    try:
        known = of_values(load_yaml(files.get("values.yaml", ""), "values.yaml") or {}, schema().root)
    except Refused:  # which the comparison tells
        known = of_pack()
    return versions.Chart(files, values=known)


def _in_chart(problem: Finding, label: str) -> Finding:
    return problem._replace(place=problem.place._replace(file=label)) if problem.place else problem


def _file_differences(file: str, theirs: str, ours: str) -> Iterator[Difference]:
    if file == "Chart.yaml":  # what labels name
        read = [load_yaml(text, file) for text in (theirs, ours)]
        pair = ({key: str(one.get(key) or "") for key in ("name", "version", "appVersion")} for one in read)
        yield from _defaults(file, compared(*pair), (theirs, ours))
    elif file == "values.yaml":
        pair = (numbered(load_yaml(text, file) or {}) for text in (theirs, ours))
        yield from _defaults(file, compared(*pair), (theirs, ours))
    elif file == "values.schema.json":
        if theirs == (own := _own_schema()):
            return
        yield from (difference for _, difference in bound_differences(json.loads(theirs), json.loads(own)))


def bound_differences(theirs: dict, ours: dict) -> list[tuple[tuple[str, ...], Difference]]:
    """What two schemas say otherwise, each with its path. ValueError for what is no schema."""
    try:
        found = [*bounds(theirs, ours, ABSENT)]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"is no JSON schema ({error})") from error
    named = [".".join(dotted((step,)) for step in path) for _, path, *_ in found]
    return [
        (path, Difference("schema", SCHEMA, what, name, *sides)) for (what, path, *sides), name in zip(found, named)
    ]


def numbered(value: Any) -> Any:
    """Values in which 1.0 is 1, as Go prints it."""
    if isinstance(value, dict):
        return {key: numbered(one) for key, one in value.items()}
    if isinstance(value, list):
        return [numbered(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _defaults(file: str, found: Iterator[tuple], texts: tuple[str, str]) -> Iterator[Difference]:
    """Defaults that differ, with the line of either side; where one has none, that of the map or list around it."""
    names, lines = (
        (file, OF_PACK[file]),
        [dict(_written(yaml.compose(text, yaml.CSafeLoader), "", set())) for text in texts],
    )
    for _, path, *sides in found:
        known = (next((side[one] for one in _around(path) if one in side), 1) for side in lines)
        theirs, ours = (f"{name}:{line}" for name, line in zip(names, known))
        ours = names[1] if names[1] == versions.ABOUT else ours  # which is no YAML
        yield Difference("defaults", file, "default", path, *sides, places=(theirs, ours))


def _around(path: str) -> Iterator[str]:
    """A path, and those of what is around it."""
    yield path
    while match := re.match(r"(.*)[.\[]", path):
        path = match[1]
        yield path


def _written(node: yaml.Node | None, path: str, seen: set) -> Iterator[tuple[str, int]]:
    """The line of each key and item below a node."""
    if id(node) in seen:
        return  # an alias
    seen.add(id(node))
    for at, child in enumerate(node.value if isinstance(node, yaml.CollectionNode) else ()):
        key, inner = child if isinstance(node, yaml.MappingNode) else (child, child)
        below = (
            f"{path}[{at}]"
            if key is inner
            else f"{path}.{dotted((str(key.value),))}"
            if path
            else dotted((str(key.value),))
        )
        yield below, key.start_mark.line + 1
        yield from _written(inner, below, seen)


def line_differences(
    theirs: versions.Version, ours: versions.Version, name: str, other: str = ""
) -> Iterator[Difference]:
    """The lines that differ between two versions of a template, which the second may call by another name.

    There is one difference for each run of them; `expected` and `got` are (line number, what the line says) pairs; see outline.
    """
    trees = (theirs.tree_as(ours, name), theirs), (ours.tree_as(ours, other or name), ours)
    sides = [Side(tree, one.values, worded=False) for tree, one in trees]
    _, _, found, _ = aligned(lambda at, shared: sides[at].outline(False, shared))
    for pairs in _runs(found, found.top):
        lines = [[(line, PAIRED.sub("", text)) for line, text in _said(pairs, side)] for side in (0, 1)]
        path = " | ".join(text.strip() for run in lines for _, text in run)
        yield Difference("structure", f"templates/{name}", "lines", path, *(run or ABSENT for run in lines))


class _Head(NamedTuple):
    """The line of a branch, such as `if`, which may differ where what it holds does not."""

    key: str
    line: int


def _runs(found: Alignment, body: Body) -> Iterator[list[tuple]]:
    """The pairs that differ, run by run; of two blocks that are one, what differs in them."""
    run: list[tuple] = []
    for pair in body.pairs:
        left, right = pair
        if not equal(pair) and not (left and right and left in found.blocks):
            run += [pair] if any(item and not item.free for item in pair) else []
            continue
        if run:
            yield run
            run = []
        if not equal(pair):
            yield from _inside(found, found.blocks[left])
    if run:
        yield run


def _inside(found: Alignment, block: Paired) -> Iterator[list[tuple]]:
    """The pairs that differ in two blocks; branches that one side alone has are one run."""
    alone: list[tuple] = []
    for keys, body in zip(block.headers, block.bodies):
        heads = tuple(branch and _Head(key, branch.tag.line) for key, branch in zip(keys, (body.one, body.other)))
        if None in heads:
            alone += [heads, *body.pairs]
            continue
        if alone:
            yield alone
            alone = []
        if keys[0] != keys[1]:
            yield [heads]
        yield from _runs(found, body)
    if alone:
        yield alone


def _said(pairs: list[tuple], side: int) -> Iterator[tuple[int, str]]:
    """What one side says in a run, line by line."""
    for pair in pairs:
        item, other = pair[side], pair[1 - side]
        if isinstance(item, _Head):
            yield item.line, item.key
        elif item and item.kind == "block":
            yield from ((line, text) for text, line, _ in flat([item]))
        elif item and not item.free:
            yield _differs_at(item, other.key if other else ""), item.key


def _differs_at(item: Item, other: str) -> int:
    """The number of the line in which an item, which may be laid out on several, begins to differ."""
    same = next((at for at, pair in enumerate(zip(item.key, other)) if pair[0] != pair[1]), len(other))
    return max([number for begun, number in item.marks if begun <= same] or [item.line])
