# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads a command line as `helm template` reads its own, and finds what of it is without effect here."""

from __future__ import annotations

import functools
import sys
import time
from pathlib import Path as File
from typing import NamedTuple, NoReturn

import click

from stageset_render.findings import WARNING, Finding, Place, short
from stageset_render.pack.files import CHART

FOUND = f"{__name__}.found"  # where a context keeps what was found of the command line
TRUTHS = {  # what Go's strconv.ParseBool takes
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}
EMPTIED = ("namespace", "output_dir")  # which are as if they were not given when they are empty, as to Helm
COMMANDS = {  # of Helm's, which stand where the name of a release is expected
    "help": "--help",
    "install": "a pipe: stageset-render NAME --no-hooks | kubectl apply -f -",
    "lint": "--dry-run --strict NAME, which checks everything, and --lint for what yamllint says",
    "upgrade": "a pipe: stageset-render NAME --no-hooks | kubectl apply -f -",
    "version": "--version",
}


class Flag(NamedTuple):
    """A flag of `helm template` that this command has not.

    Attributes:
        instead: why it changes nothing, or what to do instead.
        idle: whether the output is the same without it.
        takes: whether it takes a value.
    """

    instead: str
    idle: bool
    takes: bool


@functools.cache
def helm_flags() -> dict[str, Flag]:
    """Each flag of `helm template` that this command does not have, by its name."""
    import yaml  # only who uses one pays for it

    table = yaml.safe_load(File(__file__).with_name("helm_flags.yaml").read_text(encoding="utf-8"))
    return {
        written.removesuffix(" V"): Flag(instead, kind == "idle", written.endswith(" V"))
        for kind, flags in table.items()
        for names, instead in flags.items()
        for written in names.split(", ")
    }


class HelmCommand(click.Command):
    """A command whose users know `helm template`."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; what Helm takes and this command has no use for is found without effect.

        Raises:
            click.UsageError: what would change the output, with what to write here.
        """
        if context.resilient_parsing:  # the shell asks what could follow
            return super().parse_args(context, args)
        context.allow_extra_args = True
        line = _Line(context, self.get_params(context), args)
        context.meta[FOUND] = line.found()
        try:
            rest = super().parse_args(context, line.plain)
        except click.NoSuchOption as error:
            error.message = error.message.replace(error.option_name, short(error.option_name))
            raise
        except click.BadParameter as error:
            source = error.param and context.get_parameter_source(error.param.name)
            if source == click.core.ParameterSource.ENVIRONMENT:
                raise click.UsageError(f"{error.param.envvar}: {error.message}", context) from None
            raise
        return rest


class _Line:
    """A command line in click's forms: `-n=x` as `-n x`, `--flag=true` as `--flag`, of one flag the last; and what Helm takes.

    Attributes:
        plain: the arguments.
    """

    def __init__(self, context: click.Context, params: list[click.Parameter], args: list[str]):
        self.own = {name: one for one in params if isinstance(one, click.Option) for name in one.opts}
        self.context, self.plain, self.named = context, [], []
        self.idle: list[str] = []
        self.empty: list[str] = []
        self.refused: dict[str, str] = {}
        self.version: str | None = None
        self.unknown = False  # whether there is an option that is none
        self.left = iter(args)
        alone = args == ["--version"]
        for arg in self.left:
            if arg == "--":
                self.named += self.left
            elif arg == "-" or not arg.startswith("-"):
                self.named.append(arg)
            elif arg.partition("=")[0] == "--version" and not alone:
                self._version(arg)
            elif f"-{arg.partition('=')[0]}" in self.own:
                self._refuse(f"{short(arg)}: write -{short(arg)}")
            elif arg.partition("=")[0] in self.own or arg[:2] in self.own:
                self._of_own(arg)
            else:
                self._of_helm(arg)
        if self.refused:
            self._refuse("\n".join(f"{name}: {instead}" for name, instead in self.refused.items()))
        self.plain += ["--", *self._release()] if self.named else []

    def _refuse(self, sentence: str) -> NoReturn:
        raise click.UsageError(sentence, self.context)

    def _of_own(self, arg: str) -> None:
        name, equals, value = arg.partition("=")
        option = self.own.get(name)
        if option is not None and not option.is_flag and not equals:
            value = next(self.left, None)
            if value is None:
                self._refuse(f"{name} needs a value")
        if value == "" and option is not None and option.name in EMPTIED:
            self.empty.append(name)
        if option is None:  # -nNAME
            self.plain.append(arg)
        elif name == "--dry-run" and value in ("client", "server", "none"):
            self.idle.append(arg)  # Helm renders, whatever it says
        elif option.is_flag:
            if equals and value not in TRUTHS:
                self._refuse(f"{name} is true or false, and not {short(value)!r}")
            self.plain = [one for one in self.plain if one != name]
            self.plain += [name] if TRUTHS.get(value, True) else []
        else:
            self.plain += [max(option.opts, key=len), value]  # of -f and --values click looks for the long one first

    def _of_helm(self, arg: str) -> None:
        name, equals, _ = arg.partition("=")
        flag = helm_flags().get(name)
        attached = False
        if flag is None and not arg.startswith("--"):  # -lNAME
            name, attached = arg[:2], True
            flag = helm_flags().get(name)
        if flag is None:
            self.plain.append(arg)  # click knows what is like it
            self.unknown = True
            return
        if flag.takes and not equals and not attached:
            next(self.left, None)
        if flag.idle:
            self.idle.append(name)
        else:
            self.refused[name] = flag.instead

    def _version(self, arg: str) -> None:
        _, equals, value = arg.partition("=")
        self.version = value if equals else next(self.left, None)
        if not self.version:
            self._refuse("--version prints the version of this command, alone; beside a name it takes the chart's")
        self.plain += ["--chart-version", self.version]

    def _release(self) -> list[str]:
        """The release's name, without the chart that may follow it."""
        first, *others = self.named
        if self.unknown:  # which may have taken what follows it
            return []
        if first in COMMANDS:
            self._refuse(f"`{first}` is no name of a release here; use {COMMANDS[first]}")
        if others and first == "template":
            self._refuse("leave out `template`: this command does nothing else")
        if not others and _is_chart(first):
            self.idle.append(first)
            return []
        if others and "--each" in self.plain and not _is_chart(others[-1]):
            self._refuse("--each takes its pattern in quotes: 'releases/*.yaml'")
        if len(others) == 1 and _is_chart(others[0]):
            self.idle += others
        elif others:
            what = "it names no chart" if len(others) == 1 else "there are a release and a chart alone"
            self._refuse(f"{short(others[-1])!r} is too much: {what}; values files are given with -f")
        return [first]

    def found(self) -> list[Finding]:
        """What does nothing, and a version that is another."""
        found = []
        if self.idle:
            names = ", ".join(dict.fromkeys(short(name) for name in self.idle))
            message = f"{names}: without effect, as the chart is this pack itself and no cluster is asked"
            found.append(Finding((), message, "", "usage-without-effect", WARNING))
        for name in self.empty:
            message = "is empty, as where a variable is not set, and counts as not given"
            found.append(Finding((), message, "leave it out, or set it", "usage-empty", WARNING, place=Place(name)))
        if self.version not in (None, CHART["Version"]):
            message = f"the labels name it, and what is rendered is chart {CHART['Version']}, which this pack mirrors"
            place = Place(f"--version {self.version}")
            found.append(Finding((), message, "", "usage-other-version", WARNING, place=place))
        return found


def _is_chart(text: str) -> bool:
    """Whether it names a chart to Helm: a path, an address, or REPOSITORY/NAME."""
    file = File(text)
    try:
        if text.endswith(".tgz") or text and file.is_dir():
            return True
        return "/" in text and not file.is_file()
    except (OSError, ValueError):  # no path
        return False


def fitting(options: dict, each: str | None, form: str | None) -> None:
    """Refuse options that do not go together."""
    prints = [one for one in ("show_values", "explain", "changes", "callers") if options[one]]
    names = ", ".join(f"--{one.replace('_', '-')}" for one in prints)
    if len(prints) > 1:
        raise click.UsageError(f"{names}: give one of them")
    beside = {
        "--output-dir": options["output_dir"],
        "--dry-run": options["dry_run"],
        "--each": each and prints != ["callers"],
        "--show-only": options["show_only"],
        "--lint": options["lint"],
    }
    if prints and any(beside.values()):
        other = next(name for name, given in beside.items() if given)
        raise click.UsageError(f"{names} prints to stdout instead of manifests, so it goes with no {other}")
    if options["notes"] and form in ("json", "sarif"):
        raise click.UsageError(
            f"--notes prints on stderr, where --format {form} writes for a program; give one of them"
        )
    if not each and any("{}" in str(options[key]) for key in ("name", "namespace", "output_dir")):
        raise click.UsageError("{} stands for a release of --each, which is not there")
    if each and not (options["output_dir"] or options["dry_run"] or options["callers"]):
        raise click.UsageError("--each writes files; say where with --output-dir, or check only with --dry-run")


def watched(files):
    """The releases, with a progress bar on a terminal from the second second on."""
    start, bar = time.monotonic(), None
    for done, file in enumerate(files):
        if bar is None and sys.stderr.isatty() and time.monotonic() - start > 1:
            bar = click.progressbar(length=len(files), label="releases", file=sys.stderr)
            bar.update(done)
        yield file
        if bar is not None:
            bar.update(1)
    if bar is not None:
        bar.render_finish()
