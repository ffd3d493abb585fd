# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Checks values and renders the templates with them."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable

from stageset_render.helm.functions import Failed
from stageset_render.helm.reading import load_yaml
from stageset_render.helm.values import check_values, coalesce
from stageset_render.pack.environment import cache, environment, refusing
from stageset_render.pack.files import CHART, DEFAULTS, SCHEMA, VALIDATE, source, template_names, text
from stageset_render.pack.names import check_name, check_namespace, check_versions
from stageset_render.pack.schema import Schema, pieces
from stageset_render.problems import Problem, Refused, dotted, short, split_path


@functools.cache
def schema() -> Schema:
    """The schema of the values, values.schema.json."""
    json = text(SCHEMA)
    return Schema(json, cache().value(SCHEMA, json, lambda: pieces(json)))


@functools.cache
def defaults() -> dict:
    """The default of every value, from templates/_defaults.tpl."""
    text = source(DEFAULTS)
    return cache().value(DEFAULTS, text, lambda: load_yaml(text, f"templates/{DEFAULTS}"))


@functools.cache
def plain_defaults() -> dict:
    """The values of a release for which the user sets none."""
    return coalesce(defaults(), {})


class Rendering:
    """One release: its values, merged over the defaults and checked, and all that can be rendered with them.

    Args:
        values: what the user sets, as in a values file.
        name: the release's name.
        namespace: the release's namespace.
        chart: what templates see as `Chart`.
        skip_schema_validation: warn alone of what `Schema.split` says may be let pass.

    Attributes:
        values: every value, as templates see them.

    Raises:
        Refused: with all that is wrong, each with the path of its value.
    """

    def __init__(
        self, values: dict, *, name: str, namespace: str, chart: dict = CHART, skip_schema_validation: bool = False
    ):
        check_name(name)
        check_namespace(namespace)
        check_versions(chart)
        check_values(values)
        self.values = coalesce(defaults(), values, plain_defaults())
        release = {"Name": name, "Namespace": namespace, "Service": "Helm"}
        own = {"Values": self.values, "Release": release, "Chart": chart, "Partials": {}}
        self._context = {**environment().globals, **own}
        problems, self._demoted = schema().split(self.values, values)
        if not skip_schema_validation:
            problems, self._demoted = problems + self._demoted, []
        if problems:
            problems += self._findings_beside(problems)
            raise Refused(*sorted(problems, key=lambda problem: dotted(problem.path)))
        found = self._findings("validate")
        if found:
            raise Refused(*found)

    def texts(self, templates: Iterable[str] | None = None) -> dict[str, str]:
        """The rendered text of each template, or of those named, by file name. Raises Refused when one fails."""
        with refusing():
            return {file: environment().get_template(file).rendered(self._context) for file in _chosen(templates)}

    def warnings(self) -> list[Problem]:
        """What is legal but surprising about the values."""
        return self._demoted + self._findings("warnings")

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
        cuts: dict = {}
        for problem in problems:
            inside = cuts
            for step in itertools.takewhile(lambda step: isinstance(step, str), problem.path):
                inside = inside.setdefault(step, {})
        self._context = {**self._context, "Values": _without(self.values, defaults(), cuts), "Partials": {}}
        found = self._findings("validate")
        return [one for one in found if not _inside(cuts, one.path)]


def _without(values: dict, known: dict, cuts: dict) -> dict:
    """The values with the default in place of each that the schema refuses, of a wrong type or with a fault inside, so
    that no rule meets it; a text or number that is only not allowed stays."""
    result = dict(values)
    for key, inner in cuts.items():
        value, default = values.get(key), known.get(key)
        if isinstance(default, dict) and isinstance(value, dict) and inner:
            result[key] = _without(value, default, inner)
        elif key not in known:
            result.pop(key, None)
        elif isinstance(value, (dict, list)) or type(value) is not type(default):
            result[key] = default
    return result


def _inside(cuts: dict, path: tuple) -> bool:
    """Whether a path is that of a refused value, or leads into one."""
    for step in path:
        if step not in cuts:
            return False
        cuts = cuts[step]
        if not cuts:
            return True
    return True


def _finding(line: str) -> Problem:
    named = re.match(r"([A-Za-z][^ :]*): ", line)
    return Problem(split_path(named[1]), line[named.end() :]) if named else Problem((), line)


def _chosen(templates: Iterable[str] | None) -> list[str]:
    """The templates to render; Refused for a name that is none, with the near ones."""
    known = template_names()
    unknown = [file for file in templates or () if file not in known]
    if unknown:
        import difflib  # only what fails pays for it

        near = difflib.get_close_matches(str(unknown[0]), known, 3)
        others = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(known)}"
        raise Refused(f"there is no template {short(repr(unknown[0]))}; {others}")
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
