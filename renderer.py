# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Renders the stageset-controller chart's manifests from its Jinja2 templates, as `helm template` would."""

from __future__ import annotations

import contextlib
import difflib
import fnmatch
import functools
import os
import re
import sys
import traceback
from pathlib import Path
from types import SimpleNamespace

import click
import jinja2
from jinja2.environment import TemplateModule
from jinja2.runtime import LoopContext

import helm_functions
import manifests
from helm_values import Source, coalesce, collect, combine, place_of
from helm_yaml import load_yaml
from problems import MAX_DEPTH, TOO_DEEP, Problem, Refused, dotted, split_path
from schema_errors import Schema
from template_cache import TemplateCache
from template_cache import directory as cache_directory

__version__ = "0.1.0"

CHART = {"Name": "stageset-controller", "Version": "0.0.0", "AppVersion": "2026.8.17224814"}
NOTES = "NOTES.txt"
DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
MOST_FINDINGS = 100  # printed of one run; more help nobody


def _root() -> Path:
    """The checkout beside this file, or share/stageset-render of the environment it is installed in."""
    here = Path(__file__).resolve().parent
    places = [here, *(parent / "share" / "stageset-render" for parent in (here, *here.parents))]
    return next(place for place in places if (place / "templates" / "_defaults.tpl").is_file())


class HelmTemplate(jinja2.Template):
    """A template that is imported once per rendering: like Go's `define`, macros see nothing of who imports them."""

    def make_module(self, vars=None, shared=False, locals=None):
        modules = vars["Modules"]
        if self.name not in modules:
            modules[self.name] = super().make_module(vars, shared, locals)
        return modules[self.name]


class HelmEnvironment(jinja2.Environment):
    """Jinja with Go's rule for `a.b`: a key of a map, nothing when it is missing, and never a Python attribute."""

    template_class = HelmTemplate

    def getattr(self, obj, attribute):
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else jinja2.Undefined(name=attribute)
        if isinstance(obj, (TemplateModule, LoopContext)):
            return super().getattr(obj, attribute)
        raise Refused(f"a template reads .{attribute} of {obj!r}, which is no map")


@functools.cache
def environment() -> jinja2.Environment:
    """The environment in which all templates run: Helm's functions instead of Jinja's."""
    cached = cache_directory()
    env = HelmEnvironment(
        loader=jinja2.FileSystemLoader(_root() / "templates"),
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        finalize=helm_functions.finalize,
        auto_reload=False,
        bytecode_cache=TemplateCache(cached) if cached else None,
    )
    env.filters, env.tests, env.globals = helm_functions.FILTERS, helm_functions.TESTS, helm_functions.GLOBALS
    return env


@functools.cache
def schema() -> Schema:
    """The schema of the values, values.schema.json."""
    return Schema((_root() / "values.schema.json").read_text(encoding="utf-8"))


@functools.cache
def defaults() -> dict:
    """The default of every value, from templates/_defaults.tpl."""
    return load_yaml((_root() / "templates" / "_defaults.tpl").read_bytes(), "templates/_defaults.tpl")


@functools.cache
def template_names() -> list[str]:
    """The templates that render something, in Helm's order: all but the partials, whose names start with `_`."""
    return sorted(path.name for path in (_root() / "templates").iterdir() if not path.name.startswith("_"))


def manifest_names() -> list[str]:
    """The templates that render manifests: all but the notes."""
    return [file for file in template_names() if file != NOTES]


def merged(values: dict, *, name: str, namespace: str, chart: dict = CHART) -> dict:
    """Merge `values` over the defaults and check the result.

    Args:
        values: what the user sets, as in a values file.
        name: the release's name.
        namespace: the release's namespace.
        chart: what templates see as `Chart`.

    Returns:
        Every value, as templates see them.

    Raises:
        Refused: with all that is wrong, each with the path of its value.
    """
    check_name(name)
    check_namespace(namespace)
    check_versions(chart)
    check_values(values)
    everything = coalesce(defaults(), values)
    problems = schema().problems(everything, values)
    if problems:
        problems += _findings_beside(problems, _context(everything, name, namespace, chart))
        raise Refused(*sorted(problems, key=lambda problem: dotted(problem.path)))
    found = _findings("validate", _context(everything, name, namespace, chart))
    if found:
        raise Refused(*found)
    return everything


def render(
    values: dict, *, name: str, namespace: str, templates: list[str] | None = None, chart: dict = CHART
) -> dict[str, str]:
    """Render the templates.

    Args:
        values: what the user sets, as in a values file; the defaults are merged under it with Helm's rules.
        name: the release's name.
        namespace: the release's namespace.
        templates: limits the rendering to these file names, for example `["namespace.yaml"]`.
        chart: what templates see as `Chart`: Name, Version and AppVersion.

    Returns:
        File name to rendered text, like `helm_python.Chart.render`.

    Raises:
        Refused: when anything about the values is wrong, or a template fails. Nothing is rendered then.
    """
    context = _context(merged(values, name=name, namespace=namespace, chart=chart), name, namespace, chart)
    return {file: _rendered(file, context) for file in _chosen(templates)}


def warnings(values: dict, *, name: str, namespace: str, chart: dict = CHART) -> list[Problem]:
    """What is legal but surprising about `values`; arguments and errors as for `render`."""
    everything = merged(values, name=name, namespace=namespace, chart=chart)
    return _findings("warnings", _context(everything, name, namespace, chart))


def crds(
    values: dict, found: list[tuple[str, dict]], *, name: str, namespace: str, chart: dict = CHART
) -> list[tuple[str, str]]:
    """Render CustomResourceDefinitions as `_crds.tpl` says; errors and the other arguments as for `render`.

    Args:
        found: (file name, object) pairs.

    Returns:
        (file name, document) pairs; none when the values turn them off.
    """
    context = _context(merged(values, name=name, namespace=namespace, chart=chart), name, namespace, chart)
    pages = [(f"crds/{file}", _macro("_crds.tpl", "crd", context, definition)) for file, definition in found]
    return [(file, document.strip() + "\n") for file, document in pages if document.strip()]


def _findings_beside(problems: list[Problem], context: dict) -> list[Problem]:
    """Cross-field findings about values other than those the schema refuses, so that one run names everything."""
    try:
        found = _findings("validate", context)
    except Refused:  # a value of a wrong type, which is among the problems already, broke a template
        return []
    return [one for one in found if not any(_overlap(one.path, problem.path) for problem in problems)]


def _overlap(first: tuple, second: tuple) -> bool:
    return all(a == b for a, b in zip(first, second))


def _context(everything: dict, name: str, namespace: str, chart: dict) -> dict:
    release = {"Name": name, "Namespace": namespace, "Service": "Helm"}
    return {"Values": everything, "Release": release, "Chart": chart, "Modules": {}}


def _rendered(file: str, context: dict) -> str:
    with _refusing():
        return environment().get_template(file).render(context)


def _macro(file: str, macro: str, context: dict, *arguments) -> str:
    with _refusing():
        return str(getattr(environment().get_template(file).make_module(context), macro)(*arguments))


def _findings(macro: str, context: dict) -> list[Problem]:
    """The lines that a macro of _validate.tpl prints, or fails with, as problems of the values they name."""
    try:
        lines = _macro("_validate.tpl", macro, context)
    except helm_functions.Failed as failed:
        lines = str(failed)
    return [_finding(line) for line in lines.split("\n") if line]


def _finding(line: str) -> Problem:
    named = re.match(r"([A-Za-z][^ :]*): ", line)
    return Problem(split_path(named[1]), line[named.end() :]) if named else Problem((), line)


@contextlib.contextmanager
def _refusing():
    """Turn what goes wrong inside a template into a Refused that names the template's line."""
    try:
        yield
    except helm_functions.Failed:
        raise
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "templates" in frame.filename]
        place = f"templates/{Path(frames[-1].filename).name}:{frames[-1].lineno}: " if frames else ""
        raise Refused(f"{place}{error}") from error


def _chosen(templates: list[str] | None) -> list[str]:
    """The templates to render; Refused for a name that is none, with the near ones."""
    known = template_names()
    unknown = [file for file in templates or () if file not in known]
    if unknown:
        near = difflib.get_close_matches(str(unknown[0]), known, 3, 0.4) or known
        raise Refused(f"there is no template {unknown[0]!r}; there are {', '.join(near)}")
    return [file for file in known if templates is None or file in templates]


def check_values(values: dict, depth: int = MAX_DEPTH) -> None:
    """Refuse what no values file can hold, so that values made in Python get an error and no accident."""
    if not isinstance(values, dict):
        raise Refused(f"values are a dict, but this is a {type(values).__name__}")
    if not depth:
        raise Refused(TOO_DEEP)
    for key, value in values.items():
        if not isinstance(key, str):
            raise Refused(f"keys of values are strings, but {key!r} is none")
        _check_value(value, depth - 1)


def _check_value(value, depth: int) -> None:
    if isinstance(value, dict):
        check_values(value, depth)
    elif isinstance(value, list):
        if not depth:
            raise Refused(TOO_DEEP)
        for item in value:
            _check_value(item, depth - 1)
    elif value is not None and not isinstance(value, (str, bool, int, float)):
        raise Refused(f"values are what YAML can hold, but {value!r} is a {type(value).__name__}")


def check_name(name: str) -> None:
    """Refuse what is no release name to Helm (chartutil.ValidateReleaseName): it becomes a label of every object."""
    if not re.fullmatch(f"{DNS_LABEL}(\\.{DNS_LABEL})*", str(name)) or len(name) > 53:
        raise Refused(f"{name!r} is no release name: lower-case letters, digits, - and ., at most 53 characters")


def check_namespace(namespace: str) -> None:
    """Refuse what is no namespace to Kubernetes (a DNS label of RFC 1123)."""
    if not re.fullmatch(DNS_LABEL, str(namespace)) or len(namespace) > 63:
        raise Refused(f"{namespace!r} is no namespace: lower-case letters, digits and -, at most 63 characters")


def check_versions(chart: dict) -> None:
    """Refuse versions that no label can hold (Kubernetes: Labels and Selectors): every object carries them."""
    versions = {
        "chart version": f"{chart['Name']}-{chart['Version']}".replace("+", "_"),
        "appVersion": chart["AppVersion"],
    }
    for what, label in versions.items():
        if not re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", label):
            raise Refused(f"the {what} makes the label {label!r}; a label holds 63 letters, digits, -, _ and . at most")


def _chart(options: SimpleNamespace) -> dict:
    chosen = {"Version": options.chart_version, "AppVersion": options.app_version}
    return {**CHART, **{key: value for key, value in chosen.items() if value is not None}}


def execute(options: SimpleNamespace, sources: list[Source]) -> str:
    """What the command does. Warnings and notes go to stderr.

    Args:
        options: the command's options, by their names.
        sources: where the values come from, in Helm's order of precedence.

    Returns:
        What goes to stdout.

    Raises:
        Refused: for everything that ends in exit code 1.
    """
    values = combine(sources)
    release = {"name": options.name, "namespace": options.namespace, "chart": _chart(options)}
    files = options.show_only or manifest_names()
    texts = render(values, templates=[*files, NOTES], **release)
    notes = texts.pop(NOTES)
    pages = [(f"templates/{file}", document) for file, document in manifests.ordered(texts, not options.no_hooks)]
    if options.show_only:
        pages.sort(key=lambda page: files.index(page[0].removeprefix("templates/")))
    elif options.crds:
        pages = crds(values, manifests.read_crds(Path(options.crds)), **release) + pages
    pages = [(file, manifests.framed(CHART["Name"], file, document)) for file, document in pages]

    found = warnings(values, **release)
    directory = Path(options.output_dir, CHART["Name"]) if options.output_dir else None
    if directory and not options.show_only:
        left = {f"templates/{file}" for file in template_names()} - {file for file, _ in pages}
        found += [Problem((), f"{path}: renders nothing now; delete it") for path in manifests.stale(directory, left)]
    if options.strict and found:
        raise Refused(*found)
    say(found, sources, "warning: ")

    out = "".join(text for _, text in pages)
    if options.lint:
        manifests.lint(out, (_root() / ".yamllint").read_text(encoding="utf-8"))
    if options.show_values:
        out = helm_functions.to_yaml(merged(values, **release)) + "\n"
    elif directory:
        manifests.write(pages, directory)
        out = ""
    if options.notes:
        click.echo(notes.strip(), err=True)
    return out


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
            near = difflib.get_close_matches(pattern, manifest_names(), 3, 0.4) or manifest_names()
            raise click.BadParameter(f"there is no template {pattern!r}; there are {', '.join(near)}")
        files += found
    return list(dict.fromkeys(files))


def _named(check):
    def callback(_context, _option, value):
        try:
            check(value)
        except Refused as refused:
            raise click.BadParameter(str(refused)) from refused
        return value

    return callback


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", default="release-name", callback=_named(check_name))
@click.option(
    "-f", "--values", multiple=True, metavar="FILE", help="Values file, YAML or JSON; - is stdin. Repeatable."
)
@click.option("--set", "set_", multiple=True, metavar="KEY=VALUE", help="Set values. Repeatable, like its kin below.")
@click.option("--set-string", multiple=True, metavar="KEY=VALUE", help="Set values that stay strings.")
@click.option(
    "--set-json", multiple=True, metavar="KEY=JSON", help="Set values from JSON, or all from one JSON object."
)
@click.option("--set-file", multiple=True, metavar="KEY=PATH", help="Set values to the text of files.")
@click.option(
    "-n",
    "--namespace",
    default="default",
    show_default=True,
    callback=_named(check_namespace),
    help="Namespace of the release.",
)
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
def main(**options) -> None:
    """Render the manifests of the stageset-controller chart, as `helm template NAME` would.

    Exit codes: 0 rendered; 1 the values were refused or a template failed; 2 wrong usage. Unless 0, stdout stays empty.
    """
    request, sources = SimpleNamespace(**options), []
    _named(check_versions)(None, None, _chart(request))
    if request.show_values and request.output_dir:
        raise click.UsageError("--show-values prints to stdout; it goes with no --output-dir")
    try:
        sources += collect(request.values, request.set_json, request.set_, request.set_string, request.set_file)
        out = execute(request, sources).encode()
        if out and sys.stdout is None:
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
        click.echo(out, nl=False)
    except BrokenPipeError:
        raise  # the reader has enough; click ends quietly
    except OSError as error:
        click.echo(f"stdout: {error.strerror}", err=True)
        os._exit(1)  # what is left in stdout's buffer can't be written at exit either


if __name__ == "__main__":
    main(prog_name="renderer.py")
