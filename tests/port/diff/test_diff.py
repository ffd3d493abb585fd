# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""stageset-port diff and review: against the pack's own port, and against ports that are changed in one way each."""

import collections
import html.parser
import json
import re
import sys

import helm_python
import pytest
from click.testing import CliRunner
from jinja2 import nodes

from stageset_render.helm import documents
from stageset_render.pack import environment, files, rendering
from stageset_render.port import commands, deliberate
from stageset_render.port.diff import compare, marks, places, report, schemas
from stageset_render.port import chart as porting

ISTIO, NAMESPACE, ROLE = (
    f"templates/{name}.yaml" for name in ("istio-authorizationpolicy", "namespace", "clusterrole-controller")
)
MESH = ("--set", "serviceMesh.enabled=true", "--set", "namespace.create=true")
LAST = "      {{- end }}\n    {{- end }}\n    - to:"
HOSTILE = '</td><script src="https://example.com/x.js">&amp;\'{{'


def run(*arguments):
    return CliRunner().invoke(commands.main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def ported():
    return porting.chart()


@pytest.fixture
def port(tmp_path, ported):
    """Write the pack's port, changed: path to a list of (old text, new text), or to the whole text, or to None."""

    def write(changes):
        texts = dict(ported)
        for path, change in changes.items():
            if isinstance(change, list):
                for old, new in change:
                    assert old in texts[path]
                    texts[path] = texts[path].replace(old, new, 1)
            elif change is None:
                del texts[path]
            else:
                texts[path] = change
        porting.write(texts, tmp_path / "chart")
        return tmp_path / "chart"

    return write


def facts(found):
    """What `diff --output json` says of each difference."""
    keys = ("level", "where", "what", "path", "expected", "got")
    return [tuple(one.get(key) for key in keys) for one in found]


# The pack's own port


def test_the_own_port_has_no_difference(port):
    chart = port({})
    done = run("diff", chart, "stageset", "-n", "stageset-system", *MESH)
    assert done.exit_code == 0
    assert re.fullmatch(
        "0 different, 0 deliberate, [1-9][0-9] objects unchanged, cases: 1", done.stdout.splitlines()[-1]
    )
    found = json.loads(run("diff", chart, "--output", "json").stdout)
    assert (found["same"], found["differences"], found["failures"]) == (True, [], [])
    assert found["deliberate"] == []
    assert found["cases"] == list(report.cases()) and found["unchanged"] > 300


def test_an_archive_is_a_chart_too(port, tmp_path):
    archive = helm_python.package(str(port({})), destination=str(tmp_path))
    assert archive.endswith(".tgz") and run("diff", archive, *MESH).exit_code == 0
    (tmp_path / "chart" / "templates" / "service-mcp.yaml").unlink()
    archive = helm_python.package(str(tmp_path / "chart"), destination=str(tmp_path))
    assert "templates/service-mcp.yaml" in run("diff", archive, "--set", "mcp.enabled=false").stdout


def test_the_pack_is_rendered_under_the_versions_of_the_chart(port):
    changes = {"Chart.yaml": [("version: 0.0.0", "version: 1.2.3"), ("appVersion: ", "appVersion: x")]}
    assert run("diff", port(changes), *MESH).exit_code == 0


class Noting(environment.HelmEnvironment):
    """An environment that notes what every condition comes to."""

    def _parse(self, source, name, filename):
        tree = super()._parse(source, name, filename)
        for node in tree.find_all(nodes.If):
            place = f"{name}:{node.lineno}"
            self.noted[place] = set()
            node.test = nodes.Call(nodes.Name("note", "load"), [nodes.Const(place), node.test], [], None, None)
        return tree


def test_the_cases_turn_every_condition_on_and_off(monkeypatch):
    own = environment.environment()
    noting = Noting(loader=own.loader, keep_trailing_newline=True, undefined=own.undefined, finalize=own.finalize)
    noting.noted = noted = {}

    def note(place, value):
        noted[place].add(bool(value))
        return value

    noting.filters, noting.tests, noting.globals = own.filters, own.tests, {**own.globals, "note": note}
    monkeypatch.setattr(rendering, "environment", lambda: noting)
    for file in files.manifest_names():
        noting.get_template(file)
    for values in report.cases().values():
        rendering.render(values, name="stageset", namespace="default")
    half = [place for place, seen in noted.items() if len(seen) < 2]
    assert len(noted) > 150
    own = ("_authorizations", "_notes", "_rules", "_validate", "NOTES.txt")
    rest = [place for place in half if not place.startswith(own)]
    # No other engine is left where the last one is asked for.
    assert rest == ["networkpolicy-default-deny.yaml:48"]


GATE = "templates/service-gate.yaml"

# Ports that are changed


@pytest.mark.parametrize(
    "changes, options, level, where, what, path, expected, got",
    [
        (
            {NAMESPACE: [("enforce: {{ .Values.namespace.pssLevel }}", "enforce: baseline")]},
            MESH,
            "objects",
            "Namespace default",
            "field",
            'metadata.labels."pod-security.kubernetes.io/enforce"',
            "baseline",
            "restricted",
        ),
        (
            {"templates/more.yaml": "kind: ConfigMap\nmetadata:\n  name: more\n"},
            MESH,
            "structure",
            "templates/more.yaml",
            "file",
            None,
            "present",
            None,
        ),
        (
            {"templates/service-gate.yaml": None},
            MESH,
            "structure",
            "templates/service-gate.yaml",
            "file",
            None,
            None,
            "present",
        ),
        (
            {"values.yaml": [("gate: 8082", "gate: 8092")]},
            ["--set", "ports.gate=8082"],
            "defaults",
            "values.yaml",
            "default",
            "ports.gate",
            8092,
            8082,
        ),
        (
            {"values.schema.json": [('"maximum": 65535', '"maximum": 65534')]},
            MESH,
            "schema",
            "values.schema.json",
            "bound",
            "properties.ports.properties.metrics.maximum",
            65534,
            65535,
        ),
    ],
)
def test_a_difference_is_told_with_its_level_and_path(port, changes, options, level, where, what, path, expected, got):
    chart = port(changes)
    done = run("diff", chart, *options, "--output", "json")
    found = facts(json.loads(done.stdout)["differences"])
    assert (level, where, what, path, expected, got) in found
    text = run("diff", chart, *options)
    assert (done.exit_code, text.exit_code) == (1, 1)
    assert f"\n{len(found)} different, 0 deliberate, " in text.stdout
    assert f"\n  {where}\n" in text.stdout and f"    {what} {path or ''}".rstrip() in text.stdout


DEPLOYMENT, POLICY, HELPER = "templates/deployment.yaml", "templates/networkpolicy.yaml", "templates/_helpers.tpl"
PEER, LINKERD, JOB = (
    f"templates/{name}.yaml" for name in ("peerauthentication", "linkerd-serverauthorization", "job-cleanup")
)
DAMAGES = [
    (
        PEER,
        "    matchLabels:\n      {{- include",
        "    matchLabels:\n\n      {{- include `stageset.labels` . }}{{ include",
    ),
    (DEPLOYMENT, 'include "stageset.labels" . | nindent 8', 'include "stageset.labels" . | nindent 6'),
    (JOB, '"--all-namespaces"', '"--namespace=a"'),
    ("templates/prometheusrule.yaml", "== 0\n            and on", "== 1\n            and on"),
    ("templates/prometheusrule.yaml", "and on (namespace, pod)", "and on (namespace)"),
    (
        "templates/ciliumnetworkpolicy.yaml",
        "if .Values.networkPolicy.egress.enabled",
        "if .Values.networkPolicy.enabled",
    ),
    (DEPLOYMENT, "{{- if .Values.controller.leaderElect }}", "{{- if not .Values.controller.leaderElect }}"),
    (DEPLOYMENT, "            - --leader-elect\n", ""),
    (DEPLOYMENT, "            - --leader-elect\n", "            - --leader-elect\n            - --more\n"),
    (DEPLOYMENT, "--log-level={{ .Values.controller.logLevel }}", "--log-level={{ .Values.controller.logFormat }}"),
    (DEPLOYMENT, 'eq .Values.webhook.certMode "self-signed"', 'ne .Values.webhook.certMode "self-signed"'),
    (DEPLOYMENT, 'eq .Values.webhook.certMode "self-signed"', 'eq .Values.webhook.certMode "cert-manager"'),
    (DEPLOYMENT, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 30"),
    (DEPLOYMENT, "periodSeconds: 20", "periodSeconds: 21"),
    (DEPLOYMENT, 'join ","', 'join ";"'),
    (DEPLOYMENT, "path: /readyz", "path: /healthz"),
    (DEPLOYMENT, "{{- if not (include", "{{- if (include"),
    (DEPLOYMENT, "emptyDir:\n            sizeLimit: 1Mi", "emptyDir:\n            sizeLimit: 2Mi"),
    (DEPLOYMENT, "toYaml .Values.securityContext | nindent 12", "toYaml .Values.securityContext | nindent 10"),
    (POLICY, "{{- if .Values.gate.enabled }}", "{{- if .Values.mcp.enabled }}"),
    (POLICY, "or (not .Values.networkPolicy.engine)", "and (not .Values.networkPolicy.engine)"),
    (POLICY, "port: health", "port: metrics"),
    (POLICY, "protocol: UDP", "protocol: TCP"),
    (POLICY, ".Values.networkPolicy.metrics.from", ".Values.networkPolicy.gate.from"),
    (PEER, '"strict"', '"permissive"'),
    (PEER, "mode: STRICT", "mode: PERMISSIVE"),
    (PEER, "{{- if .Values.webhook.enabled }}", "{{- if .Values.gate.enabled }}"),
    (PEER, "{{- else }}", "{{- else if .Values.serviceMesh.mtls }}"),
    (LINKERD, '"gate" "port" .Values.ports.gate', '"gate" "port" .Values.ports.mcp'),
    (LINKERD, "v1beta3", "v1beta2"),
    (LINKERD, '- "*"', '- "*.local"'),
    (JOB, '"-10"', '"10"'),
    (JOB, '(printf "/tmp/kubecache-%d" $index0)', '"/tmp/kubecache"'),
    (JOB, "restartPolicy: OnFailure", "restartPolicy: Never"),
    (JOB, "trunc 63", "trunc 53"),
    (HELPER, "app.kubernetes.io/component: controller", "app.kubernetes.io/component: manager"),
    (HELPER, "managed-by: {{ .Release.Service }}", "managed-by: {{ .Release.Name }}"),
    (HELPER, "gt (.Values.replicas.max | int)", "ge (.Values.replicas.max | int)"),
    (HELPER, 'replace "+" "_"', 'replace "+" "-"'),
]


@pytest.mark.parametrize("file, old, new", DAMAGES)
def test_every_damage_is_named_at_its_line(ported, file, old, new):
    assert old in ported[file], ported[file]
    theirs = ported[file].replace(old, new, 1)
    at = ported[file].index(old)
    changed = next(i for i, (a, b) in enumerate(zip(old + "\0", new + "\0")) if a != b)
    line = ported[file].count("\n", 0, at + changed) + 1
    found = list(compare.line_differences(file, theirs, ported[file]))
    assert 1 <= len(found) <= 2
    numbers = [
        number for one in found for side in (one.expected, one.got) if side is not compare.ABSENT for number, _ in side
    ]
    assert line in numbers


ALERTS = "templates/prometheusrule.yaml"
SAME = [
    (DEPLOYMENT, "  labels:\n    {{- include", "  labels: {{- include"),
    (DEPLOYMENT, "kind: Deployment\n", 'kind: Deployment # it\'s "so"\n'),
    (DEPLOYMENT, '{{ include "stageset.name" . | quote }}', '{{ template "stageset.name" . }}'),
    (DEPLOYMENT, ".Values.rollbackStore.s3.bucket | quote", '(required "it" .Values.rollbackStore.s3.bucket) | quote'),
    (
        JOB,
        '"root" . "name" "cleanup" "scopeArg" "--all-namespaces"',
        '"scopeArg" "--all-namespaces" "ctx" $ "name" "cleanup"',
    ),
    (ALERTS, "expr: >-\n            stageset_budget_frozen == 1", "expr: stageset_budget_frozen==1"),
    (ALERTS, "(namespace, name, reason) (rate", "(namespace,name, reason)\n              (rate"),
    (ALERTS, "summary: ", "summary: >-\n              more: than one line\n              "),
    (PEER, "{{- if .Values.webhook", "{{- $root := . }}\n  {{- if $root.Values.webhook"),
    (PEER, "{{- if .Values.webhook.enabled }}", "{{- if not (empty .Values.webhook.enabled) }}"),
    (DEPLOYMENT, "sizeLimit: 1Mi", "sizeLimit: '1Mi'"),
    (DEPLOYMENT, "spec:\n", "\n# a comment\nspec:\n"),
    (DEPLOYMENT, "spec:\n", "{{- /* a comment */}}\nspec:\n"),
    (DEPLOYMENT, "{{ .Values.ports.gate | int }}", "{{ int $.Values.ports.gate }}"),
    (DEPLOYMENT, "{{ .Values.ports.gate | int }}", "{{ .Values.ports.gate | toString }}"),
    (HELPER, "{{- $tag := ", "{{- $other := "),
]


@pytest.mark.parametrize("file, old, new", SAME)
def test_what_renders_alike_is_no_difference(ported, file, old, new):
    assert old in ported[file]
    theirs = ported[file].replace(old, new, 1)
    if "$other" in new:
        theirs = theirs.replace("$tag", "$other")
    assert list(compare.line_differences(file, theirs, ported[file])) == []


@pytest.mark.parametrize(
    "chart, pack, found",
    [
        (
            {"properties": {"a": {"type": "integer", "maximum": 2}}},
            {
                "properties": {"a": {"$ref": "#/definitions/x"}},
                "definitions": {"x": {"type": ["integer", "null"], "allOf": [{"maximum": 2}], "description": "b"}},
            },
            [],
        ),
        ({"maximum": 1}, {"maximum": 2}, [("bound", "maximum")]),
        ({"type": "string"}, {"type": "integer"}, [("bound", "type")]),
        (
            {},
            {"minItems": 1, "additionalProperties": False, "allOf": [{"if": {}}]},
            [("more", "minItems"), ("more", "allOf"), ("more", "additionalProperties")],
        ),
        (
            {"minItems": 1, "additionalProperties": False},
            {},
            [("bound", "minItems"), ("bound", "additionalProperties")],
        ),
        (
            {"properties": {"a.b": {}, "c": {}}},
            {"properties": {"c": {}, "d": {}}},
            [("bound", 'properties."a.b"'), ("more", "properties.d")],
        ),
        (
            {"maximum": 3, "allOf": [{"maximum": 2, "type": ["string", "integer"]}], "type": "integer"},
            {"maximum": 2, "type": "integer"},
            [],
        ),
        ({"additionalProperties": True}, {"additionalProperties": {}}, []),
        (
            {"additionalProperties": {"type": "string"}},
            {"additionalProperties": False},
            [("more", "additionalProperties")],
        ),
        (
            {"if": {"$ref": "#/definitions/a"}, "definitions": {"a": {}}},
            {"if": {"$ref": "#/definitions/a"}, "definitions": {"a": {"minimum": 1}}},
            [("bound", "definitions.a.minimum")],
        ),
        ({"enum": ["a", "b"]}, {"enum": ["b", None, "a"]}, []),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, [("bound", "enum")]),
        ({"required": ["a"]}, {"required": ["b", "a"]}, [("more", "required")]),
        ({"required": ["a"]}, {}, [("bound", "required")]),
        ({"items": {"type": "string"}}, {"items": {"type": "string", "pattern": "a"}}, [("more", "items.pattern")]),
        (
            {"items": {"$ref": "#/definitions/a"}, "definitions": {"a": {"items": {"$ref": "#/definitions/a"}}}},
            {"items": {"items": {}}},
            [],
        ),
    ],
)
def test_schemas_are_compared_by_what_they_say(chart, pack, found):
    assert [one[:2] for one in schemas.bounds(chart, pack, compare.ABSENT)] == found


@pytest.mark.parametrize(
    "file, kind, path, value, printed",
    [
        (
            DEPLOYMENT,
            "Deployment",
            "spec.template.spec.containers[manager].args[9]",
            "--leader-elect",
            "- --leader-elect",
        ),
        (
            DEPLOYMENT,
            "Deployment",
            "spec.template.spec.containers[manager].args[9]",
            "--allowed-action-hosts=a",
            '- {{ printf "--allowed-action-hosts=%s" $host | quote }}',
        ),
        (DEPLOYMENT, "Deployment", "spec.template.spec.containers[manager].args[9]", "--nonsense", "args:"),
        (
            DEPLOYMENT,
            "Deployment",
            "spec.template.spec.volumes[webhook-certs].emptyDir.sizeLimit",
            "1",
            "sizeLimit: 1Mi",
        ),
        (DEPLOYMENT, "Deployment", "spec.selector.matchLabels.a", "1", "matchLabels:"),
        (JOB, "Job", "spec.backoffLimit", 2, "backoffLimit: {{ .Values.cleanupOnDelete.backoffLimit | int }}"),
        (JOB, "Role", "rules[0].verbs", [], "verbs:"),
    ],
)
def test_a_field_is_found_where_it_is_printed(ported, file, kind, path, value, printed):
    source = ported[file].replace("apiVersion", "{{/* a\n- b */}}\napiVersion")
    assert source.split("\n")[places.printing(source, kind, path, value) - 1].strip() == printed


@pytest.mark.parametrize(
    "one, other, what",
    [
        ("a{b}\n > 1\n", "a{b} > 1", ["layout"]),
        ('a="b c"', 'a="bc"', ["field"]),
        ("a b", "ab", ["field"]),
        ("a", "a", []),
    ],
)
def test_texts_that_are_laid_out_otherwise_are_told_apart(one, other, what):
    assert [found[0] for found in compare.compared(one, other)] == what


def test_what_a_chart_lays_out_in_its_own_way_is_no_difference_of_objects(port):
    changes = {
        ALERTS: [("expr: >-\n            stageset_budget_frozen", "expr: |\n            stageset_budget_frozen")],
    }
    done = run("diff", port(changes), "--set", "metrics.prometheusRule.enabled=true")
    assert done.exit_code == 0 and "  1 blanks and lines mean nothing in an expression of Prometheus\n" in done.stdout


def test_lines_have_the_numbers_of_both_sides(port):
    done = run("diff", port({PEER: [("mode: STRICT", "mode: DISABLE"), ("spec:\n", "\nspec:\n")]}), *MESH)
    assert (
        "  templates/peerauthentication.yaml\n      17      -     mode: DISABLE\n           16 +     mode: STRICT\n"
        in done.stdout
    )


def test_an_object_names_the_templates_and_lines_that_print_it(port):
    done = run("diff", port({NAMESPACE: [("enforce: {{ .Values.namespace.pssLevel }}", "enforce: baseline")]}), *MESH)
    assert "      chart templates/namespace.yaml:9, pack templates/namespace.yaml:9\n" in done.stdout


def test_a_removed_condition_shows_in_the_built_in_cases(port):
    changes = {ISTIO: [("    {{- if .Values.gate.enabled }}\n", ""), (LAST, "      {{- end }}\n    - to:")]}
    found = json.loads(run("diff", port(changes), "--output", "json").stdout)["differences"]
    [found] = [one for one in found if one["level"] == "objects"]
    assert found["path"] == "spec.rules[0]" and "little" in found["seen"] and "defaults" not in found["seen"]


def test_what_differs_on_purpose_is_shown_and_not_counted(port):
    rule = "  - apiGroups: [stages.metio.wtf]\n    resources: [stagesets/finalizers]\n    verbs: [update]\n"
    alerts = "templates/prometheusrule.yaml"
    source = porting.ported("prometheusrule.yaml", files.source("prometheusrule.yaml"))
    summary = re.search(r"summary: .*", source)[0]
    changes = {
        ROLE: [(rule, ""), ("rules:\n", "rules:\n" + rule)],
        alerts: [(summary, "summary: other words")],
    }
    chart = port(changes)
    options = ("--set", "metrics.prometheusRule.enabled=true")
    done = run("diff", chart, *options)
    assert "  1 the order of rules and of their items means nothing to RBAC\n" in done.stdout
    assert "  1 the summaries are worded by the pack\n" in done.stdout
    assert "    order rules\n" not in done.stdout
    listed = run("diff", chart, *options, "--deliberate")
    assert "    order rules\n" in listed.stdout and "annotations.summary\n" in listed.stdout


def test_a_rule_that_is_gone_is_not_only_another_order(port):
    rule = "  - apiGroups: [stages.metio.wtf]\n    resources: [stagesets/finalizers]\n    verbs: [update]\n"
    done = run("diff", port({ROLE: [(rule, "")]}), *MESH)
    assert done.exit_code == 1 and "field rules[7]\n      expected (absent)\n" in done.stdout


@pytest.mark.parametrize(
    "text, said",
    [
        ("{{ fail `no luck` }}", "FAILED given: the chart fails: "),
        ("{{ nonsense }}", "FAILED given: the chart fails: "),
        ("{{ if .Values.gate }}", "FAILED the chart fails: templates/namespace.yaml:1: the if has no end"),
        ("{{ end }}", "FAILED the chart fails: templates/namespace.yaml:1: "),
        ("a: b: c", "FAILED given: the chart renders what is no YAML of an object in templates/namespace.yaml"),
        ("a: b", "FAILED given: the chart renders what is no object in templates/namespace.yaml"),
    ],
)
def test_a_chart_that_fails_is_told_apart(port, text, said):
    done = run("diff", port({NAMESPACE: text}), *MESH)
    assert done.exit_code == 2 and said in done.stdout and done.stdout.count("FAILED ") == 1


@pytest.mark.parametrize("schema", ["[]", '{"properties": []}', '{"required": 1}', "{"])
def test_what_is_no_schema_is_told(port, schema):
    found, failures = compare.structure(str(port({"values.schema.json": schema})))
    assert len(failures) <= 1 and all("values.schema.json" in failure for failure in failures)
    assert failures or all(one.what == "more" for one in found)


def test_values_that_the_pack_refuses(port):
    done = run("diff", port({"values.schema.json": "{}"}), "--set", "gate.enabled=maybe")
    assert done.exit_code == 2
    assert "FAILED given: the pack refuses: gate.enabled: " in done.stdout


@pytest.mark.parametrize("command", [("diff",), ("review", "-o", "never.html")])
@pytest.mark.parametrize(
    "chart, said",
    [("nowhere", "nowhere: No such file"), (".", ".: holds no Chart.yaml"), (__file__, "is no chart archive")],
)
def test_what_is_no_chart(tmp_path, monkeypatch, command, chart, said):
    monkeypatch.chdir(tmp_path)
    done = run(*command, chart)
    assert done.exit_code == 2 and said in done.stderr and not list(tmp_path.iterdir())


# Helm


def test_without_helm_the_error_says_how_to_get_one(port, monkeypatch):
    monkeypatch.setitem(sys.modules, "helm_python", None)
    monkeypatch.setenv("PATH", "")
    done = run("diff", port({}))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no Helm" in done.stderr and "pip install 'stageset-render[helm]'" in done.stderr


def test_the_command_helm_is_used_when_there_is_one(port, tmp_path, monkeypatch):
    chart = port({})
    texts = rendering.render({}, name="release-name", namespace="default", templates=files.manifest_names())
    pages = [
        documents.framed("stageset-controller", f"templates/{file}", text) for file, text in documents.ordered(texts)
    ]
    (tmp_path / "out").write_text("".join(pages))
    (tmp_path / "bin").mkdir()
    helm = tmp_path / "bin" / "helm"
    helm.write_text(f'#!/bin/sh\ncat > /dev/null\necho "$@" > "{tmp_path}/arguments"\ncat "{tmp_path}/out"\n')
    helm.chmod(0o755)
    monkeypatch.setitem(sys.modules, "helm_python", None)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    done = run("diff", chart, "--set", "gate.enabled=true")
    assert (done.exit_code, done.stdout.splitlines()[-1].partition(",")[0]) == (0, "0 different")
    assert (tmp_path / "arguments").read_text() == f"template release-name {chart} -n default -f -\n"
    helm.write_text("#!/bin/sh\necho no such thing >&2\nexit 1\n")
    assert "the chart fails: no such thing" in run("diff", chart, "--set", "gate.enabled=true").stdout


# What templates read


@pytest.mark.parametrize(
    "expected, got, differences",
    [
        (True, 1, [("field", "", True, 1)]),
        ("1", 1, [("field", "", "1", 1)]),
        ({"a": None}, {}, [("field", "a", None, compare.ABSENT)]),
        ({"a": "(absent)"}, {}, [("field", "a", "(absent)", compare.ABSENT)]),
        ([1, 2, 3], [2, 3], [("field", "[0]", 1, compare.ABSENT)]),
        ([1, 2], [2, 1], [("order", "", [1, 2], [2, 1])]),
        ([1, 1], [1], [("field", "[1]", 1, compare.ABSENT)]),
        ([{"a": [1, 2]}], [{"a": [2, 1]}], [("order", "[0].a", [1, 2], [2, 1])]),
        ([{"name": "a", "b": 1}, {"name": "c"}], [{"name": "a", "b": 2}], None),
    ],
)
def test_values_are_compared_strictly(expected, got, differences):
    differences = differences or [
        ("field", "[a].b", 1, 2),
        ("field", "[c]", {"name": "c"}, compare.ABSENT),
    ]
    assert list(compare.compared(expected, got)) == differences


# The page


class Page(html.parser.HTMLParser):
    """Notes what a page nests, names and refers to."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts, self.attributes = [], set(), [], collections.defaultdict(set)
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for key, value in attrs:
            self.attributes[key].add(value)
        if tag not in ("meta", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_has_what_differs_and_nothing_from_elsewhere(port, tmp_path):
    hostile = f"kind: ConfigMap\nmetadata:\n  name: more\ndata:\n  a: {{{{ `{HOSTILE}` | toJson }}}}\n"
    chart = port({"templates/more.yaml": hostile, PEER: [("mode: STRICT", "mode: DISABLE")]})
    done = run("review", chart, "-o", tmp_path / "review.html", *MESH, "--set", "serviceMesh.mtls=strict")
    assert (done.exit_code, done.output) == (0, "")
    text = (tmp_path / "review.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.tags & {"script", "link", "img", "iframe", "object"}
    assert "src" not in page.attributes and "url(" not in text and "@import" not in text
    assert page.attributes["href"] <= {f"#{name}" for name in page.attributes["id"]}
    shown = "".join(page.texts)
    assert HOSTILE in shown and "</td><script" not in text
    assert {"templates/more.yaml", "templates/peerauthentication.yaml"} <= set(page.texts)
    assert "templates/deployment.yaml" not in page.texts
    assert "PeerAuthentication default/stageset-controller" in page.texts
    assert "equal lines" in shown and "prefers-color-scheme: dark" in text and "viewport" in text
    assert len(text) < 100_000


def test_the_page_marks_what_differs(port, tmp_path):
    old = "enforce: {{ .Values.namespace.pssLevel }}\n"
    run("review", port({NAMESPACE: [(old, "enforce: baseline\n")]}), "-o", tmp_path / "review.html", *MESH)
    text = (tmp_path / "review.html").read_text(encoding="utf-8")
    rows = re.findall(r'<tr class="(changed|minus|plus)">(.*?)</tr>', text, re.S)
    words = [(kind, re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", row))) for kind, row in rows]
    assert [kind for kind, _ in words] in (["changed"], ["minus", "plus"])
    assert all("enforce" in row for _, row in words)


@pytest.mark.parametrize(
    "left, right, found",
    [
        (["a", "name: b", "x"], ["a", "name: c", "x"], [(0, 0, True), (1, 1, False), (2, 2, True)]),
        (["name: a"], ["+++", "name: b"], [(None, 0, False), (0, 1, False)]),
        (["kind: One"], ["port: 80"], [(0, None, False), (None, 0, False)]),
        (
            ["key: aaaa", "end"],
            ["more", "key: aaab", "-", "end"],
            [(None, 0, False), (0, 1, False), (None, 2, False), (1, 3, True)],
        ),
        (["a"] * 99, ["b"] * 99, [*((at, None, False) for at in range(99)), *((None, at, False) for at in range(99))]),
    ],
)
def test_lines_that_changed_are_paired(left, right, found):
    assert list(marks.pairs(left, right)) == found


def test_the_words_that_differ_are_marked():
    go = ('{{- if ne .Values.a "<b>" }}', '{{- if eq .Values.a "c" }}')
    assert marks.marked(*go, '{%- if Values.a == "c" %}') == (
        "{{- if <mark>ne</mark> .Values.a &quot;<mark>&lt;b&gt;</mark>&quot; }}",
        "{%- if Values.a <mark>==</mark> &quot;<mark>c</mark>&quot; %}",
    )


def test_the_page_may_go_to_stdout_and_be_empty_of_differences(port):
    done = run("review", port({}), "-o", "-", *MESH)
    assert done.exit_code == 0 and "<p>None.</p>" in done.stdout


def test_the_page_needs_pygments(port, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygments", None)
    done = run("review", port({}), "-o", tmp_path / "review.html")
    assert done.exit_code == 2 and "pip install 'stageset-render[review]'" in done.stderr


def test_a_case_that_there_is_not(port):
    done = run("review", port({}), "-o", "never.html", "--case", "none")
    assert done.exit_code == 2 and "there is no case 'none'; there are defaults, everything" in done.stderr


def test_every_deliberate_entry_has_a_reason():
    for entry in deliberate.entries():
        assert entry["reason"] and set(entry) <= {*report.Difference._fields, "pulled"}
