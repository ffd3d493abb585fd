# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The texts of Istio's authorization rules by what they are compared with, whether fields or conditions have them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

SOURCE_KEYS = {
    "source.principal": "principals",
    "source.namespace": "namespaces",
    "source.serviceAccount": "serviceAccounts",
    "source.trustDomain": "trustDomains",
    "source.ip": "ipBlocks",
    "remote.ip": "remoteIpBlocks",
}
PSEUDO = {
    ":path": "paths",
    ":method": "methods",
    ":authority": "hosts",
    "host": "hosts",
}  # headers that are fields, too
IDENTITIES = ("principals", "serviceAccounts", "trustDomains", "namespaces")
ADDRESSES = ("ipBlocks", "remoteIpBlocks")
Words = dict[str, list[str]]


class Source(NamedTuple):
    """What one source asks for, with the conditions of its rule: by field, each list that one must be of or none may."""

    wanted: dict[str, list[list[str]]]
    unwanted: dict[str, list[list[str]]]

    def lists(self, fields: Iterable[str]) -> list[list[str]]:
        """The lists of these fields of each of which one is wanted."""
        return [texts for field in fields for texts in self.wanted.get(field, ())]

    def kept_out(self, fields: Iterable[str]) -> list[str]:
        """All texts of these fields that are kept out."""
        return [text for field in fields for texts in self.unwanted.get(field, ()) for text in texts]

    def texts(self, fields: Iterable[str], wanted: bool = False) -> list[str]:
        """All texts of these fields, or those that are wanted alone."""
        own = [text for texts in self.lists(fields) for text in texts]
        return own if wanted else own + self.kept_out(fields)


def negative(field: str) -> str:
    return f"not{field[0].upper()}{field[1:]}"


def header_of(key: str) -> str:
    """The header that a condition looks at, in small letters; empty for another one."""
    found = re.fullmatch(r"request\.headers\[(.+)\]", key)
    return found[1].lower() if found else ""


def field_of(key: str) -> str:
    """The field that a condition is another word for; empty where there is none."""
    return SOURCE_KEYS.get(key) or PSEUDO.get(header_of(key), "")


def read(fields: dict, conditions: Iterable[dict], names: Iterable[str]) -> Source:
    """The lists of some fields, of a source or an operation and of the conditions beside it."""
    found = Source({}, {})
    for name in names:
        for lists, texts in ((found.wanted, fields.get(name)), (found.unwanted, fields.get(negative(name)))):
            if texts:
                lists.setdefault(name, []).append(texts)
    for each in conditions:
        if (name := field_of(each.get("key") or "")) in names:
            for lists, texts in ((found.wanted, each.get("values")), (found.unwanted, each.get("notValues"))):
                if texts:
                    lists.setdefault(name, []).append(texts)
    return found


def source_of(source: dict, conditions: Iterable[dict]) -> Source:
    return read(source, conditions, (*IDENTITIES, *ADDRESSES))


def collected(rules: Iterable[dict]) -> Words:
    """All texts by the field that they are for, negatives as well."""
    words: Words = defaultdict(list)
    for rule in rules:
        for kind, inner in (("from", "source"), ("to", "operation")):
            for item in rule.get(kind) or ():
                for field, texts in ((item or {}).get(inner) or {}).items():
                    name = field[3].lower() + field[4:] if field.startswith("not") and len(field) > 3 else field
                    words[name].extend(texts or ())
        for condition in rule.get("when") or ():
            key = condition.get("key") or ""
            for texts in (condition.get("values"), condition.get("notValues")):
                words[field_of(key) or header_of(key)].extend(texts or ())
    words["ipBlocks"] += words["remoteIpBlocks"]
    return words
