# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes the pipelines of Go templates as Jinja expressions, by what is known of their values."""

from __future__ import annotations

import keyword
import re
from typing import NamedTuple, NoReturn

from stageset_render.helm.functions import GLOBALS, quote
from stageset_render.helm.go_syntax import Command, Const, Dot, Function, Operand, Pipe, Variable
from stageset_render.port.pull.known import NEVER, NUMBER, nullable, of_result, unified, without_form
from stageset_render.port.to_helm.expressions import BOOL, CONTEXT, INT, LIST, TEXT, camel, kind_of

OR, AND, NOT, COMPARE, FILTER, ATOM = range(6)  # how tightly an expression of Jinja holds together

SNAKE = {camel(name): name for name in GLOBALS}
RENAMED = {"tuple": "list", "toString": "to_string", "mustRegexMatch": "regex_match"}
LARGE = 1_000_000  # from here on Go prints a float64 as 1e+06
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
RESERVED = {"loop", "self", "super", "caller", "varargs", "kwargs", "true", "false", "none", "root", *CONTEXT, *GLOBALS}
ROOT_HINTS = {
    "Capabilities": "asks the cluster, and nothing here knows one; make it a value",
    "Files": "reads the chart's files; write the text into the template",
    "Template": "names the template; write the name",
    "Subcharts": "asks other charts; there are none here",
}
ROOTS = ("root", "ctx", "context", "top", "global")  # the usual keys of what the including template is rendered with
VERB = re.compile(r"%(-?[1-9][0-9]*)?(.?)", re.S)
FRESH = {"dict", "from_yaml", "omit", "pick", "merge_overwrite"}  # what returns a map that nothing else holds


class Untranslatable(Exception):
    """A construct without an exact Jinja form."""


class Jinja(NamedTuple):
    """An expression, how tightly it holds together, and what is known of its value (as in known.py)."""

    text: str
    level: int = ATOM
    schema: dict = {}
    fresh: bool = False  # for a map: nothing else holds it
    negated: str = ""  # how its negation is written, if otherwise than with `not`

    def within(self, level: int) -> str:
        """The expression as a part of one that binds its parts as tightly as this."""
        return self.text if self.level >= level else f"({self.text})"


class Root:
    """What a template is rendered with: .Values, .Release and .Chart."""


class Lost(NamedTuple):
    """A dot that can't be written in Jinja, why, and the flag that lets the next pass write it otherwise."""

    why: str
    flag: tuple | None = None


class Parameters:
    """The dot of a named template that is included with a dict.

    Attributes:
        known: its keys, with what is known of their values; nothing where no include is known.
        root: the key that holds what the including template is rendered with.
        same: the keys that hold the same as the fields .Values, .Release and .Chart of that.
        read: where no include is known, the keys that are read, in this order.
    """

    def __init__(self, known: dict[str, dict] | None, root: str | None = None, same: frozenset[str] = frozenset()):
        self.known, self.root, self.same, self.read = known, root, same, []


Place = Root | Lost | Parameters | Jinja


def snake(name: str) -> str:
    return SNAKE.get(name, RENAMED.get(name, name))


def named(name: str) -> bool:
    """Whether Jinja takes a text as the name of an attribute."""
    return name.isidentifier()


def free(name: str, taken) -> str:
    """A name like `name` that means nothing else."""
    name = re.sub(r"\W", "_", name)
    if name in RESERVED or keyword.iskeyword(name) or name in taken:
        number = next(number for number in range(2, 999) if f"{name}{number}" not in taken)
        return f"{name}{number}"
    return name


class Expressions:
    """Translates pipelines; a template of jinja.py adds its actions."""

    dot: Place
    dollar: Place

    def variable(self, name: str) -> Place:
        """The expression that a variable is."""
        raise NotImplementedError

    def included(self, name: str, context: Operand | None) -> Jinja:
        """The call of a named template."""
        raise NotImplementedError

    def given(self, name: str) -> bool:
        """Whether a name is that of a parameter."""
        raise NotImplementedError

    # Pipelines

    def value(self, node: Operand) -> Jinja:
        """What a pipeline or operand is as a value."""
        found = self.place(node)
        if isinstance(found, Lost):
            self.lost(found)
        if not isinstance(found, Jinja):
            raise Untranslatable("the whole of what the template is rendered with; name one of its fields")
        return found

    def lost(self, dot: Lost) -> NoReturn:
        if dot.flag:
            self.flags.add(dot.flag)
        raise Untranslatable(dot.why)

    def place(self, node: Operand) -> Place:
        if isinstance(node, Pipe):
            return self.pipe(node)
        if isinstance(node, Const):
            return self.const(node)
        if isinstance(node, Dot):
            return self.fields(self.dot, node.fields)
        if isinstance(node, Variable):
            return self.fields(self.variable(node.name) if node.name else self.dollar, node.fields)
        return self.call(node.name, [], None)

    def pipe(self, node: Pipe) -> Place:
        found = None
        for command in node.commands:
            found = self.command(command, found)
        if not node.fields:
            return found
        if isinstance(found, Jinja) and (kind_of(found.schema) != "object" or nullable(found.schema)):
            if kind_of(found.schema) not in ("object", None):
                raise Untranslatable(f"({found.text}).{node.fields[0]}; only a map has fields")
            # what stands in parentheses may be null, and Go goes on with nothing
            text = found.within(FILTER)
            text = text if text.endswith(" | default(dict())") else f"{text} | default(dict())"
            found = Jinja(f"({text})", schema={**found.schema, "type": "object"})
        return self.fields(found, node.fields)

    def command(self, node: Command, piped: Place | None) -> Place:
        first, *rest = node.operands
        if isinstance(first, Function):
            return self.call(first.name, rest, piped)
        found = self.place(first)
        if rest or piped is not None:
            raise Untranslatable("a value that is called with arguments; only functions are")
        return found

    def const(self, node: Const) -> Jinja:
        if node.kind == "nil":
            raise Untranslatable('nil; ask with kindIs "invalid"')
        if node.kind == "bool":
            return Jinja(node.text, schema=BOOL)
        if node.kind == "string":
            return Jinja(quote(node.value), schema=TEXT)
        if isinstance(node.value, float):
            return Jinja(repr(node.value), schema=NUMBER)
        if abs(node.value) < LARGE:
            return Jinja(str(node.value), schema=INT)
        return Jinja(f"{node.value} | int", FILTER, INT)  # a number without int is a float64

    def fields(self, base: Place, names: tuple[str, ...]) -> Place:
        for at, name in enumerate(names):
            if isinstance(base, Lost):
                self.lost(base)
            if isinstance(base, Parameters):
                base = self.parameter(base, name, names[at + 1 :])
                if name in CONTEXT and isinstance(base, Root):
                    return self.rooted(name, names[at + 1 :])
            elif isinstance(base, Root):
                return self.rooted(name, names[at + 1 :])
            elif not named(name):
                raise Untranslatable(f"the field {name}; Jinja has no such names")
            else:
                below = base.schema.get("properties", {}).get(name, {})
                base = Jinja(f"{base.within(ATOM)}.{name}", schema=below if isinstance(below, dict) else {})
        return base

    def rooted(self, name: str, rest: tuple[str, ...]) -> Place:
        if name not in CONTEXT:
            raise Untranslatable(f".{name} {ROOT_HINTS.get(name, 'is nothing that the pack knows; make it a value')}")
        if name == "Values":
            return self.fields(Jinja("Values", schema=self.schema), rest)
        if not rest or rest[0] not in CONTEXT[name]:
            known = ", ".join(f".{name}.{field}" for field in CONTEXT[name])
            raise Untranslatable(f"{'.'.join(('', name, *rest))}; the pack knows {known}")
        return self.fields(Jinja(f"{name}.{rest[0]}", schema=TEXT), rest[1:])

    def parameter(self, given: Parameters, name: str, rest: tuple[str, ...]) -> Place:
        if name == given.root or name in given.same:
            return Root()
        if given.known is not None:
            if name not in given.known:
                raise Untranslatable(f"the field {name}, which no include of the template passes")
            return Jinja(name, schema=given.known[name])
        if name in CONTEXT or name in ROOTS and (not rest or rest[0] in CONTEXT):
            return Root()
        if name not in given.read:
            given.read.append(name)
        return Jinja(name)

    # Calls

    def call(self, name: str, operands: list[Operand], piped: Place | None) -> Jinja:
        if name in ("include", "template"):
            return self.include(operands, piped)
        if isinstance(piped, (Root, Parameters, Lost)):
            raise Untranslatable(
                "the whole of what the template is rendered with in a pipeline; name one of its fields"
            )
        if name in COMPARISONS and Const("nil", None, "nil") in operands:
            return self.nothing(name, operands, piped)
        function = snake(name)
        if name not in self.SPECIAL and function not in GLOBALS:
            raise Untranslatable(without_form(name, SNAKE))
        arguments = [*map(self.value, operands), *([] if piped is None else [piped])]
        if name in self.SPECIAL:
            return self.SPECIAL[name](self, name, arguments)
        self.check(function, arguments)
        known = of_result(function, [one.text for one in arguments], [one.schema for one in arguments])
        fresh = function in FRESH
        if piped is not None:
            given = ", ".join(argument.text for argument in arguments[:-1])
            text = f"{arguments[-1].within(FILTER)} | {function}" + (f"({given})" if given else "")
            return Jinja(text, FILTER, known, fresh)
        if function == "to_yaml" and len(arguments) == 1 and not isinstance(operands[0], Pipe):
            return Jinja(f"{arguments[0].within(FILTER)} | to_yaml", FILTER, known)
        return Jinja(f"{function}({', '.join(argument.text for argument in arguments)})", ATOM, known, fresh)

    def include(self, operands: list[Operand], piped: Place | None) -> Jinja:
        if piped is not None or len(operands) != 2 or not isinstance(operands[0], Const):
            raise Untranslatable("an include of a name that is no literal, or of something piped; write the name")
        return self.included(operands[0].value, operands[1])

    def check(self, function: str, arguments: list[Jinja]) -> None:
        """Refuse what Go takes otherwise than Jinja."""
        kinds = [kind_of(argument.schema) for argument in arguments]
        if function == "printf":
            self.check_printf(*arguments)
        if function == "has" and kinds[0] in ("int", "number"):
            raise Untranslatable("has with a number; it tells an int from a float64, so pipe both through toString")
        if function in ("indent", "nindent", "trunc", "repeat") and kinds[0] not in ("int", None):
            raise Untranslatable(f"{camel(function)} by a number that is no int; write (int ...)")
        if function == "merge_overwrite" and not arguments[0].fresh and not self.given(arguments[0].text):
            raise Untranslatable("mergeOverwrite into a map of the values changes them; begin with (dict)")
        if function == "kind_is" and arguments[0].text not in map(quote, ("string", "bool", "slice", "map", "invalid")):
            raise Untranslatable("kindIs of a number; a schema says what is a number, and int makes one of it")

    @staticmethod
    def check_printf(first: Jinja, *rest: Jinja) -> None:
        if first.level != ATOM or first.text[0] != '"':
            raise Untranslatable("printf with a format that is no literal; write it out")
        verbs = [verb for verb in VERB.findall(first.text) if verb[1] != "%"]
        if any(verb not in ("s", "q", "d", "v") for _, verb in verbs) or len(verbs) != len(rest):
            raise Untranslatable("printf with verbs other than %s %q %d %v %%, or with another number of values")
        for (_, verb), value in zip(verbs, rest):
            kind = kind_of(value.schema)
            if verb == "d" and kind != "int":
                raise Untranslatable("%d of what is no int to Go; write (int ...)")
            if verb in "sq" and kind in ("int", "number", "boolean"):
                raise Untranslatable(f"%{verb} of a {kind}, which Go prints as a slip; use %d with int, or %v")

    def printed(self, node: Pipe) -> Jinja:
        """What an action prints."""
        found = self.value(node)
        kind = kind_of(found.schema)
        if kind in ("array", "object"):
            raise Untranslatable(
                f"{found.text}, a {'list' if kind == 'array' else 'map'}, printed in Go's notation; use toYaml"
            )
        return found

    # What is no call in Jinja

    def list_of(self, _name: str, arguments: list[Jinja]) -> Jinja:
        items = NEVER
        for argument in arguments:
            items = unified(items, argument.schema)
        return Jinja(f"[{', '.join(argument.text for argument in arguments)}]", ATOM, LIST | {"items": items})

    def negation(self, _name: str, arguments: list[Jinja]) -> Jinja:
        (value,) = self.counted("not", arguments, 1)
        if value.negated:
            return Jinja(value.negated, COMPARE, BOOL, negated=value.text)
        text = f"({value.text})" if value.level == FILTER else value.within(NOT)  # as a reader takes `not x | f`
        return Jinja(f"not {text}", NOT, BOOL)

    def both_or_either(self, name: str, arguments: list[Jinja]) -> Jinja:
        if not arguments:
            raise Untranslatable(f"{name} without values")
        if len(arguments) == 1:
            return arguments[0]
        inner = NOT
        known = arguments[0].schema
        for argument in arguments[1:]:
            known = unified(known, argument.schema)
        kind = kind_of(known)
        text = f" {name} ".join(argument.within(inner) for argument in arguments)
        return Jinja(text, AND if name == "and" else OR, {"type": kind} if kind else {})

    def nothing(self, name: str, operands: list[Operand], piped: Jinja | None) -> Jinja:
        rest = [self.value(operand) for operand in operands if operand != Const("nil", None, "nil")]
        (value,) = self.counted(name, [*rest, *([] if piped is None else [piped])], 1)
        if name not in ("eq", "ne"):
            raise Untranslatable(f"{name} with nil")
        return self.defined(value, name == "ne")

    @staticmethod
    def defined(value: Jinja, wanted: bool) -> Jinja:
        texts = [f"{value.within(FILTER)} is {word}defined" for word in ("not ", "")]
        return Jinja(texts[wanted], COMPARE, BOOL, negated=texts[not wanted])

    def kind_is(self, name: str, arguments: list[Jinja]) -> Jinja:
        kind, value = self.counted(name, arguments, 2)
        if kind.text == '"invalid"':
            return self.defined(value, False)
        self.check("kind_is", [kind, value])
        return Jinja(f"kind_is({kind.text}, {value.text})", ATOM, BOOL)

    def deep_equal(self, name: str, arguments: list[Jinja]) -> Jinja:
        one, other = self.counted(name, arguments, 2)
        kinds = {kind_of(one.schema), kind_of(other.schema)}
        if len(kinds) > 1 and kinds & {"int", "number", "boolean"}:
            raise Untranslatable(
                "deepEqual of a number or truth and what may be of another kind; pipe both through int"
            )
        texts = [f"{one.within(FILTER)} {sign} {other.within(FILTER)}" for sign in ("==", "!=")]
        return Jinja(texts[0], COMPARE, BOOL, negated=texts[1])

    def comparison(self, name: str, arguments: list[Jinja]) -> Jinja:
        kinds = {kind_of(argument.schema) for argument in arguments}
        if len(arguments) < 2 or len(arguments) > 2 and name != "eq":
            raise Untranslatable(f"{name} of {len(arguments)} values")
        if kinds & {"array", "object"}:
            raise Untranslatable(f"{name} of a list or map, which Helm refuses; use deepEqual")
        if {"int", "number"} <= kinds or "int" in kinds and None in kinds:
            raise Untranslatable(
                f"{name} of an int and a value, a float64 to Helm, which refuses to compare them; write (int ...)"
            )
        if len(kinds - {None}) > 1:
            raise Untranslatable(f"{name} of a {' and a '.join(sorted(kinds - {None}))}, which Helm refuses")
        if len(arguments) == 2 and None not in kinds:
            if name not in ("eq", "ne") and kinds == {"boolean"}:
                raise Untranslatable(f"{name} of truths, which Helm refuses")
            one, other = (argument.within(FILTER) for argument in arguments)
            return Jinja(f"{one} {COMPARISONS[name]} {other}", COMPARE, BOOL)
        return Jinja(f"{name}({', '.join(argument.text for argument in arguments)})", ATOM, BOOL)

    @staticmethod
    def counted(name: str, arguments: list[Jinja], count: int) -> list[Jinja]:
        if len(arguments) != count:
            raise Untranslatable(f"{name} of {len(arguments)} values; it takes {count}")
        return arguments

    SPECIAL = {
        "list": list_of,
        "tuple": list_of,
        "not": negation,
        "and": both_or_either,
        "or": both_or_either,
        "kindIs": kind_is,
        "deepEqual": deep_equal,
        **dict.fromkeys(COMPARISONS, comparison),
    }
