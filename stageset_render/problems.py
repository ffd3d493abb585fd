# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is refused, with the paths that name values: `serviceMesh.gate.from[0]`."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

Path = tuple  # of keys and, inside lists, indexes
MAX_DEPTH = 100
TOO_DEEP = f"values are nested more than {MAX_DEPTH} deep; nest them less"


class Problem(NamedTuple):
    """What is wrong with the value at ``path`` (empty: with no single value); ``at_key``: with its key."""

    path: Path
    text: str
    at_key: bool = False

    def __str__(self) -> str:
        return f"{brief(self.path)}: {self.text}" if self.path else self.text


class Refused(Exception):
    """Input that is not rendered, with every problem found; its text has a line for each."""

    def __init__(self, *problems: Problem | str) -> None:
        super().__init__()
        self.problems = [p if isinstance(p, Problem) else Problem((), p) for p in problems]

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


PLAIN_KEY = r'[^\s.\[\]"\\\x00-\x1f\x7f]+'
PATH_STEP = re.compile(
    r'\[([0-9]+)\]|(?:^|(?!^)\.)(?:("(?:[^"\\\x00-\x1f]|\\["\\bfnrt]|\\u[0-9a-f]{4})*")|([^\s.\[\]"\\\x00-\x1f\x7f]+))'
)


def dotted(path: Path) -> str:
    """Write a path as ``a.b[0]."c.d"``; `split_path` reads it back."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (
                step
                if re.fullmatch(PLAIN_KEY, step) and step.isprintable()
                else json.dumps(step, ensure_ascii=not step.isprintable())
            )
    return text


def brief(path: Path) -> str:
    """The same for a message: of a key that is long, its beginning alone."""
    return dotted(tuple(step if isinstance(step, int) or len(step) <= 60 else step[:57] + "..." for step in path))


def split_path(text: str) -> Path:
    """Read a path that `dotted` wrote. Raises Refused for anything else."""
    path: list[str | int] = []
    at = 0
    while at < len(text):
        found = PATH_STEP.match(text, at)
        if not found:
            raise Refused(f'"{short(text)}" is not a path; write keys and indexes as in a.b[0]."c.d"')
        index, quoted, plain = found.groups()
        path.append(int(index) if index else json.loads(quoted) if quoted else plain)
        at = found.end()
    return tuple(path)


def short(text: str, most: int = 200) -> str:
    """A text as a message names it: of one that is long, its beginning alone."""
    return text if len(text) <= most else text[: most - 3] + "..."


def holds(value: Any, step: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(step, int) and step < len(value)
    return isinstance(value, dict) and step in value
