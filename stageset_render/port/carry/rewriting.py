# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes parts of one template into another: in its language, with its names for variables."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from stageset_render.port.language.outline import Item, Side
from stageset_render.port.language.tree import (
    Block,
    Branch,
    Call,
    Const,
    Expr,
    Name,
    Node,
    Print,
    Set,
    Text,
    Tree,
    Untranslatable,
    Var,
    map_expressions,
    mapped,
    parts_of,
)

Writer = Callable[[list[Branch]], object]  # makes what writes at a place inside branches of the target


class Rewriter:
    """Writes parts of `new` into `target`.

    Args:
        variables: those of the new version that the target has, too.
    """

    def __init__(self, new: Side, target: Side, writer: Writer, variables: dict[Var, Var]):
        self.new, self.target, self.writer = new.tree, target.tree, writer
        self.around = around(target.tree.body)
        self.tests: dict[Branch, Expr] = {}  # of branches of the target whose test changes
        self.deeper = 0  # how many blanks what is written stands deeper in the target than in the new version
        self.made: set[Var] = set()  # what is set where it is written
        name_loops(new, target)
        rename_variables(new.tree, variables)

    def place(self, mine: Item) -> list[Branch]:
        """The branches of the target around an item."""
        node = mine.node or next((one.node for one in mine.pieces if one.node), None)
        if node is not None and node in self.around:
            return self.around[node]
        found: list[Branch] = []
        for node, branches in self.around.items():
            if isinstance(node, Text) and node.start <= mine.start < max(node.end, node.start + 1):
                found = branches
        return found

    def at(self, place: list[Branch]):
        """A writer inside branches of the target."""
        return self.writer([replace(one, test=self.tests[one]) if one in self.tests else one for one in place])

    def write(self, parts: list[Node], place: list[Branch], opened: Branch | None = None, plain: bool = False) -> str:
        """Parts of the new version; `opened` is a branch of it that they are in, `plain` that a body is kept as it is."""
        parts = [self._deepened(one) for one in parts]
        self._reach(parts)
        writer = self.at(place)
        if plain:
            return "".join(map(writer.header, parts))
        if opened:
            writer.part(opened, self.new.source)
        return "".join(writer.part(part, self.new.source) for part in parts)

    def text(self, start: int, end: int, place: list[Branch], opened: Branch | None = None) -> str:
        """The same of a part of the source."""
        found = []
        for part in self.new.parts:
            if isinstance(part, Text) and part.start < end and part.end > start:
                found.append(replace(part, start=max(part.start, start), end=min(part.end, end)))
            elif part.start >= start and part.end <= end and not isinstance(part, Text):
                found.append(part)
        begun = "(?m)^" if self.new.source[:start][-1:] in ("", "\n") else r"(?<=\n)"
        lines = begun + r"(?: +|(?=[^\s{]))"  # tags that stand at the edge stay there
        return re.sub(lines, lambda one: " " * (len(one[0]) + self.deeper), self.write(found, place, opened))

    def _deepened(self, part: Node) -> Node:
        """What prints lines says itself how deep they stand."""
        expr = part.expr if isinstance(part, Print) else None
        if isinstance(expr, Call) and expr.name in ("indent", "nindent") and isinstance(expr.args[0], Const):
            depth = Const("int", max(expr.args[0].value + self.deeper, 0))
            return replace(part, expr=replace(expr, args=(depth, *expr.args[1:])))
        return part

    def _reach(self, parts: list[Node]) -> None:
        """Refuse a variable that neither the target nor what is written declares, unless a value can stand for it."""
        own = declared(self.target.body) | self.made
        own |= {one.var for one in parts if isinstance(one, Set)}
        own |= {var for one in parts if isinstance(one, Branch) for var in (one.var, one.index, *one.parameters) if var}
        for part in parts:
            name = "expr" if isinstance(part, (Print, Set)) else "test"
            expr = getattr(part, name, None)
            while expr is not None and (missing := {var for var in names(expr) - own if var.form != "parameter"}):
                for var in missing:
                    if var.value is None or var.assigned:
                        raise Untranslatable(f"{var.name}, which has no counterpart here; carry it by hand")
                expr = substituted(expr, {var: var.value for var in missing})
                setattr(part, name, expr)
        self.made |= {one.var for one in parts if isinstance(one, Set)}


def names(expr: Expr) -> set[Var]:
    return {one.var for one in parts_of(expr) if isinstance(one, Name)}


def around(nodes: list[Node], branches: tuple[Branch, ...] = ()) -> dict[Node, list[Branch]]:
    """The branches around each node and branch."""
    found: dict[Node, list[Branch]] = {}
    for node in nodes:
        found[node] = list(branches)
        for branch in node.branches if isinstance(node, Block) else ():
            found[branch] = list(branches)
            found |= around(branch.body, (*branches, branch))
    return found


def declared(nodes: list[Node]) -> set[Var]:
    found = set()
    for node in around(nodes):
        if isinstance(node, (Set, Branch)):
            found |= {one for one in (node.var, getattr(node, "index", None), *getattr(node, "parameters", ())) if one}
    return found


def loops(nodes: list[Node]) -> list[Branch]:
    return [node for node in around(nodes) if isinstance(node, Branch) and node.kind == "for" and node.var]


def name_loops(new: Side, target: Side) -> None:
    """New loops name their elements as the target does where it loops over the same."""
    known, mine, theirs = {}, target.outline().meaning, new.outline().meaning
    for branch in loops(target.tree.body):
        known.setdefault(mine.of(branch.test), (branch.var.name, branch.index and branch.index.name))
    index = next((name for _, name in known.values() if name), None)
    for branch in loops(new.tree.body):
        branch.var.name = known.get(theirs.of(branch.test), ("",))[0] or branch.var.name
        if branch.index and branch.index.name == "index0" and index:
            branch.index.name = index


def substituted(expr: Expr, variables: dict[Var, Var | Expr]) -> Expr:
    """An expression with other variables, or values for them."""

    def change(one: Expr) -> Expr:
        found = variables.get(one.var, one) if isinstance(one, Name) else one
        return Name(found) if isinstance(found, Var) else found if found is one else substituted(found, variables)

    return mapped(expr, change)


def rename_variables(tree: Tree, variables: dict[Var, Var]) -> None:
    """Let a tree speak of other variables."""
    map_expressions(tree.body, lambda one: substituted(one, variables) if isinstance(one, Name) else one)
    for part in tree.parts:
        if isinstance(part, (Set, Branch)) and part.var in variables:
            part.var = variables[part.var]
        if isinstance(part, Branch) and part.index in variables:
            part.index = variables[part.index]
        if isinstance(part, Branch):
            part.parameters = tuple(variables.get(var, var) for var in part.parameters)
