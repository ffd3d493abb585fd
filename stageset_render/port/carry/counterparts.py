# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What in one version of a template belongs to what in another."""

from __future__ import annotations

from stageset_render.port.language.align import Alignment, Body, SamePair, aligned, all_items, equal
from stageset_render.port.language.outline import Item, Side
from stageset_render.port.language.tree import Branch, Var


class Counterparts:
    """What belongs in a target to what in an old version; the two may be one.

    Attributes:
        items: the target's item by where the old one begins, and whether it says the same.
        branches: the target's branches by the old ones.
        groups: what the target lays out otherwise, such as a list in one line: where the old items of it begin, and the
            target's items.
        variables: the old variables by the target's.
        loose: the old items, as far as their form doesn't count, by where they begin.
        moved: where the target's items begin that stand in another order.
    """

    def __init__(self, old: Side, target: Side):
        self.items: dict[int, tuple[Item, bool]] = {}
        self.branches: dict[Branch, Branch] = {}
        self.groups: dict[int, tuple[set[int], list[Item]]] = {}
        self.variables: dict[Var, Var] | None = None
        self.moved: set[int] = set()
        if old is target:
            outline = old.outline()
            self._same(outline.items)
        else:
            outline, _, found, theirs = aligned(lambda side, shared: (old, target)[side].outline(False, shared))
            self._belong(found.top, found)
            self.variables = {mine: other for other, mine in theirs.items()}
        self.loose = {item.start: item for item in all_items(outline.items)}

    def of(self, item: Item | None) -> tuple[Item | None, bool]:
        """The counterpart of an old item, and whether it says the same."""
        return self.items.get(item.start, (None, False)) if item else (None, False)

    def _same(self, items: list[Item]) -> None:
        for item in items:
            self.items[item.start] = (item, True)
            for branch, _, below in item.bodies:
                self.branches[branch] = branch
                self._same(below)

    def _belong(self, body: Body, found: Alignment) -> None:
        if body.one and body.other:
            self.branches[body.one] = body.other
        for pair in body.pairs:
            one, other = pair
            if one and isinstance(pair, SamePair):  # laid out otherwise
                olds, mine = pair.run
                self.items[one.start] = (mine[-1], True)
                self.groups[one.start] = ({old.start for old in olds}, mine)
            elif one and other and one.keys != other.keys:  # below another key: no change is made to it
                self.items[one.start] = (other, False)
                continue
            elif one and other:
                self.items[one.start] = (other, equal(pair))
            if one in found.blocks:
                for below in found.blocks[one].bodies:
                    self._belong(below, found)
        self._enclosed(body)
        self._moved(body)

    def _moved(self, body: Body) -> None:
        """Find what stands in another order, below the same keys."""
        sides: list[dict[tuple, list[Item]]] = [{}, {}]
        for pair in body.pairs:
            for side in (0, 1):
                if None in pair and not isinstance(pair, SamePair) and pair[side] and pair[side].parents:
                    sides[side].setdefault((pair[side].parents, pair[side].name or pair[side].key), []).append(
                        pair[side]
                    )
        for which, items in sides[0].items():
            others = sides[1].get(which, [])
            found = Alignment(items, others)
            if len(items) == len(others) == len(found.top.pairs) == 1 and items[0].start not in self.items:
                self._belong(found.top, found)
                self.moved.add(others[0].start)

    def _enclosed(self, body: Body) -> None:
        """Find what one side has in a condition and the other without it."""
        alone: list[list[Item]] = [[], []]
        for pair in [*body.pairs, None]:
            if pair and not equal(pair) and None in pair:
                alone[pair[0] is None].append(pair[0] or pair[1])
                continue
            for side in (0, 1):
                for block in [one for one in alone[side] if one.kind == "block"]:
                    inner, others = block.bodies[0][2], alone[1 - side]
                    found = Alignment(*((others, inner) if side else (inner, others))) if others else None
                    if found and sum(map(equal, found.top.pairs)) * 2 >= min(len(inner), len(others)):
                        self._belong(found.top, found)
            alone = [[], []]
