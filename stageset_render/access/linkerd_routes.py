# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Which route of a Linkerd Server takes a request: HTTPRoutes, GRPCRoutes, the probes of the pod, the default.

Sources: Linkerd's references Authorization Policy and HTTPRoute, the Gateway API on the precedence of matches, and what
Linkerd's policy controller and its proxy make of the routes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl

from .linkerd_grants import GATEWAY, POLICY, kind_of
from .matching import Match, Sample, Unknown, all_of, any_of, group

# Where Rust's regular expressions and Python's differ, and repeated groups, which Python may take for ever to match.
FOREIGN = r"\[[^\]]*\[|&&|--|~~|\|\||\\[pPzZAxuUkN<>]|\(\?(?!:)|\{,|[*+?}]\+|\)[*+{]"
STEPS = 10**6  # how far the matching of one expression may go
FEW = 8  # matches that are looked through one after another
UNSUPPORTED = {"RequestMirror", "URLRewrite", "ExtensionRef"}  # filters that make the controller leave out a route


class Route(NamedTuple):
    """One route: `target` as an AuthorizationPolicy refers to it, `rules` as pairs of its matches and a redirect."""

    name: str
    target: tuple[str, str, str] | None
    hosts: list[str]
    rules: list[tuple[list[dict], bool]]
    grpc: bool = False


class Winner(NamedTuple):
    """The route that takes the request, and whether its rule answers with a redirect."""

    route: Route
    redirects: bool


PROBE = ("probe", "", "")
DEFAULT = Route("", None, [], [([], False)])
GRPC_DEFAULT = DEFAULT._replace(grpc=True)


def probe_route(paths: Iterable[str]) -> Route:
    matches = [{"method": "GET", "path": {"type": "Exact", "value": each}} for each in paths]
    return Route("", PROBE, [], [(matches, False)])


def read_routes(objects: list[dict], servers: set[str], namespace: str) -> dict[tuple[str, bool], list[Route]]:
    """The routes by Server and by whether they are GRPCRoutes, in their order of precedence."""
    found, named = {}, set()
    routes = [each for each in objects if each["kind"] in ("HTTPRoute", "GRPCRoute")]
    routes = [each for each in routes if each["metadata"].get("namespace") == namespace and taken(each)]
    for each in sorted(routes, key=age):
        grpc = each["kind"] == "GRPCRoute"
        for server in {parent["name"] for parent in bound(each["spec"])} & servers:
            found.setdefault((server, grpc), []).append(read_route(each))
            named.update({server} if grpc else ())
    # Of a Server that both kinds name, the controller's status accepts the GRPCRoutes alone.
    return {(server, grpc): routes for (server, grpc), routes in found.items() if grpc or server not in named}


def taken(route: dict) -> bool:
    """Whether the controller reads the route: parents by port or section or elsewhere and some filters forbid it."""
    spec = route["spec"]
    if group(route) not in (POLICY, GATEWAY):
        return False
    here = (None, route["metadata"].get("namespace"))
    filters = {each.get("type") for rule in spec.get("rules") or () for each in rule.get("filters") or ()}
    return not filters & UNSUPPORTED and all(
        each.get("port") is None and each.get("sectionName") is None and each.get("namespace") in here
        for each in bound(spec)
    )


def bound(spec: dict) -> list[dict]:
    return [each for each in spec.get("parentRefs") or () if kind_of(each) == ("server", POLICY)]


def age(route: dict) -> tuple:
    """Gateway API: of routes that match alike the oldest, then by name; Linkerd compares the group before the name."""
    meta = route["metadata"]
    created = str(meta.get("creationTimestamp") or "")
    return created == "", created, group(route), meta["name"]


def read_route(route: dict) -> Route:
    spec, kind, name = route["spec"], route["kind"], route["metadata"]["name"]
    rules = [
        (rule.get("matches") or [], any(each.get("type") == "RequestRedirect" for each in rule.get("filters") or ()))
        for rule in spec.get("rules") or ()
    ]
    target = (kind.lower(), group(route), name)
    return Route(f"{kind} {name}", target, spec.get("hostnames") or [], rules, kind == "GRPCRoute")


class Matching(NamedTuple):
    """One match of a route: its place in their order, the route, what it asks for, and whether its rule redirects."""

    order: int
    route: Route
    wanted: dict
    redirects: bool


class Routes:
    """The routes of one Server, found by the path of a call rather than looked through one after another.

    Args:
        routes: in their order of precedence.
        granted: which of them authorizations are for, by their targets; all others are authorized alike.
    """

    def __init__(self, routes: list[Route], granted: Container[tuple[str, str, str] | None] = ()):
        found = [
            (route, match, redirects)
            for route in routes
            for matches, redirects in route.rules
            for match in matches or [{}]
        ]
        self.every = [Matching(order, *each) for order, each in enumerate(found)]
        self.exact, self.prefix, self.rest = defaultdict(list), defaultdict(list), []
        self.expressions, self.alike = defaultdict(list), {}
        for each in self.every if len(self.every) > FEW else ():
            path = each.wanted.get("path") or {}
            kind, value = path.get("type") or "PathPrefix", path.get("value") or "/"
            if each.route.grpc or kind not in ("Exact", "PathPrefix", "RegularExpression"):
                self.rest.append(each)
            elif kind == "RegularExpression":
                self.expressions[value].append(each)
                beside = {key: one for key, one in each.wanted.items() if key != "path"}
                target = each.route.target if each.route.target in granted else None
                alike = self.alike.setdefault((repr(beside), repr(each.route.hosts), target, each.redirects), {})
                if len(alike) < 2:  # of which one is of another expression than a call's
                    alike.setdefault(value, each)
            else:
                (self.exact if kind == "Exact" else self.prefix)[value].append(each)

    def near(self, call: dict) -> list[Matching]:
        """The matches that may take a call, in their order, those that are told alike by one of them."""
        path = call.get("path")
        if len(self.every) <= FEW or path is None or call.get("method") is None:
            return self.every
        text = path if isinstance(path, Sample) else path.partition("?")[0]
        found = [*self.rest, *self.exact.get(text, ())]
        ends = [at for at, sign in enumerate(text) if sign == "/"]
        for begin in dict.fromkeys([text, *(text[:at] for at in ends), *(text[: at + 1] for at in ends)]):
            found += self.prefix.get(begin, ())
        if isinstance(path, Sample):
            others = (each for alike in self.alike.values() for each in alike.values())
            found += {each.order: each for each in (*others, *self.expressions.get(path.expression, ()))}.values()
        else:
            found += (each for several in self.expressions.values() for each in several)
        return sorted(found, key=lambda each: each.order)


def winners(routes: Routes, call: dict) -> Iterator[Winner | None]:
    """Every route that can be the one that takes the call, None where none does; more than one is a doubt.

    How a path that a regular expression matches ranks beside a prefix or an exact one is up to the implementation.
    """
    best = {}  # by whether a regular expression matched: the rank and the route
    for _, route, match, redirects in routes.near(call):
        rank = precedence(route, match, call)
        if isinstance(rank, Unknown):
            yield Winner(route, redirects)
        elif rank:
            expression = (match.get("path") or {}).get("type") == "RegularExpression"
            if expression not in best or rank > best[expression][0]:
                best[expression] = rank, Winner(route, redirects)
    first = max((rank[0] for rank, _ in best.values()), default=None)
    yield from (winner for rank, winner in best.values() if rank[0] == first)
    if not best:
        yield None


def precedence(route: Route, match: dict, call: dict) -> tuple | Unknown | None:
    """None if the match doesn't hold, else what ranks it: the host, the path, headers, query and method."""
    host = host_rank(route.hosts, call)
    if host is None:
        return None
    if call.get("method") is None or call.get("path") is None:
        return Unknown("the call tells no method or no path")
    path, _, query = call["path"].partition("?")
    path = call["path"] if isinstance(call["path"], Sample) else path
    headers = {name.lower(): value for name, value in (call.get("headers") or {}).items()}
    wanted = match.get("headers") or []
    if route.grpc:
        rank = grpc_rank(match.get("method") or {}, call["method"], path)
        holds = [value_matches(each, headers.get(each["name"].lower())) for each in wanted]
        params, method = [], None
    else:
        rank = path_rank(match.get("path"), path)
        params, method = match.get("queryParams") or [], match.get("method")
        given = parse_qsl(query, keep_blank_values=True)
        holds = [value_matches(each, headers.get(each["name"].lower())) for each in wanted]
        holds += [any_of(value_matches(each, value) for key, value in given if key == each["name"]) for each in params]
        holds.append(method is None or method == call["method"])
    if rank is None or all_of(holds) is False:
        return None
    doubts = [each for each in (rank, *holds) if isinstance(each, Unknown)]
    return doubts[0] if doubts else (host, rank, len(wanted), len(params), method is not None)


def host_rank(hosts: list[str], call: dict) -> tuple | None:
    """An exact host before a wildcard, the longer before the shorter, any of them before a route without hosts."""
    if not hosts:
        return ()
    headers = {name.lower(): value for name, value in (call.get("headers") or {}).items()}
    given = re.sub(r":\d*$", "", call.get("host") or headers.get("host") or "").lower()
    ranks = [(not each.startswith("*."), len(each)) for each in hosts if host_matches(each, given)]
    return max(ranks, default=None)


def host_matches(host: str, given: str) -> bool:
    return given.endswith(host[1:]) if host.startswith("*.") else given == host


def path_rank(wanted: dict | None, path: str) -> tuple | Unknown | None:
    kind, value = (wanted or {}).get("type") or "PathPrefix", (wanted or {}).get("value") or "/"
    if kind == "Exact":
        return (1,) if path == value else None
    if kind == "PathPrefix":
        inside = path.startswith(value) and (value.endswith("/") or path[len(value) : len(value) + 1] in ("", "/"))
        return (0, len(value)) if inside else None
    found = whole(value, path)
    return found if isinstance(found, Unknown) else (0,) if found else None


def grpc_rank(wanted: dict, method: str, path: str) -> tuple | Unknown | None:
    """gRPC is POST of /service/method."""
    service, slash, call = path[1:].partition("/")
    if method != "POST" or not (service and call) or "/" in call:
        return None
    if wanted.get("type") == "RegularExpression":
        return Unknown("a regular expression for a gRPC method is not judged")
    named = {"service": service, "method": call}
    if any(wanted.get(key) not in (None, "", value) for key, value in named.items()):
        return None
    return tuple(len(wanted.get(key) or "") for key in named)


def value_matches(wanted: dict, given: str | None) -> Match:
    if given is None:
        return False
    if wanted.get("type") == "RegularExpression":
        return whole(wanted["value"], given)
    return given == wanted["value"]


def whole(expression: str, text: str) -> Match:
    """The proxy takes the leftmost match and then wants it to be the whole text."""
    if isinstance(text, Sample):
        return expression == text.expression or Unknown("what two regular expressions both match is not judged")
    found, repeats = compiled(expression)
    if found is None or len(text) ** repeats > STEPS:
        return Unknown(f"the regular expression {expression!r} is not judged")
    match = found.search(text)
    return match is not None and match.span() == (0, len(text))


@lru_cache(maxsize=8192)
def compiled(expression: str) -> tuple[re.Pattern[str] | None, int]:
    """An expression, None for one that is not judged, and how often it may repeat something."""
    try:
        found = None if re.search(FOREIGN, expression) else re.compile(expression)
    except (ValueError, OverflowError, RecursionError, re.error):
        found = None
    return found, min(len(re.findall("[*+}]", expression)), 99)
