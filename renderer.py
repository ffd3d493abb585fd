# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Renders the stageset-controller chart's manifests from its Jinja2 templates, as `helm template` would."""

from __future__ import annotations

import contextlib
import difflib
import functools
import re
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from types import SimpleNamespace

import click
import jinja2
from jinja2.environment import TemplateModule
from jinja2.runtime import LoopContext

import helm_functions
from helm_values import Problem, Refused, Source, coalesce, collect, combine, dotted, load_yaml, place_of, split_path
from schema_errors import Schema
from template_cache import TemplateCache
from template_cache import directory as cache_directory

__version__ = "0.1.0"

CHART = {"Name": "stageset-controller", "Version": "0.0.0", "AppVersion": "2026.8.17224814"}
NOTES = "NOTES.txt"
DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"

# The order in which Helm installs kinds (InstallOrder of its releaseutil package); others follow, by kind.
INSTALL_ORDER = """
PriorityClass Namespace NetworkPolicy ResourceQuota LimitRange PodSecurityPolicy PodDisruptionBudget ServiceAccount
Secret SecretList ConfigMap StorageClass PersistentVolume PersistentVolumeClaim CustomResourceDefinition ClusterRole
ClusterRoleList ClusterRoleBinding ClusterRoleBindingList Role RoleList RoleBinding RoleBindingList Service DaemonSet
Pod ReplicationController ReplicaSet Deployment HorizontalPodAutoscaler StatefulSet Job CronJob IngressClass Ingress
APIService MutatingWebhookConfiguration ValidatingWebhookConfiguration
""".split()


def _root() -> Path:
    """The checkout beside this file, or share/stageset-render of the environment it is installed in."""
    here = Path(__file__).resolve().parent
    places = [here, *(parent / "share" / "stageset-render" for parent in (here, *here.parents))]
    return next(place for place in places if (place / "templates" / "_defaults.tpl").is_file())


class HelmEnvironment(jinja2.Environment):
    """Jinja with Go's rule for `a.b`: a key of a map, nothing when it is missing, and never a Python attribute."""

    def getattr(self, obj, attribute):
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else jinja2.Undefined(name=attribute)
        if isinstance(obj, (TemplateModule, LoopContext)):
            return super().getattr(obj, attribute)
        raise Refused(f"a template reads .{attribute} of {obj!r}, which is no map")


@functools.cache
def environment() -> jinja2.Environment:
    """The environment in which all templates run: Helm's functions instead of Jinja's."""
    env = HelmEnvironment(
        loader=jinja2.FileSystemLoader(_root() / "templates"),
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        finalize=helm_functions.finalize,
        auto_reload=False,
        bytecode_cache=TemplateCache(cache_directory()),
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


def merged(values: dict, *, name: str, namespace: str) -> dict:
    """Merge `values` over the defaults and check the result.

    Args:
        values: what the user sets, as in a values file.
        name: the release's name.
        namespace: the release's namespace.

    Returns:
        Every value, as templates see them.

    Raises:
        Refused: with all that is wrong, each with the path of its value.
    """
    check_name(name)
    check_namespace(namespace)
    everything = coalesce(defaults(), values)
    problems = schema().problems(everything)
    if problems:
        problems += _findings_beside(problems, everything, name, namespace)
        raise Refused(*sorted(problems, key=lambda problem: dotted(problem.path)))
    found = _findings("validate", everything, name, namespace)
    if found:
        raise Refused(*found)
    return everything


def render(values: dict, *, name: str, namespace: str, templates: list[str] | None = None) -> dict[str, str]:
    """Render the templates.

    Args:
        values: what the user sets, as in a values file; the defaults are merged under it with Helm's rules.
        name: the release's name.
        namespace: the release's namespace.
        templates: limits the rendering to these file names, for example `["namespace.yaml"]`.

    Returns:
        File name to rendered text, like `helm_python.Chart.render`.

    Raises:
        Refused: when anything about the values is wrong, or a template fails. Nothing is rendered then.
    """
    context = _context(merged(values, name=name, namespace=namespace), name, namespace)
    return {file: _rendered(file, context) for file in _chosen(templates)}


def warnings(values: dict, *, name: str, namespace: str) -> list[Problem]:
    """What is legal but surprising about `values`; arguments and errors as for `render`."""
    return _findings("warnings", merged(values, name=name, namespace=namespace), name, namespace)


def manifests(texts: dict[str, str]) -> list[tuple[str, str]]:
    """Split rendered texts into documents, in the order in which Helm prints and installs them.

    Args:
        texts: file name to rendered text, from `render`.

    Returns:
        (file name, document) pairs: by kind in Helm's install order, then by file, then as they stand in the file.
    """
    found = []
    for file, text in sorted(texts.items()):
        for document in re.split(r"(?:^|\s*\n)---\s*", text):
            if document.strip():
                found.append((_install_rank(document), file, document.strip() + "\n"))
    return [(file, document) for _, file, document in sorted(found, key=lambda item: item[0])]


def _install_rank(document: str) -> tuple[int, str]:
    kind = re.search(r"^kind: \"?([^\"\n]*)", document, re.M)[1]
    return (INSTALL_ORDER.index(kind), "") if kind in INSTALL_ORDER else (len(INSTALL_ORDER), kind)


def _findings_beside(problems: list[Problem], everything: dict, name: str, namespace: str) -> list[Problem]:
    """Cross-field findings about values other than those the schema refuses, so that one run names everything."""
    try:
        found = _findings("validate", everything, name, namespace)
    except Refused:  # a value of a wrong type, which is among the problems already, broke a template
        return []
    return [one for one in found if not any(_overlap(one.path, problem.path) for problem in problems)]


def _overlap(first: tuple, second: tuple) -> bool:
    return all(a == b for a, b in zip(first, second))


def _context(everything: dict, name: str, namespace: str) -> dict:
    return {
        "Values": everything,
        "Release": {"Name": name, "Namespace": namespace, "Service": "Helm"},
        "Chart": CHART,
    }


def _rendered(file: str, context: dict) -> str:
    with _refusing():
        return environment().get_template(file).render(context)


def _findings(macro: str, everything: dict, name: str, namespace: str) -> list[Problem]:
    """The lines that a macro of _validate.tpl prints, or fails with, as problems of the values they name."""
    context = _context(everything, name, namespace)
    with _refusing():
        try:
            lines = str(getattr(environment().get_template("_validate.tpl").make_module(context), macro)())
        except Refused as refused:
            lines = str(refused)
    return [_finding(line) for line in lines.splitlines() if line]


def _finding(line: str) -> Problem:
    named = re.match(r"([A-Za-z][^ :]*): ", line)
    return Problem(split_path(named[1]), line[named.end() :]) if named else Problem((), line)


@contextlib.contextmanager
def _refusing():
    """Turn what goes wrong inside a template into a Refused that names the template's line."""
    try:
        yield
    except Refused:
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
        near = difflib.get_close_matches(unknown[0], known, 3, 0.4) or known
        raise Refused(f"there is no template {unknown[0]!r}; there are {', '.join(near)}")
    return [file for file in known if templates is None or file in templates]


def check_name(name: str) -> None:
    """Refuse what is no release name to Helm (chartutil.ValidateReleaseName): it becomes a label of every object."""
    if not re.fullmatch(f"{DNS_LABEL}(\\.{DNS_LABEL})*", name) or len(name) > 53:
        raise Refused(f"{name!r} is no release name: lower-case letters, digits, - and ., at most 53 characters")


def check_namespace(namespace: str) -> None:
    """Refuse what is no namespace to Kubernetes (a DNS label of RFC 1123)."""
    if not re.fullmatch(DNS_LABEL, namespace) or len(namespace) > 63:
        raise Refused(f"{namespace!r} is no namespace: lower-case letters, digits and -, at most 63 characters")


def lint(text: str) -> list[str]:
    """What yamllint finds in rendered manifests under the pack's .yamllint, one line each."""
    from yamllint import config, linter

    rules = config.YamlLintConfig((_root() / ".yamllint").read_text(encoding="utf-8"))
    return [f"line {found.line}:{found.column}: {found.message}" for found in linter.run(text, rules)]


def write(texts: dict[str, str], directory: Path) -> None:
    """Write files into a directory, all or none: a copy of it is completed first and then takes its place.

    Args:
        texts: file name to text.
        directory: made when it is missing; its other files stay.

    Raises:
        OSError: when a file can't be written; the directory is then as it was.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".stageset-", dir=directory.parent) as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        shutil.copytree(directory, new, symlinks=True) if directory.exists() else new.mkdir()
        for file, text in texts.items():
            (new / file).write_bytes(text.encode())
        if directory.exists():
            directory.rename(old)
        try:
            new.rename(directory)
        except OSError:
            old.rename(directory)
            raise


def stale(texts: dict[str, str], directory: Path) -> list[Problem]:
    """Files of an earlier run that this one doesn't render: `kubectl apply -f DIR` would still apply them."""
    left = [file for file in template_names() if file not in texts and (directory / file).is_file()]
    return [Problem((), f"{directory / file}: renders nothing under these values; delete it") for file in left]


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
    values, release = combine(sources), {"name": options.name, "namespace": options.namespace}
    files = list(options.show_only) or [file for file in template_names() if file != NOTES]
    texts = render(values, templates=[*files, NOTES], **release)
    notes = texts.pop(NOTES)
    documents = manifests(texts)
    if options.show_only:
        documents.sort(key=lambda pair: files.index(pair[0]))
    written = {file: "" for file, _ in documents}
    for file, document in documents:
        written[file] += _with_source(file, document)
    directory = Path(options.output_dir, CHART["Name"], "templates") if options.output_dir else None

    found = warnings(values, **release)
    if directory and not options.show_only:
        found += stale(written, directory)
    if options.strict and found:
        raise Refused(*found)
    for problem in found:
        click.echo(f"warning: {located(problem, sources)}", err=True)

    out = "".join(_with_source(file, document) for file, document in documents)
    if options.lint:
        complaints = lint(out)
        if complaints:
            raise Refused(*complaints)
    if directory:
        write(written, directory)
    if options.notes:
        click.echo(notes.strip(), err=True)
    if options.show_values:
        return f"{helm_functions.to_yaml(merged(values, **release))}\n"
    return "" if directory else out


def _with_source(file: str, document: str) -> str:
    return f"---\n# Source: {CHART['Name']}/templates/{file}\n{document}"


def located(problem: Problem, sources: list[Source]) -> str:
    """A problem as the command prints it: where the value was written, its path, what is wrong."""
    place = place_of(sources, problem.path, problem.at_key) if problem.path else ""
    return ": ".join(filter(None, (place, str(Refused(problem)))))


def _template(_context, _option, names: tuple[str, ...]) -> list[str]:
    """The file names that --show-only means; a path into the chart is accepted in full, as Helm prints it."""
    files = [name.removeprefix(f"{CHART['Name']}/").removeprefix("templates/") for name in names]
    try:
        _chosen(files)
    except Refused as refused:
        raise click.BadParameter(str(refused)) from refused
    return files


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
    try:
        sources += collect(request.values, request.set_json, request.set_, request.set_string, request.set_file)
        out = execute(request, sources).encode()
    except Refused as refused:
        for problem in refused.problems:
            click.echo(located(problem, sources), err=True)
        sys.exit(1)
    except OSError as error:
        click.echo(f"{error.filename}: {error.strerror}", err=True)
        sys.exit(1)
    except Exception as error:  # no traceback reaches a user, whatever went wrong
        click.echo(
            f"stageset-render failed: {type(error).__name__}: {error}; this is a bug, please report it", err=True
        )
        sys.exit(1)
    click.echo(out, nl=False)


if __name__ == "__main__":
    main(prog_name="renderer.py")
