# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes the pack as a Helm chart: every Jinja tag becomes one Go action, and the text between them stays as it is.

The rules of Go are those of the documentation of its text/template package, with the functions of Helm and Sprig. What
has no exact Go form is refused, with its file and line.
"""

from __future__ import annotations

import copy
import functools
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import click
import jinja2
import yaml
from jinja2 import nodes

import manifests
import renderer
from helm_functions import FILTERS, GLOBALS, quote, to_yaml
from helm_values import collect, combine
from problems import Refused

DEFAULTS, HELPERS, VALIDATE = "_defaults.tpl", "_helpers.tpl", "_validate.tpl"
HELMIGNORE = "# What no package of the chart holds.\n.git/\n.gitignore\n*.orig\n*.swp\n*~\n"
DESCRIPTION = "The stageset-controller and the policies that say who may call it"

# What is known of an expression is written as a JSON schema. A whole number of Go itself is an `int`; a number of a
# values file, a whole one too, is a float64 in Helm, and Go compares the two neither with eq nor with lt.
INT, TEXT, BOOL, LIST, MAP = ({"type": name} for name in ("int", "string", "boolean", "array", "object"))
RESULTS = {
    **dict.fromkeys(("int", "len", "mul"), INT),
    **dict.fromkeys(("contains", "has", "has_prefix", "regex_match"), BOOL),
    **dict.fromkeys(("append", "concat", "keys", "sort_alpha", "uniq"), LIST),
    **dict.fromkeys(("dict", "from_yaml", "merge_overwrite", "omit"), MAP),
    **dict.fromkeys(
        (
            "indent",
            "join",
            "nindent",
            "printf",
            "quote",
            "regex_replace_all",
            "replace",
            "to_json",
            "to_string",
            "to_yaml",
            "trim",
            "trim_prefix",
            "trim_suffix",
            "trunc",
        ),
        TEXT,
    ),
}
COMPARISONS = {"eq": "eq", "ne": "ne", "lt": "lt", "lteq": "le", "gt": "gt", "gteq": "ge"}
CONTEXT = {"Values": None, "Release": ("Name", "Namespace", "Service"), "Chart": ("Name", "Version", "AppVersion")}
INDEX = "index0"
RESERVED = (*CONTEXT, *GLOBALS, INDEX, "root", "loop")

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
    "from": "the tag from; import the whole partial under a name",
    "autoescape": "the tag autoescape; nothing is escaped",
}
SPACE = " \t\n"  # what both Jinja and Go trim at a `-`


class Unportable(Exception):
    """A construct without an exact Go form."""


class Go(NamedTuple):
    """An expression in Go's notation, what is known of its value, and whether it stands as an argument as it is."""

    text: str
    schema: dict = {}
    atom: bool = False

    @property
    def argument(self) -> str:
        return self.text if self.atom else f"({self.text})"


@dataclass
class Scope:
    """What one block declares: a file, macro or loop in Jinja, and in Go any branch of an if as well."""

    names: dict[str, Go] = field(default_factory=dict)
    own: bool = True  # Jinja keeps what is set in it from what surrounds it
    loop: int | None = None  # for a loop: where its action stands in the output
    gone: set[str] = field(default_factory=set)  # set in a branch, where Go forgets it at the end and Jinja doesn't
    earlier: set[str] = field(default_factory=set)  # set in the branches before this one


def _types(schema: dict) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def _kind(schema: dict) -> str | None:
    """The one type, apart from null, that a schema admits."""
    kinds = set(_types(schema)) - {"null"}
    if "integer" in kinds:
        kinds = kinds - {"integer"} | {"number"}
    return kinds.pop() if len(kinds) == 1 else None


def _below(schema: dict, key: str, name: str | None = None) -> dict:
    """The schema of the items, or of the property `name`."""
    found = schema.get(key, {})
    found = found.get(name, {}) if name else found
    while isinstance(found, dict) and "$ref" in found:
        found = functools.reduce(dict.__getitem__, found["$ref"].split("/")[1:], renderer.schema().root)
    return found if isinstance(found, dict) else {}


def _camel(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def _prefix(file: str) -> str:
    return "stageset" if file == HELPERS else f"stageset.{file[1:].partition('.')[0]}"


@functools.cache
def _macros(source: str) -> dict[str, list[str]]:
    return {
        macro.name: [argument.name for argument in macro.args]
        for macro in renderer.environment().parse(source).find_all(nodes.Macro)
    }


class Tag(NamedTuple):
    """One tag or text of a template. `before` and `after` are the white space that its `-` trims."""

    kind: str
    line: int
    body: str
    before: str | None = None
    after: str | None = None


def tags(source: str) -> Iterator[Tag]:
    """Split a template with Jinja's own lexer, which forgets nothing but the white space before a `-`."""
    at, begun = 0, None
    for line, kind, text in renderer.environment().lexer.tokeniter(source, None):
        start = source.index(text, at)
        gap, at = source[at:start], start + len(text)
        name, _, part = kind.rpartition("_")
        if part == "begin":
            begun = Tag(name, line, "", gap if text.endswith("-") else None)
        elif part == "end":
            marker = text.rstrip()
            yield begun._replace(after=text[len(marker) :] if marker.startswith("-") else None)
            begun = None
        elif begun:
            begun = begun._replace(body=begun.body + gap + text)
        else:
            yield Tag("text", line, text)


class Port:
    """Translates one template. `problems` has what can't be translated; `text` is the Go template."""

    def __init__(self, file: str, source: str):
        self.file, self.output, self.problems = file, [], []
        self.scopes, self.modules = [Scope()], {}
        self.parameters = None  # of the macro around what is translated
        if "\r" in source:
            self._refuse(source[: source.index("\r")].count("\n") + 1, "a carriage return; end lines with a line feed")
            return
        try:
            self.macros = _macros(source)
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
            if action is None:
                self._drop(part)
                return
            part = part._replace(before="")
        self.output += [part.before or "", left + action + right, part.after or ""]

    def _drop(self, part: Tag) -> None:
        """An import leaves nothing behind, so nothing may stand before it that its `-`, or one after it, would trim."""
        self.output.pop()
        done = "".join(self.output)
        if part.before is None and done or not re.fullmatch(r"(.*[^-]\}\})?", done, re.S):
            raise Unportable("an import below other text; write {%- import %} at the top of the file")

    def _variable(self, part: Tag) -> str:
        return self._expression(self._parsed(part, f"{{{{{part.body}}}}}").nodes[-1]).text

    def _block(self, part: Tag) -> str | None:
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
            return renderer.environment().parse("\n" * (part.line - 1) + text).body[-1]
        except jinja2.TemplateSyntaxError as error:
            raise Unportable(f"{error.message}; write one plain expression") from error

    def _if(self, node: nodes.If) -> str:
        try:
            return f"if {self._expression(node.test).text}"
        finally:
            self.scopes.append(Scope(own=False))

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
        scope = Scope(loop=len(self.output) + 1)
        try:
            if not isinstance(node.target, nodes.Name):
                raise Unportable("a loop over pairs, so over a map; loop over a list")
            scope.names[self._new(node.target.name)] = Go(f"${node.target.name}", {}, True)
            if node.test or node.recursive:
                raise Unportable("a loop with a filter or recursive; write an if inside it")
            items = self._expression(node.iter)
            if _kind(items.schema) not in ("array", None):
                raise Unportable(f"a loop over a {_kind(items.schema)}; loop over a list")
            scope.names[node.target.name] = Go(f"${node.target.name}", _below(items.schema, "items"), True)
            return f"range ${node.target.name} := {items.text}"
        finally:
            self.scopes.append(scope)

    def _set(self, node: nodes.Assign) -> str:
        if not isinstance(node.target, nodes.Name):
            raise Unportable("a set of several names or of an attribute; set one name")
        name, value = self._new(node.target.name), Go("")
        try:
            value = self._expression(node.node)
            return f"${name} {self._assigned(name, value.schema)} {value.text}"
        finally:
            if not value.text:
                self._assigned(name, {})

    def _assigned(self, name: str, schema: dict) -> str:
        """Note an assignment; := declares, = goes to a declaration that is in the same scope to Jinja too."""
        for scope in reversed(self.scopes):
            if name in scope.names and scope.names[name].text == f"${name}":
                same = _kind(scope.names[name].schema) == _kind(schema)
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
        return f"define {quote(f'{_prefix(self.file)}.{node.name}')}"

    def _endmacro(self, _node) -> str:
        self.parameters = None
        return self._end(_node)

    def _import(self, node: nodes.Import) -> None:
        file = getattr(node.template, "value", None)
        if not node.with_context or not (renderer._root() / "templates" / str(file)).is_file():
            raise Unportable('an import of another form than {%- import "_helpers.tpl" as stageset with context %}')
        self.modules[node.target] = file

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
        "import": (_import, "{% import ... %}"),
    }

    # Names

    @staticmethod
    def _new(name: str) -> str:
        if name in RESERVED:
            raise Unportable(f"{name} as a name of its own; it means something else already")
        return name

    def _dot(self) -> str:
        """What begins the path of a field: a loop makes the dot its element, and $ stays what the dot was."""
        return "$" if any(scope.loop is not None for scope in self.scopes) else ""

    def _root(self) -> str:
        """The same for Helm's own objects; a macro with parameters is handed them as the field root."""
        return f"{self._dot()}.root" if self.parameters else self._dot()

    def _expression(self, node: nodes.Node) -> Go:
        if type(node) in NO_FORM or type(node) not in self.EXPRESSIONS:
            raise Unportable(NO_FORM.get(type(node), f"a {type(node).__name__}; it has no Go form"))
        return self.EXPRESSIONS[type(node)](self, node)

    def _arguments(self, call: nodes.Call | nodes.Filter) -> list[Go]:
        if call.kwargs or call.dyn_args or call.dyn_kwargs:
            raise Unportable("an argument by name; pass arguments by place")
        return [self._expression(argument) for argument in call.args]

    def _name(self, node: nodes.Name) -> Go:
        visible = self.scopes if self.parameters is None else self.scopes[1:]  # no macro in Go sees its file's names
        for scope in reversed(visible):
            if node.name in scope.gone:
                raise Unportable(f"{node.name} is set in an if alone, where Go forgets it; set it before the if too")
            if node.name in scope.names:
                known = scope.names[node.name]
                return known if known.text[0] == "$" else known._replace(text=self._dot() + known.text)
        if node.name == "Values":
            return Go(f"{self._root()}.Values", renderer.schema().root, True)
        if node.name in CONTEXT:
            raise Unportable(f"{node.name} as a whole; name one of its fields")
        raise Unportable(f"the name {node.name}; it is neither set here nor a parameter, Values, Release or Chart")

    # Expressions

    def _const(self, node: nodes.Const) -> Go:
        if isinstance(node.value, bool):
            return Go(str(node.value).lower(), BOOL, True)
        if isinstance(node.value, str):
            return Go(quote(node.value), TEXT, True)
        if node.value is None:
            raise Unportable("none; ask with `is defined`")
        return Go(repr(node.value), INT if isinstance(node.value, int) else {"type": "number"}, True)

    def _getattr(self, node: nodes.Getattr) -> Go:
        base = getattr(node.node, "name", None) if isinstance(node.node, nodes.Name) else None
        if base == "loop":
            return self._index(node.attr)
        if base in self.modules:
            raise Unportable(f"{base}.{node.attr} without a call; write {base}.{node.attr}()")
        if CONTEXT.get(base):
            if node.attr not in CONTEXT[base]:
                raise Unportable(f"{base}.{node.attr}; of {base} there are {', '.join(CONTEXT[base])}")
            return Go(f"{self._root()}.{base}.{node.attr}", TEXT, True)
        if not isinstance(node.node, (nodes.Name, nodes.Getattr)):
            raise Unportable(f".{node.attr} of what is no name; set a name to it first")
        owner = self._expression(node.node)
        return Go(f"{owner.text}.{node.attr}", _below(owner.schema, "properties", node.attr), True)

    def _index(self, attribute: str) -> Go:
        if attribute != INDEX:
            raise Unportable(f"loop.{attribute}; Go has loop.index0 alone")
        loop = next((scope for scope in reversed(self.scopes) if scope.loop is not None or scope.own), self.scopes[0])
        if loop.loop is None:
            raise Unportable("loop.index0 outside a loop; use it inside one")
        return loop.names.setdefault(INDEX, Go(f"${INDEX}", INT, True))

    def _list(self, node: nodes.List) -> Go:
        return Go(" ".join(["list", *(self._expression(item).argument for item in node.items)]), LIST)

    def _not(self, node: nodes.Not) -> Go:
        if isinstance(node.node, nodes.Test):
            return Go(f'kindIs "invalid" {self._tested(node.node)}', BOOL)
        return Go(f"not {self._expression(node.node).argument}", BOOL)

    def _test(self, node: nodes.Test) -> Go:
        return Go(f'not (kindIs "invalid" {self._tested(node)})', BOOL)

    def _tested(self, node: nodes.Test) -> str:
        if node.name != "defined":
            raise Unportable(f"the test {node.name}; there is `is defined` alone")
        return self._expression(node.node).argument

    def _and_or(self, node: nodes.And | nodes.Or) -> Go:
        parts, first = [], node
        while type(first) is type(node):
            parts, first = [first.right, *parts], first.left
        found = [self._expression(part) for part in (first, *parts)]
        kinds = {_kind(one.schema) for one in found}
        word = "and" if isinstance(node, nodes.And) else "or"
        known = {"type": kinds.pop()} if len(kinds) == 1 and None not in kinds else {}
        return Go(" ".join([word, *(one.argument for one in found)]), known)

    def _compare(self, node: nodes.Compare) -> Go:
        if len(node.ops) > 1 or node.ops[0].op not in COMPARISONS:
            raise Unportable("in, not in or a chain of comparisons; use has, or and")
        word = COMPARISONS[node.ops[0].op]
        one, other = self._expression(node.expr), self._expression(node.ops[0].expr)
        kinds = {_kind(one.schema), _kind(other.schema)}
        if len(kinds) > 1 and kinds & {"int", "number", "boolean"}:  # Python: 1 == 1.0 == True, Go: an error
            raise Unportable("a number or truth compared with what may be of another kind; pipe both through int")
        if word in ("eq", "ne") and (len(kinds) > 1 or kinds & {None, "array", "object"}):  # Go's eq fails for these
            equal = f"deepEqual {one.argument} {other.argument}"
            return Go(equal if word == "eq" else f"not ({equal})", BOOL)
        return Go(f"{word} {one.argument} {other.argument}", BOOL)

    def _function(self, name: str, arguments: list[Go]) -> dict:
        """What is known of a function's result."""
        if name == "has" and {"int", "integer", "number"} & set(_types(arguments[0].schema)):
            raise Unportable("has with a number; it tells an int from a float64, so pipe both through to_string")
        return arguments[-1].schema if name == "required" else RESULTS.get(name, {})

    def _filter(self, node: nodes.Filter) -> Go:
        if node.name not in FILTERS:
            raise Unportable(f"the filter {node.name}; Helm has none, or the pack doesn't know it")
        piped, arguments = self._expression(node.node), self._arguments(node)
        known = self._function(node.name, [*arguments, piped])
        return Go(" ".join([piped.text, "|", _camel(node.name), *(one.argument for one in arguments)]), known)

    def _call(self, node: nodes.Call) -> Go:
        if isinstance(node.node, nodes.Getattr) and getattr(node.node.node, "name", None) in self.modules:
            return self._include(self.modules[node.node.node.name], node.node.attr, node)
        if not isinstance(node.node, nodes.Name):
            raise Unportable(f"a call of the method {getattr(node.node, 'attr', '?')}; Go has functions alone")
        if node.node.name in self.macros:
            return self._include(self.file, node.node.name, node)
        if node.node.name not in GLOBALS:
            raise Unportable(f"the function {node.node.name}; Helm has none, or the pack doesn't know it")
        arguments = self._arguments(node)
        known = self._function(node.node.name, arguments)
        return Go(" ".join([_camel(node.node.name), *(one.argument for one in arguments)]), known)

    def _include(self, file: str, macro: str, node: nodes.Call) -> Go:
        known = self.macros if file == self.file else _macros(_source(file))
        arguments = self._arguments(node)
        if macro not in known:
            raise Unportable(f"the macro {macro}; {file} has none of this name")
        if len(arguments) != len(known[macro]):
            raise Unportable(f"a call of {macro} with {len(arguments)} arguments; it takes {len(known[macro])}")
        context = self._root() or "."
        if arguments:
            pairs = (f"{quote(name)} {value.argument}" for name, value in zip(known[macro], arguments))
            context = " ".join([f'(dict "root" {context}', *pairs]) + ")"
        return Go(f"include {quote(f'{_prefix(file)}.{macro}')} {context}", TEXT)

    EXPRESSIONS = {
        nodes.Name: _name,
        nodes.Const: _const,
        nodes.Getattr: _getattr,
        nodes.List: _list,
        nodes.Not: _not,
        nodes.Test: _test,
        nodes.And: _and_or,
        nodes.Or: _and_or,
        nodes.Compare: _compare,
        nodes.Filter: _filter,
        nodes.Call: _call,
    }


# The chart

VALIDATION = f'{{{{- include "{_prefix(VALIDATE)}.validate" . }}}}'
WARNINGS = f"""{{{{ with include "{_prefix(VALIDATE)}.warnings" . | trim }}}}
WARNING:
{{{{ . }}}}
{{{{ end -}}}}
"""


@functools.cache
def _source(file: str) -> str:
    return (renderer._root() / "templates" / file).read_text(encoding="utf-8")


def template_names() -> list[str]:
    """The files of templates/ that are templates in the chart too: all but the defaults."""
    return sorted(path.name for path in (renderer._root() / "templates").iterdir() if path.name != DEFAULTS)


def problems(name: str, source: str) -> list[str]:
    """What keeps a template from being written in Go: `templates/FILE:LINE: what it is; what to write instead`.

    Args:
        name: the file's name; macros may be defined in partials only, whose names start with `_`.
        source: the Jinja template.
    """
    return Port(name, source).problems


def ported(name: str, source: str) -> str:
    """Write a template in Go.

    Args:
        name: the file's name.
        source: the Jinja template.

    Returns:
        The Go template. NOTES.txt, which Helm renders with every release, also does what the pack's own driver does: it
        begins with the cross-field checks and ends with the warnings, and prints nothing more when there are none.

    Raises:
        Refused: with all that `problems` finds.
    """
    port = Port(name, source)
    if port.problems:
        raise Refused(*port.problems)
    return _finished(port)


def _finished(port: Port) -> str:
    return VALIDATION + port.text + WARNINGS if port.file == renderer.NOTES else port.text


def values_file() -> str:
    """The text of values.yaml: the defaults, each below its description in the schema."""
    text, lines = _source(DEFAULTS), []
    notes = dict(_descriptions(yaml.compose(text, yaml.CSafeLoader), renderer.schema().root))
    for number, line in enumerate(text.splitlines()):
        if number in notes and lines and lines[-1].startswith("#"):
            lines.append("")
        lines += [*notes.get(number, ()), line]
    return "\n".join(lines) + "\n"


def _descriptions(node: yaml.Node, schema: dict) -> Iterator[tuple[int, list[str]]]:
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return
    for key, value in node.value:
        known, mark = _below(schema, "properties", key.value), key.start_mark
        start = " " * mark.column + "# "
        yield (
            mark.line,
            textwrap.wrap(
                known.get("description", ""),
                120,
                initial_indent=start,
                subsequent_indent=start,
                break_long_words=False,
                break_on_hyphens=False,
            ),
        )
        yield from _descriptions(value, known)


def schema_file() -> str:
    """The text of values.schema.json: Helm shows it merged values alone, in which a default that null has deleted is
    only missing, so every default that null must not delete is required there."""
    root = copy.deepcopy(renderer.schema().root)
    _require(root, renderer.defaults())
    return json.dumps(root, indent=2) + "\n"


def _require(node: dict, defaults: dict) -> None:
    known = {key: node["properties"][key] for key in defaults}
    node["required"] = [key for key, value in known.items() if "null" not in value["type"]]
    for key, value in known.items():
        if "properties" in value:
            _require(value, defaults[key])


def chart() -> dict[str, str]:
    """The files of the chart: path to text.

    Raises:
        Refused: when a template can't be written in Go, with all the reasons.
    """
    ports = [Port(name, _source(name)) for name in template_names()]
    found = [problem for port in ports for problem in port.problems]
    if found:
        raise Refused(*found)
    about = {
        "apiVersion": "v2",
        "type": "application",
        "description": DESCRIPTION,
        "name": renderer.CHART["Name"],
        "version": renderer.CHART["Version"],
        "appVersion": renderer.CHART["AppVersion"],
    }
    return {
        ".helmignore": HELMIGNORE,
        "Chart.yaml": to_yaml(about) + "\n",
        "values.schema.json": schema_file(),
        "values.yaml": values_file(),
        **{f"templates/{port.file}": _finished(port) for port in ports},
    }


def write(texts: dict[str, str], directory: Path, force: bool = False) -> None:
    """Write the chart into a directory, all files or none.

    Args:
        texts: path to text.
        directory: made when it is missing.
        force: write into a directory that is not empty; its other files stay.

    Raises:
        Refused: the directory is not empty, or holds other templates, which Helm would render with the chart.
        OSError: when a file can't be written; see manifests.write.
    """
    directory = directory.resolve()
    there = sorted(directory.rglob("*")) if directory.exists() else []
    if there and not force:
        raise Refused(f"{directory}: is not empty; choose another directory, or write into it with --force")
    strange = [
        path
        for path in there
        if (directory / "templates") in path.parents
        and not path.is_dir()
        and path.relative_to(directory).as_posix() not in texts
    ]
    if strange:
        refusal = "is no template of this chart, but Helm would render it; delete it"
        raise Refused(*(f"{path}: {refusal}" for path in strange))
    manifests.write(list(texts.items()), directory)


# The command


class Commands(click.Group):
    """Commands that end like the renderer's: what is refused goes to stderr with exit code 1, and never a traceback."""

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Refused as refused:
            click.echo(str(refused), err=True)
        except OSError as error:
            click.echo(f"{error.filename}: {error.strerror}", err=True)
        except Exception as error:  # no traceback reaches a user, whatever went wrong
            cause = f"{type(error).__name__}: {error}"
            click.echo(f"stageset-port failed: {cause}; this is a bug, please report it", err=True)
        sys.exit(1)


def _template(_context, _option, name: str | None) -> str | None:
    file = name and name.removeprefix("templates/")
    if file and file not in template_names():
        raise click.BadParameter(f"there is no template {file!r}; there are {', '.join(template_names())}")
    return file


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(renderer.__version__, prog_name="stageset-port")
def main() -> None:
    """Carry the pack over to Helm.

    Exit codes: 0 done; 1 something was refused; 2 wrong usage.
    """


@main.command("chart")
@click.argument("directory", metavar="OUTDIR", required=False)
@click.option("--only", metavar="templates/FILE", callback=_template, help="Print this template instead.")
@click.option("--force", is_flag=True, help="Write into a directory that is not empty.")
def chart_command(directory: str | None, only: str | None, force: bool) -> None:
    """Write the pack as a Helm chart into OUTDIR."""
    if bool(directory) == bool(only):
        raise click.UsageError("name either OUTDIR or a template with --only")
    if only:
        click.echo(ported(only, _source(only)).encode(), nl=False)
    else:
        write(chart(), Path(directory), force)


class Unfit(click.ClickException):
    """What ends a comparison before there is a result."""

    exit_code = 2


def _compares(command):
    """The argument, the options and the endings that `diff` and `review` share."""

    @functools.wraps(command)
    def run(chart: str, name: str, namespace: str, **options):
        try:
            sources = collect(*(options.pop(key) for key in ("values", "set_json", "set_", "set_string", "set_file")))
            command(chart, combine(sources) if sources else None, {"name": name, "namespace": namespace}, **options)
        except Refused as refused:
            raise Unfit(str(refused)) from refused
        except OSError as error:
            raise Unfit(": ".join(filter(None, (error.filename, error.strerror or str(error))))) from error

    shared = {"name", "namespace", "values", "set_", "set_string", "set_json", "set_file"}
    run.__click_params__ = [
        *getattr(command, "__click_params__", []),
        *(parameter for parameter in reversed(renderer.main.params) if parameter.name in shared),
    ]
    return click.argument("chart")(run)


@main.command("diff")
@_compares
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
def diff_command(chart: str, values: dict | None, release: dict, output: str) -> None:
    """Hold the pack against CHART, a directory or .tgz: what the templates read, and what they render.

    Without values, the built-in cases are rendered, which turn every condition on and off. Helm renders the chart.

    Exit codes: 0 no difference; 1 differences; 2 wrong usage, or a side that fails.
    """
    import chartdiff

    found = chartdiff.report(chart, chartdiff.cases() if values is None else {"given": values}, **release)
    click.echo(chartdiff.as_json(found) if output == "json" else chartdiff.as_text(found), nl=False)
    sys.exit(found.exit_code)


@main.command("review")
@_compares
@click.option("-o", "--output", required=True, metavar="FILE", help="The page to write.")
@click.option("--case", metavar="CASE", default="everything", show_default=True, help="The built-in values to render.")
def review_command(chart: str, values: dict | None, release: dict, output: str, case: str) -> None:
    """Write a page that shows CHART and the pack side by side, template by template, with what they render.

    Exit codes: 0 written; 2 wrong usage, or a side that fails.
    """
    import chartdiff

    known = chartdiff.cases()
    if values is None and case not in known:
        raise click.BadParameter(f"there is no case {case!r}; there are {', '.join(known)}")
    case, values = (case, known[case]) if values is None else ("given", values)
    page = chartdiff.review(chart, case, values, **release)
    Path(output).write_bytes(page.encode())


if __name__ == "__main__":
    main(prog_name="porter.py")
