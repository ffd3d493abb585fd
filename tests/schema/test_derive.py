# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""schema/derive.py: which facts it finds in definitions, and what our rules make of them."""

import importlib.util
import json
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

SCHEMA = Path(__file__).resolve().parent.parent.parent / "schema"


def script(name):
    spec = importlib.util.spec_from_file_location(name, SCHEMA / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build, derive = script("build"), script("derive")
PEER = {
    "type": "object",
    "description": "Whose.",
    "required": ["name"],
    "properties": {"name": {"type": "string", "maxLength": 9}},
}
PORT = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}
RULE = {
    "type": "object",
    "required": ["to"],
    "properties": {"from": {"type": "array", "minItems": 1, "items": PEER}, "to": PEER, "port": PORT},
}
LABELS = {"type": "object", "additionalProperties": {"type": "string"}}
SPEC = {"type": "object", "properties": {"rules": {"type": "array", "items": RULE}, "labels": LABELS}}
DEFINITION = {
    "kind": "CustomResourceDefinition",
    "spec": {
        "group": "example.com",
        "names": {"kind": "Policy"},
        "versions": [
            {
                "name": "v1",
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"kind": {}, "spec": SPEC}}},
            }
        ],
    },
}
KUBERNETES = {
    "$defs": {
        "io.example.Peer": {"type": ["object", "null"], "required": ["kind"], "properties": {"kind": {"enum": ["A"]}}},
        "io.example.Rule": {
            "properties": {
                "peers": {"type": "array", "items": {"$ref": "#/$defs/io.example.Peer"}},
                "mode": {"type": ["string", "null"], "enum": ["a"]},
                "port": {"$ref": "#/$defs/io.example.IntOrString"},
            }
        },
        "io.example.IntOrString": {},
    }
}
SOURCES = {
    "here.Peer": "example.com/v1 Policy spec.rules[].to",
    "here.Rule": "example.com/v1 Policy spec.rules[]",
    "here.Policy": "example.com/v1 Policy",
    "core.Peer": "io.example.Peer",
    "core.Rule": "io.example.Rule",
    "gone.Type": "example.com/v2 Policy",
}


@pytest.fixture
def derived(tmp_path, monkeypatch):
    """The facts of the definitions above, by API."""
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump(SOURCES, sort_keys=False))
    (tmp_path / "definition.yaml").write_text(yaml.safe_dump(DEFINITION))
    (tmp_path / "definitions.json").write_text(json.dumps(KUBERNETES))
    monkeypatch.setattr(derive, "APIS", tmp_path)
    derive.main([str(tmp_path / "definition.yaml"), str(tmp_path / "definitions.json")])
    return {path.name.split(".")[0]: yaml.safe_load(path.read_text()) for path in tmp_path.glob("*.facts.yaml")}


def test_names_types_and_bounds_are_found_and_types_refer_to_one_another(derived):
    assert derived["here"] == {
        "here.Peer": {"fields": {"name!": {"type": "string", "maxLength": 9}}},
        "here.Rule": {
            "fields": {
                "to!": {"is": "here.Peer"},
                "from": {"type": "array", "minItems": 1, "items": {"is": "here.Peer"}},
                "port": {"type": ["integer", "string"]},
            }
        },
        "here.Policy": {
            "object": {
                "fields": {
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                    "rules": {"type": "array", "items": {"is": "here.Rule"}},
                }
            }
        },
    }


def test_to_kubernetes_own_types_null_is_as_not_given(derived):
    assert derived["core"] == {
        "core.Peer": {"fields": {"kind!": {"enum": ["A"]}}},
        "core.Rule": {
            "fields": {
                "mode": {"type": ["string", "null"], "enum": ["a", None]},
                "peers": {"type": ["array", "null"], "items": {"is": "core.Peer"}},
                "port": {"type": ["integer", "string", "null"]},
            }
        },
    }
    assert set(derived) == {"core", "here"}


FACTS = {"fields": {"a!": {"type": "string", "maxLength": 9}, "b": {"type": "array", "items": {"is": "c"}}}}


@pytest.mark.parametrize(
    "own, made",
    [
        (None, FACTS),
        ({"is": "d"}, {"is": "d"}),
        ({"fields": {"a?": {"maxLength": None}}}, {"fields": {"a": {"type": "string"}, "b": FACTS["fields"]["b"]}}),
        (
            {"meaning": "x", "fields": {"b!": {"minItems": 1}, "c": {"type": "integer"}}},
            {
                "meaning": "x",
                "fields": {
                    "a!": FACTS["fields"]["a!"],
                    "b!": {"type": "array", "items": {"is": "c"}, "minItems": 1},
                    "c": {"type": "integer"},
                },
            },
        ),
    ],
)
def test_our_rules_refine_facts(own, made):
    assert build.refined(FACTS, own) == made


def test_a_rule_about_a_field_that_is_gone_is_refused():
    with pytest.raises(SystemExit, match="gone: no fact of the API"):
        build.refined(FACTS, {"fields": {"gone": {"minItems": 1}}})


def test_the_facts_of_kubernetes_are_what_its_definitions_say(tmp_path, monkeypatch):
    package = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    definitions = package / "v1.34.0-local" / "_definitions.json"
    if not definitions.exists():
        pytest.skip("the package has other versions")
    (tmp_path / "sources.yaml").write_text((SCHEMA / "apis" / "sources.yaml").read_text())
    monkeypatch.setattr(derive, "APIS", tmp_path)
    derive.main([str(definitions)])
    made = [path.name for path in tmp_path.glob("*.facts.yaml")]
    assert sorted(made) == [f"{api}.facts.yaml" for api in ("admission", "core", "meta", "networking")]
    for name in made:
        kept = build.read(SCHEMA / "apis" / name)
        found = build.read(tmp_path / name)
        assert {type_: kept[type_] for type_ in found} == found


def test_every_type_that_has_facts_has_a_source():
    sources = build.read(SCHEMA / "apis" / "sources.yaml")
    facts = [name for path in (SCHEMA / "apis").glob("*.facts.yaml") for name in build.read(path)]
    assert sorted(facts) == sorted(sources)
