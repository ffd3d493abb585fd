# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Carries what differs between two versions, of a chart or of the pack, onto a third: all their files."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from stageset_render.findings import Refused
from stageset_render.port.carry.carry import Carried, Carrier, Conflict
from stageset_render.port.carry.edits import Misfit
from stageset_render.port.carry.versions import Untranslated, Version
from stageset_render.port.deliberate import entries
from stageset_render.port.language.named import as_named, macros_as_named
from stageset_render.port.language.outline import Side, flat

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
    """What becomes of the files, and the conflicts by path."""

    changes: list[Change] = field(default_factory=list)
    conflicts: list[tuple[str, Conflict]] = field(default_factory=list)


class Carriage:
    """Carries the changes from `old` to `new` onto `target`; where `old` is `target`, it becomes what `new` is.

    Args:
        only: limits it to one file of the target, or of the new version.
    """

    def __init__(self, old: Version, new: Version, target: Version, only: str | None = None):
        self.old, self.new, self.target, self.only = old, new, target, only
        self.found, self.problems = Changes(), []

    def carried(self) -> Changes:
        """Refused: with all that has no exact form."""
        gone = [name for name in self.old.templates if name not in self.new.templates and not self._own(name)]
        fresh = [name for name in self.new.templates if name not in self.old.templates]
        moved = dict(self._renamed(gone, fresh))
        pairs = [(name, name) for name in self.old.templates if name in self.new.templates]
        for name, now in [*pairs, *moved.items()]:
            if self._is_wanted(name, now):
                self._guarded(now, self._template, name, now)
        for name in gone:
            if name not in moved and self._is_wanted(name):
                self._guarded(name, self._gone, name)
        for name in fresh:
            if name not in moved.values() and self._is_wanted(name):
                self._guarded(name, self._fresh, name)
        if self._is_wanted(self.target.defaults, self.new.defaults) and all(
            side.defaults in side.files for side in (self.old, self.new, self.target)
        ):
            self._guarded(self.new.defaults, self._defaults)
        if self.problems:
            raise Refused(*self.problems)
        self.found.changes.sort(key=lambda one: one.path)
        self.found.conflicts.sort(key=lambda one: (one[0], one[1].line))
        return self.found

    def _guarded(self, name: str, carry, *arguments) -> None:
        try:
            carry(*arguments)
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
        where = f"templates/{name}"
        return self.old is self.target and any(
            entry.get("what") == "file" and fnmatch.fnmatch(where, entry["where"]) for entry in entries()
        )

    # Files

    def _keys(self, version: Version, name: str) -> list[str]:
        tree = as_named(version, self.target, name)
        return [text for text, _, _ in flat(Side(tree, self.target.values).outline().items)]

    def _renamed(self, gone: list[str], fresh: list[str]) -> Iterator[tuple[str, str]]:
        """The files that mean the same, or nearly, under another name."""
        for name in gone:
            best, most = "", ALIKE
            for other in fresh:
                try:
                    sides = self._keys(self.old, name), self._keys(self.new, other)
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
        return Side(as_named(version, self.target, name), self.target.values, name == version.defaults)

    def _old(self, name: str) -> Side:
        """A side that is only read."""
        if name not in self.old.read_once:
            self.old.read_once[name] = self._side(self.old, name)
        return self.old.read_once[name]

    def _macros(self) -> dict[str, tuple[str, ...]]:
        return {**self.target.macros, **macros_as_named(self.new, self.target)}

    def _carrier(self, old: Side, new: Side, target: Side) -> Carried:
        macros = self._macros()
        writer = self.target.writer(target.tree, macros)
        return Carrier(old, new, target, writer, lambda: self.target.whole(new.tree, macros)).carried()

    def _template(self, name: str, now: str) -> None:
        mine = now if now in self.target.templates and name not in self.target.templates else name
        renamed = now != name and mine == name
        if type(self.old) is type(self.new) and self.old.templates[name] == self.new.templates[now] and not renamed:
            return
        if mine not in self.target.templates:
            if self._keys(self.old, name) != self._keys(self.new, now):
                self._missing(name, now)
            return
        target = self._side(self.target, mine)
        old = target if self.old is self.target else self._old(name)
        found = self._settled(old, self._side(self.new, now), target, now)
        self._note(mine, now if renamed else mine, target.tree.source, found)

    def _settled(self, old: Side, new: Side, target: Side, now: str) -> Carried:
        """What becomes of a template; where it is to mean what the new version means, it is looked at whether it does."""
        try:
            found = self._carrier(old, new, target)
        except Misfit as misfit:
            told = "(what changes here stands on one line with other things; carry it by hand)"
            return Carried(target.tree.source, [Conflict(misfit.line, "", "", told)])
        if found.problems:
            raise Untranslated(found.problems)
        return found

    def _note(self, mine: str, now: str, before: str, found: Carried) -> None:
        path, source = self.target.path(now), self.target.path(mine)
        self.found.conflicts += [(source, one) for one in found.conflicts]
        if found.text != before or path != source:
            self.found.changes.append(Change(path, before, found.text, source if path != source else ""))

    def _missing(self, name: str, now: str) -> None:
        told = Conflict(1, "", f"(there is no {self.target.path(name)})", self.new.templates[now])
        self.found.conflicts.append((self.target.path(name), told))

    def _gone(self, name: str) -> None:
        if name not in self.target.templates:
            return
        if self.old is not self.target and self._keys(self.old, name) != self._keys(self.target, name):
            told = Conflict(1, "", f"{self.target.path(name)} differs from what is deleted", "(deleted)")
            self.found.conflicts.append((self.target.path(name), told))
            return
        self.found.changes.append(Change(self.target.path(name), self.target.templates[name], None))

    def _fresh(self, name: str) -> None:
        if self.new.says_nothing(name):
            return
        if name in self.target.templates:
            if self._keys(self.new, name) != self._keys(self.target, name):
                told = Conflict(1, "", f"(there is another {self.target.path(name)} already)", self.new.templates[name])
                self.found.conflicts.append((self.target.path(name), told))
            return
        text = self.target.whole(as_named(self.new, self.target, name), self._macros())
        self.found.changes.append(Change(self.target.path(name), None, text))

    def _defaults(self) -> None:
        target = self._side(self.target, self.target.defaults)
        old = target if self.old is self.target else self._old(self.old.defaults)
        found = self._carrier(old, self._side(self.new, self.new.defaults), target)
        self._note(self.target.defaults, self.target.defaults, target.tree.source, found)
