# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Splits a Jinja template into its tags and the texts between them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from stageset_render.pack.environment import environment


@dataclass
class Tag:
    """One tag or text: `before` and `after` are the white space that its `-` trims, None without one."""

    kind: str
    line: int
    start: int
    end: int
    body: str = ""
    before: str | None = None
    after: str | None = None
    at: int = 0  # where the body of a text begins


def tags(text: str) -> Iterator[Tag]:
    """Split a template with Jinja's own lexer, which forgets nothing but the white space before a `-`."""
    at, begun = 0, None
    for line, kind, token in environment().lexer.tokeniter(text, None):
        start = text.index(token, at)
        gap, at = text[at:start], start + len(token)
        name, _, part = kind.rpartition("_")
        if part == "begin":
            begun = Tag(name, line, start, at, "", gap if token.endswith("-") else None)
        elif part == "end":
            marker = token.rstrip()
            begun.end, begun.after = start + len(marker), token[len(marker) :] if marker.startswith("-") else None
            yield begun
            begun = None
        elif begun:
            begun.body += gap + token
        else:
            yield Tag("text", line, start, at, token, at=start)


def whole(found: list[Tag], text: str) -> Iterator[Tag]:
    """The same with texts that hold what a `-` trims of them, too."""
    at, line, between = 0, 1, []
    for tag in [*found, Tag("end", 0, len(text), len(text))]:
        if tag.kind == "text":
            between.append(tag)
            continue
        if tag.start > at:
            one = between[0] if between else Tag("text", line, at, at, at=at)
            one.start, one.end, one.body = at, tag.start, "".join(part.body for part in between)
            yield one
        at, line, between = tag.end, tag.line, []
        if tag.kind != "end":
            yield tag


@functools.lru_cache(maxsize=256)
def template_tags(text: str) -> list[Tag]:
    """All tags and texts of a template. TemplateSyntaxError for what is none."""
    environment().parse(text)
    return list(whole(list(tags(text)), text))
