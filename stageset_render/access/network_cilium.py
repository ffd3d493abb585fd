# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""CiliumNetworkPolicy of cilium.io. Source: Cilium's policy language reference and the definition's own text.

Judged are endpoints, networks, ports and the entities `all`, `none`, `cluster` and `world`. What else limits a rule
(names, services, groups, nodes, authentication, layer 7) leaves its match unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, NamedTuple

from .matching import Match, Networks, Unknown, all_of, always, any_of, either, every, group, known, label, selects
from .network_rules import Other, Rule, Traffic, read_ports

NAMESPACE = "io.kubernetes.pod.namespace"
NAMESPACE_LABELS = "io.cilium.k8s.namespace.labels."
Test = Callable[[Other], Match]


class Found(NamedTuple):
    """The rules of all policies that select the pod, those that refuse the rest, and those that may select it."""

    denying: list[Rule]
    allowing: list[Rule]
    isolating: list[str]
    doubts: list[tuple[str, str]]


class Endpoint(NamedTuple):
    """The labels of a pod as Cilium's selectors know them; `get` gives what is there, None or Unknown."""

    namespace: str | Unknown | None
    namespace_labels: dict
    labels: dict

    def get(self, key: str) -> str | Unknown | None:
        source, name = split(key)
        if source not in ("k8s", "any") or name == "io.cilium.k8s.policy.serviceaccount":
            return Unknown(f"the label {key} is not judged")
        if name == NAMESPACE:
            return self.namespace
        if name.startswith(NAMESPACE_LABELS):
            return label(self.namespace_labels, name[len(NAMESPACE_LABELS) :])
        return label(self.labels, name)


@lru_cache(maxsize=65536)
def split(key: str) -> tuple[str, str]:
    """Where a label comes from, and its name: `k8s:app` is one of Kubernetes, `any:app` and `app` are of any source."""
    source, colon, name = key.partition(":")
    return (source, name) if colon else ("any", key)


def read(objects: list[dict], traffic: Traffic) -> Found:
    found = Found([], [], [], [])
    for each in objects:
        here = each["metadata"].get("namespace") == traffic.pod["namespace"]
        if each["kind"] == "CiliumNetworkPolicy" and group(each) == "cilium.io" and here:
            for spec in [each.get("spec"), *(each.get("specs") or ())]:
                read_spec(f"CiliumNetworkPolicy {each['metadata']['name']}", spec or {}, traffic, found)
    return found


def read_spec(title: str, spec: dict, traffic: Traffic, found: Found) -> None:
    direction, deny = traffic.direction, f"{traffic.direction}Deny"
    allowing, denying = spec.get(direction) or [], spec.get(deny) or []
    refusing = (spec.get("enableDefaultDeny") or {}).get(direction)
    own = Endpoint(traffic.pod["namespace"], traffic.namespace_labels, traffic.labels)
    chosen = selects(spec.get("endpointSelector"), own)
    # A direction without rules is not the policy's, unless it says so itself: an empty list leaves it open.
    if chosen is False or not (allowing or denying or refusing):
        return
    if chosen is not True:
        found.doubts.append((title, chosen))
    elif refusing is not False:
        found.isolating.append(title)
    found.allowing.extend(read_rules(f"{title}, {direction} rule", "Allow", allowing, traffic))
    found.denying.extend(read_rules(f"{title}, {deny} rule", "Deny", denying, traffic))


def read_rules(name: str, action: str, rules: list[dict], traffic: Traffic) -> Iterator[Rule]:
    for index, rule in enumerate(rules, start=1):
        yield Rule(f"{name} {index}", action, read_rule(rule or {}, traffic))


def read_rule(rule: dict, traffic: Traffic) -> Test:
    """Peers and ports, both. A rule without any of them matches nothing."""
    peers, tests = [], []
    for key, value in rule.items():
        kind = key.removeprefix("from" if traffic.ingress else "to")
        if value is None or (key == "toPorts" and not value):
            continue
        if key == "toPorts":
            tests.append(either(read_port_rule(each, traffic) for each in value))
        elif key == "icmps":  # limits the rule to ICMP, which no call here is
            tests.append(always(False))
        elif kind in PEERS and value:
            peers += PEERS[kind](value, traffic.pod["namespace"])
        else:
            tests.append(always(Unknown(f"{key} is not judged")))
    if peers:
        tests.append(either(peers))
    return every(tests) if tests else always(False)


def endpoints(selectors: list[dict], here: str) -> Iterator[Test]:
    yield partial(any_endpoint, [(each, None if says_where(each) else here) for each in selectors])


def says_where(selector: dict) -> bool:
    expressions = selector.get("matchExpressions") or ()
    keys = (*(selector.get("matchLabels") or {}), *(each["key"] for each in expressions))
    return any(split(key)[1] == NAMESPACE or split(key)[1].startswith(NAMESPACE_LABELS) for key in keys)


def any_endpoint(selectors: list[tuple[dict, str | None]], other: Other) -> Match:
    """Pods of the namespace beside the selector, the policy's, where the selector itself says nothing of namespaces."""
    there = Endpoint(other.namespace, other.namespace_labels, other.labels)
    found = ((selects(selector, there), here) for selector, here in selectors)
    return any_of(
        all_of((other.is_pod, here is None or known(here.__eq__, other.namespace), chosen))
        for chosen, here in found
        if chosen is not False
    )


def cidrs(texts: list[str], here: str) -> Iterator[Test]:
    yield partial(outside_in, Networks.of(texts))


def cidr_sets(sets: list[dict], here: str) -> Iterator[Test]:
    plain = [each for each in sets if each.get("cidr")]
    yield partial(outside_in, Networks((each["cidr"], each.get("except") or ()) for each in plain))
    if len(plain) < len(sets):
        yield always(Unknown("a group of networks is not judged"))


def outside_in(networks: Networks, other: Other) -> Match:
    """Networks are for what is outside the cluster: no pod is in one, and no node."""
    outside = Unknown("depends on whether the address is a node's, which no CIDR matches")
    return all_of((False if other.is_pod is True else outside, other.within(networks)))


def entities(names: list[str], here: str) -> Iterator[Test]:
    for name in names:
        yield partial(entity_matches, name)


def entity_matches(name: str, other: Other) -> Match:
    if name in ("all", "none"):
        return name == "all"
    unknown = Unknown(f"the entity {name!r} is not judged")
    return {"cluster": True, "world": False}.get(name, unknown) if other.is_pod is True else unknown


PEERS = {"Endpoints": endpoints, "CIDR": cidrs, "CIDRSet": cidr_sets, "Entities": entities}


def read_port_rule(rule: dict, traffic: Traffic) -> Test:
    ports = rule.get("ports")
    told = ports and all(each.get("port") for each in ports)
    tests = [read_ports(map(port, ports), traffic).match if told else always(Unknown("a rule without ports"))]
    for key, value in rule.items():
        if value and key != "ports" and not (key == "rules" and value == {"dns": [{"matchPattern": "*"}]}):
            tests.append(always(Unknown(f"{key} of ports is not judged")))
    return every(tests)


def port(each: dict) -> tuple[str | None, Any, int | None]:
    """A number as text or a name; 0 is every port."""
    protocol, text = each.get("protocol") or "ANY", str(each["port"])
    number = int(text) if text.isdecimal() else text
    return None if protocol == "ANY" else protocol, None if number == 0 else number, each.get("endPort")
