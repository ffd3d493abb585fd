# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Says in sentences what values.schema.json finds wrong with values."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator

import jsonschema_rs

from stageset_render.problems import Problem, dotted

ARTICLES = {"object": "a map", "array": "a list", "integer": "an integer", "null": "null"}


class Schema:
    """A JSON schema of draft-07, the one that Helm enforces as well.

    Args:
        text: the schema as JSON.
    """

    def __init__(self, text: str):
        self._text = text
        self._validator = jsonschema_rs.Draft7Validator(text)

    @functools.cached_property
    def root(self) -> dict:
        """The schema as a dict; a run that refuses nothing never reads it."""
        return json.loads(self._text)

    def problems(self, values: dict) -> list[Problem]:
        """Everything that the schema refuses in `values`."""
        if self._validator.is_valid(values):
            return []
        return [problem for error in self._validator.iter_errors(values) for problem in self._worded(error)]

    def paths(self) -> list[tuple[str, ...]]:
        """The path of every value the schema knows outside lists, parents included."""
        return list(_paths(self.root, ()))

    def _worded(self, error) -> Iterator[Problem]:
        path, kind = tuple(error.instance_path), error.kind
        found = shown(error.instance)
        if kind.name == "additionalProperties":
            for key in kind.value:
                yield Problem(path + (key,), self._unknown(path, key, error), at_key=True)
        elif kind.name == "required":
            # Outside lists every required value has a default, so only null can have removed it.
            cause = "is missing" if any(isinstance(part, int) for part in path) else "can't be null"
            yield Problem(path + (kind.value,), f"{cause}; give it a value")
        elif kind.name == "type":
            wanted = " or ".join(ARTICLES.get(name, f"a {name}") for name in kind.types)
            yield Problem(path, f"{found} is not {wanted}{_quotes(error.instance, kind.types)}")
        elif kind.name == "enum":
            allowed = ", ".join(str(option) or "''" for option in kind.options)
            yield Problem(path, f"{found} is not one of {allowed}{_meant(error.instance, kind.options)}")
        elif kind.name in ("minimum", "maximum"):
            bound = "at least" if kind.name == "minimum" else "at most"
            yield Problem(path, f"{found} is not allowed; it must be {bound} {kind.value}")
        elif kind.name == "pattern":
            schema = self._node(error.schema_path[:-1])
            yield Problem(path, f"{found} is not {schema.get('title', 'text that matches ' + kind.value)}")
        elif kind.name == "anyOf":
            needed = [key for branch in self._node(error.schema_path) for key in branch["required"]]
            yield Problem(path, f"needs {' or '.join(needed)}, with at least one entry")
        elif kind.name in ("minItems", "minProperties"):
            yield Problem(path, "is empty; fill it, or leave it out")
        elif kind.name == "maxLength":
            yield Problem(path, f"{found} is longer than the {kind.value} characters allowed")
        elif kind.name == "not":
            yield Problem(path, f"{found} is not allowed here")
        else:
            yield Problem(path, error.message)

    def _node(self, schema_path) -> dict:
        node = self.root
        for part in schema_path:
            if part == "$ref":
                node = self.root["definitions"][node["$ref"].rsplit("/", 1)[1]]
            else:
                node = node[part]
        return node

    def _unknown(self, path, key, error) -> str:
        known = sorted(self._node(error.schema_path[:-1])["properties"])
        close = near(key, known, 1)
        if close:
            return f"is unknown (did you mean {dotted(path + (close[0],))}?)"
        elsewhere = [dotted(other) for other in self.paths() if other[-1] == key]
        if len(elsewhere) == 1:
            return f"is unknown here (did you mean {elsewhere[0]}?)"
        return f"is unknown; known here: {', '.join(known)}"


def _paths(node, path) -> Iterator[tuple[str, ...]]:
    for key, child in node.get("properties", {}).items():
        yield path + (key,)
        if isinstance(child, dict):
            yield from _paths(child, path + (key,))


def near(word: str, known: list[str], count: int) -> list[str]:
    """The known words that one may have meant."""
    import difflib  # only what is refused pays for it

    return difflib.get_close_matches(word, known, count)


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


def _meant(found, options) -> str:
    close = near(str(found), [str(option) for option in options if option], 1)
    return f" (did you mean {close[0]}?)" if close else ""


def _quotes(found, types) -> str:
    """A hint for `"8080"` where 8080 was meant, the usual slip with --set-string, and for the other way round."""
    if isinstance(found, str) and len(found) <= 20:
        number = found.lstrip("-").isdigit() and {"integer", "number"} & set(types)
        if number or (found in ("true", "false") and "boolean" in types):
            return f"; write it without quotes, as {found}"
    if isinstance(found, (bool, int, float)) and "string" in types:
        return "; write it in quotes"  # as it stands in the file: 1.10 has been read as 1.1
    return ""
