# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The ServiceAccount and its rights: which verbs on which resources, and in which namespaces."""

import itertools

import pytest
from conftest import objects

SUBJECTS = [{"kind": "ServiceAccount", "name": "stageset-controller", "namespace": "stageset-system"}]
CERT_MANAGER = {"certMode": "cert-manager", "certManager": {"issuerRef": {"name": "ca"}}}
READ, STATUS = "get list watch", "get patch update"
CONFIGURATIONS = "admissionregistration.k8s.io/validatingwebhookconfigurations"

NAMESPACED = {
    "/events": "create list patch",
    "/pods": "list",
    "/serviceaccounts": READ,
    "/serviceaccounts/token": "create",
    "events.k8s.io/events": "create patch",
    "jaas.metio.wtf/jsonnetsnippets": READ,
    "source.toolkit.fluxcd.io/buckets": READ,
    "source.toolkit.fluxcd.io/externalartifacts": READ,
    "source.toolkit.fluxcd.io/gitrepositories": READ,
    "source.toolkit.fluxcd.io/ocirepositories": READ,
    "stages.metio.wtf/stageinventories": "create delete get list patch update watch",
    "stages.metio.wtf/stageledgers": "create get list watch",
    "stages.metio.wtf/stageledgers/status": STATUS,
    "stages.metio.wtf/stagesets": "get list patch update watch",
    "stages.metio.wtf/stagesets/finalizers": "update",
    "stages.metio.wtf/stagesets/status": STATUS,
}
CLUSTER = {
    "/namespaces": READ,
    "apiextensions.k8s.io/customresourcedefinitions": READ,
    "stages.metio.wtf/fleetrollouts": "create delete get list patch update watch",
    "stages.metio.wtf/fleetrollouts/status": STATUS,
    "stages.metio.wtf/imageverificationpolicies": READ,
}


def one(template, values=None):
    (found,) = objects(values or {}, templates=[template])
    return found


def rights(role):
    """<group>/<resource> -> its verbs, in alphabetical order; a resource that two rules name fails."""
    found = [
        (f"{group}/{resource}", " ".join(sorted(rule["verbs"])))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    ]
    assert len(dict(found)) == len(found)
    return dict(found)


def test_rights_in_a_watched_namespace():
    role = one("clusterrole-controller.yaml")
    assert (role["kind"], role["metadata"]["name"]) == ("ClusterRole", "stageset-controller")
    assert rights(role) == NAMESPACED


@pytest.mark.parametrize(
    "webhook, more",
    [
        ({}, {CONFIGURATIONS: "get update"}),
        ({"enabled": False}, {}),
        (CERT_MANAGER, {}),
        ({"enabled": False, "certMode": "cert-manager"}, {}),
    ],
)
def test_rights_in_the_cluster(webhook, more):
    role = one("clusterrole-controller-cluster.yaml", {"webhook": webhook})
    assert role["metadata"]["name"] == "stageset-controller-cluster"
    assert rights(role) == {**CLUSTER, **more}


def test_only_the_webhook_configuration_of_the_release_may_be_changed():
    rules = one("clusterrole-controller-cluster.yaml")["rules"]
    assert [rule["resourceNames"] for rule in rules if "resourceNames" in rule] == [
        ["stageset-controller-stageset-system"]
    ]
    assert [rule["resources"] for rule in rules if "resourceNames" in rule] == [["validatingwebhookconfigurations"]]


@pytest.mark.parametrize("template", ["clusterrole-controller.yaml", "clusterrole-controller-cluster.yaml"])
def test_no_right_is_a_wildcard(template):
    assert "*" not in str(one(template)["rules"])


@pytest.mark.parametrize("namespaces, everywhere", [(None, 1), ([], 1), (["a"], 0), (["a", "b"], 0)])
def test_the_rights_are_bound_everywhere_or_in_the_watched_namespaces(namespaces, everywhere):
    values = {"controller": {"watchNamespaces": namespaces}}
    cluster = objects(values, templates=["clusterrolebinding.yaml"])
    tenants = objects(values, templates=["rolebinding-tenants.yaml"])
    assert [binding["kind"] for binding in cluster] == everywhere * ["ClusterRoleBinding"]
    assert [binding["metadata"]["namespace"] for binding in tenants] == (namespaces or [])
    assert {binding["kind"] for binding in tenants} <= {"RoleBinding"}
    assert {binding["metadata"]["name"] for binding in tenants} <= {"stageset-controller-tenants"}
    for binding in cluster + tenants:
        assert binding["subjects"] == SUBJECTS
        assert binding["roleRef"] == {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "stageset-controller",
        }


@pytest.mark.parametrize("values", [{}, {"controller": {"watchNamespaces": ["a"]}}])
def test_the_cluster_rights_are_always_bound(values):
    binding = one("clusterrolebinding-cluster.yaml", values)
    assert (binding["kind"], binding["roleRef"]["name"]) == ("ClusterRoleBinding", "stageset-controller-cluster")
    assert binding["subjects"] == SUBJECTS


def test_cluster_admin_is_bound_on_request_only():
    assert objects({}, templates=["clusterrolebinding-cluster-admin.yaml"]) == []
    binding = one("clusterrolebinding-cluster-admin.yaml", {"rbac": {"clusterAdmin": True}})
    assert (binding["metadata"]["name"], binding["subjects"]) == ("stageset-controller-cluster-admin", SUBJECTS)
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == ("ClusterRole", "cluster-admin")


def test_ledgers_are_readable_to_viewers_on_request_only():
    assert objects({}, templates=["clusterrole-ledger-view.yaml"]) == []
    role = one("clusterrole-ledger-view.yaml", {"rbac": {"ledgerView": True}})
    assert role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert rights(role) == {"stages.metio.wtf/stageledgers": READ}


def test_leader_election_has_rights_in_its_own_namespace_only():
    assert objects({"controller": {"leaderElect": False}}, templates=["role-leader-election.yaml"]) == []
    role, binding = objects({}, templates=["role-leader-election.yaml"])
    assert (role["kind"], binding["kind"]) == ("Role", "RoleBinding")
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "stageset-system"
    assert rights(role) == {"coordination.k8s.io/leases": "create delete get list patch update watch"}
    assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) == ("Role", role["metadata"]["name"])
    assert binding["subjects"] == SUBJECTS


def test_annotations_of_the_service_account():
    assert "annotations" not in one("serviceaccount.yaml")["metadata"]
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}
    account = one("serviceaccount.yaml", {"serviceAccount": {"annotations": annotations}})
    assert account["metadata"]["annotations"] == annotations
    assert account["metadata"]["name"] == "stageset-controller"


RBAC = [
    "clusterrole-controller-cluster.yaml",
    "clusterrole-controller.yaml",
    "clusterrole-ledger-view.yaml",
    "clusterrolebinding-cluster-admin.yaml",
    "clusterrolebinding-cluster.yaml",
    "clusterrolebinding.yaml",
    "role-leader-election.yaml",
    "rolebinding-tenants.yaml",
]
ON_AND_OFF = (True, False)


@pytest.mark.parametrize("webhook, own", [*itertools.product(ON_AND_OFF, repeat=2)])
def test_which_rights_there_are_under_every_condition(webhook, own):
    """Under every combination of what any of the templates asks, and with everything else on or off as well."""
    for leader, ledger, admin, rest in itertools.product(ON_AND_OFF, repeat=4):
        for namespaces in ([], ["a"], ["a", "b"]):
            values = {
                "webhook": {"enabled": webhook, **({} if own else CERT_MANAGER)},
                "controller": {"leaderElect": leader, "watchNamespaces": namespaces},
                "rbac": {"ledgerView": ledger, "clusterAdmin": admin},
                **{switch: {"enabled": rest} for switch in ("gate", "mcp", "cleanupOnDelete", "serviceMesh")},
            }
            found = objects(values, templates=RBAC)
            expected = {
                ("ClusterRole", ""): None,
                ("ClusterRole", "-cluster"): None,
                ("ClusterRoleBinding", "-cluster"): "-cluster",
                **({("ClusterRole", "-ledger-view"): None} if ledger else {}),
                **({("ClusterRoleBinding", "-cluster-admin"): "cluster-admin"} if admin else {}),
                **({("ClusterRoleBinding", ""): ""} if not namespaces else {}),
                **({("Role", "-leader-election"): None} if leader else {}),
                **({("RoleBinding", "-leader-election"): "-leader-election"} if leader else {}),
                **({("RoleBinding", "-tenants"): ""} if namespaces else {}),
            }
            bound = {}
            for one in found:
                reference = one.get("roleRef", {}).get("name")
                assert one["metadata"]["name"].startswith("stageset-controller")
                assert one.get("subjects", SUBJECTS) == SUBJECTS
                bound[one["kind"], one["metadata"]["name"].removeprefix("stageset-controller")] = (
                    reference and reference.removeprefix("stageset-controller")
                )
            assert bound == expected
            assert len(found) == len(expected) + max(0, len(namespaces) - 1)
            rules = {one["metadata"]["name"]: rights(one) for one in found if "rules" in one}
            more = {CONFIGURATIONS: "get update"} if webhook and own else {}
            assert rules["stageset-controller"] == NAMESPACED
            assert rules["stageset-controller-cluster"] == {**CLUSTER, **more}
