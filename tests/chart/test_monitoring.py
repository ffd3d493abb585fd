# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The ServiceMonitor and the alert rules. What makes an alert fire is tested in alerts_test.yaml, by promtool."""

from __future__ import annotations

import copy
import re
from typing import NamedTuple

import promql_parser
import pytest
from conftest import objects
from hypothesis import given
from hypothesis import strategies as st

from stageset_render.pack import files, release, rendering

MONITOR, RULE = "servicemonitor-metrics.yaml", "prometheusrule.yaml"
DEFAULTS = release.defaults()["metrics"]["prometheusRule"]
RUNBOOKS = "https://stageset.projects.metio.wtf/runbooks"
OUR_LABELS = {
    "app.kubernetes.io/name": "stageset-controller",
    "app.kubernetes.io/component": "controller",
    "app.kubernetes.io/instance": "stageset",
    "app.kubernetes.io/version": files.CHART["AppVersion"],
    "app.kubernetes.io/part-of": "stageset-controller",
    "app.kubernetes.io/managed-by": "Helm",
    "helm.sh/chart": f"stageset-controller-{files.CHART['Version']}",
}


class Alert(NamedTuple):
    group: str
    severity: str
    page: str
    lasting: str  # the threshold that says how long
    number: str | int  # the threshold it compares with, or the number itself
    metrics: str
    labels: str  # of the alert, beside those every alert has


ALERTS = {
    "StageSetReconcileErrorsHigh": Alert(
        "stageset-health",
        "warning",
        "{{ $labels.reason | toLower }}",
        "reconcileErrorDuration",
        "reconcileErrorRate",
        "stageset_reconcile_total",
        "namespace name reason",
    ),
    "StageSetControllerWorkqueueDepthHigh": Alert(
        "stageset-availability",
        "warning",
        "workqueue-saturation",
        "workqueueDuration",
        "workqueueDepth",
        "workqueue_depth",
        "controller",
    ),
    "StageSetReconcileLatencyHigh": Alert(
        "stageset-availability",
        "warning",
        "reconcile-latency",
        "reconcileLatencyDuration",
        "reconcileLatencySeconds",
        "controller_runtime_reconcile_time_seconds_bucket",
        "controller",
    ),
    "StageSetControllerPodDown": Alert(
        "stageset-availability",
        "critical",
        "controller-pod-down",
        "podDownDuration",
        0,
        "kube_pod_status_ready kube_pod_labels",
        "namespace pod",
    ),
    "StageSetWebhookCertRenewalFailing": Alert(
        "stageset-availability",
        "critical",
        "webhook-cert-renewal",
        "webhookCertRenewalFailuresDuration",
        "webhookCertRenewalFailuresPerHour",
        "stageset_webhook_cert_renewal_failures_total",
        "namespace",
    ),
    "StageSetWatchEngagementFailing": Alert(
        "stageset-availability",
        "warning",
        "watch-engagement",
        "watchEngagementFailuresDuration",
        "watchEngagementFailuresPerHour",
        "stageset_watch_engagement_failures_total",
        "namespace gvk",
    ),
    "StageSetBudgetFrozen": Alert(
        "stageset-rollout-gates",
        "warning",
        "budgetexhausted",
        "budgetFrozenDuration",
        1,
        "stageset_budget_frozen",
        "namespace name",
    ),
    "StageSetStageBudgetFrozen": Alert(
        "stageset-rollout-gates",
        "warning",
        "budgetexhausted",
        "budgetFrozenDuration",
        1,
        "stageset_stage_budget_frozen",
        "namespace stageset stage",
    ),
    "StageSetPromotionBlocked": Alert(
        "stageset-rollout-gates",
        "warning",
        "promotionblocked",
        "promotionBlockedDuration",
        1,
        "stageset_stage_promotion_blocked",
        "namespace stageset stage",
    ),
    "StageSetPromotionStuck": Alert(
        "stageset-rollout-gates",
        "warning",
        "awaitingpromotion",
        "promotionPendingDuration",
        1,
        "stageset_stage_promotion_pending",
        "namespace stageset stage",
    ),
    "StageSetMetricSourceUnavailable": Alert(
        "stageset-rollout-gates",
        "warning",
        "budgetsourceunavailable",
        "metricSourceErrorsDuration",
        "metricSourceErrorsPerHour",
        "stageset_metric_source_errors_total",
        "namespace name",
    ),
}
OF_STAGESETS = {"name", "stageset"}
alerts = pytest.mark.parametrize("name, alert", ALERTS.items(), ids=ALERTS)


def monitor(**values):
    [found] = objects({"metrics": {"serviceMonitor": {"enabled": True, **values}}}, templates=[MONITOR])
    return found


def rule(release="stageset", namespace="stageset-system", **values):
    [found] = objects({"metrics": {"prometheusRule": {"enabled": True, **values}}}, release, namespace, [RULE])
    return found


def built_in(**values):
    """The built-in alerts by name."""
    groups = [group for group in rule(**values)["spec"]["groups"] if group["name"] != "stageset-extras"]
    return {one["alert"]: one for group in groups for one in group["rules"]}


def nodes(expression, kind):
    found = []
    promql_parser.walk(
        promql_parser.parse(expression), lambda node: found.append(node) if isinstance(node, kind) else None
    )
    return found


def matchers(selector):
    return {one.name: one.value for one in selector.matchers.matchers}


@pytest.mark.parametrize(
    "file, values",
    [
        (MONITOR, {}),
        (
            MONITOR,
            {"serviceMonitor": {"interval": "1s", "additionalLabels": {"a": "b"}}, "prometheusRule": {"enabled": True}},
        ),
        (RULE, {}),
        (
            RULE,
            {
                "prometheusRule": {"labels": {"a": "b"}, "extraRules": [{"alert": "A", "expr": "up"}]},
                "serviceMonitor": {"enabled": True},
            },
        ),
    ],
)
def test_off_renders_nothing(file, values):
    texts = rendering.render({"metrics": values}, name="stageset", namespace="stageset-system", templates=[file])
    assert texts[file].strip() == ""


def test_servicemonitor():
    assert monitor() == {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "ServiceMonitor",
        "metadata": {"name": "stageset-controller-metrics", "namespace": "stageset-system", "labels": OUR_LABELS},
        "spec": {
            "selector": {
                "matchLabels": {
                    key: value
                    for key, value in OUR_LABELS.items()
                    if key not in ("app.kubernetes.io/version", "helm.sh/chart")
                }
            },
            "namespaceSelector": {"matchNames": ["stageset-system"]},
            "endpoints": [{"port": "metrics", "interval": "30s"}],
        },
    }


def test_servicemonitor_knobs():
    found = monitor(interval="1h30m", additionalLabels={"release": "yes", "number": "1"})
    assert found["spec"]["endpoints"] == [{"port": "metrics", "interval": "1h30m"}]
    assert found["metadata"]["labels"] == {**OUR_LABELS, "release": "yes", "number": "1"}


def test_servicemonitor_selects_the_metrics_service_by_labels_and_port():
    [service] = objects({}, templates=["service-metrics.yaml"])
    spec = monitor()["spec"]
    assert spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert spec["endpoints"][0]["port"] in [port["name"] for port in service["spec"]["ports"]]
    assert spec["namespaceSelector"]["matchNames"] == [service["metadata"]["namespace"]]


def test_rule_head():
    found = rule()
    assert (found["apiVersion"], found["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert found["metadata"] == {
        "name": "stageset-controller-alerts",
        "namespace": "stageset-system",
        "labels": OUR_LABELS,
    }
    tuned = rule(labels={"prometheus": "k8s"}, annotations={"note": "x: y"})
    assert tuned["metadata"]["labels"] == {**OUR_LABELS, "prometheus": "k8s"}
    assert tuned["metadata"]["annotations"] == {"note": "x: y"}


def test_groups_and_alerts_in_order():
    groups = [(group["name"], one["alert"]) for group in rule()["spec"]["groups"] for one in group["rules"]]
    assert groups == [(alert.group, name) for name, alert in ALERTS.items()]


@alerts
def test_alert(name, alert):
    found = built_in()[name]
    assert set(found) == {"alert", "expr", "for", "labels", "annotations"}
    assert found["for"] == DEFAULTS["thresholds"][alert.lasting]
    assert found["labels"] == {"severity": alert.severity}
    assert set(found["annotations"]) == {"summary", "description", "runbook_url"}
    assert found["annotations"]["runbook_url"] == f"{RUNBOOKS}/{alert.page}/"


@alerts
def test_expression(name, alert):
    expression = built_in()[name]["expr"]
    assert {one.name for one in nodes(expression, promql_parser.VectorSelector)} == set(alert.metrics.split())
    numbers = [one.val for one in nodes(expression, promql_parser.NumberLiteral)]
    assert numbers[-1] == DEFAULTS["thresholds"].get(alert.number, alert.number)
    assert numbers[:-1] == ([0.99] if "bucket" in alert.metrics else [])


@alerts
def test_annotations_name_labels_that_the_alert_has(name, alert):
    found = built_in()[name]
    for aggregate in nodes(found["expr"], promql_parser.AggregateExpr)[:1]:
        assert set(aggregate.modifier.labels) - {"le"} == set(alert.labels.split())
    used = {label for text in found["annotations"].values() for label in re.findall(r"\$labels\.(\w+)", text)}
    assert used <= set(alert.labels.split())
    for label in OF_STAGESETS & set(alert.labels.split()):
        for key in ("summary", "description"):
            assert "{{ $labels.namespace }}/{{ $labels." + label + " }}" in found["annotations"][key]
            assert ("{{ $labels.stage }}" in found["annotations"][key]) == ("stage" in alert.labels.split())


@alerts
def test_nothing_is_aggregated_that_the_alert_does_not_name(name, alert):
    aggregates = nodes(built_in()[name]["expr"], promql_parser.AggregateExpr)
    assert len(aggregates) == (name in ("StageSetReconcileErrorsHigh", "StageSetReconcileLatencyHigh"))
    assert not [one for one in nodes(built_in()[name]["expr"], promql_parser.Call) if one.func.name == "label_replace"]


@pytest.mark.parametrize("release, namespace", [("stageset", "stageset-system"), ("a.b-1", "0123")])
def test_pod_down_is_about_the_pods_of_this_release(release, namespace):
    expression = built_in(release=release, namespace=namespace)["StageSetControllerPodDown"]["expr"]
    ready, labels = nodes(expression, promql_parser.VectorSelector)
    assert matchers(ready) == {"condition": "true", "namespace": namespace}
    assert matchers(labels) == {
        "namespace": namespace,
        "label_app_kubernetes_io_name": "stageset-controller",
        "label_app_kubernetes_io_instance": release,
        "label_app_kubernetes_io_component": "controller",
    }
    joined = promql_parser.parse(expression)
    assert (str(joined.op), joined.modifier.matching.labels) == ("and", ["namespace", "pod"])


@pytest.mark.parametrize("threshold", DEFAULTS["thresholds"])
def test_a_threshold_lands_in_its_own_alert_and_nowhere_else(threshold):
    default = DEFAULTS["thresholds"][threshold]
    unique = "47m" if isinstance(default, str) else 4711
    before, after = built_in(), built_in(thresholds={threshold: unique})
    assert {name for name in ALERTS if before[name] != after[name]} == {
        name for name, alert in ALERTS.items() if threshold in (alert.lasting, alert.number)
    }
    for name, alert in ALERTS.items():
        want = copy.deepcopy(before[name])
        if threshold == alert.lasting:
            want["for"] = unique
        if threshold == alert.number:
            assert want["expr"].endswith(f"> {default}")
            want["expr"] = f"{want['expr'].removesuffix(str(default))}{unique}"
            want["annotations"]["description"] = after[name]["annotations"]["description"]
        assert after[name] == want


@alerts
def test_every_alert_compares_with_its_threshold(name, alert):
    assert alert.lasting in DEFAULTS["thresholds"]
    if alert.number not in DEFAULTS["thresholds"]:
        assert re.search(rf" == {alert.number}\b", built_in()[name]["expr"])


@pytest.mark.parametrize("rate", [0, 1, 1.0, 0.5, 1e-05, 1234567.5, 1e21, 12345678901234567890])
def test_a_rate_reads_back_as_itself(rate):
    expression = built_in(thresholds={"reconcileErrorRate": rate})["StageSetReconcileErrorsHigh"]["expr"]
    assert [one.val for one in nodes(expression, promql_parser.NumberLiteral)] == [float(rate)]


@given(rate=st.floats(min_value=0, allow_nan=False, allow_infinity=False), count=st.integers(0, 2**31 - 1))
def test_numbers_read_back_as_themselves(rate, count):
    found = built_in(thresholds={"reconcileErrorRate": rate, "workqueueDepth": count})
    for name, number in (("StageSetReconcileErrorsHigh", rate), ("StageSetControllerWorkqueueDepthHigh", count)):
        assert [one.val for one in nodes(found[name]["expr"], promql_parser.NumberLiteral)] == [number]


@pytest.mark.parametrize(
    "name, threshold",
    [
        (name, alert.number)
        for name, alert in ALERTS.items()
        if isinstance(DEFAULTS["thresholds"].get(alert.number), int)
    ],
)
def test_a_whole_threshold_prints_without_a_fraction(name, threshold):
    assert built_in(thresholds={threshold: 5.0})[name]["expr"].endswith("> 5")


def test_interval_of_every_group():
    groups = rule(interval="7m", extraRules=[{"alert": "A", "expr": "up"}])["spec"]["groups"]
    assert [group["interval"] for group in groups] == ["7m"] * 4


@alerts
def test_runbook_annotation_key(name, alert):
    before, after = built_in()[name]["annotations"], built_in(runbookAnnotationKey="yes")[name]["annotations"]
    assert after == {**{key: before[key] for key in ("summary", "description")}, "yes": before["runbook_url"]}


@alerts
def test_extra_labels_are_on_every_built_in_alert(name, alert):
    extra = {"team": "platform", "since": '{{ $labels.name }}: "1"'}
    assert built_in(extraAlertLabels=extra)[name]["labels"] == {"severity": alert.severity, **extra}
    assert built_in(extraAlertLabels={"severity": "info"})[name]["labels"] == {"severity": "info"}
    assert built_in(extraAlertLabels=None) == built_in()


def test_extra_labels_are_not_on_the_users_rules():
    [*_, extras] = rule(extraAlertLabels={"team": "platform"}, extraRules=[{"alert": "A", "expr": "up"}])["spec"][
        "groups"
    ]
    assert extras == {"name": "stageset-extras", "interval": "30s", "rules": [{"alert": "A", "expr": "up"}]}


@pytest.mark.parametrize("rules", [[], None])
def test_no_group_without_the_users_rules(rules):
    assert [group["name"] for group in rule(extraRules=rules)["spec"]["groups"]] == list(
        dict.fromkeys(alert.group for alert in ALERTS.values())
    )


TEXTS = st.text(max_size=12) | st.sampled_from(["{{ $labels.name }}", "{% if %}", 'up{a="b"} > 1e3', "yes"])
NAMES = TEXTS.filter(str.strip)


@given(
    rules=st.lists(
        st.fixed_dictionaries(
            {"alert": NAMES, "expr": NAMES},
            optional=dict.fromkeys(("labels", "annotations"), st.dictionaries(NAMES, TEXTS, max_size=2)),
        ),
        min_size=1,
    )
)
def test_the_users_rules_are_rendered_as_written(rules):
    assert rule(extraRules=rules)["spec"]["groups"][-1]["rules"] == rules
