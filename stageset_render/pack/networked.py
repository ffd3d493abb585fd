# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What `access.network` is asked about a release: its network policies as they are rendered, and those that are added."""

from __future__ import annotations

from stageset_render.access import network
from stageset_render.pack.mesh import engine
from stageset_render.pack.meshed import pod, stored
from stageset_render.pack.release import Release
from stageset_render.pack.unread import MALFORMED, Unread, told

TEMPLATES = {
    "kubernetes": "networkpolicy.yaml",
    "cilium": "ciliumnetworkpolicy.yaml",
    "calico": "caliconetworkpolicy.yaml",
    "clusterNetworkPolicy": "clusternetworkpolicy.yaml",
}
GROUPS = (
    "networking.k8s.io",
    "cilium.io",
    "projectcalico.org",
    "crd.projectcalico.org",
    "policy.networking.k8s.io",
)


def own_policies(release: Release) -> list[dict]:
    """The network policies of the templates, and the Namespace when it is rendered."""
    own = TEMPLATES[release.at("networkPolicy.engine") or "kubernetes"]
    return release.objects(own, "networkpolicy-default-deny.yaml", "namespace.yaml")


def ingress(release: Release) -> network.Judge | Unread:
    """The network policies as they judge calls of the pod."""
    return _judged(release, "ingress")


def egress(release: Release) -> network.Judge | Unread:
    """The network policies as they judge what the pod calls."""
    return _judged(release, "egress")


def _judged(release: Release, direction: str) -> network.Judge | Unread:
    def read() -> network.Judge:
        own, added = release.fact(own_policies), release.fact(added_policies)
        try:
            return network.judge([*own, *added], release.fact(pod), direction)
        except MALFORMED:  # nothing checks what is added beside Linkerd's objects
            return network.judge([*own, *map(_unreadable, added)], release.fact(pod), direction)

    return told(release, read, Unread)


def judge(release: Release, objects: list[dict]) -> network.Judge | Unread:
    """Some network policies as they judge calls of the pod."""
    return told(release, lambda: network.judge(objects, release.fact(pod)), Unread)


def names(release: Release) -> set[str] | None:
    """All texts of the network policies, so that no policy tells namespaces apart that are none of them.

    None where a policy may name a part of one: Calico's selectors do."""
    objects = [*release.fact(own_policies), *release.fact(added_policies)]
    if any("calico" in str(one.get("apiVersion")) for one in objects):
        return None
    found, left = set(), list(objects)
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str):
            found.add(one)
    return found


def _unreadable(thing: dict) -> dict:
    """A policy of which it can't be told what it does."""
    return {**thing, "apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkPolicy", "metadata": {"name": "added"}}


def added_policies(release: Release) -> list[dict]:
    """Those that are added beside the objects of Linkerd."""
    added = release.items("serviceMesh.linkerd.authorizations") if engine(release) == "linkerd" else []
    own = [one for one in added if str(one.get("apiVersion")).partition("/")[0] in GROUPS]
    return [stored(one, release) for one in own if one.get("kind") != "Namespace"]
