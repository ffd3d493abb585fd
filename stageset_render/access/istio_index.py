# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Istio's authorization rules found by the port that is called and by the caller whom they name in full."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .istio_call import Facts
from .istio_fields import SPIFFE, Reader, candidates, own_domains
from .matching import Match, always, any_of, either, every

CALLER = ("identity", "ip", "port")  # what is told of a caller before any request
MOST_CALLERS = 4096  # of whom it is remembered which rules they may match
FEW = 16  # rules that are looked through one after another
WEIGHT = 4  # of a rule that is looked at, beside one that matches


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


def matches(parts: tuple, sources: list[dict], reader: Reader) -> Callable[[Facts], Match]:
    """One operation, one source, every condition; an absent list matches.

    Args:
        parts: the clauses of each operation, of each source, and of all conditions.
        sources: what the second of them are read from.
        reader: what has read them.
    """
    operations, callers, conditions = ([every(clause.matches for clause in one) for one in part] for part in parts)
    tests = [either(each) for each in (operations, conditions) if each]
    if len(callers) > FEW:
        tests.insert(1 if operations else 0, by_name(callers, sources, reader))
    elif callers:
        tests.insert(1 if operations else 0, either(callers))
    return every(tests)


def by_name(tests: list[Callable[[Facts], Match]], sources: list[dict], reader: Reader) -> Callable[[Facts], Match]:
    """Any of the sources, those that name callers in full found by whom they name."""
    named, unnamed = defaultdict(list), []
    for number, (test, source) in enumerate(zip(tests, sources)):
        found = in_full(source, reader)
        for key in found or ():
            named[key].append((number, test))
        if found is None:
            unnamed.append((number, test))

    def matches_any(facts: Facts) -> Match:
        found = dict(unnamed)
        for name in names(facts["identity"]):
            found.update(named.get(name, ()))
        return any_of(found[number](facts) for number in sorted(found))

    return matches_any


def concerns(rule: Rule, facts: Iterable[str] = CALLER) -> Callable[[Facts], Match]:
    """Whether a rule may match, as far as some facts tell."""
    if rule.reader is None:
        return always(False)
    parts = tuple([[clause for clause in one if clause.fact in facts] for one in part] for part in rule.parts)
    return matches(parts, rule.sources if "identity" in facts else [{}] * len(rule.sources), rule.reader)


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
        return len(self.few) if self.few or not self.rules else self.at_port(facts).weight(facts)

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
            found = [in_full(each, rule.reader) for each in rule.sources] if rule.reader else []
            tested = number, rule, concerns(rule)
            if not found or None in found:
                self.open.append(tested)
                continue
            for key in set().union(*found):
                self.named[key].append(tested)

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

    def weight(self, facts: Facts) -> int:
        """How many rules are looked at for a caller, each as much as it costs."""
        named = sum(len(self.named[name]) for name in names(facts["identity"]) if name in self.named)
        return 1 + WEIGHT * (len(self.open) + named)


def in_full(source: dict, reader: Reader) -> set[tuple[str, str]] | None:
    """Whom a source names without a star, by the field; None where it names others."""
    fields = (one for one in ("principals", "serviceAccounts", "namespaces") if source.get(one))
    field = next((one for one in fields if not any("*" in text for text in source[one])), None)
    if field is None:
        return None
    texts = source[field]
    if field == "principals":
        texts = [each for text in texts for each in own_domains(text, reader.domains)]
    if field == "serviceAccounts":
        texts = [text if "/" in text else f"{reader.namespace}/{text}" for text in texts]
    return {(field, text) for text in texts}


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
