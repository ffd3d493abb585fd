# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads the pipelines of Go templates as expressions: the dot and variables become what they stand for."""

from __future__ import annotations

from dataclasses import dataclass, field

from stageset_render.helm.go_syntax import Command, Dot, Function, Operand, Pipe, Variable
from stageset_render.helm.go_syntax import Const as GoConst
from stageset_render.pack.files import HELPERS, source
from stageset_render.port.language import types
from stageset_render.port.language.functions import ALIKE, SIGNS, miscounted, without_root
from stageset_render.port.language.jinja_reading import macro_names as known_macros
from stageset_render.port.language.named import USUAL, VALUE, Macro, Site, macro_names
from stageset_render.port.language.tree import (
    ROOTS,
    WHOLE,
    Call,
    Const,
    Expr,
    Field,
    Include,
    Name,
    Root,
    Set,
    Untranslatable,
    Var,
    root_of,
)


@dataclass(frozen=True)
class Lost:
    """A dot that can't be written, and why."""

    why: str


@dataclass(frozen=True)
class Handed:
    """The dot of a named template that is included with a dict."""

    macro: Macro
    parameters: tuple[Var, ...]


Place = Expr | Lost | Handed


@dataclass
class Scope:
    """What an action opens and an end closes, with the names that it declares and the dot in it."""

    dot: Place
    frame: int
    names: dict[str, Place | Var | None] = field(default_factory=dict)
    kept: dict[str, Place | Var | None] = field(default_factory=dict)  # what its else sees too
    made: list[Set] = field(default_factory=list)  # sets that go where nothing reads what they set


class Pipelines:
    """Reads pipelines; a reader of a template adds its actions.

    Attributes:
        dollar: what `$` is.
        macro: the named template around what is read.
        scopes: what the actions around it declare.
    """

    dollar: Place
    macro: Macro | None
    scopes: list[Scope]

    @property
    def scope(self) -> Scope:
        return self.scopes[-1]

    def known(self, expr: Expr) -> dict:
        return types.of_expr(expr, self.values)

    # Names

    def _lookup(self, name: str) -> Place | Var:
        for scope in reversed(self.scopes if self.macro is None else self.scopes[1:]):
            if name in scope.names:
                if scope.names[name] is None:
                    break
                return scope.names[name]
        raise Untranslatable(f"the variable ${name}, which is not declared here")

    # Pipelines

    def value(self, node: Operand) -> Expr:
        """What a pipeline or operand is as a value."""
        found = self.place(node)
        if isinstance(found, Lost):
            raise Untranslatable(found.why)
        if isinstance(found, Handed):
            raise Untranslatable(WHOLE)
        return found

    def place(self, node: Operand) -> Place:
        if isinstance(node, Pipe):
            return self._pipe(node)
        if isinstance(node, GoConst):
            kinds = {"char": "int", "bool": "boolean", "number": "int" if isinstance(node.value, int) else "number"}
            return Const(kinds.get(node.kind, node.kind), node.value)
        if isinstance(node, Dot):
            return self._fields(self.scope.dot, node.fields)
        if isinstance(node, Variable):
            found = self._lookup(node.name) if node.name else self.dollar
            return self._fields(Name(found) if isinstance(found, Var) else found, node.fields)
        return self._call(node.name, (), None)

    def _pipe(self, node: Pipe) -> Place:
        found = None
        for command in node.commands:
            found = self._command(command, found)
        if node.fields and not isinstance(found, (Lost, Handed)) and found != Root():
            known = self.known(found)
            kind = types.kind_of(known)
            if kind not in ("object", None):
                raise Untranslatable(f".{node.fields[0]} of a {kind}; only a map has fields")
            if kind is None or types.nullable(known):  # what may be null, and Go goes on with nothing
                defaulted = isinstance(found, Call) and found.name == "default" and found.args[0] == Call("dict", ())
                found = found if defaulted else Call("default", (Call("dict", ()), found), True)
        return self._fields(found, node.fields)

    def _command(self, node: Command, piped: Place | None) -> Place:
        first, *rest = node.operands
        if isinstance(first, Function):
            return self._call(first.name, tuple(rest), piped)
        found = self.place(first)
        if rest or piped is not None:
            root = None if isinstance(found, (Lost, Handed)) else root_of(found)
            if isinstance(root, Root) and root.name not in ("", *ROOTS):
                raise Untranslatable(without_root(root.name))
            raise Untranslatable("a value that is called with arguments; only functions are")
        return found

    def _fields(self, base: Place, names: tuple[str, ...]) -> Place:
        for at, name in enumerate(names):
            if isinstance(base, Lost):
                raise Untranslatable(base.why)
            if self.macro and (isinstance(base, Handed) or base == Root()):
                self.macro.uses_dot = True
            if isinstance(base, Handed):
                base = self._parameter(base, name, names[at + 1 :])
                if base == Root() and name in ROOTS:
                    return self._rooted(name, names[at + 1 :])
            elif base == Root():
                return self._rooted(name, names[at + 1 :])
            else:
                base = Field(base, name)
        return base

    def _rooted(self, name: str, rest: tuple[str, ...]) -> Place:
        found = Root(name)
        for one in rest:
            found = Field(found, one)
        return found

    def _parameter(self, given: Handed, name: str, rest: tuple[str, ...]) -> Place:
        macro = given.macro
        if name == macro.root or name in macro.same:
            return Root()
        for var in given.parameters:
            if var.name == name:
                return Name(var)
        if macro.sites and macro.kind:
            raise Untranslatable(f"the field {name}, which no include of the template passes")
        if name in ROOTS or name in USUAL and (not rest or rest[0] in ROOTS):
            return Root()
        if name not in macro.read:
            macro.read.append(name)
        return Name(Var(name, "parameter"))

    # Calls

    def _call(self, name: str, operands: tuple[Operand, ...], piped: Place | None) -> Expr:
        if name in ("include", "template"):
            if piped is not None or len(operands) != 2 or not isinstance(operands[0], GoConst):
                raise Untranslatable("an include of a name that is no literal, or of something piped; write the name")
            return self.included(operands[0].value, operands[1])
        if isinstance(piped, (Lost, Handed)):
            raise Untranslatable(WHOLE)
        name = ALIKE.get(name, name)
        args = (*map(self.value, operands), *(() if piped is None else (piped,)))
        nothing = Const("nil", None)
        if name in SIGNS and nothing in args:
            (asked,) = self._counted(name, tuple(one for one in args if one != nothing), 1)
            if name not in ("eq", "ne"):
                raise Untranslatable(f"{name} with nil")
            return Call("defined" if name == "ne" else "undefined", (asked,))
        if nothing in args:
            raise Untranslatable('nil; ask with kindIs "invalid"')
        if name == "kindIs" and self._counted(name, args, 2)[0] == Const("string", "invalid"):
            return Call("undefined", args[1:])
        if name == "deepEqual":
            return Call("==", self._counted(name, args, 2))
        if name == "not":
            (asked,) = self._counted(name, args, 1)
            opposite = {"undefined": "defined", "defined": "undefined", "==": "!=", "!=": "=="}
            if isinstance(asked, Call) and asked.name in opposite:
                return Call(opposite[asked.name], asked.args)
        if name in ("and", "or"):
            if not args:
                raise Untranslatable(f"{name} without values")
            return args[0] if len(args) == 1 else Call(name, args)
        if wrong := miscounted(name, len(args)):
            raise Untranslatable(wrong)
        return Call(name, args, piped is not None)

    @staticmethod
    def _counted(name: str, args: tuple[Expr, ...], count: int) -> tuple[Expr, ...]:
        if len(args) != count:
            raise Untranslatable(f"{name} of {len(args)} values; it takes {count}")
        return args

    # Named templates

    def included(self, name: str, context: Operand | None) -> Include:
        args, site = self._site(context)
        macro = self.chart.macros.get(name)
        if not macro:
            return self._outside(name, args)
        self.chart.sites[self.file].setdefault(name, []).append(site)
        if site.nothing and macro.uses_dot:
            raise Untranslatable("a template without a context; hand it the dot")
        return Include(macro.name, args)

    def _outside(self, name: str, args: tuple) -> Include:
        """An include of what nothing defines: of a template without a chart, a helper of the pack may be meant."""
        if self.chart.macros:
            raise Untranslatable(f"the template {name}, which nothing here defines; define it")
        short = macro_names([name])[name]
        return Include(short if short in known_macros(source(HELPERS)) else name, args)

    def _site(self, context: Operand | None) -> tuple[tuple[tuple[str, Expr], ...], Site]:
        """What an include hands over: the values by their keys, and what is known of them."""
        if context is None:
            return (), Site(nothing=True)
        while isinstance(context, Pipe) and len(context.commands) == 1 and not context.fields:
            operands = context.commands[0].operands
            if operands[0] == Function("dict"):
                return self._dict(operands[1:])
            if len(operands) > 1 or isinstance(operands[0], Function):
                break
            context = operands[0]
        place = self.place(context)
        if place == Root():
            return (), Site()
        if isinstance(place, Handed):
            found = tuple((var.name, Name(var)) for var in place.parameters)
            return found, Site(tuple((key, self.known(one)) for key, one in found), place.macro.root, place.macro.same)
        if self.macro:
            self.macro.uses_dot = True
        value = self.value(context)
        return ((VALUE, value),), Site((("", self.known(value)),))

    def _dict(self, operands: tuple[Operand, ...]) -> tuple[tuple[tuple[str, Expr], ...], Site]:
        given, root, same = [], None, set()
        for key, operand in zip(operands[::2], operands[1::2]):
            if not isinstance(key, GoConst) or not str(key.value).isidentifier():
                raise Untranslatable("a dict whose keys are no names in quotes, handed to a template; write the names")
            fields = operand.fields if isinstance(operand, (Dot, Variable)) else ()
            if fields == (key.value,) and key.value in ROOTS:
                base = self.scope.dot if isinstance(operand, Dot) else self.dollar if not operand.name else None
                if base == Root():
                    same.add(key.value)
                    continue
            place = self.place(operand)
            if place == Root():
                root = key.value
            else:
                given.append((key.value, self.value(operand)))
        site = Site(tuple((key, self.known(one)) for key, one in given), root, frozenset(same))
        return tuple(given), site
