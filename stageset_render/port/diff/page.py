# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes a page that shows where a chart and the pack differ: templates side by side, and the objects they render."""

from __future__ import annotations

import html
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stageset_render.findings import Refused
from stageset_render.helm.writing import to_yaml
from stageset_render.port.diff.differences import ABSENT, Difference
from stageset_render.port.diff.marks import marked, pairs
from stageset_render.port.diff.report import Report, report
from stageset_render.port.diff.sides import chart_files, pack_files
from stageset_render.port.to_helm.go import Port
from stageset_render.port.to_helm.tags import Tag

GO_TEXT = r'"(?:\\.|[^"\\])*"|`[^`]*`|\'(?:\\.|[^\'\\])*\''
TAGS = re.compile("<[^>]*>")  # the colours, which would make most of the page
AROUND = 3  # equal lines that stay unfolded on each side of a difference


class LinePort(Port):
    """A port that knows which line of its source became what."""

    def __init__(self, file: str, source: str) -> None:
        self.marks = []
        super().__init__(file, source)

    def _part(self, part: Tag) -> None:
        self.marks.append((part.line - (part.before or "").count("\n"), len(self.output)))
        super()._part(part)

    def lines(self, count: int) -> list[str]:
        found = [""] * count
        ends = [at for _, at in self.marks[1:]] + [len(self.output)]
        for (line, at), end in zip(self.marks, ends):
            for offset, text in enumerate("".join(self.output[at:end]).split("\n")):
                found[line - 1 + offset] += text
        return found


class Pair(NamedTuple):
    """One line of a table: a sign, then number and HTML of each side, with number 0 where a side has nothing."""

    sign: str
    left: tuple[int, str]
    right: tuple[int, str]


def aligned(left: list[str], right: list[str], sources: tuple, shown: tuple, found: tuple) -> Iterator[Pair]:
    """Align two texts line by line.

    Args:
        left, right: both in Go.
        sources: the lines as they are written, in Go and in Jinja.
        shown: the HTML of those.
        found: the numbers of the lines that differ, of each side; None for all.
    """
    for one, other, equal in pairs(left, right):
        sides = [(0, "") if at is None else (at + 1, lines[at]) for at, lines in zip((one, other), shown)]
        numbers = [number for number, _ in sides]
        sign = " " if equal else "+" if one is None else "-" if other is None else "~"
        if found[0] is not None and not (numbers[0] in found[0] or numbers[1] in found[1]):
            sign = " "
        if sign == "~":
            lines = marked(left[one], right[other], sources[1][other])
            sides = [(number, line) for (number, _), line in zip(sides, lines)]
        yield Pair(sign, *sides)


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #111; --paper: #fff; --line: #bbb; --head: #eee; --link: #0645ad;
  --minus: #fde4e1; --plus: #dff5e1; --changed: #fff8dc; --mark: #ffd75e; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #ddd; --paper: #161616; --line: #555; --head: #2a2a2a;
  --link: #8ab4f8; --minus: #4a1f1c; --plus: #16391c; --changed: #302a12;
  --mark: #7a6000; }} }}
body {{ margin: 0 1em 2em; color: var(--ink); background: var(--paper); font: 14px/1.45 sans-serif; }}
header {{ position: sticky; top: 0; padding: .4em 0; background: var(--paper); border-bottom: 1px solid var(--line); }}
h1 {{ display: inline; margin: 0 1em 0 0; font-size: 1em; }}
h2 {{ margin: 2em 0 .4em; border-bottom: 2px solid var(--ink); font-size: 1.15em; scroll-margin-top: 3em; }}
h3 {{ margin: 1em 0 .3em; font-size: 1em; }}
a {{ color: var(--link); }}
table {{ width: 100%; border-collapse: collapse; table-layout: fixed; }}
.index {{ width: auto; table-layout: auto; }}
.index td, .index th {{ padding: .1em 1.2em .1em 0; text-align: left; overflow-wrap: anywhere; }}
.source th {{ padding: .2em; background: var(--head); text-align: left; }}
.source .n {{ width: 2.8em; }}
.source .s {{ width: 1.4em; }}
.source td {{ padding: 0 .3em; vertical-align: top; font: 12px/1.4 monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; }}
.lines td:nth-child(3n + 1) {{ opacity: .7; text-align: right; }}
.lines td:nth-child(3) {{ border: solid var(--line); border-width: 0 1px; font-weight: bold; text-align: center; }}
.fields td {{ border-top: 1px solid var(--line); }}
tr {{ scroll-margin-top: 3em; }}
mark {{ color: inherit; background: var(--mark); border-radius: 2px; }}
tr.minus td {{ background: var(--minus); }}
tr.plus td {{ background: var(--plus); }}
tr.changed td {{ background: var(--changed); }}
summary {{ padding: .1em .5em; color: var(--link); font-size: 12px; cursor: pointer; }}
@media (max-width: 600px) {{
  body {{ margin: 0 .3em; }}
  .source td {{ padding: 0 .1em; font-size: 10px; }}
  .source .n {{ width: 2em; }}
}}
@page {{ size: A4 landscape; margin: 1cm; }}
@media print {{
  body {{ margin: 0; }}
  header {{ position: static; }}
  h2, h3 {{ break-after: avoid; }}
  tr {{ break-inside: avoid; }}
  .source td {{ font-size: 8pt; }}
  tr.minus td, tr.plus td, tr.changed td, mark {{ print-color-adjust: exact; }}
}}
{colours}
</style>
</head>
<body>
<header><h1>{title}</h1> <a href="#index">index</a> <a href="#objects">objects</a> {first}</header>
<p>{about} Signs: <b>~</b> the line differs, <b>-</b> only in the chart, <b>+</b> only in the pack.</p>
<h2 id="index">Templates that differ</h2>
{index}
{sections}
<h2 id="objects">Objects that differ</h2>
{objects}
</body>
</html>
"""
CLASSES = {"~": ' class="changed"', "-": ' class="minus"', "+": ' class="plus"', " ": ""}


def review(chart: str, chosen: dict[str, dict], name: str, namespace: str) -> str:
    """A page, complete in itself, with what differs between the two sides.

    Args:
        chart: its directory or .tgz.
        chosen: name of a case to its values; an object is shown for every case in which it differs.
        name: the release's name.
        namespace: the release's namespace.

    Raises:
        Refused: when a side can't be read or rendered.
        OSError: when a file can't be read.
    """
    found = report(chart, chosen, name, namespace)
    if found.failures:
        raise Refused(*found.failures)
    theirs, ours = chart_files(chart), pack_files()
    colour, colours = _highlighters()
    parts, alone = [], {}
    files = sorted(file for file in {*theirs, *ours} if file.startswith("templates/"))
    for file in files:
        lines = [one for one in found.differences + found.deliberate if (one.level, one.where) == ("structure", file)]
        if lines and lines[0].what == "file" and lines[0].reason:
            alone.setdefault(lines[0].reason, []).append(file.removeprefix("templates/"))
        elif lines:
            parts.append((_count(lines, ""), _count(lines, None), file, lines))
    parts.sort(key=lambda part: (-part[0], -part[1], part[2]))
    links = itertools.count(1)
    sections = "\n".join(
        _section(file, lines, theirs.get(file, ""), ours.get(file, ""), colour, links) for *_, file, lines in parts
    )
    rows = "".join(
        f'<tr><td><a href="#{_anchor(file)}">{html.escape(file)}</a></td>'
        f"<td>{own or ''}</td><td>{every - own or ''}</td></tr>"
        for own, every, file, _ in parts
    )
    head = "<tr><th>file</th><th>lines</th><th>on purpose</th></tr>"
    index = f'<table class="index">{head}{rows}</table>' if parts else ""
    alike = len(files) - len(parts) - sum(map(len, alone.values()))
    index += "".join(f"<p>On purpose, {html.escape(why)}: {', '.join(names)}.</p>" for why, names in alone.items())
    last = next(links)
    said = f"Chart: {chart}, release {name} in {namespace}; {len(found.cases)} cases."
    return PAGE.format(
        title="The chart and the pack, side by side",
        about=html.escape(said),
        colours=colours,
        first='<a href="#d1">first difference</a>' if last > 1 else "",
        index=f"{index}<p>{alike} templates say the same.</p>",
        sections=sections.replace(f'<a href="#d{last}">next</a>', ""),
        objects=_objects(found),
    )


def _count(found: list[Difference], reason: str | None) -> int:
    """How many lines differ, for a reason or, with None, for any and none."""
    sides = [side for one in found if reason in (None, one.reason) for side in (one.expected, one.got)]
    return sum(len(side) if isinstance(side, list) else side == "present" for side in sides)


def _anchor(file: str) -> str:
    return re.sub(r"[^\w-]", "-", file)


def _section(file: str, found: list[Difference], theirs: str, ours: str, colour, links: Iterator[int]) -> str:
    """A template of both sides: its differences, with equal parts folded."""
    reasons = dict.fromkeys(one.reason for one in found if one.reason)
    numbers: list[set[int] | None] = []
    for key in ("expected", "got"):
        sides = [side for one in found if isinstance(side := getattr(one, key), list)]
        numbers.append({number for side in sides for number, _ in side} if found[0].what == "lines" else None)
    shown = list(_source_pairs(file, theirs, ours, colour, tuple(numbers)))
    told = "".join(f"<p>On purpose: {html.escape(reason)}.</p>" for reason in reasons)
    head = f'<h2 id="{_anchor(file)}">{html.escape(file)}</h2>'
    return f"{head}{told}{''.join(_folded(shown, links))}"


def _folded(pairs: list[Pair], links: Iterator[int]) -> Iterator[str]:
    """Tables of the differences with a few lines around, and folded ones of the equal lines between."""
    near = [any(pair.sign != " " for pair in pairs[max(0, at - AROUND) : at + AROUND + 1]) for at in range(len(pairs))]
    for shown, group in itertools.groupby(zip(near, pairs), key=lambda item: item[0]):
        part = [pair for _, pair in group]
        if shown:
            yield _table(part, next(links))
        else:
            plain = [Pair(" ", *((number, TAGS.sub("", line)) for number, line in pair[1:])) for pair in part]
            yield f"<details><summary>{len(part)} equal lines</summary>{_table(plain)}</details>"


def _table(pairs: list[Pair], number: int = 0) -> str:
    columns = '<colgroup><col class="n"><col><col class="s"><col class="n"><col></colgroup>'
    rows = "\n".join(
        f"<tr{CLASSES[sign]}><td>{one or ''}</td><td>{a}</td><td>{sign}</td><td>{other or ''}</td><td>{b}</td></tr>"
        for sign, (one, a), (other, b) in pairs
    )
    head = ""
    if number:
        before = f'<a href="#d{number - 1}">previous</a> ' if number > 1 else ""
        before += f'<a href="#d{number + 1}">next</a>'
        head = f'<thead id="d{number}"><tr><th></th><th>chart {before}</th><th></th><th></th><th>pack</th></tr></thead>'
    return f'<table class="source lines">{columns}{head}<tbody>\n{rows}\n</tbody></table>'


def _source_pairs(file: str, theirs: str, ours: str, colour, found: tuple) -> Iterator[Pair]:
    sources = _split(theirs), _split(ours)
    port = LinePort(Path(file).name, ours)
    if port.problems:
        raise Refused(*port.problems)
    plain = port.lines(ours.count("\n") + 1)[: len(sources[1])]
    yield from aligned(sources[0], plain, sources, (colour("go", theirs), colour("jinja", ours)), found)


def _split(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _objects(found: Report) -> str:
    """The fields of objects that differ, `expected` and `got` side by side, with the cases that show them."""
    shown = _fields([one for one in found.differences if one.level == "objects"], len(found.cases))
    deliberate = _fields([one for one in found.deliberate if one.level == "objects"], len(found.cases))
    folded = f"<details><summary>What differs on purpose</summary>{deliberate}</details>" if deliberate else ""
    return (shown or "<p>None.</p>") + folded


def _fields(found: list[Difference], cases: int) -> str:
    parts = []
    for where, group in itertools.groupby(found, key=lambda one: one.where):
        rows = "".join(
            f"<tr><td><b>{html.escape(one.what)} {html.escape(one.path)}</b>"
            f"<div>{html.escape(_places(one))}</div>"
            f"<div>{html.escape(one.reason or ('every case' if len(one.seen) == cases else ', '.join(one.seen)))}</div>"
            f"</td><td>{_value(one.expected)}</td><td>{_value(one.got)}</td></tr>"
            for one in group
        )
        head = "<tr><th>field, where, cases</th><th>expected (chart)</th><th>got (pack)</th></tr>"
        parts.append(f'<h3>{html.escape(where)}</h3><table class="source fields">{head}{rows}</table>')
    return "\n".join(parts)


def _places(one: Difference) -> str:
    sides = ("chart", "pack") if len(one.places) == 2 else ("pack",) if one.expected is ABSENT else ("chart",)
    return ", ".join(f"{side} {place}" for side, place in zip(sides, one.places))


def _value(value) -> str:
    return html.escape(str(value) if value is ABSENT else to_yaml(value))


def _highlighters():
    """A function from language and text to the HTML of its lines, and the style sheet that goes with it."""
    try:
        from pygments import formatters, lexer, lexers, token
    except ImportError as error:
        raise Refused("there is no Pygments to colour the page with; pip install 'stageset-render[review]'") from error

    class GoTags(lexer.RegexLexer):
        flags = re.S
        tokens = {
            "root": [
                (r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", token.Comment),
                (r"\{\{-?", token.Comment.Preproc, "tag"),
                (r"[^{]+|\{", token.Other),
            ],
            "tag": [
                (r"-?\}\}", token.Comment.Preproc, "#pop"),
                (GO_TEXT, token.String),
                (r"(?:\$\w*)?(?:\.\w+)+|\$\w*", token.Name.Variable),
                (r"\b(if|else|end|range|with|define|block|template|break|continue)\b", token.Keyword),
                (r"\d[\w.]*", token.Number),
                (r"\w+", token.Name.Function),
                (r"\s+", token.Text),
                (r".", token.Operator),
            ],
        }

    class Go(lexer.DelegatingLexer):
        def __init__(self, **options):
            super().__init__(lexers.YamlLexer, GoTags, **options)

    known = {"go": Go, "jinja": lexers.YamlJinjaLexer, "yaml": lexers.YamlLexer}
    formatter = formatters.HtmlFormatter(nowrap=True, style="default")

    def colour(language: str, text: str) -> list[str]:
        out = io.StringIO()
        formatter.format(known[language](stripnl=False).get_tokens(text), out)
        return _split(out.getvalue())

    return colour, f"{_styles('default')}\n@media (prefers-color-scheme: dark) {{\n{_styles('native')}\n}}"


def _styles(name: str) -> str:
    """The colours of a style of Pygments, less what it says of errors and white space."""
    from pygments.formatters import HtmlFormatter

    lines = HtmlFormatter(nowrap=True, style=name).get_style_defs("td").split("\n")
    return "\n".join(line for line in lines if line.startswith("td .") and not re.match(r"td \.(err|w)\b", line))
