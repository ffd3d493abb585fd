# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Rules that are passed through to Cilium: what it refuses beyond its definitions, and what means something else."""

import re

from stageset_render.findings import ERROR, WARNING, short
from stageset_render.helm.writing import to_int
from stageset_render.rules import rule
from stageset_render.rules.expressions import readable_in_go
from stageset_render.rules.network import EGRESS, INGRESS
from stageset_render.rules.network_ranges import port_lists, rules

CILIUM = "https://docs.cilium.io/en/stable/security/policy/language/"


def _rules(release):
    for lists in (INGRESS, EGRESS):
        yield from rules(release, lists)


def _http(release):
    """Each HTTP rule, with its path."""
    for path, one in _rules(release):
        for at, entry in enumerate(one.get("toPorts") or ()):
            for index, http in enumerate((entry.get("rules") or {}).get("http") or ()):
                yield (*path, "toPorts", at, "rules", "http", index), http


@rule(ERROR, CILIUM + "#http")
def network_cilium_expression_unreadable(release):
    """A path, method or host that is no regular expression of Go's.

    Cilium reads them as such, and refuses the whole policy."""
    for path, http in _http(release):
        for key in ("path", "method", "host"):
            if isinstance(http.get(key), str) and not readable_in_go(http[key]):
                yield (
                    (*path, key),
                    f"{short(http[key], 60)!r} is no regular expression of Go's",
                    "close what it opens, and repeat nothing twice",
                )


@rule(WARNING, CILIUM + "#http")
def network_cilium_path_misread(release):
    """A path that ends as a pattern does elsewhere: /gate/*.

    Cilium reads a regular expression, in which * repeats what stands before it, and matches the whole path."""
    for path, http in _http(release):
        if re.fullmatch(r"/([\w.~-]+/)*\*", http.get("path") or ""):
            yield (
                (*path, "path"),
                f"{http['path']!r} is a regular expression, in which * repeats the / before it, and matches no path below",
                f"write {http['path'][:-1]}.*",
            )


@rule(WARNING, CILIUM + "#dns-based")
def network_cilium_names_unresolved(release):
    """Names are let through, and the policy lets no name be asked for through Cilium's DNS proxy.

    Cilium learns the addresses of a name from the answers alone, so nothing gets through."""
    own = release.at("networkPolicy.egress.dns")
    looked = any(
        (entry.get("rules") or {}).get("dns") for _, one in _rules(release) for entry in one.get("toPorts") or ()
    )
    for path, one in _rules(release):
        if one.get("toFQDNs") and not own and not looked:
            message = "no rule lets DNS be asked and looked into, from which Cilium learns the addresses of names"
            yield (*path, "toFQDNs"), message, "add a rule for port 53 with rules: {dns: [{matchPattern: '*'}]}"


@rule(WARNING, CILIUM)
def network_cilium_denies_nothing(release):
    """Cilium's default deny has no rule in it.

    Cilium leaves a direction open whose list of rules is empty, and may refuse the policy."""
    if release.at("networkPolicy.defaultDeny.enabled"):
        yield (
            "networkPolicy.defaultDeny.enabled",
            "denies nothing, because Cilium leaves a direction open whose list of rules is empty, and may refuse the policy",
            "apply a CiliumNetworkPolicy of your own with the rule {} in each direction",
        )


@rule(WARNING, CILIUM)
def network_cilium_nodes(release):
    """Cilium is to select nodes.

    It refuses the whole policy unless its own setting enable-node-selector-labels is on."""
    for path, one in _rules(release):
        for key in ("fromNodes", "toNodes"):
            if one.get(key):
                message = "Cilium refuses the whole policy unless its own setting enable-node-selector-labels is on"
                yield (*path, key), message


@rule(WARNING, CILIUM)
def network_cilium_ports_reversed(release):
    """A range of ports ends before it begins.

    Cilium reads its first port alone."""
    for path, port, _ in port_lists(release):
        if port.get("endPort") and to_int(port["endPort"]) < to_int(port.get("port")):
            yield (
                (*path, "endPort"),
                f"{to_int(port['endPort'])} is below port, {port['port']}, so Cilium reads {port['port']} alone",
                "write the higher number here",
            )


@rule(ERROR, CILIUM)
def network_cilium_dns_range(release):
    """A range of ports with rules of DNS.

    Cilium refuses the whole policy."""
    for path, port, dns in port_lists(release):
        if dns and port.get("endPort") and to_int(port["endPort"]) > to_int(port.get("port")):
            yield (
                (*path, "endPort"),
                "makes a range of ports, which goes with no rules of dns",
                "leave it out, or write an entry of toPorts for each port",
            )
