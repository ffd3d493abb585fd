# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Changes carried onto a side that says something of its own near them: right, or held back and told."""

import re

import pytest

from stageset_render.port import chart as porting
from stageset_render.port import sources, versions
from stageset_render.port.carry import changes, edits
from stageset_render.port.language import translate

DEPLOYMENT, METRICS = "templates/deployment.yaml", "templates/service-metrics.yaml"
PROBES = re.compile(r"( +livenessProbe:\n.*?)( +readinessProbe:\n.*?)(?= +securityContext:\n)", re.S)
PORT = re.compile(r"(livenessProbe:\n +httpGet:\n.*\n +port: ).*")


@pytest.fixture(scope="module")
def plain():
    return porting.chart()


@pytest.fixture(scope="module")
def values(plain):
    return translate.known(plain)


@pytest.fixture(scope="module")
def pack():
    return sources.pack_files()


def swapped(text):
    return PROBES.sub(r"\2\1", text)


def carried(values, old, new, target, path):
    """What becomes of a file, and what conflicts are told; `old`, `new` and `target` are (kind, text) pairs."""
    sides = [kind({**files, path: text}, values=values) for kind, files, text in (old, new, target)]
    found = changes.Carriage(*sides, path.rpartition("/")[2]).carried()
    texts = {one.path: one.after for one in found.changes}
    return texts.get(path, target[2]), found.conflicts


@pytest.fixture
def pull(plain, pack, values):
    def pull(path, new, mine, old=None):
        """The changes that a function makes of the chart's file, on what another makes of the pack's."""
        before = old(plain[path]) if old else plain[path]
        sides = (versions.Chart, plain, before), (versions.Chart, plain, new(before)), (versions.Pack, pack, mine)
        return carried(values, *sides, path)

    return pull


def probes(text):
    found = {}
    for name in ("livenessProbe", "readinessProbe"):
        lines = re.search(rf"\n( +){name}:\n((?:\1 .*\n)+)", text)[2].splitlines()
        found[name] = [line.strip() for line in lines]
    return found


@pytest.mark.parametrize("back", [False, True])
def test_a_change_goes_to_the_block_of_the_same_keys(plain, pack, values, back):
    mine = swapped(pack[DEPLOYMENT])
    sides = [
        (versions.Chart, plain, plain[DEPLOYMENT]),
        (versions.Chart, plain, PORT.sub(r"\1health", plain[DEPLOYMENT])),
        (versions.Pack, pack, mine),
    ]
    if back:
        mine = swapped(plain[DEPLOYMENT])
        new = PORT.sub(r"\1health", pack[DEPLOYMENT])
        sides = [
            (versions.Pack, pack, pack[DEPLOYMENT]),
            (versions.Pack, pack, new),
            (versions.Chart, plain, mine),
        ]
    text, conflicts = carried(values, *sides, DEPLOYMENT)
    was, now = probes(mine), probes(text)
    assert now["readinessProbe"] == was["readinessProbe"]
    assert conflicts == [] and text == PORT.sub(r"\1health", mine)


ADDED = "            failureThreshold: 9\n"


@pytest.mark.parametrize("last", ["periodSeconds: 20\n", "periodSeconds: 10\n"])
def test_a_line_is_added_to_the_block_of_the_same_keys(pull, pack, last):
    mine = swapped(pack[DEPLOYMENT])
    text, conflicts = pull(DEPLOYMENT, lambda text: text.replace(last, last + ADDED), mine)
    assert (text, conflicts) == (mine.replace(last, last + ADDED), [])


def test_a_line_is_added_to_no_other_block(pull, pack):
    """The pack has no such block."""
    mine = PROBES.sub(r"\2", pack[DEPLOYMENT])
    last = "periodSeconds: 20\n"
    text, conflicts = pull(DEPLOYMENT, lambda text: text.replace(last, last + ADDED), mine)
    assert text == mine and len(conflicts) == 1


def test_a_block_is_added_behind_what_the_pack_has_of_its_own(pull, pack):
    own = "            timeoutSeconds: 7\n"
    fresh = "          startupProbe:\n            failureThreshold: 9\n"
    last = "periodSeconds: 20\n"
    mine = pack[DEPLOYMENT].replace(last, last + own)
    text, conflicts = pull(DEPLOYMENT, lambda text: text.replace(last, last + fresh), mine)
    assert (text, conflicts) == (pack[DEPLOYMENT].replace(last, last + own + fresh), [])


def test_a_block_that_moves_is_moved_once(pull, pack):
    text, conflicts = pull(DEPLOYMENT, swapped, pack[DEPLOYMENT])
    assert (text, conflicts) == (swapped(pack[DEPLOYMENT]), [])
    assert pull(DEPLOYMENT, swapped, text) == (text, [])


@pytest.mark.parametrize(
    "was, now",
    [("periodSeconds: 20", "periodSeconds: 30"), ("periodSeconds: 20\n", "periodSeconds: 20\n" + ADDED)],
)
def test_a_move_of_a_block_that_deviates_is_held_back(pull, pack, was, now):
    mine = pack[DEPLOYMENT].replace(was, now)
    text, conflicts = pull(DEPLOYMENT, swapped, mine)
    assert text == mine and len(conflicts) == 1
    text, conflicts = pull(DEPLOYMENT, lambda text: PROBES.sub(r"\2", text), mine)
    assert text == mine and len(conflicts) == 1


@pytest.mark.parametrize(
    "was, now",
    [("type: ClusterIP\n", "type: ClusterIP\n  sessionAffinity: None\n"), ("targetPort: metrics", "targetPort: m")],
)
def test_what_is_there_already_is_quiet(pull, pack, was, now):
    mine = "{%- if Values.metrics.enabled %}\n" + pack[METRICS].rstrip("\n") + "\n{%- endif %}\n"
    text, conflicts = pull(METRICS, lambda text: text.replace(was, now), mine)
    assert (text, conflicts) == (mine.replace(was, now), [])
    assert pull(METRICS, lambda text: text.replace(was, now), text) == (text, [])


PORTS = "- {{ .Values.ports.gate | int | quote }}"
ISTIO, GATE = "templates/istio-authorizationpolicy.yaml", "templates/service-gate.yaml"


def test_every_quote_counts(plain, pack, values):
    mine, number = versions.Pack(pack, values=values), 0
    for path in (ISTIO, "templates/peerauthentication.yaml", "templates/deployment.yaml", "templates/_helpers.tpl"):
        for found in re.finditer(r" \| quote", plain[path]):
            text = plain[path][: found.start()] + plain[path][found.end() :]
            new = versions.Chart({**plain, path: text}, values=values)
            assert [one.path for one in changes.Carriage(mine, new, mine, path[10:]).carried().changes] == [path], text
            number += 1
    assert number > 20


def test_quotes_are_quotes_whoever_writes_them(plain, pack, values):
    mine = versions.Pack(pack, values=values)
    for path, new in (
        (ISTIO, '- "{{ .Values.ports.gate | int }}"'),
        (ISTIO, "- '{{ .Values.ports.gate | int }}'"),
        (ISTIO, "- {{ .Values.ports.gate | int | squote }}"),
    ):
        files = {**plain, path: plain[path].replace(PORTS, new)}
        assert files != plain
        assert changes.Carriage(mine, versions.Chart(files, values=values), mine).carried().changes == []


def test_what_a_comment_swallows_is_gone(plain, pack, values):
    mine = versions.Pack(pack, values=values)
    text = plain[GATE].replace("{{- if .Values.gate.enabled }}", "# gate\n{{- if .Values.gate.enabled -}}", 1)
    (change,) = changes.Carriage(mine, versions.Chart({**plain, GATE: text}, values=values), mine).carried().changes
    assert change.after == pack[GATE].replace("apiVersion: v1\n", "", 1)


RULES = "templates/clusterrole-controller.yaml"
LIST = re.compile(r"(?m)^( +)(- |)(\w+): \[(.*)\]$")


def in_lines(text):
    def lines(found):
        blank = "\n" + found[1] + " " * (len(found[2]) + 2) + "- "
        return f"{found[1]}{found[2]}{found[3]}:" + "".join(blank + one for one in found[4].split(", "))

    return LIST.sub(lines, text)


def test_a_list_keeps_its_layout_where_an_item_goes(plain, pack, values, pull):
    was, now = "verbs: [create, get, list, watch]", "verbs: [create, get, list]"

    def fewer(text):
        return text.replace(in_lines(f"    {was}"), in_lines(f"    {now}"), 1)

    expected = pack[RULES].replace(was, now, 1)
    assert pull(RULES, fewer, pack[RULES], in_lines) == (expected, [])
    mine, chart = versions.Pack(pack, values=values), {**plain, RULES: fewer(in_lines(plain[RULES]))}
    (change,) = changes.Carriage(mine, versions.Chart(chart, values=values), mine).carried().changes
    assert change.after == expected
    sides = (
        (versions.Pack, pack, pack[RULES]),
        (versions.Pack, pack, expected),
        (versions.Chart, plain, in_lines(plain[RULES])),
    )
    assert carried(values, *sides, RULES) == (fewer(in_lines(plain[RULES])), [])


def test_what_is_added_behind_a_list_stands_behind_it(plain, pack, values):
    mine, was = versions.Pack(pack, values=values), "    verbs: [create, get, list, watch]\n"
    text = plain[RULES].replace(was, in_lines(was[:-1]) + "\n      - patch\n    other: 1\n", 1)
    (change,) = changes.Carriage(mine, versions.Chart({**plain, RULES: text}, values=values), mine).carried().changes
    assert change.after == pack[RULES].replace(was, "    verbs: [create, get, list, watch, patch]\n    other: 1\n", 1)


def test_a_condition_around_a_file_in_another_layout_is_two_lines(plain, pack, values):
    mine, text = versions.Pack(pack, values=values), in_lines(plain[RULES])
    for where in ("apiVersion", "  - apiGroups"):
        at = text.index(where)
        new = f"{text[:at]}{{{{- if .Values.mcp.enabled }}}}\n# another comment\n{text[at:]}" + "\n{{- end }}\n"
        (change,) = changes.Carriage(mine, versions.Chart({**plain, RULES: new}, values=values), mine).carried().changes
        assert len(change.after.splitlines()) == len(pack[RULES].splitlines()) + 2
        assert LIST.findall(change.after) == LIST.findall(pack[RULES])


RULE = "templates/prometheusrule.yaml"


def line_of(text, part):
    return text.split(part)[0].count("\n") + 1


def test_a_conflict_in_a_text_of_several_lines_names_the_lines_themselves(plain, pack, values):
    """That in which the target deviates, and that which changes."""
    was, now, own = (f"            > {one}" for one in ("{{{{ {}thresholds.reconcileErrorRate }}}}", "1", "2"))
    old, new = plain[RULE].replace(was.format("$"), was.format("$"), 1), plain[RULE].replace(was.format("$"), now, 1)
    mine = pack[RULE].replace(was.format(""), own, 1)
    above = ("            sum by (namespace", "            max by (namespace")
    assert new != old and mine != pack[RULE]
    for target, line in ((mine, own), (mine.replace(*above, 1), above[1])):
        sides = (versions.Chart, plain, old), (versions.Chart, plain, new), (versions.Pack, pack, target)
        text, (told,) = carried(values, *sides, RULE)
        assert text == target
        assert told.place == (RULE, line_of(target, line), None)
        assert told.mend == f"{RULE}:{line_of(new, now)} makes `> 1` of it"
    assert "it says `max by (namespace" in told.message and "where it was `sum by (namespace" in told.message


def test_what_the_new_version_takes_away_has_a_place_too(pull, pack):
    mine = pack[METRICS].replace("type: ClusterIP", "type: NodePort")
    text, (told,) = pull(METRICS, lambda text: text.replace("  type: ClusterIP\n", ""), mine)
    assert text == mine and told.place.line == line_of(mine, "type: NodePort")
    assert told.mend == f"{METRICS}:{line_of(mine, 'type: NodePort') - 1} takes it away"


@pytest.mark.parametrize("gone", [False, True])
def test_a_file_that_the_target_calls_otherwise_is_followed(plain, pack, values, gone):
    old, name, own = dict(pack), "templates/service-gate.yaml", "templates/gate.yaml"
    new = {**pack, name: pack[name].replace("type: ClusterIP", "type: NodePort")}
    mine = {own if path == name else path: text for path, text in plain.items()}
    if gone:
        del new[name]
    sides = (kind(files, values=values) for kind, files in ((versions.Pack, old), (versions.Pack, new)))
    found = changes.Carriage(*sides, versions.Chart(mine, values=values)).carried()
    after = None if gone else plain[name].replace("type: ClusterIP", "type: NodePort")
    assert found.conflicts == [] and found.changes == [(own, plain[name], after, "")]


@pytest.mark.parametrize(
    "mine, new, expected",
    [
        ("verbs: [get, list] # why", "verbs:\n  - get\n  - watch", "verbs: [get, watch] # why"),
        ("verbs: ['get', 'list']", "verbs: [get, list, watch]", "verbs: ['get', 'list', 'watch']"),
        ("v:\n  # a\n  - get # b\n  - list", 'v: ["list", get, "x,y"]', 'v:\n  - list\n  # a\n  - get # b\n  - "x,y"'),
        ("v:\n  - a", "v: [a, {{ .Values.b | quote }}]", "v:\n  - a\n  - {{ .Values.b | quote }}"),
        ("v: [a]", "v:\n  - a,b\n  - {{ .b }}-{{ .c }}\n  - a", 'v: ["a,b", {{ .b }}-{{ .c }}, a]'),
        ('v: ["*"]', "v:\n  - true\n  - none", 'v: [true, "none"]'),
        ("v: [ a, b ]", 'v:\n  - "b"', "v: [ b ]"),
        ("v:\n  - a", "v: []", "v: []"),
        ("v: []", "v:\n  - a", ""),
        ("v: [a]", "v:\n  - a: b", ""),
        ("v: [a]", "v: [{a: b}]", ""),
        ("v: [a]", "v: " + "[" * 5000, ""),
        ("v: [a]", "v: [" + "{{x}}" * 5000 + "}", ""),
    ],
)
def test_a_list_keeps_its_layout_and_its_quotes(mine, new, expected):
    assert edits.relaid(f"{mine}\n", f"{new}\n") == (expected and f"{expected}\n")


@pytest.mark.parametrize("back", [False, True])
def test_a_list_of_things_printed_keeps_its_layout(plain, pack, values, back):
    flow, block = (
        "verbs: [{}, list, watch]",
        "verbs: # rights\n      - {}\n      # both\n      - 'list'\n      - 'watch'",
    )
    fewer, less = "verbs: [watch, {}]", "verbs: # rights\n      - 'watch'\n      - {}"
    was, here, there = "verbs: [get, list, watch]", "{{ Values.gate.verb }}", "{{ .Values.gate.verb }}"

    def chart(lines):
        return versions.Chart, plain, plain[RULES].replace(was, lines.format(there), 1)

    def mine(lines):
        return versions.Pack, pack, pack[RULES].replace(was, lines.format(here), 1)

    one, other = (mine, chart) if back else (chart, mine)
    for old, new, target, expected in ((flow, fewer, block, less), (block, less, flow, fewer)):
        assert carried(values, one(old), one(new), other(target), RULES) == (other(expected)[2], [])


def test_what_is_carried_is_carried_once(pull, pack):
    """Also where it is laid out otherwise, and a condition that asks with another pipeline."""
    was, now = "verbs: [get, list, watch]", "verbs:\n      - get\n      - list"
    text, conflicts = pull(RULES, lambda text: text.replace(was, now, 1), pack[RULES])
    assert (text, conflicts) == (pack[RULES].replace(was, "verbs: [get, list]", 1), [])
    assert pull(RULES, lambda text: text.replace(was, now, 1), text) == (text, [])
    was, now = (
        "if .Values.controller.leaderElect",
        "if or .Values.controller.leaderElect (gt (int .Values.replicas.min) 1)",
    )
    text, conflicts = pull(DEPLOYMENT, lambda text: text.replace(was, now, 1), pack[DEPLOYMENT])
    assert text != pack[DEPLOYMENT] and conflicts == []
    assert pull(DEPLOYMENT, lambda text: text.replace(was, now, 1), text) == (text, [])


SWAPPED = "            periodSeconds: 10\n            initialDelaySeconds: 5\n"
TRACING = "            - --tracing-insecure={{ Values.controller.tracing.insecure }}\n"
OWN = f"            {{%- if Values.controller.tracing.insecure %}}\n{TRACING}            {{%- endif %}}\n"


def test_a_block_moves_past_one_whose_keys_stand_in_another_order(pull, pack):
    mine = pack[DEPLOYMENT].replace("".join(reversed(SWAPPED.splitlines(True))), SWAPPED)
    assert mine != pack[DEPLOYMENT]
    text, conflicts = pull(DEPLOYMENT, swapped, mine)
    assert (text, conflicts) == (swapped(mine), [])


@pytest.mark.parametrize("after", [False, True])
def test_nothing_goes_into_a_condition_that_the_target_alone_has(pull, pack, after):
    mine, flag = pack[DEPLOYMENT].replace(TRACING, OWN), "            - --tracing-timeout=5s\n"
    line, becomes = r"(?m)^ *- --tracing-insecure=.*\n", rf"\g<0>{flag}" if after else rf"{flag}\g<0>"
    text, conflicts = pull(DEPLOYMENT, lambda old: re.sub(line, becomes, old), mine)
    assert (text, conflicts) == (mine.replace(OWN, OWN + flag if after else flag + OWN), [])


@pytest.mark.parametrize("there", [False, True])
def test_who_alone_reads_a_value_that_is_gone_is_told(plain, pack, values, there):
    defaults = "templates/_defaults.tpl"
    new = {DEPLOYMENT: plain[DEPLOYMENT].replace("tracing.insecure", "tracing.plain")}
    new["values.yaml"] = plain["values.yaml"].replace("    insecure: false", "    plain: false")
    mine = {**pack, DEPLOYMENT: pack[DEPLOYMENT].replace(TRACING, OWN if there else TRACING)}
    sides = versions.Chart(plain, values=values), versions.Chart({**plain, **new}, values=values)
    found = changes.Carriage(*sides, versions.Pack(mine, values=values)).carried()
    assert {one.path for one in found.changes} == {DEPLOYMENT, defaults}
    line = mine[DEPLOYMENT].split("{%- if Values.controller.tracing.insecure %}")[0].count("\n") + 1
    told = [(one.place[:2], one.message) for one in found.conflicts]
    assert told == [((DEPLOYMENT, line), "reads controller.tracing.insecure, which is gone")] * there


def test_a_flag_that_says_much_else_keeps_the_comment_above_it(plain, pack, values):
    flag = "            - --webhook-service-name="
    theirs = plain[DEPLOYMENT].replace(flag, f"            {{{{- /* why */}}}}\n{flag}")
    new = pack[DEPLOYMENT].replace(
        f"{flag}{{{{ stageset.name() }}}}-webhook", f'{flag}{{{{ printf("%s-x", Release.Name) }}}}'
    )
    sides = (versions.Pack, pack, pack[DEPLOYMENT]), (versions.Pack, pack, new), (versions.Chart, plain, theirs)
    text, conflicts = carried(values, *sides, DEPLOYMENT)
    was = f'{flag}{{{{ include "stageset.name" . }}}}-webhook'
    assert (text, conflicts) == (theirs.replace(was, f'{flag}{{{{ printf "%s-x" .Release.Name }}}}'), [])


def test_a_new_helper_stands_behind_a_blank_line(pull, pack):
    path = "templates/_helpers.tpl"
    text, _ = pull(path, lambda old: old + '\n{{- define "stageset.more" -}}\na: b\n{{- end }}\n', pack[path])
    assert text == pack[path] + "\n{%- macro more() -%}\na: b\n{%- endmacro %}\n"


def test_a_flag_that_both_sides_call_otherwise_is_a_conflict(plain, pack, values):
    was, theirs, ours = "- --log-level=", "- --loglevel=", "- --verbosity="
    chart, mine = plain[DEPLOYMENT].replace(was, theirs), pack[DEPLOYMENT].replace(was, ours)
    old = (versions.Chart, plain, plain[DEPLOYMENT]), (versions.Pack, pack, pack[DEPLOYMENT])
    new = (versions.Chart, plain, chart), (versions.Pack, pack, mine)
    for sides in ((old[0], new[0], new[1]), (old[1], new[1], new[0])):
        text, (conflict,) = carried(values, *sides, DEPLOYMENT)
        assert text == sides[2][2] and "it says `- --" in conflict.message
