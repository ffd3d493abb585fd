# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes values as Helm does: scalars as Go prints them, YAML and JSON as toYaml and toJson write them.

Where Go would print a slip in its own notation (``map[...]``, ``<nil>``), or drop a value it cannot write, these
functions raise ``Refused``.
"""

from __future__ import annotations

import functools
import io
import json
import re

import yaml
from jinja2 import StrictUndefined, Undefined
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from stageset_render.findings import Refused

_KINDS = ((str, "string"), (bool, "bool"), ((int, float), "number"), (dict, "map"), (list, "list"))


def is_defined(value):
    """Return whether value is neither null nor a missing key: the test ``defined``."""
    return not (value is None or isinstance(value, Undefined))


def kind_of(value):
    if not is_defined(value):
        return "invalid"
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    raise Refused(f"a Python {type(value).__name__} is no value of a template")


def need(kind, value):
    found = kind_of(value)
    if found != kind:
        raise Refused(f"expected a {kind}, got {'null or a missing key' if found == 'invalid' else 'a ' + found}")
    return value


need_list = functools.partial(need, "list")


def need_string(value):
    return value if isinstance(value, str) else need("string", value)


def need_map(value):
    return need("map", value) if is_defined(value) else {}


def need_whole(value):
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"expected a whole number, got {to_json(value)}; pass it through int")
    return value


# Numbers and printed values


def _float(value, lowest=-4, highest=6):
    """Write a float with the fewest digits that tell it apart, beyond the powers of ten given as Go does: 1e+06."""
    from decimal import Decimal  # only what has fractions pays for it

    number = Decimal(repr(value)).normalize()
    if not number.is_finite():
        raise Refused(f"{value} is no number of JSON")
    power = number.adjusted()
    if lowest <= power < highest:
        return f"{number:f}"
    return f"{number.scaleb(-power):f}e{power:+03d}"


class Whole(int):
    """A whole number that a function or --set made; one of a values file is a float64 to Helm, and prints as one."""


def to_string(value):
    """Return a scalar as Go's %v prints it (Sprig's toString); null, lists and maps have no such text: Refused."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if isinstance(value, Whole) or -1_000_000 < value < 1_000_000 else _float(float(value))
    if isinstance(value, float):
        return _float(value)
    if not is_defined(value):
        raise Refused("null or a missing key has no text")
    raise Refused(f"a {kind_of(value)} has no text of its own; write it with to_yaml or join")


def finalize(value):
    """Return what a printed expression prints in a Helm template: nothing for nil, else the text of a scalar."""
    if isinstance(value, str):
        return value
    if isinstance(value, StrictUndefined):
        str(value)  # a bare name that nobody knows, which fails in Go as well
    return to_string(value) if is_defined(value) else ""


def to_int(value):
    """Return the whole number that Sprig's int makes of any value; 0 of what is none (the rules of Go's ParseInt)."""
    if isinstance(value, float) and abs(value) >= 2**63:
        raise Refused(f"{value} is out of the range of a whole number")
    if isinstance(value, (int, float)):
        return Whole(value)
    if not isinstance(value, str) or not re.fullmatch(r"[-+]?[0-9][0-9a-zA-Z_]*(\.0+)?", value):
        return Whole(0)
    try:
        number = int(re.sub(r"^([-+]?0)(?=[0-9_])", r"\1o", value.partition(".")[0]), 0)
    except ValueError:
        return Whole(0)
    return Whole(number if -(2**63) <= number < 2**63 else 0)


# YAML


class _Dumper(yaml.CSafeDumper):
    def resolve(self, kind, value, implicit):
        """Write no tag anywhere: the style alone, chosen in _style, keeps a string a string."""


_RESOLVER = yaml.resolver.Resolver()
_NUMERIC = {*"+-.0123456789"}  # of a text that may be a number or a date
_FIRST = {*_RESOLVER.yaml_implicit_resolvers, *"yYnN", *_NUMERIC}  # of a text that may be read as another type
_STRING_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:yaml")  # the second is that of a lone *, & or !
_NUMBER = r"[-+]?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][-+]?[01]+|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)"
_BASE_60 = r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"
_TIME = r"[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}([.,][0-9]+)?"
_DATE = rf"[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}([Tt]{_TIME}(Z|[-+][0-9]{{2}}:[0-9]{{2}})| +{_TIME})?"
_ESCAPED = "[\0-\t\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe-\U0010ffff]"


def _reads_as_string(text):
    """Return whether both Go's and Python's YAML read the plain text as a string."""
    if text[:1] not in _FIRST:
        return True
    return (
        text not in ("y", "Y", "n", "N")
        and _RESOLVER.resolve(ScalarNode, text, (True, False)) in _STRING_TAGS
        and not (text[0] in _NUMERIC and _reads_as_number(text))
    )


def _reads_as_number(text):
    digits = text if text[0] == "." else text.replace("_", "")
    return any(re.fullmatch(*one) for one in ((_NUMBER, digits), (_BASE_60, text), (_DATE, text)))


@functools.lru_cache(maxsize=256)
def _style(text):
    """Choose the style of Go's yaml, but double quotes for what a reader, an indent or what follows could change."""
    if text.isascii() and text.isprintable():
        return None if _reads_as_string(text) else '"'
    if re.search(_ESCAPED, text):
        if not text.isascii() and re.search("[\ud800-\udfff]", text):
            raise Refused(f"{text!a} holds half a character (a lone surrogate)")
        return '"'
    if "\n" in text:
        return '"' if text == "\n" or text.endswith("\n\n") else "|"
    return None if _reads_as_string(text) else '"'


def _number(value):
    if isinstance(value, float) and value.is_integer():
        from decimal import Decimal

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
    for at, (a, b) in enumerate(zip(one, other)):  # noqa: B007
        if a != b:
            break
    else:
        return len(one) - len(other)
    if a.isalpha() or b.isalpha():
        return ord(a) - ord(b) if a.isalpha() and b.isalpha() else a.isalpha() - b.isalpha()
    if not ("0" <= a <= "9" or "0" <= b <= "9"):
        return ord(a) - ord(b)
    start = len(one[:at].rstrip("0123456789")) if "0" in (a, b) else at
    inside = "1" if one[start:at].strip("0") else ""
    a_rank = _rank(inside + _DIGITS.match(one, at)[0])
    b_rank = _rank(inside + _DIGITS.match(other, at)[0])
    return (a_rank > b_rank) - (a_rank < b_rank) or ord(a) - ord(b)


def _rank(digits):
    """The value of digits, in a form that compares however many there are; of one value, the more zeros the more."""
    number = digits.lstrip("0")
    return len(number), number, len(digits)


_by_key = functools.cmp_to_key(_compare)


def _near(key):
    """An order near to Go's, to begin with: Go's own is slow, and runs in circles (2, 19, 1B, 2)."""
    return key.rstrip("0123456789"), len(key), key


_SIMPLE_KEY = re.compile(r"([\0-/:-\x7f]*)([1-9][0-9]*|0)?")  # digits at its end alone
_LETTERS = {letter: letter + 0x80 for letter in (*range(0x41, 0x5B), *range(0x61, 0x7B))}


def _simple_order(found):
    """What puts simple keys into Go's order, which has no circles for them: other signs, digits by value, letters."""
    stem, digits = found.groups()
    return stem.translate(_LETTERS) + (f"\x80{chr(len(digits))}{digits}" if digits else "")


def _in_order(names):
    found = [_SIMPLE_KEY.fullmatch(name) for name in names]
    if all(found):
        return [one[0] for one in sorted(found, key=_simple_order)]
    return sorted(sorted(names, key=_near), key=_by_key)


def _node(value):
    if isinstance(value, str):
        return ScalarNode(None, value, style=_style(value))
    if isinstance(value, bool):
        return ScalarNode(None, "true" if value else "false")
    if isinstance(value, (int, float)):
        return ScalarNode(None, _number(value))
    if isinstance(value, dict):
        pairs = [(_node(name), _node(value[name])) for name in _in_order([need_string(name) for name in value])]
        return MappingNode(None, pairs, flow_style=False)
    if kind_of(value) == "list":
        return SequenceNode(None, [_node(item) for item in value], flow_style=False)
    return ScalarNode(None, "null")


def to_yaml(value):
    """Return Helm's toYaml of a value, as ``_yaml`` has it; a large map of texts, such as labels, is written once."""
    if type(value) is dict and len(value) > 100 and set(map(type, value.values())) == {str}:
        return _yaml_of_texts(tuple(value.items()))
    return _simply(value) or _yaml(value)


# What libyaml writes as it is on a line, wherever that is; it has no blank at which a line could be broken.
_SIMPLE = re.compile(r"[A-Za-z0-9_/](?:[A-Za-z0-9_/.@+:-]{0,99}[A-Za-z0-9_/.@+-])?")


class _NotSimple(Exception):
    pass


def _simply(value):
    """The text of ``_yaml`` where a list or map holds what is simple alone, in a third of the time; None for others."""
    if type(value) not in (dict, list) or not value:
        return None
    lines = []
    try:
        _write(value, "", "", lines)
    except _NotSimple:
        return None
    return "\n".join(lines)


def _write(value, pad, head, lines):
    """Write a list or map, of which the first entry stands behind ``head``."""
    if type(value) is dict:
        for name in _in_order([_simple_name(name) for name in value]):
            item = value[name]
            kind = type(item)
            if (kind is dict or kind is list) and item:
                lines.append(f"{head or pad}{_simple_text(name)}:")
                _write(item, pad if kind is list else pad + "  ", "", lines)
            else:
                lines.append(f"{head or pad}{_simple_text(name)}: {_simple_scalar(item)}")
            head = ""
        return
    for item in value:
        if type(item) in (dict, list) and item:
            _write(item, pad + "  ", f"{head or pad}- ", lines)
        else:
            lines.append(f"{head or pad}- {_simple_scalar(item)}")
        head = ""


def _simple_name(name):
    if type(name) is not str:
        raise _NotSimple
    return name


@functools.lru_cache(maxsize=1024)
def _simple_text(text):
    if not _SIMPLE.fullmatch(text):
        raise _NotSimple
    return text if _reads_as_string(text) else f'"{text}"'


def _simple_scalar(value):
    kind = type(value)
    if kind is str:
        return _simple_text(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int or kind is float:
        return _number(value)
    if value is None:
        return "null"
    if kind is dict or kind is list:
        return "{}" if kind is dict else "[]"
    raise _NotSimple


@functools.lru_cache(maxsize=2)
def _yaml_of_texts(items):
    value = dict(items)
    return _simply(value) or _yaml(value)


def _yaml(value):
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


_UNSAFE_JSON = "[<>&\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"


def to_json(value):
    """Return Helm's toJson of a value: compact, keys sorted, nothing in it that HTML or YAML would read otherwise."""
    kind = kind_of(value)
    if kind == "map":
        return "{" + ",".join(f"{to_json(need_string(key))}:{to_json(value[key])}" for key in sorted(value)) + "}"
    if kind == "list":
        return "[" + ",".join(map(to_json, value)) + "]"
    if kind == "string":
        text = json.dumps(value, ensure_ascii=False)
        return re.sub(_UNSAFE_JSON, lambda found: f"\\u{ord(found[0]):04x}", text)
    if isinstance(value, float):
        return _float(value, -6, 21).replace("e-0", "e-")
    return json.dumps(None if kind == "invalid" else value)
