# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What a schema says of a value, its references, parts and kinds taken in."""

import pytest

from stageset_render.pack.model import Model, all_types, of_a_kind, types

PORT = {
    "title": "a port",
    "if": {"type": "string"},
    "then": {"pattern": "^[0-9]+$"},
    "else": {"type": ["integer", "null"], "minimum": 1},
}
ROOT = {
    "properties": {
        "ports": {
            "properties": {
                "gate": {
                    "description": "Gate.",
                    "title": "another",
                    "maximum": 9,
                    "allOf": [{"$ref": "#/definitions/port"}],
                },
                "own": PORT,
            }
        },
        "labels": {"if": {"type": "array"}, "then": {"maxItems": 0}, "else": {"$ref": "#/definitions/map"}},
        "tree": {"$ref": "#/definitions/tree"},
        "rules": {"type": "array", "items": {"allOf": [{"$ref": "#/definitions/map"}, {"minProperties": 1}]}},
    },
    "definitions": {
        "port": PORT,
        "map": {
            "type": "object",
            "errorMessage": "no key",
            "properties": {"a": {"type": "string"}},
            "required": ["a"],
            "additionalProperties": False,
        },
        "tree": {"properties": {"of": {"$ref": "#/definitions/tree"}}},
        "a/b": {"type": "null"},
        "loop": {"$ref": "#/definitions/loop"},
    },
}
MODEL = Model(ROOT)


def test_a_value_of_a_kind_is_of_its_plain_type():
    said = MODEL.properties(MODEL.said(ROOT["properties"]["ports"]))["gate"]
    beside = {"type": "string", "pattern": "^[0-9]+$"}
    assert said == {
        "title": "another",
        "type": ["integer", "null"],
        "minimum": 1,
        "beside": beside,
        "description": "Gate.",
        "maximum": 9,
    }
    assert types(said) == ["integer", "null"]
    assert all_types(said) == ["integer", "null", "string"]


def test_the_plain_type_may_be_a_reference():
    said = MODEL.said(ROOT["properties"]["labels"])
    assert said["type"] == "object" and said["beside"] == {"type": "array", "maxItems": 0}
    assert "errorMessage" not in said  # of its keys, not of the value


def test_conditions_and_bounds_of_a_part_stay_apart():
    said = MODEL.items(ROOT["properties"]["rules"])
    assert said["properties"] == {"a": {"type": "string"}}
    assert said["allOf"] == [{"minProperties": 1}]


@pytest.mark.parametrize(
    "path, found",
    [
        (["properties", "ports", "properties", "gate"], ROOT["properties"]["ports"]["properties"]["gate"]),
        (["properties", "labels", "else", "$ref"], ROOT["definitions"]["map"]),
        (["properties", "rules", "items", "allOf", 1], {"minProperties": 1}),
    ],
)
def test_a_path_of_keywords_leads_to_a_node(path, found):
    assert MODEL.at(path) is found or MODEL.at(path) == found


@pytest.mark.parametrize("branch", ["then", "else"])
def test_what_a_kind_says_is_said_by_the_value(branch):
    path = ["properties", "ports", "properties", "gate", "allOf", 0, "$ref", branch]
    assert MODEL.at(path)["title"] == "another"
    assert MODEL.at(["properties", "ports", "properties", "own", branch])["title"] == "a port"


def test_every_value_has_its_path():
    assert [".".join(path) for path, _ in MODEL.values()][:3] == ["ports", "ports.gate", "ports.own"]


@pytest.mark.parametrize(
    "node",
    [
        {"$ref": "#/definitions/loop"},
        {"$ref": "#/definitions/missing"},
        {"$ref": "https://example.com/schema"},
        {"$ref": 5},
        {"allOf": {}},
        {"allOf": [5, {"$ref": 5}]},
        {"if": {"type": "string"}, "then": True, "else": False},
        {"if": 5, "then": 5, "else": 5},
        True,
        None,
        [],
    ],
)
def test_what_is_no_schema_says_nothing_and_breaks_nothing(node):
    assert isinstance(MODEL.said(node), dict)
    assert not of_a_kind(node)


def test_a_reference_escapes_slashes():
    assert MODEL.target("#/definitions/a~1b") == {"type": "null"}
