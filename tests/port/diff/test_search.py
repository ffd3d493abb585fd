# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""diff --random: what is drawn from the schema, and the smallest values that show a difference."""

import json
import random
import sys

import jsonschema_rs
import pytest
from changed_charts import run

from stageset_render import Refused, render
from stageset_render.pack import release
from stageset_render.port.diff import draws, search

RELEASE = {"name": "stageset", "namespace": "stageset-system"}
TREE = {"type": "object", "properties": {"of": {"type": "array", "items": {"$ref": "#/definitions/tree"}}}}
PORTS = {"type": "integer", "minimum": 1, "maximum": 3}
SCHEMA = {
    "definitions": {"tree": TREE},
    "type": "object",
    "additionalProperties": False,
    "required": ["kind"],
    "properties": {
        "kind": {"enum": ["a", "b"]},
        "one": {"const": 1},
        "name": {"type": "string", "pattern": "^[a-z]{2,4}$", "maxLength": 3},
        "labels": {"type": "object", "propertyNames": {"pattern": "^x"}, "additionalProperties": {"type": "boolean"}},
        "some": {"type": "object", "minProperties": 1},
        "ports": {"type": ["array", "null"], "uniqueItems": True, "minItems": 1, "items": PORTS},
        "ratio": {"type": "number", "maximum": 2},
        "choice": {"oneOf": [{"type": "string"}, {"type": "integer", "maximum": 0}]},
        "tree": {"allOf": [{"$ref": "#/definitions/tree"}]},
        "never": False,
    },
}


def test_what_is_drawn_fits_the_schema():
    root = {"definitions": SCHEMA["definitions"], "properties": {"one": SCHEMA}}
    drawn = draws.pools(root, 100, random.Random(7))["one",]
    assert len(drawn) > 20
    for values in drawn:
        jsonschema_rs.validate(SCHEMA, values)


def test_what_is_drawn_is_mended_until_the_pack_takes_it():
    chance, meshes = random.Random(7), set()
    pools = draws.pools(release.schema().root, 3, chance)
    for _ in range(30):
        values = search.mended(search._some(pools, chance), lambda one: render(one, **RELEASE))
        mesh = release.Release(values, **RELEASE).values["serviceMesh"]
        meshes.add((bool(mesh.get("enabled")), mesh["engine"]))
    assert meshes == {(True, "istio"), (True, "linkerd"), (False, "istio"), (False, "linkerd")}


@pytest.mark.parametrize(
    "values, left",
    [
        ({"gate": {"enabled": True}}, {"gate": {"enabled": True}}),
        ({"gate": {"enabled": "maybe"}, "unknown": 1}, {"gate": {}}),
        ({"controller": {"watchNamespaces": ["A", "b", "C"]}}, {"controller": {"watchNamespaces": ["b"]}}),
    ],
)
def test_what_is_refused_is_taken_away_and_no_more(values, left):
    assert search.mended(values, lambda one: render(one, **RELEASE)) == left


@pytest.mark.parametrize(
    "values, differs, left",
    [
        ({"a": {"b": 7, "c": ["x", "y"]}, "d": 1}, lambda v: v["a"]["c"][-1] == "y", {"a": {"c": ["y"]}}),
        ({"a": [{"b": 70, "c": "text"}], "d": None}, lambda v: v["a"][0]["b"] > 4, {"a": [{"b": 8}]}),
        ({"a": "some text", "b": True}, lambda v: "s" in v["a"], {"a": "s"}),
        ({"a": 1}, lambda v: True, {}),
    ],
)
def test_nothing_that_a_difference_does_not_need_is_told(values, differs, left):
    def shows(values):
        try:
            return differs(values)
        except (KeyError, IndexError) as error:
            raise Refused("no such value") from error

    assert search.smallest(values, shows) == left


FEW = {("mcp", "enabled"): [True, "true"], ("namespace", "create"): [False]}


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(draws, "pools", lambda *_: FEW)


def test_the_own_port_renders_alike(port, tmp_path, monkeypatch, capfd):
    chart = port({})
    monkeypatch.chdir(tmp_path)
    done = run("diff", chart, "--random", "8", "--seed", "3")
    assert [path.name for path in tmp_path.iterdir()] == ["chart"]
    told = "nothing differs\nvalue sets drawn with seed 3: 8 compared, 0 refused by the chart\n"
    assert (done.stdout, done.stderr) == (told, "") and capfd.readouterr().err == ""  # Helm logs some of these


def test_the_smallest_values_that_show_a_difference_are_told(port, few):
    chart = port({"templates/service-mcp.yaml": [("targetPort: mcp", "targetPort: gate")]})
    found = json.loads(run("diff", chart, "--random", "15", "--seed", "1", "--output", "json").stdout)
    assert found["drawn"]["values"] in [{"mcp": {"enabled": value}} for value in (True, "true")]
    assert [one["path"] for one in found["differences"] if one["level"] == "objects"] == ["spec.ports[mcp].targetPort"]


def test_what_the_chart_refuses_is_counted(port, few):
    changes = [("{{- if .Values.namespace.create }}", "{{ fail `not so` }}{{- if false }}")]
    done = run("diff", port({"templates/namespace.yaml": changes}), "--random", "2")
    assert done.exit_code == 2
    assert "drawn with seed 0: 0 compared, 2 refused by the chart\n  2 of them: " in done.stdout


def test_values_and_random_ones_exclude_each_other(port):
    done = run("diff", port({}), "--random", "1", "--set", "gate.enabled=true")
    assert done.exit_code == 2 and "--random draws the values itself; leave out -f and --set" in done.stderr


def test_without_hypothesis_the_error_says_how_to_get_it(port, monkeypatch):
    monkeypatch.setitem(sys.modules, "stageset_render.port.diff.draws", None)
    done = run("diff", port({}), "--random", "1")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "pip install '.[random]'" in done.stderr
