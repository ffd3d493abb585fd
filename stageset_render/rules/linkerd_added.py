# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The objects that serviceMesh.linkerd.authorizations adds, indexed once for all rules about them; no rules are here."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from stageset_render.access.linkerd_grants import picks
from stageset_render.pack import facts
from stageset_render.pack.mesh import SERVED
from stageset_render.pack.release import Release

PATH = "serviceMesh.linkerd.authorizations"
POLICY, GATEWAY = "policy.linkerd.io", "gateway.networking.k8s.io"
PROXY_PORTS = ("linkerd-admin", "linkerd-proxy")  # that injection adds to the pod


class Added(NamedTuple):
    """One object: its place in the list, what it is, and what it says."""

    index: int
    group: str
    version: str
    kind: str
    namespace: str
    name: str
    spec: dict
    body: dict

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What it is called within the cluster, whatever its version."""
        return self.group, self.kind, self.namespace, self.name

    @property
    def served(self) -> bool:
        """Whether its fields are known; of other objects nothing is but their names."""
        return self.version in SERVED.get((self.group, self.kind), ())

    @property
    def of_server(self) -> bool:
        """Whether it is a route of a Server and of nothing else."""
        parents = [ref(one, self.group) for one in self.spec.get("parentRefs") or ()]
        return bool(parents) and all((one.kind, one.group) == ("server", POLICY) for one in parents)

    def at(self, *steps: str | int) -> tuple:
        """The path of something in it."""
        return (PATH, self.index, *steps)


class Ref(NamedTuple):
    """A reference to another object, as Linkerd reads it: kinds in any case, `core` for no group."""

    group: str
    kind: str
    namespace: str | None
    name: str


def ref(found: dict, group: str = "") -> Ref:
    """A reference; `group` is what a missing one means."""
    own = found.get("group")
    own = group if own is None else own
    return Ref(
        "" if own == "core" else own, str(found.get("kind") or "").lower(), found.get("namespace"), found.get("name")
    )


class Index:
    """All of them, by what rules ask."""

    def __init__(self, release: Release):
        self.release = release
        self.objects = [_added(index, body, release) for index, body in enumerate(release.items(PATH))]
        self.served = [one for one in self.objects if one.served]
        self.by_kind: dict[str, list[Added]] = {}
        for one in self.served:
            self.by_kind.setdefault(one.kind, []).append(one)

    def of(self, *kinds: str) -> Iterator[Added]:
        """Those of some kinds whose fields are known."""
        for kind in kinds:
            yield from self.by_kind.get(kind, ())

    @functools.cached_property
    def ports(self) -> dict[str, str]:
        """The ports of the controller's pods, by number and by name, with their names."""
        found = self.release.fact(facts.ports)
        return {**{str(number): name for name, number in found.items()}, **{name: name for name in found}}

    @functools.cached_property
    def rendered(self) -> dict[tuple[str, str, str, str], str]:
        """What the pack renders, as far as it may also be added; of a mesh object the port that it is for."""
        release, found = self.release, {}
        space, name = release.namespace, release.chart["Name"]
        on = release.fact(facts.ports)
        for group, kind in (
            ("", "ServiceAccount"),
            ("apps", "Deployment"),
            ("rbac.authorization.k8s.io", "ClusterRole"),
        ):
            found[group, kind, space, name] = ""
        for port in ("gate", "mcp", "metrics", "webhook"):
            if port in on and (port != "mcp" or release.at("mcp.service.enabled")):
                found["", "Service", space, f"{name}-{port}"] = ""
        if release.at("networkPolicy.enabled") and (release.at("networkPolicy.engine") or "kubernetes") == "kubernetes":
            found["networking.k8s.io", "NetworkPolicy", space, name] = ""
        if release.at("namespace.create"):
            found["", "Namespace", space, space] = ""
        for port in ("gate", "metrics"):
            for kind in ("Server", "MeshTLSAuthentication", "AuthorizationPolicy") if port in on else ():
                found[POLICY, kind, space, f"{name}-{port}"] = port
        return found

    @functools.cached_property
    def named(self) -> dict[tuple[str, str, str, str], Added]:
        """The added objects by what they are called."""
        return {one.identity: one for one in reversed(self.objects)}

    def own_port(self, kind: str, name: str) -> str:
        """The port that a rendered mesh object is for; empty for any other name."""
        return self.rendered.get((POLICY, kind, self.release.namespace, name), "")

    def exists(self, group: str, kind: str, name: str, namespace: str | None = None) -> bool:
        """Whether there is such an object, rendered or added; `kind` in any case."""
        return (group, kind.lower(), namespace or self.release.namespace, name) in self._everything

    @functools.cached_property
    def _everything(self) -> set[tuple[str, str, str, str]]:
        return {(group, kind.lower(), *rest) for group, kind, *rest in (*self.rendered, *self.named)}

    def selects_pods(self, server: Added) -> bool:
        """Whether a Server is one of the controller's pods."""
        selector = server.spec.get("podSelector")
        return (
            selector is not None
            and server.namespace == self.release.namespace
            and selects(selector, self.release.fact(facts.pod_labels))
        )

    def port_of(self, server: Added) -> str:
        """Which of the controller's ports a Server covers, by number or by name; empty for none."""
        port = self.ports.get(str(server.spec.get("port")), "")
        return port if port and self.selects_pods(server) else ""

    @functools.cached_property
    def covered(self) -> dict[str, Added]:
        """The controller's ports that added Servers cover, with the first of those."""
        found: dict[str, Added] = {}
        for server in self.of("Server"):
            if port := self.port_of(server):
                found.setdefault(port, server)
        return found


def _added(index: int, body: dict, release: Release) -> Added:
    group, slash, version = str(body.get("apiVersion") or "").rpartition("/")
    metadata = body.get("metadata") or {}
    namespace = metadata.get("namespace") or release.namespace
    spec = body.get("spec") if isinstance(body.get("spec"), dict) else {}
    return Added(index, group, version, body.get("kind") or "", namespace, metadata.get("name") or "", spec, body)


def selects(selector: dict, labels: dict[str, Any]) -> bool:
    """Whether a label selector selects these labels, as Linkerd's controller reads it."""
    return picks(selector, labels) is True
