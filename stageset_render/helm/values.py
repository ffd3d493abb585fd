# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Collects values as Helm does: from files and --set options, merged, and where each value came from."""

from __future__ import annotations

import copy
import json
import math
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from stageset_render.helm.options import Option, typed
from stageset_render.helm.reading import decoded, document, load_yaml
from stageset_render.problems import MAX_DEPTH, TOO_DEEP, Path, Refused, brief, holds, short

MAX_SHOWN = 200  # characters of an option in messages


@dataclass
class Source:
    """One -f file or one --set option: what it says alone, and what it is called in messages."""

    label: str
    values: dict
    text: str | None = None
    edits: list | None = None  # (path, value) pairs of an option that edits what is there; None: values are merged

    def place(self, path: Path, at_key: bool = False) -> str:
        """``label:line:column`` of the value at ``path`` or of its key; the label alone for an option."""
        return self.label if self.text is None else document(self.text, self.label).place(path, at_key)

    def plain(self, path: Path) -> str:
        """The plain scalar at ``path`` as a file has it; empty for anything else."""
        return document(self.text, self.label).plain(path) if self.text is not None else ""

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
        if not holds(value, step):
            return steps, in_list or not isinstance(value, dict)
        value = value[step]
    return len(path), True


def place_of(sources: Iterable[Source], path: Path, at_key: bool = False) -> str:
    """Where the value at ``path`` was set: the place in the last source that says it, else that of its nearest
    parent; empty when no source says anything about it, which leaves a default."""
    source, steps = source_of(sources, path)
    return source.place(path[:steps], at_key or steps < len(path)) if source else ""


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


def read_source(name: str, stdin: Callable[[], bytes]) -> Source:
    """Read a values file, or stdin for ``-``. Raises Refused when it cannot be read or understood."""
    label = "stdin" if name.strip() == "-" else named(name)
    text = decoded(_read(name, stdin), label)
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
        raise Refused(f"{named(name)}: values are not fetched; download the file, and name it by its path")
    try:
        with open(name, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise Refused(f"{named(name)}: {next(words for kind, words in UNREAD if isinstance(error, kind))}") from None


def collect(
    files: Iterable[str] = (),
    set_json: Iterable[str] = (),
    set_: Iterable[str] = (),
    set_string: Iterable[str] = (),
    set_file: Iterable[str] = (),
    set_literal: Iterable[str] = (),
    *,
    stdin: Callable[[], bytes] = lambda: sys.stdin.buffer.read(),
) -> list[Source]:
    """Read all sources, in Helm's order: each overrides those before it (Helm: values.Options.MergeValues)."""
    once = read_once(stdin)
    sources = [read_source(name, once) for names in files for name in _listed(names)]
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


def _listed(names: str) -> list[str]:
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
        raise Refused(f"{label}: the option is not UTF-8 text") from None
    except Refused as error:
        raise Refused(*(f"{label}: {problem}" for problem in error.problems)) from None
    source.values = combine([source])
    return source


def combine(sources: Iterable[Source], base: dict | None = None) -> dict:
    """The values that all sources give together, over `base`, which is left as it is.

    Raises:
        Refused: when an option goes into what is no map or list.
    """
    sources = list(sources)
    values = copy.deepcopy(base or {}) if any(source.edits for source in sources) else base or {}
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
            raise Refused(f"{label}: {brief(path[:at])} is {found} and not {name} to set something in; set it whole")


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


def check_values(values: dict, depth: int = MAX_DEPTH) -> None:
    """Refuse what no values file can hold, so that values made in Python get an error and no accident."""
    if not isinstance(values, dict):
        raise Refused(f"values are a dict, but this is a {type(values).__name__}")
    if not depth:
        raise Refused(TOO_DEEP)
    for key, value in values.items():
        if not isinstance(key, str):
            raise Refused(f"keys of values are strings, but {short(repr(key))} is none")
        _check_text(key)
        _check_value(value, depth - 1)


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Refused(f"{text[:60]!a} holds half a character (a lone surrogate); write the whole one") from None


def _check_value(value, depth: int) -> None:
    if isinstance(value, dict):
        check_values(value, depth)
    elif isinstance(value, list):
        if not depth:
            raise Refused(TOO_DEEP)
        for item in value:
            _check_value(item, depth - 1)
    elif isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Refused(f"{value} is not a number JSON can hold")
    elif value is not None and not isinstance(value, (bool, int, float)):
        raise Refused(f"values are what YAML can hold, but {short(repr(value))} is a {type(value).__name__}")
