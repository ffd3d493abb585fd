# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What means the same and is spelled otherwise: nothing is told or carried, and edits made there are carried all the same."""

from pathlib import Path

import pytest
import yaml
from test_edits import carried, rendered

from stageset_render.pack import files
from stageset_render.port import chart as porting
from stageset_render.port import sources, versions
from stageset_render.port.diff import compare, report
from stageset_render.port.language import translate

SPELLINGS = yaml.safe_load(Path(__file__).with_name("spellings.yaml").read_text())
JOB = "templates/job-cleanup.yaml"  # which prints of most helpers
HELPERS = f"templates/{files.HELPERS}"
OTHERS = (HELPERS, JOB, "Chart.yaml", "values.yaml", f"templates/{files.DEFAULTS}", files.SCHEMA)
CASES = [
    {},
    *report.cases().values(),
    {"mcp": {"enabled": True, "service": {"enabled": False}}, "gate": {"enabled": False}},
    {"mcp": {"enabled": False}, "gate": {"enabled": False}, "webhook": {"enabled": False}},
    {"controller": {"watchNamespaces": ["a", "b"], "allowedActionHosts": ["c"]}},
]


@pytest.fixture(scope="module")
def plain():
    return porting.chart()


@pytest.fixture(scope="module")
def values(plain):
    return translate.known(plain)


def replaced(texts, *changes):
    """Files in which in each (path, old, new) the first `old` is `new`."""
    texts = dict(texts)
    for path, old, new in changes:
        assert old in texts[path], texts[path]
        texts[path] = texts[path].replace(old, new, 1)
    return texts


def changes(entry, key):
    found = entry.get(key, [])
    return [(f"templates/{one[-3] if one[2:] else entry['file']}", *one[-2:]) for one in found]


class Sides:
    """A chart and the pack in one spelling."""

    def __init__(self, texts, plain, pack, values):
        self.texts, self.values, self.files = texts, values, pack
        changed = [path for path in pack if path.startswith("templates/") and texts.get(path) != plain.get(path)]
        if changed:
            own, chart = self.pack, self.chart
            macros = {**own.macros, **chart.macros}
            self.files = {**pack, **{path: own.whole(chart.tree(path[10:]), macros) for path in changed}}

    @property
    def chart(self):
        return versions.Chart(self.texts, values=self.values)

    @property
    def pack(self):
        return versions.Pack(self.files, values=self.values)


@pytest.fixture(scope="module")
def spelled(plain, values):
    """Makes both sides of the files of an entry, and of those that say what helpers are given."""
    pack = sources.pack_files()

    def spelled(entry, *made):
        named = [f"templates/{one}" for one in names(entry)]
        chart, own = ({path: one for path, one in side.items() if path in (*OTHERS, *named)} for side in (plain, pack))
        return Sides(replaced(chart, *made), chart, own, values)

    return spelled


def told(chart, pack, names):
    """What `diff` tells of some files."""
    return [one for name in names for one in compare.line_differences(chart, pack, name)]


def names(entry):
    keys = ("from", "same", "other", "edit", "plain")
    return {path[10:] for key in keys for path, _, _ in changes(entry, key)}


@pytest.mark.parametrize("entry", SPELLINGS, ids=lambda entry: entry["what"])
def test_a_spelling_is_no_difference_and_what_looks_like_it_is(spelled, entry):
    before = changes(entry, "from")
    number = SPELLINGS.index(entry)
    was, now = spelled(entry, *before), spelled(entry, *before, *changes(entry, "same"), *changes(entry, "other"))
    only = next(iter(names(entry))) if len(names(entry)) == 1 else None
    ways = (
        lambda: carried(mine := was.pack, now.chart, mine, only),
        lambda: carried(was.chart, now.chart, was.pack, only),
        lambda: carried(was.pack, now.pack, was.chart, only),
        lambda: carried(now.pack, was.pack, now.chart, only),
        lambda: carried(mine := now.pack, was.chart, mine, only),
        lambda: told(was.chart, now.pack, names(entry)),
    )
    found = told(now.chart, was.pack, names(entry)), ways[number % (3 if "other" in entry else len(ways))]()
    assert all(found) if "other" in entry else not any(found)


@pytest.mark.parametrize("entry", [one for one in SPELLINGS if "same" in one], ids=lambda entry: entry["what"])
def test_an_edit_of_another_spelling_is_carried(spelled, values, tmp_path, entry):
    before, same = changes(entry, "from"), changes(entry, "same")
    paths = {"Chart.yaml", "values.yaml", HELPERS, JOB, *(one[0] for one in same)}
    was, now = spelled(entry, *before), spelled(entry, *before, *same)

    def of(name, texts):
        return rendered(tmp_path / name, {one: texts[one] for one in paths}, CASES)

    def of_pack(name, pack):
        own, mine = versions.Chart({}, values=values), versions.Pack(pack, values=values)
        written = {one: own.whole(mine.tree(one[10:]), mine.macros) for one in paths if one.startswith("templates/")}
        return of(name, {**was.texts, **written})

    assert of("plain", was.texts) == of("spelled", now.texts)
    number = SPELLINGS.index(entry)
    if "edit" not in entry:
        return
    after, then = (
        spelled(entry, *before, *changes(entry, "plain")),
        spelled(entry, *before, *same, *changes(entry, "edit")),
    )
    expected = of("after", after.texts)
    assert expected == of("then", then.texts) != of("plain", was.texts)
    edited = {path[10:] for path, *_ in (*same, *changes(entry, "edit"), *changes(entry, "plain"))}
    only = next(iter(edited)) if len(edited) == 1 else None
    pulls = (mine := was.pack, then.chart, mine), (now.chart, then.chart, was.pack), (was.chart, after.chart, now.pack)
    old, new, pack = pulls[number % 3]
    assert of_pack("pull", {**pack.files, **carried(old, new, pack, only)}) == expected
    old, new, chart = [(was, after, now), (now, then, was)][number % 2]
    patched = {**chart.texts, **carried(old.pack, new.pack, chart.chart, only)}
    assert of("push", patched) == expected
    assert number % 2 or not carried(old.pack, new.pack, versions.Chart(patched, values=values), only)


def shifted(text, number):
    """A text in which one line stands deeper by two blanks, or less deep."""
    lines = text.split("\n")
    line = lines[number]
    for other in ("  " + line, line[2:] if line.startswith("  ") else line):
        yield "\n".join([*lines[:number], other, *lines[number + 1 :]])


def test_no_line_that_stands_otherwise_is_passed_over(plain, values, tmp_path):
    """Whatever renders otherwise because of one line's depth is taken over by a pull; what renders alike may stay."""
    cases, before, told = CASES[::4], {}, 0
    mine = versions.Pack(sources.pack_files(), values=values)
    for name in ("networkpolicy.yaml", "role-leader-election.yaml"):
        path = f"templates/{name}"
        paths = {"Chart.yaml", "values.yaml", HELPERS, path}
        before = rendered(tmp_path / name, {one: plain[one] for one in paths}, cases)
        for number, line in enumerate(plain[path].split("\n")):
            for text in shifted(plain[path], number) if line.strip() and not line.startswith("{{") else ():
                chart = versions.Chart({HELPERS: plain[HELPERS], path: text}, values=values)
                if text != plain[path] and carried(mine, chart, mine, name):
                    told += 1
                elif text != plain[path]:
                    after = rendered(tmp_path / name, {**{one: plain[one] for one in paths}, path: text}, cases)
                    assert after == before, (name, number + 1)
    assert told > 30
