# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The admission webhook and its certificate."""

import re

from stageset_render.findings import ERROR, WARNING, short
from stageset_render.rules import rule
from stageset_render.rules.image import OBJECT_NAME

ADMISSION = "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/"
ISSUERS = "https://cert-manager.io/docs/configuration/issuers/"


@rule(ERROR, ISSUERS)
def webhook_issuer_missing(release):
    """cert-manager is to make the certificate, and no issuer is named.

    The chart refuses it; cert-manager would make none, and the webhook never starts."""
    if release.at("webhook.certMode") == "cert-manager" and not release.at("webhook.certManager.issuerRef.name"):
        yield (
            "webhook.certManager.issuerRef.name",
            "is empty, but with webhook.certMode cert-manager an issuer must sign the certificate",
            "name it",
        )


@rule(WARNING, ISSUERS)
def webhook_issuer_unknown(release):
    """An issuer that cert-manager does not find.

    It makes no certificate, and the webhook never starts."""
    if release.at("webhook.certMode") != "cert-manager":
        return
    name, kind = (release.text(f"webhook.certManager.issuerRef.{key}") for key in ("name", "kind"))
    if name and not re.fullmatch(OBJECT_NAME, name):
        path = "webhook.certManager.issuerRef.name"
        yield path, f"{short(name, 60)!r} is not the name of an issuer, so cert-manager finds none"
    if kind and kind not in ("Issuer", "ClusterIssuer"):
        yield (
            "webhook.certManager.issuerRef.kind",
            f'"{kind}" is no kind of cert-manager\'s own, which are Issuer and ClusterIssuer, and the group of another '
            "can't be named here",
        )


@rule(WARNING, ISSUERS)
def webhook_issuer_unused(release):
    """An issuer is named, and the controller makes its own certificate.

    The issuer is never asked."""
    if release.at("webhook.certMode") == "self-signed" and release.at("webhook.certManager.issuerRef.name"):
        yield "webhook.certManager.issuerRef.name", "ignored, because webhook.certMode is self-signed"


@rule(ERROR, ADMISSION + "#side-effects")
def webhook_side_effects_refused(release):
    """Side effects that the API no longer takes.

    kube-apiserver refuses the webhook since admissionregistration.k8s.io/v1."""
    effects = release.at("webhook.sideEffects")
    if effects not in ("None", "NoneOnDryRun"):
        yield (
            "webhook.sideEffects",
            f"{effects} is refused by kube-apiserver since admissionregistration.k8s.io/v1",
            "write None or NoneOnDryRun",
        )


@rule(ERROR, ADMISSION + "#matching-requests-matchconditions")
def webhook_condition_twice(release):
    """Two match conditions have one name.

    The API server refuses the webhook."""
    seen = {}
    for index, condition in enumerate(release.items("webhook.matchConditions")):
        name = condition.get("name")
        if name in seen:
            path = ("webhook.matchConditions", index, "name")
            yield path, f'"{name}" is also the name of entry {seen[name]}', "choose another"
        seen.setdefault(name, index)
