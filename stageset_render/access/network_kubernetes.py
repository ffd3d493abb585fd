# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""NetworkPolicy of networking.k8s.io. Source: Kubernetes, network policies, and its API reference."""

from __future__ import annotations

from collections.abc import Callable

from .matching import Match, Networks, either, every, group, selects
from .network_rules import Other, Policy, Rule, Traffic, read_ports


def policies(objects: list[dict], traffic: Traffic) -> dict[str, Policy]:
    """The policies that select the pod for this direction, by name: what isn't matched is refused."""
    found = {}
    for each in objects:
        if each["kind"] == "NetworkPolicy" and group(each) == "networking.k8s.io" and isolates(each, traffic):
            name = f"NetworkPolicy {each['metadata']['name']}"
            rules = each["spec"].get(traffic.direction) or ()
            found[name] = [
                Rule(f"{name}, {traffic.direction} rule {index}", "Allow", read_rule(rule or {}, traffic))
                for index, rule in enumerate(rules, start=1)
            ]
    return found


def isolates(policy: dict, traffic: Traffic) -> bool:
    """Without policyTypes a policy is one of ingress, and of egress only with rules for it."""
    spec = policy.get("spec") or {}
    types = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    return (
        policy["metadata"].get("namespace") == traffic.pod["namespace"]
        and traffic.direction.capitalize() in types
        and selects(spec.get("podSelector"), traffic.labels) is True
    )


def read_rule(rule: dict, traffic: Traffic) -> Callable[[Other], Match]:
    """Ports and peers, both; of a list that is empty or absent, all."""
    ports = [(each.get("protocol") or "TCP", each.get("port"), each.get("endPort")) for each in rule.get("ports") or ()]
    tests = [read_ports(ports or [(None, None, None)], traffic).match]
    peers = rule.get("from" if traffic.ingress else "to") or []
    blocks = [each["ipBlock"] for each in peers if each.get("ipBlock")]
    if peers:
        networks = Networks((each["cidr"], each.get("except") or ()) for each in blocks)
        pods = [read_pods(each, traffic.pod["namespace"]) for each in peers if not each.get("ipBlock")]
        tests.append(either([lambda other: other.within(networks), *pods] if blocks else pods))
    return every(tests)


def read_pods(peer: dict, here: str) -> Callable[[Other], Match]:
    return lambda other: other.selected(peer.get("podSelector"), peer.get("namespaceSelector"), here)
