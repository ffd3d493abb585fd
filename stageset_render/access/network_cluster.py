# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""ClusterNetworkPolicy of policy.networking.k8s.io. Source: the reference of the network policy API, v1alpha2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .matching import Match, Networks, Unknown, all_of, always, either, every, group, selects
from .network_rules import Other, Policy, Rule, Tier, Traffic, read_ports


def tiers(objects: list[dict], traffic: Traffic) -> dict[str, Tier]:
    """Both tiers, by priority. Of policies with the same priority any may act first."""
    found = {"Admin": {}, "Baseline": {}}
    for each in objects:
        if each["kind"] == "ClusterNetworkPolicy" and group(each) == "policy.networking.k8s.io":
            spec = each["spec"]
            found[spec["tier"]].setdefault(spec["priority"], []).append(read_policy(each, traffic))
    return {tier: Tier([of[priority] for priority in sorted(of)], None) for tier, of in found.items()}


def read_policy(policy: dict, traffic: Traffic) -> Policy:
    title, spec = f"ClusterNetworkPolicy {policy['metadata']['name']}", policy["spec"]
    subject = subject_matches(spec.get("subject") or {}, traffic)
    if subject is False:
        return []
    return [
        Rule(f"{title}, {name_of(rule, index, traffic)}", rule["action"], read_rule(rule, subject, traffic))
        for index, rule in enumerate(spec.get(traffic.direction) or (), start=1)
    ]


def name_of(rule: dict, index: int, traffic: Traffic) -> str:
    return f"{traffic.direction} rule {rule.get('name') or index}"


def subject_matches(subject: dict, traffic: Traffic) -> Match:
    if subject.get("pods") is not None:
        pods = subject["pods"]
        namespaces = selects(pods.get("namespaceSelector"), traffic.namespace_labels)
        return all_of((namespaces, selects(pods.get("podSelector"), traffic.labels)))
    if subject.get("namespaces") is not None:
        return selects(subject["namespaces"], traffic.namespace_labels)
    return Unknown(f"the subject {sorted(subject)} is not judged")


def read_rule(rule: dict, subject: Match, traffic: Traffic) -> Callable[[Other], Match]:
    ports = read_ports((protocol_port(each) for each in rule.get("protocols") or [{}]), traffic)
    peers = [read_peer(each, rule["action"]) for each in rule.get("from" if traffic.ingress else "to") or ()]
    return every((always(subject), ports.match, either(peers)))


def protocol_port(each: dict) -> tuple[str | None, Any, int | None]:
    """Exactly one field is set; without any, it is a rule for all traffic."""
    if each.get("destinationNamedPort"):
        return None, each["destinationNamedPort"], None
    for protocol, detail in each.items():
        port = (detail or {}).get("destinationPort") or {}
        extent = port.get("range") or {}
        return protocol.upper(), port.get("number", extent.get("start")), extent.get("end")
    return None, None, None


def read_peer(peer: dict, action: str) -> Callable[[Other], Match]:
    """A peer without any field has lost one that isn't known: Accept takes nobody then, the others everybody."""
    if peer.get("namespaces") is not None:
        return lambda other: other.selected({}, peer["namespaces"], None)
    if peer.get("pods") is not None:
        pods = peer["pods"]
        return lambda other: other.selected(pods.get("podSelector"), pods.get("namespaceSelector") or {}, None)
    if peer.get("networks") is not None:
        networks = Networks.of(peer["networks"])
        return lambda other: other.within(networks)
    match = Unknown(f"the peer {sorted(peer)} is not judged") if peer else action != "Accept"
    return always(match)
