# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Compares a chart with the pack: their templates, defaults and schemas."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from stageset_render.findings import Finding, Place, Refused
from stageset_render.helm.reading import load_yaml
from stageset_render.pack.definitions import is_definition
from stageset_render.port import versions
from stageset_render.port.align import Alignment, Body, aligned, equal
from stageset_render.port.chart import ported, schema_file
from stageset_render.port.diff.differences import ABSENT, Difference, compared
from stageset_render.port.diff.schemas import bounds
from stageset_render.port.diff.sides import Chart, pack_files
from stageset_render.port.outline import Header, Outline, flat
from stageset_render.port.tree import Tree


def structure(chart: Chart) -> tuple[list[Difference], list[Finding]]:
    """The files that one side lacks, and the lines, defaults and bounds that differ; definitions are left out.

    Returns:
        The differences, and what keeps the chart's files from being read.
    """
    theirs, ours, found, failures, sides = chart.files, pack_files(), [], [], None
    for file in sorted({*theirs, *ours}):
        if is_definition(file):
            continue
        if file not in ours or file not in theirs:
            present = (ABSENT if file not in side else "present" for side in (theirs, ours))
            found.append(Difference("structure", file, "file", "", *present))
            continue
        line = None
        try:
            if file.startswith("templates/"):
                if file != "templates/NOTES.txt" and theirs[file] != ported(Path(file).name, ours[file]):
                    sides = sides or versions.sides(theirs)
                    found += line_differences(file, *(side.tree(Path(file).name) for side in sides), sides[0].values)
            else:
                found += _file_differences(file, theirs[file], ours[file])
            continue
        except Refused as refused:
            failures += [_in_chart(one, chart.label(file)) for one in refused.problems]
            continue
        except RecursionError:
            message = "it is nested too deep"
        except json.JSONDecodeError as error:
            message, line = f"is no JSON: {error.msg}", error.lineno
        except ValueError as error:
            message = str(error)
        failures.append(Finding((), message, place=Place(chart.label(file), line)))
    return found, failures


_own_schema = functools.cache(schema_file)


def _in_chart(problem: Finding, label: str) -> Finding:
    return problem._replace(place=problem.place._replace(file=label)) if problem.place else problem


def _file_differences(file: str, theirs: str, ours: str) -> Iterator[Difference]:
    if file == "values.yaml":
        pair = (load_yaml(text, file) or {} for text in (theirs, ours))
        yield from (Difference("defaults", file, "default", *one[1:]) for one in compared(*pair))
    elif file == "values.schema.json":
        if theirs == (own := _own_schema()):
            return
        pair = (json.loads(theirs), json.loads(own))
        try:
            yield from [Difference("schema", file, *one) for one in bounds(*pair, ABSENT)]
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"is no JSON schema ({error})") from error


def line_differences(file: str, theirs: Tree, ours: Tree, values: dict) -> Iterator[Difference]:
    """What differs between two templates, one difference for each run of lines; two that mean the same have none.

    `expected` and `got` are (line number, what is said) pairs; see port/outline.py.
    """
    trees = theirs, ours
    found = aligned(lambda side, shared: Outline(trees[side], values, shared=shared, worded=False))[2]
    for run in _runs(found.top, found):
        pairs = list(itertools.zip_longest(*run))
        sides = [
            [(one[0].at(other[1] if other else "", one[1]), one[1]) for one, other in ordered if one]
            for ordered in (pairs, [pair[::-1] for pair in pairs])
        ]
        path = " | ".join(text.strip() for side in sides for _, text in side)
        yield Difference("structure", file, "lines", path, *(side or ABSENT for side in sides))


def _runs(body: Body, found: Alignment) -> Iterator[list[list[tuple]]]:
    """The items that differ, of each side, each with what it says."""
    run: list[list[tuple]] = [[], []]
    for pair in [*body.pairs, None]:
        inside = pair and pair[0] in found.blocks
        if pair and not equal(pair) and not inside:
            for side, item in enumerate(pair):
                if item and not item.free:
                    run[side] += [(one, text) for text, _, one in flat([item])]
            continue
        if any(run):
            yield run
        run = [[], []]
        if inside and not equal(pair):
            paired = found.blocks[pair[0]]
            for inner, headers in zip(paired.bodies, paired.headers):
                if headers[0] != headers[1]:
                    sides = zip((inner.one, inner.other), headers)
                    yield [[(Header(branch), text)] if branch else [] for branch, text in sides]
                yield from _runs(inner, found)
