# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What Istio's authorization rules tell apart (Istio: Authorization Policy)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .classes import (
    FILLER,
    MESHED,
    METHODS,
    MOST_PAIRS,
    NAMES,
    OTHER,
    PLAINTEXT,
    Caller,
    Classes,
    Named,
    Request,
    filled,
    mixed,
    phrase,
    unlike,
    within,
)
from .istio_fields import Reader, namespaces, paths
from .matching import Texts, group

SOURCE_KEYS = {
    "source.principal": "principals",
    "source.namespace": "namespaces",
    "source.serviceAccount": "serviceAccounts",
    "source.trustDomain": "trustDomains",
    "source.ip": "ipBlocks",
    "remote.ip": "ipBlocks",
}


def classes(objects: Iterable[dict], domain: str) -> Classes:
    """What AuthorizationPolicies name, and who and what they don't."""
    rules = [
        (rule or {}, each["metadata"].get("namespace") or "default")
        for each in objects
        if each["kind"] == "AuthorizationPolicy" and group(each) == "security.istio.io"
        for rule in (each.get("spec") or {}).get("rules") or ()
    ]
    words: dict[str, list[str]] = {}
    for rule, _ in rules:
        _collect(rule, words)
    names_caller = _names_caller(words)
    other = unlike(NAMES, lambda name: names_caller(identity(domain, name, name)))
    found = [_of_rule(rule, domain, here, other) for rule, here in rules]
    return Classes(found, Caller(MESHED, identity(domain, other, other)), _other_request(words))


def identity(domain: str, namespace: str, account: str) -> str:
    """Istio's identity of a service account: SPIFFE without its scheme."""
    return f"{domain}/ns/{namespace}/sa/{account}"


def callers_of(principals: Iterable[str], namespaces: list[str], domain: str) -> Iterator[Caller]:
    """The callers that principals name within these namespaces."""
    for name, (own, namespace, account) in _of_principals(principals, namespaces, domain):
        yield Caller(name, identity(own or domain, namespace or OTHER, account or OTHER))


# Who and what is not named


def _collect(rule: dict, words: dict[str, list[str]]) -> None:
    """The texts of a rule by the field that they are for, negatives as well."""
    for kind, inner in (("from", "source"), ("to", "operation")):
        for item in rule.get(kind) or ():
            for field, texts in ((item or {}).get(inner) or {}).items():
                name = field[3].lower() + field[4:] if field.startswith("not") and len(field) > 3 else field
                words.setdefault(name, []).extend(texts or ())
    for condition in rule.get("when") or ():
        field = SOURCE_KEYS.get(condition.get("key") or "", "")
        for key in ("values", "notValues"):
            words.setdefault(field, []).extend(condition.get(key) or ())


def _names_caller(words: dict[str, list[str]]):
    reader = Reader("", (), lenient=True)
    principals = Texts(text for text in words.get("principals", ()) if text != "*")
    spaces = namespaces([text for text in words.get("namespaces", ()) if text != "*"], reader)
    accounts = {text.rpartition("/")[2] for text in words.get("serviceAccounts", ())}

    def named(found: str) -> bool:
        return principals(found) or spaces(found) or found.rpartition("/")[2] in accounts

    return named


def _other_request(words: dict[str, list[str]]) -> Request:
    methods = Texts(text for text in words.get("methods", ()) if text != "*")
    hosts = Texts(text.lower() for text in words.get("hosts", ()) if text != "*")
    found = paths([text for text in words.get("paths", ()) if text != "*"], Reader("", (), lenient=True))
    path = unlike([f"/{name}{more}" for more in ("", "/x/y") for name in NAMES], found)
    host = unlike([f"{name}.example:1" for name in NAMES], hosts) if words.get("hosts") else None
    return Request("", unlike((*METHODS, OTHER.upper()), methods), path, host)


# What is named


def _of_principals(principals: Iterable[str], namespaces: list[str], domain: str) -> Iterator[tuple[str, tuple]]:
    for text in principals:
        parts = _parts(text, domain)
        if parts[1] is None and namespaces:
            yield from ((f"{text} in namespace {one}", (parts[0], filled(one), parts[2])) for one in namespaces)
        else:
            yield text, parts


def _of_rule(rule: dict, domain: str, here: str, other: str) -> Named:
    conditions = rule.get("when") or ()
    about_source, headers = {}, []
    for condition in conditions:
        key, values = (
            condition.get("key") or "",
            [*(condition.get("values") or ()), *(condition.get("notValues") or ())],
        )
        field = SOURCE_KEYS.get(key)
        if field:
            about_source[field] = [*about_source.get(field, ()), *values]
        header = re.fullmatch(r"request\.headers\[(.+)\]", key)
        sent: list = [(header[1].lower(), value) for value in values] if header else []
        headers += [sent if condition.get("values") else [None, *sent]] if header else []
    sources = [(item or {}).get("source") or {} for item in rule.get("from") or ()] or [{}]
    callers = [one for source in sources for one in _of_source(source, about_source, domain, here, other)]
    operations = [(item or {}).get("operation") or {} for item in rule.get("to") or ()] or [{}]
    sent = [tuple(filter(None, each)) for each in mixed(*headers)] if headers else []
    return Named(callers, [one for operation in operations for one in _of_operation(operation, sent)])


def _texts(source: dict, field: str, more: dict) -> list[str]:
    negative = f"not{field[0].upper()}{field[1:]}"
    return [*(source.get(field) or ()), *(source.get(negative) or ()), *more.get(field, ())]


def _of_source(source: dict, more: dict, domain: str, here: str, other: str) -> Iterator[Caller]:
    """Callers that one source names: by each field alone, and where principals leave a namespace open, in each of those."""
    principals, namespaces = _texts(source, "principals", more), _texts(source, "namespaces", more)
    found = list(_of_principals(principals, namespaces, domain))
    found += [(f"namespace {text}", (None, filled(text), None)) for text in namespaces]
    for text in _texts(source, "serviceAccounts", more):
        namespace, slash, account = text.rpartition("/")
        found.append((f"service account {text}", (None, namespace if slash else here, account)))
    for text in _texts(source, "trustDomains", more):
        found.append((f"trust domain {text}", (filled(text) if text != "*" else None, None, None)))
    identities = [(name, identity(td or domain, ns or other, sa or other)) for name, (td, ns, sa) in found]
    blocks = [*_texts(source, "ipBlocks", more), *_texts(source, "remoteIpBlocks", more)]
    positive = any(source.get(field) for field in ("principals", "namespaces", "serviceAccounts", "trustDomains"))
    if not positive:
        identities += [(MESHED, identity(domain, other, other)), (PLAINTEXT, None)]
    yield from (Caller(name, who) for name, who in identities)
    for block in blocks:
        for name, who in identities if len(identities) * len(blocks) <= MOST_PAIRS else identities[:1]:
            yield Caller(f"{name} from {block}", who, within(block))


def _parts(principal: str, domain: str) -> tuple[str | None, str | None, str | None]:
    """Trust domain, namespace and service account of a principal, None where a * leaves them open."""
    if principal.startswith("*") and len(principal) > 1:
        account, _, namespace = (part or None for part in [*principal[1:].split("/")[::-1], "", "", ""][:3])
        return None, namespace, FILLER + account if account and "/" not in principal else account
    pieces = [*principal.removesuffix("*").split("/"), "", "", "", "", ""]
    td, ns, sa = pieces[0], pieces[2], pieces[4]
    if not principal.endswith("*"):
        return td or None, ns or None, sa or None
    depth = principal.count("/")
    return (
        (td + FILLER if depth == 0 and td else td) or None,
        (ns + FILLER if depth == 2 and ns else ns) or None,
        (sa + FILLER if depth == 4 and sa else sa) or None,
    )


def _of_operation(operation: dict, sent: list[tuple[tuple[str, str], ...]]) -> Iterator[Request]:
    """Requests that an operation names, each with headers that conditions ask for."""
    methods, paths, hosts = (
        [None] * (not operation.get(field)) + _texts(operation, field, {}) for field in ("methods", "paths", "hosts")
    )
    for method, path, host, headers in mixed(methods, paths, hosts, sent):
        told = [method, path, host and f"of host {host}", *(f"with {name}: {text}" for name, text in headers or ())]
        yield Request(
            phrase(*told),
            method.replace("*", "GET") if method else "",
            path_of(path) if path else "",
            filled(host) if host else None,
            tuple((name, filled(text)) for name, text in headers or ()),
        )


def path_of(pattern: str) -> str:
    """A path that a pattern or a template matches."""
    path = filled(pattern.replace("{**}", f"{FILLER}/{FILLER}").replace("{*}", FILLER))
    return path if path.startswith("/") else f"/{path}"
