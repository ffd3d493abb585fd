# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is found wrong, as data; `wording` says it. And the paths that name values: `serviceMesh.gate.from[0]`."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

Path = tuple  # of keys and, inside lists, indexes
MAX_DEPTH = 100
TOO_DEEP = f"values are nested more than {MAX_DEPTH} deep; nest them less"
ERROR, WARNING = "error", "warning"
NOTHING = object()  # where null is a value like any other


class Place(NamedTuple):
    """Where something stands: a file's line and column, or, without them, an option or a file as a whole."""

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in self if part is not None)


class Hint(NamedTuple):
    """How a value should be written; what fits, a file or an option, is said when it is printed.

    Attributes:
        value: the value as it should be.
        path: where it, or the key found, belongs.
        others: further paths, or values, that may have been meant.
        example: whether `value` only shows the form.
        known: the keys that there are.
        layout: how the file should be laid out, which says nothing to whoever gave an option.
    """

    value: Any = NOTHING
    path: Path | None = None
    others: tuple = ()
    example: bool = False
    known: tuple[str, ...] = ()
    layout: str = ""


class Finding(NamedTuple):
    """What is wrong with, or surprising about, the value at ``path`` (empty: no single value).

    Attributes:
        path: the value's.
        message: what is wrong, and what happens.
        mend: what to do about it.
        rule: the name of the rule that found it.
        level: ERROR or WARNING.
        at_key: whether the key of the value is meant.
        place: where it stands, if that is no value's place.
    """

    path: Path
    message: str
    mend: Hint | str = ""
    rule: str = ""
    level: str = ERROR
    at_key: bool = False
    place: Place | None = None

    def __str__(self) -> str:
        from stageset_render.wording import sentence  # words are said there alone

        where = str(self.place) if self.place else brief(self.path)
        return f"{where}: {sentence(self)}" if where else sentence(self)


class Refused(Exception):
    """Input that is not rendered, with every problem found; its text has a line for each."""

    def __init__(self, *problems: Finding | str) -> None:
        super().__init__(*problems)
        self.problems = [one if isinstance(one, Finding) else Finding((), one) for one in problems]

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


PLAIN_KEY = re.compile(r'[^\s.\[\]"\\\x00-\x1f\x7f]+')


def dotted(path: Path) -> str:
    """Write a path as ``a.b[0]."c.d"``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (
                step
                if PLAIN_KEY.fullmatch(step) and step.isprintable()
                else json.dumps(step, ensure_ascii=not step.isprintable())
            )
    return text


def brief(path: Path) -> str:
    """The same for a message: of a key that is long, its beginning alone."""
    return dotted(tuple(step if isinstance(step, int) or len(step) <= 60 else step[:57] + "..." for step in path))


def short(text: str, most: int = 200) -> str:
    """A text as a message names it: of one that is long, its beginning alone."""
    return text if len(text) <= most else text[: most - 3] + "..."


def holds(value: Any, step: str | int) -> bool:
    """Whether a map has a key, or a list an index."""
    if isinstance(value, list):
        return isinstance(step, int) and step < len(value)
    return isinstance(value, dict) and step in value
