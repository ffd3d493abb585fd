# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Compares a chart with the pack: their templates, defaults and schemas."""

from __future__ import annotations

import difflib
import functools
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from stageset_render.findings import Finding, Place, Refused
from stageset_render.helm.go_syntax import GoSyntaxError
from stageset_render.helm.reading import load_yaml
from stageset_render.pack.definitions import is_definition
from stageset_render.port.chart import ported, schema_file
from stageset_render.port.diff.differences import ABSENT, Difference, compared
from stageset_render.port.diff.outline import Outline
from stageset_render.port.diff.schemas import bounds
from stageset_render.port.diff.sides import Chart, pack_files


def structure(chart: Chart) -> tuple[list[Difference], list[Finding]]:
    """The files that one side lacks, and the lines, defaults and bounds that differ; definitions are left out.

    Returns:
        The differences, and what keeps the chart's files from being read.
    """
    theirs, ours, found, failures = chart.files, pack_files(), [], []
    for file in sorted({*theirs, *ours}):
        if is_definition(file):
            continue
        if file not in ours or file not in theirs:
            sides = (ABSENT if file not in side else "present" for side in (theirs, ours))
            found.append(Difference("structure", file, "file", "", *sides))
            continue
        line = None
        try:
            found += _file_differences(file, theirs[file], ours[file])
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
