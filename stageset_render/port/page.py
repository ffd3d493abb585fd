# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes a page that shows a chart and the pack side by side."""

from __future__ import annotations

import collections
import difflib
import html
import io
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from stageset_render.helm.writing import to_yaml
from stageset_render.port.go import Port
from stageset_render.port.sides import chart_files, chart_rendered, objects, pack_files, pack_rendered
from stageset_render.port.tags import Tag
from stageset_render.problems import Refused

GO_TEXT = r'"(?:\\.|[^"\\])*"|`[^`]*`|\'(?:\\.|[^\'\\])*\''


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


def aligned(left: list[str], right: list[str], shown: tuple[list[str], list[str]]) -> Iterator[Pair]:
    """Align two texts line by line; `shown` has the HTML of their lines."""
    for what, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for one, other in itertools.zip_longest(range(a, b), range(c, d)):
            sign = " " if what == "equal" else "+" if one is None else "-" if other is None else "~"
            sides = [(at + 1, lines[at]) if at is not None else (0, "") for at, lines in zip((one, other), shown)]
            yield Pair(sign, *sides)


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ margin: 1.5em; color: #111; background: #fff; font: 14px/1.45 sans-serif; }}
h2 {{ margin: 2em 0 .4em; border-bottom: 2px solid #111; font-size: 1.15em; }}
h3 {{ margin: 1em 0 .3em; font-size: 1em; }}
a {{ color: #0645ad; }}
table {{ width: 100%; border-collapse: collapse; table-layout: fixed; }}
.index {{ width: auto; }}
.index td, .index th {{ padding: .1em 1.2em .1em 0; text-align: left; }}
.source th {{ padding: .2em; background: #eee; text-align: left; }}
.source .n {{ width: 3.2em; }}
.source .s {{ width: 1.6em; }}
.source td {{ padding: 0 .3em; vertical-align: top; font: 12px/1.4 monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; }}
.source td.n {{ color: #666; text-align: right; }}
.source td.s {{ border: solid #bbb; border-width: 0 1px; font-weight: bold; text-align: center; }}
tr.minus td {{ background: #fde4e1; }}
tr.plus td {{ background: #dff5e1; }}
tr.changed td {{ background: #fff4c2; }}
@page {{ size: A4 landscape; margin: 1cm; }}
@media print {{
  body {{ margin: 0; }}
  h2, h3 {{ break-after: avoid; }}
  tr {{ break-inside: avoid; }}
  .source td {{ font-size: 8pt; }}
  tr.minus td, tr.plus td, tr.changed td {{ print-color-adjust: exact; }}
}}
{colours}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{about} Signs: <b>~</b> the line differs, <b>-</b> only in the chart, <b>+</b> only in the pack.</p>
<table class="index" id="index">
<thead><tr><th>file</th><th>lines that differ</th><th>object lines that differ</th></tr></thead>
<tbody>
{index}
</tbody>
</table>
{sections}
</body>
</html>
"""
CLASSES = {"~": "changed", "-": "minus", "+": "plus", " ": "same"}


def review(chart: str, case: str, values: dict, name: str, namespace: str) -> str:
    """A page, complete in itself, with every template of both sides side by side and what it renders under `values`.

    Raises:
        Refused: when a side can't be read or rendered.
        OSError: when a file can't be read.
    """
    theirs, ours = chart_files(chart), pack_files()
    rendered = [
        _by_file(objects(render(chart, values, name, namespace), side))
        for side, render in (("the chart", chart_rendered), ("the pack", pack_rendered))
    ]
    colour, colours = _highlighters()
    rows, sections = [], []
    for number, file in enumerate(sorted(name for name in {*theirs, *ours} if name.startswith("templates/"))):
        tables = [_source_pairs(file, theirs.get(file, ""), ours.get(file, ""), colour)]
        documents = [side.get(file, "") for side in rendered]
        lines = [_split(text) for text in documents]
        tables.append(list(aligned(*lines, tuple(colour("yaml", text) for text in documents))))
        counts = "".join(f"<td>{sum(pair.sign != ' ' for pair in table) or ''}</td>" for table in tables)
        shown = html.escape(file)
        rows.append(f'<tr><td><a href="#f{number}">{shown}</a></td>{counts}</tr>')
        sections.append(f'<h2 id="f{number}">{shown}</h2>\n{_table("chart", "pack", tables[0])}')
        if tables[1]:
            sections.append(f"<h3>objects of {shown}</h3>\n{_table('expected (chart)', 'got (pack)', tables[1])}")
        sections.append('<p><a href="#index">to the index</a></p>')
    said = f"Chart: {chart}, release {name} in {namespace}; the objects are those of the case {case}."
    return PAGE.format(
        title="The chart and the pack, side by side",
        about=html.escape(said),
        colours=colours,
        index="\n".join(rows),
        sections="\n".join(sections),
    )


def _by_file(found: dict[str, list[tuple[str, dict]]]) -> dict[str, str]:
    texts = collections.defaultdict(list)
    for _, items in sorted(found.items()):
        for file, one in items:
            texts[file].append(to_yaml(one))
    return {file: "\n---\n".join(documents) + "\n" for file, documents in texts.items()}


def _split(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _source_pairs(file: str, theirs: str, ours: str, colour) -> list[Pair]:
    lines = [_split(theirs), _split(ours)]
    port = LinePort(Path(file).name, ours)
    if port.problems:
        raise Refused(*port.problems)
    plain = port.lines(ours.count("\n") + 1)[: len(lines[1])]
    formless = {number for number, (text, source) in enumerate(zip(plain, lines[1]), 1) if not text and source}
    pairs = aligned(lines[0], plain, (colour("go", theirs), colour("jinja", ours)))
    # An import has no Go form, and a tag over several lines is compared where it begins.
    return [pair._replace(sign=" ") if pair.sign == "+" and pair.right[0] in formless else pair for pair in pairs]


def _table(left: str, right: str, pairs: list[Pair]) -> str:
    columns = '<colgroup><col class="n"><col><col class="s"><col class="n"><col></colgroup>'
    head = f"<thead><tr><th></th><th>{left}</th><th></th><th></th><th>{right}</th></tr></thead>"
    rows = (
        f'<tr class="{CLASSES[sign]}"><td class="n">{one or ""}</td><td>{a}</td><td class="s">{sign}</td>'
        f'<td class="n">{other or ""}</td><td>{b}</td></tr>'
        for sign, (one, a), (other, b) in pairs
    )
    return f'<table class="source">{columns}{head}<tbody>\n' + "\n".join(rows) + "\n</tbody></table>"


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

    styles = formatter.get_style_defs("td").replace("td .err", "td .not-shown").replace("td .w", "td .not-shown")
    return colour, "\n".join(line for line in styles.split("\n") if line.startswith("td .") and "not-shown" not in line)
