# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Who and what objects tell apart: callers and requests, one of each class, and how those are called.

A policy can only decide by what it names. So one caller that fits each text it names, one that fits none, and one
request that fits each path, method, host and header it names, show all that it decides. `classes_istio` and
`classes_linkerd` read what is named.
"""

from __future__ import annotations

import ipaddress
import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .patterns import FILLER

OTHER = "any-other"  # a name that nobody is thought to have
# What may stand for all that is not named; the first that nothing named is about is taken.
NAMES = (OTHER, *(f"{first}-other-{last}" for first in "zqxjkv079" for last in "qzw58"))
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "QUERY")
MESHED, PLAINTEXT = "any other meshed", "plaintext"
CLUSTER, ELSEWHERE = "10.255.254.253", "203.0.113.253"  # addresses of a cluster's networks, and of nobody's
PUBLIC = (ELSEWHERE, "198.51.100.7", "192.0.2.9", "8.8.4.4", "130.57.1.9", "77.1.2.9", "217.1.2.9", "2001:db8::9")
MOST_PAIRS = 64  # of one source's callers with its addresses; of more, each address with the first of the callers
MOST_CALLERS = 8192  # that Linkerd's objects name
MOST_BLOCKS = 256  # beside which narrower ones are looked for
MOST_MIXED = 64  # methods, paths, hosts and headers of one operation, each with each


class Caller(NamedTuple):
    """A class of callers: how it is told, and what the call of one of them says."""

    name: str
    identity: str | None
    ip: str | None = None

    @property
    def facts(self) -> dict:
        return {"identity": self.identity, "ip": self.ip}


class Request(NamedTuple):
    """A class of requests: how it is told, and what one of them says; what is left out is as in those that nothing names."""

    name: str = ""
    method: str = ""
    path: str = ""
    host: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def beside(self, other: Request) -> Request:
        """The whole request, with what it leaves out as in another."""
        path = other.path + self.path if self.path[:1] in ("", "?") else self.path
        return self._replace(method=self.method or other.method, path=path, host=self.host or other.host)

    @property
    def facts(self) -> dict:
        told = {"method": self.method, "path": self.path, "headers": dict(self.headers)}
        return told if self.host is None else {**told, "host": self.host}


def phrase(*parts: str | None) -> str:
    """How a request is told of which these parts are known, as in `gets in on ...`; empty for any."""
    told = " ".join(filter(None, parts))
    return f"requests {told}" if told.startswith(("of ", "with ")) else told


class Named(NamedTuple):
    """What one rule, or one route, names: callers, requests, and so the calls that it may decide.

    Attributes:
        blocks: of addresses, each with one of them that the rule takes.
        whole: whether nothing was left out because it is too much.
    """

    callers: list[Caller]
    requests: list[Request]
    blocks: tuple[tuple[str, str | None], ...] = ()
    whole: bool = True


class Classes(NamedTuple):
    """All that the objects of one mesh tell apart.

    Attributes:
        named: what each rule or route names.
        meshed: a meshed caller that nothing names.
        other: a request that nothing names.
        elsewhere: an address that nothing names but what names all.
        domains: trust domains that are named beside the mesh's own.
        blocks: of addresses that stand for themselves, each with one of them that is taken.
    """

    named: list[Named]
    meshed: Caller
    other: Request
    elsewhere: str = ELSEWHERE
    domains: tuple[str, ...] = ()
    blocks: tuple[tuple[str, str | None], ...] = ()


def unlike(candidates: Iterable[Any], about: Callable[[Any], bool]) -> Any:
    """The first candidate that nothing named is about; the first of all where there is none."""
    first, *others = candidates
    return next((one for one in (first, *others) if not about(one)), first)


def mixed(*parts: list) -> Iterator[tuple]:
    """Each of every part with each of the others; of many, each once, beside the first of the parts that are shorter."""
    parts = [part or [None] for part in parts]
    size = 1
    for part in parts:
        size *= len(part)
    if size <= MOST_MIXED:
        yield from itertools.product(*parts)
        return
    first = [part[0] for part in parts]
    for row in itertools.zip_longest(*parts):
        yield tuple(one or other for one, other in zip(row, first))


def filled(pattern: str) -> str:
    """A text that a pattern with * matches."""
    return pattern.replace("*", FILLER)


Block = ipaddress.IPv4Network | ipaddress.IPv6Network


def within(block: str, others: Iterable[Block] = (), without: Iterable[Block] = ()) -> str | None:
    """An address of a block that is in none of those kept out of it and, where there is one, in none of the narrower ones.

    Args:
        block: in CIDR notation, or an address.
        others: of which the narrower ones are better left out.
        without: which are kept out. Where they leave nothing, any address of the block.

    Returns:
        None for what is no block.
    """
    whole = block_of(block)
    if whole is None:
        return None
    start, last = int(whole.network_address), whole.num_addresses - 1
    apart = _ranges(each for each in without if each.version == whole.version and each.overlaps(whole))
    inner = _ranges(
        each for each in others if each.version == whole.version and each != whole and each.subnet_of(whole)
    )
    tried = [min(9, last), *(last * part // 8 for part in range(1, 9))]
    ends = (end - start for first, final in (*inner, *apart) for end in (first - 1, final + 1))
    inside = [start + number for number in (*tried, *ends) if 0 <= number <= last]
    taken = [number for number in inside if not _among(apart, number)] or inside[:1]
    return str(type(whole.network_address)(unlike(taken, lambda number: _among(inner, number))))


def _ranges(blocks: Iterable[Block]) -> list[tuple[int, int]]:
    """The ranges of blocks, in their order, those that touch as one."""
    found: list[tuple[int, int]] = []
    for first, final in sorted((int(each[0]), int(each[-1])) for each in blocks):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(final, found[-1][1])
        else:
            found.append((first, final))
    return found


def _among(ranges: list[tuple[int, int]], number: int) -> bool:
    at = bisect_right(ranges, (number, 1 << 129)) - 1
    return at >= 0 and number <= ranges[at][1]


def block_of(text: str) -> Block | None:
    """A block, or an address as one; None for what is none."""
    try:
        return ipaddress.ip_network(str(text), strict=False)
    except ValueError:
        return None
