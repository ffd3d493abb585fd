# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The chart that `stageset-port chart` writes, rendered by real Helm, against what the pack renders: byte for byte."""

import copy
from pathlib import Path

import helm_python
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from random_values import BLANKS, DASH, EDITS, RELEASE, budget, variants

from stageset_render.findings import Refused
from stageset_render.helm import functions
from stageset_render.pack import environment, files, rendering, templates
from stageset_render.pack import release as pack_release
from stageset_render.port import chart as porting
from stageset_render.port import commands

CASES = Path(__file__).parent.parent.parent / "cases"


# Two renderings


def loaded(directory, files):
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, encoding="utf-8")
    return helm_python.Chart.load(str(directory))


@pytest.fixture(scope="module")
def chart(tmp_path_factory):
    return loaded(tmp_path_factory.mktemp("chart"), porting.chart())


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """The same without its schema, which takes Helm ten times as long to read as to render the rest."""
    texts = {path: text for path, text in porting.chart().items() if path != files.SCHEMA}
    return loaded(tmp_path_factory.mktemp("bare"), texts)


def helms(chart, values, release=RELEASE):
    """File name to text, as rendering.render has it, or Helm's refusal."""
    try:
        return {path.rpartition("/")[2]: text for path, text in chart.render(copy.deepcopy(values), **release).items()}
    except helm_python.HelmError as error:
        return error


def ours(values, release=RELEASE):
    """The same of the pack."""
    try:
        return rendering.render(values, **release)
    except Refused as refused:
        return refused


def agree(chart, values, release=RELEASE):
    """Assert that both render the same or both refuse; return what the pack makes of the values."""
    expected, found = ours(values, release), helms(chart, values, release)
    if isinstance(expected, Exception) or isinstance(found, Exception):
        assert isinstance(expected, Exception) and isinstance(found, Exception), (expected, found)
    else:
        assert {file: text for file, text in found.items() if not file.startswith("_")} == expected
    return expected


# Random values


@settings(max_examples=budget(2))
@given(edits=EDITS, seed=st.integers(0, 2**32))
def test_helm_renders_the_chart_as_the_pack_renders_itself(bare, edits, seed):
    for values in variants(edits, seed):
        if not isinstance(ours(values), Exception):  # the rules refuse more than the chart does
            agree(bare, values)


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in sorted(CASES.glob("[vw]*/*.yaml"))]
)
def test_helm_agrees_on_every_case_that_renders(bare, path):
    values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    assert not isinstance(agree(bare, values), Exception)


@pytest.mark.parametrize("text", ["n", "1e3"])
@pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem) for path in sorted(CASES.parent.glob("everything/*.yaml"))]
)
def test_helm_agrees_on_names_that_yaml_misreads(chart, path, text):
    values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    assert not isinstance(agree(chart, values, {"name": "n", "namespace": text}), Exception)


# Single constructs


TEMPLATES = sorted(path.name for path in (files.root() / "templates").iterdir() if path.name != files.DEFAULTS)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_can_travel(name):
    assert porting.problems(name, files.source(name)) == []


LOOP = "{% for a in Values.serviceMesh.gate.from %}"
FORBIDDEN = [
    ("{{ Release.Name ~ 'x' }}", "`~`; use printf"),
    ("{{ Release.Name[1:] }}", "an index or a slice"),
    ("{{ Values.serviceMesh.gate.from[0] }}", "an index or a slice"),
    ("{{ Values['ports'] }}", "an index or a slice"),
    ("{{ 'a' if Values.gate.enabled else 'b' }}", "an inline if"),
    ("{{ {'a': 1} | to_yaml }}", "a map literal; use dict"),
    ("{{ 1, 2 }}", "a tuple"),
    ("{{ Values.ports.gate + 1 }}", "arithmetic"),
    ("{{ -Values.x }}", "arithmetic"),
    ("{% for k, v in Values.ports.items() %}{% endfor %}", "a loop over pairs, so over a map"),
    ("{% for k in Values.ports.items() %}{% endfor %}", "a call of the method items"),
    ("{% for k in Values.ports %}{% endfor %}", "a loop over a object"),
    ("{% for k in Release.Name %}{% endfor %}", "a loop over a string"),
    (LOOP.replace(" %}", " if a.principals %}{% endfor %}"), "a loop with a filter or recursive"),
    (LOOP.replace(" %}", " recursive %}{% endfor %}"), "a loop with a filter or recursive"),
    (LOOP + "{{ loop.index }}{% endfor %}", "loop.index; Go has loop.index0 alone"),
    (LOOP + "{{ loop.last }}{% endfor %}", "loop.last; Go has loop.index0 alone"),
    (LOOP + "{% endfor %}{{ loop.index0 }}", "loop.index0 outside a loop"),
    ("{{ Values.ports.gate | abs }}", "the filter abs"),
    ("{{ Release.Name | title }}", "the filter title"),
    ("{{ Release.Name | to_yaml(2) }}", "toYaml of 2 values; it takes 1"),
    ("{{ lookup('v1') }}", "the function lookup"),
    ("{{ Release.Name.upper() }}", "a call of the method upper"),
    ("{{ Release.Name is string }}", "the test string"),
    ("{{ 'a' in Values.serviceMesh.gate.from }}", "in, not in or a chain of comparisons"),
    ("{{ 'a' not in Values.serviceMesh.gate.from }}", "in, not in or a chain of comparisons"),
    ("{{ 1 < 2 < 3 }}", "in, not in or a chain of comparisons"),
    ("{{ Values.ports.gate == 1 }}", "a number or truth compared with what may be of another kind"),
    ("{{ Values.ports.gate > 1 }}", "a number or truth compared with what may be of another kind"),
    ("{{ Values.x == true }}", "a number or truth compared with what may be of another kind"),
    ("{{ has(Values.ports.gate, [1]) }}", "has with a number"),
    ("{{ none }}", "none; ask with"),
    ("{{ printf(format='x') }}", "an argument by name"),
    ("{{ printf('x').y }}", ".y of what is no name"),
    ("{{ Release | to_yaml }}", "Release as a whole"),
    ("{{ Release.Revision }}", "Release.Revision; of Release there are"),
    ("{{ Capabilities }}", "the name Capabilities"),
    ("{% set a, b = 1, 2 %}", "a set of several names"),
    ("{% set Values = 1 %}", "Values as a name of its own"),
    ("{% set a %}x{% endset %}", "a set without ="),
    ("{% if Values.gate.enabled %}{% set a = 1 %}{% endif %}{{ a }}", "a is set in an if alone"),
    ("{% set a = 1 %}" + LOOP + "{% if a %}{% set b = 2 %}{% endif %}{{ b }}{% endfor %}", "b is set in an if alone"),
    ("{% include 'namespace.yaml' %}", "the tag include"),
    ("{% extends 'namespace.yaml' %}", "the tag extends"),
    ("{% block a %}{% endblock %}", "the tag block"),
    ("{% raw %}{{ x }}{% endraw %}", "the tag raw"),
    ("{% call printf('x') %}{% endcall %}", "the tag call"),
    ("{% filter trim %}x{% endfilter %}", "the tag filter"),
    ("{% with a = 1 %}{% endwith %}", "the tag with"),
    ("{% from '_helpers.tpl' import labels %}", "the tag from"),
    ("{% import '_helpers.tpl' as s with context %}", "the tag import"),
    ("{% macro a() %}{% endmacro %}", "a macro inside a block or outside a partial"),
    ("{# a */ b #}", "*/ in a comment"),
    ("a\u00a0{{- Release.Name }}", "white space that Go doesn't trim"),
    ("a\r\nb", "a carriage return"),
    ("{% if %}", "Expected an expression, got 'end of statement block'; this is no template"),
    ("{{ 'a", "unexpected char"),
]


@pytest.mark.parametrize("source, said", FORBIDDEN)
def test_what_go_has_not_is_refused_with_its_line(source, said):
    found = porting.problems("some.yaml", f"a: b\n{source}")
    assert str(found[0]).startswith(f"templates/some.yaml:2: {said}")


PARTIAL = [
    ("{% macro a(b=1) %}{% endmacro %}", "a macro with a default"),
    ("{% macro a(root) %}{% endmacro %}", "root as a name of its own"),
    ("{% macro a(b) %}{% endmacro %}{{ a() }}", "a call of a with 0 arguments; it takes 1"),
    ("{% macro a(b) %}{% if b %}{% set b = 1 %}{% endif %}{{ b }}{% endmacro %}", "b is set in an if alone"),
    ("{% set a = 1 %}{% macro b() %}{{ a }}{% endmacro %}", "the name a"),
    ("{{ stageset.nothing() }}", "the macro nothing; _helpers.tpl has none"),
    ("{{ stageset.name }}", "stageset.name without a call"),
]


@pytest.mark.parametrize("source, said", PARTIAL)
def test_macros_without_a_go_form_are_refused(source, said):
    (found,) = porting.problems("_some.tpl", source)
    assert str(found).startswith(f"templates/_some.tpl:1: {said}")


def test_every_problem_is_named():
    found = porting.problems("some.yaml", "{{ a ~ b }}\n{{ Release.Name | title }}\n{% if Values.x[0] %}{% endif %}")
    assert [problem.place.line for problem in found] == [1, 2, 3]


GO = [
    ("a: {{ stageset.name() | trim }}", 'a: {{ include "stageset.name" . | trim }}'),
    ("a:\n  {#- b #}\n  {{- 1 -}}\n\n  c", "a:\n  {{- /* b */}}\n  {{- 1 -}}\n\n  c"),
    ("{{- Values.ports.gate | int | quote -}}", "{{- .Values.ports.gate | int | quote -}}"),
    ("{#- a\nb -#} ", "{{- /* a\nb */ -}} "),
    ('{{ "{{ $labels.x }}" }}', '{{ "{{ $labels.x }}" }}'),
    ('{{ regex_match("^a\\\\.b$", Release.Name) }}', '{{ regexMatch "^a\\\\.b$" .Release.Name }}'),
    (
        LOOP + '{{ Release.Name }}{{ a.principals | join(",") }}{{ loop.index0 }}{% endfor %}',
        "{{ range $index0, $a := .Values.serviceMesh.gate.from }}"
        '{{ $.Release.Name }}{{ $a.principals | join "," }}{{ $index0 }}{{ end }}',
    ),
    (
        "{% if Values.gate.enabled and not (Values.mcp.enabled or Values.webhook.enabled) %}a"
        "{% elif Values.x is defined %}b{% else %}c{% endif %}",
        "{{ if and .Values.gate.enabled (not (or .Values.mcp.enabled .Values.webhook.enabled)) }}a"
        '{{ else if not (kindIs "invalid" .Values.x) }}b'
        "{{ else }}c{{ end }}",
    ),
    (
        '{% set a = ["x"] %}{% if Values.gate.enabled %}{% set a = append(a, "y") %}{% endif %}{{ a | join(",") }}',
        '{{ $a := list "x" }}{{ if .Values.gate.enabled }}{{ $a = append $a "y" }}{{ end }}{{ $a | join "," }}',
    ),
    (
        '{% set a = "x" %}' + LOOP + '{% set a = "y" %}{{ a }}{% endfor %}{{ a }}',
        '{{ $a := "x" }}{{ range $a := .Values.serviceMesh.gate.from }}{{ $a = "y" }}{{ $a }}{{ end }}{{ $a }}',
    ),
]


@pytest.mark.parametrize("source, go", GO)
def test_a_tag_becomes_one_action(source, go):
    assert porting.ported("some.yaml", source) == go


# With, where a chart has it


WITH = [
    (
        "{% if Values.affinity %}{{ Values.affinity | to_yaml | nindent(8) }}{% endif %}",
        "{{ with .Values.affinity }}{{ toYaml . | nindent 8 }}{{ end }}",
    ),
    (
        "{% if Values.a %}{{ Values.a | to_yaml }}{{ Release.Name }}{{ Values.a.b }}{{ Values.c }}{% endif %}",
        "{{ with .Values.a }}{{ toYaml . }}{{ $.Release.Name }}{{ .b }}{{ $.Values.c }}{{ end }}",
    ),
    (
        "{% if Values.a %}{% for b in Values.a %}{{ loop.index0 }}{{ b.c }}{% endfor %}{% else %}{{ Values.a }}"
        "{% endif %}",
        "{{ with .Values.a }}{{ range $index0, $b := . }}{{ $index0 }}{{ $b.c }}{{ end }}{{ else }}"
        "{{ .Values.a }}{{ end }}",
    ),
    (
        "{% for a in Values.b %}{% if a.c %}{{ a.c | quote }}{{ a.c.d }}{{ a.e }}{{ Values.b | len }}"
        "{% endif %}{% endfor %}",
        "{{ range $a := .Values.b }}{{ with $a.c }}{{ . | quote }}{{ .d }}{{ $a.e }}{{ $.Values.b | len }}"
        "{{ end }}{{ end }}",
    ),
    (
        "{% if Values.a %}{{ Values.a }}{% if Values.b %}{{ Values.b }}{{ Values.a }}{% endif %}{{ Values.a }}"
        "{% endif %}",
        "{{ with .Values.a }}{{ . }}{{ with $.Values.b }}{{ . }}{{ $.Values.a }}{{ end }}{{ . }}{{ end }}",
    ),
    (
        "{% if Values.a %}{% if Values.b %}{{ Values.b }}{% else %}{{ Values.a }}{{ Values.b }}{% endif %}{% endif %}",
        "{{ with .Values.a }}{{ with $.Values.b }}{{ . }}{{ else }}{{ . }}{{ $.Values.b }}{{ end }}{{ end }}",
    ),
    (
        "{% if Values.a %}{{ printf('%s', Values.a) }}{% if Values.b and Values.a == 'c' %}d{% endif %}{% endif %}",
        '{{ with .Values.a }}{{ printf "%s" . }}{{ if and $.Values.b (deepEqual . "c") }}d{{ end }}{{ end }}',
    ),
    (
        "{% if Values.a %}{{ Values.a | join(',') }}{{ Values.a }}{% endif %}",
        '{{ if .Values.a }}{{ .Values.a | join "," }}{{ .Values.a }}{{ end }}',
    ),
    (
        "{% if Values.a %}{{ join(',', Values.a) | quote }}{% endif %}",
        '{{ if .Values.a }}{{ join "," .Values.a | quote }}{{ end }}',
    ),
    ("{% if Values.a %}{{ Values.a.b }}{% endif %}", "{{ with .Values.a }}{{ .b }}{{ end }}"),
    (
        "{% if Values.a %}{% if Values.a.b %}c{% endif %}{% endif %}",
        "{{ if .Values.a }}{{ if .Values.a.b }}c{{ end }}{{ end }}",
    ),
    ("{% if Values.a == 'b' %}{{ Values.a }}{% endif %}", '{{ if deepEqual .Values.a "b" }}{{ .Values.a }}{{ end }}'),
    ("{% if not Values.a %}{{ Values.a }}{% endif %}", "{{ if not .Values.a }}{{ .Values.a }}{{ end }}"),
    (
        "{% if Values.gate.enabled %}{{ Values.gate.enabled }}{% endif %}",
        "{{ if .Values.gate.enabled }}{{ .Values.gate.enabled }}{{ end }}",
    ),
    (
        "{% if Values.a %}{{ Values.a }}{% elif Values.b %}{{ Values.b }}{% endif %}",
        "{{ if .Values.a }}{{ .Values.a }}{{ else if .Values.b }}{{ .Values.b }}{{ end }}",
    ),
    (
        "{% if Values.c == 'c' %}{% elif Values.a %}{% if Values.b %}{{ Values.b }}{% endif %}{{ Values.a }}"
        "{% endif %}",
        '{{ if deepEqual .Values.c "c" }}{{ else if .Values.a }}{{ with .Values.b }}{{ . }}{{ end }}'
        "{{ .Values.a }}{{ end }}",
    ),
    ("{% set a = Values.b %}{% if a %}{{ a }}{% endif %}", "{{ $a := .Values.b }}{{ if $a }}{{ $a }}{{ end }}"),
    ("{% if Release.Name %}{{ Release.Name }}{% endif %}", "{{ if .Release.Name }}{{ .Release.Name }}{{ end }}"),
    (
        "{% for a in Values.b %}{% if a.c %}{{ a.c }}{% set a = a.c %}{{ a.c }}{% endif %}{% endfor %}",
        "{{ range $a := .Values.b }}{{ with $a.c }}{{ . }}{{ $a = . }}{{ $a.c }}{{ end }}{{ end }}",
    ),
]


@pytest.mark.parametrize("source, go", WITH)
def test_a_block_that_prints_its_condition_is_a_with(source, go):
    assert porting.ported("some.yaml", source) == go


def test_a_with_in_a_macro_keeps_the_root_in_reach():
    macro = (
        "{%- macro a(b) -%}{% if b %}{{ b | to_yaml }}{{ Values.x }}{{ a(b) }}"
        "{% else %}{{ a(b) }}{% endif %}{%- endmacro %}"
    )
    assert porting.ported("_some.tpl", macro) == (
        '{{- define "stageset.some.a" -}}{{ with .b }}{{ toYaml . }}{{ $.root.Values.x }}'
        '{{ include "stageset.some.a" (dict "root" $.root "b" .) }}'
        '{{ else }}{{ include "stageset.some.a" (dict "root" .root "b" .b) }}{{ end }}{{- end }}'
    )


# Single templates, rendered by both


def ours_of(source, values):
    """What the pack makes of a template without imports; None for a refusal."""
    release = {"Name": RELEASE["name"], "Namespace": RELEASE["namespace"], "Service": "Helm"}
    context = {"Values": values, "Release": release, "Chart": files.CHART}
    try:
        with templates.refusing():
            return environment.environment().from_string(source).render({**functions.GLOBALS, **context})
    except Refused:
        return None


def alone(directory, source):
    """A template without partials as a chart of its own."""
    about = "apiVersion: v2\nname: one\nversion: 0.0.0\n"
    return loaded(directory, {"Chart.yaml": about, "templates/it.txt": porting.ported("it.txt", source)})


def both(chart, source, values):
    """What the pack and Helm make of a template without partials; None for a refusal."""
    found = helms(chart, values)
    return ours_of(source, values), None if isinstance(found, Exception) else found["it.txt"]


EXPRESSIONS = [
    'Values.x == "a"',
    '"a" != Values.x',
    "Values.x == Values.y",
    "Values.x | int == 1",
    'Values.x | int < 2 and "yes"',
    'Values.x or "none"',
    'Values.x and "some"',
    "not Values.x",
    "Values.x is defined",
    "Values.x is not defined",
    "Values.missing is defined",
    "Values.x.y",
    "Values.x.y.z",
    "Values.x.y == Values.missing.y",
    'has(Values.x, ["a", "b"])',
    "Values.x | len",
    'required("m", Values.x)',
    '[Values.x, "a"]',
    'dict("k", Values.x)',
    'Values.x == "a" or fail("m")',
    'Values.x < "b"',
    "(Values.x or [1, 2]) | len",
]
ANY = ["a", "", "1", 1, 0, 1.5, True, False, None, [], ["a"], {}, {"y": "a"}, {"y": {"z": 1}}]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_expressions_mean_the_same_for_every_kind_of_value(tmp_path, expression):
    source = f"{{{{ ({expression}) | to_json }}}}"
    chart = alone(tmp_path, source)
    for value in ANY:
        expected, found = both(chart, source, {"x": value, "y": "a"})
        assert found == expected, value


STATEMENTS = [
    "{% for a in Values.x %}{{ loop.index0 }}{{ a }},{% else %}none{% endfor %}",
    "{% for a in Values.x %}{% for b in Values.x %}{{ loop.index0 }}{% endfor %}{{ loop.index0 }}{% endfor %}",
    "{% for a in Values.x %}{% set at = loop.index0 %}{% for b in Values.x %}"
    "{% if at < loop.index0 %}{{ a }}{{ b }} {% endif %}{% endfor %}{% endfor %}",
    '{% set s = "o" %}{% for a in Values.x %}{{ s }}{% set s = a %}'
    '{% if a == "b" %}{% set s = "c" %}{% endif %}{{ s }}{% endfor %}{{ s }}',
    '{% set s = "o" %}{% if Values.x %}{% set s = "i" %}{% else %}{% set s = "e" %}{% endif %}{{ s }}',
    "{% if Values.x %}{% set s = Values.x | len %}{{ s }}{% else %}{% set s = 0 %}{{ s }}{% endif %}",
    "{% for a in Values.x %}{% for b in Values.none %}{% else %}{{ a }}{{ Release.Name }}{% endfor %}{% endfor %}",
    "{% for s in Values.x %}{% set s = s | quote %}{{ s }}{% endfor %}",
]


@pytest.mark.parametrize("source", STATEMENTS)
def test_statements_scope_alike(tmp_path, source):
    chart = alone(tmp_path, source)
    for value in ([], ["a"], ["a", "b", "c"]):
        expected, found = both(chart, source, {"x": value, "none": []})
        assert found == expected is not None, value


PATHS = ["Values.a", "Values.a.b", "Values.l", "Values.missing", "x", "x.b", "y", "y.b", "x.l"]
PRINTS = ["{{{{ {} | to_json }}}}", '{{{{ printf("%v", {} | to_json) | quote }}}}', "{{{{ [{}] | len }}}}"]
PATH, VARIABLE = st.sampled_from(PATHS), st.sampled_from("xy")
BLOCKS = st.recursive(
    st.one_of(st.builds(str.format, st.sampled_from(PRINTS), PATH), st.just("{{ Release.Name }}")),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.builds("{{% if {0} %}}{{{{ {0} | to_yaml }}}}{1}{{% else %}}{2}{{% endif %}}".format, PATH, inner, inner),
        st.builds("{{% if {0} %}}{1}{{% endif %}}".format, PATH, inner),
        st.builds(
            (
                "{{% if {0} %}}{{% for {1} in {0} %}}{{{{ loop.index0 }}}}{2}{{% else %}}{3}{{% endfor %}}{{% endif %}}"
            ).format,
            st.sampled_from(["Values.l", "x.l"]),
            VARIABLE,
            inner,
            inner,
        ),
        st.builds("{{% set {0} = {1} %}}{2}".format, VARIABLE, PATH, inner),
    ),
    max_leaves=12,
)
TREES = st.recursive(
    st.fixed_dictionaries({"b": st.sampled_from(["", "t", {"b": "u"}, {}, None]), "l": st.just([])}),
    lambda inner: st.fixed_dictionaries({"b": inner, "l": st.lists(inner, max_size=2)}),
    max_leaves=5,
)
CALL = '{{ include "stageset.m.m" (dict "root" . "x" .Values.a "y" (dict "b" .Values.l)) }}'


@settings(max_examples=budget(2))
@given(block=BLOCKS, trees=st.lists(st.tuples(TREES, TREES), min_size=3, max_size=3))
def test_blocks_in_blocks_mean_the_same(tmp_path_factory, block, trees):
    start = '{% set x = Values.a %}{% set y = dict("b", Values.l) %}'
    macro = "{% macro m(x, y) %}" + block + "{% endmacro %}"
    if porting.problems("it.txt", start + block) or porting.problems("_m.tpl", macro):
        return  # a name that an if alone sets
    texts = {
        "Chart.yaml": "apiVersion: v2\nname: one\nversion: 0.0.0\n",
        "templates/it.txt": porting.ported("it.txt", start + block),
        "templates/_m.tpl": porting.ported("_m.tpl", macro),
        "templates/call.txt": CALL,
    }
    chart = loaded(tmp_path_factory.mktemp("one"), texts)
    jinja = {"it.txt": start + block, "call.txt": macro + '{{ m(Values.a, dict("b", Values.l)) }}'}
    for a, b in trees:
        values = {"a": a, "l": [b], "b": "b"}
        found = helms(chart, values)
        for name, source in jinja.items():
            expected = ours_of(source, values)
            assert expected is None and isinstance(found, Exception) or found[name] == expected


TAGS = [
    '{{{} "v" {}}}}}',
    "{{#{} c {}#}}",
    '{{%{} set a = "b" {}%}}',
    "{{%{} if true {}%}}",
    '{{%{} for a in ["b"] {}%}}',
]


@settings(max_examples=budget(2))
@given(
    pieces=st.lists(st.tuples(BLANKS, st.integers(0, len(TAGS) - 1), DASH, DASH, BLANKS, DASH, DASH), max_size=5),
    end=BLANKS,
)
def test_white_space_is_trimmed_alike(tmp_path_factory, pieces, end):
    source = ""
    for before, kind, left, right, inside, end_left, end_right in pieces:
        source += before + TAGS[kind].format(left, right) + inside
        if kind > 2:
            source += f"{{%{end_left} {'endif' if kind == 3 else 'endfor'} {end_right}%}}"
    expected, found = both(alone(tmp_path_factory.mktemp("one"), source + end), source + end, {})
    assert found == expected is not None


# The files of the chart


def test_helm_finds_no_fault_in_the_chart(tmp_path):
    loaded(tmp_path, porting.chart())
    linted = helm_python.lint(str(tmp_path), namespace=RELEASE["namespace"])
    assert linted["errors"] == []
    assert [message["error"] for message in linted["messages"]] == ["icon is recommended"]
    about = yaml.safe_load((tmp_path / "Chart.yaml").read_text())
    assert (about["apiVersion"], about["type"]) == ("v2", "application")
    assert {key: about[key] for key in ("name", "version", "appVersion")} == {
        "name": files.CHART["Name"],
        "version": files.CHART["Version"],
        "appVersion": files.CHART["AppVersion"],
    }


def test_values_yaml_is_the_defaults_with_every_description():
    text = porting.values_file()
    assert yaml.safe_load(text) == pack_release.defaults()
    assert max(map(len, text.splitlines())) <= 120
    said = " ".join(line.strip(" #") for line in text.splitlines() if line.strip().startswith("#"))
    nodes = [pack_release.schema().root["properties"][key] for key in pack_release.defaults()]
    assert all(node["description"] in said for node in nodes)
    without_comments = "".join(
        line for line in text.splitlines(True) if line.strip() and not line.strip().startswith("#")
    )
    assert without_comments == "".join(
        line for line in files.source(files.DEFAULTS).splitlines(True) if not line.startswith("#")
    )


# The command


@pytest.fixture
def command():
    def run(*arguments):
        return CliRunner().invoke(commands.main, [str(argument) for argument in arguments], prog_name="stageset-port")

    return run


def tree(directory):
    return {path.relative_to(directory).as_posix(): path.read_text() for path in directory.rglob("*") if path.is_file()}


def test_the_command_writes_the_chart(command, tmp_path):
    done = command("chart", tmp_path / "new" / "chart")
    assert (done.exit_code, done.output) == (0, "")
    assert tree(tmp_path / "new" / "chart") == porting.chart()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["chart"]


def test_only_prints_one_template(command):
    for name in ("templates/NOTES.txt", "NOTES.txt"):
        done = command("chart", "--only", name)
        assert (done.exit_code, done.stdout) == (0, porting.chart()["templates/NOTES.txt"])


@pytest.mark.parametrize(
    "arguments, said",
    [
        ((), "name either OUTDIR or a template with --only"),
        (("out", "--only", "NOTES.txt"), "name either OUTDIR or a template with --only"),
        (("--only", "templates/nope.yaml"), "there is no template 'nope.yaml'; there are NOTES.txt"),
        (("--only", "_defaults.tpl"), "there is no template '_defaults.tpl'"),
    ],
)
def test_wrong_usage(command, arguments, said):
    done = command("chart", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_directory_with_something_in_it_is_written_with_force_alone(command, tmp_path):
    (tmp_path / "README").write_text("mine")
    refused = command("chart", tmp_path)
    assert (refused.exit_code, refused.stderr) == (
        1,
        f"error: {tmp_path}: is not empty; choose another directory, or write into it with --force\n1 error\n",
    )
    assert tree(tmp_path) == {"README": "mine"}
    assert command("chart", tmp_path, "--force").exit_code == 0
    assert tree(tmp_path) == {"README": "mine", **porting.chart()}
    assert command("chart", tmp_path, "--force").exit_code == 0


def test_a_template_of_another_chart_is_never_left_among_ours(command, tmp_path):
    (tmp_path / "templates" / "tests").mkdir(parents=True)
    (tmp_path / "templates" / "tests" / "old.yaml").write_text("kind: Old")
    refused = command("chart", tmp_path, "--force")
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"error: {tmp_path}/templates/tests/old.yaml: is no template of this chart, but")
    assert tree(tmp_path) == {"templates/tests/old.yaml": "kind: Old"}


def test_a_write_that_fails_leaves_what_was_there(command, tmp_path, monkeypatch):
    (tmp_path / "out" / "values.yaml").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    done = command("chart", tmp_path / "out", "--force")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.rstrip().endswith("Is a directory")
    assert sorted(tmp_path.rglob("*")) == before


def test_an_unportable_template_stops_the_port(command, tmp_path, monkeypatch):
    for module in (porting, commands):
        monkeypatch.setattr(module, "source", lambda name: "a\n{{ Release.Name | title }}")
    done = command("chart", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (1, "")
    assert (
        done.stderr.splitlines()[0]
        == "templates/NOTES.txt:2: error: the filter title; Helm has none, or the pack doesn't know it [port]"
    )
    assert not (tmp_path / "out").exists()
    assert command("chart", "--only", "namespace.yaml").stderr.startswith(
        "templates/namespace.yaml:2: error: the filter title"
    )


def test_no_traceback_reaches_a_user(command, tmp_path, monkeypatch):
    monkeypatch.setattr(porting, "values_file", lambda: 1 / 0)
    done = command("chart", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "stageset-port failed: ZeroDivisionError: division by zero; this is a bug, please report it\n"
