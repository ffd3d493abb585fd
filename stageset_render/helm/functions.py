# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The Helm and Sprig functions that templates may call, with Helm's meaning.

A name is Helm's in snake case and its arguments stand in Helm's order: ``trunc(63, s)``. As a filter it takes the piped
value last, as a Go template does: ``s | trunc(63)``. A missing key is Go's nil. Where Go would print a slip in its own
notation (``map[...]``, ``<nil>``, ``%!d(...)``), or drop a value it cannot write, these functions raise ``Refused``.
"""

from __future__ import annotations

import functools
import inspect
import math
import re

from stageset_render.findings import Refused
from stageset_render.helm import sprig
from stageset_render.helm.reading import load_yaml
from stageset_render.helm.writing import (
    Whole,
    is_defined,
    kind_of,
    need_list,
    need_map,
    need_string,
    need_whole,
    to_int,
    to_json,
    to_string,
    to_yaml,
)

_SPACE = "\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))

# Strings

_GO_ESCAPES = dict(zip('\a\b\f\n\r\t\v"\\', (rf"\{letter}" for letter in 'abfnrtv"\\')))
_PERHAPS_ESCAPED = re.compile(r"[^ !#-\[\]-~]")


def _go_escape(found):
    character = found[0]
    if character in _GO_ESCAPES:
        return _GO_ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    return rf"\x{code:02x}" if code < 0x80 else rf"\u{code:04x}" if code < 0x10000 else rf"\U{code:08x}"


def quote(*values):
    """Return Sprig's quote: each value in double quotes as Go's %q writes it, nil left out."""
    if len(values) == 1 and type(values[0]) is str and not _PERHAPS_ESCAPED.search(values[0]):
        return f'"{values[0]}"'
    texts = [to_string(value) for value in values if is_defined(value)]
    return " ".join(f'"{_PERHAPS_ESCAPED.sub(_go_escape, text)}"' for text in texts)


def indent(spaces, text):
    """Return Sprig's indent: every line of text, empty ones too, set in by the given number of spaces."""
    pad = " " * need_whole(spaces)
    return pad + need_string(text).replace("\n", "\n" + pad)


def nindent(spaces, text):
    """Return Sprig's nindent: a line break, then indent."""
    return "\n" + indent(spaces, text)


def trunc(size, text):
    """Return Sprig's trunc: the first bytes of text, the last ones for a negative size; never half a character."""
    data, size = need_string(text).encode(), need_whole(size)
    return (data[size:] if size < 0 else data[:size]).decode(errors="ignore")


_SHARED_PATTERN = r"""(?: [^\\\[\](){}*+?]                                   # a character, an anchor, |
        | \\ (?: [dDwWsSbBtnrfv] | [!-/:-@\[-^`{-~] )
        | \[ \^? (?: [^\\\[\]&|~-] | ([&|~-])(?!\1) | \\ (?: [dDwWtnrfv] | [!-/:-@\[-^`{-~] ) )+ \]
        | \( (?: \?: | (?!\?) ) | \)
        | (?: [*+?] | \{ [0-9]{1,3} (?: , [0-9]{0,3} )? \} ) \?? (?! [*+?{] )
    )*"""
_IN_PYTHON = {"$": r"\Z", r"\s": r"[\t\n\f\r ]", r"\S": r"[^\t\n\f\r ]"}


@functools.lru_cache(maxsize=256)
def _compiled(pattern):
    if not re.fullmatch(_SHARED_PATTERN, pattern, re.VERBOSE):
        raise Refused(f"the pattern {pattern} holds what Go and Python do not both read alike")
    try:
        return re.compile(
            re.sub(r"\[(?:\\.|[^\]])*\]|\\.|\$", lambda part: _IN_PYTHON.get(part[0], part[0]), pattern), re.ASCII
        )
    except re.error as error:
        raise Refused(f"the pattern {pattern} cannot be read: {error}") from None


_GROUP = r"\$\{([0-9])\}"


def _replace_all(pattern, text, new):
    """Sprig's regexReplaceAll; of Go's references only ${1} to a group there is, and no match of nothing."""
    expression = _compiled(pattern)
    groups = re.findall(_GROUP, new) if "$" in new else []
    if "$" in new and ("$" in re.sub(_GROUP, "", new) or any(int(group) > expression.groups for group in groups)):
        raise Refused(f"the replacement {new} refers to groups otherwise than by ${{1}}, or to one that is not there")

    def expand(found):
        if not found[0]:
            raise Refused(f"the pattern {pattern} matches nothing at all, which Go and Python replace differently")
        return re.sub(_GROUP, lambda group: found[int(group[1])] or "", new) if groups else new

    return expression.sub(expand, text)


_OF_STRINGS = {
    "contains": lambda part, text: part in text,
    "has_prefix": lambda prefix, text: text.startswith(prefix),
    "regex_match": lambda pattern, text: _compiled(pattern).search(text) is not None,
    "regex_replace_all": _replace_all,
    "replace": lambda old, new, text: text.replace(old, new),
    "trim": lambda text: text.strip(_SPACE),
    "trim_prefix": lambda prefix, text: text.removeprefix(prefix),
    "trim_suffix": lambda suffix, text: text.removesuffix(suffix),
}


def printf(template, *values):
    """Return Go's printf for %s and %q (strings), %d (whole numbers), %v (scalars) and %%; else raise Refused.

    A verb may have a width, as in %-8s: Go and Python both count characters and pad with blanks.
    """
    pieces, verbs = _parsed(need_string(template))
    if len(values) > len(verbs) and all(write for _, write, _ in verbs):
        raise Refused(f"printf {quote(template)}: there are more values than verbs")
    text = [pieces[0]]
    for at, (shown, write, width) in enumerate(verbs):
        if at >= len(values) or not write:
            raise Refused(f"printf {quote(template)}: {shown} has no value, or is not one of %s %q %d %v %%")
        one = write(values[at])
        text += (one.ljust(-width) if width < 0 else one.rjust(width)), pieces[at + 1]
    return "".join(text)


@functools.lru_cache(maxsize=256)
def _parsed(template):
    """The texts before, between and behind the verbs of a template, and each verb with its function and its width."""
    pieces, verbs, end = [""], [], 0
    for verb in _VERB.finditer(template):
        pieces[-1] += template[end : verb.start()]
        end = verb.end()
        if verb[0] == "%%":
            pieces[-1] += "%"
        else:
            verbs.append((verb[0], _VERBS.get(verb[2]), int(verb[1] or 0)))
            pieces.append("")
    return [*pieces[:-1], pieces[-1] + template[end:]], verbs


_VERB = re.compile(r"%(-?[1-9][0-9]*)?(.?)", re.DOTALL)
_VERBS = {
    "s": need_string,
    "q": lambda value: quote(need_string(value)),
    "d": lambda value: str(need_whole(value)),
    "v": to_string,
}


# Lists and maps


def from_yaml(text):
    """Return Helm's fromYaml: the map that a text holds."""
    return load_yaml(need_string(text), "fromYaml")


def _texts(value):
    if kind_of(value) == "list":
        return [to_string(item) for item in value if is_defined(item)]
    return [to_string(value)]


def join(separator, value):
    """Return Sprig's join: the texts of a list's elements, nil left out; nothing for nil, the text of a scalar."""
    return need_string(separator).join(_texts(value)) if is_defined(value) else ""


def uniq(items):
    """Return Sprig's uniq: a new list of the elements without those equal to an earlier one."""
    unique = {}
    for item in need_list(items):
        unique.setdefault(to_json(item), item)
    return list(unique.values())


def has(item, items):
    """Return Sprig's has: whether an element of the list equals item, type and all; no element of nil does."""
    if not is_defined(items):
        return False
    if isinstance(item, str):
        return item in need_list(items)
    return to_json(item) in map(to_json, need_list(items))


class Made(dict):
    """A map that a template has made, and so may change with set; what values hold is shared and stays as it is."""


def new_dict(*pairs):
    """Return Sprig's dict of keys and values in turn; a key without a value is refused."""
    if len(pairs) % 2:
        raise Refused("dict takes keys and values in turn: the last key has no value")
    return Made((need_string(key), value) for key, value in zip(pairs[::2], pairs[1::2]))


def set_key(one, key, value):
    """Give a map that dict made a key, and return the map (Sprig's set); another map is refused."""
    if not isinstance(one, Made):
        raise Refused("set changes a map that dict has made, and no other")
    one[need_string(key)] = value
    return one


def omit(value, *names):
    """Return Sprig's omit: a new map without the keys named."""
    left_out = set(map(need_string, names))
    return {key: item for key, item in need_map(value).items() if key not in left_out}


def length(value):
    """Return Go's len: of a list, a map, or the bytes of a string; Refused for all else."""
    if isinstance(value, (list, dict)):
        return Whole(len(value))
    return Whole(len(need_string(value).encode()))


# Checks


class Failed(Refused):
    """What a template refuses in its own words, by fail or required."""


def default(fallback, value):
    """Return value, or fallback for null, a missing key, false, 0 and all that is empty (Sprig's default)."""
    return value if is_defined(value) and value else fallback


def required(message, value):
    """Return value; null, a missing key and the empty string raise Failed(message) (Helm's required)."""
    if not is_defined(value) or value == "":
        fail(message)
    return value


def fail(message):
    """Raise Failed(message) (Helm's fail)."""
    raise Failed(need_string(message))


def merge_overwrite(base, *overs):
    """Return Sprig's mergeOverwrite: maps merge into a new map, all else is replaced, and the last one wins."""
    merged = dict(need_map(base))
    for over in overs:
        for key, value in need_map(over).items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = merge_overwrite(merged[key], value) if both else value
    return merged


def _of_strings(function):
    return lambda *texts: function(*map(need_string, texts))


def _piped(function):
    """The function as a filter: what is piped into it is its last argument, and of most functions the only one."""
    code = function.__code__
    if code.co_argcount == 1 and not code.co_flags & inspect.CO_VARARGS:
        return function
    return lambda value, *arguments: function(*arguments, value)


GLOBALS = {
    "append": lambda items, item: [*need_list(items), item],
    "concat": lambda *lists: [item for items in lists for item in need_list(items)],
    "default": default,
    "dict": new_dict,
    "fail": fail,
    "from_yaml": from_yaml,
    "get": lambda one, key: need_map(one).get(key, ""),
    "has": has,
    "has_key": lambda one, key: need_string(key) in need_map(one),
    "indent": indent,
    "int": to_int,
    "join": join,
    "keys": lambda *maps: [key for one in maps for key in need_map(one)],
    "len": length,
    "merge_overwrite": merge_overwrite,
    "mul": lambda *numbers: Whole(math.prod(map(to_int, numbers))),
    "nindent": nindent,
    "omit": omit,
    "printf": printf,
    "quote": quote,
    "required": required,
    "set": set_key,
    "sort_alpha": lambda items: sorted(_texts(items)),
    "to_json": to_json,
    "to_string": to_string,
    "to_yaml": to_yaml,
    "trunc": trunc,
    "uniq": uniq,
    **{name: _of_strings(function) for name, function in _OF_STRINGS.items()},
    **sprig.FUNCTIONS,
}
FILTERS = {name: _piped(function) for name, function in GLOBALS.items()}
TESTS = {"defined": is_defined}
