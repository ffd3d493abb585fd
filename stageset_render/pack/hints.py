# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Guesses what was meant where a value is refused, as a `Hint`: the value as it should be, or the key meant.

A node is what a schema says of one value, as `Model.said` has it.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Collection
from typing import Any

from stageset_render.findings import Hint, Path
from stageset_render.pack.model import Model, types

TRUTHS = {
    **dict.fromkeys(("true", "yes", "y", "on", "enabled", "1"), True),
    **dict.fromkeys(("false", "no", "n", "off", "disabled", "0"), False),
}
NO_HINT = Hint()
Nodes, Said = dict[Path, dict], tuple[str, Hint]  # what is said of values, by path; a sentence and a guess
CLOSE = 0.85  # of a spelling: a letter more, less or other
UNKNOWN, UNKNOWN_HERE = "is unknown", "is unknown here"


def near(word: str, known: Collection[str], count: int, least: float = 0.6) -> list[str]:
    """The known words that one may have meant."""
    import difflib  # only what is refused pays for it

    return difflib.get_close_matches(word, known, count, least)


def meant(found: Any, options: list) -> Hint:
    """Which of the options a text is near to."""
    if not isinstance(found, str) or len(found) > 60:
        return NO_HINT
    texts = [str(option) for option in options if option]
    close = [text for text in texts if text.lower() == found.lower()] or near(found, texts, 1)
    return Hint(others=(close[0],)) if close else NO_HINT


def form(found: Any, node: dict, model: Model) -> Hint:
    """A hint where a value of one kind stands in place of a list or a map: the value as it should be."""
    kinds = types(node)
    if isinstance(found, dict):
        listed = Hint(layout="write it as a list: begin its first line with `- `, or put [ ] around its braces")
        return listed if "array" in kinds and found else NO_HINT
    if not isinstance(found, (str, bool, int, float)) or not 0 < len(str(found)) <= 60:
        return NO_HINT
    if "array" in kinds:
        return _list_form(str(found), node, model)
    if "object" not in kinds:
        return NO_HINT
    key, colon, value = str(found).partition(":")
    if colon and re.fullmatch(r"\w+", key) and value[:1] not in ("", " "):
        return Hint(layout=f"put a blank behind the colon: {key}: {value}")
    known = node.get("properties", {})
    key, equals, value = str(found).partition("=")
    if not known and equals:
        return Hint(value={key: value})
    entries = _entries(found, _first(known, node, found), model)
    words = [{*_words(next(iter(one)))} for one in entries]  # port is meant rather than endPort
    entries = [one for one, own in zip(entries, words) if not any(other < own for other in words)]
    if 0 < len(entries) <= 2:
        return Hint(value=entries[0], others=tuple(entries[1:]))
    return Hint(known=tuple(sorted(known))) if known else NO_HINT


def _first(known: dict[str, dict], node: dict, found: Any) -> dict[str, dict]:
    """The keys of which one is meant first: that it is on, or what can't be left out."""
    needed = ["enabled"] if isinstance(found, bool) else node.get("required", ())
    return {key: known[key] for key in needed if key in known} or known


def _list_form(found: str, node: dict, model: Model) -> Hint:
    item = model.items(node)
    texts = [text for text in re.split(r"[,\s]+", found) if text]
    if "string" in types(item) or not types(item) and "properties" not in item:
        return Hint(value=texts)
    known = item.get("properties", {})
    entries = [_entries(text, _first(known, item, text), model) for text in texts]
    if entries and all(len(one) == 1 for one in entries):
        return Hint(value=[one[0] for one in entries])
    return Hint(value=node["examples"][0], example=True) if "examples" in node else NO_HINT


def _entries(found: Any, known: dict[str, dict], model: Model) -> list[dict]:
    """The maps with one of the known keys in which a value would do, alone or as the one entry of a list."""
    entries = []
    for key, node in known.items():
        node = model.said(node)
        if _does(found, node):
            entries.append({key: found})
        elif "array" in types(node) and _does(found, model.items(node)):
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


def spelled(found: Any, kinds: list[str], node: dict) -> Hint:
    """The value that a scalar of another type spells: true for `"true"`, the usual slip with --set-string, and the
    other way round; none when that would be refused as well."""
    word = found if isinstance(found, str) else json.dumps(found)
    number = isinstance(found, str) and re.fullmatch("-?(0|[1-9][0-9]{0,18})", found)
    if number and {"integer", "number"} & set(kinds) and _holds(int(found), node):
        return Hint(value=int(found))
    if "boolean" in kinds and word.lower() in TRUTHS:
        return Hint(value=TRUTHS[word.lower()])
    if isinstance(found, (bool, int, float)) and "string" in kinds and _holds(word, node):
        return Hint(value=word)
    return NO_HINT


def one_key(key: Any, found: dict) -> Hint | str:
    """A hint where maps within one another stand in place of a text: the key that --set has parted at its dots."""
    steps = [key]
    while isinstance(found, dict) and len(found) == 1:
        [(step, found)] = found.items()
        steps.append(step)
    if isinstance(found, (dict, list)) or not all(isinstance(step, str) for step in steps):
        return NO_HINT
    whole = ".".join(steps)
    if len(whole) > 120:
        return NO_HINT
    return f"write {whole} as one key, in --set as {whole.replace('.', chr(92) + '.')}"


# Keys that are unknown


def unknown(path: Path, key: str, inner: Any, node: dict, model: Model, empty: list[str], scope: Nodes) -> Said:
    """What is said of a key that its node does not know, and the key that was meant, as far as one is near.

    In this order: the same key in another case; the key itself at one place elsewhere, unless one here alone has all its
    words and takes the value; one that is spelled much alike, here or elsewhere; one here with all its words; the key
    itself at several places; one here that is spelled alike; a place elsewhere whose path has all its words; the one
    here that has any.

    Args:
        path: where the map is that holds the key.
        key: the key.
        inner: its value.
        node: what is said of the map.
        model: the schema.
        empty: the keys of the map that hold nothing.
        scope: the values elsewhere that may be meant.
    """
    known = node["properties"]
    if isinstance(inner, dict) and 0 < len(inner) <= 2 * sum(one in known for one in inner):
        first = next(one for one in inner if one in known)
        if path:
            return UNKNOWN, Hint(layout=f"leave it out, and write {first}: in its place")
        layout = f"remove this line, and write {first}: without indentation"
        return "holds the values of the pack", Hint(path=(first,), layout=layout)
    *steps, last = key.split(".")
    if steps and last in _inside(node, steps, model):
        nested = ": {".join((*steps, last)) + ": ..." + "}" * len(steps)
        return UNKNOWN, Hint(layout=f"write a key for each part: {nested}")
    name, colon, rest = key.partition(":")
    if colon and name in known and rest:
        apart = f"put a blank behind the colon: {name}: {rest}"
        below = f"write {rest}: on a line of its own, indented below {name}:"
        return UNKNOWN, Hint(layout=apart if inner is None else below)
    same = [one for one in known if one.lower() == key.lower()]
    if same:
        return UNKNOWN, Hint(path=(*path, same[0]))
    places = _below(path, key, node, model)
    lacking = [place[len(path)] for place in places if place[len(path)] in empty]
    if lacking:
        return UNKNOWN_HERE, Hint(layout=f"indent this line below {lacking[0]}:, which holds nothing")
    places |= {one: scope[one] for one in scope if one[-1].lower() == key.lower()}
    named = {one: places[one] for one in places if one[-2:-1] == path[-1:]}
    if len(path) == 1 and 0 < len(named) <= 3:
        return UNKNOWN_HERE, _did_you_mean(named, inner)
    fitting = {one: places[one] for one in places if _fits(inner, places[one])}
    if isinstance(inner, dict):  # whose keys tell what it is
        places, scope = fitting, {one: scope[one] for one in scope if _fits(inner, scope[one])}
    return _near(key, inner, {(*path, one): model.said(known[one]) for one in known}, fitting or places, scope)


def _inside(node: dict, steps: list[str], model: Model) -> dict[str, dict]:
    """What is known in the map that steps lead to."""
    for step in steps:
        node = model.properties(node).get(step, {})
    return model.properties(node)


def _near(key: str, inner: Any, here: Nodes, places: Nodes, scope: Nodes) -> Said:
    """What is near a key: of the keys here, of the places that have it, and of the other values in scope."""
    ratio, alike = _alike(key, here)
    through = next(iter(places), ())  # a key here that leads to a place may be the one that was meant
    words = {*_words(key)}
    holding = [one for one in here if words and words.issubset(_words(one[-1]))]
    fits = len(holding) == 1 and _fits(inner, here[holding[0]])
    beside = fits and not any(one == through[: len(one)] for one in here)
    if len(places) == 1 and not beside and not (ratio >= CLOSE and any(one == through[: len(one)] for one in alike)):
        return UNKNOWN_HERE, _did_you_mean(places, inner)
    there, others = _alike(key, {one: scope[one] for one in scope if len(_words(one[-1])) == len(words)})
    if not places and there >= CLOSE and there > ratio:
        return UNKNOWN_HERE, _did_you_mean(others, inner)
    if ratio >= CLOSE or 0 < len(holding) <= 3:
        return UNKNOWN, _one_of([*alike] if ratio >= CLOSE else holding)
    if 0 < len(places) <= 3:
        return UNKNOWN_HERE, _did_you_mean(places, inner)
    if alike:
        return UNKNOWN, _one_of([*alike])
    named = {
        one: scope[one] for one in scope if words and words.issubset(word for step in one for word in _words(step))
    }
    sharing = [one for one in here if words.intersection(_words(one[-1]))]
    if len(named) != 1 and len(sharing) == 1:
        return UNKNOWN, _one_of(sharing)
    return UNKNOWN_HERE, _did_you_mean(named, inner)


def _one_of(paths: list[Path]) -> Hint:
    return Hint(path=paths[0], others=tuple(paths[1:]))


def _below(path: Path, key: str, node: dict, model: Model) -> dict[Path, dict]:
    """The places of a key in the maps, and the entries of the lists, that a map holds."""
    found = {}
    for name, child in model.properties(node).items():
        for steps, part in (((name,), child), ((name, 0), model.items(child))):
            if key in part.get("properties", {}):
                found[(*path, *steps, key)] = model.said(part["properties"][key])
    return found


def _alike(key: str, nodes: Nodes, least: float = 0.6) -> tuple[float, dict[Path, dict]]:
    """How near the nearest spelling is, and where that is."""
    import difflib

    matcher = difflib.SequenceMatcher(b=key.lower())
    found: dict[float, dict[Path, dict]] = {}
    for path, node in nodes.items():
        matcher.set_seq1(path[-1].lower())
        if matcher.real_quick_ratio() >= least and matcher.quick_ratio() >= least:
            found.setdefault(matcher.ratio(), {})[path] = node
    best = max(found, default=0.0)
    return (best, dict([*found[best].items()][:3])) if best >= least else (0.0, {})


def _words(key: str) -> list[str]:
    """The words of a key: its parts that begin with a capital letter, in lower case and without the s of several."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", key)
    return [part.lower().removesuffix("s") for part in parts]


def _fits(inner: Any, node: dict) -> bool:
    """Whether a value may be one of a node, as far as its type and keys say."""
    kind = next((name for of, name in KINDS if isinstance(inner, of)), "null")
    known = node.get("properties") if isinstance(inner, dict) else None
    return kind in types(node) and (not known or not inner or bool(known.keys() & inner.keys()))


KINDS = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"))


def _did_you_mean(places: Nodes, inner: Any) -> Hint:
    if not 0 < len(places) <= 3:
        return NO_HINT
    first, *rest = places
    plain = not isinstance(inner, (dict, list)) and len(str(inner)) <= 60 and _fits(inner, places[first])
    if rest or not plain or any(isinstance(one, int) for one in first):
        return Hint(path=first, others=tuple(rest))
    value = functools.reduce(lambda value, step: {step: value}, reversed(first), inner)
    return Hint(path=first, value=value)
