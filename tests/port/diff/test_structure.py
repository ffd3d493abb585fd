# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is told of two templates in Go, and of two schemas: every damage at its line, and nothing where both say the same."""

import functools

import pytest

from stageset_render.findings import dotted
from stageset_render.port import versions
from stageset_render.port.diff import compare, differences, schemas, sides
from stageset_render.port.language import types

DEPLOYMENT, POLICY, PEER, LINKERD, JOB, ALERTS, WEBHOOK, CILIUM = (
    f"templates/{name}.yaml"
    for name in (
        *("deployment", "networkpolicy", "peerauthentication", "linkerd-serverauthorization", "job-cleanup"),
        *("prometheusrule", "validatingwebhookconfiguration", "ciliumnetworkpolicy"),
    )
)
HELPER, ROLE = "templates/_helpers.tpl", "templates/clusterrole-controller.yaml"
MATCHERS = """{condition="true", namespace="{{ include "stageset.namespace" . }}"}"""
MATCHERS_TURNED = """{ namespace="{{ include "stageset.namespace" . }}",condition="true"}"""
DAMAGES = [
    (DEPLOYMENT, 'include "stageset.labels" . | nindent 8', 'include "stageset.labels" . | nindent 6'),
    (JOB, '"--all-namespaces"', '"--namespace=a"'),
    (ALERTS, "== 0\n            and on", "== 1\n            and on"),
    (ALERTS, "and on (namespace, pod)", "and on (namespace)"),
    (
        CILIUM,
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
    (DEPLOYMENT, "s3.bucket: name the bucket", "s3.bucket: name one"),
    (WEBHOOK, "; write self-signed or cert-manager", ""),
]


@functools.cache
def pack():
    return versions.Pack(sides.pack_files(), values=types.of_pack())


def told(ported, file, text):
    """What is told of a file of the port that has become this text."""
    name = file.removeprefix("templates/")
    read = ported if file == HELPER else {HELPER: ported[HELPER]}  # what helpers are given is told by who calls them
    chart = versions.Chart({**read, file: text}, values=types.of_pack())
    return list(compare.line_differences(chart, pack(), name))


@pytest.mark.parametrize("file, old, new", DAMAGES)
def test_every_damage_is_named_at_its_line(ported, file, old, new):
    assert old in ported[file], ported[file]
    theirs = ported[file].replace(old, new, 1)
    at = ported[file].index(old)
    changed = next(i for i, (a, b) in enumerate(zip(old + "\0", new + "\0")) if a != b)
    line = ported[file].count("\n", 0, at + changed) + 1
    found = told(ported, file, theirs)
    assert 1 <= len(found) <= 2  # a `with` is in what it holds, too
    numbers = [
        number
        for one in found
        for side in (one.expected, one.got)
        if side is not differences.ABSENT
        for number, _ in side
    ]
    assert line in numbers


SAME = [
    (DEPLOYMENT, "  labels:\n    {{- include", "  labels: {{- include"),
    (DEPLOYMENT, "kind: Deployment\n", 'kind: Deployment # it\'s "so"\n'),
    (DEPLOYMENT, '{{ include "stageset.name" . }}', '{{ template "stageset.name" . }}'),
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
    (ROLE, "verbs: [get, list, watch]", "verbs:\n      - get\n      - list\n      - watch"),
    (DEPLOYMENT, '    {{- include "stageset.labels" . | nindent 4 }}', '{{ include "stageset.labels" . | indent 4 }}'),
    (ALERTS, MATCHERS, MATCHERS_TURNED),
    (DEPLOYMENT, "spec:\n", "\n# a comment\nspec:\n"),
    (DEPLOYMENT, "spec:\n", "{{- /* a comment */}}\nspec:\n"),
    (DEPLOYMENT, "{{ .Values.ports.gate | int }}", "{{ int $.Values.ports.gate }}"),
    (DEPLOYMENT, "{{ .Values.ports.gate | int }}", "{{ .Values.ports.gate | toString }}"),
    (HELPER, "{{- $tag := ", "{{- $other := "),
    (DEPLOYMENT, "path: /healthz\n", "path: >-\n                /healthz\n"),
    (PEER, '(eq .Values.serviceMesh.engine "istio")', '(eq "istio" .Values.serviceMesh.engine)'),
    (
        "templates/service-mcp.yaml",
        "and .Values.mcp.enabled .Values.mcp.service.enabled",
        "and .Values.mcp.service.enabled .Values.mcp.enabled",
    ),
]


@pytest.mark.parametrize("file, old, new", SAME)
def test_what_renders_alike_is_no_difference(ported, file, old, new):
    assert old in ported[file]
    theirs = ported[file].replace(old, new, 1)
    if "$other" in new:
        theirs = theirs.replace("$tag", "$other")
    assert told(ported, file, theirs) == []


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
    assert [
        (what, ".".join(dotted((one,)) for one in path))
        for what, path, *_ in schemas.bounds(chart, pack, differences.ABSENT)
    ] == found
