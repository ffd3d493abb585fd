# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads the text of Helm's --set options."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from stageset_render.findings import MAX_DEPTH, TOO_DEEP, Path, Refused, dotted, short
from stageset_render.helm.writing import Whole

MAX_INDEX, MAX_DOTS = 65_536, 30  # Helm's own limits


def typed(text: str) -> Any:
    """What --set makes of a value (Helm: typedVal of pkg/strvals): an int64 prints whole, unlike a number of a file."""
    known = {"null": None, "true": True, "false": False, "0": 0}
    if text.lower() in known:
        return known[text.lower()]
    if re.fullmatch(r"[+-]?[0-9]{1,30}", text) and text[0] != "0" and -(2**63) <= int(text) < 2**63:
        number = int(text)
        return number if -1_000_000 < number < 1_000_000 else Whole(number)  # the others print whole anyway
    return text


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

    def literal(self) -> Iterable[tuple[Path, str]]:
        """The one setting of --set-literal: a name, and all that stands behind the `=` as it is."""
        name, equals, value = self.text.partition("=")
        yield Option(name.replace(",", "\\,") + "=").path() if equals else Option(name).path(), value

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
                    raise Refused(f'"{short(extra)}" stands after ]; write name[0]=value or name[0].key=value')
            if stop == "=":
                break
            if stop != ".":
                raise Refused(f'"{short(dotted(path))}" has no value; write name=value')
            dots += 1
        if dots > MAX_DOTS or len(path) > MAX_DEPTH:
            raise Refused(f"the name is nested too deep; at most {MAX_DOTS} dots are allowed")
        return tuple(path)

    def index(self) -> int:
        text, stop = self.until("]")
        if not stop or not re.fullmatch(r"\+?[0-9]{1,9}", text) or int(text) > MAX_INDEX:
            raise Refused(
                f'"{short(text)}" is not an index of a list; write one from 0 to {MAX_INDEX}, as in name[0]=value'
            )
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
            raise Refused(f'"{short(self.text[self.at :])}" stands after the value; put a comma between two settings')
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
            raise Refused(f'"{short(self.text[self.at :])}" stands after the JSON object; remove it')
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
            raise Refused(f'the key "{short(key)}" is set twice in the JSON text; keep one')
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
