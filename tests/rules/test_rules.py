# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Every rule is held against rows of values: <family>.yaml has a list of rows for each rule by its name.

    wrong      values that the rule finds something in
    says       what it says, "PATH: sentence; how to mend it", and nothing else under this rule's name
    right      values of the same intent, in which it finds nothing
    namespace  of the release, where that matters
    whole      where the whole release is rendered, and not its templates as named by -s
    options    of the command, beside `wrong`; expect: what its --expect reads, beside each of both

docs/rules.md shows the first row of each rule as its example. What is found before and after values are judged says the whole
line of the command.
"""

import copy
import re
from pathlib import Path

import pytest
import yaml

from stageset_render import rules
from stageset_render.findings import ERROR
from stageset_render.helm.reading import read_own
from stageset_render.pack.release import Release, schema

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.yaml"))
ROWS = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in FILES}
BY_COMMAND = {
    "crds",
    "usage",
    "yaml",
    "template",
    "expect",
    "ignore",
    "output",
}  # what is found before and after values are judged
BESIDE = {  # of options and of files, which have tests of their own
    "values-option",
    "crds-without-effect",
    "output-stale",
    "output-hook",
    "output-lint-part",
    "output-unwritable",
    "crds-unusable",
}


def each(families):
    return [
        pytest.param(name, row, id=f"{name}-{index}")
        for family in sorted(families)
        for name, several in ROWS[family].items()
        for index, row in enumerate(several)
    ]


JUDGING, ELSEWHERE = each(set(ROWS) - BY_COMMAND), each(BY_COMMAND)

# What is wrong by its size alone: values of a size, the largest that is right, and what is said of one more.
LARGE = {
    "metadata-annotations-too-large": (
        lambda size: {"serviceAccount": {"annotations": {"a.b/c": "x" * (size - 5)}}},
        262144,
        "serviceAccount.annotations: has 262145 bytes of keys and values, and an object takes 262144 at most; write less",
    ),
    "workload-too-many-namespaces": (
        lambda size: {"controller": {"watchNamespaces": [f"team-{index}" for index in range(size)]}},
        10_000,
        "controller.watchNamespaces: a container of the cleanup Job for each of 10001 namespaces makes it larger than "
        "kube-apiserver takes; set cleanupOnDelete.enabled to false, and delete the StageSets yourself before an uninstall",
    ),
    "network-too-many-rules": (
        lambda size: {
            "networkPolicy": {
                "enabled": True,
                "engine": "clusterNetworkPolicy",
                "clusterNetworkPolicy": {"ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}] * size},
            }
        },
        21,
        "networkPolicy.clusterNetworkPolicy.ingress: has 22 rules, which with those for health, metrics, webhook, gate are 26, "
        "and a ClusterNetworkPolicy takes 25; merge some",
    ),
    "istio-too-many-rules": (
        lambda size: {
            "serviceMesh": {"enabled": True, "istio": {"rules": [{"to": [{"operation": {"ports": ["8082"]}}]}] * size}},
        },
        509,
        "serviceMesh.istio.rules: has 510 entries beside the policy's own 3, and Istio takes 512 in all; merge some",
    ),
}


def judged(values, namespace="stageset-system"):
    return rules.judged(Release(values, name="stageset", namespace=namespace))


def judged_row(row, kind):
    return judged(read_own(row[kind]), row.get("namespace", "stageset-system"))


def of(rule, found):
    return [str(one) for one in found if one.rule == rule]


def told(command, directory, row, kind):
    """What the command says of a file, which is "LINE:COLUMN: level: PATH: sentence [rule]"."""
    (directory / "values.yaml").write_text(row[kind], encoding="utf-8")
    options = list(row.get("options", ()) if kind == "wrong" else ())
    if kind in row.get("expect", {}):
        (directory / "access.yaml").write_text(row["expect"][kind], encoding="utf-8")
        options += ["--expect", "access.yaml"]
    shown = () if "whole" in row else ("-s", "templates/*")  # of a part of the release nobody expects the definitions
    done = command("stageset", "-n", "stageset-system", "-f", "values.yaml", *shown, *options)
    return [line for line in done.stderr.splitlines() if re.search("(^|: )(error|warning): ", line)]


@pytest.mark.parametrize("name, row", JUDGING)
def test_wrong_is_found(name, row):
    assert of(name, judged_row(row, "wrong")) == row["says"]


@pytest.mark.parametrize("name, row", JUDGING)
def test_right_is_not_and_is_not_refused_either(name, row):
    assert [str(one) for one in judged_row(row, "right") if one.rule == name or one.level == ERROR] == []


@pytest.mark.parametrize("name, row", ELSEWHERE)
def test_what_the_command_finds(command, tmp_path, monkeypatch, name, row):
    monkeypatch.chdir(tmp_path)
    assert [line for line in told(command, tmp_path, row, "wrong") if line.endswith(f" [{name}]")] == row["says"]
    assert told(command, tmp_path, row, "right") == []


@pytest.mark.parametrize("name", LARGE)
def test_too_large_is_found(name):
    values, most, sentence = LARGE[name]
    assert (of(name, judged(values(most))), of(name, judged(values(most + 1)))) == ([], [sentence])


@pytest.mark.parametrize("family", rules.FAMILIES)
def test_every_rule_has_a_row_in_the_file_of_its_family(family):
    names = {one.name for one in rules.family(family)} - set(LARGE) - BESIDE
    assert set(ROWS.get(family, {})) == names


def test_what_decides_whether_a_family_is_asked_keeps_no_finding_back(monkeypatch):
    """Of all rows: what is found when a family is asked is found also when it is not for its keys that it is."""
    rows = [read_own(row[kind]) for _, row in (one.values for one in JUDGING) for kind in ("wrong", "right")]
    asked = [sorted(map(str, judged(values))) for values in rows]
    for name in ("ports", "image", "pod", "metadata", "workload", "controller", "network", "mesh"):
        monkeypatch.setitem(rules.FAMILIES, name, rules.FAMILIES["values"])
    assert asked == [sorted(map(str, judged(values))) for values in rows]


@pytest.mark.parametrize("family", [name for name in rules.FAMILIES if name not in BY_COMMAND])
def test_nothing_is_found_in_the_defaults(family):
    release = Release({}, name="stageset", namespace="stageset-system")
    if rules.FAMILIES[family](release) or family in (
        "ports",
        "image",
        "pod",
        "metadata",
        "workload",
        "controller",
        "webhook",
    ):
        assert [found for one in rules.family(family) if one.check for found in one.check(release)] == []


WRONG = [None, "", "nope", "Istio", 0, -1, 3, 1.5, True, [], [3], [None], {}, {"a": 3}, [{"a": []}]]
BASES = {
    "defaults": {},
    "istio": {"serviceMesh": {"enabled": True}, "networkPolicy": {"enabled": True, "egress": {"enabled": True}}},
    "linkerd": {"serviceMesh": {"enabled": True, "engine": "linkerd"}, "networkPolicy": {"enabled": True}},
}


@pytest.mark.parametrize("base", BASES)
def test_no_wrong_value_is_too_wrong_to_be_judged(base):
    """At every path one of the wrong values, another at the next: what the schema refuses no rule stumbles over."""
    for number, path in enumerate(schema().paths()):
        for wrong in (WRONG[number % len(WRONG)], WRONG[(number * 7 + 4) % len(WRONG)]):
            values = copy.deepcopy(BASES[base])
            inside = values
            for step in path[:-1]:
                inside = inside.setdefault(step, {})
            if path:
                inside[path[-1]] = wrong
                assert isinstance(judged(values), list)


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": 3},
        {"networkPolicy": {"enabled": True, "engine": "Calico"}},
        *({**BASES["istio"], "serviceMesh": {"enabled": True, "engine": engine}} for engine in ("Istio", "")),
    ],
)
def test_what_decides_how_the_rest_is_read_is_refused_alone(values):
    assert [one.rule for one in judged(values)] in (["values-type"], ["values-choice"])
