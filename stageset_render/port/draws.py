# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Draws values from a JSON schema: each branch of a choice, lists of none to three, texts by their patterns.

What relates several values, or says what isn't so (`if`, `not`), is left to whoever checks what is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

WORDS = st.sampled_from(["a", "b-1", "example.com", "a b", "", "1", "true"])
KEYS = st.sampled_from(["a", "b-1", "example.com/c"])
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)
MOSTLY = st.sampled_from([False, True, True])  # the first is the simplest
MOST = 2_000_000  # of numbers that have no bound


def values_of(root: dict) -> st.SearchStrategy:
    """Values that a JSON schema describes, its references among its own `definitions`."""
    named: dict[str, st.SearchStrategy] = {}

    def followed(node: dict) -> dict:
        while "$ref" in node:
            rest = {key: value for key, value in node.items() if key != "$ref"}
            node = _joined(root["definitions"][node["$ref"].rpartition("/")[2]], rest)
        return node

    def of(node: Any) -> st.SearchStrategy:
        if not isinstance(node, dict):
            return WORDS
        if "$ref" in node and {*node} <= {"$ref", "description"}:
            name = node["$ref"]
            if name not in named:
                named[name] = st.deferred(lambda: of(followed(node)))
            return named[name]
        node = followed(node)
        for part in node.get("allOf", []):
            node = node if "if" in part else _joined(followed(part), node)
        if "const" in node or "enum" in node:
            return st.sampled_from(node.get("enum") or [node["const"]])
        for key in ("oneOf", "anyOf"):
            if key in node:
                rest = {name: value for name, value in node.items() if name not in (key, "allOf")}
                return st.one_of([of(_joined(rest, followed(branch))) for branch in node[key]])
        kinds = node.get("type", "object" if "properties" in node else "string")
        return st.one_of([KINDS[kind](node, of) for kind in ([kinds] if isinstance(kinds, str) else kinds)])

    return of(root)


def _joined(one: dict, other: dict) -> dict:
    """A schema with what another says besides; of what both say, what the other says."""
    properties = {**one.get("properties", {}), **other.get("properties", {})}
    required = [*one.get("required", []), *other.get("required", [])]
    return {**one, **other, **({"properties": properties} if properties else {}), "required": required}


@st.composite
def _named(draw: Callable, needed: dict, known: dict) -> dict:
    """Most of the keys that a map may have, so that conditions which need several at once are met."""
    return {key: draw(one) for key, one in (needed | known).items() if key in needed or draw(MOSTLY)}


def _maps(node: dict, of: Callable) -> st.SearchStrategy:
    known = {key: of(below) for key, below in node.get("properties", {}).items() if below is not False}
    needed = {key: known.pop(key) for key in node.get("required", []) if key in known}
    more = node.get("additionalProperties", True)
    if known or needed or more is False:
        return _named(needed, known)
    names = node.get("propertyNames", {}).get("pattern")
    keys = of({"type": "string", "pattern": names}) if names else KEYS
    return st.dictionaries(keys, of(more), min_size=node.get("minProperties", 0), max_size=3)


def _lists(node: dict, of: Callable) -> st.SearchStrategy:
    least = node.get("minItems", 0)
    return st.lists(
        of(node.get("items")),
        min_size=least,
        max_size=max(3, least),
        unique_by=repr if node.get("uniqueItems") else None,
    )


def _texts(node: dict, of: Callable) -> st.SearchStrategy:
    least, most = node.get("minLength", 0), node.get("maxLength", 1000)
    texts = WORDS
    if "pattern" in node:
        texts = st.from_regex(re.compile(node["pattern"], re.ASCII), alphabet=PRINTABLE, fullmatch=True)
    return texts.filter(lambda text: least <= len(text) <= most)


def _integers(node: dict, of: Callable) -> st.SearchStrategy:
    return st.integers(node.get("minimum", 0), node.get("maximum", MOST))


KINDS = {
    "object": _maps,
    "array": _lists,
    "string": _texts,
    "integer": _integers,
    "number": lambda node, of: _integers(node, of) | st.sampled_from([0.5, 1.5]),
    "boolean": lambda node, of: st.booleans(),
    "null": lambda node, of: st.none(),
}
