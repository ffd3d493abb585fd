# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The options of the commands; those that say which release is meant and what its values are, both have."""

from __future__ import annotations

import fnmatch
import functools

import click

from stageset_render.pack.files import CHART, manifest_names
from stageset_render.pack.names import check_name, check_namespace
from stageset_render.problems import Refused, short


def checked_by(check):
    """A callback that makes wrong usage of what a check refuses; `{}` is filled in later, and checked then."""

    def callback(_context, _option, value):
        if "{}" in value:
            return value
        try:
            check(value)
        except Refused as refused:
            raise click.BadParameter(str(refused)) from refused
        return value

    return callback


def _template(_context, _option, names: tuple[str, ...]) -> list[str]:
    """The file names that --show-only means: patterns as in Helm, and paths into the chart as Helm prints them."""
    files = []
    for name in names:
        pattern = name.removeprefix(f"{CHART['Name']}/").removeprefix("templates/")
        found = fnmatch.filter(manifest_names(), pattern)
        if not found:
            import difflib  # only wrong usage pays for it

            near = difflib.get_close_matches(pattern, manifest_names(), 3)
            others = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(manifest_names())}"
            raise click.BadParameter(f"there is no template {short(pattern)!r}; {others}")
        files += found
    return list(dict.fromkeys(files))


def _namespace(context, option, value: str) -> str:
    return checked_by(check_namespace)(context, option, value or "default")  # an empty one is none to Helm


def files(kind: str):
    """What the shell offers for an option that takes a path: `file` or `dir`, from its own completion."""

    def offered(_context, _option, incomplete: str) -> list:
        from click.shell_completion import CompletionItem  # only a completion pays for it

        return [CompletionItem(incomplete, type=kind)]

    return offered


def _templates_named(_context, _option, incomplete: str) -> list[str]:
    names = [f"templates/{name}" for name in manifest_names()]
    return [name for name in names if name.startswith(incomplete)] or fnmatch.filter(names, f"templates/{incomplete}*")


def _named(_context, _option, value: str | None) -> str | None:
    if value == "":
        raise click.BadParameter("it is empty; name a directory, or leave the option out")
    return value


def _once(_context, _option, values: tuple[str, ...]) -> str | None:
    if len(values) > 1 or "" in values:
        raise click.BadParameter("it takes one pattern, as in 'environments/*.yaml'")
    return values[0] if values else None


_RELEASE = (
    click.argument("name", default="release-name", callback=checked_by(check_name)),
    click.option(
        "-f",
        "--values",
        multiple=True,
        metavar="FILE",
        shell_complete=files("file"),
        help="Values file, YAML or JSON; - is stdin. Repeatable.",
    ),
    click.option("--set", "set_", multiple=True, metavar="KEY=VALUE", help="Set values. Repeatable, like those below."),
    click.option("--set-string", multiple=True, metavar="KEY=VALUE", help="Set values that stay strings."),
    click.option(
        "--set-json", multiple=True, metavar="KEY=JSON", help="Set values from JSON, or all from one JSON object."
    ),
    click.option("--set-file", multiple=True, metavar="KEY=PATH", help="Set values to the text of files."),
    click.option("--set-literal", multiple=True, metavar="KEY=TEXT", help="Set a value to a text as it stands."),
    click.option(
        "-n",
        "--namespace",
        default="default",
        show_default=True,
        envvar="HELM_NAMESPACE",
        callback=_namespace,
        help="Namespace of the release; HELM_NAMESPACE names another default.",
    ),
)
_RENDERING = (
    click.option(
        "-s",
        "--show-only",
        multiple=True,
        metavar="templates/FILE",
        callback=_template,
        shell_complete=_templates_named,
        help="Render these templates only. Repeatable.",
    ),
    click.option(
        "--no-hooks", is_flag=True, help="Leave out Helm's hooks, which kubectl would apply as if they were none."
    ),
    click.option("--chart-version", metavar="V", help="Chart version that the labels name."),
    click.option("--app-version", metavar="A", help="appVersion that the labels, and an empty image tag, name."),
    click.option(
        "--crds",
        metavar="DIR",
        callback=_named,
        shell_complete=files("dir"),
        help="Add the CustomResourceDefinitions in DIR's YAML files.",
    ),
    click.option(
        "--output-dir",
        metavar="DIR",
        shell_complete=files("dir"),
        help="Write a file per template below DIR instead of printing.",
    ),
    click.option(
        "--each",
        multiple=True,
        metavar="PATTERN",
        callback=_once,
        help="Render a release per file that PATTERN matches, laid over the -f files; {} in NAME, -n, -f, --output-dir "
        "stands for what its * matched.",
    ),
    click.option("--dry-run", is_flag=True, help="Check everything; print and write nothing."),
    click.option("--verbose", is_flag=True, help="Say on stderr what --each has rendered."),
    click.option("--show-values", is_flag=True, help="Print the merged values instead of manifests."),
    click.option("--explain", is_flag=True, help="The same, with a comment on who set each that is no default."),
    click.option(
        "--skip-schema-validation",
        is_flag=True,
        help="Only warn of unknown keys and bounds inside passed-through values, which a newer API may take.",
    ),
    click.option("--notes", is_flag=True, help="Print the notes on stderr: who may call what under these values."),
    click.option("--lint", "lint", is_flag=True, help="Run yamllint over the output."),
    click.option("--strict", is_flag=True, help="Refuse what is otherwise warned about."),
)
VALUES = (
    "values",
    "set_json",
    "set_",
    "set_string",
    "set_file",
    "set_literal",
)  # in the order in which values.collect takes them


def release_options(command):
    """Give a command the argument NAME and the options for its namespace and values."""
    return functools.reduce(lambda inner, option: option(inner), reversed(_RELEASE), command)


def render_options(command):
    """Give a command the options that say what is rendered, and where it goes."""
    return functools.reduce(lambda inner, option: option(inner), reversed(_RENDERING), command)
