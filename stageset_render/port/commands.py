# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The command stageset-port."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stageset_render import __version__
from stageset_render.findings import Finding, Place, Refused
from stageset_render.helm.values import collect, combine
from stageset_render.options import VALUES, release_options
from stageset_render.pack.files import source
from stageset_render.port.chart import chart, ported, ported_names, write
from stageset_render.reporting import FORMATS, located, plainly, report

if TYPE_CHECKING:
    from stageset_render.port.diff.sides import Chart


class Commands(click.Group):
    """Commands that end like the renderer's: what is refused goes to stderr with exit code 1, and never a traceback."""

    def invoke(self, context: click.Context):
        try:
            return super().invoke(context)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Refused as refused:
            _told(refused.problems, None)
        except OSError as error:
            click.echo(f"{error.filename}: {error.strerror}", err=True)
        except Exception as error:  # no traceback reaches a user, whatever went wrong
            cause = f"{type(error).__name__}: {error}"
            click.echo(f"stageset-port failed: {cause}; this is a bug, please report it", err=True)
        sys.exit(1)


def _template(_context, _option, name: str | None) -> str | None:
    file = name and name.removeprefix("templates/")
    if file and file not in ported_names():
        raise click.BadParameter(f"there is no template {file!r}; there are {', '.join(ported_names())}")
    return file


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stageset-port")
def main() -> None:
    """Carry the pack over to Helm.

    Exit codes: 0 done; 1 something was refused; 2 wrong usage.
    """


@main.command("chart")
@click.argument("directory", metavar="OUTDIR", required=False)
@click.option("--only", metavar="templates/FILE", callback=_template, help="Print this template instead.")
@click.option("--force", is_flag=True, help="Write into a directory that is not empty.")
def chart_command(directory: str | None, only: str | None, force: bool) -> None:
    """Write the pack as a Helm chart into OUTDIR."""
    if bool(directory) == bool(only):
        raise click.UsageError("name either OUTDIR or a template with --only")
    if only:
        click.echo(ported(only, source(only)).encode(), nl=False)
    else:
        write(chart(), Path(directory), force)


class Unfit(click.ClickException):
    """What ends a comparison before there is a result."""

    exit_code = 2


def _compares(command):
    """The argument, the options and the endings that `diff` and `review` share."""

    @functools.wraps(command)
    def run(chart: str, name: str, namespace: str, **options):
        from stageset_render.port.diff.report import outdated
        from stageset_render.port.diff.sides import Chart

        sources: list = []
        try:
            sources += collect(*(options.pop(key) for key in VALUES))
            values, release = combine(sources) if sources else None, {"name": name, "namespace": namespace}
            found = Chart(chart)
            if values is None:
                _told(outdated(found), None)
            problems = command(found, values, release, **options)
        except Refused as refused:
            problems = refused.problems
        except OSError as error:
            place = Place(error.filename) if error.filename else None
            problems = [Finding((), error.strerror or str(error), place=place)]
        if problems:
            _told(problems, None, sources)
            sys.exit(2)

    return click.argument("chart")(release_options(run))


@main.command("diff")
@_compares
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@click.option("--deliberate", is_flag=True, help="List what differs on purpose instead of counting it by reason.")
@click.option("--random", metavar="COUNT", type=click.IntRange(1), help="Draw so many value sets from the schema.")
@click.option("--seed", type=int, help="Which of them --random draws; 0 by itself.")
def diff_command(
    chart: Chart,
    values: dict | None,
    release: dict,
    output: str,
    deliberate: bool,
    random: int | None,
    seed: int | None,
) -> list[Finding]:
    """Hold the pack against CHART, a directory or .tgz: what the templates read, and what they render.

    Without values, the built-in cases are rendered, which turn every condition on and off. Helm renders the chart.
    With --random, the first difference is told under the smallest values that show it.

    Exit codes: 0 no difference; 1 differences; 2 wrong usage, or a side that fails.
    """
    from stageset_render.port.diff import report

    if random and values is not None:
        raise click.UsageError("--random draws the values itself; leave out -f and --set")
    if seed is not None and not random:
        raise click.UsageError("--seed says what --random draws; name both")
    drawn = _drawn(chart, random, seed or 0, release) if random else None
    if drawn:
        chosen = {} if drawn.values is None else {"drawn": drawn.values}
    else:
        chosen = report.cases(chart) if values is None else {"given": values}
    found = report.report(chart, chosen, **release)._replace(drawn=drawn)
    text = report.as_json(found) if output == "json" else report.as_text(found, chart, deliberate)
    click.echo(text.encode("utf-8", "backslashreplace"), nl=False)
    if not found.failures:
        sys.exit(found.exit_code)
    return found.failures


def _drawn(chart: Chart, count: int, seed: int, release: dict):
    """What search finds, with a progress bar on a terminal."""
    from stageset_render.port.diff.search import search

    with click.progressbar(length=count, label="value sets", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        return search(chart, count, seed, lambda: bar.update(1), **release)


@main.command("review")
@_compares
@click.option("-o", "--output", required=True, metavar="FILE", help="The page to write; - is stdout.")
@click.option("--case", metavar="CASE", help="Render the built-in values of this name alone.")
def review_command(chart: Chart, values: dict | None, release: dict, output: str, case: str | None) -> None:
    """Write a page that shows where CHART and the pack differ, side by side, with the objects that differ.

    Exit codes: 0 written; 2 wrong usage, or a side that fails.
    """
    from stageset_render.port.diff import page, report

    known = report.cases(chart)
    if case is not None and case not in known:
        raise click.BadParameter(f"there is no case {case!r}; there are {', '.join(known)}")
    chosen = {"given": values} if values is not None else {case: known[case]} if case else known
    text = page.review(chart, chosen, **release).encode()
    if output == "-":
        click.echo(text, nl=False)
    else:
        Path(output).write_bytes(text)


def _told(problems: list, form: str | None, sources: Sequence = ()) -> None:
    """Print findings as the renderer prints them, at their places in the sources of values."""
    printed = report(form)
    printed.add(located(problems, list(sources)))
    printed.close()


def _carries(command):
    """The options and endings that `pull` and `push` share: 0 nothing, 1 changes, 2 conflicts or what has no form."""

    @functools.wraps(command)
    def run(form: str | None, **options):
        try:
            found, told = command(**options)
        except Refused as refused:
            _told(refused.problems, form)
            sys.exit(2)
        except UnicodeDecodeError as error:
            raise Unfit(f"{options['only']} is not UTF-8 ({error}); save it as UTF-8") from error
        except OSError as error:
            raise Unfit(": ".join(filter(None, (error.filename, error.strerror or str(error))))) from error
        for line in told:
            click.echo(plainly(line), err=True)
        if found is not None:
            if found.conflicts:
                _told(found.conflicts, form)
            sys.exit(2 if found.conflicts else bool(found.changes))

    only = click.option("--only", metavar="FILE", help="Carry the changes of this file alone.")
    writes = click.option("--write", "writes", is_flag=True, help="Change the files.")
    form = click.option("--format", "form", type=click.Choice(FORMATS), help="How findings are written to stderr.")
    return only(writes(form(run)))


@main.command("pull")
@click.argument("chart", required=False)
@click.option(
    "--since",
    metavar="OLD",
    help="Take over only what has changed since this version: a directory, a .tgz, or a commit of CHART's checkout.",
)
@_carries
def pull_command(chart: str | None, since: str | None, only: str | None, writes: bool):
    """Take CHART, a directory or .tgz, over into the pack: print what would become of the pack's files as a diff.

    Only what means something else changes. Without a chart, FILE is a Go template, or - for standard input, and its
    Jinja is printed.

    Exit codes: 0 no difference; 1 differences; 2 conflicts, which are told and left alone, wrong usage, or what has no
    exact Jinja form, all of it named.
    """
    from stageset_render.port.carry import pull_push
    from stageset_render.port.language import translate
    from stageset_render.port.sources import chart_files, checkout, decoded

    name = (only or "").removeprefix("templates/")
    elsewhere = only and not (chart and name in pull_push.names(chart))
    if elsewhere and only != "-" and not Path(only).is_file():
        known = f"neither the chart nor the pack has a file {only!r}" if chart else f"there is no template {only!r}"
        raise click.BadParameter(known)
    if chart and not elsewhere:
        found, told = pull_push.pull(chart, since, name or None)
        if writes:
            pull_push.save(found, checkout())
        click.echo(pull_push.as_text(found, since is None).encode(), nl=False)
        return found, told
    if not only or writes or since:
        raise click.UsageError(
            "--write and --since need a chart" if only else "name a chart, or a template with --only"
        )
    template = sys.stdin.buffer.read() if only == "-" else Path(only).read_bytes()
    around = chart if chart or only == "-" else translate.around(Path(only))
    files = chart_files(str(around)) if around else {}
    click.echo(translate.one(only, decoded(template), files).encode(), nl=False)
    return None, []


@main.command("push")
@click.argument("chart")
@click.option(
    "--since",
    metavar="REV",
    help="Carry what has changed since this commit of the pack; by itself the last in which it meant what CHART means.",
)
@_carries
def push_command(chart: str, since: str | None, only: str | None, writes: bool):
    """Carry what the pack has changed onto CHART's own files: print it as a diff that `patch -p1` takes.

    No other line of the chart changes. The chart is rendered as it would be, and held against the pack.

    Exit codes: 0 nothing to carry; 1 changes; 2 conflicts, which are told and left alone, or wrong usage.
    """
    from stageset_render.port.carry import pull_push

    if not Path(chart).is_dir():
        raise click.BadParameter(f"{chart} is no directory; unpack the chart first")
    name = (only or "").removeprefix("templates/") or None
    if name and name not in pull_push.names(chart):
        raise click.BadParameter(f"neither the chart nor the pack has a file {only!r}")
    found, told = pull_push.push(chart, since, name)
    if writes:
        pull_push.save(found, Path(chart))
    click.echo(pull_push.as_text(found).encode(), nl=False)
    return found, told
