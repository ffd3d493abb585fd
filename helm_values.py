# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads values as Helm reads them: files, --set options, merging, and where each value came from."""

from __future__ import annotations

import base64
import copy
import csv
import functools
import json
import math
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

Path = tuple  # of keys and, inside lists, indexes
MAX_DEPTH = 100
MAX_NODES = 100_000
MAX_SHOWN = 200  # characters of an option in messages
MAX_INDEX, MAX_DOTS = 65_536, 30  # the limits of Helm's --set


class Problem(NamedTuple):
    """What is wrong with the value at ``path`` (empty: with no single value); ``at_key``: with its key."""

    path: Path
    text: str
    at_key: bool = False

    def __str__(self) -> str:
        return f"{dotted(self.path)}: {self.text}" if self.path else self.text


class Refused(Exception):
    """Input that is not rendered, with every problem found; its text has a line for each."""

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = [p if isinstance(p, Problem) else Problem((), p) for p in problems]
        super().__init__("\n".join(map(str, self.problems)))


PLAIN_KEY = re.compile(r'[^\s.\[\]"\\\x00-\x1f\x7f]+')
PATH_STEP = re.compile(
    r'\[([0-9]+)\]|(?:^|(?!^)\.)(?:("(?:[^"\\\x00-\x1f]|\\["\\bfnrt]|\\u[0-9a-f]{4})*")|([^\s.\[\]"\\\x00-\x1f\x7f]+))'
)


def dotted(path: Path) -> str:
    """Write a path as ``a.b[0]."c.d"``; `split_path` reads it back."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (
                step
                if PLAIN_KEY.fullmatch(step) and step.isprintable()
                else json.dumps(step, ensure_ascii=not step.isprintable())
            )
    return text


def split_path(text: str) -> Path:
    """Read a path that `dotted` wrote. Raises Refused for anything else."""
    path: list[str | int] = []
    at = 0
    while at < len(text):
        found = PATH_STEP.match(text, at)
        if not found:
            raise Refused(f'"{text}" is not a path; write keys and indexes as in a.b[0]."c.d"')
        index, quoted, plain = found.groups()
        path.append(int(index) if index else json.loads(quoted) if quoted else plain)
        at = found.end()
    return tuple(path)


@dataclass
class Source:
    """One -f file or one --set option: what it says alone, and what it is called in messages."""

    label: str
    values: dict
    text: str | None = None
    edits: list | None = None  # (path, value) pairs of an option that edits what is there; None: values are merged

    def place(self, path: Path, at_key: bool = False) -> str:
        """``label:line:column`` of the value at ``path`` or of its key; the label alone for an option."""
        return self.label if self.text is None else _document(self.text, self.label).place(path, at_key)

    def reach(self, path: Path) -> tuple[int, bool]:
        """How many steps of ``path`` it holds, and whether it leaves nothing of earlier sources beyond them."""
        if self.edits is None:
            return _reach(self.values, path)
        longest = 0
        for target, value in reversed(self.edits):
            shared = next((i for i, (a, b) in enumerate(zip(target, path)) if a != b), min(len(target), len(path)))
            steps = shared + _reach(value, path[shared:])[0] if shared == len(target) else shared
            longest = max(longest, steps)
            if shared == len(target):
                return longest, True
        return longest, False


def _reach(value: Any, path: Path) -> tuple[int, bool]:
    in_list = False
    for steps, step in enumerate(path):
        in_list = in_list or isinstance(value, list)
        if not _holds(value, step):
            return steps, in_list or not isinstance(value, dict)
        value = value[step]
    return len(path), True


def _holds(value: Any, step: str | int) -> bool:
    if isinstance(value, list):
        return isinstance(step, int) and step < len(value)
    return isinstance(value, dict) and step in value


def place_of(sources: Iterable[Source], path: Path, at_key: bool = False) -> str:
    """Where the value at ``path`` was set: the place in the last source that says it, else that of its nearest
    parent; empty when no source says anything about it, which leaves a default."""
    longest, chosen = 0, None
    for source in reversed(list(sources)):
        steps, final = source.reach(path)
        if steps > longest:
            longest, chosen = steps, source
        if final:
            break
    return chosen.place(path[:longest], at_key or longest < len(path)) if chosen else ""


# What YAML makes of a plain scalar, as the reader that Helm uses (go.yaml.in/yaml v2) documents and does it.
WORDS: dict[str, Any] = {word: None for word in ("", "~", "null", "Null", "NULL")}
for _truth, _words in ((True, "y yes true on"), (False, "n no false off")):
    WORDS.update({form: _truth for word in _words.split() for form in (word, word.capitalize(), word.upper())})
NO_JSON_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
HEX, OCTAL, BINARY = (re.compile(r"[-+]?0" + rest) for rest in ("[xX][0-9a-fA-F]+", "[oO]?[0-7]+", "[bB][01]+"))
DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
SEPARATOR = re.compile(r"(?<=[0-9])_(?=[0-9])")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def _plain(text: str) -> Any:
    if text in WORDS:
        return WORDS[text]
    if text[0] in "+-0123456789":
        return _number(text.replace("_", ""), text)
    return _number(SEPARATOR.sub("", text), text) if text[0] == "." else text


def _number(digits: str, text: str) -> Any:
    for base, pattern in ((16, HEX), (8, OCTAL), (2, BINARY)):
        if pattern.fullmatch(digits):
            value = int(digits, base)
            if -(2**63) <= value < (2**63 if digits[0] in "+-" else 2**64):
                return value
    if FLOAT.fullmatch(digits) and math.isfinite(float(digits)):
        return int(digits) if DECIMAL.fullmatch(digits) else float(digits)
    return text


TOO_DEEP = f"values are nested more than {MAX_DEPTH} deep; nest them less"
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
    ("undefined alias", "no anchor above has the name of this alias; define it first with `&name`"),
    ("second occurrence", "an anchor of this name is defined above; give this one another name"),
)
LONE_TAG = re.compile(r"(&\S+\s+)?!")  # libyaml forgets this tag, which makes text of a number
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|[\ud800-\udfff]|\ufeff|\ufffe|\uffff")


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
        self.count = 0
        bad = CONTROL.search(text)
        if bad:
            place = _place(label, text[: bad.start()])
            raise Refused(f"{place}: the character U+{ord(bad.group()):04X} is not allowed in YAML; remove it")
        loader = Loader(text)
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
        return f"{self.at(mark)}: {problem}"

    def at(self, mark: Any) -> str:
        return _place(self.label, self.text[: mark.index])  # an editor's lines: libyaml's own count takes in U+2028

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
            if LONE_TAG.match(self.text, node.start_mark.index, node.end_mark.index):
                self.problem(node, "the tag ! is not known; remove it")
            if NO_JSON_NUMBER.fullmatch(node.value):
                self.problem(node, f"{node.value} is not a number JSON can hold; quote it if text is meant")
            return _plain(node.value)
        kind = node.tag[len(YAML_TAG) :] if node.tag.startswith(YAML_TAG) else ""
        if kind == "str":
            return node.value
        if kind == "binary":
            return self.binary(node)
        if kind not in TAGGED:
            self.problem(node, f"the tag {_shown(node.tag)} is not known; remove it")
        elif type(_plain(node.value)) not in TAGGED[kind]:
            self.problem(node, f'"{node.value}" is not what its tag !!{kind} says; remove the tag')
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
                self.problem(key_node, f'the key "{key_node.value}" is set on line {line} already; keep one')
            own[key] = key_node
            merged = self.merged(value_node) if is_merge else {key: (key_node, value_node)}
            for clash in own.keys() & merged.keys() if is_merge else ():
                # Helm lets the merged value win here, YAML the one that is written out.
                self.problem(own[clash], f'the `<<` below sets "{clash}" too; put `<<` first to make plain which wins')
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
        key = node = self.root
        for step in path:
            inside = self.entries(node) if isinstance(node, yaml.MappingNode) else None
            if isinstance(node, yaml.SequenceNode):
                inside = [(item, item) for item in node.value]
            if not _holds(inside, step):
                at_key = True
                break
            key, node = inside[step]
        return self.at((key if at_key else node).start_mark)


@functools.lru_cache(maxsize=8)
def _document(text: str, label: str) -> Document:
    return Document(text, label)


def _shown(tag: str) -> str:
    return tag.replace(YAML_TAG, "!!")


def load_yaml(data: bytes | str, label: str) -> dict:
    """Read values as Helm does (sigs.k8s.io/yaml), save that integers stay exact. Raises Refused, with file, line and
    column, for whatever Helm refuses, drops, rounds to something else or reads in two ways."""
    return Document(_decoded(data, label) if isinstance(data, bytes) else data, label).values()


def _decoded(data: bytes, label: str, encoding: str = "utf-8-sig") -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        place = _place(label, error.object[: error.start].decode("utf-8"))
        raise Refused(f"{place}: the byte 0x{error.object[error.start]:02X} is not UTF-8; save it as UTF-8") from None


def _place(label: str, before: str) -> str:
    return f"{label}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def read_source(name: str, stdin: Callable[[], bytes]) -> Source:
    """Read a values file, or stdin for ``-``. Raises Refused when it cannot be read or understood."""
    label = "stdin" if name.strip() == "-" else name
    text = _decoded(_read(name, stdin), label)
    return Source(label, load_yaml(text, label), text)


UNREAD = (
    (FileNotFoundError, "there is no such file; check the path"),
    (IsADirectoryError, "this is a directory; name a file in it"),
    (PermissionError, "reading this file is not permitted; check its mode and owner"),
    (Exception, "this file cannot be read; check the path"),
)


def _read(name: str, stdin: Callable[[], bytes]) -> bytes:
    if name.strip() == "-":
        try:
            return stdin()
        except (AttributeError, OSError):  # closed, or a directory
            raise Refused("stdin: it cannot be read; give it a file or a pipe") from None
    if not name:
        raise Refused("the name of a file is empty; name a file, or - for stdin")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", name):
        raise Refused(f"{name}: values are not fetched; download the file, and name it by its path")
    try:
        with open(name, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise Refused(f"{name}: {next(words for kind, words in UNREAD if isinstance(error, kind))}") from None


def collect(
    files: Iterable[str] = (),
    set_json: Iterable[str] = (),
    set_: Iterable[str] = (),
    set_string: Iterable[str] = (),
    set_file: Iterable[str] = (),
    *,
    stdin: Callable[[], bytes] = lambda: sys.stdin.buffer.read(),
) -> list[Source]:
    """Read all sources, in Helm's order: each overrides those before it (Helm: values.Options.MergeValues)."""
    once = _once(stdin)
    sources = [read_source(name, once) for names in files for name in _listed(names)]
    sources += [_option("--set-json", text, Option.json) for text in set_json]
    sources += [_option("--set", text, lambda option: option.value(_typed)) for text in set_]
    sources += [_option("--set-string", text, lambda option: option.value(str)) for text in set_string]

    def content(name: str) -> str:
        return _decoded(_read(name, once), name, "utf-8")

    return sources + [_option("--set-file", text, lambda option: option.value(content)) for text in set_file]


def _once(stdin: Callable[[], bytes]) -> Callable[[], bytes]:
    readers = [stdin]

    def read() -> bytes:
        if not readers:
            raise Refused("stdin is named twice by -, and can be read once only; name it once")
        return readers.pop()()

    return read


def _listed(names: str) -> list[str]:
    try:
        return next(csv.reader([names], strict=True)) or [""]
    except csv.Error:
        raise Refused(f"-f {names}: the quotes are not those of a comma-separated list") from None


def _typed(text: str) -> Any:
    known = {"null": None, "true": True, "false": False, "0": 0}
    if text.lower() in known:
        return known[text.lower()]
    if re.fullmatch(r"[+-]?[0-9]{1,30}", text) and text[0] != "0" and -(2**63) <= int(text) < 2**63:
        return int(text)
    return text


def _option(name: str, text: str, read_value: Callable[[Option], Any]) -> Source:
    label = f"{name} {text}" if len(text) <= MAX_SHOWN and text.isprintable() else f"{name} {text[:MAX_SHOWN]!a}..."
    try:
        text.encode("utf-8")
        if name == "--set-json" and text.lstrip().startswith("{"):
            return Source(label, Option(text).whole_object())
        source = Source(label, {}, edits=list(Option(text).edits(read_value)))
    except UnicodeEncodeError:
        raise Refused(f"{label}: the option is not UTF-8 text") from None
    except Refused as error:
        raise Refused(*(f"{label}: {problem}" for problem in error.problems)) from None
    source.values = combine([source])
    return source


class Option:
    """Reads the text of a --set option (grammar: https://helm.sh/docs/intro/using_helm/, The Format and Limitations of
    --set). Refuses what Helm silently drops: an empty name, a path without value, text after a list."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def until(self, stops: str) -> tuple[str, str]:
        """The text up to one of ``stops``, its backslashes resolved, and the stop (empty at the end)."""
        part = ""
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char in stops:
                return part, char
            if char == "\\":
                char = self.text[self.at : self.at + 1]
                self.at += 1
                if not char:
                    raise Refused("the backslash at the end escapes nothing; remove it, or write two")
            part += char
        return part, ""

    def edits(self, read_value: Callable[[Option], Any]) -> Iterable[tuple[Path, Any]]:
        while self.at < len(self.text):
            path = self.path()
            if self.at == len(self.text) and isinstance(path[-1], str) and any(isinstance(step, int) for step in path):
                raise Refused("Helm drops a list item that ends in an empty value; write --set-json 'name[0].key=\"\"'")
            yield path, read_value(self)

    def path(self) -> Path:
        path: list[str | int] = []
        dots = 0
        while True:
            name, stop = self.until("=[,.")
            if not name:
                raise Refused("a name is empty; write name=value, and a.b=value for a key inside a map")
            path.append(name)
            while stop == "[":
                path.append(self.index())
                extra, stop = self.until("[.=")
                if extra:
                    raise Refused(f'"{extra}" stands after ]; write name[0]=value or name[0].key=value')
            if stop == "=":
                break
            if stop != ".":
                raise Refused(f'"{dotted(path)}" has no value; write name=value')
            dots += 1
        if dots > MAX_DOTS or len(path) > MAX_DEPTH:
            raise Refused(f"the name is nested too deep; at most {MAX_DOTS} dots are allowed")
        return tuple(path)

    def index(self) -> int:
        text, stop = self.until("]")
        if not stop or not re.fullmatch(r"\+?[0-9]{1,9}", text) or int(text) > MAX_INDEX:
            raise Refused(f'"{text}" is not an index of a list; write one from 0 to {MAX_INDEX}, as in name[0]=value')
        return int(text)

    def value(self, convert: Callable[[str], Any]) -> Any:
        if not self.text.startswith("{", self.at):
            return convert(self.until(",")[0])
        if self.text.startswith("{}", self.at):
            raise Refused("Helm reads {} as a list of one empty text; write --set-json 'name=[]' for an empty list")
        self.at += 1
        items, stop = [], ","
        while stop == ",":
            item, stop = self.until(",}")
            items.append(convert(item))
        if not stop:
            raise Refused("a list must end with }; write name={a,b}, or \\{ for a value that starts with a brace")
        self.comma()
        return items

    def comma(self) -> None:
        if self.at < len(self.text) and self.text[self.at] != ",":
            raise Refused(f'"{self.text[self.at :]}" stands after the value; put a comma between two settings')
        self.at += 1

    def blanks(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1

    def json(self) -> Any:
        self.blanks()
        value = None if self.text[self.at : self.at + 1] in ("", ",") else self.json_value()
        self.blanks()
        self.comma()
        return value

    def json_value(self) -> Any:
        try:
            value, self.at = JSON.raw_decode(self.text, self.at)
            json.dumps(value, ensure_ascii=False).encode("utf-8")
            _limited(value, MAX_DEPTH)
        except json.JSONDecodeError as error:
            raise Refused(f"the value is not JSON at character {error.pos + 1}: {error.msg}") from None
        except UnicodeEncodeError:
            raise Refused("the JSON text holds half of a surrogate pair; write the whole character") from None
        except RecursionError:
            raise Refused(TOO_DEEP) from None
        return value

    def whole_object(self) -> dict:
        self.blanks()
        values = self.json_value()
        self.blanks()
        if self.at < len(self.text):
            raise Refused(f'"{self.text[self.at :]}" stands after the JSON object; remove it')
        return values


def _limited(value: Any, left: int) -> None:
    if left == 0:
        raise RecursionError
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _limited(item, left - 1)


def _unique(pairs: list[tuple[str, Any]]) -> dict:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise Refused(f'the key "{key}" is set twice in the JSON text; keep one')
        seen[key] = value
    return seen


def _finite(text: str) -> float:
    if not math.isfinite(float(text)):
        raise Refused(f"{text[:40]} is not a number JSON can hold; quote it if text is meant")
    return float(text)


def _whole(text: str) -> int:
    _finite(text)
    return int(text)


JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_int=_whole, parse_constant=_finite)


def combine(sources: Iterable[Source]) -> dict:
    """The values that all sources give together. Raises Refused when an option goes into what is no map or list."""
    values: dict = {}
    for source in sources:
        if source.edits is None:
            values = _merged(values, source.values)
        for path, value in source.edits or ():
            _edit(values, path, copy.deepcopy(value), source.label)
    return values


def _merged(base: dict, over: dict) -> dict:
    result = dict(base)
    for key, value in over.items():
        below = base.get(key)
        both = isinstance(below, dict) and isinstance(value, dict)
        result[key] = _merged(below, value) if both else copy.deepcopy(value)
    return result


def _edit(values: dict, path: Path, value: Any, label: str) -> None:
    holder: Any = values
    for at, (step, following) in enumerate(zip(path, path[1:] + ("",)), 1):
        if isinstance(step, int):
            holder.extend([None] * (step + 1 - len(holder)))
        if at == len(path):
            holder[step] = value
            return
        kind, name = (list, "a list") if isinstance(following, int) else (dict, "a map")
        if not _holds(holder, step) or isinstance(step, int) and holder[step] is None:
            holder[step] = kind()
        holder = holder[step]
        if not isinstance(holder, kind):
            found = (
                "a map" if isinstance(holder, dict) else "a list" if isinstance(holder, list) else json.dumps(holder)
            )
            raise Refused(f"{label}: {dotted(path[:at])} is {found} and not {name} to set something in; set it whole")


def coalesce(defaults: dict, values: dict) -> dict:
    """Lay values over defaults as Helm does (CoalesceValues): maps merge, lists and scalars replace, null deletes."""
    result = {}
    for key, default in defaults.items():
        value = values.get(key, {} if isinstance(default, dict) else default)
        if value is not None:
            both = isinstance(default, dict) and isinstance(value, dict)
            result[key] = coalesce(default, value) if both else copy.deepcopy(value)
    result.update((key, copy.deepcopy(value)) for key, value in values.items() if key not in defaults)
    return result
