# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whom network policies let in and out, row by row."""

import pytest
from access_objects import HOME, namespace, only, thing

from stageset_render.access import network

POD = {
    "namespace": HOME,
    "labels": {"app": "till", "tier": "back"},
    "ports": [{"name": "http", "port": 8080}, {"name": "dns", "port": 53, "protocol": "UDP"}],
    "ip": "10.9.0.1",
}
BANK = {
    "port": 8080,
    "protocol": "TCP",
    "ip": "10.1.2.3",
    "namespace": "bank",
    "namespace_labels": {"zone": "vault"},
    "labels": {"app": "payer"},
}
NOBODY_KNOWN = {"ip": None, "namespace": None, "namespace_labels": None, "labels": None}
UNKNOWN = {"namespace_labels": None}
NO_POD = {"namespace": "", "namespace_labels": None, "labels": None}
UDP = {"protocol": "UDP"}
DIRECTIONS = ["ingress", "egress"]


def decide(objects, change=None, direction="ingress", pod=POD):
    return network.admits(objects, pod, {**BANK, **(change or {})}, direction)


def rules_for(direction, peers=None, **fields):
    peers = {} if peers is None else {"from" if direction == "ingress" else "to": peers}
    return {"policyTypes": [direction.capitalize()], direction: [{**peers, **fields}]}


def kube(name="k", /, **spec):
    return thing("NetworkPolicy", name, **{"podSelector": {}, **spec})


def pods(labels=None, namespaces=None):
    """A peer of NetworkPolicy by labels of pods and, if wanted, of namespaces."""
    found = {} if labels is None else {"podSelector": {"matchLabels": labels}}
    return found if namespaces is None else {**found, "namespaceSelector": {"matchLabels": namespaces}}


NAME = "kubernetes.io/metadata.name"
NAMED = {"key": NAME, "operator": "Exists"}
EXISTS = {"matchExpressions": [{"key": "app", "operator": "Exists"}]}

# Peers, how the call differs from BANK, whether they match.
PEERS = [
    (None, {}, True),
    ([], {}, True),
    (None, NOBODY_KNOWN, True),
    ([{"ipBlock": {"cidr": "10.0.0.0/8"}}], {}, True),
    ([{"ipBlock": {"cidr": "10.0.0.0/8"}}], {"ip": "11.0.0.1"}, False),
    ([{"ipBlock": {"cidr": "10.0.0.0/8"}}], {"ip": "11.0.0.1", "namespace": HOME}, False),
    ([{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], {}, False),
    ([{"ipBlock": {"cidr": "10.0.0.0/8"}}], {"ip": None}, None),
    ([{"ipBlock": {"cidr": "11.0.0.0/8"}}, {"ipBlock": {"cidr": "10.0.0.0/8"}}], {}, True),
    ([pods({"app": "payer"})], {"namespace": HOME}, True),
    ([pods({"app": "payer"})], {}, False),
    ([pods({})], {"namespace": HOME}, True),
    ([pods({})], {}, False),
    ([pods({"app": "buyer"})], {"namespace": HOME}, False),
    ([pods({"app": "payer"})], {"namespace": HOME, "labels": None}, None),
    ([pods({"app": "payer"})], {"labels": None}, False),
    ([pods({"app": "payer"})], {"namespace": None}, None),
    ([pods({"app": "buyer"})], {"namespace": None}, False),
    ([pods({"app": "payer"})], NO_POD, False),
    ([pods(None, {})], {}, True),
    ([pods(None, {})], NO_POD, False),
    ([pods(None, {})], {"namespace": None, "namespace_labels": None}, True),
    ([pods(None, {})], NOBODY_KNOWN, None),
    ([pods(None, {"zone": "vault"})], {}, True),
    ([pods(None, {"zone": "hall"})], {}, False),
    ([pods(None, {"zone": "vault"})], {"namespace_labels": None}, None),
    ([pods(None, {"zone": "vault"})], {"namespace": None, "labels": None}, True),
    ([{"namespaceSelector": {"matchLabels": {"zone": "vault"}, "matchExpressions": [NAMED]}}], UNKNOWN, None),
    ([{"namespaceSelector": {"matchLabels": {"zone": "vault"}, "matchExpressions": [NAMED]}}], {}, True),
    ([pods(None, {NAME: "bank"})], {"namespace_labels": None}, True),
    ([pods(None, {NAME: "mall"})], {"namespace_labels": None}, False),
    ([pods(None, {NAME: "bank", "zone": "vault"})], {"namespace_labels": None}, None),
    ([pods({"app": "payer"}, {"zone": "vault"})], {}, True),
    ([pods({"app": "buyer"}, {"zone": "vault"})], {}, False),
    ([pods({"app": "payer"}, {"zone": "hall"})], {}, False),
    ([pods({"app": "buyer"}), pods(None, {"zone": "vault"})], {}, True),
    ([{"podSelector": EXISTS, "namespaceSelector": {}}], {}, True),
    ([{"podSelector": EXISTS, "namespaceSelector": {}}], {"labels": {}}, False),
    ([{"podSelector": EXISTS, "namespaceSelector": {}}], {"labels": None}, None),
    ([{"ipBlock": {"cidr": "10.0.0.0/8"}}, pods({"app": "buyer"}, {})], {"ip": None}, None),
    ([{"ipBlock": {"cidr": "10.0.0.0/8"}}, pods({"app": "payer"}, {})], {"ip": None}, True),
]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("peers, change, match", PEERS)
def test_which_peers_a_network_policy_takes(peers, change, match, direction):
    assert only(decide([kube(**rules_for(direction, peers))], change, direction)) is match


@pytest.mark.parametrize(
    "expression, labels, match",
    [
        ({"operator": "In", "values": ["payer", "buyer"]}, {"app": "payer"}, True),
        ({"operator": "In", "values": ["buyer"]}, {"app": "payer"}, False),
        ({"operator": "In", "values": ["payer"]}, {}, False),
        ({"operator": "In"}, {"app": "payer"}, False),
        ({"operator": "NotIn"}, {"app": "payer"}, True),
        ({"operator": "NotIn", "values": ["buyer"]}, {"app": "payer"}, True),
        ({"operator": "NotIn", "values": ["payer"]}, {"app": "payer"}, False),
        ({"operator": "NotIn", "values": ["payer"]}, {}, True),
        ({"operator": "NotIn", "values": ["payer"]}, None, None),
        ({"operator": "Exists"}, {"app": ""}, True),
        ({"operator": "Exists"}, {}, False),
        ({"operator": "DoesNotExist"}, {}, True),
        ({"operator": "DoesNotExist"}, {"app": "payer"}, False),
        ({"operator": "DoesNotExist"}, None, None),
        ({"operator": "Gt", "values": ["1"]}, {"app": "payer"}, None),
    ],
)
def test_expressions_of_selectors(expression, labels, match):
    peer = {"podSelector": {"matchExpressions": [{"key": "app", **expression}]}, "namespaceSelector": {}}
    assert only(decide([kube(ingress=[{"from": [peer]}])], {"labels": labels})) is match


@pytest.mark.parametrize(
    "ports, change, match",
    [
        (None, {}, True),
        ([], UDP, True),
        ([{"port": 8080}], {}, True),
        ([{"port": 8080}], UDP, False),
        ([{"port": 8081}], {}, False),
        ([{"port": 8080, "protocol": "UDP"}], UDP, True),
        ([{"port": 8080, "protocol": "UDP"}], {}, False),
        ([{"protocol": "TCP"}], {}, True),
        ([{"protocol": "UDP"}], {}, False),
        ([{"port": 8000, "endPort": 8080}], {}, True),
        ([{"port": 8000, "endPort": 8079}], {}, False),
        ([{"port": 8081, "endPort": 9000}], {}, False),
        ([{"port": 1}, {"port": 8080}], {}, True),
        ([{"port": "http"}], {}, True),
        ([{"port": "http"}], {"port": 80}, False),
        ([{"port": "http", "protocol": "UDP"}], UDP, False),
        ([{"port": "http", "protocol": "UDP"}], {}, False),
        ([{"port": "dns", "protocol": "UDP"}], {"port": 53, **UDP}, True),
        ([{"port": "dns"}], {"port": 53}, False),
        ([{"port": "none"}], {}, False),
    ],
)
def test_which_ports_a_network_policy_takes(ports, change, match):
    rule = {} if ports is None else {"ports": ports}
    assert only(decide([kube(ingress=[rule])], change)) is match


@pytest.mark.parametrize(
    "ports, change, match",
    [
        ([{"port": "http"}], {}, None),
        ([{"port": "http"}], UDP, False),
        ([{"port": 8080}], {}, True),
        ([{"port": "http"}, {"port": 8080}], {}, True),
    ],
)
def test_a_name_of_a_port_is_unknown_where_the_ports_are(ports, change, match):
    pod = {"namespace": HOME, "labels": {}}
    assert only(decide([kube(ingress=[{"ports": ports}])], change, pod=pod)) is match
    assert only(decide([kube(**rules_for("egress", ports=ports))], change, "egress")) is match


@pytest.mark.parametrize(
    "policy, refused",
    [
        (kube(), ["ingress"]),
        (kube(policyTypes=[]), ["ingress"]),
        (kube(egress=[{"ports": [{"port": 1}]}]), ["ingress", "egress"]),
        (kube(egress=[]), ["ingress"]),
        (kube(policyTypes=["Egress"]), ["egress"]),
        (kube(policyTypes=["Egress"], ingress=[{}]), ["egress"]),
        (kube(policyTypes=["Ingress", "Egress"]), ["ingress", "egress"]),
        (kube(podSelector={"matchLabels": {"app": "till"}}), ["ingress"]),
        (kube(podSelector={"matchLabels": {"app": "x"}}), []),
        (kube(podSelector={"matchExpressions": [{"key": "zone", "operator": "Exists"}]}), []),
        (thing("NetworkPolicy", metadata={"namespace": "bank"}, podSelector={}), []),
        (thing("NetworkPolicy", version="example.com/v1", podSelector={}), []),
        ({**kube(), "kind": "Ingress"}, []),
    ],
)
def test_which_directions_a_network_policy_closes(policy, refused):
    assert [each for each in DIRECTIONS if only(decide([policy], direction=each)) is False] == refused


@pytest.mark.parametrize(
    "objects, decision",
    [
        ([], (True, "no policy decides on ingress: the pod is open")),
        ([kube()], (False, "no rule of NetworkPolicy k admits it")),
        ([kube("a"), kube("b")], (False, "no rule of NetworkPolicy a or NetworkPolicy b admits it")),
        ([kube("a"), kube("b", ingress=[{"ports": [{"port": 1}]}, {}])], (True, "NetworkPolicy b, ingress rule 2")),
    ],
)
def test_the_reason_names_the_policy_and_the_rule(objects, decision):
    assert decide(objects) == decision


@pytest.mark.parametrize(
    "peer, change, reason",
    [
        (pods({"app": "payer"}, {}), {"labels": None}, "depends on the caller's labels"),
        (pods({"app": "payer"}), {"namespace": None}, "depends on the caller's namespace"),
        (pods(None, {"a": "b"}), {"namespace_labels": None}, "depends on the labels of the caller's namespace"),
        (pods(None, {}), NOBODY_KNOWN, "depends on whether the caller is a pod"),
        (pods({"a": "b"}, {"a": "b"}), {**UNKNOWN, "labels": None}, "depends on the labels of the caller's namespace"),
        ({"ipBlock": {"cidr": "10.0.0.0/8"}}, {"ip": None}, "depends on the caller's address"),
    ],
)
def test_the_reason_tells_what_is_unknown(peer, change, reason):
    decision = (None, f"NetworkPolicy k, ingress rule 1: {reason}")
    assert decide([kube(ingress=[{"from": [peer]}])], change) == decision
    outward = kube(**rules_for("egress", [peer]))
    assert decide([outward], change, "egress").because.endswith(reason.replace("caller", "destination"))


def test_the_first_reason_is_told():
    peers = [{"ipBlock": {"cidr": "10.0.0.0/8"}}, pods({"app": "payer"}, {})]
    reason = "NetworkPolicy k, ingress rule 1: depends on the caller's address"
    assert decide([kube(ingress=[{"from": peers}])], {"ip": None, "labels": None}) == (None, reason)


def test_a_pod_without_labels_is_selected_by_what_wants_none():
    pod = {"namespace": HOME, "labels": None}
    assert only(decide([kube()], pod=pod)) is False
    assert only(decide([kube(podSelector={"matchLabels": {"app": "till"}})], pod=pod)) is True


def test_a_namespace_among_the_objects_tells_its_labels():
    policy, unknown = kube(ingress=[{"from": [pods(None, {"zone": "vault"})]}]), {"namespace_labels": None}
    assert only(decide([policy, namespace("bank", labels={"zone": "vault"})], unknown)) is True
    assert only(decide([policy, namespace("bank", labels={})], unknown)) is False
    assert only(decide([policy, namespace("mall", labels={})], unknown)) is None
    assert only(decide([policy, namespace("bank", labels={})], {})) is True
    assert only(decide([policy, namespace("bank")], unknown)) is False
    labelled = {"namespace": None, "labels": {"zone": "vault"}}
    account = {**namespace("bank"), "kind": "ServiceAccount"}
    for other in (thing("Server", "bank", metadata=labelled), thing("Namespace", "bank", version="x/v1"), account):
        assert only(decide([policy, other], unknown)) is None


def cluster(name, priority, *ingress, tier="Admin", subject=None, egress=(), version=None):
    subject = {"namespaces": {}} if subject is None else subject
    found = {"tier": tier, "priority": priority, "subject": subject, "ingress": list(ingress), "egress": list(egress)}
    return thing("ClusterNetworkPolicy", name, version=version, metadata={"namespace": None}, **found)


EVERYWHERE = [{"networks": ["0.0.0.0/0", "::/0"]}]


def act(action, peers=EVERYWHERE, name=None, side="from", **fields):
    return {"action": action, side: peers, **({"name": name} if name else {}), **fields}


ACCEPT, DENY, PASS = act("Accept"), act("Deny"), act("Pass")
BASE_DENY = cluster("base", 1, DENY, tier="Baseline")
BASE_ACCEPT = cluster("base", 1, ACCEPT, tier="Baseline")


@pytest.mark.parametrize(
    "objects, decision",
    [
        ([cluster("a", 1, ACCEPT), kube()], (True, "ClusterNetworkPolicy a, ingress rule 1")),
        ([cluster("a", 1, act("Deny", name="shut"))], (False, "ClusterNetworkPolicy a, ingress rule shut")),
        ([cluster("a", 1, PASS, DENY)], (True, "no policy decides on ingress: the pod is open")),
        ([cluster("a", 1, PASS, DENY), kube()], (False, "no rule of NetworkPolicy k admits it")),
        ([cluster("a", 1, PASS), cluster("b", 2, DENY)], (True, "no policy decides on ingress: the pod is open")),
        ([cluster("a", 1, PASS), BASE_DENY], (False, "ClusterNetworkPolicy base, ingress rule 1")),
        ([cluster("a", 2, DENY), cluster("b", 1, ACCEPT)], (True, "ClusterNetworkPolicy b, ingress rule 1")),
        ([cluster("a", 10, DENY), cluster("b", 9, ACCEPT)], (True, "ClusterNetworkPolicy b, ingress rule 1")),
        ([cluster("a", 1, ACCEPT, DENY)], (True, "ClusterNetworkPolicy a, ingress rule 1")),
        ([cluster("a", 1), cluster("b", 2, DENY)], (False, "ClusterNetworkPolicy b, ingress rule 1")),
        ([BASE_DENY, cluster("a", 1, ACCEPT)], (True, "ClusterNetworkPolicy a, ingress rule 1")),
        ([BASE_DENY, kube(ingress=[{}])], (True, "NetworkPolicy k, ingress rule 1")),
        ([BASE_ACCEPT, kube()], (False, "no rule of NetworkPolicy k admits it")),
        ([BASE_ACCEPT, cluster("z", 2, DENY, tier="Baseline")], (True, "ClusterNetworkPolicy base, ingress rule 1")),
        ([cluster("base", 1, PASS, DENY, tier="Baseline")], (True, "no policy decides on ingress: the pod is open")),
        (
            [cluster("a", 1, ACCEPT), cluster("b", 1, DENY)],
            (None, "ClusterNetworkPolicy a, ingress rule 1: another of the same priority decides otherwise"),
        ),
        ([cluster("a", 1, ACCEPT), cluster("b", 1, ACCEPT)], (True, "ClusterNetworkPolicy b, ingress rule 1")),
        ([cluster("a", 1, ACCEPT), cluster("b", 1), kube()], (True, "ClusterNetworkPolicy a, ingress rule 1")),
        ([cluster("a", 1, PASS), cluster("b", 1, ACCEPT)], (True, "no policy decides on ingress: the pod is open")),
        ([cluster("a", 1, DENY, version="example.com/v1")], (True, "no policy decides on ingress: the pod is open")),
        ([cluster("a", 1, egress=[act("Deny", side="to")])], (True, "no policy decides on ingress: the pod is open")),
    ],
)
def test_the_tiers_of_cluster_network_policies(objects, decision):
    assert decide(objects) == decision


MAYBE = [{"namespaces": {"matchLabels": {"a": "b"}}}]


@pytest.mark.parametrize(
    "objects, allowed",
    [
        ([cluster("a", 1, act("Deny", MAYBE), ACCEPT)], None),
        ([cluster("a", 1, act("Accept", MAYBE), ACCEPT)], True),
        ([cluster("a", 1, act("Pass", MAYBE), ACCEPT)], True),
        ([cluster("a", 1, act("Pass", MAYBE), ACCEPT), kube()], None),
        ([cluster("a", 1, act("Pass", MAYBE), DENY), kube()], False),
        ([cluster("a", 1, act("Deny", MAYBE)), kube()], False),
        ([cluster("a", 1, act("Accept", MAYBE)), kube()], None),
        ([cluster("a", 1, act("Accept", MAYBE)), BASE_DENY], None),
        ([cluster("a", 1, act("Accept", MAYBE)), BASE_ACCEPT], True),
        ([cluster("a", 1, act("Deny", MAYBE)), cluster("b", 1, ACCEPT)], None),
    ],
)
def test_the_unknown_counts_in_a_tier_where_it_matters(objects, allowed):
    assert only(decide(objects, UNKNOWN)) is allowed


CLUSTER_PEERS = [
    ({"namespaces": {}}, {}, True),
    ({"namespaces": {}}, NO_POD, False),
    ({"namespaces": {"matchLabels": {"zone": "vault"}}}, {}, True),
    ({"namespaces": {"matchLabels": {"zone": "hall"}}}, {}, False),
    ({"namespaces": {"matchLabels": {NAME: "bank"}}}, UNKNOWN, True),
    ({"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "payer"}}}}, {}, True),
    ({"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "x"}}}}, {}, False),
    ({"pods": {"podSelector": {}}}, {}, True),
    ({"pods": {"namespaceSelector": {"matchLabels": {"zone": "hall"}}, "podSelector": {}}}, {}, False),
    ({"networks": ["10.0.0.0/8"]}, {}, True),
    ({"networks": ["11.0.0.0/8", "::/0"]}, {}, False),
    ({"nodes": {}}, {}, None),
    ({"domainNames": ["*.example.com"]}, {}, None),
]


@pytest.mark.parametrize("peer, change, match", CLUSTER_PEERS)
def test_which_peers_a_cluster_network_policy_takes(peer, change, match):
    accept = cluster("a", 1, act("Accept", [peer]), egress=[act("Accept", [peer], side="to")])
    deny = cluster("a", 1, act("Deny", [{"networks": []}, peer]), egress=[act("Deny", [peer], side="to")])
    both = [kube(policyTypes=["Ingress", "Egress"])]
    for direction in DIRECTIONS:
        assert only(decide([accept, *both], change, direction)) is match
        assert only(decide([deny], change, direction)) is (None if match is None else not match)


def test_a_peer_that_has_lost_its_field_fails_closed():
    assert only(decide([cluster("a", 1, act("Accept", [{}])), kube()])) is False
    assert only(decide([cluster("a", 1, act("Deny", [{}]))])) is False


@pytest.mark.parametrize(
    "protocols, change, match",
    [
        ([], {}, True),
        ([{"tcp": {"destinationPort": {"number": 8080}}}], {}, True),
        ([{"tcp": {"destinationPort": {"number": 8080}}}], UDP, False),
        ([{"tcp": {"destinationPort": {"number": 8081}}}], {}, False),
        ([{"tcp": {"destinationPort": {"range": {"start": 8000, "end": 8080}}}}], {}, True),
        ([{"tcp": {"destinationPort": {"range": {"start": 8000, "end": 8079}}}}], {}, False),
        ([{"tcp": {}}], {}, True),
        ([{"tcp": {}}], UDP, False),
        ([{"udp": {"destinationPort": {"number": 8080}}}], UDP, True),
        ([{"udp": {"destinationPort": {"number": 1}}}, {"tcp": {}}], {}, True),
        ([{"destinationNamedPort": "http"}], {}, True),
        ([{"destinationNamedPort": "http"}], UDP, False),
        ([{"destinationNamedPort": "dns"}], {"port": 53, **UDP}, True),
        ([{"destinationNamedPort": "none"}], {}, False),
    ],
)
def test_which_protocols_a_cluster_network_policy_takes(protocols, change, match):
    assert only(decide([cluster("a", 1, act("Accept", protocols=protocols)), kube()], change)) is match


def test_a_named_port_of_a_cluster_network_policy_may_be_unknown():
    accept = cluster("a", 1, act("Accept", protocols=[{"destinationNamedPort": "http"}]))
    assert only(decide([accept, kube()], pod={"namespace": HOME, "labels": {}})) is None


@pytest.mark.parametrize(
    "subject, chosen",
    [
        ({"namespaces": {"matchLabels": {NAME: HOME}}}, True),
        ({"namespaces": {"matchLabels": {NAME: "bank"}}}, False),
        ({"namespaces": {"matchLabels": {"a": "b"}}}, None),
        ({"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "till"}}}}, True),
        ({"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "x"}}}}, False),
        ({"pods": {"namespaceSelector": {"matchLabels": {NAME: "bank"}}, "podSelector": {}}}, False),
        ({}, None),
    ],
)
def test_which_pods_are_subject_to_a_cluster_network_policy(subject, chosen):
    assert only(decide([cluster("a", 1, DENY, subject=subject)])) is (None if chosen is None else not chosen)
    assert only(decide([cluster("a", 1, ACCEPT, subject=subject)])) is True


def cilium(name="c", /, **spec):
    return thing("CiliumNetworkPolicy", name, **{"endpointSelector": {}, **spec})


def endpoints(direction="ingress", /, **labels):
    key = "fromEndpoints" if direction == "ingress" else "toEndpoints"
    return {key: [{"matchLabels": {each.replace("__", ":"): value for each, value in labels.items()}}]}


def to_ports(*ports, **more):
    return {"toPorts": [{"ports": [dict(zip(("port", "protocol", "endPort"), each)) for each in ports], **more}]}


IN = "io.kubernetes.pod.namespace"
OF_NAMESPACE = "io.cilium.k8s.namespace.labels."
CILIUM = [
    ({}, {}, False),
    ({"fromEndpoints": None}, {}, False),
    ({"fromEndpoints": [{}]}, {"namespace": HOME}, True),
    ({"fromEndpoints": [{}]}, {}, False),
    ({"fromEndpoints": [{}]}, NO_POD, False),
    ({"fromEndpoints": [{}]}, NOBODY_KNOWN, None),
    ({"fromEndpoints": []}, {}, None),
    ({"fromEndpoints": [{"matchExpressions": [{"key": IN, "operator": "NotIn", "values": ["x"]}]}]}, {}, True),
    ({"fromEndpoints": [{"matchExpressions": [{"key": IN, "operator": "NotIn", "values": ["x"]}]}]}, NO_POD, False),
    (endpoints(app="payer"), {"namespace": HOME}, True),
    (endpoints(k8s__app="payer"), {"namespace": HOME}, True),
    (endpoints(any__app="payer"), {"namespace": HOME}, True),
    (endpoints(app="buyer"), {"namespace": HOME}, False),
    (endpoints(app="payer"), {}, False),
    (endpoints(reserved__host=""), {"namespace": HOME}, None),
    (endpoints(**{IN: "bank"}), {}, True),
    (endpoints(**{f"k8s__{IN}": "bank", "app": "payer"}), {}, True),
    (endpoints(**{IN: "bank", "app": "buyer"}), {}, False),
    (endpoints(**{IN: "mall"}), {}, False),
    (endpoints(**{IN: "bank"}), {"namespace": None}, None),
    (endpoints(**{f"k8s__{OF_NAMESPACE}zone": "vault"}), {}, True),
    (endpoints(**{f"{OF_NAMESPACE}zone": "hall"}), {}, False),
    (endpoints(**{f"{OF_NAMESPACE}{NAME}": "bank"}), UNKNOWN, True),
    (endpoints(**{f"{OF_NAMESPACE}zone": "vault"}), UNKNOWN, None),
    (endpoints(**{"io.cilium.k8s.policy.serviceaccount": "x"}), {"namespace": HOME}, None),
    ({"fromEndpoints": [{"matchExpressions": [{"key": IN, "operator": "Exists"}]}]}, {}, True),
    ({"fromEndpoints": [{"matchExpressions": [{"key": f"k8s:{IN}", "operator": "In", "values": ["x"]}]}]}, {}, False),
    (to_ports(("8080", "TCP")), {}, True),
    (to_ports(("8080", "TCP")), NOBODY_KNOWN, True),
    (to_ports(("8080", "TCP")), UDP, False),
    (to_ports(("8080",)), UDP, True),
    (to_ports(("8080", "ANY")), UDP, True),
    (to_ports(("8081", "TCP")), {}, False),
    (to_ports(("8000", "TCP", 8080)), {}, True),
    (to_ports(("0", "TCP")), {}, True),
    (to_ports(("0", "UDP")), {}, False),
    (to_ports(("http", "TCP")), {}, True),
    (to_ports(("dns", "UDP")), {}, False),
    (to_ports(("1", "TCP"), ("8080", "TCP")), {}, True),
    ({"toPorts": [{}]}, {}, None),
    ({"toPorts": [{"ports": [{"protocol": "TCP"}]}]}, {}, None),
    ({"toPorts": [{"ports": [{"port": "1"}, {"protocol": "TCP"}]}]}, {}, None),
    ({"toPorts": [to_ports(("1", "TCP"))["toPorts"][0], to_ports(("8080", "TCP"))["toPorts"][0]]}, {}, True),
    ({**endpoints(**{IN: "bank"}), "toPorts": []}, {}, True),
    ({**endpoints(**{IN: "bank"}), **to_ports(("8080", "TCP"))}, {}, True),
    ({**endpoints(**{IN: "bank"}), **to_ports(("1", "TCP"))}, {}, False),
    ({**endpoints(**{IN: "mall"}), **to_ports(("8080", "TCP"))}, {}, False),
    (to_ports(("8080", "TCP"), rules={"dns": [{"matchPattern": "*"}]}), {}, True),
    (to_ports(("8080", "TCP"), rules={"dns": [{"matchPattern": "*.example.com"}]}), {}, None),
    (to_ports(("8080", "TCP"), rules={"http": [{"method": "GET"}]}), {}, None),
    (to_ports(("1", "TCP"), rules={"http": [{"method": "GET"}]}), {}, False),
    (to_ports(("8080", "TCP"), rules={}), {}, True),
    (to_ports(("8080", "TCP"), serverNames=["x"]), {}, None),
    ({"icmps": [{"fields": [{"type": 8}]}]}, {}, False),
    ({**endpoints(**{IN: "bank"}), "authentication": {"mode": "required"}}, {}, None),
    ({**endpoints(**{IN: "bank"}), "fromRequires": [{}]}, {}, None),
    ({"fromNodes": [{}]}, {}, None),
    ({"fromCIDR": ["10.0.0.0/8"]}, {}, False),  # no pod is in a network
    ({"fromCIDR": ["10.0.0.0/8"]}, NO_POD, None),
    ({"fromCIDR": ["11.0.0.0/8"]}, NO_POD, False),
    ({"fromCIDR": ["10.0.0.0/8"]}, NOBODY_KNOWN, None),
    ({"fromCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}]}, NO_POD, False),
    ({"fromCIDRSet": [{"cidr": "10.0.0.0/8", "except": ["10.2.0.0/16"]}]}, NO_POD, None),
    ({"fromCIDRSet": [{"cidrGroupRef": "x"}]}, NO_POD, None),
    ({"fromEntities": ["all"]}, NO_POD, True),
    ({"fromEntities": ["none"]}, {}, False),
    ({"fromEntities": ["cluster"]}, {}, True),
    ({"fromEntities": ["cluster"]}, NO_POD, None),
    ({"fromEntities": ["world"]}, {}, False),
    ({"fromEntities": ["world"]}, NO_POD, None),
    ({"fromEntities": ["host", "kube-apiserver"]}, {}, None),
    ({"fromEntities": ["host", "all"]}, {}, True),
]


def turned(rule):
    """A rule of ingress as one of egress."""
    return {key.replace("from", "to", 1) if key.startswith("from") else key: value for key, value in rule.items()}


@pytest.mark.parametrize("rule, change, match", CILIUM)
def test_what_a_rule_of_cilium_matches(rule, change, match):
    inverse = None if match is None else not match
    assert only(decide([cilium(ingress=[rule])], change)) is match
    assert only(decide([cilium(ingressDeny=[rule], ingress=[{"fromEntities": ["all"]}])], change)) is inverse
    if "http" not in str(rule) and "dns" not in str(rule):
        assert only(decide([cilium(egress=[turned(rule)])], change, "egress")) is match


@pytest.mark.parametrize("rule", [{"toFQDNs": [{"matchName": "x"}]}, {"toServices": [{}]}, to_ports(("http", "TCP"))])
def test_what_of_cilium_is_unknown_on_egress(rule):
    assert only(decide([cilium(egress=[rule])], {}, "egress")) is None


ALL = {"fromEntities": ["all"]}
OPEN = (True, "no policy decides on ingress: the pod is open")
CILIUM_CLOSED = (False, "no rule of CiliumNetworkPolicy c admits it")


@pytest.mark.parametrize(
    "objects, decision",
    [
        ([cilium(ingress=[])], OPEN),
        ([cilium(egress=[{}])], OPEN),
        ([{**cilium(ingress=[{}]), "kind": "CiliumEndpoint"}], OPEN),
        ([{**cilium(ingress=[{}]), "apiVersion": "example.com/v2"}], OPEN),
        ([cilium(ingress=[{}])], CILIUM_CLOSED),
        ([cilium(ingress=[{}, ALL])], (True, "CiliumNetworkPolicy c, ingress rule 2")),
        ([cilium(ingressDeny=[ALL])], (False, "CiliumNetworkPolicy c, ingressDeny rule 1")),
        ([cilium(ingress=[ALL]), cilium("d", ingressDeny=[ALL])], (False, "CiliumNetworkPolicy d, ingressDeny rule 1")),
        ([cilium(ingressDeny=[{}])], CILIUM_CLOSED),
        ([cilium(enableDefaultDeny={"ingress": True})], CILIUM_CLOSED),
        (
            [cilium(enableDefaultDeny={"ingress": False}, ingressDeny=[{}])],
            OPEN,
        ),
        (
            [cilium(enableDefaultDeny={"ingress": False}, ingressDeny=[ALL])],
            (False, "CiliumNetworkPolicy c, ingressDeny rule 1"),
        ),
        ([cilium(enableDefaultDeny={"egress": False}, ingress=[{}])], CILIUM_CLOSED),
        ([cilium(ingress=[{}]), kube(ingress=[{}])], (True, "NetworkPolicy k, ingress rule 1")),
        ([cilium(ingress=[ALL]), kube()], (True, "CiliumNetworkPolicy c, ingress rule 1")),
        (
            [cilium(ingress=[{}]), kube()],
            (False, "no rule of NetworkPolicy k or CiliumNetworkPolicy c admits it"),
        ),
        ([cilium(ingressDeny=[ALL]), kube(ingress=[{}])], (False, "CiliumNetworkPolicy c, ingressDeny rule 1")),
        ([cilium(endpointSelector={"matchLabels": {"k8s:app": "x"}}, ingress=[{}])], OPEN),
        ([cilium(endpointSelector={"matchLabels": {"app": "till"}}, ingress=[{}])], CILIUM_CLOSED),
        (
            [{**cilium(), "spec": None, "specs": [{"endpointSelector": {}, "ingress": [each]} for each in ({}, ALL)]}],
            (True, "CiliumNetworkPolicy c, ingress rule 1"),
        ),
        (
            [cilium(endpointSelector={"matchLabels": {"reserved:init": ""}}, ingress=[{}])],
            (None, "CiliumNetworkPolicy c: the label reserved:init is not judged"),
        ),
        (
            [thing("CiliumNetworkPolicy", metadata={"namespace": "bank"}, endpointSelector={}, ingress=[{}])],
            OPEN,
        ),
    ],
)
def test_how_policies_of_cilium_add_up(objects, decision):
    assert decide(objects) == decision


def calico(name="c", /, *ingress, egress=None, **spec):
    found = {"ingress": list(ingress)} if ingress else {}
    return thing("Calico", name, **found, **({"egress": egress} if egress else {}), **spec)


def allow(action="Allow", **fields):
    return {"action": action, **fields}


def from_(**fields):
    return {"source": fields}


def onto(**fields):
    return {"destination": fields}


CALICO = [
    ({}, {}, True),
    ({}, NOBODY_KNOWN, True),
    ({"protocol": "TCP"}, {}, True),
    ({"protocol": "tcp"}, {}, True),
    ({"protocol": 6}, {}, True),
    ({"protocol": "UDP"}, {}, False),
    ({"protocol": 17}, UDP, True),
    ({"protocol": 132}, {"protocol": "SCTP"}, True),
    ({"protocol": "ICMP"}, {}, False),
    ({"icmp": {"type": 8}}, {}, False),
    ({"notProtocol": "UDP"}, {}, True),
    ({"notProtocol": "TCP"}, {}, False),
    ({"ipVersion": 4}, {}, True),
    ({"ipVersion": 6}, {}, False),
    ({"ipVersion": 6}, {"ip": "2001:db8::1"}, True),
    ({"ipVersion": 4}, {"ip": None}, None),
    ({"http": {"methods": ["GET"]}}, {}, None),
    ({"notICMP": {"type": 8}}, {}, None),
    (from_(nets=["10.0.0.0/8"]), {}, True),
    (from_(nets=["11.0.0.0/8"]), {}, False),
    (from_(nets=["10.0.0.0/8"]), {"ip": None}, None),
    (from_(notNets=["10.0.0.0/8"]), {}, False),
    (from_(nets=["10.0.0.0/8"], notNets=["10.2.0.0/16"]), {}, True),
    (from_(nets=["10.0.0.0/8"], notNets=["10.1.0.0/16"]), {}, False),
    (from_(ports=[1234]), {}, None),
    (from_(notPorts=[1234]), {}, None),
    (from_(serviceAccounts={"names": ["x"]}), {}, None),
    (from_(services={"name": "x"}), {}, None),
    (from_(notSelector="app == 'x'"), {}, None),
    (from_(selector="app == 'payer'"), {"namespace": HOME}, True),
    (from_(selector="app == 'payer'"), {}, False),
    (from_(selector="app == 'payer'"), {"namespace": None}, None),
    (from_(selector="app == 'x'"), {"namespace": HOME}, False),
    (from_(selector="app == 'payer'"), {"namespace": HOME, "labels": None}, None),
    (from_(selector="all()"), NO_POD, False),
    (from_(namespaceSelector="zone == 'vault'"), {}, True),
    (from_(namespaceSelector="zone == 'hall'"), {}, False),
    (from_(namespaceSelector="zone == 'vault'"), UNKNOWN, None),
    (from_(namespaceSelector="all()"), {}, True),
    (from_(namespaceSelector="all()"), NO_POD, False),
    (from_(namespaceSelector="global()"), {}, False),
    (from_(namespaceSelector="global()"), NO_POD, None),
    (from_(namespaceSelector="projectcalico.org/name == 'bank'"), UNKNOWN, True),
    (from_(namespaceSelector=f"{NAME} == 'bank'"), UNKNOWN, True),
    (from_(namespaceSelector="all()", selector="app == 'payer'"), {}, True),
    (from_(namespaceSelector="all()", selector="app == 'x'"), {}, False),
    (from_(namespaceSelector="all()", selector="projectcalico.org/namespace == 'bank'"), {}, True),
    (from_(namespaceSelector="all()", selector="projectcalico.org/serviceaccount == 'x'"), {}, None),
    ({"protocol": "TCP", **onto(ports=[8080])}, {}, True),
    ({"protocol": "TCP", **onto(ports=["8080"])}, {}, True),
    ({"protocol": "TCP", **onto(ports=["8000:8080"])}, {}, True),
    ({"protocol": "TCP", **onto(ports=["8000:8079"])}, {}, False),
    ({"protocol": "TCP", **onto(ports=[1, "http"])}, {}, True),
    ({"protocol": "UDP", **onto(ports=["http"])}, UDP, False),
    ({"protocol": "TCP", **onto(notPorts=[8080])}, {}, False),
    ({"protocol": "TCP", **onto(notPorts=[1, "http2"])}, {}, True),
    (onto(nets=["10.9.0.0/16"]), {}, True),
    (onto(nets=["10.8.0.0/16"]), {}, False),
    (onto(notNets=["10.9.0.0/16"]), {}, False),
    (onto(selector="tier == 'back'"), {}, True),
    (onto(selector="tier == 'front'"), {}, False),
    (onto(namespaceSelector="projectcalico.org/name == 'shop'"), {}, True),
    (onto(namespaceSelector="zone == 'x'"), {}, None),
]


@pytest.mark.parametrize("rule, change, match", CALICO)
def test_what_a_rule_of_calico_matches(rule, change, match):
    assert only(decide([calico("c", allow(**rule))], change)) is match
    inverse = None if match is None else not match
    assert only(decide([calico("c", allow("Deny", **rule), allow())], change)) is inverse


@pytest.mark.parametrize(
    "rule, change, match",
    [
        (onto(nets=["10.0.0.0/8"]), {}, True),
        (onto(notNets=["10.0.0.0/8"]), {}, False),
        (onto(selector="app == 'payer'"), {"namespace": HOME}, True),
        (onto(selector="app == 'payer'"), {}, False),
        ({"protocol": "TCP", **onto(ports=[8080])}, {}, True),
        ({"protocol": "TCP", **onto(ports=["http"])}, {}, None),
        (from_(selector="tier == 'back'"), {}, True),
        (from_(selector="tier == 'front'"), {}, False),
        (from_(nets=["10.9.0.0/16"]), {}, True),
        ({"protocol": "TCP", **from_(ports=[1])}, {}, None),
    ],
)
def test_what_a_rule_of_calico_matches_on_egress(rule, change, match):
    assert only(decide([calico(egress=[allow(**rule)])], change, "egress")) is match


def test_the_pods_own_address_may_be_unknown():
    pod = {key: value for key, value in POD.items() if key != "ip"}
    assert only(decide([calico("c", allow(**onto(nets=["10.9.0.0/16"])))], pod=pod)) is None


SELECTORS = [
    ("", True),
    ("all()", True),
    ("app == 'till'", True),
    ('app == "till"', True),
    ("app=='till'", True),
    ("app == 'x'", False),
    ("app == 'till' && tier == 'back'", True),
    ("app == 'till' && tier == 'front'", False),
    ("app == 'x' || tier == 'back'", True),
    ("app == 'x' || tier == 'front'", False),
    ("app == 'x' && app == 'x' || tier == 'back'", True),
    ("tier == 'back' || app == 'x' && app == 'x'", True),
    ("(tier == 'back' || app == 'x') && app == 'x'", False),
    ("app != 'x'", True),
    ("app != 'till'", False),
    ("none != 'x'", True),
    ("has(app)", True),
    ("has(none)", False),
    ("!has(none)", True),
    ("!has(app)", False),
    ("! ! has( app )", True),
    ("!(app == 'x')", True),
    ("app in { 'x', 'till' }", True),
    ("app in {'x'}", False),
    ("app in {}", False),
    ("none in {'x'}", False),
    ("app not in {'x'}", True),
    ("app not  in {'till'}", False),
    ("none not in {'x'}", True),
    ("app contains 'il'", True),
    ("app contains 'x'", False),
    ("app starts with 'ti'", True),
    ("app starts with 'il'", False),
    ("app ends with 'll'", True),
    ("app ends with 'ti'", False),
    ("app == 'has(x)'", False),
    ("projectcalico.org/namespace == 'shop'", True),
    ("global()", False),
    ("projectcalico.org/serviceaccount == 'x'", None),
    ("app", None),
    ("app ==", None),
    ("app == till", None),
    ("app == 'till", None),
    ("app == 'till' app", None),
    ("(app == 'till'", None),
    ("app ~ 'x'", None),
    ("app && 'x'", None),
    ("app contains till", None),
    ("'app' == 'till'", None),
    ("(app == 'till'}", None),
    ("app in {'till')", None),
    ("  app == 'till'  ", True),
    ("app == '!'", False),
    ("has(app) && (", None),
    ("&&", None),
    ("has()", None),
    ("app in {'x'", None),
    ("(" * 5000, None),
    ("!" * 5001 + "has(none)", True),
]


@pytest.mark.parametrize("selector, chosen", SELECTORS)
def test_selectors_of_calico(selector, chosen):
    """A policy without rules refuses what it selects."""
    assert only(decide([calico(selector=selector)])) is (None if chosen is None else not chosen)


CLOSED = (False, "no rule of Calico NetworkPolicy c admits it")
BY_A, BY_B = ((True, f"Calico NetworkPolicy {name}, ingress rule 1") for name in "ab")
TOGETHER = (None, "policies of Cilium and of Calico: are not judged together")
SERVICE_ACCOUNT = "Calico NetworkPolicy c: serviceAccountSelector is not judged"


@pytest.mark.parametrize(
    "objects, decision",
    [
        ([calico()], CLOSED),
        ([calico(types=["Ingress"])], CLOSED),
        ([calico(types=["Egress"])], OPEN),
        ([calico(egress=[allow()])], OPEN),
        ([calico("c", allow(), egress=[allow()])], (True, "Calico NetworkPolicy c, ingress rule 1")),
        ([calico("c", allow("Log"), allow("Deny"))], (False, "Calico NetworkPolicy c, ingress rule 2")),
        ([calico("c", allow("Log"))], CLOSED),
        ([calico("c", allow("Pass"), allow("Deny"))], OPEN),
        ([calico("c", allow("Pass")), BASE_DENY], (False, "ClusterNetworkPolicy base, ingress rule 1")),
        ([calico("c", allow()), BASE_DENY], (True, "Calico NetworkPolicy c, ingress rule 1")),
        ([calico("a", allow("Deny"), order=2), calico("b", allow(), order=1)], BY_B),
        ([calico("a", allow("Deny"), order=10), calico("b", allow(), order=9.5)], BY_B),
        ([calico("a", allow("Deny")), calico("b", allow(), order=9)], BY_B),
        ([calico("b", allow("Deny"), order=0), calico("a", allow(), order=1)], (False, BY_B[1])),
        ([calico("b", allow("Deny"), order=1), calico("a", allow(), order=1)], BY_A),
        ([calico("b", allow("Deny")), calico("a", allow())], BY_A),
        ([calico("c", allow("Deny"), order=1), kube(ingress=[{}])], (False, "Calico NetworkPolicy c, ingress rule 1")),
        ([calico("c", allow("Deny"), order=2000), kube(ingress=[{}])], (True, "NetworkPolicy k, ingress rule 1")),
        (
            [calico("c", allow("Deny"), order=1000), kube(ingress=[{}])],
            (None, "Calico NetworkPolicy c, ingress rule 1: another of the same priority decides otherwise"),
        ),
        ([calico(order=1), kube()], (False, "no rule of NetworkPolicy k or Calico NetworkPolicy c admits it")),
        ([calico(tier="default")], CLOSED),
        ([calico(tier="")], CLOSED),
        ([{**calico(), "kind": "Ingress"}], OPEN),
        ([calico(tier="security")], (None, "Calico NetworkPolicy c: the tier 'security' is not judged")),
        ([calico(serviceAccountSelector="x == 'y'")], (None, SERVICE_ACCOUNT)),
        ([calico(serviceAccountSelector="x == 'y'", selector="app == 'x'")], OPEN),
        ([thing("Calico", metadata={"namespace": "bank"})], OPEN),
        (
            [calico("c", allow(**from_(selector="app == 'x'"))), thing("Calico", "s") | {"kind": "NetworkSet"}],
            (None, "Calico NetworkPolicy c, ingress rule 1: depends on a network set"),
        ),
        ([calico(), cilium(ingress=[{}])], TOGETHER),
        ([calico(), cilium(enableDefaultDeny={"ingress": True})], TOGETHER),
        ([calico(), cilium(enableDefaultDeny={"ingress": False}, ingress=[ALL])], TOGETHER),
        ([calico(), cilium(enableDefaultDeny={"ingress": False}, ingressDeny=[ALL])], TOGETHER),
        ([calico(), cilium(egress=[ALL])], CLOSED),
        ([calico("b", allow("Deny"), order=1000), calico("a", allow(), order=1000)], BY_A),
        ([calico("b", allow("Deny"), order=1), calico("a", allow(), order=1), kube()], BY_A),
    ],
)
def test_how_policies_of_calico_add_up(objects, decision):
    assert decide(objects) == decision


@pytest.mark.parametrize("kind", ["NetworkSet", "GlobalNetworkSet"])
def test_a_network_set_may_have_the_labels_too(kind):
    made = {**thing("Calico", "s"), "kind": kind}
    for selector, allowed in (("app == 'x'", None), ("app == 'payer'", True)):
        policy = calico("c", allow(**from_(selector=selector, namespaceSelector="all()")))
        assert only(decide([policy, made])) is allowed


@pytest.mark.parametrize(
    "kind, version",
    [
        ("GlobalNetworkPolicy", "projectcalico.org/v3"),
        ("GlobalNetworkPolicy", "crd.projectcalico.org/v1"),
        ("NetworkPolicy", "crd.projectcalico.org/v1"),
        ("CiliumClusterwideNetworkPolicy", "cilium.io/v2"),
        ("AdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1"),
        ("BaselineAdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1"),
    ],
)
def test_kinds_that_are_not_judged_leave_the_answer_open(kind, version):
    other = thing("Calico", "x") | {"kind": kind, "apiVersion": version}
    for objects in ([other], [other, kube()], [other, cluster("a", 1, ACCEPT)]):
        assert decide(objects) == (None, f"{kind} x: is not judged")


def test_a_call_is_tcp_unless_it_says_otherwise():
    call = {"port": 8080}
    assert only(network.admits([kube(ingress=[{"ports": [{"port": 8080}]}])], POD, call)) is True
    assert only(decide([kube(ingress=[{"ports": [{"port": 8080}]}])], {"protocol": "tcp"})) is True


def test_another_direction_is_refused():
    with pytest.raises(ValueError, match="ingress or egress, not 'Ingress'"):
        network.judge([], POD, "Ingress")


@pytest.mark.parametrize("cidr", ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/٣", "10.0.0", "::/129", ""])
def test_a_network_that_is_none_is_refused(cidr):
    with pytest.raises(ValueError):
        network.judge([kube(ingress=[{"from": [{"ipBlock": {"cidr": cidr}}]}])], POD)


def test_one_reading_of_the_objects_answers_many_calls():
    judged = network.judge([kube(ingress=[{"ports": [{"port": 8080}]}])], POD)
    assert [judged.decide({**BANK, "port": port}).allowed for port in (8080, 80, 8080)] == [True, False, True]
