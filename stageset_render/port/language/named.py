# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The named templates of a chart as macros: what they are called, and what the dot is in them."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field

from stageset_render.port.language.tree import Untranslatable, Var
from stageset_render.port.language.types import unified

VALUE = "it"  # the parameter of a template that is handed one value
USUAL = ("root", "ctx", "context", "top", "global")  # keys of what the including template is rendered with


@dataclass(frozen=True)
class Site:
    """What one include hands over.

    Attributes:
        given: what is known of the values under the keys of a dict, or of one value under no key.
        root: the key that holds what the including template is rendered with.
        same: the keys of .Values, .Release and .Chart that hold just that.
        nothing: whether it hands over nothing at all.
    """

    given: tuple[tuple[str, dict], ...] = ()
    root: str | None = None
    same: frozenset[str] = frozenset()
    nothing: bool = False

    @property
    def kind(self) -> str:
        return (
            "value"
            if [key for key, _ in self.given] == [""]
            else "dict"
            if self.given or self.root or self.same
            else ""
        )


@dataclass
class Macro:
    """A named template: its name in Go, where it is defined, its name as a macro, and what includes hand over.

    Attributes:
        read: the keys that it reads of its dot, where no include is known.
        uses_dot: whether it reads anything that it is handed.
    """

    go: str
    file: str
    line: int
    name: str
    sites: list[Site] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    uses_dot: bool = False

    @property
    def kind(self) -> str | None:
        """root, value or dict, or None where no include says it."""
        kinds = {site.kind for site in self.sites if not site.nothing}
        if len(kinds) > 1:
            raise Untranslatable(f"{self.go} is included with a dict and with something else; always hand it the same")
        roots = {(site.root, site.same) for site in self.sites if not site.nothing}
        if len(roots) > 1:
            raise Untranslatable(f"{self.go} is included with dicts of which not all hold the root under the same key")
        return (kinds.pop() or "root") if kinds else None

    @property
    def root(self) -> str | None:
        return next((site.root for site in self.sites), None)

    @property
    def same(self) -> frozenset[str]:
        return next((site.same for site in self.sites), frozenset())

    def parameters(self) -> tuple[Var, ...]:
        """In the order in which the first include hands them over, or the template reads them."""
        known: dict[str, dict] = {} if self.sites else dict.fromkeys(self.read, {})
        for site in self.sites:
            for key, schema in site.given:
                known[key or VALUE] = unified(known[key or VALUE], schema) if (key or VALUE) in known else schema
        return tuple(Var(key, "parameter", schema) for key, schema in known.items())

    def state(self) -> tuple:
        try:
            kind = self.kind
        except Untranslatable as error:
            kind = str(error)
        return kind, self.root, self.same, [(var.name, repr(var.schema)) for var in self.parameters()]


def macro_names(names: list[str]) -> dict[str, str]:
    """The names of macros for the named templates of one file: less the prefix that all share, as one word.

    `chart.labels` and `chart.name` are `labels` and `name`; `chart.pod.labels` beside them is `podLabels`.
    """
    paths = {name: name.split(".") for name in names}
    shared = 0
    while names and all(len(path) > shared + 1 and path[shared] == paths[names[0]][shared] for path in paths.values()):
        shared += 1
    return {name: _word(path[shared:]) for name, path in paths.items()}


def unlike(name: str, go: str, taken: Container[str]) -> str:
    """A macro's name, or all words of the named template's own where another macro is called so."""
    return _word([go]) if name in taken else name


def _word(parts: list[str]) -> str:
    words = [word for word in re.split(r"\W+", " ".join(parts)) if word] or ["it"]
    return words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])
