# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Go templates written in Jinja: back to the pack byte for byte, and rendered as Helm renders them."""

import copy
import random
from pathlib import Path

import helm_python
import jinja2
import pytest
import random_go
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2.utils import Namespace
from random_values import BLANKS, DASH, SWITCHES, VALID, budget, changed

from stageset_render.findings import Refused
from stageset_render.helm import functions
from stageset_render.helm.values import coalesce
from stageset_render.pack import environment, files, release, templates
from stageset_render.port import chart as porting
from stageset_render.port.language import go_templates, translate, types

CHART = Path(__file__).parent / "chart"
SLIPS = ("%!", "<nil>", "map[", "[]")  # what Go prints of what it can't print, and the pack refuses to
ABOUT = {"Name": "stageset-controller", "Version": "0.0.0+1", "AppVersion": "2026.8.17224814"}
RELEASE = {"Name": "release", "Namespace": "space", "Service": "Helm"}


# Two renderings


def jinja_of(go, defaults):
    chart = go_templates.Chart(go, types.of_values(defaults, release.schema().root))
    return translate.jinja(chart, list(go))


class Both:
    """A chart of Go templates in Helm's hands, and what pull makes of them in Jinja's."""

    def __init__(self, directory, go, defaults):
        self.go, self.defaults = go, defaults
        self.jinja = jinja_of(go, defaults)
        (directory / "templates").mkdir()
        (directory / "Chart.yaml").write_text((CHART / "Chart.yaml").read_text())
        (directory / "values.yaml").write_text(yaml.safe_dump(defaults))
        for file, text in go.items():
            (directory / "templates" / file).write_text(text, newline="")
        self.chart = helm_python.Chart.load(str(directory))
        own = environment.environment()
        self.environment = environment.HelmEnvironment(
            loader=jinja2.DictLoader(self.jinja),
            keep_trailing_newline=True,
            undefined=own.undefined,
            finalize=own.finalize,
        )
        self.environment.filters, self.environment.tests = own.filters, own.tests
        self.environment.globals = own.globals

    def helms(self, values):
        """Template to text, or Helm's refusal."""
        values = copy.deepcopy(values)
        try:
            found = self.chart.render(values, name=RELEASE["Name"], namespace=RELEASE["Namespace"])
        except helm_python.HelmError as error:
            return error
        return {path.rpartition("/")[2]: text for path, text in found.items()}

    def ours(self, file, values):
        """The text of one template, or our refusal."""
        names = {**functions.GLOBALS, "namespace": Namespace, "Values": coalesce(self.defaults, values)}
        names |= {"Release": RELEASE, "Chart": ABOUT}
        try:
            with templates.refusing():
                if "_helpers.tpl" in self.jinja:
                    helpers = self.environment.get_template("_helpers.tpl").make_module(names, shared=True).__dict__
                    names["stageset"] = {name: macro for name, macro in helpers.items() if name[0] != "_"}
                return self.environment.get_template(file).render(names)
        except Refused as refused:
            return refused

    def agree(self, values):
        """Assert that both render the same, or both refuse; return whether they render."""
        expected = self.helms(values)
        for file in self.go:
            if file.startswith("_") or isinstance(expected, Exception) and file not in str(expected):
                continue
            found = self.ours(file, values)
            if isinstance(expected, Exception):
                assert isinstance(found, Exception), (expected, self.go[file], self.jinja[file])
            elif isinstance(found, Exception) and "expected a list, got a map" in str(found):
                continue  # a map in a list's place, over which Go ranges as well
            elif not (isinstance(found, Exception) and any(slip in expected[file] for slip in SLIPS)):
                assert found == expected[file], (self.go[file], self.jinja[file], str(found))
        return not isinstance(expected, Exception)


# From the pack to the chart and back


def test_the_own_port_is_the_pack_byte_for_byte():
    """Written anew, as if the pack had no files yet."""
    chart = porting.chart()
    go = go_templates.Chart(translate.templates(chart), translate.known(chart))
    assert translate.jinja(go, list(go.parts)) == {name: files.source(name) for name in porting.ported_names()}


# From a chart to the pack


@pytest.fixture(scope="module")
def maintained(tmp_path_factory):
    go = {path.name: path.read_text() for path in sorted((CHART / "templates").iterdir())}
    return Both(tmp_path_factory.mktemp("chart"), go, release.defaults())


def test_a_chart_as_maintainers_write_it_renders_its_defaults(maintained):
    assert maintained.agree({})
    assert len(maintained.go) > 12


@settings(max_examples=budget(2))
@given(edits=st.lists(VALID, min_size=2, max_size=8), seed=st.integers(0, 2**32))
def test_a_chart_as_maintainers_write_it_renders_as_helm_renders_it(maintained, edits, seed):
    chance = random.Random(seed)
    for _ in range(4):
        maintained.agree(changed([(path, chance.choice(options)) for path, options in SWITCHES] + edits))


@settings(max_examples=budget())
@given(
    drawn=st.lists(random_go.templates(), min_size=4, max_size=4),
    values=st.lists(random_go.VALUES, min_size=3, max_size=3),
)
def test_every_construct_renders_as_helm_renders_it(tmp_path_factory, drawn, values):
    go = {"_helpers.tpl": random_go.HELPERS}
    for number, template in enumerate(drawn):
        file = f"t{number}.yaml"
        try:
            jinja_of({**go, file: template}, random_go.DEFAULTS)
        except Refused as refused:
            assert any(said in str(refused) for said in ("the dot, of which", "printed in Go's notation")), template
        else:
            go[file] = template
    both = Both(tmp_path_factory.mktemp("drawn"), go, random_go.DEFAULTS)
    for one in values:
        both.agree(one)


GO_TAGS = [
    '{{{{{} "v" {}}}}}',
    None,
    '{{{{{} $a := "b" {}}}}}',
    "{{{{{} if true {}}}}}",
    '{{{{{} with "b" {}}}}}',
    '{{{{{} range list "b" {}}}}}',
]


@settings(max_examples=budget(2))
@given(pieces=st.lists(st.tuples(BLANKS, st.integers(0, 5), DASH, DASH, BLANKS, DASH, DASH), max_size=5), end=BLANKS)
def test_white_space_is_trimmed_as_in_go(tmp_path_factory, pieces, end):
    source = ""
    for before, kind, left, right, inside, end_left, end_right in pieces:
        if kind == 1:
            tag = "{{" + ("- " if left else "") + "/* c */" + (" -" if right else "") + "}}"
        else:
            tag = GO_TAGS[kind].format(left, right)
        source += before + tag + inside
        if kind > 2:
            source += f"{{{{{end_left} end {end_right}}}}}"
    assert Both(tmp_path_factory.mktemp("one"), {"it.txt": source + end}, {}).agree({})


# Go on the left, Jinja on the right


TABLE = [
    ("{{ .Values.ports.gate | int }}", "{{ Values.ports.gate | int }}"),
    ("{{- int .Values.ports.gate -}}", "{{- int(Values.ports.gate) -}}"),
    ("{{- toYaml .Values.affinity | nindent 8 }}", "{{- Values.affinity | to_yaml | nindent(8) }}"),
    ("{{ toYaml (list 1 2) }}", "{{ to_yaml([1, 2]) }}"),
    ("{{ (.Values.controller).logLevel }}", "{{ Values.controller.logLevel }}"),
    (
        "{{ if ((.Values.x).y).z }}a{{ end }}",
        "{% if ((Values.x | default(dict())).y | default(dict())).z %}a{% endif %}",
    ),
    ("{{ (.Values.x | default dict).y }}", "{{ (Values.x | default(dict())).y }}"),
    ("{{ .Values.x | default .Values.y | quote }}", "{{ Values.x | default(Values.y) | quote }}"),
    ('{{ default "a" .Values.x }}', '{{ default("a", Values.x) }}'),
    ("{{ ternary 1 2 .Values.gate.enabled }}", "{{ ternary(1, 2, Values.gate.enabled) }}"),
    (
        '{{ printf "%s-%d" .Release.Name (int .Values.ports.mcp) }}',
        '{{ printf("%s-%d", Release.Name, int(Values.ports.mcp)) }}',
    ),
    ('{{ fail "no" }}', '{{ fail("no") }}'),
    ('{{ required "x" .Values.x }}', '{{ required("x", Values.x) }}'),
    ("{{ and .Values.a (or .Values.b .Values.c) }}", "{{ Values.a and (Values.b or Values.c) }}"),
    ("{{ or (and .Values.a .Values.b) .Values.c }}", "{{ (Values.a and Values.b) or Values.c }}"),
    ("{{ not (and .Values.a .Values.b) }}", "{{ not (Values.a and Values.b) }}"),
    ('{{ eq .Values.serviceMesh.engine "istio" }}', '{{ Values.serviceMesh.engine == "istio" }}'),
    ('{{ not (eq .Values.serviceMesh.engine "istio") }}', '{{ not Values.serviceMesh.engine == "istio" }}'),
    ('{{ eq .Values.unknown "a" }}', '{{ eq(Values.unknown, "a") }}'),
    ('{{ eq .Values.serviceMesh.engine "a" "b" }}', '{{ eq(Values.serviceMesh.engine, "a", "b") }}'),
    ("{{ gt (int .Values.replicas.max) 1 }}", "{{ int(Values.replicas.max) > 1 }}"),
    ("{{ gt .Values.replicas.max .Values.replicas.min }}", "{{ gt(Values.replicas.max, Values.replicas.min) }}"),
    (
        "{{ eq (.Values.replicas.max | int) (int .Values.replicas.min) }}",
        "{{ Values.replicas.max | int == int(Values.replicas.min) }}",
    ),
    ('{{ kindIs "invalid" .Values.x }}', "{{ Values.x is not defined }}"),
    ('{{ not (kindIs "invalid" .Values.x) }}', "{{ Values.x is defined }}"),
    ("{{ ne .Values.x nil }}", "{{ Values.x is defined }}"),
    ("{{ deepEqual .Values.x .Values.y }}", "{{ Values.x == Values.y }}"),
    ("{{ not (deepEqual .Values.x .Values.y) }}", "{{ Values.x != Values.y }}"),
    ('{{ index .Values "nodeSelector" "a/b" }}', '{{ index(Values, "nodeSelector", "a/b") }}'),
    ('{{ dict "a" 1 | toJson }}', '{{ dict("a", 1) | to_json }}'),
    ("{{ -1 }}{{ 1.5 }}{{ 0x10 }}{{ 'a' }}{{ true }}", "{{ -1 }}{{ 1.5 }}{{ 16 }}{{ 97 }}{{ true }}"),
    ("{{ 1000000 }}", "{{ 1000000 | int }}"),
    ('{{`{{ $labels.x }} "y" \\d`}}', '{{ "{{ $labels.x }} \\"y\\" \\\\d" }}'),
    ("a {% b {# c", 'a {{ "{" }}% b {{ "{" }}# c'),
    ("{{/* a */}}{{- /* b */ -}}{{/*- c -*/}}", "{# a #}{#- b -#}{# - c - #}"),
    (
        "{{ if .Values.a }}b{{ else if .Values.c }}d{{ else }}e{{ end }}",
        "{% if Values.a %}b{% elif Values.c %}d{% else %}e{% endif %}",
    ),
    (
        "{{ with .Values.a }}{{ .b }}{{ . | quote }}{{ $.Values.c }}{{ else }}{{ .Values.d }}{{ end }}",
        "{% if Values.a %}{{ Values.a.b }}{{ Values.a | quote }}{{ Values.c }}{% else %}{{ Values.d }}{% endif %}",
    ),
    (
        "{{ with .Values.a }}{{ . }}{{ else with .Values.b }}{{ . }}{{ end }}",
        "{% if Values.a %}{{ Values.a }}{% elif Values.b %}{{ Values.b }}{% endif %}",
    ),
    (
        "{{- with .Values.a | default .Values.b -}}{{ . }}{{- end }}",
        "{%- set it = Values.a | default(Values.b) %}{% if it -%}{{ it }}{%- endif %}",
    ),
    ("{{ with .Values.a | default .Values.b }}c{{ end }}", "{% if Values.a | default(Values.b) %}c{% endif %}"),
    (
        "{{ with $x := .Values.a }}{{ $x }}{{ .b }}{{ end }}",
        "{% set x = Values.a %}{% if x %}{{ x }}{{ x.b }}{% endif %}",
    ),
    (
        "{{ if $x := .Values.a }}{{ $x }}{{ else }}{{ $x }}{{ end }}",
        "{% set x = Values.a %}{% if x %}{{ x }}{% else %}{{ x }}{% endif %}",
    ),
    (
        "{{ range .Values.controller.watchNamespaces }}{{ . }}{{ $.Release.Name }}{{ end }}",
        "{% for namespace in Values.controller.watchNamespaces %}{{ namespace }}{{ Release.Name }}{% endfor %}",
    ),
    (
        "{{ range $i, $x := .Values.l }}{{ $i }}{{ $x }}{{ .y }}{{ end }}",
        "{% for x in Values.l %}{{ loop.index0 }}{{ x }}{{ x.y }}{% endfor %}",
    ),
    (
        "{{ range $i, $x := .Values.l }}{{ range $x }}{{ $i }}{{ end }}{{ end }}",
        "{% for x in Values.l %}{% set i = loop.index0 %}{% for entry in x %}{{ i }}{% endfor %}{% endfor %}",
    ),
    (
        "{{ range .Values.hosts }}{{ . }}{{ else }}none{{ end }}",
        "{% for host in Values.hosts %}{{ host }}{% else %}none{% endfor %}",
    ),
    (
        "{{ $x := 1 }}{{ if .Values.a }}{{ $x = 2 }}{{ end }}{{ $x }}",
        "{% set x = 1 %}{% if Values.a %}{% set x = 2 %}{% endif %}{{ x }}",
    ),
    (
        "{{ $x := 1 }}{{ if .Values.a }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}",
        "{% set x = 1 %}{% if Values.a %}{% set x2 = 2 %}{{ x2 }}{% endif %}{{ x }}",
    ),
    (
        '{{ $l := list }}{{ range .Values.a }}{{ $l = append $l . }}{{ end }}{{ $l | join "," }}',
        "{% set l = namespace(value=[]) %}{% for entry in Values.a %}{% set l.value = append(l.value, entry) %}"
        "{% endfor %}"
        '{{ l.value | join(",") }}',
    ),
    (
        '{{ $x := "o" }}{{ range $a := .Values.a }}{{ $x := $a }}{{ $x }}{{ end }}{{ $x }}',
        '{% set x = "o" %}{% for a in Values.a %}{% set x = a %}{{ x }}{% endfor %}{{ x }}',
    ),
    (
        "{{ range $e := .Values.a }}{{ $e = 1 }}{{ $e }}{{ . }}{{ end }}",
        "{% for entry in Values.a %}{% set e = entry %}{% set e = 1 %}{{ e }}{{ entry }}{% endfor %}",
    ),
    (
        "{{ $index := 1 }}{{ $loop := 2 }}{{ $index }}{{ $loop }}",
        "{% set index2 = 1 %}{% set loop2 = 2 %}{{ index2 }}{{ loop2 }}",
    ),
    (
        "{{- $root := . -}}{{ $root.Values.x }}{{ $c := $root }}{{ $c.Chart.Name }}",
        "{#- $root := . -#}{{ Values.x }}{# $c := $root #}{{ Chart.Name }}",
    ),
    ('{{- $m := dict }}{{- $_ := set $m "a" 1 }}', '{%- set m = dict() %}{%- set _ = set(m, "a", 1) %}'),
    (
        "{{ range $k, $v := .Values.nodeSelector }}{{ $k }}: {{ $v }}{{ end }}",
        "{% for k in keys(Values.nodeSelector) | sort_alpha %}{% set v = get(Values.nodeSelector, k) %}"
        "{{ k }}: {{ v }}{% endfor %}",
    ),
    (
        "{{- range .Values.nodeSelector -}} {{ . }}{{ end }}",
        "{%- for key in keys(Values.nodeSelector) | sort_alpha %}{% set value = get(Values.nodeSelector, key) -%} "
        "{{ value }}{% endfor %}",
    ),
    (
        "{{ range $k, $_ := .Values.nodeSelector }}a{{ $k }}{{ end }}",
        "{% for k in keys(Values.nodeSelector) | sort_alpha %}a{{ k }}{% endfor %}",
    ),
]


@pytest.mark.parametrize("go, jinja", TABLE)
def test_an_action_becomes_a_tag(go, jinja):
    assert translate.one("it.txt", go, {}) == jinja


# What has no exact Jinja form


REFUSED = [
    ("{{ tpl .Values.x . }}", "tpl renders what a value says; print the value, or write the template here"),
    ('{{ lookup "v1" "Secret" "a" "b" }}', "lookup asks the cluster, and nothing here knows one; make it a value"),
    ('{{ .Files.Get "x" }}', ".Files reads the chart's files; write the text into the template"),
    ("{{ .Capabilities.KubeVersion.Major }}", ".Capabilities asks the cluster, and nothing here knows one"),
    ("{{ .Release.IsUpgrade }}", ".Release.IsUpgrade; the pack knows .Release.Name, .Release.Namespace"),
    ("{{ .Template.Name }}", ".Template names the template; write the name"),
    ("{{ .Other }}", ".Other is nothing that the pack knows; make it a value"),
    ("{{ now }}", "now differs from run to run; make it a value"),
    ("{{ randAlphaNum 5 }}", "the function randAlphaNum, which the pack doesn't know"),
    ("{{ nonsense 5 }}", "the function nonsense, which the pack doesn't know; make what it gives a value"),
    ("{{ mustToJson .Values.x }}", "the function mustToJson, which the pack doesn't know; it knows toJson"),
    (
        "{{ $root := . }}{{ $root = .Values }}",
        "an assignment to $root, another name of the dot; declare one of another name",
    ),
    ('{{- $_ := set $.Values.x "a" 1 }}', "set of a map of the values changes them; use mergeOverwrite (dict)"),
    ("{{ range 3 }}{{ end }}", "a range over a number; loop over a list"),
    ("{{ range .Values.l }}{{ break }}{{ end }}", "break; there is nothing like it in Jinja"),
    ('{{ block "a" . }}{{ end }}', "block; there is nothing like it in Jinja"),
    ('{{ define "a" }}{{ end }}', "a define outside a partial; move it into _helpers.tpl"),
    ('{{ include "nowhere" . }}', "an include of nowhere, which is defined nowhere"),
    ("{{ include .Values.x . }}", "an include of a name that is no literal"),
    ("{{ .Values.controller.watchNamespaces }}", "a list, printed in Go's notation; use toYaml"),
    ("{{ . }}", "the whole of what the template is rendered with; name one of its fields"),
    ("{{ toYaml . }}", "the whole of what the template is rendered with; name one of its fields"),
    (
        "{{ eq .Values.x 1 }}",
        "eq of an int and a value, a float64 to Helm, which refuses to compare them; write (int ...)",
    ),
    ("{{ eq .Values.controller.watchNamespaces .Values.x }}", "eq of a list or map, which Helm refuses; use deepEqual"),
    ("{{ lt .Values.gate.enabled true }}", "lt of truths, which Helm refuses"),
    ('{{ eq .Values.gate.enabled "true" }}', "eq of a boolean and a string, which Helm refuses"),
    ("{{ printf .Values.x }}", "printf with a format that is no literal; write it out"),
    ('{{ printf "%x" .Values.x }}', "printf with verbs other than %s %q %d %v %%"),
    ('{{ printf "%d" .Values.x }}', "%d of what is no int to Go; write (int ...)"),
    ('{{ printf "%s" .Values.gate.enabled }}', "%s of a boolean, which Go prints as a slip"),
    ('{{ (printf "%s" .Values.x).y }}', "only a map has fields"),
    (
        "{{ mergeOverwrite .Values.x .Values.y }}",
        "mergeOverwrite into a map of the values changes them; begin with (dict)",
    ),
    (
        "{{ with $x := .Values.t }}{{ range .Values.l }}{{ $x = 1 }}{{ end }}{{ . }}{{ end }}",
        "the dot, of which x was part until it was set anew; name it before",
    ),
    ("{{ toYaml | nindent 4 }}", "toYaml of 0 values; it takes 1"),
    ("{{ .Values.x | default }}", "default of 1 value; it takes 2"),
    ("{{ mergeOverwrite }}", "mergeOverwrite of 0 values; it takes at least 1"),
    ("{{ .Values.a-b }}", "Go doesn't parse this"),
    ("{{ if .Values.a }}", "the if has no end; Go doesn't parse this"),
    ("{{ $x }}", "the variable $x, which is not declared here"),
    ("{{ with .Values.a }}{{ $y := 1 }}{{ end }}{{ $y }}", "the variable $y, which is not declared here"),
    ("a\rb", "a carriage return; end lines with a line feed"),
]


@pytest.mark.parametrize("go, told", REFUSED)
def test_what_has_no_exact_form_is_refused_at_its_line(go, told):
    with pytest.raises(Refused) as refused:
        translate.one("it.txt", f"{{{{/*\n\n*/}}}}{go}", {})
    assert str(refused.value).startswith("it.txt:3: ") and told in str(refused.value)


def test_all_that_is_refused_is_told_at_once():
    with pytest.raises(Refused) as refused:
        translate.one("it.txt", "{{ now }}\n{{ tpl .a . }}\n{{ .Files }}", {})
    assert [line.partition(": ")[0] for line in str(refused.value).splitlines()] == ["it.txt:1", "it.txt:2", "it.txt:3"]
