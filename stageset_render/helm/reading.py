# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads YAML as Helm reads it, and finds the line and column of a value."""

from __future__ import annotations

import base64
import bisect
import functools
import math
import re
from typing import Any

import yaml

from stageset_render.problems import MAX_DEPTH, TOO_DEEP, Path, Refused, holds, short

MAX_NODES = 100_000

# What YAML makes of a plain scalar, as the reader that Helm uses (go.yaml.in/yaml v2) documents and does it.
WORDS: dict[str, Any] = {word: None for word in ("", "~", "null", "Null", "NULL")}
for _truth, _words in ((True, "y yes true on"), (False, "n no false off")):
    WORDS.update({form: _truth for word in _words.split() for form in (word, word.capitalize(), word.upper())})
NO_JSON_NUMBER = r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
HEX, OCTAL, BINARY = (r"[-+]?0" + rest for rest in ("[xX][0-9a-fA-F]+", "[oO]?[0-7]+", "[bB][01]+"))
DECIMAL = r"[-+]?(0|[1-9][0-9]*)"
SEPARATOR = r"(?<=[0-9])_(?=[0-9])"
FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"


def _plain(text: str) -> Any:
    if text in WORDS:
        return WORDS[text]
    if text[0] in "+-0123456789":
        return _number(text.replace("_", ""), text)
    return _number(re.sub(SEPARATOR, "", text), text) if text[0] == "." else text


def _number(digits: str, text: str) -> Any:
    for base, pattern in ((16, HEX), (8, OCTAL), (2, BINARY)):
        if re.fullmatch(pattern, digits):
            value = int(digits, base)
            if -(2**63) <= value < (2**63 if digits[0] in "+-" else 2**64):
                return value
    if re.fullmatch(FLOAT, digits) and math.isfinite(float(digits)):
        return int(digits) if re.fullmatch(DECIMAL, digits) else float(digits)
    return text


YAML_TAG = "tag:yaml.org,2002:"
PLAIN, MERGE = "plain scalar", "<<"
MERGE_KEY = object()  # unlike the text "<<", which is a key like any other
TAGGED = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}
UNREADABLE = (  # what libyaml says, and what to tell a person
    ("mapping values are not allowed", "a `: ` stands where no key can be; mend the indentation, or quote the text"),
    ("cannot start any token", "no value can start with this character; put quotes round the text"),
    ("could not find expected ':'", "a key has no `:`; write `key: value`, or mend the indentation"),
    ("did not find expected key", "a key was expected here; look for wrong indentation or an open quote or bracket"),
    ("did not find expected '-' indicator", "a list item was expected here; mend the indentation"),
    ("did not find expected ',' or ']'", "a list opened with `[` goes on without `,` or `]`; add it"),
    ("did not find expected ',' or '}'", "a map opened with `{` goes on without `,` or `}`; add it"),
    ("unexpected end of stream", "a quote is opened and never closed; close it"),
    ("but found another document", "a second document starts here; a values file holds one, so remove this `---`"),
    ("did not find expected node content", "a value was expected here; write one, or remove what stands in its place"),
    ("unknown escape character", "this backslash escapes nothing YAML knows; use single quotes, or write two"),
    ("did not find expected alphabetic or numeric character", '`*` and `&` begin an alias or an anchor; write "*"'),
    ("undefined alias", "no anchor above has the name of this alias; define it first with `&name`"),
    ("second occurrence", "an anchor of this name is defined above; give this one another name"),
    ("exceeded maximum nesting depth", TOO_DEEP),  # from libyaml 0.2.6 on, which looks ahead before it tells of a level
)
EMPTY_LINE = r"(---(?=\s|\Z))?[ \t\r]*(#.*)?"  # of a document that holds nothing, where it may begin
MISPLACED = ("mapping values are not allowed", "did not find expected key")
ENTRY = r"([ ]*(?:- +)*)([^\s#:]+:(?: .*)?)\s*"
LONE_TAG = r"(&\S+\s+)?!"  # libyaml forgets this tag, which makes text of a number
CONTROL = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|[\ud800-\udfff]|\ufeff|\ufffe|\uffff"


class Loader(yaml.CSafeLoader):
    """Composes nodes with tags that tell plain scalars from quoted ones, and never deeper than MAX_DEPTH."""

    depth = 0

    def resolve(self, kind: type, value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return PLAIN if implicit[0] else YAML_TAG + "str"
        return YAML_TAG + ("seq" if kind is yaml.SequenceNode else "map")

    def descend_resolver(self, parent: yaml.Node | None, index: Any) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH and parent is not None:
            raise yaml.MarkedYAMLError(problem=TOO_DEEP, problem_mark=parent.start_mark)

    def ascend_resolver(self) -> None:
        self.depth -= 1


class Document:
    """A YAML text as nodes, which give its values and their places."""

    def __init__(self, text: str, label: str) -> None:
        self.text, self.label = text, label
        self.problems: list[str] = []
        self.entered: list[yaml.Node] = []
        self.opened: dict[int, Any] = {}
        self.count = 0
        self.tagged = "!" in text
        bad = None if text.isascii() and text.replace("\n", "").isprintable() else re.search(CONTROL, text)
        if bad:
            place = _place(label, text[: bad.start()])
            raise Refused(f"{place}: the character U+{ord(bad.group()):04X} is not allowed in YAML; remove it")
        loader = Loader(text[: _end(text)])
        try:
            self.root = loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            raise Refused(self.unreadable(error)) from None
        finally:
            loader.dispose()

    def unreadable(self, error: yaml.MarkedYAMLError) -> str:
        mark, start = error.problem_mark, error.context_mark
        problem = next((words for said, words in UNREADABLE if said in error.problem), error.problem)
        if self.text[mark.index : mark.index + 1] == "\t":
            problem = "a tab stands where YAML wants blanks; indent with spaces"
        elif start and start.line != mark.line and not isinstance(error, yaml.composer.ComposerError):
            problem += f" (in what starts on line {start.line + 1})"
        if any(said in error.problem for said in MISPLACED):
            problem += self.aligned(mark.index)
        return f"{self.at(mark)}: {problem}"

    def aligned(self, index: int) -> str:
        """A hint where an entry is indented otherwise than the one above it: the line as deep as that."""
        number = bisect.bisect_right(self.starts, index)
        above, line = (
            (re.fullmatch(ENTRY, text) for text in self.text.split("\n")[number - 2 : number])
            if number > 1
            else (None, None)
        )
        if not above or not line or len(above[1]) == len(line[1]) or "-" in line[1]:
            return ""
        return f"; as deep as the line above it would be `{' ' * len(above[1])}{line[2][:60]}`"

    def at(self, mark: Any) -> str:
        """``label:line:column`` in an editor's count of lines: libyaml's takes in U+2028."""
        line = bisect.bisect_right(self.starts, mark.index)
        return f"{self.label}:{line}:{mark.index - self.starts[line - 1] + 1}"

    @functools.cached_property
    def starts(self) -> list[int]:
        """Where each line starts."""
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    def problem(self, node: yaml.Node, text: str) -> None:
        self.problems.append(f"{self.at(node.start_mark)}: {text}")

    def values(self) -> dict:
        if self.root is None:
            return {}
        values = self.value(self.root)
        if values is not None and not isinstance(values, dict):
            kind = "a list" if isinstance(values, list) else "a single value"
            self.problem(self.root, f"values are a map of keys, but this is {kind}; write `key: value`")
        if self.problems:
            raise Refused(*dict.fromkeys(self.problems))
        return values or {}

    def value(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.ScalarNode):
            self.tally()
            return self.scalar(node)
        if node.tag != YAML_TAG + ("seq" if isinstance(node, yaml.SequenceNode) else "map"):
            self.problem(node, f"the tag {_shown(node.tag)} is not known; remove it")
        self.enter(node)
        if isinstance(node, yaml.SequenceNode):
            values: Any = [self.value(item) for item in node.value]
        else:
            values = {key: self.value(value) for key, (_, value) in self.entries(node).items()}
        self.entered.pop()
        return values

    def tally(self) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            raise Refused(f"{self.label}: more than {MAX_NODES} values, counting each use of an alias; use fewer")

    def enter(self, node: yaml.Node) -> None:
        self.tally()
        if any(node is outer for outer in self.entered):
            raise Refused(f"{self.at(node.start_mark)}: the anchor here contains itself; remove the alias inside it")
        if len(self.entered) >= MAX_DEPTH:
            raise Refused(f"{self.at(node.start_mark)}: {TOO_DEEP}")
        self.entered.append(node)

    def scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag == PLAIN:
            if self.tagged and re.match(LONE_TAG, self.text[node.start_mark.index : node.end_mark.index]):
                self.problem(node, "the tag ! is not known; remove it")
            if re.fullmatch(NO_JSON_NUMBER, node.value):
                self.problem(node, f"{short(node.value)} is not a number JSON can hold; quote it if text is meant")
            return _plain(node.value)
        kind = node.tag[len(YAML_TAG) :] if node.tag.startswith(YAML_TAG) else ""
        if kind == "str":
            return node.value
        if kind == "binary":
            return self.binary(node)
        if kind not in TAGGED:
            self.problem(node, f"the tag {_shown(node.tag)} is not known; remove it")
        elif type(_plain(node.value)) not in TAGGED[kind]:
            self.problem(node, f'"{short(node.value)}" is not what its tag !!{kind} says; remove the tag')
        return _plain(node.value)

    def binary(self, node: yaml.ScalarNode) -> str:
        try:
            return base64.b64decode(re.sub(r"[\r\n]", "", node.value), validate=True).decode("utf-8")
        except ValueError:
            self.problem(node, "a !!binary value must be the base64 form of UTF-8 text")
            return ""

    def entries(self, node: yaml.MappingNode) -> dict:
        """The key and value nodes by key, with what merge keys bring in."""
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        own: dict[Any, yaml.Node] = {}
        for key_node, value_node in node.value:
            is_merge = key_node.tag == PLAIN and key_node.value == MERGE
            key = MERGE_KEY if is_merge else self.key(key_node)
            if key in own:
                line = own[key].start_mark.line + 1
                self.problem(key_node, f'the key "{short(key_node.value)}" is set on line {line} already; keep one')
            own[key] = key_node
            merged = self.merged(value_node) if is_merge else {key: (key_node, value_node)}
            for clash in own.keys() & merged.keys() if is_merge else ():
                # Helm lets the merged value win here, YAML the one that is written out.
                self.problem(
                    own[clash], f'the `<<` below sets "{short(clash)}" too; put `<<` first to make plain which wins'
                )
            found.update(merged)
        return found

    def merged(self, node: yaml.Node) -> dict:
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for part in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(part, yaml.MappingNode):
                self.problem(part, "`<<` merges maps, and this is none; write `<<: *anchor-of-a-map`")
                continue
            self.enter(part)
            found = {**self.entries(part), **found}
            self.entered.pop()
        return found

    def key(self, node: yaml.Node) -> str:
        key = self.scalar(node) if isinstance(node, yaml.ScalarNode) else node.value
        if isinstance(key, str):
            return key
        if isinstance(key, bool):
            return str(key).lower()
        if isinstance(key, int) and -(2**63) <= key < 2**63:
            return str(key)
        kind = {type(None): "null", list: "a list or a map", float: "a fraction"}.get(type(key), "too large a number")
        self.problem(node, f"a key must be text, but this is {kind}; put quotes round it")
        return str(key)

    def place(self, path: Path, at_key: bool = False) -> str:
        """Where the value at ``path`` or its key stands; for a path it lacks, the key of the nearest parent."""
        if self.root is None:
            return self.label
        key, node, whole = self.nodes(path)
        return self.at((key if at_key or not whole else node).start_mark)

    def plain(self, path: Path) -> str:
        """The plain scalar at ``path`` as it is written; empty when there is none."""
        _, node, whole = self.nodes(path)
        return node.value if whole and isinstance(node, yaml.ScalarNode) and node.tag == PLAIN else ""

    def nodes(self, path: Path) -> tuple[yaml.Node, yaml.Node, bool]:
        """The key and the value at ``path``, or those of the nearest parent, and whether the path was found whole."""
        key = node = self.root
        for step in path:
            inside = self.inside(node)
            if not holds(inside, step):
                return key, node, False
            key, node = inside[step]
        return key, node, True

    def inside(self, node: yaml.Node) -> Any:
        """The key and value nodes in a map or list, kept: many paths lead through one."""
        if id(node) not in self.opened:
            if isinstance(node, yaml.MappingNode):
                self.opened[id(node)] = self.entries(node)
            elif isinstance(node, yaml.SequenceNode):
                self.opened[id(node)] = [(item, item) for item in node.value]
        return self.opened.get(id(node))


def _end(text: str) -> int:
    """Where the documents at the end of a text begin that hold nothing; found from its last line upwards."""
    found = end = len(text)
    while (start := text.rfind("\n", 0, end) + 1) and (line := re.fullmatch(EMPTY_LINE, text[start:end])):
        found = start if line[1] else found
        end = start - 1
    return found


@functools.lru_cache(maxsize=8)
def document(text: str, label: str) -> Document:
    return Document(text, label)


def _shown(tag: str) -> str:
    return short(tag.replace(YAML_TAG, "!!"))


def load_yaml(data: bytes | str, label: str) -> dict:
    """Read values as Helm does (sigs.k8s.io/yaml), save that integers stay exact. Raises Refused, with file, line and
    column, for whatever Helm refuses, drops, rounds to something else or reads in two ways."""
    return Document(decoded(data, label) if isinstance(data, bytes) else data, label).values()


def decoded(data: bytes, label: str, encoding: str = "utf-8-sig") -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        place = _place(label, error.object[: error.start].decode("utf-8"))
        raise Refused(f"{place}: the byte 0x{error.object[error.start]:02X} is not UTF-8; save it as UTF-8") from None


def _place(label: str, before: str) -> str:
    return f"{label}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
