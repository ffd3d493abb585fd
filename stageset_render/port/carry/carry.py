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

from stageset_render.port.carry.align import Alignment, Body, Pair, SamePair, aligned, equal
from stageset_render.port.carry.counterparts import Counterparts
from stageset_render.port.carry.editor import Editor
from stageset_render.port.carry.edits import Misfit, Page, apply
from stageset_render.port.carry.rewriting import Rewriter, Writer
from stageset_render.port.language.outline import Item, Side
from stageset_render.port.language.tree import Branch, Untranslatable


class Conflict(NamedTuple):
    """A change to a place where the target deviates: its line, what it says there, and what the change would make."""

    line: int
    was: str
    ours: str
    theirs: str


@dataclass
class Carried:
    """What becomes of a template."""

    text: str
    conflicts: list[Conflict] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)  # lines of the new version that have no form


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
        self.mine = Counterparts(old, target)
        self.present: dict[int, Item] = {}  # what of the new version the target says already
        self.kept: set[int] = set()  # what of the target the old version says
        if not self.same:
            back = self.mine.variables
            variables = {var: back[one] for var, one in variables.items() if one in back}
            self.present = {start: mine for start, (mine, same) in Counterparts(new, target).items.items() if same}
            self.kept = {mine.start for mine, same in self.mine.items.values() if same} - self.mine.moved
        self.said = {mine.start for mine in self.present.values()}
        self.own = {mine.start for mine, _ in self.mine.items.values()}  # what of the target the old version has
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
        return Carried(apply(self.target.tree.source, self.editor.edits), self.conflicts, self.problems)

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
            changed = [(one, self.mine.of(one)[0]) for one in part if self.mine.of(one)[0] and not self.mine.of(one)[1]]
            more = self.next.get(mine.start)
            while not changed and more and len(more.parents) > len(mine.parents):
                changed, more = [(None, more)] * (more.start not in own), self.next.get(more.start)
            moved = [n for n, new in enumerate(news) if (new.parents, new.name) == (old.parents, old.name) != ((), "")]
            if changed and (len(part) > 1 or moved):
                self._conflict(changed[0][0], None, changed[0][1])
                self.held.update(part, *(below(news, n) for n in moved))

    def _regrouped(self, pairs: list[Pair]) -> Iterator[Pair]:
        """The pairs, but for changes of what the target lays out otherwise, such as a list in one line, which are made."""
        at = 0
        while at < len(pairs):
            old = pairs[at][0]
            if not old or old.start not in self.mine.groups:
                yield pairs[at]
                at += 1
                continue
            starts, mine = self.mine.groups[old.start]
            end = at + 1
            while end < len(pairs) and (
                pairs[end][0].start in starts if pairs[end][0] else pairs[end][1].column > old.column
            ):
                end += 1
            run, at = pairs[at:end], end
            news = [new for _, new in run if new]
            if all(map(equal, run)) or not news:
                yield from run
            else:
                self._told(news[0], self.editor.replace, mine, news)
                yield from (SamePair(pair) for pair in run)

    def _run(self, run: list[Pair], before: Item | None, after: Item | None, place: Branch | None) -> Item | None:
        """Carry a run of pairs that differ; the last item of the old version in it, or before it."""
        added = []
        for pair in [*self._relaid(run), (after, None)]:
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

    def _relaid(self, run: list[Pair]) -> Iterator[Pair]:
        """The pairs, but for a list that changes and is on one line in the target, which is made."""
        at = 0
        while at < len(run):
            (old, new), end = run[at], at + 1
            while end < len(run) and not run[end][0] and run[end][1].kind == "line" and not run[end][1].name:
                end += 1
            mine, same = self.mine.of(old)
            if end > at + 1 and old and new and same and old.kind == "line" and old.name == new.name != "":
                self._told(new, self.editor.replace, [mine], [one for _, one in run[at:end]])
                yield SamePair((old, new))
            else:
                yield from run[at:end]
            at = end

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
        if mine is None and (new is None or old.free):
            return  # it is gone already
        if new is None and mine.start in self.mine.moved & self.said:
            return  # it has moved already
        if mine is None or not same and not (new and old.kind == "block"):
            there = self.present.get(new.start) if new and mine else None
            if not there or there.start != mine.start:
                self._conflict(old, new, mine)
        elif new is None:
            if not old.free:
                self.editor.delete(mine)
        elif old.kind == "block":
            self._changed_block(old, new, mine, same)
        else:
            self.editor.modify(old, new, mine)

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
        branches = [one for body in paired.bodies for one in (body.one, body.other)] + [
            one for one, _, _ in mine.bodies
        ]
        special = any(one and (one.outer or one.turned) for one in branches)
        if special and any(was != now for was, now in paired.headers[1:]):
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
        now = next((key for branch, key, _ in new.bodies if branch is body.other), "")
        if self.same or ours == was:
            self.editor.header(place, body.other)
        elif ours != now:
            self.conflicts.append(Conflict(place.line, was, ours, now))

    def _insert(self, added: list[Item], before: Item | None, after: Item | None, place: Branch | None) -> None:
        previous, following = self._beside(before), self._beside(after)
        depth = next((len(one.parents) for one in added if one.kind != "set"), -1)
        if not previous and following and depth not in (-1, len(after.parents)):
            following = None
        while previous and (more := self.next.get(previous.start)) and len(more.parents) > depth >= 0:
            if more.start in self.own:
                break
            previous = more  # what the target has of its own at the end of what lies deeper
        begun, end = previous.end if previous else 0, following.start if following else len(self.target.tree.source)
        there = [self.present.get(item.start) for item in added if not item.free]
        if all(one and one.start not in self.kept and begun <= one.start and one.end <= end for one in there):
            return
        if not previous and not following and (before or after and not place):
            self._conflict(None, added[0], None, before)
            return
        branches = [old.end for old, mine in self.mine.branches.items() if mine is place]
        start = before.end if before else max(branches, default=0)
        stop = after.start if after else len(self.old.tree.source)
        known = set(Page(self.old.tree).notes(start, stop))
        self.editor.insert(added, previous, following, place, known)

    def _beside(self, item: Item | None) -> Item | None:
        """The target's item that belongs to one, where it lies below the same keys."""
        mine = self.mine.of(item)[0]
        return mine if mine and mine.keys == item.keys else None

    def _conflict(self, old: Item | None, new: Item | None, mine: Item | None, before: Item | None = None) -> None:
        was = self.old.tree.source[old.start : old.end] if old else ""
        ours = self.target.tree.source[mine.start : mine.end] if mine else ""
        theirs = self.new.tree.source[new.start : new.end] if new else ""
        with contextlib.suppress(Untranslatable):  # then it is shown as the other side writes it
            theirs = self.editor.text(new, mine) if new else ""
        self.conflicts.append(Conflict(mine.line if mine else self._near(old or before), was, ours, theirs))

    def _near(self, old: Item | None) -> int:
        """The target's line that belongs to the last thing before an old item."""
        earlier = [start for start in self.mine.items if old and start <= old.start]
        return self.mine.items[max(earlier)][0].line if earlier else 1


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
