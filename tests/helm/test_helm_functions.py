# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Every function against the one of the real Helm, and to_yaml against what Go and Python read back."""

from __future__ import annotations

import functools
import itertools
import math
import re

import helm_python
import jinja2
import pytest
import sprig_rows
import yaml
from conftest import draws
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from stageset_render.findings import Refused
from stageset_render.helm import functions as helm_functions
from stageset_render.helm import writing

fast = functools.partial(settings, deadline=None, derandomize=True, database=None)


@pytest.fixture(scope="module")
def helm(tmp_path_factory):
    """Render one Go template with values, by Helm itself; None when Helm refuses."""

    @functools.cache
    def chart(template):
        directory = tmp_path_factory.mktemp("chart")
        (directory / "Chart.yaml").write_text("apiVersion: v2\nname: one\nversion: 0.0.0\n", encoding="utf-8")
        (directory / "templates").mkdir()
        (directory / "templates" / "it.txt").write_text(template, encoding="utf-8")
        return helm_python.Chart.load(str(directory))

    def render(template, values):
        try:
            return chart(template).render(values, name="r", namespace="n")["one/templates/it.txt"]
        except helm_python.HelmError:
            return None

    return render


@functools.cache
def compiled(template):
    environment = jinja2.Environment(finalize=writing.finalize, keep_trailing_newline=True, autoescape=False)
    environment.filters, environment.tests = helm_functions.FILTERS, helm_functions.TESTS
    environment.globals = helm_functions.GLOBALS
    return environment.from_string(template)


def ours(template, values):
    try:
        return compiled(template).render(values)
    except Refused:
        return None


# Values

PIECES = (
    *"ab01_.-+eExoyn~:=<>!&*%@`#,?[]{}|\\'\"é\t\r\n\0\x1b\x7f\x85\xa0\u2028\u2029\ud7ff\ufeff\ufffd\ufffe😀",
    *(
        " ",
        "  ",
        "\n\n",
        ": ",
        " #",
        "- ",
        "? ",
        "{{",
        "---",
        "...",
        "word ",
        "long" * 8 + " ",
        "<<",
        "null",
        "true",
        "no",
    ),
    *("1:30", "0x", "0o7", "1e3", ".inf", "2001-01-01", "T10:00:00", "Z"),
)
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=10).map("".join),
    st.lists(st.sampled_from([piece for piece in PIECES if piece.isprintable()]), max_size=60).map("".join),
    st.text("0123456789_.eE+-xobTZ: ", max_size=14),
    st.text(
        st.characters(exclude_categories=["Cs", "Cn"]), max_size=8
    ),  # what is a letter, Go's Unicode may know better
)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), floats, texts)
printed = st.one_of(st.none(), st.booleans(), st.integers(-999999, 999999), floats, texts)
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=5), max_leaves=12
)


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value:
            yield from strings(item)
            yield from strings(value[item] if isinstance(value, dict) else None)


def maps(value):
    if isinstance(value, dict):
        yield value
    if isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from maps(item)


def sorted_at_random(value):
    """Go's order of keys is not transitive: of 2, 19 and 1B each comes before the next, and Helm starts anywhere."""

    def order(names):
        return list(yaml.load(writing.to_yaml(dict.fromkeys(names, 0)), Loader))

    return any(order(pair) != list(pair) for pair in itertools.combinations(order(value), 2))


def exact(value):
    """Numbers as Go has them after reading: all float64."""
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


class Loader(yaml.CSafeLoader):
    """Reads 1e+20 as YAML 1.2 does; nothing else is changed."""


Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"-?[0-9](\.[0-9]+)?e[-+][0-9]+$"), "-0123456789")


# to_yaml: the strings that Helm and we write differently. Helm drops or changes those of LOST_BY_HELM, and an indent
# can break those of UNSAFE_IN_HELM. The others are strings for Go when plain, but not for Python (or, as the key <<,
# for neither); those of ODD_DATE_OR_NUMBER are quoted with the valid dates and numbers. Only where it stands alone, a
# string that starts with a blank or a line break and holds one is no block for us, as its indent would not be known.
# Nor is any that ends in blank lines, to which those after it would add.

LOST_BY_HELM = re.compile("[\x7f-\x9f\ufffe\uffff]")
UNSAFE_IN_HELM = re.compile("[\u2028\u2029]|^\ufeff|(^|\n)\n\\Z")
ODD_DATE_OR_NUMBER = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*|[-+.0-9_]+[eE][-+]?[0-9_]{3,}")


def as_python_reads(text):
    try:
        return yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError):
        return None


def differs_from_helm(text):
    if LOST_BY_HELM.search(text) or UNSAFE_IN_HELM.search(text) or text in ("=", "<<"):
        return True
    plain = re.fullmatch(r"[-+.0-9][-+.0-9a-zA-Z_: ]*", text) and ": " not in text
    return bool(plain and (ODD_DATE_OR_NUMBER.fullmatch(text) or not isinstance(as_python_reads(text), str)))


def block_alone(value):
    return isinstance(value, str) and value.startswith((" ", "\n")) and "\n" in value


def doubled(text):
    return f'"{text}"'


@pytest.mark.parametrize(
    "text, by_helm, by_us",
    [
        ("a\x7fb", "", r'"a\x7Fb"'),
        ("a\x85b", "a b", r'"a\Nb"'),
        ("a\ufffeb", "", r'"a\uFFFEb"'),
        ("a\u2028b", "'a\u2028  b'", r'"a\Lb"'),
        ("a\nb\u2029c: d", "|-\n  a\n  b\u2029  c: d", r'"a\nb\Pc: d"'),
        (" a\nb", "|2-\n   a\n  b", r'" a\nb"'),
        ("\n\na", "|2-\n\n\n  a", r'"\n\na"'),
        ("\n", "|2+\n", r'"\n"'),
        ("a\n\n", "|+\n  a\n", r'"a\n\n"'),
        ("\ufeffab", r'"\uFEFF\x61\x62"', r'"\uFEFFab"'),
        *(
            (text, text, doubled(text))
            for text in ("=", "<<", ".1_", "0b_", "2001-13-45", "2001-01-01 01:02:03 -5", "1e400")
        ),
    ],
)
def test_to_yaml_where_helm_writes_what_is_not_the_string(helm, text, by_helm, by_us):
    assert differs_from_helm(text) or block_alone(text)
    assert helm("{{ toYaml .Values.x }}", {"x": text}) == by_helm
    assert writing.to_yaml(text) == by_us


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            " ",
            "a ",
            " a",
            "*",
            "&",
            "!",
            "-",
            "---",
            "...",
            "- a",
            "a: b",
            "a #b",
            "#",
            "%a",
            "@a",
            "'a",
            '"',
            "a'b",
        ),
        *(
            "y",
            "N",
            "yes",
            "On",
            "null",
            "~",
            "Null",
            "1",
            "01",
            "08",
            "0o7",
            "012",
            "0x1F",
            "0b1",
            "-0b1",
            "1_000",
            "1e3",
        ),
        *(
            "1.",
            ".5",
            "._5",
            "_1",
            "+1",
            "12:30",
            "01:30",
            "1:2:3.4",
            "1:60",
            "2001-01-01",
            "2001-1-1T1:2:3Z",
            ".inf",
            ".NaN",
            "inf",
        ),
        *("a\n", "a\nb", "a\n b", "a \nb", "a\nb ", "a\n\nb", "...\n...", "\t", "a\rb"),
        *("word " * 30, "w" * 200, "'" + "word " * 30, "word  " * 30, "é " * 90, "no\t" + "word " * 30, "😀 " * 30),
        *(1, -1, 0, 1.0, 1.5, -0.0, 1e6, 12345678.9, 1e-5, 1e-7, 1e19, 1e20, 1e21, 2**53, 5e-324, True, False, None),
        *([], {}, [[]], [{}], {"a": []}, {"a": {}}, [["a", ["b"]], {"c": ["d"]}], {"a": [{"b": "\n c", "d": ["\ne"]}]}),
        *({"a\nb": 1, "": 2, "x" * 128: 3, "y" * 129: [4], "n": 5, "1": 6}, ["a", "a"]),
        *({"1000": 1, "109": 2}, {"a": "word " * 30}),
        *([" a\nb", "\n\na"], {"a": "\na", "b": "\n\na\n"}),
    ],
    ids=repr,
)
def test_to_yaml_is_byte_for_byte_that_of_helm(helm, value):
    for shared in (value, {"key": value}, [value], {"key": [[value]]}):
        assert writing.to_yaml(shared) == helm("{{ toYaml .Values.x }}", {"x": shared})


@fast(max_examples=draws(4))
@given(value=trees)
def test_to_yaml_of_random_values_is_that_of_helm(helm, value):
    assume(not block_alone(value) and not any(map(sorted_at_random, maps(value))))
    assume(not any(map(differs_from_helm, strings(value))))
    assert writing.to_yaml(value) == helm("{{ toYaml .Values.x }}", {"x": value})


@fast(max_examples=draws(5))
@given(keys=st.tuples(*[st.text("aB019-_./ é²", min_size=1, max_size=6)] * 2))
def test_to_yaml_sorts_two_keys_as_helm_does(helm, keys):
    value = {key: True for key in keys if not differs_from_helm(key)}
    assert writing.to_yaml(value) == helm("{{ toYaml .Values.x }}", {"x": value})


@pytest.mark.parametrize("inner", [texts, trees], ids=["texts", "trees"])
def test_to_yaml_reads_back_as_the_value_wherever_it_stands(inner):
    @fast(max_examples=draws(3))
    @given(value=inner, key=texts, spaces=st.integers(4, 12))
    @example(value="\n", key="<<", spaces=4)
    def check(value, key, spaces):
        for holder in (value, {key: value}, [value]):
            written = helm_functions.nindent(spaces, writing.to_yaml(holder))
            text = f"before: 1\nouter:\n  x:{written}\n\n\n  z: 1\n"
            expected = {"before": 1, "outer": {"x": exact(holder), "z": 1}}
            assert exact(helm_python.values_from_yaml(text)) == expected
            assert exact(yaml.load(text, Loader)) == expected

    check()


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 2**64 - 1, 9007199254740993])
def test_to_yaml_keeps_integers_exact(value):
    assert writing.to_yaml(value) == str(value)


NAMES = ["a", "y", "1", "null", "x/y.z", "a:b", "a:", ":a", ".a", "...", "-a", "a b", "2001:db8::/33", "12:30", "é", ""]
names = st.text("ab-./:_019AZ", max_size=6) | st.sampled_from([*NAMES, "label-1", "label-10", "label-2", "x" * 101])
simple = st.recursive(
    scalars | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@fast(max_examples=draws(16))
@given(value=simple)
@example(value={"a": [["b", {"c": [], "d": {}}], {"e": None, "f": ["g"]}, []], "b": {"c": [1.5, True, "1"]}})
def test_what_is_simple_is_written_as_libyaml_writes_it(value):
    assert writing._simply(value) in (None, writing._yaml(value))


def test_what_is_simple_is_written_simply():
    value = {"spec": {"networks": [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}], "port": 80, "a": "yes"}}
    assert writing._simply(value) == (
        'spec:\n  a: "yes"\n  networks:\n  - cidr: 10.0.0.0/8\n    except:\n    - 10.1.0.0/16\n  port: 80'
    )


@fast(max_examples=draws(16))
@given(st.lists(names | st.text("aé²0<~", max_size=4), unique=True, max_size=8))
def test_keys_are_sorted_by_one_key_as_by_comparing_them(keys):
    assert writing._in_order(keys) == sorted(sorted(keys, key=writing._near), key=writing._by_key)


def test_to_yaml_has_one_order_where_go_has_none():
    assert {writing.to_yaml(dict.fromkeys(keys, 0)) for keys in itertools.permutations(["2", "19", "1B"])} == {
        '"2": 0\n"19": 0\n1B: 0'
    }


def test_to_yaml_never_writes_an_anchor_and_knows_missing_keys():
    shared = ["a"]
    value = {"x": shared, "y": shared, "z": jinja2.Undefined()}
    assert writing.to_yaml(value) == 'x:\n- a\n"y":\n- a\nz: null'


@pytest.mark.parametrize("bad", ["\ud800", {"a": math.inf}, [math.nan], 10**400, {1: "a"}, (1,), {"a": {1}}], ids=repr)
def test_to_yaml_refuses_what_json_cannot_hold(bad):
    with pytest.raises(
        Refused, match="surrogate|no number of JSON|too large for JSON|expected a string|is no value of a template"
    ):
        writing.to_yaml(bad)


# Every function: the Go template, ours, and the values of x (and y) for both. None in place of a text: both refuse.

SOME_TEXTS = [
    "",
    "a",
    " a\n b\t",
    "\x1c\u2003é\u0085",
    "ÀÉİΣς",
    "a.b.c",
    "spiffe://a/b",
    "\u2028",
    '"\\\a\b\f\v\r\x01\x7f',
    "😀\u00ad\ue000",
]
SOME_SCALARS = [None, True, False, 0, 1, 1.0, 1.5, -0.0, 1e6, 999999, 0.1, 1.2345e-05, 1e-4, 1e20, 1e21, -1.5e300]
SOME_INTS = [
    "8080",
    "x",
    "",
    " 1",
    "1 ",
    "1.9",
    "8080.0",
    "5.",
    ".0",
    "1.0.0",
    "0x1F",
    "010",
    "08",
    "0o7",
    "0b11",
    "1_000",
]
SOME_INTS += [
    "1__0",
    "0_7",
    "+5",
    "-7",
    "--7",
    "1e3",
    "9223372036854775808",
    "-9223372036854775808",
    "٣",
    "0x_1",
    "0X1f",
    "00",
]
SOME_LISTS = [
    [],
    ["b", "a", "B", "é", "a"],
    ["a", None, 1, 1.5, True, 1e6, "1", None],
    [[1], [1], {"a": 1}, {"a": 1.0}, {"a": True}],
]
ANY = [*SOME_TEXTS, *SOME_SCALARS, *SOME_LISTS[:3], {}]
ROWS = [
    ("{{ .Values.x }}", "{{ x }}", [*SOME_TEXTS, *SOME_SCALARS]),
    ("{{ .Values.missing }}", "{{ missing }}", [None]),
    ("{{ quote .Values.x }}", "{{ quote(x) }}", [*SOME_TEXTS, *SOME_SCALARS]),
    ("{{ quote .Values.x .Values.y `z` }}", "{{ quote(x, y, 'z') }}", [None, 1]),
    ("{{ .Values.x | indent 2 }}", "{{ x | indent(2) }}", [*SOME_TEXTS, 1, None, []]),
    ("{{ .Values.x | nindent 4 }}", "{{ x | nindent(4) }}", SOME_TEXTS),
    (
        "{{ .Values.x | int }}",
        "{{ x | int }}",
        [*SOME_INTS, *(n for n in SOME_SCALARS if n not in (1e20, 1e21, -1.5e300)), [], {}],
    ),
    (
        "{{ toJson .Values.x }}",
        "{{ x | to_json }}",
        [*SOME_SCALARS, 1e-7, 'a\x1f"\\\t\b\f', *SOME_LISTS, {"b": "<&>\u2028", "a": {}}],
    ),
    (
        "{{ toYaml .Values.x }}|{{ toYaml .Values.missing }}",
        "{{ x | to_yaml }}|{{ to_yaml(missing) }}",
        [*SOME_SCALARS, {"a": [1]}],
    ),
    ("{{ toString .Values.x }}", "{{ x | to_string }}", [*SOME_TEXTS, *SOME_SCALARS[1:]]),
    ("{{ trim .Values.x }}", "{{ x | trim }}", ANY),
    ("{{ trunc 3 .Values.x }}", "{{ x | trunc(3) }}", ["", "ab", "abcd", "aéb", 1, None]),
    ("{{ trunc -3 .Values.x }}", "{{ trunc(-3, x) }}", ["", "ab", "abc", "abcd"]),
    ("{{ trunc 0 .Values.x }}", "{{ trunc(0, x) }}", ["", "ab"]),
    ("{{ trimSuffix `-` .Values.x }}", "{{ x | trim_suffix('-') }}", ["a-", "a--", "-", "", "a", 1, None]),
    ("{{ trimPrefix `-` .Values.x }}", "{{ x | trim_prefix('-') }}", ["-a", "--a", "-", "", "a", 1, None]),
    (
        "{{ hasPrefix `spiffe://` .Values.x }}",
        "{{ x | has_prefix('spiffe://') }}",
        ["spiffe://", "spiffe:/", "xspiffe://", 1, None],
    ),
    ("{{ contains `*` .Values.x }}", "{{ x | contains('*') }}", ["a*", "*", "", "a", 1, None]),
    ("{{ .Values.x | replace `a` `<a>` }}", "{{ x | replace('a', '<a>') }}", ["", "a", "banana", 1, None]),
    ("{{ .Values.x | replace `` `-` }}", "{{ x | replace('', '-') }}", ["", "é", "ab"]),
    ("{{ .Values.x | join `, ` }}", "{{ x | join(', ') }}", [*SOME_LISTS[:3], "a", 1.0, True, None]),
    ("{{ sortAlpha .Values.x | toJson }}", "{{ x | sort_alpha | to_json }}", [*SOME_LISTS[:3], "a"]),
    ("{{ uniq .Values.x | toJson }}", "{{ x | uniq | to_json }}", [*SOME_LISTS, "a", 1, None]),
    (
        "{{ has 1.0 .Values.x }}{{ has `a` .Values.x }}",
        "{{ has(1, x) }}{{ x | has('a') }}",
        [*SOME_LISTS, None, "a", {}],
    ),
    ("{{ has .Values.x (list nil true `1`) }}", "{{ has(x, [none, true, '1']) }}", [None, True, "1", 1, False]),
    ("{{ append .Values.x 1 | toJson }}", "{{ append(x, 1) | to_json }}", [[], ["a"], "a", {}]),
    ("{{ concat .Values.x (list `b`) | toJson }}", "{{ concat(x, ['b']) | to_json }}", [[], ["a"], "a", {}]),
    ("{{ dict `a` .Values.x `b` 1 | toJson }}", "{{ dict('a', x, 'b', 1) | to_json }}", [None, 1, {"c": 2}]),
    ("{{ fromYaml .Values.x | toJson }}", "{{ from_yaml(x) | to_json }}", ["a: 1", "a: {b: [c]}\nd: 'on'", ""]),
    ("{{ get .Values.x `a` }}", "{{ get(x, 'a') }}", [{}, {"a": "b"}, {"b": "a"}]),
    ("{{ mul .Values.x 3 1024 }}", "{{ mul(x, 3, 1024) }}", [0, 2, "7", -1]),
    (
        "{{ mergeOverwrite .Values.x (dict `a` (dict `b` 1)) | toJson }}",
        "{{ merge_overwrite(x, dict('a', dict('b', 1))) | to_json }}",
        [{}, {"a": {"c": 2}}, {"a": {"b": 3}, "d": 4}, {"a": "text"}],
    ),
    (
        "{{ omit .Values.x `a` `z` | toJson }}",
        "{{ omit(x, 'a', 'z') | to_json }}",
        [{}, {"a": 1}, {"b": 2, "a": 1}, "a", []],
    ),
    (
        "{{ keys .Values.x | sortAlpha | join `,` }}",
        "{{ keys(x) | sort_alpha | join(',') }}",
        [{}, {"b": 1, "a": 2}, "a"],
    ),
    (
        "{{ hasKey .Values.x `a` }}",
        "{{ has_key(x, 'a') }}",
        [{}, {"a": None}, {"b": 1}, "a", []],
    ),
    (
        "{{ $d := dict `a` 1 }}{{ $_ := set $d .Values.x 2 }}{{ $d | toJson }}{{ get $d .Values.x }}",
        "{% set d = dict('a', 1) %}{% set _ = set(d, x, 2) %}{{ d | to_json }}{{ get(d, x) }}",
        ["a", "b", 1, None],
    ),
    ("{{ len .Values.x }}", "{{ x | len }}", ["", "aé", [], [1, 2], {"a": 1}, None, 1, True]),
    ("{{ printf `%s-%q %%` .Values.x .Values.x }}", "{{ printf('%s-%q %%', x, x) }}", SOME_TEXTS),
    ("{{ printf `%d %v` (int .Values.x) .Values.x }}", "{{ printf('%d %v', x | int, x) }}", [1, 1.5, True, "8"]),
    (
        "{{ printf `%-6s|%6s|%8q|%3d` .Values.x .Values.x .Values.x 7 }}",
        "{{ printf('%-6s|%6s|%8q|%3d', x, x, x, 7) }}",
        ["", "é", "abcdefgh"],
    ),
    (
        "{{ regexReplaceAll `^(.+)/(b*)$` .Values.x `\\1 ${2}.${1} ${0}` }}",
        "{{ regex_replace_all('^(.+)/(b*)$', x, '\\\\1 ${2}.${1} ${0}') }}",
        ["a/b", "a/", "a", "\\/b", "a/b\n", "", 1, None],
    ),
    ("{{ regexReplaceAll `(a)|b` .Values.x `<${1}>` }}", "{{ regex_replace_all('(a)|b', x, '<${1}>') }}", ["abc", "c"]),
    ("{{ .Values.x | printf `%s` }}", "{{ x | printf('%s') }}", ["a"]),
    ("{{ .Values.x }}|{{ int .Values.x }}", "{{ x }}|{{ int(x) }}", [999999, 1000000, -1000000, 5368709120, 123456789]),
    ("{{ mul .Values.x 2 }}", "{{ mul(x, 2) }}", [5368709120]),
    ("{{ default `d` .Values.x }}", "{{ x | default('d') }}", ["", "a", None, 0, 0.0, 1.5, False, True]),
    ("{{ .Values.x | default (list 1) | len }}", "{{ x | default([1]) | len }}", [[], {}, [1, 2], {"a": 1, "b": 2}]),
    ("{{ default `d` .Values.missing }}", "{{ default('d', missing) }}", [None]),
    ("{{ eq .Values.x `a` }}", "{{ x == 'a' }}", ["a", "b", ""]),
    ("{{ required `m` .Values.x }}", "{{ x | required('m') }}", ["", "a", None, 0, 1.0, False, True, " "]),
    ("{{ if .Values.x }}{{ fail `m` }}{{ end }}", "{% if x %}{{ fail('m') }}{% endif %}", [True, False]),
    *sprig_rows.ROWS,
]


@pytest.mark.parametrize("go, jinja, x", [(go, jinja, x) for go, jinja, values in ROWS for x in values])
def test_function_is_that_of_helm(helm, go, jinja, x):
    values = {"x": x, "y": None}
    assert ours(jinja, values) == helm(go, values)


def test_set_leaves_values_alone():
    with pytest.raises(Refused, match="set changes a map that dict has made"):
        compiled("{{ set(x, 'a', 1) }}").render({"x": {}})


def test_every_function_has_a_row():
    called = {name for _, jinja, _ in ROWS for name in re.findall(r"[a-z_0-9]+", jinja)} | {"regex_match"}
    assert set(helm_functions.GLOBALS) <= called
    assert set(helm_functions.FILTERS) == set(helm_functions.GLOBALS)


RANDOM = [
    ("{{ quote .Values.x }}", "{{ quote(x) }}", printed),
    ("{{ printf `%q` .Values.x }}", "{{ printf('%q', x) }}", texts),
    ("{{ .Values.x }}", "{{ x }}", printed),
    ("{{ nindent 4 .Values.x }}", "{{ x | nindent(4) }}", texts),
    ("{{ trim .Values.x }}", "{{ x | trim }}", st.text(" \t\n\r\v\f\x1c\x85\xa0\u2003\u200b\u2028a", max_size=8)),
    ("{{ trunc 5 .Values.x }}|{{ trunc -5 .Values.x }}", "{{ x | trunc(5) }}|{{ x | trunc(-5) }}", st.text("ab ")),
    ("{{ int .Values.x }}", "{{ x | int }}", st.text("0123456789xXoOb_.+-aF", max_size=8) | st.floats(-1e18, 1e18)),
    ("{{ join `,` .Values.x }}", "{{ x | join(',') }}", st.lists(printed, max_size=5)),
    (
        "{{ sortAlpha .Values.x | toJson }}",
        "{{ x | sort_alpha | to_json }}",
        st.lists(st.text("aA0é\uffee😀", max_size=3)),
    ),
    (
        "{{ uniq .Values.x | len }}",
        "{{ x | uniq | len }}",
        st.lists(st.sampled_from([0, 1, "1", True, None, [], {}, [1], "a"])),
    ),
    ("{{ replace `--` `+` .Values.x }}", "{{ x | replace('--', '+') }}", st.text("a-", max_size=8)),
]


@pytest.mark.parametrize("go, jinja, values", RANDOM, ids=[row[1] for row in RANDOM])
def test_function_of_random_values_is_that_of_helm(helm, go, jinja, values):
    @fast(max_examples=draws(2))
    @given(x=values)
    def check(x):
        assert ours(jinja, {"x": x}) == helm(go, {"x": x})

    check()


@fast(max_examples=draws(3))
@given(x=trees)
def test_to_json_means_what_helm_means(helm, x):
    text = writing.to_json(x)
    assert not re.search("[<>&\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]", text)
    by_helm = helm("{{ toJson .Values.x }}", {"x": x})
    assert text == re.sub("[\x7f-\x9f\ufeff\ufffe\uffff]", lambda found: f"\\u{ord(found[0]):04x}", by_helm)


PATTERNS = [
    *(
        "a",
        "^a$",
        "^$",
        "",
        "a|b",
        "^(a|b)+$",
        "^(?:a|b)c*$",
        "a.b",
        r"^a\.b$",
        "[ab]",
        "[^ab]",
        "^[a-b.-]+$",
        r"^\w+$",
        r"\d",
    ),
    *(
        r"\S",
        r"\s",
        r"^\s*$",
        r"[\d.]",
        r"\bb",
        r"a{2}",
        "a{1,}?",
        "^a{0,2}b$",
        r"\$",
        "[$]a",
        r"[\]$]",
        "a$|b",
        "(a$)",
        r"\W",
        "[a|b]",
    ),
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_regex_match_is_that_of_helm(helm, pattern):
    @fast(max_examples=draws(2))
    @given(x=st.text("ab.$ \t\n\v\r1é٣_]|", max_size=5))
    def check(x):
        values = {"x": x, "p": pattern}
        expected = helm("{{ regexMatch .Values.p .Values.x }}", values)
        assert expected is not None
        assert ours("{{ regex_match(p, x) }}", values) == expected

    check()


@pytest.mark.parametrize(
    "pattern",
    [
        *("(?=a)", "(?!a)", "(?P<n>a)", "(?i)a", r"(a)\1", r"\Z", r"\pL", "[[:alpha:]]", "a++", "a*+", "a{,2}", "a**"),
        *("(", ")", "[", "a)", "[b-a]", "*a", "a{2}{3}", "\\", "[a--b]", "[a&&b]", r"[\S]", r"[\s]", "a{3,1}", r"\q"),
    ],
)
def test_regex_match_refuses_patterns_that_go_and_python_read_differently(pattern):
    with pytest.raises(Refused, match="^the pattern "):
        helm_functions.GLOBALS["regex_match"](pattern, "a")


@pytest.mark.parametrize(
    "pattern, new, message",
    [
        ("(a)", "$1", "refers to groups otherwise than by ${1}"),
        ("(a)", "${name}", "refers to groups otherwise than by ${1}"),
        ("(a)", "${2}", "or to one that is not there"),
        ("b*", "-", "the pattern b* matches nothing at all"),
    ],
)
def test_regex_replace_all_refuses_what_go_and_python_replace_differently(pattern, new, message):
    with pytest.raises(Refused, match=re.escape(message)):
        helm_functions.GLOBALS["regex_replace_all"](pattern, "ab", new)


# Where Helm prints its own notation, or something that was never meant, and we refuse.


@pytest.mark.parametrize(
    "template, x, by_helm, message",
    [
        (
            ("{{ .Values.x }}", "{{ x }}"),
            {"a": 1},
            "map[a:1]",
            "a map has no text of its own; write it with to_yaml or join",
        ),
        (("{{ .Values.x }}", "{{ x }}"), ["a"], "[a]", "a list has no text of its own; write it with to_yaml or join"),
        (("{{ quote .Values.x }}", "{{ x | quote }}"), ["a"], '"[a]"', "a list has no text"),
        (("{{ join `,` .Values.x }}", "{{ x | join(',') }}"), [["a"]], "[a]", "a list has no text"),
        (("{{ toString .Values.x }}", "{{ x | to_string }}"), None, "<nil>", "null or a missing key has no text"),
        (
            ("{{ printf `%d` .Values.x }}", "{{ printf('%d', x) }}"),
            1.5,
            "%!d(float64=1.5)",
            "a whole number, got 1.5; pass it through int",
        ),
        (
            ("{{ printf `%s` .Values.x }}", "{{ printf('%s', x) }}"),
            1.5,
            "%!s(float64=1.5)",
            "expected a string, got a number",
        ),
        (
            ("{{ printf `%s` .Values.x }}", "{{ printf('%s', x) }}"),
            None,
            "%!s(<nil>)",
            "expected a string, got null or a missing key",
        ),
        (
            ("{{ printf `%x` .Values.x }}", "{{ printf('%x', x) }}"),
            "a",
            "61",
            'printf "%x": %x has no value, or is not one of',
        ),
        (("{{ printf `%s %s` .Values.x }}", "{{ printf('%s %s', x) }}"), "a", "a %!s(MISSING)", "%s has no value"),
        (("{{ printf `a%` }}", "{{ printf('a%') }}"), None, "a%!(NOVERB)", "% has no value"),
        (
            ("{{ printf `a` .Values.x }}", "{{ printf('a', x) }}"),
            "b",
            "a%!(EXTRA string=b)",
            "there are more values than verbs",
        ),
        (("{{ dict .Values.x | toJson }}", "{{ dict(x) | to_json }}"), "a", '{"a":""}', "the last key has no value"),
        (("{{ int .Values.x }}", "{{ x | int }}"), 1e20, "-9223372036854775808", "out of the range of a whole number"),
    ],
)
def test_refuses_what_was_never_meant(helm, template, x, by_helm, message):
    go, jinja = template
    assert helm(go, {"x": x}) == by_helm
    with pytest.raises(Refused, match=re.escape(message)):
        compiled(jinja).render(x=x)


@pytest.mark.parametrize(
    "call", ["{{ required('say why', x) }}", "{{ '' | required('say why') }}", "{{ fail('say why') }}"]
)
def test_required_and_fail_refuse_with_their_message_alone(call):
    with pytest.raises(Refused, match="^say why$"):
        compiled(call).render()


def test_trunc_leaves_no_half_of_a_character():
    assert helm_functions.trunc(2, "aé") == "a"
    assert helm_functions.trunc(-1, "aé") == ""


@pytest.mark.parametrize(
    "value, expected", [(None, False), (jinja2.Undefined(), False), ("", True), (0, True), (False, True)]
)
def test_defined_is_neither_null_nor_missing(value, expected):
    assert helm_functions.TESTS["defined"](value) is expected


def test_integers_print_exactly():
    assert writing.finalize(writing.Whole(2**63 + 1)) == "9223372036854775809"
