# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What Istio's authorization rules tell apart: whom they name (Istio: Authorization Policy)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from .classes import (
    MESHED,
    METHODS,
    MOST_BLOCKS,
    MOST_PAIRS,
    NAMES,
    OTHER,
    PLAINTEXT,
    Caller,
    Classes,
    Named,
    Request,
    block_of,
    unlike,
    within,
)
from .istio_fields import LOCAL, Clause, Reader, namespaces, paths
from .istio_words import ADDRESSES, IDENTITIES, Source, Words, collected, source_of
from .matching import Texts, group
from .patterns import ANY, Choice, Narrower, Pattern, Steps, common, of_glob, of_text, sample, together
from .requests_istio import Asking, requests_of

Shape = tuple[Pattern, Pattern, Pattern]  # of an identity: its trust domain, namespace and service account
MOST_SHAPES = 8  # ways in which one choice is looked for


class Seen(NamedTuple):
    """What holds for all rules: the mesh's trust domain, a name that nothing names, what is narrower than what."""

    domain: str
    other: str
    domains: tuple[str, ...]
    narrower: Callable[[str, int, int], bool]
    blocks: list
    asking: Asking
    steps: Steps


def classes(objects: Iterable[dict], domain: str) -> Classes:
    """What AuthorizationPolicies name, and who and what they don't."""
    rules = [
        (rule or {}, each["metadata"].get("namespace") or "default")
        for each in objects
        if each["kind"] == "AuthorizationPolicy" and group(each) == "security.istio.io"
        for rule in (each.get("spec") or {}).get("rules") or ()
    ]
    words = collected(rule for rule, _ in rules)
    like, start = Narrower(_patterns(words, domain, "")), len(identity(domain, "", "")) - 4
    plain = [name for name in NAMES if not like(identity(domain, name, name), start, 0)]  # of what names all, no matter
    other = unlike(plain or NAMES, _names_caller(words, domain))
    blocks = [found for text in dict.fromkeys(words["ipBlocks"]) if (found := block_of(text))]
    steps, foreign = Steps(), tuple(dict.fromkeys(_domains(words, domain)))
    narrower = Narrower(_patterns(words, domain, other))
    few = blocks if len(blocks) <= MOST_BLOCKS else []
    seen = Seen(domain, other, (domain, *foreign), narrower, few, Asking(words, steps), steps)
    found = [_of_rule(rule, here, seen) for rule, here in rules]
    return Classes(found, Caller(MESHED, identity(domain, other, other)), _other_request(words), domains=foreign)


def identity(domain: str, namespace: str, account: str) -> str:
    """Istio's identity of a service account: SPIFFE without its scheme."""
    return f"{domain}/ns/{namespace}/sa/{account}"


def within_namespaces(principal: str, namespaces: list[str], domain: str, steps: Steps) -> Caller | None:
    """A caller whom a principal names and who is of one of the namespaces; None where there is none.

    Args:
        principal: as Istio takes it, with a star at its beginning or its end.
        namespaces: with stars anywhere.
        domain: the mesh's trust domain.
        steps: how often the two may be compared; once they are spent nobody is found.
    """
    for shape in _of_principal(principal, domain):
        for text in namespaces:
            for other in _of_namespace(text):
                if not steps.take():
                    return None
                if met := _meet(shape, other):
                    return Caller(principal, sample(_make(met[0], domain, OTHER)))
    return None


def named_by(principal: str, domain: str) -> Caller | None:
    """A caller whom a principal names, wherever it is; None where no service account is."""
    found = (Caller(principal, sample(_make(shape, domain, OTHER))) for shape in _of_principal(principal, domain))
    return next(found, None)


# Who and what is not named


def _domains(words: Words, domain: str) -> Iterator[str]:
    """The trust domains that are named in full, but the mesh's own."""
    named = [text.partition("/")[0] for text in words["principals"] if "/" in text] + words["trustDomains"]
    return (one for one in named if one and "*" not in one and one not in (domain, LOCAL))


def _names_caller(words: Words, domain: str) -> Callable[[str], bool]:
    reader = Reader("", (), lenient=True)
    principals = Texts(text for text in words["principals"] if text != "*")
    spaces = namespaces([text for text in words["namespaces"] if text != "*"], reader)
    accounts = {text.rpartition("/")[2] for text in words["serviceAccounts"]}

    def named(name: str) -> bool:
        found = identity(domain, name, name)
        return principals(found) or spaces(found) or found.rpartition("/")[2] in accounts

    return named


def _other_request(words: Words) -> Request:
    methods = Texts(text for text in words["methods"] if text != "*")
    hosts = Texts(text.lower() for text in words["hosts"] if text != "*")
    found = paths([text for text in words["paths"] if text != "*"], Reader("", (), lenient=True))
    path = unlike([f"/{name}{more}" for more in ("", "/x/y") for name in NAMES], found)
    host = unlike([f"{name}.example:1" for name in NAMES], hosts) if words["hosts"] else None
    return Request("", unlike((*METHODS, OTHER.upper()), methods), path, host)


# What is named


def _patterns(words: Words, domain: str, other: str) -> Iterator[Pattern]:
    """What is named of identities, as patterns of the whole of one in the mesh's own domain."""
    yield from map(of_text, words["principals"])
    for text in words["namespaces"]:
        first, *rest = of_glob(text)
        yield (f"{identity(domain, first, '')[:-4]}{'' if rest else '/'}", "")
        if rest and rest[-1]:
            yield "", f"{rest[-1]}/sa/{other}"
    for text in words["serviceAccounts"]:
        namespace, _, account = text.rpartition("/")
        yield "", f"/{namespace}/sa/{account}" if namespace else f"/sa/{account}"


def _of_principal(text: str, domain: str) -> list[Shape]:
    """The identities that a principal stands for; none where no service account has such a one."""
    if text == "*":
        return [(ANY, ANY, ANY)]
    backwards = text.startswith("*")
    steps, literal = (text[1:] if backwards else text.removesuffix("*")).split("/"), ["", "ns", "", "sa", ""]
    opened = backwards or text.endswith("*")
    if len(steps) > 5 or (not opened and len(steps) < 5):
        return []
    if backwards:
        steps, literal = steps[::-1], literal[::-1]
    found: list[Pattern] = []
    for at, (step, wanted) in enumerate(zip(steps, literal)):
        last = opened and at == len(steps) - 1
        if wanted:
            if step != wanted and not (last and (wanted.endswith(step) if backwards else wanted.startswith(step))):
                return []
        else:
            found.append((("", step) if backwards else (step, "")) if last else (step,))
    found += [ANY] * (3 - len(found))
    own, space, account = found[::-1] if backwards else found
    return [((domain,) if own == (LOCAL,) else own, space, account)]


def _of_namespace(text: str) -> list[Shape]:
    """A namespace's own name; and since istiod looks for the text beyond it, too, what ends as `/sa` does fits all."""
    pattern = of_glob(text)
    found = [(ANY, pattern, ANY)]
    if len(pattern) > 1 and pattern[-1] and "/sa".endswith(pattern[-1]):
        found.append((ANY, (*pattern[:-1], ""), ANY))
    if pattern[-1].endswith("/sa"):
        found.append((ANY, (*pattern[:-1], pattern[-1][:-3]), ANY))
    return found


def _choice(field: str, text: str, domain: str, here: str) -> Choice:
    if field == "principals":
        return Choice(text, _of_principal(text, domain))
    if field == "namespaces":
        return Choice(f"namespace {text}", _of_namespace(text))
    if field == "trustDomains":
        return Choice(f"trust domain {text}", [(of_text(text), ANY, ANY)])
    namespace, slash, account = text.rpartition("/")
    return Choice(f"service account {text}", [(ANY, (namespace if slash else here,), (account,))])


def _lists(source: Source, domain: str, here: str) -> list[list[Choice]]:
    return [
        [_choice(field, text, domain, here) for text in texts]
        for field in IDENTITIES
        for texts in source.wanted.get(field, ())
        if texts
    ]


def _meet(one: Shape, other: Shape) -> list[Shape]:
    met = [common(a, b) for a, b in zip(one, other)]
    return [(a, b, c) for a in met[0] for b in met[1] for c in met[2]][:MOST_SHAPES]


def _make(shape: Shape, domain: str, other: str) -> Callable[[str], str]:
    own, namespace, account = shape

    def made(filler: str) -> str:
        return identity(
            domain if own == ANY else filler.join(own),
            other if namespace == ANY else filler.join(namespace),
            other if account == ANY else filler.join(account),
        )

    return made


def _told(parts: tuple[str, ...]) -> str:
    """How those are told that are all of these: of the first, in the namespace that comes after it."""
    first, *rest = parts
    inside = not first.startswith("namespace ")
    return first + "".join(f" {'in' if inside and one.startswith('namespace ') else 'and'} {one}" for one in rest)


def _of_rule(rule: dict, here: str, seen: Seen) -> Named:
    spent = seen.steps.spent
    reader = Reader(here, seen.domains, lenient=True)
    conditions = rule.get("when") or ()
    clauses = [clause for each in conditions for clause in reader.condition(each)]
    callers, blocks = [], []
    sources = [(item or {}).get("source") or {} for item in rule.get("from") or ()] or [{}]
    for each in sources:
        source = source_of(each, conditions)
        own = [one for one in (*reader.source(each), *clauses) if one.fact == "identity"]
        identities = list(dict.fromkeys(_identified(source, own, here, seen)))
        callers += (Caller(name, who) for name, who in identities)
        for block, address in _addresses(source, seen):
            blocks.append((block, address))
            pairs = len(identities) * len(source.texts(ADDRESSES)) <= MOST_PAIRS
            callers += (
                Caller(f"{name} from {block}", who, address) for name, who in identities[: None if pairs else 1]
            )
    requests, sure = requests_of(rule, reader, clauses, seen.asking)
    return Named(callers, requests, tuple(blocks), sure and not (seen.steps.spent and not spent))


def _identified(source: Source, clauses: list[Clause], here: str, seen: Seen) -> Iterator[tuple[str, str | None]]:
    """Callers that one source names: by each text alone, and by one of each list where it has several."""
    lists = _lists(source, seen.domain, here)
    plain = len(lists) == 1 and not any(map(source.unwanted.get, IDENTITIES))

    def accepts(found: str) -> bool:
        return all(clause.matches({"identity": found}) is True for clause in clauses)

    for choice in (one for each in lists for one in each):
        for shape in choice.patterns[:1]:
            found = None if plain or len(lists) > 1 else _accepted(shape, seen, accepts)
            yield choice.told, found or sample(_make(shape, seen.domain, seen.other), seen.narrower) or ""
    for field in IDENTITIES:
        for text in (text for each in source.unwanted.get(field, ()) for text in each):
            choice = _choice(field, text, seen.domain, here)
            for shape in choice.patterns[:1]:
                yield choice.told, sample(_make(shape, seen.domain, seen.other), seen.narrower) or ""
    for told, shapes in together(lists, _meet, seen.steps) if len(lists) > 1 else ():
        if found := next(filter(None, (_accepted(shape, seen, accepts) for shape in shapes)), None):
            yield _told(told), found
    if not lists:
        yield MESHED, identity(seen.domain, seen.other, seen.other)
        yield PLAINTEXT, None


def _accepted(shape: Shape, seen: Seen, accepts: Callable[[str], bool]) -> str | None:
    """An identity of a shape that a source takes, whatever it leaves open; None where there is none."""
    found = sample(_make(shape, seen.domain, seen.other), seen.narrower, accepts)
    for name in NAMES if found is None and ANY in shape[1:] else ():
        if found is None and seen.steps.take():
            found = sample(_make(shape, seen.domain, name), None, accepts)
    return found


def _addresses(source: Source, seen: Seen) -> Iterator[tuple[str, str | None]]:
    """Each block that a source names, with an address of it that the source takes, where there is one."""
    wanted, without = (
        source.texts(ADDRESSES, wanted=True),
        list(filter(None, map(block_of, source.kept_out(ADDRESSES)))),
    )
    lists = [[found for text in texts if (found := block_of(text))] for texts in source.lists(ADDRESSES)]
    for text in dict.fromkeys(wanted):
        inside = block_of(text)
        for blocks in lists if len(lists) > 1 and inside else ():
            meets = (one if one.prefixlen > inside.prefixlen else inside for one in blocks if one.overlaps(inside))
            inside = next(meets, None)
            if inside is None:
                break
        yield text, within(str(inside) if inside else text, seen.blocks, without)
    for text in dict.fromkeys(source.kept_out(ADDRESSES)):
        yield text, within(text, seen.blocks)
