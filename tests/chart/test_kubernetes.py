# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Every built-in object fits Kubernetes' own schema of its kind, with no field that the API server doesn't know.

The values are the files of everything/, which together make every template render.
"""

import functools
import json
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from conftest import objects

from stageset_render.pack import files, rendering

EVERYTHING = sorted((Path(__file__).parent.parent / "everything").glob("*.yaml"))
CUSTOM = {
    "cert-manager.io",
    "cilium.io",
    "monitoring.coreos.com",
    "policy.linkerd.io",
    "policy.networking.k8s.io",
    "projectcalico.org",
    "security.istio.io",
}


@pytest.fixture(autouse=True)
def read_once(monkeypatch):
    """The package reads all definitions of a version anew for each object, which takes most of its time."""
    utils = kubernetes_validate.utils
    monkeypatch.setattr(utils, "schema_contents", functools.cache(utils.schema_contents))


def values(path):
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def built_in():
    """The built-in objects of all files, each of those that are the same in several once."""
    found = [one for path in EVERYTHING for one in objects(values(path))]
    found = [one for one in found if one["apiVersion"].partition("/")[0] not in CUSTOM]
    return list({json.dumps(one): one for one in found}.values())


@pytest.mark.parametrize("version", ["1.29", "1.34"])
def test_fits_the_schema_of_its_kind(version):
    kinds = set()
    for found in built_in():
        assert kubernetes_validate.validate(found, version, strict=True) == version
        kinds.add(found["kind"])
    assert {"Deployment", "HorizontalPodAutoscaler", "Job", "NetworkPolicy", "PersistentVolumeClaim"} < kinds


def test_the_values_make_every_template_render():
    silent = set(files.template_names())
    for path in EVERYTHING:
        texts = rendering.render(values(path), name="stageset", namespace="stageset-system")
        silent -= {file for file, text in texts.items() if text.strip()}
    assert silent == set()


@pytest.mark.parametrize(
    "kind, breakage",
    [
        ("NetworkPolicy", {"spec": {"podSelctor": {}}}),
        ("ServiceAccount", {"imagePullSecrets": "text"}),
    ],
)
def test_the_schema_refuses_what_is_wrong(kind, breakage):
    """Without this, a package that validates nothing would let the other tests pass."""
    found = next(one for one in built_in() if one["kind"] == kind)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**found, **breakage}, "1.34", strict=True)
