# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes Jinja expressions in Go, by what is known of their values."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import NamedTuple

from jinja2 import nodes

from stageset_render.helm.functions import FILTERS, GLOBALS, quote
from stageset_render.pack import release
from stageset_render.pack.environment import environment
from stageset_render.pack.files import HELPERS, source
from stageset_render.pack.model import all_types

# What is known of an expression is written as a JSON schema. A whole number of Go itself is an `int`; a number of a
# values file, a whole one too, is a float64 in Helm, and Go compares the two neither with eq nor with lt.
INT, TEXT, BOOL, LIST, MAP = ({"type": name} for name in ("int", "string", "boolean", "array", "object"))
ORDERS = ("eq", "ge", "gt", "le", "lt", "ne")
RESULTS = {
    **dict.fromkeys(("add", "add1", "div", "int", "int64", "len", "max", "min", "mod", "mul", "sub"), INT),
    **dict.fromkeys(
        (*("contains", "empty", "has", "has_key", "has_prefix", "has_suffix", "kind_is", "regex_match"), *ORDERS), BOOL
    ),
    **dict.fromkeys(
        "append compact concat keys prepend reverse sort_alpha split_list uniq until without".split(), LIST
    ),
    **dict.fromkeys("dict from_yaml merge_overwrite omit pick set".split(), MAP),
    **dict.fromkeys(
        (
            "b64dec b64enc indent join lower nindent printf quote regex_replace_all repeat replace sha256sum "
            "squote to_json to_string to_yaml trim trim_all trim_prefix trim_suffix trunc upper"
        ).split(),
        TEXT,
    ),
}
COMPARISONS = {"eq": "eq", "ne": "ne", "lt": "lt", "lteq": "le", "gt": "gt", "gteq": "ge"}
CONTEXT = {"Values": None, "Release": ("Name", "Namespace", "Service"), "Chart": ("Name", "Version", "AppVersion")}
INDEX = "index0"
RESERVED = (*CONTEXT, *GLOBALS, INDEX, "root", "loop")

ARITHMETIC = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow, nodes.Pos)
NO_FORM = {
    nodes.Concat: "`~`; use printf",
    nodes.CondExpr: "an inline if; write {%- if %} ... {%- endif %}",
    nodes.Getitem: "an index or a slice; name the key, as in a.b, or loop over the list",
    nodes.Slice: "a slice; loop over the list",
    nodes.Dict: "a map literal; use dict",
    nodes.Tuple: "a tuple; write a list in brackets",
    **dict.fromkeys(ARITHMETIC, "arithmetic; use the functions add and sub"),
}


Path = tuple[str, ...]


class Unportable(Exception):
    """A construct without an exact Go form."""


class Go(NamedTuple):
    """An expression in Go's notation, what is known of its value, and whether it stands as an argument as it is."""

    text: str
    schema: dict = {}
    atom: bool = False
    kept: bool = False  # for a name: it is a namespace, whose value is meant

    @property
    def argument(self) -> str:
        return self.text if self.atom else f"({self.text})"


@dataclass
class Scope:
    """What one block declares: a file, macro or loop in Jinja, and in Go any branch of an if as well."""

    names: dict[str, Go] = field(default_factory=dict)
    own: bool = True  # Jinja keeps what is set in it from what surrounds it
    loop: int | None = None  # for a loop: where its action stands in the output
    moved: bool = False  # Go's dot is no longer what it was outside: in a loop and in a with
    dot: Path | None = None  # what it is now, where a path says it
    gone: set[str] = field(default_factory=set)  # set in a branch, where Go forgets it at the end and Jinja doesn't
    earlier: set[str] = field(default_factory=set)  # set in the branches before this one


def kind_of(schema: dict) -> str | None:
    """The one type that a schema admits, apart from null, the other of `{}` and `[]`, and the text of a truth."""
    kinds = set(all_types(schema)) - {"null"}
    if "boolean" in kinds or {"array", "object"} <= kinds:
        return all_types(schema)[0]
    if "integer" in kinds:
        kinds = kinds - {"integer"} | {"number"}
    return kinds.pop() if len(kinds) == 1 else None


def below(schema: dict, key: str, name: str | None = None) -> dict:
    """The schema of the items, or of the property `name`."""
    found = schema.get(key, {})
    return release.schema().model.said(found.get(name) if name else found)


def path_of(node: nodes.Node) -> Path | None:
    """The path that an expression is, as ("Values", "ports", "gate"), if it is one."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    owner = path_of(node.node) if isinstance(node, nodes.Getattr) else None
    return owner and (*owner, node.attr)


def camel(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def prefix(file: str) -> str:
    return "stageset" if file == HELPERS else f"stageset.{file[1:].partition('.')[0]}"


@functools.cache
def macros(source: str) -> dict[str, list[str]]:
    return {
        macro.name: [argument.name for argument in macro.args]
        for macro in environment().parse(source).find_all(nodes.Macro)
    }


class Expressions:
    """Translates expressions; a port of a template adds its statements.

    Args:
        file: the template's name.
        macros: the macros that the template defines, with their parameters.
    """

    def __init__(self, file: str, macros: dict[str, list[str]]):
        self.file, self.macros = file, macros
        self.scopes, self.modules = [Scope()], {"stageset": HELPERS}
        self.parameters = None  # of the macro around what is translated

    # Names

    @staticmethod
    def _new(name: str) -> str:
        if name in RESERVED:
            raise Unportable(f"{name} as a name of its own; it means something else already")
        return name

    def _dot(self) -> str:
        """What begins the path of a field: a loop or a with moves the dot, and $ stays what the dot was."""
        return "$" if any(scope.moved for scope in self.scopes) else ""

    def _moved(self) -> Path | None:
        """The path of what the dot is now."""
        return next((scope.dot for scope in reversed(self.scopes) if scope.moved), None)

    def _root(self) -> str:
        """The same for Helm's own objects; a macro with parameters is handed them as the field root."""
        return f"{self._dot()}.root" if self.parameters else self._dot()

    def _expression(self, node: nodes.Node) -> Go:
        go = self._translated(node)
        return go._replace(text=".") if self._moved() and path_of(node) == self._moved() else go

    def _translated(self, node: nodes.Node) -> Go:
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
            return Go(f"{self._root()}.Values", release.schema().root, True)
        if node.name in CONTEXT:
            raise Unportable(f"{node.name} as a whole; name one of its fields")
        raise Unportable(f"the name {node.name}; it is neither set here nor a parameter, Values, Release or Chart")

    def _plain(self, node: nodes.Name) -> Go:
        if self._is_kept(node.name):
            raise Unportable(f"the namespace {node.name} as a whole; write {node.name}.value")
        return self._name(node)

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
        if node.attr == "value" and base and self._is_kept(base):
            return self._name(node.node)
        if CONTEXT.get(base):
            if node.attr not in CONTEXT[base]:
                raise Unportable(f"{base}.{node.attr}; of {base} there are {', '.join(CONTEXT[base])}")
            return Go(f"{self._root()}.{base}.{node.attr}", TEXT, True)
        never_null = isinstance(node.node, nodes.Filter) and node.node.name == "default"
        if not isinstance(node.node, (nodes.Name, nodes.Getattr)) and not never_null:
            raise Unportable(
                f".{node.attr} of what is no name; set a name to it first, or pipe it through default(dict())"
            )
        owner = self._expression(node.node)
        text = owner.argument if never_null else owner.text.removesuffix(".")
        return Go(f"{text}.{node.attr}", below(owner.schema, "properties", node.attr), True)

    def _is_kept(self, name: str) -> bool:
        """Whether a name is a namespace(value=...), which is a variable that loops don't forget, as all are in Go."""
        return next((scope.names[name].kept for scope in reversed(self.scopes) if name in scope.names), False)

    def _index(self, attribute: str) -> Go:
        if attribute != INDEX:
            raise Unportable(f"loop.{attribute}; Go has loop.index0 alone")
        loop = next((scope for scope in reversed(self.scopes) if scope.loop is not None or scope.own), self.scopes[0])
        if loop.loop is None:
            raise Unportable("loop.index0 outside a loop; use it inside one")
        return loop.names.setdefault(INDEX, Go(f"${INDEX}", INT, True))

    def _list(self, node: nodes.List) -> Go:
        return Go(" ".join(["list", *(self._expression(item).argument for item in node.items)]), LIST)

    def _negative(self, node: nodes.Neg) -> Go:
        if not isinstance(node.node, nodes.Const) or type(node.node.value) not in (int, float):
            raise Unportable(NO_FORM[nodes.Sub])
        return self._const(nodes.Const(-node.node.value))

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
        kinds = {kind_of(one.schema) for one in found}
        word = "and" if isinstance(node, nodes.And) else "or"
        known = {"type": kinds.pop()} if len(kinds) == 1 and None not in kinds else {}
        return Go(" ".join([word, *(one.argument for one in found)]), known)

    def _compare(self, node: nodes.Compare) -> Go:
        if len(node.ops) > 1 or node.ops[0].op not in COMPARISONS:
            raise Unportable("in, not in or a chain of comparisons; use has, or and")
        word = COMPARISONS[node.ops[0].op]
        one, other = self._expression(node.expr), self._expression(node.ops[0].expr)
        kinds = {kind_of(one.schema), kind_of(other.schema)}
        if len(kinds) > 1 and kinds & {"int", "number", "boolean"}:  # Python: 1 == 1.0 == True, Go: an error
            raise Unportable("a number or truth compared with what may be of another kind; pipe both through int")
        if word in ("eq", "ne") and (len(kinds) > 1 or kinds & {None, "array", "object"}):  # Go's eq fails for these
            equal = f"deepEqual {one.argument} {other.argument}"
            return Go(equal if word == "eq" else f"not ({equal})", BOOL)
        return Go(f"{word} {one.argument} {other.argument}", BOOL)

    def _function(self, name: str, arguments: list[Go]) -> dict:
        """What is known of a function's result."""
        if name == "has" and {"int", "integer", "number"} & set(all_types(arguments[0].schema)):
            raise Unportable("has with a number; it tells an int from a float64, so pipe both through to_string")
        if name in ORDERS and kind_of(INT) in {kind_of(one.schema) for one in arguments}:
            raise Unportable(f"{name} with a whole number; write it as an operator, and pipe both sides through int")
        if name == "default" and len({kind_of(one.schema) for one in arguments}) > 1:
            return {}
        return arguments[-1].schema if name in ("default", "required") else RESULTS.get(name, {})

    def _filter(self, node: nodes.Filter) -> Go:
        if node.name not in FILTERS:
            raise Unportable(f"the filter {node.name}; Helm has none, or the pack doesn't know it")
        piped, arguments = self._expression(node.node), self._arguments(node)
        known = self._function(node.name, [*arguments, piped])
        if node.name == "to_yaml" and piped.atom:  # as every chart writes it
            return Go(f"toYaml {piped.text}", known)
        return Go(" ".join([piped.text, "|", camel(node.name), *(one.argument for one in arguments)]), known)

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
        return Go(" ".join([camel(node.node.name), *(one.argument for one in arguments)]), known)

    def _include(self, file: str, macro: str, node: nodes.Call) -> Go:
        known = self.macros if file == self.file else macros(source(file))
        arguments = self._arguments(node)
        if macro not in known:
            raise Unportable(f"the macro {macro}; {file} has none of this name")
        if len(arguments) != len(known[macro]):
            raise Unportable(f"a call of {macro} with {len(arguments)} arguments; it takes {len(known[macro])}")
        context = self._root() or "."
        if arguments:
            pairs = (f"{quote(name)} {value.argument}" for name, value in zip(known[macro], arguments))
            context = " ".join([f'(dict "root" {context}', *pairs]) + ")"
        return Go(f"include {quote(f'{prefix(file)}.{macro}')} {context}", TEXT)

    EXPRESSIONS = {
        nodes.Name: _plain,
        nodes.Const: _const,
        nodes.Neg: _negative,
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
