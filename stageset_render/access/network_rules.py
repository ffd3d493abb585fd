# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What all network policies have in common: the two sides of a call, ports, and rules in tiers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .matching import Match, Partial, Unknown, all_of, always, any_of, known, selects

NAMESPACE_NAME = "kubernetes.io/metadata.name"  # a label that every namespace has


class Other(NamedTuple):
    """The other side of a call, as far as it is told, and the port and protocol that are called."""

    port: int
    protocol: str
    ip: str | Unknown
    is_pod: Match
    namespace: str | Unknown | None
    namespace_labels: dict
    labels: dict

    @classmethod
    def of(cls, call: dict, direction: str, namespaces: dict[str, dict]) -> Other:
        who = "caller" if direction == "ingress" else "destination"
        name, given = call.get("namespace"), call.get("namespace_labels")
        pod = name != "" if name is not None else given is not None or call.get("labels") is not None
        is_pod = pod or (False if name == "" else Unknown(f"depends on whether the {who} is a pod"))
        labels = call.get("labels")
        ip = call.get("ip")
        return cls(
            port=call["port"],
            protocol=(call.get("protocol") or "TCP").upper(),
            ip=Unknown(f"depends on the {who}'s address") if ip is None else ip,
            is_pod=is_pod,
            namespace=Unknown(f"depends on the {who}'s namespace") if name is None else name,
            namespace_labels=labels_of_namespace(name, given, namespaces, who),
            labels=Partial({}, f"depends on the {who}'s labels") if labels is None else labels,
        )

    def selected(self, pods: dict | None, namespaces: dict | None, here: str | None) -> Match:
        """Whether it is a pod that both label selectors take; without one of namespaces, a pod of `here`."""
        chosen = selects(pods, self.labels)
        if chosen is False:
            return False
        where = known(here.__eq__, self.namespace) if namespaces is None else selects(namespaces, self.namespace_labels)
        return all_of((self.is_pod, where, chosen))

    def within(self, networks: Callable[[str], bool]) -> Match:
        return getattr(networks, "everywhere", False) or known(networks, self.ip)


def labels_of_namespace(name: str | None, given: dict | None, namespaces: dict[str, dict], who: str) -> dict:
    own = {NAMESPACE_NAME: name} if name else {}
    if given is None:
        given = namespaces.get(name)
    if given is None:
        return Partial(own, f"depends on the labels of the {who}'s namespace")
    return {**given, **own}


class Traffic(NamedTuple):
    """The pod whose policies are read, and in which direction."""

    pod: dict
    direction: str
    namespaces: dict[str, dict]

    @property
    def ingress(self) -> bool:
        return self.direction == "ingress"

    @property
    def labels(self) -> dict:
        return self.pod.get("labels") or {}

    @property
    def namespace_labels(self) -> dict:
        return labels_of_namespace(self.pod["namespace"], None, self.namespaces, "pod")


class Rule(NamedTuple):
    """What a rule does (Accept, Allow, Deny, Pass) with the calls that it matches, and its name."""

    name: str
    action: str
    matches: Callable[[Other], Match]


Policy = list[Rule]  # of which the first that matches acts
Group = list[Policy]  # of which any may act before the others


class Tier(NamedTuple):
    """Groups of policies, one after another, and the rule that closes the tier, None where calls fall through."""

    groups: list[Group]
    closing: Rule | None


def doubt(name: str, why: str) -> Policy:
    """A policy that may do anything."""
    return [Rule(name, action, always(Unknown(why))) for action in ("Allow", "Deny")]


class Ports(NamedTuple):
    """Ports of a rule: ranges by protocol (None: any), and why others in it can't be told."""

    ranges: list[tuple[str | None, int, int]]
    unknown: list[tuple[str | None, str]]

    def match(self, other: Other) -> Match:
        for protocol, first, last in self.ranges:
            if first <= other.port <= last and protocol in (None, other.protocol):
                return True
        if other.is_pod is False:  # which has no ports with names
            return False
        return any_of(Unknown(why) for protocol, why in self.unknown if protocol in (None, other.protocol))


def read_ports(ports: Iterable[tuple[str | None, Any, int | None]], traffic: Traffic) -> Ports:
    """Of triples of the protocol (None: any), a number or the name of a container's port, and the last port or None."""
    found = Ports([], [])
    for protocol, port, last in ports:
        if port is None:
            found.ranges.append((protocol, 0, 65535))
        elif isinstance(port, int):
            found.ranges.append((protocol, port, last or port))
        elif not traffic.ingress:
            found.unknown.append((protocol, f"depends on the destination's port {port!r}"))
        elif traffic.pod.get("ports") is None:
            found.unknown.append((protocol, f"depends on the pod's port {port!r}"))
        else:
            for each in traffic.pod["ports"]:
                own = each.get("protocol") or "TCP"
                if each.get("name") == port and protocol in (None, own):
                    found.ranges.append((own, each["port"], each["port"]))
    return found
