# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The Helm and Sprig functions that templates may call, with Helm's meaning.

A name is Helm's in snake case and its arguments stand in Helm's order: ``trunc(63, s)``. As a filter it takes the piped
value last, as a Go template does: ``s | trunc(63)``. A missing key is Go's nil. Where Go would print a slip in its own
notation (``map[...]``, ``<nil>``, ``%!d(...)``), or drop a value it cannot write, these functions raise ``Refused``.
"""

from __future__ import annotations

import functools
import io
import json
import math
import re
from decimal import Decimal

import yaml
from jinja2 import Undefined
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from helm_yaml import load_yaml
from problems import Refused

_KINDS = ((str, "string"), (bool, "bool"), ((int, float), "number"), (dict, "map"), (list, "list"))
_SPACE = "\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))


def is_defined(value):
    """Return whether value is neither null nor a missing key: the test ``defined``."""
    return not (value is None or isinstance(value, Undefined))


def _kind(value):
    if not is_defined(value):
        return "invalid"
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    raise Refused(f"a Python {type(value).__name__} is no value of a template")


def _need(kind, value):
    found = _kind(value)
    if found != kind:
        raise Refused(f"expected a {kind}, got {'null or a missing key' if found == 'invalid' else 'a ' + found}")
    return value


_string = functools.partial(_need, "string")
_list = functools.partial(_need, "list")


def _map(value):
    return _need("map", value) if is_defined(value) else {}


def _whole(value):
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"expected a whole number, got {to_json(value)}; pass it through int")
    return value


# Numbers and printed values


def _float(value, lowest=-4, highest=6):
    """Write a float with the fewest digits that tell it apart, beyond the powers of ten given as Go does: 1e+06."""
    number = Decimal(repr(value)).normalize()
    if not number.is_finite():
        raise Refused(f"{value} is no number of JSON")
    power = number.adjusted()
    if lowest <= power < highest:
        return f"{number:f}"
    return f"{number.scaleb(-power):f}e{power:+03d}"


def to_string(value):
    """Return a scalar as Go's %v prints it (Sprig's toString); null, lists and maps have no such text: Refused."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if not is_defined(value):
        raise Refused("null or a missing key has no text")
    raise Refused(f"a {_kind(value)} has no text of its own; write it with to_yaml or join")


def finalize(value):
    """Return what a printed expression prints in a Helm template: nothing for nil, else the text of a scalar."""
    return to_string(value) if is_defined(value) else ""


def to_int(value):
    """Return the whole number that Sprig's int makes of any value; 0 of what is none (the rules of Go's ParseInt)."""
    if isinstance(value, float) and abs(value) < 2**63:
        return int(value)
    if isinstance(value, float):
        raise Refused(f"{value} is out of the range of a whole number")
    if isinstance(value, int):
        return int(value)
    if not isinstance(value, str) or not re.fullmatch(r"[-+]?[0-9][0-9a-zA-Z_]*(\.0+)?", value):
        return 0
    try:
        number = int(re.sub(r"^([-+]?0)(?=[0-9_])", r"\1o", value.partition(".")[0]), 0)
    except ValueError:
        return 0
    return number if -(2**63) <= number < 2**63 else 0


# YAML


class _Dumper(yaml.CSafeDumper):
    def resolve(self, kind, value, implicit):
        """Write no tag anywhere: the style alone, chosen in _style, keeps a string a string."""


_RESOLVER = yaml.resolver.Resolver()
_STRING_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:yaml")  # the second is that of a lone *, & or !
_NUMBER = re.compile(
    r"[-+]?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][-+]?[01]+|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)"
)
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_TIME = r"[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}([.,][0-9]+)?"
_DATE = re.compile(rf"[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}([Tt]{_TIME}(Z|[-+][0-9]{{2}}:[0-9]{{2}})| +{_TIME})?")
_ESCAPED = re.compile("[\0-\t\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe-\U0010ffff]")


def _reads_as_string(text):
    """Return whether both Go's and Python's YAML read the plain text as a string."""
    digits = text if text[:1] in "._" else text.replace("_", "")
    return (
        text not in ("y", "Y", "n", "N")
        and not any(p.fullmatch(t) for p, t in ((_NUMBER, digits), (_BASE_60, text), (_DATE, text)))
        and _RESOLVER.resolve(ScalarNode, text, (True, False)) in _STRING_TAGS
    )


@functools.lru_cache(maxsize=4096)
def _style(text):
    """Choose the style of Go's yaml, but double quotes for what a reader, an indent or what follows could change."""
    if _ESCAPED.search(text):
        if not text.isascii() and re.search("[\ud800-\udfff]", text):
            raise Refused(f"{text!a} holds half a character (a lone surrogate)")
        return '"'
    if "\n" in text:
        return '"' if text == "\n" or text.endswith("\n\n") else "|"
    return None if _reads_as_string(text) else '"'


def _number(value):
    if isinstance(value, float) and value.is_integer():
        value = int(Decimal(repr(value)))
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return str(value)
    try:
        return _float(float(value))
    except OverflowError:
        raise Refused("a whole number is too large for JSON") from None


_DIGITS = re.compile("[0-9]*")


def _compare(one, other):
    """Compare two keys as Go's yaml sorts them: letters after all else, numbers within by value."""
    at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), None)
    if at is None:
        return len(one) - len(other)
    a, b = one[at], other[at]
    if a.isalpha() or b.isalpha():
        return ord(a) - ord(b) if a.isalpha() and b.isalpha() else a.isalpha() - b.isalpha()
    start = len(one[:at].rstrip("0123456789")) if "0" in (a, b) else at
    inside = "1" if one[start:at].strip("0") else ""
    a_number, b_number = (inside + _DIGITS.match(key, at)[0] for key in (one, other))
    a_rank, b_rank = ((len(n.lstrip("0")), n.lstrip("0"), len(n)) for n in (a_number, b_number))
    return (a_rank > b_rank) - (a_rank < b_rank) or ord(a) - ord(b)


_by_key = functools.cmp_to_key(_compare)


def _node(value):
    if isinstance(value, str):
        return ScalarNode(None, value, style=_style(value))
    if isinstance(value, bool):
        return ScalarNode(None, "true" if value else "false")
    if isinstance(value, (int, float)):
        return ScalarNode(None, _number(value))
    if isinstance(value, dict):
        names = sorted(sorted(map(_string, value)), key=_by_key)  # twice, as Go's order runs in circles: 2, 19, 1B, 2
        pairs = [(_node(name), _node(value[name])) for name in names]
        return MappingNode(None, pairs, flow_style=False)
    if _kind(value) == "list":
        return SequenceNode(None, [_node(item) for item in value], flow_style=False)
    return ScalarNode(None, "null")


def to_yaml(value):
    """Return Helm's toYaml of a value. It reads back as that value, wherever it is indented to.

    Where Helm's text would not, the string is double-quoted: Helm drops strings with control characters, writes the key
    ``<<`` bare and U+2028 as a line break, and lets blank lines at the end of a block grow with those that follow. So
    it is where Python's YAML would read another type than Go's.
    """
    root = _node(value)
    if isinstance(value, str) and root.style == "|" and value[0] in " \n":
        root.style = '"'  # a block would have to say how deep it stands, which is not known here
    stream = io.StringIO()
    dumper = _Dumper(stream, allow_unicode=True)
    dumper.open()
    dumper.serialize(root)
    dumper.close()
    text = stream.getvalue()
    return text[: -len("\n...\n")] if text.endswith("\n...\n") else text[: -len("\n")]


_UNSAFE_JSON = re.compile("[<>&\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def from_yaml(text):
    """Return Helm's fromYaml: the map that a text holds."""
    return load_yaml(_string(text), "fromYaml")


def to_json(value):
    """Return Helm's toJson of a value: compact, keys sorted, nothing in it that HTML or YAML would read otherwise."""
    kind = _kind(value)
    if kind == "map":
        return "{" + ",".join(f"{to_json(_string(key))}:{to_json(value[key])}" for key in sorted(value)) + "}"
    if kind == "list":
        return "[" + ",".join(map(to_json, value)) + "]"
    if kind == "string":
        text = json.dumps(value, ensure_ascii=False)
        return _UNSAFE_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    if isinstance(value, float):
        return _float(value, -6, 21).replace("e-0", "e-")
    return json.dumps(None if kind == "invalid" else value)


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
    texts = [to_string(value) for value in values if is_defined(value)]
    return " ".join(f'"{_PERHAPS_ESCAPED.sub(_go_escape, text)}"' for text in texts)


def indent(spaces, text):
    """Return Sprig's indent: every line of text, empty ones too, set in by the given number of spaces."""
    pad = " " * _whole(spaces)
    return pad + _string(text).replace("\n", "\n" + pad)


def nindent(spaces, text):
    """Return Sprig's nindent: a line break, then indent."""
    return "\n" + indent(spaces, text)


def trunc(size, text):
    """Return Sprig's trunc: the first bytes of text, the last ones for a negative size; never half a character."""
    data, size = _string(text).encode(), _whole(size)
    return (data[size:] if size < 0 else data[:size]).decode(errors="ignore")


_SHARED_PATTERN = re.compile(
    r"""(?: [^\\\[\](){}*+?]                                   # a character, an anchor, |
        | \\ (?: [dDwWsSbBtnrfv] | [!-/:-@\[-^`{-~] )
        | \[ \^? (?: [^\\\[\]&|~-] | ([&|~-])(?!\1) | \\ (?: [dDwWtnrfv] | [!-/:-@\[-^`{-~] ) )+ \]
        | \( (?: \?: | (?!\?) ) | \)
        | (?: [*+?] | \{ [0-9]{1,3} (?: , [0-9]{0,3} )? \} ) \?? (?! [*+?{] )
    )*""",
    re.VERBOSE,
)
_IN_PYTHON = {"$": r"\Z", r"\s": r"[\t\n\f\r ]", r"\S": r"[^\t\n\f\r ]"}


@functools.lru_cache(maxsize=256)
def _compiled(pattern):
    if not _SHARED_PATTERN.fullmatch(pattern):
        raise Refused(f"the pattern {pattern} holds what Go and Python do not both read alike")
    try:
        return re.compile(
            re.sub(r"\[(?:\\.|[^\]])*\]|\\.|\$", lambda part: _IN_PYTHON.get(part[0], part[0]), pattern), re.ASCII
        )
    except re.error as error:
        raise Refused(f"the pattern {pattern} cannot be read: {error}") from None


_GROUP = re.compile(r"\$\{([0-9])\}")


def _replace_all(pattern, text, new):
    """Sprig's regexReplaceAll; of Go's references only ${1} to a group there is, and no match of nothing."""
    expression = _compiled(pattern)
    if "$" in _GROUP.sub("", new) or any(int(group) > expression.groups for group in _GROUP.findall(new)):
        raise Refused(f"the replacement {new} refers to groups otherwise than by ${{1}}, or to one that is not there")

    def expand(found):
        if not found[0]:
            raise Refused(f"the pattern {pattern} matches nothing at all, which Go and Python replace differently")
        return _GROUP.sub(lambda group: found[int(group[1])] or "", new)

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
    rest = list(values)

    def verb(match):
        if match[0] == "%%":
            return "%"
        if not rest or match[2] not in _VERBS:
            raise Refused(f"printf {quote(template)}: {match[0]} has no value, or is not one of %s %q %d %v %%")
        text, width = _VERBS[match[2]](rest.pop(0)), int(match[1] or 0)
        return text.ljust(-width) if width < 0 else text.rjust(width)

    text = re.sub(r"%(-?[1-9][0-9]*)?(.?)", verb, _string(template), flags=re.DOTALL)
    if rest:
        raise Refused(f"printf {quote(template)}: there are more values than verbs")
    return text


_VERBS = {
    "s": _string,
    "q": lambda value: quote(_string(value)),
    "d": lambda value: str(_whole(value)),
    "v": to_string,
}


# Lists and maps


def _texts(value):
    if _kind(value) == "list":
        return [to_string(item) for item in value if is_defined(item)]
    return [to_string(value)]


def join(separator, value):
    """Return Sprig's join: the texts of a list's elements, nil left out; nothing for nil, the text of a scalar."""
    return _string(separator).join(_texts(value)) if is_defined(value) else ""


def uniq(items):
    """Return Sprig's uniq: a new list of the elements without those equal to an earlier one."""
    unique = {}
    for item in _list(items):
        unique.setdefault(to_json(item), item)
    return list(unique.values())


def has(item, items):
    """Return Sprig's has: whether an element of the list equals item, type and all; no element of nil does."""
    return is_defined(items) and to_json(item) in map(to_json, _list(items))


def new_dict(*pairs):
    """Return Sprig's dict of keys and values in turn; a key without a value is refused."""
    if len(pairs) % 2:
        raise Refused("dict takes keys and values in turn: the last key has no value")
    return {_string(key): value for key, value in zip(pairs[::2], pairs[1::2])}


def omit(value, *names):
    """Return Sprig's omit: a new map without the keys named."""
    left_out = set(map(_string, names))
    return {key: item for key, item in _map(value).items() if key not in left_out}


def length(value):
    """Return Go's len: of a list, a map, or the bytes of a string; Refused for all else."""
    if isinstance(value, (list, dict)):
        return len(value)
    return len(_string(value).encode())


# Checks


class Failed(Refused):
    """What a template refuses in its own words, by fail or required."""


def required(message, value):
    """Return value; null, a missing key and the empty string raise Failed(message) (Helm's required)."""
    if not is_defined(value) or value == "":
        fail(message)
    return value


def fail(message):
    """Raise Failed(message) (Helm's fail)."""
    raise Failed(_string(message))


def merge_overwrite(base, *overs):
    """Return Sprig's mergeOverwrite: maps merge into a new map, all else is replaced, and the last one wins."""
    merged = dict(_map(base))
    for over in overs:
        for key, value in _map(over).items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = merge_overwrite(merged[key], value) if both else value
    return merged


def _of_strings(function):
    return lambda *texts: function(*map(_string, texts))


def _piped(function):
    return lambda value, *arguments: function(*arguments, value)


GLOBALS = {
    "append": lambda items, item: [*_list(items), item],
    "concat": lambda *lists: [item for items in lists for item in _list(items)],
    "dict": new_dict,
    "fail": fail,
    "from_yaml": from_yaml,
    "get": lambda one, key: _map(one).get(key, ""),
    "has": has,
    "indent": indent,
    "int": to_int,
    "join": join,
    "keys": lambda *maps: [key for one in maps for key in _map(one)],
    "len": length,
    "merge_overwrite": merge_overwrite,
    "mul": lambda *numbers: math.prod(map(to_int, numbers)),
    "nindent": nindent,
    "omit": omit,
    "printf": printf,
    "quote": quote,
    "required": required,
    "sort_alpha": lambda items: sorted(_texts(items)),
    "to_json": to_json,
    "to_string": to_string,
    "to_yaml": to_yaml,
    "trunc": trunc,
    "uniq": uniq,
    **{name: _of_strings(function) for name, function in _OF_STRINGS.items()},
}
FILTERS = {name: _piped(function) for name, function in GLOBALS.items()}
TESTS = {"defined": is_defined}
