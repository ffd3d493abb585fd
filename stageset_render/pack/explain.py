# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Says of every value that is no default who set it, and what it took the place of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import yaml

from stageset_render.findings import Path, holds
from stageset_render.helm.values import Source, place_of
from stageset_render.helm.writing import to_yaml


def explained(values: dict, defaults: dict, sources: list[Source]) -> str:
    """The merged values as YAML, with a comment behind each that is no default: the place in a file, or the option.

    Args:
        values: the merged values.
        defaults: the values without any source.
        sources: where the rest comes from.
    """
    text = to_yaml(values)
    lines = text.split("\n")
    for path, line in _leaves(yaml.compose(text, yaml.CSafeLoader), ()):
        if _at(values, path) != _at(defaults, path):
            lines[line] += f"  # {place_of(sources, path)}"
    return "\n".join(lines) + "\n"


def changed(values: dict, defaults: dict, sources: list[Source]) -> str:
    """What was set alone, as values that would set it again, with a comment on where, and on what it took the place of.

    Args:
        values, defaults, sources: as for `explained`.
    """
    text = to_yaml(_changes(values, defaults))
    lines = text.split("\n")
    for path, line in _set(yaml.compose(text, yaml.CSafeLoader), defaults, ()):
        before = json.dumps(_at(defaults, path), ensure_ascii=False)
        lines[line] += f"  # {place_of(sources, path)}" + f", instead of {before}" * (before != "null")
    return "\n".join(lines) + "\n"


def _changes(values: dict, defaults: dict) -> dict:
    found = {key: None for key in defaults if key not in values}
    for key, value in values.items():
        default = defaults.get(key)
        if value != default or type(value) is not type(default):
            both = isinstance(value, dict) and isinstance(default, dict)  # an empty one has lost keys to null
            found[key] = _changes(value, default) if both else value
    return found


def _set(node: yaml.Node, defaults: dict, path: Path) -> Iterator[tuple[Path, int]]:
    """The path of everything that was set as a whole, and the line behind which a comment may stand."""
    for key, value in node.value:
        default, inner = defaults.get(key.value), (*path, key.value)
        if isinstance(value, yaml.MappingNode) and value.value and isinstance(default, dict):
            yield from _set(value, default, inner)
        else:
            whole = isinstance(value, yaml.ScalarNode) and value.style != "|"
            yield inner, (value.end_mark if whole else key.start_mark).line


def _leaves(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int]]:
    """The path of every scalar and every empty list or map, and the line behind which a comment may stand."""
    if isinstance(node, yaml.MappingNode) and node.value:
        for key, value in node.value:
            yield from _leaves(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode) and node.value:
        for index, item in enumerate(node.value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, (node.start_mark if getattr(node, "style", None) == "|" else node.end_mark).line


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if not holds(value, step):
            return None
        value = value[step]
    return value
