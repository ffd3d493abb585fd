# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Takes the defaults of a chart over: into templates/_defaults.tpl, and as stubs into values.schema.json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from stageset_render.port.pull.known import TYPES

NEW = "New in the chart; say what it means."


# The defaults


class Dumper(yaml.SafeDumper):
    """Writes lists set in below their key, and texts that need quotes in double ones."""

    def increase_indent(self, flow=False, indentless=False):
        return super().increase_indent(flow, False)


def _text(dumper: Dumper, text: str) -> yaml.Node:
    plain = dumper.resolve(yaml.ScalarNode, text, (True, False)) == "tag:yaml.org,2002:str"
    simple = plain and re.fullmatch(r"[A-Za-z0-9/.][-\w./]*( [-\w./]+)*", text)
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=None if simple else "|" if "\n" in text else '"'
    )


Dumper.add_representer(str, _text)


def same(one: Any, other: Any) -> bool:
    """Whether two values are alike in type and order too."""
    return json.dumps(one) == json.dumps(other)


def defaults(values: dict, before: str) -> str:
    """The text of _defaults.tpl for the values of a chart, in their order.

    Args:
        values: the chart's.
        before: the text that is there. What hasn't changed keeps its lines, with the comments above them.
    """
    known = yaml.safe_load(before) or {}
    if same(values, known):
        return before
    lines = before.splitlines()
    node = yaml.compose(before, yaml.SafeLoader)
    start = _first(lines, node.start_mark.line, 0)
    while start and lines[start - 1].startswith("#"):  # the file's own comment is not that of its first key
        start = node.start_mark.line
    return "\n".join([*lines[:start], *_written(values, known, node, lines, start, len(lines), "")]) + "\n"


def _first(lines: list[str], line: int, floor: int) -> int:
    """Where the comments above a line begin."""
    while line > floor and re.match(r"\s*(#|$)", lines[line - 1]):
        line -= 1
    return line


def _written(values, known, node, lines, start, end, indent) -> Iterator[str]:
    pairs = {}
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        begins = [_first(lines, key.start_mark.line, start) for key, _ in node.value]
        if begins:
            begins[0] = start
        for (key, value), begin, stop in zip(node.value, begins, [*begins[1:], end]):
            pairs[key.value] = (begin, key.start_mark.line, stop, value)
    for key, value in values.items():
        begin, line, stop, below = pairs.get(key, (0, 0, 0, None))
        old = known.get(key) if isinstance(known, dict) else None
        if key in pairs and same(value, old):
            yield from lines[begin:stop]
        elif key in pairs and value and isinstance(value, dict) and isinstance(old, dict) and not below.flow_style:
            yield from lines[begin : line + 1]
            yield from _written(value, old, below, lines, line + 1, stop, indent + "  ")
        else:
            yield from lines[begin:line]
            text = yaml.dump({key: value}, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=4096)
            yield from (indent + part if part else part for part in text.splitlines())


# The schema


def schema(values: dict, before: str) -> str:
    """The text of values.schema.json with a stub for each value that it doesn't know, and the defaults as they are now.

    Args:
        values: the chart's defaults.
        before: the text that is there.
    """
    root = yaml.compose(before, yaml.CSafeLoader)  # JSON is YAML, and this reader knows where each value stands
    edits = sorted(enumerate(_edits(values, root, root, before)), key=lambda edit: (edit[1][0], edit[0]))
    for _, (start, end, text) in reversed(edits):
        before = before[:start] + text + before[end:]
    return before


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _edits(values: dict, node: yaml.Node, root: yaml.Node, text: str) -> Iterator[tuple[int, int, str]]:
    while reference := _child(node, "$ref"):
        node = root
        for step in reference.value.split("/")[1:]:
            node = _child(node, step)
    properties = _child(node, "properties")
    if properties is None:
        return  # a map with keys of the user's own
    at = last = properties.value[0][1] if properties.value else None
    for key, value in values.items():
        known = _child(properties, key)
        if known is not None:
            at, last = known, known
            default = _child(known, "default")
            if default is not None and not same(json.loads(_source(default, text)), value):
                yield default.start_mark.index, default.end_mark.index, json.dumps(value, ensure_ascii=False)
            if isinstance(value, dict):
                yield from _edits(value, known, root, text)
        elif at is not None:
            column = properties.value[0][0].start_mark.column
            stub = json.dumps({key: _stub(value)}, indent=2, ensure_ascii=False)[4:-2]
            yield (
                last.end_mark.index,
                last.end_mark.index,
                ",\n" + " " * column + stub.replace("\n  ", "\n" + " " * column),
            )


def _source(node: yaml.Node, text: str) -> str:
    return text[node.start_mark.index : node.end_mark.index]


def _stub(value: Any) -> dict:
    """What a default says of its value."""
    stub = {"description": NEW}
    if type(value) in TYPES:
        stub["type"] = TYPES[type(value)]
    if isinstance(value, dict) and value:
        stub |= {"additionalProperties": False, "properties": {key: _stub(inner) for key, inner in value.items()}}
    elif isinstance(value, list) and value:
        stub |= {
            "items": {key: part for key, part in _stub(value[0]).items() if key != "description"},
            "default": value,
        }
    else:
        stub["default"] = value
    return stub
