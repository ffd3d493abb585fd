# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""A helper that is the whole value of a line prints in quotes, and so every name stays a text."""

import pathlib

import pytest

from stageset_render.helm import documents
from stageset_render.helm.reading import load_yaml
from stageset_render.pack import environment, files, rendering

EVERYTHING = sorted((pathlib.Path(__file__).parent.parent / "everything").glob("*.yaml"))
STAND_INS = {"name": "stand-in-a", "namespace": "stand-in-b"}


@pytest.mark.parametrize(
    "line, guarded",
    [
        ("  a: {{ s.b() }}", "  a: {{ s.b() | quote }}"),
        ("- {{ s.b() }}", "- {{ s.b() | quote }}"),
        ("  - a: {{ s.b() }}", "  - a: {{ s.b() | quote }}"),
        ("a.io/b: {{ s.b() }}\nc: {{ s.d() }}\n", "a.io/b: {{ s.b() | quote }}\nc: {{ s.d() | quote }}\n"),
    ],
)
def test_a_whole_value_is_quoted(line, guarded):
    assert environment.guarded("x.yaml", line) == guarded


@pytest.mark.parametrize(
    "line",
    [
        "a: {{ s.b() }}-c",
        "a: c-{{ s.b() }}",
        "a: {{ s.b() }}{{ s.c() }}",
        "a: b{{ s.c() }}",
        "- --a={{ s.b() }}",
        'a: "{{ s.b() }}"',
        "a: {{ s.b() | quote }}",
        "a: {{ Values.b }}",
        "    {{- s.labels() | nindent(4) }}",
        "  {{ s.b() }}",
    ],
)
def test_all_else_stands_as_it_is(line):
    assert environment.guarded("x.yaml", line) == line


def test_notes_and_partials_hold_no_yaml():
    assert environment.guarded(files.NOTES, "namespace: {{ s.b() }}") == "namespace: {{ s.b() }}"


def read(path, names):
    """The objects under the names, as Helm reads them: to it `n` and `1e3` are no texts."""
    values = {**load_yaml(path.read_bytes(), str(path))}
    watched = values.get("controller", {}).get("watchNamespaces")
    if watched:
        values["controller"] = {**values["controller"], "watchNamespaces": [names["namespace"], "apart"]}
    texts = rendering.render(values, **names)
    del texts[files.NOTES]
    return [load_yaml(text, file) for file, text in documents.ordered(texts)]


def renamed(value, names):
    if isinstance(value, dict):
        return {renamed(key, names): renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    for what, stand_in in STAND_INS.items():
        value = value.replace(stand_in, names[what]) if isinstance(value, str) else value
    return value


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: path.stem)
@pytest.mark.parametrize("text", ["n", "y", "on", "null", "123", "0", "1e3", "0x1f", "0777", "2026-11-24", "1-1"])
def test_every_name_is_the_text_it_is_wherever_it_stands(path, text):
    for names in (
        {"name": "a" + text, "namespace": text},
        {"name": text if text[0].isalpha() else "n", "namespace": "b"},
    ):
        assert read(path, names) == renamed(read(path, STAND_INS), names)
