# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Leaves out what the user has judged: by `--ignore RULE`, and by a comment in a values file above or behind a value:

    # stageset: ignore RULE[,RULE] why

A rule is named by its name or by a pattern such as `mesh-*`. An ignore that meets nothing is told, since what it was
for has changed.
"""

from __future__ import annotations

import bisect
import fnmatch
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import yaml

from stageset_render.findings import WARNING, Finding, Hint, Place, Refused, short
from stageset_render.helm.reading import Document, document
from stageset_render.helm.values import Source, place_of

COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[ \t]*stageset:[ \t]*ignore\b[ \t]*((?:[^\s,]+,[ \t]*)*\S*)[ \t]*(.*)$", re.M)


class Comment(NamedTuple):
    """What a comment ignores, where it stands, and the lines that it is about."""

    rules: tuple[str, ...]
    reason: str
    place: Place
    lines: tuple[int, int]


class Ignored:
    """What is ignored of a release.

    Args:
        names: the rules of --ignore.
        sources: where values come from; the files among them may hold comments.
        above: what several releases share.
    """

    def __init__(self, names: Iterable[str] = (), sources: Iterable[Source] = (), above: Ignored | None = None):
        self._names, self._sources, self._above = tuple(names), list(sources), above
        shared = set(map(id, above._sources)) if above else ()
        self._met: set[str | tuple[Place, str]] = set()  # names of --ignore, and of comments with their place
        self._comments = [one for source in self._sources if id(source) not in shared for one in _comments(source)]
        self._about: dict[tuple[str, int], list[dict[str, Comment]]] = {}  # by file and line, a map for each range
        ranges: dict[tuple[str, tuple[int, int]], dict[str, Comment]] = {}
        for one in self._comments:
            ranges.setdefault((one.place.file, one.lines), {}).update(dict.fromkeys(one.rules, one))
        for (file, (first, last)), rules in ranges.items():
            for line in range(first, last + 1):
                self._about.setdefault((file, line), []).append(rules)

    def of(self, sources: list[Source]) -> Ignored:
        """What is ignored of one of several releases."""
        return Ignored((), sources, above=self)

    def left(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings that nobody has judged."""
        return [one for one, reason in self.sorted(findings) if reason is None]

    def sorted(self, findings: Iterable[Finding]) -> Iterator[tuple[Finding, str | None]]:
        """Each finding with the reason for which it is ignored, which may be empty; None where it is not."""
        commented = bool(self._about or self._above and self._above._about)
        for finding in findings:
            place = finding.place
            if commented and not place:
                place = place_of(self._sources, finding.path, finding.at_key)
            yield finding, self._reason(finding.rule, place)

    def _reason(self, rule: str, place: Place | None) -> str | None:
        reason = self._above._reason(rule, place) if self._above else None
        for name in self._names:
            if fnmatch.fnmatchcase(rule, name):
                self._met.add(name)
                reason = reason or ""
        for rules in self._about.get((place.file, place.line), ()) if place else ():
            for name in rules:
                if fnmatch.fnmatchcase(rule, name):
                    self._met.add((rules[name].place, name))
                    reason = reason or rules[name].reason or "without a reason"
        return reason

    def unmet(self) -> list[Finding]:
        """A warning for each ignore, less those that are shared, that has met nothing."""
        found = [(Place(f"--ignore {name}"), _unmet()) for name in self._names if name not in self._met]
        for one in self._comments:
            left = [name for name in one.rules if (one.place, name) not in self._met]
            found += [(one.place, _unknown(name) or _unmet(name if len(one.rules) > 1 else "")) for name in left]
            found += [] if one.rules else [(one.place, ("names no rule", "write one behind ignore, or *"))]
        return [Finding((), *what, "ignore-unmet", WARNING, place=place) for place, what in found]


def _unmet(name: str = "") -> tuple[str, str]:
    return f"{name}{name and ' '}meets nothing, so what it was for has changed or is elsewhere", "leave it out"


def known(names: Iterable[str]) -> None:
    """Refuse a name that is no rule's; a pattern may meet none."""
    for name in names:
        if found := _unknown(name):
            raise Refused(Finding((), *found))


def _unknown(name: str) -> tuple[str, Hint | str] | None:
    """What is said of a name, or a pattern, that is no rule's."""
    from stageset_render.pack.hints import near
    from stageset_render.rules import every

    rules = [rule.name for rule in every()]
    if fnmatch.filter(rules, name):
        return None
    close = near(name, rules, 1)
    return f"there is no rule {short(repr(name))}", Hint(others=(close[0],)) if close else "--rules lists them"


# Comments


def _comments(source: Source) -> list[Comment]:
    if source.text is None or "stageset:" not in source.text:
        return []
    read = document(source.text, source.label)
    ends, texts = _layout(read)
    begun, lines, found = sorted(texts), sorted(ends), []
    for match in COMMENT.finditer(source.text):
        before = bisect.bisect_right(begun, match.start()) - 1
        if before >= 0 and match.start() < texts[begun[before]]:
            continue  # inside a text
        line = bisect.bisect_right(read.starts, match.start())
        place = Place(source.label, line, match.start() - read.starts[line - 1] + 1)
        alone = not source.text[read.starts[line - 1] : match.start()].strip()
        below = bisect.bisect_right(lines, line)
        first = lines[below] if alone and below < len(lines) else line
        if first > line and place.column > 1 + _indent(source.text, read.starts[first - 1]):
            first = line  # it is about the end of what stands above
        names = tuple(name for name in re.split(r"[\s,]+", match[1]) if name)
        found.append(Comment(names, match[2].strip(), place, (first, ends.get(first, first))))
    return found


def _indent(text: str, start: int) -> int:
    """How far the line that begins at `start` is indented."""
    return re.compile("[ \t]*").match(text, start).end() - start


def _layout(read: Document) -> tuple[dict[int, int], dict[int, int]]:
    """The line on which each entry begins with the one on which it ends, and where each text begins and ends."""
    ends: dict[int, int] = {}
    texts: dict[int, int] = {}
    waiting, seen = list(read.roots), set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            texts[read.index(node.start_mark)] = read.index(node.end_mark)
            continue
        pairs = node.value if isinstance(node, yaml.MappingNode) else [(item, item) for item in node.value]
        for key, value in pairs:
            first, last = read.at(key.start_mark).line, read.at(value.end_mark)
            ended = last.line - (last.column == 1 and last.line > first)  # a block ends where the next thing begins
            ends[first] = max(ends.get(first, 0), ended)
            waiting += {id(key): key, id(value): value}.values()
    return ends, texts
