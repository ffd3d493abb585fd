# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes a template in Go: every Jinja tag becomes one Go action, and the text between them stays as it is.

The rules of Go are those of the documentation of its text/template package, with the functions of Helm and Sprig. What
has no exact Go form is refused, with its file and line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import jinja2
from jinja2 import nodes

from stageset_render.helm.functions import quote
from stageset_render.pack.environment import environment
from stageset_render.port.to_helm.expressions import (
    INDEX,
    Expressions,
    Go,
    Scope,
    Unportable,
    below,
    kind_of,
    macros,
    path_of,
    prefix,
)
from stageset_render.port.to_helm.tags import Tag, tags

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
SPACE = " \t\n"  # what both Jinja and Go trim at a `-`


def conditions(tree: nodes.Template) -> Iterator[nodes.If]:
    """The ifs of a template in the order of their tags; an elif is part of its if."""
    later = {id(branch) for node in tree.find_all(nodes.If) for branch in node.elif_}
    return (node for node in tree.find_all(nodes.If) if id(node) not in later)


def prints(node: nodes.If) -> bool:
    """Whether a chart would write `with`: the block prints the path asked for or loops over it, and doesn't join it."""
    path = path_of(node.test)
    if not path or path[0] in ("Release", "Chart", "loop") or node.elif_:
        return False
    body = nodes.Template(node.body)
    joined = [one.node for one in body.find_all(nodes.Filter) if one.name == "join"]
    joined += [one.args[-1] for one in body.find_all(nodes.Call) if one.args and path_of(one.node) == ("join",)]
    shown = [part for output in body.find_all(nodes.Output) for part in output.find_all(nodes.Expr)]
    looped = [loop.iter for loop in body.find_all(nodes.For)]
    return path not in map(path_of, joined) and path in map(path_of, shown + looped)


class Port(Expressions):
    """Translates one template. `problems` has what can't be translated; `text` is the Go template."""

    def __init__(self, file: str, source: str):
        super().__init__(file, {})
        self.output, self.problems = [], []
        if "\r" in source:
            self._refuse(source[: source.index("\r")].count("\n") + 1, "a carriage return; end lines with a line feed")
            return
        try:
            self.macros = macros(source)
            self.ifs = conditions(environment().parse(source))
            parts = list(tags(source))
        except jinja2.TemplateSyntaxError as error:
            self._refuse(error.lineno, f"{error.message}; this is no template")
            return
        for part in parts:
            try:
                self._part(part)
            except Unportable as error:
                self._refuse(part.line, str(error))

    @property
    def text(self) -> str:
        return "".join(self.output)

    def _refuse(self, line: int, text: str) -> None:
        self.problems.append(f"templates/{self.file}:{line}: {text}")

    # Tags

    def _part(self, part: Tag) -> None:
        if part.kind == "text":
            self.output.append(part.body)
            return
        if ((part.before or "") + (part.after or "")).strip(SPACE):
            raise Unportable("white space that Go doesn't trim stands at a `-`; use blanks and line feeds")
        left, right = "{{" if part.before is None else "{{- ", "}}" if part.after is None else " -}}"
        if part.kind == "comment":
            if "*/" in part.body:
                raise Unportable("*/ in a comment; it would end the comment in Go")
            action = f"/*{part.body}*/"
        else:
            self.output.append(part.before or "")  # before the action is translated: a loop notes where it stands
            action = self._variable(part) if part.kind == "variable" else self._block(part)
            left, right = left.ljust(3), right.rjust(3)
            part = part._replace(before="")
        self.output += [part.before or "", left + action + right, part.after or ""]

    def _variable(self, part: Tag) -> str:
        return self._expression(self._parsed(part, f"{{{{{part.body}}}}}").nodes[-1]).text

    def _block(self, part: Tag) -> str:
        keyword, _, rest = part.body.strip().partition(" ") if part.kind == "block" else (part.kind, "", "")
        if keyword not in self.STATEMENTS:
            if keyword.startswith("end"):
                return ""  # its beginning is refused already
            raise Unportable(NO_TAG.get(keyword, f"the tag {keyword}; it has no Go form"))
        if keyword == "set" and "=" not in rest:
            raise Unportable("a set without =; set an expression")
        method, form = self.STATEMENTS[keyword]
        return method(self, self._parsed(part, form.replace("...", rest)) if form else None)

    @staticmethod
    def _parsed(part: Tag, text: str) -> nodes.Node:
        try:
            return environment().parse("\n" * (part.line - 1) + text).body[-1]
        except jinja2.TemplateSyntaxError as error:
            raise Unportable(f"{error.message}; write one plain expression") from error

    def _if(self, node: nodes.If) -> str:
        scope, printed = Scope(own=False), prints(next(self.ifs))
        try:
            test = self._expression(node.test)
            if not printed or kind_of(test.schema) == "boolean" or re.fullmatch(r"\.|\$\w+", test.text):
                return f"if {test.text}"
            scope.moved, scope.dot = True, path_of(node.test)
            return f"with {test.text}"
        finally:
            self.scopes.append(scope)

    def _elif(self, node: nodes.If) -> str:
        self._next_branch()
        return f"else if {self._expression(node.test).text}"

    def _else(self, _node) -> str:
        self._next_branch()
        return "else"

    def _next_branch(self) -> None:
        before = self.scopes.pop()
        earlier = before.earlier | before.gone | set(before.names)
        self._indexed(before)
        self.scopes.append(Scope(own=before.own, earlier=set() if before.own else earlier))

    def _end(self, _node) -> str:
        ended = self.scopes.pop()
        self._indexed(ended)
        if not ended.own:
            self.scopes[-1].gone |= ended.earlier | ended.gone | set(ended.names)
        return "end"

    def _indexed(self, scope: Scope) -> None:
        """Declare a loop's index in its action, where the loop uses it."""
        if scope.loop is not None and INDEX in scope.names:
            self.output[scope.loop] = self.output[scope.loop].replace("range ", f"range ${INDEX}, ", 1)

    def _for(self, node: nodes.For) -> str:
        scope = Scope(loop=len(self.output) + 1, moved=True)
        try:
            if not isinstance(node.target, nodes.Name):
                raise Unportable("a loop over pairs, so over a map; loop over a list")
            scope.names[self._new(node.target.name)] = Go(f"${node.target.name}", {}, True)
            if node.test or node.recursive:
                raise Unportable("a loop with a filter or recursive; write an if inside it")
            items = self._expression(node.iter)
            if kind_of(items.schema) not in ("array", None):
                raise Unportable(f"a loop over a {kind_of(items.schema)}; loop over a list")
            scope.names[node.target.name] = Go(f"${node.target.name}", below(items.schema, "items"), True)
            return f"range ${node.target.name} := {items.text}"
        finally:
            self.scopes.append(scope)

    def _set(self, node: nodes.Assign) -> str:
        if isinstance(node.target, nodes.NSRef):
            if node.target.attr != "value" or not self._is_kept(node.target.name):
                raise Unportable("a set of what is no namespace(value=...); set a name")
            self._change(node.target.name)
            return f"${node.target.name} = {self._expression(node.node).text}"
        if not isinstance(node.target, nodes.Name):
            raise Unportable("a set of several names; set one name")
        name, value = self._new(node.target.name), Go("")
        kept = self._namespace(node.node)
        try:
            value = self._expression(kept or node.node)
            sign = self._assigned(name, value.schema)
            if kept and sign == "=":
                raise Unportable(f"a namespace of a name that is set already; name it otherwise than {name}")
            if kept:
                self.scopes[-1].names[name] = Go(f"${name}", {}, True, kept=True)
            return f"${name} {sign} {value.text}"
        finally:
            if not value.text:
                self._assigned(name, {})

    def _namespace(self, node: nodes.Expr) -> nodes.Expr | None:
        """What a namespace(value=...) begins with; in it Jinja keeps a value that a loop changes."""
        if not isinstance(node, nodes.Call) or path_of(node.node) != ("namespace",) or "namespace" in self.macros:
            return None
        if node.args or len(node.kwargs) != 1 or node.kwargs[0].key != "value":
            raise Unportable("a namespace of another form than namespace(value=...)")
        return node.kwargs[0].value

    def _change(self, name: str) -> None:
        """A name means something else from here on; a dot that was written with it doesn't."""
        for scope in self.scopes:
            if scope.dot and scope.dot[0] == name:
                scope.dot = None

    def _assigned(self, name: str, schema: dict) -> str:
        """Note an assignment; := declares, = goes to a declaration that is in the same scope to Jinja too."""
        self._change(name)
        for scope in reversed(self.scopes):
            if name in scope.names and scope.names[name].text == f"${name}":
                same = kind_of(scope.names[name].schema) == kind_of(schema)
                scope.names[name] = Go(f"${name}", schema if same else {}, True)
                return "="
            if scope.own:
                break
        self.scopes[-1].names[name] = Go(f"${name}", schema, True)
        self.scopes[-1].gone.discard(name)
        return ":="

    def _macro(self, node: nodes.Macro) -> str:
        self.parameters = [argument.name for argument in node.args]
        self.scopes.append(Scope({self._new(name): Go(f".{name}", {}, True) for name in self.parameters}))
        if len(self.scopes) > 2 or not self.file.startswith("_"):
            raise Unportable("a macro inside a block or outside a partial; put it into _helpers.tpl")
        if node.defaults:
            raise Unportable("a macro with a default for a parameter; pass every parameter")
        return f"define {quote(f'{prefix(self.file)}.{node.name}')}"

    def _endmacro(self, _node) -> str:
        self.parameters = None
        return self._end(_node)

    STATEMENTS = {
        "if": (_if, "{% if ... %}{% endif %}"),
        "elif": (_elif, "{% if ... %}{% endif %}"),
        "else": (_else, ""),
        "endif": (_end, ""),
        "for": (_for, "{% for ... %}{% endfor %}"),
        "endfor": (_end, ""),
        "set": (_set, "{% set ... %}"),
        "macro": (_macro, "{% macro ... %}{% endmacro %}"),
        "endmacro": (_endmacro, ""),
    }
