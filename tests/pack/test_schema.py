# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""values.schema.json against the defaults, the templates and Helm."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import helm_python
import pytest
import yaml
from jinja2 import nodes

from stageset_render.findings import ERROR, WARNING, Refused, dotted
from stageset_render.helm.values import coalesce
from stageset_render.pack import environment, rendering
from stageset_render.pack.model import types
from stageset_render.pack.release import schema
from stageset_render.port.to_helm import chart as porting

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMA = json.loads((ROOT / "values.schema.json").read_text(encoding="utf-8"))
DEFAULTS = yaml.safe_load((ROOT / "templates" / "_defaults.tpl").read_text(encoding="utf-8"))


def leaves(node, path=()):
    """(path, schema) of every value that is no fixed level."""
    for key, child in node["properties"].items():
        if child.get("additionalProperties") is False:
            yield from leaves(child, (*path, key))
        elif (*path, key) != ("global",):
            yield (*path, key), child


LEAVES = [pytest.param(path, schema, id=".".join(path)) for path, schema in leaves(SCHEMA)]


def levels(node, path=()):
    if node.get("additionalProperties") is False:
        yield path, node
        for key, child in node["properties"].items():
            yield from levels(child, (*path, key))


@pytest.mark.parametrize("path, node", LEAVES)
def test_every_value_is_described_and_has_the_default_of_the_defaults(path, node):
    default = DEFAULTS
    for key in path:
        default = default[key]
    assert node["default"] == default
    assert type(node["default"]) is type(default)
    assert node["description"].endswith(".")


def test_every_definition_is_referred_to_and_every_reference_leads_to_one():
    references = re.findall(r'"\$ref": "([^"]*)"', json.dumps(SCHEMA))
    assert set(references) == {f"#/definitions/{name}" for name in SCHEMA["definitions"]}


@pytest.mark.parametrize("path, node", LEAVES)
def test_every_value_has_an_example_that_is_taken(path, node):
    (example,) = node["examples"]
    assert example != node["default"]
    values = example
    for key in reversed(path):
        values = {key: values}
    assert schema().findings(coalesce(DEFAULTS, values), values) == []


def test_every_default_is_in_the_schema():
    def paths(node, path=()):
        known = SCHEMA
        for key in path:
            known = known["properties"][key]
        if known.get("additionalProperties") is False:
            for key, child in node.items():
                yield from paths(child, (*path, key))
        else:
            yield path

    assert set(paths(DEFAULTS)) == {param.values[0] for param in LEAVES}


@pytest.mark.parametrize(
    "path, level", [pytest.param(path, level, id=".".join(path) or "top") for path, level in levels(SCHEMA)]
)
def test_unknown_keys_are_refused_at_every_level(path, level):
    values = {"unknown": 1}
    for key in reversed(path):
        values = {key: values}
    with pytest.raises(Refused) as refused:
        rendering.render(values, name="a", namespace="b")
    assert [problem.path for problem in refused.value.problems] == [(*path, "unknown")]


def value_paths(template):
    """Every `Values.a.b` that a template reads, from its syntax tree."""
    tree = environment.environment().parse((ROOT / "templates" / template).read_text(encoding="utf-8"))
    inner = {node.node for node in tree.find_all(nodes.Getattr)}
    for node in tree.find_all(nodes.Getattr):
        path = []
        outer = node not in inner
        while outer and isinstance(node, nodes.Getattr):
            path.insert(0, node.attr)
            node = node.node
        if outer and isinstance(node, nodes.Name) and node.name == "Values":
            yield tuple(path)


@pytest.mark.parametrize(
    "template", sorted(path.name for path in (ROOT / "templates").iterdir() if path.name != "_defaults.tpl")
)
def test_templates_read_only_values_that_the_schema_knows(template):
    known = {path for path, _ in leaves(SCHEMA)} | {path for path, _ in levels(SCHEMA)}
    free = {path for path, node in schema().model.values() if "object" in types(node)}
    unknown = set(value_paths(template)) - known
    assert {path for path in unknown if path[:-1] not in free} == set()


def test_the_walk_over_templates_finds_paths():
    assert ("serviceMesh", "mtls") in set(value_paths("peerauthentication.yaml"))


@pytest.mark.parametrize(
    "values, named",
    [
        ({}, None),
        ({"serviceMesh": {"mtls": "stirct"}}, "mtls"),
        ({"serviceMesh": {"mtsl": "strict"}}, "mtsl"),
        ({"ports": {"gate": 0}}, "gate"),
        ({"serviceMesh": {"gate": {"from": [{}]}}}, "from"),
    ],
)
def test_helm_enforces_the_schema_too(tmp_path, values, named):
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.0.0\n")
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(DEFAULTS))
    (tmp_path / "values.schema.json").write_text(json.dumps(SCHEMA))
    with helm_python.Chart.load(tmp_path) as chart:
        everything = chart.merge_values(values)
        if named is None:
            chart.validate_schema(everything)
        else:
            with pytest.raises(helm_python.HelmValuesError, match=named):
                chart.validate_schema(everything)


# What editors and other validators make of the schema


def files(*patterns):
    return [path.relative_to(ROOT).as_posix() for pattern in patterns for path in sorted(ROOT.glob(pattern))]


GOOD = files("examples/*.yaml", "tests/everything/*.yaml", "tests/cases/valid/*.yaml", "tests/cases/warned/*.yaml")
BAD = files("tests/cases/refused/*.yaml")


@pytest.fixture(scope="module")
def faulty():
    """The files in which check-jsonschema finds something."""
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", "values.schema.json", "-o", "json"]
    done = subprocess.run([*command, *GOOD, *BAD], cwd=ROOT, capture_output=True, text=True)
    return {error["filename"] for error in json.loads(done.stdout)["errors"]}


def test_editors_believe_in_every_good_values_file(faulty):
    assert faulty.intersection(GOOD) == set()


def test_editors_refuse_what_the_schema_refuses_in_what_is_written(faulty):
    known = set()
    for name in BAD:
        values = yaml.load((ROOT / name).read_text(encoding="utf-8"), yaml.CSafeLoader)
        found = schema().findings(coalesce(DEFAULTS, values), values)
        known |= {name} if found else set()
    assert faulty.intersection(BAD) == known != set()


def test_the_ported_schema_requires_what_null_must_not_delete():
    ported = json.loads(porting.chart()["values.schema.json"])
    assert "required" not in SCHEMA
    assert "serviceMesh" in ported["required"]
    assert "engine" in ported["properties"]["serviceMesh"]["required"]
    assert "mtls" not in ported["properties"]["serviceMesh"]["required"]


# The words of a refusal


def nodes_of(schema):
    if isinstance(schema, dict):
        yield schema
        for key, inner in schema.items():
            if key not in ("enum", "const", "default", "if"):  # nobody hears of what an if finds
                yield from nodes_of(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from nodes_of(inner)


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf", "not", "contains", "patternProperties"])
def test_the_schema_words_what_a_keyword_cannot(keyword):
    inside = [
        id(part) for node in nodes_of(SCHEMA) for word in ("anyOf", "oneOf", "not") for part in nodes_of(node.get(word))
    ]
    found = [node for node in nodes_of(SCHEMA) if keyword in node and id(node) not in inside]
    assert [node for node in found if "errorMessage" not in node] == []
    assert found or keyword == "contains"


def test_every_text_of_a_form_says_which():
    unheard = [id(part) for node in nodes_of(SCHEMA) for part in nodes_of(node.get("not"))]
    forms = [node for node in nodes_of(SCHEMA) if isinstance(node.get("pattern"), str) and node.get("type") == "string"]
    assert [node for node in forms if "title" not in node and id(node) not in unheard] == []
    assert len(forms) > 20


def test_only_unknown_keys_and_bounds_of_passed_through_values_may_be_let_pass():
    values = {
        "unknown": 1,
        "ports": {"gate": 0},
        "tolerations": [{"operator": "Exists", "newer": 1, "effect": "newer"}],
        "affinity": {"podAffinity": {"newer": 1}},
        "podSecurityContext": {"runAsUser": 2**31},
        "webhook": {"matchConditions": [{"name": f"a{i}", "expression": "true"} for i in range(65)]},
        "serviceMesh": {"gate": {"from": [{"principals": ["a"], "newer": 1}]}},
    }
    everything = coalesce(DEFAULTS, values)
    found = {dotted(one.path): one.level for one in schema().findings(everything, values, lenient=True)}
    assert found == {
        "unknown": ERROR,
        "ports.gate": ERROR,
        "tolerations[0].effect": ERROR,
        "serviceMesh.gate.from[0].newer": ERROR,
        "tolerations[0].newer": WARNING,
        "affinity.podAffinity.newer": WARNING,
        "podSecurityContext.runAsUser": WARNING,
        "webhook.matchConditions": WARNING,
    }
    assert {one.level for one in schema().findings(everything, values)} == {ERROR}


LARGE = {
    "unknown keys": {str(number): 1 for number in range(50_000)},
    "a long key": {"x" * 1_000_000: 1},
    "wrong items": {"controller": {"allowedActionHosts": [0] * 400_000}},
    "a wrong item at the end": {"controller": {"allowedActionHosts": ["a"] * 200_000 + [0]}},
    "wrong keys": {"serviceAccount": {"annotations": {f"{number} ": "" for number in range(80_000)}}},
    "empty entries": {"serviceMesh": {"gate": {"from": [{}] * 300_000}}},
    "unknown keys in entries": {"tolerations": [{f"operato{number}": 1} for number in range(40_000)]},
    "the same entry": {"imagePullSecrets": [{"name": "a"}] * 60_000},
    "long texts": {"image": {"tag": "a" * 500_000, "pullPolicy": "x" * 500_000}},
    "nested lists": {"serviceMesh": {"istio": {"rules": [{"from": [{"source": {"ports": [0] * 9}}] * 9}] * 3_000}}},
}


@pytest.mark.parametrize("values", [pytest.param(values, id=name) for name, values in LARGE.items()])
def test_a_large_file_is_answered_in_time_and_in_few_words(values):
    everything = coalesce(DEFAULTS, values)
    start = time.process_time()
    found = schema().findings(everything, values)
    assert time.process_time() - start < 2
    assert found
    assert max(map(len, map(str, found))) < 700
    assert not any("x" * 200 in str(problem) for problem in found)


def test_a_rate_limit_of_linkerd_is_taken():
    limit = {
        "apiVersion": "policy.linkerd.io/v1alpha1",
        "kind": "HTTPLocalRateLimitPolicy",
        "metadata": {"name": "a"},
        "spec": {
            "targetRef": {"group": "policy.linkerd.io", "kind": "Server", "name": "a"},
            "total": {"requestsPerSecond": 10},
            "overrides": [{"requestsPerSecond": 1, "clientRefs": [{"kind": "ServiceAccount", "name": "a"}]}],
        },
    }
    values = {"serviceMesh": {"linkerd": {"authorizations": [limit]}}}
    assert schema().findings(coalesce(DEFAULTS, values), values) == []
    limit["spec"]["total"]["requestsPerSecond"] = 0
    assert schema().findings(coalesce(DEFAULTS, values), values)
