# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads a Jinja template into a tree, with Jinja's own lexer and parser. What has no exact Go form becomes a problem."""

from __future__ import annotations

import functools

import jinja2
from jinja2 import nodes

from stageset_render.pack.environment import environment
from stageset_render.pack.files import HELPERS, source
from stageset_render.port.language import types
from stageset_render.port.language.jinja_reading import Expressions, Scope, macro_names
from stageset_render.port.language.jinja_tags import Tag, template_tags
from stageset_render.port.language.tree import (
    Branch,
    Builder,
    Close,
    Comment,
    Print,
    Set,
    Text,
    Tree,
    Untranslatable,
    Var,
)

SPACE = " \t\n"  # what both Jinja and Go trim at a `-`
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


@functools.lru_cache(maxsize=4096)
def _parsed(form: str) -> nodes.Node:
    return environment().parse(form).body[-1]


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


class Reader(Expressions):
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
            found = template_tags(text)
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
