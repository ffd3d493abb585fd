# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads YAML as Helm reads it, and finds the line and column of a value."""

from __future__ import annotations

import base64
import bisect
import contextlib
import functools
import gc
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml
import yaml.composer
from yaml.cyaml import CParser

from stageset_render.findings import MAX_DEPTH, TOO_DEEP, Finding, Path, Place, Refused, holds, short

MAX_NODES = 100_000
MORE_TEXT = 4_000_000  # characters that aliases may add to a text by naming what is in it
UNREADABLE, KEY_TWICE, MERGE_WINS = "yaml-unreadable", "yaml-key-twice", "yaml-merge-wins"  # names of rules
ENCRYPTED, MANIFEST, TEMPLATE = "yaml-encrypted", "yaml-manifest", "yaml-template"
HOLDING = {  # where objects hold values of a chart
    "HelmRelease": "what stands below its spec.values",
    "Application": "what stands below its spec.source.helm.valuesObject",
}
HARD = {UNREADABLE, ENCRYPTED, MANIFEST, TEMPLATE}  # what leaves no values to go on with

# What YAML makes of a plain scalar, as the reader that Helm uses (go.yaml.in/yaml v2) documents and does it.
WORDS: dict[str, Any] = {word: None for word in ("", "~", "null", "Null", "NULL")}
for _truth, _words in ((True, "y yes true on"), (False, "n no false off")):
    WORDS.update({form: _truth for word in _words.split() for form in (word, word.capitalize(), word.upper())})
NO_JSON_NUMBER = r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
HEX, OCTAL, BINARY = (r"[-+]?0" + rest for rest in ("[xX][0-9a-fA-F]+", "[oO]?[0-7]+", "[bB][01]+"))
DECIMAL = r"[-+]?(0|[1-9][0-9]*)"
SEPARATOR = r"(?<=[0-9])_(?=[0-9])"
FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
OTHERWISE = {*"+-.0123456789", *(word[:1] for word in WORDS)}  # how a plain scalar begins that may be no text


def scalar(text: str) -> Any:
    """What a plain scalar is to the reader that Helm uses."""
    if text in WORDS:
        return WORDS[text]
    if text[0] in "+-0123456789":
        return _number(text.replace("_", ""), text)
    return _number(re.sub(SEPARATOR, "", text), text) if text[0] == "." else text


def _number(digits: str, text: str) -> Any:
    if re.fullmatch(DECIMAL, digits) and math.isfinite(float(digits)):
        return int(digits)
    for base, pattern in ((16, HEX), (8, OCTAL), (2, BINARY)):
        if re.fullmatch(pattern, digits):
            value = int(digits, base)
            if -(2**63) <= value < (2**63 if digits[0] in "+-" else 2**64):
                return value
    if re.fullmatch(FLOAT, digits) and math.isfinite(float(digits)):
        return float(digits)
    return text


YAML_TAG = "tag:yaml.org,2002:"
STRING, SEQUENCE, MAPPING = (YAML_TAG + kind for kind in ("str", "seq", "map"))
PLAIN, MERGE = "plain scalar", "<<"
MERGE_KEY = object()  # unlike the text "<<", which is a key like any other
TAGGED = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}
SAID = (  # what libyaml says, and what to tell a person
    ("mapping values are not allowed", "a `: ` stands where no key can be; mend the indentation, or quote the text"),
    ("cannot start any token", "no value can start with this character; put quotes round the text"),
    ("could not find expected ':'", "a key has no `:`; write `key: value`, or mend the indentation"),
    ("did not find expected key", "a key was expected here; look for wrong indentation or an open quote or bracket"),
    ("did not find expected '-' indicator", "a list item was expected here; mend the indentation"),
    ("did not find expected ',' or ']'", "a list opened with `[` goes on without `,` or `]`; add it"),
    ("did not find expected ',' or '}'", "a map opened with `{` goes on without `,` or `}`; add it"),
    ("unexpected end of stream", "a quote is opened and never closed; close it"),
    (
        "did not find expected <document start>",
        "this stands behind the end of the values; remove it, or mend what ends them",
    ),
    ("did not find expected node content", "a value was expected here; write one, or remove what stands in its place"),
    ("unknown escape character", "this backslash escapes nothing YAML knows; use single quotes, or write two"),
    ("did not find expected alphabetic or numeric character", '`*` and `&` begin an alias or an anchor; write "*"'),
    ("undefined alias", "no anchor above has the name of this alias; define it first with `&name`"),
    ("invalid Unicode character escape", "this escape is no character, or half of one; write the character itself"),
    ("exceeded maximum nesting depth", TOO_DEEP),  # from libyaml 0.2.6 on, which looks ahead before it tells of a level
)
TOO_MANY = f"more than {MAX_NODES} values, counting each use of an alias; use fewer"
NO_SEPARATOR = re.compile(r"^---(?![ \t\r]*(#.*)?$)", re.M)  # which a line that begins so must be to Helm
FILLED_IN = "fill it in first, or put quotes round it if text is meant"
BRACES = r"\{\{[^{}\n]*\}\}|\{%[^\n]*?%\}"  # of Go, Jinja and others
UNFILLED = rf"[ \t]*(?:- +)*(?:[^\s'\"#{{\[][^'\"#\n]*:[ \t]+)?({BRACES})"  # where a value starts: no YAML
VARIABLE = r"\$\{[A-Za-z_][^{}\n]*\}"
PLACEHOLDER = f"{BRACES}|{VARIABLE}"
SURROGATES = r"(?s)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\."
MISPLACED = ("mapping values are not allowed", "did not find expected key")
ENTRY = r"([ ]*(?:- +)*)([^\s#:]+:(?: .*)?|[^\s#:]+:[^\s:]+)\s*"
TIGHT = r"([^\s#:]+:)([^\s:]+)"  # without the blank that makes a key of it
CONFLICT = r"(?m)^<{7} "
LONE_TAG = r"(&\S+\s+)?!"  # libyaml forgets this tag, which makes text of a number
CONTROL = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|[\ud800-\udfff]|\ufeff|\ufffe|\uffff"


class Loader(yaml.CSafeLoader):
    """Composes nodes with tags that tell plain scalars from quoted ones, never too deep and never too many."""

    depth = count = 0

    def resolve(self, kind: type, value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return PLAIN if implicit[0] else STRING
        return SEQUENCE if kind is yaml.SequenceNode else MAPPING

    def descend_resolver(self, parent: yaml.Node | None, index: Any) -> None:
        self.depth += 1
        self.count += 1
        if self.depth > MAX_DEPTH and parent is not None:
            raise yaml.MarkedYAMLError(problem=TOO_DEEP, problem_mark=parent.start_mark)
        if self.count > 2 * MAX_NODES + 1 and parent is not None:
            raise yaml.MarkedYAMLError(problem=TOO_MANY, problem_mark=parent.start_mark)

    def ascend_resolver(self) -> None:
        self.depth -= 1


class Renaming(yaml.composer.Composer, Loader):
    """Takes an anchor whose name is given again for a new one, as YAML 1.2 and Helm do; slower than what C composes."""

    def __init__(self, text: str) -> None:
        Loader.__init__(self, text)
        yaml.composer.Composer.__init__(self)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        event = self.peek_event()
        if not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(event.anchor, None)
        return super().compose_node(parent, index)


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Makes many objects at once without looking for garbage, of which there is none, in two thirds of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _unreadable(place: Place, message: str, rule: str = UNREADABLE) -> Finding:
    return Finding((), message, rule=rule, place=place)


class Document:
    """A YAML text as nodes, which give its values and their places.

    Attributes:
        roots: the nodes of the documents in it, one unless `---` parts several.
        problems: what is wrong in it, as far as its values have been read.
    """

    def __init__(self, text: str, label: str) -> None:
        self.text, self.label = text, label
        self.problems: dict[Finding, None] = {}
        self.entered: list[yaml.Node] = []
        self.opened: dict[int, Any] = {}
        self.last: tuple = ()
        self.count = self.size = 0
        self.tagged = "!" in text
        self.joined: list[int] = []  # where, in the text that was composed, a pair of escapes became one
        bad = None if text.isascii() and text.replace("\n", "").isprintable() else re.search(CONTROL, text)
        if bad:
            place = _place(label, text[: bad.start()])
            message = f"the character U+{ord(bad.group()):04X} is not allowed in YAML; remove it"
            raise Refused(_unreadable(place, message))
        try:
            self.roots = self.composed(text)
        except yaml.MarkedYAMLError as error:
            raise Refused(self.unreadable(error)) from None

    @uncollected()
    def composed(self, text: str, kind: type[Loader] = Loader) -> list[yaml.Node]:
        loader, roots = kind(text), []
        try:
            while loader.check_node():
                roots.append(loader.get_node())
        except yaml.composer.ComposerError as error:
            if kind is Renaming or "second occurrence" not in error.problem:
                raise
            return self.composed(text, Renaming)
        except yaml.scanner.ScannerError as error:
            if self.joined or "invalid Unicode character escape" not in error.problem or not _is_json(text):
                raise
            joined = self.paired(text)
            if joined == text:
                raise
            return self.composed(joined)
        finally:
            loader.dispose()
        return roots

    def paired(self, text: str) -> str:
        """JSON with each pair of escapes that stand for one character as the one escape that YAML has for it."""

        def one(found: re.Match) -> str:
            if not found[1]:
                return found[0]
            self.joined.append(found.end() - 2 * (len(self.joined) + 1))
            return f"\\U{0x10000 + (int(found[1], 16) - 0xD800) * 0x400 + int(found[2], 16) - 0xDC00:08X}"

        return re.sub(SURROGATES, one, text)

    def unreadable(self, error: yaml.MarkedYAMLError) -> Finding:
        mark, start = error.problem_mark, error.context_mark
        problem = next((words for said, words in SAID if said in error.problem), error.problem)
        index = self.index(mark)
        if found := self.unfilled(index, self.index(start) if start else index):
            return found
        if found := re.search(CONFLICT, self.text):
            return _unreadable(
                self.place_at(found.start()), "git has left both sides of a conflict here; resolve it first"
            )
        if self.text[index : index + 1] == "\t":
            problem = "a tab stands where YAML wants blanks; indent with spaces"
        elif start and start.line != mark.line and not isinstance(error, yaml.composer.ComposerError):
            problem += f" (in what starts on line {start.line + 1})"
        elif self.text[index : index + 1] == "[" and "or '}'" in error.problem:
            problem = "a text with brackets stands here without quotes; put quotes round it"
        if any(said in error.problem for said in MISPLACED):
            problem += self.aligned(index)
        return _unreadable(self.at(mark), problem)

    def unfilled(self, index: int, start: int) -> Finding | None:
        """A template's marks, told in place of the error that they make: they stand where it is seen, on the last line
        before it, or where that begins which makes no sense."""
        variable = re.compile(VARIABLE).match(self.text, index - 1) if index else None
        if variable:
            return self.template(index - 1, variable[0])
        for place in dict.fromkeys((index, len(self.text[:index].rstrip().rpartition("\n")[0]) + 1, start)):
            line = self.text.rfind("\n", 0, place) + 1
            found = re.match(UNFILLED, self.text[line : line + 1000])  # the pattern takes its time with a long one
            if found and not self.in_block(line):
                return self.template(line + found.start(1), found[1])
        return None

    def in_block(self, line: int) -> bool:
        """Whether a line is part of a text that a `|` or `>` begins, which ends the nearest line above less deep."""
        deep = re.compile("[ \t]*").match(self.text, line).end() - line
        for above in reversed(self.text[:line].split("\n")):
            if above.strip() and len(above) - len(above.lstrip()) < deep:
                return re.search(r"(^|[ \t])[|>][-+0-9]*[ \t]*(#.*)?\r?$", above) is not None
        return False

    def template(self, index: int, found: str) -> Finding:
        return _unreadable(self.place_at(index), f"{short(found, 60)} is of a template; {FILLED_IN}", TEMPLATE)

    def aligned(self, index: int) -> str:
        """A hint where an entry is indented otherwise than the one above it: the line as deep as that."""
        number = bisect.bisect_right(self.starts, index)
        above, line = (
            (re.fullmatch(ENTRY, text) for text in self.text.split("\n")[number - 2 : number])
            if number > 1
            else (None, None)
        )
        if not above or not line or "-" in line[1]:
            return ""
        if tight := re.fullmatch(TIGHT, above[2]):
            return f"; or put a blank behind the colon above: `{tight[1]} {tight[2][:60]}`"
        if len(above[1]) == len(line[1]) or ": " in line[2].partition(": ")[2]:
            return ""
        return f"; as deep as the line above it would be `{' ' * len(above[1])}{line[2][:60]}`"

    def index(self, mark: Any) -> int:
        """Where a mark stands in the text."""
        return mark.index + 2 * bisect.bisect_right(self.joined, mark.index) if self.joined else mark.index

    def at(self, mark: Any) -> Place:
        """Line and column in an editor's count of lines: libyaml's takes in U+2028."""
        return self.place_at(self.index(mark))

    def place_at(self, index: int) -> Place:
        line = bisect.bisect_right(self.starts, index)
        return Place(self.label, line, index - self.starts[line - 1] + 1)

    @functools.cached_property
    def starts(self) -> list[int]:
        """Where each line starts."""
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def problem(self, node: yaml.Node, text: str, rule: str = UNREADABLE) -> None:
        self.problems[Finding((), text, rule=rule, place=self.at(node.start_mark))] = None

    @uncollected()
    def values(self, one: bool = False) -> dict:
        """The values; Refused for what has none, while `problems` keeps what Helm reads in its own way.

        Args:
            one: whether a second document is refused. Otherwise the text is a values file, and each document is merged
                over those before it (Helm: LoadValues of pkg/chart/v2/loader, with YAMLReader of k8s.io/apimachinery).
        """
        result: dict = {}
        if not one and (line := NO_SEPARATOR.search(self.text)):
            message = "a line that begins with --- is to Helm the start of a document; put nothing behind it"
            self.problems[_unreadable(self.place_at(line.start()), message)] = None
        for root in self.roots:
            values = self.value(root)
            if values is None:
                continue
            if not isinstance(values, dict):
                kind = "a list" if isinstance(values, list) else "a single value"
                self.problem(root, f"values are a map of keys, but this is {kind}; write `key: value`")
            elif one and result:
                self.problem(root, "a second document starts here; only one is read, so remove it")
            else:
                _merge(result, values)
        if not one and _encrypted(result):
            message = "this file is encrypted by SOPS; decrypt it, as `sops -d` does, and give what that prints"
            raise Refused(_unreadable(self.place(("sops",), at_key=True), message, ENCRYPTED))
        if not one and isinstance(result.get("kind"), str) and isinstance(result.get("apiVersion"), str):
            where = HOLDING.get(result["kind"], "a file of values")
            message = f"this is an object of Kubernetes, {short(result['kind'])}, and no values; give {where}"
            raise Refused(_unreadable(self.place(("kind",), at_key=True), message, MANIFEST))
        if any(problem.rule in HARD for problem in self.problems):
            raise Refused(*self.problems)
        return result

    def value(self, node: yaml.Node) -> Any:
        if node.__class__ is yaml.ScalarNode:
            self.size += len(node.value)
            return self.scalar(node)
        if node.tag != (SEQUENCE if isinstance(node, yaml.SequenceNode) else MAPPING):
            self.problem(node, f"the tag {_shown(node.tag)} is not known; remove it")
        self.enter(node)
        if isinstance(node, yaml.SequenceNode):
            values: Any = [self.value(item) for item in node.value]
        else:
            values = {key: self.value(pair[1]) for key, pair in self.entries(node).items()}
        self.entered.pop()
        if self.size > len(self.text) + MORE_TEXT:
            raise Refused(_unreadable(Place(self.label), "aliases repeat its texts too often; use fewer"))
        return values

    def tally(self, count: int) -> None:
        """Count what aliases and merges repeat, which a few lines can do without end."""
        self.count += count
        if self.count > MAX_NODES:
            raise Refused(_unreadable(Place(self.label), TOO_MANY))

    def enter(self, node: yaml.Node) -> None:
        self.tally(len(node.value))
        if any(node is outer for outer in self.entered):
            message = "the anchor here contains itself; remove the alias inside it"
            raise Refused(_unreadable(self.at(node.start_mark), message))
        if len(self.entered) >= MAX_DEPTH:
            raise Refused(_unreadable(self.at(node.start_mark), TOO_DEEP))
        self.entered.append(node)

    def scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag == STRING or node.tag == PLAIN and not self.tagged and node.value[:1] not in OTHERWISE:
            return node.value
        if node.tag == PLAIN:
            if self.tagged and re.match(LONE_TAG, self.text[node.start_mark.index : node.end_mark.index]):
                self.problem(node, "the tag ! is not known; remove it")
            if re.fullmatch(NO_JSON_NUMBER, node.value):
                self.problem(node, f"{short(node.value)} is not a number JSON can hold; quote it if text is meant")
            return scalar(node.value)
        kind = node.tag[len(YAML_TAG) :] if node.tag.startswith(YAML_TAG) else ""
        if kind == "binary":
            return self.binary(node)
        if kind not in TAGGED:
            self.problem(node, f"the tag {_shown(node.tag)} is not known; remove it")
        elif type(scalar(node.value)) not in TAGGED[kind]:
            self.problem(node, f'"{short(node.value)}" is not what its tag !!{kind} says; remove the tag')
        return scalar(node.value)

    def binary(self, node: yaml.ScalarNode) -> str:
        try:
            return base64.b64decode(re.sub(r"[\r\n]", "", node.value), validate=True).decode("utf-8")
        except ValueError:
            self.problem(node, "a !!binary value must be the base64 form of UTF-8 text")
            return ""

    def entries(self, node: yaml.MappingNode) -> dict:
        """The key and value nodes by key, with what merge keys bring in."""
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for pair in node.value:
            if pair[0].value == MERGE and pair[0].tag == PLAIN:
                break
            found[self.key(pair[0])] = pair
        return found if len(found) == len(node.value) else self.told_entries(node)

    def told_entries(self, node: yaml.MappingNode) -> dict:
        """The same of a map in which a key stands twice, or which merges others, with what there is to tell of that."""
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        own: dict[Any, yaml.Node] = {}
        for pair in node.value:
            key_node, value_node = pair
            is_merge = key_node.tag == PLAIN and key_node.value == MERGE
            key = MERGE_KEY if is_merge else self.key(key_node)
            if key in own:
                line = self.at(own[key].start_mark).line
                text = f'the key "{short(key_node.value)}" is set on line {line} already; keep one'
                self.problem(key_node, text, KEY_TWICE)
            own[key] = key_node
            if not is_merge:
                found[key] = pair
                continue
            merges = self.merges(value_node)
            for clash in own.keys() & merges.keys():
                # Helm lets the merged value win here, YAML the one that is written out.
                text = f'the `<<` below sets "{short(clash)}" too; put `<<` first to make plain which wins'
                self.problem(own[clash], text, MERGE_WINS)
            found.update(merges)
        return found

    def merges(self, node: yaml.Node) -> dict:
        """The same of what a merge key names: a map, or maps of which the first that has a key wins."""
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(part, yaml.MappingNode):
                self.problem(part, "`<<` merges maps, and this is none; write `<<: *anchor-of-a-map`")
                continue
            self.enter(part)
            entries = self.inside(part)
            self.entered.pop()
            self.tally(len(entries))
            for key, pair in entries.items():
                found.setdefault(key, pair)
        return found

    def key(self, node: yaml.Node) -> str:
        if node.tag == STRING and node.__class__ is yaml.ScalarNode:
            return node.value
        key = self.scalar(node) if isinstance(node, yaml.ScalarNode) else node.value
        if isinstance(key, str):
            return key
        if isinstance(key, bool):
            return str(key).lower()
        if isinstance(key, int) and -(2**63) <= key < 2**63:
            return str(key)
        if isinstance(key, list) and (found := self.braces(self.index(node.start_mark))):
            self.problems[self.template(found.start(), found[0])] = None
            return found[0]
        kind = {type(None): "null", list: "a list or a map", float: "a fraction"}.get(type(key), "too large a number")
        self.problem(node, f"a key must be text, but this is {kind}; put quotes round it")
        return str(key)

    def braces(self, index: int) -> re.Match | None:
        """The `{{ }}` that YAML takes for a map whose key, or that of the one around it, is a map."""
        pattern = re.compile(BRACES)
        return pattern.match(self.text, index) or index and pattern.match(self.text, index - 1) or None

    def place(self, path: Path, at_key: bool = False) -> Place:
        """Where the value at ``path`` or its key stands; for a path it lacks, the key of the nearest parent."""
        if not self.roots:
            return Place(self.label)
        key, node, whole = self.nodes(path)
        return self.at((key if at_key or not whole else node).start_mark)

    def plain(self, path: Path) -> str:
        """The plain scalar at ``path`` as it is written; empty when there is none."""
        _, node, whole = self.nodes(path)
        return node.value if whole and isinstance(node, yaml.ScalarNode) and node.tag == PLAIN else ""

    def nodes(self, path: Path) -> tuple[Any, Any, bool]:
        """The key and the value at ``path``, or those of the nearest parent, and whether the path was found whole."""
        self.count = 0  # all has been counted once
        steps, key, node = self.followed(path)
        return key, node, steps == len(path)

    @functools.cached_property
    def root(self) -> Any:
        """The documents as one, in the way in which they are merged."""
        maps = [root for root in self.roots if isinstance(root, yaml.MappingNode)]
        full = [root for root in self.roots if root.value]
        return Several(maps) if len(maps) > 1 else next(iter(maps or full or self.roots), None)

    def followed(self, path: Path) -> tuple[int, Any, Any]:
        """How many steps of a path there are, and the key and the value at the last of them."""
        if not path:
            return 0, self.root, self.root
        above = path[:-1]
        if self.last[:1] != (above,):  # what is next to the last one asked for is asked for next, mostly
            self.last = (above, self.followed(above))
        steps, key, node = self.last[1]
        if steps == len(above):
            inside = self.opened.get(id(node)) or self.inside(node)
            if holds(inside, path[-1]):
                return steps + 1, *inside[path[-1]]
        return steps, key, node

    def inside(self, node: Any) -> Any:
        """The key and value nodes in a map or list, kept: many paths lead through one."""
        if id(node) not in self.opened:
            if isinstance(node, yaml.MappingNode):
                self.opened[id(node)] = self.entries(node)
            elif isinstance(node, yaml.SequenceNode):
                self.opened[id(node)] = [(item, item) for item in node.value]
            elif isinstance(node, Several):
                self.opened[id(node)] = node.entries(self.entries)
        return self.opened.get(id(node))


class Several:
    """Maps of several documents as one: of each key the last one counts, or, of maps, all that follow one another."""

    def __init__(self, parts: list[yaml.MappingNode]) -> None:
        self.parts = parts
        self.start_mark = parts[-1].start_mark

    def entries(self, of: Callable[[yaml.MappingNode], dict]) -> dict:
        """The key and value nodes by key, from what `of` finds in each."""
        found: dict[str, list] = {}
        for part in self.parts:
            for key, pair in of(part).items():
                pairs = found.setdefault(key, [])
                if not all(isinstance(value, yaml.MappingNode) for _, value in (pair, *pairs[-1:])):
                    pairs.clear()
                pairs.append(pair)
        return {
            key: pairs[0] if len(pairs) == 1 else (pairs[-1][0], Several([value for _, value in pairs]))
            for key, pairs in found.items()
        }


def placeholder(text: str) -> str:
    """The first `{{ }}` or `${X}` in a text, which may well be meant: only where the text is refused it tells why."""
    found = re.search(PLACEHOLDER, text)
    return found[0] if found else ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _encrypted(values: dict) -> bool:
    """Whether values are what SOPS makes of some (https://getsops.io/docs/): its own map is beside them."""
    own = values.get("sops")
    return isinstance(own, dict) and "mac" in own and "version" in own


def merged(base: dict, over: dict) -> dict:
    """One map over another (Helm: MergeMaps of pkg/chart/v2/loader): maps inside are merged, all else replaces.

    Neither is changed, and nothing of `over` is shared with the result.
    """
    result = dict(base)
    for key, value in over.items():
        below = base.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        result[key] = merged(below, value) if both else copied(value)
    return result


def _merge(base: dict, over: dict) -> None:
    """The same in place; nothing else may have a part of either."""
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            _merge(below, value)
        else:
            base[key] = value


def copied(value: Any) -> Any:
    """A value of which no map or list is shared; of what YAML can hold, in a tenth of copy.deepcopy's time."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


@functools.lru_cache(maxsize=8)
def document(text: str, label: str) -> Document:
    return Document(text, label)


def _shown(tag: str) -> str:
    return short(tag.replace(YAML_TAG, "!!"))


def load_yaml(data: bytes | str, label: str) -> dict:
    """Read values as Helm does (sigs.k8s.io/yaml), save that integers stay exact. Raises Refused, with file, line and
    column, for whatever Helm refuses, drops, rounds to something else or reads in two ways."""
    found = Document(decoded(data, label) if isinstance(data, bytes) else data, label)
    values = found.values(one=True)
    if found.problems:
        raise Refused(*found.problems)
    return values


def read_own(text: str) -> Any:
    """The value of a document that this program has written, without looking for what nobody would write there."""
    parser = CParser(text)
    get = parser.get_event

    def value(event: yaml.Event) -> Any:
        if type(event) is yaml.ScalarEvent:
            return scalar(event.value) if event.implicit[0] else event.value
        if type(event) is yaml.MappingStartEvent:
            found = {}
            while type(event := get()) is not yaml.MappingEndEvent:
                key = value(event)
                found[key] = value(get())
            return found
        items = []
        while type(event := get()) is not yaml.SequenceEndEvent:
            items.append(value(event))
        return items

    try:
        while type(event := get()) in (yaml.StreamStartEvent, yaml.DocumentStartEvent):
            pass
        return value(event)
    finally:
        parser.dispose()


def decoded(data: bytes, label: str, encoding: str = "utf-8-sig") -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        place = _place(label, error.object[: error.start].decode("utf-8"))
        message = f"the byte 0x{error.object[error.start]:02X} is not UTF-8; save it as UTF-8"
        raise Refused(_unreadable(place, message)) from None


def _place(label: str, before: str) -> Place:
    return Place(label, before.count("\n") + 1, len(before) - before.rfind("\n"))
