# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Says of every value that is no default who set it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from stageset_render.helm.values import Source, place_of
from stageset_render.helm.writing import to_yaml
from stageset_render.problems import Path, holds


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
