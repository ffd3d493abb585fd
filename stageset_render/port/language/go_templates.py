# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The Go templates of a chart, read together: an include says what the dot of a named template is."""

from __future__ import annotations

import functools
from typing import NamedTuple

from stageset_render.helm.go_syntax import Action, GoSyntaxError, Part, parse
from stageset_render.port.language.named import Macro, Site, macro_names, unlike
from stageset_render.port.language.read_go import Reader
from stageset_render.port.language.tree import Tree

_parsed = functools.lru_cache(maxsize=512)(parse)


class Define(NamedTuple):
    """A named template as it stands in a file, and its name as a macro."""

    file: str
    line: int
    text: str
    name: str


def defines(files: dict[str, str]) -> dict[str, Define]:
    """All named templates of some files by their names; files that Go would not parse have none."""
    found = {}
    for file, source in files.items():
        try:
            parts = [part for part in _parsed(source) if isinstance(part, Action)]
        except (GoSyntaxError, RecursionError):
            continue
        begun = [part for part in parts if part.keyword == "define"]
        ends = [part for part in parts if part.keyword == "end" and part.block == "define"]
        names = macro_names([part.name for part in begun])
        for part, end in zip(begun, ends):
            found.setdefault(part.name, Define(file, part.line, source[part.start : end.end], names[part.name]))
    return found


class Chart:
    """The templates of a chart as trees, by file name; `problems` are (file, line, what is wrong).

    Args:
        files: name to Go template.
        values: what is known of the values (see types.py).
        libraries: partials of other charts, whose named templates these may include: path to Go template.
        names: what named templates are called as macros, where their file doesn't say it.
    """

    def __init__(
        self,
        files: dict[str, str],
        values: dict,
        libraries: dict[str, str] | None = None,
        names: dict[str, str] | None = None,
    ):
        self.values, self.problems, self.names = values, [], names or {}
        self.parts: dict[str, list[Part]] = {}
        self.macros: dict[str, Macro] = {}
        self.sources = {**(libraries or {}), **files}
        for file, source in self.sources.items():
            try:
                self.parts[file] = _parsed(source)
            except GoSyntaxError as error:
                self.problems.append((file, error.line, f"{error.message}; Go doesn't parse this"))
            except RecursionError:
                self.problems.append((file, 1, "nested too deep; set a variable to a part"))
        self.libraries = set(libraries or ())
        for file in [*files, *self.libraries]:
            self._defined(file)
        self.trees: dict[str, Tree] = {}
        self.sites: dict[str, dict[str, list[Site]]] = {}
        partials = [file for file in self.parts if any(macro.file == file for macro in self.macros.values())]
        for file in self.parts:
            if file not in partials:
                self._read(file)
        for _ in range(9):  # an include says what the dot of a template is, and so of what that includes
            before = [macro.state() for macro in self.macros.values()]
            for file in partials:
                self._read(file)
            if before == [macro.state() for macro in self.macros.values()]:
                break

    def reread(self, file: str) -> None:
        """Make a fresh tree of a template, since one that is carried speaks of the other side's variables."""
        if file in self.parts:
            self._read(file)

    def _defined(self, file: str) -> None:
        parts = [part for part in self.parts.get(file, ()) if isinstance(part, Action) and part.keyword == "define"]
        names = {**macro_names([part.name for part in parts if part.name not in self.names]), **self.names}
        for part in parts:
            if part.name not in self.macros:
                taken = {macro.name for macro in self.macros.values()}
                name = unlike(names[part.name], part.name, taken)
                if name in taken:
                    self.problems.append(
                        (file, part.line, f"another macro is called {name}, as {part.name} would be; rename it")
                    )
                self.macros[part.name] = Macro(part.name, file, part.line, name)
            elif file not in self.libraries:
                before = self.macros[part.name].file
                self.problems.append((file, part.line, f"{part.name} is defined in {before} too; define it once"))

    def _read(self, file: str) -> None:
        self.sites[file] = {}
        self.trees[file] = Reader(self, file).tree
        for name, macro in self.macros.items():
            macro.sites = [site for found in self.sites.values() for site in found.get(name, ())]
