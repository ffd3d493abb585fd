# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What the command does with one release, as a plain function: from values to what is printed or written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from stageset_render.findings import ERROR, WARNING, Finding, Refused, short
from stageset_render.helm.documents import framed, ordered, unknown_hooks
from stageset_render.helm.values import Source
from stageset_render.helm.writing import to_yaml
from stageset_render.pack import output
from stageset_render.pack.files import CHART, LINT_RULES, manifest_names, template_names, text
from stageset_render.pack.ignoring import Ignored
from stageset_render.pack.release import Release, plain_defaults
from stageset_render.reporting import Told, located
from stageset_render.rules import judged, unreadable

if TYPE_CHECKING:
    from stageset_render.pack.callers import Callers
    from stageset_render.pack.definitions import Definitions
    from stageset_render.pack.expectations import Expectations


class Request(NamedTuple):
    """What to render, and what to do with it; the fields are the command's options."""

    name: str
    namespace: str
    values: dict
    sources: list[Source] = []
    chart: dict = CHART
    show_only: list[str] = []  # patterns of what is shown, one for each option
    no_hooks: bool = False
    crds: str | Definitions | None = None
    output_dir: str | None = None
    show_values: bool = False
    explain: bool = False
    changes: bool = False
    notes: bool = False
    skip_schema_validation: bool = False
    callers: bool = False
    expect: Expectations | None = None
    lint: bool = False
    strict: bool = False
    dry_run: bool = False
    found: list[Finding] = []  # of the command line

    @property
    def directory(self) -> str | None:
        """Where the files go."""
        return os.path.join(self.output_dir, self.chart["Name"]) if self.output_dir else None


class Result(NamedTuple):
    """What came of it.

    Attributes:
        told: what was found.
        refused: whether that keeps the release from being rendered; there are no pages then.
        pages: (path in the chart, text) of every document, in the order of printing.
        notes: the text of the notes, and the table of callers under it.
        callers: that table, when it is asked for.
        values: every value, merged.
    """

    told: list[Told]
    refused: bool = False
    pages: list[tuple[str, str]] = []
    notes: str = ""
    callers: Callers | None = None
    values: dict = {}


def rendered(request: Request, ignored: Ignored, release_name: str = "") -> Result:
    """Render, and write nothing yet.

    Args:
        request: what to render.
        ignored: what is not to be told.
        release_name: how reports call the release, when there are several.

    Raises:
        Refused: where there is nothing to judge, or a template fails.
    """
    release = Release(request.values, name=request.name, namespace=request.namespace, chart=request.chart)
    found = [*request.found, *(problem for source in request.sources for problem in source.problems)]
    found += judged(release, request.skip_schema_validation)
    told, refused = _told(request, ignored, release_name, found)
    if request.expect and not refused:
        from stageset_render.pack.expectations import broken

        found += broken(release, request.expect.entries, request.expect.place)
        told, refused = _told(request, ignored, release_name, found)
    told_otherwise = request.callers or request.explain or request.changes or request.show_values
    definitions = list(_of_definitions(request, release))
    if refused and not request.strict or told_otherwise or request.dry_run:  # no object is printed that could miss them
        ignored.left(definitions)  # so that an ignore of them has met something
    elif definitions:
        found += definitions
        told, refused = _told(request, ignored, release_name, found)
    texts = {} if refused or told_otherwise else _texts(request, release)
    pages = _pages(request, texts)
    more = list(_of_output(request, texts, pages)) if texts else []
    if not any(map(unreadable, found)):  # all has been judged
        more += ignored.unmet()
    if more:
        told, refused = _told(request, ignored, release_name, found + more)
    if refused:
        return Result(told, refused)
    table, notes = None, ""
    if request.callers or request.notes:
        from stageset_render.pack import callers

        table = callers.callers(release)
        notes = f"{release.notes()}\n\nWho may call the controller:\n\n{callers.as_text(table)}"
    return Result(told, refused, pages, notes, table if request.callers else None, release.values)


def _of_definitions(request: Request, release: Release) -> Iterator[Finding]:
    """What is found of the CustomResourceDefinitions, where the whole release is rendered."""
    create, path = release.at("crds.create"), ("crds", "create")
    if request.crds and not create:
        yield Finding(
            path, "is not true, so --crds is without effect", "leave that out", "crds-without-effect", WARNING
        )
    elif create and not (request.crds or request.show_only):
        message = "the CustomResourceDefinitions are a part of the release, and are not rendered without --crds"
        mend = "give --crds the chart, or a directory that has them, or set this to false and apply them yourself"
        yield Finding(path, message, mend, "crds-left-out", WARNING)


def _told(request: Request, ignored: Ignored, name: str, found: list[Finding]) -> tuple[list[Told], bool]:
    judged_by_user, left = [], []
    for finding, reason in ignored.sorted(found):
        if reason is None:
            left.append(finding)
        else:
            judged_by_user += [one._replace(ignored=reason) for one in located([finding], request.sources, name)]
    refused = any(one.level == ERROR or request.strict for one in left)
    return located(left, request.sources, name) + judged_by_user, refused


def execute(request: Request, ignored: Ignored) -> tuple[str, Result]:
    """Render, and write below `output_dir` when there is one. Returns what goes to stdout, and the rest.

    Raises:
        Refused: as `rendered` does.
        OSError: when a file can't be written.
    """
    result = rendered(request, ignored)
    if result.refused or request.dry_run or request.callers:
        return "", result
    if request.explain or request.changes:
        from stageset_render.pack import explain

        told = explain.changed if request.changes else explain.explained
        return told(result.values, plain_defaults(), request.sources), result
    if request.show_values:
        return to_yaml(result.values) + "\n", result
    if request.directory:
        output.write(result.pages, request.directory)
        return "", result
    return "".join(page for _, page in result.pages), result


def _texts(request: Request, release: Release) -> dict[str, str]:
    """What is rendered, by its path in the chart."""
    files = [file for file in manifest_names() if not request.show_only or _asked(f"templates/{file}", request)]
    texts = {f"templates/{file}": text for file, text in release.texts(files).items()}
    if request.crds:
        from stageset_render.pack.definitions import Definitions  # who gives none does without

        given = request.crds if isinstance(request.crds, Definitions) else Definitions(request.crds)
        texts.update(given.texts(release))
    missing = set(range(len(request.show_only))).difference(*(_asked(path, request) for path in texts))
    if missing:
        pattern = short(repr(request.show_only[min(missing)]))
        raise Refused(f"there is no template {pattern}, and no definition that --crds names")
    return texts


def _asked(path: str, request: Request) -> list[int]:
    """The numbers of the options --show-only whose patterns a path matches."""
    name = path.removeprefix("templates/")
    patterns = (pattern.removeprefix("templates/") for pattern in request.show_only)
    return [number for number, pattern in enumerate(patterns) if fnmatchcase(name, pattern)]


def _pages(request: Request, texts: dict[str, str]) -> list[tuple[str, str]]:
    """(path in the chart, text) of every document, in the order in which they are printed.

    That is Helm's order of installation; with --show-only it is so for each of the options in turn (Helm: pkg/cmd).
    """
    pages = ordered(texts, not request.no_hooks)
    if request.show_only:
        asked = {path: _asked(path, request) for path in texts}
        pages = sorted((page for page in pages if asked[page[0]]), key=lambda page: asked[page[0]][0])
    return [(file, framed(request.chart["Name"], file, document)) for file, document in pages]


def _of_output(request: Request, texts: dict[str, str], pages: list[tuple[str, str]]) -> Iterator[Finding]:
    """What is found in what is rendered, and in the directory that it is written to."""
    for path, hook in unknown_hooks(texts):
        message = f"{path} is left out, as Helm leaves it out: {short(ascii(hook))} is no kind of hook that it knows"
        yield Finding((), message, "mend or remove the annotation helm.sh/hook", "output-hook", WARNING)
    if request.directory and not request.show_only:
        left = {f"templates/{file}" for file in template_names()} - {file for file, _ in pages}
        for path in output.stale(request.directory, left):
            yield Finding((), f"{path} renders nothing now", "delete it", "output-stale", WARNING)
    if request.lint:
        yield from output.lint(pages, text(LINT_RULES))
