# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What the rendered network policies do: whether what the controller needs gets through, and who else does."""

import re

from stageset_render.access.classes import ELSEWHERE
from stageset_render.access.matching import Partial
from stageset_render.findings import WARNING
from stageset_render.helm.writing import to_int
from stageset_render.pack import networked
from stageset_render.pack.facts import ports
from stageset_render.rules import rule
from stageset_render.rules.network import EGRESS, INGRESS, KUBERNETES, MOST_RULES, PEERS, egress, engine, rendered
from stageset_render.rules.network_ranges import rules

API_SERVER = (443, 6443)  # where clusters have kube-apiserver
PROXIES = (4143, 4190, 4191, 15000, 15006, 15008, 15020, 15021, 15053, 15090)  # of the meshes, in the pod as well


def lists(release, of):
    """The list of rules that is passed through to the dialect that is rendered."""
    return next(path for path, own in of.items() if own == engine(release))


def some_pod():
    """The labels of a pod of which nothing is told."""
    return Partial({}, "depends on the pod's labels")


def _reached(release, port, pod=None, protocol="TCP"):
    """Whether the pod may call a port somewhere: None where that depends. `pod`: False for what is no pod."""
    call = {"port": port, "protocol": protocol, "namespace": "" if pod is False else None}
    return release.fact(networked.egress).decide(call).allowed


@rule(WARNING, KUBERNETES)
def network_egress_without_api_server(release):
    """Outgoing traffic is restricted, and no rule lets the controller reach kube-apiserver.

    The controller does nothing without it. kube-apiserver is no pod that a selector could select."""
    if not egress(release):
        return
    judged = release.items(lists(release, EGRESS)) or engine(release) == "clusterNetworkPolicy"  # which denies nothing
    if judged and any(_reached(release, port, pod=False) is not False for port in API_SERVER):
        return
    yield (
        "networkPolicy.egress.enabled",
        "no rule lets the controller reach kube-apiserver, and without it the controller does nothing",
        f"add one for its address and port, and for what else the controller calls, to {lists(release, EGRESS)}"
        + (", by toEntities: [kube-apiserver]" if engine(release) == "cilium" else ""),
    )


@rule(WARNING, KUBERNETES)
def network_egress_without_service(release):
    """Outgoing traffic is restricted, and no rule lets the controller reach what its values name.

    No trace is sent; nothing is stored, and nothing rolled back to."""
    if not egress(release):
        return
    found = [("controller.tracing.endpoint", 4317)]
    if release.at("rollbackStore.backend") == "s3":
        found.append(("rollbackStore.s3.endpoint", 443 if release.at("rollbackStore.s3.useSSL") else 80))
    for path, usual in found:
        named = re.search(r":([0-9]{1,5})$", release.text(path))
        port = to_int(named[1]) if named else usual
        if release.text(path) and _reached(release, port) is False:
            yield path, f"no rule lets the controller reach port {port}", f"add one to {lists(release, EGRESS)}"


@rule(
    WARNING,
    "https://docs.redhat.com/en/documentation/openshift_container_platform/4.19/html/networking_operators/dns-operator",
)
def network_dns_of_openshift(release):
    """DNS is to be asked in OpenShift's namespace, at port 53.

    A policy sees the pod's own port, and OpenShift's DNS pods listen on 5353, so no name is resolved."""
    asked = egress(release) and release.at("networkPolicy.egress.dns")
    openshift = release.text("networkPolicy.egress.dnsNamespace") == "openshift-dns"
    if asked and openshift and _reached(release, 5353, protocol="UDP") is False:
        yield (
            "networkPolicy.egress.dnsNamespace",
            "the DNS pods of openshift-dns listen on port 5353, and port 53 alone is let through",
            f"add a rule for UDP and TCP 5353 to {lists(release, EGRESS)}",
        )


@rule(WARNING, KUBERNETES)
def network_webhook_unreachable(release):
    """The callers of the webhook are restricted to pods.

    kube-apiserver is no pod that a selector could select, so admission breaks."""
    restricted = release.items("networkPolicy.webhook.from") or release.items(lists(release, INGRESS))
    if "webhook" not in release.fact(ports) or not restricted:
        return  # as the chart has it, everyone may call
    call = {"port": release.fact(ports)["webhook"], "protocol": "TCP", "namespace": ""}
    if release.fact(networked.ingress).decide(call).allowed is False:
        path = "networkPolicy.webhook.from" if release.items("networkPolicy.webhook.from") else lists(release, INGRESS)
        yield (
            path,
            "admits no caller that is no pod, and kube-apiserver, which asks the webhook, is none, so admission breaks",
            "name its addresses by ipBlock, or leave the list empty",
        )


@rule(WARNING, KUBERNETES)
def network_opened(release):
    """An added rule opens a port to callers that it does not name, and that `from` leaves out.

    Rules that admit add up, so what `from` restricts is open, whatever it lists."""
    path = lists(release, INGRESS)
    restricted = [one for one in rendered(release, True) if one in PEERS and release.items(one)]
    if not (release.items(path) and restricted):
        return
    for one in restricted:
        port = one.split(".")[1]
        call = {**ANYONE, "port": release.fact(ports)[port]}
        if release.fact(networked.ingress).decide(call).allowed and not release.fact(_own).decide(call).allowed:
            yield path, f"opens the {port} port to callers that {one} leaves out", "name whom it is to admit"


@rule(WARNING, KUBERNETES)
def network_restricts_nothing(release):
    """An added rule names callers of a port that anyone may call by network anyway.

    Rules that admit add up, and one that denies acts only where none before it admits: it keeps nobody out, and the port is
    as open as without it."""
    path = lists(release, INGRESS)
    numbers = release.fact(ports) if release.items(path) else {}
    own = [port for port, number in numbers.items() if release.fact(_own).decide({**ANYONE, "port": number}).allowed]
    for index, entry in enumerate(release.items(path)[:MOST_RULES] if own else ()):
        denies = entry.get("action") == "Deny"
        alone, usual = _alone(release, entry, not denies), denies
        found = {port: alone.decide(_someone(number)).allowed for port, number in {**numbers, "": NOBODYS}.items()}
        met = [port for port, answer in found.items() if answer is not usual]
        if denies:
            idle = all(port and release.fact(networked.ingress).decide(_someone(numbers[port])).allowed for port in met)
        else:
            idle = None in found.values() and set(met) <= set(own)
        if met and idle:
            froms = [one for one in PEERS if engine(release) == "kubernetes" and one.split(".")[1] in met]
            yield (
                (path, index),
                f"keeps nobody out, because the network policy admits anyone to the {' and the '.join(met)} port without it",
                f"list whom to admit in {' and '.join(froms)}" if froms else OTHERWISE,
            )


OTHERWISE = "restrict callers by serviceMesh, or by the engine kubernetes, which has a list for each port"
NOBODYS = 1  # a port that the pod has not
REST = {  # by engine, and whether the calls that no rule before it meets are refused
    ("calico", False): [{"action": "Allow"}],
    ("clusterNetworkPolicy", True): [{"name": "rest", "action": "Deny", "from": [{"namespaces": {}}]}],
}
ANYONE = {"namespace": "any-other", "namespace_labels": {}, "labels": {}, "ip": ELSEWHERE, "protocol": "TCP"}


def _someone(port):
    """A call of a pod of which nothing is told."""
    return {"port": port, "protocol": "TCP", "labels": some_pod()}


def _own(release):
    """The network policies as they judge calls of the pod, less what is passed through to them, which stands at the end."""
    policy, *others = release.fact(networked.own_policies)
    added = len(release.items(lists(release, INGRESS)))
    own = _with(policy, policy["spec"]["ingress"][: -added or None])
    return networked.judge(release, [own, *others, *release.fact(networked.added_policies)])


def _with(policy, entries):
    return {**policy, "spec": {**policy["spec"], "ingress": entries}}


def _alone(release, entry, refused):
    """One rule that is passed through as it judges calls alone, and whether all others are refused."""
    policy, *_ = release.fact(networked.own_policies)
    rest = REST.get((engine(release), refused), [])
    return networked.judge(release, [_with(policy, [entry, *rest])])


@rule(WARNING, KUBERNETES + "#targeting-a-range-of-ports")
def network_port_foreign(release):
    """An added rule is for a port that the pod does not have.

    A policy sees the pod's own ports, not those of its Services, so the rule admits nothing."""
    named = release.fact(ports)
    for path, protocol, first, last in _admitted_ports(release):
        if protocol != "TCP":
            known = first is None
        elif isinstance(first, str):
            known = first in named or first.startswith("linkerd-")
        else:
            known = first is None or any(first <= own <= last for own in (*named.values(), *PROXIES))
        if not known:
            shown = first if first == last else f"{first} to {last}"
            yield (
                path,
                f"the pod has no port {protocol} {shown}, so nothing is admitted to it",
                f"write one of {', '.join(f'{name} {number}' for name, number in named.items())}",
            )


def _admitted_ports(release):
    """Each port of an added rule, with its path and protocol: a name, the first and last of a range, or None for all."""
    for path, one in rules(release, INGRESS):
        if engine(release) == "kubernetes":
            for at, each in enumerate(one.get("ports") or ()):
                yield (*path, "ports", at), each.get("protocol") or "TCP", *_span(each.get("port"), each.get("endPort"))
        elif engine(release) == "cilium":
            for at, entry in enumerate(one.get("toPorts") or ()):
                for index, each in enumerate(entry.get("ports") or ()):
                    protocol = {None: "TCP", "ANY": "TCP"}.get(each.get("protocol"), each.get("protocol"))
                    yield (
                        (*path, "toPorts", at, "ports", index),
                        protocol,
                        *_span(each.get("port"), each.get("endPort")),
                    )
        elif engine(release) == "calico":
            protocol = {None: "TCP", 6: "TCP", "6": "TCP"}.get(one.get("protocol"), one.get("protocol"))
            for at, each in enumerate((one.get("destination") or {}).get("ports") or ()):
                start, _, end = str(each).partition(":")
                yield (*path, "destination", "ports", at), protocol, *_span(start, end)


def _span(port, last):
    """A name twice, or the first and the last number."""
    try:
        number = None if port is None else int(str(port), 0)  # as Cilium reads it
    except ValueError:
        number = to_int(port) if str(port).isdecimal() else str(port)
    if not isinstance(number, int) or number == 0:
        return number or None, number or None  # 0 is every port to Cilium
    return number, max(number, to_int(last or number))
