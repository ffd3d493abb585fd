# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes a tree, or a part of one, in Go: every tag becomes one action, and the text between them stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from stageset_render.helm.functions import quote
from stageset_render.pack.files import HELPERS
from stageset_render.port.language import types
from stageset_render.port.language.tree import (
    Branch,
    Call,
    Close,
    Comment,
    Const,
    Expr,
    Field,
    Include,
    Name,
    Node,
    Print,
    Root,
    Set,
    Text,
    Tree,
    Untranslatable,
    Var,
    expressions,
    is_path,
    parts_of,
    root_of,
)

ROOT_KEY = "root"  # under which a named template with parameters is handed what the dot was


@dataclass(frozen=True)
class Scope:
    """What names mean at a place of a Go template.

    Attributes:
        moved: whether the dot is no longer what it was at the beginning.
        dot: what it is then, where an expression says it.
        dollar: what `$` is: None for the root, a key of it for the dot of a named template with parameters, and ""
            where the root is out of reach.
    """

    moved: bool = False
    dot: Expr | None = None
    dollar: str | None = None

    def within(self, branch: Branch) -> Scope:
        """The scope of a branch's body."""
        if branch.kind == "for":
            return replace(self, moved=True, dot=Name(branch.var) if branch.var else None)
        return replace(self, moved=True, dot=branch.test) if branch.moves else self


@dataclass
class Names:
    """How a file calls what a tree names.

    Attributes:
        variables: names of variables, where they are other than the tree's; nothing for the element of a loop that is
            the dot, and an expression for what has no name here.
        macro: the name of a named template by the macro's.
        keys: the key under which a named template takes the root, by the macro's name.
        quoted: how it writes a text.
    """

    macro: Callable[[str], str]
    variables: dict[Var, Expr | str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)


def prefix(file: str) -> str:
    return "stageset" if file == HELPERS else f"stageset.{file[1:].partition('.')[0]}"


def own_names(tree: Tree) -> Names:
    """The names that a template of the pack has in the chart that is made of it."""
    own = tree.macros
    return Names(lambda name: f"{prefix(tree.file if name in own else HELPERS)}.{name}")


def prints(branch: Branch) -> bool:
    """Whether a chart would write `with`: the block prints the path asked for or loops over it, and doesn't join it."""
    path = branch.test
    if (
        path is None
        or not is_path(path)
        or branch.kind != "if"
        or any(one.kind == "elif" for one in branch.block.branches)
    ):
        return False
    root = root_of(path)
    if isinstance(root, Root) and root.name != "Values" or isinstance(root, Name) and root.var.form == "index":
        return False
    shown = False
    for node, expr in expressions(branch.body):
        for one in parts_of(expr):
            if isinstance(one, Call) and one.name == "join" and one.args[-1:] == (path,):
                return False
            shown = shown or isinstance(node, Print) and one == path
        shown = shown or isinstance(node, Branch) and node.kind == "for" and node.test == path
    return shown


class Writer:
    """Writes nodes in the names of one file.

    Args:
        names: what they are called there.
        values: what is known of the values.
        scope: what names mean where it begins to write.
    """

    def __init__(self, names: Names, values: dict, scope: Scope | None = None):
        self.names, self.values, self.problems = names, values, []
        self.scopes: list[Scope] = [scope or Scope()]
        self.lost: set[Var] = set()  # variables that a dot was named by before they changed

    def text(self, parts: Iterable[Node], source: str) -> str:
        return "".join(text for _, text in self.pieces(parts, source))

    def pieces(self, parts: Iterable[Node], source: str) -> Iterable[tuple[Node, str]]:
        """Each of some parts with what is written for it."""
        for part in parts:
            try:
                yield part, self.part(part, source)
            except Untranslatable as error:
                self.problems += [(part.line, str(error))] * bool(str(error))

    def part(self, part: Node, source: str) -> str:
        """One part as it is written."""
        if isinstance(part, Text):
            return source[part.start : part.end]
        if isinstance(part, Comment):
            if "*/" in part.text:
                raise Untranslatable("*/ in a comment; it would end the comment in Go")
            left, right = "{{- " if part.left else "{{", " -}}" if part.right else "}}"
            return f"{left}/*{part.text}*/{right}"
        return self.tag(part)

    def tag(self, part: Node) -> str:
        left, right = "{{- " if part.left else "{{ ", " -}}" if part.right else " }}"
        return left + self.action(part) + right

    @property
    def scope(self) -> Scope:
        return self.scopes[-1]

    def action(self, part: Node) -> str:
        if isinstance(part, Print):
            return self.expression(part.expr)
        if isinstance(part, Set):
            text = self.expression(part.expr)
            self.changed(part.var)
            return f"${self.variable(part.var)} {':=' if part.declares else '='} {text}"
        if isinstance(part, Close):
            self.scopes.pop()
            return "end"
        return self.branch(part)

    def header(self, part: Branch) -> str:
        """The tag of a branch whose body stays: what moves the dot there goes on to, and what doesn't does not."""
        left, right = "{{- " if part.left else "{{ ", " -}}" if part.right else " }}"
        if part.kind == "else":
            return f"{left}else{right}"
        if part.kind in ("if", "elif"):
            word = ("else " if part.kind == "elif" else "") + ("with" if part.moves else "if")
            return f"{left}{word} {self.expression(part.test)}{right}"
        return self.tag(part)

    def close(self, part: Close) -> str:
        """The tag that ends a condition that is opened elsewhere."""
        self.scopes.append(self.scope)
        return self.tag(part)

    def changed(self, var: Var) -> None:
        """A name means something else from here on; a dot that was written with it doesn't."""
        self.scopes = [
            replace(scope, dot=None) if scope.dot is not None and root_of(scope.dot) == Name(var) else scope
            for scope in self.scopes
        ]

    def branch(self, part: Branch) -> str:
        if part.kind in ("elif", "else"):
            self.scopes.pop()
            around = self.scope
            text = f"else if {self.expression(part.test)}" if part.kind == "elif" else "else"
            self.scopes.append(around)
            return text
        if part.kind == "macro":
            key = self.names.keys.get(part.name, ROOT_KEY) if part.parameters else None
            self.scopes.append(Scope(dollar=key))
            return f"define {quote(self.names.macro(part.name))}"
        around = self.scope
        try:
            test = self.expression(part.test)
            if part.kind == "for":
                around = around.within(part)
                names = [f"${self.variable(var)}" for var in (part.index, part.var) if var and (var.name or part.index)]
                return f"range {', '.join(names)} := {test}" if names else f"range {test}"
            moves = part.moves or prints(part)
            simple = test == "." or test[0] == "$" and test[1:].isidentifier()
            if not moves or types.kind_of(types.of_expr(part.test, self.values)) == "boolean" or simple:
                return f"if {test}"
            around = replace(around, moved=True, dot=part.test)
            return f"with {test}"
        finally:
            self.scopes.append(around)

    # Names

    def variable(self, var: Var) -> str:
        found = self.names.variables.get(var, var.name)
        if not found or not isinstance(found, str):
            raise Untranslatable(f"{var.name}, which has no name here; set one")
        return found

    def root(self) -> str:
        """The path of what the template is rendered with; nothing where it is the dot."""
        scope = self.scope
        if scope.dollar == "":
            raise Untranslatable("Values, Release or Chart in a named template that is handed one value; hand it them")
        return ("$" if scope.moved else "") + (f".{scope.dollar}" if scope.dollar else "")

    def expression(self, expr: Expr | None) -> str:
        if expr is None:
            raise Untranslatable("")  # it could not be read, which is told already
        element = isinstance(expr, Name) and expr.var.form == "element"
        named = element and self.names.variables.get(expr.var, expr.var.name)
        if self.scope.moved and expr == self.scope.dot and not named:
            return "."
        return self.EXPRESSIONS[type(expr)](self, expr)

    def argument(self, expr: Expr) -> str:
        """The same where it stands beside others."""
        text = self.expression(expr)
        atom = isinstance(expr, (Const, Root, Name, Field)) or text == "."
        return text if atom else f"({text})"

    def _const(self, expr: Const) -> str:
        if expr.kind == "string":
            return quote(expr.value)
        return "nil" if expr.kind == "nil" else str(expr.value).lower() if expr.kind == "boolean" else repr(expr.value)

    def _root(self, expr: Root) -> str:
        return f"{self.root()}.{expr.name}" if expr.name else self.root() or "."

    def _name(self, expr: Name) -> str:
        found = self.names.variables.get(expr.var)
        if isinstance(found, (Root, Field, Call, Const, Include)):
            return self.expression(found)
        if expr.var.form == "parameter":
            return ("$" if self.scope.moved else "") + f".{found or expr.var.name}"
        return f"${self.variable(expr.var)}"

    def _field(self, expr: Field) -> str:
        if isinstance(expr.base, Root):
            return f"{self.root()}.{expr.base.name}.{expr.name}"
        return f"{self.argument(expr.base).removesuffix('.')}.{expr.name}"

    def _include(self, expr: Include) -> str:
        context = self.root() or "."
        if expr.args:
            pairs = (f"{quote(name)} {self.argument(value)}" for name, value in expr.args)
            context = f"({' '.join([f'dict {quote(self.names.keys.get(expr.name, ROOT_KEY))} {context}', *pairs])})"
        return f"include {quote(self.names.macro(expr.name))} {context}"

    def _call(self, expr: Call) -> str:
        name, args = expr.name, expr.args
        if name in ("defined", "undefined"):
            asked = f'kindIs "invalid" {self.argument(args[0])}'
            return f"not ({asked})" if name == "defined" else asked
        if name in ("==", "!="):
            kinds = {types.kind_of(types.of_expr(one, self.values)) for one in args}
            pair = " ".join(map(self.argument, args))
            if len(kinds) > 1 or kinds & {None, "array", "object"}:  # Go's eq fails for these
                return f"deepEqual {pair}" if name == "==" else f"not (deepEqual {pair})"
            return f"{'eq' if name == '==' else 'ne'} {pair}"
        if expr.piped and name == "toYaml" and len(args) == 1 and self.argument(args[0])[0] != "(":
            return f"toYaml {self.argument(args[0])}"  # as every chart writes it
        if expr.piped:
            return " ".join([self.expression(args[-1]), "|", name, *map(self.argument, args[:-1])])
        return " ".join([name, *map(self.argument, args)])

    EXPRESSIONS = {
        Const: _const,
        Root: _root,
        Name: _name,
        Field: _field,
        Include: _include,
        Call: _call,
    }
