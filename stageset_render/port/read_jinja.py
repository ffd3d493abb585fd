# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads a Jinja template into a tree, with Jinja's own lexer and parser. What has no exact Go form becomes a problem."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field

import jinja2
from jinja2 import nodes

from stageset_render.helm.functions import FILTERS, GLOBALS
from stageset_render.pack.environment import environment
from stageset_render.pack.files import HELPERS, source
from stageset_render.port import types
from stageset_render.port.functions import ORDERS, camel
from stageset_render.port.tree import (
    ROOTS,
    Branch,
    Builder,
    Call,
    Close,
    Comment,
    Const,
    Expr,
    Field,
    Include,
    Name,
    Print,
    Root,
    Set,
    Text,
    Tree,
    Untranslatable,
    Var,
)

INDEX, HELPERS_NAME = "index0", "stageset"
RESERVED = (*ROOTS, *GLOBALS, INDEX, "root", "loop")
SPACE = " \t\n"  # what both Jinja and Go trim at a `-`
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
NO_TAG = {
    "include": "the tag include; call a macro of a partial",
    "extends": "the tag extends; templates have no parents",
    "block": "the tag block; use a macro of a partial",
    "raw": 'the tag raw; print a string literal, as in {{ "{{ x }}" }}',
    "call": "the tag call; call the macro in an expression",
    "filter": "the tag filter; pipe an expression",
    "with": "the tag with; use set",
    "import": "the tag import; every template has the helpers as stageset",
    "from": "the tag from; every template has the helpers as stageset",
    "autoescape": "the tag autoescape; nothing is escaped",
}
FORMS = {"if": "if {}%}}{{% endif", "elif": "if {}%}}{{% endif", "for": "for {}%}}{{% endfor", "set": "set {}"}
FORMS["macro"] = "macro {}%}}{{% endmacro"


@dataclass
class Tag:
    """One tag or text: `before` and `after` are the white space that its `-` trims, None without one."""

    kind: str
    line: int
    start: int
    end: int
    body: str = ""
    before: str | None = None
    after: str | None = None
    at: int = 0  # where the body of a text begins


def tags(text: str) -> Iterator[Tag]:
    """Split a template with Jinja's own lexer, which forgets nothing but the white space before a `-`."""
    at, begun = 0, None
    for line, kind, token in environment().lexer.tokeniter(text, None):
        start = text.index(token, at)
        gap, at = text[at:start], start + len(token)
        name, _, part = kind.rpartition("_")
        if part == "begin":
            begun = Tag(name, line, start, at, "", gap if token.endswith("-") else None)
        elif part == "end":
            marker = token.rstrip()
            begun.end, begun.after = start + len(marker), token[len(marker) :] if marker.startswith("-") else None
            yield begun
            begun = None
        elif begun:
            begun.body += gap + token
        else:
            yield Tag("text", line, start, at, token, at=start)


def whole(found: list[Tag], text: str) -> Iterator[Tag]:
    """The same with texts that hold what a `-` trims of them, too."""
    at, line, between = 0, 1, []
    for tag in [*found, Tag("end", 0, len(text), len(text))]:
        if tag.kind == "text":
            between.append(tag)
            continue
        if tag.start > at:
            one = between[0] if between else Tag("text", line, at, at, at=at)
            one.start, one.end, one.body = at, tag.start, "".join(part.body for part in between)
            yield one
        at, line, between = tag.end, tag.line, []
        if tag.kind != "end":
            yield tag


@functools.lru_cache(maxsize=256)
def _tags(text: str) -> list[Tag]:
    """All tags and texts of a template. TemplateSyntaxError for what is none."""
    environment().parse(text)
    return list(whole(list(tags(text)), text))


@functools.lru_cache(maxsize=4096)
def _parsed(form: str) -> nodes.Node:
    return environment().parse(form).body[-1]


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


def read(file: str, text: str, helpers: str | None = None, values: dict | None = None) -> Tree:
    """Read a template of the pack.

    Args:
        file: its name; macros may be defined in partials only, whose names start with `_`.
        text: its source.
        helpers: the source of _helpers.tpl; the pack's by itself.
        values: what is known of the values; what the pack's schema says by itself.
    """
    helpers = source(HELPERS) if helpers is None else helpers
    return Reader(file, text, helpers, types.of_pack() if values is None else values).tree


class Reader:
    """Reads one template into `tree`."""

    def __init__(self, file: str, text: str, helpers: str, values: dict):
        self.tree, self.values = Tree(file, text), values
        self.builder, self.scopes, self.inside = Builder(self.tree), [Scope()], False
        if "\r" in text:
            self.tree.problems.append(
                (text[: text.index("\r")].count("\n") + 1, "a carriage return; end lines with a line feed")
            )
            return
        try:
            self.macros = macro_names(text) if file.startswith("_") else {}
            self.helpers = macro_names(helpers)
            found = _tags(text)
        except (jinja2.TemplateSyntaxError, RecursionError) as error:
            line, told = getattr(error, "lineno", 1), getattr(error, "message", "nested too deep")
            self.tree.problems.append((line, f"{told}; this is no template"))
            return
        for tag in found:
            try:
                self._tag(tag)
            except Untranslatable as error:
                self.tree.problems.append((tag.line, str(error)))
            except RecursionError:
                self.tree.problems.append((tag.line, "nested too deep; set a name to a part"))

    # Tags

    def _tag(self, tag: Tag) -> None:
        place = tag.line, tag.start, tag.end, tag.before is not None, tag.after is not None
        if tag.kind == "text":
            self.builder.add(Text(tag.line, tag.start, tag.end, text=tag.body, at=tag.at))
            return
        if ((tag.before or "") + (tag.after or "")).strip(SPACE):
            raise Untranslatable("white space that Go doesn't trim stands at a `-`; use blanks and line feeds")
        if tag.kind == "comment":
            self.builder.add(Comment(*place, text=tag.body))
        elif tag.kind == "variable":
            self.builder.add(Print(*place, expr=self.expression(self._parse(tag, f"{{{{{tag.body}}}}}").nodes[-1])))
        else:
            self._statement(tag, place)

    @staticmethod
    def _parse(tag: Tag, form: str) -> nodes.Node:
        try:
            return _parsed(form)
        except jinja2.TemplateSyntaxError as error:
            raise Untranslatable(f"{error.message}; write one plain expression") from error

    def _statement(self, tag: Tag, place: tuple) -> None:
        keyword, _, rest = tag.body.strip().partition(" ") if tag.kind == "block" else (tag.kind, "", "")
        if keyword == "set" and "=" not in rest:
            raise Untranslatable("a set without =; set an expression")
        if keyword in FORMS:
            node = self._parse(tag, f"{{% {FORMS[keyword].format(rest)} %}}")
            getattr(self, f"_{keyword}")(node, place)
        elif keyword == "else":
            self._next_branch()
            self.builder.branch(Branch(*place, kind="else"))
        elif keyword in ("endif", "endfor", "endmacro"):
            self._end(place)
        elif not keyword.startswith("end"):  # whose beginning is refused already
            raise Untranslatable(NO_TAG.get(keyword, f"the tag {keyword}; it has no Go form"))

    def _opened(self, scope: Scope, branch: Branch) -> Branch:
        """A block that is open whatever is wrong with its tag, so that its end ends it."""
        self.scopes.append(scope)
        self.builder.branch(branch)
        return branch

    def _if(self, node: nodes.If, place: tuple) -> None:
        branch = Branch(*place, kind="if")
        try:
            branch.test = self.expression(node.test)
        finally:
            self._opened(Scope(own=False), branch)

    def _elif(self, node: nodes.If, place: tuple) -> None:
        self._next_branch()
        branch = Branch(*place, kind="elif")
        self.builder.branch(branch)
        branch.test = self.expression(node.test)

    def _next_branch(self) -> None:
        before = self.scopes.pop()
        earlier = before.earlier | before.gone | set(before.names)
        self.scopes.append(Scope(own=before.own, earlier=set() if before.own else earlier))

    def _end(self, place: tuple) -> None:
        ended = self.scopes.pop()
        if not ended.own:
            self.scopes[-1].gone |= ended.earlier | ended.gone | set(ended.names)
        self.inside = self.inside and self.builder.blocks[-1].kind != "macro"
        self.builder.close(Close(*place))

    def _for(self, node: nodes.For, place: tuple) -> None:
        branch = Branch(*place, kind="for")
        scope = Scope(loop=branch)
        try:
            if not isinstance(node.target, nodes.Name):
                raise Untranslatable("a loop over pairs, so over a map; loop over a list")
            branch.var = scope.names[self._new(node.target.name)] = Var(node.target.name, "element")
            if node.test or node.recursive:
                raise Untranslatable("a loop with a filter or recursive; write an if inside it")
            branch.test = self.expression(node.iter)
            known = self.known(branch.test)
            if types.kind_of(known) not in ("array", None):
                raise Untranslatable(f"a loop over a {types.kind_of(known)}; loop over a list")
            branch.var.schema = known.get("items", {})
        finally:
            self._opened(scope, branch)

    def _set(self, node: nodes.Assign, place: tuple) -> None:
        if isinstance(node.target, nodes.NSRef):
            var = self._lookup(node.target.name)
            if node.target.attr != "value" or not var or not var.crosses:
                raise Untranslatable("a set of what is no namespace(value=...); set a name")
            var.assigned = True
            self.builder.add(Set(*place, var=var, expr=self.expression(node.node), declares=False))
            return
        if not isinstance(node.target, nodes.Name):
            raise Untranslatable("a set of several names; set one name")
        name, kept, expr = self._new(node.target.name), self._namespace(node.node), None
        try:
            expr = self.expression(kept or node.node)
        finally:
            var, declares = self._assigned(name, {} if expr is None else self.known(expr))
        if kept and not declares:
            raise Untranslatable(f"a namespace of a name that is set already; name it otherwise than {name}")
        var.crosses = var.crosses or bool(kept)
        if declares:
            var.value = expr
        self.builder.add(Set(*place, var=var, expr=expr, declares=declares))

    def _namespace(self, node: nodes.Expr) -> nodes.Expr | None:
        """What a namespace(value=...) begins with; in it Jinja keeps a value that a loop changes."""
        called = isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name == "namespace"
        if not called or "namespace" in self.macros:
            return None
        if node.args or len(node.kwargs) != 1 or node.kwargs[0].key != "value":
            raise Untranslatable("a namespace of another form than namespace(value=...)")
        return node.kwargs[0].value

    def _assigned(self, name: str, schema: dict) -> tuple[Var, bool]:
        """Note an assignment, to a declaration that is in the same scope to Jinja too or as a new one."""
        for scope in reversed(self.scopes):
            var = scope.names.get(name)
            if var and var.form != "parameter":
                var.assigned = True
                var.schema = schema if types.kind_of(var.schema) == types.kind_of(schema) else {}
                return var, False
            if scope.own:
                break
        self.scopes[-1].names[name] = var = Var(name, "set", schema)
        self.scopes[-1].gone.discard(name)
        return var, True

    def _macro(self, node: nodes.Macro, place: tuple) -> None:
        branch = Branch(*place, kind="macro", name=node.name)
        branch.parameters = tuple(Var(argument.name, "parameter") for argument in node.args)
        nested = len(self.scopes) > 1
        self.inside = True
        self._opened(Scope({var.name: var for var in branch.parameters}), branch)
        for argument in node.args:
            self._new(argument.name)
        if nested or not self.tree.file.startswith("_"):
            raise Untranslatable("a macro inside a block or outside a partial; put it into _helpers.tpl")
        if node.defaults:
            raise Untranslatable("a macro with a default for a parameter; pass every parameter")

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
        kinds = [self.known(one) for one in call.args]
        if call.name == "has" and kinds and {"int", "integer", "number"} & set(types.types_of(kinds[0])):
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
