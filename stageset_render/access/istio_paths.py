# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Paths of Istio's authorization rules: texts, and templates with `{*}` and `{**}`.

Sources: Istio's reference Authorization Policy (Operation, paths), and Envoy's URI template matching.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from .matching import Texts
from .patterns import Globs, Pattern, fits

SEGMENT = r"[A-Za-z0-9\-._~%!$&'()+,;:@=]"  # what Envoy's URI template takes for a character of a path segment
ONE, ANY = re.compile(f"{SEGMENT}+"), re.compile(f"(?:{SEGMENT}|/)*")


class Paths:
    """Which paths are among the values. Templates are found by what they begin with, and by their other texts."""

    def __init__(self, values: Iterable[str]):
        values = dict.fromkeys(values)
        templates = {each: parts(each) for each in values if is_template(each)}
        self.plain = Texts(values.keys() - templates.keys())
        self.near = Globs("*".join(each) for each in templates.values()) if templates else None
        self.found: dict[int, dict[str, list[tuple[Pattern, str]]]] = defaultdict(lambda: defaultdict(list))
        for text, each in templates.items():
            self.found[len(each[0])][each[0]].append((each, text))

    def __call__(self, path: str) -> bool:
        if self.plain(path):
            return True
        if self.near is None or not self.near(path):
            return False
        by_start = (each for size, found in self.found.items() for each in found.get(path[:size], ()))
        return any(fits(each, path) and of_template(text, path) for each, text in by_start)


def is_template(text: str) -> bool:
    return "{*}" in text or "{**}" in text


def parts(template: str) -> Pattern:
    """A template as a pattern with stars, of which not all fit."""
    return tuple(re.split(r"\{\*\*?\}", template))


def of_template(template: str, path: str) -> bool:
    """`{*}` is one segment of a path, `{**}` any number of them."""
    wanted, given = template.split("/"), path.split("/")
    *steps, last = wanted
    if last == "{**}":
        wanted, rest, given = steps, "/".join(given[len(steps) :]), given[: len(steps)]
        if path.count("/") < len(steps) or not ANY.fullmatch(rest):
            return False
    if any("{" in step and step != "{*}" for step in wanted):
        return compiled(template).fullmatch(path) is not None
    return len(wanted) == len(given) and all(
        ONE.fullmatch(one) if step == "{*}" else step == one for step, one in zip(wanted, given)
    )


@lru_cache(maxsize=1024)
def compiled(template: str) -> re.Pattern[str]:
    special = {"{*}": f"{SEGMENT}+", "{**}": f"(?:{SEGMENT}|/)*"}
    return re.compile("".join(special.get(each) or re.escape(each) for each in re.split(r"(\{\*\*?\})", template)))
