# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes a tree, or a part of one, in Jinja: every action becomes a tag, and the text between them stays as it is."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from stageset_render.helm.functions import GLOBALS, quote
from stageset_render.port import types
from stageset_render.port.functions import JINJA, SIGNS, without_form, without_root
from stageset_render.port.tree import (
    ROOTS,
    WHOLE,
    Block,
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
    is_path,
    uses,
)

OR, AND, NOT, COMPARE, FILTER, ATOM = range(6)  # how tightly an expression of Jinja holds together
LARGE = 1_000_000  # from here on Go prints a float64 as 1e+06
RESERVED = {"loop", "self", "super", "caller", "varargs", "kwargs", "true", "false", "none", "root", *ROOTS, *GLOBALS}
PLURALS = (("ies", "y"), ("sses", "ss"), ("s", ""))
ENTRY = "entry"
OPERATORS = ("not", "and", "or", "list", "defined", "undefined", "==", "!=")
VERB = re.compile(r"%(-?[1-9][0-9]*)?(.?)", re.S)
FRESH = {"dict", "fromYaml", "omit", "pick", "mergeOverwrite"}  # what returns a map that nothing else holds


class Jinja(NamedTuple):
    """An expression, and how tightly it holds together."""

    text: str
    level: int = ATOM

    def within(self, level: int) -> str:
        """The expression as a part of one that binds its parts as tightly as this."""
        return self.text if self.level >= level else f"({self.text})"


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


class Writer:
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

    # Expressions

    def expression(self, expr: Expr | None) -> Jinja:
        if expr is None:
            raise Untranslatable("")  # it could not be read, which is told already
        return self.EXPRESSIONS[type(expr)](self, expr)

    def _const(self, expr: Const) -> Jinja:
        if expr.kind == "nil":
            raise Untranslatable('nil; ask with kindIs "invalid"')
        if expr.kind == "string":
            return Jinja(quote(expr.value))
        if expr.kind == "boolean":
            return Jinja(str(expr.value).lower())
        if expr.kind == "int" and abs(expr.value) >= LARGE:
            return Jinja(f"{expr.value} | int", FILTER)  # a number without int is a float64
        return Jinja(repr(expr.value))

    def _name(self, expr: Name) -> Jinja:
        found, var = self.variables.get(expr.var), expr.var
        if found is None and var.form == "index":
            loop = next((one.branch for one in reversed(self.scopes) if one.branch and one.branch.kind == "for"), None)
            if loop is not None and loop.index is var:
                return Jinja("loop.index0")
        if found is None and var.form == "parameter":
            return Jinja(var.name)
        if found is None and var.value is not None and not var.assigned and var.form == "set":
            found = var.value
        if found is None:
            raise Untranslatable(f"the variable {var.name or 'of a loop'}, which has no name here; set one before")
        if not isinstance(found, str):
            return self.expression(found)
        return Jinja(f"{found}.value" if var.crosses and found == self.variables[var] else found)

    def _field(self, expr: Field) -> Jinja:
        if not expr.name.isidentifier():
            raise Untranslatable(f"the field {expr.name}; Jinja has no such names")
        if isinstance(expr.base, Root):
            return self._of_root(expr.base.name, expr.name)
        base = self.expression(expr.base)
        return Jinja(f"{base.within(ATOM)}.{expr.name}")

    @staticmethod
    def _of_root(root: str, name: str) -> Jinja:
        if root not in ROOTS:
            raise Untranslatable(without_root(root))
        if root != "Values" and name not in ROOTS[root]:
            known = ", ".join(f".{root}.{one}" for one in ROOTS[root])
            raise Untranslatable(f".{root}.{name}; the pack knows {known}")
        return Jinja(f"{root}.{name}")

    def _root(self, expr: Root) -> Jinja:
        if expr.name == "Values":
            return Jinja(expr.name)
        if not expr.name:
            raise Untranslatable(WHOLE)
        return self._of_root(expr.name, "")

    def _include(self, expr: Include) -> Jinja:
        if expr.name not in self.names.macros:
            raise Untranslatable(f"an include of {expr.name}, which is defined nowhere")
        given = dict(expr.args)
        order = self.names.macros.get(expr.name, tuple(given))
        for name in order:
            if name not in given:
                raise Untranslatable(f"an include of {expr.name} without {name}, which it takes; pass it too")
        if len(given) > len(order):
            raise Untranslatable(f"an include of {expr.name} with more than it takes; it takes {', '.join(order)}")
        if not self.names.helpers and any(expr.name in scope.names for scope in self._visible()):
            raise Untranslatable(f"an include of {expr.name} where {expr.name} is a parameter; rename the parameter")
        arguments = ", ".join(self.expression(given[name]).text for name in order)
        return Jinja(f"{self.names.helpers}{expr.name}({arguments})")

    def _call(self, expr: Call) -> Jinja:
        name, args = expr.name, expr.args
        if name not in JINJA and name not in OPERATORS:
            raise Untranslatable(without_form(name))
        found = [self.expression(one) for one in args]
        if name in ("list", "tuple"):
            return Jinja(f"[{', '.join(one.text for one in found)}]")
        if name in ("defined", "undefined"):
            return Jinja(f"{found[0].within(FILTER)} is {'not ' * (name == 'undefined')}defined", COMPARE)
        if name == "not":
            text = f"({found[0].text})" if found[0].level == FILTER else found[0].within(NOT)
            return Jinja(f"not {text}", NOT)  # as a reader takes `not x | f`
        if name in ("and", "or"):
            return Jinja(f" {name} ".join(one.within(NOT) for one in found), AND if name == "and" else OR)
        self.check(expr, found)
        kinds = [types.kind_of(types.of_expr(one, self.values)) for one in args]
        operator = name in ("==", "!=") or name in SIGNS and len(args) == 2 and None not in kinds
        if operator:
            return Jinja(f"{found[0].within(FILTER)} {SIGNS.get(name, name)} {found[1].within(FILTER)}", COMPARE)
        function = JINJA[name]
        path = name == "toYaml" and len(args) == 1 and (is_path(args[0]) or isinstance(args[0], Const))
        if expr.piped and name not in SIGNS or path:
            given = ", ".join(one.text for one in found[:-1])
            return Jinja(f"{found[-1].within(FILTER)} | {function}" + (f"({given})" if given else ""), FILTER)
        return Jinja(f"{function}({', '.join(one.text for one in found)})")

    EXPRESSIONS = {
        Const: _const,
        Name: _name,
        Field: _field,
        Include: _include,
        Call: _call,
        Root: _root,
    }

    def check(self, call: Call, found: list[Jinja]) -> None:
        """Refuse what Go takes otherwise than Jinja."""
        name, args = call.name, call.args
        kinds = [types.kind_of(types.of_expr(one, self.values)) for one in args]
        if name in SIGNS or name == "==":
            self._check_comparison("deepEqual" if name == "==" else name, kinds)
        if name == "printf":
            self._check_printf(args, kinds)
        if name == "has" and kinds[0] in ("int", "number"):
            raise Untranslatable("has with a number; it tells an int from a float64, so pipe both through toString")
        if name in ("indent", "nindent", "trunc", "repeat") and kinds[0] not in ("int", None):
            raise Untranslatable(f"{name} by a number that is no int; write (int ...)")
        if name == "mergeOverwrite" and not self._is_fresh(args[0], FRESH):
            raise Untranslatable("mergeOverwrite into a map of the values changes them; begin with (dict)")
        if name == "set" and not self._is_fresh(args[0], {"dict"}):
            raise Untranslatable(
                "set of a map of the values changes them; use mergeOverwrite (dict) with the map first"
            )
        if name == "kindIs" and (
            not isinstance(args[0], Const) or args[0].value not in ("string", "bool", "slice", "map", "invalid")
        ):
            raise Untranslatable("kindIs of a number; a schema says what is a number, and int makes one of it")

    @staticmethod
    def _is_fresh(expr: Expr, makers: set[str]) -> bool:
        """Whether a template has made a map itself, so that nothing else changes with it."""
        if isinstance(expr, Name) and expr.var.value is not None and not expr.var.assigned:
            expr = expr.var.value
        parameter = isinstance(expr, Name) and expr.var.form == "parameter"
        return parameter or isinstance(expr, Call) and expr.name in makers

    @staticmethod
    def _check_comparison(name: str, kinds: list[str | None]) -> None:
        known = set(kinds)
        if name == "deepEqual":
            if len(known) > 1 and known & {"int", "number", "boolean"}:
                raise Untranslatable(
                    "deepEqual of a number or truth and what may be of another kind; pipe both through int"
                )
            return
        if len(kinds) < 2 or len(kinds) > 2 and name != "eq":
            raise Untranslatable(f"{name} of {len(kinds)} values")
        if known & {"array", "object"}:
            raise Untranslatable(f"{name} of a list or map, which Helm refuses; use deepEqual")
        if {"int", "number"} <= known or "int" in known and None in known:
            raise Untranslatable(
                f"{name} of an int and a value, a float64 to Helm, which refuses to compare them; write (int ...)"
            )
        if len(known - {None}) > 1:
            raise Untranslatable(f"{name} of a {' and a '.join(sorted(known - {None}))}, which Helm refuses")
        if name not in ("eq", "ne") and known == {"boolean"}:
            raise Untranslatable(f"{name} of truths, which Helm refuses")

    @staticmethod
    def _check_printf(args: tuple[Expr, ...], kinds: list[str | None]) -> None:
        if not isinstance(args[0], Const) or args[0].kind != "string":
            raise Untranslatable("printf with a format that is no literal; write it out")
        verbs = [verb for verb in VERB.findall(args[0].value) if verb[1] != "%"]
        if any(verb not in ("s", "q", "d", "v") for _, verb in verbs) or len(verbs) != len(args) - 1:
            raise Untranslatable("printf with verbs other than %s %q %d %v %%, or with another number of values")
        for (_, verb), kind in zip(verbs, kinds[1:]):
            if verb == "d" and kind != "int":
                raise Untranslatable("%d of what is no int to Go; write (int ...)")
            if verb in "sq" and kind in ("int", "number", "boolean"):
                raise Untranslatable(f"%{verb} of a {kind}, which Go prints as a slip; use %d with int, or %v")


def written(tree: Tree, names: Names, values: dict) -> str:
    """A whole template in Jinja; `tree.problems` gets what has no form."""
    writer = Writer(names, values)
    text = writer.text(tree.parts, tree.source)
    tree.problems.extend(writer.problems)
    return text
