# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Finds the line of a template, in Go or in Jinja, that prints a field of an object."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

STEP = re.compile(r'\[([^\]]*)\]|"([^"]*)"|([^.\[\]"]+)')
TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")
FORMAT = re.compile(r'\{\{-?\s*\(?printf[( ]"([^"]*)".*?\}\}')
COMMENT = re.compile(r"\{\{-?\s*/\*.*?\*/\s*-?\}\}|\{#.*?#\}", re.S)
FAR = 50  # lines before one that are looked at
ITEM = re.compile(r"\s*- ")


def printing(source: str, kind: str, path: str, value: Any) -> int:
    """The number of the line that prints a field.

    A field that a passed-through value holds is printed where the last key that the template writes itself stands.

    Args:
        source: the template.
        kind: the object's kind, which tells the documents of a template apart.
        path: the field, such as spec.ports[gate].port.
        value: what it is, which tells items of a list apart that stand in conditions.
    """
    lines = COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source).split("\n")
    at = _document(lines, kind)
    steps = [found.groups() for found in STEP.finditer(path)]
    for number, (item, quoted, key) in enumerate(steps):
        if item is None:
            at = _key(lines, at, quoted or key)
        else:
            at = _item(lines, at, item, value if number == len(steps) - 1 else None)
    return at + 1


def last_key(path: str) -> str:
    """The key that a path ends in, or that of the list whose item it ends in."""
    keys = [quoted or key for item, quoted, key in STEP.findall(path) if quoted or key]
    return keys[-1] if keys else ""


def _document(lines: list[str], kind: str) -> int:
    """Where the document of a kind begins."""
    for at, line in enumerate(lines):
        if re.fullmatch(rf"kind: [\"']?{re.escape(kind)}[\"']?\s*", line):
            return max((begun for begun in range(at) if re.match("---|apiVersion:", lines[begun])), default=0)
    return 0


def _key(lines: list[str], at: int, key: str) -> int:
    pattern = re.compile(rf"\s*(- )*[\"']?{re.escape(key)}[\"']?:")
    return next((number for number in _below(lines, at) if pattern.match(lines[number])), at)


def _below(lines: list[str], at: int) -> Iterator[int]:
    """A line and those after it that are not less indented than its key."""
    column = len(lines[at]) - len(lines[at].lstrip(" -"))
    yield at
    for number in range(at + 1, len(lines)):
        if re.match(r"\s*[-\w\"']", lines[number]) and len(lines[number]) - len(lines[number].lstrip()) < column:
            return
        yield number


def _item(lines: list[str], at: int, item: str, value: Any) -> int:
    """Where an item of the list below a key begins, named or counted."""
    items: list[tuple[int, int]] = []
    for number in list(_below(lines, at))[1:]:
        line = lines[number]
        indent = len(line) - len(line.lstrip())
        if not items and ITEM.match(line) or items and indent == items[0][1] and ITEM.match(line):
            items.append((number, indent))
        elif items and re.match(r"\s*[-\w\"']", line) and indent <= items[0][1]:
            break
    if not items:
        return at
    numbers = [number for number, _ in items]
    if not item.isdigit():
        named = re.compile(rf"\s*- name: [\"']?{re.escape(item)}[\"']?\s*$")
        return next((number for number in numbers if named.match(lines[number])), at)
    if isinstance(value, (str, int)):
        best = max(numbers, key=lambda number: _fits(lines[number], str(value)))
        return best if _fits(lines[best], str(value)) >= 0 else at
    return numbers[min(int(item), len(numbers) - 1)]


def _fits(line: str, value: str) -> int:
    """How much of an item's text is its own where it prints a text for some values; -1 where it never does."""
    text = FORMAT.sub(lambda found: re.sub("%[a-z]", "{{}}", found[1]), line.strip().removeprefix("- "))
    first, *rest = TAG.split(text.strip("\"'"))
    value, at = value.strip("\"'"), len(first)
    if not rest:
        return at if first == value else -1
    for piece in rest[:-1]:
        at = value.find(piece, at) + len(piece) if value.find(piece, at) >= 0 else len(value) + 1
    fits = value.startswith(first) and value.endswith(rest[-1]) and at + len(rest[-1]) <= len(value)
    return len(first) + sum(map(len, rest)) if fits else -1


def saying(source: str, lines: list[str], at: int) -> int:
    """The number of the template's line that prints a line of its output, or else the nearest line before it.

    Args:
        source: the template.
        lines: a document of its output.
        at: the index of the line in it.
    """
    written = COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source).split("\n")
    plain = [re.sub(r"^(- )+", "", line.strip()) for line in written]
    said = [re.sub(r"^(- )+", "", line.strip()) for line in lines[: at + 1]]
    for here in range(len(said) - 1, max(-1, at - FAR), -1):
        fits = [_fits(line, said[here]) for line in plain]
        best = max(fits)
        if said[here] and best > 0:
            some = [number for number, fit in enumerate(fits) if fit == best][:FAR]
            return max(some, key=lambda number: (_before(plain, number, said[:here]), -number)) + 1
    return 1


def _before(plain: list[str], number: int, said: list[str]) -> int:
    """How much the line before one in a template has in common with the line before one in its output."""
    above = next((line for line in reversed(plain[max(0, number - FAR) : number]) if TAG.sub("", line).strip()), "")
    return _fits(above, next(filter(None, reversed(said)), ""))
