# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whom Linkerd's proxy lets in: Servers with their routes and authorizations, and the default inbound policy.

Sources: Linkerd's references Authorization Policy, Proxy Configuration and HTTPRoute, and what its policy controller,
its injector and its proxy make of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .linkerd_grants import ACCESS, EVERYWHERE, LOCALHOST, POLICY, Grant, Grants, access, anyone, picks
from .linkerd_routes import DEFAULT, GRPC_DEFAULT, PROBE, Routes, Winner, probe_route, read_routes, winners
from .matching import Decision, group

HTTP = ("HTTP/1", "HTTP/2", "gRPC")  # what a port can speak so that anything but HTTP is refused
OPAQUE = ("opaque", "TLS")  # what a port can speak so that the proxy sees no request
OPAQUE_PORTS = (25, 587, 3306, 4444, 5432, 6379, 9300, 11211)  # where the server speaks first, as installed by default
PREFIX = "config.linkerd.io/"
UNCOVERED = "no Server covers the port"


class Inbound(NamedTuple):
    """What stands over a port: a Server, or the default inbound policy where there is none, and how that refuses."""

    name: str
    refusal: str
    protocol: str
    grants: list[Grant]
    routes: Routes


class Judge:
    """The objects read once for one pod; `decide` asks for one call."""

    def __init__(self, objects: list[dict], pod: dict, trust_domain: str, default_policy: str):
        self.pod = pod
        found = settings(objects, pod)
        chosen = found.get("default-inbound-policy")
        self.default_policy = chosen if chosen == "deny" or chosen in ACCESS else default_policy
        self.opaque, self.skipped, self.demanding = (
            port_ranges(found.get(key, ""))
            for key in ("opaque-ports", "skip-inbound-ports", "proxy-require-identity-inbound-ports")
        )
        self.grants = Grants(objects, pod["namespace"], trust_domain)
        servers = [each for each in objects if each["kind"] == "Server" and group(each) == POLICY]
        servers = [each for each in servers if each["metadata"].get("namespace") == pod["namespace"]]
        self.routes = read_routes(objects, {each["metadata"]["name"] for each in servers}, pod["namespace"])
        self.servers = by_port(servers, pod)
        self.inbounds, self.granted = {}, {None: [], PROBE: [Grant("a probe of the pod", anyone, EVERYWHERE)]}

    def decide(self, call: dict) -> Decision:
        """`call`: `port`, `ip`, `protocol` (`http` or `tcp`), `identity` (None: no mTLS, empty: mTLS without identity).

        For HTTP also `method`, `path` with its query and `headers`. Headers that aren't there count as not sent, and so
        does Host.
        """
        port, tcp = call["port"], call.get("protocol") == "tcp"
        if port in self.skipped:
            return Decision(True, f"skip-inbound-ports leads port {port} past the proxy")
        if port not in self.inbounds:
            self.inbounds[port] = self.inbound(port)
        inbound = self.inbounds[port]
        if tcp and inbound.protocol in HTTP:
            return Decision(False, f"{inbound.name} takes {inbound.protocol} alone")
        if tcp or inbound.protocol in OPAQUE:
            return authorize(inbound.refusal, inbound.grants, call)
        return self.by_route(inbound, call)

    def admitting(self, call: dict) -> list[str]:
        """The names of all that let a call in; of a call past the proxy, or by the default policy, why it is."""
        decision = self.decide(call)
        if not decision.allowed or call["port"] in self.skipped:
            return [decision.because] if decision.allowed else []
        inbound = self.inbounds[call["port"]]
        grants = list(inbound.grants)
        if call.get("protocol") != "tcp" and inbound.protocol not in OPAQUE:
            for winner in winners(inbound.routes, call):
                grants += self.granted.get(winner.route.target, ()) if winner else ()
        admits = [each.name for each in grants if each.identity(call.get("identity")) and each.networks(call["ip"])]
        return list(dict.fromkeys(admits))

    def protocol(self, port: int) -> str:
        """What the pod speaks at a port, as its Server says."""
        return (self.servers[port]["spec"].get("proxyProtocol") or "unknown") if port in self.servers else "unknown"

    def inbound(self, port: int) -> Inbound:
        probes = [each["path"] for each in self.pod.get("probes") or () if each["port"] == port]
        routes = [probe_route(probes), DEFAULT] if probes else [DEFAULT]
        server = self.servers.get(port)
        if server is None:
            name = f"{UNCOVERED}; default policy {self.default_policy}"
            grants = access(self.default_policy, name, port in self.demanding)
            return Inbound(
                name, name, "opaque" if port in self.opaque else "unknown", [LOCALHOST, *grants], Routes(routes)
            )
        spec, name = server["spec"], f"Server {server['metadata']['name']}"
        protocol, policy = spec.get("proxyProtocol") or "unknown", spec.get("accessPolicy")
        grants = [LOCALHOST, *self.grants.of_server(server), *access(policy, f"{name}, accessPolicy {policy}")]
        grpc = protocol == "gRPC"
        found = self.routes.get((server["metadata"]["name"], grpc))
        routes = found or ([GRPC_DEFAULT] if grpc else routes)
        return Inbound(name, refused(name), protocol, grants, Routes(routes, self.grants.policies))

    def by_route(self, inbound: Inbound, call: dict) -> Decision:
        """A call over HTTP needs a route that matches. What is granted for the port counts for each of its routes."""
        first = None
        for winner in winners(inbound.routes, call):
            decision = self.on_route(inbound, winner, call)
            first = first or decision
            if decision.allowed is not first.allowed:
                return Decision(None, f"which route of {inbound.name} matches can't be told")
        return first

    def on_route(self, inbound: Inbound, winner: Winner | None, call: dict) -> Decision:
        if winner is None:
            return Decision(False, f"no route of {inbound.name} matches")
        route = winner.route
        if route.target not in self.granted:
            self.granted[route.target] = self.grants.of_target(route.target)
        refusal = refused(f"{route.name} of {inbound.name}") if route.name else inbound.refusal
        decision = authorize(refusal, [*self.granted[route.target], *inbound.grants], call)
        if decision.allowed and winner.redirects:
            return Decision(None, f"{route.name} answers with a redirect, which is not judged")
        return decision


def refused(where: str) -> str:
    return f"no authorization of {where} admits it"


def authorize(refusal: str, grants: Iterable[Grant], call: dict) -> Decision:
    """An unknown address is everywhere; whether it is in other networks can't be told."""
    identity, ip, doubt = call.get("identity"), call.get("ip"), None
    for grant in grants:
        if grant.identity(identity):
            if grant.networks is EVERYWHERE or (ip is not None and grant.networks(ip)):
                return Decision(True, grant.name)
            doubt = grant.name if ip is None and grant is not LOCALHOST else doubt
    if doubt:
        return Decision(None, f"{doubt}: the call doesn't tell ip")
    return Decision(False, refusal)


def settings(objects: list[dict], pod: dict) -> dict[str, str]:
    """Proxy Configuration: the pod's annotations over those of its Namespace, by what follows the prefix."""
    injected = pod.get("injected_annotations")
    found = {}
    for each in objects if injected is None else ():
        if each["kind"] == "Namespace" and each["metadata"]["name"] == pod["namespace"]:
            found.update(each["metadata"].get("annotations") or {})
    found.update((pod.get("annotations") or {}) if injected is None else injected)
    found = {key[len(PREFIX) :]: value or "" for key, value in found.items() if key.startswith(PREFIX)}
    # The injector writes down which of the pod's own ports are opaque, where nobody said.
    found.setdefault("opaque-ports", ",".join(str(each) for each in tcp_ports(pod) if each in OPAQUE_PORTS))
    return found


def tcp_ports(pod: dict, name: str | None = None) -> list[int]:
    """The TCP ports that the pod's containers declare, all of them or those of one name."""
    ports = [each for each in pod.get("ports") or () if (each.get("protocol") or "TCP") == "TCP"]
    return [each["port"] for each in ports if name is None or each.get("name") == name]


class Ports(tuple):
    """Ranges of ports, with their ends."""

    def __contains__(self, port: object) -> bool:
        return any(first <= port <= last for first, last in self)


def port_ranges(text: str) -> Ports:
    """Numbers and ranges, parted by commas. What can't be read counts as no port at all, as for the controller."""
    ranges = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or not (last if dash else first).isdecimal():
            return Ports()
        ranges.append((int(first), int(last if dash else first)))
    return Ports(ranges)


def by_port(servers: list[dict], pod: dict) -> dict[int, dict]:
    """Of several Servers for a port the oldest counts, then the first by name; one without a time is the oldest."""
    found = {}
    for each in sorted(servers, key=age):
        # Without podSelector it is a Server of external workloads.
        selector = each["spec"].get("podSelector")
        if selector is not None and picks(selector, pod.get("labels") or {}) is True:
            port = each["spec"]["port"]
            for number in [port] if isinstance(port, int) else tcp_ports(pod, port):
                found.setdefault(number, each)
    return found


def age(server: dict) -> tuple[str, str]:
    return str(server["metadata"].get("creationTimestamp") or ""), server["metadata"]["name"]
