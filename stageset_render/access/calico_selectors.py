# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Calico's selector expressions, such as `app == 'x' && has(tier)`. Source: Calico's reference, selectors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .matching import Match, Unknown, either, every, known, label, negation

Selector = Callable[[Any], Match]  # of labels
TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>'[^']*'|"[^"]*")
    | (?P<call>(?:has|all|global)(?=\s*\())
    | (?P<word>(?:not\s+in|starts\s+with|ends\s+with|contains|in)(?=\s*[{'"]))
    | (?P<sign>&&|\|\||==|!=|[!(){},])
    | (?P<label>[A-Za-z0-9_./-]+)
    )""",
    re.VERBOSE,
)
WORDS = {
    "==": str.__eq__,
    "contains": str.__contains__,
    "starts with": str.startswith,
    "ends with": str.endswith,
}


def parse(expression: str) -> Selector:
    """An expression that can't be read leaves every match unknown; an empty one takes everything."""
    found = read(expression)
    return found or (lambda labels: Unknown(f"the selector {expression!r} is not judged"))


def readable(expression: str) -> bool:
    """Whether it is an expression at all."""
    return read(expression) is not None


def read(expression: str) -> Selector | None:
    try:
        tokens = list(tokenize(expression.strip()))
        found = parse_or(tokens) if tokens else lambda labels: True
        return None if tokens else found
    except (ValueError, IndexError, RecursionError):
        return None


def tokenize(text: str) -> list[tuple[str, str]]:
    """Kinds and texts, the last first."""
    found, position = [], 0
    while position < len(text):
        token = TOKEN.match(text, position)
        if not token:
            raise ValueError(text[position:])
        kind, position = token.lastgroup, token.end()
        found.append((kind, " ".join(token[kind].split()) if kind == "word" else token[kind]))
    return found[::-1]


def taken(tokens: list[tuple[str, str]], text: str) -> bool:
    found = bool(tokens) and tokens[-1][1] == text
    if found:
        tokens.pop()
    return found


def need(tokens: list[tuple[str, str]], kind: str, text: str | None = None) -> str:
    if tokens[-1][0] != kind or text not in (None, tokens[-1][1]):
        raise ValueError(tokens[-1])
    return tokens.pop()[1]


def parse_or(tokens: list[tuple[str, str]]) -> Selector:
    parts = [parse_and(tokens)]
    while taken(tokens, "||"):
        parts.append(parse_and(tokens))
    return either(parts)


def parse_and(tokens: list[tuple[str, str]]) -> Selector:
    parts = [parse_not(tokens)]
    while taken(tokens, "&&"):
        parts.append(parse_not(tokens))
    return every(parts)


def parse_not(tokens: list[tuple[str, str]]) -> Selector:
    negated = False
    while taken(tokens, "!"):
        negated = not negated
    if taken(tokens, "("):
        inner = parse_or(tokens)
        need(tokens, "sign", ")")
    elif tokens[-1][0] == "call":
        inner = parse_call(tokens)
    else:
        inner = parse_comparison(tokens)
    return (lambda labels: negation(inner(labels))) if negated else inner


def parse_call(tokens: list[tuple[str, str]]) -> Selector:
    """has(label), all(), and global(), which is no pod."""
    name = tokens.pop()[1]
    need(tokens, "sign", "(")
    key = need(tokens, "label") if name == "has" else ""
    need(tokens, "sign", ")")
    if name == "has":
        return lambda labels: known(lambda value: True, label(labels, key))
    return lambda labels: name == "all"


def parse_comparison(tokens: list[tuple[str, str]]) -> Selector:
    """A label that isn't there equals nothing, so it passes `!=` and `not in`."""
    key, (_, word) = need(tokens, "label"), tokens.pop()
    if word in ("in", "not in"):
        test = parse_set(tokens).__contains__
    elif word.replace("!=", "==") in WORDS:
        text = need(tokens, "text")[1:-1]
        compare = WORDS[word.replace("!=", "==")]
        test = lambda value: compare(value, text)  # noqa: E731
    else:
        raise ValueError(word)
    if word in ("!=", "not in"):
        return lambda labels: negation(known(test, label(labels, key)))
    return lambda labels: known(test, label(labels, key))


def parse_set(tokens: list[tuple[str, str]]) -> frozenset[str]:
    need(tokens, "sign", "{")
    found = []
    while not taken(tokens, "}"):
        found.append(need(tokens, "text")[1:-1])
        taken(tokens, ",")
    return frozenset(found)
