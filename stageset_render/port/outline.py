# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads a Go template into lines in which only what it renders is left: two templates with equal lines render alike.

Comments, blank lines, quotes, `with` instead of `if`, names of variables, and functions that change only the form
of a scalar make no difference; an operator, a constant, a literal, a key or its order does.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from stageset_render.port.go_syntax import (
    Action,
    Command,
    Comment,
    Const,
    Dot,
    Function,
    Operand,
    Pipe,
    Text,
    Variable,
    parse,
)

FORM = {"quote", "squote", "toString", "int", "int64", "trim"}  # of a scalar, or of the text that a helper prints
COMPARE = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
OPPOSITE = {"==": "!=", "!=": "=="}
WORDED = re.compile(r"(\s*(?:- )?(?:summary|description): )")
OPEN, SHUT = "\0(", "\0)"  # around an operand that stands for a literal text


class Line(NamedTuple):
    """One thing that a template says, and the line it says it on."""

    text: str
    number: int


class Outline:
    """The lines of a template.

    Args:
        source: the Go template.

    Raises:
        GoSyntaxError: for what is no Go template.
    """

    def __init__(self, source: str):
        self.lines: list[Line] = []
        self._text, self._start = "", 1
        self._dots, self._names, self._blocks = [""], {}, []
        trim = False
        for part in parse(source):
            if isinstance(part, Text):
                text = part.text.lstrip(" \t\r\n") if trim else part.text
                self._add(text, part.line + part.text[: len(part.text) - len(text)].count("\n"))
                trim = False
                continue
            if part.left:
                self._text = self._text.rstrip(" \t\r\n")
            if isinstance(part, Action):
                self._action(part)
            trim = part.right if isinstance(part, (Action, Comment)) else False
        self._flush()

    def _add(self, text: str, number: int) -> None:
        for at, piece in enumerate(text.split("\n")):
            if at:
                self._flush()
            if not self._text.strip():
                self._start = number + at
            self._text += piece

    def _flush(self) -> None:
        text, self._text = self._text.rstrip(), ""
        worded = WORDED.match(text)
        text = worded[1] + "(text)" if worded else re.sub("[\"']", "", text)
        if text.strip() and not text.lstrip().startswith("#"):
            self.lines.append(Line(text, self._start))

    def _say(self, text: str, number: int) -> None:
        self.lines.append(Line(text, number))

    def _action(self, action: Action) -> None:
        value = self._pipe(action.pipe) if action.pipe else ""
        if action.keyword:
            self._flush()
        if action.keyword in ("if", "with"):
            self._blocks.append(self._dots[-1])
            self._dots.append(value if action.keyword == "with" else self._dots[-1])
            self._declare(action, value)
            self._say(f"if {value}", action.line)
        elif action.keyword == "range":
            self._blocks.append(self._dots[-1])
            self._dots.append(f"{value}[]")
            for name, meaning in zip(reversed(action.variables), (f"{value}[]", f"index of {value}")):
                self._names[name] = meaning
            self._say(f"each {value}", action.line)
        elif action.keyword in ("define", "block"):
            self._blocks.append(self._dots[-1])
            self._dots.append("")
            self._names = {}
            self._say(f"define {action.name.rpartition('.')[2]}", action.line)
        elif action.keyword in ("else if", "else with"):
            self._dots[-1] = value if action.keyword == "else with" else self._blocks[-1]
            self._say(f"else if {value}", action.line)
        elif action.keyword == "else":
            self._dots[-1] = self._blocks[-1]
            self._say("else", action.line)
        elif action.keyword == "end":
            self._blocks.pop()
            self._dots.pop()
            self._say("end", action.line)
        elif action.keyword:
            self._say(action.source, action.line)
        elif action.variables:
            self._declare(action, value)
        else:
            if not self._text.strip():
                self._start = action.line
            self._text += _printed(value)

    def _declare(self, action: Action, value: str) -> None:
        if not action.variables or action.variables == ("_",) and "set(" not in value:
            return
        [name] = action.variables[-1:]
        operands = [one for command in action.pipe.commands for one in command.operands]
        renames = len(operands) == 1 and isinstance(operands[0], (Const, Dot, Variable)) and not action.assigns
        if renames or action.keyword:
            self._names[name] = value
        else:
            self._names.setdefault(name, f"${len(self._names) + 1}")
            self._flush()
            self._say(f"set {self._names[name]} {_plain(value)}", action.line)

    # Values

    def _pipe(self, pipe: Pipe) -> str:
        value = None
        for command in pipe.commands:
            value = self._command(command, value)
        return ".".join([value, *pipe.fields])

    def _command(self, command: Command, piped: str | None) -> str:
        first, *rest = command.operands
        arguments = [self._operand(one) for one in rest] + ([piped] if piped is not None else [])
        if not isinstance(first, Function):
            return self._operand(first)
        return _called(first.name, arguments)

    def _operand(self, operand: Operand) -> str:
        if isinstance(operand, Const):
            return f"{OPEN}{operand.value}{SHUT}" if operand.kind == "string" else str(operand.value).lower()
        if isinstance(operand, Dot):
            return _below(self._dots[-1], operand.fields)
        if isinstance(operand, Variable):
            base = self._names.get(operand.name, f"${operand.name}") if operand.name else ""
            return _below(base, operand.fields)
        if isinstance(operand, Function):
            return _called(operand.name, [])
        return self._pipe(operand)


def _below(base: str, fields: tuple[str, ...]) -> str:
    fields = fields[1:] if fields[:1] == ("root",) else fields
    if fields[:1] in (("Values",), ("Release",), ("Chart",)):
        return ".".join(fields).removeprefix("Values.")
    return ".".join([*filter(None, [base]), *fields]) or "."


def _plain(value: str) -> str:
    return value.replace(OPEN, '"').replace(SHUT, '"')


def _printed(value: str) -> str:
    """What a printed value adds to a line: a literal text itself, all else in <>."""
    if value.startswith(OPEN) and value.endswith(SHUT) and value.count(OPEN) == 1:
        return value[len(OPEN) : -len(SHUT)]
    if value.startswith("printf:"):
        return value.removeprefix("printf:")
    return f"<{_plain(value)}>"


def _called(name: str, arguments: list[str]) -> str:
    if name in FORM and arguments:
        return arguments[-1]
    if name == "include":
        return _plain(arguments[0]).strip('"').rpartition(".")[2] + "()" + _handed(arguments[1:])
    if name == "toYaml":
        return f"yaml {_plain(arguments[-1])}"
    if name in ("nindent", "indent") and len(arguments) == 2:
        return f"{_plain(arguments[1])} at {arguments[0]}"
    if name == "printf":
        rest = iter(arguments[1:])
        text = re.sub(r"%[sdvq]", lambda _: _printed(next(rest, "?")), _plain(arguments[0])[1:-1])
        return f"printf:{text}"
    plain = [_plain(one) for one in arguments]
    if name in COMPARE and len(plain) == 2:
        return f"({plain[0]} {COMPARE[name]} {plain[1]})"
    if name in ("and", "or"):
        return "(" + f" {name} ".join(plain) + ")"
    if name == "not":
        return _negated(plain[0])
    return f"{name}({', '.join(plain)})" if plain else name


def _handed(arguments: list[str]) -> str:
    """The values in a dict that a named template is given; the context alone makes no difference."""
    given = re.fullmatch(r"dict\((.*)\)", arguments[0]) if arguments else None
    pairs = re.sub(r'(^|, )"root", [^,]*(, |$)', r"\1", given[1]) if given else ""
    return f" of {pairs}" if pairs else ""


def _negated(value: str) -> str:
    compared = re.fullmatch(r"\(([^()]*) (==|!=) ([^()]*)\)", value)
    if compared:
        return f"({compared[1]} {OPPOSITE[compared[2]]} {compared[3]})"
    return value.removeprefix("not ") if value.startswith("not not ") else f"not {value}"
