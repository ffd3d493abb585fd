# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Finds keys of a file of values that got another name, or went below another key."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from stageset_render.port.language.align import Pair, SamePair, equal
from stageset_render.port.language.outline import Item

USUAL = re.compile(r"""|["']{2}|true|false|null|~|\[\]|\{\}|[01]""")  # values that many keys have
ALIKE, MOST = 0.6, 20  # names from there on; keys of one value, beyond which none is taken for another


@dataclass(eq=False)
class Key:
    """A key that one side alone has, with all below it.

    Attributes:
        run: the number of the run of pairs that differ in which it is.
    """

    items: list[Item]
    run: int

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.items[0].name[:-1].split("."))

    def said(self) -> tuple:
        """What it is, but for its name and place."""
        begun = len(self.items[0].name) - 1
        texts = [one.key.strip()[len(one.name) :].strip() for one in self.items]
        return texts[0].partition(":")[2].strip(), *zip((one.name[begun:] for one in self.items[1:]), texts[1:])


def renamed(pairs: list[Pair]) -> Iterator[tuple[Key, Key]]:
    """The keys of the old version that are others in the new one."""
    sides = [[*_alone(pairs, side)] for side in (0, 1)]
    names = [Counter(pair[side].name.split(".")[-1] for pair in pairs if pair[side]) for side in (0, 1)]
    known: dict[tuple, list[Key]] = {}
    for key in sides[1]:
        known.setdefault(key.said(), []).append(key)
    for old in sides[0]:
        said = old.said()
        others = known.get(said, [])
        usual = all(
            USUAL.fullmatch(text) for text in (said[0], *(text.partition(":")[2].strip() for _, text in said[1:]))
        )
        for new in others if len(others) <= MOST else ():
            last = old.path[-1], new.path[-1]
            if last[0] == last[1]:
                found = not usual or names[0][f"{last[0]}:"] == names[1][f"{last[0]}:"] == 1
            else:
                ratio = difflib.SequenceMatcher(None, *(name.lower() for name in last)).ratio()
                found = old.path[:-1] == new.path[:-1] and (ratio >= ALIKE or old.run == new.run and not usual)
            if found:
                others.remove(new)
                yield old, new
                break


def _alone(pairs: list[Pair], side: int) -> Iterator[Key]:
    key, run = None, 0
    for pair in pairs:
        run += equal(pair)
        item = pair[side]
        if not item:
            continue
        if key and item.name.startswith((f"{key.items[0].name[:-1]}.", f"{key.items[0].name[:-1]}[")):
            key.items.append(item)
            continue
        if key:
            yield key
        key = Key([item], run) if not pair[1 - side] and not equal(pair) and item.name.endswith(":") else None
    if key:
        yield key


def in_place(pairs: list[Pair], found: list[tuple[Key, Key]]) -> list[Pair]:
    """The pairs, in which keys are pairs that got another name where they stand; what lies below them is the same."""
    partner = {}
    for old, new in found:
        if stays(old, new):
            partner |= dict(zip(old.items, map(SamePair, zip(old.items, new.items))))
            partner[old.items[0]] = old.items[0], new.items[0]
    gone = {new for _, new in partner.values()}
    return [partner.get(pair[0], pair) for pair in pairs if pair[1] not in gone]


def stays(old: Key, new: Key) -> bool:
    return old.run == new.run and old.path[:-1] == new.path[:-1]
