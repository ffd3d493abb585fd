# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What `access` is asked about a release, which is put together, is what the whole rendering, read anew, has."""

import json
from pathlib import Path

import pytest
import yaml
from conftest import objects

from stageset_render.access.classes import Caller
from stageset_render.pack import meshed
from stageset_render.pack.release import Release

ROOT = Path(__file__).parents[2]
NAMES = {"name": "stageset", "namespace": "stageset-system"}
FILES = [*sorted(ROOT.glob("examples/*.yaml")), *sorted(ROOT.glob("tests/everything/*.yaml"))]
VALUES = [pytest.param(yaml.safe_load(path.read_text(encoding="utf-8")) or {}, id=path.stem) for path in FILES]
MESHED = [one for one in VALUES if (one.values[0].get("serviceMesh") or {}).get("enabled")]
ACCOUNT = {"kind": "ServiceAccount", "name": "a"}


def release(values):
    return Release(values, **NAMES)


def of_the_mesh(values, engine):
    return objects(values, templates=list(meshed.POLICIES[engine]))


def as_a_set(found):
    return sorted(json.dumps(one, sort_keys=True) for one in found)


@pytest.mark.parametrize("values", VALUES)
def test_the_pod_is_that_of_the_deployment(values):
    [deployment] = objects(values, templates=["deployment.yaml"])
    template = deployment["spec"]["template"]
    [container] = template["spec"]["containers"]
    pod = meshed.pod(release(values))
    assert pod["namespace"] == deployment["metadata"]["namespace"]
    assert pod["labels"] == template["metadata"]["labels"]
    assert template["metadata"].get("annotations") is None  # which would change what a proxy does
    declared = sorted((one["name"], one["containerPort"]) for one in container["ports"])
    injected = [one for one in pod["ports"] if one in meshed.INJECTED_PORTS]
    assert sorted((one["name"], one["port"]) for one in pod["ports"] if one not in injected) == declared
    mesh = values.get("serviceMesh") or {}
    assert bool(injected) is (mesh.get("enabled", False) and mesh.get("engine") == "linkerd")
    probes = [container[kind]["httpGet"] for kind in ("livenessProbe", "readinessProbe")]
    assert pod["probes"] == [{"port": one["port"], "path": one["path"]} for one in probes]
    assert sorted((one.name, one.number) for one in meshed.asked_ports(release(values))) == declared


@pytest.mark.parametrize("values", MESHED)
def test_the_policies_are_those_that_are_rendered(values):
    engine = values["serviceMesh"].get("engine", "istio")
    assert as_a_set(meshed.policies(release(values))) == as_a_set(of_the_mesh(values, engine))


@pytest.mark.parametrize("values", MESHED)
def test_our_own_policies_are_those_without_what_is_added(values):
    mesh = {**values["serviceMesh"], "istio": {}, "linkerd": {}}
    engine = mesh.get("engine", "istio")
    assert as_a_set(meshed.own_policies(release(values))) == as_a_set(
        of_the_mesh({**values, "serviceMesh": mesh}, engine)
    )


def linkerd(*added):
    return {"serviceMesh": {"enabled": True, "engine": "linkerd", "linkerd": {"authorizations": list(added)}}}


def added(kind, spec, version="policy.linkerd.io/v1alpha1", **metadata):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "added", **metadata}, "spec": spec}


@pytest.mark.parametrize(
    "thing, stored",
    [
        (added("MeshTLSAuthentication", {"identityRefs": [ACCOUNT]}), {"namespace": "stageset-system"}),
        (added("MeshTLSAuthentication", {"identityRefs": [ACCOUNT]}, namespace="b"), {"namespace": "b"}),
        (added("Unknown", {}), None),  # no mesh reads it
        (added("Server", {}, "policy.linkerd.io/v9"), None),
    ],
)
def test_an_added_object_is_stored_in_the_namespace_that_it_lands_in(thing, stored):
    found = [one for one in meshed.policies(release(linkerd(thing))) if one["metadata"]["name"] == "added"]
    assert [one["metadata"]["namespace"] for one in found] == ([stored["namespace"]] if stored else [])


def test_an_added_route_is_stored_with_what_its_definition_fills_in():
    parents = [{"kind": "Server", "name": "a"}, {"group": "core", "kind": "Service", "name": "b"}]
    route = added("HTTPRoute", {"parentRefs": parents}, "policy.linkerd.io/v1beta3")
    [found] = [one for one in meshed.policies(release(linkerd(route))) if one["kind"] == "HTTPRoute"]
    assert found["spec"] == {"rules": [{}], "parentRefs": [{"group": "policy.linkerd.io", **parents[0]}, parents[1]]}
    assert route["spec"] == {"parentRefs": parents}  # the values stay as they are


AMBIENT = {"istio.io/dataplane-mode": "ambient"}


@pytest.mark.parametrize(
    "labels, protocol",
    [({}, "http"), (AMBIENT, "tcp"), ({**AMBIENT, "sidecar.istio.io/inject": "true"}, "http")],
)
def test_a_nodes_proxy_sees_no_http(labels, protocol):
    values = {"serviceMesh": {"enabled": True}, "pod": {"additionalLabels": labels}, "mcp": {"enabled": True}}
    ports = {one.name: one.protocol for one in meshed.asked_ports(release(values))}
    assert ports == {**dict.fromkeys(("gate", "metrics", "mcp", "health"), protocol), "webhook": "tcp"}
    assert meshed.pod(release(values))["ztunnel"] is (protocol == "tcp")


@pytest.mark.parametrize(
    "engine, identity, namespace",
    [
        ("istio", "cluster.local/ns/a/sa/b", "a"),
        ("istio", None, None),
        ("istio", "cluster.local", None),
        ("linkerd", "b.a.serviceaccount.identity.linkerd.cluster.local", "a"),
        ("linkerd", "spiffe://cluster.local/ns/a/sa/b", None),
        ("linkerd", None, None),
    ],
)
def test_an_identity_tells_the_namespace(engine, identity, namespace):
    found = release({"serviceMesh": {"enabled": True, "engine": engine}})
    assert meshed.namespace_of(found, Caller("x", identity)) == namespace
