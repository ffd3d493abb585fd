# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Objects for the tests of who gets in, built in one line each."""

HOME = "shop"
VERSIONS = {
    "AuthorizationPolicy": "security.istio.io/v1",
    "PeerAuthentication": "security.istio.io/v1",
    "RequestAuthentication": "security.istio.io/v1",
    "Namespace": "v1",
    "Server": "policy.linkerd.io/v1beta3",
    "Policy": "policy.linkerd.io/v1alpha1",
    "MeshTLSAuthentication": "policy.linkerd.io/v1alpha1",
    "NetworkAuthentication": "policy.linkerd.io/v1alpha1",
    "ServerAuthorization": "policy.linkerd.io/v1beta1",
    "HTTPRoute": "policy.linkerd.io/v1beta3",
    "GRPCRoute": "gateway.networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "ClusterNetworkPolicy": "policy.networking.k8s.io/v1alpha2",
    "CiliumNetworkPolicy": "cilium.io/v2",
    "Calico": "projectcalico.org/v3",
}
KINDS = {"Policy": "AuthorizationPolicy", "Calico": "NetworkPolicy"}  # two kinds have namesakes in other groups


def thing(kind, name="it", /, *, version=None, metadata=None, **spec):
    """An object of the kind; `metadata` overrides its namespace and adds what else it has."""
    return {
        "apiVersion": version or VERSIONS[kind],
        "kind": KINDS.get(kind, kind),
        "metadata": {"name": name, "namespace": HOME, **(metadata or {})},
        "spec": spec,
    }


def namespace(name=HOME, annotations=None, labels=None):
    return thing("Namespace", name, metadata={"annotations": annotations, "labels": labels})


def only(decision):
    """What a Decision says, its reason being there."""
    assert decision.because
    return decision.allowed
