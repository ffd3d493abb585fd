# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Pairs the lines of two texts, and marks the words in which paired lines differ."""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Iterator

from stageset_render.port.language.functions import SIGNS

WORD = re.compile(r"==|!=|<=|>=|[\w-]+|\s+|.", re.S)
ALIKE = 0.6  # from here on two lines are one that has changed
LARGE = 4000  # so many comparisons at most for one run of lines
LONG = 500  # characters of a line that are compared


def pairs(left: list[str], right: list[str], runs: tuple[dict, dict] = ({}, {})) -> Iterator[tuple]:
    """Align two texts: (line of the left, line of the right, whether they are equal). Unlike lines are not paired.

    Args:
        left, right: the lines.
        runs: line to the number of the difference that it is in, of each side; only lines of one are paired.
    """
    sides = [[(text, of.get(at)) for at, text in enumerate(side)] for side, of in zip((left, right), runs)]
    for what, a, b, c, d in difflib.SequenceMatcher(None, *sides, autojunk=False).get_opcodes():
        if what == "equal":
            yield from ((one, other, True) for one, other in zip(range(a, b), range(c, d)))
            continue
        found = _alike(sides[0][a:b], sides[1][c:d]) if (b - a) * (d - c) <= LARGE else []
        begun, start = a, c
        for one, other in [*found, (b - a, d - c)]:
            yield from ((at, None, False) for at in range(begun, a + one))
            yield from ((None, at, False) for at in range(start, c + other))
            if (one, other) != (b - a, d - c):
                yield a + one, c + other, False
            begun, start = a + one + 1, c + other + 1


def _alike(left: list[tuple], right: list[tuple]) -> list[tuple[int, int]]:
    """The pairs, in order, that have most in common."""
    best = [[(0.0, ())] * (len(right) + 1) for _ in range(len(left) + 1)]
    for one in reversed(range(len(left))):
        for other in reversed(range(len(right))):
            best[one][other] = max(best[one + 1][other], best[one][other + 1], key=lambda found: found[0])
            (text, run), (text_other, run_other) = left[one], right[other]
            texts = (text[:LONG].strip(), text_other[:LONG].strip())
            ratio = difflib.SequenceMatcher(None, *texts).quick_ratio() if run == run_other else 0
            score, rest = best[one + 1][other + 1]
            if ratio >= ALIKE and score + ratio > best[one][other][0]:
                best[one][other] = (score + ratio, ((one, other), rest))
    found, chain = [], best[0][0][1]
    while chain:
        pair, chain = chain
        found.append(pair)
    return found


def marked(left: str, right: str, shown: str) -> tuple[str, str]:
    """The HTML of two lines, with the words marked in which they differ.

    Args:
        left: a line in Go.
        right: what it is compared with, in Go.
        shown: how that is written in Jinja.
    """
    words = [WORD.findall(text) for text in (left, right)]
    if max(map(len, words)) > LONG:
        return html.escape(left), html.escape(shown)
    changed: list[set[int]] = [set(), set()]
    for what, *span in difflib.SequenceMatcher(None, *words, autojunk=False).get_opcodes():
        if what != "equal":
            changed[0] |= {*range(*span[:2])}
            changed[1] |= {*range(*span[2:])}
    others = {words[1][at] for at in changed[1]}
    others |= {SIGNS[word] for word in others if word in SIGNS}
    written = WORD.findall(shown)
    if written != words[1]:
        changed[1] = {at for at, word in enumerate(written) if word in others}
    return _html(words[0], changed[0]), _html(written, changed[1])


def _html(words: list[str], changed: set[int]) -> str:
    text = "".join(
        f"<mark>{html.escape(word)}</mark>" if at in changed and not word.isspace() else html.escape(word)
        for at, word in enumerate(words)
    )
    return text.replace("</mark><mark>", "")
