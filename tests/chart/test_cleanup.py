# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The hooks that delete all StageSets before an uninstall."""

import pytest
from conftest import objects

LONG = "a-namespace-whose-name-has-just-about-sixty-three-characters-in"


def cleanup(controller=None, **values):
    return objects({"controller": controller or {}, **values}, templates=["job-cleanup.yaml"])


def pod(*arguments, **values):
    (job,) = [one for one in cleanup(*arguments, **values) if one["kind"] == "Job"]
    return job["spec"]["template"]["spec"]


def test_renders_nothing_when_off():
    assert cleanup(cleanupOnDelete={"enabled": False}) == []


@pytest.mark.parametrize(
    "namespaces, expected",
    [
        (
            None,
            {
                ("ServiceAccount", "stageset-controller-cleanup", "stageset-system"),
                ("ClusterRole", "stageset-controller-stageset-system-cleanup", None),
                ("ClusterRoleBinding", "stageset-controller-stageset-system-cleanup", None),
                ("Job", "stageset-controller-cleanup", "stageset-system"),
            },
        ),
        (
            ["a", "b"],
            {
                ("ServiceAccount", "stageset-controller-cleanup", "stageset-system"),
                ("Role", "stageset-controller-cleanup", "a"),
                ("RoleBinding", "stageset-controller-cleanup", "a"),
                ("Role", "stageset-controller-cleanup", "b"),
                ("RoleBinding", "stageset-controller-cleanup", "b"),
                ("Job", "stageset-controller-cleanup", "stageset-system"),
            },
        ),
    ],
)
def test_rights_reach_no_further_than_the_watched_namespaces(namespaces, expected):
    found = cleanup({"watchNamespaces": namespaces})
    assert {(one["kind"], one["metadata"]["name"], one["metadata"].get("namespace")) for one in found} == expected
    assert len(found) == len(expected)
    for one in found:
        if one["kind"].endswith("Role"):
            assert one["rules"] == [
                {
                    "apiGroups": ["stages.metio.wtf"],
                    "resources": ["stagesets"],
                    "verbs": ["get", "list", "delete", "patch"],
                }
            ]
        if one["kind"].endswith("Binding"):
            assert one["subjects"] == [
                {"kind": "ServiceAccount", "name": "stageset-controller-cleanup", "namespace": "stageset-system"},
            ]
            assert one["roleRef"] == {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": one["kind"].removesuffix("Binding"),
                "name": one["metadata"]["name"],
            }


@pytest.mark.parametrize("namespaces", [[], ["a"]])
def test_everything_is_a_hook_and_the_job_the_last_one(namespaces):
    for one in cleanup({"watchNamespaces": namespaces}):
        annotations = one["metadata"]["annotations"]
        assert annotations["helm.sh/hook"] == "pre-delete"
        assert annotations["helm.sh/hook-weight"] == ("0" if one["kind"] == "Job" else "-10")
        assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"


@pytest.mark.parametrize(
    "namespaces, expected",
    [
        ([], [("cleanup", "--all-namespaces", "--cache-dir=/tmp/kubecache")]),
        (
            ["a", "b"],
            [
                ("cleanup-a", "--namespace=a", "--cache-dir=/tmp/kubecache-0"),
                ("cleanup-b", "--namespace=b", "--cache-dir=/tmp/kubecache-1"),
            ],
        ),
        (
            [LONG],
            [
                (
                    "cleanup-a-namespace-whose-name-has-just-about-sixty-three-chara",
                    f"--namespace={LONG}",
                    "--cache-dir=/tmp/kubecache-0",
                )
            ],
        ),
        ([54 * "x" + "-y"], [(f"cleanup-{54 * 'x'}", f"--namespace={54 * 'x'}-y", "--cache-dir=/tmp/kubecache-0")]),
        ([53 * "x" + "--y"], [(f"cleanup-{53 * 'x'}", f"--namespace={53 * 'x'}--y", "--cache-dir=/tmp/kubecache-0")]),
    ],
)
def test_one_container_per_watched_namespace(namespaces, expected):
    found = pod({"watchNamespaces": namespaces})["containers"]
    assert [(one["name"], one["args"][3], one["args"][-1]) for one in found] == expected
    assert all(len(one["name"]) <= 63 for one in found)


@pytest.mark.parametrize("namespaces", [[], ["a", "b"]])
def test_a_container_waits_for_the_deletion_of_all_stagesets(namespaces):
    for one in pod({"watchNamespaces": namespaces}, cleanupOnDelete={"kubectlTimeout": "5m"})["containers"]:
        assert one["args"][:3] == ["delete", "stagesets.stages.metio.wtf", "--all"]
        assert one["args"][4:7] == ["--wait=true", "--timeout=5m", "--ignore-not-found"]


def test_image_and_resources():
    image = {"registry": "r", "repository": "k", "tag": "v1", "pullPolicy": "Always"}
    resources = {"cpu": "1m", "memory": "2Mi", "ephemeralStorage": "3Mi"}
    (container,) = pod(cleanupOnDelete={"image": image, "resources": resources})["containers"]
    assert (container["image"], container["imagePullPolicy"]) == ("r/k:v1", "Always")
    assert container["resources"]["requests"] == {"cpu": "1m", "memory": "2Mi", "ephemeral-storage": "3Mi"}
    assert container["resources"]["limits"] == container["resources"]["requests"]


def test_the_limits_of_the_job():
    def limits(**settings):
        (job,) = [one for one in cleanup(cleanupOnDelete=settings) if one["kind"] == "Job"]
        return {key: value for key, value in job["spec"].items() if key != "template"}

    assert limits() == {"backoffLimit": 2, "activeDeadlineSeconds": 600}
    assert limits(backoffLimit=0, activeDeadlineSeconds=900) == {"backoffLimit": 0, "activeDeadlineSeconds": 900}
    assert limits(backoffLimit=None, activeDeadlineSeconds=None) == {}


def test_pull_secrets():
    assert "imagePullSecrets" not in pod()
    assert pod(imagePullSecrets=[{"name": "pull"}])["imagePullSecrets"] == [{"name": "pull"}]


def test_the_containers_can_write_their_cache_and_nothing_else():
    found = pod({"watchNamespaces": ["a", "b"]})
    assert found["volumes"] == [{"name": "cache", "emptyDir": {}}]
    for container in found["containers"]:
        assert container["volumeMounts"] == [{"name": "cache", "mountPath": "/tmp"}]
        assert container["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
