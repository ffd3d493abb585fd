# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Derives facts about the fields of APIs, their names, types, choices and bounds: `python schema/derive.py FILE...`.

FILE is a CustomResourceDefinition in YAML, or definitions of Kubernetes as JSON schemas or OpenAPI. For each type that
apis/sources.yaml names, and that a file defines, apis/API.facts.yaml is written anew; read the diff, then run build.py.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

APIS = Path(__file__).resolve().parent / "apis"
BOUNDS = (
    *("enum", "minimum", "maximum", "minLength", "maxLength"),
    *("minItems", "maxItems", "minProperties", "maxProperties"),
)
HEAD = "# Written by derive.py: what the API's own definitions say. Our rules about it stand in {}.\n"
WIDTH = 128


def definitions(path: Path) -> Iterator[tuple[str, dict, dict]]:
    """Every type that a file defines: its name, its schema, and the definitions that it may refer to."""
    text = path.read_text(encoding="utf-8")
    for document in [json.loads(text)] if path.suffix == ".json" else yaml.load_all(text, yaml.CSafeLoader):
        if document.get("kind") == "CustomResourceDefinition":
            spec = document["spec"]
            for version in spec["versions"]:
                name = f"{spec['group']}/{version['name']} {spec['names']['kind']}"
                yield name, version["schema"]["openAPIV3Schema"], {}
        else:
            known = document.get("$defs") or document.get("definitions") or document["components"]["schemas"]
            for name, schema in known.items():
                yield name, schema, known


def at(schema: dict, path: str) -> dict:
    """What stands at a path such as `spec.rules[].from[]`."""
    for step in path.split(".") if path else ():
        schema = schema["properties"][step.removesuffix("[]")]
        schema = schema["items"] if step.endswith("[]") else schema
    return schema


def kind(schema: dict) -> str | list[str] | None:
    """The type of a schema, without null."""
    if schema.get("x-kubernetes-int-or-string") or "IntOrString" in schema.get("$ref", ""):
        return ["integer", "string"]
    kinds = schema.get("type", [])
    kinds = [one for one in ([kinds] if isinstance(kinds, str) else kinds) if one != "null"]
    return kinds[0] if kinds else None


def facts(schema: dict, known: dict, names: dict[str, str]) -> dict:
    """The facts of a schema, as a part.

    Args:
        schema: what a definition says.
        known: the definitions of Kubernetes, by name.
        names: what the types of sources.yaml are called here, by the names of those definitions.
    """
    reference = schema.get("$ref", "").rpartition("/")[2]
    if reference in names:
        return {"is": names[reference]}
    if reference and kind(schema) is None:
        return facts(known[reference], known, names)
    part: dict[str, Any] = {"type": kind(schema)} if kind(schema) else {}
    part |= {key: schema[key] for key in BOUNDS if key in schema}
    if schema.get("properties"):
        needed = schema.get("required", [])
        below = {key: facts(inner, known, names) for key, inner in schema["properties"].items()}
        if known:  # to Kubernetes' own types null is as not given
            below = {key: inner if key in needed else nullable(inner) for key, inner in below.items()}
        part.pop("type", None)
        part["fields"] = {f"{key}!": below[key] for key in needed}
        part["fields"] |= {key: below[key] for key in sorted(below) if key not in needed}
    elif isinstance(schema.get("additionalProperties"), dict):
        part["additionalProperties"] = facts(schema["additionalProperties"], known, names)
    if "items" in schema:
        part["items"] = facts(schema["items"], known, names)
    return part


def nullable(part: dict) -> dict:
    """The same where null is taken."""
    kinds = part.get("type", "object")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    more = {"enum": [*part["enum"], None]} if "enum" in part else {}
    return (
        part
        if "is" in part
        else {"type": [*kinds, "null"], **{key: part[key] for key in part if key != "type"}, **more}
    )


def named(part: dict, types: dict[str, dict], within: bool = False) -> dict:
    """A part in which what is as a type that has a name refers to it."""
    name = within and next((name for name, one in types.items() if one == part), "")
    if name:
        return {"is": name}
    below = {key: named(part[key], types, True) for key in ("items", "object") if key in part}
    if "fields" in part:
        below["fields"] = {name: named(one, types, True) for name, one in part["fields"].items()}
    return part | below


# Writing


class Flow(dict):
    """A map that is written in one line."""


class Dumper(yaml.SafeDumper):
    """Writes what fits in one line there."""


Dumper.add_representer(
    Flow, lambda dumper, part: dumper.represent_mapping("tag:yaml.org,2002:map", part.items(), flow_style=True)
)
Dumper.add_representer(
    list, lambda dumper, part: dumper.represent_sequence("tag:yaml.org,2002:seq", part, flow_style=True)
)


def shaped(part: Any, room: int) -> Any:
    """A part as it is laid out."""
    if not isinstance(part, dict):
        return part
    flat = yaml.dump(part, Dumper=Dumper, default_flow_style=True, width=10**6)
    return Flow(part) if len(flat) < room else {key: shaped(inner, WIDTH - 2 - len(key)) for key, inner in part.items()}


def main(files: list[str]) -> None:
    """Write the facts of the types that the files define.

    Raises:
        OSError: for a file that can't be read; ValueError and KeyError for one that is no definition.
    """
    sources = yaml.load((APIS / "sources.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    found = {name: (schema, known) for file in files for name, schema, known in definitions(Path(file))}
    names = {source: name for name, source in sources.items()}
    types: dict[str, dict] = {}
    for name, source in sources.items():
        definition, path = re.fullmatch(r"(\S+ \w+|\S+)(?: (\S+))?", source).groups()
        if definition in found:
            schema, known = found[definition]
            types[name] = facts(at(schema, path), known, names)
            if not path and not known:  # a whole object
                types[name] = {"object": types[name]["fields"].get("spec!") or types[name]["fields"]["spec"]}
    pages: dict[str, dict] = {}
    for name, part in types.items():
        group = sources[name].rpartition("/")[0]
        own = {other: one for other, one in types.items() if group and sources[other].startswith(f"{group}/")}
        pages.setdefault(name.split(".")[0], {})[name] = named(part, own)
    for api, page in pages.items():
        path = APIS / f"{api}.facts.yaml"
        kept = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader) if path.exists() else {}
        laid = {name: shaped(part, WIDTH - len(name)) for name, part in {**kept, **page}.items() if name in sources}
        text = yaml.dump(laid, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10**6)
        path.write_text(HEAD.format(f"{api}.yaml") + text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
