# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""values.schema.json against the defaults, the templates and Helm."""

import json
from pathlib import Path

import helm_python
import pytest
import yaml
from jinja2 import nodes

import renderer

ROOT = Path(__file__).resolve().parent.parent
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


@pytest.mark.parametrize("path, schema", LEAVES)
def test_every_value_is_described_and_has_the_default_of_the_defaults(path, schema):
    default = DEFAULTS
    for key in path:
        default = default[key]
    assert schema["default"] == default
    assert type(schema["default"]) is type(default)
    assert schema["description"].endswith(".")
    assert "type" in schema


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
    with pytest.raises(renderer.Refused) as refused:
        renderer.render(values, name="a", namespace="b")
    assert [problem.path for problem in refused.value.problems] == [(*path, "unknown")]


def value_paths(template):
    """Every `Values.a.b` that a template reads, from its syntax tree."""
    tree = renderer.environment().parse((ROOT / "templates" / template).read_text(encoding="utf-8"))
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
    free = {path for path, schema in leaves(SCHEMA) if "object" in schema["type"]}
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
