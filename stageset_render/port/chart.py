# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes the pack as a Helm chart."""

from __future__ import annotations

import copy
import functools
import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

from stageset_render.findings import Finding, Place, Refused
from stageset_render.helm.writing import to_yaml
from stageset_render.pack import output
from stageset_render.pack.files import CHART, DEFAULTS, all_templates, source
from stageset_render.pack.model import Model
from stageset_render.pack.release import defaults, schema
from stageset_render.port.language import read_jinja, types, write_go
from stageset_render.port.language.tree import Tree

HELMIGNORE = "# What no package of the chart holds.\n.git/\n.gitignore\n*.orig\n*.swp\n*~\n"
RULE = "port"
DESCRIPTION = "The stageset-controller and the policies that say who may call it"


def ported_names() -> list[str]:
    """The files of templates/ that are templates in the chart too: all but the defaults."""
    return [name for name in all_templates() if name != DEFAULTS]


@functools.cache
def _port(name: str, source: str) -> tuple[Tree, list[tuple[int, str]]]:
    """A template's tree, and the pieces of it in Go with the lines of the Jinja template on which they begin."""
    tree = read_jinja.read(name, source)
    writer = write_go.Writer(write_go.own_names(tree), types.of_pack())
    pieces = [(part.line, text) for part, text in writer.pieces(tree.parts, source)]
    tree.problems.extend(writer.problems)
    tree.problems.sort()
    return tree, pieces


def problems(name: str, source: str) -> list[Finding]:
    """What keeps a template from being written in Go, each with its line.

    Args:
        name: the file's name; macros may be defined in partials only, whose names start with `_`.
        source: the Jinja template.
    """
    return [
        Finding((), *text.split("; ", 1), rule=RULE, place=Place(f"templates/{name}", line))
        for line, text in _port(name, source)[0].problems
    ]


def ported(name: str, source: str) -> str:
    """Write a template in Go.

    Args:
        name: the file's name.
        source: the Jinja template.

    Returns:
        The Go template.

    Raises:
        Refused: with all that `problems` finds.
    """
    return "".join(text for _, text in _pieces(name, source))


def ported_lines(name: str, source: str) -> list[str]:
    """The Go template line by line as it stands in Jinja, so that both can be read side by side; errors as `ported`."""
    found = [""] * (source.count("\n") + 1)
    for line, piece in _pieces(name, source):
        for offset, text in enumerate(piece.split("\n")):
            found[line - 1 + offset] += text
    return found


def _pieces(name: str, source: str) -> list[tuple[int, str]]:
    found = problems(name, source)
    if found:
        raise Refused(*found)
    return _port(name, source)[1]


def values_file() -> str:
    """The text of values.yaml: the defaults, each below its description in the schema."""
    text, lines = source(DEFAULTS), []
    notes = dict(_descriptions(yaml.compose(text, yaml.CSafeLoader), schema().root))
    for number, line in enumerate(text.splitlines()):
        if number in notes and lines and lines[-1].startswith("#"):
            lines.append("")
        lines += [*notes.get(number, ()), line]
    return "\n".join(lines) + "\n"


def _descriptions(node: yaml.Node, node_schema: dict) -> Iterator[tuple[int, list[str]]]:
    if not isinstance(node, yaml.MappingNode) or node.flow_style:
        return
    for key, value in node.value:
        known, mark = schema().model.properties(node_schema).get(key.value, {}), key.start_mark
        start = " " * mark.column + "# "
        yield (
            mark.line,
            textwrap.wrap(
                known.get("description", ""),
                120,
                initial_indent=start,
                subsequent_indent=start,
                break_long_words=False,
                break_on_hyphens=False,
            ),
        )
        yield from _descriptions(value, known)


def schema_file() -> str:
    """The text of values.schema.json: Helm shows it merged values alone, in which a default that null has deleted is
    only missing, so every default that null must not delete is required there."""
    return json.dumps(required(copy.deepcopy(schema().root), defaults()), indent=2) + "\n"


def required(root: dict, known_defaults: dict) -> dict:
    """A schema of the pack in which the defaults are required."""
    _require(root, known_defaults, Model(root).said)
    return root


def _require(node: dict, known_defaults: dict, said: Callable[[dict], dict]) -> None:
    known = {key: node["properties"][key] for key in known_defaults if key in node["properties"]}
    node["required"] = [key for key, value in known.items() if "null" not in said(value).get("type", ())]
    for key, value in known.items():
        if "properties" in value:
            _require(value, known_defaults[key], said)


def chart() -> dict[str, str]:
    """The files of the chart: path to text.

    Raises:
        Refused: when a template can't be written in Go, with all the reasons.
    """
    found = [problem for name in ported_names() for problem in problems(name, source(name))]
    if found:
        raise Refused(*found)
    about = {
        "apiVersion": "v2",
        "type": "application",
        "description": DESCRIPTION,
        "name": CHART["Name"],
        "version": CHART["Version"],
        "appVersion": CHART["AppVersion"],
    }
    return {
        ".helmignore": HELMIGNORE,
        "Chart.yaml": to_yaml(about) + "\n",
        "values.schema.json": schema_file(),
        "values.yaml": values_file(),
        **{f"templates/{name}": ported(name, source(name)) for name in ported_names()},
    }


def write(texts: dict[str, str], directory: Path, force: bool = False) -> None:
    """Write the chart into a directory, all files or none.

    Args:
        texts: path to text.
        directory: made when it is missing.
        force: write into a directory that is not empty; its other files stay.

    Raises:
        Refused: the directory is not empty, or holds other templates, which Helm would render with the chart.
        OSError: when a file can't be written; see pack.output.write.
    """
    directory = directory.resolve()
    there = sorted(directory.rglob("*")) if directory.exists() else []
    if there and not force:
        raise Refused(f"{directory}: is not empty; choose another directory, or write into it with --force")
    strange = [
        path
        for path in there
        if (directory / "templates") in path.parents
        and not path.is_dir()
        and path.relative_to(directory).as_posix() not in texts
    ]
    if strange:
        refusal = "is no template of this chart, but Helm would render it; delete it"
        raise Refused(*(f"{path}: {refusal}" for path in strange))
    output.write(list(texts.items()), directory)
