# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Added Linkerd objects, one by one: what the API server or Linkerd's admission refuses, and what reads as nothing."""

import re

from stageset_render.findings import ERROR, WARNING, short
from stageset_render.helm.writing import to_int
from stageset_render.pack.hints import near
from stageset_render.pack.mesh import SERVED
from stageset_render.rules import rule
from stageset_render.rules.blocks import outside
from stageset_render.rules.expressions import readable
from stageset_render.rules.linkerd_added import GATEWAY, POLICY, Index

REFERENCE = "https://linkerd.io/2/reference/authorization-policy/"
ROUTES = "https://linkerd.io/2/reference/httproute/"
GATEWAY_API = "https://gateway-api.sigs.k8s.io/reference/spec/"
ROUTE_KINDS = ("HTTPRoute", "GRPCRoute")


@rule(ERROR, "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/")
def linkerd_object_twice(release):
    """An added object has the kind and name of another one.

    The one applied last replaces the other, and its restriction with it."""
    added, seen = release.fact(Index), {}
    for one in added.objects:
        path = one.at("metadata", "name")
        if one.identity in added.rendered:
            yield (
                path,
                f'{one.kind} "{one.name}" is rendered already, and the one applied last would replace the other',
                "leave it out, or choose another name",
            )
        elif one.identity in seen:
            yield (
                path,
                f'{one.kind} "{one.name}" is also entry {seen[one.identity]}, and the one applied last would replace the other',
                "choose another name",
            )
        seen.setdefault(one.identity, one.index)


@rule(WARNING, REFERENCE)
def linkerd_kind_unknown(release):
    """An added object that Linkerd does not read: of another mesh, or of a kind or version that it does not serve.

    The API server refuses it, or it has no effect."""
    newest = {kind: versions[-1] for (group, kind), versions in SERVED.items() if group == POLICY}
    gateway = {kind: versions[-1] for (group, kind), versions in SERVED.items() if group == GATEWAY}
    for one in release.fact(Index).objects:
        if one.group.endswith(".istio.io"):
            found = f"{one.group}/{one.version} {one.kind} is Istio's, and serviceMesh.engine is linkerd, which reads none of it"
            yield one.at("apiVersion"), found, "leave it out"
        elif one.kind not in newest and one.group == POLICY:
            yield one.at("kind"), f"{POLICY} has no kind {one.kind}", f"write one of {', '.join(sorted(newest))}"
        elif not one.served and one.kind in (gateway if one.group == GATEWAY else newest):
            group, versions = (GATEWAY, gateway) if one.group == GATEWAY else (POLICY, newest)
            yield (
                one.at("apiVersion"),
                f'{one.kind} is not served at "{one.body.get("apiVersion")}"',
                f"write {group}/{versions[one.kind]}",
            )


@rule(WARNING, REFERENCE)
def linkerd_object_elsewhere(release):
    """An added object of another namespace, of a kind that acts on its own namespace alone.

    It has no effect on the controller."""
    acting = ("AuthorizationPolicy", "HTTPLocalRateLimitPolicy", "HTTPRoute", "Server", "ServerAuthorization")
    for one in release.fact(Index).objects:
        if one.kind in acting and one.group == POLICY and one.namespace != release.namespace:
            yield (
                one.at("metadata", "namespace"),
                f'{one.kind} "{one.name}" of namespace {one.namespace} has no effect on the controller, which runs in '
                f"{release.namespace}",
                "write that, or leave it out",
            )


@rule(ERROR, REFERENCE + "#networkauthentication")
def linkerd_exception_outside_block(release):
    """An exception is no part of the range that it is taken from, or all of it.

    Linkerd's admission refuses the object."""
    added = release.fact(Index)
    found = [
        (one.at("spec", "networks"), one.spec.get("networks"))
        for one in added.of("NetworkAuthentication", "EgressNetwork")
    ]
    for one in added.of("ServerAuthorization"):
        found.append((one.at("spec", "client", "networks"), (one.spec.get("client") or {}).get("networks")))
    for path, networks in found:
        for index, block in enumerate(networks or ()):
            for at, text in outside(block.get("cidr"), block.get("except")):
                yield (
                    (*path, index, "except", at),
                    f"{text} is no part of {block['cidr']}, or all of it",
                    "write a range inside of it, or leave this out",
                )


@rule(ERROR, "https://linkerd.io/2/reference/rate-limiting/")
def linkerd_rate_above_total(release):
    """A rate limit of one caller is above that of all together.

    Linkerd's admission refuses the object."""
    for one in release.fact(Index).of("HTTPLocalRateLimitPolicy"):
        if not one.spec.get("total"):
            continue
        most = to_int(one.spec["total"].get("requestsPerSecond"))
        rates = [(("identity",), one.spec["identity"])] if one.spec.get("identity") else []
        rates += [(("overrides", index), each) for index, each in enumerate(one.spec.get("overrides") or ())]
        for where, each in rates:
            rate = to_int(each.get("requestsPerSecond"))
            if rate > most:
                yield (
                    one.at("spec", *where, "requestsPerSecond"),
                    f"{rate} is above the total of {most}, which Linkerd does not take",
                    "lower it, or raise the total",
                )


def _rules(release):
    """Each rule of each route, with its path and whether the API takes one filter of a type."""
    for one in release.fact(Index).of(*ROUTE_KINDS):
        for index, each in enumerate(one.spec.get("rules") or ()):
            yield one.at("spec", "rules", index), each, one.group == GATEWAY


def _filters(release):
    for path, each, once in _rules(release):
        yield (*path, "filters"), each.get("filters") or (), once
        for index, backend in enumerate(each.get("backendRefs") or ()):
            yield (*path, "backendRefs", index, "filters"), backend.get("filters") or (), once


def _named(release):
    """Each list of headers or parameters, which the API keeps by name."""
    for path, each, _ in _rules(release):
        for index, match in enumerate(each.get("matches") or ()):
            for key in ("headers", "queryParams"):
                yield (*path, "matches", index, key), match.get(key) or ()
    for path, filters, _ in _filters(release):
        for index, each in enumerate(filters):
            for key in ("requestHeaderModifier", "responseHeaderModifier"):
                for change in ("set", "add"):
                    yield (*path, index, key, change), (each.get(key) or {}).get(change) or ()


@rule(ERROR, GATEWAY_API)
def linkerd_route_name_twice(release):
    """A header or parameter stands twice in one list of a route.

    The API server keeps them by name, and refuses the route."""
    for path, items in _named(release):
        seen = {}
        for index, item in enumerate(items):
            name = item.get("name")
            if name in seen:
                message = f'"{name}" is also entry {seen[name]}, and the API takes each name once'
                yield (*path, index, "name"), message, "leave one out"
            seen.setdefault(name, index)


@rule(ERROR, GATEWAY_API)
def linkerd_route_filter_twice(release):
    """A route of the Gateway API has two filters of one type.

    The API server refuses the route."""
    for path, filters, once in _filters(release):
        seen = {}
        for index, each in enumerate(filters):
            kind = each.get("type")
            if once and kind in seen and kind not in ("ExtensionRef", "RequestMirror"):
                message = f"filter {seen[kind]} is a {kind} too, and the API takes one"
                yield (*path, index, "type"), message, "put both into it"
            seen[kind] = index


@rule(ERROR, ROUTES)
def linkerd_route_timeout_longer(release):
    """A backend's timeout is longer than that of the whole request.

    Linkerd's admission, or the API server, refuses the route."""
    for path, each, _ in _rules(release):
        times = each.get("timeouts") or {}
        most, found = _milliseconds(times.get("request")), _milliseconds(times.get("backendRequest"))
        if most and found is not None and found > most:
            yield (
                (*path, "timeouts", "backendRequest"),
                f"{times['backendRequest']} is longer than the request of {times['request']}, which Linkerd does not take",
                "shorten it, or raise request",
            )


def _milliseconds(text):
    """A duration of the Gateway API (GEP-2257), or of Linkerd's own routes."""
    units = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
    parts = re.findall(r"([0-9]+)(ms|h|m|s)", text or "")
    return sum(int(number) * units[unit] for number, unit in parts) if parts else None


def _expressions(release):
    for path, each, _ in _rules(release):
        for index, match in enumerate(each.get("matches") or ()):
            where = match.get("path") or {}
            if where.get("type") == "RegularExpression" and where.get("value"):
                yield (*path, "matches", index, "path", "value"), where["value"]
    for path, items in _named(release):
        for index, item in enumerate(items):
            if item.get("type") == "RegularExpression" and isinstance(item.get("value"), str):
                yield (*path, index, "value"), item["value"]


@rule(ERROR, "https://docs.rs/regex/latest/regex/#syntax")
def linkerd_route_expression_unreadable(release):
    """A regular expression of a route that Linkerd can't read.

    Its admission refuses the route; it has no looking ahead, behind or back."""
    for path, text in _expressions(release):
        if not readable(text):
            yield (
                path,
                f'"{text}" is no regular expression of Linkerd\'s, which looks neither ahead nor behind nor back',
                "close what it opens, or write \\ before a sign that stands for itself",
            )


@rule(ERROR, ROUTES)
def linkerd_route_path_unmatched(release):
    """A path that no request has.

    A path begins with / and has no query, blank or fragment; of a regular expression it is matched as a whole, and to a
    prefix a * is a letter."""
    for path, text in _expressions(release):
        if path[-2] == "path" and re.fullmatch(r"\^?[A-Za-z0-9]([^?*{|][^|]*)?", text):
            message = f'"{text}" matches no path, because a path begins with / and is matched as a whole'
            yield path, message, "begin with / or .*"
    for where, each, _ in _rules(release):
        for index, match in enumerate(each.get("matches") or ()):
            found = match.get("path") or {} if isinstance(match.get("path"), dict) else {}
            text = found.get("value") or ""
            if found.get("type") in (None, "Exact", "PathPrefix") and (odd := re.search(r"[?#*\s]|[^\x00-\x7f]", text)):
                yield (
                    (*where, "matches", index, "path", "value"),
                    f'"{text}" matches no path, because "{odd[0]}" stands in none as it is',
                    "write what stands before it" if odd[0] != "*" else "leave it out: a PathPrefix is one without it",
                )


@rule(WARNING, REFERENCE + "#serverauthorization")
def linkerd_authorization_of_nobody(release):
    """A ServerAuthorization that names nobody, or no network.

    Linkerd ignores the whole object, or it admits nobody."""
    for one in release.fact(Index).of("ServerAuthorization"):
        if one.namespace != release.namespace:
            continue
        client = one.spec.get("client") or {}
        mesh = client.get("meshTLS") or {}
        if client.get("networks") == []:
            yield (
                one.at("spec", "client", "networks"),
                "is empty, so no network is meant",
                "leave it out if those of the cluster are meant, or write the networks",
            )
        named = mesh.get("unauthenticatedTLS") or mesh.get("identities") or mesh.get("serviceAccounts")
        if not client.get("unauthenticated") and not named:
            yield (
                one.at("spec", "client"),
                "names nobody, so Linkerd ignores the whole object",
                "write identities or serviceAccounts under meshTLS, or unauthenticated: true",
            )


@rule(WARNING, REFERENCE + "#meshtlsauthentication")
def linkerd_account_nameless(release):
    """A reference to accounts without a name.

    Linkerd does not take it."""
    for one in release.fact(Index).of("MeshTLSAuthentication"):
        for index, each in enumerate(one.spec.get("identityRefs") or ()):
            if each.get("name") is None:
                yield (
                    one.at("spec", "identityRefs", index, "name"),
                    f"is missing, and Linkerd takes no {each.get('kind')} without one",
                    "write it, or for all accounts of a namespace kind: Namespace and its name",
                )


@rule(WARNING, "https://linkerd.io/2/reference/rate-limiting/")
def linkerd_limit_of_nothing(release):
    """A rate limit that limits nothing, or that another one takes the place of.

    Of two for one Server Linkerd takes the older alone."""
    seen = {}
    for one in release.fact(Index).of("HTTPLocalRateLimitPolicy"):
        if one.namespace != release.namespace:
            continue
        if not any(one.spec.get(key) for key in ("total", "identity", "overrides")):
            yield one.at("spec"), "limits nothing", "write total, identity or overrides"
        target = (one.spec.get("targetRef") or {}).get("name")
        if target in seen:
            yield (
                one.at("spec", "targetRef"),
                f'entry {seen[target]} limits Server "{target}" already, and of two Linkerd takes the older alone',
                "leave one out",
            )
        seen.setdefault(target, one.index)


KNOWN_ANNOTATIONS = ("default-inbound-policy", "skip-inbound-ports", "skip-outbound-ports", "opaque-ports")


@rule(WARNING, "https://linkerd.io/2/reference/proxy-configuration/")
def linkerd_annotation_unread(release):
    """An annotation of an added Namespace that Linkerd does not read as it is written.

    What it was to set, a default deny for example, is not set."""
    prefix = "config.linkerd.io/"
    for one in release.fact(Index).objects:
        metadata = one.body.get("metadata") or {}
        if (one.group, one.kind) != ("", "Namespace") or metadata.get("name") != release.namespace:
            continue
        for key, value in (metadata.get("annotations") or {}).items():
            path, name = one.at("metadata", "annotations", key), key.removeprefix(prefix)
            found = near(name, KNOWN_ANNOTATIONS, 1, 0.85) if key.startswith(prefix) else []
            if found and name != found[0]:
                yield path, "is no annotation of Linkerd's", f"write {prefix}{found[0]}"
            elif value and name.endswith("-inbound-ports") and found and not _ports(str(value)):
                message = f"{short(value, 60)!r} is no list of ports and ranges, so Linkerd reads none of it"
                yield path, message, "write numbers, or ranges such as 4000-5000, parted by commas"
        for key in metadata.get("labels") or ():
            if key == "linkerd.io/inject" or key.startswith(prefix) and key != f"{prefix}admission-webhooks":
                yield one.at("metadata", "labels", key), "is a label, and Linkerd reads this as an annotation alone"


def _ports(text):
    ranges = [re.fullmatch(r"\s*([0-9]{1,5})(?:-([0-9]{1,5}))?\s*", part) for part in text.split(",")]
    return all(each and int(each[1]) <= int(each[2] or each[1]) <= 65535 for each in ranges)
