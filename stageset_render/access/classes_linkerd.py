# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What Linkerd's authorizations and routes tell apart (Linkerd: Authorization Policy)."""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from .classes import (
    CLUSTER,
    MESHED,
    METHODS,
    MOST_BLOCKS,
    MOST_CALLERS,
    NAMES,
    OTHER,
    PLAINTEXT,
    PUBLIC,
    Block,
    Caller,
    Classes,
    Named,
    Request,
    block_of,
    filled,
    unlike,
    within,
)
from .matching import Sample, Texts, group
from .patterns import FILLER


def classes(objects: Iterable[dict], domain: str) -> Classes:
    """What authorizations and routes name, and who and what they don't."""
    ours = [each for each in objects if group(each) in ("policy.linkerd.io", "gateway.networking.k8s.io")]
    routes = [each for each in ours if each["kind"] in ("HTTPRoute", "GRPCRoute")]
    identities = Texts(text for each in ours for text in _identities(each) if text != "*")
    meshed = Caller(MESHED, unlike([identity(domain, name, name) for name in NAMES], identities))
    requests = [request for each in routes for request in _of_route(each)]
    methods, paths = {one.method for one in requests}, {one.path.partition("?")[0].rstrip("/") for one in requests}
    method = unlike((*METHODS, OTHER.upper()), methods.__contains__)
    other = Request("", method, unlike([f"/{name}" for name in NAMES], paths.__contains__))
    read = Authentications(ours, domain, meshed)
    callers = list(itertools.islice(read.callers(), MOST_CALLERS + 1))
    named = Named(callers[:MOST_CALLERS], [Request(), *requests], (), len(callers) <= MOST_CALLERS)
    return Classes([named], meshed, other, read.elsewhere(), (), tuple(read.addresses()))


def identity(domain: str, namespace: str = OTHER, account: str = OTHER) -> str:
    """Linkerd's identity of a service account, with the control plane in its own namespace."""
    return f"{account}.{namespace}.serviceaccount.identity.linkerd.{domain}"


def _identities(thing: dict) -> Iterable[str]:
    spec = thing.get("spec") or {}
    mesh = (spec.get("client") or {}).get("meshTLS") or {}
    return [*(spec.get("identities") or ()), *(mesh.get("identities") or ())]


class Authentications:
    """Callers that authentications name, each address clear of the narrower networks that others name."""

    def __init__(self, objects: list[dict], domain: str, meshed: Caller):
        self.objects, self.domain, self.strangers = objects, domain, (meshed, Caller(PLAINTEXT, None))
        self.named = {
            (each["kind"].lower(), each["metadata"].get("namespace") or "default", each["metadata"]["name"]): each
            for each in objects
        }
        self.networks = [entry for each in objects for entry in _networks(each)]
        blocks = [block for entry in self.networks for block in _blocks(entry)]
        self.blocks = [found for block in dict.fromkeys(blocks) if (found := block_of(block))]
        self.few = len(self.blocks) <= MOST_BLOCKS

    def elsewhere(self) -> str:
        """An address that only what names all addresses names."""
        narrow = [each for each in self.blocks if each.prefixlen]
        return unlike(PUBLIC, lambda text: any(ipaddress.ip_address(text) in each for each in narrow))

    def addresses(self) -> Iterator[tuple[str, str | None]]:
        """The networks that are authenticated, each with an address of it that none of its exceptions has."""
        for entry in self.networks[:MOST_BLOCKS]:
            yield entry.get("cidr") or "", within(entry.get("cidr") or "", (), _exceptions(entry))

    def callers(self) -> Iterator[Caller]:
        for one in self.strangers:
            yield Caller(f"{one.name} in the cluster's networks", one.identity, CLUSTER)
        for each in self.objects:
            here = each["metadata"].get("namespace") or "default"
            found = list(self._identified(each, here))
            yield from found
            if each["kind"] == "NetworkAuthentication":
                yield from self._from(_networks(each), self.strangers)
            elif each["kind"] == "ServerAuthorization":
                yield from self._from(_networks(each), (*found, *self.strangers))
            elif each["kind"] == "AuthorizationPolicy":
                yield from self._required(each, here, found)

    def _identified(self, thing: dict, here: str) -> Iterator[Caller]:
        """Callers that an object names by their identity alone."""
        spec = thing.get("spec") or {}
        if thing["kind"] == "MeshTLSAuthentication":
            yield from map(_by_identity, spec.get("identities") or ())
            yield from (_by_reference(one, here, self.domain) for one in spec.get("identityRefs") or ())
        elif thing["kind"] == "ServerAuthorization":
            mesh = (spec.get("client") or {}).get("meshTLS") or {}
            yield from map(_by_identity, mesh.get("identities") or ())
            accounts = [{"kind": "ServiceAccount", **one} for one in mesh.get("serviceAccounts") or ()]
            yield from (_by_reference(one, here, self.domain) for one in accounts)
        elif thing["kind"] == "AuthorizationPolicy":
            for one in spec.get("requiredAuthenticationRefs") or ():
                if str(one.get("kind")).lower() == "serviceaccount":
                    yield _by_reference(one, here, self.domain)

    def _required(self, policy: dict, here: str, accounts: list[Caller]) -> Iterator[Caller]:
        """Callers whose identity and whose network a policy both asks for."""
        networks, callers = [], list(accounts)
        for one in (policy.get("spec") or {}).get("requiredAuthenticationRefs") or ():
            kind, where = str(one.get("kind")).lower(), one.get("namespace") or here
            thing = self.named.get((kind, where, one.get("name") or ""))
            if thing and kind == "networkauthentication":
                networks += _networks(thing)
            elif thing and kind == "meshtlsauthentication":
                callers += self._identified(thing, where)
        if networks and callers:
            yield from self._from(networks, tuple(callers))

    def _from(self, networks: Iterable[dict], callers: tuple[Caller, ...]) -> Iterator[Caller]:
        for entry in networks:
            for block in _blocks(entry):
                kept_out = _exceptions(entry) if block == entry.get("cidr") else ()
                address = within(block, self.blocks if self.few else (), kept_out)
                for caller in callers if len(callers) <= 64 else callers[-2:]:
                    yield Caller(f"{caller.name} from {block}", caller.identity, address)


def _networks(thing: dict) -> list[dict]:
    spec = thing.get("spec") or {}
    if thing["kind"] == "NetworkAuthentication":
        return spec.get("networks") or []
    return (spec.get("client") or {}).get("networks") or [] if thing["kind"] == "ServerAuthorization" else []


def _blocks(entry: dict) -> list[str]:
    return [entry.get("cidr") or "", *(entry.get("except") or ())]


def _exceptions(entry: dict) -> list[Block]:
    return [found for block in entry.get("except") or () if (found := block_of(block))]


def _by_identity(text: str) -> Caller:
    return Caller(text, filled(text) if text != "*" else identity("cluster.local"))


def _by_reference(found: dict, here: str, domain: str) -> Caller:
    if str(found.get("kind")).lower() == "namespace":
        name = found.get("name") or here
        return Caller(f"namespace {name}", identity(domain, name))
    namespace, name = found.get("namespace") or here, found.get("name") or ""
    return Caller(f"service account {namespace}/{name}", identity(domain, namespace, name))


def _of_route(route: dict) -> Iterator[Request]:
    spec = route.get("spec") or {}
    for host in spec.get("hostnames") or (None,):
        for rule in spec.get("rules") or ():
            for match in rule.get("matches") or ({},) * (host is not None):
                yield _of_match(match, host, route["kind"] == "GRPCRoute")


def _of_match(match: dict, host: str | None, grpc: bool) -> Request:
    path = match.get("path") or {}
    headers = tuple((one["name"].lower(), _value(one)) for one in match.get("headers") or ())
    told = [*(f"with {name}: {text}" for name, text in _said(match.get("headers"))), host and f"of host {host}"]
    host = host and host.replace("*", FILLER)
    if grpc:
        wanted = match.get("method") or {}
        service, method = wanted.get("service") or OTHER, wanted.get("method") or OTHER
        name = " ".join(filter(None, [f"gRPC {service}/{method}", *told]))
        return Request(name, "POST", f"/{service}/{method}", host, headers)
    value = _path(path)
    query = "&".join(f"{quote(one['name'])}={quote(str(one.get('value')))}" for one in match.get("queryParams") or ())
    shown = " ".join(f"?{name}={text}" for name, text in _said(match.get("queryParams")))
    words = [match.get("method"), path.get("value") or "/", shown, *told]
    return Request(
        " ".join(filter(None, words)), match.get("method") or "", f"{value}?{query}" if query else value, host, headers
    )


def _path(path: dict) -> str:
    """A path that a match takes: of a prefix one below it, of a regular expression one that stands for all."""
    value, kind = path.get("value") or "", path.get("type") or "PathPrefix"
    if kind == "RegularExpression":
        return _sample(value)
    return f"{value.rstrip('/')}/{FILLER}" if value and kind == "PathPrefix" else value


def _value(wanted: dict) -> str:
    text = str(wanted.get("value") or "")
    return _sample(text) if wanted.get("type") == "RegularExpression" else text


def _sample(expression: str) -> Sample:
    """What begins as the expression does, as far as that is literal."""
    return Sample(re.match(r"[\w/-]*", expression)[0] + FILLER, expression)


def _said(wanted: Iterable[dict] | None) -> Iterator[tuple[str, str]]:
    return ((one["name"], str(one.get("value") or "")) for one in wanted or ())
