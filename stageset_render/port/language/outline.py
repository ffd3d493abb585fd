# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""A template as what it says, item by item: two templates with equal items render alike.

Comments, blank lines, quotes, layout, `with` instead of `if` and names of variables make no difference; an operator, a
constant, a literal, a key or its order does. An item has one form however it is spelled: its depth counts keys and not
blanks, an if that holds nothing but an if is one with it, a condition is its truth, and of two branches the plainer
comes first. It knows where in the source it stands, and by which branches, so that edits are made there.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import yaml

from stageset_render.helm.reading import scalar
from stageset_render.port.language import promql, types
from stageset_render.port.language.meaning import Meaning, is_quoted, plain, printed
from stageset_render.port.language.pieces import Item, Piece, joined, loaded, tight, trimmed, uncommented
from stageset_render.port.language.tree import (
    Block,
    Branch,
    Call,
    Comment,
    Const,
    Expr,
    Include,
    Name,
    Node,
    Print,
    Root,
    Set,
    Text,
    Tree,
    Var,
    parts_of,
)

KEYED = re.compile(
    r"(?P<dashes>(?:- +)*)(?P<key>[^\s:#\"'\[{](?:[^:]|:(?=\S))*?:|\"[^\"]*\":|'[^']*':)(?:[ \n]+(?P<rest>.*)|)", re.S
)
FOLDED = re.compile(r">- +(.+)", re.S)
SCALAR = re.compile(r"[|>][-+0-9]*$")
WORDED = ("summary:", "description:")  # the words of an alert are each side's own
EXPRESSION = "expr:"  # of Prometheus, to which blanks and lines mean nothing
BLANK = "\2"  # one that ends no key
SEPARATOR = "---"
BREAK = "\u240a"  # a line break that a text of YAML holds, as it is told
LINE_BREAKS = " with line breaks"
DASHES = re.compile(r"(?:- +)*")
ONE_LINE = ("quote", "squote", "toJson", "sha256sum", "b64enc")  # whatever they are given


@dataclass(eq=False)
class Level:
    """What lines lie below: a key or dash, the column it stands in, and the one that what lies below it counts as.

    Attributes:
        inner: the column in which all that lies below it stands, since the first of it does.
    """

    column: int = -1
    name: str = ""
    below: int = 0
    inner: int | None = None


@dataclass
class Running:
    """What the lines before say of those that come.

    Attributes:
        column: that of the key of a text that goes on.
        sign: what says how it does: | or >.
        promql: whether it is an expression of Prometheus.
        columns: of the first and the last line of one that is folded.
        hidden: whether a comment of YAML goes on behind a tag.
        begun: whether what comes is the first of its line.
        blanks: the blank lines before it.
    """

    column: int = -1
    sign: str = ""
    promql: bool = False
    columns: tuple[int, int] = (0, 0)
    hidden: bool = False
    begun: bool = True
    blanks: int = 0


class Outline:
    """The items of a template.

    Args:
        tree: the template.
        values: what is known of the values.
        strict: whether the form of a scalar counts; a comparison of two versions by one hand asks for it.
        shared: see Meaning.
        worded: whether the words of alerts count.
        data: whether it is a file of values, whose lines have a path.
    """

    def __init__(
        self,
        tree: Tree,
        values: dict,
        strict: bool = False,
        shared: dict[Var, str] | None = None,
        worded: bool = True,
        data: bool = False,
    ):
        self.tree, self.values, self.strict, self.worded, self.data = tree, values, strict, worded, data
        self.meaning = Meaning(values, strict, shared)
        self.yaml = not tree.file.endswith(".txt")
        self.pieces: list[Piece] = []
        self.long: list[tuple[str, list[Piece]]] = []  # the lines of a text, each behind what it goes on with
        self.run = Running()
        self.path = [Level(inner=0)]
        self.fresh = True  # whether what is added is the first of its line
        self.starts = [0, *(found.end() for found in re.finditer("\n", tree.source))]
        self.items = self._items(tree.body)
        if self.yaml and not data:
            edged(self.items, 0)
            edged(self.items, -1)

    def _number(self, at: int) -> int:
        """The number of the line in which a place of the source is."""
        return bisect.bisect_right(self.starts, at)

    # Nodes

    def _items(self, body: list[Node]) -> list[Item]:
        out: list[Item] = []
        for node in body:
            if isinstance(node, Text):
                self._text(node, out)
            elif isinstance(node, Print):
                self._print(node, out)
            elif not isinstance(node, Comment):
                self._flush(out)
                self._close(out)
                out.append(self._set(node) if isinstance(node, Set) else self._block(node))
        self._flush(out)
        self._close(out)
        return out

    def _text(self, node: Text, out: list[Item]) -> None:
        at = node.at
        for number, piece in enumerate(node.text.split("\n")):
            if number:
                self.run.blanks += self.run.begun and all(
                    one.node is None and not one.text.strip() for one in self.pieces
                )
                self._flush(out)
                self.run.hidden, self.run.begun = False, True
            if piece and not self.run.hidden:
                self.pieces.append(Piece(at, at + len(piece), piece))
            at += len(piece) + 1

    def _print(self, node: Print, out: list[Item]) -> None:
        expr = node.expr
        own = isinstance(expr, Call) and expr.name in ("nindent", "indent") and len(expr.args) == 2
        if own and (expr.name == "nindent" or self.run.begun and not self.pieces):
            self._flush(out)
            self._close(out)
            self.run.hidden = False
            at = expr.args[0].value if isinstance(expr.args[0], Const) else 0
            known = isinstance(at, int) and 0 <= at < 200
            means = tight(f"<{plain(self.meaning.of(expr.args[1] if known and self.yaml else expr))}>")
            piece = Piece(node.start, node.end, node=node, means=means)
            out.append(Item("line", means, node.start, node.end, node.line, pieces=[piece]))
            self.fresh, self.run.begun = True, False
            self._place(out[-1], at if known else 0, listed=self._prints_list(expr.args[1]))
            return
        if self.run.hidden and not spills(expr):
            return
        means = printed(self.meaning.of(expr)).replace(": ", f":{BLANK}")  # which makes no key
        self.pieces.append(Piece(node.start, node.end, node=node, means=means))

    def _set(self, node: Set) -> Item:
        if node.declares:
            free = self.meaning.set(node.var, node.expr)
        else:
            free = False
        text = plain(self.meaning.of(node.expr))
        name = plain(self.meaning.of_var(node.var))
        key = f"set {name} {text}" if not node.declares or node.var in self.meaning.shared else f"set {text}"
        return Item("set", key, node.start, node.end, node.line, node.var.name, node=node, free=free)

    def _block(self, node: Block) -> Item:
        item = Item("block", "", node.start, node.close.end if node.close else node.end, node.line, node=node)
        item.name = node.branches[0].name
        path = [Level(inner=0)] if node.kind == "macro" else self.path
        before = Running() if node.kind == "macro" else self.run
        for branch in node.branches:
            self.run = replace(before)
            self.path, branch.outer, branch.turned = [*path], (), False
            key = self._header(branch)
            item.bodies.append((branch, key, self._items(branch.body)))
        self.run = before if node.kind == "macro" else self.run
        self._joined(item)
        self._turned(item)
        inner = (one.parents for _, _, items in item.bodies for one in items if one.kind != "set")
        item.parents = next(inner, ())
        item.key = block_key(item)
        return item

    def _joined(self, item: Item) -> None:
        """An if that holds nothing but an if, or a loop through just what it asks for, is one with it."""
        branch, _, inner = item.bodies[0]
        if len(item.bodies) > 1 or branch.kind != "if" or len(inner) != 1 or len(inner[0].bodies) != 1:
            return
        below, key, items = inner[0].bodies[0]
        if below.kind == "for":
            looped = self.meaning.of(branch.test) == self.meaning.of(below.test)
            if not looped or types.kind_of(types.of_expr(below.test, self.values)) != "array":
                return
        below.outer = (branch, *below.outer)
        item.bodies = [(below, key if below.kind == "for" else self._header(below), items)]

    def _turned(self, item: Item) -> None:
        """Of two branches, that comes first which has the plainer condition."""
        first, second = item.bodies[0][0], item.bodies[-1][0]
        if len(item.bodies) != 2 or first.kind != "if" or second.kind != "else" or first.moves:
            return
        keys = [plain(self.meaning.asked(first.test, no)) for no in (False, True)]
        if min(keys, key=lambda key: (key.count("not ") + key.count("!="), key)) == keys[1]:
            first.turned = second.turned = True
            item.bodies = [(second, f"if {keys[1]}", item.bodies[1][2]), (first, "else", item.bodies[0][2])]

    def _header(self, branch: Branch) -> str:
        if branch.kind == "for":
            text = f"each {plain(self.meaning.of(branch.test))}"
            self.meaning.loop(branch.test, branch.var, branch.index)
            return text
        if branch.kind == "macro":
            given = ", ".join(sorted(var.name for var in branch.parameters))
            text = f"define {branch.name}" + (f"({given})" if given else "")
            return text + LINE_BREAKS if breaks_lines(branch.body) else text
        if branch.kind == "else":
            return "else"
        asked = self.meaning.of if branch.var else self.meaning.asked
        return f"{'else if' if branch.kind == 'elif' else 'if'} {plain(asked(branch.asks))}"

    # Lines

    def _flush(self, out: list[Item]) -> None:
        pieces, self.pieces = self.pieces, []
        while pieces and pieces[-1].node is None and not pieces[-1].text.strip():
            pieces.pop()
        if not any(one.node or one.text.strip() for one in pieces):
            return
        fresh, self.run.begun = self.run.begun, False
        blanks, self.run.blanks = self.run.blanks, 0
        first = pieces[0].text if pieces[0].node is None else ""
        column = len(first) - len(first.lstrip())
        if not self.yaml:
            self._add(out, [(BREAK * blanks, pieces)], True)
            return
        inside = column > self.run.column >= 0
        literal = inside and self.run.sign == "|" and not self.run.promql
        if not (inside and self.run.sign):
            whole, pieces = pieces, uncommented(pieces)
            if any(one.node and one not in pieces and spills(one.node.expr) for one in whole):
                pieces = whole
            self.run.hidden = pieces is not whole
            if not pieces:
                if not inside:  # which ends a text
                    self._close(out)
                    self.run.column = -1
                return
        if inside and self.long and not literal:
            self.long.append((self._between(column, blanks), pieces))
            return
        self._close(out)
        self.fresh = fresh
        if literal:
            self._add(out, [(BREAK * blanks, pieces)], True)
            return
        text = joined(pieces).strip()
        keyed = KEYED.fullmatch(text)
        self.run.column, self.run.sign, self.run.promql = -1, "", bool(keyed) and keyed["key"] == EXPRESSION
        dashes = DASHES.match(text)[0]
        rest = (keyed["rest"] or "").strip() if keyed else text[len(dashes) :]
        if rest and keyed or dashes and SCALAR.fullmatch(rest):
            self.run.column = column + (len(dashes) if keyed else dashes.rindex("-"))
            self.run.sign = rest[0] if SCALAR.fullmatch(rest) else ""
        self.long = [("", pieces)]
        if self.run.column < 0 or self.run.sign == "|" and not self.run.promql or rest[:1] in "[{":
            self._close(out)

    def _between(self, column: int, blanks: int) -> str:
        """What the next line of a text that goes on goes on with, as YAML folds it."""
        if self.run.sign == ">" and len(self.long) == 1:
            self.run.columns = column, column
            return " " + BREAK * blanks
        (first, last), self.run.columns = self.run.columns, (self.run.columns[0], column)
        if self.run.sign == ">" and max(column, last) > first:
            return BREAK * (blanks + 1) + " " * (column - first)
        return BREAK * (blanks + (self.run.sign == "|")) or " "

    def _close(self, out: list[Item]) -> None:
        """End a text that may have gone on: how it is laid out in lines and blanks makes no difference."""
        if self.long:
            lines, self.long = self.long, []
            self._add(out, lines)

    def _add(self, out: list[Item], lines: list[tuple[str, list[Piece]]], inside: bool = False) -> None:
        """Add a line, or one that goes on in others; `inside` a text of which each line counts."""
        pieces = trimmed([one for _, line in lines for one in line])
        first = lines[0][1][0]
        column = len(first.text) - len(first.text.lstrip()) if first.node is None else 0
        line = self._number(pieces[0].start)
        texts = (
            (before, (self._shown(one) if one.node else one.text for one in trimmed(part))) for before, part in lines
        )
        text = "".join(before + "".join(part) for before, part in texts)
        keyed = KEYED.fullmatch(text) if self.yaml else None
        name = keyed["key"] if keyed else ""
        if self.yaml and not inside:
            text = self._normal(text, keyed, pieces)
        text = text.replace(BLANK, " ")
        if self.yaml and column and any(one.node and prints_lines(one.node.expr, len(pieces) == 1) for one in pieces):
            text += f" at {column}"  # of which all lines but the first stand where they are made
        item = Item("line", text, pieces[0].start, pieces[-1].end, line, name, pieces, inside=inside)
        self._place(item, column, joined(trimmed(lines[0][1])), inside)
        said, before = "", len(item.key) - len(text)
        for one in pieces:
            item.marks += ((before + len(tight(said)), self._number(one.start)),)
            said += one.means if one.node else one.text
        if item.key != SEPARATOR or not out or out[-1].key != SEPARATOR:
            out.append(item)

    def _shown(self, piece: Piece) -> str:
        """What a piece prints, with the quotes that it puts there."""
        expr = piece.node.expr
        if not is_quoted(expr):
            return tight(piece.means)
        sign = '"' if expr.name == "quote" else "'"
        return sign + tight(printed(self.meaning.of(expr.args[0]))).replace(": ", f":{BLANK}") + sign

    def _normal(self, text: str, keyed: re.Match | None, pieces: list[Piece]) -> str:
        """A line of YAML without what makes no difference, such as quotes around a value that is a text without them."""
        name, prints = keyed["key"] if keyed else "", [one.node.expr for one in pieces if one.node]
        if name in WORDED and not self.worded:
            return f"{keyed['dashes']}{name} (text)"
        value = (keyed["rest"] or "") if keyed else re.sub(r"^(- +)+", "", text)
        head = re.sub(r"\s+", " ", text.removesuffix(value))
        if name == EXPRESSION:
            value = re.sub(r"^[|>][-+0-9]*(?=\s|$)", "", value.replace(BREAK, "\n"))
            return head + promql.plain(unquoted(value))
        if name[:1] in ("'", '"'):
            head = tight(head).replace(tight(name[:-1]), f'"{tight(name[:-1])}"' if "<" in name else tight(name[:-1]))
        folded = FOLDED.fullmatch(value)  # the same as in quotes
        sign = ">" if folded else value[0] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else ""
        if not sign or value[0] in "[{":
            return head + (flow(value, bool(prints)) if value[:1] in ("[", "{") else value)
        raw = any(map(self._holds, prints)) and not folded
        value = folded[1] if folded else unquoted(value)
        known = isinstance(scalar(value), str)
        if not prints and known and value and value[0] not in "[{\"'":
            return head + value
        around = "'" if value[:1] in ("'", '"') else '"'
        return head + around + value + around + (f" between {sign}" if raw else "")  # it may be something else without

    def _holds(self, expr: Expr) -> bool:
        """Whether what is printed may hold quotes, and isn't put into some that fit."""
        if is_quoted(expr):
            return expr.name != "quote" and self._holds(expr.args[0])
        own = any(isinstance(one, Name) or one == Root("Values") for one in parts_of(expr))
        return own and types.kind_of(types.of_expr(expr, self.values)) not in ("int", "number", "boolean")

    def _prints_list(self, expr: Expr) -> bool:
        """Whether the lines that an expression prints are items of a list, which may stand as deep as their key."""
        made = isinstance(expr, Call) and expr.name == "toYaml"
        return made and types.kind_of(types.of_expr(expr.args[-1], self.values)) == "array"

    def _place(self, item: Item, column: int, source: str = "", inside: bool = False, listed: bool = False) -> None:
        """Note the keys that a line lies below, and how deep, and that what follows may lie below it."""
        if not self.yaml:
            item.key = " " * column + item.key
            return
        dashes = len(DASHES.match(source)[0])
        if not self.fresh:  # it goes on a line that is begun elsewhere
            item.parents = tuple(one.name for one in self.path if one.name)
            item.key = item.key.replace(SEPARATOR, f" {SEPARATOR}", item.key == SEPARATOR)
            return
        if item.key == SEPARATOR and not column and not inside:
            self.path = [Level(inner=0)]
        while self.path[-1].column >= column + ((listed or dashes > 0) and self.path[-1].name[:1] != "-"):
            self.path.pop()
        around = self.path[-1]
        around.inner = column if around.inner is None else around.inner
        item.parents = tuple(one.name for one in self.path if one.name)
        item.stands, item.off = column, column - around.inner
        told = f"({item.off:+d}) " if item.off else ""
        if item.name == "kind:" and not column + dashes:
            self.path = [Level(-1, f"-{item.key}", inner=0)]
        below, deep = around.below, 2 * source[:dashes].count("-")
        if dashes and not inside:
            self.path.append(Level(column, f"-{item.key[deep:]}", below + deep, column + dashes))
        if item.name and not inside:
            fixed = re.search(r"[|>][-+]?([1-9])[-+]?$", source)  # how much deeper its text stands
            own = column + dashes
            self.path.append(Level(own, item.name, below + deep + 2, own + int(fixed[1]) if fixed else None))
        if self.data:  # a line is known by its path, with which it begins
            keys = [one.strip("\"':") for one in item.parents if one[0] != "-"]
            last = [item.name.strip("\"':")] if item.name and not dashes else []
            item.name = ".".join(keys + last) + (":" if last else "[]")
            item.key, below, told = f"{item.name} {item.key}", column, ""
        item.key = " " * below + told + item.key


def flow(text: str, prints: bool) -> str:
    """A list or map in one line: what it holds where that can be read, else without the quotes of what is not empty."""
    if not prints and (found := loaded(text)) is not None:
        return json.dumps(found, default=str)
    return re.sub(r"\0+", '""', tight(re.sub(r"\"\"|''", "\0", text)))


def unquoted(text: str) -> str:
    """A text in quotes as it is without; what is no letter is a picture of it."""
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "\"'":
        return text
    if text[0] == "'":
        return text[1:-1].replace("''", "'")
    known = yaml.scanner.Scanner.ESCAPE_REPLACEMENTS

    def one(found: re.Match) -> str:
        char = chr(int(found[1], 16)) if found[1] else known.get(found[2], found[2])
        return chr(0x2400 + ord(char)) if char < " " else char

    return re.sub(r"\\(?:[xuU]((?<=x)[0-9a-fA-F]{2}|(?<=u)[0-9a-fA-F]{4}|(?<=U)[0-9a-fA-F]{8})|(.))", one, text[1:-1])


def breaks_lines(body: list[Node]) -> bool:
    """Whether a helper whose words are on one line prints line breaks as well, which may be all that a condition asks."""
    texts = [re.sub(r"(?m)^ *#.*", "", text) for node in body for text in texts_of(node)]
    return not any(text.strip() and "\n" in text for text in texts) and any("\n" in text for text in texts)


def texts_of(node: Node) -> Iterator[str]:
    if isinstance(node, Text):
        yield node.text
    for branch in node.branches if isinstance(node, Block) else ():
        for one in branch.body:
            yield from texts_of(one)


def prints_lines(expr: Expr, alone: bool) -> bool:
    """Whether an expression may print several lines, of which it doesn't say itself how deep they stand."""
    if isinstance(expr, Call) and expr.name in ONE_LINE:
        return False
    made = any(isinstance(one, Call) and one.name in ("toYaml", "nindent", "indent") for one in parts_of(expr))
    return made or alone and isinstance(expr, Include)


def spills(expr: Expr) -> bool:
    """Whether what is printed in a comment may go on behind it, or refuse."""
    refuses = any(isinstance(one, Call) and one.name in ("fail", "required") for one in parts_of(expr))
    return refuses or prints_lines(expr, True)


def edged(items: list[Item], end: int) -> None:
    """Leave out separators of documents at the beginning (0) or end (-1) of a file: there is nothing to separate."""
    while items and items[end].key == SEPARATOR:
        del items[end]
    if items and items[end].kind == "block" and items[end].form == "if":
        for _, _, inner in items[end].bodies:
            edged(inner, end)
        items[end].key = block_key(items[end])


def block_key(item: Item) -> str:
    below = (line for _, key, items in item.bodies for line in (key, *(one.key for one in items if not one.free)))
    return "\n".join([*below, "end"])


@dataclass(eq=False)
class Side:
    """One version of a template.

    Attributes:
        values: what is known of the values.
        data: whether it is a file of values.
        worded: whether the words of alerts count.
    """

    tree: Tree
    values: dict
    data: bool = False
    worded: bool = True
    known: dict[bool, Outline] = field(default_factory=dict)

    def outline(self, strict: bool = False, shared: dict | None = None) -> Outline:
        if shared or strict not in self.known:
            found = Outline(self.tree, self.values, strict, shared, self.worded, self.data)
            if shared:
                return found
            self.known[strict] = found
        return self.known[strict]


def flat(items: list[Item], depth: int = 0) -> Iterator[tuple[str, int, Item]]:
    """All items in the order of the source, with those of blocks: text, line and item."""
    for item in items:
        if item.kind != "block":
            if not item.free:
                yield item.key, item.line, item
            continue
        for branch, key, below in item.bodies:
            yield key, branch.tag.line, item
            yield from flat(below, depth + 1)
        yield "end", item.node.close.line if item.node.close else item.line, item
