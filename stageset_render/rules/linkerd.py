# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Linkerd's callers, and what its engine makes of the other values."""

import re

from stageset_render.findings import ERROR, WARNING, Hint
from stageset_render.pack.facts import ports
from stageset_render.rules import rule
from stageset_render.rules.linkerd_added import PATH, Index

POLICY = "https://linkerd.io/2/reference/authorization-policy/"
PROXY = "https://linkerd.io/2/reference/proxy-configuration/"
CALLERS = ("serviceMesh.gate.from", "serviceMesh.metrics.from")
LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
IDENTITY = rf"\*|(\*\.)?{LABEL}(\.{LABEL})*|spiffe://[^*]+"
ISTIO_IDENTITY = r"[^/*]+/ns/([a-z0-9-]+)/sa/([a-z0-9.-]+)"
PROXY_PORTS = (4140, 4143, 4190, 4191)
IGNORED_PORTS = (4567, 4568)  # proxyInit.ignoreInboundPorts as Linkerd is installed


def _principals(release):
    for path in CALLERS:
        for index, entry in enumerate(release.items(path)):
            for at, principal in enumerate(entry.get("principals") or ()):
                yield (path, index, "principals", at), principal


@rule(ERROR, POLICY)
def linkerd_callers_without_identity(release):
    """Callers are listed, and none of them by identity.

    Linkerd knows callers by identity alone, so the authentication would have nobody in it, and the API server refuses it."""
    for path in CALLERS:
        entries = release.items(path)
        if entries and not any(entry.get("principals") for entry in entries):
            yield (
                path,
                "no entry has principals, and Linkerd knows callers by identity alone, so nothing would be left to authorize",
                "name the callers' identities under principals",
            )


@rule(ERROR, POLICY)
def linkerd_mcp_callers_dropped(release):
    """Callers of MCP are listed, for which the chart renders no Server.

    The restriction would be dropped, and the default policy alone rule the port."""
    if release.at("serviceMesh.mcp.from"):
        yield (
            "serviceMesh.mcp.from",
            "linkerd renders no Server for the mcp port, so this restriction would be dropped",
            f"remove it and put a Server, a MeshTLSAuthentication and an AuthorizationPolicy for port "
            f"{release.text('ports.mcp')} into {PATH}",
        )


@rule(ERROR, POLICY + "#meshtlsauthentication")
def linkerd_principal_malformed(release):
    """A principal that is no identity of Linkerd.

    Linkerd's admission, or the API server, refuses the authentication, and the port admits nobody."""
    for path, principal in _principals(release):
        if re.fullmatch(IDENTITY, principal):
            continue
        istio = re.fullmatch(ISTIO_IDENTITY, principal)
        if istio:
            own = f"{istio[2]}.{istio[1]}.serviceaccount.identity.linkerd.cluster.local"
            yield path, f'"{principal}" is an Istio identity', Hint(value=own)
        else:
            yield (
                path,
                f'"{principal}" is no Linkerd identity',
                "write *, *.<suffix>, <service account>.<namespace>.serviceaccount.identity.linkerd.cluster.local "
                "in lower case, or a spiffe:// id without a *",
            )


KNOWN = r"\*|spiffe://.*|(\*\.|[^.]+\..+\.)serviceaccount\.identity\.[^.]+\..+|\*\.identity\.[^.]+\..+"


def _nobodys(path, text):
    """What is found of an identity that no certificate of Linkerd has: each is of a service account, or a SPIFFE ID."""
    parts = text.partition("/")[0].split(".")
    odd = not re.fullmatch(KNOWN, text) and (not text.startswith("*") or {"serviceaccount", "identity"} & set(parts))
    # An identity ends in .serviceaccount.identity.linkerd.<trust domain>, and *.x is an end of that.
    cut = text.startswith("*.") and "identity" not in parts and text.endswith(".cluster.local")
    odd = odd or cut and text not in ("*.cluster.local", "*.linkerd.cluster.local")
    if odd or any(len(part) > 63 for part in parts) or text.endswith(".identity.cluster.local"):
        yield (
            path,
            f'nobody has the identity "{text}"',
            "write <service account>.<namespace>.serviceaccount.identity.linkerd.<trust domain>",
        )
    elif re.match(r"\*\.[^.]+\.[^.]+\.serviceaccount\.identity\.", text):
        yield (
            path,
            f'"{text}" leaves out "{text[2:]}" itself',
            "leave *. out for that one, or name only the namespace behind it",
        )


def _added_identities(release):
    added = release.fact(Index)
    for one in added.of("MeshTLSAuthentication"):
        yield one.at("spec", "identities"), one.spec.get("identities")
    for one in added.of("ServerAuthorization"):
        if one.namespace == release.namespace:
            mesh = (one.spec.get("client") or {}).get("meshTLS") or {}
            yield one.at("spec", "client", "meshTLS", "identities"), mesh.get("identities")


@rule(WARNING, POLICY + "#meshtlsauthentication")
def linkerd_identity_of_nobody(release):
    """An identity that no certificate of Linkerd has.

    It admits nobody, or not the one that seems to be meant."""
    for path, principal in _principals(release):
        if re.fullmatch(IDENTITY, principal):  # what is no identity at all is told as such
            yield from _nobodys(path, principal)
    for path, identities in _added_identities(release):
        for index, text in enumerate(identities or ()):
            yield from _nobodys((*path, index), text)


@rule(WARNING, POLICY)
def linkerd_namespaces_ignored(release):
    """Callers are listed by namespace.

    Linkerd knows callers by identity alone, so the entry does not restrict them to the namespace, or admits nobody."""
    for path in CALLERS:
        for index, entry in enumerate(release.items(path)):
            if entry.get("namespaces"):
                yield (
                    (path, index, "namespaces"),
                    "ignored, because Linkerd knows callers by identity alone",
                    "a namespace's callers are *.<namespace>.serviceaccount.identity.linkerd.cluster.local under principals",
                )


@rule(WARNING, PROXY)
def linkerd_port_of_proxy(release):
    """A port of the pod is one of the proxy's own, or one that is led past it.

    Nothing in the pod can listen on it beside the proxy, or no policy rules it."""
    for name, number in release.fact(ports).items():
        if number in PROXY_PORTS:
            yield (
                f"ports.{name}",
                f"{number} is a port of Linkerd's proxy, beside which nothing in the pod can listen on it, and no policy "
                "rules it",
                "choose another",
            )
        elif number in IGNORED_PORTS:
            yield (
                f"ports.{name}",
                f"{number} is led past the proxy as Linkerd is installed (proxyInit.ignoreInboundPorts), so no policy rules it",
                "choose another",
            )


@rule(WARNING, POLICY + "#server")
def linkerd_mcp_uncovered(release):
    """MCP is on, for which the chart renders no Server.

    Only the default inbound policy says who may call it: unless set otherwise, everyone."""
    denied = release.at("serviceMesh.defaultDeny.enabled") and release.at("namespace.create")
    if release.at("mcp.enabled") and "mcp" not in release.fact(Index).covered and not denied:
        yield (
            "mcp.enabled",
            f"linkerd renders no Server for the mcp port {release.text('ports.mcp')}, so only the default inbound policy "
            "rules it",
            f"add one with an AuthorizationPolicy to {PATH}",
        )


@rule(WARNING, PROXY)
def linkerd_default_deny_missing(release):
    """The default deny is to be set, on a Namespace that is not rendered.

    It is the Namespace's annotation, so nothing is denied."""
    said = any(
        "config.linkerd.io/default-inbound-policy" in ((one.body.get("metadata") or {}).get("annotations") or {})
        for one in release.fact(Index).objects
        if (one.group, one.kind, one.name) == ("", "Namespace", release.namespace)
    )
    if release.at("serviceMesh.defaultDeny.enabled") and not release.at("namespace.create") and not said:
        yield (
            "serviceMesh.defaultDeny.enabled",
            "renders nothing without namespace.create",
            f"set it yourself with `kubectl annotate namespace {release.namespace} "
            "config.linkerd.io/default-inbound-policy=deny` and restart the pods that run already",
        )
