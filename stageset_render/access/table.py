# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Who may call which port of a pod: a row for each class of callers that is treated unlike the others."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from . import judge
from .classes import CLUSTER, OTHER, PLAINTEXT, Caller, Named, Request, filled
from .matching import Decision, Unknown

TOKEN = Unknown("a token may decide it, where a RequestAuthentication verifies one")
SNI = Unknown("the call's server name may decide it, which for a Service begins with outbound_")
GRPC = Request("", "POST", f"/{OTHER}/{OTHER}")
MOST_ADDRESSES = 2048  # from which a caller whose address is not told is asked about
WEIGHT = 10  # of a call of which it isn't told which rules it is held against
MOST_WORK = 400_000  # rules that calls are held against for one table; what is more is left out


class Port(NamedTuple):
    """A port to ask about: its name, its number, what is spoken, and who calls it without an identity by its office."""

    name: str
    number: int
    protocol: str = "http"
    office: tuple[tuple[str, Request], ...] = ()


class Row(NamedTuple):
    """Whether a class of callers gets in.

    Attributes:
        allowed: None where it can't be told.
        only: the requests on which alone they get in; empty for all.
        but: those on which they don't.
        perhaps: those on which it can't be told.
        because: the object and the rule that say so.
    """

    port: str
    number: int
    caller: Caller
    allowed: bool | None
    because: str
    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()

    @property
    def answer(self) -> tuple:
        """Whether they get in, and on what."""
        return self.allowed, self.only, self.but, self.perhaps


class Work:
    """How many rules calls may still be held against, and whether what is more was left out."""

    def __init__(self, left: int = MOST_WORK):
        self.left, self.cut = left, False

    def share(self, wanted: int, weight: int) -> int:
        """How many of the calls that are wanted may be asked about, each of a weight."""
        most = max(self.left // weight, 0)
        self.left = self.left - weight * wanted if wanted <= most else 0
        self.cut = self.cut or most < wanted
        return most


class Asked:
    """The objects read once, for calls of all classes that they tell apart.

    Args:
        objects: Kubernetes objects, each with a namespace.
        pod: as `judge` takes it.
        engine: `istio` or `linkerd`.
        trust_domain: the mesh's; others that callers are named with are thought to be aliases of it.
        default_policy: the cluster's default inbound policy of Linkerd.
        relay: the identity of a waypoint, with which calls of meshed callers may arrive instead of with their own.
    """

    def __init__(
        self,
        objects: list[dict],
        pod: dict,
        *,
        engine: str,
        trust_domain: str = "cluster.local",
        default_policy: str = "all-unauthenticated",
        relay: str | None = None,
    ):
        if engine == "linkerd":
            from . import classes_linkerd as dialect  # of the meshes only the one that is asked about is read
        else:
            from . import classes_istio as dialect
        classes = dialect.classes(objects, trust_domain)
        self.named: list[Named] = classes.named
        self.meshed, self.plaintext, self.other = classes.meshed, Caller(PLAINTEXT, None), classes.other
        self.elsewhere, self.blocks = classes.elsewhere, classes.blocks
        self.requests = list(dict.fromkeys(request for one in self.named for request in one.requests if request.name))
        self.addresses = dict.fromkeys([CLUSTER, self.elsewhere])
        self.addresses |= {one.ip: None for each in self.named for one in each.callers if one.ip}
        domains = {} if engine == "linkerd" else dict.fromkeys(_domains(self.named))
        domains.pop(trust_domain, None)
        self.engine, self.domain, self.relay = engine, trust_domain, relay
        self.aliases = [one for one in classes.domains if one in domains]
        self._options = {"engine": engine, "trust_domain": trust_domain, "default_policy": default_policy}
        self._read = objects, pod
        self.judge = judge(objects, pod, aliases=tuple(domains), **self._options)
        self.foreign, self.work = bool(domains), Work()
        self.work.cut = not all(one.whole for one in self.named)

    @functools.cached_property
    def _without_aliases(self):
        return judge(*self._read, **self._options)

    def call(self, port: Port, caller: Caller, request: Request) -> dict:
        """What is asked about."""
        call = {"port": port.number, "protocol": port.protocol, **caller.facts}
        if self.engine == "istio":
            call["token"] = TOKEN
            call["sni"] = SNI if caller.identity is not None else None
        if port.protocol != "http":
            return call
        grpc = self.engine == "linkerd" and self.judge.protocol(port.number) == "gRPC"
        return {**call, **request.beside(GRPC if grpc else self.other).facts}

    def identity_like(self, text: str) -> str:
        """An identity that a text of Linkerd stands for."""
        return filled(text) if text != "*" else self.meshed.identity or ""

    def ask(self, port: Port, caller: Caller, request: Request = Request()) -> Decision:  # noqa: B008
        """Whether a caller gets in on a request, for a row: who calls from an address that is named has one of their own."""
        return self._ask(port, caller, request, (CLUSTER, self.elsewhere))

    def promised(self, port: Port, caller: Caller, request: Request) -> Decision:
        """The same from wherever a caller may call, and whatever other names the mesh's trust domain has."""
        found = self._ask(port, caller, request, self.addresses)
        if self.foreign and caller.identity is not None:
            alone = self._ask(port, caller, request, self.addresses, self._without_aliases)
            if alone.allowed is not found.allowed:
                names = ", ".join(self.aliases) or "what the principals name"
                return Decision(None, f"depends on whether the mesh's trustDomainAliases name {names}")
        return found

    def _ask(self, port: Port, caller: Caller, request: Request, addresses: Collection[str], other=None) -> Decision:
        call = self.call(port, caller, request)
        decision = self._decide(call, other)
        if decision.allowed is not None or caller.ip is not None or len(addresses) > MOST_ADDRESSES:
            return decision
        first = None
        for ip in addresses:
            found = self._decide({**call, "ip": ip}, other)
            first = first or found
            if found.allowed is not first.allowed:
                return decision
        return first or decision

    def _decide(self, call: dict, other=None) -> Decision:
        found = (other or self.judge).decide(call)
        if self.relay is None or call["identity"] in (None, self.relay):
            return found
        passed_on = (other or self.judge).decide({**call, "identity": self.relay})
        if passed_on.allowed is found.allowed:
            return found
        return Decision(None, f"a call that the waypoint passes on has the waypoint's identity: {passed_on.because}")

    def rows(self, port: Port) -> Iterator[Row]:
        """The rows of a port: named callers that get in otherwise than those that nobody names, and those."""
        others = {one: self.row(port, one, self.of(port, one, self.work)) for one in (self.meshed, self.plaintext)}
        for caller in dict.fromkeys(one for each in self.named for one in each.callers):
            if caller not in others and self.work.share(1, 1):
                row = self.row(port, caller, self.of(port, caller, self.work))
                other = others[self.plaintext if caller.identity is None else self.meshed]
                if row.answer != other.answer:
                    yield row
        found = [self.office(port, name, request) for name, request in port.office]
        yield from found[:1] if len({row.allowed for row in found}) == 1 else found
        yield from others.values()

    def of(self, port: Port, caller: Caller, work: Work) -> list[Request]:
        """The requests that anything tells apart of a caller's at a port, as far as the work that is left allows."""
        numbers, cost = self._concerned(port, caller)
        weight = WEIGHT + len(numbers or ())
        work.share(1, weight + cost)
        if port.protocol != "http":
            return []
        found = self.requests
        if numbers is not None and len(numbers) < len(self.named):
            found = list(dict.fromkeys(one for number in numbers for one in self.named[number].requests if one.name))
        return found[: work.share(len(found), weight)]

    def _concerned(self, port: Port, caller: Caller) -> tuple[list[int] | None, int]:
        """The numbers of the rules, among what is named, that may match calls of a caller; None where that is not told.

        And what it costs to find them.
        """
        if self.engine == "linkerd" or self.relay is not None or self.judge.count() != len(self.named):
            return None, 0
        return self.judge.concerned(self.call(port, caller, Request()))

    def office(self, port: Port, name: str, request: Request) -> Row:
        """The row of who calls by its office, from an address that is not known."""
        caller = Caller(name, None)
        decision = self.promised(port, caller, request)
        return Row(port.name, port.number, caller, decision.allowed, decision.because)

    def row(self, port: Port, caller: Caller, requests: list[Request]) -> Row:
        """What becomes of a caller's calls on a port."""
        usual = self.ask(port, caller)
        found: dict[bool | None, dict[str, Decision]] = {True: {}, False: {}, None: {}}
        for request in requests if port.protocol == "http" else ():
            decision = self.ask(port, caller, request)
            found[decision.allowed].setdefault(request.name, decision)
        only, but, perhaps = (tuple(found[answer]) for answer in (True, False, None))
        if usual.allowed is True:
            return Row(port.name, port.number, caller, True, usual.because, but=but, perhaps=perhaps)
        if usual.allowed is None:
            return Row(port.name, port.number, caller, None, usual.because, but=but)
        first = next(iter((found[True] or found[None] or {"": usual}).values()))
        return Row(port.name, port.number, caller, first.allowed, first.because, only, perhaps=perhaps)


def _domains(found: Iterable[Named]) -> Iterator[str]:
    for one in found:
        for caller in one.callers:
            if caller.identity is not None:
                yield caller.identity.partition("/")[0]
