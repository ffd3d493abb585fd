# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whether the pod is in the mesh at all, and what its namespace lets in."""

from stageset_render.findings import ERROR, WARNING
from stageset_render.pack import mesh
from stageset_render.rules import rule
from stageset_render.rules.istio import CALLERS, RULES

ISTIO = "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/"
LINKERD = "https://linkerd.io/2/features/proxy-injection/"
STANDARDS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
LABELS, DEPLOYMENT = "pod.additionalLabels", "deployment.additionalLabels"
ANNOTATIONS = ("sidecar.istio.io/", "traffic.sidecar.istio.io/", "proxy.istio.io/", "inject.istio.io/")
BASELINE = {  # capabilities that the level baseline lets add
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
}


def _labels(release):
    return release.at(LABELS) or {}


@rule(ERROR, ISTIO)
def injection_off(release):
    """A label or an annotation keeps the proxy out of the pod.

    Without it no policy of the mesh has an effect: everyone gets in."""
    for path, what, mend in mesh.kept_out(release):
        yield path, f"{what}, and without it no policy of the mesh has an effect", mend


@rule(WARNING, LINKERD)
def injection_label_unread(release):
    """A label of the pod or the Deployment that the mesh's injector does not read there.

    Linkerd reads annotations alone; Istio the label istio-injection on namespaces alone, annotations as such, and where the
    namespace has no label "true" alone."""
    for label in release.at(DEPLOYMENT) or {}:
        if label in (mesh.INJECT, mesh.AMBIENT, mesh.WAYPOINT, "istio-injection", "linkerd.io/inject"):
            linkerd = label.startswith("linkerd")
            mend = "annotate the namespace" if linkerd else f"label the namespace, or write it to {LABELS}"
            yield (DEPLOYMENT, label), "is a label of the Deployment, where no mesh reads it", mend
    for label, value in _labels(release).items():
        path = (LABELS, label)
        if mesh.engine(release) == "linkerd":
            if label == "linkerd.io/inject" or label.startswith("config.linkerd.io/"):
                yield path, "is a label, and Linkerd reads this as an annotation alone", "annotate the namespace"
        elif label == "istio-injection":
            yield path, "is read on namespaces alone", f'write {mesh.INJECT}: "true"'
        elif label == mesh.INJECT and value in ("", *mesh.INJECTED) and value != "true":
            yield (
                path,
                'is not "true", so Istio goes by the namespace\'s label alone, and without the sidecar no policy has an effect',
                'write "true"',
            )
        elif label == mesh.AMBIENT and value != "ambient":
            what = "takes the pod out of the ambient mode" if value == "none" else "is no mode, and nothing reads it"
            yield path, what, "write ambient, or leave it out"
        elif label.startswith(ANNOTATIONS) and label != mesh.INJECT:
            yield path, "is a label, and Istio reads this as an annotation alone", "leave it out"


@rule(WARNING, LINKERD)
def injection_namespace_unmarked(release):
    """The Namespace that is created has no mark for injection.

    The pod gets no proxy, and no policy of the mesh has an effect, until the Namespace is marked by hand."""
    if mesh.injection(release).how:
        yield "namespace.create", "has no mark for injection, so the pod gets no proxy", mesh.injection(release).how


@rule(WARNING, "https://istio.io/latest/docs/ambient/usage/l4-policy/")
def injection_ambient_without_http(release):
    """A rule of requests, in the ambient mode.

    The node's proxy, ztunnel, enforces a policy that selects pods, and sees no HTTP, so a rule with methods, paths, hosts,
    headers, tokens or remote addresses admits nobody, with a waypoint or without."""
    if not mesh.ambient(release):
        return
    message = "is nothing that the ambient mode's ztunnel sees, so the rule admits nobody"
    mend = "leave it out, or put it into a policy of your own whose targetRefs name the Service, for a waypoint"
    for index, one in enumerate(release.items(RULES)):
        for at, item in enumerate(one.get("to") or ()):
            for field in ("hosts", "methods", "paths", "notHosts", "notMethods", "notPaths"):
                if (item.get("operation") or {}).get(field):
                    yield (RULES, index, "to", at, "operation", field), message, mend
        for at, item in enumerate(one.get("from") or ()):
            for field in ("requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks"):
                if (item.get("source") or {}).get(field):
                    yield (RULES, index, "from", at, "source", field), message, mend
        for at, item in enumerate(one.get("when") or ()):
            key = item.get("key") or ""
            if key.startswith(("request.", "experimental.")) or key in ("remote.ip", "connection.sni"):
                yield (RULES, index, "when", at), message, mend


@rule(WARNING, "https://istio.io/latest/docs/ambient/usage/waypoint/")
def injection_waypoint_identity(release):
    """Callers are named, and calls go through a waypoint.

    The pod's ztunnel then sees the waypoint's identity, not the caller's, and refuses it."""
    waypoint = _labels(release).get(mesh.WAYPOINT)
    if not mesh.ambient(release) or waypoint in (None, "", "none"):
        return
    for path in CALLERS:
        if release.items(path):
            yield (
                path,
                f"a call that the waypoint {waypoint} passes on has the waypoint's identity, which none of these is",
                "name the waypoint's service account as well, and restrict callers by a policy for the waypoint",
            )


@rule(WARNING, "https://istio.io/latest/docs/reference/config/security/authorization-policy/")
def injection_root_namespace_denied(release):
    """The default deny is in Istio's root namespace.

    A policy there is for all namespaces, so it denies the whole mesh."""
    denied = release.at("serviceMesh.defaultDeny.enabled") and mesh.engine(release) == "istio"
    if denied and release.namespace == "istio-system":
        yield (
            "serviceMesh.defaultDeny.enabled",
            "denies every workload of the mesh, because istio-system is Istio's root namespace",
            "install the controller into a namespace of its own",
        )


@rule(WARNING, STANDARDS)
def injection_forbidden_by_level(release):
    """The Namespace's level forbids what injection adds to the pod.

    Without the mesh's CNI plugin a container with NET_ADMIN prepares the pod's network, and no pod is created."""
    level = release.at("namespace.pssLevel")
    if release.at("namespace.create") and level in ("baseline", "restricted") and not mesh.ambient(release):
        yield (
            "namespace.pssLevel",
            f"{level} forbids NET_ADMIN, which injection needs where the mesh runs without its CNI plugin, and no pod is "
            "created then",
            "install the CNI plugin, or write privileged",
        )
