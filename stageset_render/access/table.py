# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Who may call which port of a pod: a row for each class of callers that is treated unlike the others."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from . import classes_istio, classes_linkerd, istio, judge, linkerd
from .classes import CLUSTER, OTHER, PLAINTEXT, Caller, Named, Request, filled
from .matching import Decision, Unknown

TOKEN = Unknown("a token may decide it, where a RequestAuthentication verifies one")
SNI = Unknown("the call's server name may decide it, which for a Service begins with outbound_")
GRPC = Request("", "POST", f"/{OTHER}/{OTHER}")
MOST_ADDRESSES = 4096  # from which a caller whose address is not told is asked about
MOST_CALLS = 100_000  # of one port; with more, a caller is asked about on what is named with it alone


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
        classes = (classes_linkerd if engine == "linkerd" else classes_istio).classes(objects, trust_domain)
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
        self.foreign = bool(domains)

    @functools.cached_property
    def _without_aliases(self) -> istio.Judge | linkerd.Judge:
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
        others = {caller: self.row(port, caller, self.requests) for caller in (self.meshed, self.plaintext)}
        callers = self._callers(others)
        few = len(callers) * len(self.requests) <= MOST_CALLS
        special = [one for one in self.requests if any(one.name in sum(row.answer[1:], ()) for row in others.values())]
        for caller, requests in callers.items():
            row = self.row(port, caller, self.requests if few else [*dict.fromkeys([*requests, *special])])
            other = others[self.plaintext if caller.identity is None else self.meshed]
            if row.answer != other.answer:
                yield row
        found = [self.office(port, name, request) for name, request in port.office]
        yield from found[:1] if len({row.allowed for row in found}) == 1 else found
        yield from others.values()

    def office(self, port: Port, name: str, request: Request) -> Row:
        """The row of who calls by its office, from an address that is not known."""
        caller = Caller(name, None)
        decision = self.promised(port, caller, request)
        return Row(port.name, port.number, caller, decision.allowed, decision.because)

    def _callers(self, others: Iterable[Caller]) -> dict[Caller, list[Request]]:
        """The callers that are named, each with the requests that are named with it."""
        found: dict[Caller, list[Request]] = {}
        for one in self.named:
            for caller, request in one.calls():
                if caller not in others:
                    found.setdefault(caller, []).extend([request] * bool(request.name))
        return found

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
