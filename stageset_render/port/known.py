# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is known of the values of a Go template, written as JSON schemas; see expressions.py for int and number."""

from __future__ import annotations

import re

from stageset_render.port.expressions import LIST, MAP, RESULTS, kind_of

NUMBER = {"type": "number"}
NEVER = {"never": True}  # of the items of an empty list


def unified(one: dict, other: dict) -> dict:
    """What is known of a value that is the one or the other."""
    if one == other or other == NEVER:
        return one
    if one == NEVER:
        return other
    kind = kind_of(one)
    if kind is None or kind != kind_of(other):
        return {}
    known = {"type": kind}
    if kind == "array":
        known["items"] = unified(one.get("items", {}), other.get("items", {}))
    elif kind == "object":
        mine, theirs = one.get("properties", {}), other.get("properties", {})
        known["properties"] = {key: unified(mine[key], theirs[key]) for key in mine if key in theirs}
    return known


def nullable(schema: dict) -> bool:
    kinds = schema.get("type", "null")
    return "null" in ([kinds] if isinstance(kinds, str) else kinds)


def of_result(function: str, texts: list[str], schemas: list[dict]) -> dict:
    """What is known of a function's result: by the text of each argument, and what is known of it."""
    if function == "dict":
        keys = [key[1:-1] for key in texts[::2] if re.fullmatch(r'"[^"\\]*"', key)]
        return MAP | {"properties": dict(zip(keys, schemas[1::2]))} if len(keys) == len(texts[::2]) else MAP
    if function in ("append", "prepend") and len(schemas) == 2 and kind_of(schemas[0]) == "array":
        return LIST | {"items": unified(schemas[0].get("items", {}), schemas[1])}
    if function in ("uniq", "compact", "reverse", "without") and schemas:
        items = schemas[0 if function == "without" else -1].get("items", {})
        return LIST | {"items": items}
    if function in ("first", "last") and schemas:
        return schemas[0].get("items", {})
    if function == "concat" and schemas:
        items = schemas[0].get("items", {})
        for schema in schemas[1:]:
            items = unified(items, schema.get("items", {}))
        return LIST | {"items": items}
    if function == "required" and schemas:
        return schemas[-1]
    if function in ("default", "coalesce", "ternary") and schemas:
        chosen = schemas[:2] if function == "ternary" else schemas
        known = chosen[0]
        for schema in chosen[1:]:
            known = unified(known, schema)
        return known
    return RESULTS.get(function, {})
