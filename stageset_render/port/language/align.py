# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Pairs the items of two templates, so that as little as can be is left over on either side."""

from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from stageset_render.port.language.meaning import is_quoted
from stageset_render.port.language.outline import BREAK, SEPARATOR, Item, Outline
from stageset_render.port.language.pieces import loaded
from stageset_render.port.language.tree import Branch, Var

HELD = 10**9  # what stands for things printed begins here
FLAG = re.compile(r"""\s*- ["']?(--[\w-]+=)""")
MOST = 250_000  # pairs that are weighed; beyond, equal items alone are paired
Pair = tuple[Item | None, Item | None]


@dataclass(eq=False)
class Body:
    """Two lists of items that belong together, pair by pair; `one` and `other` are the branches around them."""

    one: Branch | None
    other: Branch | None
    pairs: list[Pair] = field(default_factory=list)


@dataclass(eq=False)
class Paired:
    """Two blocks that are one: their branches, pair by pair, with the items in them; None where a side has none."""

    bodies: list[Body]
    headers: list[tuple[str, str]]  # the keys of the branches


class Alignment:
    """The items of two outlines, paired.

    Attributes:
        top: the items outside of blocks.
        blocks: of each pair of blocks, by the item of the first side.
    """

    def __init__(self, one: list[Item], other: list[Item], data: bool = False):
        self.blocks: dict[Item, Paired] = {}
        self.weights: dict[tuple[Item, Item], int] = {}
        self.known = [{item.parents for item in all_items(side)} for side in (one, other)]
        if data:
            self.top = Body(None, None, self._settled(by_path(one, other), True))
        else:
            self.top = self._body(None, None, one, other)

    def equals(self) -> Iterator[tuple[Item, Item]]:
        """All pairs of equal items, those in blocks too."""
        bodies = [self.top, *(body for paired in self.blocks.values() for body in paired.bodies)]
        for body in bodies:
            for one, other in body.pairs:
                if one and other and one.key == other.key:
                    yield one, other

    def _body(self, branch: Branch | None, against: Branch | None, one: list[Item], other: list[Item]) -> Body:
        body = Body(branch, against, self._settled(self._pairs(one, other)))
        for left, right in body.pairs:
            if left and right and left.kind == "block":
                self.blocks[left] = self._paired(left, right)
        return body

    def _paired(self, left: Item, right: Item) -> Paired:
        rows = self._branches(left, right)
        bodies = [self._body(a and a[0], b and b[0], a[2] if a else [], b[2] if b else []) for a, b in rows]
        return Paired(bodies, [(a[1] if a else "", b[1] if b else "") for a, b in rows])

    @staticmethod
    def _branches(left: Item, right: Item) -> list[tuple]:
        """The first branches, those that ask the same, and what is alone on its side."""
        rows, at = [(left.bodies[0], right.bodies[0])], 1
        for a in left.bodies[1:]:
            rest = range(at, len(right.bodies))
            same = next((n for n in rest if right.bodies[n][1] == a[1]), None)
            if same is None:
                here = [n for n in rest if right.bodies[n][0].kind == a[0].kind]
                if not here and len(left.bodies) - len(rows) == len(right.bodies) - at:
                    here = [at]
                alike = here and not any(right.bodies[here[0]][1] == b[1] for b in left.bodies)
                same = here[0] if alike else None
            if same is None:
                rows.append((a, None))
                continue
            rows += [(None, right.bodies[n]) for n in range(at, same)] + [(a, right.bodies[same])]
            at = same + 1
        return rows + [(None, b) for b in right.bodies[at:]]

    # Weights

    def _weight(self, a: Item, b: Item) -> int | None:
        """How much differs between two items that are taken for one; None where they can't be."""
        if (a, b) not in self.weights:
            self.weights[a, b] = self._weighed(a, b)
        return self.weights[a, b]

    def _apart(self, a: Item, b: Item) -> bool:
        """Whether two items lie below other keys, and not only below one that got another name."""
        return a.parents != b.parents and (a.parents in self.known[1] or b.parents in self.known[0])

    def _equal(self, a: Item, b: Item) -> bool:
        return a.key == b.key and not self._apart(a, b)

    def _weighed(self, a: Item, b: Item) -> int | None:
        if self._apart(a, b):
            return None
        if a.key == b.key and a.kind == b.kind:
            return 0
        if a.kind != b.kind:
            return None
        if a.kind == "set":
            alike = a.name == b.name and a.node.declares == b.node.declares
            return 1 if alike else None
        if a.kind == "line":
            if a.name or b.name:
                same = a.name == b.name or a.key.partition(":")[2].strip() == b.key.partition(":")[2].strip() != ""
                return 1 if same and a.column == b.column else None
            flags = [FLAG.match(one.key) for one in (a, b)]
            return 1 if similar(a.key, b.key) or all(flags) and flags[0][1] == flags[1][1] else None
        if a.form != b.form:
            return None
        total = 0
        for left, right in self._branches(a, b):
            if left and right:
                total += left[1] != right[1]
                total += self._cost(left[2], right[2])
            else:
                total += 1 + sum(one.size for one in (left or right)[2])
        if a.form == "macro" and a.bodies[0][0].name != b.bodies[0][0].name:
            return total if total == 1 else None
        if a.bodies[0][1] == b.bodies[0][1] or a.form == "macro":
            return total
        return total if total < (a.size + b.size) * 2 // 3 or a.size + b.size <= 4 and total < a.size + b.size else None

    def _cost(self, one: list[Item], other: list[Item]) -> int:
        total = 0
        for a, b in self._pairs(one, other):
            total += (self._weight(a, b) or 0) if a and b else (a or b).size
        return total

    def _pairs(self, one: list[Item], other: list[Item]) -> list[Pair]:
        if any(item.kind == "block" and item.form == "macro" for item in one):
            other = in_order(one, other)
        start, end = 0, 0
        while start < min(len(one), len(other)) and self._equal(one[start], other[start]):
            start += 1
        while end < min(len(one), len(other)) - start and self._equal(one[-1 - end], other[-1 - end]):
            end += 1
        left, right = one[start : len(one) - end], other[start : len(other) - end]
        middle = self._middle(left, right)
        return [*zip(one[:start], other), *middle, *zip(one[len(one) - end :], other[len(other) - end :])]

    def _middle(self, left: list[Item], right: list[Item]) -> list[Pair]:
        if len(left) * len(right) > MOST or not left or not right:
            return [*((a, None) for a in left), *((None, b) for b in right)]
        rows, columns = len(left), len(right)
        best = [[0] * (columns + 1) for _ in range(rows + 1)]
        for at in reversed(range(rows)):
            best[at][columns] = best[at + 1][columns] + left[at].size
        for to in reversed(range(columns)):
            best[rows][to] = best[rows][to + 1] + right[to].size
        weights = [[self._weight(a, b) for b in right] for a in left]
        for at in reversed(range(rows)):
            for to in reversed(range(columns)):
                least = min(best[at + 1][to] + left[at].size, best[at][to + 1] + right[to].size)
                if weights[at][to] is not None:
                    least = min(least, best[at + 1][to + 1] + weights[at][to])
                best[at][to] = least
        found, at, to = [], 0, 0
        while at < rows or to < columns:
            if (
                at < rows
                and to < columns
                and weights[at][to] is not None
                and best[at][to] == best[at + 1][to + 1] + weights[at][to]
            ):
                found.append((left[at], right[to]))
                at, to = at + 1, to + 1
            elif at < rows and best[at][to] == best[at + 1][to] + left[at].size:
                found.append((left[at], None))
                at += 1
            else:
                found.append((None, right[to]))
                to += 1
        return found

    def _settled(self, pairs: list[Pair], data: bool = False) -> list[Pair]:
        """Take runs for equal that are the same YAML, laid out otherwise."""
        found, at = [], 0
        while at < len(pairs):
            run = at
            while run < len(pairs) and all(one is None or loose(one) for one in pairs[run]):
                if equal(pairs[run]) and not (run > at and pairs[run][0].inside):  # which belongs to the key before it
                    break
                run += 1
            sides = [[pair[side] for pair in pairs[at:run] if pair[side]] for side in (0, 1)]
            if all(sides):
                parts = [] if data else self._parted(*sides)
                if not all(map(equal, parts or pairs[at:run])) and same_yaml(*sides, data):
                    parts = same_pairs(*sides)
                found += parts or pairs[at:run]
            else:
                found += pairs[at:run]
            found += pairs[run : run + 1]
            at = run + 1
        return found

    def _parted(self, one: list[Item], other: list[Item]) -> list[Pair]:
        """Two runs key by key: what is the same YAML below the same keys, and the rest."""
        held: dict[str, str] = {}
        sides = [list(parts(run)) for run in (one, other)]
        said = [[(run[0].keys, repr(loaded(_text(run, held)) or run)) for run in side] for side in sides]
        found: list[Pair] = []
        for what, a, b, c, d in difflib.SequenceMatcher(None, *said, autojunk=False).get_opcodes():
            if what == "equal":
                for pair in zip(sides[0][a:b], sides[1][c:d]):
                    found += same_pairs(*pair)
            else:
                found += self._pairs(sum(sides[0][a:b], []), sum(sides[1][c:d], []))
        return found


class SamePair(tuple):
    """A pair of items, or an item alone, in a run that means the same on both sides: the items of either."""

    run: tuple[list[Item], list[Item]] = ([], [])


def same_pairs(one: list[Item], other: list[Item]) -> list[Pair]:
    found = [SamePair(pair) for pair in itertools.zip_longest(one, other)]
    for pair in found:
        pair.run = one, other
    return found


def loose(item: Item) -> bool:
    """Whether an item may be laid out otherwise together with those beside it."""
    return item.kind == "line" and item.key != SEPARATOR and BREAK not in item.key and not item.off


def parts(items: list[Item]) -> Iterator[list[Item]]:
    """Lines, key by key."""
    begun = [at for at, item in enumerate(items) if not at or item.name]
    yield from (items[at:end] for at, end in zip(begun, [*begun[1:], len(items)]))


def in_order(one: list[Item], other: list[Item]) -> list[Item]:
    """Named templates in the order of those of the same names, which means nothing; others follow what they follow."""
    places, last, order = {item.name: at for at, item in enumerate(one)}, -1, {}
    for item in other:
        last = order[item] = places.get(item.name, last)
    return sorted(other, key=order.get)


def by_path(one: list[Item], other: list[Item]) -> list[Pair]:
    """The pairs of two files of values, in which the order of keys means nothing: what is new follows what it follows."""
    sides = [{path: item for path, item in _paths(side)} for side in (one, other)]
    found: list[Pair] = [(item, sides[1].get(path)) for path, item in sides[0].items()]
    at = 0
    for path, item in sides[1].items():
        if path in sides[0]:
            at = 1 + next(number for number, pair in enumerate(found) if pair[1] is item)
        else:
            found.insert(at, (None, item))
            at += 1
    return found


def _paths(items: list[Item]) -> Iterator[tuple[tuple[str, int], Item]]:
    count: Counter[str] = Counter()
    for item in items:
        path = item.name if item.name.endswith(":") else item.key
        count[path] += 1
        yield (path, count[path]), item


def equal(pair: Pair) -> bool:
    return isinstance(pair, SamePair) or bool(pair[0] and pair[1] and pair[0].key == pair[1].key)


def all_items(items: list[Item]) -> Iterator[Item]:
    """Items and all those in blocks."""
    for item in items:
        yield item
        for _, _, below in item.bodies:
            yield from all_items(below)


def similar(one: str, other: str) -> bool:
    """Whether two lines have enough in common to be one that has changed."""
    words = [re.findall(r"[\w$]+", text) for text in (one, other)]
    shared = len({*words[0]} & {*words[1]})
    return shared * 2 > max(len({*words[0]}), len({*words[1]}))


def same_yaml(one: list[Item], other: list[Item], data: bool) -> bool:
    """Whether two runs of lines are the same to a reader of YAML; of values, the order of keys means nothing."""
    held: dict[str, str] = {}
    sides = [loaded(_text(run, held)) for run in (one, other)]
    same = _unordered(sides[0]) == _unordered(sides[1]) if data else repr(sides[0]) == repr(sides[1])
    return same and sides[0] is not None and one[0].keys == other[0].keys


def _unordered(value: object) -> object:
    """A value that is equal to one with its keys in another order, and to none of another type."""
    if isinstance(value, dict):
        return {key: _unordered(one) for key, one in value.items()}
    return [*map(_unordered, value)] if isinstance(value, list) else (isinstance(value, bool), value)


def _text(items: list[Item], held: dict[str, str]) -> str:
    """Lines of items as YAML, in which a number stands for each thing printed: a text in quotes alone."""
    lines = []
    for item in items:
        texts = []
        for one in item.pieces:
            name = held.setdefault(one.means, str(HELD + len(held))) if one.node else one.text
            texts.append(f'"{one.node.expr.name} {name}"' if one.node and is_quoted(one.node.expr) else name)
        lines.append(" " * item.column + "".join(texts))
    return "\n".join([*lines, ""])


def aligned(
    outline: Callable[[int, dict[Var, str]], Outline], rounds: int = 4
) -> tuple[Outline, Outline, Alignment, dict[Var, Var]]:
    """Align two templates, and pair their variables.

    Args:
        outline: makes the outline of a side (0 or 1), with what variables are called on both sides.

    Returns:
        The outlines, the alignment, and the variables of the first side by those of the second.
    """
    shared: dict[Var, str] = {}
    while True:
        one, other = outline(0, shared), outline(1, shared)
        found = Alignment(one.items, other.items, one.data)
        variables: dict[Var, Var] = {}
        names: dict[Var, str] = {}
        for body in [found.top, *(body for paired in found.blocks.values() for body in paired.bodies)]:
            for a, b in _variables(body):
                variables[b] = a
                if one.meaning.of_var(a) != other.meaning.of_var(b):
                    names[a] = names[b] = f"${a.name}~{len(shared) + len(names)}"
        rounds -= 1
        if not names or not rounds:
            return one, other, found, variables
        shared.update(names)


def _variables(body: Body) -> list[tuple[Var, Var]]:
    found = []
    if body.one and body.other:
        found += [(body.one.var, body.other.var), (body.one.index, body.other.index)]
        found += [(a, b) for a in body.one.parameters for b in body.other.parameters if a.name == b.name]
    for a, b in body.pairs:
        if a and b and a.kind == b.kind == "set":
            found.append((a.node.var, b.node.var))
    return [(a, b) for a, b in found if a and b]
