# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Splits a Jinja template into its tags and the text between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from stageset_render.pack.environment import environment


class Tag(NamedTuple):
    """One tag or text of a template. `before` and `after` are the white space that its `-` trims."""

    kind: str
    line: int
    body: str
    before: str | None = None
    after: str | None = None


def tags(source: str) -> Iterator[Tag]:
    """Split a template with Jinja's own lexer, which forgets nothing but the white space before a `-`."""
    at, begun = 0, None
    for line, kind, text in environment().lexer.tokeniter(source, None):
        start = source.index(text, at)
        gap, at = source[at:start], start + len(text)
        name, _, part = kind.rpartition("_")
        if part == "begin":
            begun = Tag(name, line, "", gap if text.endswith("-") else None)
        elif part == "end":
            marker = text.rstrip()
            yield begun._replace(after=text[len(marker) :] if marker.startswith("-") else None)
            begun = None
        elif begun:
            begun = begun._replace(body=begun.body + gap + text)
        else:
            yield Tag("text", line, text)
