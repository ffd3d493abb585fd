# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The claim of the rollback store."""

import pytest
from conftest import objects


def claims(backend, **pvc):
    s3 = {"endpoint": "e", "bucket": "b"}
    return objects({"rollbackStore": {"backend": backend, "pvc": pvc, "s3": s3}}, templates=["pvc-rollback.yaml"])


@pytest.mark.parametrize("backend", ["none", "s3"])
def test_renders_nothing_with_another_backend(backend):
    assert claims(backend, size="5Gi") == []


@pytest.mark.parametrize(
    "pvc, expected",
    [
        ({}, {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}),
        ({"storageClass": None}, {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}),
        (
            {"size": "5Gi", "storageClass": "fast", "accessModes": ["ReadWriteOnce", "ReadOnlyMany"]},
            {
                "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
                "resources": {"requests": {"storage": "5Gi"}},
                "storageClassName": "fast",
            },
        ),
    ],
)
def test_the_claim(pvc, expected):
    (claim,) = claims("pvc", **pvc)
    assert (claim["kind"], claim["metadata"]["name"]) == ("PersistentVolumeClaim", "stageset-controller-rollback")
    assert claim["spec"] == expected


def test_the_pod_mounts_this_claim():
    (deployment,) = objects({"rollbackStore": {"backend": "pvc"}}, templates=["deployment.yaml"])
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    names = [one["persistentVolumeClaim"]["claimName"] for one in volumes if "persistentVolumeClaim" in one]
    assert names == [claim["metadata"]["name"] for claim in claims("pvc")]
