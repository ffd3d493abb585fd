# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Tells what differs between a chart and the pack, as text or JSON: a verdict first, and each cause once."""

from __future__ import annotations

import collections
import contextlib
import fnmatch
import functools
import itertools
import json
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from stageset_render.findings import Finding, Place, Refused, dotted, short
from stageset_render.helm.reading import load_yaml
from stageset_render.pack.definitions import is_definition
from stageset_render.pack.files import SCHEMA
from stageset_render.port.deliberate import entries
from stageset_render.port.diff.compare import structure
from stageset_render.port.diff.differences import ABSENT, Difference, object_differences
from stageset_render.port.diff.places import last_key, printing
from stageset_render.port.diff.sides import Chart, Hopeless, pack_files, pack_objects
from stageset_render.port.language.types import of_pack, of_values
from stageset_render.port.sources import TESTS
from stageset_render.reporting import escaped

LEVELS = ("objects", "structure", "defaults", "schema")
WORDS = {"objects": "object", "file": "file", "defaults": "default", "lines": "line", "schema": "bound"}
CASES = "cases.yaml"
MOST_SHOWN = 1000  # characters of a value in the text; JSON and the page have all


class Drawn(NamedTuple):
    """What a search through random values came to."""

    seed: int
    compared: int
    refused: list[str]  # the chart's words, of value sets that the pack takes
    values: dict | None  # the smallest that show a difference


class Report(NamedTuple):
    """All that one comparison found.

    Attributes:
        cases: the names of what was rendered.
        differences, deliberate: each cause once, with all places that show it.
        unchanged: how many objects are the same, over all cases.
        failures: what kept something from being compared.
        definitions: the chart's files of definitions, which are not compared.
        drawn: what a search came to before this comparison.
    """

    cases: list[str]
    differences: list[Difference]
    deliberate: list[Difference]
    unchanged: int
    failures: list[Finding]
    definitions: list[str]
    drawn: Drawn | None = None

    @property
    def exit_code(self) -> int:
        if self.failures or self.drawn and self.drawn.refused and not self.drawn.compared:
            return 2
        return 1 if self.differences else 0

    @property
    def verdict(self) -> str:
        """What it comes to, in a line: how many differ, of which kind, and how many are deliberate."""
        counts = collections.Counter(WORDS.get(one.level) or WORDS[one.what] for one in self.differences)
        kinds = [f"{counts[word]} {word}{'s' * (counts[word] > 1)}" for word in WORDS.values() if counts[word]]
        count = len(self.differences)
        said = [f"{len(self.failures)} failed"] if self.failures else []
        nothing = "nothing else differs" if said else "nothing differs"
        said.append(f"{count} differ{'s' * (count == 1)} ({', '.join(kinds)})" if count else nothing)
        if self.deliberate:
            said.append(f"{len(self.deliberate)} on purpose")
        cases = f"{len(self.cases)} case{'s' * (len(self.cases) > 1)}"
        return ", ".join(said) + (f"; {self.unchanged} objects are the same in {cases}" if self.cases else "")


def cases(chart: Chart | None = None) -> dict[str, dict]:
    """The built-in values by name; together they turn every condition of the templates on and off.

    Args:
        chart: one that is to take them, if its schema says which values it has.
    """
    return _cases(*_of(chart))[0]


def outdated(chart: Chart) -> list[Finding]:
    """What the built-in values say that the pack or a chart has no longer, which is left out of them."""
    told, mend = "the case {} goes without {}, which one side has no longer", "take it out, or rename it"
    place = Place("/".join((*__name__.split(".")[:-1], CASES)))
    found = ((name, dotted(path)) for name, path in _cases(*_of(chart))[1])
    return [Finding((), told.format(*one), mend, "case", "warning", place=place) for one in found]


def _of(chart: Chart | None) -> tuple[str | None, str | None]:
    return (chart.files.get("values.yaml"), chart.files.get(SCHEMA)) if chart else (None, None)


@functools.lru_cache(maxsize=4)
def _cases(values: str | None, schema: str | None) -> tuple[dict[str, dict], list[tuple[str, tuple]]]:
    found = yaml.load(Path(__file__).with_name(CASES).read_bytes(), yaml.CSafeLoader)
    known = [of_pack()]
    with contextlib.suppress(Refused, ValueError):  # which the comparison tells
        known += [of_values(load_yaml(values or "", "values.yaml") or {}, json.loads(schema))] if schema else []
    gone = [(case["name"], path) for case in found for one in known for path in _taken_out(case["values"], one)]
    return {case["name"]: case["values"] for case in found}, gone


def _taken_out(values: dict, known: dict, path: tuple = ()) -> Iterator[tuple]:
    """Take out of values what is not known, and say what that is."""
    for key in [*values] if "properties" in known else ():
        if key not in known["properties"]:
            del values[key]
            yield *path, key
        elif isinstance(values[key], dict):
            yield from _taken_out(values[key], known["properties"][key], (*path, key))


def reason(difference: Difference) -> str:
    """Why a difference is deliberate, from deliberate.yaml; empty when it is not."""
    for entry in entries():
        patterns = {key: pattern for key, pattern in entry.items() if key not in ("reason", "pulled")}
        if all(fnmatch.fnmatchcase(str(getattr(difference, key)), pattern) for key, pattern in patterns.items()):
            return entry["reason"]
    return ""


def report(chart: Chart, chosen: dict[str, dict], name: str, namespace: str) -> Report:
    """Hold the pack against a chart. The objects are compared under the chart's defaults, which are compared alone.

    Args:
        chart: what to hold it against.
        chosen: name of a case to its values.
        name: the release's name.
        namespace: the release's namespace.

    Raises:
        Refused: when nothing can be rendered.
    """
    unchanged, seen, failed = 0, {}, {}
    found, failures = structure(chart)
    for case, values in chosen.items():
        sides = []
        for render in (chart.objects, functools.partial(pack_objects, chart)):
            try:
                sides.append(render(values, name=name, namespace=namespace))
            except Hopeless:
                raise
            except Refused as refused:
                if render == chart.objects and failures:  # they say why
                    continue
                for problem in refused.problems:
                    failed.setdefault(problem, []).append(case)
        if len(sides) < 2:
            continue
        different = list(object_differences(*sides))
        changed = {one.where for one in different}
        unchanged += sum(len(items) for where, items in sides[1].items() if where not in changed)
        for one in different:
            seen.setdefault(json.dumps(one, default=repr), (one, []))[1].append(case)
    for problem, told in failed.items():
        more = f" and {len(told) - 1} more" if len(told) > 1 else ""
        under = f" (in the case {told[0]}{more})" if len(chosen) > 1 else ""
        failures.append(problem._replace(message=problem.message + under))
    places = {one.where: at for at, (one, _) in reversed([*enumerate(seen.values())])}  # an object's fields together
    found += sorted((one._replace(seen=tuple(told)) for one, told in seen.values()), key=lambda one: places[one.where])
    found.sort(key=lambda one: LEVELS.index(one.level))
    found = causes(one._replace(reason=reason(one)) for one in found)
    found = list(_placed(found, chart.files, pack_files()))
    deliberate = [one for one in found if one.reason]
    different = [one for one in found if not one.reason]
    definitions = [file for file in chart.files if is_definition(file)]
    return Report(list(chosen), different, deliberate, unchanged, failures, definitions)


def causes(found: Iterable[Difference]) -> list[Difference]:
    """The differences with those of one cause as one: the same key with the same values, the same lines, or what the
    only difference of a template makes of its objects.

    The first stands for all; `also` has the others.
    """
    found, groups = list(found), collections.defaultdict(list)
    single = _single(found)
    for one in found:
        groups[_cause(one, single)].append(one)
    out = []
    for first, *others in groups.values():
        seen = dict.fromkeys(case for one in (first, *others) for case in one.seen)
        also = {(one.where, one.path): one for one in others if (one.where, one.path) != (first.where, first.path)}
        out.append(first._replace(seen=tuple(seen), also=tuple(also.values())))
    return out


def _single(found: list[Difference]) -> Callable[[str], str]:
    """What names the one cause that explains all of a template's objects; empty where there is none or several."""
    of_files = collections.defaultdict(set)
    for one in found:
        if one.level == "structure" and not one.reason:
            of_files[one.where].add(_same(one))
    if any(Path(file).name.startswith("_") for file in of_files):  # a helper may be in any object
        every = set().union(*of_files.values())
        of_files = collections.defaultdict(lambda: every)
    if any(one.level == "defaults" and ABSENT in (one.expected, one.got) for one in found):
        of_files = collections.defaultdict(set)

    def single(file: str) -> str:
        return next(iter(of_files[file])) if len(of_files[file]) == 1 else ""

    return single


def _cause(one: Difference, single: Callable[[str], str]) -> str:
    of = one.level == "objects" and not one.reason and single(one.places[0])
    return f"objects by {of}" if of else _same(one)


def _same(one: Difference) -> str:
    """What differences that say the same have in common."""
    sides: list = [one.expected, one.got]
    if one.what == "lines":
        sides = [side if side is ABSENT else [text.strip() for _, text in side] for side in sides]
    alone = one.what in ("object", "file", "default")
    at = (one.where, one.path) if alone else "" if one.what == "lines" else last_key(one.path)
    return json.dumps([one.level, one.what, one.reason, at, *sides], default=repr)


def _placed(found: list[Difference], *sides: dict[str, str]) -> Iterator[Difference]:
    """The differences of objects with the line of the template on each side that prints the field."""
    for one in found:
        if one.level == "objects" and one.what != "object" and len(one.places) == 2:
            texts = (side.get(file, "") for side, file in zip(sides, one.places))
            kind, values = one.where.partition(" ")[0], (one.expected, one.got)
            lines = (printing(text, kind, one.path, value) for text, value in zip(texts, values))
            one = one._replace(places=tuple(f"{file}:{line}" for file, line in zip(one.places, lines)))
        yield one


def as_json(found: Report) -> str:
    """A report as JSON, with a side that has nothing left out."""

    def plain(one: Difference) -> dict:
        fields = {key: value for key, value in one._asdict().items() if value or key in ("expected", "got")}
        fields = {key: value for key, value in fields.items() if value is not ABSENT}
        return {**fields, "also": [plain(other) for other in one.also]} if one.also else fields

    fields = {"verdict": found.verdict, **found._asdict(), "same": not found.exit_code}
    fields["drawn"] = found.drawn and found.drawn._asdict()
    fields["failures"] = [str(failure) for failure in found.failures]
    for key in ("differences", "deliberate"):
        fields[key] = [plain(one) for one in fields[key]]
    return json.dumps(fields, indent=2, ensure_ascii=False, default=repr) + "\n"


def as_text(found: Report, chart: Chart, deliberate: bool = False) -> str:
    """A report for reading, the verdict first.

    Args:
        found: the report.
        chart: what it is about.
        deliberate: list what differs on purpose, instead of a line for each reason.
    """
    lines = [found.verdict]
    if found.definitions:
        lines.append(definitions_told(found, chart))
    if any(file.startswith(TESTS) for file in chart.files):
        lines.append(f"{TESTS} is not compared; the pack has no tests of Helm's")
    if found.drawn:
        lines += _counted(found.drawn)
    if found.drawn and found.drawn.values is not None:
        text = yaml.safe_dump(found.drawn.values, sort_keys=False, allow_unicode=True)
        lines += ["the smallest values that show a difference", *textwrap.indent(text.rstrip("\n"), "  ").split("\n")]
    for level in LEVELS:
        lines += _section(level, [one for one in found.differences if one.level == level], len(found.cases))
    if deliberate:
        lines += _section("on purpose", found.deliberate, len(found.cases))
    elif found.deliberate:
        counts = collections.Counter(one.reason for one in found.deliberate)
        lines += ["on purpose", *(f"  {count} {reason}" for reason, count in counts.items())]
    return "".join(f"{escaped(line)}\n" for line in lines)


def definitions_told(found: Report, chart: Chart) -> str:
    """Where the renderer takes the chart's definitions from, which are not compared."""
    own = any(file.startswith("templates/") for file in found.definitions)
    where = chart.where if own else chart.label("crds")
    count = len(found.definitions)
    one = "definition is" if count == 1 else "definitions are"
    return f"{count} {one} not compared; `stageset-render --crds {where}` takes them from the chart"


def _counted(drawn: Drawn) -> Iterator[str]:
    counts = f"{drawn.compared} compared, {len(drawn.refused)} refused by the chart"
    yield f"value sets drawn with seed {drawn.seed}: {counts}"
    for said, count in collections.Counter(drawn.refused).most_common(3):
        yield f"  {count} of them: {said}"


def _section(title: str, found: list[Difference], cases: int) -> Iterator[str]:
    if found:
        yield title
    for where, group in itertools.groupby(found, key=lambda one: one.where):
        yield f"  {where}"
        for one in group:
            if one.what == "lines":
                yield from _lines(one)
            else:
                yield f"    {one.what} {one.path}".rstrip() + _seen(one, cases)
                yield f"      expected {_shown(one.what, one.expected)}"
                yield f"      got      {_shown(one.what, one.got)}"
                if len(one.places) == 2:
                    yield f"      chart {one.places[0]}, pack {one.places[1]}"
            if one.also:
                yield f"      {also_told(one)}"


def also_told(one: Difference) -> str:
    """In how many places there is a difference of the same cause, and where the next of them are."""
    places = [f"{other.where} {'' if one.what == 'lines' else other.path}".rstrip() for other in one.also]
    more = f", and {len(places) - 3} more" if len(places) > 3 else ""
    return f"shows in {len(places) + 1} places: also {', '.join(places[:3])}{more}"


def _lines(one: Difference) -> Iterator[str]:
    """A run of lines as a unified diff has them, the chart's line numbers on the left and the pack's on the right."""
    for sign, side in (("-", one.expected), ("+", one.got)):
        for number, text in [] if side is ABSENT else side:
            left, right = (number, "") if sign == "-" else ("", number)
            yield f"    {left:>4} {right:>4} {sign} {text}"


def _seen(one: Difference, cases: int) -> str:
    if not one.seen or len(one.seen) == cases:
        return ""
    more = f" and {len(one.seen) - 3} more" if len(one.seen) > 3 else ""
    return f" ({', '.join(one.seen[:3])}{more})"


def _shown(what: str, value: Any) -> str:
    if value is ABSENT or what in ("object", "file"):
        return str(value)
    return short(json.dumps(value, ensure_ascii=False, default=repr), MOST_SHOWN)
