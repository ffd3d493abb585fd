# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The importable interface: render, warnings and manifests."""

import copy

import pytest

from stageset_render.helm import documents
from stageset_render.pack import environment, files, rendering
from stageset_render.problems import Refused

DEEP = []
for _ in range(200):
    DEEP = [DEEP]
MESH = {"serviceMesh": {"enabled": True, "mtls": "strict"}}


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


def test_warnings_name_their_values():
    values = {"serviceMesh": {"enabled": True, "defaultDeny": {"enabled": True}}}
    assert [problem.path for problem in rendering.warnings(values, name="a", namespace="b")] == [
        ("serviceMesh", "defaultDeny", "enabled")
    ]
    assert rendering.warnings(MESH, name="a", namespace="b") == []


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


def test_what_goes_wrong_in_a_template_names_its_line(monkeypatch):
    source = "{%- if true %}\n{{ Values.serviceMesh.mtls.nothing }}\n{%- endif %}"
    loader = environment.environment().loader
    monkeypatch.setattr(loader, "get_source", lambda env, name: (source, f"templates/{name}", None))
    monkeypatch.setattr(environment.environment(), "bytecode_cache", None)
    environment.environment().loaded.pop("namespace.yaml", None)
    environment.environment().cache.clear()
    with pytest.raises(Refused, match="nothing of 'strict', which is no map"):
        rendering.render(MESH, name="a", namespace="b", templates=["namespace.yaml"])
    environment.environment().loaded.pop("namespace.yaml", None)
    environment.environment().cache.clear()
