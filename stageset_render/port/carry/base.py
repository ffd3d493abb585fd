# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Finds the commit of the pack that a chart is like, from which on changes are to be carried to it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator

from stageset_render.findings import Refused
from stageset_render.helm.reading import load_yaml
from stageset_render.pack.files import SCHEMA
from stageset_render.port import chart as porting
from stageset_render.port import sources
from stageset_render.port.diff.compare import line_differences, numbered
from stageset_render.port.diff.differences import ABSENT, Difference, compared
from stageset_render.port.diff.report import reason
from stageset_render.port.versions import Chart, Pack, Version


def common(chart: Chart, values: dict) -> tuple[str, int]:
    """The commit of the pack that means what a chart means, or differs least, the latest of several; how much differs.

    Args:
        chart: with all its named templates in one file.
        values: what is known of the values.

    Raises:
        Refused: when no commit can be compared, or the chart can't be read.
    """
    for name in chart.templates:
        chart.tree(name)
    best, known = None, {}
    for commit in sources.pack_commits():
        try:
            found = _apart(chart, Pack(sources.older_pack(commit), values=values), known)
        except (Refused, KeyError, ValueError, AttributeError):
            continue
        if best is None or found < best[1]:
            best = commit, found
        if not any(found):
            break
    if best is None:
        raise Refused("no commit of this checkout can be compared with the chart; name one with --since")
    return best[0], best[1][0]


def _apart(chart: Chart, pack: Pack, known: dict) -> tuple[int, int]:
    """How much differs in meaning, less what does on purpose, and how many lines of the schema do."""
    count = 0
    for name in {**chart.templates, **pack.templates}:
        key = name, pack.templates.get(name)
        if key not in known:
            known[key] = _counted(_file(chart, pack, name))
        count += known[key]
    ours = load_yaml(pack.files[pack.defaults], pack.defaults) or {}
    theirs = load_yaml(chart.files.get(chart.defaults, ""), chart.defaults) or {}
    count += sum(1 for _ in compared(numbered(theirs), numbered(ours)))
    if SCHEMA not in chart.files:
        return count, 0
    key = pack.files[SCHEMA], pack.files[pack.defaults]
    if key not in known:
        pair = json.loads(chart.files[SCHEMA]), porting.required(json.loads(pack.files[SCHEMA]), ours)
        lines = [Counter(json.dumps(one, indent=1).split("\n")) for one in pair]
        differ = (lines[0] - lines[1]) + (lines[1] - lines[0])
        known[key] = sum(differ.values())
    return count, known[key]


def _file(chart: Chart, pack: Pack, name: str) -> Iterator[Difference]:
    sides: list[Version] = [chart, pack]
    if all(name in side.templates for side in sides):
        yield from line_differences(*sides, name)
    elif not next(side for side in sides if name in side.templates).says_nothing(name):
        told = ("present" if name in side.templates else ABSENT for side in sides)
        yield Difference("structure", f"templates/{name}", "file", "", *told)


def _counted(found: Iterator[Difference]) -> int:
    """The lines, or other things, that differ, but for those on purpose."""
    sides = [(one.expected, one.got) for one in found if not reason(one)]
    return sum(max(len(side) if isinstance(side, list) else 1 for side in pair) for pair in sides)
