# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The Deployment and what decides how many pods it has and how many must stay."""

import pytest
from conftest import objects

from stageset_render.findings import Refused


def deployment(values):
    (found,) = objects(values, templates=["deployment.yaml"])
    return found


def pod(values):
    return deployment(values)["spec"]["template"]["spec"]


def manager(values):
    (container,) = pod(values)["containers"]
    return container


def arguments(values):
    return manager(values)["args"]


ISSUER = {"certManager": {"issuerRef": {"name": "ca"}}}
CERT_MANAGER = {"webhook": {"certMode": "cert-manager", **ISSUER}}
S3 = {"endpoint": "s3.example:9000", "bucket": "kept"}


def store(backend, **settings):
    return {"rollbackStore": {"backend": backend, backend: settings}}


def controller(**settings):
    return {"controller": settings}


def test_the_arguments_under_the_defaults_are_these_in_this_order():
    assert arguments({}) == [
        "--metrics-bind-address=:8080",
        "--health-probe-bind-address=:8081",
        "--leader-elect",
        "--log-level=info",
        "--log-format=json",
        "--default-interval=10m",
        "--inventory-shard-cap=5000",
        "--gate-bind-address=:8082",
        "--enable-webhook=true",
        "--webhook-cert-mode=self-signed",
        "--webhook-cert-dir=/etc/webhook/certs",
        "--webhook-port=9443",
        "--webhook-cert-validity=8760h",
        "--webhook-service-name=stageset-controller-webhook",
        "--webhook-service-namespace=stageset-system",
        "--webhook-validating-config-name=stageset-controller-stageset-system",
    ]


@pytest.mark.parametrize(
    "values, gone, come",
    [
        (controller(leaderElect=False), ["--leader-elect"], []),
        (controller(logLevel="debug"), ["--log-level=info"], ["--log-level=debug"]),
        (controller(logFormat="text"), ["--log-format=json"], ["--log-format=text"]),
        (controller(defaultInterval="1h30m"), ["--default-interval=10m"], ["--default-interval=1h30m"]),
        (controller(inventoryShardCap=1000000), ["--inventory-shard-cap=5000"], ["--inventory-shard-cap=1000000"]),
        (
            controller(allowedActionHosts=["*.a", 'q"#']),
            [],
            ["--allowed-action-hosts=*.a", '--allowed-action-hosts=q"#'],
        ),
        (controller(noCrossNamespaceRefs=True), [], ["--no-cross-namespace-refs"]),
        (controller(objectLevelKMS=True), [], ["--object-level-kms"]),
        (controller(requireVerifiedMigrationSources=True), [], ["--require-verified-migration-sources"]),
        (controller(requirePinnedMigrationSources=True), [], ["--require-pinned-migration-sources"]),
        (controller(watchNamespaces=["b", "a"]), [], ["--watch-namespaces=b,a"]),
        (controller(watchNamespaces=None, allowedActionHosts=None), [], []),
        (controller(tracing={"insecure": True, "sampleRatio": 0.5}), [], []),
        (
            controller(tracing={"endpoint": "otel:4317"}),
            [],
            ["--tracing-endpoint=otel:4317", "--tracing-insecure=false", "--tracing-sample-ratio=1"],
        ),
        (
            controller(tracing={"endpoint": "otel:4317", "insecure": True, "sampleRatio": 0.25}),
            [],
            ["--tracing-endpoint=otel:4317", "--tracing-insecure=true", "--tracing-sample-ratio=0.25"],
        ),
        ({"gate": {"enabled": False}}, ["--gate-bind-address=:8082"], ["--gate-bind-address="]),
        ({"mcp": {"enabled": True}}, [], ["--enable-mcp", "--mcp-bind-address=:8084"]),
        (
            {"mcp": {"enabled": True, "allowMutations": True}},
            [],
            ["--enable-mcp", "--mcp-bind-address=:8084", "--mcp-allow-mutations"],
        ),
        ({"mcp": {"allowMutations": True}}, [], []),
        (
            {"ports": {"metrics": 1, "health": 2, "gate": 3, "mcp": 4, "webhook": 5}, "mcp": {"enabled": True}},
            [
                "--metrics-bind-address=:8080",
                "--health-probe-bind-address=:8081",
                "--gate-bind-address=:8082",
                "--webhook-port=9443",
            ],
            [
                "--metrics-bind-address=:1",
                "--health-probe-bind-address=:2",
                "--gate-bind-address=:3",
                "--enable-mcp",
                "--mcp-bind-address=:4",
                "--webhook-port=5",
            ],
        ),
        ({"webhook": {"certValidity": "720h"}}, ["--webhook-cert-validity=8760h"], ["--webhook-cert-validity=720h"]),
        (
            {"webhook": {"enabled": False}},
            [
                "--enable-webhook=true",
                "--webhook-cert-mode=self-signed",
                "--webhook-cert-dir=/etc/webhook/certs",
                "--webhook-port=9443",
                "--webhook-cert-validity=8760h",
                "--webhook-service-name=stageset-controller-webhook",
                "--webhook-service-namespace=stageset-system",
                "--webhook-validating-config-name=stageset-controller-stageset-system",
            ],
            ["--enable-webhook=false"],
        ),
        (
            CERT_MANAGER,
            [
                "--webhook-cert-mode=self-signed",
                "--webhook-cert-validity=8760h",
                "--webhook-service-name=stageset-controller-webhook",
                "--webhook-service-namespace=stageset-system",
                "--webhook-validating-config-name=stageset-controller-stageset-system",
            ],
            ["--webhook-cert-mode=cert-manager"],
        ),
        (store("pvc"), [], ["--rollback-store-path=/var/lib/stageset/rollback"]),
        (store("pvc", mountPath="/data"), [], ["--rollback-store-path=/data"]),
        (
            store("s3", **S3),
            [],
            [
                "--rollback-store-s3-endpoint=s3.example:9000",
                "--rollback-store-s3-bucket=kept",
                "--rollback-store-s3-use-ssl=true",
                "--rollback-store-s3-anonymous=false",
                "--rollback-store-s3-sse=s3",
            ],
        ),
        (
            store("s3", **S3, prefix="a b", region="eu-1", useSSL=False, anonymous=True, sse="kms", sseKmsKeyId="k"),
            [],
            [
                "--rollback-store-s3-endpoint=s3.example:9000",
                "--rollback-store-s3-bucket=kept",
                "--rollback-store-s3-prefix=a b",
                "--rollback-store-s3-region=eu-1",
                "--rollback-store-s3-use-ssl=false",
                "--rollback-store-s3-anonymous=true",
                "--rollback-store-s3-sse=kms",
                "--rollback-store-s3-sse-kms-key=k",
            ],
        ),
        ({"rollbackStore": {"s3": S3}}, [], []),
    ],
)
def test_arguments_that_a_value_adds_and_removes(values, gone, come):
    before, after = arguments({}), arguments(values)
    assert [argument for argument in before if argument not in after] == gone
    assert [argument for argument in after if argument not in before] == come


@pytest.mark.parametrize(
    "values, ports",
    [
        ({}, {"metrics": 8080, "health": 8081, "gate": 8082, "webhook": 9443}),
        ({"gate": {"enabled": False}, "webhook": {"enabled": False}}, {"metrics": 8080, "health": 8081}),
        ({"mcp": {"enabled": True}}, {"metrics": 8080, "health": 8081, "gate": 8082, "mcp": 8084, "webhook": 9443}),
        ({"ports": {"gate": 90}}, {"metrics": 8080, "health": 8081, "gate": 90, "webhook": 9443}),
    ],
)
def test_container_ports(values, ports):
    found = manager(values)["ports"]
    assert [(port["name"], port["containerPort"]) for port in found] == list(ports.items())


def test_the_probes_ask_the_health_port():
    container = manager({"ports": {"health": 7000}})
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": 7000}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": 7000}


CERTS = ("webhook-certs", "/etc/webhook/certs")


@pytest.mark.parametrize(
    "values, certificates",
    [
        ({}, {"name": "webhook-certs", "emptyDir": {"sizeLimit": "1Mi"}}),
        (CERT_MANAGER, {"name": "webhook-certs", "secret": {"secretName": "stageset-controller-webhook-cert"}}),
        ({"webhook": {"enabled": False}}, None),
        ({"webhook": {"enabled": False, "certMode": "cert-manager"}}, None),
    ],
)
def test_the_volume_of_the_webhook_certificate(values, certificates):
    volumes = [volume for volume in pod(values)["volumes"] if volume["name"] == "webhook-certs"]
    mounts = [mount for mount in manager(values)["volumeMounts"] if mount["name"] == "webhook-certs"]
    assert volumes == ([certificates] if certificates else [])
    assert [(mount["name"], mount["mountPath"]) for mount in mounts] == ([CERTS] if certificates else [])


@pytest.mark.parametrize("values, read_only", [({}, False), (CERT_MANAGER, True)])
def test_the_controller_writes_only_a_certificate_of_its_own(values, read_only):
    (mount,) = [mount for mount in manager(values)["volumeMounts"] if mount["name"] == "webhook-certs"]
    assert mount["readOnly"] is read_only


@pytest.mark.parametrize(
    "values, path",
    [
        ({}, None),
        (store("s3", **S3), None),
        (store("pvc"), "/var/lib/stageset/rollback"),
        (store("pvc", mountPath="/data"), "/data"),
    ],
)
def test_the_volume_of_the_rollback_store(values, path):
    volumes = [volume for volume in pod(values)["volumes"] if volume["name"] == "rollback-store"]
    mounts = [mount for mount in manager(values)["volumeMounts"] if mount["name"] == "rollback-store"]
    claim = {"name": "rollback-store", "persistentVolumeClaim": {"claimName": "stageset-controller-rollback"}}
    assert volumes == ([claim] if path else [])
    assert mounts == ([{"name": "rollback-store", "mountPath": path}] if path else [])


@pytest.mark.parametrize(
    "values, expected",
    [
        ({}, None),
        (store("s3", **S3), None),
        (store("s3", **S3, existingSecret="creds"), [{"secretRef": {"name": "creds"}}]),
        ({"rollbackStore": {"s3": {"existingSecret": "creds"}}}, None),
    ],
)
def test_credentials_come_from_a_secret_with_s3_only(values, expected):
    assert manager(values).get("envFrom") == expected


def test_tmp_is_limited():
    volume = {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}
    assert volume in pod({"tmpSizeLimit": "64Mi"})["volumes"]
    assert {"name": "tmp", "mountPath": "/tmp"} in manager({})["volumeMounts"]


DIGEST = "v1@sha256:" + 64 * "a"


@pytest.mark.parametrize(
    "image, reference",
    [
        ({}, "ghcr.io/metio/stageset-controller:2026.8.17224814"),
        ({"tag": None}, "ghcr.io/metio/stageset-controller:2026.8.17224814"),
        ({"registry": "r:5", "repository": "x/y", "tag": "1.2.3"}, "r:5/x/y:1.2.3"),
        ({"tag": DIGEST}, f"ghcr.io/metio/stageset-controller:{DIGEST}"),
    ],
)
def test_image(image, reference):
    assert manager({"image": image})["image"] == reference


def test_pull_policy():
    assert manager({})["imagePullPolicy"] == "IfNotPresent"
    assert manager({"image": {"pullPolicy": "Always"}})["imagePullPolicy"] == "Always"


@pytest.mark.parametrize(
    "path, value",
    [
        ("imagePullSecrets", [{"name": "pull"}]),
        ("nodeSelector", {"kubernetes.io/os": "linux", "on": "true"}),
        ("tolerations", [{"key": "k", "operator": "Exists"}]),
        ("affinity", {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}),
        ("topologySpreadConstraints", [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]),
    ],
)
def test_pod_fields_that_are_copied_when_set(path, value):
    assert pod({path: value})[path] == value
    assert path not in pod({})
    assert path not in pod({path: None})


def test_security_contexts_are_those_of_the_restricted_pod_security_level():
    assert pod({})["securityContext"] == {
        "runAsNonRoot": True,
        "fsGroup": 65532,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert manager({})["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_keys_of_security_contexts_are_added_changed_and_deleted():
    merged = pod({"podSecurityContext": {"fsGroup": None, "runAsUser": 1000660000}})["securityContext"]
    assert merged["runAsUser"] == 1000660000
    assert merged["runAsNonRoot"] is True
    assert "fsGroup" not in merged
    assert manager({"securityContext": {"capabilities": {"add": ["CHOWN"]}}})["securityContext"]["capabilities"] == {
        "drop": ["ALL"],
        "add": ["CHOWN"],
    }


def test_a_security_context_of_null_is_null_which_the_api_reads_as_none():
    assert pod({"podSecurityContext": None})["securityContext"] is None
    assert manager({"securityContext": None})["securityContext"] is None


def test_requests_equal_limits():
    resources = manager({"resources": {"cpu": "250m", "memory": "1Gi", "ephemeralStorage": "2Gi"}})["resources"]
    assert resources["requests"] == {"cpu": "250m", "memory": "1Gi", "ephemeral-storage": "2Gi"}
    assert resources["limits"] == resources["requests"]


def test_labels_are_added_to_the_deployment_or_the_pod_and_never_to_the_selector():
    plain = deployment({})
    found = deployment({"deployment": {"additionalLabels": {"team": "x"}}, "pod": {"additionalLabels": {"tier": "y"}}})
    assert found["metadata"]["labels"] == {**plain["metadata"]["labels"], "team": "x"}
    assert found["spec"]["template"]["metadata"]["labels"] == {
        **plain["spec"]["template"]["metadata"]["labels"],
        "tier": "y",
    }
    assert found["spec"]["selector"] == plain["spec"]["selector"]


def test_the_selector_holds_nothing_that_changes_with_a_release():
    selector = deployment({})["spec"]["selector"]["matchLabels"]
    assert selector == {
        "app.kubernetes.io/name": "stageset-controller",
        "app.kubernetes.io/component": "controller",
        "app.kubernetes.io/instance": "stageset",
        "app.kubernetes.io/part-of": "stageset-controller",
    }
    assert selector.items() <= deployment({})["spec"]["template"]["metadata"]["labels"].items()


def test_revision_history():
    assert deployment({})["spec"]["revisionHistoryLimit"] == 10
    assert deployment({"deployment": {"revisionHistoryLimit": 0}})["spec"]["revisionHistoryLimit"] == 0
    assert "revisionHistoryLimit" not in deployment({"deployment": {"revisionHistoryLimit": None}})["spec"]


@pytest.mark.parametrize(
    "least, most, replicas, scaled, budget",
    [
        (1, 1, 1, None, False),
        (0, 0, 0, None, False),
        (1, 2, None, (1, 2), True),
        (2, 2, 2, None, True),
        (3, 1, 3, None, True),
        (2, 5, None, (2, 5), True),
    ],
)
def test_replicas(least, most, replicas, scaled, budget):
    values = {"replicas": {"min": least, "max": most}}
    assert deployment(values)["spec"].get("replicas") == replicas
    scalers = objects(values, templates=["horizontalpodautoscaler.yaml"])
    assert [(one["spec"]["minReplicas"], one["spec"]["maxReplicas"]) for one in scalers] == ([scaled] if scaled else [])
    assert len(objects(values, templates=["poddisruptionbudget.yaml"])) == budget


def test_the_autoscaler_scales_the_deployment_by_cpu():
    values = {"replicas": {"max": 2}, "autoscaling": {"targetCPUUtilizationPercentage": 60}}
    (scaler,) = objects(values, templates=["horizontalpodautoscaler.yaml"])
    assert scaler["spec"]["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": "stageset-controller",
    }
    assert scaler["spec"]["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
    ]


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({}, {"minAvailable": 1}),
        ({"minAvailable": 0}, {"minAvailable": 0}),
        ({"minAvailable": "50%"}, {"minAvailable": "50%"}),
        ({"maxUnavailable": 1}, {"maxUnavailable": 1}),
        ({"maxUnavailable": 0}, {"maxUnavailable": 0}),
        ({"maxUnavailable": "0%", "minAvailable": None}, {"maxUnavailable": "0%"}),
        (
            {"unhealthyPodEvictionPolicy": "AlwaysAllow"},
            {"minAvailable": 1, "unhealthyPodEvictionPolicy": "AlwaysAllow"},
        ),
    ],
)
def test_the_budget_has_exactly_one_bound(settings, expected):
    values = {"replicas": {"min": 3}, "podDisruptionBudget": settings}
    (budget,) = objects(values, templates=["poddisruptionbudget.yaml"])
    assert budget["spec"].pop("selector") == deployment(values)["spec"]["selector"]
    assert budget["spec"] == expected


@pytest.mark.parametrize("place", ["serviceAccount.annotations", "metrics.prometheusRule.annotations"])
def test_annotations_are_counted_in_bytes_keys_and_values_together(place):
    def values(length):
        annotations = {"a": "x" * length, "b": "ü" * 60_000}
        rule = {"enabled": True, "annotations": annotations if place.startswith("metrics") else {}}
        account = {"annotations": annotations if place.startswith("service") else {}}
        return {"serviceAccount": account, "metrics": {"prometheusRule": rule}}

    assert objects(values(142_142))
    with pytest.raises(Refused, match=rf"^{place}: has 262145 bytes of keys and values, and an object takes 262144"):
        objects(values(142_143))
