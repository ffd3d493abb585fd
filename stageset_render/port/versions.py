# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Versions of the pack and of a chart, each with its trees and with what writes in its language and its names."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Callable

from stageset_render.findings import Finding, Place, Refused
from stageset_render.helm.reading import load_yaml
from stageset_render.pack.files import CHART, DEFAULTS, HELPERS, root
from stageset_render.pack.names import check_versions
from stageset_render.port.language import (
    go_templates,
    jinja_reading,
    read_jinja,
    translate,
    write_go,
    write_jinja,
)
from stageset_render.port.language.named import VALUE, unlike
from stageset_render.port.language.outline import Outline
from stageset_render.port.language.tree import (
    Block,
    Branch,
    Expr,
    Include,
    Name,
    Set,
    Text,
    Tree,
    expressions,
    map_expressions,
    parts_of,
)

FOLDER = "templates/"
TAB = re.compile(r"\n\t+(?=[^\s#])")
ABOUT = "stageset_render/pack/files.py"


class Version:
    """The templates, defaults and schema of one version.

    Args:
        files: path to text, with the paths that the pack or the chart gives them.
        label: what errors call it.
        values: what is known of the values.
    """

    defaults: str

    def __init__(self, files: dict[str, str], label: str = "", values: dict | None = None):
        self.files, self.label = files, label
        self.origins, self.names, self.read_once = [], {}, {}
        self.templates = {path.removeprefix(FOLDER): text for path, text in files.items() if self.is_template(path)}
        self.values = values or {}

    @staticmethod
    def is_template(path: str) -> bool:
        raise NotImplementedError

    def instead(self, files: dict[str, str]) -> Version:
        """The same with other texts of some files."""
        return type(self)({**self.files, **files}, self.label, self.values)

    def tree(self, file: str) -> Tree:
        """A fresh tree of a template, or of the defaults."""
        if file == self.defaults:
            text = self.files[file]
            part = Text(1, 0, len(text), text=text)
            return Tree("values.yaml", text, [part], [part])
        found = self.read(file)
        if found.problems:
            raise Refused(*(self.finding(file, line, told) for line, told in sorted(found.problems)))
        return found

    def tree_as(self, other: Version, file: str) -> Tree:
        """The same, in which the parameters of macros are called as in another version."""
        tree, names = self.tree(file), _renamed(self, other)

        def change(expr: Expr) -> Expr:
            known = names.get(expr.name) if isinstance(expr, Include) else None
            return Include(expr.name, tuple((known.get(key, key), one) for key, one in expr.args)) if known else expr

        if any(names.values()):
            map_expressions(tree.body, change)
        for name, macro in tree.macros.items():
            for var in macro.parameters:
                var.name = names.get(name, {}).get(var.name, var.name)
        return tree

    def macros_as(self, other: Version) -> dict[str, tuple[str, ...]]:
        """The macros that there are, with their parameters as another version calls them."""
        names = _renamed(self, other)
        return {name: tuple(names.get(name, {}).get(one, one) for one in given) for name, given in self.macros.items()}

    def place(self, file: str, line: int) -> Place:
        """Where a line of a template stands."""
        return Place(self.label + self.path(file), line)

    def finding(self, file: str, line: int, told: str) -> Finding:
        """What is wrong with a template."""
        return translate.finding(*self.place(file, line)[:2], told)

    def read(self, file: str) -> Tree:
        raise NotImplementedError

    def says_nothing(self, file: str) -> bool:
        """Whether a template is empty but for comments."""
        return not Outline(self.tree(file), self.values).items

    def path(self, file: str) -> str:
        return file if file == self.defaults else FOLDER + file

    def writer(self, tree: Tree, macros: dict[str, tuple[str, ...]]) -> Callable[[list[Branch]], object]:
        """What makes writers that write into a tree, inside some of its branches."""
        raise NotImplementedError

    def whole(self, tree: Tree, macros: dict[str, tuple[str, ...]]) -> str:
        """A tree of another version written anew in this language."""
        writer = self.writer(Tree(tree.file, ""), macros)([])
        text = writer.text(tree.parts, tree.source)
        if writer.problems:
            raise Untranslated(writer.problems)
        return text

    @property
    def macros(self) -> dict[str, tuple[str, ...]]:
        """The macros that there are, with their parameters."""
        raise NotImplementedError


@functools.lru_cache(maxsize=8)
def _renamed(version: Version, other: Version) -> dict[str, dict[str, str]]:
    """By macro, the names that another version has for its parameters: of its own, the first used is the first."""
    if version is other:
        return {}
    both = [[one.read(file) for file in one.templates if file.startswith("_")] for one in (version, other)]
    sides = [{name: _used(macro) for tree in trees for name, macro in tree.macros.items()} for trees in both]
    found = {}
    for name in {*sides[0]} & {*sides[1]}:
        one, more = (side[name] for side in sides)
        own = [key for key in one if key not in more], [key for key in more if key not in one]
        if len(own[0]) == len(own[1]) and VALUE not in (*one, *more):
            found[name] = dict(zip(*own))
    return found


def _used(macro: Branch) -> list[str]:
    """The parameters of a macro, as they are used."""
    read = [one.var for _, expr in expressions(macro.body) for one in parts_of(expr) if isinstance(one, Name)]
    return list(dict.fromkeys(var.name for var in (*read, *macro.parameters) if var in macro.parameters))


class Untranslated(Exception):
    """What of a template has no form, as (line, what it is) pairs."""

    def __init__(self, problems: list[tuple[int, str]]):
        super().__init__()
        self.problems = problems


class Pack(Version):
    """A version of the pack."""

    defaults = FOLDER + DEFAULTS

    @staticmethod
    def is_template(path: str) -> bool:
        return path.startswith(FOLDER) and path != FOLDER + DEFAULTS

    def read(self, file: str) -> Tree:
        return read_jinja.read(file, self.templates[file], self.templates.get(HELPERS, ""), self.values)

    @property
    def macros(self) -> dict[str, tuple[str, ...]]:
        return jinja_reading.macro_names(self.templates.get(HELPERS, ""))

    def writer(self, tree: Tree, macros: dict[str, tuple[str, ...]]) -> Callable[[list[Branch]], object]:
        own = {node.var: node.var.name for node in _sets(tree.body)}
        loops = {branch.var: branch.var.name for branch in _branches(tree.body) if branch.var}
        order = {name: _ordered(self.macros.get(name, ()), given) for name, given in macros.items()}

        def make(branches: list[Branch]) -> write_jinja.Writer:
            around = [branch for branch in branches if branch.kind == "for"]
            names.taken = {*own.values(), *(branch.var.name for branch in around)}
            return write_jinja.Writer(names, self.values, tuple(around))

        helpers = "" if tree.file.startswith("_") else "stageset."
        names = write_jinja.Names(helpers, {**self.macros, **order}, {**own, **loops})
        return make


class Chart(Version):
    """A version of a chart."""

    defaults = "values.yaml"

    @staticmethod
    def is_template(path: str) -> bool:
        return path.startswith(FOLDER) and not path.startswith(FOLDER + "crd-") and "/" not in path.removeprefix(FOLDER)

    def gathered(self, kept: set[str]) -> Chart:
        """The same with all named templates in _helpers.tpl, as the pack has them: those of other partials but for some,
        and of library charts what is included."""
        libraries = translate.libraries(self.files)
        others = {name: text for name, text in self.templates.items() if name.startswith("_") and name not in kept}
        found = go_templates.defines({**others, **libraries})
        texts = [text for name, text in self.templates.items() if name not in others]
        wanted = {name for name, one in found.items() if one.file in others}
        while more := {name for name in {*found} - wanted if any(f'"{name}"' in text for text in texts)}:
            wanted, texts = wanted | more, [found[name].text for name in more]
        self.templates = {name: text for name, text in self.templates.items() if name not in others}
        text = self.templates.get(HELPERS, "").rstrip("\n") + "\n"
        own = go_templates.defines({HELPERS: text})
        taken = {one.name for one in own.values()}
        own_first = {name for name, one in found.items() if name in own and one.file in libraries}  # which Helm takes
        for name in [name for name in found if name in wanted - own_first]:
            self.origins.append((text.count("\n") + 2, found[name]))
            text += f"\n{found[name].text}\n"
            self.names[name] = own[name].name if name in own else unlike(found[name].name, name, taken)
            taken.add(self.names[name])
        if wanted:
            self.templates[HELPERS] = text
        return self

    def place(self, file: str, line: int) -> Place:
        for begun, one in reversed(self.origins if file == HELPERS else []):
            if line >= begun:
                path = one.file if "/" in one.file else FOLDER + one.file
                return Place(self.label + path, line - begun + one.line)
        return super().place(file, line)

    @functools.cached_property
    def go(self) -> go_templates.Chart:
        libraries = {} if self.names else translate.libraries(self.files)
        return go_templates.Chart(dict(self.templates), self.values, libraries, self.names)

    def read(self, file: str) -> Tree:
        told = [(line, text) for name, line, text in self.go.problems if name == file]
        if told:
            return Tree(file, self.templates[file], problems=told)
        self.go.reread(file)
        found = self.go.trees[file]
        if not file.startswith("_") and not file.endswith(".txt"):
            tabs = [
                part.at + one.start()
                for part in found.parts
                if isinstance(part, Text)
                for one in TAB.finditer(part.text)
            ]
            told = "a tab indents this line, which YAML refuses; indent it with blanks"
            found.problems.extend((found.source.count("\n", 0, at + 1) + 1, told) for at in tabs)
        return found

    @functools.cached_property
    def macros(self) -> dict[str, tuple[str, ...]]:
        return {macro.name: tuple(var.name for var in macro.parameters()) for macro in self.go.macros.values()}

    def writer(self, tree: Tree, macros: dict[str, tuple[str, ...]]) -> Callable[[list[Branch]], object]:
        known = {macro.name: macro for macro in self.go.macros.values()}
        prefixes = Counter(
            macro.go.removesuffix(f".{macro.name}") for macro in known.values() if macro.go.endswith(f".{macro.name}")
        )
        prefix = prefixes.most_common(1)[0][0] if prefixes else "stageset"

        def called(name: str) -> str:
            return known[name].go if name in known else f"{prefix}.{name}"

        keys = {name: macro.root for name, macro in known.items() if macro.root}
        names = write_go.Names(called, {}, keys)

        def make(branches: list[Branch]) -> write_go.Writer:
            scope = write_go.Scope()
            for branch in branches:
                if branch.kind == "macro":
                    macro = known.get(branch.name)
                    kind = macro.kind if macro else "dict" if branch.parameters else "root"
                    dollar = {"root": None, None: None, "value": ""}.get(
                        kind, macro.root if macro else write_go.ROOT_KEY
                    )
                    scope = write_go.Scope(dollar=dollar)
                else:
                    scope = scope.within(branch)
            return write_go.Writer(names, self.values, scope)

        return make


def about(files: dict[str, str], label: str = "") -> dict[str, str]:
    """The name and versions of a chart as templates see them, of its Chart.yaml.

    Raises:
        Refused: when that has none, or one that no label takes.
    """
    path = f"{label}Chart.yaml"
    read = load_yaml(files["Chart.yaml"], path)
    if not isinstance(read, dict) or "version" not in read:
        raise Refused(Finding((), "it has no version; write one", place=Place(path)))
    found = {"Name": str(read.get("name") or CHART["Name"]), "Version": str(read["version"])}
    found["AppVersion"] = str(read.get("appVersion") or "")
    check_versions({**CHART, **found})
    return found


def mirrored(old: dict[str, str], new: dict[str, str]) -> tuple[str, str, str] | None:
    """What becomes of the file that says which chart the pack mirrors, where another is: path, text before and after."""
    place = root() / ABOUT
    if old == new or not place.is_file():
        return None
    before = after = place.read_text(encoding="utf-8")
    for key, value in new.items():
        known = re.search(rf'(?m)^CHART = .*"{key}": ("[^"]*")', after)
        after = after[: known.start(1)] + json.dumps(value) + after[known.end(1) :]
    return (ABOUT, before, after) if after != before else None


def _ordered(known: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    return (*(name for name in known if name in given), *(name for name in given if name not in known))


def _sets(nodes: list) -> list[Set]:
    return [node for node, _ in expressions(nodes) if isinstance(node, Set)]


def _branches(nodes: list) -> list[Branch]:
    blocks = [node for node in nodes if isinstance(node, Block)]
    found = [branch for block in blocks for branch in block.branches]
    return found + [inner for branch in found for inner in _branches(branch.body)]
