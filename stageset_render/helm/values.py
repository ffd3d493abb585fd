# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Collects values as Helm does: from files and --set options, merged, and where each value came from."""

from __future__ import annotations

import functools
import json
import math
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

from stageset_render.findings import MAX_DEPTH, NOTHING, TOO_DEEP, Finding, Path, Place, Refused, brief, holds, short
from stageset_render.helm.options import Option, typed
from stageset_render.helm.reading import UNREADABLE, copied, decoded, document, merged
from stageset_render.helm.writing import Whole

MAX_SHOWN = 200  # characters of an option in messages
MAX_BYTES = 16 * 2**20  # of a file: far more than a release of Helm can hold, and an end to what has none
MAX_FILLED = 100_000  # entries of lists that --set fills up with nulls
BAD_OPTION = "values-option"  # the name of a rule


class Source:
    """One -f file or one --set option.

    Args:
        label: what it is called in messages.
        values: what it says alone.
        text: of a file, what it holds.
        edits: (path, value) pairs of an option that edits what is there; None: values are merged.
        problems: of a file, what Helm reads in its own way.
    """

    def __init__(
        self,
        label: str,
        values: dict,
        text: str | None = None,
        edits: list | None = None,
        problems: tuple[Finding, ...] = (),
    ):
        self.label, self.values, self.text, self.edits, self.problems = label, values, text, edits, problems

    def place(self, path: Path, at_key: bool = False) -> Place:
        """Line and column of the value at ``path`` or of its key; the label alone for an option."""
        return Place(self.label) if self.text is None else document(self.text, self.label).place(path, at_key)

    def plain(self, path: Path) -> str:
        """The plain scalar at ``path`` as a file has it; empty for anything else."""
        return document(self.text, self.label).plain(path) if self.text is not None else ""

    def reach(self, path: Path) -> tuple[int, bool]:
        """How many steps of ``path`` it holds, and whether it leaves nothing of earlier sources beyond them."""
        if self.edits is None:
            return _reach(self.values, path)
        longest, final, inside = 0, False, self._edited
        for steps, step in enumerate(path, 1):
            if step not in inside:
                break
            value, inside = inside[step]
            longest = max(longest, steps)
            if value is not NOTHING:
                longest, final = steps + _reach(value, path[steps:])[0], True  # it came after what it stands in
        return longest, final

    @functools.cached_property
    def _edited(self) -> dict:
        """The edits by the steps of their paths: for each step the value set there, if one is, and the edits inside."""
        tree: dict = {}
        for path, value in self.edits or ():
            inside = tree
            for step in path[:-1]:
                inside = inside.setdefault(step, (NOTHING, {}))[1]
            inside[path[-1]] = (value, {})  # what was edited in it before is gone
        return tree


def _reach(value: Any, path: Path) -> tuple[int, bool]:
    in_list = False
    for steps, step in enumerate(path):
        in_list = in_list or isinstance(value, list)
        try:
            value = (value if isinstance(value, (dict, list)) else None)[step]
        except (KeyError, IndexError, TypeError):
            return steps, in_list or not isinstance(value, dict)
    return len(path), True


def place_of(sources: Iterable[Source], path: Path, at_key: bool = False) -> Place | None:
    """Where the value at ``path`` was set: the place in the last source that says it, else that of its nearest
    parent; None when no source says anything about it, which leaves a default."""
    source, steps = source_of(sources, path)
    return source.place(path[:steps], at_key or steps < len(path)) if source else None


def source_of(sources: Iterable[Source], path: Path) -> tuple[Source | None, int]:
    """The last source that says the value at ``path`` or its nearest parent, and how many steps of the path it has."""
    longest, chosen = 0, None
    for source in reversed(list(sources)):
        steps, final = source.reach(path)
        if steps > longest:
            longest, chosen = steps, source
        if final:
            break
    return chosen, longest


def read_text(name: str, stdin: Callable[[], bytes]) -> tuple[str, str]:
    """What a file is called in messages, and its text; - is standard input. Raises Refused when it can't be read."""
    label = "stdin" if name.strip() == "-" else named(name)
    return label, decoded(_read(name, stdin), label)


def read_source(name: str, stdin: Callable[[], bytes]) -> Source:
    """Read a values file, or stdin for ``-``. Raises Refused when it cannot be read or understood."""
    label, text = read_text(name, stdin)
    text += "" if text.endswith("\n") else "\n"  # as Helm does, to which a block at the end has one
    read = document(text, label)
    return Source(label, read.values(), text, problems=tuple(read.problems))


UNREAD = (
    (FileNotFoundError, "there is no such file; check the path"),
    (IsADirectoryError, "this is a directory; name a file in it"),
    (PermissionError, "reading this file is not permitted; check its mode and owner"),
    (Exception, "this file cannot be read; check the path"),
)


def _read(name: str, stdin: Callable[[], bytes]) -> bytes:
    if name.strip() == "-":
        try:
            return _bounded(stdin(), "stdin")
        except (AttributeError, OSError):  # closed, or a directory
            raise _unread("stdin", "it cannot be read; give it a file or a pipe") from None
    if not name:
        raise Refused("the name of a file is empty; name a file, or - for stdin")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", name):
        raise _unread(named(name), "values are not fetched; download the file, and name it by its path")
    try:
        with open(name, "rb") as file:
            return _bounded(file.read(MAX_BYTES + 1), named(name))
    except (OSError, ValueError) as error:
        raise _unread(named(name), next(words for kind, words in UNREAD if isinstance(error, kind))) from None


def _bounded(data: bytes, label: str) -> bytes:
    if len(data) > MAX_BYTES:
        raise _unread(label, f"it is larger than {MAX_BYTES // 2**20} MiB, the most that is read; name a smaller file")
    return data


def read_stdin() -> bytes:
    """What is on stdin, as far as it is read."""
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _unread(label: str, message: str) -> Refused:
    return Refused(Finding((), message, rule=UNREADABLE, place=Place(label)))


def collect(
    files: Iterable[str] = (),
    set_json: Iterable[str] = (),
    set_: Iterable[str] = (),
    set_string: Iterable[str] = (),
    set_file: Iterable[str] = (),
    set_literal: Iterable[str] = (),
    *,
    stdin: Callable[[], bytes] = read_stdin,
) -> list[Source]:
    """Read all sources, in Helm's order: each overrides those before it (Helm: values.Options.MergeValues)."""
    once = read_once(stdin)
    sources = [read_source(name, once) for names in files for name in listed(names)]
    sources += [_option("--set-json", text, Option.json) for text in set_json]
    sources += [_option("--set", text, lambda option: option.value(typed)) for text in set_]
    sources += [_option("--set-string", text, lambda option: option.value(str)) for text in set_string]

    def content(name: str) -> str:
        return decoded(_read(name, once), named(name), "utf-8")

    sources += [_option("--set-file", text, lambda option: option.value(content)) for text in set_file]
    return sources + [_option("--set-literal", text, None) for text in set_literal]


def read_once(stdin: Callable[[], bytes]) -> Callable[[], bytes]:
    """A reader of stdin that refuses to be asked again."""
    readers = [stdin]

    def read() -> bytes:
        if not readers:
            raise Refused("stdin is named twice by -, and can be read once only; name it once")
        return readers.pop()()

    return read


def listed(names: str) -> list[str]:
    """The names in the value of one -f, which are parted by commas, and may stand in quotes (Helm: a StringSlice)."""
    if not {*names} & {*'",\n\r'}:
        return [names]
    import csv  # a plain name does not pay for it

    try:
        return next(csv.reader([names], strict=True)) or [""]
    except csv.Error:
        raise Refused(f"-f {named(names)}: the quotes are not those of a comma-separated list") from None


def named(text: str) -> str:
    """A file as messages name it: short, and in one line."""
    return short(text) if short(text).isprintable() else f"{short(text)!a}"


def _option(name: str, text: str, read_value: Callable[[Option], Any] | None) -> Source:
    label = f"{name} {text}" if len(text) <= MAX_SHOWN and text.isprintable() else f"{name} {text[:MAX_SHOWN]!a}..."
    try:
        text.encode("utf-8")
        if name == "--set-json" and text.lstrip().startswith("{"):
            return Source(label, Option(text).whole_object())
        option = Option(text)
        source = Source(label, {}, edits=list(option.edits(read_value) if read_value else option.literal()))
    except UnicodeEncodeError:
        raise _unread(label, "the option is not UTF-8 text") from None
    except Refused as error:
        raise Refused(*(_of(label, problem) for problem in error.problems)) from None
    source.values = combine([source])
    return source


def _of(label: str, problem: Finding) -> Finding:
    """A problem of an option; one with a place of its own is about the file that the option names."""
    return problem._replace(place=problem.place or Place(label), rule=problem.rule or BAD_OPTION)


def combine(sources: Iterable[Source], base: dict | None = None) -> dict:
    """The values that all sources give together, over `base`, which is left as it is.

    Raises:
        Refused: when an option goes into what is no map or list.
    """
    sources = list(sources)
    values, room = copied(base or {}) if any(source.edits for source in sources) else base or {}, [MAX_FILLED]
    for source in sources:
        if source.edits is None:
            values = merged(values, source.values)
        for path, value in source.edits or ():
            _edit(values, path, copied(value), source.label, room)
    return values


def _edit(values: dict, path: Path, value: Any, label: str, room: list[int]) -> None:
    holder: Any = values
    for at, (step, following) in enumerate(zip(path, path[1:] + ("",)), 1):
        if isinstance(step, int):
            room[0] -= max(0, step - len(holder))
            if room[0] < 0:
                message = f"{brief(path[:at])} is far behind the end of its list; set the entries before it first"
                raise Refused(Finding((), message, rule=BAD_OPTION, place=Place(label)))
            holder.extend([None] * (step + 1 - len(holder)))
        if at == len(path):
            holder[step] = value
            return
        kind, name = (list, "a list") if isinstance(following, int) else (dict, "a map")
        if not holds(holder, step) or isinstance(step, int) and holder[step] is None:
            holder[step] = kind()
        holder = holder[step]
        if not isinstance(holder, kind):
            found = (
                "a map"
                if isinstance(holder, dict)
                else "a list"
                if isinstance(holder, list)
                else short(json.dumps(holder))
            )
            message = f"{brief(path[:at])} is {found} and not {name} to set something in; set it whole"
            raise Refused(Finding((), message, rule=BAD_OPTION, place=Place(label)))


def coalesce(defaults: dict, values: dict, plain: dict | None = None) -> dict:
    """Lay values over defaults as Helm does (CoalesceValues): maps merge, lists and scalars replace, null deletes.

    Args:
        defaults: a chart's values.yaml.
        values: what a user sets.
        plain: what the defaults alone come to, `coalesce(defaults, {})`, if that is at hand, to take parts of it over.

    Returns:
        A new map; what it takes over whole it shares with both, so nothing in it may be changed.
    """
    result = {**(defaults if plain is None else plain), **values}
    for key, default in defaults.items():
        if plain is not None and key not in values:
            continue
        value = values.get(key, {} if isinstance(default, dict) else default)
        if value is None:
            result.pop(key, None)
        elif isinstance(default, dict) and isinstance(value, dict):
            result[key] = coalesce(default, value, plain and plain[key])
    return result


def check_values(values: dict) -> dict:
    """Refuse what no values file can hold, so that values made in Python get an error and no accident.

    Returns:
        The values, with a plain text, number, map or list in place of one of a class of one's own.
    """
    if not isinstance(values, dict):
        raise Refused(f"values are a dict, but this is a {type(values).__name__}")
    return _checked(values, MAX_DEPTH)


def _checked(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (dict, list)):
        if not depth:
            raise Refused(TOO_DEEP)
        if isinstance(value, list):
            return [_checked(item, depth - 1) for item in value]
        return {_key(key): _checked(item, depth - 1) for key, item in value.items()}
    if value is None or isinstance(value, (bool, Whole)):
        return value
    if isinstance(value, int):
        return int.__index__(value)
    if not isinstance(value, float):
        raise Refused(f"values are what YAML can hold, but {short(repr(value))} is a {type(value).__name__}")
    if not math.isfinite(value):
        raise Refused(f"{value} is not a number JSON can hold")
    return float.__float__(value)


def without_whole(value: Any) -> Any:
    """A value with int in place of Whole, of which no other library knows; itself where there is none in it."""
    if isinstance(value, dict):
        changed = {key: new for key, item in value.items() if (new := without_whole(item)) is not item}
        return {**value, **changed} if changed else value
    if isinstance(value, list):
        items = [without_whole(item) for item in value]
        return items if any(new is not item for new, item in zip(items, value)) else value
    return int(value) if isinstance(value, Whole) else value


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise Refused(f"keys of values are strings, but {short(repr(key))} is none")
    return _text(key)


def _text(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Refused(f"{text[:60]!a} holds half a character (a lone surrogate); write the whole one") from None
    return text if type(text) is str else str.__str__(text)
