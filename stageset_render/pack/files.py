# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Where the pack's files are: its templates, defaults and schema."""

from __future__ import annotations

import functools
from pathlib import Path

CHART = {"Name": "stageset-controller", "Version": "0.0.0", "AppVersion": "2026.8.17224814"}  # what is mirrored
CRDS, DEFAULTS, HELPERS, NOTES = "_crds.tpl", "_defaults.tpl", "_helpers.tpl", "NOTES.txt"
SCHEMA, LINT_RULES = "values.schema.json", ".yamllint"


@functools.cache
def root() -> Path:
    """The checkout around this package, or share/stageset-render of the environment it is installed in."""
    here = Path(__file__).resolve().parent.parent.parent
    places = [here, *(parent / "share" / "stageset-render" for parent in (here, *here.parents))]
    return next(place for place in places if (place / "templates" / DEFAULTS).is_file())


def text(file: str) -> str:
    """The text of a file, by its path below `root`."""
    return (root() / file).read_text(encoding="utf-8")


def source(template: str) -> str:
    """The text of a template."""
    return text(f"templates/{template}")


@functools.cache
def all_templates() -> list[str]:
    """Every file of templates/, by name."""
    return sorted(path.name for path in (root() / "templates").iterdir() if path.is_file())


def template_names() -> list[str]:
    """The templates that render something, in Helm's order: all but the partials, whose names start with `_`."""
    return [file for file in all_templates() if not file.startswith("_")]


def manifest_names() -> list[str]:
    """The templates that render manifests: all but the notes."""
    return [file for file in template_names() if file != NOTES]
