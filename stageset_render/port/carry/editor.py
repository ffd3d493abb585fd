# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Makes edits of a template: every other byte of it stays."""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace

from stageset_render.port.carry.edits import Edit, Misfit, Page, breaks, relaid, silent, words
from stageset_render.port.carry.rewriting import Rewriter
from stageset_render.port.language.align import all_items
from stageset_render.port.language.outline import BREAK, SCALAR, Item, Side
from stageset_render.port.language.tree import Branch, Close, expressions, is_path, parts_of, turned


class Editor:
    """Makes edits of `target` after what `new` says."""

    def __init__(self, new: Side, target: Side, rewriter: Rewriter):
        self.rewriter, self.new, self.page = rewriter, Page(new.tree), Page(target.tree)
        self.edits: list[Edit] = []
        self.lines = [lines(side.outline().items) for side in (new, target)]

    def add(self, start: int, end: int, text: str) -> None:
        self.edits.append(Edit(start, end, text))

    def text(self, new: Item, mine: Item | None) -> str:
        """An item of the new version, as it would stand in the place of one of the target, if there is one."""
        self._stand([new], mine.start if mine else 0, mine)
        return self.rewriter.text(new.start, new.end, self.rewriter.place(mine) if mine else [])

    def region(self, start: int, stop: int, place: list[Branch], opened: Branch | None = None) -> str:
        """Whole lines of the new version."""
        text = self.rewriter.text(start, stop, place, opened)
        return text if text.endswith("\n") else text + "\n"

    def _stand(self, new: list[Item], at: int, beside: Item | None = None) -> None:
        """Write items as deep as they would stand at a place of the target, where maybe one of the same depth stands."""
        first, own = next(iter(lines(new)), None), lines([beside] if beside else [])[:1]
        self.rewriter.deeper = 0
        if new and new[0].inside and beside and beside.inside:
            self.rewriter.deeper = beside.stands - beside.off - new[0].stands + new[0].off
            return
        if first:
            above = [one for one in self.lines[1] if one.start < at and one.column <= first.column][-1:]
            mine = next((one for one in own + above if one.column == first.column), None)
            theirs = [
                one for one in self.lines[0] if one.start < first.start and one.column == (above or [first])[0].column
            ]
            if mine or above and theirs:
                self.rewriter.deeper = mine.stands - first.stands if mine else above[0].stands - theirs[-1].stands

    # Lines

    def modify(self, old: Item, new: Item, mine: Item) -> None:
        """Change a line or a set word by word, so that its quotes, comments and layout stay."""
        place = self.rewriter.place(mine)
        if mine.kind == "set":
            node = replace(new.node, left=mine.node.left, right=mine.node.right, var=mine.node.var)
            self.add(mine.start, mine.end, self.rewriter.write([node], place))
            return
        listed = relaid(f"{self.page.source[mine.start : mine.end]}\n", f"{self.text(new, mine)}\n")
        if listed:
            self.add(mine.start, mine.end, listed[:-1])
            return
        try:
            self._stand([new], mine.start, mine)
            self.edits += list(self._words(old, new, mine, place))
        except Misfit:
            if new.inside and mine.inside:
                self.replace([mine], [new])
                return
            self.add(mine.start, mine.end, self.text(new, mine))

    def _words(self, old: Item, new: Item, mine: Item, place: list[Branch]) -> Iterator[Edit]:
        """The edits that change words alone. Misfit where that is not all."""
        sides = [words(one.pieces) for one in (old, new, mine)]
        keys = [[word.means if word.node else word.text for word in side] for side in sides]
        said = [[key for key in side if not silent(key)] for side in keys]
        heads = [
            page.source[one.start : one.end].partition("\n")[0] for page, one in ((self.new, new), (self.page, mine))
        ]
        signs = [SCALAR.findall(head.rstrip()) for head in heads]
        stays = not new.inside or led(old) == led(new)
        if said[0] != said[2] or said[0] == said[1] or signs[0] != signs[1] or not stays:
            raise Misfit
        matches = difflib.SequenceMatcher(None, keys[0], keys[2], autojunk=False).get_matching_blocks()
        where = {one + n: sides[2][other + n] for one, other, size in matches for n in range(size)}
        for what, a, b, c, d in difflib.SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
            if what == "equal":
                continue
            needed = range(a, b) if a < b else (a - 1 if a else a,)
            if any(at not in where for at in needed) or breaks(sides[1], c, d, self.new.source):
                raise Misfit
            start, end = where[needed[0]].start, where[needed[-1]].end
            start, end = (start, end) if a < b else (end, end) if a else (start, start)
            if "\n" in self.page.source[start:end]:
                raise Misfit
            text = self.rewriter.text(sides[1][c].start, sides[1][d - 1].end, place) if d > c else ""
            if d - c == b - a == 1 and sides[1][c].node and where[a].node:
                kept = where[a].node
                text = self.rewriter.write([replace(sides[1][c].node, left=kept.left, right=kept.right)], place)
            yield Edit(start, end, text)

    def delete(self, mine: Item) -> None:
        """Take an item away, with the comments right above it."""
        try:
            start, end = self.page.whole(mine)
            self.add(self.page.above(start), end, "")
        except Misfit:
            start = len(self.page.source[: mine.start].rstrip(" "))
            self.add(start, mine.end, "")

    def replace(self, mine: list[Item], new: list[Item]) -> None:
        """Put the lines of some items in the place of those of others."""
        start, end = self.page.whole(mine[0], mine[-1])
        self._stand(new, mine[0].start, mine[0])
        text = self.region(*self.new.whole(new[0], new[-1]), self.rewriter.place(mine[0]))
        self.add(start, end, relaid(self.page.source[start:end], text) or text)

    def insert(
        self, added: list[Item], beside: tuple, place: Branch | None, known: set[str], moved: Item | None
    ) -> None:
        """Add items behind or before others, or as the first of a branch, with comments that are not known already, or
        of what has moved here."""
        source, (previous, following) = self.page.source, beside
        if previous:
            at, inside = self.page.end(previous.end), self.rewriter.place(previous)
        elif following:
            at, inside = self.page.above(self.page.begin(following.start)), self.rewriter.place(following)
        elif place:
            at, inside = self.page.end(place.end), [*self.rewriter.around[place], place]
        else:
            at, inside = len(source), []
        begun, stop = self.new.whole(added[0], added[-1])
        start = self.new.above(begun, known)
        self._stand(added, at, previous if previous and previous.inside else following)
        text = self.region(start, stop, inside)
        if moved and start == begun:
            first = self.page.begin(moved.start)
            note = textwrap.dedent(source[self.page.above(first) : first])
            text = textwrap.indent(note, " " * added[0].column) + text
        helper = added[0].kind == "block" and added[0].form == "macro"
        if helper and source[:at].strip() and source[at - 2 : at] != "\n\n":
            text = "\n" + text
        if at and source[at - 1] != "\n":
            text = "\n" + text.removesuffix("\n")
        self.add(at, at, text)

    # Blocks

    def wrap(self, new: Item, first: Item, last: Item) -> None:
        """Put a condition around items that stay."""
        start, end = self.page.above(self.page.begin(first.start)), self.page.end(last.end)
        blank = re.match(r" *", self.page.source[start:])[0]
        branch = new.bodies[0][0]
        made = replace(branch, test=branch.asks, moves=False)
        text = self.rewriter.write([made], self.rewriter.place(first), plain=True)
        self.add(start, start, f"{blank}{text}\n")
        self.add(end, end, f"{blank}{self.rewriter.at([]).close(branch.block.close)}\n")

    def unwrap(self, mine: Item) -> None:
        """Take a condition away from around items that stay."""
        self._open([*mine.bodies[0][0].outer, mine.bodies[0][0]])

    def _open(self, branches: Iterable[Branch]) -> None:
        """Take the tags of conditions away."""
        for branch in branches:
            for tag in (branch, branch.block.close):
                self.add(*self.page.whole(tag), "")

    def header(self, place: Branch, new: Branch) -> None:
        """Change what a branch asks or goes through; of conditions that are one, one stays."""
        around, test = (*place.outer, place), new.asks
        if place.turned:
            place, test = place.tag, turned(test)
        place.index = place.index or new.index
        self.rewriter.tests[place] = test
        for one in around:
            if one.moves and one.kind != "for" and (one is not place or test is not None and not is_path(test)):
                self.unmoved(one)
        tag = replace(new.tag, left=place.left, right=place.right, test=test, var=place.var or new.var)
        tag.index, tag.moves = place.index, place.moves
        self._open(around[:-1])
        self.edits = [one for one in self.edits if (one.start, one.end) != (place.start, place.end)]
        self.add(place.start, place.end, self.rewriter.write([tag], self.rewriter.around[around[0]], plain=True))

    def unmoved(self, place: Branch) -> None:
        """Make an if of a with: what its dot said is written out."""
        place.moves = False
        for part, expr in expressions(place.body):
            around = self.rewriter.around[part]
            if place.test in parts_of(expr) and not any(one.moves for one in around if one.start > place.start):
                writer = self.rewriter.at(around)
                text = writer.header(part) if isinstance(part, Branch) else writer.tag(part)
                self.add(part.start, part.end, text)

    def insert_branch(self, branch: Branch, new: Item, mine: Item, following: Branch | Close) -> None:
        """Add a branch before the one that follows it, or before the end."""
        first = mine.bodies[0][0]
        if first.moves and branch.kind == "elif":
            self.unmoved(first)
            self.add(first.start, first.end, self.rewriter.at(self.rewriter.around[first]).header(first))
        at = self.page.above(self.page.begin(following.start))
        branches = new.node.branches
        rest = branches[branches.index(branch) + 1 :]
        start, stop = self.new.begin(branch.start), self.new.begin((rest[0] if rest else new.node.close).start)
        items = next(items for one, _, items in new.bodies if one is branch)
        self._stand(items, at)
        self.add(at, at, self.region(start, stop, self.rewriter.place(mine), branches[0]))

    def delete_branch(self, place: Branch) -> None:
        """Take a branch away, up to the next."""
        branches = place.block.branches
        rest = branches[branches.index(place) + 1 :]
        following = rest[0] if rest else place.block.close
        self.add(self.page.begin(place.start), self.page.begin(following.start), "")


def led(item: Item) -> tuple[int, str]:
    """What stands before a line of a text: how deep it is, and blank lines."""
    return item.off, item.key[: -len(item.key.lstrip(f" {BREAK}"))]


def lines(items: list[Item]) -> list[Item]:
    """The lines of which it is known where they stand, those in blocks too."""
    return [one for one in all_items(items) if one.stands >= 0 == one.off]
