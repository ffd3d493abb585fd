# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Edits of a text, and where in it whole lines, comments and words are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from stageset_render.helm.reading import scalar
from stageset_render.port.language.pieces import Item, Piece
from stageset_render.port.language.tree import Branch, Close, Comment, Tree

QUOTED = r"""\"(?:\\.|[^"\\\n])*\"|'[^'\n]*'"""
PRINTED = r"\{\{(?:(?!\}\}).)*\}\}"
WORDED = r"""[^\s,\[\]{}#"':]|(?<=[^\s,\[])["'#]|:(?=[^\s,\]])|[ ]+(?=[^\s,\]#])"""  # of a text without quotes
ITEM = rf"(?:{QUOTED}|(?! )(?:{PRINTED}|{WORDED})+)"
NOTE = r" *(?:#.*|\{\{-? */\*.*?\*/ *-?\}\}|\{#.*?#\})"
KEY = r"(?P<key> *(?:- +)*[\w./-]+:)"
LISTED = re.compile(rf"{KEY} +\[(?P<pad> *)(?P<items>(?:{ITEM}(?: *, *{ITEM})*)?) *\](?P<rest>(?:{NOTE})?) *\n")
LINE = rf"((?:{NOTE} *\n)*)( *)- +({QUOTED}|(?! )(?:{PRINTED}|{WORDED}|,)+)((?:{NOTE})?) *\n"
LINED = re.compile(rf"{KEY}(?P<rest>(?:{NOTE})?) *\n(?P<items>(?:{LINE})+)")
WORD = re.compile(r"\w+|\s+|[^\w\s]")


class Misfit(Exception):
    """A change that can't be carried by itself, as what changes stands on one line with other things, maybe of this template."""

    def __init__(self, tree: Tree | None = None, at: int = 0):
        super().__init__()
        self.tree, self.line = tree, tree.source.count("\n", 0, at) + 1 if tree else 1


class Edit(NamedTuple):
    """A part of a text, and what it becomes."""

    start: int
    end: int
    text: str


def apply(text: str, edits: list[Edit]) -> str:
    """A text with edits, of which one that lies in another counts for nothing."""
    out, at = [], 0
    for edit in sorted(edits, key=lambda one: (one.start, one.end > one.start, -one.end)):
        if edit.start >= at:
            out += [text[at : edit.start], edit.text]
            at = edit.end
    return "".join([*out, text[at:]])


class Page:
    """The lines of a template."""

    def __init__(self, tree: Tree):
        self.tree, self.source = tree, tree.source
        self.comments = {one.end: one for one in tree.parts if isinstance(one, Comment) and one.start < one.end}

    def begin(self, at: int) -> int:
        """Where the line begins whose first thing stands here. Misfit for a thing that stands behind another."""
        begun = self.source.rfind("\n", 0, at) + 1
        if self.source[begun:at].strip():
            raise Misfit(self.tree, at)
        return begun

    def end(self, at: int) -> int:
        """Where the next line begins. Misfit where something but a comment stands behind."""
        stop = self.source.find("\n", at) + 1 or len(self.source)
        behind = self.source[at:stop].strip()
        for one in self.comments.values():
            if at <= one.start and one.end <= stop:
                behind = behind.replace(self.source[one.start : one.end], "").strip()
        if behind and not behind.startswith("#"):
            raise Misfit(self.tree, at)
        return stop

    def whole(self, item: Item | Branch | Close, last: Item | None = None) -> tuple[int, int]:
        """The whole lines that something takes up, up to the last; in a text, with the blank ones before it."""
        start, end = self.begin(item.start), self.end((last or item).end)
        if isinstance(item, Item) and item.inside and (before := self.source[:start].rstrip()):
            start = self.source.index("\n", len(before)) + 1
        return start, end

    def above(self, start: int, known: set[str] | None = None) -> int:
        """Where the comments right above a line begin, but for those on top of the file, and for some that are known."""
        at = start
        while at:
            before = self.source.rfind("\n", 0, at - 1) + 1
            line = self.source[before : at - 1]
            comment = self.comments.get(before + len(line.rstrip()))
            begun = self.source.rfind("\n", 0, comment.start) + 1 if comment else before
            if comment and not self.source[begun : comment.start].strip():
                text = comment.text
            elif line.lstrip().startswith("#") and not self.tree.file.endswith(".txt"):
                text = line
            else:
                break
            if bare(text) in (known or ()):
                return at
            at = begun
        return start if at == 0 and start else at

    def notes(self, start: int, end: int) -> Iterator[str]:
        """The words of the comments in a part."""
        yield from (bare(one.text) for one in self.comments.values() if start <= one.start < end)
        yield from (bare(line) for line in self.source[start:end].splitlines() if line.lstrip().startswith("#"))


def bare(text: str) -> str:
    """The words of a comment."""
    return " ".join(text.strip(" \n#-+").split())


def relaid(mine: str, new: str) -> str:
    """A list of texts below a key, laid out and quoted as another is, of which what stays is as it was; or nothing."""
    here, there = (LISTED.fullmatch(text) or LINED.fullmatch(text) for text in (mine, new))
    if not here or not there or not here["items"]:
        return ""
    own, flow = _listed(here), here.re is LISTED
    known = {meant(text): (text, line) for text, line in own}
    quotes = {text[0] if re.fullmatch(QUOTED, text) else "" for text, _ in own}
    found = [known.get(meant(text)) or (requoted(text, quotes, flow), "") for text, _ in _listed(there)]
    head = re.sub(r"[\w./-]+:$", there["key"].split()[-1], here["key"])
    if flow or not found:
        pad = here["pad"] if flow else ""
        return f"{head} [{pad}{', '.join(text for text, _ in found)}{pad}]{here['rest']}\n"
    blank = re.match(LINE, here["items"])[2]
    return f"{head}{here['rest']}\n" + "".join(line or f"{blank}- {text}\n" for text, line in found)


def _listed(found: re.Match) -> list[tuple[str, str]]:
    """The texts of a list, each with its lines where it is on lines of its own."""
    if found.re is LISTED:
        return [(text, "") for text in re.findall(ITEM, found["items"])]
    return [(line[3], line[0]) for line in re.finditer(LINE, found["items"])]


def meant(text: str) -> tuple[type, str]:
    """What a text in a list is: its type, and the text without quotes."""
    inner = text[1:-1] if re.fullmatch(QUOTED, text) else text
    return type(scalar(text)) if inner == text else str, inner


def requoted(text: str, quotes: set[str], flow: bool) -> str:
    """A text in the quotes that those beside it have, or without, where it is a text then too."""
    kind, inner = meant(text)
    quote = '"' if flow and re.search(r"[,\[\]]", inner) else min(quotes)
    if kind is not str or len(quotes) > 1 and not quote or re.search(r"[\"'\\{]", inner):
        return text
    return (
        f"{quote}{inner}{quote}"
        if quote or re.fullmatch(r"[A-Za-z][\w./-]*", inner) and meant(inner)[0] is str
        else text
    )


def words(pieces: list[Piece]) -> list[Piece]:
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


def silent(word: str) -> bool:
    return word in ("'", '"', " ")


def spot(tree: Tree, item: Item | None, other: Item | None) -> tuple[int, int]:
    """The line in which an item begins to say something else than another, and where what it says there begins."""
    if item is None:
        return 1, 0
    sides = [
        [one for one in words(side.pieces if side else []) if one.node or not silent(one.text)]
        for side in (item, other)
    ]
    pairs = (
        (one, one.means if one.node else one.text, two.means if two.node else two.text) for one, two in zip(*sides)
    )
    at = next((one.start for one, mine, theirs in pairs if mine != theirs), item.start)
    return tree.source.count("\n", 0, at) + 1, max(tree.source.rfind("\n", 0, at) + 1, item.start)


def breaks(found: list[Piece], begun: int, end: int, source: str) -> bool:
    """Whether some words begin or end a line of a text that goes on."""
    first = found[begun - 1].end if begun else found[begun].start if begun < len(found) else 0
    last = found[end].start if end < len(found) else found[-1].end
    return end > begun and "\n" in source[first:last]
