# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""A template as a tree that is neither Go's nor Jinja's: what both say alike is equal in it.

A field is a path from `Values`, `Release` or `Chart`, or from a variable; a dot that Go moves is what it stands for. What
prints, tests and loops are expressions; a function has Go's name. Each node knows its place in the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

ROOTS = {"Values": None, "Release": ("Name", "Namespace", "Service"), "Chart": ("Name", "Version", "AppVersion")}
OPPOSITE = {"==": "!=", "eq": "ne", "lt": "ge", "le": "gt", "defined": "undefined"}
OPPOSITE |= {other: one for one, other in OPPOSITE.items()}
DEEPEST = 60  # blocks in blocks; Python compiles no more than 100
WHOLE = "the whole of what the template is rendered with; name one of its fields"


class Untranslatable(Exception):
    """A construct that has no exact form in the other language; says which, and what to write instead."""


# Expressions


@dataclass(eq=False)
class Var:
    """One declaration of a name.

    Attributes:
        form: set, element or index of a loop, or parameter of a named template.
        schema: what is known of its value (see types.py).
        value: what it was set to first.
        assigned: whether it is set again later.
        crosses: whether a loop changes it for what comes after the loop.
    """

    name: str
    form: str = "set"
    schema: dict = field(default_factory=dict)
    value: Expr | None = None
    assigned: bool = False
    crosses: bool = False


@dataclass(frozen=True)
class Const:
    """A literal; `kind` is string, int, number, boolean or nil."""

    kind: str
    value: str | bool | int | float | None


@dataclass(frozen=True)
class Root:
    """Values, or all that a template is rendered with where `name` is empty."""

    name: str = ""


@dataclass(frozen=True)
class Name:
    """The value of a variable."""

    var: Var


@dataclass(frozen=True)
class Field:
    """One key of a map."""

    base: Expr
    name: str


@dataclass(frozen=True)
class Call:
    """A function by Go's name, or one of `==`, `!=` (of any two values), defined and undefined.

    `piped` tells whether the last argument stands before it, which makes no difference.
    """

    name: str
    args: tuple[Expr, ...]
    piped: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Include:
    """What a named template prints, by its name as a macro; `args` are its parameters' values."""

    name: str
    args: tuple[tuple[str, Expr], ...] = ()


Expr = Const | Root | Name | Field | Call | Include


def parts_of(expr: Expr | None) -> Iterator[Expr]:
    """An expression and all inside it."""
    if expr is None:
        return
    yield expr
    below = (expr.base,) if isinstance(expr, Field) else expr.args if isinstance(expr, Call) else ()
    for one in (value for _, value in expr.args) if isinstance(expr, Include) else below:
        yield from parts_of(one)


def is_path(expr: Expr) -> bool:
    """Whether an expression only names a value."""
    while isinstance(expr, Field):
        expr = expr.base
    return isinstance(expr, (Name, Root))


def turned(expr: Expr) -> Expr:
    """What a condition asks, turned round."""
    if isinstance(expr, Call) and expr.name == "not":
        return expr.args[0]
    if isinstance(expr, Call) and expr.name in OPPOSITE and len(expr.args) <= 2:
        return Call(OPPOSITE[expr.name], expr.args)
    return Call("not", (expr,))


def root_of(expr: Expr) -> Expr:
    while isinstance(expr, Field):
        expr = expr.base
    return expr


def value_of(expr: Expr) -> tuple[str, ...]:
    """The path of the value that an expression names, if it names one."""
    path: tuple[str, ...] = ()
    while isinstance(expr, Field):
        expr, path = expr.base, (expr.name, *path)
    return path if expr == Root("Values") else ()


# Nodes


@dataclass(eq=False)
class Node:
    """What takes up a part of the source; `left` and `right` tell where it trims white space."""

    line: int
    start: int
    end: int
    left: bool = False
    right: bool = False


@dataclass(eq=False)
class Text(Node):
    """What stands between tags; `text` is what trimming leaves, which begins at `at`."""

    text: str = ""
    at: int = 0


@dataclass(eq=False)
class Comment(Node):
    """A comment of the template's language, or another tag that says nothing."""

    text: str = ""


@dataclass(eq=False)
class Print(Node):
    expr: Expr | None = None


@dataclass(eq=False)
class Set(Node):
    """A name set to a value, for the first time where `declares`. One without a width belongs to the tag before it."""

    var: Var | None = None
    expr: Expr | None = None
    declares: bool = True


@dataclass(eq=False)
class Branch(Node):
    """One tag of a block and what follows it.

    Attributes:
        kind: if, elif, for, macro or else.
        test: what an if asks or a loop goes through.
        var: a loop's element, or what an if or with declares.
        index: a loop's index, where it is used.
        moves: for Go, whether it moves the dot, as a with does.
        name, parameters: a macro's.
        outer: the ifs around it that hold nothing else, with which it is one.
        turned: whether it is compared as the other of two branches, with the condition turned round.
    """

    kind: str = ""
    test: Expr | None = None
    body: list[Node] = field(default_factory=list)
    var: Var | None = None
    index: Var | None = None
    moves: bool = False
    name: str = ""
    parameters: tuple[Var, ...] = ()
    block: Block | None = None
    outer: tuple[Branch, ...] = ()
    turned: bool = False

    @property
    def tag(self) -> Branch:
        """The branch whose tag says what this one asks."""
        return next(one for one in self.block.branches if one is not self) if self.turned else self

    @property
    def asks(self) -> Expr | None:
        """What it is compared by: its test, and what the ifs ask that it is one with."""
        if self.turned and self.kind == "else":
            return turned(self.tag.test)
        return (
            Call("and", (*(one.test for one in self.outer), self.test))
            if self.outer and self.kind == "if"
            else self.test
        )


@dataclass(eq=False)
class Close(Node):
    block: Block | None = None


@dataclass(eq=False)
class Block(Node):
    """An if, a loop or a macro, from its first tag to its last."""

    branches: list[Branch] = field(default_factory=list)
    close: Close | None = None

    @property
    def kind(self) -> str:
        return self.branches[0].kind


@dataclass
class Tree:
    """A template.

    Attributes:
        parts: its tags and texts in the order of the source.
        body: the same as a tree.
        problems: (line, what has no form) pairs.
    """

    file: str
    source: str
    parts: list[Node] = field(default_factory=list)
    body: list[Node] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)

    @property
    def macros(self) -> dict[str, Branch]:
        return {
            one.branches[0].name: one.branches[0] for one in self.body if isinstance(one, Block) and one.kind == "macro"
        }


class Builder:
    """Puts parts together to a tree, as they come."""

    def __init__(self, tree: Tree):
        self.tree, self.blocks = tree, []

    def add(self, node: Node) -> None:
        (self.blocks[-1].branches[-1].body if self.blocks else self.tree.body).append(node)
        if not isinstance(node, Block):
            self.tree.parts.append(node)

    def branch(self, branch: Branch) -> None:
        """A tag that opens a block, or its next branch."""
        if branch.kind in ("if", "for", "macro"):
            block = Block(branch.line, branch.start, branch.end)
            self.add(block)
            self.blocks.append(block)
        branch.block = self.blocks[-1]
        branch.block.branches.append(branch)
        self.tree.parts.append(branch)
        if len(self.blocks) == DEEPEST + 1 and len(branch.block.branches) == 1:
            raise Untranslatable(f"blocks nested more than {DEEPEST} deep; nest them less")

    def close(self, close: Close) -> None:
        close.block = self.blocks.pop()
        close.block.close, close.block.end = close, close.end
        self.tree.parts.append(close)


def expressions(nodes: list[Node]) -> Iterator[tuple[Node, Expr]]:
    """Every expression below nodes, with its node."""
    for node in nodes:
        if isinstance(node, Block):
            for branch in node.branches:
                if branch.test is not None:
                    yield branch, branch.test
                yield from expressions(branch.body)
        elif isinstance(node, (Print, Set)):
            yield node, node.expr


def mapped(expr: Expr | None, change: Callable[[Expr], Expr]) -> Expr | None:
    """An expression, with what a function makes of it and of all inside it."""
    if isinstance(expr, Field):
        expr = replace(expr, base=mapped(expr.base, change))
    elif isinstance(expr, Call):
        expr = replace(expr, args=tuple(mapped(one, change) for one in expr.args))
    elif isinstance(expr, Include):
        expr = replace(expr, args=tuple((name, mapped(one, change)) for name, one in expr.args))
    return expr and change(expr)


def map_expressions(nodes: list[Node], change: Callable[[Expr], Expr]) -> None:
    """Put what a function makes of them in the place of all expressions below nodes."""
    for node, expr in list(expressions(nodes)):
        setattr(node, "test" if isinstance(node, Branch) else "expr", mapped(expr, change))
        if isinstance(node, Set) and node.var.value is not None:
            node.var.value = mapped(node.var.value, change)


def uses(nodes: list[Node], var: Var) -> bool:
    """Whether a variable is read or set again below nodes."""
    return any(
        isinstance(node, Set)
        and node.var is var
        or any(isinstance(one, Name) and one.var is var for one in parts_of(expr))
        for node, expr in expressions(nodes)
    )
