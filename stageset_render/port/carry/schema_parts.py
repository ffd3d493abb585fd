# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Changes the parts of the pack's schema as new defaults ask for, and has schema/build.py put it together again."""

from __future__ import annotations

import importlib.util
import json
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from stageset_render.findings import Place, Refused
from stageset_render.pack.files import SCHEMA, root
from stageset_render.port.carry.edits import Edit, apply
from stageset_render.port.carry.schema import MISSING, Clash, Text, followed, plain, same, stepped

OF_MAPS = (
    "type",
    "additionalProperties",
    "properties",
    "required",
    "examples",
    "example",
)  # what `values` says, or the defaults
WORDS = {  # what a part says for a step of the schema
    "description": ("meaning",),
    "properties": ("values", "fields"),
    "examples": ("example",),
    "then": ("texts", "numbers", "integers", "maps", "lists"),
    "else": ("plain",),
}


def changed(
    defaults: dict, theirs: dict, before: str, wanted: Iterable[Clash], renamed: dict[tuple, tuple]
) -> tuple[list[tuple], list[Clash]]:
    """What becomes of the parts and of the schema.

    Args:
        defaults: as they will be. A value that is new gets a part where the chart's schema describes it, a stub else.
        theirs: the chart's schema.
        before: the text of the pack's schema.
        wanted: what else it is to say otherwise.
        renamed: the old paths of values by the new ones.

    Returns:
        Changes as tuples, and those of what is wanted that no part takes.

    Raises:
        Refused: when the parts do not fit the defaults.
    """
    place = root() / "schema" / "build.py"
    if not place.is_file():
        return [], []  # an installed pack
    build, wanted = _module(place), list(wanted)
    known, schemas = build.parts(), (theirs, json.loads(before))
    texts, sources, kept = dict(known), {}, {}
    for new, old in renamed.items():
        text = Text(texts[old[0]]) if old[0] in texts else None
        key, node, _ = text.found(stepped(old)[2:], WORDS) if text else (None, None, 0)
        if node is None:
            continue
        if len(new) == len(old) == 1:
            texts[new[0]], sources[new[0]] = texts.pop(old[0]), old[0]
        elif new[:-1] == old[:-1]:
            texts[old[0]] = apply(text.text, [Edit(key.start_mark.index, key.end_mark.index, _flat(new[-1]))])
        else:
            kept[new] = yaml.constructor.SafeConstructor().construct_document(node)
    texts = {key: text for key, text in texts.items() if key in defaults or key == "global"}
    for key, default in defaults.items():
        said = _said(theirs, (key,))
        if key in texts:
            text = Text(texts[key])
            edits = [*_fitted(text, text.root, default, (key,), schemas, kept), *_answers(text, key, wanted)]
            texts[key] = apply(text.text, edits)
        elif said or (key,) in kept:
            texts[key] = _yaml(kept.get((key,)) or _part(said, default, *schemas))
    try:
        after = build.text(defaults, texts)
    except SystemExit as error:
        raise Refused(f"schema/{error}; then pull again") from error
    found = []
    for key in {**known, **texts}.keys() - sources.values():
        was, now, source = known.get(sources.get(key, key)), texts.get(key), sources.get(key)
        if was != now or source:
            found.append((_path(key), was, now, _path(source) if source else ""))
    found.sort()
    found += [(SCHEMA, before, after)] if after != before else []
    built = json.loads(after)
    return found, [one for one in wanted if not same(_at(built, one.path), None if one.now is MISSING else one.now)]


def _path(key: str) -> str:
    return f"schema/values/{key}.yaml"


def place(path: tuple) -> Place | None:
    """Where a part says what the schema does at a path, as near as can be."""
    here = root() / "schema"
    if path[0] == "properties":
        known, path = [here / "values" / f"{path[1]}.yaml"], path[2:]
    else:
        api = here / "apis" / path[1].partition(".")[0]
        known = [here / "kinds.yaml", here / "types.yaml", api.with_suffix(".yaml"), api.with_suffix(".facts.yaml")]
        known = [one for one in known if one.is_file() and re.search(rf"(?m)^{re.escape(path[1])}:", one.read_text())]
        path = path[1:]
    for file in known:
        return Place(file.relative_to(root()).as_posix(), Text(file.read_text(encoding="utf-8")).found(path, WORDS)[2])
    return None


def _module(place: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("build", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _said(theirs: dict, path: tuple) -> dict:
    """What the chart's schema says of a value."""
    node = theirs
    for key in path:
        node = _below(node, theirs, key)
    return node


def _below(node: Any, whole: dict, key: str) -> dict:
    known = followed(node, whole).get("properties")
    return followed(known.get(key), whole) if isinstance(known, dict) else {}


def _fitted(
    text: Text, part: yaml.Node, default: Any, path: tuple, schemas: tuple[dict, dict], kept: dict[tuple, Any]
) -> Iterator[Edit]:
    """The edits of a part that take values that are gone out of it, and new ones in: as they were where they are kept."""
    below = text.child(part, "values")
    if not isinstance(below, yaml.MappingNode) or below.flow_style or not isinstance(default, dict):
        return
    starts = [name.start_mark.index - name.start_mark.column for name, _ in below.value]
    starts.append(below.end_mark.index - below.end_mark.column)
    names = [name.value for name, _ in below.value]
    if not {*names} & {*default}:
        yield Edit(below.start_mark.index, starts[-1], "{}\n")
        return
    for at, (name, inner) in enumerate(below.value):
        if name.value in default:
            yield from _fitted(text, inner, default[name.value], (*path, name.value), schemas, kept)
        else:
            yield Edit(starts[at], starts[at + 1], "")
    keys = [*default]
    for at, key in enumerate(keys):
        said, value = _said(schemas[0], (*path, key)), kept.get((*path, key))
        if key not in names and (said or value):
            behind = next((names.index(other) for other in keys[at:] if other in names), -1)
            value = value or _part(said, default[key], *schemas)
            new = textwrap.indent(_yaml({key: value}), " " * below.start_mark.column)
            yield Edit(starts[behind], starts[behind], new)


def _part(said: dict, default: Any, theirs: dict, ours: dict) -> dict:
    """The part that says what a chart's schema does of a value."""
    part = {"meaning" if key == "description" else key: value for key, value in said.items() if key != "default"}
    if isinstance(part.get("examples"), list) and len(part["examples"]) == 1:
        (part["example"],) = part.pop("examples")
    if not (isinstance(default, dict) and default and "properties" in part):
        part = plain(part, theirs, ours)
        listed = part.get("allOf")
        kinds = [isinstance(one, dict) and one.get("$ref") for one in (listed if isinstance(listed, list) else ())]
        if kinds and all(kinds):
            del part["allOf"]
            part["is"] = [one.rpartition("/")[2] for one in kinds] if len(kinds) > 1 else kinds[0].rpartition("/")[2]
        return part
    known = {key: _part(_below(said, theirs, key), inner, theirs, ours) for key, inner in default.items()}
    part = {key: value for key, value in part.items() if key not in OF_MAPS}
    return {**plain(part, theirs, ours), "values": {key: inner for key, inner in known.items() if inner}}


def _flat(value: Any) -> str:
    return (
        yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6).removesuffix("\n...\n").rstrip()
    )


def _yaml(value: dict) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)


# What the chart's schema says anew of values that there were


def asked(before: Any, carried: Any, path: tuple = ()) -> Iterator[Clash]:
    """What the pack's schema is to say otherwise."""
    for key, now in carried.items() if isinstance(carried, dict) else ():
        was = before.get(key, MISSING)
        if path[-1:] == ("properties",) and was is MISSING:
            continue  # new, which has a part of its own
        if isinstance(was, dict) and isinstance(now, dict):
            yield from asked(was, now, (*path, key))
        elif (was is MISSING or not same(was, now)) and key != "default":
            yield Clash((*path, key), MISSING, was, now)
    for key in before if path[-1:] != ("properties",) else ():
        if key not in carried:
            yield Clash((*path, key), MISSING, before[key], MISSING)


def _at(node: Any, path: tuple) -> Any:
    for step in path:
        node = node.get(step) if isinstance(node, dict) else None
    return node


def _answers(text: Text, key: str, wanted: list[Clash]) -> Iterator[Edit]:
    """The edits of a part for what it says in the same words as the schema."""
    for path, _, has, now in wanted:
        node = text.found(path[2:], WORDS)[1] if path[:2] == ("properties", key) else None
        if (
            node is not None
            and now is not MISSING
            and yaml.constructor.SafeConstructor().construct_document(node) == has
        ):
            blank = "\n" if node.end_mark.column == 0 else ""
            yield Edit(node.start_mark.index, node.end_mark.index, _flat(now) + blank)
