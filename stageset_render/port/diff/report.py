# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Tells what differs between a chart and the pack, as text or JSON."""

from __future__ import annotations

import collections
import fnmatch
import functools
import itertools
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from stageset_render.findings import Refused
from stageset_render.port.deliberate import entries
from stageset_render.port.diff.compare import ABSENT, Difference, object_differences, structure
from stageset_render.port.diff.places import printing
from stageset_render.port.diff.sides import NO_HELM, chart_files, chart_rendered, objects, pack_files, pack_rendered

TEMPLATE = re.compile(r"\btemplates/[\w./-]+\.\w+")


class Drawn(NamedTuple):
    """What a search through random values came to."""

    seed: int
    compared: int
    refused: list[str]  # the chart's words, of value sets that the pack takes
    values: dict | None  # the smallest that show a difference


class Report(NamedTuple):
    """All that one comparison found."""

    cases: list[str]
    differences: list[Difference]
    deliberate: list[Difference]
    unchanged: int
    failures: list[str]
    drawn: Drawn | None = None

    @property
    def exit_code(self) -> int:
        return (
            2
            if self.failures or self.drawn and self.drawn.refused and not self.drawn.compared
            else 1
            if self.differences
            else 0
        )


@functools.cache
def cases() -> dict[str, dict]:
    """The built-in values by name; together they turn every condition of the templates on and off."""
    found = yaml.load(Path(__file__).with_name("cases.yaml").read_bytes(), yaml.CSafeLoader)
    return {case["name"]: case["values"] for case in found}


def reason(difference: Difference) -> str:
    """Why a difference is deliberate, from deliberate.yaml; empty when it is not."""
    for entry in entries():
        patterns = {key: pattern for key, pattern in entry.items() if key not in ("reason", "pulled")}
        if all(fnmatch.fnmatchcase(str(getattr(difference, key)), pattern) for key, pattern in patterns.items()):
            return entry["reason"]
    return ""


def report(chart: str, chosen: dict[str, dict], name: str, namespace: str) -> Report:
    """Hold the pack against a chart.

    Args:
        chart: its directory or .tgz.
        chosen: name of a case to its values.
        name: the release's name.
        namespace: the release's namespace.

    Raises:
        Refused: when the chart can't be read, or there is no Helm.
        OSError: when a file can't be read.
    """
    unchanged, seen, failed = 0, {}, {}
    found, failures = structure(chart)
    for case, values in chosen.items():
        sides = []
        for side, render in (("the chart", chart_rendered), ("the pack", pack_rendered)):
            try:
                sides.append(objects(render(chart, values, name, namespace), side))
            except Refused as refused:
                if str(refused) == NO_HELM:
                    raise
                named = TEMPLATE.search(str(refused))
                failed.setdefault((side, named[0] if named else str(refused)), []).append((case, refused))
        if len(sides) < 2:
            continue
        different = list(object_differences(*sides))
        changed = collections.Counter(one.where for one in different)
        unchanged += sum(len(items) for where, items in sides[1].items() if where not in changed)
        for one in different:
            seen.setdefault(json.dumps(one, default=repr), (one, []))[1].append(case)
    places = {one.where: at for at, (one, _) in reversed([*enumerate(seen.values())])}  # an object's fields together
    found += sorted(
        (one._replace(seen=tuple(names)) for one, names in seen.values()), key=lambda one: places[one.where]
    )
    unread = {named[0] for failure in failures if (named := TEMPLATE.search(failure))}
    for (side, file), told in failed.items():
        if side == "the chart" and file in unread:
            continue
        [(case, said), *others] = told
        failures.append(f"{case}{f' and {len(others)} more' if others else ''}: {said}")
    found = _placed(found, chart_files(chart), pack_files())
    found = [one._replace(reason=reason(one)) for one in found]
    deliberate = [one for one in found if one.reason]
    return Report(list(chosen), [one for one in found if not one.reason], deliberate, unchanged, failures)


def _placed(found: list[Difference], *sides: dict[str, str]) -> list[Difference]:
    """The differences of objects with the line of the template on each side that prints the field."""
    out = []
    for one in found:
        if one.level == "objects" and one.what != "object" and len(one.places) == 2:
            texts = (side.get(file, "") for side, file in zip(sides, one.places))
            kind, values = one.where.partition(" ")[0], (one.expected, one.got)
            lines = (printing(text, kind, one.path, value) for text, value in zip(texts, values))
            one = one._replace(places=tuple(f"{file}:{line}" for file, line in zip(one.places, lines)))
        out.append(one)
    return out


def as_json(found: Report) -> str:
    """A report as JSON, with a side that has nothing left out."""

    def plain(one: Difference) -> dict:
        sides = {key: getattr(one, key) for key in ("expected", "got") if getattr(one, key) is not ABSENT}
        rest = {key: value for key, value in one._asdict().items() if value and key not in ("expected", "got")}
        return {**rest, **sides}

    fields = {**found._asdict(), "same": not found.exit_code}
    fields["drawn"] = found.drawn and found.drawn._asdict()
    for key in ("differences", "deliberate"):
        fields[key] = [plain(one) for one in fields[key]]
    return json.dumps(fields, indent=2, ensure_ascii=False, default=repr) + "\n"


LEVELS = ("objects", "structure", "defaults", "schema")


def as_text(found: Report, deliberate: bool = False) -> str:
    """A report for reading.

    Args:
        found: the report.
        deliberate: list what differs on purpose, instead of a line for each reason.
    """
    lines = []
    if found.drawn and found.drawn.values is not None:
        text = yaml.safe_dump(found.drawn.values, sort_keys=False, allow_unicode=True)
        lines += ["the smallest values that show a difference", textwrap.indent(text.rstrip("\n"), "  ")]
    for level in LEVELS:
        lines += _section(level, [one for one in found.differences if one.level == level], len(found.cases))
    if deliberate:
        lines += _section("deliberate", found.deliberate, len(found.cases))
    elif found.deliberate:
        counts = collections.Counter(one.reason for one in found.deliberate)
        lines += ["deliberate", *(f"  {count} {reason}" for reason, count in counts.items())]
    lines += [f"FAILED {failure}" for failure in found.failures]
    if found.drawn:
        lines += _counted(found.drawn)
    counts = f"{len(found.differences)} different, {len(found.deliberate)} deliberate"
    lines.append(f"{counts}, {found.unchanged} objects unchanged, cases: {len(found.cases)}")
    return "\n".join(lines) + "\n"


def _counted(drawn: Drawn) -> Iterator[str]:
    counts = f"{drawn.compared} compared, {len(drawn.refused)} refused by the chart"
    yield f"value sets drawn with seed {drawn.seed}: {counts}"
    for said, count in collections.Counter(drawn.refused).most_common(3):
        yield f"  {count} of them: {said}"


def _section(title: str, found: list[Difference], cases: int) -> Iterator[str]:
    if found:
        yield title
    for where, group in itertools.groupby(found, key=lambda one: one.where):
        yield f"  {where}"
        for one in group:
            if one.what == "lines":
                yield from _lines(one)
            else:
                yield f"    {one.what} {one.path}".rstrip() + _seen(one, cases)
                yield f"      expected {_shown(one.what, one.expected)}"
                yield f"      got      {_shown(one.what, one.got)}"
                if one.what in ("field", "order", "layout"):
                    yield f"      chart {one.places[0]}, pack {one.places[1]}"


def _lines(one: Difference) -> Iterator[str]:
    """A run of lines as a unified diff has them, the chart's line numbers on the left and the pack's on the right."""
    for sign, side in (("-", one.expected), ("+", one.got)):
        for number, text in [] if side is ABSENT else side:
            left, right = (number, "") if sign == "-" else ("", number)
            yield f"    {left:>4} {right:>4} {sign} {text}"


def _seen(one: Difference, cases: int) -> str:
    if not one.seen or one.level == "objects" and len(one.seen) == cases:
        return ""
    more = f" and {len(one.seen) - 3} more" if len(one.seen) > 3 else ""
    return f" ({', '.join(one.seen[:3])}{more})"


def _shown(what: str, value: Any) -> str:
    if value is ABSENT or what in ("object", "file"):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=repr)
