# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Checks values and renders the templates with them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from stageset_render.helm.functions import Failed
from stageset_render.helm.reading import load_yaml
from stageset_render.helm.values import check_values, coalesce
from stageset_render.pack.environment import cache, environment, refusing
from stageset_render.pack.files import CHART, DEFAULTS, SCHEMA, VALIDATE, source, template_names, text
from stageset_render.pack.names import check_name, check_namespace, check_versions
from stageset_render.pack.schema import Schema
from stageset_render.problems import Problem, Refused, dotted, split_path


@functools.cache
def schema() -> Schema:
    """The schema of the values, values.schema.json."""
    return Schema(text(SCHEMA))


@functools.cache
def defaults() -> dict:
    """The default of every value, from templates/_defaults.tpl."""
    text = source(DEFAULTS)
    return cache().value(DEFAULTS, text, lambda: load_yaml(text, f"templates/{DEFAULTS}"))


class Rendering:
    """One release: its values, merged over the defaults and checked, and all that can be rendered with them.

    Args:
        values: what the user sets, as in a values file.
        name: the release's name.
        namespace: the release's namespace.
        chart: what templates see as `Chart`.

    Attributes:
        values: every value, as templates see them.

    Raises:
        Refused: with all that is wrong, each with the path of its value.
    """

    def __init__(self, values: dict, *, name: str, namespace: str, chart: dict = CHART):
        check_name(name)
        check_namespace(namespace)
        check_versions(chart)
        check_values(values)
        self.values = coalesce(defaults(), values)
        release = {"Name": name, "Namespace": namespace, "Service": "Helm"}
        self._context = {"Values": self.values, "Release": release, "Chart": chart, "Partials": {}}
        problems = schema().problems(self.values, values)
        if problems:
            problems += self._findings_beside(problems)
            raise Refused(*sorted(problems, key=lambda problem: dotted(problem.path)))
        found = self._findings("validate")
        if found:
            raise Refused(*found)

    def texts(self, templates: Iterable[str] | None = None) -> dict[str, str]:
        """The rendered text of each template, or of those named, by file name. Raises Refused when one fails."""
        with refusing():
            return {file: environment().get_template(file).render(self._context) for file in _chosen(templates)}

    def warnings(self) -> list[Problem]:
        """What is legal but surprising about the values."""
        return self._findings("warnings")

    def crds(self, found: list[tuple[str, dict]]) -> list[tuple[str, str]]:
        """The CustomResourceDefinitions as `_crds.tpl` says.

        Args:
            found: (file name, object) pairs.

        Returns:
            (file name, document) pairs; none when the values turn them off.
        """
        pages = [(f"crds/{file}", self._macro("_crds.tpl", "crd", definition)) for file, definition in found]
        return [(file, document.strip() + "\n") for file, document in pages if document.strip()]

    def _macro(self, file: str, macro: str, *arguments) -> str:
        with refusing():
            return str(getattr(environment().get_template(file).make_module(self._context), macro)(*arguments))

    def _findings(self, macro: str) -> list[Problem]:
        """The lines that a macro of the rules prints, or fails with, as problems of the values they name."""
        try:
            lines = self._macro(VALIDATE, macro)
        except Failed as failed:
            lines = str(failed)
        return [_finding(line) for line in lines.split("\n") if line]

    def _findings_beside(self, problems: list[Problem]) -> list[Problem]:
        """Cross-field findings about values other than those the schema refuses, so that one run names everything."""
        try:
            found = self._findings("validate")
        except Refused:  # a value of a wrong type, which is among the problems already, broke a template
            return []
        return [one for one in found if not any(_overlap(one.path, problem.path) for problem in problems)]


def _overlap(first: tuple, second: tuple) -> bool:
    return all(a == b for a, b in zip(first, second))


def _finding(line: str) -> Problem:
    named = re.match(r"([A-Za-z][^ :]*): ", line)
    return Problem(split_path(named[1]), line[named.end() :]) if named else Problem((), line)


def _chosen(templates: Iterable[str] | None) -> list[str]:
    """The templates to render; Refused for a name that is none, with the near ones."""
    known = template_names()
    unknown = [file for file in templates or () if file not in known]
    if unknown:
        import difflib  # only what fails pays for it

        near = difflib.get_close_matches(str(unknown[0]), known, 3, 0.4) or known
        raise Refused(f"there is no template {unknown[0]!r}; there are {', '.join(near)}")
    return [file for file in known if templates is None or file in templates]


def render(
    values: dict, *, name: str, namespace: str, templates: list[str] | None = None, chart: dict = CHART
) -> dict[str, str]:
    """Render the templates.

    Args:
        values: what the user sets, as in a values file; the defaults are merged under it with Helm's rules.
        name: the release's name.
        namespace: the release's namespace.
        templates: limits the rendering to these file names, for example `["namespace.yaml"]`.
        chart: what templates see as `Chart`: Name, Version and AppVersion.

    Returns:
        File name to rendered text, like `helm_python.Chart.render`.

    Raises:
        Refused: when anything about the values is wrong, or a template fails. Nothing is rendered then.
    """
    return Rendering(values, name=name, namespace=namespace, chart=chart).texts(templates)


def warnings(values: dict, *, name: str, namespace: str, chart: dict = CHART) -> list[Problem]:
    """What is legal but surprising about `values`; arguments and errors as for `render`."""
    return Rendering(values, name=name, namespace=namespace, chart=chart).warnings()
