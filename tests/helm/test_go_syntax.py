# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The parser of Go templates: what it reads, and that it refuses what Helm's own parser refuses."""

import helm_python
import pytest

from stageset_render.helm.go_syntax import (
    Action,
    Command,
    Comment,
    Const,
    Dot,
    Function,
    GoSyntaxError,
    Pipe,
    Text,
    Variable,
    number,
    parse,
    unquoted,
)
from stageset_render.port.chart import chart


def pipe(*commands, fields=()):
    return Pipe(tuple(Command(operands) for operands in commands), fields)


def text(value):
    return Const("string", value, "")


PIPELINES = [
    (".", pipe((Dot(),))),
    ("$", pipe((Variable(""),))),
    (".Values.a.b", pipe((Dot(("Values", "a", "b")),))),
    ("$.Values.a", pipe((Variable("", ("Values", "a")),))),
    ("$x.y.z", pipe((Variable("x", ("y", "z")),))),
    ('eq .a "b"', pipe((Function("eq"), Dot(("a",)), text("b")))),
    ("f | g 1|h", pipe((Function("f"),), (Function("g"), Const("number", 1, "")), (Function("h"),))),
    ("f (g .a) .b", pipe((Function("f"), pipe((Function("g"), Dot(("a",)))), Dot(("b",))))),
    ("(f .a | g).b.c", pipe((pipe((Function("f"), Dot(("a",))), (Function("g"),), fields=("b", "c")),))),
    ("((.a).b).c", pipe((pipe((pipe((Dot(("a",)),), fields=("b",)),), fields=("c",)),))),
    ("f true nil", pipe((Function("f"), Const("bool", True, ""), Const("nil", None, "")))),
    ('`a"\\n{{ }}`', pipe((text('a"\\n{{ }}'),))),
    ('"a }} b"', pipe((text("a }} b"),))),
    ("f\n\t.a", pipe((Function("f"), Dot(("a",))))),
    ("-3", pipe((Const("number", -3, ""),))),
    ("'a'", pipe((Const("char", 97, ""),))),
    (".é_1", pipe((Dot(("é_1",)),))),
]


@pytest.mark.parametrize("source, expected", PIPELINES)
def test_a_pipeline(source, expected):
    (action,) = parse("{{ " + source + " }}")
    assert (action.pipe, action.keyword, action.variables, action.source) == (expected, "", (), source)


ACTIONS = [
    ("{{ $x := .a }}", {"variables": ("x",), "pipe": pipe((Dot(("a",)),))}),
    ("{{$x=1}}", {"variables": ("x",), "assigns": True, "pipe": pipe((Const("number", 1, ""),))}),
    ("{{ range $i , $x := .a }}", {"keyword": "range", "variables": ("i", "x"), "pipe": pipe((Dot(("a",)),))}),
    ("{{ with $x := .a }}", {"keyword": "with", "variables": ("x",), "pipe": pipe((Dot(("a",)),))}),
    ("{{ if $x }}", {"keyword": "if", "pipe": pipe((Variable("x"),))}),
    ('{{ define "a" }}', {"keyword": "define", "name": "a"}),
]


@pytest.mark.parametrize("source, expected", ACTIONS)
def test_an_action(source, expected):
    action = parse(source + "{{ end }}" * ("keyword" in expected))[0]
    found = {
        name: value for name, value in vars(action).items() if value and name not in ("line", "source", "start", "end")
    }
    assert found == expected


def test_what_a_template_calls():
    action = parse('{{ template "a" . }}')[0]
    assert (action.keyword, action.name, action.pipe) == ("template", "a", pipe((Dot(),)))
    assert parse('{{ template "a" }}')[0].pipe is None


def test_lines_and_trim_markers():
    parts = parse("a\n{{- if .x\n-}}\n\n {{/* c\nd */}}{{- /* e */ -}}\n{{ end -}}  \nf")
    assert [(type(part), part.line) for part in parts] == [
        (Text, 1),
        (Action, 2),
        (Text, 3),
        (Comment, 5),
        (Comment, 6),
        (Text, 6),
        (Action, 7),
        (Text, 7),
    ]
    marks = [(part.left, part.right) for part in parts if not isinstance(part, Text)]
    assert marks == [(True, True), (False, False), (True, True), (False, True)]
    assert [part.text for part in parts if not isinstance(part, Action)] == [
        "a\n",
        "\n\n ",
        " c\nd ",
        " e ",
        "\n",
        "  \nf",
    ]


def test_what_an_else_and_an_end_belong_to():
    source = (
        "{{if .a}}{{with .b}}{{else with .c}}{{else}}{{end}}{{else if .d}}{{range .e}}{{break}}{{else}}{{end}}{{end}}"
    )
    found = [(part.keyword, part.block) for part in parse(source)]
    assert found == [
        ("if", ""),
        ("with", ""),
        ("else with", "with"),
        ("else", "with"),
        ("end", "with"),
        ("else if", "if"),
        ("range", ""),
        ("break", ""),
        ("else", "range"),
        ("end", "range"),
        ("end", "if"),
    ]


@pytest.mark.parametrize(
    "literal, expected",
    [
        ("1_000", 1000),
        ("0x1F", 31),
        ("017", 15),
        ("0b11", 3),
        ("-0", 0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("0x1p-2", 0.25),
    ],
)
def test_a_number(literal, expected):
    assert (number(literal), type(number(literal))) == (expected, type(expected))


@pytest.mark.parametrize(
    "escaped, expected", [(r"\t\"\\", '\t"\\'), (r"\x41\101é\U0001F600", "AAé😀"), (r"\xc3\xa9", "é")]
)
def test_a_text(escaped, expected):
    assert unquoted(escaped) == expected


BAD = [
    "{{ if .x }}",
    "{{ end }}",
    "{{ else }}",
    "{{ if .x }}{{ else }}{{ else }}{{ end }}",
    "{{ if .x }}{{ else }}{{ else if .y }}{{ end }}",
    "{{ with .x }}{{ else if .y }}{{ end }}",
    "{{ range .x }}{{ else with .y }}{{ end }}",
    "{{ if }}{{ end }}",
    "{{ }}",
    "{{ nil }}",
    "{{ .x. }}",
    '{{ "a"."b" }}',
    "{{ .x | 3 }}",
    "{{ (.x }}",
    "{{ .x) }}",
    "{{ f(.x) }}",
    '{{ "a',
    '{{ "a\n" }}',
    '{{ "\\q" }}',
    "{{ 08 }}",
    "{{ 1x }}",
    "{{ 99999999999999999999 }}",
    "{{ 1 + 1 }}",
    "{{ /* a */ }}",
    "{{/* a */ }}",
    "{{/* a }}",
    "{{ break }}",
    "{{ end .x }}{{ end }}",
    "{{ define x }}{{ end }}",
    '{{ if .x }}{{ define "x" }}{{ end }}{{ end }}',
    "{{ $x, $y := .x }}",
    "{{ .x := 1 }}",
    "{{ if .x",
    "{{-if .x}}{{end}}",
]


@pytest.mark.parametrize("source", BAD)
def test_what_go_does_not_parse(tmp_path, source):
    with pytest.raises(GoSyntaxError) as found:
        parse("a\n" + source)
    assert found.value.line == 2
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: one\nversion: 0.0.0\n")
    (tmp_path / "templates" / "it.txt").write_text("a\n" + source)
    with pytest.raises(helm_python.HelmError):
        helm_python.Chart.load(str(tmp_path)).render({}, name="a", namespace="b")


def test_every_ported_template_is_read_whole():
    for path, source in chart().items():
        if path.startswith("templates/"):
            parts = parse(source)
            assert all(part.source in source for part in parts if isinstance(part, Action))
            assert "".join(part.text for part in parts if isinstance(part, Text)).count("\n") <= source.count("\n")
