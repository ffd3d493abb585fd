# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""One release: its values, merged over the defaults, and all that can be rendered with them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import yaml

from stageset_render.findings import Finding, Place, Refused, short
from stageset_render.helm.documents import documents
from stageset_render.helm.reading import load_yaml, read_own
from stageset_render.helm.values import check_values, coalesce
from stageset_render.helm.writing import to_string
from stageset_render.pack.files import CHART, CRDS, DEFAULTS, NOTES, SCHEMA, source, template_names, text
from stageset_render.pack.names import check_name, check_namespace, check_versions
from stageset_render.pack.schema import Schema
from stageset_render.pack.templates import TEMPLATE_FAILS, named, refusing, rendered, templates

Fact = TypeVar("Fact")


@functools.cache
def schema() -> Schema:
    """The schema of the values, values.schema.json."""
    return Schema(text(SCHEMA))


@functools.cache
def defaults() -> dict:
    """The default of every value, from templates/_defaults.tpl."""
    return load_yaml(source(DEFAULTS), f"templates/{DEFAULTS}")


@functools.cache
def plain_defaults() -> dict:
    """The values of a release for which the user sets none."""
    return coalesce(defaults(), {})


@functools.lru_cache(maxsize=1024)
def _steps(path: str) -> list[str]:
    return path.split(".")


_object = functools.lru_cache(maxsize=16)(read_own)  # one release after another renders the same policies


class Release:
    """A release, before anything of it is judged.

    Args:
        written: what the user sets, as in a values file.
        name: the release's name.
        namespace: the release's namespace.
        chart: what templates see as `Chart`.

    Attributes:
        values: every value, as templates see them.

    Raises:
        Refused: for a name or values that no release can have.
    """

    def __init__(self, written: dict, *, name: str, namespace: str, chart: dict = CHART):
        check_name(name)
        check_namespace(namespace)
        check_versions(chart)
        written = check_values(written)
        self.written, self.name, self.namespace, self.chart = written, name, namespace, chart
        self.values = coalesce(defaults(), written, plain_defaults())
        self._facts: dict[Callable, Any] = {}
        self._texts: dict[str, str] = {}

    def instead(self, values: dict, written: dict | None = None) -> Release:
        """The same release with other values, merged already, and with `written` for what the user sets of them."""
        other, written = object.__new__(Release), self.written if written is None else written
        other.__dict__.update({**self.__dict__, "values": values, "written": written, "_facts": {}, "_texts": {}})
        other.__dict__.pop("_names", None)
        return other

    # Facts

    def at(self, path: str) -> Any:
        """The value at a path such as `serviceMesh.gate.from`; None where there is none."""
        value: Any = self.values
        try:
            for step in _steps(path):
                value = value[step]
        except (KeyError, TypeError):
            return None
        return value

    def items(self, path: str) -> list:
        """The list at a path; empty for null and {}, which templates loop over alike."""
        value = self.at(path)
        return value if isinstance(value, list) else []

    def text(self, path: str) -> str:
        """The scalar at a path as templates print it; empty for null."""
        value = self.at(path)
        return to_string(value) if value is not None else ""

    def fact(self, make: Callable[[Release], Fact]) -> Fact:
        """What a function makes of the release, made once."""
        if make not in self._facts:
            self._facts[make] = make(self)
        return self._facts[make]

    # Texts

    @functools.cached_property
    def _names(self) -> dict:
        release = {"Name": self.name, "Namespace": self.namespace, "Service": "Helm"}
        with refusing():
            return named(self.values, release, self.chart)

    def helper(self, name: str) -> str:
        """What a helper that takes nothing prints."""
        with refusing():
            return str(self._names["stageset"][name]())

    def texts(self, files: Iterable[str] | None = None) -> dict[str, str]:
        """The rendered text of each template, or of those named, by file name. Raises Refused when one fails."""
        return {file: self._text(file) for file in _chosen(files)}

    def objects(self, *files: str) -> list[dict]:
        """The objects that these templates render; they are not to be changed, since releases share those that are alike.

        Refused: when a template renders what is no YAML.
        """
        found = []
        for file in files:
            try:
                found += map(_object, documents(self._text(file)))
            except yaml.YAMLError as error:
                place = Place(f"templates/{file}")
                raise Refused(
                    Finding((), f"what it renders is no YAML: {error.problem}", "", TEMPLATE_FAILS, place=place)
                ) from None
        return found

    def _text(self, file: str) -> str:
        if file not in self._texts:
            self._texts[file] = rendered(file, self._names)
        return self._texts[file]

    def notes(self) -> str:
        """The text of the notes."""
        return self._text(NOTES).strip()

    def crds(self, found: list[tuple[str, dict]]) -> list[tuple[str, str]]:
        """The CustomResourceDefinitions as `_crds.tpl` says.

        Args:
            found: (file name, object) pairs.

        Returns:
            (file name, document) pairs; none when the values turn them off.
        """
        with refusing():
            macro = templates()[CRDS].make_module(self._names, shared=True).crd
            pages = [(f"crds/{file}", str(macro(definition))) for file, definition in found]
        return [(file, document.strip() + "\n") for file, document in pages if document.strip()]


def _chosen(files: Iterable[str] | None) -> list[str]:
    """The templates to render; Refused for a name that is none, with the near ones."""
    known = template_names()
    unknown = [file for file in files or () if file not in known]
    if unknown:
        import difflib  # only what fails pays for it

        near = difflib.get_close_matches(str(unknown[0]), known, 3)
        others = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(known)}"
        raise Refused(f"there is no template {short(repr(unknown[0]))}; {others}")
    return [file for file in known if files is None or file in files]
