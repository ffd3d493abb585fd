# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is known of functions, and of the values of a Go template, written as JSON schemas.

See expressions.py for int and number.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Any

from stageset_render.pack.model import Model, all_types
from stageset_render.port.to_helm.expressions import LIST, MAP, RESULTS, kind_of

TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
NUMBER = {"type": "number"}
NEVER = {"never": True}  # of the items of an empty list


NO_FORM = {
    "tpl": "tpl renders what a value says; print the value, or write the template here",
    "lookup": "lookup asks the cluster, and nothing here knows one; make it a value",
    "print": "print puts blanks between some values; use printf",
    "println": "println; use printf",
    "unset": "unset changes a map in place; use omit",
    "merge": "merge changes its first map in place; use mergeOverwrite (dict) with the maps in reverse order",
    "now": "now differs from run to run; make it a value",
    "kindOf": "kindOf names types of Go; ask with kindIs",
    "typeOf": "typeOf names types of Go; ask with kindIs",
    "typeIs": "typeIs names types of Go; ask with kindIs",
    "slice": "slice; use first, last, trunc or a loop",
    "call": "call; there are no functions among values",
    "values": "values has no order; loop over sorted keys, and use get",
}


def without_form(name: str, known: Iterable[str]) -> str:
    """What to say of a function that has no exact Jinja form: what it is, and what to write instead."""
    if name in NO_FORM:
        return NO_FORM[name]
    close = difflib.get_close_matches(name.removeprefix("must"), known, 2, 0.8)
    mend = f"it knows {' and '.join(close)}" if close else "make what it gives a value"
    return f"the function {name}, which the pack doesn't know; {mend}"


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


def of_values(values: Any, *schemas: dict) -> dict:
    """What schemas, and the defaults where they are silent, say of the values; the first schema counts most."""
    found = _of_default(values)
    for root in reversed(schemas):
        found = _merged(_resolved(root, Model(root), ()), found)
    return found


def _of_default(value: Any) -> dict:
    kind = {"type": TYPES[type(value)]} if type(value) in TYPES else {}
    if isinstance(value, dict):
        return kind | {"properties": {key: _of_default(inner) for key, inner in value.items()}}
    if isinstance(value, list) and value:
        return kind | {"items": _of_default(value[0])}
    return kind


def _resolved(node: Any, model: Model, seen: tuple[int, ...]) -> dict:
    """The types of a schema, its references followed as far as they don't run in circles."""
    node = model.said(node)
    if id(node) in seen:
        return {}
    seen = (*seen, id(node))
    found = {"type": all_types(node)} if "type" in node else {}
    if not found and "enum" in node:
        found = {"type": sorted({TYPES.get(type(one), "null") for one in node["enum"]})}
    if "properties" in node:
        found["properties"] = {key: _resolved(inner, model, seen) for key, inner in node["properties"].items()}
    if isinstance(node.get("items"), dict):
        found["items"] = _resolved(node["items"], model, seen)
    return found


def _merged(one: dict, other: dict) -> dict:
    found = {**other, **one} if "type" not in one else dict(one)
    mine, theirs = one.get("properties", {}), other.get("properties", {})
    if mine or theirs:
        found["properties"] = {key: _merged(mine.get(key, {}), theirs.get(key, {})) for key in {**theirs, **mine}}
    if "items" in one or "items" in other:
        found["items"] = _merged(one.get("items", {}), other.get("items", {}))
    return found
