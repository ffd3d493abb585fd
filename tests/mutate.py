# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Breaks the templates, or the rules, one condition at a time, and tells what no test notices.

    python tests/mutate.py                          every condition of every template, made true and made false
    python tests/mutate.py 'templates/role*.yaml'   of these templates alone
    python tests/mutate.py --rules                  every rule, made to find nothing
    python tests/mutate.py --rules 'mesh-*'         of these rules alone

Of a condition whose operands all `and`, or all `or`, each operand is taken away as well. Nothing is written: each mutant
lives in a forked process, in which the tests run that render the template, or the rows of the rule, until one fails. Tests
that start the command as a process of its own notice nothing, and are no part of it. Exit code 1 when a mutant survives.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import functools
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONDITION = re.compile(r"(\{%-?\s*(?:if|elif)\s+)(.*?)(\s*-?%\})", re.S)
TESTS = {"templates": ["tests/chart", "tests/test_command.py"], "rules": ["tests/rules"]}
UNNOTICEABLE = {  # mutants that render the same, by template, condition and what is made of it
    # a loop through nothing renders nothing, and an empty document is none
    ("rolebinding-tenants.yaml", "Values.controller.watchNamespaces", "made true"),
    ("rolebinding-tenants.yaml", "loop.index0", "made true"),
    ("linkerd-serverauthorization.yaml", "Values.serviceMesh.linkerd.authorizations", "made true"),
    # the schema knows no fifth engine, and no third
    ("networkpolicy-default-deny.yaml", 'Values.networkPolicy.engine == "clusterNetworkPolicy"', "made true"),
}


class Mutant(NamedTuple):
    """What is broken, how that is told, and where: a template's file or a rule's name."""

    where: str
    told: str
    apply: Callable[[], None]


# Templates


def mutants_of_templates(patterns: list[str]) -> Iterator[Mutant]:
    from stageset_render.pack import files, templates

    templates.templates()  # compiled once, for all mutants
    for file in files.all_templates():
        if file == files.DEFAULTS or not chosen(f"templates/{file}", patterns):
            continue
        source = files.source(file)
        for found in CONDITION.finditer(source):
            line = source.count("\n", 0, found.start()) + 1
            for condition, told in instead(found[2]):
                if (file, found[2], told) in UNNOTICEABLE:
                    continue
                broken = source[: found.start(2)] + condition + source[found.end(2) :]
                told = f"templates/{file}:{line}: {{% if {' '.join(found[2].split())} %}} {told}"
                yield Mutant(file, told, functools.partial(replace_template, file, broken))


def instead(condition: str) -> Iterator[tuple[str, str]]:
    """What a condition is made into, and how that is told."""
    yield "true", "made true"
    yield "false", "made false"
    for word in ("and", "or"):
        parts = re.split(rf"\s+{word}\s+", condition)
        other = {"and": " or ", "or": " and "}[word]
        if len(parts) > 1 and not any(other in part or part.count("(") != part.count(")") for part in parts):
            for at, part in enumerate(parts):
                yield f" {word} ".join(parts[:at] + parts[at + 1 :]), f"without {part}"


def replace_template(file: str, source: str) -> None:
    from stageset_render.pack import environment, templates

    compiled = environment.environment().compile(source, file, f"templates/{file}")
    templates.templates()[file] = type(templates.templates()[file]).from_code(environment.environment(), compiled, {})


def record_templates(seen: set[str]) -> None:
    """Note which templates are rendered from now on."""
    from stageset_render.pack import templates

    for file, template in templates.templates().items():
        template.root_render_func = recorder(template.root_render_func, seen, file)


def recorder(render: Callable, seen: set[str], file: str) -> Callable:
    def recorded(*arguments, **named):
        seen.add(file)
        return render(*arguments, **named)

    return recorded


# Rules


def mutants_of_rules(patterns: list[str]) -> Iterator[Mutant]:
    from stageset_render import rules

    for family in rules.FAMILIES:
        for number, rule in enumerate(rules.family(family)):
            if rule.check and chosen(rule.name, patterns):
                silent = rule._replace(check=lambda release: ())
                told = f"stageset_render/rules/{family}.py: {rule.name} made to find nothing"
                yield Mutant(rule.name, told, functools.partial(rules.family(family).__setitem__, number, silent))


def chosen(name: str, patterns: list[str]) -> bool:
    return not patterns or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


# Runs


class Mutation:
    """Takes pytest's place in running what it has collected."""

    def __init__(self, of: str, patterns: list[str]):
        self.of, self.patterns = of, patterns
        self.survivors: list[str] = []
        self.failed = False

    def pytest_runtest_logreport(self, report):
        self.failed = self.failed or report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        mutants = list((mutants_of_templates if self.of == "templates" else mutants_of_rules)(self.patterns))
        relevant = self.by_template(session.items) if self.of == "templates" else by_rule(session.items)
        start = time.monotonic()
        for number, mutant in enumerate(mutants, 1):
            items = relevant.get(mutant.where, [])
            if not forked(lambda mutant=mutant, items=items: self.notices(mutant, items)):
                self.survivors.append(mutant.told)
                print(f"survives ({len(items)} tests): {mutant.told}", flush=True)
            if sys.stderr.isatty():
                print(f"\r{number} of {len(mutants)}", end="\r", file=sys.stderr)
        print(f"{len(mutants)} mutants, {len(self.survivors)} survive, {time.monotonic() - start:.0f} s")
        return True

    def notices(self, mutant: Mutant, items: list) -> bool:
        """Whether a test fails."""
        mutant.apply()
        return any(self.fails(item) for item in items)

    def fails(self, item) -> bool:
        self.failed = False
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return self.failed

    def by_template(self, items: list) -> dict[str, list]:
        """The tests that render each template, first those that render little else and take little time."""
        return {
            file: [items[number] for *_, number in sorted(found)]
            for file, found in forked(lambda: self.seen(items)).items()
        }

    def seen(self, items: list) -> dict[str, list]:
        found, seen = {}, set()
        record_templates(seen)
        for number, item in enumerate(items):
            seen.clear()
            start = time.process_time()
            if self.fails(item):
                sys.exit(f"fails without a mutant: {item.nodeid}")
            for file in seen:
                found.setdefault(file, []).append([len(seen), time.process_time() - start, number])
        return found


def by_rule(items: list) -> dict[str, list]:
    """The rows of each rule, and what is held beside them for all."""
    found: dict[str, list] = {}
    for item in items:
        name = getattr(item, "callspec", None) and item.callspec.params.get("name")
        found.setdefault(name, []).append(item)
    return {name: [*own, *found.get(None, [])] for name, own in found.items()}


def forked(call: Callable[[], object]) -> object:
    """What a call returns in a process of its own, whose words are not heard."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException), open(os.devnull, "w") as nothing, os.fdopen(writing, "w") as answer:
            os.dup2(nothing.fileno(), 1)
            os.dup2(nothing.fileno(), 2)
            try:
                json.dump([call(), None], answer)
            except BaseException as error:
                json.dump([None, str(error) or repr(error)], answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        found, failed = json.load(answer)
    os.waitpid(child, 0)
    if failed:
        sys.exit(failed)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patterns", nargs="*", help="templates, or names of rules")
    parser.add_argument("--rules", action="store_true", help="break rules instead of templates")
    options = parser.parse_args()
    os.chdir(ROOT)
    of = "rules" if options.rules else "templates"
    mutation = Mutation(of, options.patterns)
    code = pytest.main(
        [*TESTS[of], "-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:terminal", "-s"], plugins=[mutation]
    )
    return 1 if mutation.survivors else int(code)


if __name__ == "__main__":
    sys.exit(main())
