# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The command: its options, its exit codes and its words on stderr."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import sys

if sys.version_info < (3, 10):  # noqa: UP036
    sys.exit(f"Python 3.10 or newer is needed, and this is {sys.version.split()[0]}")
with contextlib.suppress(ValueError):  # in another thread; else Ctrl-C ends it without a traceback while modules load
    interrupted = signal.signal(signal.SIGINT, signal.SIG_DFL)
gc.disable()  # of modules nothing is garbage, and looking for it takes a twentieth of the time
try:
    import click

    from stageset_render import __version__
    from stageset_render.findings import Finding, Refused
    from stageset_render.helm.values import collect, combine, read_once, read_stdin
    from stageset_render.options import VALUES, checked_by, release_options, render_options
    from stageset_render.pack.execution import Request, Result, execute
    from stageset_render.pack.files import CHART
    from stageset_render.pack.ignoring import Ignored
    from stageset_render.pack.names import check_versions
    from stageset_render.pack.output import ended_in_order, unwritable
    from stageset_render.reporting import Report, located, report
    from stageset_render.usage import FOUND, HelmCommand, fitting, watched
except ModuleNotFoundError as error:  # a checkout whose dependencies are not installed
    how = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/python renderer.py"
    sys.exit(f"there is no Python package {error.name}; install what renderer.py needs, and run it: {how}")
gc.freeze()  # nor is it any later
gc.enable()
with contextlib.suppress(ValueError, NameError):
    signal.signal(signal.SIGINT, interrupted)


@click.command(cls=HelmCommand, context_settings={"help_option_names": ["-h", "--help"]})
@release_options
@render_options
@click.version_option(
    __version__,
    prog_name="stageset-render",
    message=f"%(prog)s %(version)s, chart {CHART['Version']}, appVersion {CHART['AppVersion']}",
)
def main(chart_version, app_version, each, verbose, ignore, form, expect, **options) -> None:
    """Render the manifests of the stageset-controller chart, as `helm template NAME` would.

    Exit codes: 0 rendered; 1 the values were refused or a template failed; 2 wrong usage. Unless 0, stdout stays empty.
    """
    options["found"] = click.get_current_context().meta[FOUND]
    inputs = [options.pop(key) for key in VALUES]
    versions = {"Version": chart_version, "AppVersion": app_version}
    options["chart"] = {**CHART, **{key: value for key, value in versions.items() if value is not None}}
    checked_by(check_versions)(None, None, options["chart"])
    fitting(options, each, form)
    told, sources, tables, out = report(form, options["strict"]), [], {}, ""
    stdin = read_once(read_stdin)
    try:
        if expect:
            from stageset_render.pack.expectations import Expectations

            options["expect"] = Expectations(expect, stdin)
        if each:
            tables = _each(each, inputs, options, verbose, ignore, told, stdin)
        else:
            sources += collect(*inputs, stdin=stdin)
            request = Request(values=combine(sources), sources=sources, **options)
            out, result = execute(request, Ignored(ignore, sources))
            told.add(result.told, not result.refused)
            if options["notes"] and not result.refused:
                click.echo(result.notes, err=True)
            if result.callers:
                tables = {"": result.callers}
        if tables:
            from stageset_render.pack.callers import printed

            out = printed(tables, form)
        if out and sys.stdout is None:
            raise Refused("stdout is closed; nothing can be printed")
    except Refused as refused:
        told.add(located(refused.problems, sources), rendered=False)
    except OSError as error:
        told.add(located([unwritable(error)], []), rendered=False)
    except click.ClickException:
        raise
    except Exception as error:  # no traceback reaches a user, whatever went wrong
        problem = Finding((), f"this is a bug, please report it: {type(error).__name__}: {error}")
        told.add(located([problem], []), rendered=False)
    told.close(options["dry_run"])
    if not told.good:
        sys.exit(1)
    try:
        click.echo(out.encode("utf-8", "backslashreplace"), nl=False)
    except BrokenPipeError:
        raise  # the reader has enough; click ends quietly
    except OSError as error:
        click.echo(f"stdout: {error.strerror}", err=True)
        os._exit(1)  # what is left in stdout's buffer can't be written at exit either


def _each(pattern: str, inputs: list, options: dict, verbose: bool, ignore: list, told: Report, stdin) -> dict:
    """Render every release; see pack.releases. Returns the tables of callers that are asked for."""
    from stageset_render.pack import releases

    try:
        found = releases.matching(pattern)
    except Refused as refused:
        raise click.UsageError(f"--each {refused}") from refused
    if shared := options["output_dir"] and releases.shared_place(found, options["output_dir"]):
        raise click.UsageError(f"{shared}; --output-dir needs {{}}, and each release a name of its own")
    tables = {}

    def say(file: releases.ReleaseFile, result: Result | Refused) -> None:
        if isinstance(result, Refused):
            told.add(located(result.problems, [], file.path), rendered=False)
            return
        told.add(result.told, not result.refused)
        if options["notes"] and not result.refused:
            click.echo(f"{file.path}:\n{result.notes}", err=True)
        if result.callers:
            tables[file.path] = result.callers
        if verbose:
            click.echo(f"{file.path}: {len(dict(result.pages))} files", err=True)

    request, layers = Request(values={}, **options), releases.Layers(inputs[0], inputs[1:], stdin)
    ignored = releases.render_all(watched(found), layers, request, ignore, say)
    told.add(located(ignored.left(ignored.unmet()), layers.shared))
    return tables


def command() -> None:
    """The command as a process of its own."""
    sys.stderr = sys.stderr or io.StringIO()  # a closed one gives stdout its place
    gc.disable()  # of a megabyte of values it would look through all again and again, three times as long
    try:
        with ended_in_order():
            main(prog_name="stageset-render")
    except OSError as error:  # --help and --version have no other end
        with contextlib.suppress(OSError):
            click.echo(f"stdout: {error.strerror}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    command()
