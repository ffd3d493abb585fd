# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What `access` is asked about a release: its objects as they are rendered, its pod, its ports."""

from __future__ import annotations

from stageset_render.access import DOMAIN
from stageset_render.access.classes import Caller, Request
from stageset_render.access.matching import Decision
from stageset_render.access.table import Asked, Port
from stageset_render.pack.facts import pod_labels, ports
from stageset_render.pack.mesh import WAYPOINT, ambient, engine, served
from stageset_render.pack.release import Release

POLICIES = {
    "istio": ("istio-authorizationpolicy.yaml", "peerauthentication.yaml", "servicemesh-default-deny.yaml"),
    "linkerd": ("namespace.yaml", "linkerd-serverauthorization.yaml"),
}
PROBES = ("/healthz", "/readyz")
INJECTED_PORTS = ({"name": "linkerd-proxy", "port": 4143}, {"name": "linkerd-admin", "port": 4191})
UNCAPTURED = (15020, 15021, 15090)  # ports of Istio's sidecar that its own rules of interception leave out
PROXY_PORTS = {"istio": (15000, 15001, 15004, 15006, 15008, 15053), "linkerd": (4140, 4143, 4190, 4191)}
KUBELET, API_SERVER = "kubelet", "kube-apiserver"


def namespace_of(release: Release, caller: Caller) -> str | None:
    """The namespace that a caller's identity tells; None for none."""
    if caller.identity is None:
        return None
    steps, parts = caller.identity.split("/"), caller.identity.split(".")
    if engine(release) != "linkerd" and len(steps) == 5:
        return steps[2]
    return parts[1] if engine(release) == "linkerd" and parts[2:3] == ["serviceaccount"] else None


def without_added(release: Release) -> Release:
    """The release without what is passed through to the mesh."""
    if not release.at("serviceMesh.istio.rules") and not release.at("serviceMesh.linkerd.authorizations"):
        return release
    mesh = {**release.at("serviceMesh"), "istio": {"rules": []}, "linkerd": {"authorizations": []}}
    return release.instead({**release.values, "serviceMesh": mesh})


def own_policies(release: Release) -> list[dict]:
    """The objects of the mesh, less what is passed through."""
    return without_added(release).objects(*POLICIES[engine(release)])


def policies(release: Release) -> list[dict]:
    """The objects of the mesh; what is passed through is put in as it is rather than written and read again."""
    found = release.fact(own_policies)
    if engine(release) == "linkerd":
        added = release.items("serviceMesh.linkerd.authorizations")
        return [*found, *(stored(one, release) for one in added if one.get("kind") == "Namespace" or served(one))]
    first, *rest = found
    rules = [*first["spec"]["rules"], *release.items("serviceMesh.istio.rules")]
    return [{**first, "spec": {**first["spec"], "rules": rules}}, *rest]


def stored(thing: dict, release: Release) -> dict:
    """An added object as the API server stores it: in the namespace that it lands in, with what its definition fills in."""
    metadata, spec = thing.get("metadata") or {}, thing.get("spec") or {}
    if not metadata.get("namespace") and thing.get("kind") != "Namespace":
        thing = {**thing, "metadata": {**metadata, "namespace": release.namespace}}
    if thing.get("kind") in ("HTTPRoute", "GRPCRoute"):
        own = {"group": str(thing.get("apiVersion")).partition("/")[0]}
        parents = [{**own, **one} for one in spec.get("parentRefs") or ()]
        thing = {**thing, "spec": {"rules": [{}], **spec, "parentRefs": parents}}
    return thing


def pod(release: Release) -> dict:
    """The controller's pod as `access` takes it: what the Deployment says of it, without rendering that."""
    named = release.fact(ports)
    return {
        "namespace": release.namespace,
        "labels": release.fact(pod_labels),
        "ports": [
            *({"name": name, "port": number} for name, number in named.items()),
            *(INJECTED_PORTS if engine(release) == "linkerd" else ()),
        ],
        "probes": [{"port": named["health"], "path": path} for path in PROBES],
        "ztunnel": ambient(release),
    }


def asked_ports(release: Release) -> list[Port]:
    """The pod's ports with what is spoken there; a node's proxy sees no HTTP, and kube-apiserver speaks TLS."""
    plain = "tcp" if ambient(release) else "http"
    offices = {
        "health": tuple((KUBELET, Request("", "GET", one["path"])) for one in release.fact(pod)["probes"]),
        "webhook": ((API_SERVER, Request()),),
    }
    return [
        Port(name, number, "tcp" if name == "webhook" else plain, offices.get(name, ()))
        for name, number in sorted(release.fact(ports).items(), key=lambda one: ORDER.index(one[0]))
    ]


ORDER = ("gate", "metrics", "mcp", "health", "webhook")


def asked(release: Release) -> Asked:
    """The release's mesh, for asking who gets in."""
    return Asked(policies(release), release.fact(pod), engine=engine(release), relay=waypoint(release))


def waypoint(release: Release) -> str | None:
    """The identity of the waypoint that passes calls on to the pod; None without one.

    Istio: configure waypoint proxies. A waypoint runs as the service account of its own name, in the namespace that a
    label tells or in the pod's.
    """
    labels = release.at("pod.additionalLabels") or {}
    name = labels.get(WAYPOINT)
    if not ambient(release) or name in (None, "", "none"):
        return None
    from stageset_render.access.classes_istio import identity  # only Istio's ambient mode pays for it

    return identity(DOMAIN, labels.get(f"{WAYPOINT}-namespace") or release.namespace, name)


def proxy_port(release: Release, number: int) -> Decision | None:
    """Who gets in at a port that the proxy beside the pod serves itself, whatever policies say; None for other ports.

    Istio: ports used by Istio; Linkerd: ports of the proxy (its admin port takes what a Server for it says)."""
    if ambient(release):
        return None
    if engine(release) == "istio" and number in UNCAPTURED:
        return Decision(True, f"the sidecar itself serves port {number}, to anyone and without mTLS")
    if number in PROXY_PORTS.get(engine(release) or "", ()):
        return Decision(None, f"port {number} is the proxy's own, and who may call it is not told by these objects")
    return None
