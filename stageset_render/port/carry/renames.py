# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Finds keys of a file of values that got another name, or went below another key."""

from __future__ import annotations

import difflib
import re
from collections import Counter

from stageset_render.port.language.align import Pair, SamePair, equal
from stageset_render.port.language.outline import Item

USUAL = re.compile(r"""|["']{2}|true|false|null|~|\[\]|\{\}|[01]""")  # values that many keys have
ALIKE, MOST = 0.6, 20  # names from there on; keys of one value, beyond which none is taken for another
Key = tuple[int, list[Item]]  # with all that is below it, and the number of the run of pairs that differ in which it is


def path_of(item: Item) -> tuple[str, ...]:
    return tuple(item.name[:-1].split("."))


def renamed(pairs: list[Pair]) -> tuple[list[Pair], dict[Item, Item], dict[Item, Item]]:
    """Find keys of one value that the old or the new version alone has.

    Returns:
        The pairs, in which those are pairs that have another name where they stand; these, and those that have moved:
        the old ones by the new ones.
    """
    names = [Counter(path_of(pair[side])[-1] for pair in pairs if pair[side]) for side in (0, 1)]
    known: dict[tuple, list[Key]] = {}
    for key in _alone(pairs, 1):
        known.setdefault(_said(key[1]), []).append(key)
    partner: dict[Item, Pair] = {}
    stays: dict[Item, Item] = {}
    moved: dict[Item, Item] = {}
    for run, old in _alone(pairs, 0):
        said = _said(old)
        usual = all(USUAL.fullmatch(text) for _, text in said)
        others = known.get(said, [])
        for number, new in others if len(others) <= MOST else ():
            (*above, last), (*below, name) = path_of(old[0]), path_of(new[0])
            ratio = difflib.SequenceMatcher(None, last.lower(), name.lower()).ratio()
            if above == below and run == number and (ratio >= ALIKE or not usual):
                partner |= zip(old, map(SamePair, zip(old, new)))
                partner[old[0]], stays[new[0]] = (old[0], new[0]), old[0]
            elif last == name and (not usual or names[0][name] == names[1][name] == 1):
                moved[new[0]] = old[0]
            else:
                continue
            others.remove((number, new))
            break
    gone = {new for _, new in partner.values()}
    return [partner.get(pair[0], pair) for pair in pairs if pair[1] not in gone], stays, moved


def _alone(pairs: list[Pair], side: int) -> list[Key]:
    """The keys that one side alone has, but for those below others of them."""
    run, key, found = 0, [], []
    for pair in pairs:
        run, item = run + equal(pair), pair[side]
        if key and item and item.name.startswith((f"{key[0].name[:-1]}.", f"{key[0].name[:-1]}[")):
            key.append(item)
        elif item:
            key = [item] if not pair[1 - side] and not equal(pair) and item.name.endswith(":") else []
            found += [(run, key)] if key else []
    return found


def _said(key: list[Item]) -> tuple[tuple[str, str], ...]:
    """What a key is, but for its name and place."""
    begun = len(key[0].name) - 1
    texts = [(one.name, one.key.strip()[len(one.name) :].strip()) for one in key]
    return tuple((name[begun:], text.partition(":")[2].strip() if name[-1] == ":" else text) for name, text in texts)
