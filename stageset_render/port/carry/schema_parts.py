# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Changes the parts of the pack's schema as new defaults ask for, and has schema/build.py put it together again."""

from __future__ import annotations

import importlib.util
import json
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

# what `values` says, or the defaults
OF_MAPS = ("type", "additionalProperties", "properties", "required", "examples", "example")
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
        before: the text of the pack's schema; `wanted` is what else it is to say otherwise.
        renamed: the old paths of values by the new ones, below the same keys.

    Returns:
        Changes as tuples, and those of what is wanted that no part takes. Refused when the parts do not fit the defaults.
    """
    place = root() / "schema" / "build.py"
    if not place.is_file():
        return [], []  # an installed pack
    build, wanted = _module(place), list(wanted)
    known, schemas = build.parts(), (theirs, json.loads(before))
    texts, sources = dict(known), {}
    for new, old in renamed.items():
        if old[0] in texts and len(old) == 1:
            texts[new[0]], sources[new[0]] = texts.pop(old[0]), old[0]
        elif old[0] in texts and (key := (text := Text(texts[old[0]])).found(stepped(old)[2:], WORDS)[0]):
            texts[old[0]] = apply(text.text, [Edit(key.start_mark.index, key.end_mark.index, _flat(new[-1]))])
    texts = {key: text for key, text in texts.items() if key in defaults or key == "global"}
    for key, default in defaults.items():
        said = _below(theirs, theirs, key)
        if key in texts:
            text = Text(texts[key])
            edits = [*_fitted(text, text.root, default, said, schemas), *_answers(text, key, wanted)]
            texts[key] = apply(text.text, edits)
        elif said:
            texts[key] = _yaml(_part(said, default, *schemas))
    try:
        after = build.text(defaults, texts)
    except SystemExit as error:
        raise Refused(f"schema/{error}; then pull again") from error
    paths = {key: f"schema/values/{key}.yaml" for key in {**known, **texts}}
    found = []
    for key in sorted(paths.keys() - sources.values()):
        source = sources.get(key, key)
        if source != key or known.get(key) != texts.get(key):
            found.append((paths[key], known.get(source), texts.get(key), paths[source] if source != key else ""))
    found += [(SCHEMA, before, after)] if after != before else []
    done = Text(after) if wanted else None
    return found, [one for one in wanted if not same(done.data(done.found(one.path)[1]), one.now)]


def place(path: tuple) -> Place | None:
    """Where a part says what the schema does at a path, as near as can be."""
    here, (kind, key) = root() / "schema", (*path, "")[:2]
    steps = path[2:] if kind == "properties" else path[1:]
    for file in here.glob(f"values/{key}.yaml") if kind == "properties" else sorted(here.rglob("*.yaml"), reverse=True):
        text = Text(file.read_text(encoding="utf-8"))
        if kind == "properties" or file.parent.name != "values" and text.child(text.root, key):
            return Place(file.relative_to(root()).as_posix(), text.found(steps, WORDS)[2])
    return None


def _module(place: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("build", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _below(node: Any, whole: dict, key: str) -> dict:
    known = followed(node, whole).get("properties")
    return followed(known.get(key), whole) if isinstance(known, dict) else {}


def _fitted(text: Text, part: yaml.Node, default: Any, said: dict, schemas: tuple[dict, dict]) -> Iterator[Edit]:
    """The edits of a part that take values that are gone out of it, and new ones in."""
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
            yield from _fitted(text, inner, default[name.value], _below(said, schemas[0], name.value), schemas)
        else:
            yield Edit(starts[at], starts[at + 1], "")
    keys = [*default]
    for at, key in enumerate(keys):
        one = _below(said, schemas[0], key)
        if key not in names and one:
            behind = next((names.index(other) for other in keys[at:] if other in names), -1)
            new = textwrap.indent(_yaml({key: _part(one, default[key], *schemas)}), " " * below.start_mark.column)
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
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
    return text.rstrip().removesuffix("\n...")


def _yaml(value: dict) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)


# What the chart's schema says anew of values that there were


def asked(before: Any, carried: Any, defaults: Any, path: tuple = ()) -> Iterator[Clash]:
    """What the pack's schema is to say otherwise, less what goes or comes with a default."""
    of_values = path[-1:] == ("properties",)
    for key, now in carried.items() if isinstance(carried, dict) else ():
        was = before.get(key, MISSING)
        if of_values and was is MISSING:
            continue  # new, which has a part of its own
        if isinstance(was, dict) and isinstance(now, dict):
            below = defaults.get(key) if of_values and isinstance(defaults, dict) else defaults
            yield from asked(was, now, below, (*path, key))
        elif not same(was, now) and key != "default":
            yield Clash((*path, key), MISSING, was, now)
    for key in before:
        if key not in carried and (not of_values or isinstance(defaults, dict) and key in defaults):
            yield Clash((*path, key), MISSING, before[key], MISSING)


def _answers(text: Text, key: str, wanted: list[Clash]) -> Iterator[Edit]:
    """The edits of a part for what it says in the same words as the schema, or does not say."""
    for path, _, has, now in wanted:
        steps = path[2:] if path[:2] == ("properties", key) else ()
        above, around, _ = text.found(steps[:-1], WORDS)
        name, node, _ = text.found(steps, WORDS)
        if not isinstance(around, yaml.MappingNode) or around.flow_style or not steps or steps[1:] and above is None:
            continue
        if name is None and has is MISSING and steps[-1] != "required" and steps[-2:-1] != ("properties",):
            end = _end(text, around.value[-1][1])
            yield Edit(end, end, f"\n{' ' * around.start_mark.column}{_flat({steps[-1]: now})[1:-1]}")
        elif name is not None and yaml.constructor.SafeConstructor().construct_document(node) == has:
            if now is not MISSING:
                blank = "\n" if node.end_mark.column == 0 else ""
                yield Edit(node.start_mark.index, node.end_mark.index, _flat(now) + blank)
            elif around.value[1:]:
                yield Edit(name.start_mark.index - name.start_mark.column, _end(text, node) + 1, "")


def _end(text: Text, node: yaml.Node) -> int:
    """Where the last line of what a key has ends."""
    end = len(text.text[: node.end_mark.index].rstrip())
    return text.text.find("\n", end) if "\n" in text.text[end:] else len(text.text)
