# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Carries what differs between two versions of a template onto a third: edits of its text, in its language and its names.

Every other byte stays. Where the third says something else than the old version in the place of a change, that is a
conflict, which is told and left alone.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from stageset_render.port.align import Alignment, Body, Pair, SamePair, aligned, equal
from stageset_render.port.outline import Item, Outline, Piece
from stageset_render.port.tree import (
    Block,
    Branch,
    Call,
    Close,
    Comment,
    Expr,
    Field,
    Include,
    Name,
    Node,
    Print,
    Set,
    Text,
    Tree,
    Untranslatable,
    Var,
    expressions,
    is_path,
    parts_of,
)

WORD = re.compile(r"\w+|\s+|[^\w\s]")
Writer = Callable[[list[Branch]], object]  # makes what writes at a place inside branches of the target


class Misfit(Exception):
    """A change that can't be carried by itself, since other things stand on its lines."""


class Edit(NamedTuple):
    """A part of a text, and what it becomes."""

    start: int
    end: int
    text: str


class Conflict(NamedTuple):
    """A change to a place where the target deviates: its line, what it says there, and what the change would make."""

    line: int
    was: str
    ours: str
    theirs: str


@dataclass(eq=False)
class Side:
    """One version of a template.

    Attributes:
        values: what is known of the values.
        data: whether it is a file of values.
    """

    tree: Tree
    values: dict
    data: bool = False
    known: dict[bool, Outline] = field(default_factory=dict)

    def outline(self, strict: bool = False, shared: dict | None = None) -> Outline:
        if shared or strict not in self.known:
            found = Outline(self.tree, self.values, strict, shared, data=self.data)
            if shared:
                return found
            self.known[strict] = found
        return self.known[strict]


@dataclass
class Carried:
    """What becomes of a template."""

    text: str
    conflicts: list[Conflict] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)  # lines of the new version that have no form


def apply(text: str, edits: list[Edit]) -> str:
    """A text with edits, of which one that lies in another counts for nothing."""
    out, at = [], 0
    for edit in sorted(edits, key=lambda one: (one.start, -one.end)):
        if edit.start >= at:
            out += [text[at : edit.start], edit.text]
            at = edit.end
    return "".join([*out, text[at:]])


class Carrier:
    """Carries the changes from `old` to `new` onto `target`; the first and the last may be one.

    Args:
        writer: makes a writer of the target's language.
        whole: writes all of the new version, for what can't be carried piece by piece.
    """

    def __init__(self, old: Side, new: Side, target: Side, writer: Writer, whole: Callable[[], str]):
        self.old, self.new, self.target, self.writer, self.whole = old, new, target, writer, whole
        self.same = old is target
        self.edits: list[Edit] = []
        self.conflicts: list[Conflict] = []
        self.problems: list[tuple[int, str]] = []
        self.made: set[Var] = set()  # what is set where it is written
        self.tests: dict[Branch, Expr] = {}  # of branches of the target whose test changes
        _, _, self.change, changed = aligned(lambda side, shared: (old, new)[side].outline(not self.same, shared))
        self.counterparts: dict[int, tuple[Item, bool]] = {}
        self.branches: dict[Branch, Branch] = {}
        self.groups: dict[int, tuple[set[int], list[Item]]] = {}  # what the target lays out otherwise
        variables: dict[Var, Var] = {}
        if self.same:
            self._identity(old.outline().items)
            variables = changed
        else:
            _, _, found, theirs = aligned(lambda side, shared: (old, target)[side].outline(False, shared))
            self._counterparts(found.top, found)
            back = {mine: other for other, mine in theirs.items()}
            variables = {var: back[mine] for var, mine in changed.items() if mine in back}
        self.present: dict[int, Item] = {}  # what of the new version the target says already
        self.kept: set[int] = set()  # what of the target the old version says
        if not self.same:
            there = aligned(lambda side, shared: (new, target)[side].outline(False, shared))[2]
            self.present = {one.start: other for one, other in there.equals()}
            self.kept = {mine.start for mine, same in self.counterparts.values() if same}
        self.around = _around(target.tree.body)
        self.ends = len(target.tree.source)
        self.comments: set[str] = set()  # of the old version, where something is added
        self._name_loops()
        rename_variables(new.tree, variables)

    def carried(self) -> Carried:
        try:
            self._body(self.change.top, None)
        except Misfit:
            if not self.same:
                raise
            return Carried(self.whole(), self.conflicts)
        return Carried(apply(self.target.tree.source, self.edits), self.conflicts, self.problems)

    def _told(self, item: Item, change: Callable, *arguments) -> None:
        """Make a change, or note why it has no form."""
        try:
            change(*arguments)
        except Untranslatable as error:
            self.problems.append((item.line, str(error)))

    # What belongs to what

    def _identity(self, items: list[Item]) -> None:
        for item in items:
            self.counterparts[item.start] = (item, True)
            for branch, _, below in item.bodies:
                self.branches[branch] = branch
                self._identity(below)

    def _counterparts(self, body: Body, found: Alignment) -> None:
        if body.one and body.other:
            self.branches[body.one] = body.other
        for at, pair in enumerate(body.pairs):
            one, other = pair
            if one and isinstance(pair, SamePair):  # laid out otherwise
                run = _run_of(body.pairs, at)
                mine = [item for _, item in run if item]
                self.counterparts[one.start] = (mine[-1], True)
                self.groups[one.start] = ({old.start for old, _ in run if old}, mine)
            elif one and other:
                self.counterparts[one.start] = (other, equal(pair))
            if one in found.blocks:
                for below in found.blocks[one].bodies:
                    self._counterparts(below, found)
        self._enclosed(body)

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
                        self._counterparts(found.top, found)
            alone = [[], []]

    def _name_loops(self) -> None:
        """New loops name their elements as the target does where it loops over the same."""
        known = {}
        mine = self.target.outline().meaning
        for _, branch in _loops(self.target.tree.body):
            known.setdefault(mine.of(branch.test), (branch.var.name, branch.index and branch.index.name))
        index = next((name for _, name in known.values() if name), None)
        theirs = self.new.outline().meaning
        for _, branch in _loops(self.new.tree.body):
            branch.var.name = known.get(theirs.of(branch.test), ("",))[0] or branch.var.name
            if branch.index and branch.index.name == "index0" and index:
                branch.index.name = index

    # Changes

    def _body(self, body: Body, place: Branch | None) -> None:
        """Carry what differs between two lists of items into a branch of the target."""
        before, run = None, []
        for pair in [*self._regrouped(body.pairs), None]:
            if pair and not equal(pair):
                run.append(pair)
                continue
            after = pair[0] if pair else None
            if run and not self._wrapped(run) and not self._unwrapped(run):
                before = self._run(run, before, after, place)
            before, run = after or next((old for old, _ in reversed(run) if old), before), []

    def _regrouped(self, pairs: list[Pair]) -> Iterator[Pair]:
        """The pairs, but for changes of what the target lays out otherwise, such as a list in one line, which are made."""
        at = 0
        while at < len(pairs):
            old = pairs[at][0]
            if not old or old.start not in self.groups:
                yield pairs[at]
                at += 1
                continue
            starts, mine = self.groups[old.start]
            end = at + 1
            while end < len(pairs) and (
                pairs[end][0].start in starts if pairs[end][0] else pairs[end][1].column > old.column
            ):
                end += 1
            run, at = pairs[at:end], end
            news = [new for _, new in run if new]
            if all(map(equal, run)) or not news:
                yield from run
                continue
            self._told(news[0], self._replace, mine, news)
            yield from (SamePair(pair) for pair in run)

    def _run(self, run: list[Pair], before: Item | None, after: Item | None, place: Branch | None) -> Item | None:
        """Carry a run of pairs that differ; the last item of the old version in it, or before it."""
        added = []
        for old, new in [*run, (after, None)]:
            if old is None and new:
                added.append(new)
                continue
            if added:
                self._told(added[0], self._insert, added, before, old, place)
            added = []
            if old and old is not after:
                self._told(new or old, self._changed, old, new)
            before = old or before
        return before

    def _wrapped(self, run: list[Pair]) -> bool:
        """Put a block around items that stay."""
        inner, outer = [old for old, _ in run if old], [new for _, new in run if new]
        if len(outer) != 1 or not _encloses(outer[0], inner):
            return False
        if outer[0].start in self.present:
            return True
        mine = [self.counterparts.get(old.start, (None, False)) for old in inner]
        if not all(item for item, _ in mine):
            return False
        first, last = mine[0][0], mine[-1][0]
        branch, close = outer[0].bodies[0][0], outer[0].node.close
        try:
            start = self._above(self.target.tree, self._lines(self.target.tree, first.start, first.end)[0])
            _, end = self._lines(self.target.tree, last.start, last.end)
            blank = re.match(r" *", self.target.tree.source[start:])[0]
            self._reachable([branch])
            writer = self._writer(self._place(first))
            texts = [writer.header(branch), writer.part(close, self.new.tree.source)]
        except Misfit:
            return False
        self.edits += [Edit(at, at, f"{blank}{text}\n") for at, text in zip((start, end), texts)]
        return True

    def _unwrapped(self, run: list[Pair]) -> bool:
        """Take a block away from around items that stay."""
        outer, inner = [old for old, _ in run if old], [new for _, new in run if new]
        if len(outer) != 1 or not _encloses(outer[0], inner):
            return False
        mine, _ = self.counterparts.get(outer[0].start, (None, False))
        if not mine and all(new.start in self.present for new in inner):
            return True
        if not mine or len(mine.bodies) > 1 or mine.bodies[0][0].moves:
            return False
        if mine.bodies[0][1] != self._loose(outer[0]).bodies[0][1]:
            return False
        tags = mine.bodies[0][0], mine.node.close
        try:
            places = [self._lines(self.target.tree, tag.start, tag.end) for tag in tags]
        except Misfit:
            return False
        self.edits += [Edit(start, end, "") for start, end in places]
        return True

    def _changed(self, old: Item, new: Item | None) -> None:
        mine, same = self.counterparts.get(old.start, (None, False))
        if mine is None and (new is None or old.free):
            return  # it is gone already
        if mine is None or not same and not (new and old.kind == "block"):
            if new and mine and new.start in self.present and self.present[new.start].start == mine.start:
                return
            self._conflict(old, new, mine)
        elif new is None:
            if not old.free:
                self._delete(mine)
        elif old.kind == "block":
            self._changed_block(old, new, mine)
        else:
            self._modify(old, new, mine)

    def _changed_block(self, old: Item, new: Item, mine: Item) -> None:
        done, told = len(self.edits), len(self.conflicts)
        paired = self.change.blocks[old]
        try:
            for body, (was, now) in zip(paired.bodies, paired.headers):
                place = self.branches.get(body.one) if body.one else None
                if body.one and body.other:
                    if place is None:
                        if was != now or not all(map(equal, body.pairs)):
                            self._conflict(old, new, mine)
                        continue
                    if was != now or self._index_missing(body, place):
                        self._header(body, place, old, new, mine)
                    self._body(body, place)
                elif body.other:
                    self._insert_branch(body.other, new, mine)
                elif place:
                    self._delete_branch(place)
        except Misfit:
            if not self.counterparts[old.start][1]:
                raise
            del self.edits[done:], self.conflicts[told:]
            self._replace([mine], [new])

    def _index_missing(self, body: Body, place: Branch) -> bool:
        return bool(body.other.index and not place.index)

    def _header(self, body: Body, place: Branch, old: Item, new: Item, mine: Item) -> None:
        keys = {branch: key for branch, key, _ in mine.bodies}
        was = next(key for branch, key, _ in self._loose(old).bodies if branch is body.one)
        if not self.same and keys.get(place) != was:
            now = self._key(new, body.other)
            if keys.get(place) != now:
                self.conflicts.append(Conflict(place.line, was, keys.get(place, ""), now))
            return
        if place.moves and place.kind != "for" and body.other.test is not None and not is_path(body.other.test):
            self._unmoved(place)
        if body.other.index and not place.index:
            place.index = body.other.index
        self.tests[place] = body.other.test
        tag = replace(
            body.other, left=place.left, right=place.right, var=place.var or body.other.var, index=place.index
        )
        tag.moves = place.moves
        text = self._writer(place, outside=True).header(tag)
        self.edits.append(Edit(place.start, place.end, text))

    def _unmoved(self, place: Branch) -> None:
        """Make an if of a with: what its dot said is written out."""
        place.moves = False
        for part, expr in expressions(place.body):
            if place.test in parts_of(expr) and not any(
                one.moves for one in self.around[part] if one.start > place.start
            ):
                writer = self._writer(self.around[part])
                text = writer.header(part) if isinstance(part, Branch) else writer.tag(part)
                self.edits.append(Edit(part.start, part.end, text))

    def _loose(self, old: Item) -> Item:
        if not hasattr(self, "_loosely"):
            self._loosely = {item.start: item for item in _all(self.old.outline().items)}
        return self._loosely[old.start]

    def _modify(self, old: Item, new: Item, mine: Item) -> None:
        """Change a line or a set word by word, so that its quotes, comments and layout stay."""
        place = self._place(mine)
        if mine.kind == "set":
            node = replace(new.node, left=mine.node.left, right=mine.node.right, var=mine.node.var)
            text = self._write(place, [node])
            self.edits.append(Edit(mine.start, mine.end, text))
            return
        edits = self._words(old, new, mine, place)
        if edits is None:
            edits = [Edit(mine.start, mine.end, self._written(new.start, new.end, place))]
        self.edits += edits

    def _words(self, old: Item, new: Item, mine: Item, place: list[Branch]) -> list[Edit] | None:
        """The edits that change words alone; None where that is not all."""
        sides = [_words(one.pieces) for one in (old, new, mine)]
        keys = [[word.means if word.node else word.text for word in side] for side in sides]
        matches = difflib.SequenceMatcher(None, keys[0], keys[2], autojunk=False).get_matching_blocks()
        where = {one + n: other + n for one, other, size in matches for n in range(size)}
        if [key for key in keys[0] if not _silent(key)] != [key for key in keys[2] if not _silent(key)]:
            return None
        found = []
        for what, a, b, c, d in difflib.SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
            if what == "equal":
                continue
            if any(at not in where for at in range(a, b)) or self._breaks(sides[1], c, d, self.new.tree.source):
                return None
            if a == b:
                if a and a - 1 in where:
                    start = end = sides[2][where[a - 1]].end
                elif a in where:
                    start = end = sides[2][where[a]].start
                else:
                    return None
            else:
                start, end = sides[2][where[a]].start, sides[2][where[b - 1]].end
            text = self._written(sides[1][c].start, sides[1][d - 1].end, place) if d > c else ""
            if sides[1] and d - c == b - a == 1 and sides[1][c].node and sides[2][where[a]].node:
                kept = sides[2][where[a]].node
                text = self._write(place, [replace(sides[1][c].node, left=kept.left, right=kept.right)])
            if "\n" in self.target.tree.source[start:end]:
                return None
            found.append(Edit(start, end, text))
        return found or None

    @staticmethod
    def _breaks(words: list[Piece], begun: int, end: int, source: str) -> bool:
        """Whether some words begin or end a line of a text that goes on."""
        first = words[begun - 1].end if begun else words[begun].start if begun < len(words) else 0
        last = words[end].start if end < len(words) else words[-1].end
        return end > begun and "\n" in source[first:last]

    def _delete(self, mine: Item) -> None:
        start, end = self._lines(self.target.tree, mine.start, mine.end)
        self.edits.append(Edit(self._above(self.target.tree, start), end, ""))

    def _replace(self, mine: list[Item], new: list[Item]) -> None:
        start, end = self._lines(self.target.tree, mine[0].start, mine[-1].end)
        begun, stop = self._lines(self.new.tree, new[0].start, new[-1].end)
        text = self._parts(begun, stop, self._place(mine[0]))
        self.edits.append(Edit(start, end, text if text.endswith("\n") else text + "\n"))

    def _insert(self, added: list[Item], before: Item | None, after: Item | None, place: Branch | None) -> None:
        while added and added[0].free and len(added) == 1:
            added = []
        if not added:
            return
        previous = self.counterparts.get(before.start, (None, False))[0] if before else None
        following = self.counterparts.get(after.start, (None, False))[0] if after else None
        if self._is_there(added, previous.end if previous else 0, following.start if following else self.ends):
            return
        tree, source = self.target.tree, self.target.tree.source
        if previous:
            _, at = self._lines(tree, previous.start, previous.end)
            inside = self._place(previous)
        elif following:
            at = self._above(tree, self._lines(tree, following.start, following.end)[0])
            inside = self._place(following)
        elif place:
            _, at = self._lines(tree, place.start, place.end)
            inside = [*self.around[place], place]
        elif before or after:
            self._conflict(None, added[0], None)
            return
        else:
            at, inside = len(source), []
        begun = before.end if before else max((branch.end for branch in self._own_branches(place)), default=0)
        self.comments = set(_comments(self.old.tree, begun, after.start if after else len(self.old.tree.source)))
        text = self._region(added[0].start, added[-1].end, inside)
        if at and source[at - 1 : at] not in ("\n", ""):
            text = "\n" + text.removesuffix("\n")
        self.edits.append(Edit(at, at, text))

    def _own_branches(self, place: Branch | None) -> list[Branch]:
        """The branch of the old version that one of the target is."""
        return [old for old, mine in self.branches.items() if mine is place]

    def _is_there(self, added: list[Item], begun: int, end: int) -> bool:
        """Whether the target says already, in this part of it, what is to be added."""
        found = [self.present.get(item.start) for item in added if not item.free]
        return all(one and one.start not in self.kept and begun <= one.start and one.end <= end for one in found)

    def _insert_branch(self, branch: Branch, new: Item, mine: Item) -> None:
        """Add a branch before the one that follows it, or before the end."""
        if any(one.kind == branch.kind and key == self._key(new, branch) for one, key, _ in mine.bodies):
            return  # it is there already
        first = mine.bodies[0][0]
        if first.moves and branch.kind == "elif":
            self._unmoved(first)
            self.edits.append(Edit(first.start, first.end, self._writer(first, outside=True).header(first)))
        own = [one for one, _, _ in new.bodies]
        rest = own[own.index(branch) + 1 :]
        known = {other: self.branches.get(one) for one, other in self._branch_pairs()}
        following = next((known[one] for one in rest if known.get(one)), mine.node.close)
        at = self._lines(self.target.tree, following.start, following.end)[0]
        end = rest[0] if rest else new.node.close
        start, _ = self._lines(self.new.tree, branch.start, branch.end)
        stop, _ = self._lines(self.new.tree, end.start, end.end)
        inside = self._place(mine)
        text = self._parts(start, stop, inside, opened=new.node.branches[0])
        self.edits.append(Edit(self._above(self.target.tree, at), self._above(self.target.tree, at), text))

    @staticmethod
    def _key(item: Item, branch: Branch) -> str:
        return next((key for one, key, _ in item.bodies if one is branch), "")

    def _branch_pairs(self) -> list[tuple[Branch, Branch]]:
        return [
            (body.one, body.other)
            for paired in self.change.blocks.values()
            for body in paired.bodies
            if body.one and body.other
        ]

    def _delete_branch(self, place: Branch) -> None:
        branches = place.block.branches
        at = branches.index(place)
        following = branches[at + 1] if at + 1 < len(branches) else place.block.close
        start, _ = self._lines(self.target.tree, place.start, place.end)
        end, _ = self._lines(self.target.tree, following.start, following.end)
        self.edits.append(Edit(start, end, ""))

    def _conflict(self, old: Item | None, new: Item | None, mine: Item | None) -> None:
        texts = [
            side.tree.source[item.start : item.end] if item else ""
            for side, item in ((self.old, old), (self.target, mine))
        ]
        theirs = ""
        if new:
            try:
                theirs = self._written(new.start, new.end, self._place(mine) if mine else [])
            except (Untranslatable, Misfit):
                theirs = self.new.tree.source[new.start : new.end]
        line = mine.line if mine else 1
        self.conflicts.append(Conflict(line, texts[0], texts[1], theirs))

    # Places in texts

    def _place(self, mine: Item) -> list[Branch]:
        """The branches of the target around an item."""
        node = mine.node or next((one.node for one in mine.pieces if one.node), None)
        if node is not None and node in self.around:
            return self.around[node]
        return self._innermost(mine.start)

    def _innermost(self, at: int) -> list[Branch]:
        found: list[Branch] = []
        for node, branches in self.around.items():
            if isinstance(node, Text) and node.start <= at < max(node.end, node.start + 1):
                found = branches
        return found

    def _lines(self, tree: Tree, start: int, end: int) -> tuple[int, int]:
        """The whole lines that a part takes up. Misfit when something else stands on them."""
        source = tree.source
        begun, stop = source.rfind("\n", 0, start) + 1, source.find("\n", end)
        stop = len(source) if stop < 0 else stop + 1
        behind = source[end:stop].strip()
        comments = [
            source[one.start : one.end]
            for one in tree.parts
            if isinstance(one, Comment) and one.start >= end and one.end <= stop
        ]
        for comment in comments:
            behind = behind.replace(comment, "").strip()
        if source[begun:start].strip() or behind and not behind.startswith("#"):
            raise Misfit
        return begun, stop

    def _above(self, tree: Tree, start: int) -> int:
        """Where the comments right above a line begin, but for those on top of the file, and for what the old version
        has as well where it is the new one's line."""
        source, at, known = tree.source, start, self.comments if tree is self.new.tree else set()
        spans = {one.end: one for one in tree.parts if isinstance(one, Comment) and one.start < one.end}
        while at:
            before = source.rfind("\n", 0, at - 1) + 1
            line = source[before : at - 1]
            comment = spans.get(before + len(line.rstrip()))
            begun = source.rfind("\n", 0, comment.start) + 1 if comment else before
            if comment and not source[begun : comment.start].strip():
                text = comment.text
            elif line.lstrip().startswith("#") and not tree.file.endswith(".txt"):
                text = line
            else:
                break
            if _bare(text) in known:
                return at
            at = begun
        return start if at == 0 and start else at

    # Writing

    def _writer(self, place: Branch | list[Branch], outside: bool = False):
        branches = place if isinstance(place, list) else self.around[place] + ([] if outside else [place])
        return self.writer([replace(one, test=self.tests[one]) if one in self.tests else one for one in branches])

    def _write(self, place: list[Branch], parts: list[Node]) -> str:
        self._reachable(parts)
        writer = self._writer(place)
        return "".join(writer.part(part, self.new.tree.source) for part in parts)

    def _written(self, start: int, end: int, place: list[Branch]) -> str:
        return self._parts(start, end, place)

    def _region(self, start: int, end: int, place: list[Branch]) -> str:
        """The lines of the new version that items take up, with the comments right above them."""
        begun, stop = self._lines(self.new.tree, start, end)
        text = self._parts(self._above(self.new.tree, begun), stop, place)
        return text if text.endswith("\n") else text + "\n"

    def _parts(self, start: int, end: int, place: list[Branch], opened: Branch | None = None) -> str:
        found = []
        for part in self.new.tree.parts:
            if isinstance(part, Text) and part.start < end and part.end > start:
                found.append(replace(part, start=max(part.start, start), end=min(part.end, end)))
            elif part.start >= start and part.end <= end and not isinstance(part, Text):
                found.append(part)
        self._reachable(found)
        writer = self._writer(place)
        if opened:
            writer.part(opened, self.new.tree.source)
        return "".join(writer.part(part, self.new.tree.source) for part in found)

    def _reachable(self, parts: list[Node]) -> None:
        """Refuse a variable that neither the target nor what is written declares, unless a value can stand for it."""
        own = {var for _, var in _declared(self.target.tree.body)} | self.made
        own |= {one.var for one in parts if isinstance(one, Set)}
        own |= {var for one in parts if isinstance(one, Branch) for var in (one.var, one.index, *one.parameters) if var}
        for part in parts:
            name = "expr" if isinstance(part, (Print, Set)) else "test"
            expr = getattr(part, name, None)
            while expr is not None and (missing := {var for var in _names(expr) - own if var.form != "parameter"}):
                for var in missing:
                    if var.value is None or var.assigned:
                        raise Untranslatable(f"{var.name}, which has no counterpart here; carry it by hand")
                expr = substituted(expr, {var: var.value for var in missing})
                setattr(part, name, expr)
        self.made |= {one.var for one in parts if isinstance(one, Set)}


# Nodes and items


def _run_of(pairs: list[Pair], at: int) -> list[Pair]:
    """The run of pairs that mean the same together, of which one is here."""
    start = end = at
    while start and isinstance(pairs[start - 1], SamePair):
        start -= 1
    while end < len(pairs) and isinstance(pairs[end], SamePair):
        end += 1
    return pairs[start:end]


def _comments(tree: Tree, start: int, end: int) -> Iterator[str]:
    """The words of the comments in a part of a template."""
    yield from (_bare(one.text) for one in tree.parts if isinstance(one, Comment) and start <= one.start < end)
    yield from (_bare(line) for line in tree.source[start:end].splitlines() if line.lstrip().startswith("#"))


def _bare(text: str) -> str:
    return " ".join(text.strip(" \n#-+").split())


def _encloses(outer: Item, inner: list[Item]) -> bool:
    """Whether an item is a condition around just these items."""
    if outer.kind != "block" or outer.node.kind != "if" or len(outer.bodies) > 1 or not inner:
        return False
    return [one.key for one in outer.bodies[0][2]] == [one.key for one in inner]


def _names(expr: Expr) -> set[Var]:
    return {one.var for one in parts_of(expr) if isinstance(one, Name)}


def _all(items: list[Item]) -> list[Item]:
    return [one for item in items for one in (item, *_all([inner for _, _, below in item.bodies for inner in below]))]


def _lists(items: list[Item], branch: Branch | None) -> list[tuple[Branch | None, list[Item]]]:
    """All lists of items, each with the branch that it stands in."""
    return [
        (branch, items),
        *(found for item in items for one, _, below in item.bodies for found in _lists(below, one)),
    ]


def _around(nodes: list[Node], branches: tuple[Branch, ...] = ()) -> dict[Node, list[Branch]]:
    """The branches around each node and branch."""
    found: dict[Node, list[Branch]] = {}
    for node in nodes:
        found[node] = list(branches)
        if isinstance(node, Block):
            for branch in node.branches:
                found[branch] = list(branches)
                found |= _around(branch.body, (*branches, branch))
    return found


def _loops(nodes: list[Node]) -> list[tuple[Block, Branch]]:
    found = []
    for node in nodes:
        if isinstance(node, Block):
            found += [(node, node.branches[0])] * (node.kind == "for" and node.branches[0].var is not None)
            for branch in node.branches:
                found += _loops(branch.body)
    return found


def _declared(nodes: list[Node]) -> list[tuple[Node, Var]]:
    found = []
    for node in nodes:
        if isinstance(node, Set):
            found.append((node, node.var))
        elif isinstance(node, Block):
            for branch in node.branches:
                found += [(node, var) for var in (branch.var, branch.index, *branch.parameters) if var]
                found += _declared(branch.body)
    return found


def substituted(expr: Expr, variables: dict[Var, Var | Expr]) -> Expr:
    """An expression with other variables, or values for them."""
    if isinstance(expr, Name) and expr.var in variables:
        found = variables[expr.var]
        return Name(found) if isinstance(found, Var) else substituted(found, variables)
    if isinstance(expr, Field):
        return replace(expr, base=substituted(expr.base, variables))
    if isinstance(expr, Call):
        return replace(expr, args=tuple(substituted(one, variables) for one in expr.args))
    if isinstance(expr, Include):
        return replace(expr, args=tuple((name, substituted(one, variables)) for name, one in expr.args))
    return expr


def rename_variables(tree: Tree, variables: dict[Var, Var]) -> None:
    """Let a tree speak of other variables."""
    for node, expr in list(expressions(tree.body)):
        setattr(node, "expr" if isinstance(node, (Print, Set)) else "test", substituted(expr, variables))
    for part in tree.parts:
        if isinstance(part, (Set, Branch)) and part.var in variables:
            part.var = variables[part.var]
        if isinstance(part, Branch) and part.index in variables:
            part.index = variables[part.index]
        if isinstance(part, Branch):
            part.parameters = tuple(variables.get(var, var) for var in part.parameters)
    for node, _ in expressions(tree.body):
        if isinstance(node, Set) and node.var.value is not None:
            node.var.value = substituted(node.var.value, variables)


def _words(pieces: list[Piece]) -> list[Piece]:
    """Pieces word by word."""
    found = []
    for piece in pieces:
        if piece.node:
            found.append(piece)
            continue
        for word in WORD.finditer(piece.text):
            text = " " if word[0].isspace() else word[0]
            found.append(Piece(piece.start + word.start(), piece.start + word.end(), text))
    return found


def _silent(word: str) -> bool:
    return word in ("'", '"', " ")


__all__ = ["Carried", "Carrier", "Close", "Conflict", "Edit", "Misfit", "Side", "apply"]
