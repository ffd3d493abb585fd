# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The admission webhook's configuration and certificate."""

import pytest
from conftest import objects

CERT_MANAGER = {"certMode": "cert-manager", "certManager": {"issuerRef": {"name": "ca", "kind": "ClusterIssuer"}}}


def configurations(**webhook):
    return objects({"webhook": webhook}, templates=["validatingwebhookconfiguration.yaml"])


def webhook(**settings):
    ((hook,),) = [one["webhooks"] for one in configurations(**settings)]
    return hook


def certificates(**webhook):
    return objects({"webhook": webhook}, templates=["certificate-webhook.yaml"])


def test_the_webhook_guards_stagesets_through_its_service():
    (found,) = configurations()
    assert found["metadata"]["name"] == "stageset-controller-stageset-system"
    assert "namespace" not in found["metadata"]
    assert found["webhooks"] == [
        {
            "name": "vstageset.stages.metio.wtf",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "timeoutSeconds": 10,
            "clientConfig": {
                "service": {
                    "name": "stageset-controller-webhook",
                    "namespace": "stageset-system",
                    "path": "/validate-stages-metio-wtf-v1-stageset",
                    "port": 443,
                }
            },
            "rules": [
                {
                    "apiGroups": ["stages.metio.wtf"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["stagesets"],
                }
            ],
        }
    ]


def test_the_service_is_one_that_is_rendered():
    (service,) = objects({}, templates=["service-webhook.yaml"])
    called = webhook()["clientConfig"]["service"]
    assert (called["name"], called["namespace"]) == (service["metadata"]["name"], service["metadata"]["namespace"])
    assert called["port"] == service["spec"]["ports"][0]["port"]


@pytest.mark.parametrize("settings", [{}, CERT_MANAGER])
def test_renders_nothing_when_off(settings):
    assert configurations(enabled=False, **settings) == []
    assert certificates(enabled=False, **settings) == []


@pytest.mark.parametrize(
    "key, value",
    [
        ("failurePolicy", "Ignore"),
        ("sideEffects", "NoneOnDryRun"),
        ("timeoutSeconds", 30),
        ("objectSelector", {"matchLabels": {"managed": "true"}}),
        ("namespaceSelector", {"matchExpressions": [{"key": "env", "operator": "In", "values": ["prod"]}]}),
        ("matchConditions", [{"name": "not-dry", "expression": "!request.dryRun"}]),
    ],
)
def test_settings_of_the_webhook(key, value):
    assert webhook(**{key: value})[key] == value


@pytest.mark.parametrize("key", ["objectSelector", "namespaceSelector", "matchConditions"])
def test_an_empty_setting_leaves_no_key_behind(key):
    assert key not in webhook()
    assert key not in webhook(**{key: None})


def test_no_certificate_with_a_self_signed_one():
    assert certificates() == []
    assert "annotations" not in configurations()[0]["metadata"]


@pytest.mark.parametrize("issuer", [{"name": "ca", "kind": "ClusterIssuer"}, {"name": "own", "kind": "Issuer"}])
def test_cert_manager_issues_the_certificate_that_the_pod_mounts(issuer):
    settings = {"certMode": "cert-manager", "certManager": {"issuerRef": issuer}}
    (certificate,) = certificates(**settings)
    assert certificate["metadata"]["namespace"] == "stageset-system"
    assert certificate["spec"] == {
        "secretName": "stageset-controller-webhook-cert",
        "dnsNames": [
            "stageset-controller-webhook.stageset-system.svc",
            "stageset-controller-webhook.stageset-system.svc.cluster.local",
        ],
        "issuerRef": issuer,
    }
    (deployment,) = objects({"webhook": settings}, templates=["deployment.yaml"])
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert [one["secret"]["secretName"] for one in volumes if "secret" in one] == [certificate["spec"]["secretName"]]


def test_cert_manager_writes_the_authority_into_the_configuration():
    (found,) = configurations(**CERT_MANAGER)
    (certificate,) = certificates(**CERT_MANAGER)
    assert found["metadata"]["annotations"] == {
        "cert-manager.io/inject-ca-from": f"stageset-system/{certificate['metadata']['name']}",
    }
