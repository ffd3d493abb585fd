# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whom network policies let reach a pod, or the pod reach: NetworkPolicy, ClusterNetworkPolicy, Cilium's, Calico's.

Sources: Kubernetes on network policies, the reference of the network policy API, the policy references of Cilium and
Calico. Judged is the packet as the pod sees it: a source address that a proxy or a NAT on the way replaces is not. Most
implementations let the kubelet's probes from the pod's own node in, which no API promises: a call from a node is judged
by its address like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from . import network_calico, network_cilium, network_cluster, network_kubernetes
from .matching import Decision, always, group, some
from .network_rules import Other, Policy, Rule, Tier, Traffic, doubt

# Policies that decide beside those that are judged.
OTHERS = {
    ("GlobalNetworkPolicy", "projectcalico.org"),
    ("GlobalNetworkPolicy", "crd.projectcalico.org"),
    ("NetworkPolicy", "crd.projectcalico.org"),
    ("CiliumClusterwideNetworkPolicy", "cilium.io"),
    ("AdminNetworkPolicy", "policy.networking.k8s.io"),
    ("BaselineAdminNetworkPolicy", "policy.networking.k8s.io"),
}
ORDER = 1000  # which Calico gives to NetworkPolicies
ALLOWED = {"Accept": True, "Allow": True, "Deny": False}


def admits(objects: list[dict], pod: dict, call: dict, direction: str = "ingress") -> Decision:
    """Whether the call may reach the pod or, for the direction `egress`, the pod may call. See `judge` and `decide`."""
    return judge(objects, pod, direction).decide(call)


def judge(objects: list[dict], pod: dict, direction: str = "ingress") -> Judge:
    """The objects read once for one pod and one direction.

    `pod`: `namespace`, `labels`, `ports` (of `name`, `port`, `protocol`), `ip`; the last two may be unknown. Raises
    ValueError for another direction and for what no API server takes, such as a network that is none.
    """
    if direction not in ("ingress", "egress"):
        raise ValueError(f"a direction is ingress or egress, not {direction!r}")
    return Judge(objects, pod, direction)


class Outcome(NamedTuple):
    """What may become of a call: the rule that acts, None beyond the last tier, and the doubt whether it does."""

    rule: Rule | None
    doubt: str | None


class Judge:
    """The objects read once for one pod and one direction; `decide` asks for one call."""

    def __init__(self, objects: list[dict], pod: dict, direction: str):
        self.direction = direction
        self.namespaces = {
            each["metadata"]["name"]: each["metadata"].get("labels") or {}
            for each in objects
            if each["kind"] == "Namespace" and group(each) == ""
        }
        traffic = Traffic(pod, direction, self.namespaces)
        cluster = network_cluster.tiers(objects, traffic)
        self.tiers = [Tier([[others(objects)]], None), cluster["Admin"], middle(objects, traffic), cluster["Baseline"]]

    def decide(self, call: dict) -> Decision:
        """`call`: `port`, `protocol` (TCP, UDP or SCTP) and the other side, of which every fact may be None, unknown.

        `ip`, `namespace` (empty: no pod, but a node or something outside), `namespace_labels`, `labels`.
        """
        other = Other.of(call, self.direction, self.namespaces)
        outcomes = list(self.outcomes(other))
        last = outcomes[-1]
        if len({each.rule is None or ALLOWED[each.rule.action] for each in outcomes}) > 1:
            rule, why = next((each for each in outcomes if each.doubt is not None), outcomes[0])
            why = "another of the same priority decides otherwise" if why is None else why
            return Decision(None, f"{rule.name}: {why}")
        if last.rule is None:
            return Decision(True, f"no policy decides on {self.direction}: the pod is open")
        return Decision(ALLOWED[last.rule.action], last.rule.name)

    def outcomes(self, other: Other) -> Iterator[Outcome]:
        """What may become of the call. An outcome in doubt leaves the next one possible."""
        for tier in self.tiers:
            found = list(tier_outcomes(tier, other))
            yield from (each for each in found if each.rule and each.rule.action != "Pass")
            if all(each.rule and each.rule.action != "Pass" for each in found):
                return
        yield Outcome(None, None)


def tier_outcomes(tier: Tier, other: Other) -> Iterator[Outcome]:
    for policies in tier.groups:
        found = [list(policy_outcomes(each, other)) for each in policies]
        for each in found:
            yield from each
        if any(each and each[-1].doubt is None for each in found):
            return
    yield Outcome(tier.closing, None)


def policy_outcomes(policy: Policy, other: Other) -> Iterator[Outcome]:
    for rule in policy:
        match = rule.matches(other)
        if match is True:
            yield Outcome(rule, None)
            return
        if match is not False:
            yield Outcome(rule, str(match))


def others(objects: list[dict]) -> Policy:
    return [
        rule
        for each in objects
        if (each["kind"], group(each)) in OTHERS
        for rule in doubt(f"{each['kind']} {each['metadata']['name']}", "is not judged")
    ]


def middle(objects: list[dict], traffic: Traffic) -> Tier:
    """The policies of namespaces, between the two tiers of ClusterNetworkPolicies.

    Cilium joins NetworkPolicies to its own and lets any Deny win. Calico orders its own, with NetworkPolicies at 1000.
    """
    kubernetes = network_kubernetes.policies(objects, traffic)
    cilium, calico = network_cilium.read(objects, traffic), network_calico.read(objects, traffic)
    doubts = [doubt(*each) for each in (*cilium.doubts, *calico.doubts)]
    if (cilium.isolating or cilium.denying or cilium.allowing) and calico.policies:
        doubts.append(doubt("policies of Cilium and of Calico", "are not judged together"))
    allowing = [rule for policy in kubernetes.values() for rule in policy]
    ordered = {}
    for (order, name), policy in calico.policies.items():
        # Among those at 1000 it isn't told how Calico sorts NetworkPolicies and its own.
        ordered.setdefault((order, "" if order == ORDER and kubernetes else name), []).append(policy)
    ordered.setdefault((ORDER, ""), []).append(allowing)
    groups = [[each] for each in doubts]
    if calico.policies:
        groups += [ordered[key] for key in sorted(ordered)]
    else:
        groups += [[cilium.denying], [[*cilium.allowing, *allowing]]]
    names = [*kubernetes, *cilium.isolating, *(f"Calico NetworkPolicy {name}" for _, name in calico.policies)]
    closing = Rule(f"no rule of {some(names)} admits it", "Deny", always(True))
    return Tier(groups, closing if names else None)
