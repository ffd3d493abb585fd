# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Checks values and renders the templates with them: what Python code calls."""

from __future__ import annotations

from collections.abc import Iterable

from stageset_render.findings import ERROR, Finding, Refused
from stageset_render.pack.files import CHART
from stageset_render.pack.ignoring import Ignored, known
from stageset_render.pack.release import Release
from stageset_render.rules import judged


def render(
    values: dict,
    *,
    name: str,
    namespace: str,
    templates: list[str] | None = None,
    chart: dict = CHART,
    ignore: Iterable[str] = (),
) -> dict[str, str]:
    """Render the templates.

    Args:
        values: what the user sets, as in a values file; the defaults are merged under it with Helm's rules.
        name: the release's name.
        namespace: the release's namespace.
        templates: limits the rendering to these file names, for example `["namespace.yaml"]`.
        chart: what templates see as `Chart`: Name, Version and AppVersion.
        ignore: names of rules, or patterns such as `mesh-*`, that are not to refuse; one that is no rule's is refused.

    Returns:
        File name to rendered text, like `helm_python.Chart.render`, NOTES.txt included; `helm.documents.ordered` puts the
        documents into the order in which Helm prints them.

    Raises:
        Refused: when anything about the values is wrong, or a template fails. Nothing is rendered then.
    """
    return _accepted(values, name, namespace, chart, ignore)[0].texts(templates)


def warnings(
    values: dict, *, name: str, namespace: str, chart: dict = CHART, ignore: Iterable[str] = ()
) -> list[Finding]:
    """What is legal but surprising about `values`; arguments and errors as for `render`."""
    return _accepted(values, name, namespace, chart, ignore)[1]


def callers(values: dict, *, name: str, namespace: str, chart: dict = CHART, ignore: Iterable[str] = ()) -> list[dict]:
    """Who may call which port: the rows of the table of `--callers`; arguments and errors as for `render`."""
    from stageset_render.pack import callers as told  # only what asks pays for it

    return told.as_data(told.callers(_accepted(values, name, namespace, chart, ignore)[0]))


def broken(
    values: dict,
    expectations: list[dict],
    *,
    name: str,
    namespace: str,
    chart: dict = CHART,
    ignore: Iterable[str] = (),
) -> list[Finding]:
    """The promises that the rendered objects break; further arguments as for `render`.

    Args:
        values: as for `render`.
        expectations: entries as in a file of `--expect`.

    Raises:
        Refused: as `render` does, and for an expectation that is none.
    """
    from stageset_render.pack import expectations as asserted

    release = _accepted(values, name, namespace, chart, ignore)[0]
    return list(asserted.broken(release, asserted.checked(expectations)))


def _accepted(
    values: dict, name: str, namespace: str, chart: dict, ignore: Iterable[str]
) -> tuple[Release, list[Finding]]:
    """The release and its warnings; Refused for what is wrong about it."""
    release = Release(values, name=name, namespace=namespace, chart=chart)
    ignore = (ignore,) if isinstance(ignore, str) else tuple(ignore)
    known(ignore)
    found = Ignored(ignore).left(judged(release))
    errors = [one for one in found if one.level == ERROR]
    if errors:
        raise Refused(*errors)
    return release, found
