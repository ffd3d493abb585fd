# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What the meshes and the network policies share: truth that may be unknown, sets of texts and networks, selectors.

Every set is indexed once, so that a look-up costs the same however long the list in the object is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NamedTuple


class Decision(NamedTuple):
    """Whether a call gets in, None when that can't be told offline, and the object and rule that say so."""

    allowed: bool | None
    because: str


class Unknown(str):
    """Why a match can't be told. The third truth value beside True and False; compare with `is`, it has no truth."""

    def __bool__(self):
        raise TypeError(f"neither true nor false: {self}")


Match = bool | Unknown


class Sample(str):
    """A text that stands for all those that a regular expression matches."""

    def __new__(cls, text: str, expression: str):
        found = super().__new__(cls, text)
        found.expression = expression
        return found


def all_of(matches: Iterable[Match]) -> Match:
    """False if one is, whatever is unknown beside it; else the first unknown; else True."""
    unknown = None
    for match in matches:
        if match is False:
            return False
        if match is not True and unknown is None:
            unknown = match
    return True if unknown is None else unknown


def any_of(matches: Iterable[Match]) -> Match:
    """True if one is, whatever is unknown beside it; else the first unknown; else False."""
    unknown = None
    for match in matches:
        if match is True:
            return True
        if match is not False and unknown is None:
            unknown = match
    return False if unknown is None else unknown


def negation(match: Match) -> Match:
    return not match if isinstance(match, bool) else match


def every(tests: Iterable[Callable[[Any], Match]]) -> Callable[[Any], Match]:
    """All of the tests of one thing, in their order and no further than the first that fails; of none, True."""
    return joined(tuple(tests), False)


def either(tests: Iterable[Callable[[Any], Match]]) -> Callable[[Any], Match]:
    """Any of the tests of one thing, in their order and no further than the first that passes; of none, False."""
    return joined(tuple(tests), True)


def joined(tests: tuple[Callable[[Any], Match], ...], deciding: bool) -> Callable[[Any], Match]:
    def test_all(thing: Any) -> Match:
        unknown = None
        for test in tests:
            match = test(thing)
            if match is deciding:
                return deciding
            if unknown is None and isinstance(match, Unknown):
                unknown = match
        return not deciding if unknown is None else unknown

    return tests[0] if len(tests) == 1 else test_all


def always(match: Match) -> Callable[[Any], Match]:
    return lambda thing: match


class Texts:
    """Which texts are among the values: a text itself, a prefix (`x*`), a suffix (`*x`); `*` is any but the empty."""

    def __init__(self, values: Iterable[str]):
        self.anything, self.exact = False, set()
        self.prefixes, self.suffixes = defaultdict(set), defaultdict(set)
        for value in values:
            if value == "*":
                self.anything = True
            elif value.startswith("*"):
                self.suffixes[len(value) - 1].add(value[1:])
            elif value.endswith("*"):
                self.prefixes[len(value) - 1].add(value[:-1])
            else:
                self.exact.add(value)

    def __call__(self, text: str) -> bool:
        if text in self.exact or (self.anything and text != ""):
            return True
        for length, found in self.prefixes.items():
            if text[:length] in found:
                return True
        return bool(self.suffixes) and any(text[-length:] in found for length, found in self.suffixes.items())


def in_order(parts: list[str], text: str) -> bool:
    """Whether the parts stand in the text one after another."""
    start = 0
    for part in parts:
        found = text.find(part, start)
        if found < 0:
            return False
        start = found + len(part)
    return True


@lru_cache(maxsize=1024)
def address(text: str) -> tuple[int, int]:
    """IP version and number. An IPv4 address inside IPv6 counts as IPv4, as a dual-stack socket shows it.

    Raises ValueError for what is no address.
    """
    found = ip_address(text)
    found = getattr(found, "ipv4_mapped", None) or found
    return found.version, int(found)


def network(text: str) -> tuple[int, int, int]:
    """IP version, how many bits don't count, and the number without them. An address is a network of its own.

    Raises ValueError for what is no network in CIDR notation.
    """
    base, slash, length = text.partition("/")
    found = ip_address(base)
    bits = found.max_prefixlen - int(length) if length.isdecimal() and length.isascii() else -1 if slash else 0
    if not 0 <= bits <= found.max_prefixlen:
        raise ValueError(f"no network: {text!r}")
    return found.version, bits, int(found) >> bits


class Networks:
    """Which addresses are in one of the networks (CIDR, or a single address) and in none of its exceptions.

    Takes pairs of a network and its exceptions; raises ValueError for what is neither.
    """

    def __init__(self, networks: Iterable[tuple[str, Iterable[str]]]):
        self.found = {4: {}, 6: {}}  # by version and by the bits that don't count
        for cidr, exceptions in networks:
            version, bits, number = network(cidr)
            inside = Networks.of(exceptions) if exceptions else None
            self.found[version].setdefault(bits, {}).setdefault(number, []).append(inside)

    @classmethod
    def of(cls, cidrs: Iterable[str]) -> Networks:
        return cls((each, ()) for each in cidrs)

    @property
    def everywhere(self) -> bool:
        """Whether every address of both versions is in one of them."""
        return all(None in self.found[version].get(bits, {}).get(0, ()) for version, bits in ((4, 32), (6, 128)))

    def __call__(self, ip: str) -> bool:
        version, number = address(ip)
        for bits, networks in self.found[version].items():
            for exceptions in networks.get(number >> bits, ()):
                if exceptions is None or not exceptions(ip):
                    return True
        return False


class Partial(dict):
    """Labels that aren't all told: of every other one it is unknown whether it is there; `why` says so."""

    def __init__(self, labels: dict, why: str):
        super().__init__(labels)
        self.why = why


def label(labels: dict, key: str) -> str | Unknown | None:
    found = labels.get(key)
    return Unknown(labels.why) if found is None and isinstance(labels, Partial) else found


def expression_holds(expression: dict, labels: dict) -> Match:
    """Kubernetes, labels and selectors, resources that support set-based requirements."""
    operator, value = expression.get("operator"), label(labels, expression.get("key"))
    if isinstance(value, Unknown):
        return value
    if operator == "In":
        return value in (expression.get("values") or ())
    if operator == "NotIn":
        return value not in (expression.get("values") or ())
    if operator in ("Exists", "DoesNotExist"):
        return (value is not None) is (operator == "Exists")
    return Unknown(f"the operator {operator!r} of a selector is not known")


def selects(selector: dict | None, labels: dict, holds: Callable[[dict, dict], Match] = expression_holds) -> Match:
    """Kubernetes, label selectors: every matchLabels entry and every expression; an empty selector takes all."""
    selector, told = selector or {}, True
    whole = not isinstance(labels, Partial)
    for key, value in (selector.get("matchLabels") or {}).items():
        found = labels.get(key) if whole else label(labels, key)
        if isinstance(found, Unknown):
            told = found
        elif found != value:
            return False
    expressions = selector.get("matchExpressions")
    return all_of((told, *(holds(each, labels) for each in expressions))) if expressions else told


def group(thing: dict) -> str:
    """The API group of an object: `security.istio.io` of `security.istio.io/v1`, empty for the core group."""
    return thing.get("apiVersion", "").rpartition("/")[0]


def known(test: Callable[[str], bool] | None, fact: str | Unknown | None) -> Match:
    """Whether the fact passes the test. One that the call lacks (None) passes none; an unknown one stays unknown."""
    if fact is None or isinstance(fact, Unknown):
        return False if fact is None else fact
    return test(fact)


def some(names: list[str], joint: str = "or") -> str:
    """The names in a sentence, of many the first three."""
    return f" {joint} ".join(names[:3]) + (f" {joint} {len(names) - 3} more" if len(names) > 3 else "")
