# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What an unknown key may have been meant to be."""

import pytest

from stageset_render.findings import dotted
from stageset_render.helm.values import coalesce
from stageset_render.pack.release import defaults, schema


def meant(values):
    """The places that are named for the one thing that is wrong; none where the known keys are listed."""
    (found,) = [one for one in schema().findings(coalesce(defaults(), values), values) if one.at_key]
    return [dotted(path) for path in (found.mend.path, *found.mend.others) if path]


@pytest.mark.parametrize(
    "values, places",
    [
        # the same in another case
        ({"serviceMesh": {"mTLS": "strict"}}, ["serviceMesh.mtls"]),
        ({"rollbackstore": {"backend": "none"}}, ["rollbackStore"]),
        # the key itself elsewhere, before one that is spelled alike here
        ({"serviceMonitor": {"enabled": True}}, ["metrics.serviceMonitor"]),
        ({"serviceMonitor": True}, ["metrics.serviceMonitor"]),
        ({"mtls": "strict"}, ["serviceMesh.mtls"]),
        ({"nodeAffinity": {}}, ["affinity.nodeAffinity"]),
        ({"rollbackStore": {"bucket": "a"}}, ["rollbackStore.s3.bucket"]),
        # one here that alone has its words and takes the value, before the key itself elsewhere
        ({"metrics": {"serviceMonitor": {"labels": {"release": "kps"}}}}, ["metrics.serviceMonitor.additionalLabels"]),
        # a closer spelling elsewhere, before a weaker one here
        ({"watchNamespace": "a"}, ["controller.watchNamespaces"]),
        ({"logLevels": "debug"}, ["controller.logLevel"]),
        ({"loglevel": "debug"}, ["controller.logLevel"]),
        # a close spelling here, before all elsewhere
        ({"ports": {"gates": 8082}}, ["ports.gate"]),
        ({"metric": {"serviceMonitor": {}}}, ["metrics"]),
        ({"networkPolicy": {"cilium": {"egress": [{"toPorts": [{"port": "80"}]}]}}},
         ["networkPolicy.cilium.egress[0].toPorts[0].ports"]),
        # all its words in a key here, before several places
        ({"networkPolicy": {"ingress": []}}, ["networkPolicy.additionalIngress"]),
        # several places
        ({"serviceMesh": {"from": [{"principals": ["a"]}]}},
         ["serviceMesh.gate.from", "serviceMesh.metrics.from", "serviceMesh.mcp.from"]),
        ({"runAsUser": 1}, ["podSecurityContext.runAsUser", "securityContext.runAsUser"]),
        # a map of its name elsewhere
        ({"gate": {"from": []}}, ["networkPolicy.gate.from", "serviceMesh.gate.from"]),
        # a weaker spelling here
        ({"serviceMesh": {"mtsl": "strict"}}, ["serviceMesh.mtls"]),
        ({"replicaCount": 2}, ["replicas"]),
        # all its words in a path
        ({"podLabels": {"a": "b"}}, ["pod.additionalLabels"]),
        # a word of a key here
        ({"image": {"pullSecrets": ["a"]}}, ["image.pullPolicy"]),
        # nothing near: in another section, too far, of no words, everywhere
        ({"serviceAccount": {"name": "a"}}, []),
        ({"serviceAccount": {"create": True}}, []),
        ({"nameOverride": "a"}, []),
        ({"podAnnotations": {"a": "b"}}, []),
        ({"rbac": {"1": 1}}, []),
        ({"enabled": True}, []),
    ],
)  # fmt: skip
def test_the_key_that_was_meant(values, places):
    assert meant(values) == places


def test_the_keys_of_a_map_tell_what_it_is():
    assert "mcp.service" not in meant({"service": {"type": "ClusterIP"}})
    assert meant({"mcp": {"enabled": True}, "issuerRef": {"name": "a"}}) == ["webhook.certManager.issuerRef"]


@pytest.mark.parametrize(
    "entry, said",
    [
        ({"source": {"principals": ["a/b"]}}, "source: is unknown; leave it out, and write principals: in its place"),
        ({"namespace": ["a"]}, "namespace: is unknown (did you mean serviceMesh.gate.from[0].namespaces?)"),
    ],
)
def test_a_key_that_is_unknown_is_the_one_thing_told_of_its_map(entry, said):
    values = {"serviceMesh": {"gate": {"from": [entry]}}}
    found = schema().findings(coalesce(defaults(), values), values)
    assert [str(one) for one in found] == [f"serviceMesh.gate.from[0].{said}"]


def test_a_map_without_any_key_needs_one():
    values = {"serviceMesh": {"gate": {"from": [{}]}}}
    (found,) = schema().findings(coalesce(defaults(), values), values)
    assert str(found) == "serviceMesh.gate.from[0]: needs principals or namespaces, with at least one entry"
