# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Istio's authorization rules found by the port that is called and by the caller whom they name in full."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .istio_call import Facts
from .istio_fields import SPIFFE, Reader, candidates, own_domains
from .matching import Match, either, every

CALLER = ("identity", "ip", "port")  # what is told of a caller before any request
MOST_CALLERS = 4096  # of whom it is remembered which rules they may match
FEW = 16  # rules that are looked through one after another
WEIGHT = 8  # of a rule that names its callers by patterns, beside one that is found by them


class Rule(NamedTuple):
    """One rule.

    Attributes:
        name: how it is told.
        http: what it matches of HTTP.
        tcp: what it matches of TCP.
        parts: its clauses: those of each operation, of each source, and of all conditions.
        sources: what it says of callers, as it is written.
        reader: what reads it.
    """

    name: str
    http: Callable[[Facts], Match]
    tcp: Callable[[Facts], Match]
    parts: tuple = ()
    sources: list[dict] = []
    reader: Reader | None = None


def matches(parts: Iterable[list[list]]) -> Callable[[Facts], Match]:
    """One operation, one source, every condition; an absent list matches."""
    return every(either(every(clause.matches for clause in one) for one in part) for part in parts if part)


def concerns(rule: Rule, facts: Iterable[str] = CALLER) -> Callable[[Facts], Match]:
    """Whether a rule may match, as far as some facts tell."""
    return matches([[[clause for clause in one if clause.fact in facts] for one in part] for part in rule.parts])


class Index:
    """The rules of one action."""

    def __init__(self, rules: list[Rule]):
        self.rules = rules
        self.few = list(enumerate(rules)) if len(rules) <= FEW else []
        self.ports: dict[int, AtPort] = {}

    def near(self, facts: Facts) -> list[tuple[int, Rule]]:
        """The rules, with their numbers, that a call of this caller at this port may match."""
        if self.few or not self.rules:
            return self.few
        return self.at_port(facts).near(facts)

    def weight(self, facts: Facts) -> int:
        """How much it costs to find them."""
        return len(self.few) if self.few or not self.rules else 1 + WEIGHT * len(self.at_port(facts).open)

    def at_port(self, facts: Facts) -> AtPort:
        port = facts["port"]
        if port not in self.ports:
            found = [
                (number, each)
                for number, each in enumerate(self.rules)
                if concerns(each, ("port",))(facts) is not False
            ]
            self.ports[port] = AtPort(found)
        return self.ports[port]


class AtPort:
    """The rules that may match calls of one port, by whom they name in full, and those that name others."""

    def __init__(self, rules: list[tuple[int, Rule]]):
        self.named, self.open, self.known = defaultdict(list), [], {}
        for number, rule in rules:
            found, tested = in_full(rule), (number, rule, concerns(rule))
            for key in found or ():
                self.named[key].append(tested)
            if found is None:
                self.open.append(tested)

    def near(self, facts: Facts) -> list[tuple[int, Rule]]:
        key = facts["identity"], facts["ip"]
        if key not in self.known:
            if len(self.known) > MOST_CALLERS:
                self.known.clear()
            tested = {number: (rule, test) for number, rule, test in self.open}
            for name in names(facts["identity"]):
                tested.update((number, (rule, test)) for number, rule, test in self.named.get(name, ()))
            self.known[key] = [
                (number, tested[number][0]) for number in sorted(tested) if tested[number][1](facts) is not False
            ]
        return self.known[key]


def in_full(rule: Rule) -> set[tuple[str, str]] | None:
    """Whom a rule names without a star, by the field; None where a source of it names others."""
    found: set[tuple[str, str]] = set()
    for source in rule.sources:
        fields = (one for one in ("principals", "serviceAccounts", "namespaces") if source.get(one))
        field = next((one for one in fields if not any("*" in text for text in source[one])), None)
        if field is None or rule.reader is None:
            return None
        texts = source[field]
        if field == "principals":
            texts = [each for text in texts for each in own_domains(text, rule.reader.domains)]
        if field == "serviceAccounts":
            texts = [text if "/" in text else f"{rule.reader.namespace}/{text}" for text in texts]
        found.update((field, text) for text in texts)
    return found or None


def names(identity: str | None) -> Iterator[tuple[str, str]]:
    """What a rule may name a caller by, in full."""
    if identity is None:
        return
    yield "principals", identity
    for text in candidates(SPIFFE + identity):
        yield "namespaces", text
    parts = identity.split("/", 4)
    if parts[1::2] == ["ns", "sa"]:
        yield "serviceAccounts", f"{parts[2]}/{parts[4]}"
