# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads a command line as `helm template` reads its own, and has a sentence for each flag that is not needed."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import click

TRUTHS = {  # what Go's strconv.ParseBool takes
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


@functools.cache
def helm_flags() -> dict[str, str]:
    """Each flag of `helm template` that this command does not have, with what to do instead."""
    import yaml

    table = yaml.safe_load(Path(__file__).with_name("helm_flags.yaml").read_text(encoding="utf-8"))
    return {name: instead for names, instead in table.items() for name in names.split(", ")}


def fitting(text: str, place: str) -> str:
    """What is said of a value, with a hint that fits where it was set: in an option quotes mean nothing."""
    if place.startswith("--set"):
        text = text.replace("; write it in quotes", "; use --set-string")
        text = re.sub("; write it without quotes, as .*", "; use --set", text)
    return text


class HelmCommand(click.Command):
    """A command whose users know `helm template`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Read the arguments.

        Raises:
            click.UsageError: what Helm would have taken is answered with what to write here.
        """
        versions = [arg for arg in args if arg.partition("=")[0] == "--version"]
        if versions and (len(args) > 1 or "=" in versions[0]):
            raise click.UsageError("--version prints the version of this command; use --chart-version", context)
        context.allow_extra_args = True
        try:
            rest = super().parse_args(context, self._plain(args, context))
        except click.NoSuchOption as error:
            said = helm_flags().get(error.option_name)
            raise click.UsageError(f"{error.option_name}: {said}", context) if said else error from None
        if context.args:
            chart = context.args[0]
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
                if equals and value not in TRUTHS:
                    raise click.UsageError(f"{name} is true or false, and not {value!r}", context)
                plain = [one for one in plain if one != name]
                plain += [name] if TRUTHS.get(value, True) else []
            elif equals and re.fullmatch("-[A-Za-z]", name):
                plain += [name, value]
            else:
                plain.append(arg)
        return plain + args[at:]
