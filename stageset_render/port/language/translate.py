# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes whole Go templates in Jinja: of a chart, or one that is elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

from stageset_render.findings import Finding, Place, Refused
from stageset_render.helm.reading import load_yaml
from stageset_render.pack.files import HELPERS, SCHEMA, source, text
from stageset_render.port.language import go_templates, jinja_reading, read_jinja, types, write_jinja
from stageset_render.port.language.tree import Tree

FOLDER, RULE = "templates/", "port"


def finding(file: str, line: int, told: str) -> Finding:
    """What has no exact form, with its place: what it is; what to write instead."""
    return Finding((), *told.split("; ", 1), rule=RULE, place=Place(file, line))


def templates(chart: dict[str, str]) -> dict[str, str]:
    """The Go templates of a chart by name. Refused when they lie in folders, which the pack's don't."""
    found = {path.removeprefix(FOLDER): text for path, text in chart.items() if path.startswith(FOLDER)}
    strange = [name for name in found if "/" in name]
    if strange:
        raise Refused(
            *(finding(FOLDER + name, 1, "the pack's templates lie in one folder; move it there") for name in strange)
        )
    return found


def libraries(chart: dict[str, str]) -> dict[str, str]:
    """The partials of the charts under charts/."""
    return {path: text for path, text in chart.items() if re.fullmatch(r"charts/.+/templates/_[^/]*", path)}


def values_of(chart: dict[str, str]) -> dict:
    """The defaults of a chart. Refused when they are no YAML."""
    return load_yaml(chart.get("values.yaml", ""), "values.yaml") or {}


def known(chart: dict[str, str]) -> dict:
    """What a chart's schema and defaults, and the pack's schema, say of the values."""
    schemas = [json.loads(chart[SCHEMA])] if SCHEMA in chart else []
    return types.of_values(values_of(chart), *schemas, json.loads(text(SCHEMA)))


def macros(chart: go_templates.Chart) -> dict[str, tuple[str, ...]]:
    """The macros that a chart's named templates are in the pack, which says the order of parameters where it has one."""
    own = jinja_reading.macro_names(source(HELPERS))
    found = {macro.name: tuple(var.name for var in macro.parameters()) for macro in chart.macros.values()}
    return {
        **own,
        **{name: own[name] if name in own and set(own[name]) == set(one) else one for name, one in found.items()},
    }


def names_for(file: str, known_macros: dict[str, tuple[str, ...]]) -> write_jinja.Names:
    return write_jinja.Names("" if file.startswith("_") else "stageset.", known_macros)


def jinja(chart: go_templates.Chart, wanted: list[str], label: str = "") -> dict[str, str]:
    """Write Go templates in Jinja.

    Args:
        chart: they and all whose named templates they include.
        wanted: those to write.
        label: for one file that is no file of the pack, how errors call it.

    Raises:
        Refused: with all that has no exact Jinja form, and its place.
    """
    found, texts, known_macros = list(chart.problems), {}, macros(chart)
    for file in wanted:
        tree = chart.trees.get(file) or Tree(file, "")
        texts[file] = write_jinja.written(tree, names_for(file, known_macros), chart.values)
        found += [(file, *problem) for problem in tree.problems]
        if not tree.problems:
            checked = read_jinja.read(file, texts[file], None, chart.values)
            told = [(line, one) for line, one in checked.problems if "is no template" in one]
            found += [(file, line, one.replace("this is no template", "Jinja can't read this")) for line, one in told]
    found = [problem for problem in found if problem[0] in wanted]
    if found:
        raise Refused(*(finding(label or FOLDER + file, line, told) for file, line, told in sorted(set(found))))
    return texts


def one(name: str, go: str, beside: dict[str, str]) -> str:
    """Write one Go template in Jinja, which may be a file of the chart or not.

    Args:
        name: a path, or - for standard input; one that begins with an underline is a partial.
        go: its text.
        beside: the files of the chart around it, if there is one.

    Raises:
        Refused: see `jinja`.
    """
    file = Path(name).name
    if file == "-" and re.search(r"\{\{-?\s*define\b", go):
        file = "_-"
    chart = go_templates.Chart({**templates(beside), file: go}, known(beside), libraries(beside))
    return jinja(chart, [file], name)[file]


def around(path: Path) -> Path | None:
    """The chart whose template a file is, if it is one."""
    chart = path.resolve().parent.parent
    return chart if path.resolve().parent.name == "templates" and (chart / "Chart.yaml").is_file() else None
