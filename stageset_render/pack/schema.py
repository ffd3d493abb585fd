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

from stageset_render.findings import ERROR, WARNING, Finding, Hint, Path, holds
from stageset_render.helm.reading import TEMPLATE, placeholder
from stageset_render.helm.values import without_whole
from stageset_render.pack.hints import NO_HINT, UNKNOWN, form, meant, one_key, spelled, unknown
from stageset_render.pack.model import Model, types

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
RULES = {  # the rule that a keyword's finding is named by; of those that are not here, values-combination
    "additionalProperties": "values-unknown-key",
    "type": "values-type",
    "required": "values-missing",
    **dict.fromkeys(("enum", "const"), "values-choice"),
    "pattern": "values-form",
    **dict.fromkeys(LIMITS, "values-bounds"),
    **dict.fromkeys((*LENGTHS, "minLength", "maxLength"), "values-length"),
    "uniqueItems": "values-twice",
}
UNREADABLE = {
    "values-type",
    "values-missing",
    "values-null",
    TEMPLATE,
}  # what a rule or a template could not make sense of


class Schema:
    """A JSON schema of draft-07, the one that Helm enforces as well; `text` is the schema as JSON."""

    def __init__(self, text: str):
        self._text = text
        self._first: tuple[set[Path], Any] | None = None

    @functools.cached_property
    def _validator(self):
        return _compiled(self.root)

    def _fits(self, values: dict, written: dict) -> bool:
        """Whether there is nothing to refuse, asked of what the user wrote and the defaults beside it alone.

        Compiling the whole schema takes as long as rendering the chart, so of a single file only what it needs is.
        """
        if not written:
            return True
        paths = set(_written(self.root, written))
        if "_validator" in self.__dict__ or (self._first and not paths <= self._first[0]):
            return self._validator.is_valid(values) and self._validator.is_valid(written)
        if not self._first:
            asked = _with_definitions(_asked(self.root, written), self.root.get("definitions", {}))
            self._first = paths, _compiled(asked)
        part = {key: values[key] for key in written if key in values}
        return self._first[1].is_valid(part) and self._first[1].is_valid(written)

    @functools.cached_property
    def root(self) -> dict:
        """The schema as a dict."""
        return json.loads(self._text)

    @functools.cached_property
    def model(self) -> Model:
        """What the schema says of each value."""
        return Model(self.root)

    @functools.cached_property
    def _values(self) -> dict[Path, dict]:
        return dict(self.model.values())

    @functools.cached_property
    def _apis(self) -> set[Path]:
        return {path for path, node in self._values.items() if "$comment" in (self.model.items(node) or node)}

    def findings(self, values: dict, written: dict | None = None, lenient: bool = False) -> list[Finding]:
        """Everything that the schema refuses.

        Args:
            values: the values merged with their defaults.
            written: what the user wrote of them. A null there has deleted a default, so `values` don't show it.
            lenient: only warn of what Helm's --skip-schema-validation may let pass, unknown keys and upper bounds inside
                passed-through values: an API that is newer than its definition here may know the key, and take more. An
                unknown key elsewhere is a value that no template reads, and a wrong type would break one.
        """
        try:
            return self._findings(values, written, lenient)
        except ValueError:  # the validator takes numbers of --set for no type of JSON
            return self._findings(without_whole(values), without_whole(written), lenient)

    def _findings(self, values: dict, written: dict | None, lenient: bool) -> list[Finding]:
        if written is not None and self._fits(values, written):
            return []
        errors = self._errors(values)
        if written is not None:
            errors += [one for one in self._errors(written) if one.kind.name == "type" and one.instance is None]
        mistyped = {tuple(error.instance_path) for error in errors if error.kind.name == "type"}
        # that none of several keys is there is said of a map whose keys are all known
        misspelt = {tuple(error.instance_path) for error in errors if error.kind.name == "additionalProperties"}
        hints = iter(range(HINTS))
        found: dict[str, Finding] = {}
        for error in errors:
            path, kind = tuple(error.instance_path), error.kind.name
            if kind == "type" or path not in mistyped and not (kind == "anyOf" and path in misspelt):
                level = WARNING if lenient and kind in DEMOTED and self.passed_through(path) else ERROR
                for one in self._worded(error, path, values, written, hints):
                    rule = one.rule or RULES.get(kind, "values-combination")
                    found.setdefault(repr(one), one._replace(rule=rule, level=level))
        hinted = {(one.path, one.message) for one in found.values() if one.mend}
        return [one for one in found.values() if one.mend or (one.path, one.message) not in hinted]

    def paths(self) -> list[tuple[str, ...]]:
        """The path of every value the schema knows outside lists, parents included."""
        return list(self._values)

    def passed_through(self, path: Path) -> bool:
        """Whether a path leads into what is rendered as it is: it, or an entry, is of a type that names an API in `$comment`."""
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

    def _worded(self, error, path: Path, values: dict, written: dict | None, hints: Iterator[int]) -> Iterator[Finding]:
        kind, node = error.kind, self.model.at(error.evaluation_path[:-1])
        if isinstance(error.instance, str) and placeholder(error.instance):
            yield _unfilled(path, error.instance)
        elif kind.name == "additionalProperties":
            for key in kind.value:
                yield self._unknown(path, error, key, node, written, hints)
        elif kind.name == "uniqueItems":
            for first, second in _twice(error.instance):
                yield Finding(path + (second,), f"is the same as entry {first}", "leave one of them out")
        elif kind.name == "required" and "errorMessage" in node:
            yield Finding(path + (kind.value,), node["errorMessage"])
        elif kind.name == "required":
            yield Finding(path + (kind.value,), "is missing", "give it a value")
        elif kind.name == "type" or "errorMessage" not in node:
            whole = functools.reduce(lambda value, step: value[step], path, values) if kind.name in LENGTHS else None
            yield self._sentence(path, error, node, whole)
        else:
            yield Finding(path, node["errorMessage"])

    def _unknown(self, path: Path, error, key: str, node: dict, written: dict | None, hints: Iterator[int]) -> Finding:
        at, inner, message, hint = path + (key,), error.instance[key], UNKNOWN, NO_HINT
        if placeholder(key):
            return _unfilled(at, key, at_key=True)
        if path and "patternProperties" in node:
            return Finding(at, node["errorMessage"], rule="values-form", at_key=True)
        if len(key) <= 60 and next(hints, None) is not None:
            empty = [one for one, value in _inside(written, path).items() if value is None]
            message, hint = unknown(path, key, inner, node, self.model, empty, self._scope(path))
        if hint is NO_HINT:
            message, hint = UNKNOWN, Hint(known=tuple(sorted(node["properties"])))
            message += "" if path else ", and no key of your own, which begins with x-"
        return Finding(at, message, hint, at_key=True)

    def _scope(self, path: Path) -> dict[Path, dict]:
        """The values that may be meant by an unknown key of a map: those of its section, of maps of its name where it is one,
        and of all at the top."""
        if self.passed_through(path):
            return {}
        others = ((other, node) for other, node in self._values.items() if len(other) > 1)
        return {
            other: node
            for other, node in others
            if other[:1] == path[:1] or not path or len(path) == 1 and other[-2:-1] == path
        }

    def _sentence(self, path: Path, error, node: dict, whole: Any) -> Finding:
        kind, found = error.kind, shown(error.instance)
        if kind.name == "type" or _beside(error, node) and types(node)[0] in ("array", "boolean", "object"):
            if error.instance is None:
                return Finding(path, "can't be null", "give it a value", rule="values-null")
            names = [name for name in types(node) if name != "null"]
            hint = spelled(error.instance, types(node), node)
            if isinstance(error.instance, dict) and "string" in names:
                hint = one_key(path[-1], error.instance)
            if names == ["string"] and "title" in node and hint is NO_HINT:
                return Finding(path, f"{found} is not {node['title']}", rule="values-type")
            if isinstance(error.instance, float) and "integer" in names:
                names = ["integer"]
            wanted = " or ".join(ARTICLES.get(name, f"a {name}") for name in names)
            hint = form(error.instance, node, self.model) if hint is NO_HINT else hint
            return Finding(path, f"{found} is not {wanted}", "" if hint is NO_HINT else hint, rule="values-type")
        return Finding(path, *_bound(error, node, whole))


def _unfilled(path: Path, text: str, at_key: bool = False) -> Finding:
    message = f"{shown(placeholder(text))} is of a template or a script, which has not filled it in"
    return Finding(path, message, "fill it in first", rule=TEMPLATE, at_key=at_key)


def shown(value) -> str:
    """A value as an error names it: short, on one line, with YAML's words for null, true and false."""
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _beside(error, node: dict) -> bool:
    """Whether a value is not of the plain type of its kind, and not of the form that is taken beside that."""
    return "beside" in node and error.evaluation_path[-2] == "then"


def _written(node: dict, written: Any, path: Path = ()) -> Iterator[Path]:
    """The path of each value that is written, as deep as maps go whose keys a node has itself."""
    for key, child in node.get("properties", {}).items() if isinstance(written, dict) else ():
        if key in written:
            yield (*path, key)
            yield from _written(child, written[key], (*path, key))


def _asked(node: dict, written: Any) -> dict:
    """A node that takes anything, such as the default, for each key that is not written."""
    if not isinstance(written, dict) or "properties" not in node:
        return node
    known = {key: _asked(child, written[key]) if key in written else True for key, child in node["properties"].items()}
    return {**node, "properties": known}


def _with_definitions(node: dict, definitions: dict) -> dict:
    """A node with the definitions that it refers to, alone: to compile one takes long."""
    found: dict[str, dict] = {}
    left: list[Any] = [{**node, "definitions": None}]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            left += one.values()
            name = str(one.get("$ref", "")).removeprefix("#/definitions/").partition("/")[0]
            if name in definitions and name not in found:
                left.append(found.setdefault(name, definitions[name]))
    return {**node, "definitions": found}


def _compiled(schema: dict):
    import jsonschema_rs  # a run without values does without

    return jsonschema_rs.Draft7Validator(schema)


def _inside(values: dict | None, path: Path) -> dict:
    """The map at a path; empty when there is none."""
    for step in path:
        values = values[step] if holds(values, step) else None
    return values if isinstance(values, dict) else {}


def _bound(error, node: dict, whole: Any) -> tuple[str, Hint | str]:
    """What is wrong with a value of the right type, and what to do; `whole` is a list or map of which much was cut."""
    kind, found = error.kind, shown(error.instance)
    if kind.name in ("enum", "const"):
        options = [option for option in node.get("enum", [node.get("const")]) if option is not None]
        lower = {option.lower() for option in options if isinstance(option, str) and option.lower() != option}
        options = [option for option in options if option not in lower]  # the same in another case
        allowed = ", ".join(str(option) or "''" for option in options)
        hint = meant(error.instance, options)
        return f"{found} is not {'one of ' if len(options) > 1 else ''}{allowed}", "" if hint is NO_HINT else hint
    if kind.name == "pattern":
        return f"{found} is not {node.get('title', 'text that matches ' + kind.value)}", ""
    limits = node["beside"] if _beside(error, node) else node
    if kind.name in LIMITS and limits.get("minimum") == limits.get("maximum"):
        return f"{found} is not {node['title']}", ""
    if kind.name in LIMITS:
        return f"{found} is not allowed", f"it must be {LIMITS[kind.name]} {shown(kind.value)}"
    if kind.name in LENGTHS and kind.name.startswith("max"):
        return f"has {len(whole)} {LENGTHS[kind.name]}", f"at most {kind.value} are allowed"
    if kind.name in LENGTHS and error.instance:
        return f"has {len(whole)} {LENGTHS[kind.name]}", f"at least {kind.value} are needed"
    if kind.name in LENGTHS:
        return "is empty", "fill it, or leave it out"
    if kind.name == "minLength":
        return "is empty", "give it a value"
    if kind.name == "maxLength":
        return f"{found} is longer than the {kind.value} characters allowed", ""
    return f"{found} is not allowed here", ""


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
