# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Prints the reference of the values from values.schema.json: `python docs/values.py > docs/values.md`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

SCHEMA = json.loads((Path(__file__).resolve().parent.parent / "values.schema.json").read_text(encoding="utf-8"))
HEAD = """# Values

Every value, from `values.schema.json`: `python docs/values.py > docs/values.md` writes this page. An empty list, map or
string means that nothing is set. `[]` in a path is any entry of the list.
"""
WORDS = {"object": "map", "array": "list"}


def resolved(node: dict) -> dict:
    """The node itself, or the definition it refers to."""
    node = next((part for part in node.get("allOf", ()) if "$ref" in part), node)
    return SCHEMA["definitions"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node


def kind(node: dict) -> str:
    """The type of a value in the words of the errors; what else is taken goes unsaid: texts of a boolean,
    {} for a list, [] for a map."""
    names = node["type"] if isinstance(node["type"], list) else [node["type"]]
    if names[0] == "boolean":
        return "boolean"
    if {"array", "object"} <= {*names}:
        names = [names[0], "null"]
    words = [WORDS.get(name, name) for name in names]
    if "items" in node:
        words[0] += f" of {kind(resolved(node['items'])).removesuffix(' or null')}s"
    return " or ".join(words)


def allowed(node: dict) -> str:
    """What a value may be beyond its type; for lists and maps, what their entries may be. A type of an API is named,
    with the page that explains it."""
    inner = node.get("items", node.get("additionalProperties"))
    inner = inner if isinstance(inner, dict) else resolved(node)
    if inner is not node:
        return allowed(resolved(inner))
    if "$comment" in node:
        name, _, page = node["$comment"].partition(": ")
        return f"[{name}]({page})"
    if "patternProperties" in node:
        return allowed(resolved(next(iter(node["patternProperties"].values()))))
    parts = [f"`{option}`" if option else "empty" for option in node.get("enum", ()) if option is not None]
    told = node.get("title", "") + " 0 999999 9007199254740991"  # the last two: what Helm prints exactly
    if "maximum" in node and str(node["maximum"]) not in told and "number" not in node["type"][1:]:
        parts.append(f"{node['minimum']} to {node['maximum']}")
    elif "minimum" in node and "maximum" not in node and "pattern" not in node:
        parts.append(f"at least {node['minimum']}")
    if "pattern" in node and "boolean" not in node["type"]:
        parts.append(node["title"])
    return ", ".join(parts)


def escaped(text: str) -> str:
    """Text in which Markdown sees no tag, no emphasis and no end of a cell."""
    return re.sub(r"([<*|])", r"\\\1", text)


def rows(path: str, node: dict) -> Iterator[list[str]]:
    """The row of a value, and those of the values inside it; those of an API have a page of their own."""
    default = f"`{json.dumps(node['default'])}`" if "default" in node else ""
    yield [f"`{path}`", kind(node), default, escaped(allowed(node)), escaped(node["description"])]
    inner, path = (resolved(node["items"]), f"{path}[]") if "items" in node else (node, path)
    if "properties" in inner and "$comment" not in inner:
        for key, child in inner["properties"].items():
            yield from rows(f"{path}.{key}", child)


def page() -> Iterator[str]:
    """The lines of the page, one section per value at the top."""
    yield HEAD.rstrip()
    for key, node in SCHEMA["properties"].items():
        yield from ("", f"## {key}", "", "| value | type | default | allowed | meaning |", "|---|---|---|---|---|")
        for row in rows(key, node):
            yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    print("\n".join(page()))
