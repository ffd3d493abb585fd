# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What Python code calls: render, warnings, callers and broken; and the order in which documents are printed."""

import copy

import pytest

from stageset_render.findings import Refused
from stageset_render.helm import documents
from stageset_render.pack import files, rendering

DEEP = []
for _ in range(200):
    DEEP = [DEEP]
MESH = {"serviceMesh": {"enabled": True, "mtls": "strict"}}
SURPRISING = {"serviceMesh": {"mtls": "strict"}}


def test_render_gives_every_template_by_file_name():
    texts = rendering.render(MESH, name="a", namespace="b")
    assert sorted(texts) == sorted(path.name for path in (files.root() / "templates").iterdir() if path.name[0] != "_")
    assert "kind: PeerAuthentication" in texts["peerauthentication.yaml"]
    assert texts["namespace.yaml"].strip() == ""


def test_templates_limits_what_is_rendered():
    assert list(rendering.render(MESH, name="a", namespace="b", templates=["namespace.yaml"])) == ["namespace.yaml"]


@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"values": {"serviceMesh": {"mtls": "x"}}}, "serviceMesh.mtls: 'x' is not one of '', permissive, strict"),
        ({"templates": ["nope.yaml"]}, "there is no template 'nope.yaml'"),
        ({"name": "A"}, "'A' is no release name"),
        ({"namespace": ""}, "'' is no namespace"),
        ({"name": None}, "None is no release name"),
        ({"templates": [1]}, "there is no template 1"),
        ({"values": None}, "values are a dict, but this is a NoneType"),
        ({"values": {"ports": {1: 2}}}, "keys of values are strings, but 1 is none"),
        ({"values": {"tolerations": [{"key": object}]}}, "values are what YAML can hold"),
        ({"values": {"tolerations": [DEEP]}}, "values are nested more than 100 deep"),
        ({"chart": {**files.CHART, "Version": "a b"}}, "the chart version makes the label"),
    ],
)
def test_one_exception_for_everything_refused(arguments, said):
    with pytest.raises(Refused) as refused:
        rendering.render(**{"values": {}, "name": "a", "namespace": "b", **arguments})
    assert str(refused.value).startswith(said)


def test_values_are_not_changed():
    values = copy.deepcopy(MESH)
    rendering.render(values, name="a", namespace="b")
    assert values == MESH


def test_a_rendering_leaves_no_trace_in_the_next():
    before = rendering.render({}, name="a", namespace="b")
    rendering.render(MESH, name="c", namespace="d")
    assert rendering.render({}, name="a", namespace="b") == before


def test_warnings_name_their_values_and_rules():
    [found] = rendering.warnings(SURPRISING, name="a", namespace="b")
    assert (found.path, found.rule) == (("serviceMesh", "enabled"), "mesh-off")
    assert rendering.warnings(MESH, name="a", namespace="b") == []


@pytest.mark.parametrize("pattern", ["ports-shared", "ports-*", "*"])
def test_what_is_ignored_neither_refuses_nor_warns(pattern):
    shared = {"ports": {"gate": 8080}}
    for ask in (rendering.render, rendering.warnings, rendering.callers):
        with pytest.raises(Refused, match="8080 is also"):
            ask(shared, name="a", namespace="b", ignore=["mesh-*"])
        assert ask({**shared, **SURPRISING}, name="a", namespace="b", ignore=[pattern, "mesh-off"]) is not None
    assert rendering.warnings({**shared, **SURPRISING}, name="a", namespace="b", ignore=[pattern, "mesh-off"]) == []


def test_callers_are_the_rows_of_the_table():
    rows = rendering.callers(MESH, name="a", namespace="b")
    assert [(one["port"], one["caller"]) for one in rows if not one["allowed"]] == [
        ("gate", "plaintext"),
        ("metrics", "plaintext"),
    ]


def test_broken_are_the_promises_that_the_objects_break():
    def ask(*entries):
        return [one.rule for one in rendering.broken(MESH, list(entries), name="a", namespace="b")]

    promise = {"caller": "plaintext", "port": "gate", "allowed": False}
    assert ask(promise) == []
    assert ask(promise, {**promise, "allowed": True}) == ["expect-broken"]
    for entries, said in (([], "promises nothing"), ([{"caller": "plaintext", "allowed": True}], "port: is missing")):
        with pytest.raises(Refused, match=said):
            ask(*entries)


def test_manifests_stand_in_helms_order():
    texts = {
        "b.yaml": "kind: Zed\n---\nkind: Role\n---\nkind: Namespace\n",
        "a.yaml": "\nkind: Role\n---\n\nkind: Abc\n",
    }
    assert documents.ordered(texts) == [
        ("b.yaml", "kind: Namespace\n"),
        ("a.yaml", "kind: Role\n"),
        ("b.yaml", "kind: Role\n"),
        ("a.yaml", "kind: Abc\n"),
        ("b.yaml", "kind: Zed\n"),
    ]
