# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""No text in a value can become YAML or template: it is refused, or it comes out as itself at its place."""

import functools
import time

import pytest
from conftest import objects
from hypothesis import given
from hypothesis import strategies as st

from stageset_render import warnings
from stageset_render.findings import Refused

HOSTILE = [
    "a\n- b",
    "a\nkind: Evil",
    "a\n---\nkind: Evil",
    "\n",
    "\r\nx",
    "a\tb",
    "{{ Values }}",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "{# x #}",
    "${x}",
    "'",
    '"',
    "\\",
    "a: b",
    "a #b",
    "#",
    "- a",
    "? a",
    "*",
    "&a",
    "!a",
    "|",
    ">",
    "%a",
    "@a",
    "`a`",
    "[a]",
    "{a: b}",
    ",",
    "---",
    "...",
    "yes",
    "on",
    "null",
    "~",
    "1e3",
    "0o7",
    "12:30",
    "2021-01-01",
    "0x1F",
    "=",
    "<<",
    "",
    " ",
    " a",
    "a ",
    "é",
    "漢字",
    "\U0001f600",
    "\u2028",
    "\ufeff",
    "\x85",
    "\x07",
    "\x00",
    "\x7f",
    "x" * 10_000,
    "a\u3000",
    "a\u00a0",
    "x y " * 2_500,
]
TEXTS = st.one_of(st.text(max_size=40), st.text("ab:#-\n '\"{}%|>&*!?[],\\\t", max_size=20))


def istio(mesh):
    return {"serviceMesh": {"enabled": True, **mesh}}


def linkerd(mesh):
    return {"serviceMesh": {"enabled": True, "engine": "linkerd", **mesh}}


def rendered(values):
    return objects(
        values, templates=["istio-authorizationpolicy.yaml", "linkerd-serverauthorization.yaml", "namespace.yaml"]
    )


def first(kind, values):
    return next(one for one in rendered(values) if one["kind"] == kind)


# Where a free text goes in: the values that hold it, and where in the output it must be found again.
PLACES = {
    "istio principal": (
        lambda text: istio({"gate": {"from": [{"principals": [text]}]}}),
        lambda values: first("AuthorizationPolicy", values)["spec"]["rules"][0]["from"][0]["source"]["principals"][0],
    ),
    "istio namespace": (
        lambda text: istio({"metrics": {"from": [{"namespaces": [text]}]}}),
        lambda values: first("AuthorizationPolicy", values)["spec"]["rules"][1]["from"][0]["source"]["namespaces"][0],
    ),
    "istio rule": (
        lambda text: istio({"istio": {"rules": [{"when": [{"key": "request.headers[x]", "values": [text]}]}]}}),
        lambda values: first("AuthorizationPolicy", values)["spec"]["rules"][-1]["when"][0]["values"][0],
    ),
    "istio rule key": (
        lambda text: istio({"istio": {"rules": [{text: "x"}]}}),
        lambda values: next(iter(first("AuthorizationPolicy", values)["spec"]["rules"][-1])),
    ),
    "linkerd principal": (
        lambda text: linkerd({"gate": {"from": [{"principals": [text]}]}}),
        lambda values: first("MeshTLSAuthentication", values)["spec"]["identities"][0],
    ),
    "linkerd object": (
        lambda text: linkerd(
            {
                "linkerd": {
                    "authorizations": [
                        {"apiVersion": "v1", "kind": "Zebra", "metadata": {"name": "a"}, "spec": {"x": [{"y": text}]}}
                    ]
                }
            }
        ),
        lambda values: first("Zebra", values)["spec"]["x"][0]["y"],
    ),
    "linkerd object name": (
        lambda text: linkerd(
            {"linkerd": {"authorizations": [{"apiVersion": "v1", "kind": "Zebra", "metadata": {"name": text}}]}}
        ),
        lambda values: first("Zebra", values)["metadata"]["name"],
    ),
    "linkerd object kind": (
        lambda text: linkerd(
            {"linkerd": {"authorizations": [{"apiVersion": "v1", "kind": text, "metadata": {"name": "a"}}]}}
        ),
        lambda values: next(one["kind"] for one in rendered(values) if one["metadata"]["name"] == "a"),
    ),
    "pod-security level": (
        lambda text: {"namespace": {"create": True, "pssLevel": text}},
        lambda values: first("Namespace", values)["metadata"]["labels"]["pod-security.kubernetes.io/warn"],
    ),
}


def hold(place, text):
    """Hold that a text is refused by the path of a value, or found at its place; how many objects there are then."""
    put, find = PLACES[place]
    values = put(text)
    try:
        found = find(values)
    except Refused as refused:
        assert all(problem.path for problem in refused.problems), refused
        return 0
    assert found == text
    return len(rendered(values))


@functools.cache
def plain(place):
    """How many objects there are with a text that is good at the place."""
    return hold(place, "Plain" if place == "linkerd object kind" else "restricted")


@pytest.mark.parametrize("place", PLACES)
def test_a_hostile_text_is_refused_or_exactly_at_its_place(place):
    found = [hold(place, text) for text in HOSTILE]
    assert set(found) <= {0, plain(place)}
    assert (plain(place) == 0) == (place == "istio rule key")  # which takes the keys alone that Istio knows
    assert (0 in found) == (place != "linkerd object")  # which is passed through as it is


@pytest.mark.parametrize("place", PLACES)
@given(text=TEXTS)
def test_any_text_is_refused_or_exactly_at_its_place(place, text):
    assert hold(place, text) in (0, plain(place))


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("where", ["name", "namespace"])
def test_names_of_releases_and_namespaces_are_names_or_refused(where, text):
    names = {"name": "a", "namespace": "b", where: text}
    if text in ("yes", "on", "null", "1e3", "0o7", "2021-01-01"):  # names to Helm and Kubernetes, other things to YAML
        namespace = objects({"namespace": {"create": True}}, **names)[0]
        label = namespace["metadata"]["labels"]["app.kubernetes.io/instance"]
        assert (label, namespace["metadata"]["name"]) == (names["name"], names["namespace"])
    else:
        with pytest.raises(Refused):
            objects({}, **names)


@pytest.mark.parametrize("engine, identity", [("istio", "A"), ("linkerd", "a.")])
def test_a_long_identity_is_read_in_time(engine, identity):
    start = time.process_time()
    from_ = [{"principals": [identity * 50_000 + "a"]}]
    warnings({"serviceMesh": {"enabled": True, "engine": engine, "gate": {"from": from_}}}, name="a", namespace="b")
    assert time.process_time() - start < 2
