# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Texts with `*` for any text: which fit several such patterns at once, and which stand for one and for nothing narrower.

A pattern is a tuple of the texts between its stars: `("team-", "")` is `team-*`, `("a",)` is `a` alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from os.path import commonprefix
from typing import NamedTuple

from .matching import in_order

Pattern = tuple[str, ...]
ANY: Pattern = ("", "")
# What a * may stand for, until one is found that nothing else is about. The first two begin and end differently.
FILLERS = (
    "zq-other-x9",
    "other",
    *(f"{first}-other-{last}" for first in "qxjkv079z" for last in "qw5"),
    *(f"{first}{last}" for first in "qxjkv079z" for last in "qw5"),
    "z",
    "7",
    "",
)
FILLER = FILLERS[0]
LONGER = tuple(f"{one}{more}" for more in ("/x/y", "/x", "/") for one in (*FILLERS[:4], "q7"))  # of a path
MOST_TOGETHER = 64  # choices out of several lists, each of one with each of the others
MOST_STEPS = 200_000  # in which all that is together is looked for


class Choice(NamedTuple):
    """One of a list of texts: how it is told, and the patterns any of which it is."""

    told: str
    patterns: list


class Steps:
    """How many comparisons are left; `spent` once there are none, so that not all has been looked at."""

    def __init__(self, left: int = MOST_STEPS):
        self.left, self.spent = left, False

    def take(self) -> bool:
        self.left -= 1
        self.spent = self.spent or self.left < 0
        return self.left >= 0


def of_text(value: str) -> Pattern:
    """A value as Istio reads most: a star at its beginning or at its end counts, any other is a letter."""
    if value == "*":
        return ANY
    if value.startswith("*"):
        return "", value[1:]
    return (value[:-1], "") if value.endswith("*") else (value,)


def of_glob(value: str) -> Pattern:
    """A value of which every star counts."""
    return tuple(value.split("*"))


def fits(pattern: Pattern, text: str) -> bool:
    """Whether a text is one of those that a pattern stands for."""
    if len(pattern) == 1:
        return pattern[0] == text
    first, *middle, last = pattern
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    return in_order(middle, text[len(first) : len(text) - len(last)])


def common(one: Pattern, other: Pattern) -> list[Pattern]:
    """Patterns of texts that fit both; none if no text does. What both end and begin with may stand once or twice."""
    if len(one) == 1:
        return [one] if fits(other, one[0]) else []
    if len(other) == 1:
        return [other] if fits(one, other[0]) else []
    first, last = max(one[0], other[0], key=len), max(one[-1], other[-1], key=len)
    if not (first.startswith(one[0]) and first.startswith(other[0])):
        return []
    if not (last.endswith(one[-1]) and last.endswith(other[-1])):
        return []
    middle = (*one[1:-1], *other[1:-1])
    found: list[Pattern] = [(first, *middle, last)]
    if not middle and first and last:
        shared = [size for size in range(min(len(first), len(last)), 0, -1) if first.endswith(last[:size])]
        found += [(first + last[size:],) for size in shared[:3]]
    return found


def together(lists: list[list[Choice]], meet: Callable[..., list], steps: Steps) -> list[tuple[tuple[str, ...], list]]:
    """One of each list, as far as they fit together: how they are told, and the patterns that they have in common.

    Of many choices, each at least once, beside the first of the others that it fits.

    Args:
        lists: of which one each is chosen; an empty one limits nothing.
        meet: what two patterns have in common, as a list.
        steps: how often it may be asked.
    """
    lists = [one for one in lists if one]
    size = 1
    for one in lists:
        size *= len(one)
    if len(lists) < 2 or size <= MOST_TOGETHER:
        found: list[tuple[tuple[str, ...], list]] = [((), [None])]
        for one in lists:
            found = [
                ((*told, choice.told), met)
                for told, patterns in found
                for choice in one
                if (met := _met(patterns, choice.patterns, meet, steps))
            ]
        return found if lists else []
    found = []
    for at, one in enumerate(lists):
        for choice in one:
            held = [*lists[:at], [choice], *lists[at + 1 :]]
            first = _first(held, meet, steps, (), [None])
            found += [first] if first else []
    return list({told: (told, patterns) for told, patterns in found}.values())


def _met(ones: list, others: list, meet: Callable[..., list], steps: Steps) -> list:
    return [
        each
        for one in ones
        for other in others
        if one is None or steps.take()
        for each in ([other] if one is None else meet(one, other))
    ]


def _first(lists: list[list[Choice]], meet, steps: Steps, told: tuple, patterns: list):
    if not lists:
        return told, patterns
    for choice in lists[0]:
        if steps.spent:
            return None
        if met := _met(patterns, choice.patterns, meet, steps):
            found = _first(lists[1:], meet, steps, (*told, choice.told), met)
            if found:
                return found
    return None


class Globs:
    """Texts with `*` for any text, found by their beginning, end and first part between, not one after another."""

    def __init__(self, values: Iterable[str]):
        self.exact, self.found = set(), {}
        for value in set(values):
            first, *rest = value.split("*")
            if rest:
                *middle, last = rest
                part = middle[0] if middle else ""
                ends = self.found.setdefault((len(first), len(last)), {}).setdefault((first, last), {})
                ends.setdefault(len(part), {}).setdefault(part, []).append(middle[1:])
            else:
                self.exact.add(value)

    def __call__(self, text: str) -> bool:
        return text in self.exact or any(
            between(parts, text[start : len(text) - end])
            for (start, end), found in self.found.items()
            if start + end <= len(text)
            for parts in [found.get((text[:start], text[len(text) - end :]), {})]
        )


def between(parts: dict[int, dict[str, list[list[str]]]], text: str) -> bool:
    return any(
        in_order(rest, text[start + length :])
        for length, found in parts.items()
        for start in range(len(text) - length + 1)
        for rest in found.get(text[start : start + length], ())
    )


class Narrower:
    """Whether a text is also one of those that something narrower stands for: a longer beginning, end, or itself."""

    def __init__(self, patterns: Iterable[Pattern]):
        self.exact, self.first, self.last = set(), defaultdict(set), defaultdict(set)
        for pattern in patterns:
            if len(pattern) == 1:
                self.exact.add(pattern[0])
            else:
                self.first[len(pattern[0])].add(pattern[0])
                self.last[len(pattern[-1])].add(pattern[-1])

    def __call__(self, text: str, start: int, end: int) -> bool:
        """`start` and `end`: how long the beginning and the end are that the text has by its own pattern."""
        return (
            text in self.exact
            or any(size > start and text[:size] in found for size, found in self.first.items())
            or any(size > end and text[-size:] in found for size, found in self.last.items())
        )


def sample(
    make: Callable[[str], str],
    narrower: Callable[[str, int, int], bool] | None = None,
    accepts: Callable[[str], bool] | None = None,
    fillers: tuple[str, ...] = FILLERS,
) -> str | None:
    """A text that stands for a pattern: accepted, and nothing narrower where that is possible; None if none is accepted.

    Args:
        make: the text with what stands for each star.
        narrower: see `Narrower`.
        accepts: whether a text is none of those that are kept out.
        fillers: what may stand for a star.
    """
    first, second = make(fillers[0]), make(fillers[1])
    if first == second:
        return first if accepts is None or accepts(first) else None
    if narrower is not None:
        start, end = len(commonprefix([first, second])), len(commonprefix([first[::-1], second[::-1]]))
        for filler in fillers:
            text = make(filler)
            if not narrower(text, start, end) and (accepts is None or accepts(text)):
                return text
    return next((text for text in map(make, fillers) if accepts is None or accepts(text)), None)
