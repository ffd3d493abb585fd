# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is known of values and of the results of functions, written as JSON schemas.

A whole number of Go itself is an `int`; a number of a values file, a whole one too, is a float64 in Helm, and Go compares
the two neither with eq nor with lt.
"""

from __future__ import annotations

import functools
from typing import Any

from stageset_render.pack import release
from stageset_render.pack.model import Model, all_types
from stageset_render.port.language.functions import ORDERS, RESULTS
from stageset_render.port.language.tree import Call, Const, Expr, Field, Include, Name, Root

KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
INT, NUMBER, TEXT, LIST, MAP = ({"type": name} for name in ("int", "number", "string", "array", "object"))
NEVER = {"never": True}  # of the items of an empty list
HARMLESS = {"and", "or", "not", "empty", "==", "!=", "defined", "undefined", "default", "kindIs", "int", "toString"}
MOST = 60  # deep; what lies deeper is unknown


def kind_of(schema: dict) -> str | None:
    """The one type that a schema admits, apart from null, the other of `{}` and `[]`, and the text of a truth."""
    kinds = set(all_types(schema)) - {"null"}
    if "boolean" in kinds or {"array", "object"} <= kinds:
        return all_types(schema)[0]
    if "integer" in kinds:
        kinds = kinds - {"integer"} | {"number"}
    return kinds.pop() if len(kinds) == 1 else None


def nullable(schema: dict) -> bool:
    return "null" in (all_types(schema) or ["null"])


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


def of_expr(expr: Expr, values: dict) -> dict:
    """What is known of an expression's value; `values` is what is known of `Values`."""
    if isinstance(expr, Const):
        return {} if expr.kind == "nil" else {"type": expr.kind}
    if isinstance(expr, Root):
        return values if expr.name == "Values" else {}
    if isinstance(expr, Name):
        return expr.var.schema
    if isinstance(expr, Include):
        return TEXT
    if isinstance(expr, Field):
        if isinstance(expr.base, Root) and expr.base.name != "Values":
            return TEXT
        owner = of_expr(expr.base, values)
        below = owner.get("properties", {}).get(expr.name, owner.get("additionalProperties", {}))
        return below if isinstance(below, dict) else {}
    return _of_call(expr, [of_expr(one, values) for one in expr.args])


def _of_call(call: Call, schemas: list[dict]) -> dict:
    name, first = call.name, schemas[0] if schemas else {}
    if name == "dict":
        keys = [one.value for one in call.args[::2] if isinstance(one, Const) and one.kind == "string"]
        return MAP | {"properties": dict(zip(keys, schemas[1::2]))} if len(keys) == len(call.args[::2]) else MAP
    if name in ("list", "tuple"):
        return LIST | {"items": functools.reduce(unified, schemas, NEVER)}
    if name in ("append", "prepend") and len(schemas) == 2 and kind_of(first) == "array":
        return LIST | {"items": unified(first.get("items", {}), schemas[1])}
    if name in ("uniq", "compact", "reverse", "without") and schemas:
        return LIST | {"items": schemas[0 if name == "without" else -1].get("items", {})}
    if name in ("first", "last") and schemas:
        return first.get("items", {})
    if name == "get" and schemas:
        return first.get("additionalProperties") if isinstance(first.get("additionalProperties"), dict) else {}
    if name == "concat" and schemas:
        return LIST | {"items": functools.reduce(unified, [one.get("items", {}) for one in schemas])}
    if name in ("keys", "sortAlpha", "splitList"):
        return LIST | {"items": TEXT}
    if name == "required" and schemas:
        return schemas[-1]
    if name in ("default", "coalesce", "ternary", "and", "or") and schemas:
        known = functools.reduce(unified, schemas[:2] if name == "ternary" else schemas)
        if name in ("and", "or"):
            return {"type": kind_of(known)} if kind_of(known) else {}
        return known
    return {"type": RESULTS[name]} if name in RESULTS else {}


def fails(expr: Expr, values: dict) -> bool:
    """Whether an expression may end a rendering, such as a field of a map that may be missing, as far as is known."""
    if isinstance(expr, Field):
        known = of_expr(expr.base, values)
        there = isinstance(expr.base, Root) or kind_of(known) == "object" and "given" in known and not nullable(known)
        return not there or fails(expr.base, values)
    if not isinstance(expr, Call):
        return isinstance(expr, Include)
    known = [of_expr(one, values) for one in expr.args]
    kinds = {kind_of(one) for one in known}
    alike = len(kinds) == 1 and kinds < {"string", "number", "int", "boolean"}
    alike = alike and (expr.name in ("eq", "ne") or expr.name in ORDERS and not any(map(nullable, known)))
    return not (alike or expr.name in HARMLESS) or any(fails(one, values) for one in expr.args)


# The schema of the values


@functools.cache
def of_pack() -> dict:
    """What the pack's own schema and defaults say of the values."""
    return of_values(release.defaults(), release.schema().root)


def of_values(values: Any, *schemas: dict) -> dict:
    """What schemas, and the defaults where they are silent, say of the values; the first schema counts most."""
    found = _of_default(values)
    for root in reversed(schemas):
        found = _merged(_resolved(root, Model(root)), found)
    return found


def _of_default(value: Any) -> dict:
    kind = {"type": KINDS[type(value)], "given": True} if type(value) in KINDS else {}
    if isinstance(value, dict):
        return kind | {"properties": {key: _of_default(inner) for key, inner in value.items()}}
    if isinstance(value, list) and value:
        return kind | {"items": _of_default(value[0])}
    return kind


def _resolved(node: Any, model: Model, seen: tuple[int, ...] = ()) -> dict:
    """The types of a schema, its references followed as far as they don't run in circles."""
    node = model.said(node)
    if id(node) in seen or len(seen) > MOST:
        return {}
    seen = (*seen, id(node))
    found = {"type": all_types(node)} if "type" in node else {}
    if not found and isinstance(node.get("enum"), list):
        found = {"type": sorted({KINDS.get(type(one), "null") for one in node["enum"]})}
    if isinstance(node.get("properties"), dict):
        found["properties"] = {key: _resolved(inner, model, seen) for key, inner in node["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            found[key] = _resolved(node[key], model, seen)
    return found


def _merged(one: dict, other: dict) -> dict:
    found = {**other, **one} if "type" not in one else {**one, **({"given": True} if "given" in other else {})}
    mine, theirs = one.get("properties", {}), other.get("properties", {})
    if mine or theirs:
        found["properties"] = {key: _merged(mine.get(key, {}), theirs.get(key, {})) for key in {**theirs, **mine}}
    if "items" in one or "items" in other:
        found["items"] = _merged(one.get("items", {}), other.get("items", {}))
    return found
