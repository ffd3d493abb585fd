# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The command: its options, its exit codes and its words on stderr."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
import time

try:
    import click

    from stageset_render import __version__
    from stageset_render.helm.values import Source, collect, combine
    from stageset_render.options import VALUES, checked_by, release_options, render_options
    from stageset_render.pack.execution import Request, execute
    from stageset_render.pack.files import CHART
    from stageset_render.pack.names import check_versions
    from stageset_render.problems import Problem, Refused, short
    from stageset_render.usage import HelmCommand, findings
except ModuleNotFoundError as error:  # a checkout whose dependencies are not installed
    how = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/python renderer.py"
    sys.exit(f"there is no Python package {error.name}; install what renderer.py needs, and run it: {how}")


def say(problems: list[Problem], sources: list[Source], prefix: str = "") -> None:
    """Print problems on stderr, a line each."""
    for line in findings(problems, sources):
        click.echo(prefix + line, err=True)


@click.command(cls=HelmCommand, context_settings={"help_option_names": ["-h", "--help"]})
@release_options
@render_options
@click.version_option(
    __version__,
    prog_name="stageset-render",
    message=f"%(prog)s %(version)s, chart {CHART['Version']}, appVersion {CHART['AppVersion']}",
)
def main(chart_version, app_version, notes, each, verbose, **options) -> None:
    """Render the manifests of the stageset-controller chart, as `helm template NAME` would.

    Exit codes: 0 rendered; 1 the values were refused or a template failed; 2 wrong usage. Unless 0, stdout stays empty.
    """
    inputs = [options.pop(key) for key in VALUES]
    versions = {"Version": chart_version, "AppVersion": app_version}
    options["chart"] = {**CHART, **{key: value for key, value in versions.items() if value is not None}}
    checked_by(check_versions)(None, None, options["chart"])
    if (options["show_values"] or options["explain"]) and (options["output_dir"] or each):
        raise click.UsageError("--show-values and --explain print to stdout; they go with no --output-dir or --each")
    sources: list[Source] = []
    try:
        if each:
            return _each(each, inputs, options, notes, verbose)
        if any("{}" in str(options[key]) for key in ("name", "namespace", "output_dir")):
            raise click.UsageError("{} stands for an environment of --each, which is not there")
        sources += collect(*inputs)
        out, result = execute(Request(values=combine(sources), sources=sources, **options))
        say(result.warnings, sources, "warning: ")
        if notes:
            click.echo(result.notes, err=True)
        if out and sys.stdout is None:
            raise Refused("stdout is closed; nothing can be printed")
    except Refused as refused:
        say(refused.problems, sources)
        sys.exit(1)
    except OSError as error:
        click.echo(": ".join(filter(None, (short(str(error.filename or "")), error.strerror or str(error)))), err=True)
        sys.exit(1)
    except click.ClickException:
        raise
    except Exception as error:  # no traceback reaches a user, whatever went wrong
        click.echo(f"this is a bug, please report it: {type(error).__name__}: {error}", err=True)
        sys.exit(1)
    try:
        click.echo(out.encode(), nl=False)
    except BrokenPipeError:
        raise  # the reader has enough; click ends quietly
    except OSError as error:
        click.echo(f"stdout: {error.strerror}", err=True)
        os._exit(1)  # what is left in stdout's buffer can't be written at exit either


def _each(pattern: str, inputs: list, options: dict, notes: bool, verbose: bool) -> None:
    """Render every environment; see pack.environments."""
    from stageset_render.pack import environments

    if not (options["output_dir"] or options["dry_run"]):
        raise click.UsageError("--each writes files; say where with --output-dir, or check only with --dry-run")
    try:
        found = environments.matching(pattern)
    except Refused as refused:
        raise click.UsageError(f"--each {refused}") from refused
    if shared := options["output_dir"] and environments.shared_place(found, options["output_dir"]):
        raise click.UsageError(f"{shared}; --output-dir needs {{}}, and each environment a name of its own")
    once = environments.Once()

    def told(environment, sources, result):
        prefix, problems = ("", result.problems) if isinstance(result, Refused) else ("warning: ", result.warnings)
        for line in once.of(environment, findings(problems, sources)):
            click.echo(prefix + line, err=True)
        if isinstance(result, Refused):
            return
        if notes:
            click.echo(f"{environment.path}:\n{result.notes}", err=True)
        if verbose:
            click.echo(f"{environment.path}: {len(dict(result.pages))} files", err=True)

    request = environments.Request(values={}, **options)
    if not environments.render_all(_watched(found), environments.Layers(inputs[0], inputs[1:]), request, told):
        sys.exit(1)


def _watched(environments):
    """The environments, with a progress bar on a terminal from the second second on."""
    start, bar = time.monotonic(), None
    for done, environment in enumerate(environments):
        if bar is None and sys.stderr.isatty() and time.monotonic() - start > 1:
            bar = click.progressbar(length=len(environments), label="environments", file=sys.stderr)
            bar.update(done)
        yield environment
        if bar is not None:
            bar.update(1)
    if bar is not None:
        bar.render_finish()


def command() -> None:
    """The command as a process of its own, which leaves without taking apart what it has loaded."""
    gc.disable()  # a search for circles takes longer than to read a large file, and finds little; --each has its own
    sys.stderr = sys.stderr or io.StringIO()  # a closed one gives stdout its place
    try:
        main(prog_name="stageset-render")
    except SystemExit as end:
        code = end.code or 0
    except OSError as error:  # --help and --version have no other end
        click.echo(f"stdout: {error.strerror}", err=True)
        code = 1
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    command()
