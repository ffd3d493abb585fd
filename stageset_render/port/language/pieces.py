# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What a template says, item by item, and its lines in pieces: runs of text, and things printed."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field

from stageset_render.findings import Refused
from stageset_render.helm.reading import Document
from stageset_render.port.language.tree import Branch, Node, Print

QUOTED = re.compile(r"""(?<![\w.])(?:"(?:\\.|[^"\\])*"|'[^']*')|\s\#""")
HELD = 0xE000  # characters of no text, each of which stands for something printed


@dataclass
class Piece:
    """A run of text, or something printed."""

    start: int
    end: int
    text: str = ""
    node: Print | None = None
    means: str = ""


@functools.lru_cache(maxsize=512)
def loaded(text: str) -> object:
    """The list or map that a text of YAML is to Helm; nothing for another, or for what is none."""
    try:
        read = Document(text, "")
        (found,) = [read.value(root) for root in read.roots]
    except (Refused, RecursionError, ValueError):
        return None
    return found if isinstance(found, (dict, list)) else None


def tight(text: str) -> str:
    """A text without quotes, and without blanks that only lay it out."""
    return re.sub(r" {2,}", " ", text.replace('"', "").replace("'", ""))


@dataclass(eq=False)
class Item:
    """One thing that a template says.

    Attributes:
        kind: line, set or block.
        key: what it says, behind two blanks for each key and dash that it lies below.
        stands: the column that it really stands in; less than nothing where that is not known.
        off: how far it stands from what lies below the same key before it, where that makes it no part of the same.
        start, end: what it takes up of the source, without white space around it.
        name: of a line that begins with a key of YAML, that.
        pieces: of a line, what it consists of.
        node: of a set, or of a block.
        free: whether it says nothing by itself: a variable that is another name of a value.
        bodies: of a block, the branches with their keys and items.
    """

    kind: str
    key: str
    start: int
    end: int
    line: int
    name: str = ""
    pieces: list[Piece] = field(default_factory=list)
    node: Node | None = None
    free: bool = False
    stands: int = -1
    off: int = 0
    inside: bool = False  # whether it is a line of a text, of which each may stand otherwise
    bodies: list[tuple[Branch, str, list[Item]]] = field(default_factory=list)
    marks: tuple[tuple[int, int], ...] = ()  # where in the key the lines of the source begin
    parents: tuple[str, ...] = ()  # the keys of YAML that it lies below; an item of a list is "-" and its first line

    @property
    def column(self) -> int:
        return len(self.key) - len(self.key.lstrip(" "))

    @property
    def form(self) -> str:
        """Of a block, what it is: if, for or macro."""
        return self.bodies[0][0].block.kind

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple("-" if one[0] == "-" else one for one in self.parents)

    @property
    def size(self) -> int:
        return 1 + sum(item.size for _, _, items in self.bodies for item in items)


def joined(pieces: list[Piece]) -> str:
    """A line with a character for each thing printed."""
    return "".join(chr(HELD + at % 6000) if one.node else one.text for at, one in enumerate(pieces))


def uncommented(pieces: list[Piece]) -> list[Piece]:
    """A line of YAML without the comment at its end; nothing for one that is a comment."""
    text, at = joined(pieces), 0
    if text.lstrip().startswith("#"):
        return []
    sign = next((found for found in QUOTED.finditer(text) if found[0].endswith("#")), None)
    if not sign:
        return pieces
    kept = []
    for one in pieces:
        length = 1 if one.node else len(one.text)
        left = sign.start() - at
        at += length
        if left <= 0:
            break
        kept.append(one if length <= left else Piece(one.start, one.start + left, one.text[:left]))
    return trimmed(kept, False)


def trimmed(pieces: list[Piece], front: bool = True) -> list[Piece]:
    """Pieces without the white space before and behind them."""
    found = [one for one in pieces if one.node or one.text]
    while found and found[-1].node is None and not found[-1].text.strip():
        found.pop()
    if found and found[-1].node is None:
        text = found[-1].text.rstrip()
        found[-1] = Piece(found[-1].start, found[-1].start + len(text), text)
    while front and found and found[0].node is None and not found[0].text.strip():
        found.pop(0)
    if front and found and found[0].node is None:
        text = found[0].text.lstrip()
        found[0] = Piece(found[0].end - len(text), found[0].end, text)
    return found
