# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The command: its options, its exit codes and its words on stderr."""

from __future__ import annotations

import fnmatch
import os
import sys

try:
    import click

    from stageset_render import __version__
    from stageset_render.helm.values import Source, collect, place_of
    from stageset_render.options import checked_by, release_options
    from stageset_render.pack.execution import Request, execute
    from stageset_render.pack.files import CHART, manifest_names
    from stageset_render.pack.names import check_versions
    from stageset_render.problems import Problem, Refused
except ModuleNotFoundError as error:  # a checkout whose dependencies are not installed
    how = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/python renderer.py"
    sys.exit(f"there is no Python package {error.name}; install what renderer.py needs, and run it: {how}")

MOST_FINDINGS = 100  # printed of one run; more help nobody


def say(problems: list[Problem], sources: list[Source], prefix: str = "") -> None:
    """Print problems on stderr, a line each."""
    for problem in problems[:MOST_FINDINGS]:
        click.echo(f"{prefix}{located(problem, sources)}", err=True)
    if len(problems) > MOST_FINDINGS:
        click.echo(f"{prefix}... and {len(problems) - MOST_FINDINGS} more", err=True)


def located(problem: Problem, sources: list[Source]) -> str:
    """A problem as the command prints it: where the value was written, its path, what is wrong."""
    place = place_of(sources, problem.path, problem.at_key) if problem.path else ""
    return ": ".join(filter(None, (place, str(Refused(problem)))))


def _template(_context, _option, names: tuple[str, ...]) -> list[str]:
    """The file names that --show-only means: patterns as in Helm, and paths into the chart as Helm prints them."""
    files = []
    for name in names:
        pattern = name.removeprefix(f"{CHART['Name']}/").removeprefix("templates/")
        found = fnmatch.filter(manifest_names(), pattern)
        if not found:
            import difflib  # only wrong usage pays for it

            near = difflib.get_close_matches(pattern, manifest_names(), 3, 0.4) or manifest_names()
            raise click.BadParameter(f"there is no template {pattern!r}; there are {', '.join(near)}")
        files += found
    return list(dict.fromkeys(files))


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@release_options
@click.option(
    "-s",
    "--show-only",
    multiple=True,
    metavar="templates/FILE",
    callback=_template,
    help="Render these templates only. Repeatable.",
)
@click.option(
    "--no-hooks", is_flag=True, help="Leave out Helm's hooks, which kubectl would apply as if they were none."
)
@click.option("--chart-version", metavar="V", help="Chart version that the labels name.")
@click.option("--app-version", metavar="A", help="appVersion that the labels, and an empty image tag, name.")
@click.option("--crds", metavar="DIR", help="Add the CustomResourceDefinitions in DIR's YAML files, before the rest.")
@click.option("--output-dir", metavar="DIR", help="Write a file per template below DIR instead of printing.")
@click.option("--show-values", is_flag=True, help="Print the merged values instead of manifests.")
@click.option("--notes", is_flag=True, help="Print the notes on stderr: who may call what under these values.")
@click.option("--lint", "lint", is_flag=True, help="Run yamllint over the output.")
@click.option("--strict", is_flag=True, help="Refuse what is otherwise warned about.")
@click.version_option(
    __version__,
    prog_name="stageset-render",
    message=f"%(prog)s %(version)s, chart {CHART['Version']}, appVersion {CHART['AppVersion']}",
)
def main(values, set_, set_string, set_json, set_file, chart_version, app_version, notes, **options) -> None:
    """Render the manifests of the stageset-controller chart, as `helm template NAME` would.

    Exit codes: 0 rendered; 1 the values were refused or a template failed; 2 wrong usage. Unless 0, stdout stays empty.
    """
    versions = {"Version": chart_version, "AppVersion": app_version}
    chart = {**CHART, **{key: value for key, value in versions.items() if value is not None}}
    checked_by(check_versions)(None, None, chart)
    if options["show_values"] and options["output_dir"]:
        raise click.UsageError("--show-values prints to stdout; it goes with no --output-dir")
    sources: list[Source] = []
    try:
        sources += collect(values, set_json, set_, set_string, set_file)
        result = execute(Request(sources=sources, chart=chart, **options))
        say(result.warnings, sources, "warning: ")
        if notes:
            click.echo(result.notes, err=True)
        if result.text and sys.stdout is None:
            raise Refused("stdout is closed; nothing can be printed")
    except Refused as refused:
        say(refused.problems, sources)
        sys.exit(1)
    except OSError as error:
        click.echo(": ".join(filter(None, (str(error.filename or ""), error.strerror or str(error)))), err=True)
        sys.exit(1)
    except Exception as error:  # no traceback reaches a user, whatever went wrong
        click.echo(f"this is a bug, please report it: {type(error).__name__}: {error}", err=True)
        sys.exit(1)
    try:
        click.echo(result.text.encode(), nl=False)
    except BrokenPipeError:
        raise  # the reader has enough; click ends quietly
    except OSError as error:
        click.echo(f"stdout: {error.strerror}", err=True)
        os._exit(1)  # what is left in stdout's buffer can't be written at exit either


if __name__ == "__main__":
    main(prog_name="renderer.py")
