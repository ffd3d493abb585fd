# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Guesses what was meant where a value is refused, and shows it as it should have been written.

A node is the part of a schema that is about one value; `resolved` follows its reference to a definition.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from typing import Any

from stageset_render.problems import Path, brief

TRUTHS = {
    **dict.fromkeys(("true", "yes", "y", "on", "enabled", "1"), "true"),
    **dict.fromkeys(("false", "no", "n", "off", "disabled", "0"), "false"),
}
Resolve = Callable[[dict], dict]


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


def meant(found, options) -> str:
    if not isinstance(found, str) or len(found) > 60:
        return ""
    texts = [str(option) for option in options if option]
    close = [text for text in texts if text.lower() == found.lower()] or near(found, texts, 1)
    return f" (did you mean {close[0]}?)" if close else ""


def types(node: dict) -> list[str]:
    """The names of the types that a node allows, less what goes unsaid: the text of a boolean, {} for a list, [] for
    a map."""
    kinds = node.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    unsaid = {"boolean": "string", "array": "object", "object": "array"}.get(kinds[0]) if kinds else None
    return [kind for kind in kinds if kind != unsaid]


def form(found: Any, node: dict, resolved: Resolve) -> str:
    """A hint where a value of one kind stands in place of a list or a map: the value as it should be."""
    kinds = types(node)
    if isinstance(found, dict):
        listed = "; write it as a list: begin its first line with `- `, or put [ ] around its braces"
        return listed if "array" in kinds and found else ""
    if not isinstance(found, (str, bool, int, float)) or not 0 < len(str(found)) <= 60:
        return ""
    if "array" in kinds:
        return _list_form(str(found), node, resolved)
    if "object" not in kinds:
        return ""
    key, colon, value = str(found).partition(":")
    if colon and re.fullmatch(r"\w+", key) and value[:1] not in ("", " "):
        return f"; put a blank behind the colon: {key}: {value}"
    known = resolved(node).get("properties", {})
    key, equals, value = str(found).partition("=")
    if not known and equals:
        return f"; write {key}: {value}"
    meant = _entries(found, known, resolved)
    if 0 < len(meant) <= 2:
        return "; write " + " or ".join(map(flow, meant))
    return f"; it takes the key{'s' * (len(known) > 1)} {', '.join(sorted(known))}" if known else ""


def _list_form(found: str, node: dict, resolved: Resolve) -> str:
    item = resolved(node.get("items", {}))
    texts = [text for text in re.split(r"[,\s]+", found) if text]
    if "string" in types(item):
        return f"; write a list: {json.dumps(texts)}"
    meant = [_entries(text, item.get("properties", {}), resolved) for text in texts]
    if meant and all(len(one) == 1 for one in meant):
        return f"; write a list: {flow([one[0] for one in meant])}"
    return f"; write a list such as {flow(node['examples'][0])}" if "examples" in node else ""


def _entries(found: Any, known: dict[str, dict], resolved: Resolve) -> list[dict]:
    """The maps with one of the known keys in which a value would do, alone or as the one entry of a list."""
    entries = []
    for key, node in known.items():
        node = resolved(node)
        if _does(found, node):
            entries.append({key: found})
        elif "array" in types(node) and _does(found, resolved(node.get("items", {}))):
            entries.append({key: [found]})
    return entries


def _does(found: Any, node: dict) -> bool:
    if isinstance(found, bool):
        return "boolean" in types(node)
    if not isinstance(found, str):
        return bool({"integer", "number"} & set(types(node)))
    return "string" in types(node) and _holds(found, node)


def _holds(found: Any, node: dict) -> bool:
    import jsonschema_rs

    bounds = ("enum", "pattern", "minimum", "maximum")
    return jsonschema_rs.is_valid({key: node[key] for key in bounds if key in node}, found)


def flow(value: Any) -> str:
    """A value as YAML on one line."""
    import yaml

    return yaml.safe_dump(value, default_flow_style=True, width=float("inf"), sort_keys=False).strip()


def quotes(found: Any, kinds: list[str], node: dict) -> str:
    """A hint for `"true"` where true was meant, the usual slip with --set-string, and for the other way round, unless
    the text that it means would be refused as well."""
    word = found if isinstance(found, str) else json.dumps(found)
    if isinstance(found, str) and len(found) <= 20:
        number = {"integer", "number"} & set(kinds) and re.fullmatch("-?(0|[1-9][0-9]*)", found)
        if (number and _holds(int(found), node)) or (found in ("true", "false") and "boolean" in kinds):
            return f"; write it without quotes, as {found}"
    if "boolean" in kinds and word.lower() in TRUTHS:
        return f"; write {TRUTHS[word.lower()]}"
    if isinstance(found, (bool, int, float)) and "string" in kinds and _holds(word, node):
        return "; write it in quotes"  # as it stands in the file: 1.10 has been read as 1.1
    return ""


def unknown(path: Path, key: str, inner: Any, node: dict, resolved: Resolve, empty: list[str]) -> str:
    """What is said of a key that its node does not know, from what is near it; empty when that is nothing.

    Args:
        path: where the map is that holds the key.
        key: the key.
        inner: its value.
        node: what is said of the map.
        resolved: follows a reference.
        empty: the keys of the map that hold nothing.
    """
    known = node["properties"]
    if isinstance(inner, dict) and not path and 0 < len(inner) <= 2 * sum(one in known for one in inner):
        first = next(one for one in inner if one in known)
        return f"holds the values of the pack; remove this line, and write {first}: without indentation"
    name, colon, rest = key.partition(":")
    if colon and name in known and rest:
        return (
            f"is unknown; put a blank behind the colon: {name}: {rest}"
            if inner is None
            else (f"is unknown; write {rest}: on a line of its own, indented below {name}:")
        )
    close = near(key, sorted(known), 1)
    if close:
        return f"is unknown (did you mean {brief(path + (close[0],))}?)"
    below = []
    for name, child in known.items():
        child = resolved(child)
        items = resolved(child.get("items", {}))
        for steps, part in (((name,), child), ((name, 0), items)):
            if key in part.get("properties", {}):
                if name in empty:
                    return f"is unknown here; indent this line below {name}:, which holds nothing"
                below.append((*path, *steps, key))
    return _did_you_mean(below, inner)


def elsewhere(path: Path, key: str, inner: Any, nodes: dict[Path, dict], resolved: Resolve) -> str:
    """The same from the rest of the schema: where a key of the name takes such a value."""
    kind = next((name for of, name in KINDS if isinstance(inner, of)), "null")
    places = [other for other, node in nodes.items() if other[-1] == key and kind in types(node)]
    if isinstance(inner, dict):
        places = [one for one in places if inner.keys() <= resolved(nodes[one]).get("properties", inner).keys()]
    return _did_you_mean(places, inner)


KINDS = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"))


def _did_you_mean(places: list[Path], inner: Any) -> str:
    if not 0 < len(places) <= 3:
        return ""
    *rest, last = map(brief, places)
    said = f"is unknown here (did you mean {', '.join(rest)}{' or ' if rest else ''}{last}?)"
    if (
        rest
        or isinstance(inner, (dict, list))
        or len(str(inner)) > 60
        or any(isinstance(step, int) for step in places[0])
    ):
        return said
    line = functools.reduce(lambda value, step: {step: value}, reversed(places[0][1:]), inner)
    return f"{said}; write {places[0][0]}: {flow(line)}"
