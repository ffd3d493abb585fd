# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""schema/build.py: what it makes of parts, and that values.schema.json is made of those that are here."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SPEC = importlib.util.spec_from_file_location("build", ROOT / "schema" / "build.py")
build = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(build)


def test_the_schema_is_fresh():
    kept = (ROOT / "values.schema.json").read_text(encoding="utf-8")
    assert build.text() == kept, "stale; run `python schema/build.py`"


@pytest.mark.parametrize(
    "part, made",
    [
        ({"is": "port"}, {"$ref": "#/definitions/port"}),
        ({"is": ["a", "b"]}, {"allOf": [{"$ref": "#/definitions/a"}, {"$ref": "#/definitions/b"}]}),
        (
            {"meaning": "A port.", "is": "port", "example": 1},
            {"description": "A port.", "examples": [1], "allOf": [{"$ref": "#/definitions/port"}]},
        ),
        (
            {"fields": {"a!": {"is": "b"}, "values": {"type": "string"}}},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["a"],
                "properties": {"a": {"$ref": "#/definitions/b"}, "values": {"type": "string"}},
            },
        ),
        (
            {"plain": {"type": "integer"}, "texts": {"pattern": "^1$"}},
            {"if": {"type": "string"}, "then": {"pattern": "^1$"}, "else": {"type": "integer"}},
        ),
        (
            {"title": "a digit", "plain": {"type": "integer"}, "texts": {"pattern": "^[0-9]$"}},
            {
                "title": "a digit",
                "if": {"type": "string"},
                "then": {"pattern": "^[0-9]$", "patternErrorMessage": "is not a digit"},
                "else": {"type": "integer"},
            },
        ),
        ({"anyOf": ["a", {"minItems": 1}]}, {"anyOf": [{"required": ["a"]}, {"minItems": 1}]}),
        (
            {"object": {"fields": {"a": {}}}},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["spec"],
                "properties": {
                    "apiVersion": {},
                    "kind": {},
                    "metadata": {},
                    "spec": {"type": "object", "additionalProperties": False, "properties": {"a": {}}},
                    "status": {"type": "object"},
                },
            },
        ),
        (
            {"rules": [{"when": {"a": 1}, "is": "b"}]},
            {
                "allOf": [
                    {"if": {"required": ["a"], "properties": {"a": {"const": 1}}}, "then": {"$ref": "#/definitions/b"}}
                ]
            },
        ),
        (
            {
                "rules": [
                    {"when": {"a": 1, "b": [2, 3]}, "needs": "c", "errorMessage": "x", "fields": {"c": {"is": "d"}}}
                ]
            },
            {
                "allOf": [
                    {
                        "if": {"required": ["a", "b"], "properties": {"a": {"const": 1}, "b": {"enum": [2, 3]}}},
                        "then": {
                            "required": ["c"],
                            "errorMessage": "x",
                            "properties": {"c": {"$ref": "#/definitions/d"}},
                        },
                    }
                ]
            },
        ),
    ],
)
def test_a_part_as_a_schema(part, made):
    assert build.schema(part) == made


def test_a_value_without_a_part_is_a_stub():
    part = {"meaning": "All.", "values": {"known": {"type": "integer"}}}
    made = build.values(part, {"new": {"deep": [True]}, "known": 1}, "all")
    assert [*made["properties"]] == ["new", "known"]
    assert made["properties"]["known"] == {"type": "integer", "default": 1}
    assert build.values({"is": "switch"}, True, "a")["examples"] == [False]
    assert build.values({"enum": ["", "a", "b", "c"]}, "a", "a")["examples"] == ["b"]
    assert made["properties"]["new"]["properties"] == {
        "deep": {"description": build.NEW, "type": "array", "items": {"type": "boolean"}, "default": [True]}
    }


def test_a_part_without_a_value_is_refused():
    with pytest.raises(SystemExit, match="all: gone: is no value any more"):
        build.values({"values": {"gone": {"type": "integer"}}}, {}, "all")
    with pytest.raises(SystemExit, match="all: is no map any more"):
        build.values({"values": {"one": {"type": "integer"}}}, 1, "all")


@pytest.mark.parametrize("node", [{}, [], {"a": []}, {"a" * 80: ["b" * 80, {"c": 1}]}, [[1] * 80], "é"])
def test_what_is_written_is_read_as_it_was(node):
    written = list(build.lines(node))
    assert json.loads("\n".join(written)) == node
    assert all(len(line) <= build.WIDTH for line in written)
