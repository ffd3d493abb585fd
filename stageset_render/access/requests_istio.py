# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What requests Istio's authorization rules tell apart (Istio: Authorization Policy, and its Conditions)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address
from typing import NamedTuple

from .classes import METHODS, PUBLIC, Block, Request, block_of, mixed, phrase, unlike, within
from .istio_call import path_fact
from .istio_fields import Clause, Reader
from .istio_paths import is_template, parts
from .istio_words import PSEUDO, Source, Words, header_of, read, source_of
from .patterns import ANY, FILLERS, LONGER, Choice, Narrower, Pattern, Steps, common, of_text, sample, together

FORWARDED = "x-forwarded-for"  # whose last address a sidecar takes for the remote one
FACTS = {  # of a field, what its clauses look at
    "methods": ("method", "header :method"),
    "paths": ("path", "header :path"),
    "hosts": ("host", "header host", "header :authority"),
}
UPPER = tuple(dict.fromkeys(("GET", "OTHER", *(one.upper() for one in FILLERS))))


class Asking:
    """What holds for the requests of all rules: what is narrower than what, and how much may still be compared."""

    def __init__(self, words: Words, steps: Steps):
        self.words, self.steps, self.found = words, steps, {}

    def narrower(self, field: str) -> Narrower:
        if field not in self.found:
            self.found[field] = Narrower(one for text in self.words[field] for one in patterns(field, text)[:1])
        return self.found[field]


class Part(NamedTuple):
    """One part of a request, such as its path: how it is told, and what it says."""

    told: str
    said: str


def requests_of(rule: dict, reader: Reader, clauses: list[Clause], asking: Asking) -> tuple[list[Request], bool]:
    """The requests that a rule names, each operation's with the headers of the conditions; and whether that is all."""
    conditions, sure = rule.get("when") or (), True
    sent = [tuple(filter(None, each)) for each in mixed(*_headers(rule, clauses, asking))]
    operations = [(item or {}).get("operation") or {} for item in rule.get("to") or ()] or [{}]
    found = []
    for each in operations:
        fields = read(each, conditions, FACTS)
        own = [*reader.operation(each), *clauses]
        named = {}
        for field in FACTS:
            named[field], certain = _parts(field, fields, own, asking)
            sure = sure and certain
        for method, path, host, headers in mixed(*named.values(), sent):
            told = [one.told if one else None for one in (method, path)] + [f"of host {host.told}" if host else None]
            found.append(
                Request(
                    phrase(*told, *(f"with {name}: {one.told}" for name, one in headers or ())),
                    method.said if method else "",
                    path.said if path else "",
                    host.said if host else None,
                    tuple((name, one.said) for name, one in headers or ()),
                )
            )
    return found, sure


def patterns(field: str, text: str) -> list[Pattern]:
    """What a text of a field stands for. A template of a path is one with stars, of which not all fit (`{*}` has no /)."""
    if field == "paths" and is_template(text):
        return [parts(text)]
    return [of_text(text.lower() if field == "hosts" else text)]


def _parts(field: str, fields: Source, clauses: list[Clause], asking: Asking) -> tuple[list[Part | None], bool]:
    """What a rule tells apart of one part, None for one that nothing names; and whether that is all."""
    wanted, unwanted = fields.wanted.get(field, []), [text for each in fields.unwanted.get(field, ()) for text in each]
    queries = field == "paths" and any(clause.fact == "header :path" for clause in clauses)

    def choice(text: str) -> Choice:
        found = patterns(field, text)
        if queries and "?" not in text and found != [ANY]:
            found = [*found, (*found[0][:-1], f"{found[0][-1]}?", "")]  # as the path is before its query
        return Choice(text, found)

    def accepts(said: str) -> bool:
        facts = _facts(field, said)
        return all(clause.matches(facts) is True for clause in clauses if clause.fact in facts)

    narrower, fillers = asking.narrower(field), (*FILLERS, *LONGER) if field == "paths" else FILLERS
    lists = [list(map(choice, each)) for each in wanted]
    plain = len(lists) == 1 and not unwanted
    found = list(_filled(field, lists, narrower, None if plain else accepts, fillers, asking.steps))
    sure = bool(found) or not lists or not any("{*" in text or text != text.lower() for each in wanted for text in each)
    for text in unwanted:
        one = choice(text)
        met = _filled(field, [[one], *lists], narrower, None, fillers, asking.steps) if lists else ()
        found += [*met, *(Part(one.told, each) for each in _said(field, one.patterns[:1], narrower, None, fillers))]
    told: dict[str, Part] = {}
    for one in found:
        told.setdefault(one.said, one)
    return [*([] if lists else [None]), *told.values()], sure


def _filled(
    field: str,
    lists: list[list[Choice]],
    narrower: Narrower,
    accepts: Callable[[str], bool] | None,
    fillers: tuple[str, ...],
    steps: Steps,
) -> Iterator[Part]:
    """A part for every choice of one text of each list; one that is kept out stands for a text of a list alone."""
    for told, met in together(lists, common, steps):
        said = next(_said(field, met, narrower, accepts, fillers), None)
        if said is None and len(lists) == 1:
            said = next(_said(field, met, narrower, None, fillers), None)
        if said is not None:
            yield Part(" and ".join(told), said)


def _said(field: str, found: Iterable[Pattern], narrower: Narrower, accepts, fillers) -> Iterator[str]:
    for pattern in found:
        if field == "methods" and len(pattern) > 1:
            usual = next(
                (one for one in METHODS if of_method(pattern, one) and (accepts is None or accepts(one))), None
            )
            if usual is not None:
                yield usual
                continue

        def make(filler: str, pattern: Pattern = pattern) -> str:
            said = filler.join(pattern)
            return said if field != "paths" or said.startswith("/") else f"/{said}"

        said = sample(make, narrower, accepts, UPPER if field == "methods" else fillers)
        if said is not None:
            yield said


def of_method(pattern: Pattern, method: str) -> bool:
    return method.startswith(pattern[0]) and method.endswith(pattern[-1])


def _facts(field: str, said: str) -> dict[str, object]:
    if field == "paths":
        return {"path": path_fact(said), "header :path": said}
    return dict.fromkeys(FACTS.get(field) or (f"header {field}",), said)


def _headers(rule: dict, clauses: list[Clause], asking: Asking) -> Iterator[list[tuple[str, Part] | None]]:
    """The headers that conditions look at, each with what is sent of it, None where it may be left out."""
    wanted: dict[str, Source] = {}
    for each in rule.get("when") or ():
        header = header_of(each.get("key") or "")
        if header and header not in PSEUDO:
            found = wanted.setdefault(header, Source({}, {}))
            for lists, texts in ((found.wanted, each.get("values")), (found.unwanted, each.get("notValues"))):
                if texts:
                    lists.setdefault(header, []).append(texts)
    for header, found in wanted.items():
        yield [one and (header, one) for one in _parts(header, found, clauses, asking)[0]]
    if FORWARDED not in wanted and (forwarded := list(_forwarded(rule))):
        yield [None, *((FORWARDED, one) for one in forwarded)]


def _forwarded(rule: dict) -> Iterator[Part]:
    """What a caller may claim to be forwarded for, where a rule looks at the remote address."""
    for item in rule.get("from") or ({},):
        source = source_of((item or {}).get("source") or {}, rule.get("when") or ())
        wanted, unwanted = source.lists(["remoteIpBlocks"]), source.kept_out(["remoteIpBlocks"])
        without = [found for text in unwanted if (found := block_of(text))]
        for text in (text for texts in wanted for text in texts):
            if address := within(text, (), without):
                yield Part(text, address)
        if unwanted and not wanted:
            yield Part("another address", _outside(without))
        for text in unwanted:
            if address := within(text):
                yield Part(text, address)


def _outside(blocks: list[Block]) -> str:
    return unlike(PUBLIC, lambda text: any(ip_address(text) in each for each in blocks))
