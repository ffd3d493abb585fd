# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads Go templates: the text, comments and actions of a file, and the pipelines of its actions.

The grammar is that of the documentation of Go's text/template, read as its packages text/template/parse and strconv do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field


class GoSyntaxError(Exception):
    """What Go would not parse, with the line it stands in."""

    def __init__(self, line: int, message: str):
        super().__init__(message)
        self.line, self.message = line, message


# Pipelines


@dataclass(frozen=True)
class Const:
    """A literal of the kind string, char, number, bool or nil; `text` is how it is written."""

    kind: str
    value: str | bool | int | float | None
    text: str = field(compare=False)


@dataclass(frozen=True)
class Dot:
    """`.` with the fields below it, which may be none: `.Values.x` is Dot(("Values", "x"))."""

    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Variable:
    """`$name` with the fields below it; the name of `$` alone is empty."""

    name: str
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Function:
    """The name of a function."""

    name: str


@dataclass(frozen=True)
class Pipe:
    """Commands joined by `|`, in parentheses where it is an operand, then with the fields below it: `(f .x).y`."""

    commands: tuple[Command, ...]
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Command:
    """Operands in a row: a function or what else is called, and its arguments."""

    operands: tuple[Operand, ...]


Operand = Const | Dot | Variable | Function | Pipe


# Files


@dataclass(frozen=True)
class Text:
    """What stands between actions, white space that a `-` trims included."""

    line: int
    text: str
    start: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Comment:
    """A comment; `left` and `right` tell where it trims, `text` is what stands between /* and */."""

    line: int
    text: str
    left: bool
    right: bool
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Action:
    """One action.

    Attributes:
        line: where it begins.
        start, end: what it takes up of the file, delimiters included.
        source: what stands between the delimiters and trim markers.
        left, right: whether it trims the white space before and after it.
        keyword: if, with, range, else, else if, else with, end, define, block, template, break or continue; nothing
            where it prints, declares or assigns.
        variables: the names before := or =, without their $.
        assigns: whether it is =.
        pipe: the pipeline, if it has one.
        name: what a define, block or template names.
        block: for an else and an end the keyword of the block that it belongs to; a with that has an `else with` stays
            one block with one end.
    """

    line: int
    source: str
    left: bool
    right: bool
    keyword: str = ""
    variables: tuple[str, ...] = ()
    assigns: bool = False
    pipe: Pipe | None = None
    name: str = ""
    block: str = ""
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


Part = Text | Comment | Action

BLOCKS = ("if", "with", "range", "define", "block")
KEYWORDS = (*BLOCKS, "else", "end", "template", "break", "continue")
WORDS = {"true": ("bool", True), "false": ("bool", False), "nil": ("nil", None)}
DELIMITER = re.compile(r"\{\{(-(?=[ \t\r\n]))?")
COMMENT = re.compile(r"[ \t\r\n]?/\*(.*?)\*/(?:(\}\})|[ \t\r\n]-\}\})", re.S)
TOKEN = re.compile(
    r"""(?P<close>[ \t\r\n]-\}\}|\}\})
      | (?P<space>[ \t\r\n]+?(?=[ \t\r\n]-\}\}|[^ \t\r\n]|\Z))
      | (?P<declare>:=) | (?P<assign>=) | (?P<pipe>\|) | (?P<comma>,) | (?P<open>\() | (?P<shut>\))
      | (?P<string>"(?:\\.|[^"\\\n])*") | (?P<raw>`[^`]*`) | (?P<char>'(?:\\.|[^'\\\n])+')
      | (?P<number>[+-]?(?:[0-9]|\.[0-9])(?:(?<![xX])(?<=[eE])[+-]|(?<=[pP])[+-]|[\w.])*)
      | (?P<variable>\$\w*) | (?P<field>\.\w+) | (?P<dot>\.) | (?P<word>\w+)""",
    re.X,
)
ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\\"'])|x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.?))", re.S
)
LETTERS = dict(zip("abfnrtv\\\"'", b"\a\b\f\n\r\t\v\\\"'"))


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    line: int


def parse(source: str) -> list[Part]:
    """Read a template.

    Raises:
        GoSyntaxError: at the first thing that Go would not parse.
    """
    parts, blocks = [], []
    for part in _parts(source):
        parts.append(_nested(part, blocks) if isinstance(part, Action) else part)
    if blocks:
        raise GoSyntaxError(blocks[-1].line, f"the {blocks[-1].keyword} has no end")
    return parts


def _nested(action: Action, blocks: list[Action]) -> Action:
    """Check how the action fits into the blocks around it, and tell an else or end what it belongs to."""
    keyword = action.keyword
    if keyword in ("define", "block") and (blocks and keyword == "define"):
        raise GoSyntaxError(action.line, "a define inside another block")
    if keyword in BLOCKS:
        blocks.append(action)
    elif keyword in ("break", "continue") and not any(block.keyword == "range" for block in blocks):
        raise GoSyntaxError(action.line, f"a {keyword} outside a range")
    elif keyword == "end" or keyword.startswith("else"):
        if not blocks:
            raise GoSyntaxError(action.line, f"the {keyword} belongs to no block")
        around = blocks[-1]
        opened = around.block or around.keyword
        if keyword == "end":
            blocks.pop()
        elif opened not in ("if", "with", "range") or around.name == "else":
            raise GoSyntaxError(action.line, f"the {keyword} belongs to no block that takes one here")
        elif " " in keyword and keyword != f"else {opened}":
            raise GoSyntaxError(action.line, f"an {keyword} of a {opened}")
        elif keyword == "else":
            blocks[-1] = Action(around.line, "", False, False, around.keyword, name="else")
        return Action(**{**vars(action), "block": opened})
    return action


def _parts(source: str) -> Iterator[Part]:
    at, line = 0, 1
    while begun := DELIMITER.search(source, at):
        if begun.start() > at:
            yield Text(line, source[at : begun.start()], at)
        line += source.count("\n", at, begun.start())
        comment = COMMENT.match(source, begun.end())
        if comment and (begun[1] or source.startswith("/*", begun.end())):
            yield Comment(line, comment[1], bool(begun[1]), not comment[2], begun.start(), comment.end())
            end = comment.end()
        else:
            found, end = _tokens(source, begun.end(), line)
            closed = found.pop().text
            body = source[begun.end() : end - len(closed)].strip(" \t\r\n")
            yield _Parser(found, line).action(body, (begun.start(), end), bool(begun[1]), "-" in closed)
        line += source.count("\n", begun.start(), end)
        at = end
    if at < len(source):
        yield Text(line, source[at:], at)


def _tokens(source: str, at: int, line: int) -> tuple[list[Token], int]:
    """The tokens of an action up to and with what closes it, and where that ends."""
    found = []
    while match := TOKEN.match(source, at):
        found.append(Token(match.lastgroup, match[0], line))
        line += match[0].count("\n")
        at = match.end()
        if match.lastgroup == "close":
            return found, at
    if at >= len(source):
        raise GoSyntaxError(found[0].line if found else line, "the action is not closed")
    what = "a string or character without an end" if source[at] in "\"`'" else f"the character {source[at]!r}"
    raise GoSyntaxError(line, what)


class _Parser:
    """Parses the tokens of one action."""

    def __init__(self, tokens: list[Token], line: int):
        self.tokens, self.at, self.line = tokens, 0, line

    def fail(self, message: str):
        line = self.tokens[min(self.at, len(self.tokens) - 1)].line if self.tokens else self.line
        raise GoSyntaxError(line, message)

    def peek(self) -> Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else Token("end", "", self.line)

    def next(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def blanks(self) -> bool:
        before = self.at
        while self.peek().kind == "space":
            self.at += 1
        return self.at > before

    def action(self, body: str, span: tuple[int, int], left: bool, right: bool) -> Action:
        self.blanks()
        keyword = self.next().text if self.peek().text in KEYWORDS and self.peek().kind == "word" else ""
        found = {"line": self.line, "source": body, "left": left, "right": right, "start": span[0], "end": span[1]}
        self.blanks()
        if keyword == "else" and self.peek().text in ("if", "with"):
            keyword = f"else {self.next().text}"
        if keyword in ("define", "block", "template"):
            if self.peek().kind not in ("string", "raw"):
                self.fail(f"a {keyword} without a name in quotes")
            found["name"] = self.literal(self.next()).value
            self.blanks()
        if keyword in ("end", "else", "break", "continue", "define"):
            if self.peek().kind != "end":
                self.fail(f"{self.peek().text} after {keyword}")
        elif keyword != "template" or self.peek().kind != "end":
            found["variables"], found["assigns"] = self.declared(keyword)
            found["pipe"] = self.pipe("end")
        return Action(keyword=keyword, **found)

    def declared(self, keyword: str) -> tuple[tuple[str, ...], bool]:
        begun, names = self.at, []
        while self.peek().kind == "variable" and len(names) < 2:
            names.append(self.next().text[1:])
            self.blanks()
            sign = self.next().kind
            if sign in ("declare", "assign"):
                if "" in names or (len(names) == 2 and keyword != "range"):
                    self.fail("a declaration of a name that is none, or of two outside a range")
                return tuple(names), sign == "assign"
            if sign != "comma":
                break
            self.blanks()
        self.at = begun
        return (), False

    def pipe(self, closed: str) -> Pipe:
        commands = []
        while True:
            self.blanks()
            commands.append(self.command())
            token = self.next()
            if token.kind == closed:
                break
            if token.kind != "pipe":
                self.at -= 1
                self.fail("a parenthesis is not closed" if token.kind == "end" else f"{token.text} out of place")
        for command in commands[1:]:
            if isinstance(command.operands[0], Const) or command.operands[0] == Dot():
                self.fail("a value that nothing can be piped into")
        return Pipe(tuple(commands))

    def command(self) -> Command:
        operands = []
        while self.peek().kind not in ("end", "pipe", "shut"):
            operands.append(self.operand())
            if not self.blanks() and self.peek().kind not in ("end", "pipe", "shut"):
                self.fail(f"{self.peek().text} without a blank before it")
        if not operands:
            self.fail("a value is missing")
        if operands == [Const("nil", None, "nil")]:
            self.fail("nil is no command")
        return Command(tuple(operands))

    def operand(self) -> Operand:
        token = self.next()
        if token.kind in ("string", "raw", "char", "number"):
            return self.literal(token)
        if token.kind == "word":
            if token.text in KEYWORDS:
                self.fail(f"{token.text} out of place")
            return Const(*WORDS[token.text], token.text) if token.text in WORDS else Function(token.text)
        if token.kind == "dot":
            return Dot()
        if token.kind == "field":
            return Dot((token.text[1:], *self.fields()))
        if token.kind == "variable":
            return Variable(token.text[1:], self.fields())
        if token.kind == "open":
            return Pipe(self.pipe("shut").commands, self.fields())
        self.at -= 1
        self.fail(f"{token.text} out of place")

    def fields(self) -> tuple[str, ...]:
        found = []
        while self.peek().kind == "field":
            found.append(self.next().text[1:])
        return tuple(found)

    def literal(self, token: Token) -> Const:
        try:
            if token.kind == "raw":
                return Const("string", token.text[1:-1].replace("\r", ""), token.text)
            if token.kind == "number":
                return Const("number", number(token.text), token.text)
            text = unquoted(token.text[1:-1])
            return Const(token.kind, ord(text) if token.kind == "char" else text, token.text)
        except (ValueError, TypeError):
            self.at -= 1
            self.fail(f"{token.text} is no {'number' if token.kind == 'number' else 'text'}")


def number(text: str) -> int | float:
    """The number that a literal of Go stands for: an int unless it is written with a point or an exponent.

    Raises:
        ValueError: for a literal that is none, an imaginary one, or one that doesn't fit Go's types.
    """
    plain = text.lstrip("+-")
    if re.search(r"[.eEpP]", plain) and not re.match("0[xX]", plain):
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise ValueError(text)
        return value
    if re.match("0[xX]", plain) and re.search("[.pP]", plain):
        return float.fromhex(text.replace("_", ""))
    octal = re.fullmatch(r"0_?[0-7_]+", plain)
    value = int(re.sub(r"^([+-]?)0_?", r"\g<1>0o", text), 0) if octal else int(text, 0)
    if not -(2**63) <= value < 2**63:
        raise ValueError(text)
    return value


def unquoted(text: str) -> str:
    """What stands between quotes, without Go's escapes; ValueError for what Go would not read."""

    def meant(found: re.Match) -> bytes:
        letter, byte, octal, short, long, other = found.groups()
        if other is not None:
            raise ValueError(text)
        if letter:
            return bytes([LETTERS[letter]])
        if byte or octal:
            return bytes([int(byte, 16) if byte else int(octal, 8)])
        return chr(int(short or long, 16)).encode()

    at, data = 0, b""
    for found in ESCAPE.finditer(text):
        data += text[at : found.start()].encode() + meant(found)
        at = found.end()
    return (data + text[at:].encode()).decode()
