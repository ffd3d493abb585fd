# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The notes say what the values make of the release, sentence by sentence."""

import pytest

from stageset_render.pack import files, rendering


def notes(**values):
    texts = rendering.render(values, name="stageset", namespace="stageset-system", templates=[files.NOTES])
    return " ".join(texts[files.NOTES].split())


CERT_MANAGER = {"certMode": "cert-manager", "certManager": {"issuerRef": {"name": "ca", "kind": "ClusterIssuer"}}}
S3 = {"backend": "s3", "s3": {"endpoint": "e", "bucket": "b"}}


@pytest.mark.parametrize(
    "values, said, unsaid",
    [
        ({}, "runs in namespace stageset-system. It watches every namespace. Its log", "these namespaces"),
        (
            {"controller": {"watchNamespaces": ["a", "b"]}},
            "It watches these namespaces alone: a, b. Its log",
            "every namespace",
        ),
        ({}, "the webhook refuses invalid StageSets. Its certificate is self-signed. Stage gate:", "webhook is off"),
        (
            {"webhook": CERT_MANAGER},
            "Its certificate is cert-manager's, issued by the ClusterIssuer ca. Stage gate:",
            "self-signed",
        ),
        ({"webhook": {"enabled": False}}, "the webhook is off (webhook.enabled), so invalid", "Its certificate"),
        ({}, "Stage gate: http://stageset-controller-gate.stageset-system.svc:8082/gate/", None),
        ({"gate": {"enabled": False}}, "self-signed. Rollback store", "Stage gate"),
        ({}, "Rollback store: none, so a rollback needs the source's old revision (rollbackStore.backend).", None),
        ({"rollbackStore": S3}, "Rollback store: s3. Uninstalling:", "so a rollback needs"),
        ({}, "runs a Job that deletes all StageSets while the controller", "Nothing deletes"),
        (
            {"controller": {"watchNamespaces": ["a", "b"]}, "cleanupOnDelete": {"kubectlTimeout": "9m"}},
            "deletes the StageSets of a, b while the controller can still clean up after them, and waits 9m at most.",
            "all StageSets",
        ),
        (
            {"cleanupOnDelete": {"enabled": False}},
            "Nothing deletes the StageSets for you (cleanupOnDelete.enabled).",
            "runs a Job",
        ),
    ],
)
def test_a_value_changes_its_sentence(values, said, unsaid):
    assert said in notes(**values)
    assert unsaid is None or unsaid not in notes(**values)
