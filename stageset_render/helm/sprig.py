# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Functions of Go and Sprig that charts of this kind call, beside those of functions.py, with the same conventions.

What depends on the run (a time, a cluster, chance) and what changes a value in place is left out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import operator

from stageset_render.findings import Refused
from stageset_render.helm.writing import (
    Whole,
    is_defined,
    kind_of,
    need,
    need_list,
    need_map,
    need_string,
    need_whole,
    to_int,
    to_json,
    to_string,
)

# Strings


def lower(text):
    """Return Go's strings.ToLower: each character by itself, so that the end of a word makes no difference."""
    return "".join(character.lower()[0] for character in need_string(text))


def upper(text):
    """Return Go's strings.ToUpper: each character by itself; what would become two stays."""
    pairs = ((character, character.upper()) for character in need_string(text))
    return "".join(upper if len(upper) == 1 else character for character, upper in pairs)


def squote(*values):
    """Return Sprig's squote: each value between single quotes, nil left out."""
    return " ".join(f"'{to_string(value)}'" for value in values if is_defined(value))


def split_list(separator, text):
    """Return Sprig's splitList: the parts of a text, or its characters where the separator is empty."""
    return need_string(text).split(separator) if need_string(separator) else list(need_string(text))


def repeat(count, text):
    """Return Sprig's repeat; Refused for a negative count."""
    if need_whole(count) < 0:
        raise Refused("repeat takes no negative count")
    return need_string(text) * count


def b64dec(text):
    """Return Sprig's b64dec; Refused for what is no base64 or no text, where Sprig would print the error or bytes."""
    try:
        return base64.b64decode(need_string(text), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused(f"b64dec: {error}") from None


# Any values


def empty(value):
    """Return Sprig's empty: whether an if would pass it by."""
    return not (is_defined(value) and value)


def coalesce(*values):
    """Return Sprig's coalesce: the first value that is not empty, or nil."""
    return next((value for value in values if not empty(value)), None)


def ternary(yes, no, condition):
    """Return Sprig's ternary: the first value for true, the second for false; Refused for another condition."""
    return yes if need("bool", condition) else no


def kind_is(kind, value):
    """Return Sprig's kindIs for the kinds string, bool, slice, map and invalid (nil); numbers have several in Go."""
    kinds = {"string": "string", "bool": "bool", "slice": "list", "map": "map", "invalid": "invalid"}
    if kind not in kinds:
        raise Refused(f"kind_is knows the kinds {', '.join(kinds)}, not {kind}")
    return kind_of(value) == kinds[kind]


def equal(first, *others):
    """Return Go's eq: whether one of the others equals the first. Refused for lists and maps, and for two kinds."""
    for other in others:
        kinds = {kind_of(first), kind_of(other)}
        if kinds & {"list", "map"} or len(kinds - {"invalid"}) > 1:
            raise Refused(f"eq and ne don't compare a {' with a '.join(sorted(kinds))}")
        if kinds == {"invalid"} or first == other and "invalid" not in kinds:
            return True
    if not others:
        raise Refused("eq and ne take two values")
    return False


# Numbers


def _ordered(function):
    """Go's lt, le, gt and ge: of two numbers or two texts. Refused for others, and for two kinds."""

    def compare(one, other):
        kinds = {kind_of(one), kind_of(other)}
        if len(kinds) > 1 or kinds & {"list", "map", "bool", "invalid"}:
            raise Refused(f"lt, le, gt and ge don't compare a {' with a '.join(sorted(kinds))}")
        return function(one, other)

    return compare


def _whole(function):
    return lambda *numbers: Whole(function(*map(to_int, numbers)))


def _divided(one, other):
    if not other:
        raise Refused("div and mod by 0")
    quotient = abs(one) // abs(other)
    return quotient if (one < 0) == (other < 0) else -quotient


# Lists and maps


def index(value, *keys):
    """Return Go's index: what a map has under a text, or a list at a place from 0; and so on for further keys.

    A key that a map lacks gives nil; a place that a list lacks is Refused, and so is any key into nil.
    """
    for key in keys:
        if kind_of(value) == "list":
            if not 0 <= need_whole(key) < len(value):
                raise Refused(f"index {key} is out of the range of a list of {len(value)}")
            value = value[key]
        else:
            value = need("map", value).get(need_string(key))
    return value


def without(items, *removed):
    """Return Sprig's without: a new list of the elements that equal none of the others."""
    unwanted = set(map(to_json, removed))
    return [item for item in need_list(items) if to_json(item) not in unwanted]


def pick(value, *names):
    """Return Sprig's pick: a new map of the keys named."""
    return {name: need_map(value)[name] for name in map(need_string, names) if name in need_map(value)}


def dig(*arguments):
    """Return Sprig's dig: what lies under keys one below the other, or the fallback where one is missing.

    The keys come first, then the fallback, then the map; a value on the way that is no map is Refused.
    """
    if len(arguments) < 3:
        raise Refused("dig takes keys, a fallback and a map")
    *keys, fallback, value = arguments
    for key in keys:
        if need_string(key) not in need("map", value):
            return fallback
        value = value[key]
    return value


FUNCTIONS = {
    "add": _whole(lambda *numbers: sum(numbers)),
    "add1": _whole(lambda number: number + 1),
    "b64dec": b64dec,
    "b64enc": lambda text: base64.b64encode(need_string(text).encode()).decode(),
    "coalesce": coalesce,
    "compact": lambda items: [item for item in need_list(items) if not empty(item)],
    "dig": dig,
    "div": _whole(_divided),
    "empty": empty,
    "eq": equal,
    "first": lambda items: next(iter(need_list(items)), None),
    "ge": _ordered(operator.ge),
    "gt": _ordered(operator.gt),
    "has_suffix": lambda suffix, text: need_string(text).endswith(need_string(suffix)),
    "index": index,
    "int64": to_int,
    "kind_is": kind_is,
    "last": lambda items: next(reversed(need_list(items)), None),
    "le": _ordered(operator.le),
    "lower": lower,
    "lt": _ordered(operator.lt),
    "max": _whole(lambda *numbers: max(numbers)),
    "min": _whole(lambda *numbers: min(numbers)),
    "mod": _whole(lambda one, other: one - _divided(one, other) * other),
    "ne": lambda one, other: not equal(one, other),
    "pick": pick,
    "prepend": lambda items, item: [item, *need_list(items)],
    "repeat": repeat,
    "reverse": lambda items: need_list(items)[::-1],
    "sha256sum": lambda text: hashlib.sha256(need_string(text).encode()).hexdigest(),
    "split_list": split_list,
    "squote": squote,
    "sub": _whole(lambda one, other: one - other),
    "ternary": ternary,
    "trim_all": lambda cut, text: need_string(text).strip(need_string(cut)),
    "until": lambda count: [Whole(number) for number in range(need_whole(count))],
    "upper": upper,
    "without": without,
}
