# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads a Go template into lines in which only what it renders is left: two templates with equal lines render alike.

Comments, blank lines, quotes, `with` instead of `if`, names of variables, and functions that change only the form
of a scalar make no difference; an operator, a constant, a literal, a key or its order does.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from stageset_render.helm.go_syntax import (
    Action,
    Command,
    Const,
    Dot,
    Function,
    Operand,
    Pipe,
    Text,
    Variable,
    parse,
)
from stageset_render.port.diff import promql
from stageset_render.port.named import USUAL as ROOTS

FORM = {"quote", "squote", "toString", "int", "int64", "trim"}  # of a scalar, or of the text that a helper prints
COMPARE = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
OPPOSITE = {"==": "!=", "!=": "=="}
KEYED = re.compile(r"(?P<indent>\s*)(?P<key>(?P<dashes>(?:- +)*)[\w.-]+:) *(?P<style>[|>][-+0-9]*)?(?P<rest>.*)")
QUOTED = re.compile(r"""(?<![\w.])(?:"(?:\\.|[^"\\])*"|'[^']*')|\s\#""")
WORDED = ("summary:", "description:")  # the words of an alert are each side's own
EXPRESSION = "expr:"  # of Prometheus, to which blanks and lines mean nothing
YAML = re.compile(r" at \d+>$")  # a list or map, which goes on in no text
BLANKS = " \t\r\n"
CONTEXTS = (".", "Values", "Release", "Chart")  # what a template is rendered with, and what that holds
OPEN, SHUT = "\0(", "\0)"  # around an operand that stands for a literal text


class Line(NamedTuple):
    """One thing that a template says, and the line it says it on.

    What a template lays out on several lines is one thing: `parts` has where each of them begins in it.
    """

    text: str
    number: int
    parts: tuple[tuple[int, int], ...] = ()

    def at(self, other: str) -> int:
        """The number of the line in which this text begins to differ from another."""
        same = next((at for at, pair in enumerate(zip(self.text, other)) if pair[0] != pair[1]), len(other))
        return max([number for begun, number in self.parts if begun <= same] or [self.number])


class Outline:
    """The lines of a template.

    Args:
        source: the Go template.

    Raises:
        GoSyntaxError: for what is no Go template.
    """

    def __init__(self, source: str):
        self.lines: list[Line] = []
        self._text, self._marks = "", []  # a line so far, and where in it the lines of the template begin
        self._dots, self._names, self._blocks = [""], {}, []
        self._scopes: list[tuple[dict, dict]] = []  # the names around each block, and those that its else sees too
        self._count, self._column = 0, 0
        self._long: list[Line] = []  # the lines of a text that goes on
        parts = parse(source)
        for at, part in enumerate(parts):
            if isinstance(part, Text):
                before, after = parts[at - 1] if at else None, parts[at + 1] if at + 1 < len(parts) else None
                text = part.text.lstrip(BLANKS) if before and before.right else part.text
                number = part.line + part.text[: len(part.text) - len(text)].count("\n")
                self._add(text.rstrip(BLANKS) if after and after.left else text, number)
            elif isinstance(part, Action):
                self._action(part)
        self._flush()
        self._close()

    def _add(self, text: str, number: int) -> None:
        for at, piece in enumerate(text.split("\n")):
            if at:
                self._flush()
            self._write(piece, number + at)

    def _write(self, text: str, number: int) -> None:
        if not self._text.strip():
            self._marks = []
        if not self._marks or self._marks[-1][1] != number:
            self._marks.append((len(self._text), number))
        self._text += text

    def _flush(self) -> None:
        text, self._text = uncommented(self._text).rstrip(), ""
        if not text.strip() or text.lstrip().startswith("#"):
            return
        marks = tuple((len(unquoted(text[:at])), number) for at, number in self._marks)
        line = Line(text, marks[0][1], marks)
        if self._long and len(text) - len(text.lstrip()) > self._column:
            self._long.append(line)
            return
        self._close()
        keyed = KEYED.fullmatch(text)
        if keyed and (keyed["style"] or keyed["rest"] and not YAML.search(keyed["rest"])):
            self._long = [line._replace(text=f"{keyed['indent']}{keyed['key']} {keyed['rest']}")]  # which may go on
            self._column = keyed.end("dashes")
        else:
            self.lines.append(line._replace(text=unquoted(text)))

    def _close(self) -> None:
        """End a text that may have gone on: how it is laid out in lines and blanks makes no difference."""
        if not self._long:
            return
        text, parts = "", []
        for line in self._long:
            begun = len(text)
            parts += [(begun + at, number) for at, number in line.parts]
            text = unquoted(f"{text} {line.text.strip()}" if text else line.text)
        first, self._long = self._long[0], []
        key = KEYED.fullmatch(first.text)
        name = key["key"].removeprefix(key["dashes"])
        if name in WORDED:
            text = f"{key['indent']}{key['key']} (text)"
        elif name == EXPRESSION:
            text = key["indent"] + promql.plain(text)
        self.lines.append(Line(text, first.number, tuple(parts)))

    def _say(self, text: str, number: int) -> None:
        self._close()
        self.lines.append(Line(_plain(text), number))

    def _action(self, action: Action) -> None:
        value = self._pipe(action.pipe) if action.pipe else ""
        keyword = action.keyword
        if keyword and keyword != "template":
            self._flush()
        if keyword in ("if", "with"):
            self._open(value if keyword == "with" else self._dots[-1])
            self._declare(action, value)
            self._scopes[-1] = (self._scopes[-1][0], dict(self._names))
            self._say(f"if {value}", action.line)
        elif keyword == "range":
            self._open(f"{value}[]")
            for name, meaning in zip(reversed(action.variables), (f"{value}[]", f"index of {value}")):
                self._name(name, meaning)
            self._say(f"each {value}", action.line)
        elif keyword in ("define", "block"):
            self._open("")
            self._names, self._count = {}, 0
            self._say(f"define {action.name.rpartition('.')[2]}", action.line)
        elif keyword.startswith("else"):
            self._dots[-1] = value if keyword == "else with" else self._blocks[-1]
            self._names = dict(self._scopes[-1][1])
            self._say(f"else if {value}" if value else "else", action.line)
        elif keyword == "end":
            self._dots.pop()
            self._blocks.pop()
            self._names = self._scopes.pop()[0]
            self._say("end", action.line)
        elif keyword and keyword != "template":
            self._say(action.source, action.line)
        elif action.variables:
            self._declare(action, value)
        else:
            value = f"{action.name.rpartition('.')[2]}(){_handed([value])}" if action.name else value
            self._write(_printed(value), action.line)

    def _open(self, dot: str) -> None:
        self._blocks.append(self._dots[-1])
        self._dots.append(dot)
        self._scopes.append((self._names, self._names))
        self._names = dict(self._names)

    def _name(self, name: str, meaning: str) -> None:
        self._names[name] = (meaning, len(self._blocks))

    def _declare(self, action: Action, value: str) -> None:
        if not action.variables or action.variables == ("_",) and "set(" not in value:
            return
        [name] = action.variables[-1:]
        known, depth = self._names.get(name, ("", None))
        operands = [one for command in action.pipe.commands for one in command.operands]
        renames = len(operands) == 1 and isinstance(operands[0], (Const, Dot, Variable))
        if action.keyword or renames and (not action.assigns or depth == len(self._blocks)):
            self._name(name, value)
            return
        if not action.assigns or not known:
            self._count += 1
            known = f"${self._count}"
            self._name(name, known)
        self._flush()
        self._say(f"set {known} {value}", action.line)

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
            base = self._names.get(operand.name, (f"${operand.name}",))[0] if operand.name else ""
            return _below(base, operand.fields)
        if isinstance(operand, Function):
            return _called(operand.name, [])
        return self._pipe(operand)


def uncommented(text: str) -> str:
    """A line of YAML without the comment at its end."""
    sign = next((found for found in QUOTED.finditer(text) if found[0].endswith("#")), None)
    return text[: sign.start()] if sign else text


def unquoted(text: str) -> str:
    """A line without quotes, and without blanks that only lay out what stands after its indent."""
    bare = re.sub("[\"']", "", text)
    indent = bare[: len(bare) - len(bare.lstrip())]
    return indent + re.sub(r" {2,}", " ", bare.strip())


def _below(base: str, fields: tuple[str, ...]) -> str:
    if fields[:1] and fields[0] in ROOTS and (len(fields) == 1 or fields[1] in CONTEXTS):
        fields = fields[1:]
    if fields[:1] and fields[0] in CONTEXTS:
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
    if name == "dict" and len(plain) % 2 == 0:
        return _dict(plain)
    if name in COMPARE and len(plain) == 2:
        return f"({plain[0]} {COMPARE[name]} {plain[1]})"
    if name in ("and", "or"):
        return "(" + f" {name} ".join(plain) + ")"
    if name in ("not", "empty") and len(plain) == 1:
        return _negated(plain[0])
    return f"{name}({', '.join(plain)})" if plain else name


def _handed(arguments: list[str]) -> str:
    """The values in a dict that a named template is given; the context alone makes no difference."""
    given = re.fullmatch(r"dict\((.*)\)", arguments[0]) if arguments else None
    return f" of {given[1]}" if given and given[1] else ""


def _dict(arguments: list[str]) -> str:
    """A dict, whose order makes no difference, less what holds the context, whatever its key."""
    pairs = sorted(zip(arguments[::2], arguments[1::2]))
    return f"dict({', '.join(f'{key}, {value}' for key, value in pairs if value not in CONTEXTS)})"


def _negated(value: str) -> str:
    compared = re.fullmatch(r"\(([^()]*) (==|!=) ([^()]*)\)", value)
    if compared:
        return f"({compared[1]} {OPPOSITE[compared[2]]} {compared[3]})"
    return value.removeprefix("not ") if value.startswith("not ") else f"not {value}"
