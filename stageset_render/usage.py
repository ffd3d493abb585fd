# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads a command line as `helm template` reads its own, and has a sentence for each flag that is not needed."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path as File

import click

from stageset_render.helm.values import Source, place_of, source_of
from stageset_render.problems import Path, Problem, short

MOST_FINDINGS = 100  # printed of one run; more help nobody
ON_DRY_RUN = "leave it out; no API server is asked anything, and --dry-run alone checks and prints nothing"
IN_QUOTES = "; write it in quotes"
TRUTHS = {  # what Go's strconv.ParseBool takes
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


@functools.cache
def helm_flags() -> dict[str, str]:
    """Each flag of `helm template` that this command does not have, with what to do instead."""
    import yaml

    table = yaml.safe_load(File(__file__).with_name("helm_flags.yaml").read_text(encoding="utf-8"))
    return {name: instead for names, instead in table.items() for name in names.split(", ")}


def findings(problems: list[Problem], sources: list[Source]) -> Iterator[str]:
    """A line for each problem, and one for those that are too many."""
    yield from (said(problem, sources) for problem in problems[:MOST_FINDINGS])
    if len(problems) > MOST_FINDINGS:
        yield f"... and {len(problems) - MOST_FINDINGS} more"


def said(problem: Problem, sources: list[Source]) -> str:
    """A problem in one line: where the value was written, its path, and what is wrong, with a hint that fits there."""
    source, _ = source_of(sources, problem.path) if problem.path else (None, 0)
    if source:
        place = place_of(sources, problem.path, problem.at_key)
        fitting = _in_a_file if source.edits is None and source.text is not None else _in_an_option
        return f"{place}: {problem._replace(text=fitting(problem.text, problem.path, source))}"
    return str(problem)


def _in_a_file(text: str, path: Path, source: Source) -> str:
    """The hint on quotes with the text that belongs into them: 1.10 has been read as 1.1."""
    plain = source.plain(path)
    return text.replace(IN_QUOTES, f'{IN_QUOTES}: "{plain}"') if plain and len(plain) <= 60 else text


def _in_an_option(text: str, path: Path, source: Source) -> str:
    """Hints that fit an option, in which quotes and indentation mean nothing."""
    text = text.replace(IN_QUOTES, "; use --set-string")
    text = re.sub("; write it without quotes, as .*", "; use --set", text)
    if text.endswith(("; write true", "; write false")) and not source.label.startswith("--set "):
        text = text.replace("; write ", "; use --set with ")
    text = re.sub(r"remove this line, and write .*", "leave it out of the name", text)
    text = re.sub(r"; (indent|put a blank|write it as a list|write [^\[{]+: [^\[]).*", "", text)
    form = re.search(r"; write (a list: |a list such as )?([\[{].*)$", text)
    if form and " or " not in form[2]:
        import yaml

        value = json.dumps(yaml.safe_load(form[2]))
        text = f"{text[: form.start()]}; use --set-json '{_in_an_options_form(path)}={value}'"
    return text


def _in_an_options_form(path: Path) -> str:
    """A path as --set takes it."""
    steps = [f"[{step}]" if isinstance(step, int) else "." + re.sub(r"([.,=\[\\])", r"\\\1", step) for step in path]
    return "".join(steps).removeprefix(".")


class HelmCommand(click.Command):
    """A command whose users know `helm template`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Read the arguments.

        Raises:
            click.UsageError: what Helm would have taken is answered with what to write here.
        """
        if context.resilient_parsing:  # the shell asks what could follow
            return super().parse_args(context, args)
        versions = [arg for arg in args if arg.partition("=")[0] == "--version"]
        if versions and (len(args) > 1 or "=" in versions[0]):
            raise click.UsageError("--version prints the version of this command; use --chart-version", context)
        context.allow_extra_args = True
        try:
            rest = super().parse_args(context, self._plain(args, context))
        except click.NoSuchOption as error:
            instead = helm_flags().get(error.option_name)
            if instead:
                raise click.UsageError(f"{error.option_name}: {instead}", context) from None
            error.message = error.message.replace(error.option_name, short(error.option_name))
            raise
        except click.BadParameter as error:
            source = error.param and context.get_parameter_source(error.param.name)
            if source == click.core.ParameterSource.ENVIRONMENT:
                raise click.UsageError(f"{error.param.envvar}: {error.message}", context) from None
            raise
        if context.args and context.params["name"] == "template":
            raise click.UsageError("leave out `template`: this command does nothing else", context)
        if context.args and context.params["each"]:
            raise click.UsageError("--each takes its pattern in quotes: 'environments/*.yaml'", context)
        if context.args:
            chart = short(context.args[0])
            raise click.UsageError(
                f"{chart!r} is too much: the chart is this pack itself, so name the release alone", context
            )
        return rest

    def _plain(self, args: list[str], context: click.Context) -> list[str]:
        """The arguments in click's forms: `-n=x` as `-n x`, `--flag=true` as `--flag`; of one flag the last counts."""
        flags = {
            name for option in self.get_params(context) if getattr(option, "is_flag", False) for name in option.opts
        }
        plain, at = [], args.index("--") if "--" in args else len(args)
        for arg in args[:at]:
            name, equals, value = arg.partition("=")
            if name in flags and name.startswith("--"):
                if name == "--dry-run" and value in ("client", "server", "none"):
                    raise click.UsageError(f"{name}={value}: {ON_DRY_RUN}", context)
                if equals and value not in TRUTHS:
                    raise click.UsageError(f"{name} is true or false, and not {short(value)!r}", context)
                plain = [one for one in plain if one != name]
                plain += [name] if TRUTHS.get(value, True) else []
            elif equals and re.fullmatch("-[A-Za-z]", name):
                plain += [name, value]
            else:
                plain.append(arg)
        return plain + args[at:]
