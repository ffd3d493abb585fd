# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Every kind of edit of a chart in another hand, carried to the pack and from there to the chart: that edit and no more."""

import copy
import difflib
import functools
from pathlib import Path

import dressing
import helm_python
import pytest
import yaml

from stageset_render.helm.reading import load_yaml
from stageset_render.pack import files
from stageset_render.port import chart as porting
from stageset_render.port import sources, versions
from stageset_render.port.carry import changes
from stageset_render.port.diff import report
from stageset_render.port.language import translate
from stageset_render.port.language.outline import Side, flat

EDITS = yaml.safe_load(Path(__file__).with_name("edits.yaml").read_text())
HELPERS = f"templates/{files.HELPERS}"
NOT_BESIDE = ("an else", "an else if", "a key above one that is there twice")  # others of the same place


@pytest.fixture(scope="module")
def plain():
    return porting.chart()


@pytest.fixture(scope="module")
def theirs(plain):
    return dressing.dressed(plain)


@pytest.fixture(scope="module")
def values(plain):
    return translate.known(plain)


def path_of(edit):
    return f"templates/{edit['file']}"


def lines(before, after):
    """How many lines a diff shows of each side."""
    found = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=0))[2:]
    return [sum(line[0] == sign for line in found) for sign in "-+"]


def carried(old, new, target, only=None):
    found = changes.Carriage(old, new, target, only).carried()
    assert found.conflicts == []
    return {one.path: one.after for one in found.changes}


def meant(version, name):
    tree = version.tree(name)
    return [text for text, _, _ in flat(Side(tree, version.values).outline(True).items)]


def test_another_hand_changes_nothing(plain, theirs, values):
    assert sum(sum(lines(plain[path], theirs[path])) for path in plain) > 600
    chart, pack = versions.Chart(theirs, values=values), versions.Pack(sources.pack_files(), values=values)
    assert carried(pack, chart, pack) == {}
    assert carried(versions.Chart(plain, values=values), chart, pack) == {}
    assert carried(pack, versions.Pack(sources.pack_files(), values=values), chart) == {}


@pytest.fixture(scope="module")
def before(theirs, values):
    """The chart in another hand and the pack, as they are before an edit."""
    return versions.Chart(theirs, values=values), versions.Pack(sources.pack_files(), values=values)


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit["what"])
def test_an_edit_is_carried_and_nothing_else(plain, before, values, edit):
    file, path, (chart, pack) = edit["file"], path_of(edit), before
    text = dressing.dressed({path: plain[path].replace(edit["old"], edit["new"], 1)})[path]
    beside = chart.files if file.startswith("_") else {HELPERS: chart.files[HELPERS]}
    after = versions.Chart({**beside, path: text}, values=values)
    most = edit.get("lines", max(lines(chart.files[path], after.files[path])))

    pulled = carried(pack, after, pack, file)
    assert list(pulled) == [path]
    assert max(lines(pack.files[path], pulled[path])) <= most
    number = EDITS.index(edit)
    assert number % 3 or carried(chart, after, pack, file) == pulled
    changed = versions.Pack({**pack.files, **pulled}, values=values)
    assert number % 4 or carried(changed, after, changed, file) == {}

    pushed = carried(pack, changed, chart, file)
    assert list(pushed) == [path]
    assert max(lines(chart.files[path], pushed[path])) <= most + 1
    there = versions.Chart({**beside, **pushed}, values=values)
    assert meant(there, file) == meant(after, file) or carried(there, after, there, file) == {}  # in another layout
    assert number % 4 or carried(pack, changed, there, file) == {}


def rendered(directory, texts, cases):
    """What Helm makes of a chart under each case: the objects of each template, or that it fails."""
    for path, text in texts.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    loaded, out = helm_python.Chart.load(str(directory)), []
    for case in cases:
        try:
            found = loaded.render(copy.deepcopy(case), name="stageset", namespace="space")
        except helm_python.HelmError:
            out.append("fails")
            continue
        manifests = {path.rpartition("/")[2]: text for path, text in found.items() if path.endswith(".yaml")}
        out.append({name: objects(text) for name, text in manifests.items()})
    return out


@functools.lru_cache(maxsize=4096)
def objects(manifests):
    return [one for one in yaml.load_all(manifests, yaml.CSafeLoader) if one]


def test_all_edits_at_once_render_alike_on_both_sides(plain, theirs, values, tmp_path):
    texts, chosen = dict(plain), []
    for edit in EDITS:
        if edit["old"] in texts[path_of(edit)] and edit["what"] not in NOT_BESIDE:
            chosen.append(edit)
            texts[path_of(edit)] = texts[path_of(edit)].replace(edit["old"], edit["new"], 1)
    after = dressing.dressed(texts)
    target = versions.Pack(sources.pack_files(), values=values)
    changed = {**target.files, **carried(target, versions.Chart(after, values=values), target)}
    pack = versions.Pack(changed, values=values)
    again = {path: text for path, text in after.items() if path != files.SCHEMA}
    own = versions.Chart({}, values=values)
    mine = {**again, **{f"templates/{name}": own.whole(pack.tree(name), pack.macros) for name in pack.templates}}
    cases = [{}, *report.cases().values()]
    sides = [rendered(tmp_path / name, one, cases) for name, one in (("theirs", again), ("ours", mine))]
    assert len(chosen) > 45 and sides[0] == sides[1]
    assert sum(one != "fails" for one in sides[0]) > 20


SEVERAL = {  # edits of more than one file: what becomes of the text, and how many lines change in each file
    "a parameter of a helper": (
        [
            ("- name: {{ .name }}\n", "- name: {{ .name }}\n  tty: {{ .tty }}\n"),
            ('"cacheDir" "/tmp/kubecache"', '"cacheDir" "/tmp/kubecache" "tty" false'),
            ('(printf "/tmp/kubecache-%d" $index0)', '(printf "/tmp/kubecache-%d" $index0) "tty" true'),
        ],
        {HELPERS: 2, "templates/job-cleanup.yaml": 2},
    ),
    "another name of a helper": (
        [('"stageset.scaling"', '"stageset.scales"')],
        {HELPERS: 1, "templates/deployment.yaml": 1, "templates/horizontalpodautoscaler.yaml": 1},
    ),
    "another name of a value": (
        [(".Values.tolerations", ".Values.tolerated"), ("\ntolerations: []", "\ntolerated: []")],
        {"templates/deployment.yaml": 2, "templates/_defaults.tpl": 1},
    ),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_an_edit_of_several_files_is_carried(plain, before, values, name):
    pairs, most = SEVERAL[name]
    texts = dict(plain)
    for old, new in pairs:
        texts = {path: text.replace(old, new) for path, text in texts.items()}
    chart, pack = before
    after = versions.Chart(dressing.dressed(texts), values=values)
    pulled = carried(pack, after, pack)
    assert {path: max(lines(pack.files[path], text)) for path, text in pulled.items()} == most
    assert carried(chart, after, pack).keys() == pulled.keys()
    changed = versions.Pack({**pack.files, **pulled}, values=values)
    pushed = carried(pack, changed, chart)
    there = versions.Chart({**chart.files, **pushed}, values=values)
    assert carried(changed, there, changed) == {}
    assert all(max(lines(chart.files[path], text)) <= 2 for path, text in pushed.items())


@pytest.mark.parametrize(
    "value",
    [
        "0",
        '"false"',
        "null",
        '""',
        "{}",
        "[]",
        "1e3",
        "0o17",
        "on",
        "[a, 1]",
        "{a: b}",
        '"a  b"',
        "|\n    a\n\n    b",
        ">-\n    a\n      b",
    ],
)
def test_a_default_of_any_kind_arrives(plain, before, values, value):
    was = "  objectLevelKMS: false\n"
    text = plain["values.yaml"].replace(was, f"  objectLevelKMS: {value}\n")
    (_, pack), new = before, versions.Chart({**plain, "values.yaml": text}, values=values)
    for old in (pack, versions.Chart(plain, values=values)):
        (after,) = carried(old, new, pack, files.DEFAULTS).values()
        assert repr(load_yaml(after, "")["controller"]) == repr(load_yaml(text, "")["controller"])
