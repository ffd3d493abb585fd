# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Says in sentences what values.schema.json finds wrong with values.

A schema says its own sentence where a keyword can't: `title` is what a text must be ("a duration such as 90s"), and
`errorMessage`, which editors show as well, is the whole sentence where several keys don't go together.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

from stageset_render.pack.hints import elsewhere, form, meant, quotes, shown, types, unknown
from stageset_render.problems import Path, Problem, holds

ARTICLES = {"object": "a map", "array": "a list", "integer": "an integer", "null": "null"}
MANY = 10_000  # values; of more, only the first of each list and map are looked at one by one
HINTS = 100  # near names that are looked for in one run; more help nobody, and each takes its time
LIMITS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "above",
    "exclusiveMaximum": "below",
}
LENGTHS = {"maxItems": "entries", "maxProperties": "keys", "minItems": "entries", "minProperties": "keys"}
DEMOTED = {"additionalProperties", "minimum", "maximum", "maxItems", "maxLength", "maxProperties"}


class Schema:
    """A JSON schema of draft-07, the one that Helm enforces as well.

    Args:
        text: the schema as JSON.
        pieces: what `pieces` makes of it, perhaps in an earlier run.
    """

    def __init__(self, text: str, pieces: dict[str, str]):
        self._text, self._pieces = text, pieces
        self._first: tuple[set[str], Any] | None = None

    @functools.cached_property
    def _validator(self):
        return _compiled(self._text)

    def _fits(self, values: dict, written: dict) -> bool:
        """Whether there is nothing to refuse, asked of what the user wrote and the defaults beside it alone.

        Compiling the whole schema takes as long as rendering the chart, so of a single file only what it needs is.
        """
        keys = set(written)
        if "_validator" in self.__dict__ or (self._first and not keys <= self._first[0]):
            return self._validator.is_valid(values) and self._validator.is_valid(written)
        if not keys:
            return True
        if not self._first:
            parts = ", ".join(f"{json.dumps(key)}: {self._pieces[key]}" for key in keys if key in self._pieces)
            self._first = keys, _compiled(f'{{{self._pieces[""]}, "properties": {{{parts}}}}}')
        part = {key: values[key] for key in keys if key in values}
        return self._first[1].is_valid(part) and self._first[1].is_valid(written)

    @functools.cached_property
    def root(self) -> dict:
        """The schema as a dict; a run that refuses nothing never reads it."""
        return json.loads(self._text)

    @functools.cached_property
    def _values(self) -> dict[tuple[str, ...], dict]:
        return dict(_nodes(self.root, ()))

    @functools.cached_property
    def _apis(self) -> set[tuple[str, ...]]:
        return {path for path, node in self._values.items() if self._is_api(node)}

    def problems(self, values: dict, written: dict | None = None) -> list[Problem]:
        """Everything that the schema refuses.

        Args:
            values: the values merged with their defaults.
            written: what the user wrote of them. A null there has deleted a default, so `values` don't show it.
        """
        refused, demoted = self.split(values, written)
        return refused + demoted

    def split(self, values: dict, written: dict | None = None) -> tuple[list[Problem], list[Problem]]:
        """The same in two lists: what is refused in any case, and what Helm's --skip-schema-validation may let pass.

        The second list has the unknown keys and the upper bounds inside passed-through values: an API that is newer
        than its definition here may know the key, and take more. An unknown key elsewhere is a value that no template
        reads, and a wrong type would break one, so these stay refused.
        """
        if written is not None and self._fits(values, written):
            return [], []
        errors = self._errors(values)
        if written is not None:
            errors += [one for one in self._errors(written) if one.kind.name == "type" and one.instance is None]
        mistyped = {tuple(error.instance_path) for error in errors if error.kind.name == "type"}
        hints = iter(range(HINTS))
        found: dict[Problem, bool] = {}
        for error in errors:
            path = tuple(error.instance_path)
            if error.kind.name == "type" or path not in mistyped:
                demoted = error.kind.name in DEMOTED and self._passed_through(path)
                found.update((problem, demoted) for problem in self._worded(error, path, written, hints))
        hinted = {(one.path, one.text.partition("; ")[0]) for one in found if "; " in one.text}
        told = [one for one in found if (one.path, one.text) not in hinted]  # of one said twice, that with a hint
        return [one for one in told if not found[one]], [one for one in told if found[one]]

    def paths(self) -> list[tuple[str, ...]]:
        """The path of every value the schema knows outside lists, parents included."""
        return list(self._values)

    def _definition(self, node: dict) -> dict:
        """What a value refers to."""
        node = node if "$ref" in node else node.get("allOf", [node])[0]
        return self.root["definitions"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node

    def _is_api(self, node: dict) -> bool:
        """Whether a value, or an entry of it, is of a type of an API: its definition names that in `$comment`."""
        return "$comment" in self._definition(node.get("items", node))

    def _passed_through(self, path: Path) -> bool:
        return any(path[:length] in self._apis for length in range(1, len(path) + 1))

    def _errors(self, values: dict) -> list:
        if self._validator.is_valid(values):
            return []
        cut = values
        for most in (1_000, 100, 10, 3):
            if _size(cut) > MANY:
                cut = _cut(values, most)
        import jsonschema_rs

        errors = [one for one in self._validator.iter_errors(cut) if cut is values or not _cut_away(one, values)]
        if not errors:  # all are beyond what is left of a list
            try:
                self._validator.validate(values)
            except jsonschema_rs.ValidationError as error:
                errors = [error]
        return errors

    def _worded(self, error, path: Path, written: dict | None, hints: Iterator[int]) -> Iterator[Problem]:
        kind, node = error.kind, self._node(error.schema_path[:-1])
        if kind.name == "additionalProperties":
            for key in kind.value:
                yield Problem(path + (key,), self._unknown(path, error, key, node, written, hints), at_key=True)
        elif kind.name == "uniqueItems":
            for first, second in _twice(error.instance):
                yield Problem(path + (second,), f"is the same as entry {first}; leave one of them out")
        elif kind.name == "required":
            yield Problem(path + (kind.value,), node.get("errorMessage", "is missing; give it a value"))
        elif kind.name == "type" or "errorMessage" not in node:
            yield Problem(path, self._sentence(error, node))
        else:
            yield Problem(path, node["errorMessage"])

    def _node(self, schema_path) -> dict:
        node = self.root
        for part in schema_path:
            if part == "$ref":
                node = self.root["definitions"][node["$ref"].rsplit("/", 1)[1]]
            else:
                node = node[part]
        return node

    def _unknown(self, path: Path, error, key: str, node: dict, written: dict | None, hints: Iterator[int]) -> str:
        if "patternProperties" in node:
            return node["errorMessage"]
        inner, said = error.instance[key], ""
        if len(key) <= 60 and next(hints, None) is not None:
            empty = [one for one, value in _inside(written, path).items() if value is None]
            said = unknown(path, key, inner, node, self._definition, empty)
            if not said and not self._passed_through(path):
                said = elsewhere(path, key, inner, self._values, self._definition)
        return said or f"is unknown; known here: {', '.join(sorted(node['properties']))}"

    def _sentence(self, error, node: dict) -> str:
        kind, found = error.kind, shown(error.instance)
        if kind.name == "type" or _of_a_kind_taken_empty(error, node):
            if error.instance is None:
                return "can't be null; give it a value"
            names = [name for name in types(node) if name != "null"]
            hint = quotes(error.instance, types(node), node)
            if names == ["string"] and "title" in node and not hint:
                return f"{found} is not {node['title']}"
            if isinstance(error.instance, float) and "integer" in names:
                names = ["integer"]
            wanted = " or ".join(ARTICLES.get(name, f"a {name}") for name in names)
            return f"{found} is not {wanted}{hint or form(error.instance, node, self._definition)}"
        return _bound(error, node)


def _of_a_kind_taken_empty(error, node: dict) -> bool:
    """Whether a value is of a type that is taken for those alone that say the same in it: `{}` for an empty list, and
    the text that a boolean prints as."""
    kind = error.kind
    return kind.name == "pattern" and "boolean" in types(node) or kind.name in LENGTHS and kind.value == 0


def pieces(text: str) -> dict[str, str]:
    """The schema of each value at the top as JSON, by its name, and by "" all the rest, without its braces."""
    root = json.loads(text)
    known = root.pop("properties")
    return {"": json.dumps(root)[1:-1], **{key: json.dumps(node) for key, node in known.items()}}


def _compiled(text: str):
    import jsonschema_rs  # a run without values does without

    return jsonschema_rs.Draft7Validator(text)


def _inside(values: dict | None, path: Path) -> dict:
    """The map at a path; empty when there is none."""
    for step in path:
        values = values[step] if holds(values, step) else None
    return values if isinstance(values, dict) else {}


def _bound(error, node: dict) -> str:
    kind, found = error.kind, shown(error.instance)
    if kind.name in ("enum", "const"):
        options = [option for option in node.get("enum", [node.get("const")]) if option is not None]
        allowed = ", ".join(str(option) or "''" for option in options)
        return f"{found} is not {'one of ' if len(options) > 1 else ''}{allowed}{meant(error.instance, options)}"
    if kind.name == "pattern":
        return f"{found} is not {node.get('title', 'text that matches ' + kind.value)}"
    if kind.name in LIMITS and node.get("minimum") == node.get("maximum"):
        return f"{found} is not {node['title']}"
    if kind.name in LIMITS:
        return f"{found} is not allowed; it must be {LIMITS[kind.name]} {shown(kind.value)}"
    if kind.name in LENGTHS and kind.name.startswith("max"):
        return f"has {len(error.instance)} {LENGTHS[kind.name]}; at most {kind.value} are allowed"
    if kind.name in LENGTHS and error.instance:
        return f"has {len(error.instance)} {LENGTHS[kind.name]}; at least {kind.value} are needed"
    if kind.name in LENGTHS:
        return "is empty; fill it, or leave it out"
    if kind.name == "minLength":
        return "is empty; give it a value"
    if kind.name == "maxLength":
        return f"{found} is longer than the {kind.value} characters allowed"
    return f"{found} is not allowed here"


def _nodes(node: dict, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict]]:
    for key, child in node.get("properties", {}).items():
        yield path + (key,), child
        if isinstance(child, dict):
            yield from _nodes(child, path + (key,))


def _size(value) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_size, inner))


def _cut(value, most: int):
    """The value with the first entries of each list and map alone."""
    if isinstance(value, dict):
        return {key: _cut(inner, most) for key, inner in list(value.items())[:most]}
    return [_cut(inner, most) for inner in value[:most]] if isinstance(value, list) else value


def _cut_away(error, values) -> bool:
    if error.kind.name != "required":
        return False
    for step in error.instance_path:
        values = values[step]
    return error.kind.value in values


def _twice(items: list) -> Iterator[tuple[int, int]]:
    """The indexes of an entry and of its first repetition, at most ten pairs."""
    seen: dict[str, int] = {}
    pairs = []
    for index, item in enumerate(items):
        first = seen.setdefault(json.dumps(item, sort_keys=True), index)
        if first < index:
            pairs.append((first, index))
    yield from pairs[:10]
