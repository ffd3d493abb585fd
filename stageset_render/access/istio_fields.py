# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The fields of an Istio authorization rule: which fact of the call each looks at, and how it compares.

Sources: Istio's references Authorization Policy (Source, Operation) and Authorization Policy Conditions, and Envoy's
RBAC filter with its matchers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .istio_paths import Paths
from .matching import Match, Networks, Texts, Unknown
from .patterns import Globs

SPIFFE = "spiffe://"
LOCAL = "cluster.local"  # in a principal this stands for the mesh's own trust domain, whatever its name is
PLAIN = {"identity", "ip", "port", "destination ip"}  # what ztunnel looks at (Istio: layer 4 policy, policy attributes)


class Clause(NamedTuple):
    """One field with its negative, as one of the wanted and none of the unwanted values."""

    fact: str
    http: bool
    wanted: Callable[[Any], bool] | None
    unwanted: Callable[[Any], bool] | None

    def matches(self, facts: dict[str, Any]) -> Match:
        """What the call lacks (None) is none of the values; of what isn't told the match is unknown."""
        fact = facts[self.fact]
        if fact is None:
            return self.wanted is None
        if isinstance(fact, Unknown):
            return fact
        return (self.wanted is None or self.wanted(fact)) and not (self.unwanted is not None and self.unwanted(fact))


class Field(NamedTuple):
    """Which fact a field looks at, whether only HTTP has it, and what makes a test of its values.

    The last takes the values and the Reader; it raises ValueError for a value that Istio can't translate.
    """

    fact: str
    http: bool
    test: Callable[[list[str], Reader], Callable[[Any], bool]]


class Reader:
    """Reads the fields of one policy's rules for a sidecar or, where `plain`, for ztunnel, which knows fewer of them.

    `broken` is set when a value can't be translated.
    """

    def __init__(self, namespace: str, domains: tuple[str, ...], lenient: bool, plain: bool = False):
        self.namespace, self.domains, self.lenient, self.broken = namespace, domains, lenient, False
        self.plain = plain

    def source(self, fields: dict) -> list[Clause]:
        return self.clauses(SOURCE, fields)

    def operation(self, fields: dict) -> list[Clause]:
        return self.clauses(OPERATION, fields)

    def clauses(self, table: dict[str, Field], fields: dict) -> list[Clause]:
        found = ((field, fields.get(name), fields.get(negative(name))) for name, field in table.items())
        return [clause for field, values, others in found for clause in self.clause(field, values, others)]

    def condition(self, condition: dict) -> list[Clause]:
        field = condition_field(condition.get("key") or "")
        return self.clause(field, condition.get("values"), condition.get("notValues"))

    def clause(self, field: Field, values: list[str] | None, others: list[str] | None) -> list[Clause]:
        """None for lists that are empty, which limit nothing."""
        wanted, unwanted = self.test(field, values), self.test(field, others)
        http = field.http or self.plain and field.fact not in PLAIN
        return [Clause(field.fact, http, wanted, unwanted)] if wanted or unwanted else []

    def test(self, field: Field, values: list[str] | None) -> Callable[[Any], bool] | None:
        if not values:
            return None
        try:
            return field.test(values, self)
        except ValueError:
            if not self.lenient:
                self.broken = True
                return None
        # A DENY or CUSTOM policy loses the bad value alone, and so matches more.
        good = [each for each in values if translatable(field, each, self)]
        return field.test(good, self) if good else None


def translatable(field: Field, value: str, reader: Reader) -> bool:
    try:
        field.test([value], reader)
    except ValueError:
        return False
    return True


def negative(name: str) -> str:
    return "not" + name[0].upper() + name[1:]


def texts(values: list[str], reader: Reader) -> Callable[[str], bool]:
    return Texts(values)


def headers(values: list[str], reader: Reader) -> Callable[[str], bool]:
    """Of a header `*` is any value, the empty one too."""
    return (lambda value: True) if "*" in values else Texts(values)


def principals(values: list[str], reader: Reader) -> Callable[[str], bool]:
    return Texts(one for each in values for one in own_domains(each, reader.domains))


def own_domains(principal: str, domains: tuple[str, ...]) -> Iterable[str]:
    """Istio, trust domain migration: a principal of the mesh's trust domain, or of an alias, counts for all of them."""
    domain, *rest = principal.split("/")
    if len(rest) != 4 or (domain != LOCAL and not any(alike(domain, each) for each in domains)):
        return [principal]
    # A trust domain that a suffix (`*x`) covers is left to it.
    return [principal if suffix_of(domain, each) else "/".join((each, *rest)) for each in domains]


def alike(domain: str, other: str) -> bool:
    prefix = domain.endswith("*") and other.startswith(domain[:-1])
    return domain == other or prefix or suffix_of(domain, other)


def suffix_of(pattern: str, text: str) -> bool:
    return pattern.startswith("*") and text.endswith(pattern[1:])


def namespaces(values: list[str], reader: Reader) -> Callable[[str], bool]:
    """istiod makes `.*/ns/VALUE/.*` of a namespace, `*` being any text, for the whole identity.

    So a value may match beyond the namespace: `*a` finds the account `sa/a` too, and `sa` the account of /ns/ns/sa/x.
    """
    found = Globs(values)
    return lambda identity: any(map(found, candidates(SPIFFE + identity)))


def candidates(identity: str) -> Iterable[str]:
    """Every text that stands between a `/ns/` and a later slash."""
    start = identity.find("/ns/")
    while start >= 0:
        end = identity.find("/", start + 4)
        while end >= 0:
            yield identity[start + 4 : end]
            end = identity.find("/", end + 1)
        start = identity.find("/ns/", start + 1)


def service_accounts(values: list[str], reader: Reader) -> Callable[[str], bool]:
    """`namespace/name`, or a name in the policy's own namespace; no wildcards."""
    accounts = {tuple((each if "/" in each else f"{reader.namespace}/{each}").split("/", 1)) for each in values}
    return lambda identity: (parts := identity.split("/", 4))[1::2] == ["ns", "sa"] and tuple(parts[2::2]) in accounts


def trust_domains(values: list[str], reader: Reader) -> Callable[[str], bool]:
    found = Texts(values)
    return lambda identity: found(identity.partition("/")[0])


def networks(values: list[str], reader: Reader) -> Callable[[str], bool]:
    return Networks.of(values)


def ports(values: list[str], reader: Reader) -> Callable[[int], bool]:
    """Decimal numbers, leading zeros and all."""
    if not all(re.fullmatch("[0-9]+", each) and int(each) <= 65535 for each in map(str, values)):
        raise ValueError(f"no port among {values}")
    return set(map(int, values)).__contains__


def hosts(values: list[str], reader: Reader) -> Callable[[str], bool]:
    """Without regard to case, with the port that the call names."""
    found = headers([each.lower() for each in values], reader)
    return lambda host: found(host.lower())


def paths(values: list[str], reader: Reader) -> Callable[[str], bool]:
    return Paths(values)


PRINCIPAL = Field("identity", False, principals)
NAMESPACE = Field("identity", False, namespaces)
ACCOUNT = Field("identity", False, service_accounts)
SOURCE_IP = Field("ip", False, networks)
REMOTE_IP = Field("remote ip", False, networks)
PORT = Field("port", False, ports)
TOKEN = Field("token", True, texts)
SOURCE = {
    "principals": PRINCIPAL,
    "namespaces": NAMESPACE,
    "serviceAccounts": ACCOUNT,
    "trustDomains": Field("identity", False, trust_domains),
    "requestPrincipals": TOKEN,
    "ipBlocks": SOURCE_IP,
    "remoteIpBlocks": REMOTE_IP,
}
OPERATION = {
    "hosts": Field("host", True, hosts),
    "ports": PORT,
    "methods": Field("method", True, headers),
    "paths": Field("path", True, paths),
}
CONDITIONS = {
    "source.principal": PRINCIPAL,
    "source.namespace": NAMESPACE,
    "source.serviceAccount": ACCOUNT,
    "source.ip": SOURCE_IP,
    "remote.ip": REMOTE_IP,
    "destination.ip": Field("destination ip", False, networks),
    "destination.port": PORT,
    "connection.sni": Field("sni", False, texts),
    "request.auth.principal": TOKEN,
    "request.auth.audiences": TOKEN,
    "request.auth.presenter": TOKEN,
}


def condition_field(key: str) -> Field:
    header = re.fullmatch(r"request\.headers\[(.+)\]", key)
    if header:
        return Field(f"header {header[1].lower()}", True, headers)
    if re.fullmatch(r"request\.auth\.claims(\[.+\])+", key):
        return TOKEN
    return CONDITIONS.get(key) or Field(f"unknown {key}", False, texts)
