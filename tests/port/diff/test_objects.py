# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is told of two objects, and which line of a template prints what."""

import pytest

from stageset_render.port.diff import differences, places
from stageset_render.port.language import promql

DEPLOYMENT, JOB = "templates/deployment.yaml", "templates/job-cleanup.yaml"


@pytest.mark.parametrize(
    "expected, got, found",
    [
        (True, 1, [("field", "", True, 1)]),
        ("1", 1, [("field", "", "1", 1)]),
        ({"a": None}, {}, [("field", "a", None, differences.ABSENT)]),
        ({"a": "(absent)"}, {}, [("field", "a", "(absent)", differences.ABSENT)]),
        ([1, 2, 3], [2, 3], [("field", "[0]", 1, differences.ABSENT)]),
        ([1, 2], [2, 1], [("order", "", [1, 2], [2, 1])]),
        ([1, 1], [1], [("field", "[1]", 1, differences.ABSENT)]),
        ([{"a": [1, 2]}], [{"a": [2, 1]}], [("order", "[0].a", [1, 2], [2, 1])]),
        ([{"name": "a", "b": 1}, {"name": "c"}], [{"name": "a", "b": 2}], None),
    ],
)
def test_values_are_compared_strictly(expected, got, found):
    found = found or [
        ("field", "[a].b", 1, 2),
        ("field", "[c]", {"name": "c"}, differences.ABSENT),
    ]
    assert list(differences.compared(expected, got)) == found


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


def test_what_a_value_holds_is_found_at_its_own_key(ported):
    """An item or a key of the same name further down is another's."""
    source = ported["templates/networkpolicy.yaml"]
    line = source[: source.index("from:", source.index("port: webhook"))].count("\n") + 1
    for path in ("ipBlock", "podSelector"):
        assert places.printing(source, "NetworkPolicy", f"spec.ingress[1].from[0].{path}", {}) == line


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("a{b}\n > 1\n", "a{b} > 1", True),
        ('a{b="c", d=~"e,f"} > 1', 'a{d=~"e,f",b="c",} > 1', True),
        ('sum by (a, b) (rate(c{x="y"}[5m]))', 'sum by(a,b)(rate(c{x="y"}[5m]))', True),
        ("a > 1 # why\n", "a > 1", True),
        ('a{b="#"}', 'a{b="#c"}', False),
        ("a{b='c', d=`e`}", 'a{b="c", d="e"}', True),
        ("""a{b='"'}""", 'a{b="c"}', False),
        ('a="b c"', 'a="bc"', False),
        ("a b", "ab", False),
        ('a{b="c"}', 'a{b!="c"}', False),
        ('a{b="c,d=e"}', 'a{d=e,b="c"}', False),
    ],
)
def test_what_means_nothing_to_prometheus_is_no_difference(one, other, same):
    assert (promql.plain(one) == promql.plain(other)) is same
    assert bool(list(differences.compared({"rule": {"expr": one}}, {"rule": {"expr": other}}))) is not same
    assert list(differences.compared({"text": one}, {"text": other}))


@pytest.mark.parametrize(
    "source, output, line",
    [
        ("a: 1\nb: {{ .x }}\n", "a: 1\nb: 2", 2),
        ("a:\n  - name: {{ .x }}\nb:\n  - name: {{ .y }}\n", "a:\n  - name: c\nb:\n  - name: d", 4),
        ("{{/* a\nb */}}\na: {{ .x }}-{{ .y }}\n", "a: 1-2", 3),
        ("a: 1\n{{ toYaml .x }}\n", "a: 1\nb: 2\nc: 3", 1),
        ("{{ toYaml .x }}\n", "b: 2", 1),
    ],
)
def test_a_line_of_output_is_found_where_it_is_printed(source, output, line):
    lines = output.split("\n")
    assert places.saying(source, lines, len(lines) - 1) == line
