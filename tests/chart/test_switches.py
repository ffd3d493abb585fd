# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""A switch changes the templates that are about it, and none besides: so no condition stands where it should not."""

import functools
import json
from pathlib import Path

import pytest
import yaml

from stageset_render import Refused
from stageset_render.pack import files
from stageset_render.pack.model import types
from stageset_render.pack.release import Release, schema

EVERYTHING = sorted((Path(__file__).parent.parent / "everything").glob("*.yaml"))
BASES = [yaml.safe_load(path.read_text(encoding="utf-8")) or {} for path in EVERYTHING]
NETWORK = "caliconetworkpolicy ciliumnetworkpolicy clusternetworkpolicy networkpolicy"
MESH = "istio-authorizationpolicy linkerd-serverauthorization peerauthentication servicemesh-default-deny"
ADMISSION = "certificate-webhook validatingwebhookconfiguration"

SWITCHES = {
    "cleanupOnDelete.enabled": "NOTES job-cleanup",
    "controller.leaderElect": "deployment role-leader-election",
    "controller.noCrossNamespaceRefs": "deployment",
    "controller.objectLevelKMS": "deployment",
    "controller.requirePinnedMigrationSources": "deployment",
    "controller.requireVerifiedMigrationSources": "deployment",
    "controller.tracing.insecure": "deployment",
    "crds.create": "",
    "gate.enabled": f"NOTES {NETWORK} deployment istio-authorizationpolicy linkerd-serverauthorization service-gate",
    "mcp.allowMutations": "deployment",
    "mcp.enabled": f"{NETWORK} deployment istio-authorizationpolicy service-mcp",
    "mcp.service.enabled": "service-mcp",
    "metrics.prometheusRule.enabled": "prometheusrule",
    "metrics.serviceMonitor.enabled": "servicemonitor-metrics",
    "namespace.create": "namespace",
    "networkPolicy.defaultDeny.enabled": "networkpolicy-default-deny",
    "networkPolicy.egress.dns": NETWORK,
    "networkPolicy.egress.enabled": f"{NETWORK} networkpolicy-default-deny",
    "networkPolicy.enabled": f"{NETWORK} networkpolicy-default-deny",
    "rbac.clusterAdmin": "clusterrolebinding-cluster-admin",
    "rbac.ledgerView": "clusterrole-ledger-view",
    "rollbackStore.s3.anonymous": "deployment",
    "rollbackStore.s3.useSSL": "deployment",
    "serviceMesh.defaultDeny.enabled": "namespace servicemesh-default-deny",
    "serviceMesh.enabled": f"{MESH} namespace",
    "webhook.enabled": f"NOTES {NETWORK} {ADMISSION} clusterrole-controller-cluster deployment istio-authorizationpolicy "
    "peerauthentication service-webhook",
}
REQUIRED = {
    "rollbackStore.s3.bucket": "bucket",
    "rollbackStore.s3.endpoint": "endpoint",
    "webhook.certManager.issuerRef.name": "issuer",
}
CHOICES = {
    "controller.watchNamespaces": ([[], ["a"]], "NOTES clusterrolebinding deployment job-cleanup rolebinding-tenants"),
    "networkPolicy.engine": (
        ["kubernetes", "cilium", "calico", "clusterNetworkPolicy"],
        f"{NETWORK} networkpolicy-default-deny",
    ),
    "rollbackStore.backend": (["none", "pvc", "s3"], "NOTES deployment pvc-rollback"),
    "serviceMesh.engine": (["istio", "linkerd"], f"{MESH} namespace"),
    "serviceMesh.mtls": (["", "permissive", "strict"], "peerauthentication"),
    "webhook.certMode": (
        ["self-signed", "cert-manager"],
        f"NOTES {ADMISSION} clusterrole-controller-cluster deployment",
    ),
}


def texts(values):
    """Every template's text, whatever rules say of the values, with what a template demands where a choice asks for it."""
    for path, value in REQUIRED.items():
        values = with_value(values, path, value)
    return Release(values, name="stageset", namespace="stageset-system").texts(files.template_names())


@functools.cache
def base(number):
    return texts(BASES[number])


def with_value(values, path, value):
    values = json.loads(json.dumps(values))
    inner, *keys = values, *path.split(".")
    for key in keys[:-1]:
        inner = inner.setdefault(key, {})
    inner[keys[-1]] = value
    return values


def changed(path, choices):
    """The templates, without suffixes, that a value changes in any of the files that use everything."""
    found = set()
    for number, values in enumerate(BASES):
        for value in choices:
            after = texts(with_value(values, path, value))
            found |= {file for file, text in base(number).items() if after[file] != text}
    return {file.rpartition(".")[0] for file in found}


@pytest.mark.parametrize("path, templates", SWITCHES.items())
def test_a_switch_changes_its_templates_alone(path, templates):
    assert changed(path, [True, False]) == set(templates.split())


@pytest.mark.parametrize("path, choices, templates", [(path, *choice) for path, choice in CHOICES.items()])
def test_a_choice_changes_its_templates_alone(path, choices, templates):
    assert changed(path, choices) == set(templates.split())


@pytest.mark.parametrize(
    "file, path, value, switches",
    [
        ("validatingwebhookconfiguration.yaml", "webhook.certMode", "x", {}),
        ("certificate-webhook.yaml", "webhook.certManager.issuerRef.name", "", {"webhook.certMode": "cert-manager"}),
        ("deployment.yaml", "rollbackStore.s3.endpoint", "", {"rollbackStore.backend": "s3"}),
        ("deployment.yaml", "rollbackStore.s3.bucket", "", {"rollbackStore.backend": "s3"}),
    ],
)
def test_what_a_template_refuses_by_itself_it_refuses_where_it_would_print_it_alone(file, path, value, switches):
    values = {}
    for name, choice in {**REQUIRED, path: value}.items():
        values = with_value(values, name, choice)
    if path != "webhook.certMode":
        assert Release(values, name="stageset", namespace="stageset-system").texts([file])
    for name, choice in switches.items():
        values = with_value(values, name, choice)
    with pytest.raises(Refused, match=f": {path}: ") as refused:
        Release(values, name="stageset", namespace="stageset-system").texts([file])
    assert [one.rule for one in refused.value.problems] == ["template-refuses"]


def test_no_switch_is_left_out():
    found = {".".join(path) for path, node in schema().model.values() if "boolean" in types(node)}
    assert {path for path in found if not path.startswith(("podSecurityContext.", "securityContext."))} == set(SWITCHES)
