# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whether network policies let the mesh through, asked of the policies that are rendered."""

from stageset_render.access.classes import ELSEWHERE
from stageset_render.findings import WARNING
from stageset_render.pack import mesh, networked
from stageset_render.rules import rule
from stageset_render.rules.network import EGRESS, INGRESS, PEERS, egress, engine, rendered
from stageset_render.rules.network_effects import lists, some_pod

TRANSPORT = "https://linkerd.io/2/reference/proxy-configuration/"
AMBIENT = "https://istio.io/latest/docs/ambient/usage/networkpolicy/"
ADDED = {  # by engine: an entry that admits a port
    "kubernetes": "{{ports: [{{port: {0}, protocol: TCP}}]}}",
    "cilium": '{{toPorts: [{{ports: [{{port: "{0}", protocol: TCP}}]}}]}}',
    "calico": "{{action: Allow, protocol: TCP, destination: {{ports: [{0}]}}}}",
    "clusterNetworkPolicy": (
        "{{name: mesh, action: Accept, from: [{{namespaces: {{}}}}], "
        "protocols: [{{tcp: {{destinationPort: {{number: {0}}}}}}}]}}"
    ),
}
LEAVING = {  # by engine: an entry that lets the pod reach a namespace
    "kubernetes": "{{to: [{{namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {0}}}}}}}]}}",
    "cilium": '{{toEndpoints: [{{matchLabels: {{"k8s:io.kubernetes.pod.namespace": {0}}}}}]}}',
    "calico": "{{action: Allow, destination: {{namespaceSelector: kubernetes.io/metadata.name == '{0}'}}}}",
    "clusterNetworkPolicy": (
        "{{name: mesh, action: Accept, to: [{{namespaces: {{matchLabels: {{kubernetes.io/metadata.name: {0}}}}}}}]}}"
    ),
}
CONTROL_PLANES = {  # by mesh: its namespace and the ports that a proxy needs
    "istio": ("istio-system", {15012: "istiod"}),
    "linkerd": ("linkerd", {8080: "identity", 8086: "destination", 8090: "policy"}),
}


def _tunnelled(release, pod):
    """Whether the network policies admit a meshed call of a pod where it arrives; None where that depends."""
    call = {"port": mesh.tunnel(release), "protocol": "TCP", **pod}
    return release.fact(networked.ingress).decide(call).allowed


SOME = {"labels": some_pod()}
STRANGER = {"namespace": "any-other", "namespace_labels": {}, "labels": {}, "ip": ELSEWHERE}


@rule(WARNING, TRANSPORT)
def network_shuts_mesh_out(release):
    """The network policy does not admit the port at which meshed calls arrive.

    Linkerd from 2.18 on, and Istio's ambient mode, carry a call for any port to one of their own, so every meshed caller is
    shut out."""
    if mesh.tunnel(release) is None or _tunnelled(release, SOME) is not False:
        return
    port, chosen = mesh.tunnel(release), engine(release)
    path = lists(release, INGRESS)
    where = "Linkerd" if mesh.engine(release) == "linkerd" else "Istio's ambient mode"
    yield (
        path,
        f"admits nobody to port {port}, where meshed calls for every port arrive under {where}, so every meshed caller is "
        "shut out",
        f"add {ADDED[chosen].format(port)}",
    )


@rule(WARNING, TRANSPORT)
def network_peers_bypassed(release):
    """Callers of a port are restricted by network, and meshed calls arrive at another port.

    Once that port is admitted, the list no longer restricts meshed callers; the mesh's own policies do."""
    if mesh.tunnel(release) is None or not _tunnelled(release, STRANGER):
        return
    port = mesh.tunnel(release)
    for path in rendered(release, True):
        if path in PEERS and release.items(path):
            yield (
                path,
                f"does not restrict meshed callers, whose calls for every port arrive at port {port}, which is admitted",
                "restrict them by the mesh: serviceMesh",
            )


@rule(WARNING, "https://istio.io/latest/docs/ops/deployment/application-requirements/")
def network_egress_without_mesh(release):
    """Outgoing traffic is restricted, and no rule lets the proxy reach the mesh's control plane.

    The proxy gets no certificate and no policy, and the pod never gets ready."""
    if not egress(release) or mesh.ambient(release):
        return
    judged, chosen = release.fact(networked.egress), engine(release)
    namespace, ports = CONTROL_PLANES[mesh.engine(release)]
    missing = [
        f"{name} {port}"
        for port, name in ports.items()
        if judged.decide({"port": port, "protocol": "TCP", "labels": some_pod()}).allowed is False
    ]
    path = lists(release, EGRESS)
    if missing:
        yield (
            path,
            f"no rule lets the proxy reach {', '.join(missing)} of namespace {namespace}, so the pod never gets ready",
            f"add {LEAVING[chosen].format(namespace)}",
        )
    if judged.decide({"port": 53, "protocol": "UDP"}).allowed is False:
        yield (
            "networkPolicy.egress.dns",
            f"no rule lets the proxy ask for the addresses of {' and '.join(ports.values())}, so the pod never gets ready",
            "write true",
        )
