# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What a difference is, and how two values, or the objects of two sides, differ."""

from __future__ import annotations

import difflib
import itertools
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from stageset_render.findings import dotted
from stageset_render.port.language import promql


class Absent:
    """What the side has that has nothing."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT = Absent()


class Difference(NamedTuple):
    """One difference. `expected` is the chart's, `got` the pack's; ABSENT on the side that has nothing."""

    level: str  # objects, structure, defaults or schema
    where: str  # a file, or an object as KIND NAMESPACE/NAME
    what: str  # object, field, order; file, lines; default; bound, more
    path: str
    expected: Any
    got: Any
    seen: tuple[str, ...] = ()  # the names of cases
    places: tuple[str, ...] = ()  # the template and line that print a field, of the chart and of the pack
    reason: str = ""  # why it is deliberate
    also: tuple[Difference, ...] = ()  # those of the same cause


def compared(expected: Any, got: Any, path: str = "") -> Iterator[tuple[str, str, Any, Any]]:
    """The differences of two values, path by path: (what, path, expected, got), where `what` is field or order."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in sorted({*expected, *got}, key=str):
            below = dotted((str(key),))
            pair = expected.get(key, ABSENT), got.get(key, ABSENT)
            yield from compared(*pair, f"{path}.{below}" if path else below)
    elif isinstance(expected, list) and isinstance(got, list):
        yield from _compared_lists(expected, got, path)
    elif type(expected) is not type(got) or expected != got and not _same_query(expected, got, path):
        yield "field", path, expected, got


def _same_query(expected: Any, got: Any, path: str) -> bool:
    texts = isinstance(expected, str) and isinstance(got, str)
    return texts and path.endswith(".expr") and promql.plain(expected) == promql.plain(got)


def _compared_lists(expected: list, got: list, path: str) -> Iterator[tuple[str, str, Any, Any]]:
    plain = [[_unordered(item) for item in side] for side in (expected, got)]
    if plain[0] != plain[1] and sorted(plain[0]) == sorted(plain[1]):
        yield "order", path, expected, got
        return
    names = [_names(side) for side in (expected, got)]
    if all(names):
        shared = [[name for name in side if name in other] for side, other in (names, names[::-1])]
        if shared[0] != shared[1]:
            yield "order", path, *names
        for name in dict.fromkeys([*names[0], *names[1]]):
            pair = (side[own.index(name)] if name in own else ABSENT for side, own in zip((expected, got), names))
            yield from compared(*pair, f"{path}[{name}]")
    else:
        for _, a, b, c, d in difflib.SequenceMatcher(None, *plain, autojunk=False).get_opcodes():
            for one, other in itertools.zip_longest(range(a, b), range(c, d)):
                pair = (ABSENT if at is None else side[at] for at, side in ((one, expected), (other, got)))
                yield from compared(*pair, f"{path}[{other if one is None else one}]")


def _names(items: list) -> list[str]:
    """The names of a list of named items, such as containers; none when one has no name or two have the same."""
    found = [item.get("name") if isinstance(item, dict) else None for item in items]
    return found if all(isinstance(name, str) for name in found) and len({*found}) == len(found) else []


def _unordered(value: Any) -> str:
    return json.dumps(_sorted(value), sort_keys=True, default=repr)


def _sorted(value: Any) -> Any:
    """A value whose lists have an order that doesn't depend on theirs."""
    if isinstance(value, dict):
        return {str(key): _sorted(item) for key, item in value.items()}
    return sorted(map(_sorted, value), key=repr) if isinstance(value, list) else value


def object_differences(expected: dict[str, list], got: dict[str, list]) -> Iterator[Difference]:
    """Compare two sides of `objects`; two of one name are compared in the order in which they stand."""
    for where in sorted({*expected, *got}):
        pairs = itertools.zip_longest(expected.get(where, []), got.get(where, []), fillvalue=("", ABSENT))
        for (file, theirs), (our_file, ours) in pairs:
            places = tuple(filter(None, (file, our_file)))
            if theirs is ABSENT or ours is ABSENT:
                sides = (ABSENT if side is ABSENT else "present" for side in (theirs, ours))
                yield Difference("objects", where, "object", "", *sides, places=places)
            else:
                yield from (Difference("objects", where, *one, places=places) for one in compared(theirs, ours))
