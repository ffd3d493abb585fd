# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes expressions in Jinja. What has no exact form is refused."""

from __future__ import annotations

import re
from typing import NamedTuple

from stageset_render.helm.functions import quote
from stageset_render.port.language import types
from stageset_render.port.language.functions import JINJA, SIGNS, without_form, without_root
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
    Untranslatable,
    is_path,
)

OR, AND, NOT, COMPARE, FILTER, ATOM = range(6)  # how tightly an expression of Jinja holds together
LARGE = 1_000_000  # from here on Go prints a float64 as 1e+06
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


class Expressions:
    """Writes expressions; a writer of templates adds names and tags."""

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
