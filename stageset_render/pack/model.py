# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What a JSON schema says of a value, for whoever asks it otherwise than by validating.

A value may be of a kind: a condition on its type alone, `{"if": {"type": "string"}, "then": ..., "else": ...}`, says
what is taken beside its plain type, which stands under `else`. See schema/kinds.yaml.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from stageset_render.findings import Path

KIND = {"if", "then", "else"}
NAMED = {"properties", "patternProperties", "allOf", "anyOf", "oneOf"}  # keywords with several nodes below them


class Model:
    """The nodes of a schema, `root`, with their references resolved.

    A node as it is `said`: what it refers to is taken in, and its own words count more; `type` and the bounds are those
    of the plain type, and `beside`, if any, says what is taken beside it.
    """

    def __init__(self, root: dict):
        self.root = root
        self._said: dict[int, tuple[dict, dict]] = {}

    def target(self, reference: str) -> dict:
        """What a `$ref` refers to; nothing where that is missing."""
        node: Any = self.root
        for step in reference.removeprefix("#").split("/")[1:]:
            node = node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
        return node if isinstance(node, dict) else {}

    def said(self, node: Any) -> dict:
        """A node with all that it refers to."""
        if not isinstance(node, dict):
            return {}
        kept = self._said.get(id(node))
        if not kept:
            kept = self._said[id(node)] = node, self._taken_in(node, ())
        return kept[1]

    def _taken_in(self, node: dict, seen: tuple[str, ...]) -> dict:
        while isinstance(reference := node.get("$ref"), str):
            if reference in seen:
                return {}
            seen, node = (*seen, reference), self.target(reference)
        parts = node["allOf"] if isinstance(node.get("allOf"), list) else []
        plain = [one for one in parts if isinstance(one, dict) and [*one] == ["$ref"]]
        kind = of_a_kind(node)
        if not plain and not kind:
            return node
        found: dict = {}
        for one in [*plain, node["else"]] if kind else plain:
            found = joined(found, self._taken_in(one, seen))
        found.pop("errorMessage", None)  # of a part, not of the whole
        found |= {"beside": node["if"] | node["then"]} if kind else {}
        own = {key: value for key, value in node.items() if key != "allOf" and not (kind and key in KIND)}
        rest = [one for one in parts if one not in plain]
        return joined(found, own | ({"allOf": rest} if rest else {}))

    def items(self, node: dict) -> dict:
        """What is said of the entries of a list."""
        return self.said(self.said(node).get("items"))

    def properties(self, node: dict) -> dict[str, dict]:
        """What is said of the keys of a map."""
        return {key: self.said(child) for key, child in self.said(node).get("properties", {}).items()}

    def at(self, path: Iterable[str | int]) -> dict:
        """The node that a path of keywords leads to; what a kind says is said by the value that is of it."""
        node: Any = self.root
        value, steps, within = node, iter(path), False
        for step in steps:
            within = step in ("then", "else") and of_a_kind(node)
            if step == "$ref":
                node = self.target(node["$ref"])
            else:
                node = node[step][next(steps)] if step in NAMED else node[step]
                value = value if within or step == "allOf" and [*node] == ["$ref"] else node
        return self.said(value) if within else node

    def values(
        self, node: dict | None = None, path: Path = (), above: tuple[int, ...] = ()
    ) -> Iterator[tuple[Path, dict]]:
        """Every value outside lists, with its path, parents first; one inside another of its own is left out."""
        for key, child in self.properties(self.root if node is None else node).items():
            if id(child) not in above:
                yield (*path, key), child
                yield from self.values(child, (*path, key), (*above, id(child)))


def of_a_kind(node: Any) -> bool:
    """Whether a node says what is taken beside its plain type."""
    parts = [node.get(key) for key in sorted(KIND)] if isinstance(node, dict) else [None]
    return all(isinstance(one, dict) for one in parts) and [*node["if"]] == ["type"]


def types(node: dict) -> list[str]:
    """The names of the types that a node allows."""
    kinds = node.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def all_types(node: dict) -> list[str]:
    """The same, with those of which some values are taken beside them."""
    return [*types(node), *types(node.get("beside", {}))]


def joined(one: dict, other: dict) -> dict:
    """What two nodes say of one value; of what both say, what the other says."""
    found = {**one, **other}
    for key in one.keys() & other.keys():
        mine, theirs = one[key], other[key]
        if key in ("properties", "patternProperties") and isinstance(mine, dict) and isinstance(theirs, dict):
            maps = [name for name in mine if isinstance(mine[name], dict) and isinstance(theirs.get(name), dict)]
            found[key] = {**mine, **theirs, **{name: joined(mine[name], theirs[name]) for name in maps}}
        elif key in ("allOf", "required") and isinstance(mine, list) and isinstance(theirs, list):
            found[key] = [*mine, *(part for part in theirs if part not in mine)]
    return found
