# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The named templates of a chart as macros: their names, parameters and where they are imported from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from stageset_render.helm.functions import GLOBALS
from stageset_render.helm.go_syntax import Action, Part
from stageset_render.pack.files import HELPERS
from stageset_render.port.pull.jinja_expressions import RESERVED, Jinja, Parameters, Place, Root, Untranslatable
from stageset_render.port.pull.known import unified

VALUE = "it"  # the parameter of a template that is handed one value


@dataclass(frozen=True)
class Site:
    """What one include hands over: the keys of a dict, or with the key "" one value, or nothing but the root.

    Attributes:
        given: the values.
        root: the key that holds what the including template is rendered with.
        same: the keys of .Values, .Release and .Chart that hold just that.
    """

    given: dict[str, Jinja] = field(default_factory=dict)
    root: str | None = None
    same: frozenset[str] = frozenset()

    @property
    def plain(self) -> bool:
        return not self.given and not self.root and not self.same


@dataclass
class Macro:
    """A named template as a macro."""

    go: str
    file: str
    name: str
    sites: list[Site] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    fixed: list[str] | None = None  # the parameters of a macro of the pack

    @property
    def parameters(self) -> list[str]:
        """In the order in which the first include hands them over, or the template reads them."""
        if self.fixed is not None:
            return self.fixed
        keys = dict.fromkeys(key or VALUE for site in self.sites for key in site.given)
        return list(keys) if self.sites else self.read

    def dot(self) -> Place:
        """What the dot is in it."""
        if not self.sites:
            return Parameters(None)
        kinds = {"root" if site.plain else "value" if "" in site.given else "dict" for site in self.sites}
        if len(kinds) > 1:
            raise Untranslatable(f"{self.go} is included with a dict and with something else; always hand it the same")
        roots, sames = {site.root for site in self.sites}, {site.same for site in self.sites}
        if len(roots) > 1 or len(sames) > 1:
            raise Untranslatable(f"{self.go} is included with dicts of which not all hold the root under the same key")
        known = {}
        for site in self.sites:
            for key, value in site.given.items():
                known[key] = unified(known.get(key, value.schema), value.schema)
        if kinds == {"root"}:
            return Root()
        return Jinja(VALUE, schema=known[""]) if kinds == {"value"} else Parameters(known, roots.pop(), sames.pop())

    def arguments(self, site: Site) -> list[str]:
        found = {key or VALUE: value for key, value in site.given.items()}
        for key in self.parameters:
            if key not in found:
                raise Untranslatable(f"an include of {self.go} without {key}, which it takes; pass it too")
        if len(found) > len(self.parameters):
            raise Untranslatable(
                f"an include of {self.go} with more than it takes; it takes {', '.join(self.parameters)}"
            )
        return [found[key].text for key in self.parameters]


class NamedTemplates:
    """The named templates of a chart, and of the pack where the chart has none of a name.

    Args:
        files: the parts of every file.
        pack: the macros of the pack's partials: file to the name and parameters of each.
        aliases: under which names the pack's templates import partials.
    """

    def __init__(self, files: dict[str, list[Part]], pack: dict[str, dict[str, list[str]]], aliases: dict[str, str]):
        self.files, self.pack, self.aliases = files, pack, aliases
        self.macros, self.problems, self.reads = {}, [], {}
        for file, parts in files.items():
            defines = [part for part in parts if isinstance(part, Action) and part.keyword == "define"]
            names = macro_names([part.name for part in defines])
            for part in defines:
                if part.name in self.macros:
                    before = self.macros[part.name].file
                    self.problems.append((file, part.line, f"{part.name} is defined in {before} too; define it once"))
                    continue
                self.macros[part.name] = Macro(part.name, file, names[part.name])
        self.noted = {name: {} for name in self.macros}

    def begin(self, file: str) -> None:
        """Forget what a file includes; it is about to be translated again."""
        for noted in self.noted.values():
            noted.pop(file, None)

    def finish(self) -> bool:
        """Take over what the translations of all files have noted. Whether that changes how macros are written."""
        before = self._state()
        for name, macro in self.macros.items():
            macro.sites = [site for file in self.files for site in self.noted[name].get(file, ())]
            macro.read = self.reads.get(name, [])
        return self._state() != before

    def _state(self):
        return {
            name: (macro.parameters, [(site.root, site.same, site.plain) for site in macro.sites], self._known(macro))
            for name, macro in self.macros.items()
        }

    @staticmethod
    def _known(macro: Macro):
        try:
            dot = macro.dot()
        except Untranslatable as error:
            return str(error)
        return dot.known if isinstance(dot, Parameters) else getattr(dot, "schema", None)

    def note_read(self, macro: Macro, dot: Place) -> None:
        if isinstance(dot, Parameters):
            self.reads[macro.go] = list(dot.read)

    def included(self, name: str, site: Site, file: str) -> Macro:
        """The macro that an include in a file calls. Untranslatable when there is none."""
        if name in self.macros:
            self.noted[name].setdefault(file, []).append(site)
            return self.macros[name]
        short = macro_names([name])[name]
        for file in sorted(self.pack, key=lambda file: file != HELPERS):
            if short in self.pack[file]:
                return Macro(name, file, short, fixed=self.pack[file][short])
        raise Untranslatable(f"an include of {name}, which is defined nowhere")

    @staticmethod
    def is_partial(file: str) -> bool:
        return file.startswith("_")

    def alias(self, file: str) -> str:
        """The name under which templates import a partial."""
        if file == HELPERS:
            return "stageset"
        stem = re.sub(r"\W", "_", file[1:].partition(".")[0])
        return self.aliases.get(file) or (f"{stem}_" if stem in RESERVED or stem in GLOBALS else stem)

    def reserved(self, file: str) -> set[str]:
        """The names that mean something in a file already: its macros, and the partials that it may import."""
        own = {macro.name for macro in self.macros.values() if macro.file == file}
        return own | {self.alias(other) for other in (HELPERS, *self.pack, *self.files) if self.is_partial(other)}


def macro_names(names: list[str]) -> dict[str, str]:
    """The names of macros for the named templates of one file: less the prefix that all share, as one word.

    `chart.labels` and `chart.name` are `labels` and `name`; `chart.pod.labels` beside them is `podLabels`.
    """
    paths = {name: name.split(".") for name in names}
    shared = 0
    while names and all(len(path) > shared + 1 and path[shared] == paths[names[0]][shared] for path in paths.values()):
        shared += 1
    found = {}
    for name, path in paths.items():
        words = re.split(r"\W+", " ".join(path[shared:]))
        found[name] = words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])
    return found
