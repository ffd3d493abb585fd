# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The mesh that a release is for, and whether its pod is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from stageset_render.pack.release import Release

SERVED = {  # of the objects of Linkerd, what values.schema.json has a definition of, the newest version last
    ("policy.linkerd.io", "AuthorizationPolicy"): ("v1alpha1",),
    ("policy.linkerd.io", "EgressNetwork"): ("v1alpha1",),
    ("policy.linkerd.io", "HTTPLocalRateLimitPolicy"): ("v1alpha1",),
    ("policy.linkerd.io", "HTTPRoute"): ("v1alpha1", "v1beta1", "v1beta2", "v1beta3"),
    ("policy.linkerd.io", "MeshTLSAuthentication"): ("v1alpha1",),
    ("policy.linkerd.io", "NetworkAuthentication"): ("v1alpha1",),
    ("policy.linkerd.io", "Server"): ("v1alpha1", "v1beta1", "v1beta2", "v1beta3"),
    ("policy.linkerd.io", "ServerAuthorization"): ("v1alpha1", "v1beta1"),
    ("gateway.networking.k8s.io", "GRPCRoute"): ("v1",),
    ("gateway.networking.k8s.io", "HTTPRoute"): ("v1beta1", "v1"),
}
MOST_RULES = 512  # that Istio takes in a policy
TUNNELS = {"linkerd": 4143, "ambient": 15008}  # where meshed calls arrive, whatever port they are for
TAKEN = {  # ports of the pod that Istio's proxy listens at itself
    "istio": (15000, 15001, 15002, 15004, 15006, 15008, 15020, 15021, 15053, 15090),
    "ambient": (15001, 15006, 15008, 15053),
}
INJECT, REVISION = "sidecar.istio.io/inject", "istio.io/rev"
INJECTED = ("y", "yes", "true", "on")  # what Istio's injector takes for a wish (pkg/kube/inject, injectRequired)
NEVER = {  # namespaces whose pods no injector looks at
    "istio": ("kube-system", "kube-public", "kube-node-lease", "local-path-storage"),
    "linkerd": ("kube-system", "cert-manager"),
}
UNMESHED = (
    "linkerd.io/control-plane-component",
    "linkerd.io/cni-resource",
)  # labels that Linkerd's injector passes over
MARK, MARKED, WEBHOOKS = "linkerd.io/inject", ("enabled", "ingress"), "config.linkerd.io/admission-webhooks"
AMBIENT, WAYPOINT = "istio.io/dataplane-mode", "istio.io/use-waypoint"


def engine(release: Release) -> str | None:
    """The mesh whose objects are rendered."""
    return release.at("serviceMesh.engine") if release.at("serviceMesh.enabled") else None


def ambient(release: Release) -> bool:
    """Whether the pod is marked for Istio's ambient mode, in which a node's proxy enforces what needs no HTTP.

    A sidecar takes precedence (Istio: add workloads to the mesh).
    """
    labels = release.at("pod.additionalLabels") or {}
    return engine(release) == "istio" and labels.get(AMBIENT) == "ambient" and labels.get(INJECT) not in INJECTED


def tunnel(release: Release) -> int | None:
    """The port at which calls of meshed callers arrive; None where they arrive at the port that they are for.

    Linkerd from 2.18 on: outbound transport mode transport-header; Istio's ambient mode: HBONE.
    """
    return TUNNELS.get("ambient" if ambient(release) else engine(release) or "")


def taken(release: Release) -> tuple[str, tuple[int, ...]]:
    """Which proxy of Istio takes ports of the pod for itself, and which; none under Linkerd.

    Istio: Ports used by Istio; in the ambient mode ztunnel's, inside the pod's network.
    """
    mode = "ambient" if ambient(release) else engine(release) or ""
    return "ztunnel" if mode == "ambient" else "sidecar", TAKEN.get(mode, ())


def served(thing: dict) -> bool:
    """Whether the API has such an object, so that its fields are known and checked."""
    group, _, version = str(thing.get("apiVersion")).rpartition("/")
    return version in SERVED.get((group, thing.get("kind")), ())


UNMARKED = "The Namespace that is created has no mark for injection, so the pod gets no proxy: {}."


class Injection(NamedTuple):
    """Whether the pod is in the mesh: True, False, or None where the values can't show it; and in words.

    Attributes:
        how: what must be added by hand to the Namespace that is created, as it has no mark for injection.
    """

    certain: bool | None
    sentence: str
    how: str = ""


def kept_out(release: Release) -> Iterator[tuple[str | tuple, str, str]]:
    """What keeps the proxy out of the pod: the path of a value, what it does, and how to mend it.

    Istio: pkg/kube/inject, injectRequired; Linkerd: Automatic Proxy Injection, and the selectors of its webhook.
    """
    labels = release.at("pod.additionalLabels") or {}
    mend = "leave it out, or set serviceMesh.enabled to false"
    if release.namespace in NEVER.get(engine(release) or "", ()) and not ambient(release):
        yield "serviceMesh.enabled", f"no pod of {release.namespace} gets a proxy", "choose another namespace"
    if engine(release) == "istio":
        if labels.get(INJECT, "") not in ("", *INJECTED) and not ambient(release):
            yield ("pod.additionalLabels", INJECT), "keeps the sidecar out of the pod", mend
        return
    for label in UNMESHED:
        if label in labels:
            yield ("pod.additionalLabels", label), "keeps the proxy out of the pod", mend
    for path, metadata in added_namespaces(release):
        if (metadata.get("annotations") or {}).get(MARK, "enabled") not in MARKED:
            yield (*path, "annotations", MARK), "keeps the proxy out of the namespace's pods", "write enabled"
        if (metadata.get("labels") or {}).get(WEBHOOKS) == "disabled":
            yield (*path, "labels", WEBHOOKS), "keeps the proxy out of the namespace's pods", "leave it out"


def added_namespaces(release: Release) -> Iterator[tuple[tuple, dict]]:
    """The metadata of the release's Namespace where Linkerd's list adds it, each with its path."""
    path = "serviceMesh.linkerd.authorizations"
    for index, one in enumerate(release.items(path)):
        metadata = one.get("metadata") or {}
        if one.get("kind") == "Namespace" and metadata.get("name") == release.namespace:
            yield (path, index, "metadata"), metadata


def injection(release: Release) -> Injection:
    """Whether the pod gets a proxy, by its labels and by the Namespace that is rendered or added.

    Istio: Sidecar injection, and ambient mode; Linkerd: Automatic Proxy Injection, which reads annotations alone.
    """
    for _, what, _ in kept_out(release):
        return Injection(False, f"The pod gets no proxy ({what}), and without one no policy has an effect.")
    labels = release.at("pod.additionalLabels") or {}
    if engine(release) == "istio":
        if ambient(release):
            return Injection(True, "The pod is marked for the ambient mode, in which ztunnel enforces the policies.")
        if labels.get(INJECT) == "true" or labels.get(REVISION):
            return Injection(True, "The pod is marked for a sidecar, as far as an injector of Istio runs.")
        how = f'label the namespace istio-injection=enabled, or set pod.additionalLabels."{INJECT}" to "true"'
        alone = "a sidecar alone, which the values can't show"
    else:
        if any(MARK in (metadata.get("annotations") or {}) for _, metadata in added_namespaces(release)):
            told = "The Namespace that is added is marked for injection, as far as Linkerd's injector runs."
            return Injection(True, told)
        how = f"annotate it with `kubectl annotate namespace {release.namespace} {MARK}=enabled`"
        alone = "a proxy alone, which is up to its namespace"
    if release.at("namespace.create"):
        return Injection(None, UNMARKED.format(how), how)
    return Injection(None, f"The policies hold for a pod with {alone}: {how}.")


def unmeshed(release: Release) -> str:
    """Why no policy of a mesh restricts the pod; empty where one may."""
    if engine(release) is None:
        return "no policy of a mesh: serviceMesh.enabled is false"
    found = injection(release)
    return found.sentence.removesuffix(".") if found.certain is False else ""
