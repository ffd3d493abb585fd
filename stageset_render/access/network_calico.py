# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""NetworkPolicy of projectcalico.org, in the default tier. Source: Calico's reference of network policies.

Judged are selectors, networks, protocols and ports. Service accounts, services, names and HTTP leave a match unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .calico_selectors import parse
from .matching import Match, Networks, Unknown, address, all_of, always, every, group, known, label, negation
from .network_rules import Other, Policy, Rule, Traffic, read_ports

NUMBERS = {"6": "TCP", "17": "UDP", "132": "SCTP"}  # of the protocols that a call can have
JUDGED = {"selector", "namespaceSelector", "nets", "notNets", "ports", "notPorts"}
LAST = float("inf")  # the order of a policy that names none
Test = Callable[[Other], Match]


class Found(NamedTuple):
    """The policies that select the pod for the direction, by order and name, and those that may."""

    policies: dict[tuple[float, str], Policy]
    doubts: list[tuple[str, str]]


class Workload(NamedTuple):
    """The labels of a pod as Calico's selectors know them; `get` gives what is there, None or Unknown."""

    namespace: str | Unknown | None
    labels: dict

    def get(self, key: str) -> str | Unknown | None:
        if key == "projectcalico.org/namespace":
            return self.namespace
        if key.startswith("projectcalico.org/"):
            return Unknown(f"the label {key} is not judged")
        return label(self.labels, key)


class Namespace(NamedTuple):
    """The labels of a namespace as Calico's selectors know them."""

    name: str | Unknown | None
    labels: dict

    def get(self, key: str) -> str | Unknown | None:
        return self.name if key == "projectcalico.org/name" else label(self.labels, key)


def read(objects: list[dict], traffic: Traffic) -> Found:
    found = Found({}, [])
    sets = any(each["kind"] in ("NetworkSet", "GlobalNetworkSet") for each in objects)
    for each in objects:
        here = each["metadata"].get("namespace") == traffic.pod["namespace"]
        if each["kind"] == "NetworkPolicy" and group(each) == "projectcalico.org" and here:
            name, spec = each["metadata"]["name"], each.get("spec") or {}
            title, chosen = f"Calico NetworkPolicy {name}", applies(spec, traffic)
            if chosen is True:
                order = LAST if spec.get("order") is None else spec["order"]
                found.policies[order, name] = list(read_rules(title, spec, traffic, sets))
            elif chosen is not False:
                found.doubts.append((title, chosen))
    return found


def applies(spec: dict, traffic: Traffic) -> Match:
    types = spec.get("types") or [
        *(["Ingress"] if spec.get("ingress") or not spec.get("egress") else []),
        *(["Egress"] if spec.get("egress") else []),
    ]
    if traffic.direction.capitalize() not in types:
        return False
    tier = spec.get("tier") or "default"
    return all_of(
        (
            parse(spec.get("selector") or "")(Workload(traffic.pod["namespace"], traffic.labels)),
            not spec.get("serviceAccountSelector") or Unknown("serviceAccountSelector is not judged"),
            tier == "default" or Unknown(f"the tier {tier!r} is not judged"),
        )
    )


def read_rules(title: str, spec: dict, traffic: Traffic, sets: bool) -> Iterator[Rule]:
    """A rule with the action Log decides nothing."""
    for index, rule in enumerate(spec.get(traffic.direction) or (), start=1):
        if rule["action"] != "Log":
            tests = every(read_rule(rule, traffic, sets))
            yield Rule(f"{title}, {traffic.direction} rule {index}", rule["action"], tests)


def read_rule(rule: dict, traffic: Traffic, sets: bool) -> Iterator[Test]:
    protocol = canonical(rule.get("protocol"))
    if protocol:
        yield lambda other: other.protocol == protocol
    if rule.get("notProtocol") is not None:
        unwanted = canonical(rule["notProtocol"])
        yield lambda other: other.protocol != unwanted
    if rule.get("ipVersion"):
        yield lambda other: known(lambda ip: address(ip)[0] == rule["ipVersion"], other.ip)
    if rule.get("icmp"):  # limits the rule to ICMP, which no call here is
        yield always(False)
    for key in ("notICMP", "http"):
        if rule.get(key):
            yield unjudged(f"{key} of a rule")
    for side, destination in ((rule.get("source") or {}, False), (rule.get("destination") or {}, True)):
        for key in side.keys() - JUDGED:
            yield unjudged(f"{key} of a rule")
        yield from ports(side, destination, protocol, traffic)
        if destination is traffic.ingress:
            yield from own_side(side, traffic)
        else:
            yield from other_side(side, traffic, sets)


def canonical(protocol: Any) -> str | None:
    return None if protocol is None else NUMBERS.get(str(protocol), str(protocol).upper())


def unjudged(what: str) -> Test:
    return always(Unknown(f"{what} is not judged"))


def ports(side: dict, destination: bool, protocol: str | None, traffic: Traffic) -> Iterator[Test]:
    for key, wanted in (("ports", True), ("notPorts", False)):
        if side.get(key) and not destination:
            yield always(Unknown("depends on the port that is called from"))
        elif side.get(key):
            match = read_ports((port(each, protocol) for each in side[key]), traffic).match
            yield match if wanted else negated(match)


def port(each: Any, protocol: str | None) -> tuple[str | None, Any, int | None]:
    """A number, a range `first:last`, or the name of a container's port."""
    first, colon, last = str(each).partition(":")
    return (protocol, int(first), int(last or first)) if first.isdecimal() else (protocol, each, None)


def negated(test: Test) -> Test:
    return lambda other: negation(test(other))


def own_side(side: dict, traffic: Traffic) -> Iterator[Test]:
    """The pod's own side."""
    ip = traffic.pod.get("ip") or Unknown("depends on the pod's address")
    if side.get("nets"):
        yield always(known(Networks.of(side["nets"]), ip))
    if side.get("notNets"):
        yield always(negation(known(Networks.of(side["notNets"]), ip)))
    here = traffic.pod["namespace"]
    yield always(parse(side.get("namespaceSelector") or "")(Namespace(here, traffic.namespace_labels)))
    yield always(parse(side.get("selector") or "")(Workload(here, traffic.labels)))


def other_side(side: dict, traffic: Traffic, sets: bool) -> Iterator[Test]:
    if side.get("nets"):
        networks = Networks.of(side["nets"])
        yield lambda other: other.within(networks)
    if side.get("notNets"):
        unwanted = Networks.of(side["notNets"])
        yield lambda other: negation(other.within(unwanted))
    if side.get("selector") or side.get("namespaceSelector"):
        yield selected(side, traffic.pod["namespace"], sets)


def selected(side: dict, here: str, sets: bool) -> Test:
    """Without a selector of namespaces it is one of the policy's own. Network sets have labels too, and are no pods."""
    pods, namespaces = parse(side.get("selector") or ""), side.get("namespaceSelector")
    where = parse(namespaces or "")

    def matches(other: Other) -> Match:
        if "global" in (namespaces or "") and other.is_pod is not True:
            return Unknown("depends on what is global, such as nodes")
        found = pods(Workload(other.namespace, other.labels))
        if found is not False:
            there = Namespace(other.namespace, other.namespace_labels)
            inside = where(there) if namespaces else known(here.__eq__, other.namespace)
            found = all_of((other.is_pod, inside, found))
        return Unknown("depends on a network set") if found is False and sets else found

    return matches
