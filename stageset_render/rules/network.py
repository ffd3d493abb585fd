# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Network policies in four dialects: what is not rendered, what denies nothing, what exceeds a limit."""

from stageset_render.findings import ERROR, WARNING
from stageset_render.helm.writing import to_int
from stageset_render.pack.facts import ports
from stageset_render.rules import rule
from stageset_render.rules.values import forgotten

PEERS = [f"networkPolicy.{port}.from" for port in ("webhook", "metrics", "gate", "mcp")]
INGRESS = {
    "networkPolicy.additionalIngress": "kubernetes",
    "networkPolicy.cilium.ingress": "cilium",
    "networkPolicy.calico.ingress": "calico",
    "networkPolicy.clusterNetworkPolicy.ingress": "clusterNetworkPolicy",
}
EGRESS = {
    "networkPolicy.egress.to": "kubernetes",
    "networkPolicy.cilium.egress": "cilium",
    "networkPolicy.calico.egress": "calico",
    "networkPolicy.clusterNetworkPolicy.egress": "clusterNetworkPolicy",
}
KUBERNETES = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"
CLUSTER = "https://network-policy-api.sigs.k8s.io/reference/spec/"
MOST_RULES, MOST_PRIORITY = 25, 1000  # of a ClusterNetworkPolicy


def engine(release):
    """The dialect that is rendered; None where no policy is."""
    return (release.at("networkPolicy.engine") or "kubernetes") if release.at("networkPolicy.enabled") else None


def egress(release):
    """Whether outgoing traffic is restricted."""
    return bool(release.at("networkPolicy.egress.enabled"))


def rendered(release, on):
    """The lists that are rendered, or those that are not."""
    chosen, ports_on = engine(release), release.fact(ports)
    found = {path: chosen == "kubernetes" and path.split(".")[1] in ports_on for path in PEERS}
    found |= {path: own == chosen for path, own in INGRESS.items()}
    found |= {path: own == chosen and egress(release) for path, own in EGRESS.items()}
    return [path for path, there in found.items() if there == on]


@rule(WARNING, KUBERNETES)
def network_value_ignored(release):
    """A list of network policies that is not rendered.

    What it was to restrict or to admit stays open, or shut."""
    chosen = engine(release)
    for path in ("networkPolicy.defaultDeny.enabled", "networkPolicy.egress.enabled") if chosen is None else ():
        if release.at(path):
            yield path, "ignored, because networkPolicy.enabled is false, so nothing is restricted"
    for path in PEERS:
        if release.at(path) and chosen is None:
            yield path, "ignored, because networkPolicy.enabled is false, so nothing is restricted"
        elif release.at(path) and chosen != "kubernetes":
            yield path, f"ignored, because networkPolicy.engine is {chosen}, whose policy restricts no port's callers"
        elif release.at(path) and path == "networkPolicy.mcp.from" and forgotten(release, "mcp.enabled"):
            yield path, "ignored, because mcp.enabled is false", "set mcp.enabled, or leave this out"
    for path, own in {**INGRESS, **EGRESS}.items():
        if not release.at(path):
            continue
        if chosen is None:
            yield path, "ignored, because networkPolicy.enabled is false, so nothing is restricted"
        elif own != chosen:
            yield path, f"ignored, because networkPolicy.engine is {chosen}"
        elif path in EGRESS and not egress(release):
            yield path, "ignored, because networkPolicy.egress.enabled is false, so all outgoing traffic stays open"


@rule(ERROR, CLUSTER)
def network_too_many_rules(release):
    """A ClusterNetworkPolicy of more rules than the API takes, the chart's own among them.

    The API server refuses it."""
    if engine(release) != "clusterNetworkPolicy":
        return
    both = [
        (
            "networkPolicy.clusterNetworkPolicy.ingress",
            ["health", "metrics"] + [port for port in ("webhook", "gate", "mcp") if port in release.fact(ports)],
        )
    ]
    if egress(release) and release.at("networkPolicy.egress.dns"):
        both.append(("networkPolicy.clusterNetworkPolicy.egress", ["dns"]))
    for path, own in both:
        added = len(release.items(path))
        if added and added + len(own) > MOST_RULES:
            yield (
                path,
                f"has {added} rules, which with those for {', '.join(own)} are {added + len(own)}, and a "
                f"ClusterNetworkPolicy takes {MOST_RULES}",
                "merge some",
            )


@rule(ERROR, CLUSTER)
def network_priority_refused(release):
    """The default deny has a priority that a ClusterNetworkPolicy can't have.

    The API server refuses it, and nothing is denied."""
    if engine(release) == "clusterNetworkPolicy" and release.at("networkPolicy.defaultDeny.enabled"):
        order = to_int(release.at("networkPolicy.defaultDeny.order"))
        if order > MOST_PRIORITY or release.at("networkPolicy.defaultDeny.order") is None:
            yield (
                "networkPolicy.defaultDeny.order",
                f"{order} is no priority of a ClusterNetworkPolicy, so kube-apiserver refuses the deny-all",
                f"write {MOST_PRIORITY} or less, and a lower networkPolicy.clusterNetworkPolicy.priority",
            )


@rule(WARNING, CLUSTER)
def network_priority_not_above(release):
    """The default deny comes before the rules that admit, or in no certain order.

    It may refuse the controller's callers."""
    if engine(release) == "clusterNetworkPolicy" and release.at("networkPolicy.defaultDeny.enabled"):
        order, own = (
            release.at("networkPolicy.defaultDeny.order"),
            release.at("networkPolicy.clusterNetworkPolicy.priority"),
        )
        if order is not None and to_int(order) <= to_int(own):
            yield (
                "networkPolicy.defaultDeny.order",
                f"{to_int(order)} is not above networkPolicy.clusterNetworkPolicy.priority, so the deny-all may come "
                "first and refuse the controller's callers",
                "write a lower priority there",
            )


@rule(WARNING, CLUSTER)
def network_cluster_denies_nothing(release):
    """A ClusterNetworkPolicy without a rule that denies, or one that denies pods alone.

    Unlike the other dialects it refuses nothing of its own accord; and the default deny is about pods: nodes and addresses
    outside the cluster stay open."""
    if engine(release) != "clusterNetworkPolicy":
        return
    if release.at("networkPolicy.defaultDeny.enabled"):
        yield (
            "networkPolicy.defaultDeny.enabled",
            "denies traffic between pods alone, so nodes and addresses outside the cluster stay open",
        )
        return
    rules = release.items("networkPolicy.clusterNetworkPolicy.ingress")
    if egress(release):
        rules = rules + release.items("networkPolicy.clusterNetworkPolicy.egress")
    if not any(one.get("action") == "Deny" for one in rules):
        yield (
            "networkPolicy.engine",
            "a ClusterNetworkPolicy without a Deny rule restricts nothing",
            "set networkPolicy.defaultDeny.enabled, or add Deny rules to networkPolicy.clusterNetworkPolicy",
        )
