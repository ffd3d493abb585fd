# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Carries what has changed between two versions of values.schema.json onto a third."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from stageset_render.port.carry.edits import Edit, apply

DEEP = ("properties", "items", "additionalProperties", "definitions", "$defs", "$ref", "required")
MISSING = object()


@functools.lru_cache(maxsize=4)
def _composed(text: str) -> yaml.Node:
    return yaml.compose(text, yaml.CSafeLoader)


class Text:
    """A schema as text, in which each value knows its place: JSON is YAML, and its reader has marks."""

    def __init__(self, text: str):
        self.text = text
        self.root = _composed(text)

    def child(self, node: yaml.Node | None, key: str) -> yaml.Node | None:
        return self.pair(node, key)[1]

    def pair(self, node: yaml.Node | None, *keys: str) -> tuple[yaml.Node | None, yaml.Node | None]:
        """The first key of these in a map, with what it has; ! and ? behind it tell more of it in a part."""
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        return next((pair for pair in pairs if pair[0].value.rstrip("!?") in keys), (None, None))

    def resolved(self, node: yaml.Node | None) -> yaml.Node | None:
        """The node that references lead to."""
        for _ in range(20):
            reference = self.child(node, "$ref")
            if not isinstance(reference, yaml.ScalarNode):
                return node
            node = self.root
            for step in reference.value.split("/")[1:]:
                node = self.child(node, step)
        return None

    def found(
        self, path: tuple, words: dict[str, tuple] | None = None
    ) -> tuple[yaml.Node | None, yaml.Node | None, int]:
        """The key and the node at a path, if they are there, and the line of the last step to it that there is.

        Args:
            words: what a text that is no schema itself says for a step.
        """
        key, node, line = None, self.root, 1
        for step in path:
            key, node = self.pair(self.resolved(node), step, *(words or {}).get(step, ()))
            if key is None:
                break
            line = key.start_mark.line + 1
        return key, node, line

    def data(self, node: yaml.Node | None) -> Any:
        return MISSING if node is None else json.loads(self.text[node.start_mark.index : node.end_mark.index])

    def replaced(self, node: yaml.Node, value: Any) -> Edit:
        line = self.text[node.start_mark.index - node.start_mark.column : node.start_mark.index]
        return Edit(node.start_mark.index, node.end_mark.index, _json(value, len(line) - len(line.lstrip())))

    def added(self, node: yaml.MappingNode, after: str | None, key: str, value: Any) -> Edit:
        """A new key of a map, behind another or as its last."""
        if not node.value:
            return self.replaced(node, {key: value})
        last = next((one for name, one in node.value if name.value == after), node.value[-1][1])
        column = node.value[0][0].start_mark.column
        text = f",\n{' ' * column}{json.dumps(key)}: {_json(value, column)}"
        return Edit(last.end_mark.index, last.end_mark.index, text)

    def removed(self, node: yaml.MappingNode, key: str) -> Edit:
        at = next(n for n, (name, _) in enumerate(node.value) if name.value == key)
        if at:
            return Edit(node.value[at - 1][1].end_mark.index, node.value[at][1].end_mark.index, "")
        if len(node.value) == 1:
            return Edit(node.start_mark.index, node.end_mark.index, "{}")
        return Edit(node.value[0][0].start_mark.index, node.value[1][0].start_mark.index, "")

    def listed(self, node: yaml.SequenceNode, values: list) -> Edit:
        """Other items of a list, laid out as it is."""
        items = node.value
        if not items or not values:
            return self.replaced(node, values)
        between = self.text[items[0].end_mark.index : items[1].start_mark.index] if len(items) > 1 else ", "
        text = between.join(json.dumps(one, ensure_ascii=False) for one in values)
        return Edit(items[0].start_mark.index, items[-1].end_mark.index, text)


def _json(value: Any, column: int) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n" + " " * column)


def same(one: Any, other: Any) -> bool:
    """Whether two values are alike in type and order too."""
    return one is other or MISSING not in (one, other) and json.dumps(one) == json.dumps(other)


class Clash(NamedTuple):
    """What a schema says otherwise at a path than what is changed there: before, here, and by the change."""

    path: tuple[str, ...]
    was: Any
    has: Any
    now: Any


def stepped(path: tuple[str, ...]) -> tuple[str, ...]:
    """The path in a schema of a value."""
    return tuple(step for key in path for step in ("properties", key))


def rekeyed(source: str, renamed: dict[tuple, tuple]) -> str:
    """A schema in which some values, by their new paths, have other names than by the old ones."""
    for new, old in renamed.items():
        text, path = Text(source), stepped(old)
        if (key := text.found(path)[0]) and not text.found(stepped(new))[0]:
            listed = text.child(text.resolved(text.found(path[:-2])[1]), "required")
            needed = listed.value if isinstance(listed, yaml.SequenceNode) else []
            marks = [(one.start_mark, one.end_mark) for one in (key, *needed) if one is key or one.value == old[-1]]
            source = apply(source, [Edit(begun.index, end.index, json.dumps(new[-1])) for begun, end in marks])
    return source


def carried(old: dict, new: dict, target: str) -> tuple[str, list[Clash]]:
    """What has changed between two versions of a schema, carried onto a third."""
    text, roots = Text(target), (old, new, json.loads(target))
    found: list[Edit | Clash] = []
    shared = text.child(text.root, "definitions")
    names = [name for name in roots[0].get("definitions", {}) if name in roots[1].get("definitions", {})]
    for name in names:  # which several values may refer to
        pair = (root["definitions"][name] for root in roots[:2])
        found += _carried(*pair, text.child(shared, name), text, roots, ("definitions", name))
    found += _carried(*roots[:2], text.root, text, roots, ())
    edits = dict.fromkeys(one for one in found if isinstance(one, Edit))
    clashes = {}
    for clash in [one for one in found if isinstance(one, Clash)]:
        _, node, line = text.found(clash.path)
        clashes.setdefault((node and node.start_mark.index, line, clash.path[-1]), clash)
    return apply(target, list(edits)), [*clashes.values()]


def followed(node: Any, root: dict) -> dict:
    for _ in range(20):
        if not isinstance(node, dict) or not isinstance(node.get("$ref"), str):
            return node if isinstance(node, dict) else {}
        steps, node = node["$ref"].split("/")[1:], root
        for step in steps:
            node = node.get(step) if isinstance(node, dict) else None
    return {}


def _carried(old: Any, new: Any, node: yaml.Node, text: Text, roots: tuple, path: tuple) -> Iterator[Edit | Clash]:
    old, new, node = followed(old, roots[0]), followed(new, roots[1]), text.resolved(node)
    if same(old, new) and "$ref" not in json.dumps(old) or not isinstance(node, yaml.MappingNode) or len(path) > 40:
        return
    for key in dict.fromkeys([*new, *old]):
        was, now = old.get(key, MISSING), new.get(key, MISSING)
        if key not in DEEP and not same(was, now):
            yield from _changed(node, key, was, now, text, path)
    for key in ("items", "additionalProperties"):
        was, now, mine = old.get(key, MISSING), new.get(key, MISSING), text.child(node, key)
        if isinstance(was, dict) and isinstance(now, dict) and mine is not None:
            yield from _carried(was, now, mine, text, roots, (*path, key))
        elif not same(was, now):
            yield from _changed(node, key, was, now, text, path)
    was, now, mine = old.get("properties") or {}, new.get("properties") or {}, text.child(node, "properties")
    last = None
    for name in now:
        known = text.child(mine, name)
        if name not in was and known is None:
            value = plain(now[name], *roots[1:])
            place = (node, None, "properties", {name: value}) if mine is None else (mine, last, name, value)
            yield text.added(*place)
        elif name in was and known is not None:
            yield from _carried(was[name], now[name], known, text, roots, (*path, "properties", name))
        last = name if known is not None else last
    for name in was:
        if name not in now and text.child(mine, name) is not None:
            yield text.removed(mine, name)
    yield from _required(old, new, node, text, path)


def _changed(node: yaml.Node, key: str, was: Any, now: Any, text: Text, path: tuple) -> Iterator[Edit | Clash]:
    """Carry what a schema says otherwise under a key."""
    mine = text.child(node, key)
    has = text.data(mine)
    if same(has, now):
        return
    if not same(has, was):
        yield Clash((*path, key), was, has, now)
    elif now is MISSING:
        yield text.removed(node, key)
    else:
        yield text.added(node, None, key, now) if mine is None else text.replaced(mine, now)


def _required(old: dict, new: dict, node: yaml.Node, text: Text, path: tuple) -> Iterator[Edit | Clash]:
    """What is required otherwise: what is said to be, less what is gone; and what is new, if the target requires all that
    the old version does."""
    listed = text.child(node, "required")
    was, now = (side.get("required") or [] for side in (old, new))
    if not isinstance(listed, yaml.SequenceNode):
        known = (old.get("properties") or {}).keys() & (new.get("properties") or {}).keys()
        if now and not was:
            yield text.added(node, None, "required", now)
        elif known & ({*was} ^ {*now}):
            yield Clash((*path, "required"), was, MISSING, now)
        return
    has = text.data(listed)
    gone = [key for key in has if key in was and key not in now]
    more = [key for key in now if key not in [*was, *has]] if {*was} <= {*has} else []
    if gone or more:
        instead = dict(zip(gone, more))
        kept = [instead.get(key, key) for key in has if key not in gone or key in instead]
        for key in more[len(gone) :]:  # in the order of the values, as far as the list is
            above = now[: now.index(key)]
            kept.insert(max([at for at, other in enumerate(kept, 1) if other in above], default=0), key)
        yield text.listed(listed, kept)


def plain(node: Any, root: dict, target: dict, depth: int = 0) -> Any:
    """A part of a schema with what it refers to in its place, but for what another schema calls the same."""
    if isinstance(node, list):
        return [plain(one, root, target, depth) for one in node]
    if not isinstance(node, dict) or depth > 12:
        return node if not isinstance(node, dict) else {}
    said = followed(node, root)
    if node is not said and said and same(said, followed(node, target)):
        return node
    return {key: plain(one, root, target, depth + 1) for key, one in said.items()}
