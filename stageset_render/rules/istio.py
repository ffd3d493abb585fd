# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Istio's callers and rules: what matches no request, or another one than it says.

Where a text would let in the very caller that is to be kept out (notPrincipals, notValues), values.schema.json refuses
it; here are the texts that only admit nobody, and what they are about together.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from stageset_render.findings import ERROR, WARNING
from stageset_render.pack import mesh
from stageset_render.pack.facts import ports
from stageset_render.rules import rule
from stageset_render.rules.ports import USED

POLICY = "https://istio.io/latest/docs/reference/config/security/authorization-policy/"
CONDITIONS = "https://istio.io/latest/docs/reference/config/security/conditions/"
CALLERS = [f"serviceMesh.{port}.from" for port in ("gate", "metrics", "mcp")]
RULES = "serviceMesh.istio.rules"
KEYS = {  # of a source or an operation, the key that a condition has for it
    "principals": "source.principal",
    "requestPrincipals": "request.auth.principal",
    "namespaces": "source.namespace",
    "serviceAccounts": "source.serviceAccount",
    "trustDomains": "source.trustDomain",
    "ipBlocks": "source.ip",
    "remoteIpBlocks": "remote.ip",
    "hosts": "host",
    "ports": "destination.port",
    "methods": "method",
    "paths": "path",
}
NEGATIVES = {f"not{field[0].upper()}{field[1:]}": field for field in KEYS}
IDENTITY = ("principals", "namespaces", "serviceAccounts", "trustDomains")


class Texts(NamedTuple):
    """A list of texts in a source, an operation or a condition.

    Attributes:
        path: where it is.
        key: what the texts are compared with, as a condition has it.
        texts: the list.
        without: what is to be kept out of it, in the list beside it; of a negative list, what it is kept out of.
        negative: whether it says what is kept out.
    """

    path: tuple
    key: str
    texts: list
    beside: list | None
    negative: bool


def _of(path: tuple, fields: dict) -> Iterator[Texts]:
    for field, texts in fields.items():
        positive = NEGATIVES.get(field, field)
        if positive in KEYS and isinstance(texts, list):
            other = positive if field in NEGATIVES else f"not{field[0].upper()}{field[1:]}"
            yield Texts((*path, field), KEYS[positive], texts, fields.get(other), field in NEGATIVES)


def rules(release) -> Iterator[tuple[tuple, dict]]:
    """The added rules, each with its path."""
    for index, one in enumerate(release.items(RULES)):
        yield (RULES, index), one


def entries(release) -> Iterator[tuple[tuple, dict]]:
    """The callers that the values list, entry by entry."""
    for path in CALLERS:
        for index, entry in enumerate(release.items(path)):
            yield (path, index), entry


def sources(release) -> Iterator[tuple[tuple, dict, dict]]:
    """The sources of the added rules, each with its rule."""
    for path, one in rules(release):
        for index, item in enumerate(one.get("from") or ()):
            yield (*path, "from", index, "source"), item.get("source") or {}, one


def texts(release) -> list[Texts]:
    """Every list of texts that Istio compares."""
    found = [one for path, entry in entries(release) for one in _of(path, entry)]
    found += [one for path, source, _ in sources(release) for one in _of(path, source)]
    for path, one in rules(release):
        for index, item in enumerate(one.get("to") or ()):
            found += _of((*path, "to", index, "operation"), item.get("operation") or {})
        for index, when in enumerate(one.get("when") or ()):
            for field, other in (("values", "notValues"), ("notValues", "values")):
                if when.get(field):
                    negative = field == "notValues"
                    where = (*path, "when", index, field)
                    found.append(Texts(where, when.get("key") or "", when[field], when.get(other), negative))
    return found


@rule(ERROR, POLICY)
def istio_too_many_rules(release):
    """More rules than Istio takes, the policy's own among them.

    istiod refuses the whole policy."""
    own = len(release.fact(ports)) - ("webhook" in release.fact(ports))  # health and webhook share one
    added = len(release.items(RULES))
    if added and added + own > mesh.MOST_RULES:
        yield (
            RULES,
            f"has {added} entries beside the policy's own {own}, and Istio takes {mesh.MOST_RULES} in all",
            "merge some",
        )


@rule(WARNING, POLICY)
def istio_list_empty(release):
    """An empty list where callers or requests are restricted.

    Istio takes it for none, so it restricts nothing."""
    found = [(path, entry, ("principals", "namespaces")) for path, entry in entries(release)]
    found += [(path, one, ("from", "to", "when")) for path, one in rules(release)]
    for path, holder, fields in found:
        for field in fields:
            null = field in holder and holder[field] is None and field in ("principals", "namespaces")
            if null or holder.get(field) is not None and not holder[field]:
                message = "an empty list counts as none in Istio, so it restricts nothing"
                yield (*path, field), message, "fill it, or leave it out"


@rule(WARNING, POLICY + "#Source")
def istio_host_without_port(release):
    """Hosts of a Service without a port.

    A call inside the cluster names the port beside the host, unless that is 80, so these match none of its calls."""
    numbers = release.fact(ports)
    hosts = [one for one in release.fact(texts) if one.key == "host" and 80 not in numbers.values()]
    for one in hosts:
        of_service = [text for text in one.texts if re.fullmatch(r"[^.:]+|.*\.svc(\..*)?", text.strip("*"))]
        if of_service and not any(":" in text or text.endswith("*") for text in one.texts):
            gate = f'"{of_service[0]}:{numbers.get("gate", release.at("ports.gate"))}"'
            yield (
                one.path,
                "a call to a Service names its port beside the host, unless that is 80, and these match hosts without one "
                "alone",
                f"list {gate} as well, for the gate",
            )


@rule(WARNING, POLICY + "#Operation")
def istio_port_foreign(release):
    """A port that the pod does not have.

    Istio compares the pod's own ports, not those of its Services, so no call to the controller has it."""
    known = {str(release.at(f"ports.{name}")) for name in ("health", "webhook", "gate", "metrics", "mcp")}
    for one in release.fact(texts):
        for index, port in enumerate(one.texts) if one.key == "destination.port" else ():
            if port.lstrip("0") not in known and not _taken(release, port):
                yield (
                    (*one.path, index),
                    f'"{port}" is none of the pod\'s ports, so no call to the controller has it',
                    "write the number of a port as under ports, not that of a Service",
                )


def _taken(release, port):
    """The proxy that takes a port for itself, if one does."""
    proxy, taken = mesh.taken(release)
    return proxy if port.isdecimal() and int(port) in taken else None


@rule(WARNING, USED)
def istio_port_of_the_proxy(release):
    """A port that Istio's proxy takes in the pod.

    Its calls end at the proxy, so the rule neither admits nor keeps out any to the controller."""
    for one in release.fact(texts):
        for index, port in enumerate(one.texts) if one.key == "destination.port" else ():
            if proxy := _taken(release, port):
                yield (
                    (*one.path, index),
                    f"is a port of Istio's {proxy}, so its calls never reach the pod",
                    "choose another",
                )


@rule(WARNING, POLICY)
def istio_exception_covers_all(release):
    """What is kept out is all that could match.

    The rule, or the entry, admits nobody."""
    for one in release.fact(texts):
        if not one.negative:
            continue
        out = set(one.texts)
        everything = "*" in out and one.path[-1] in ("notHosts", "notMethods", "notPaths")  # every request has these
        if one.beside and ("*" in out or out.issuperset(one.beside)) or not one.beside and everything:
            yield one.path, "keeps out everything that could match, so nothing does", "list only what to keep out"


@rule(WARNING, CONDITIONS)
def istio_tokenless(release):
    """Only the tokens that are kept out are named.

    A request without a token is none of them and is admitted."""
    message = "a request without a token is none of these and is admitted", "list what a token must hold as well"
    for path, one in rules(release):
        conditions = [(index, when, when.get("key") or "") for index, when in enumerate(one.get("when") or ())]
        tokens = [(index, when) for index, when, key in conditions if key.startswith("request.auth.")]
        if any(when.get("values") or "*" in (when.get("notValues") or ()) for _, when in tokens):
            continue  # which a token must have
        found = [(index, item.get("source") or {}) for index, item in enumerate(one.get("from") or ())]
        open_to_all = not found or any(not source.get("requestPrincipals") for _, source in found)
        for index, source in found:
            out = source.get("notRequestPrincipals")
            if out and not source.get("requestPrincipals") and "*" not in out:
                yield (*path, "from", index, "source", "notRequestPrincipals"), *message
        for index, _ in tokens if open_to_all else ():
            yield (*path, "when", index), *message


@rule(WARNING, POLICY + "#Source")
def istio_address_claimed(release):
    """A remote address alone says who calls.

    It is what X-Forwarded-For says, and any caller inside the mesh can send that header."""
    identities = [KEYS[field] for field in (*IDENTITY, "requestPrincipals", "ipBlocks")]
    for path, one in rules(release):
        conditions = [(index, when) for index, when in enumerate(one.get("when") or ()) if when.get("values")]
        if any(when.get("key") in identities or "auth.claims" in (when.get("key") or "") for _, when in conditions):
            continue
        found = [(index, item.get("source") or {}) for index, item in enumerate(one.get("from") or ())]
        unknown = [
            (index, source)
            for index, source in found
            if not any(source.get(field) for field in (*IDENTITY, "requestPrincipals", "ipBlocks"))
        ]
        claimed = [
            (*path, "from", index, "source", "remoteIpBlocks") for index, one in unknown if one.get("remoteIpBlocks")
        ]
        if unknown or not found:
            claimed += [(*path, "when", index) for index, when in conditions if when.get("key") == "remote.ip"]
        for where in claimed:
            yield (
                where,
                "is the address that X-Forwarded-For claims, which any caller can send",
                "name the caller's identity as well, or its own address under ipBlocks",
            )
