# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Prints the reference of the values from values.schema.json: `python docs/values.py > docs/values.md`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from stageset_render.pack.model import types  # noqa: E402
from stageset_render.pack.release import schema  # noqa: E402

MODEL = schema().model
HEAD = """# Values

Every value, from `values.schema.json`: `python docs/values.py > docs/values.md` writes this page. An empty list, map or
string means that nothing is set. `[]` in a path is any entry of the list.
"""
WORDS = {"object": "map", "array": "list"}


def kind(node: dict) -> str:
    """The type of a value in the words of the errors; null, and what is taken beside it, go unsaid."""
    words = [WORDS.get(name, name) for name in types(node) if name != "null"]
    if "items" in node:
        words[0] += f" of {kind(MODEL.items(node))}s"
    return " or ".join(words)


def allowed(node: dict) -> str:
    """What a value may be beyond its type; for lists and maps, what their entries may be. A type of an API is named,
    with the page that explains it."""
    inner = MODEL.items(node) or MODEL.said(node.get("additionalProperties"))
    if inner:
        return allowed(inner)
    if "$comment" in node:
        name, _, page = node["$comment"].partition(": ")
        return f"[{name}]({page})"
    if "patternProperties" in node:
        return allowed(MODEL.said(next(iter(node["patternProperties"].values()))))
    parts = [f"`{option}`" if option else "empty" for option in node.get("enum", ()) if option is not None]
    told = node.get("title", "") + " 0 999999 9007199254740991"  # the last two: what Helm prints exactly
    if "maximum" in node and str(node["maximum"]) not in told and "string" not in types(node):
        parts.append(f"{node['minimum']} to {node['maximum']}")
    elif "minimum" in node and "maximum" not in node and "pattern" not in node:
        parts.append(f"at least {node['minimum']}")
    if "title" in node and types(node)[0] != "boolean":
        parts.append(node["title"])
    return ", ".join(parts)


def escaped(text: str) -> str:
    """Text in which Markdown sees no tag, no emphasis and no end of a cell."""
    return re.sub(r"([<*|])", r"\\\1", text)


def written(value: Any) -> str:
    """A value as JSON, which is YAML as well."""
    return f"`{json.dumps(value, ensure_ascii=False)}`".replace("|", "\\|")


def rows(path: str, node: dict) -> Iterator[list[str]]:
    """The row of a value, and those of the values inside it; those of an API have a page of their own."""
    default = written(node["default"]) if "default" in node else ""
    told = types(node)[0] == "boolean" or "enum" in node or "examples" not in node
    example = "" if told else written(node["examples"][0])
    yield [f"`{path}`", kind(node), default, escaped(allowed(node)), example, escaped(node["description"])]
    inner, path = (MODEL.items(node), f"{path}[]") if "items" in node else (node, path)
    if "$comment" not in inner:
        for key, child in MODEL.properties(inner).items():
            yield from rows(f"{path}.{key}", child)


def page() -> Iterator[str]:
    """The lines of the page, one section per value at the top."""
    yield HEAD.rstrip()
    for key, node in MODEL.properties(MODEL.root).items():
        yield from (
            "",
            f"## {key}",
            "",
            "| value | type | default | allowed | example | meaning |",
            "|---|---|---|---|---|---|",
        )
        for row in rows(key, node):
            yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    print("\n".join(page()))
