# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The frame of the page that `review` writes: what stands where, on a screen, in the dark and on paper."""

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The chart and the pack: {verdict}</title>
<style>
:root {{ color-scheme: light dark; --ink: #111; --paper: #fff; --line: #bbb; --head: #eee; --link: #0645ad;
  --minus: #fde4e1; --plus: #dff5e1; --changed: #fff8dc; --mark: #ffd75e; }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #ddd; --paper: #161616; --line: #555; --head: #2a2a2a;
  --link: #8ab4f8; --minus: #4a1f1c; --plus: #16391c; --changed: #302a12;
  --mark: #7a6000; }} }}
body {{ margin: 0 1em 2em; color: var(--ink); background: var(--paper); font: 14px/1.45 sans-serif; }}
header {{ position: sticky; top: 0; padding: .4em 0; background: var(--paper); border-bottom: 1px solid var(--line); }}
header a {{ margin-right: .8em; white-space: nowrap; }}
h1 {{ margin: .6em 0; font-size: 1.3em; }}
h2 {{ margin: 2em 0 .4em; border-bottom: 2px solid var(--ink); font-size: 1.15em; scroll-margin-top: 3em; }}
h3 {{ margin: 1em 0 .3em; font-size: 1em; overflow-wrap: anywhere; scroll-margin-top: 3em; }}
p {{ overflow-wrap: anywhere; }}
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
@media (max-width: 700px) {{
  body {{ margin: 0 .4em 1em; }}
  .source, .source tbody, .fields td {{ display: block; }}
  .fields thead, .lines col, .lines th:empty, .lines td:nth-child(3), .lines td:empty {{ display: none; }}
  .fields tr {{ display: block; border-top: 1px solid var(--line); }}
  .fields td {{ border: 0; }}
  .fields td:nth-child(2)::before {{ content: "expected: "; opacity: .7; }}
  .fields td:nth-child(3)::before {{ content: "got: "; opacity: .7; }}
  .lines tr {{ display: grid; grid-template-columns: 2.6em 1fr; }}
  .lines thead tr {{ display: flex; gap: 1em; }}
  .lines tr:not([class]) td:nth-child(2) ~ td {{ display: none; }}
  .lines tr:not([class]):has(> td:first-child:empty) td:nth-child(n + 4) {{ display: block; }}
  .lines tr.changed td:nth-child(-n + 2) {{ background: var(--minus); }}
  .lines tr.changed td:nth-child(n + 4) {{ background: var(--plus); }}
  .source td {{ font-size: 11px; }}
}}
@page {{ size: A4 landscape; margin: 1cm; }}
@media print {{
  body {{ margin: 0; }}
  header {{ display: none; }}
  h2, h3 {{ break-after: avoid; }}
  tr {{ break-inside: avoid; }}
  .source td {{ font-size: 8pt; }}
  tr.minus td, tr.plus td, tr.changed td, mark {{ print-color-adjust: exact; }}
}}
{colours}
</style>
</head>
<body>
<header><a href="#objects">objects</a><a href="#templates">templates</a><a href="#defaults">defaults</a>
<a href="#schema">schema</a><a href="#purpose">on purpose</a>{first}</header>
<h1>{verdict}</h1>
{about}
<h2 id="objects">Objects that differ</h2>
{objects}
<h2 id="templates">Templates that differ</h2>
<p>Signs: <b>~</b> the line differs, <b>-</b> only in the chart, <b>+</b> only in the pack.</p>
{templates}
<h2 id="defaults">Defaults that differ</h2>
{defaults}
<h2 id="schema">What the schemas say otherwise</h2>
{schema}
<h2 id="purpose">On purpose</h2>
{purpose}
</body>
</html>
"""
