# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Carries what differs between two versions of a template onto a third: edits of its text, in its language and its names.

Where the third says something else than the old version in the place of a change, that is a conflict, which is told and
left alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from stageset_render.port.carry.counterparts import Counterparts
from stageset_render.port.carry.editor import Editor
from stageset_render.port.carry.edits import Misfit, Page, apply, spot
from stageset_render.port.carry.renames import renamed
from stageset_render.port.carry.rewriting import Rewriter, Writer
from stageset_render.port.language.align import Alignment, Body, Pair, SamePair, aligned, equal
from stageset_render.port.language.outline import LINE_BREAKS, Item, Side
from stageset_render.port.language.tree import Branch, Untranslatable


class Conflict(NamedTuple):
    """A change to a place where the target deviates: the lines of both, what was there, what the target says, and what
    the change would make of it."""

    line: int
    other: int
    was: str
    ours: str
    theirs: str


@dataclass
class Carried:
    """What becomes of a template."""

    text: str
    conflicts: list[Conflict] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)  # lines of the new version that have no form
    differs: bool = False  # whether the new version means something else than the old one
    renamed: dict[Item, Item] = field(default_factory=dict)  # of a file of values: the old keys by the new ones


class Carrier:
    """Carries the changes from `old` to `new` onto `target`; the first and the last may be one.

    Args:
        writer: makes a writer of the target's language.
        whole: writes all of the new version, for what can't be carried piece by piece.
    """

    def __init__(self, old: Side, new: Side, target: Side, writer: Writer, whole: Callable[[], str]):
        self.old, self.new, self.target, self.whole = old, new, target, whole
        self.same = old is target
        self.conflicts: list[Conflict] = []
        self.problems: list[tuple[int, str]] = []
        self.change, variables = aligned(lambda side, shared: (old, new)[side].outline(not self.same, shared))[2:]
        self.renamed, self.moved = {}, {}
        if target.data:
            self.change.top.pairs, self.renamed, self.moved = renamed(self.change.top.pairs)
        self.mine = Counterparts(old, target)
        self.present: dict[int, Item] = {}  # what of the new version the target says already
        self.kept: set[int] = set()  # what of the target the old version says
        if not self.same:
            back = self.mine.variables
            variables = {var: back[one] for var, one in variables.items() if one in back}
            self.there = Counterparts(new, target)
            self.present = {start: mine for start, (mine, same) in self.there.items.items() if same}
            self.kept = {mine.start for mine, same in self.mine.items.values() if same} - self.mine.moved
        self.said = {mine.start for mine in self.present.values()}
        self.next = dict(following(target.outline().items))
        self.held: set[Item] = set()  # what stays, since a part of it deviates
        self.editor = Editor(new, target, Rewriter(new, target, writer, variables))

    def carried(self) -> Carried:
        """Misfit: for a change between three versions that can't be carried."""
        try:
            self._body(self.change.top, None)
        except Misfit:
            if not self.same:
                raise
            return Carried(self.whole(), self.conflicts)
        text = apply(self.target.tree.source, self.editor.edits)
        differs = not all(map(equal, self.change.top.pairs))
        return Carried(text, self.conflicts, self.problems, differs, self.renamed)

    def _told(self, item: Item, change: Callable, *arguments) -> None:
        """Make a change, or note why it has no form."""
        try:
            change(*arguments)
        except Untranslatable as error:
            self.problems.append((item.line, str(error)))

    def _body(self, body: Body, place: Branch | None) -> None:
        """Carry what differs between two lists of items into a branch of the target."""
        before, run = None, []
        if not self.same:
            self._hold(body.pairs)
        for pair in [*self._regrouped(body.pairs), None]:
            if pair and not equal(pair) and self.held.isdisjoint(pair):
                run.append(pair)
                continue
            after = pair[0] if pair else None
            if run and not self._wrapped(run) and not self._unwrapped(run):
                before = self._run(run, before, after, place)
            before, run = after or next((old for old, _ in reversed(run) if old), before), []

    def _hold(self, pairs: list[Pair]) -> None:
        """Hold back what goes with all that lies below it, or moves, where the target deviates in a part of it."""
        gone = {pair[0] for pair in pairs if pair[0] and not pair[1] and not equal(pair)}
        olds, news = [old for old, _ in pairs if old], [new for _, new in pairs if new]
        for at, old in enumerate(olds):
            part, mine = below(olds, at), self.mine.of(old)[0]
            if not mine or old in self.held or not gone.issuperset(part) or old.kind != "line":
                continue
            own = {self.mine.of(one)[0].start: one for one in part if self.mine.of(one)[0]}
            theirs = [(one, *self.mine.of(one)) for one in part]
            changed = [(one, its) for one, its, same in theirs if its and not same and its.start not in self.said]
            more = self.next.get(mine.start)
            while not changed and more and len(more.parents) > len(mine.parents):
                changed, more = [(None, more)] * (more.start not in own), self.next.get(more.start)
            moved = [n for n, new in enumerate(news) if (new.parents, new.name) == (old.parents, old.name) != ((), "")]
            if changed and (len(part) > 1 or moved):
                self._conflict(changed[0][0], None, changed[0][1])
                self.held.update(part, *(below(news, n) for n in moved))

    def _regrouped(self, pairs: list[Pair]) -> Iterator[Pair]:
        """The pairs, but for changes of a list that one side has in one line and another line by line, which are made."""
        at = 0
        while at < len(pairs):
            (old, new), end = pairs[at], at + 1
            mine, same = self.mine.of(old)
            starts, group = self.mine.groups.get(old.start, ((), [mine])) if old else ((), [])
            while end < len(pairs):
                one, other = pairs[end]
                item = other and other.kind == "line" and other.key.lstrip().startswith("- ") and not other.name
                deeper = item or other and starts and other.column > old.column
                if not old or not (one.start in starts if one else deeper):
                    break
                end += 1
            run = pairs[at:end]
            news = [new for _, new in run if new]
            listed = end > at + 1 and new and same and old.kind == "line" and old.name == new.name != ""
            if old and (starts or listed) and news and not all(map(equal, run)):
                self._told(news[0], self.editor.replace, group, news)
                run = [SamePair(pair) for pair in run]
            yield from run
            at = end

    def _run(self, run: list[Pair], before: Item | None, after: Item | None, place: Branch | None) -> Item | None:
        """Carry a run of pairs that differ; the last item of the old version in it, or before it."""
        lost = next((old for old, new in run if old and not new and not old.free and not self.mine.of(old)[0]), None)
        fresh = next((new for old, new in run if new and not old and new.start not in self.present), None)
        if lost and fresh and (own := self._instead(before, after)):
            self._conflict(lost, fresh, own)
            return next(old for old, _ in reversed(run) if old)
        added = []
        for pair in [*run, (after, None)]:
            old, new = pair
            if old is None and new:
                added.append(new)
                continue
            if added and not (len(added) == 1 and added[0].free):
                self._told(added[0], self._insert, added, before, old, place)
            added = []
            if old and old is not after and not equal(pair):
                self._told(new or old, self._changed, old, new)
            before = old or before
        return before

    def _instead(self, before: Item | None, after: Item | None) -> Item | None:
        """What the target alone says between what belongs to two items of the old version."""
        item, end = self.mine.of(before)[0], self.mine.of(after)[0]
        known = {one.start for one, _ in self.mine.items.values()}
        while item and (item := self.next.get(item.start)) and not (end and item.start >= end.start):
            if item.start not in known:
                return item
        return None

    def _wrapped(self, run: list[Pair]) -> bool:
        """Whether a condition around items that stay is all that is new; it is put there."""
        inner, outer = [old for old, _ in run if old], [new for _, new in run if new]
        if len(outer) != 1 or not encloses(outer[0], inner):
            return False
        mine = [self.mine.of(old)[0] for old in inner]
        return outer[0].start in self.present or all(mine) and self._fits(self.editor.wrap, outer[0], mine[0], mine[-1])

    def _unwrapped(self, run: list[Pair]) -> bool:
        """Whether a condition around items that stay is all that goes; it is taken away."""
        outer, inner = [old for old, _ in run if old], [new for _, new in run if new]
        if len(outer) != 1 or not encloses(outer[0], inner):
            return False
        mine, _ = self.mine.of(outer[0])
        if not mine:
            return all(new.start in self.present for new in inner)
        header = self.mine.loose[outer[0].start].bodies[0][1]
        (branch, key, _), *more = mine.bodies
        plain = not more and not any(one.moves for one in (*branch.outer, branch)) and key == header
        return plain and self._fits(self.editor.unwrap, mine)

    def _fits(self, change: Callable, *arguments) -> bool:
        done = len(self.editor.edits)
        try:
            change(*arguments)
        except Misfit:
            del self.editor.edits[done:]
            return False
        return True

    def _changed(self, old: Item, new: Item | None) -> None:
        mine, same = self.mine.of(old)
        if mine is None and (new is None or old.free or new.start in self.present):
            return  # it is gone already
        if new is None and mine.start in self.mine.moved & self.said:
            return  # it has moved already
        if mine and new and not same and self._says(mine, new):
            return
        if mine is None or not same and not (new and old.kind == "block"):
            self._conflict(old, new, mine)
        elif new is None:
            if not old.free:
                self.editor.delete(mine)
        elif old.kind == "block":
            self._changed_block(old, new, mine, same)
        else:
            self.editor.modify(old, new, mine)

    def _says(self, mine: Item, new: Item) -> bool:
        """Whether an item of the target says what the new version does, maybe together with others."""
        there = self.present.get(new.start)
        group = self.there.groups.get(new.start, ((), [there]))[1] if there else []
        return any(one.start == mine.start for one in group)

    def _changed_block(self, old: Item, new: Item, mine: Item, same: bool) -> None:
        done, told = len(self.editor.edits), len(self.conflicts)
        try:
            self._branches(old, new, mine)
        except Misfit:
            if not same:
                raise
            del self.editor.edits[done:], self.conflicts[told:]
            self.editor.replace([mine], [new])

    def _branches(self, old: Item, new: Item, mine: Item) -> None:
        paired = self.change.blocks[old]
        branches = [one for body in paired.bodies for one in (body.one, body.other)]
        branches += [one for one, _, _ in mine.bodies]
        special = any(one and (one.outer or one.turned) for one in branches)
        if special and any(was != now for was, now in paired.headers[1:]):
            raise Misfit
        if any(was.endswith(LINE_BREAKS) != now.endswith(LINE_BREAKS) for was, now in paired.headers):
            raise Misfit
        known = {body.other: self.mine.branches.get(body.one) for body in paired.bodies if body.one and body.other}
        for body, (was, now) in zip(paired.bodies, paired.headers):
            place = self.mine.branches.get(body.one) if body.one else None
            if body.one and body.other and place is None:
                if was != now or not all(map(equal, body.pairs)):
                    self._conflict(old, new, mine)
            elif body.one and body.other:
                if was != now or body.other.index and not place.index:
                    self._header(body, place, old, new, mine)
                self._body(body, place)
            elif place:
                self.editor.delete_branch(place)
            elif body.other and not any(one.kind == body.other.kind and key == now for one, key, _ in mine.bodies):
                rest = new.node.branches[new.node.branches.index(body.other) + 1 :]
                following = next((known[one] for one in rest if known.get(one)), mine.node.close)
                self.editor.insert_branch(body.other, new, mine, following)

    def _header(self, body: Body, place: Branch, old: Item, new: Item, mine: Item) -> None:
        ours = next((key for branch, key, _ in mine.bodies if branch is place), "")
        was = next(key for branch, key, _ in self.mine.loose[old.start].bodies if branch is body.one)
        if self.same:
            self.editor.header(place, body.other)
            return
        now = next(key for branch, key, _ in self.there.loose[new.start].bodies if branch is body.other)
        if ours == was:
            self.editor.header(place, body.other)
        elif ours != now:
            self.conflicts.append(Conflict(place.line, body.other.line, was, ours, now))

    def _insert(self, added: list[Item], before: Item | None, after: Item | None, place: Branch | None) -> None:
        previous, following = self._beside(before), self._beside(after)
        depth = next((len(one.parents) for one in added if one.kind != "set"), -1)
        if not previous and following and depth not in (-1, len(after.parents)):
            following = None
        while previous and (more := self.next.get(previous.start)) and len(more.parents) > depth >= 0:
            if following and more.start >= following.start:
                break
            previous = more  # what lies deeper stays together, in whatever order the target has it
        begun, end = previous.end if previous else 0, following.start if following else len(self.target.tree.source)
        there = [self.present.get(item.start) for item in added if not item.free]
        there = [one for one in there if not one or not previous or one.start != previous.start]  # on one line with it
        if all(one and one.start not in self.kept and begun <= one.start <= end for one in there):
            return
        if previous and following:  # one of them may be in a condition that the target alone has
            inner, outer = (self.editor.rewriter.place(one) for one in (previous, following))
            previous = None if inner[: len(outer)] == outer != inner else previous
        if not previous and not following and (before or after and not place):
            self._conflict(None, added[0], None, before)
            return
        branches = [old.end for old, mine in self.mine.branches.items() if mine is place]
        start = before.end if before else max(branches, default=0)
        stop = after.start if after else len(self.old.tree.source)
        known = set(Page(self.old.tree).notes(start, stop))
        moved, _ = self.mine.of(self.moved.get(added[0]))
        self.editor.insert(added, (previous, following), place, known, moved)

    def _beside(self, item: Item | None) -> Item | None:
        """The target's item that belongs to one, where it lies below the same keys."""
        mine = self.mine.of(item)[0]
        return mine if mine and mine.keys == item.keys else None

    def _conflict(self, old: Item | None, new: Item | None, mine: Item | None, before: Item | None = None) -> None:
        old_tree, my_tree, new_tree = (side.tree for side in (self.old, self.target, self.new))
        _, at = spot(old_tree, old, mine or new)
        was = old_tree.source[at : old.end] if old else ""
        line, at = spot(my_tree, mine, old or new)
        ours = my_tree.source[at : mine.end] if mine else ""
        other, at = spot(new_tree, new, old or mine)
        theirs = new_tree.source[at : new.end] if new else ""
        with contextlib.suppress(Untranslatable):  # then it is shown as the other side writes it
            around = self.editor.rewriter.place(mine) if mine else []
            theirs = new and self.editor.rewriter.text(at, new.end, around) or ""
        near = {one.start: both.line for one, both in self.change.equals()}
        own = {start: one.line for start, (one, _) in self.mine.items.items()}
        line, other = line if mine else earlier(own, old or before), other if new else earlier(near, old)
        self.conflicts.append(Conflict(line, other, was, ours, theirs))


def earlier(lines: dict[int, int], item: Item | None) -> int:
    """The line that belongs to the last thing up to an item."""
    known = [start for start in lines if item and start <= item.start]
    return lines[max(known)] if known else 1


def below(items: list[Item], at: int) -> list[Item]:
    """An item and those after it that lie below it."""
    end = at + 1
    while end < len(items) and len(items[end].parents) > len(items[at].parents):
        end += 1
    return items[at:end]


def following(items: list[Item]) -> Iterator[tuple[int, Item]]:
    """What follows each item, by where that begins."""
    yield from ((one.start, other) for one, other in zip(items, items[1:]))
    for item in items:
        for _, _, inner in item.bodies:
            yield from following(inner)


def encloses(outer: Item, inner: list[Item]) -> bool:
    """Whether an item is a condition around just these items, however they are laid out."""
    if outer.kind != "block" or outer.form != "if" or len(outer.bodies) > 1 or not inner:
        return False
    return all(map(equal, Alignment(outer.bodies[0][2], inner).top.pairs))
