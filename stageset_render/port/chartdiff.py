# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Holds the pack against a chart: what the templates read and what they render, as text, JSON or a page to review."""

from __future__ import annotations

import collections
import copy
import difflib
import fnmatch
import functools
import html
import io
import itertools
import json
import re
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from jinja2 import nodes

from stageset_render.helm.documents import documents
from stageset_render.helm.writing import to_yaml
from stageset_render.pack import files, rendering
from stageset_render.pack.environment import environment
from stageset_render.port.chart import ported_names
from stageset_render.port.go import Port
from stageset_render.port.tags import Tag
from stageset_render.problems import Refused, dotted


class Absent:
    """What the side has that has nothing."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT = Absent()
NO_HELM = (
    "there is no Helm to render the chart with; install one: pip install 'stageset-render[helm]', "
    "or the helm command, https://helm.sh/docs/intro/install"
)


class Difference(NamedTuple):
    """One difference. `expected` is the chart's, `got` the pack's; ABSENT on the side that has nothing."""

    level: str  # structure or objects
    where: str  # a file, or an object as KIND NAMESPACE/NAME
    what: str  # file, condition, loop, value, default; object, field, order
    path: str
    expected: Any
    got: Any
    seen: tuple[str, ...] = ()  # the lines of a template, or the names of cases
    reason: str = ""  # why it is deliberate


class Report(NamedTuple):
    """All that one comparison found."""

    cases: list[str]
    differences: list[Difference]
    deliberate: list[Difference]
    unchanged: int
    failures: list[str]

    @property
    def exit_code(self) -> int:
        return 2 if self.failures else 1 if self.differences else 0


# The two sides


def chart_files(chart: str) -> dict[str, str]:
    """The files of a chart by their paths in it.

    Raises:
        Refused: when `chart` is neither a directory nor a .tgz with a Chart.yaml, or one of its files is not UTF-8.
        OSError: when a file can't be read.
    """
    path = Path(chart)
    if path.is_dir():
        found = {file.relative_to(path).as_posix(): file for file in sorted(path.rglob("*")) if file.is_file()}
        raw = {name: file.read_bytes() for name, file in found.items() if _compared(name)}
    else:
        raw = _unpacked(path)
    if "Chart.yaml" not in raw:
        raise Refused(f"{chart}: holds no Chart.yaml; name the directory of a chart, or its .tgz")
    try:
        return {name: data.decode() for name, data in raw.items()}
    except UnicodeDecodeError as error:
        raise Refused(f"{chart}: a file is not UTF-8 ({error}); save it as UTF-8") from error


def _unpacked(path: Path) -> dict[str, bytes]:
    try:
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes()), mode="r:gz") as archive:
            members = [(one.name.partition("/")[2], one) for one in archive if one.isfile()]
            return {name: archive.extractfile(one).read() for name, one in members if _compared(name)}
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise Refused(f"{path}: is no chart archive ({error}); name a directory or a .tgz") from error


def _compared(name: str) -> bool:
    """Whether Helm reads a file when it renders; the editor's leavings that a .helmignore lists are left out."""
    hidden = any(part.startswith(".") for part in name.split("/"))
    read = re.fullmatch(r"(Chart|values)\.yaml|values\.schema\.json|(templates|crds|charts)/.*", name)
    return bool(read) and not hidden and not name.endswith(("~", ".orig", ".swp"))


def pack_files() -> dict[str, str]:
    """The pack's own sources under the names that they have in the chart."""
    texts = {f"templates/{name}": files.source(name) for name in ported_names()}
    texts["values.yaml"] = files.source(files.DEFAULTS)
    texts["values.schema.json"] = files.text(files.SCHEMA)
    return {**texts, "Chart.yaml": ""}


def about(chart: str) -> dict:
    """What templates see as `Chart`: the pack renders under the versions of the chart that it is held against."""
    try:
        read = yaml.load(chart_files(chart)["Chart.yaml"], yaml.CSafeLoader)
        found = {"Version": str(read["version"]), "AppVersion": str(read.get("appVersion", ""))}
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise Refused(f"{chart}: Chart.yaml has no version; write one") from error
    return {**files.CHART, **found}


def chart_rendered(chart: str, values: dict, name: str, namespace: str) -> dict[str, str]:
    """What Helm makes of the chart: path in the chart to text.

    Raises:
        Refused: when there is no Helm, or it refuses.
    """
    try:
        import helm_python
    except ImportError:
        return _helm_command(chart, values, name, namespace)
    try:
        with helm_python.Chart.load(chart) as loaded:
            texts = loaded.render(copy.deepcopy(values), name=name, namespace=namespace)
    except helm_python.HelmError as error:
        raise Refused(f"the chart fails: {error}") from error
    return {path.partition("/")[2]: text for path, text in texts.items()}


def _helm_command(chart: str, values: dict, name: str, namespace: str) -> dict[str, str]:
    command = shutil.which("helm")
    if command is None:
        raise Refused(NO_HELM)
    done = subprocess.run(
        [command, "template", name, chart, "-n", namespace, "-f", "-"],
        input=json.dumps(values),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Refused(f"the chart fails: {done.stderr.strip()}")
    texts = collections.defaultdict(str)
    for page in re.split(r"^---\n(?=# Source: )", done.stdout, flags=re.M)[1:]:
        line, _, text = page.partition("\n")
        texts[line.partition("/")[2]] += f"---\n{text}"
    return dict(texts)


def pack_rendered(chart: str, values: dict, name: str, namespace: str) -> dict[str, str]:
    """The same of the pack. Raises Refused when it refuses."""
    try:
        texts = rendering.render(values, name=name, namespace=namespace, chart=about(chart))
    except Refused as refused:
        raise Refused(f"the pack refuses: {refused}") from refused
    return {f"templates/{file}": text for file, text in texts.items()}


def objects(texts: dict[str, str], side: str) -> dict[str, list[tuple[str, dict]]]:
    """The objects in rendered texts: KIND NAMESPACE/NAME to all (file, object) pairs of this name.

    Raises:
        Refused: when a document is not YAML, or no object.
    """
    found = collections.defaultdict(list)
    for file in sorted(texts):
        if Path(file).name.startswith("_") or file.endswith(".txt"):
            continue
        for document in documents(texts[file]):
            try:
                read = json.loads(json.dumps(yaml.load(document, yaml.CSafeLoader), default=str))  # as Kubernetes does
            except (yaml.YAMLError, TypeError, ValueError) as error:
                raise Refused(f"{side} renders what is no YAML of an object in {file}: {error}") from error
            if read is None:
                continue
            metadata = read.get("metadata") if isinstance(read, dict) else None
            if not isinstance(metadata, dict) or "kind" not in read:
                raise Refused(f"{side} renders what is no object in {file}: it has no kind or metadata")
            place = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
            found[f"{read['kind']} {place}"].append((file, read))
    return found


# What the templates read


class Reading(NamedTuple):
    """The value paths that an expression reads; `exact` when it is one of them and nothing more."""

    paths: frozenset = frozenset()
    exact: bool = False

    def below(self, keys: list[str]) -> Reading:
        if not self.exact or not keys:
            return self
        return Reading(frozenset(".".join([path, *keys]) for path in self.paths), True)

    def item(self) -> Reading:
        return Reading(frozenset(f"{path}[]" for path in self.paths), True) if self.exact else self


VALUES = Reading(frozenset(["Values"]), True)


class Reader:
    """Collects the conditions, loops and value paths of one template; `notes` has (what, text, line) triples."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, str, int]] = []
        self.names: dict[str, Reading] = {}

    def note(self, read: Reading, line: int, what: str = "") -> Reading:
        if what:
            self.notes.append((what, ", ".join(sorted(read.paths)) or "no value", line))
        self.notes += [("value", path, line) for path in sorted(read.paths)]
        return read


class JinjaReader(Reader):
    """Reads Jinja's syntax tree."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.walk(environment().parse(source))

    def walk(self, node: nodes.Node) -> None:
        method = getattr(self, f"walk_{type(node).__name__}", None)
        if method:
            method(node)
        elif isinstance(node, nodes.Expr):
            self.note(self.read(node), node.lineno)
        else:
            self.walk_all(node.iter_child_nodes())

    def walk_all(self, found) -> None:
        for node in found:
            self.walk(node)

    def walk_Import(self, node: nodes.Import) -> None:
        pass

    def walk_If(self, node: nodes.If) -> None:
        self.note(self.read(node.test), node.lineno, "condition")
        self.walk_all([*node.body, *node.elif_, *node.else_])

    def walk_For(self, node: nodes.For) -> None:
        self.names[node.target.name] = self.note(self.read(node.iter), node.lineno, "loop").item()
        self.walk_all([*node.body, *node.else_])

    def walk_Assign(self, node: nodes.Assign) -> None:
        self.names[node.target.name] = self.note(self.read(node.node), node.lineno)

    def walk_Macro(self, node: nodes.Macro) -> None:
        outside, self.names = self.names, {}
        self.walk_all(node.body)
        self.names = outside

    def read(self, node: nodes.Node) -> Reading:
        keys = []
        while isinstance(node, nodes.Getattr):
            keys, node = [node.attr, *keys], node.node
        if isinstance(node, nodes.Name):
            return (VALUES if node.name == "Values" else self.names.get(node.name, Reading())).below(keys)
        return Reading(frozenset().union(*(self.read(child).paths for child in node.iter_child_nodes())))


GO_TEXT = r'"(?:\\.|[^"\\])*"|`[^`]*`|\'(?:\\.|[^\'\\])*\''
GO_ACTION = re.compile(r"\{\{(?:-\s)?(?:\s*/\*.*?\*/\s*|(?P<body>(?:" + GO_TEXT + r"|[^\"`'])*?))(?:\s-)?\}\}", re.S)
GO_TOKEN = re.compile(rf"{GO_TEXT}|\)(?:\.\w+)+|\d[\w.]*|(?P<chain>(?:\$\w*)?(?:\.\w+)+|\$\w*|\.)|\w+|\S")
GO_ASSIGNED = re.compile(r"(?:\$\w+\s*,\s*)?\$(\w+)\s*:?=\s*(.*)", re.S)
GO_INDEX = re.compile(r'\(?\bindex\s+([$.][$.\w]*)((?:\s+"\w+")+)\s*\)?')


class GoReader(Reader):
    """Reads the actions of a Go template, as the documentation of Go's text/template describes them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.dot, self.blocks = Reading(), []
        for action in GO_ACTION.finditer(source):
            if action["body"] is not None:
                self.action(action["body"].strip(), source.count("\n", 0, action.start()) + 1)
        if self.blocks:
            raise Refused(f"the {self.blocks[-1][0]} of line {self.blocks[-1][1]} has no end")

    def action(self, body: str, line: int) -> None:
        word, rest = re.match(r"([a-z]*)\s*(.*)", body, re.S).groups()
        if word == "end" or word == "else":
            if not self.blocks:
                raise Refused(f"the {word} of line {line} ends nothing")
            kind, _, self.dot, names = self.blocks[-1]
            if word == "end":
                self.blocks.pop()
                self.names = names if kind in ("define", "block") else self.names
            elif rest:
                self.begin(*re.match(r"([a-z]*)\s*(.*)", rest, re.S).groups(), line)
        elif word in ("if", "with", "range", "define", "block"):
            self.blocks.append((word, line, self.dot, self.names))
            self.begin(word, rest, line)
        else:
            self.assigned(body, line)

    def begin(self, word: str, rest: str, line: int) -> None:
        if word in ("define", "block"):
            self.names, self.dot = {}, Reading()
        elif word == "range":
            self.dot = self.assigned(rest, line, "loop")
        else:
            read = self.assigned(rest, line, "condition")
            self.dot = read if word == "with" else self.dot

    def assigned(self, body: str, line: int, what: str = "") -> Reading:
        """Read an expression, and what a `$name :=` before it names: for a loop an item of it."""
        target = GO_ASSIGNED.fullmatch(body)
        read = self.note(self.read(target[2] if target else body), line, what)
        read = read.item() if what == "loop" else read
        if target:
            self.names[target[1]] = read
        return read

    def read(self, text: str) -> Reading:
        text = GO_INDEX.sub(lambda found: found[1] + found[2].replace('"', "").replace(" ", "."), text)
        chains = [found["chain"] for found in GO_TOKEN.finditer(text) if found["chain"]]
        found = [self.resolved(chain) for chain in chains]
        if len(found) == 1 and re.fullmatch(r"[\s()]*" + re.escape(chains[0]) + r"[\s()]*", text):
            return found[0]
        return Reading(frozenset().union(*(one.paths for one in found)))

    def resolved(self, chain: str) -> Reading:
        name, *keys = chain.split(".")
        if "Values" in keys:
            return VALUES.below(keys[keys.index("Values") + 1 :])
        return (self.names.get(name[1:], Reading()) if name else self.dot).below([key for key in keys if key])


def structure(chart: str) -> tuple[list[Difference], list[str]]:
    """The files that one side lacks, the defaults that differ, and what a template of one side reads in addition.

    Returns:
        The differences, and a sentence for each of the chart's files that can't be read.
    """
    theirs, ours, found, failures = chart_files(chart), pack_files(), [], []
    for file in sorted({*theirs, *ours}):
        if file not in ours or file not in theirs:
            sides = (ABSENT if file not in side else "present" for side in (theirs, ours))
            found.append(Difference("structure", file, "file", "", *sides))
            continue
        try:
            found += _file_differences(file, theirs[file], ours[file])
        except (Refused, yaml.YAMLError) as error:
            failures.append(f"the chart fails: {file}: {error}")
    return found, failures


def _file_differences(file: str, theirs: str, ours: str) -> Iterator[Difference]:
    if file == "values.yaml":
        pair = (yaml.load(text, yaml.CSafeLoader) or {} for text in (theirs, ours))
        yield from (Difference("structure", file, "default", *one[1:]) for one in compared(*pair))
    elif file.startswith("templates/"):
        yield from _template_differences(file, theirs, ours)


def _template_differences(file: str, theirs: str, ours: str) -> Iterator[Difference]:
    sides = [_lines(GoReader(theirs)), _lines(JinjaReader(ours))]
    for what, path in sorted({*sides[0], *sides[1]}):
        lines = [side.get((what, path), []) for side in sides]
        counts = [min(len(one), 1) if what == "value" else len(one) for one in lines]
        if counts[0] != counts[1]:
            here = lines[counts[1] > counts[0]]
            shown = tuple(f"line {line}" for line in dict.fromkeys(here))
            texts = (_times(count) for count in counts)
            yield Difference("structure", file, what, path, *texts, shown)


def _lines(reader: Reader) -> dict[tuple[str, str], list[int]]:
    found = collections.defaultdict(list)
    for what, text, line in reader.notes:
        found[what, text].append(line)
    return found


def _times(count: int) -> str:
    return ABSENT if not count else "present" if count == 1 else f"{count} times"


# What the templates render


def compared(expected: Any, got: Any, path: str = "") -> Iterator[tuple[str, str, Any, Any]]:
    """The differences of two values, path by path: (what, path, expected, got), where `what` is field or order."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in sorted({*expected, *got}, key=str):
            below = dotted((str(key),))
            pair = expected.get(key, ABSENT), got.get(key, ABSENT)
            yield from compared(*pair, f"{path}.{below}" if path else below)
    elif isinstance(expected, list) and isinstance(got, list):
        yield from _compared_lists(expected, got, path)
    elif type(expected) is not type(got) or expected != got:
        yield "field", path, expected, got


def _compared_lists(expected: list, got: list, path: str) -> Iterator[tuple[str, str, Any, Any]]:
    plain = [[_unordered(item) for item in side] for side in (expected, got)]
    if plain[0] != plain[1] and sorted(plain[0]) == sorted(plain[1]):
        yield "order", path, expected, got
        return
    names = [_names(side) for side in (expected, got)]
    if all(names):
        shared = [[name for name in side if name in other] for side, other in (names, names[::-1])]
        if shared[0] != shared[1]:
            yield "order", path, *names
        for name in dict.fromkeys([*names[0], *names[1]]):
            pair = (side[own.index(name)] if name in own else ABSENT for side, own in zip((expected, got), names))
            yield from compared(*pair, f"{path}[{name}]")
    else:
        for _, a, b, c, d in difflib.SequenceMatcher(None, *plain, autojunk=False).get_opcodes():
            for one, other in itertools.zip_longest(range(a, b), range(c, d)):
                pair = (ABSENT if at is None else side[at] for at, side in ((one, expected), (other, got)))
                yield from compared(*pair, f"{path}[{other if one is None else one}]")


def _names(items: list) -> list[str]:
    """The names of a list of named items, such as containers; none when one has no name or two have the same."""
    found = [item.get("name") if isinstance(item, dict) else None for item in items]
    return found if all(isinstance(name, str) for name in found) and len({*found}) == len(found) else []


def _unordered(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ",".join(sorted(map(_unordered, value))) + "]"
    if isinstance(value, dict):
        return json.dumps({str(key): _unordered(item) for key, item in value.items()}, sort_keys=True)
    return json.dumps(value, default=repr)


def object_differences(expected: dict[str, list], got: dict[str, list]) -> Iterator[Difference]:
    """Compare two sides of `objects`; two of one name are compared in the order in which they stand."""
    for where in sorted({*expected, *got}):
        pairs = itertools.zip_longest(expected.get(where, []), got.get(where, []), fillvalue=("", ABSENT))
        for (_, theirs), (_, ours) in pairs:
            if theirs is ABSENT or ours is ABSENT:
                sides = (ABSENT if side is ABSENT else "present" for side in (theirs, ours))
                yield Difference("objects", where, "object", "", *sides)
            else:
                yield from (Difference("objects", where, *one) for one in compared(theirs, ours))


# The comparison


@functools.cache
def _data(file: str) -> list[dict]:
    return yaml.load((Path(__file__).parent / file).read_bytes(), yaml.CSafeLoader)


def cases() -> dict[str, dict]:
    """The built-in values by name; together they turn every condition of the templates on and off."""
    return {case["name"]: case["values"] for case in _data("cases.yaml")}


def reason(difference: Difference) -> str:
    """Why a difference is deliberate, from diff/deliberate.yaml; empty when it is not."""
    for entry in _data("deliberate.yaml"):
        patterns = {key: pattern for key, pattern in entry.items() if key != "reason"}
        if all(fnmatch.fnmatchcase(getattr(difference, key), pattern) for key, pattern in patterns.items()):
            return entry["reason"]
    return ""


def report(chart: str, chosen: dict[str, dict], name: str, namespace: str) -> Report:
    """Hold the pack against a chart.

    Args:
        chart: its directory or .tgz.
        chosen: name of a case to its values.
        name: the release's name.
        namespace: the release's namespace.

    Raises:
        Refused: when the chart can't be read, or there is no Helm.
        OSError: when a file can't be read.
    """
    unchanged, seen = 0, {}
    found, failures = structure(chart)
    for case, values in chosen.items():
        sides = []
        for side, render in (("the chart", chart_rendered), ("the pack", pack_rendered)):
            try:
                sides.append(objects(render(chart, values, name, namespace), side))
            except Refused as refused:
                if str(refused) == NO_HELM:
                    raise
                failures.append(f"{case}: {refused}")
        if len(sides) < 2:
            continue
        different = list(object_differences(*sides))
        changed = collections.Counter(one.where for one in different)
        unchanged += sum(len(items) for where, items in sides[1].items() if where not in changed)
        for one in different:
            seen.setdefault(json.dumps(one, default=repr), (one, []))[1].append(case)
    found += [one._replace(seen=tuple(names)) for one, names in seen.values()]
    found = [one._replace(reason=reason(one)) for one in found]
    deliberate = [one for one in found if one.reason]
    return Report(list(chosen), [one for one in found if not one.reason], deliberate, unchanged, failures)


def as_json(found: Report) -> str:
    """A report as JSON, with a side that has nothing left out."""

    def plain(one: Difference) -> dict:
        sides = {key: getattr(one, key) for key in ("expected", "got") if getattr(one, key) is not ABSENT}
        rest = {key: value for key, value in one._asdict().items() if value and key not in ("expected", "got")}
        return {**rest, **sides}

    fields = {**found._asdict(), "same": not found.exit_code}
    for key in ("differences", "deliberate"):
        fields[key] = [plain(one) for one in fields[key]]
    return json.dumps(fields, indent=2, ensure_ascii=False, default=repr) + "\n"


def as_text(found: Report) -> str:
    """A report for reading."""
    lines = []
    for level in ("structure", "objects"):
        lines += _section(level, [one for one in found.differences if one.level == level], len(found.cases))
    lines += _section("deliberate", found.deliberate, len(found.cases))
    lines += [f"FAILED {failure}" for failure in found.failures]
    counts = f"{len(found.differences)} different, {len(found.deliberate)} deliberate"
    lines.append(f"{counts}, {found.unchanged} objects unchanged, cases: {len(found.cases)}")
    return "\n".join(lines) + "\n"


def _section(title: str, found: list[Difference], cases: int) -> Iterator[str]:
    if found:
        yield title
    for where, group in itertools.groupby(found, key=lambda one: one.where):
        yield f"  {where}"
        for one in group:
            yield f"    {one.what} {one.path}".rstrip() + _seen(one, cases)
            if one.reason:
                yield f"      deliberate: {one.reason}"
            else:
                yield f"      expected {_shown(one.what, one.expected)}"
                yield f"      got      {_shown(one.what, one.got)}"


def _seen(one: Difference, cases: int) -> str:
    if not one.seen or one.level == "objects" and len(one.seen) == cases:
        return ""
    more = f" and {len(one.seen) - 3} more" if len(one.seen) > 3 else ""
    return f" ({', '.join(one.seen[:3])}{more})"


def _shown(what: str, value: Any) -> str:
    if value is ABSENT or what not in ("field", "order", "default"):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=repr)


# The page for a review


class LinePort(Port):
    """A port that knows which line of its source became what."""

    def __init__(self, file: str, source: str) -> None:
        self.marks = []
        super().__init__(file, source)

    def _part(self, part: Tag) -> None:
        self.marks.append((part.line - (part.before or "").count("\n"), len(self.output)))
        super()._part(part)

    def lines(self, count: int) -> list[str]:
        found = [""] * count
        ends = [at for _, at in self.marks[1:]] + [len(self.output)]
        for (line, at), end in zip(self.marks, ends):
            for offset, text in enumerate("".join(self.output[at:end]).split("\n")):
                found[line - 1 + offset] += text
        return found


class Pair(NamedTuple):
    """One line of a table: a sign, then number and HTML of each side, with number 0 where a side has nothing."""

    sign: str
    left: tuple[int, str]
    right: tuple[int, str]


def aligned(left: list[str], right: list[str], shown: tuple[list[str], list[str]]) -> Iterator[Pair]:
    """Align two texts line by line; `shown` has the HTML of their lines."""
    for what, a, b, c, d in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        for one, other in itertools.zip_longest(range(a, b), range(c, d)):
            sign = " " if what == "equal" else "+" if one is None else "-" if other is None else "~"
            sides = [(at + 1, lines[at]) if at is not None else (0, "") for at, lines in zip((one, other), shown)]
            yield Pair(sign, *sides)


PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ margin: 1.5em; color: #111; background: #fff; font: 14px/1.45 sans-serif; }}
h2 {{ margin: 2em 0 .4em; border-bottom: 2px solid #111; font-size: 1.15em; }}
h3 {{ margin: 1em 0 .3em; font-size: 1em; }}
a {{ color: #0645ad; }}
table {{ width: 100%; border-collapse: collapse; table-layout: fixed; }}
.index {{ width: auto; }}
.index td, .index th {{ padding: .1em 1.2em .1em 0; text-align: left; }}
.source th {{ padding: .2em; background: #eee; text-align: left; }}
.source .n {{ width: 3.2em; }}
.source .s {{ width: 1.6em; }}
.source td {{ padding: 0 .3em; vertical-align: top; font: 12px/1.4 monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; }}
.source td.n {{ color: #666; text-align: right; }}
.source td.s {{ border: solid #bbb; border-width: 0 1px; font-weight: bold; text-align: center; }}
tr.minus td {{ background: #fde4e1; }}
tr.plus td {{ background: #dff5e1; }}
tr.changed td {{ background: #fff4c2; }}
@page {{ size: A4 landscape; margin: 1cm; }}
@media print {{
  body {{ margin: 0; }}
  h2, h3 {{ break-after: avoid; }}
  tr {{ break-inside: avoid; }}
  .source td {{ font-size: 8pt; }}
  tr.minus td, tr.plus td, tr.changed td {{ print-color-adjust: exact; }}
}}
{colours}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{about} Signs: <b>~</b> the line differs, <b>-</b> only in the chart, <b>+</b> only in the pack.</p>
<table class="index" id="index">
<thead><tr><th>file</th><th>lines that differ</th><th>object lines that differ</th></tr></thead>
<tbody>
{index}
</tbody>
</table>
{sections}
</body>
</html>
"""
CLASSES = {"~": "changed", "-": "minus", "+": "plus", " ": "same"}


def review(chart: str, case: str, values: dict, name: str, namespace: str) -> str:
    """A page, complete in itself, with every template of both sides side by side and what it renders under `values`.

    Raises:
        Refused: when a side can't be read or rendered.
        OSError: when a file can't be read.
    """
    theirs, ours = chart_files(chart), pack_files()
    rendered = [
        _by_file(objects(render(chart, values, name, namespace), side))
        for side, render in (("the chart", chart_rendered), ("the pack", pack_rendered))
    ]
    colour, colours = _highlighters()
    rows, sections = [], []
    for number, file in enumerate(sorted(name for name in {*theirs, *ours} if name.startswith("templates/"))):
        tables = [_source_pairs(file, theirs.get(file, ""), ours.get(file, ""), colour)]
        documents = [side.get(file, "") for side in rendered]
        lines = [_split(text) for text in documents]
        tables.append(list(aligned(*lines, tuple(colour("yaml", text) for text in documents))))
        counts = "".join(f"<td>{sum(pair.sign != ' ' for pair in table) or ''}</td>" for table in tables)
        shown = html.escape(file)
        rows.append(f'<tr><td><a href="#f{number}">{shown}</a></td>{counts}</tr>')
        sections.append(f'<h2 id="f{number}">{shown}</h2>\n{_table("chart", "pack", tables[0])}')
        if tables[1]:
            sections.append(f"<h3>objects of {shown}</h3>\n{_table('expected (chart)', 'got (pack)', tables[1])}")
        sections.append('<p><a href="#index">to the index</a></p>')
    said = f"Chart: {chart}, release {name} in {namespace}; the objects are those of the case {case}."
    return PAGE.format(
        title="The chart and the pack, side by side",
        about=html.escape(said),
        colours=colours,
        index="\n".join(rows),
        sections="\n".join(sections),
    )


def _by_file(found: dict[str, list[tuple[str, dict]]]) -> dict[str, str]:
    texts = collections.defaultdict(list)
    for _, items in sorted(found.items()):
        for file, one in items:
            texts[file].append(to_yaml(one))
    return {file: "\n---\n".join(documents) + "\n" for file, documents in texts.items()}


def _split(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _source_pairs(file: str, theirs: str, ours: str, colour) -> list[Pair]:
    lines = [_split(theirs), _split(ours)]
    port = LinePort(Path(file).name, ours)
    if port.problems:
        raise Refused(*port.problems)
    plain = port.lines(ours.count("\n") + 1)[: len(lines[1])]
    formless = {number for number, (text, source) in enumerate(zip(plain, lines[1]), 1) if not text and source}
    pairs = aligned(lines[0], plain, (colour("go", theirs), colour("jinja", ours)))
    # An import has no Go form, and a tag over several lines is compared where it begins.
    return [pair._replace(sign=" ") if pair.sign == "+" and pair.right[0] in formless else pair for pair in pairs]


def _table(left: str, right: str, pairs: list[Pair]) -> str:
    columns = '<colgroup><col class="n"><col><col class="s"><col class="n"><col></colgroup>'
    head = f"<thead><tr><th></th><th>{left}</th><th></th><th></th><th>{right}</th></tr></thead>"
    rows = (
        f'<tr class="{CLASSES[sign]}"><td class="n">{one or ""}</td><td>{a}</td><td class="s">{sign}</td>'
        f'<td class="n">{other or ""}</td><td>{b}</td></tr>'
        for sign, (one, a), (other, b) in pairs
    )
    return f'<table class="source">{columns}{head}<tbody>\n' + "\n".join(rows) + "\n</tbody></table>"


def _highlighters():
    """A function from language and text to the HTML of its lines, and the style sheet that goes with it."""
    try:
        from pygments import formatters, lexer, lexers, token
    except ImportError as error:
        raise Refused("there is no Pygments to colour the page with; pip install 'stageset-render[review]'") from error

    class GoTags(lexer.RegexLexer):
        flags = re.S
        tokens = {
            "root": [
                (r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", token.Comment),
                (r"\{\{-?", token.Comment.Preproc, "tag"),
                (r"[^{]+|\{", token.Other),
            ],
            "tag": [
                (r"-?\}\}", token.Comment.Preproc, "#pop"),
                (GO_TEXT, token.String),
                (r"(?:\$\w*)?(?:\.\w+)+|\$\w*", token.Name.Variable),
                (r"\b(if|else|end|range|with|define|block|template|break|continue)\b", token.Keyword),
                (r"\d[\w.]*", token.Number),
                (r"\w+", token.Name.Function),
                (r"\s+", token.Text),
                (r".", token.Operator),
            ],
        }

    class Go(lexer.DelegatingLexer):
        def __init__(self, **options):
            super().__init__(lexers.YamlLexer, GoTags, **options)

    known = {"go": Go, "jinja": lexers.YamlJinjaLexer, "yaml": lexers.YamlLexer}
    formatter = formatters.HtmlFormatter(nowrap=True, style="default")

    def colour(language: str, text: str) -> list[str]:
        out = io.StringIO()
        formatter.format(known[language](stripnl=False).get_tokens(text), out)
        return _split(out.getvalue())

    styles = formatter.get_style_defs("td").replace("td .err", "td .not-shown").replace("td .w", "td .not-shown")
    return colour, "\n".join(line for line in styles.split("\n") if line.startswith("td .") and "not-shown" not in line)
