# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes a page that shows where a chart and the pack differ: the verdict, objects, templates side by side, values."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from stageset_render.findings import Refused, short
from stageset_render.helm.writing import to_yaml
from stageset_render.port.chart import ported_lines
from stageset_render.port.diff.colours import highlighters
from stageset_render.port.diff.differences import ABSENT, Difference
from stageset_render.port.diff.marks import marked, pairs
from stageset_render.port.diff.page_frame import PAGE
from stageset_render.port.diff.report import Report, definitions_told, report
from stageset_render.port.diff.sides import Chart, pack_files
from stageset_render.reporting import escaped

COLOURS = re.compile("<[^>]*>")  # which would make most of the page
AROUND = 3  # equal lines that stay unfolded on each side of a difference
CLASSES = {"~": ' class="changed"', "-": ' class="minus"', "+": ' class="plus"', " ": ""}


class Pair(NamedTuple):
    """One line of a table: a sign, then number and HTML of each side, with number 0 where a side has nothing."""

    sign: str
    left: tuple[int, str]
    right: tuple[int, str]


def review(chart: Chart, chosen: dict[str, dict], name: str, namespace: str) -> str:
    """A page, complete in itself, with what differs between the two sides, the most first, and on purpose last.

    Args:
        chart: what to hold the pack against.
        chosen: name of a case to its values; an object is shown for every case in which it differs.
        name: the release's name.
        namespace: the release's namespace.

    Raises:
        Refused: when a side can't be read or rendered, or there is no Pygments.
    """
    colour, colours = highlighters()
    found = report(chart, chosen, name, namespace)
    if found.failures:
        raise Refused(*found.failures)
    sources, links = (chart.files, pack_files()), itertools.count(1)
    every = [other for one in found.differences + found.deliberate for other in (one, *one.also)]
    by_file: dict[str, list[Difference]] = {}
    for one in every:
        if one.level == "structure":
            by_file.setdefault(one.where, []).append(one)
    meant = {file for file, lines in by_file.items() if all(one.reason for one in lines)}
    order = sorted(
        by_file, key=lambda file: (file in meant, -_count(by_file[file], own=True), -_count(by_file[file]), file)
    )
    shown = {
        file: _template(f"t{at}", file, by_file[file], *(side.get(file, "") for side in sources), colour, links)
        for at, file in enumerate(order)
        if by_file[file][0].what != "file" or file not in meant
    }
    index = "".join(_row(f"t{at}", file, by_file[file]) for at, file in enumerate(order) if file not in meant)
    last = next(links)
    parts = {
        "objects": _fields([one for one in found.differences if one.level == "objects"], len(found.cases)),
        "templates": (index and _table("index", ("file", "lines", "on purpose"), index))
        + "".join(text for file, text in shown.items() if file not in meant),
        "defaults": _fields([one for one in found.differences if one.level == "defaults"], 0),
        "schema": _fields([one for one in found.differences if one.level == "schema"], 0),
        "purpose": _on_purpose(found, [text for file, text in shown.items() if file in meant]),
    }
    told = [f"Chart {chart.where}, release {name} in {namespace}."]
    told += [definitions_told(found, chart)] if found.definitions else []
    return PAGE.format(
        verdict=_text(found.verdict),
        about="".join(f"<p>{_text(one)}</p>" for one in told),
        colours=colours,
        first='<a href="#d1">first difference</a>' if last > 1 else "",
        **{key: (part or "<p>None.</p>").replace(f'<a href="#d{last}">next</a>', "") for key, part in parts.items()},
    )


def _text(text: str) -> str:
    """The HTML of a text that may hold anything."""
    return html.escape(escaped(text))


def _count(found: list[Difference], own: bool = False) -> int:
    """How many lines differ, a file as one; those alone that don't differ on purpose."""
    sides = [side for one in found if not (own and one.reason) for side in (one.expected, one.got)]
    return sum(len(side) if isinstance(side, list) else side == "present" for side in sides)


def _table(kind: str, heads: Iterable[str], rows: str) -> str:
    head = "".join(f"<th>{one}</th>" for one in heads)
    return f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>'


# Templates


def _row(anchor: str, file: str, found: list[Difference]) -> str:
    own = _count(found, own=True)
    counts = f"<td>{own or ''}</td><td>{_count(found) - own or ''}</td>"
    return f'<tr><td><a href="#{anchor}">{_text(file)}</a></td>{counts}</tr>'


def _template(
    anchor: str, file: str, found: list[Difference], theirs: str, ours: str, colour: Callable, links: Iterator[int]
) -> str:
    """A template of both sides: its differences, with equal parts folded."""
    reasons = dict.fromkeys(one.reason for one in found if one.reason)
    told = "".join(f"<p>On purpose: {_text(reason)}.</p>" for reason in reasons)
    shown = list(aligned(file, found, theirs, ours, colour))
    return f'<h3 id="{anchor}">{_text(file)}</h3>{told}{"".join(_folded(shown, links))}'


def aligned(file: str, found: list[Difference], theirs: str, ours: str, colour: Callable) -> Iterator[Pair]:
    """The lines of both sides beside each other; what differs is paired within one difference alone.

    Args:
        file: its path in the chart.
        found: the differences of the file.
        theirs: the chart's text; empty when it has none.
        ours: the pack's, in Jinja.
        colour: see colours.highlighters.
    """
    runs: tuple[dict, dict] = ({}, {})
    for run, one in enumerate(found):
        for side, of in zip((one.expected, one.got), runs):
            of.update((number - 1, run) for number, _ in (side if isinstance(side, list) else ()))
    sources = [_lines(theirs), _lines(ours)]
    plain = ported_lines(Path(file).name, ours)[: len(sources[1])] if ours else []
    shown = [colour("go", "\n".join(sources[0])), colour("jinja", "\n".join(sources[1]))]
    whole = not any(runs)
    for one, other, equal in pairs(sources[0], plain, runs):
        left, right = ((0, "") if at is None else (at + 1, lines[at]) for at, lines in zip((one, other), shown))
        differs = whole or one in runs[0] or other in runs[1]
        sign = " " if not differs else "+" if one is None else "-" if other is None else "~"
        if sign == "~" and not equal:
            lines = marked(sources[0][one], plain[other], sources[1][other])
            left, right = ((number, line) for (number, _), line in zip((left, right), lines))
        yield Pair(sign, left, right)


def _lines(text: str) -> list[str]:
    """The lines of a text, with what moves a cursor or turns the direction of writing spelled out."""
    lines = text.removesuffix("\n").split("\n") if text else []
    return ["\t".join(map(escaped, line.split("\t"))) for line in lines]


def _folded(shown: list[Pair], links: Iterator[int]) -> Iterator[str]:
    """Tables of the differences with a few lines around, and folded ones of the equal lines between."""
    near = [any(pair.sign != " " for pair in shown[max(0, at - AROUND) : at + AROUND + 1]) for at in range(len(shown))]
    for unfolded, group in itertools.groupby(zip(near, shown), key=lambda item: item[0]):
        part = [pair for _, pair in group]
        if unfolded:
            yield _source(part, next(links))
        else:
            plain = [Pair(" ", *((number, COLOURS.sub("", line)) for number, line in pair[1:])) for pair in part]
            yield f"<details><summary>{len(part)} equal lines</summary>{_source(plain)}</details>"


def _source(shown: list[Pair], number: int = 0) -> str:
    columns = '<colgroup><col class="n"><col><col class="s"><col class="n"><col></colgroup>'
    rows = "\n".join(
        f"<tr{CLASSES[sign]}><td>{one or ''}</td><td>{a}</td><td>{sign}</td><td>{other or ''}</td><td>{b}</td></tr>"
        for sign, (one, a), (other, b) in shown
    )
    head = ""
    if number:
        before = f'<a href="#d{number - 1}">previous</a> ' if number > 1 else ""
        before += f'<a href="#d{number + 1}">next</a>'
        head = f'<thead id="d{number}"><tr><th></th><th>chart {before}</th><th></th><th></th><th>pack</th></tr></thead>'
    return f'<table class="source lines">{columns}{head}<tbody>\n{rows}\n</tbody></table>'


# Values


def _fields(found: list[Difference], cases: int) -> str:
    """What differs in objects, defaults or the schema, `expected` and `got` side by side.

    Args:
        found: the differences.
        cases: how many were rendered; 0 where none are.
    """
    parts = []
    for where, group in itertools.groupby(found, key=lambda one: one.where):
        rows = "\n".join(
            f"<tr><td>{_field(one, cases)}</td><td>{'</td><td>'.join(_values(one.expected, one.got))}</td></tr>"
            for one in group
        )
        table = _table("source fields", ("what", "expected (chart)", "got (pack)"), rows)
        parts.append(f"<h3>{_text(where)}</h3>{table}")
    return "\n".join(parts)


def _field(one: Difference, cases: int) -> str:
    sides = ("chart", "pack") if len(one.places) == 2 else ("pack",) if one.expected is ABSENT else ("chart",)
    told = [f"<b>{_text(one.what)} {_text(one.path)}</b>"]
    told += [f"<div>{_text(one.reason)}</div>"] if one.reason else []
    told += [f"<div>{side} {_text(place)}</div>" for side, place in zip(sides, one.places)]
    if one.also:
        others = [f"{_text(other.where)} {_text(other.path)}{_unlike(one, other)}" for other in one.also]
        told.append(_fold(f"shows in {len(others) + 1} places", others))
    if cases and len(one.seen) < cases:
        told.append(_fold(f"in {len(one.seen)} of {cases} cases", map(_text, one.seen)))
    return "".join(told)


def _unlike(one: Difference, other: Difference) -> str:
    """The values of a further place where they are not those of the first."""
    if one.what == "lines" or (one.expected, one.got) == (other.expected, other.got):
        return ""
    return ": " + _text(short(f"expected {other.expected!r}, got {other.got!r}"))


def _fold(summary: str, items: Iterable[str]) -> str:
    return f"<details><summary>{summary}</summary>{'<br>'.join(items)}</details>"


def _values(expected: Any, got: Any) -> tuple[str, str]:
    """The HTML of both values, as YAML; of two texts, with the words marked in which they differ."""
    if isinstance(expected, str) and isinstance(got, str):
        texts = ["\n".join(_lines(text)) for text in (expected, got)]
        return marked(*texts, texts[1])
    first, second = (str(value) if value is ABSENT else to_yaml(value) for value in (expected, got))
    return html.escape("\n".join(_lines(first))), html.escape("\n".join(_lines(second)))


def _on_purpose(found: Report, templates: list[str]) -> str:
    """A folded part for each level of what differs on purpose, and the files that one side alone has."""
    alone: dict[str, list[str]] = {}
    for one in found.deliberate:
        if one.what == "file":
            alone.setdefault(one.reason, []).append(one.where)
    parts = [f"<p>{_text(why)}: {', '.join(map(_text, files))}.</p>" for why, files in alone.items()]
    if templates:
        parts.append(f"<details><summary>{len(templates)} templates</summary>{''.join(templates)}</details>")
    for level in ("objects", "defaults", "schema"):
        if some := [one for one in found.deliberate if one.level == level]:
            shown = _fields(some, len(found.cases) if level == "objects" else 0)
            parts.append(f"<details><summary>{len(some)} of {level}</summary>{shown}</details>")
    return "".join(parts)
