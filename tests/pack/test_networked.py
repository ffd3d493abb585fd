# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What `access.network` is asked about a release: the policies of the templates, and those that are added for Linkerd."""

import pytest
from conftest import objects

from stageset_render.pack import networked
from stageset_render.pack.release import Release


def release(values):
    return Release(values, name="stageset", namespace="stageset-system")


def by_name(found):
    return sorted(found, key=lambda one: (one["kind"], one["metadata"]["name"]))


def added(name, group="networking.k8s.io/v1", kind="NetworkPolicy", **spec):
    return {"apiVersion": group, "kind": kind, "metadata": {"name": name}, "spec": spec}


def linkerd(*objects):
    return {"serviceMesh": {"enabled": True, "engine": "linkerd", "linkerd": {"authorizations": list(objects)}}}


@pytest.mark.parametrize("engine", networked.TEMPLATES)
def test_the_network_policies_are_those_that_are_rendered(engine):
    deny = {"enabled": True, "order": 1000}
    values = {"networkPolicy": {"enabled": True, "engine": engine, "defaultDeny": deny}, "namespace": {"create": True}}
    everything = objects(values)
    found = networked.own_policies(release(values))
    assert by_name(found) == by_name(one for one in everything if "Policy" in one["kind"] or one["kind"] == "Namespace")
    assert len(found) == 3


def test_network_policies_added_for_linkerd_count_as_well():
    found = networked.added_policies(release(linkerd(added("a"), added("b", "policy.linkerd.io/v1beta3", "Server"))))
    assert [(one["metadata"]["name"], one["metadata"]["namespace"]) for one in found] == [("a", "stageset-system")]
    istio = {"serviceMesh": {**linkerd(added("a"))["serviceMesh"], "engine": "istio"}}
    assert networked.added_policies(release(istio)) == []


@pytest.mark.parametrize("spec, allowed", [({"podSelector": {}}, False), ({"podSelector": 1}, None)])
def test_an_added_network_policy_that_cannot_be_read_leaves_open_what_it_does(spec, allowed):
    call = {"port": 8082, "protocol": "TCP", "ip": "192.0.2.1", "namespace": "a", "namespace_labels": {}, "labels": {}}
    assert networked.ingress(release(linkerd(added("a", **spec)))).decide(call).allowed is allowed
