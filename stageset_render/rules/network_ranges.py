# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The ranges in network policies: of addresses, with their exceptions, and of ports."""

from stageset_render.access import calico_selectors
from stageset_render.findings import ERROR, short
from stageset_render.helm.writing import to_int
from stageset_render.rules import rule
from stageset_render.rules.blocks import network, outside
from stageset_render.rules.network import EGRESS, INGRESS, PEERS, engine, rendered

KUBERNETES = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
CALICO = "https://docs.tigera.io/calico/latest/reference/resources/networkpolicy"
CLUSTER = "https://network-policy-api.sigs.k8s.io/reference/spec/"


def rules(release, lists):
    """The rules of the lists that are rendered, each with its path."""
    for path in rendered(release, True):
        if path in lists:
            for index, one in enumerate(release.items(path)):
                yield (path, index), one


def _peers(release):
    """Each block of addresses of a Kubernetes policy, with its path."""
    if engine(release) != "kubernetes":
        return
    found = [((path,), release.items(path)) for path in rendered(release, True) if path in PEERS]
    found += [((*path, "from"), one.get("from")) for path, one in rules(release, INGRESS)]
    found += [((*path, "to"), one.get("to")) for path, one in rules(release, EGRESS)]
    for path, peers in found:
        for index, peer in enumerate(peers or ()):
            if peer.get("ipBlock"):
                yield (*path, index, "ipBlock"), peer["ipBlock"]


def _sets(release):
    """Each set of addresses of a Cilium policy, with its path."""
    if engine(release) == "cilium":
        for lists, key in ((INGRESS, "fromCIDRSet"), (EGRESS, "toCIDRSet")):
            for path, one in rules(release, lists):
                for index, entry in enumerate(one.get(key) or ()):
                    yield (*path, key, index), entry


@rule(ERROR, KUBERNETES + "#behavior-of-ipblock-selectors")
def network_exception_outside_block(release):
    """An exception is no part of the range that it is taken from, or all of it.

    The API server refuses the policy; where it does not, as under Cilium, the exception keeps out nobody."""
    for blocks, all_of_it in ((_peers(release), False), (_sets(release), True)):
        for path, block in blocks:
            for index, text in outside(block.get("cidr"), block.get("except"), all_of_it):
                yield (
                    (*path, "except", index),
                    f"{text} is no part of {block['cidr']}{'' if all_of_it else ', or all of it'}",
                    "write a range inside of it, or leave this out",
                )


def port_lists(release):
    """Each port of a Kubernetes or Cilium policy that may be a range, with its path and whether DNS is looked into."""
    for lists in (INGRESS, EGRESS):
        for path, one in rules(release, lists):
            if engine(release) == "kubernetes":
                for index, port in enumerate(one.get("ports") or ()):
                    yield (*path, "ports", index), port, False
            elif engine(release) == "cilium":
                for at, entry in enumerate(one.get("toPorts") or ()):
                    for index, port in enumerate(entry.get("ports") or ()):
                        yield (*path, "toPorts", at, "ports", index), port, bool((entry.get("rules") or {}).get("dns"))


@rule(ERROR, KUBERNETES + "#targeting-a-range-of-ports")
def network_ports_reversed(release):
    """A range of ports ends before it begins.

    The API server refuses the policy."""
    if engine(release) == "kubernetes":
        for path, port, _ in port_lists(release):
            if port.get("endPort") and to_int(port["endPort"]) < to_int(port.get("port")):
                end, start = to_int(port["endPort"]), to_int(port.get("port"))
                message = f"{end} is below port, {start}, where the range begins"
                yield (*path, "endPort"), message, "write the higher number here"
    elif engine(release) == "calico":
        for path, spans in _spans(release):
            for index, span in enumerate(spans or ()):
                first, colon, last = str(span).partition(":")
                if colon and to_int(first) > to_int(last):
                    yield (*path, index), f"{span} ends before it begins", f"write {last}:{first}"
    elif engine(release) == "clusterNetworkPolicy":
        for path, span in _cluster_spans(release):
            start, end = to_int(span.get("start")), to_int(span.get("end"))
            if start >= end:
                yield (
                    (*path, "end"),
                    f"{end} is not above start, {start}",
                    "write a higher number, or number for a single port",
                )


def _spans(release):
    for lists in (INGRESS, EGRESS):
        for path, one in rules(release, lists):
            for side in ("source", "destination"):
                for key in ("ports", "notPorts"):
                    yield (*path, side, key), (one.get(side) or {}).get(key)


def _cluster_spans(release):
    for lists in (INGRESS, EGRESS):
        for path, one in rules(release, lists):
            for index, protocol in enumerate(one.get("protocols") or ()):
                for name in ("tcp", "udp", "sctp"):
                    span = ((protocol.get(name) or {}).get("destinationPort") or {}).get("range")
                    if span:
                        yield (*path, "protocols", index, name, "destinationPort", "range"), span


# Calico's own API server checks more than its definitions say


def _calico(release):
    if engine(release) == "calico":
        for lists in (INGRESS, EGRESS):
            yield from rules(release, lists)


@rule(ERROR, CALICO + "#entityrule")
def network_calico_services_beside_others(release):
    """Services are named beside selectors, addresses or, of a destination, ports.

    Calico refuses the whole policy: the Service says what is selected, and its ports."""
    beside = ("selector", "notSelector", "namespaceSelector", "nets", "notNets", "serviceAccounts")
    for path, one in _calico(release):
        for side, more in (("source", ()), ("destination", ("ports", "notPorts"))):
            entity = one.get(side) or {}
            for key in (*beside, *more) if entity.get("services") else ():
                if entity.get(key):
                    yield (*path, side, key), "stands beside services, and Calico takes one of the two", "leave one out"


@rule(ERROR, CALICO + "#rule")
def network_calico_versions_mixed(release):
    """Addresses of IPv4 and of IPv6 stand in one rule.

    Calico refuses the whole policy."""
    for path, one in _calico(release):
        seen = (
            {{4: "IPv4", 6: "IPv6"}.get(to_int(one.get("ipVersion"))): ("ipVersion",)} if one.get("ipVersion") else {}
        )
        for side in ("source", "destination"):
            for key in ("nets", "notNets"):
                for index, text in enumerate((one.get(side) or {}).get(key) or ()):
                    part = network(text)
                    version = f"IPv{part.version}" if part else None
                    other = next((name for name in seen if version and name != version), None)
                    if other:
                        message = f"{text} is {version}, and this rule has {other} already"
                        yield (*path, side, key, index), message, "write a rule for each version"
                        return
                    if version:
                        seen.setdefault(version, (side, key, index))


@rule(ERROR, CALICO + "#selectors")
def network_calico_selector_unreadable(release):
    """A selector that Calico can't read.

    Calico refuses the whole policy: it compares with ==, joins by && and ||, and lists in braces."""
    for path, one in _calico(release):
        for side in ("source", "destination"):
            for key in ("selector", "notSelector", "namespaceSelector"):
                text = (one.get(side) or {}).get(key)
                if isinstance(text, str) and not calico_selectors.readable(text):
                    yield (
                        (*path, side, key),
                        f"{short(text, 60)!r} is no selector of Calico",
                        "write it as in app == 'x' && tier in {'a', 'b'} && has(team)",
                    )


@rule(ERROR, CALICO + "#httpmatch")
def network_calico_http_denied(release):
    """A rule that looks into HTTP and does not allow.

    Calico takes http in rules of the action Allow alone, and refuses the whole policy."""
    for path, one in _calico(release):
        if one.get("http") and one.get("action") != "Allow":
            yield (
                (*path, "http"),
                f"goes with the action Allow alone, and this rule's is {one.get('action')}",
                "leave it out",
            )
