# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The service mesh, whichever engine it has."""

from stageset_render.findings import WARNING
from stageset_render.rules import rule
from stageset_render.rules.values import forgotten

CALLERS = [f"serviceMesh.{port}.from" for port in ("gate", "metrics", "mcp")]
AUTHORIZATION = {
    "istio": "https://istio.io/latest/docs/reference/config/security/authorization-policy/",
    "linkerd": "https://linkerd.io/2/reference/authorization-policy/",
}


@rule(WARNING, "https://helm.sh/docs/chart_template_guide/values_files/#deleting-a-default-key")
def mesh_null(release):
    """Null in place of callers or of mTLS.

    Null deletes, in a later file also what an earlier one has written: a list that is only begun restricts nothing."""
    if not release.at("serviceMesh.enabled"):
        return
    if release.at("serviceMesh.engine") == "istio" and release.at("serviceMesh.mtls") is None:
        yield "serviceMesh.mtls", "null renders no PeerAuthentication", 'write "" if that is meant'
    for path in CALLERS:
        if release.at(path) is None:
            yield path, "null is no restriction, like []", "write [] if that is meant"


@rule(WARNING, "https://istio.io/latest/docs/concepts/security/#implicit-enablement")
def mesh_off(release):
    """Values of the mesh, and the mesh is off.

    Nothing of them is rendered, and no mesh policy restricts a port."""
    if release.at("serviceMesh.enabled"):
        return
    paths = [
        *CALLERS,
        "serviceMesh.istio.rules",
        "serviceMesh.linkerd.authorizations",
        "serviceMesh.defaultDeny.enabled",
    ]
    if any(release.at(path) for path in paths) or release.at("serviceMesh.mtls") == "strict":
        yield (
            "serviceMesh.enabled",
            "is false, so nothing else written under serviceMesh is rendered, and no mesh policy restricts a port",
        )


@rule(WARNING, "https://istio.io/latest/docs/concepts/security/#implicit-enablement")
def mesh_value_ignored(release):
    """A value of the mesh that its engine does not read.

    What it was to restrict or to admit is not."""
    if not release.at("serviceMesh.enabled"):
        return
    if release.at("serviceMesh.engine") == "istio":
        if release.at("serviceMesh.linkerd.authorizations"):
            yield "serviceMesh.linkerd.authorizations", "ignored, because serviceMesh.engine is istio"
        if release.at("serviceMesh.mcp.from") and forgotten(release, "mcp.enabled"):
            yield "serviceMesh.mcp.from", "ignored, because mcp.enabled is false", "set mcp.enabled, or leave this out"
        return
    if release.at("serviceMesh.mtls"):
        yield (
            "serviceMesh.mtls",
            "ignored, because Linkerd has mTLS between meshed pods always on and no setting for it",
        )
    if release.at("serviceMesh.istio.rules"):
        yield "serviceMesh.istio.rules", "ignored, because serviceMesh.engine is linkerd"
