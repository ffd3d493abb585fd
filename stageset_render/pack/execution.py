# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What the command does, as a plain function: from values to what is printed or written."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from stageset_render.helm.documents import framed, ordered
from stageset_render.helm.values import Source, combine
from stageset_render.helm.writing import to_yaml
from stageset_render.pack import output
from stageset_render.pack.files import CHART, LINT_RULES, NOTES, manifest_names, template_names, text
from stageset_render.pack.rendering import Rendering
from stageset_render.problems import Problem, Refused


@dataclass
class Request:
    """What to render, and what to do with it; the fields are the command's options."""

    name: str
    namespace: str
    sources: list[Source]
    chart: dict = field(default_factory=lambda: CHART)
    show_only: list[str] = field(default_factory=list)
    no_hooks: bool = False
    crds: str | None = None
    output_dir: str | None = None
    show_values: bool = False
    lint: bool = False
    strict: bool = False


@dataclass
class Result:
    """What came of it: the text for stdout, the notes, and what is to be warned about."""

    text: str
    notes: str
    warnings: list[Problem]


def execute(request: Request) -> Result:
    """Render, and write below `output_dir` when there is one.

    Raises:
        Refused: for everything that ends in exit code 1, with all that is wrong.
        OSError: when a file can't be written.
    """
    rendering = Rendering(combine(request.sources), name=request.name, namespace=request.namespace, chart=request.chart)
    texts = rendering.texts([*(request.show_only or manifest_names()), NOTES])
    notes, pages = texts.pop(NOTES), _pages(request, rendering, texts)
    found = rendering.warnings()
    directory = Path(request.output_dir, request.chart["Name"]) if request.output_dir else None
    if directory and not request.show_only:
        left = {f"templates/{file}" for file in template_names()} - {file for file, _ in pages}
        found += [Problem((), f"{path}: renders nothing now; delete it") for path in output.stale(directory, left)]
    if request.strict and found:
        raise Refused(*found)
    out = "".join(page for _, page in pages)
    if request.lint:
        output.lint(out, text(LINT_RULES))
    if request.show_values:
        out = to_yaml(rendering.values) + "\n"
    elif directory:
        output.write(pages, directory)
        out = ""
    return Result(out, notes.strip(), found)


def _pages(request: Request, rendering: Rendering, texts: dict[str, str]) -> list[tuple[str, str]]:
    """(path in the chart, text) of every document, in the order in which they are printed."""
    pages = [(f"templates/{file}", document) for file, document in ordered(texts, not request.no_hooks)]
    if request.show_only:
        pages.sort(key=lambda page: request.show_only.index(page[0].removeprefix("templates/")))
    elif request.crds:
        pages = rendering.crds(output.read_crds(Path(request.crds))) + pages
    return [(file, framed(request.chart["Name"], file, document)) for file, document in pages]
