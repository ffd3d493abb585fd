# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Puts values.schema.json together from the parts beside this script: `python schema/build.py`.

- `values/KEY.yaml`: what the chart's values are, one file for each key at the top; their defaults, and their order, are
  those of templates/_defaults.tpl.
- `kinds.yaml`: the kinds of values, each a plain type and what is taken beside it.
- `types.yaml`: types that values and APIs share.
- `apis/`: `API.facts.yaml`, the fields of an API as derive.py finds them, and `API.yaml`, our own rules about them.

A part is a JSON schema in YAML with some words of its own:

- `meaning` and `example` are description and examples; of what is chosen, another choice than the default is one.
- `is: NAME` refers to a definition; what is said beside it holds as well.
- `values` are the values below one, `fields` those of a map of an API: no other key is allowed in either, and a field
  whose name ends in `!` is required. One that the facts require is not when it ends in `?` in our rules.
- `object` is the spec of a whole object.
- A text in `oneOf` or `anyOf` is a key that is there.
- `plain` is the type that is meant, beside which `texts`, `numbers`, `integers`, `maps` or `lists` of a form are taken.
- `rules` are conditions: `when` fields have one of these values, `needs` is required, and `fields` must be so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
DEFAULTS, RESULT = HERE.parent / "templates" / "_defaults.tpl", HERE.parent / "values.schema.json"
NEW = "New in the chart; say what it means."
NAMES = {"meaning": "description", "example": "examples"}
BESIDE = {"texts": "string", "numbers": "number", "integers": "integer", "maps": "object", "lists": "array"}
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
WIDTH = 120


def read(path: Path) -> Any:
    """A file of YAML; nothing when there is none."""
    return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader) if path.exists() else None


def schema(part: Any) -> Any:
    """A part as a JSON schema."""
    if not isinstance(part, dict):
        return part
    node: dict[str, Any] = {}
    for key, value in part.items():
        if key in ("values", "fields"):
            known = {name.removesuffix("!"): schema(inner) for name, inner in value.items()}
            needed = [name[:-1] for name in value if name.endswith("!")]
            node |= {"type": part.get("type", "object"), "additionalProperties": False}
            node |= {"required": needed} if needed else {}
            node["properties"] = known
        elif key == "object":
            node |= {"type": "object", "additionalProperties": False, "required": ["spec"]}
            node["properties"] = {"apiVersion": {}, "kind": {}, "metadata": {}, "spec": schema(value)}
            node["properties"]["status"] = {"type": "object"}
        elif key in ("properties", "patternProperties"):
            node[key] = {name: schema(inner) for name, inner in value.items()}
        elif key in ("allOf", "anyOf", "oneOf"):
            node[key] = [{"required": [one]} if isinstance(one, str) else schema(one) for one in value]
        elif key in ("items", "additionalProperties", "if", "then", "else", "not", "contains"):
            node[key] = schema(value)
        elif key == "is":
            node["allOf"] = [
                {"$ref": f"#/definitions/{name}"} for name in ([value] if isinstance(value, str) else value)
            ]
        elif key == "rules":
            node["allOf"] = node.get("allOf", []) + [condition(one) for one in value]
        elif key == "example":
            node["examples"] = [value]
        elif key == "plain":
            beside = next(key for key in BESIDE if key in part)
            node |= {"if": {"type": BESIDE[beside]}, "then": schema(part[beside]), "else": schema(value)}
        elif key not in BESIDE:
            node[NAMES.get(key, key)] = value
    for form in (node, node.get("then", {}), node.get("else", {})):
        if "pattern" in form and "title" in node:  # what VS Code and its kin say of a text of another form
            form["patternErrorMessage"] = f"is not {node['title']}"
    whole = node.pop("allOf", None)
    if "is" in part and not node and len(whole) == 1:
        return whole[0]
    return node | ({"allOf": whole} if whole else {})


def refined(facts: dict | None, own: dict | None) -> dict:
    """The facts about a type of an API with our own rules about it; null takes a fact away.

    Raises:
        SystemExit: for a rule about a field that the API does not have.
    """
    if not own or facts is None or "is" in facts or "is" in own:
        return own or facts or {}
    found = {**facts, **own}
    for key in facts.keys() & own.keys() & {"items", "object"}:
        found[key] = own[key] and refined(facts[key], own[key])
    if "fields" in facts and "fields" in own:
        rules = {name.rstrip("!?"): (name, part) for name, part in own["fields"].items()}
        found["fields"] = {}
        for fact, part in facts["fields"].items():
            name, more = rules.pop(fact.rstrip("!"), (fact, {}))
            found["fields"][name.rstrip("?") if name[-1] in "!?" else fact] = more and refined(part, more) or part
        unknown = [name for name, part in rules.values() if not part or not part.keys() & {"is", "type", "fields"}]
        if unknown:
            raise SystemExit(f"{', '.join(unknown)}: no fact of the API; write it whole, or remove it")
        found["fields"] |= dict(rules.values())
    return {key: value for key, value in found.items() if value is not None}


def condition(part: dict) -> dict:
    """A rule as a JSON schema."""
    if "when" not in part:
        return schema(part)
    if "is" in part:
        return {**condition({"when": part["when"]}), "then": schema({"is": part["is"]})}
    known = {
        key: {"enum": value} if isinstance(value, list) else {"const": value} for key, value in part["when"].items()
    }
    then: dict[str, Any] = {"required": [part["needs"]]} if "needs" in part else {}
    then |= {key: part[key] for key in ("errorMessage",) if key in part}
    then |= {"properties": {name: schema(inner) for name, inner in part["fields"].items()}} if "fields" in part else {}
    return {"if": {"required": [*known], "properties": known}, "then": then}


def values(part: dict | None, default: Any, path: str) -> dict:
    """The schema of a value, and of those below it, with their defaults and in their order.

    Args:
        part: what is said of it; None when nothing is.
        default: its default.
        path: where it is, for errors.

    Raises:
        SystemExit: for a value that has no default any more, or is no map any more.
    """
    if part is None:
        return stub(default)
    if "values" not in part:
        choices = [not default] if isinstance(default, bool) else [one for one in part.get("enum", ()) if one]
        others = [one for one in choices if one != default]
        return schema({**({"example": others[0]} if others else {}), **part}) | {"default": default}
    if not isinstance(default, dict):
        raise SystemExit(f"{path}: is no map any more; write its type")
    gone = part["values"].keys() - default.keys()
    if gone:
        raise SystemExit(f"{path}: {', '.join(sorted(gone))}: is no value any more; remove it")
    below = {key: values(part["values"].get(key), inner, f"{path}.{key}") for key, inner in default.items()}
    return schema({key: inner for key, inner in part.items() if key != "values"} | {"values": {}}) | {
        "properties": below
    }


def stub(default: Any) -> dict:
    """What is known of a value that no part describes yet."""
    node = {"description": NEW}
    node |= {"type": TYPES[type(default)]} if type(default) in TYPES else {}
    if isinstance(default, dict) and default:
        return node | {
            "additionalProperties": False,
            "properties": {key: stub(inner) for key, inner in default.items()},
        }
    if isinstance(default, list) and default:
        node["items"] = {key: part for key, part in stub(default[0]).items() if key == "type"}
    return node | {"default": default}


def parts() -> dict[str, str]:
    """The texts of the parts of values, by key."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((HERE / "values").iterdir())}


def built(known: dict, texts: dict[str, str]) -> dict:
    """The whole schema, of the defaults and of the texts of `parts`.

    Raises:
        SystemExit: for a part that nothing needs, or that refines what isn't there.
    """
    said = {key: yaml.load(text, yaml.CSafeLoader) for key, text in texts.items()}
    root, properties = schema(read(HERE / "root.yaml")), {"global": schema(said["global"])}
    for key, default in known.items():
        properties[key] = values(said.get(key), default, f"values/{key}.yaml: {key}")
    gone = said.keys() - properties.keys()
    if gone:
        raise SystemExit(f"values/{min(gone)}.yaml: is no value any more; remove it")
    own = [path for path in sorted((HERE / "apis").iterdir()) if path.suffixes == [".yaml"] and path.stem != "sources"]
    definitions: dict[str, dict] = {}
    for path in (HERE / "kinds.yaml", HERE / "types.yaml", *own):
        facts = read(path.with_suffix(".facts.yaml")) or {}
        rules = read(path)
        definitions |= {name: schema(refined(facts.get(name), rules.get(name))) for name in {**rules, **facts}}
    return root | {"properties": properties, "definitions": definitions}


def lines(node: Any, indent: str = "", key: str = "") -> Iterator[str]:
    """JSON of which each line holds what fits into it."""
    flat = json.dumps(node, ensure_ascii=False)
    if not node or not isinstance(node, (dict, list)) or len(indent + key + flat) < WIDTH:
        yield indent + key + flat
        return
    named = isinstance(node, dict)
    pairs = [(f"{json.dumps(name)}: ", inner) for name, inner in node.items()] if named else [("", one) for one in node]
    yield indent + key + ("{" if named else "[")
    for number, (name, inner) in enumerate(pairs, 1):
        *first, last = lines(inner, indent + "  ", name)
        yield from (*first, last + ("," if number < len(pairs) else ""))
    yield indent + ("}" if named else "]")


def text(known: dict | None = None, texts: dict[str, str] | None = None) -> str:
    """The text of values.schema.json, by itself of the files that are here; see `built`."""
    return "\n".join(lines(built(known or read(DEFAULTS), parts() if texts is None else texts))) + "\n"


if __name__ == "__main__":
    RESULT.write_text(text(), encoding="utf-8")
