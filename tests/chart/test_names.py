# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""A name that YAML could read as something else is the text it is, wherever a template prints it."""

import functools
from pathlib import Path

import pytest

from stageset_render.helm import documents
from stageset_render.helm.reading import load_yaml
from stageset_render.pack import files, rendering

EVERYTHING = sorted((Path(__file__).parent.parent / "everything").glob("*.yaml"))
STAND_INS = ("stand-in-a", "stand-in-b")


@functools.cache
def read(path, name, namespace):
    """The objects under the names, as Helm reads them: to it `n` and `1e3` are no texts."""
    values = {**load_yaml(path.read_bytes(), str(path))}
    watched = values.get("controller", {}).get("watchNamespaces")
    if watched:
        values["controller"] = {**values["controller"], "watchNamespaces": [namespace, "apart"]}
    texts = rendering.render(values, name=name, namespace=namespace)
    del texts[files.NOTES]
    return [load_yaml(text, file) for file, text in documents.ordered(texts)]


def renamed(value, names):
    if isinstance(value, dict):
        return {renamed(key, names): renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    for stand_in, name in zip(STAND_INS, names):
        value = value.replace(stand_in, name) if isinstance(value, str) else value
    return value


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: path.stem)
@pytest.mark.parametrize("text", ["n", "y", "on", "null", "123", "0", "1e3", "0x1f", "0777", "2026-11-24", "1-1"])
def test_every_name_is_the_text_it_is_wherever_it_stands(path, text):
    names = (text if text[0].isalpha() else f"a{text}", text)
    assert read(path, *names) == renamed(read(path, *STAND_INS), names)
