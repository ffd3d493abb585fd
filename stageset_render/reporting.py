# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes what was found: for people, for programs (JSON, SARIF) and for GitHub."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TextIO

from stageset_render.findings import ERROR, WARNING, Finding, Hint, Place, brief, dotted, short
from stageset_render.helm.values import Source, source_of
from stageset_render.wording import mended, sentence

MOST_FINDINGS = 100  # printed of one release; more help nobody
FORMATS = ("text", "json", "github", "sarif")
COLOURS = {ERROR: "31", WARNING: "33"}
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
UNPRINTABLE = r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"


class Told(NamedTuple):
    """A finding with where its value was written; an ignored one with the reason given, which may be empty."""

    finding: Finding
    place: Place | None
    source: Source | None
    release: str = ""
    ignored: str | None = None

    @property
    def message(self) -> str:
        path = f"{brief(self.finding.path)}: " if self.finding.path else ""
        return path + sentence(self.finding, self.source)


def located(findings: Iterable[Finding], sources: list[Source], release: str = "") -> list[Told]:
    """Findings by file as given, then by line and column; those about a default, which has no place, at the end."""
    order = {source.label: number for number, source in reversed(list(enumerate(sources)))}
    found = []
    for finding in findings:
        source, steps = source_of(sources, finding.path) if finding.path and not finding.place else (None, 0)
        place = finding.place
        if source:
            place = source.place(finding.path[:steps], finding.at_key or steps < len(finding.path))
        found.append(Told(finding, place, source, release))
    last = len(order)

    def rank(one: Told) -> tuple[int, int, int]:
        if one.place is None:
            return last + 1, 0, 0
        return order.get(one.place.file, last), one.place.line or 0, one.place.column or 0

    return sorted(found, key=rank)


# Reports


class Report:
    """Writes the findings of one run to a stream, release by release, and at the end what they come to.

    Args:
        stream: where to.
        strict: whether a warning counts as an error.

    Attributes:
        most: how many are written of one release; to programs all are.
    """

    most: float = MOST_FINDINGS

    def __init__(self, stream: TextIO, strict: bool = False):
        self.stream, self.strict = stream, strict
        self.counts: Counter[str] = Counter()
        self._shared: set[str] = set()

    def add(self, told: Iterable[Told], rendered: bool = True) -> None:
        """Write what was found of one release."""
        shown = 0
        for one in told:
            if one.ignored is not None:
                self.counts["ignored"] += 1
            else:
                if self.strict and one.finding.level == WARNING:
                    one = one._replace(finding=one.finding._replace(level=ERROR))
                if one.release and not (one.place and one.place.file == one.release):
                    key = f"{one.place} {one.message}"  # what releases share, a file or an option, is said once
                    if key in self._shared:
                        continue
                    self._shared.add(key)
                self.counts[one.finding.level] += 1
                shown += 1
            if one.ignored is None and shown > self.most:
                self.counts["unsaid"] += 1
            else:
                self.write(one)
        self.counts["refused"] += not rendered

    @property
    def good(self) -> bool:
        """Whether nothing has been refused."""
        return not self.counts["refused"]

    def write(self, one: Told) -> None:
        raise NotImplementedError

    def close(self, checked: bool = False) -> None:
        """Write what the findings come to; on a terminal also that nothing was found, where only checking was asked for."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        self.stream.write(f"{text}\n")

    def summary(self) -> str:
        """The line that counts; empty when there is nothing to count."""
        counted = [
            f"{self.counts[key]} {word}{'s' * (self.counts[key] > 1 and key != 'ignored')}"
            for key, word in ((ERROR, "error"), (WARNING, "warning"), ("ignored", "ignored"))
            if self.counts[key]
        ]
        more = f" ({self.counts['unsaid']} more than are shown)" if self.counts["unsaid"] else ""
        return ", ".join(counted) + more + ("; nothing rendered" if self.counts["refused"] else "") if counted else ""


class Text(Report):
    """For people: a line each, and on a terminal in colour, wrapped, with the line of the file that is meant."""

    def __init__(self, stream: TextIO, strict: bool = False):
        super().__init__(stream, strict)
        self.terminal = stream.isatty()
        self.coloured = self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._listed: set[tuple] = set()

    def write(self, one: Told) -> None:
        if one.ignored is not None:
            return
        if isinstance(one.finding.mend, Hint) and one.finding.mend.known:  # said once
            if one.finding.mend.known in self._listed:
                one = one._replace(finding=one.finding._replace(mend=one.finding.mend._replace(known=())))
            self._listed.add(one.finding.mend.known if isinstance(one.finding.mend, Hint) else ())
        where = _where(one, shown=False)
        level, rule = one.finding.level, f" [{one.finding.rule}]" if one.finding.rule else ""
        if not self.terminal:
            self.say(escaped(f"{where}{level}: {one.message}{rule}"))
            return
        text = escaped(f"{where}{level}: {one.message}{rule}")
        width = max(40, shutil.get_terminal_size().columns)
        import textwrap  # only a terminal pays for it

        text = textwrap.fill(text, width, subsequent_indent="    ", break_on_hyphens=False, break_long_words=False)
        if self.coloured:
            text = text.replace(f"{level}:", f"\x1b[1;{COLOURS[level]}m{level}:\x1b[0m", 1)
            text = f"\x1b[1m{where.rstrip()}\x1b[0m{text.removeprefix(where.rstrip())}" if where else text
        self.say(text)
        for line in _pointed(one, width):
            self.say(line)

    def close(self, checked: bool = False) -> None:
        if line := self.summary() or ("nothing is wrong" if checked and self.terminal else ""):
            self.say(line)


def _pointed(one: Told, width: int) -> Iterator[str]:
    """The line of the file, and below it a caret; of a long line the part around it."""
    if not (one.source and one.source.text is not None and one.place and one.place.line):
        return
    number, line = str(one.place.line), one.source.text.split("\n")[one.place.line - 1].rstrip("\r")
    room, at = width - len(number) - 5, one.place.column - 1
    start = max(0, at - room // 2) if columns(line) > room else 0
    shown, before = "", 0
    for index, letter in enumerate(line[start:], start):
        letter = "    " if letter == "\t" else escaped(letter)
        if columns(shown + letter) > room:
            break
        before += columns(letter) if index < at else 0
        shown += letter
    yield f"  {number} | {shown}"
    yield f"  {' ' * len(number)} | {' ' * before}^"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    import unicodedata

    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)


def escaped(text: str) -> str:
    """A text in which no character moves the cursor or begins a new line."""
    return re.sub(UNPRINTABLE, lambda found: ascii(found[0])[1:-1], text)


class Json(Report):
    """For programs: one list of objects."""

    most = math.inf

    def __init__(self, stream: TextIO, strict: bool = False):
        super().__init__(stream, strict)
        self._any = False

    def write(self, one: Told) -> None:
        if one.ignored is not None:
            return
        entry = {
            "rule": one.finding.rule,
            "level": one.finding.level,
            "path": dotted(one.finding.path),
            "message": one.finding.message,
            "hint": mended(one.finding, one.source),
            "file": one.place and one.place.file,
            "line": one.place and one.place.line,
            "column": one.place and one.place.column,
        }
        if one.release:
            entry["release"] = one.release
        self.stream.write((",\n " if self._any else "[") + json.dumps(entry))
        self._any = True

    def close(self, checked: bool = False) -> None:
        self.say("]" if self._any else "[]")


class GitHub(Report):
    """For GitHub's workflows, which show each finding at its line."""

    def write(self, one: Told) -> None:
        if one.ignored is not None:
            return
        place = one.place if one.place and one.place.line else None
        fields = {"file": place.file, "line": place.line, "col": place.column} if place else {}
        fields = {**fields, "title": one.finding.rule}
        told = ",".join(f"{key}={_command(str(value), ':,')}" for key, value in fields.items() if value)
        self.say(f"::{one.finding.level} {told}::{_command(_where(one, place is not None) + one.message)}")

    def close(self, checked: bool = False) -> None:
        if line := self.summary():
            self.say(line)


def _where(one: Told, shown: bool) -> str:
    """What a message must begin with where its place is not shown beside it: the release of several, an option, a file."""
    release = f"{one.release}: " if one.release and not (one.place and one.place.file == one.release) else ""
    return release + (f"{one.place}: " if one.place and not shown else "")


def _command(text: str, more: str = "") -> str:
    """A text in a command of a workflow."""
    return re.sub(f"[%\r\n{more}]", lambda found: f"%{ord(found[0]):02X}", text)


class Sarif(Report):
    """SARIF 2.1.0 (OASIS), for code scanning; what is ignored is in it as suppressed."""

    most = math.inf

    def __init__(self, stream: TextIO, strict: bool = False):
        super().__init__(stream, strict)
        self._results: list[dict] = []

    def write(self, one: Told) -> None:
        result: dict[str, Any] = {"ruleId": one.finding.rule, "level": one.finding.level}
        result["message"] = {"text": _where(one, bool(one.place and one.place.line)) + one.message}
        location: dict[str, Any] = {}
        if one.place and one.place.line:
            region = {"startLine": one.place.line, "startColumn": one.place.column or 1}
            location["physicalLocation"] = {"artifactLocation": {"uri": _uri(one.place.file)}, "region": region}
        if one.finding.path:
            location["logicalLocations"] = [{"fullyQualifiedName": dotted(one.finding.path), "kind": "member"}]
        if location:
            result["locations"] = [location]
        if one.ignored is not None:
            kind = "inSource" if one.ignored else "external"
            result["suppressions"] = [{"kind": kind, **({"justification": one.ignored} if one.ignored else {})}]
        self._results.append(result)

    def close(self, checked: bool = False) -> None:
        from stageset_render import __version__
        from stageset_render.rules import every

        used = {result["ruleId"] for result in self._results}
        rules = [rule for rule in every() if rule.name in used]
        numbers = {rule.name: number for number, rule in enumerate(rules)}
        for result in self._results:
            if result["ruleId"] in numbers:
                result["ruleIndex"] = numbers[result["ruleId"]]
            else:
                del result["ruleId"]
        driver = {
            "name": "stageset-render",
            "version": __version__,
            "rules": [
                {
                    "id": rule.name,
                    "shortDescription": {"text": rule.summary},
                    "help": {"text": rule.effect},
                    **({"helpUri": rule.source} if rule.source else {}),
                    "defaultConfiguration": {"level": rule.level},
                }
                for rule in rules
            ],
        }
        run = {"tool": {"driver": driver}, "results": self._results, "columnKind": "unicodeCodePoints"}
        self.say(json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2))


def _uri(file: str) -> str:
    from urllib.parse import quote

    return quote(file.replace(os.sep, "/"))


def report(form: str | None, strict: bool = False, stream: TextIO | None = None) -> Report:
    """The report in a format, on stderr; by itself in GitHub's under GitHub's workflows."""
    form = form or ("github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text")
    return {"text": Text, "json": Json, "github": GitHub, "sarif": Sarif}[form](stream or sys.stderr, strict)


def plainly(refused: Exception) -> str:
    """What was refused, in words for a place that has no report, such as wrong usage."""
    return escaped(short(str(refused), 2000))
