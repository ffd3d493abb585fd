# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Compares what the values schemas of a chart and of the pack say of each value, however they are written.

References and plain allOf are read as what they stand for, and words, such as descriptions, are left out. Null is no
type of its own: Helm takes it for a value that is not given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from stageset_render.pack.model import KIND, Model, of_a_kind

BELOW = ("properties", "patternProperties")  # key or pattern to schema
CONDITIONS = ("if", "then", "else", "allOf", "anyOf", "oneOf", "not")
BOUNDS = (
    *("type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern"),
    *("format", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
    *("required", "propertyNames", "contains", "dependencies", "beside", *CONDITIONS),
)


NARROWED = {  # what two schemas of one value come to
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
}


def bounds(expected: dict, got: dict, absent: Any) -> Iterator[tuple[str, tuple[str, ...], Any, Any]]:
    """What two schemas say otherwise of the values.

    Args:
        expected: the chart's.
        got: the pack's.
        absent: what stands for the side that says nothing.

    Yields:
        (what, path in the chart's schema, expected, got), where `what` is bound, or more where only the pack says
        something: what the chart takes and the pack refuses. A chart with the pack's definitions has its schema from
        the pack, so nothing that it leaves out is meant, but for what it does not require.
    """
    definitions = [side.get("definitions", {}) for side in (expected, got)]
    shared = [name for name in definitions[0] if name in definitions[1]]
    ported = len(shared) * 2 > len(definitions[1])
    sides = [_Node(side, Model(side)) for side in (expected, got)]
    for what, path, *rest in _compared(*sides, (), absent):
        yield ("bound" if ported and path[-1] != "required" else what), path, *rest
    for name in shared:  # what only conditions refer to
        if f"#/definitions/{name}" not in sides[0].reached:
            pair = (side.below(one[name]) for side, one in zip(sides, definitions))
            for what, *rest in _compared(*pair, ("definitions", name), absent):
                yield ("bound" if ported else what), *rest


class _Node:
    """A schema with its references and unconditional allOf taken in.

    Attributes:
        own: keyword to what all of them say.
        reached: all references of the root that have been read.
    What is taken beside the plain type of a value counts as a bound, `beside`, where the chart says so too.
    """

    def __init__(self, schema: Any, model: Model, seen: tuple[str, ...] = (), reached: set[str] | None = None):
        self.model, self.seen, self.own = model, seen, {}
        self.reached = set() if reached is None else reached
        self._take(schema if isinstance(schema, dict) else {})

    def _take(self, schema: dict) -> None:
        if of_a_kind(schema):
            self.own["beside"] = schema["if"] | schema["then"]
            self._take(schema["else"])
            schema = {key: value for key, value in schema.items() if key not in KIND}
        for key, value in schema.items():
            if key == "$ref" and isinstance(value, str):
                self.reached.add(value)
                if value not in self.seen:
                    self.seen = (*self.seen, value)
                    self._take(self.model.target(value))
            elif key == "allOf" and isinstance(value, list):
                plain = [one for one in value if isinstance(one, dict) and not {"if", "errorMessage"} & {*one}]
                for one in plain:
                    self._take(one)
                rest = [one for one in value if one not in plain]
                self.own |= {"allOf": self.own.get("allOf", []) + rest} if rest else {}
            elif key in BELOW and isinstance(value, dict):
                self.own[key] = {**self.own.get(key, {}), **value}
            else:
                value = _bound(key, value)
                self.own[key] = _both(key, self.own[key], value) if key in self.own else value

    def below(self, schema: Any) -> _Node:
        return _Node(schema, self.model, self.seen, self.reached)


def _both(key: str, one: Any, other: Any) -> Any:
    """A bound that two schemas of one value give."""
    if one == other:
        return one
    if key in NARROWED and isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return NARROWED[key](one, other)
    if key in ("type", "enum"):
        sides = [side if isinstance(side, list) else [side] for side in (one, other)]
        return _bound(key, [value for value in sides[0] if value in sides[1]])
    return other


def _compared(theirs: _Node, ours: _Node, path: tuple, absent: Any) -> Iterator[tuple[str, tuple, Any, Any]]:
    for key in BOUNDS:
        one, other = (side.own.get(key, absent) for side in (theirs, ours))
        if _same(one, other) or key == "beside" and one is absent:
            continue
        if key == "required":
            one, other = ([] if side is absent else side for side in (one, other))
            missing = sorted({*one} - {*other})
            yield ("bound" if missing else "more", (*path, key), one or absent, other or absent)
        else:
            yield "more" if one is absent else "bound", (*path, key), one, other
    for kind in BELOW:
        mine, own = theirs.own.get(kind, {}), ours.own.get(kind, {})
        for key in sorted({*mine, *own}):
            if key in mine and key in own:
                yield from _compared(theirs.below(mine[key]), ours.below(own[key]), (*path, kind, key), absent)
            else:
                what = "more" if key not in mine else "bound"
                yield what, (*path, kind, key), mine.get(key, absent), own.get(key, absent)
    yield from _others(theirs, ours, path, absent)


def _others(theirs: _Node, ours: _Node, path: tuple, absent: Any) -> Iterator[tuple[str, tuple, Any, Any]]:
    """What is said of the items of a list, and of keys that have no schema of their own."""
    for key in ("items", "additionalProperties"):
        one, other = (side.own.get(key, absent) for side in (theirs, ours))
        one, other = ({} if side is True or side is absent else side for side in (one, other))
        if one == other == {}:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _compared(theirs.below(one), ours.below(other), (*path, key), absent)
        elif not _same(one, other):
            yield "more" if other is False else "bound", (*path, key), one or absent, absent if other == {} else other


def _bound(key: str, value: Any) -> Any:
    """A bound without what makes no difference: null and the order of a list that is a set."""
    if key == "type":
        kinds = sorted({*([value] if isinstance(value, str) else value if isinstance(value, list) else ())} - {"null"})
        return value if not kinds else kinds[0] if len(kinds) == 1 else kinds
    if key in ("enum", "required") and isinstance(value, list):
        return sorted((one for one in value if one is not None), key=json.dumps)
    return value


def _same(one: Any, other: Any) -> bool:
    return one is other or type(one) is type(other) and one == other
