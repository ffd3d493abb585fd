# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whoever overrules what is refused is told what can't be read, and never that the pack is broken."""

import copy
from pathlib import Path

import pytest
import yaml

from stageset_render.findings import Refused
from stageset_render.pack.callers import callers
from stageset_render.pack.expectations import broken
from stageset_render.pack.release import Release, schema
from stageset_render.rules import judged

BASES = yaml.safe_load((Path(__file__).parent / "unread.yaml").read_text(encoding="utf-8"))
WRONG = (1, "x", [1], {"a": 1}, None, {}, [], True, -1.5, ["x"], [None], "10.0.0.0/33")
PROMISES = [
    {"caller": who, "port": "gate", "allowed": True} for who in ("a/b", "plaintext", "any other meshed", "kubelet")
]


def places(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def put(values, path, wrong):
    values = copy.deepcopy(values)
    inside = values
    for step in path[:-1]:
        inside = inside[step]
    if wrong is put:
        del inside[path[-1]]
    else:
        inside[path[-1]] = wrong
    return Release(values, name="stageset", namespace="stageset-system")


@pytest.mark.parametrize("base", BASES)
def test_what_cannot_be_read_is_told_and_never_fails(base):
    """At every place what is missing, and some of what may be wrong."""
    for number, path in enumerate(place for place in places(BASES[base]) if len(place) > 1):
        for wrong in (put, *(WRONG[(number + 5 * more) % len(WRONG)] for more in range(4))):
            release = put(BASES[base], path, wrong)
            if not schema().findings(release.values, release.written):
                continue
            try:
                judged(release, lenient=True)
                assert callers(release).rows and list(broken(release, PROMISES)) is not None
            except Refused:  # a template fails, as the chart's does
                continue
            except Exception as error:
                raise AssertionError(f"{path}: {wrong}") from error


@pytest.mark.parametrize(
    "base, path, wrong, said",
    [
        ("linkerd", (0, "spec", "port"), put, "[0].spec.port"),
        ("linkerd", (1, "spec", "networks", 0, "cidr"), "10.0.0.0/33", "[1].spec.networks[0].cidr"),
        ("linkerd", (3, "spec", "targetRef"), 1, "[3].spec.targetRef"),
        ("linkerd", (6, "metadata"), None, "[6].metadata"),
        ("istio", (0,), "x", "[0]"),
    ],
)
def test_of_objects_that_cannot_be_read_it_depends_on_them(base, path, wrong, said):
    whole = f"serviceMesh.{'linkerd.authorizations' if base == 'linkerd' else 'istio.rules'}"
    release = put(BASES[base], (*whole.split("."), *path), wrong)
    rows = [one.row for one in callers(release).rows if one.row.port == "gate"]
    assert [(row.caller.name, row.allowed, row.because) for row in rows] == [
        ("anyone", None, f"{whole}{said} can't be read")
    ]
    for allowed in (True, False):
        [found] = broken(release, [{"caller": "a/b", "port": "gate", "allowed": allowed}])
        assert (found.rule, found.message) == (
            "expect-undecided",
            f"whether a/b gets in on port gate can't be told: {whole}{said} can't be read",
        )


@pytest.mark.parametrize(
    "engine, path, wrong",
    [
        ("calico", ("calico", "ingress", 0), {}),
        ("calico", ("calico", "ingress", 0, "source", "nets"), ["10.0.0"]),
        ("cilium", ("cilium", "ingress", 1, "fromCIDR"), ["x"]),
        ("cilium", ("cilium", "ingress", 0), 1),
        ("clusterNetworkPolicy", ("clusterNetworkPolicy", "ingress", 0), 1),
        ("kubernetes", ("gate", "from", 0), 1),
    ],
)
def test_network_policies_that_cannot_be_read_are_not_judged(engine, path, wrong):
    release = put(BASES[engine], ("networkPolicy", *path), wrong)
    assert {one.network for one in callers(release).rows} == {"not judged"}
    [found] = broken(release, [{"caller": "a/b", "port": "gate", "allowed": True}])
    assert (found.rule, found.message.endswith(" can't be read")) == ("expect-undecided", True)


def test_a_fault_of_the_pack_is_none_of_the_values(monkeypatch):
    monkeypatch.setattr("stageset_render.pack.meshed.policies", lambda release: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        callers(Release(BASES["istio"], name="stageset", namespace="stageset-system"))
