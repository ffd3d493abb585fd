# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads the expressions of Jinja templates. What has no exact Go form is refused."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

from jinja2 import nodes

from stageset_render.helm.functions import FILTERS, GLOBALS
from stageset_render.pack.environment import environment
from stageset_render.pack.files import HELPERS
from stageset_render.port.language import types
from stageset_render.port.language.functions import ORDERS, camel, miscounted
from stageset_render.port.language.tree import (
    ROOTS,
    Branch,
    Call,
    Const,
    Expr,
    Field,
    Include,
    Name,
    Root,
    Untranslatable,
    Var,
)

INDEX, HELPERS_NAME = "index0", "stageset"
RESERVED = (*ROOTS, *GLOBALS, INDEX, "root", "loop")
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "lt", "lteq": "le", "gt": "gt", "gteq": "ge"}
ARITHMETIC = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Pos, nodes.Neg)
NO_FORM = {
    nodes.Concat: "`~`; use printf",
    nodes.CondExpr: "an inline if; write {%- if %} ... {%- endif %}",
    nodes.Getitem: "an index or a slice; name the key, as in a.b, or loop over the list",
    nodes.Slice: "a slice; loop over the list",
    nodes.Dict: "a map literal; use dict",
    nodes.Tuple: "a tuple; write a list in brackets",
    **dict.fromkeys(ARITHMETIC, "arithmetic; use the functions add and sub"),
}


@dataclass
class Scope:
    """What one block declares: a file, macro or loop in Jinja, and in Go any branch of an if as well."""

    names: dict[str, Var] = field(default_factory=dict)
    own: bool = True  # Jinja keeps what is set in it from what surrounds it
    loop: Branch | None = None
    gone: set[str] = field(default_factory=set)  # set in a branch, where Go forgets it at the end and Jinja doesn't
    earlier: set[str] = field(default_factory=set)  # set in the branches before this one


@functools.lru_cache(maxsize=8)
def macro_names(text: str) -> dict[str, tuple[str, ...]]:
    """The macros of a partial, with their parameters."""
    found = environment().parse(text).find_all(nodes.Macro)
    return {macro.name: tuple(argument.name for argument in macro.args) for macro in found}


class Expressions:
    """Reads expressions; a reader of templates adds its tags.

    Attributes:
        scopes: the names around what is read.
        inside: whether a macro is around it.
        macros, helpers: the macros of the file, and of _helpers.tpl.
    """

    scopes: list[Scope]
    inside: bool

    # Names

    @staticmethod
    def _new(name: str) -> str:
        if name in RESERVED:
            raise Untranslatable(f"{name} as a name of its own; it means something else already")
        return name

    def known(self, expr: Expr) -> dict:
        return types.of_expr(expr, self.values)

    def _lookup(self, name: str) -> Var | None:
        visible = self.scopes[1:] if self.inside else self.scopes  # no macro in Go sees its file's names
        for scope in reversed(visible):
            if name in scope.gone:
                raise Untranslatable(f"{name} is set in an if alone, where Go forgets it; set it before the if too")
            if name in scope.names:
                return scope.names[name]
        return None

    def _name(self, node: nodes.Name, whole: bool = True) -> Expr:
        var = self._lookup(node.name)
        if var and whole and var.crosses:
            raise Untranslatable(f"the namespace {node.name} as a whole; write {node.name}.value")
        if var:
            return Name(var)
        if node.name == "Values":
            return Root("Values")
        if node.name in ROOTS:
            raise Untranslatable(f"{node.name} as a whole; name one of its fields")
        raise Untranslatable(f"the name {node.name}; it is neither set here nor a parameter, Values, Release or Chart")

    # Expressions

    def expression(self, node: nodes.Node) -> Expr:
        if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const) and type(node.node.value) in (int, float):
            node = nodes.Const(-node.node.value)
        read = self.EXPRESSIONS.get(type(node))
        if type(node) in NO_FORM or not read:
            raise Untranslatable(NO_FORM.get(type(node), f"a {type(node).__name__}; it has no Go form"))
        return read(self, node)

    def _const(self, node: nodes.Const) -> Const:
        if node.value is None:
            raise Untranslatable("none; ask with `is defined`")
        kinds = {bool: "boolean", str: "string", int: "int", float: "number"}
        return Const(kinds[type(node.value)], node.value)

    def _getattr(self, node: nodes.Getattr) -> Expr:
        base = node.node.name if isinstance(node.node, nodes.Name) else None
        if base == "loop":
            return self._index(node.attr)
        if base == HELPERS_NAME:
            raise Untranslatable(f"{base}.{node.attr} without a call; write {base}.{node.attr}()")
        if base and node.attr == "value" and (var := self._lookup(base)) and var.crosses:
            return Name(var)
        if base and ROOTS.get(base):
            if node.attr not in ROOTS[base]:
                raise Untranslatable(f"{base}.{node.attr}; of {base} there are {', '.join(ROOTS[base])}")
            return Field(Root(base), node.attr)
        never_null = isinstance(node.node, nodes.Filter) and node.node.name == "default"
        if not isinstance(node.node, (nodes.Name, nodes.Getattr)) and not never_null:
            raise Untranslatable(
                f".{node.attr} of what is no name; set a name to it first, or pipe it through default(dict())"
            )
        return Field(self.expression(node.node), node.attr)

    def _index(self, attribute: str) -> Name:
        if attribute != INDEX:
            raise Untranslatable(f"loop.{attribute}; Go has loop.index0 alone")
        scope = next((scope for scope in reversed(self.scopes) if scope.loop is not None or scope.own), self.scopes[0])
        if scope.loop is None:
            raise Untranslatable("loop.index0 outside a loop; use it inside one")
        scope.loop.index = scope.loop.index or Var(INDEX, "index", types.INT)
        return Name(scope.loop.index)

    def _not(self, node: nodes.Not) -> Call:
        if isinstance(node.node, nodes.Test):
            return Call("undefined", (self._tested(node.node),))
        return Call("not", (self.expression(node.node),))

    def _tested(self, node: nodes.Test) -> Expr:
        if node.name != "defined":
            raise Untranslatable(f"the test {node.name}; there is `is defined` alone")
        return self.expression(node.node)

    def _and_or(self, node: nodes.And | nodes.Or) -> Call:
        found, first = [], node
        while type(first) is type(node):
            found, first = [first.right, *found], first.left
        word = "and" if isinstance(node, nodes.And) else "or"
        return Call(word, tuple(self.expression(one) for one in (first, *found)))

    def _compare(self, node: nodes.Compare) -> Call:
        if len(node.ops) > 1 or node.ops[0].op not in COMPARISONS:
            raise Untranslatable("in, not in or a chain of comparisons; use has, or and")
        pair = self.expression(node.expr), self.expression(node.ops[0].expr)
        kinds = {types.kind_of(self.known(one)) for one in pair}
        if len(kinds) > 1 and kinds & {"int", "number", "boolean"}:  # Python: 1 == 1.0 == True, Go: an error
            raise Untranslatable("a number or truth compared with what may be of another kind; pipe both through int")
        return Call(COMPARISONS[node.ops[0].op], pair)

    def _arguments(self, call: nodes.Call | nodes.Filter) -> tuple[Expr, ...]:
        if call.kwargs or call.dyn_args or call.dyn_kwargs:
            raise Untranslatable("an argument by name; pass arguments by place")
        return tuple(self.expression(argument) for argument in call.args)

    def _checked(self, call: Call) -> Call:
        if wrong := miscounted(call.name, len(call.args)):
            raise Untranslatable(wrong)
        kinds = [self.known(one) for one in call.args]
        if call.name == "has" and kinds and {"int", "integer", "number"} & set(types.all_types(kinds[0])):
            raise Untranslatable("has with a number; it tells an int from a float64, so pipe both through to_string")
        if call.name in ORDERS and "int" in map(types.kind_of, kinds):
            raise Untranslatable(
                f"{call.name} with a whole number; write it as an operator, and pipe both sides through int"
            )
        return call

    def _filter(self, node: nodes.Filter) -> Call:
        if node.name not in FILTERS:
            raise Untranslatable(f"the filter {node.name}; Helm has none, or the pack doesn't know it")
        piped = self.expression(node.node)
        return self._checked(Call(camel(node.name), (*self._arguments(node), piped), True))

    def _call(self, node: nodes.Call) -> Expr:
        if isinstance(node.node, nodes.Getattr) and getattr(node.node.node, "name", None) == HELPERS_NAME:
            return self._include(self.helpers, HELPERS, node.node.attr, node)
        if not isinstance(node.node, nodes.Name):
            raise Untranslatable(f"a call of the method {getattr(node.node, 'attr', '?')}; Go has functions alone")
        name = node.node.name
        if name in self.macros:
            return self._include(self.macros, self.tree.file, name, node)
        if name not in GLOBALS:
            raise Untranslatable(f"the function {name}; Helm has none, or the pack doesn't know it")
        return self._checked(Call(camel(name), self._arguments(node)))

    def _include(self, known: dict[str, tuple[str, ...]], file: str, macro: str, node: nodes.Call) -> Include:
        arguments = self._arguments(node)
        if macro not in known:
            raise Untranslatable(f"the macro {macro}; {file} has none of this name")
        if len(arguments) != len(known[macro]):
            raise Untranslatable(f"a call of {macro} with {len(arguments)} arguments; it takes {len(known[macro])}")
        return Include(macro, tuple(zip(known[macro], arguments)))

    EXPRESSIONS = {
        nodes.Name: _name,
        nodes.Const: _const,
        nodes.Getattr: _getattr,
        nodes.List: lambda self, node: Call("list", tuple(self.expression(item) for item in node.items)),
        nodes.Not: _not,
        nodes.Test: lambda self, node: Call("defined", (self._tested(node),)),
        nodes.And: _and_or,
        nodes.Or: _and_or,
        nodes.Compare: _compare,
        nodes.Filter: _filter,
        nodes.Call: _call,
    }
