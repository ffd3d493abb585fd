# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What an expression means, as a text: equal for two that give the same, whatever they are called and how they are written."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from stageset_render.port.language import types
from stageset_render.port.language.functions import SIGNS
from stageset_render.port.language.tree import (
    OPPOSITE,
    Call,
    Const,
    Expr,
    Field,
    Include,
    Name,
    Root,
    Var,
    is_path,
    turned,
)

FORM = {"quote", "squote", "toString", "int", "int64", "trim"}  # of a scalar, or of the text that a helper prints
QUOTES = {"quote", "squote"}
AND_OR = {"and": "or", "or": "and"}
ZERO = Const("int", 0)
OPEN, SHUT = "\0(", "\0)"  # around an operand that stands for a literal text


class Meaning:
    """Tells what expressions mean.

    Args:
        values: what is known of the values.
        strict: whether the functions that change only the form of a scalar count.
        shared: what variables are called on both sides, where a comparison has paired them.
    """

    def __init__(self, values: dict, strict: bool = False, shared: dict[Var, str] | None = None):
        self.values, self.strict, self.shared = values, strict, shared or {}
        self.known: dict[Var, str] = {}
        self.count: dict[str, int] = {}

    def loop(self, items: Expr, element: Var, index: Var | None) -> None:
        """Note what a loop's variables mean."""
        text = self.of(items)
        self.known[element] = self.shared.get(element, f"{text}[]")
        if index:
            self.known[index] = self.shared.get(index, f"index of {text}")

    def set(self, var: Var, expr: Expr) -> bool:
        """Note what a variable means; whether it is only another name of a value."""
        if var in self.shared:
            self.known[var] = self.shared[var]
            return False
        if renames(var):
            self.known[var] = self.of(expr)
            return True
        text = f"${plain(self.of(expr))}"
        self.count[text] = self.count.get(text, 0) + 1
        self.known[var] = text if self.count[text] == 1 else f"{text}#{self.count[text]}"
        return False

    def of_var(self, var: Var) -> str:
        return self.known.get(var, var.name)

    def of(self, expr: Expr | None) -> str:
        if expr is None:
            return "?"
        if isinstance(expr, Const):
            return f"{OPEN}{expr.value}{SHUT}" if expr.kind == "string" else str(expr.value).lower()
        if isinstance(expr, Root):
            return expr.name or "."
        if isinstance(expr, Name):
            return self.of_var(expr.var)
        if isinstance(expr, Field):
            base = expr.base
            if isinstance(base, Call) and base.name == "default" and base.args[0] == Call("dict", ()):
                base = base.args[-1]
            text = self.of(base)
            return expr.name if text == "Values" else f"{text}.{expr.name}"
        if isinstance(expr, Include):
            given = ", ".join(
                f"{name}, {plain(self.of(one))}" for name, one in sorted(expr.args, key=lambda one: one[0])
            )
            return f"{expr.name}()" + (f" of {given}" if given else "")
        return self._call(expr)

    def asked(self, expr: Expr, no: bool = False) -> str:
        """What a condition asks, or `no` its opposite: its truth counts alone, and operands that can't fail stand in any
        order."""
        if isinstance(expr, Call) and expr.name in ("not", "empty") and len(expr.args) == 1:
            return self.asked(expr.args[0], not no)
        if isinstance(expr, Call) and expr.name in AND_OR:
            texts, runs = [], itertools.groupby(operands(expr), lambda one: types.fails(one, self.values))
            for fail, run in runs:
                found = [plain(self.asked(one, no)) for one in run]
                texts += found if fail else sorted(found, key=lambda text: (text[0] == "(", text))
            texts = list(dict.fromkeys(texts))
            return f"({f' {AND_OR[expr.name] if no else expr.name} '.join(texts)})" if texts[1:] else texts[0]
        if (
            isinstance(expr, Call) and expr.name in FORM and len(expr.args) == 1
        ):  # whose truth is that of a text or number
            return ("not " if no else "") + f"{expr.name}({plain(self.of(expr.args[0]))})"
        if isinstance(expr, Call) and expr.name in ("==", "!=", "eq", "ne") and ZERO in expr.args[1:]:
            number, *more = expr.args
            if len(more) == 1 and types.kind_of(types.of_expr(number, self.values)) == "int":
                return self.asked(number, no != (expr.name in ("==", "eq")))
        other = turned(expr)
        return self.of(expr) if not no else f"not {self.of(expr)}" if expr in other.args else self.of(other)

    def _call(self, expr: Call) -> str:
        name, args = expr.name, expr.args
        if name in FORM and len(args) == 1 and not self.strict:
            return self.of(args[0])
        texts = [self.of(one) for one in args]
        flat = [plain(one) for one in texts]
        if name == "toYaml":
            return f"yaml {flat[-1]}"
        if name in ("nindent", "indent") and len(args) == 2:
            return f"{flat[1]} at {flat[0]}"
        if name == "printf" and args and isinstance(args[0], Const):
            return "printf:" + self._formatted(args[0].value, iter(args[1:]))
        if name == "dict":
            return f"dict({', '.join(f'{key}, {value}' for key, value in sorted(zip(flat[::2], flat[1::2])))})"
        sign = name if name in ("==", "!=") else SIGNS.get(name)
        if sign in ("==", "!=") and len(args) == 2:  # of which either may stand first
            flat = [text for _, text in sorted(zip([isinstance(one, Const) for one in args], flat))]
        if sign and len(args) == 2:
            return f"({flat[0]} {sign} {flat[1]})"
        if name in ("and", "or"):
            nested = [isinstance(one, Call) and one.name == name for one in args]
            return "(" + f" {name} ".join(text[1:-1] if inner else text for text, inner in zip(flat, nested)) + ")"
        if name in ("undefined", "defined"):
            asked = f"kindIs(invalid, {flat[0]})"
            return f"not {asked}" if name == "defined" else asked
        if name in ("not", "empty") and len(args) == 1:
            asked = plain(self.asked(args[0]))
            return self.asked(expr) if isinstance(args[0], Call) and args[0].name in OPPOSITE else f"not {asked}"
        return f"{name}({', '.join(flat)})" if flat else name

    def _formatted(self, text: str, rest: Iterator[Expr]) -> str:
        """What printf prints, which a verb that fits its value doesn't change."""

        def one(found: re.Match) -> str:
            expr = next(rest, None) if found[1] != "%" else None
            kind = types.kind_of(types.of_expr(expr, self.values)) if expr else None
            fits = found[1] == "v" or found[1] == "s" and kind in ("string", None) or found[1] == "d" and kind == "int"
            return (printed(self.of(expr)) if found[1] != "%" else "%") + ("" if fits or not expr else f"~{found[1]}")

        return re.sub("%([sdvq%])", one, str(text))


def operands(expr: Call) -> Iterator[Expr]:
    """The operands of an `and` or `or`, those of one in it too."""
    for one in expr.args:
        yield from operands(one) if isinstance(one, Call) and one.name == expr.name else (one,)


def is_quoted(expr: Expr | None) -> bool:
    return isinstance(expr, Call) and expr.name in QUOTES and len(expr.args) == 1


def renames(var: Var) -> bool:
    """Whether a variable is only another name of a value."""
    return not var.assigned and var.value is not None and (is_path(var.value) or isinstance(var.value, Const))


def plain(text: str) -> str:
    return text.replace(OPEN, '"').replace(SHUT, '"')


def printed(text: str) -> str:
    """What a printed value adds to a line: a literal text itself, all else in <>."""
    if text.startswith(OPEN) and text.endswith(SHUT) and text.count(OPEN) == 1:
        return text[len(OPEN) : -len(SHUT)]
    if text.startswith("printf:"):
        return text.removeprefix("printf:")
    return f"<{plain(text)}>"
