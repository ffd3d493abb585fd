# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The options of the commands; those that say which release is meant and what its values are, both have."""

from __future__ import annotations

import fnmatch
import functools

import click

from stageset_render.findings import Refused, short
from stageset_render.pack.files import CHART, manifest_names
from stageset_render.pack.names import check_name, check_namespace
from stageset_render.reporting import FORMATS, plainly


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
    """The patterns of --show-only, as in Helm; each matches a template, or perhaps a definition."""
    patterns = []
    for name in names:
        pattern = name.removeprefix(f"{CHART['Name']}/").removeprefix("templates/")
        found = fnmatch.filter(manifest_names(), pattern)
        if not found and not pattern.startswith("crd"):
            import difflib  # only wrong usage pays for it

            near = difflib.get_close_matches(pattern, manifest_names(), 3)
            others = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(manifest_names())}"
            raise click.BadParameter(f"there is no template {short(pattern)!r}; {others}")
        patterns.append(pattern)
    return list(dict.fromkeys(patterns))


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
        raise click.BadParameter("it is empty; name something, or leave the option out")
    return value


def _once(_context, _option, values: tuple[str, ...]) -> str | None:
    if len(values) > 1 or "" in values:
        raise click.BadParameter("it takes one pattern, as in 'releases/*.yaml'")
    return values[0] if values else None


def _ignored(_context, _option, values: tuple[str, ...]) -> list[str]:
    names = [name for value in values for name in value.split(",") if name]
    if names:
        from stageset_render.pack.ignoring import known  # only who ignores pays for it

        try:
            known(names)
        except Refused as refused:
            raise click.BadParameter(plainly(refused)) from refused
    return names


def _print_rules(context, _option, value: bool) -> None:
    if value and not context.resilient_parsing:
        from stageset_render.rules import every

        for rule in every():
            click.echo(f"{rule.name:<40} {rule.level:<8} {rule.summary}")
        context.exit()


def _rules_named(_context, _option, incomplete: str) -> list[str]:
    from stageset_render.rules import every

    done, comma, last = incomplete.rpartition(",")
    return [done + comma + rule.name for rule in every() if rule.name.startswith(last)]


def _values_named(_context, _option, incomplete: str) -> list[str]:
    from stageset_render.pack.release import schema  # only a completion pays for it

    done, comma, last = incomplete.rpartition(",")
    names = [".".join(path) for path in schema().paths() if path]
    inner = {name.rpartition(".")[0] for name in names}
    return [f"{done}{comma}{name}{'.' if name in inner else '='}" for name in names if name.startswith(last)]


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
    click.option(
        "--set",
        "set_",
        multiple=True,
        metavar="KEY=VALUE",
        shell_complete=_values_named,
        help="Set values. Repeatable, like those below.",
    ),
    click.option(
        "--set-string",
        multiple=True,
        metavar="KEY=VALUE",
        shell_complete=_values_named,
        help="Set values that stay strings.",
    ),
    click.option(
        "--set-json",
        multiple=True,
        metavar="KEY=JSON",
        shell_complete=_values_named,
        help="Set values from JSON, or all from one JSON object.",
    ),
    click.option(
        "--set-file",
        multiple=True,
        metavar="KEY=PATH",
        shell_complete=_values_named,
        help="Set values to the text of files.",
    ),
    click.option(
        "--set-literal",
        multiple=True,
        metavar="KEY=TEXT",
        shell_complete=_values_named,
        help="Set a value to a text as it stands.",
    ),
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
        metavar="PATH",
        callback=_named,
        shell_complete=files("file"),
        help="Add the CustomResourceDefinitions of the chart (a directory or .tgz), or of other YAML files.",
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
    click.option(
        "--dry-run",
        is_flag=True,
        help="Check everything; print and write nothing (a terminal is told when nothing is wrong).",
    ),
    click.option("--verbose", is_flag=True, help="Say on stderr what --each has rendered."),
    click.option("--show-values", is_flag=True, help="Print the merged values instead of manifests."),
    click.option("--explain", is_flag=True, help="The same, with a comment on who set each that is no default."),
    click.option("--changes", is_flag=True, help="The same of those alone, with what each took the place of."),
    click.option("--callers", is_flag=True, help="Print who may call which port instead of manifests."),
    click.option(
        "--expect",
        metavar="FILE",
        callback=_named,
        shell_complete=files("file"),
        help="Hold the release against FILE, a list of who is to get in and who is not; refuse what breaks a promise.",
    ),
    click.option(
        "--skip-schema-validation",
        is_flag=True,
        help="Only warn of unknown keys and bounds inside passed-through values, which a newer API may take.",
    ),
    click.option("--notes", is_flag=True, help="Print the notes on stderr; they end with who may call which port."),
    click.option("--lint", "lint", is_flag=True, help="Run yamllint over the output."),
    click.option("--strict", is_flag=True, help="Refuse what is otherwise warned about."),
    click.option(
        "--ignore",
        multiple=True,
        metavar="RULE[,RULE]",
        callback=_ignored,
        shell_complete=_rules_named,
        help="Let pass what these rules find; mesh-* is a family. Repeatable. In a file: # stageset: ignore RULE why",
    ),
    click.option("--format", "form", type=click.Choice(FORMATS), help="How findings are written to stderr."),
    click.option(
        "--rules",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_print_rules,
        help="List the rules and exit.",
    ),
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
