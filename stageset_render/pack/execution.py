# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What the command does with one release, as a plain function: from values to what is printed or written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from stageset_render.helm.documents import framed, ordered
from stageset_render.helm.values import Source
from stageset_render.helm.writing import to_yaml
from stageset_render.pack import output
from stageset_render.pack.files import CHART, LINT_RULES, NOTES, manifest_names, template_names, text
from stageset_render.pack.rendering import Rendering, plain_defaults
from stageset_render.problems import Problem, Refused


class Request(NamedTuple):
    """What to render, and what to do with it; the fields are the command's options."""

    name: str
    namespace: str
    values: dict
    sources: list[Source] = []
    chart: dict = CHART
    show_only: list[str] = []
    no_hooks: bool = False
    crds: str | None = None
    output_dir: str | None = None
    show_values: bool = False
    explain: bool = False
    skip_schema_validation: bool = False
    lint: bool = False
    strict: bool = False
    dry_run: bool = False

    @property
    def directory(self) -> str | None:
        """Where the files go."""
        return os.path.join(self.output_dir, self.chart["Name"]) if self.output_dir else None


class Result(NamedTuple):
    """What came of it; pages are (path in the chart, text) of every document, in the order of printing."""

    pages: list[tuple[str, str]]
    notes: str
    warnings: list[Problem]
    values: dict


def rendered(request: Request) -> Result:
    """Render, and write nothing yet.

    Raises:
        Refused: for everything that ends in exit code 1, with all that is wrong.
    """
    rendering = Rendering(
        request.values,
        name=request.name,
        namespace=request.namespace,
        chart=request.chart,
        skip_schema_validation=request.skip_schema_validation,
    )
    texts = rendering.texts([*(request.show_only or manifest_names()), NOTES])
    notes, pages = texts.pop(NOTES), _pages(request, rendering, texts)
    found = rendering.warnings()
    if request.directory and not request.show_only:
        left = {f"templates/{file}" for file in template_names()} - {file for file, _ in pages}
        stale = output.stale(request.directory, left)
        found += [Problem((), f"{path}: renders nothing now; delete it") for path in stale]
    if request.strict and found:
        raise Refused(*found)
    if request.lint:
        output.lint("".join(page for _, page in pages), text(LINT_RULES))
    return Result(pages, notes.strip(), found, rendering.values)


def execute(request: Request) -> tuple[str, Result]:
    """Render, and write below `output_dir` when there is one. Returns what goes to stdout, and the rest.

    Raises:
        Refused: as `rendered` does.
        OSError: when a file can't be written.
    """
    result = rendered(request)
    if request.dry_run:
        return "", result
    if request.explain:
        from stageset_render.pack.explain import explained

        return explained(result.values, plain_defaults(), request.sources), result
    if request.show_values:
        return to_yaml(result.values) + "\n", result
    if request.directory:
        output.write(result.pages, request.directory)
        return "", result
    return "".join(page for _, page in result.pages), result


def _pages(request: Request, rendering: Rendering, texts: dict[str, str]) -> list[tuple[str, str]]:
    """(path in the chart, text) of every document, in the order in which they are printed."""
    pages = [(f"templates/{file}", document) for file, document in ordered(texts, not request.no_hooks)]
    if request.show_only:
        pages.sort(key=lambda page: request.show_only.index(page[0].removeprefix("templates/")))
    elif request.crds:
        pages = rendering.crds(output.read_crds(Path(request.crds))) + pages
    return [(file, framed(request.chart["Name"], file, document)) for file, document in pages]
