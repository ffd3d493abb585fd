# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Carries what differs between two versions, of a chart or of the pack, onto a third: all their files."""

from __future__ import annotations

import difflib
import fnmatch
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from stageset_render.findings import Finding, Place, Refused, dotted
from stageset_render.helm.reading import load_yaml
from stageset_render.port.carry.carry import Carried, Carrier
from stageset_render.port.carry.edits import Misfit
from stageset_render.port.carry.renames import path_of
from stageset_render.port.deliberate import entries
from stageset_render.port.diff.compare import line_differences
from stageset_render.port.diff.differences import Difference
from stageset_render.port.language.outline import Side, flat
from stageset_render.port.language.tree import Untranslatable, expressions, parts_of, value_of
from stageset_render.port.versions import Pack, Untranslated, Version

CONFLICT = "conflict"
ALIKE = 0.7  # from here on a file that is gone and a new one are one that was renamed


class Change(NamedTuple):
    """A file, by its path, and what becomes of it; None before for a new one, None after for one that goes.

    Attributes:
        source: the path that it had before, where it is renamed.
    """

    path: str
    before: str | None
    after: str | None
    source: str = ""


@dataclass
class Changes:
    """What becomes of the files, the conflicts, and the values that got another name: paths, new to old."""

    changes: list[Change] = field(default_factory=list)
    conflicts: list[Finding] = field(default_factory=list)
    renamed: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)


class Carriage:
    """Carries the changes from `old` to `new` onto `target`; where `old` is `target`, it becomes what `new` is.

    Args:
        only: limits it to one file of the target, or of the new version.
    """

    def __init__(self, old: Version, new: Version, target: Version, only: str | None = None):
        self.old, self.new, self.target, self.only = old, new, target, only
        self.found, self.problems = Changes(), []
        self.edited: dict[str, tuple[str, str, str]] = {}  # templates, with what the three versions call them

    def carried(self) -> Changes:
        """Refused: with all that has no exact form."""
        gone = [name for name in self.old.templates if name not in self.new.templates and not self._own(name)]
        fresh = [name for name in self.new.templates if name not in self.old.templates]
        moved = dict(self._renamed(gone, self.new, fresh))
        pairs = [(name, name) for name in self.old.templates if name in self.new.templates]
        jobs = [(self._template, name, now) for name, now in [*pairs, *moved.items()]]
        jobs += [(self._gone, name) for name in gone if name not in moved]
        jobs += [(self._fresh, name) for name in fresh if name not in moved.values()]
        if all(side.defaults in side.files for side in (self.old, self.new, self.target)):
            mine = self.target.defaults
            jobs.append((self._edited, self.old.defaults, self.new.defaults, mine, mine))
        for carry, *names in jobs:
            if self._is_wanted(*names):
                self._guarded(names[1] if names[1:] else names[0], carry, *names)
        if not self.problems:
            self._checked()
        if self.problems:
            raise Refused(*self.problems)
        self.found.changes.sort(key=lambda one: one.path)
        self.found.conflicts.sort(key=lambda one: one.place)
        return self.found

    def _guarded(self, name: str, job: Callable[..., None], *arguments) -> None:
        try:
            job(*arguments)
        except Refused as refused:
            self.problems += refused.problems
        except Untranslated as error:
            self.problems += [self.new.finding(name, *one) for one in error.problems]
        except RecursionError:
            self.problems.append(self.new.finding(name, 1, "nested too deep; nest it less"))

    def _is_wanted(self, *names: str) -> bool:
        return not self.only or self.only in [name.rpartition("/")[2] for name in names]

    def _own(self, name: str) -> bool:
        """Whether a file is one side's alone on purpose."""
        known = [entry["where"] for entry in entries() if entry.get("what") == "file"]
        return self.old is self.target and any(fnmatch.fnmatch(f"templates/{name}", where) for where in known)

    # Files

    def _keys(self, version: Version, name: str) -> list[str]:
        return [text for text, _, _ in flat(self._side(version, name).outline().items)]

    def _renamed(self, gone: list[str], version: Version, fresh: list[str]) -> Iterator[tuple[str, str]]:
        """The files of the old version that mean the same, or nearly, under another name."""
        for name in gone:
            best, most = "", ALIKE
            for other in fresh:
                try:
                    sides = self._keys(self.old, name), self._keys(version, other)
                except Refused:
                    continue
                ratio = difflib.SequenceMatcher(None, *sides, autojunk=False).ratio()
                if ratio > most:
                    best, most = other, ratio
            if best:
                fresh = [one for one in fresh if one != best]
                yield name, best

    def _side(self, version: Version, name: str) -> Side:
        """A side that may be changed while it is carried."""
        return Side(version.tree_as(self.target, name), self.target.values, name == version.defaults)

    def _old(self, name: str) -> Side:
        """A side that is only read."""
        if name not in self.old.read_once:
            self.old.read_once[name] = self._side(self.old, name)
        return self.old.read_once[name]

    def _macros(self) -> dict[str, tuple[str, ...]]:
        return {**self.target.macros, **self.new.macros_as(self.target)}

    def _template(self, name: str, now: str) -> None:
        mine = self._mine(name, now)
        renamed = now != name and mine == name
        if type(self.old) is type(self.new) and self.old.templates[name] == self.new.templates[now] and not renamed:
            return
        if mine in self.target.templates:
            self._edited(name, now, mine, now if renamed else mine)
        elif self._keys(self.old, name) != self._keys(self.new, now):
            there = self.new.place(now, 1)
            self._conflict(self.target, name, 1, "there is no such file, of which something changes", f"see {there}")

    def _mine(self, name: str, *others: str) -> str:
        """What the target calls a file of the old version: as that does, as others do, or in its own way."""
        there = self.target.templates
        strange = [one for one in there if one not in self.old.templates and one not in self.new.templates]
        known = next((one for one in (name, *others) if one in there), None)
        return known or dict(self._renamed([name], self.target, strange)).get(name, name)

    def _edited(self, name: str, now: str, mine: str, becomes: str) -> None:
        """Carry what changes in a file of the old version into one of the target, which may get another name."""
        target, new = self._side(self.target, mine), self._side(self.new, now)
        old = target if self.old is self.target else self._old(name)
        if old is target and becomes == mine and words_of(target) == words_of(new):
            return
        macros = self._macros()
        writer = self.target.writer(target.tree, macros)
        try:
            found = Carrier(old, new, target, writer, lambda: self.target.whole(new.tree, macros)).carried()
        except Misfit as misfit:
            side = (self.target, mine) if misfit.tree is target.tree else (self.new, now)
            found = Carried(target.tree.source)
            why = "what changes here stands on one line with other things"
            self._conflict(*side, misfit.line, why, "carry it by hand")
        if found.problems:
            raise Untranslated(found.problems)
        for line, other, *said in found.conflicts:
            self.found.conflicts.append(told(*said, self.target.place(mine, line), self.new.place(now, other)))
        self.found.renamed |= {path_of(new): path_of(old) for new, old in found.renamed.items()}
        if not target.data and (found.differs or old is not target):
            self.edited[becomes] = name, now, mine
        path, source = self.target.path(becomes), self.target.path(mine)
        if found.text != target.tree.source or path != source:
            self.found.changes.append(Change(path, target.tree.source, found.text, source if path != source else ""))

    def _checked(self) -> None:
        """Look at what becomes of templates, since not every change has an edit that fits."""
        done = {one.path: one for one in self.found.changes}
        there = self.target.instead({path: one.after for path, one in done.items() if one.after is not None})
        for name, (_, now, _) in self.edited.items():
            self._guarded(now, self._arrived, name, there, done)
        self.found.changes = [*done.values()]
        if not self.only:
            self._guarded("", self._left_behind)

    def _left_behind(self) -> None:
        """Tell what alone still reads a value that is gone, such as a line that the target alone has."""
        there = self.target.instead({one.path: one.after for one in self.found.changes if one.after is not None})
        known = [set(_paths(load_yaml(one.files.get(one.defaults, ""), ""))) for one in (self.old, self.new, there)]
        gone = known[0] - known[1] - known[2]
        deleted = {one.source or one.path for one in self.found.changes if one.source or one.after is None}
        files = [name for name in there.templates if there.path(name) not in deleted]
        reads = _reads(there, files) if gone else {}
        for path in sorted(gone & reads.keys()):
            if path not in self.new_reads:
                told = f"reads {dotted(path)}, which is gone"
                self._conflict(there, *reads[path], told, "read another value here, or take it away")

    @functools.cached_property
    def new_reads(self) -> dict[tuple[str, ...], tuple[str, int]]:
        """The values that the new version reads."""
        return _reads(self.new, [*self.new.templates])

    def _arrived(self, name: str, there: Version, done: dict[str, Change]) -> None:
        """Write a template anew that is to be like the new version and isn't. Between versions, one that differs more from
        it than from the old one is edited as by a plain pull, if it was like that; where this does not help, it is left."""
        (old, now, mine), path = self.edited[name], there.path(name)
        left = [*line_differences(self.new, there, now, name)]
        if not left or self._in_conflict(mine):
            return
        own, source = self.target.templates[mine], self.target.path(mine)
        renamed = source if path != source else ""
        if self.old is self.target:
            done[path] = Change(path, own, self.target.whole(self._side(self.new, now).tree, self._macros()), renamed)
            return
        before = _lines(line_differences(self.old, self.target, old, mine))
        more = _lines(left) - before
        if more <= 0 or before and more <= 2 * self._said(name, there):  # as what does not pair is told on both sides
            return
        text = None if before else self._plainly(now, mine)
        if text and not [*line_differences(self.new, there.instead({path: text}), now, name)]:
            done[path] = Change(path, own, text, renamed)
            return
        done.pop(path, None)
        theirs, ours = (side[0][0] if isinstance(side, list) else 1 for side in (left[0].expected, left[0].got))
        told = f"what changes at {self.new.place(now, theirs)} has no edit that fits here"
        plainly = ", or pull the file without --since" if not before and isinstance(self.target, Pack) else ""
        self._conflict(self.target, mine, min(ours, own.count("\n") + 1), told, f"carry it by hand{plainly}")

    def _said(self, name: str, there: Version) -> int:
        """How many lines change that a template which deviates from the old version says, or 0 where it lacks one."""
        old, now, mine = self.edited[name]
        sides = ((self.old, old), (self.new, now), (self.target, mine), (there, name))
        was, new, before, after = (Counter(map(str.strip, self._keys(*side))) for side in sides)
        kept = any(after[key] >= before[key] >= was[key] for key in was - new)
        return 0 if kept or (new - was).keys() - after.keys() else ((new - was) + (was - new)).total()

    def _plainly(self, now: str, mine: str) -> str | None:
        """What becomes of a template that takes over all of the new version edit by edit, if it can."""
        target, new = self._side(self.target, mine), self._side(self.new, now)
        writer = self.target.writer(target.tree, self._macros())
        try:
            return Carrier(target, new, target, writer, lambda: None).carried().text
        except (Misfit, Untranslatable):
            return None

    def _in_conflict(self, mine: str) -> bool:
        return any(one.place.file == self.target.place(mine, 1).file for one in self.found.conflicts)

    def _conflict(self, version: Version, name: str, line: int, message: str, mend: str) -> None:
        self.found.conflicts.append(Finding((), message, mend, CONFLICT, place=version.place(name, line)))

    def _gone(self, name: str) -> None:
        mine = self._mine(name)
        if mine not in self.target.templates:
            return
        if self.old is not self.target and self._keys(self.old, name) != self._keys(self.target, mine):
            was = self.old.place(name, 1)
            self._conflict(self.target, mine, 1, f"differs from {was}, which is deleted", "delete it, or keep it")
            return
        self.found.changes.append(Change(self.target.path(mine), self.target.templates[mine], None))

    def _fresh(self, name: str) -> None:
        if self.new.says_nothing(name):
            return
        if name not in self.target.templates:
            text = self.target.whole(self.new.tree_as(self.target, name), self._macros())
            self.found.changes.append(Change(self.target.path(name), None, text))
        elif self._keys(self.new, name) != self._keys(self.target, name):
            told = f"is there already, and differs from {self.new.place(name, 1)}, which is new"
            self._conflict(self.target, name, 1, told, "carry it by hand")


def words_of(side: Side) -> list[str]:
    """What a template says, in order: two for which it is equal need no comparison."""
    return [one.key for one in side.outline().items if not one.free]


def _paths(values: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all values."""
    for key, value in values.items() if isinstance(values, dict) else ():
        yield (*path, key)
        yield from _paths(value, (*path, key))


def _reads(version: Version, files: list[str]) -> dict[tuple[str, ...], tuple[str, int]]:
    """The values that some templates read, each with a file and a line."""
    found = (
        (one, file, node)
        for file in files
        for node, expr in expressions(version.tree(file).body)
        for one in parts_of(expr)
    )
    return {path: (file, node.line) for one, file, node in found if (path := value_of(one))}


def _lines(found: Iterable[Difference]) -> int:
    """How many lines differ."""
    return sum(len(side) for one in found for side in (one.expected, one.got) if isinstance(side, list))


def told(was: str, ours: str, theirs: str, place: Place, other: Place) -> Finding:
    """A conflict: what was there, and what both sides say, each at its place."""
    where = f", where it was `{_brief(was)}`" if was else ""
    message = f"differs here from what is changed: it says `{_brief(ours) or 'nothing'}`{where}"
    does = f"makes `{_brief(theirs)}` of it" if theirs else "takes it away"
    return Finding((), message, f"{other} {does}", CONFLICT, place=place)


def _brief(text: str) -> str:
    text = " / ".join(line.strip() for line in text.strip().splitlines())
    return text if len(text) <= 160 else f"{text[:157]}..."
