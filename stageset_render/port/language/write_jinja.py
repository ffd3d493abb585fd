# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes a tree, or a part of one, in Jinja: every action becomes a tag, and the text between them stays as it is."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from stageset_render.helm.functions import GLOBALS
from stageset_render.port.language import types
from stageset_render.port.language.jinja_writing import COMPARE, Expressions
from stageset_render.port.language.tree import (
    ROOTS,
    Block,
    Branch,
    Close,
    Comment,
    Expr,
    Node,
    Print,
    Set,
    Text,
    Tree,
    Untranslatable,
    Var,
    uses,
)

RESERVED = {"loop", "self", "super", "caller", "varargs", "kwargs", "true", "false", "none", "root", *ROOTS, *GLOBALS}
PLURALS = (("ies", "y"), ("sses", "ss"), ("s", ""))
ENTRY = "entry"


@dataclass
class Scope:
    """The names that a block declares; `frame` is the file, macro or loop whose names they are to Jinja."""

    frame: int
    owns: bool = False
    names: dict[str, Var] = field(default_factory=dict)
    branch: Branch | None = None


@dataclass
class Names:
    """How a file calls what a tree names.

    Attributes:
        helpers: what stands before a macro's name; nothing in the file of the macros.
        macros: the macros that there are, with the order of their parameters.
        variables: the names of variables that are declared elsewhere, or what stands for one that is not.
        taken: names that mean something in the file already.
        loops: the file's own names for elements of what it loops over.
    """

    helpers: str = "stageset."
    macros: dict[str, tuple[str, ...]] = field(default_factory=dict)
    variables: dict[Var, Expr | str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    loops: dict[str, str] = field(default_factory=dict)


def singular(items: str) -> str:
    """A name for one of the items that a path names: `host` for Values.controller.allowedActionHosts."""
    word = re.split(r"(?=[A-Z])|[^A-Za-z]", items)[-1].lower()
    for plural, one in PLURALS:
        if word.endswith(plural) and len(word) > len(plural) + 1:
            return word[: -len(plural)] + one
    return ENTRY


def free(name: str, taken: Iterable[str]) -> str:
    """A name like `name` that means nothing else."""
    name = re.sub(r"\W", "_", name)
    if name in RESERVED or keyword.iskeyword(name) or name in taken:
        return next(f"{name}{number}" for number in range(2, 999) if f"{name}{number}" not in taken)
    return name


class Writer(Expressions):
    """Writes nodes in the names of one file; `problems` gets (line, what has no exact form).

    Args:
        names: what they are called there.
        values: what is known of the values.
        loops: the loops around what is written.
    """

    def __init__(self, names: Names, values: dict, loops: tuple[Branch, ...] = ()):
        self.names, self.values, self.problems = names, values, []
        self.variables = names.variables
        self.scopes = [Scope(0, True)]
        self.frames, self.used = 0, set()
        for branch in loops:
            self.scopes.append(Scope(self._frame(), True, branch=branch))

    def _frame(self) -> int:
        self.frames += 1
        return self.frames

    def text(self, parts: Iterable[Node], source: str) -> str:
        found = []
        for part in parts:
            try:
                found.append(self.part(part, source))
            except Untranslatable as error:
                self.problems += [(part.line, str(error))] * bool(str(error))
            except RecursionError:
                self.problems.append((part.line, "nested too deep; set a name to a part"))
        return "".join(found)

    def part(self, part: Node, source: str) -> str:
        if isinstance(part, Text):
            return re.sub(r"\{(?=[%#])", '{{ "{" }}', source[part.start : part.end])
        if isinstance(part, Comment):
            body = part.text.replace("\r", "").replace("#}", "# }")
            body = f" {body}" if body[:1] in ("-", "+") else body
            body = f"{body} " if body[-1:] in ("-", "+") else body
            return f"{{#{'-' * part.left}{body}{'-' * part.right}#}}"
        return self.tag(part)

    def tag(self, part: Node) -> str:
        bodies, dash = self.bodies(part), ("-" if part.left else "", "-" if part.right else "")
        ends = ("{{", "}}") if isinstance(part, Print) else ("{%", "%}")
        return "".join(
            f"{ends[0]}{dash[0] if at == 0 else ''} {body} {dash[1] if at == len(bodies) - 1 else ''}{ends[1]}"
            for at, body in enumerate(bodies)
        )

    header = tag

    def close(self, part: Close) -> str:
        """The tag that ends a condition that is opened elsewhere."""
        self.scopes.append(Scope(self.scopes[-1].frame))
        return self.tag(part)

    def bodies(self, part: Node) -> list[str]:
        """What stands in the tag or tags that a node becomes."""
        if isinstance(part, Print):
            return [self._printed(part.expr)]
        if isinstance(part, Set):
            return [self._set(part)]
        if isinstance(part, Close):
            scope = self.scopes.pop()
            kind = scope.branch.block.kind if scope.branch else part.block.kind
            return [{"for": "endfor", "macro": "endmacro"}.get(kind, "endif")]
        return self._branch(part)

    def _printed(self, expr: Expr) -> str:
        found = self.expression(expr)
        kind = types.kind_of(types.of_expr(expr, self.values))
        if kind in ("array", "object"):
            what = "list" if kind == "array" else "map"
            raise Untranslatable(f"{found.text}, a {what}, printed in Go's notation; use toYaml")
        return found.text

    def _set(self, part: Set) -> str:
        try:
            value = self.expression(part.expr).text
        finally:
            if part.declares:
                name = self.variables.get(part.var)
                name = name if isinstance(name, str) else self.declare(part.var, part.var.name)
        if not part.declares:
            found = self.variables.get(part.var)
            if not isinstance(found, str):
                raise Untranslatable(f"{part.var.name}, which is not set here; set it before")
            name = f"{found}.value" if part.var.crosses else found
        elif part.var.crosses:
            value = f"namespace(value={value})"
        return f"set {name} = {value}"

    def _branch(self, part: Branch) -> list[str]:
        around = self.scopes[-1]
        if part.kind in ("elif", "else"):
            self.scopes.pop()
            test = f"elif {self.expression(part.test).text}" if part.kind == "elif" else "else"
            self.scopes.append(Scope(around.frame, around.owns and part.block.kind == "macro", branch=part))
            return [test]
        if part.kind == "macro":
            self.scopes.append(Scope(self._frame(), True, branch=part))
            wanted = self.names.macros.get(part.name, ())
            names = [var.name for var in part.parameters]
            for var in part.parameters:
                if free(var.name, ()) != var.name:
                    raise Untranslatable(
                        f"the key {var.name} in the dict for {part.name}; it means something else in Jinja"
                    )
                self.variables[var] = var.name
                self.scopes[-1].names[var.name] = var
            ordered = [name for name in wanted if name in names] + [name for name in names if name not in wanted]
            return [f"macro {part.name}({', '.join(ordered)})"]
        if part.kind == "if":
            try:
                return [f"if {self.expression(part.test).text}"]
            finally:
                self.scopes.append(Scope(around.frame, branch=part))
        return self._for(part)

    def _for(self, part: Branch) -> list[str]:
        items = None
        try:
            items = self.expression(part.test)
        finally:
            self.scopes.append(Scope(self._frame(), True, branch=part))
        wanted = part.var.name or self.names.loops.get(items.text) or singular(items.text)
        if not part.var.name and free(wanted, self._taken(part.var)) != wanted:
            wanted = ENTRY
        name = self.variables.get(part.var)
        name = name if isinstance(name, str) else self.declare(part.var, wanted)
        bodies = [f"for {name} in {items.within(COMPARE)}"]
        inner = [node for node in part.body if isinstance(node, Block)]
        if part.index and any(self._needs_index(block, part.index) for block in inner):
            bodies.append(f"set {self.declare(part.index, part.index.name)} = loop.index0")
        return bodies

    def _needs_index(self, block: Block, index: Var) -> bool:
        """Whether a loop inside a loop reads the outer one's index."""
        if block.kind == "for":
            return any(uses(branch.body, index) for branch in block.branches)
        below = [node for branch in block.branches for node in branch.body if isinstance(node, Block)]
        return any(self._needs_index(one, index) for one in below)

    # Names

    def declare(self, var: Var, wanted: str) -> str:
        """Choose a name that takes nothing from a name that is still meant."""
        scope, taken = self.scopes[-1], self._taken(var)
        name = free(wanted, taken)
        if name != wanted:
            name = free(wanted, taken | self.used)
        self.used.add(name)
        self.variables[var], scope.names[name] = name, var
        return name

    def _taken(self, var: Var) -> set[str]:
        own = set() if self.names.helpers else set(self.names.macros)
        taken = {"stageset"} | own | self.names.taken
        scope = self.scopes[-1]
        for one in self._visible():
            for name, other in one.names.items():
                body = scope.branch.body if scope.branch else []
                shadows = scope.owns and one.frame != scope.frame and not uses(body, other)
                again = one is scope and other.name == var.name and other.form == var.form == "set"
                if not shadows and not again:
                    taken.add(name)
        return taken

    def _visible(self) -> list[Scope]:
        found = []
        for scope in reversed(self.scopes):
            found.append(scope)
            if scope.branch and scope.branch.kind == "macro":
                break
        return found


def written(tree: Tree, names: Names, values: dict) -> str:
    """A whole template in Jinja; `tree.problems` gets what has no form."""
    writer = Writer(names, values)
    text = writer.text(tree.parts, tree.source)
    tree.problems.extend(writer.problems)
    return text
