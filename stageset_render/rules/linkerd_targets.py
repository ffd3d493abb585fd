# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What added Linkerd objects are for: Servers and the ports that they cover, policies, routes and what they refer to."""

from stageset_render.findings import ERROR, WARNING
from stageset_render.pack.facts import labels
from stageset_render.rules import rule
from stageset_render.rules.linkerd_added import GATEWAY, PATH, POLICY, PROXY_PORTS, Index, ref, selects
from stageset_render.rules.linkerd_objects import REFERENCE, ROUTES

HIDING = {  # the protocols of a Server under which the proxy does not ask for it
    "HTTPRoute": ("opaque", "TLS", "gRPC"),
    "GRPCRoute": ("opaque", "TLS", "HTTP/1", "HTTP/2", "unknown"),
    "limit": ("opaque", "TLS", "gRPC"),
}
OTHERWISE = {"HTTPRoute": "HTTP/1", "GRPCRoute": "gRPC", "limit": "HTTP/1"}
TAKING = {  # what takes routes, of the groups that are known
    ("", "service"),
    (GATEWAY, "gateway"),
    (GATEWAY, "listenerset"),
    (POLICY, "egressnetwork"),
}
KNOWN_GROUPS = ("", "apps", GATEWAY, POLICY)


@rule(ERROR, REFERENCE + "#server")
def linkerd_server_of_own_port(release):
    """An added Server covers a port that has a rendered one.

    Of two the older rules, then the one whose name comes first: what `from` restricts may be open."""
    added = release.fact(Index)
    for server in added.of("Server"):
        port = added.port_of(server)
        if port in ("gate", "metrics") and server.identity not in added.rendered:
            yield (
                server.at("spec", "port"),
                f"the {port} port has a Server already, and of two the older rules, then the one whose name comes first",
                f"say who may call it in serviceMesh.{port}.from",
            )


@rule(WARNING, REFERENCE + "#server")
def linkerd_server_twice(release):
    """Two added Servers cover one port.

    The older rules, then the one whose name comes first; the other has no effect."""
    added, seen = release.fact(Index), {}
    for server in added.of("Server"):
        port = added.port_of(server)
        if port and port not in ("gate", "metrics") and port in seen:
            yield (
                server.at("spec", "port"),
                f"the {port} port has a Server in entry {seen[port]} already; of two the older rules, then the one whose "
                "name comes first",
                "leave one out",
            )
        seen.setdefault(port, server.index)


@rule(WARNING, REFERENCE + "#server")
def linkerd_server_covers_nothing(release):
    """An added Server of the controller's pods is for a port that they don't have.

    It covers none of their ports."""
    added = release.fact(Index)
    for server in added.of("Server"):
        port = str(server.spec.get("port"))
        # One that selects every pod may mean others.
        labelled = (server.spec.get("podSelector") or {}).get("matchLabels")
        if labelled and port not in added.ports and port not in PROXY_PORTS and added.selects_pods(server):
            yield (
                server.at("spec", "port"),
                f"the controller has no port {port}, so this Server covers none of its ports",
                f"write one of {', '.join(sorted(added.ports))}",
            )


@rule(WARNING, REFERENCE + "#server")
def linkerd_server_of_nobody(release):
    """An added Server that no added policy is for.

    A Server takes its port out of the default policy, and admits nobody by itself."""
    added = release.fact(Index)
    named, anywhere = _authorized(added)
    for server in added.of("Server"):
        here = server.namespace == release.namespace  # another is told of by the rule about that
        if here and not anywhere and server.name not in named and server.spec.get("accessPolicy") is None:
            yield (
                server.at(),
                f"no AuthorizationPolicy of {PATH} targets this Server, and a Server admits nobody by itself",
                "add one, or an accessPolicy",
            )


def _authorized(added):
    """The names of the Servers that some added object authorizes callers of, and whether one is for all of them."""
    named, routes, anywhere = set(), set(), False
    for one in added.of("AuthorizationPolicy"):
        target = ref(one.spec.get("targetRef") or {})
        if one.namespace == added.release.namespace:
            anywhere = anywhere or target.kind == "namespace"
            if target.kind == "server":
                named.add(target.name)
            routes.add((target.kind, target.name))
    for one in added.of("ServerAuthorization"):
        if one.namespace == added.release.namespace:
            server = one.spec.get("server") or {}
            anywhere = anywhere or "selector" in server
            named.add(server.get("name"))
    for one in added.of("HTTPRoute", "GRPCRoute"):
        if (one.kind.lower(), one.name) in routes:
            named |= {parent.name for parent in _parents(one) if parent.kind == "server"}
    return named, anywhere


def _policies(added, kind):
    return [one for one in added.of(kind) if one.namespace == added.release.namespace]


@rule(WARNING, REFERENCE + "#authorizationpolicy")
def linkerd_target_missing(release):
    """What an added object is for does not exist, or takes no such object.

    As long as it does not exist, the object has no effect."""
    added = release.fact(Index)
    for one in _policies(added, "AuthorizationPolicy"):
        target = ref(one.spec.get("targetRef") or {})
        path = one.at("spec", "targetRef")
        if target.kind == "namespace":
            if target.name != release.namespace:
                yield (
                    (*path, "name"),
                    f'a policy knows only its own namespace, which is {release.namespace}, not "{target.name}"',
                    "write that",
                )
        elif target.kind in ("httproute", "grpcroute") and added.exists(target.group, target.kind, target.name):
            route = next(
                (
                    each
                    for each in added.of("HTTPRoute", "GRPCRoute")
                    if (each.kind.lower(), each.name) == (target.kind, target.name)
                ),
                None,
            )
            if route and not any(parent.kind == "server" for parent in _parents(route)):
                yield (
                    path,
                    f'{route.kind} "{target.name}" is no route of a Server, so this admits nobody',
                    "name a Server among its parentRefs, or target another",
                )
        elif not added.exists(target.group, target.kind, target.name):
            yield path, *_missing(release, (one.spec.get("targetRef") or {}).get("kind"), target.name)
    for one in _policies(added, "ServerAuthorization"):
        name = (one.spec.get("server") or {}).get("name")
        if name is not None and not added.exists(POLICY, "server", name):
            yield one.at("spec", "server", "name"), *_missing(release, "Server", name)
    for one in _policies(added, "HTTPLocalRateLimitPolicy"):
        name = (one.spec.get("targetRef") or {}).get("name")
        if not added.exists(POLICY, "server", name):
            yield one.at("spec", "targetRef"), *_missing(release, "Server", name)


def _missing(release, kind, name):
    return (
        f'there is no {kind} "{name}" of namespace {release.namespace} among the rendered objects, and as long as it does '
        "not exist this has no effect",
        "add it, or mend the name",
    )


@rule(WARNING, REFERENCE + "#authorizationpolicy")
def linkerd_authentication_missing(release):
    """An authentication that a policy requires does not exist.

    Linkerd ignores the policy as long as it does not."""
    added = release.fact(Index)
    for one in _policies(added, "AuthorizationPolicy"):
        for index, each in enumerate(one.spec.get("requiredAuthenticationRefs") or ()):
            found = ref(each)
            known = found.kind in ("meshtlsauthentication", "networkauthentication")
            if known and not added.exists(POLICY, found.kind, found.name, found.namespace):
                yield (
                    one.at("spec", "requiredAuthenticationRefs", index),
                    f'there is no {each["kind"]} "{found.name}" among {PATH}, and as long as it does not exist Linkerd '
                    "ignores the policy",
                    "add it, or mend the name",
                )


@rule(WARNING, REFERENCE + "#authorizationpolicy")
def linkerd_policy_for_everyone(release):
    """A policy that requires no authentication.

    An empty list opens its target to everyone."""
    for one in _policies(release.fact(Index), "AuthorizationPolicy"):
        if not one.spec.get("requiredAuthenticationRefs"):
            yield (
                one.at("spec", "requiredAuthenticationRefs"),
                "an empty list opens the target to everyone",
                "name an authentication unless that is meant",
            )


@rule(WARNING, REFERENCE + "#serverauthorization")
def linkerd_selector_unmatched(release):
    """A ServerAuthorization selects Servers by labels that none of them has.

    It admits nobody; a pod's labels do not count."""
    added = release.fact(Index)
    servers = [one for one in added.of("Server") if one.namespace == release.namespace]
    found = [((one.body.get("metadata") or {}).get("labels") or {}) for one in servers]
    keys, pairs = {key for each in found for key in each}, {}
    for each in found:
        for pair in each.items():
            pairs.setdefault(pair, []).append(each)
    for one in _policies(added, "ServerAuthorization"):
        selector = (one.spec.get("server") or {}).get("selector")
        if selector is None or selects(selector, release.fact(labels)):
            continue
        wanted = [pairs.get(pair, []) for pair in (selector.get("matchLabels") or {}).items()]
        if any(selects(selector, each) for each in min(wanted, key=len, default=found)):
            continue
        absent = [
            f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items() if (key, value) not in pairs
        ]
        absent += [
            each["key"]
            for each in selector.get("matchExpressions") or ()
            if each.get("operator") in ("In", "Exists") and each.get("key") not in keys
        ]
        if absent:
            yield (
                one.at("spec", "server", "selector"),
                f"no Server among the rendered objects has the label {', '.join(sorted(absent))}, so this admits nobody",
                "label one, because a pod's labels do not count, or write its name",
            )


def _parents(route):
    return [ref(each, route.group) for each in route.spec.get("parentRefs") or ()]


@rule(WARNING, ROUTES)
def linkerd_route_of_nothing(release):
    """A route whose parents are no Server, or none that exists.

    It is a route of nothing, and policies for it have no effect."""
    added = release.fact(Index)
    for one in _routes(added):
        if not one.spec.get("parentRefs"):
            yield (
                one.at("spec", "parentRefs"),
                "is missing or empty, so this is a route of nothing",
                "name a Server there",
            )
        for index, (each, parent) in enumerate(zip(one.spec.get("parentRefs") or (), _parents(one))):
            yield from _of_parent(release, added, one.at("spec", "parentRefs", index), each, parent)


def _routes(added):
    return [one for kind in ("HTTPRoute", "GRPCRoute") for one in _policies(added, kind)]


def _of_parent(release, added, path, each, parent):
    there = added.exists(POLICY, "server", parent.name)
    if each.get("kind") is None:
        if there or each.get("group") == POLICY:
            yield (
                (*path, "kind"),
                "is missing, so a Gateway is meant",
                f"write kind: Server and group: {POLICY} if that is meant",
            )
    elif parent.kind != "server":
        if parent.group in KNOWN_GROUPS and (parent.group, parent.kind) not in TAKING:
            yield (
                path,
                f'group "{parent.group}" has no {each["kind"]} that takes routes, so this is a route of nothing',
                f"write group {POLICY} for a Server, core for a Service",
            )
    elif parent.group != POLICY:
        yield (*path, "group"), f'"{parent.group}" has no Server, so this is a route of nothing', f"write {POLICY}"
    elif parent.namespace and parent.namespace != release.namespace:
        yield (
            (*path, "namespace"),
            f"Linkerd takes a route for Servers of its own namespace alone, which is {release.namespace}",
            "leave it out",
        )
    elif not there:
        yield path, *_missing(release, "Server", parent.name)


@rule(WARNING, REFERENCE + "#server")
def linkerd_protocol_hides(release):
    """What speaks of HTTP is for a Server whose protocol hides it.

    It has no effect there."""
    added = release.fact(Index)
    servers = {name: "unknown" for (_, kind, _, name) in added.rendered if kind == "Server"}
    servers |= {one.name: one.spec.get("proxyProtocol") or "unknown" for one in _policies(added, "Server")}
    found = [
        (one, "limit", [(one.spec.get("targetRef") or {}).get("name")])
        for one in _policies(added, "HTTPLocalRateLimitPolicy")
    ]
    found += [(one, one.kind, [each.name for each in _parents(one) if each.kind == "server"]) for one in _routes(added)]
    for one, kind, names in found:
        for name in names:
            if servers.get(name) in HIDING[kind]:
                yield (
                    one.at(),
                    f'has no effect on Server "{name}", whose proxyProtocol is {servers[name]}',
                    f"leave it out, or write {OTHERWISE[kind]} there",
                )


@rule(WARNING, ROUTES)
def linkerd_routes_of_two_kinds(release):
    """HTTPRoutes and GRPCRoutes of one Server.

    Linkerd accepts the GRPCRoutes alone, and what the HTTPRoutes are for has no effect."""
    added, grpc = release.fact(Index), set()
    routes = [(one, {each.name for each in _parents(one) if each.kind == "server"}) for one in _routes(added)]
    for one, names in routes:
        grpc |= names if one.kind == "GRPCRoute" else set()
    for one, names in routes:
        if one.kind == "HTTPRoute" and names & grpc:
            message = f'is not accepted, because Server "{min(names & grpc)}" has GRPCRoutes as well'
            yield one.at(), message, "let it be one kind of routes"


@rule(WARNING, ROUTES)
def linkerd_route_ignored(release):
    """A route that Linkerd's controller passes over as a whole.

    It names a port or a section of a Server, or has a filter that Linkerd has not; what it restricts is not restricted."""
    for one in _routes(release.fact(Index)):
        for index, parent in enumerate(one.spec.get("parentRefs") or ()):
            for key in ("port", "sectionName"):
                if ref(parent, one.group).kind == "server" and parent.get(key) is not None:
                    yield (
                        one.at("spec", "parentRefs", index, key),
                        "makes Linkerd ignore the whole route: a Server has one port",
                        "leave it out",
                    )
        for index, each in enumerate(one.spec.get("rules") or ()):
            for at, filters in enumerate(each.get("filters") or ()):
                if one.of_server and filters.get("type") in ("URLRewrite", "RequestMirror", "ExtensionRef"):
                    yield (
                        one.at("spec", "rules", index, "filters", at, "type"),
                        f"makes Linkerd ignore the whole route, because its proxy has no {filters['type']} for a Server",
                        "leave it out",
                    )


@rule(WARNING, ROUTES)
def linkerd_route_part_ignored(release):
    """What a route says that only counts where a client calls a Service.

    The proxy of a Server reads the matches and filters of requests alone."""
    for one in _routes(release.fact(Index)):
        for index, each in enumerate(one.spec.get("rules") or () if one.of_server else ()):
            for key in ("timeouts", "backendRefs"):
                if each.get(key):
                    yield (
                        one.at("spec", "rules", index, key),
                        "is without effect in a route of a Server",
                        "leave it out",
                    )
            for at, filters in enumerate(each.get("filters") or ()):
                if filters.get("type") == "ResponseHeaderModifier":
                    where = one.at("spec", "rules", index, "filters", at, "type")
                    yield where, "is without effect in a route of a Server", "leave it out"
