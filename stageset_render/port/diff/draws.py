# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Draws values from a JSON schema: each branch of a choice, lists of none to three, texts by their patterns.

What relates several values, or says what isn't so (`if`, `not`), is left to whoever checks what is drawn.
"""

from __future__ import annotations

import contextlib
import functools
import random
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from stageset_render.findings import Path
from stageset_render.pack.model import Model, joined, types

WORDS = st.sampled_from(["a", "b-1", "example.com", "a b", "", "1", "true"])
KEYS = st.sampled_from(["a", "b-1", "example.com/c"])
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)
TEXTS = 12  # of a pattern
WHOLE = {"allOf", "oneOf", "anyOf", "required", "minProperties"}
MOST = 2_000_000  # of numbers that have no bound


def pools(root: dict, count: int, chance: random.Random) -> dict[Path, list]:
    """Some values, at most `count`, for each value of a JSON schema that is no map of named values, by its path."""
    model = Model(root)
    of = _strategies(model)
    return {path: _some(of(node), count, chance) for path, node in _leaves(model.said(root), model)}


def _leaves(node: dict, model: Model, path: Path = ()) -> Iterator[tuple[Path, dict]]:
    """The schemas of values, with their paths; a map that may be null, or needs what it holds together, is one."""
    if not path or node.get("properties") and node.get("type") == "object" and not {*node} & WHOLE:
        for key, below in node["properties"].items():
            if below is not False:
                yield from _leaves(below, model, (*path, key))
    else:
        yield path, node


def _some(strategy: st.SearchStrategy, count: int, chance: random.Random) -> list:
    found: list = []
    bounds = settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with warnings.catch_warnings(), contextlib.suppress(NoSuchExample):
        warnings.simplefilter("ignore")  # hypothesis's, of values drawn outside a test
        find(strategy, found.append, settings=bounds, random=chance)
    return found


def _strategies(model: Model) -> Callable[[Any], st.SearchStrategy]:
    """What makes of a node of a schema a strategy for its values."""
    named: dict[str, st.SearchStrategy] = {}

    def of(node: Any) -> st.SearchStrategy:
        if not isinstance(node, dict):
            return WORDS
        if "$ref" in node:
            name = node["$ref"]
            if name not in named:
                named[name] = st.deferred(lambda: of(model.said(node)))
            return named[name]
        node = model.said(node)
        if "beside" in node:
            plain = {key: value for key, value in node.items() if key != "beside"}
            return of(plain) | of(joined(plain, node["beside"]))
        for part in node.get("allOf", []):
            node = node if "if" in part else joined(model.said(part), node)
        if "const" in node or "enum" in node:
            return st.sampled_from(node.get("enum") or [node["const"]])
        for key in ("oneOf", "anyOf"):
            if key in node:
                rest = {name: value for name, value in node.items() if name not in (key, "allOf")}
                return st.one_of([of(joined(rest, model.said(branch))) for branch in node[key]])
        kinds = types(node) or ["object" if "properties" in node else "string"]
        return st.one_of([KINDS[kind](node, of) for kind in kinds])

    return of


def _maps(node: dict, of: Callable) -> st.SearchStrategy:
    known = {key: of(below) for key, below in node.get("properties", {}).items() if below is not False}
    needed = {key: known.pop(key) for key in node.get("required", []) if key in known}
    more = node.get("additionalProperties", True)
    if known or needed or more is False and "patternProperties" not in node:
        return st.fixed_dictionaries(needed, optional=known)
    named = node.get("patternProperties") or {node.get("propertyNames", {}).get("pattern"): more}
    pattern, below = next(iter(named.items()))
    keys = of({"type": "string", "pattern": pattern}) if pattern else KEYS
    return st.dictionaries(keys, of(below), min_size=node.get("minProperties", 0), max_size=3)


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
    return (
        _matching(node["pattern"], least, most)
        if "pattern" in node
        else WORDS.filter(lambda t: least <= len(t) <= most)
    )


@functools.cache
def _matching(pattern: str, least: int, most: int) -> st.SearchStrategy:
    """Some texts that match, drawn once: making one takes longer than all else of a value."""
    texts = st.from_regex(re.compile(pattern, re.ASCII), alphabet=PRINTABLE, fullmatch=True)
    return st.sampled_from(_some(texts.filter(lambda text: least <= len(text) <= most), TEXTS, random.Random(0)))


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
