# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whom Linkerd's proxy lets in, row by row."""

import pytest
from access_objects import HOME, namespace, only, thing

from stageset_render.access import admits, judge

ENDING = "serviceaccount.identity.linkerd.cluster.local"
PAYER = f"payer.bank.{ENDING}"
POD = {
    "namespace": HOME,
    "labels": {"app": "till", "tier": "back"},
    "ports": [
        {"name": "http", "port": 8080},
        {"name": "http", "port": 8081, "protocol": "TCP"},
        {"name": "dns", "port": 5353, "protocol": "UDP"},
        {"name": "db", "port": 5432},
    ],
    "probes": [{"port": 8080, "path": "/ready"}, {"port": 8080, "path": "/a.b"}],
}
CALL = {"identity": PAYER, "ip": "10.1.2.3", "port": 8080, "protocol": "http", "method": "GET", "path": "/pay?tool=a"}
TCP = {"protocol": "tcp"}
PLAIN, NAMELESS = {"identity": None}, {"identity": ""}
STRANGER = {"identity": f"stranger.street.{ENDING}"}
OUTSIDE = {"ip": "203.0.113.9"}
POLICY = "policy.linkerd.io"


def server(name="till", port=8080, *, metadata=None, version=None, **spec):
    return thing("Server", name, metadata=metadata, version=version, **{"podSelector": {}, "port": port, **spec})


def target(kind="Server", name="till", group=POLICY):
    return {"group": group, "kind": kind, "name": name} if group is not None else {"kind": kind, "name": name}


def policy(*references, of=None, name="p", metadata=None):
    return thing(
        "Policy", name, metadata=metadata, targetRef=of or target(), requiredAuthenticationRefs=list(references)
    )


def identities(*names, **fields):
    return thing("MeshTLSAuthentication", "ids", **({"identities": list(names)} if names else {}), **fields)


def networks(*pairs, name="nets"):
    listed = [{"cidr": cidr, **({"except": list(others)} if others else {})} for cidr, *others in pairs]
    return thing("NetworkAuthentication", name, networks=listed)


IDS, NETS = target("MeshTLSAuthentication", "ids"), target("NetworkAuthentication", "nets")
ACCOUNT = {"kind": "ServiceAccount", "name": "payer", "namespace": "bank"}
OPEN = policy(name="open")


def decide(objects, change=None, pod=POD, default="deny", **mesh):
    return admits(objects, pod, {**CALL, **(change or {})}, engine="linkerd", default_policy=default, **mesh)


# What gets in: a caller with a DNS identity, one with SPIFFE, one without a name, one without TLS, one from outside.
CALLERS = [{}, {"identity": "spiffe://root/vm"}, NAMELESS, PLAIN, OUTSIDE]
DEFAULTS = {
    "all-unauthenticated": (True, True, True, True, True),
    "all-authenticated": (True, False, False, False, True),
    "cluster-unauthenticated": (True, True, True, True, False),
    "cluster-authenticated": (True, False, False, False, False),
    "audit": (True, True, True, True, True),
    "deny": (False, False, False, False, False),
}


@pytest.mark.parametrize("change", [{}, TCP])
@pytest.mark.parametrize("default, allowed", DEFAULTS.items())
def test_the_default_policies(default, allowed, change):
    on_pod = {**POD, "annotations": {"config.linkerd.io/default-inbound-policy": default}}
    on_namespace = [namespace(annotations={"config.linkerd.io/default-inbound-policy": default})]
    for caller, expected in zip(CALLERS, allowed, strict=True):
        call = {**caller, **change}
        assert only(decide([], call, default=default)) is expected
        for other in ("deny", "audit"):
            assert only(decide([], call, on_pod, other)) is expected
            assert only(decide(on_namespace, call, default=other)) is expected
        assert only(decide([server(accessPolicy=default)], call)) is expected


@pytest.mark.parametrize(
    "objects, default, because",
    [
        ([], "deny", "no Server covers the port; default policy deny"),
        ([], "audit", "no Server covers the port; default policy audit"),
        ([server()], "audit", "no authorization of Server till admits it"),
        ([server(accessPolicy="audit")], "deny", "Server till, accessPolicy audit"),
        ([server(), OPEN], "deny", "AuthorizationPolicy open"),
    ],
)
def test_the_reason_names_what_decides(objects, default, because):
    assert decide(objects, default=default).because == because


@pytest.mark.parametrize(
    "annotations, own, allowed",
    [
        ({"default-inbound-policy": "all-unauthenticated"}, {}, True),
        ({"default-inbound-policy": "all-unauthenticated"}, {"default-inbound-policy": "deny"}, False),
        ({"default-inbound-policy": "deny"}, {"default-inbound-policy": "audit"}, True),
        ({"default-inbound-policy": "no-such"}, {}, False),
        ({}, {"other": "audit"}, False),
    ],
)
def test_the_pods_annotations_come_before_its_namespaces(annotations, own, allowed):
    prefixed = [{f"config.linkerd.io/{key}": value for key, value in each.items()} for each in (annotations, own)]
    pod = {**POD, "annotations": prefixed[1]}
    opposite = {"config.linkerd.io/default-inbound-policy": "deny" if allowed else "audit"}
    others = [namespace("bank", opposite), thing("Server", HOME, metadata={"annotations": opposite}, port=1)]
    assert only(decide([namespace(annotations=prefixed[0]), *others], pod=pod)) is allowed
    assert only(decide([namespace()], pod=pod)) is (own.get("default-inbound-policy") == "audit")


def test_annotations_that_were_injected_count_alone():
    pod = {**POD, "injected_annotations": {"config.linkerd.io/default-inbound-policy": "audit"}}
    assert only(decide([namespace(annotations={"config.linkerd.io/default-inbound-policy": "deny"})], pod=pod)) is True


DEMANDING = {"config.linkerd.io/proxy-require-identity-inbound-ports": "80,8080-8081"}


@pytest.mark.parametrize(
    "default, change, allowed",
    [
        ("all-unauthenticated", {}, True),
        ("all-unauthenticated", PLAIN, False),
        ("all-unauthenticated", {"port": 8082, **PLAIN}, True),
        ("cluster-unauthenticated", PLAIN, False),
        ("cluster-unauthenticated", OUTSIDE, False),
        ("audit", PLAIN, True),
        ("deny", {}, False),
    ],
)
def test_a_port_that_demands_an_identity(default, change, allowed):
    assert only(decide([], change, {**POD, "annotations": DEMANDING}, default)) is allowed


def test_a_demand_of_identities_is_told_and_is_none_of_servers():
    pod = {**POD, "annotations": DEMANDING}
    because = "no Server covers the port; default policy all-unauthenticated, with an identity alone"
    assert decide([], pod=pod, default="all-unauthenticated").because == because
    assert only(decide([server(accessPolicy="all-unauthenticated")], PLAIN, pod)) is True


def test_another_default_policy_is_refused():
    with pytest.raises(ValueError, match="no default inbound policy: 'open'"):
        judge([], POD, engine="linkerd", default_policy="open")


@pytest.mark.parametrize(
    "ports, open_ports",
    [
        ("8080", (8080,)),
        ("80, 8080-8081", (8080, 8081)),
        ("8080-x", ()),
        ("x-9000", ()),
        ("http", ()),
        ("", ()),
    ],
)
def test_ports_past_the_proxy_are_open(ports, open_ports):
    pod = {**POD, "annotations": {"config.linkerd.io/skip-inbound-ports": ports}}
    for port in (8079, 8080, 8081, 8082):
        assert only(decide([], {"port": port}, pod)) is (port in open_ports)


def matched(**selector):
    return server(podSelector=selector)


@pytest.mark.parametrize(
    "one, covers",
    [
        (server(), True),
        (server(port=8081), False),
        (server(port="http"), True),
        (server(port="HTTP"), False),
        (server(port="db"), False),
        (server(port="8080"), False),
        (server(metadata={"namespace": "bank"}), False),
        (server(version="example.com/v1"), False),
        ({**server(), "kind": "Client"}, False),
        (server(version="policy.linkerd.io/v1beta1"), True),
        (server(version="policy.linkerd.io/v1alpha1"), True),
        (server(podSelector=None, externalWorkloadSelector={}), False),
        (matched(matchLabels={"app": "till", "tier": "back"}), True),
        (matched(matchLabels={"app": "till", "tier": "front"}), False),
        (matched(matchLabels={"zone": "1"}), False),
        (matched(matchLabels=None), True),
        (matched(matchExpressions=[{"key": "tier", "operator": "In", "values": ["front", "back"]}]), True),
        (matched(matchExpressions=[{"key": "tier", "operator": "In", "values": ["front"]}]), False),
        (matched(matchExpressions=[{"key": "zone", "operator": "In", "values": ["1"]}]), False),
        (matched(matchExpressions=[{"key": "tier", "operator": "In"}]), False),
        (matched(matchExpressions=[{"key": "tier", "operator": "NotIn", "values": ["front"]}]), True),
        (matched(matchExpressions=[{"key": "tier", "operator": "NotIn", "values": ["back"]}]), False),
        (matched(matchExpressions=[{"key": "zone", "operator": "NotIn", "values": ["1"]}]), True),
        (matched(matchExpressions=[{"key": "zone", "operator": "NotIn"}]), False),
        (matched(matchExpressions=[{"key": "tier", "operator": "Exists"}]), True),
        (matched(matchExpressions=[{"key": "zone", "operator": "Exists"}]), False),
        (matched(matchExpressions=[{"key": "tier", "operator": "Exists", "values": []}]), False),
        (matched(matchExpressions=[{"key": "zone", "operator": "DoesNotExist"}]), True),
        (matched(matchExpressions=[{"key": "tier", "operator": "DoesNotExist"}]), False),
        (matched(matchExpressions=[{"key": "zone", "operator": "DoesNotExist", "values": []}]), False),
        (
            matched(matchLabels={"app": "till"}, matchExpressions=[{"key": "tier", "operator": "In", "values": ["x"]}]),
            False,
        ),
    ],
)
def test_which_servers_cover_the_port(one, covers):
    """A Server without authorizations refuses what the default policy would let in."""
    assert only(decide([one], default="audit")) is not covers


def test_a_pod_may_be_told_by_its_namespace_alone():
    pod = {"namespace": HOME}
    assert only(decide([server()], pod=pod, default="audit")) is False
    assert only(decide([server(port="http")], pod=pod, default="audit")) is True
    assert only(decide([matched(matchLabels={"app": "till"})], pod=pod, default="audit")) is True


def test_a_server_covers_every_port_of_its_name_and_none_of_udp():
    assert [only(decide([server(port="http")], {"port": port}, default="audit")) for port in (8080, 8081, 5432)] == [
        False,
        False,
        True,
    ]
    assert only(decide([server(port="dns")], {"port": 5353}, default="audit")) is True


def born(name, time, policy="deny"):
    return server(name, metadata={"creationTimestamp": time}, accessPolicy=policy)


@pytest.mark.parametrize(
    "servers, winner",
    [
        ([born("b", None), born("a", None)], "a"),
        ([born("a", "2026-02-01T00:00:00Z"), born("b", "2026-01-01T00:00:00Z")], "b"),
        ([born("a", "2026-02-01T00:00:00Z"), born("b", None)], "b"),
        ([born("b", "2026-02-01T00:00:00Z"), born("a", "2026-02-01T00:00:00Z")], "a"),
    ],
)
def test_the_oldest_of_several_servers_rules(servers, winner):
    assert decide(servers).because == f"no authorization of Server {winner} admits it"


@pytest.mark.parametrize(
    "patterns, identity, allowed",
    [
        ([PAYER], PAYER, True),
        (["x.y", PAYER], PAYER, True),
        ([f"paye.bank.{ENDING}"], PAYER, False),
        ([PAYER], f"x.{PAYER}", False),
        (["*"], PAYER, True),
        (["*"], "spiffe://root/vm", False),
        (["*"], "", False),
        (["*"], None, False),
        ([f"*.bank.{ENDING}"], PAYER, True),
        ([f"*.bank.{ENDING}"], f"a.b.bank.{ENDING}", True),
        ([f"*.bank.{ENDING}"], f"bank.{ENDING}", False),
        ([f"*.bank.{ENDING}"], f"x.sbank.{ENDING}", False),
        (["*.local"], "spiffe://root.local", False),
        (["spiffe://root/vm"], "spiffe://root/vm", True),
        (["spiffe://root/vm"], "spiffe://root/vm2", False),
        (["spiffe://root/vm"], "root/vm", False),
    ],
)
def test_which_identities_match(patterns, identity, allowed):
    objects = [server(), identities(*patterns), policy(IDS)]
    by_client = thing("ServerAuthorization", server={"name": "till"}, client={"meshTLS": {"identities": patterns}})
    assert only(decide(objects, {"identity": identity})) is allowed
    assert only(decide(objects, {"identity": identity, **TCP})) is allowed
    assert only(decide([server(), by_client], {"identity": identity})) is allowed


@pytest.mark.parametrize(
    "reference, identity, allowed",
    [
        ({"kind": "ServiceAccount", "name": "payer", "namespace": "bank"}, PAYER, True),
        ({"kind": "serviceaccount", "group": "core", "name": "payer", "namespace": "bank"}, PAYER, True),
        ({"kind": "ServiceAccount", "name": "payer"}, PAYER, False),
        ({"kind": "ServiceAccount", "name": "payer"}, f"payer.shop.{ENDING}", True),
        ({"kind": "ServiceAccount", "name": "*", "namespace": "bank"}, PAYER, False),
        ({"kind": "Namespace", "name": "bank"}, PAYER, True),
        ({"kind": "Namespace", "name": "bank", "group": "core"}, PAYER, True),
        ({"kind": "Namespace", "name": "ban"}, PAYER, False),
        ({"kind": "Pod", "name": "payer", "namespace": "bank"}, PAYER, False),
    ],
)
def test_which_identities_a_reference_stands_for(reference, identity, allowed):
    objects = [server(), identities(identityRefs=[reference]), policy(IDS)]
    assert only(decide(objects, {"identity": identity})) is allowed
    assert only(decide([server(), identities("x.y", identityRefs=[reference]), policy(IDS)])) is (
        allowed and identity == PAYER
    )


def test_an_account_is_one_of_the_meshs_trust_domain():
    objects, call = [server(), policy(ACCOUNT)], {"identity": "payer.bank.serviceaccount.identity.linkerd.td.example"}
    assert only(decide(objects, call)) is False
    assert only(decide(objects, call, trust_domain="td.example")) is True


@pytest.mark.parametrize(
    "pairs, ip, allowed",
    [
        ([("10.0.0.0/8",)], "10.1.2.3", True),
        ([("10.9.9.9/8",)], "10.1.2.3", True),
        ([("10.1.2.3",)], "10.1.2.3", True),
        ([("10.1.2.4",)], "10.1.2.3", False),
        ([("192.168.0.0/16",), ("10.0.0.0/8",)], "10.1.2.3", True),
        ([("10.0.0.0/8", "10.1.0.0/16")], "10.1.2.3", False),
        ([("10.0.0.0/8", "10.2.0.0/16", "10.1.2.3")], "10.1.2.3", False),
        ([("10.0.0.0/8", "10.2.0.0/16")], "10.1.2.3", True),
        ([("10.0.0.0/8", "10.1.0.0/16"), ("10.1.0.0/16",)], "10.1.2.3", True),
        ([("10.0.0.0/8", "10.1.0.0/16"), ("10.0.0.0/8",)], "10.1.2.3", True),
        ([("0.0.0.0/0",)], "2001:db8::1", False),
        ([("2001:db8::/32", "2001:db8:1::/48")], "2001:db8::1", True),
        ([("2001:db8::/32", "2001:db8:1::/48")], "2001:db8:1::1", False),
        ([("10.0.0.0/8",)], None, None),
    ],
)
def test_which_networks_match(pairs, ip, allowed):
    objects = [server(), networks(*pairs), policy(NETS)]
    client = {"networks": objects[1]["spec"]["networks"], "unauthenticated": True}
    by_client = thing("ServerAuthorization", server={"name": "till"}, client=client)
    assert only(decide(objects, {"ip": ip, **PLAIN})) is allowed
    assert only(decide([server(), by_client], {"ip": ip, **PLAIN})) is allowed


def test_an_unknown_address_counts_where_it_matters():
    nets = [server(), networks(("10.0.0.0/8",)), policy(NETS, name="narrow")]
    nowhere = {"ip": None}
    assert decide(nets, nowhere) == (None, "AuthorizationPolicy narrow: the call doesn't tell ip")
    assert only(decide([*nets, OPEN], nowhere)) is True
    assert only(decide([server()], nowhere)) is False
    both = [server(), networks(("10.0.0.0/8",)), identities("x.y"), policy(NETS, IDS)]
    assert only(decide(both, nowhere)) is False


@pytest.mark.parametrize(
    "ip, inside",
    [
        ("10.255.0.1", True),
        ("11.0.0.1", False),
        ("100.64.0.1", True),
        ("100.128.0.1", False),
        ("172.31.0.1", True),
        ("172.32.0.1", False),
        ("192.168.9.9", True),
        ("192.169.0.1", False),
        ("fd12::1", True),
        ("fe80::1", False),
    ],
)
def test_the_networks_of_a_cluster(ip, inside):
    assert only(decide([], {"ip": ip}, default="cluster-unauthenticated")) is inside


def test_a_network_that_is_none_is_refused():
    with pytest.raises(ValueError):
        decide([server(), networks(("10.0.0.0/33",)), policy(NETS)])


@pytest.mark.parametrize(
    "references, change, allowed",
    [
        ([], PLAIN, True),
        ([IDS], {}, True),
        ([IDS], STRANGER, False),
        ([NETS], PLAIN, True),
        ([NETS], OUTSIDE, False),
        ([IDS, NETS], {}, True),
        ([IDS, NETS], STRANGER, False),
        ([IDS, NETS], OUTSIDE, False),
        ([NETS, ACCOUNT], {}, True),
        ([NETS, ACCOUNT], STRANGER, False),
        ([target("meshtlsauthentication", "ids", POLICY.upper())], {}, True),
        ([target("MeshTLSAuthentication", "none")], {}, False),
        ([target("NetworkAuthentication", "none")], {}, False),
        ([{**IDS, "namespace": "bank"}], {}, False),
        ([{**IDS, "namespace": "vault"}], STRANGER, True),
        ([{**IDS, "group": ""}], {}, False),
        ([{**ACCOUNT, "group": POLICY}], {}, False),
    ],
)
def test_a_policy_wants_all_that_it_refers_to(references, change, allowed):
    vault = thing("MeshTLSAuthentication", "ids", metadata={"namespace": "vault"}, identities=["*"])
    objects = [server(), identities(PAYER), networks(("10.0.0.0/8",)), vault, policy(*references)]
    assert only(decide(objects, change)) is allowed


@pytest.mark.parametrize(
    "of, allowed",
    [
        (target(), True),
        (target("server", "till", "Policy.Linkerd.IO"), True),
        (target(name="other"), False),
        (target(group=""), False),
        (target(group=None), False),
        (target("Namespace", HOME, None), True),
        (target("Namespace", HOME, ""), True),
        (target("namespace", HOME, "core"), True),
        (target("Namespace", "bank", None), False),
        (target("HTTPRoute", "till"), False),
    ],
)
def test_what_a_policy_is_for(of, allowed):
    assert only(decide([server(), policy(of=of)])) is allowed
    assert only(decide([server(), policy(of=of)], TCP)) is allowed
    assert only(decide([server(), policy(of=of, metadata={"namespace": "bank"})])) is False
    namesake = thing("AuthorizationPolicy", targetRef=of, requiredAuthenticationRefs=[])  # Istio's kind of the name
    assert only(decide([server(), namesake])) is False
    assert only(decide([policy(of=of)])) is False  # without a Server the default policy decides alone


@pytest.mark.parametrize(
    "chosen, allowed",
    [
        ({"name": "till"}, True),
        ({"name": "other"}, False),
        ({}, False),
        ({"selector": {}}, True),
        ({"selector": {"matchLabels": {"of": "till"}}}, True),
        ({"selector": {"matchLabels": {"of": "x"}}}, False),
        ({"selector": {"matchExpressions": [{"key": "of", "operator": "Exists"}]}}, True),
        ({"selector": {"matchExpressions": [{"key": "of", "operator": "Exists", "values": []}]}}, False),
    ],
)
def test_which_servers_a_server_authorization_is_for(chosen, allowed):
    of = server(metadata={"labels": {"of": "till"}})
    one = thing("ServerAuthorization", server=chosen, client={"unauthenticated": True})
    far = thing("ServerAuthorization", metadata={"namespace": "bank"}, server=chosen, client={"unauthenticated": True})
    assert only(decide([of, one])) is allowed
    assert only(decide([of, far])) is False
    assert only(decide([server(), one])) is (allowed and "of" not in str(chosen))


@pytest.mark.parametrize(
    "client, change, allowed",
    [
        ({}, {}, False),
        ({"meshTLS": {}}, {}, False),
        ({"networks": [{"cidr": "10.0.0.0/8"}]}, {}, False),
        ({"unauthenticated": True}, PLAIN, True),
        ({"unauthenticated": True}, {**PLAIN, **OUTSIDE}, False),  # without networks the cluster's
        ({"unauthenticated": True, "networks": []}, {**PLAIN, **OUTSIDE}, False),
        ({"unauthenticated": True, "networks": [{"cidr": "0.0.0.0/0"}]}, {**PLAIN, **OUTSIDE}, True),
        ({"meshTLS": {"unauthenticatedTLS": True}}, NAMELESS, True),
        ({"meshTLS": {"unauthenticatedTLS": True}}, PLAIN, False),
        ({"meshTLS": {"identities": ["*"]}}, NAMELESS, False),
        ({"meshTLS": {"identities": ["*"]}}, {}, True),
        ({"meshTLS": {"identities": ["*"]}}, OUTSIDE, False),
        ({"meshTLS": {"serviceAccounts": [{"name": "payer", "namespace": "bank"}]}}, {}, True),
        ({"meshTLS": {"serviceAccounts": [{"name": "payer"}]}}, {}, False),
        ({"meshTLS": {"serviceAccounts": [{"name": "payer"}]}}, {"identity": f"payer.shop.{ENDING}"}, True),
        ({"meshTLS": {"serviceAccounts": [{"name": "x"}], "identities": [PAYER]}}, {}, True),
    ],
)
def test_which_clients_a_server_authorization_takes(client, change, allowed):
    decision = decide([server(), thing("ServerAuthorization", "s", server={"name": "till"}, client=client)], change)
    assert decision.allowed is allowed
    assert not allowed or decision.because == "ServerAuthorization s"


@pytest.mark.parametrize(
    "protocol, http, tcp",
    [
        ("unknown", True, True),
        (None, True, True),
        ("HTTP/1", True, False),
        ("HTTP/2", True, False),
        ("gRPC", False, False),  # GET is no gRPC
        ("opaque", True, True),
        ("TLS", True, True),
    ],
)
def test_what_a_port_speaks(protocol, http, tcp):
    objects = [server(proxyProtocol=protocol), OPEN]
    assert only(decide(objects)) is http
    assert only(decide(objects, TCP)) is tcp


def test_the_reasons_of_protocols():
    assert decide([server(proxyProtocol="HTTP/1")], TCP).because == "Server till takes HTTP/1 alone"
    assert decide([server(proxyProtocol="gRPC")]).because == "no route of Server till matches"


PROBE = {"path": "/ready", **PLAIN, **OUTSIDE}


def http_route(*rules, name="r", hosts=None, server="till", version=None, metadata=None, parent=None):
    parents = [{**target(name=server), **(parent or {})}]
    spec = {"hostnames": hosts} if hosts else {}
    return thing("HTTPRoute", name, version=version, metadata=metadata, parentRefs=parents, rules=list(rules), **spec)


def path(value, kind="PathPrefix", **match):
    return {"matches": [{"path": {"type": kind, "value": value}, **match}]}


@pytest.mark.parametrize(
    "objects, change, allowed",
    [
        ([], {}, True),
        ([], {"path": "/ready?x=1"}, True),
        ([], {"method": "POST"}, False),
        ([], {"path": "/ready/x"}, False),
        ([], {"path": "/a.b"}, True),
        ([], {"path": "/aXb"}, False),
        ([], {"port": 8081}, False),
        ([], TCP, False),
        ([server()], {}, True),
        ([server(proxyProtocol="HTTP/1")], {}, True),
        ([server(proxyProtocol="opaque")], {}, False),
        ([server(proxyProtocol="TLS")], {}, False),
        ([server(), http_route(path("/"))], {}, False),  # routes leave no place for probes
        ([server(), http_route(path("/"), server="other")], {}, True),
    ],
)
def test_a_probe_is_open_where_http_is_spoken(objects, change, allowed):
    decision = decide(objects, {**PROBE, **change})
    assert decision.allowed is allowed
    assert not allowed or decision.because == "a probe of the pod"


@pytest.mark.parametrize(
    "objects, annotations, allowed",
    [
        ([], {}, True),
        ([], {"config.linkerd.io/opaque-ports": "8080"}, False),
        ([], {"config.linkerd.io/opaque-ports": "80,8000-9000"}, False),
        ([], {"config.linkerd.io/opaque-ports": "5432"}, True),
        ([namespace(annotations={"config.linkerd.io/opaque-ports": "8080"})], {}, False),
        (
            [namespace(annotations={"config.linkerd.io/opaque-ports": "8080"})],
            {"config.linkerd.io/opaque-ports": ""},
            True,
        ),
        ([server()], {"config.linkerd.io/opaque-ports": "8080"}, True),  # what a Server speaks is its own to say
    ],
)
def test_opaque_ports_have_no_probes(objects, annotations, allowed):
    assert only(decide(objects, PROBE, {**POD, "annotations": annotations})) is allowed


def test_ports_of_servers_that_speak_first_are_opaque_unless_said_otherwise():
    pod = {**POD, "probes": [{"port": 5432, "path": "/ready"}, {"port": 3306, "path": "/ready"}]}
    assert only(decide([], {**PROBE, "port": 5432}, pod)) is False
    assert only(decide([], {**PROBE, "port": 3306}, pod)) is True  # no port that the pod declares
    said = {**pod, "annotations": {"config.linkerd.io/opaque-ports": "1"}}
    assert only(decide([], {**PROBE, "port": 5432}, said)) is True


@pytest.mark.parametrize("port", [25, 587, 3306, 4444, 5432, 6379, 9300, 11211])
def test_which_ports_are_opaque_unless_said_otherwise(port):
    ports = [{"name": "a", "port": port}, {"name": "b", "port": 25}, {"name": "c", "port": port + 1}]
    pod = {**POD, "ports": ports, "probes": [{"port": each["port"], "path": "/ready"} for each in ports]}
    assert [only(decide([], {**PROBE, "port": each["port"]}, pod)) for each in ports] == [False, False, True]


def test_localhost_gets_in():
    for ip in ("127.0.0.1", "::1"):
        assert only(decide([], {"ip": ip, **PLAIN})) is True
        assert only(decide([server()], {"ip": ip, **PLAIN, **TCP})) is True
    assert only(decide([server()], {"ip": "128.0.0.1", **PLAIN})) is False


def of_route(name="r", kind="HTTPRoute", group=POLICY):
    return policy(of=target(kind, name, group), name="on-route")


MATCHES = [
    ({}, {}, True),
    ({"matches": []}, {}, True),
    (path("/"), {}, True),
    (path("/pay"), {}, True),
    (path("/pay"), {"path": "/pay/now"}, True),
    (path("/pay"), {"path": "/payer"}, False),
    (path("/pay/"), {"path": "/pay/now"}, True),
    (path("/pay/"), {"path": "/pay"}, False),
    (path("/pay/*"), {"path": "/pay/now"}, False),
    (path("/pay", "Exact"), {}, True),
    (path("/pay", "Exact"), {"path": "/pay/"}, False),
    (path("/p.y", "Exact"), {}, False),
    (path("/p[a-z]+", "RegularExpression"), {}, True),
    (path("/p", "RegularExpression"), {}, False),
    (path("ay", "RegularExpression"), {}, False),
    (path("/x", "RegularExpression"), {}, False),
    (path("/p|/pay", "RegularExpression"), {}, False),  # the first that matches is not the whole path
    (path("/(?i)PAY", "RegularExpression"), {}, None),
    (path("/(a|pay)+", "RegularExpression"), {}, None),
    (path("/.*.*.*.*.*.*", "RegularExpression"), {"path": "/" + "a" * 99}, None),
    (path("/(", "RegularExpression"), {}, None),
    (path("/a{99999999999}", "RegularExpression"), {}, None),
    ({"matches": [{"method": "GET"}]}, {}, True),
    ({"matches": [{"method": "POST"}]}, {}, False),
    ({"matches": [{"method": "POST"}, {"method": "GET"}]}, {}, True),
    ({"matches": [{"method": "GET"}]}, {"method": None}, None),
    ({"matches": [{"method": "GET"}]}, {"path": None}, None),
    ({"matches": [{"headers": [{"name": "x", "value": "a|b"}]}]}, {"headers": {"x": "b"}}, False),
    ({"matches": [{"headers": [{"name": "x", "type": "RegularExpression", "value": ".*"}]}]}, {}, False),
    ({"matches": [{"headers": [{"name": "X-Shop", "value": "a"}]}]}, {"headers": {"x-shop": "a"}}, True),
    ({"matches": [{"headers": [{"name": "x-shop", "value": "a"}]}]}, {"headers": {"X-Shop": "A"}}, False),
    ({"matches": [{"headers": [{"name": "x-shop", "value": "a"}]}]}, {"headers": {"X-Shop": "a"}}, True),
    ({"matches": [{"headers": [{"name": "x-shop", "value": "a"}]}]}, {}, False),
    (
        {"matches": [{"headers": [{"name": "x", "type": "RegularExpression", "value": "(?i)a"}]}]},
        {"headers": {"x": "a"}},
        None,
    ),
    (
        {"matches": [{"headers": [{"name": "x", "type": "RegularExpression", "value": "a|b"}]}]},
        {"headers": {"x": "b"}},
        True,
    ),
    (
        {"matches": [{"headers": [{"name": "x", "type": "RegularExpression", "value": "a|b"}]}]},
        {"headers": {"x": "ab"}},
        False,
    ),
    (
        {"matches": [{"headers": [{"name": "x", "value": "a"}, {"name": "y", "value": "b"}]}]},
        {"headers": {"x": "a"}},
        False,
    ),
    ({"matches": [{"queryParams": [{"name": "tool", "value": "a"}]}]}, {}, True),
    ({"matches": [{"queryParams": [{"name": "tool", "value": "b"}]}]}, {}, False),
    ({"matches": [{"queryParams": [{"name": "tool", "value": "a b"}]}]}, {"path": "/?tool=x&tool=a+b"}, True),
    ({"matches": [{"queryParams": [{"name": "tool", "value": ""}]}]}, {"path": "/?tool="}, True),
    ({"matches": [{"queryParams": [{"name": "tool", "type": "RegularExpression", "value": "[a-c]"}]}]}, {}, True),
    (path("/pay", method="POST"), {}, False),
    (path("/pay", method="GET", headers=[{"name": "x", "value": "a"}]), {}, False),
]


@pytest.mark.parametrize("rule, change, match", MATCHES)
def test_what_an_http_route_matches(rule, change, match):
    """Its own policy lets in, and where it doesn't match there is no other route."""
    for version in ("policy.linkerd.io/v1beta3", "gateway.networking.k8s.io/v1"):
        objects = [server(), http_route(rule, version=version), of_route(group=version.partition("/")[0])]
        assert only(decide(objects, change)) is match
        assert only(decide(objects, {**change, **TCP})) is False


@pytest.mark.parametrize(
    "hosts, change, match",
    [
        (["till.shop"], {"headers": {"Host": "till.shop"}}, True),
        (["till.shop"], {"host": "TILL.shop:8080"}, True),
        (["till.shop"], {"host": "x.till.shop"}, False),
        (["till.shop"], {}, False),
        (["*.shop"], {"host": "a.till.shop:80"}, True),
        (["*.shop"], {"host": "shop"}, False),
        (["x", "*.shop"], {"host": "till.shop"}, True),
        (["10.0.0.1"], {"host": "10.0.0.1"}, True),
    ],
)
def test_which_hosts_an_http_route_is_for(hosts, change, match):
    assert only(decide([server(), http_route({}, hosts=hosts), of_route()], change)) is match


def test_a_route_without_rules_matches_nothing():
    assert decide([server(), http_route(), OPEN]) == (False, "no route of Server till matches")


def test_what_is_granted_for_the_server_counts_on_its_routes():
    objects = [server(), http_route(path("/pay")), OPEN]
    assert decide(objects) == (True, "AuthorizationPolicy open")
    assert decide(objects, {"path": "/else"}) == (False, "no route of Server till matches")
    assert decide([server(accessPolicy="audit"), http_route(path("/pay"))]).because == "Server till, accessPolicy audit"
    denied = decide([server(), http_route(path("/pay"))])
    assert denied == (False, "no authorization of HTTPRoute r of Server till admits it")


@pytest.mark.parametrize(
    "made",
    [
        http_route({}, server="other"),
        http_route({}, parent={"kind": "Service", "group": "core"}),
        http_route({}, parent={"group": "gateway.networking.k8s.io"}),
        http_route({}, parent={"port": 8080}),
        http_route({}) | {"spec": {"parentRefs": [target(), {**target(name="other"), "port": 1}], "rules": [{}]}},
        http_route({}, parent={"sectionName": "http"}),
        http_route({}, parent={"namespace": "bank"}),
        http_route({}, metadata={"namespace": "bank"}),
        http_route({}, version="example.com/v1"),
        http_route({"filters": [{"type": "RequestMirror"}]}),
        http_route({"filters": [{"type": "URLRewrite"}]}),
        http_route({"filters": [{"type": "ExtensionRef"}]}),
    ],
)
def test_routes_that_do_not_count(made):
    """The Server keeps its default route, which the probes stand beside."""
    assert decide([server(), made, OPEN]).because == "AuthorizationPolicy open"
    assert only(decide([server(), made, of_route()])) is False
    assert only(decide([server(), made], PROBE)) is True


@pytest.mark.parametrize(
    "made",
    [
        http_route({}, parent={"namespace": HOME}),
        http_route({"filters": [{"type": "RequestHeaderModifier"}]}),
        http_route({}, parent={"kind": "server", "group": POLICY.upper()}),
    ],
)
def test_routes_that_do_count(made):
    assert decide([server(), made, of_route()]) == (True, "AuthorizationPolicy on-route")


def test_a_redirect_is_not_judged_for_who_gets_one():
    objects = [server(), http_route({"filters": [{"type": "RequestRedirect"}]}), identities(PAYER)]
    objects += [policy(IDS, of=target("HTTPRoute", "r"))]
    assert decide(objects) == (None, "HTTPRoute r answers with a redirect, which is not judged")
    assert only(decide(objects, STRANGER)) is False


X, Y = {"headers": [{"name": "x", "value": "1"}]}, {"headers": [{"name": "y", "value": "1"}]}
TOOL = {"queryParams": [{"name": "tool", "value": "a"}]}
SENT = {"headers": {"x": "1", "y": "1", "Host": "a.till.shop"}}
GATEWAY = "gateway.networking.k8s.io/v1"


def pair(first, second, **of_first):
    """Two routes of which the first is named to lose where they match alike."""
    return [http_route(first, name="z", **of_first), http_route(second, name="a")]


def aged(name, time):
    return http_route({}, name=name, metadata={"creationTimestamp": time})


@pytest.mark.parametrize(
    "routes, winner",
    [
        (pair({}, {}), "a"),
        (pair({}, {}, version=GATEWAY), "z"),
        (pair({}, {}, metadata={"creationTimestamp": "2026-01-01T00:00:00Z"}), "z"),
        ([aged("z", "2026-01-01T00:00:00Z"), aged("a", "2026-02-01T00:00:00Z")], "z"),
        ([aged("z", "2026-03-01T00:00:00Z"), aged("a", "2026-02-01T00:00:00Z")], "a"),
        (pair(path("/pay"), path("/")), "z"),
        (pair(path("/pay", "Exact"), path("/pay")), "z"),
        (pair(path("/pay"), path("/pay", "Exact")), "a"),
        (pair(path("/pay"), path("/", method="GET", **X)), "z"),
        (pair({"matches": [X]}, {"matches": [{"method": "GET"}]}), "z"),
        (pair({"matches": [{"headers": X["headers"] + Y["headers"]}]}, {"matches": [X]}), "z"),
        (pair({"matches": [X]}, {"matches": [TOOL]}), "z"),
        (pair({"matches": [TOOL]}, {"matches": [{"method": "GET"}]}), "z"),
        (pair({"matches": [{"method": "GET"}]}, {}), "z"),
        (pair({"matches": [X, {}]}, {"matches": [{"method": "GET"}]}), "z"),
        (pair({}, path("/pay", "Exact"), hosts=["*.shop"]), "z"),
        ([http_route({}, name="z", hosts=["*.till.shop"]), http_route({}, name="a", hosts=["*.shop"])], "z"),
        ([http_route({}, name="z", hosts=["a.till.shop"]), http_route({}, name="a", hosts=["*.till.shop"])], "z"),
        ([http_route({}, name="z", hosts=["*.shop", "a.till.shop"]), http_route({}, name="a", hosts=["*.shop"])], "z"),
    ],
)
def test_the_nearest_route_takes_the_request(routes, winner):
    for objects in (routes, routes[::-1]):
        because = decide([server(), *objects], SENT).because
        assert because == f"no authorization of HTTPRoute {winner} of Server till admits it"


@pytest.mark.parametrize("other", [path("/"), path("/pay", "Exact"), {}])
def test_how_a_regular_expression_ranks_is_not_told(other):
    expression = path("/pay", "RegularExpression")
    for kinds in (pair(expression, other), pair(other, expression)):
        assert only(decide([server(), *kinds])) is False
        assert only(decide([server(), *kinds, OPEN])) is True
        reason = "which route of Server till matches can't be told"
        assert decide([server(), *kinds, of_route("a")]) == (None, reason)
    assert only(decide([server(), *pair(other, expression, hosts=["*.shop"]), of_route("z")], SENT)) is True


def test_a_doubtful_match_leaves_the_next_route_possible():
    doubtful = http_route(path("/(?i)pay", "RegularExpression"), name="a")
    objects = [server(), doubtful, http_route({}, name="z")]
    assert only(decide([*objects, of_route("a")])) is None
    assert only(decide([*objects, of_route("z")])) is None
    assert only(decide([*objects, OPEN])) is True
    assert only(decide(objects)) is False


def grpc_route(*rules, name="g", version=None, **spec):
    return thing("GRPCRoute", name, version=version, parentRefs=[target()], rules=list(rules), **spec)


GRPC = server(proxyProtocol="gRPC")
RPC = {"method": "POST", "path": "/pay.Till/Charge"}
ON_GRPC = of_route("g", "GRPCRoute", "gateway.networking.k8s.io")


@pytest.mark.parametrize(
    "rule, change, match",
    [
        ({}, {}, True),
        ({}, {"method": "GET"}, False),
        ({}, {"path": "/pay.Till"}, False),
        ({}, {"path": "/pay.Till/"}, False),
        ({}, {"path": "/a/b/c"}, False),
        ({}, {"path": "//Charge"}, False),
        ({"matches": [{"method": {"service": "", "method": "Charge"}}]}, {}, True),
        ({"matches": [{"headers": [{"name": "X", "value": "1"}]}]}, SENT, True),
        ({"matches": [{"method": {"service": "pay.Till"}}]}, {}, True),
        ({"matches": [{"method": {"service": "pay.till"}}]}, {}, False),
        ({"matches": [{"method": {"method": "Charge", "type": "Exact"}}]}, {}, True),
        ({"matches": [{"method": {"service": "pay.Till", "method": "Refund"}}]}, {}, False),
        ({"matches": [{"method": {"service": "pay.*", "type": "RegularExpression"}}]}, {}, None),
        ({"matches": [{"headers": X["headers"]}]}, SENT, True),
        ({"matches": [{"headers": X["headers"]}]}, {}, False),
    ],
)
def test_what_a_grpc_route_matches(rule, change, match):
    for version in ("gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha2"):
        assert only(decide([GRPC, grpc_route(rule, version=version), ON_GRPC], {**RPC, **change})) is match


def test_a_port_of_grpc_without_a_route_takes_any_method():
    assert only(decide([GRPC, OPEN], RPC)) is True
    assert only(decide([GRPC, OPEN, http_route(path("/x"))], RPC)) is True
    assert only(decide([GRPC, OPEN], {**PROBE, "path": "/ready"})) is False


def test_the_nearest_grpc_route_takes_the_call():
    service = grpc_route({"matches": [{"method": {"service": "pay.Till"}}]}, name="z")
    method = grpc_route({"matches": [{"method": {"service": "pay.Till", "method": "Charge"}}]}, name="y")
    for routes in ([grpc_route({}, name="a"), service], [service, grpc_route({}, name="a")]):
        assert "GRPCRoute z" in decide([GRPC, *routes], RPC).because
    assert "GRPCRoute y" in decide([GRPC, method, service, grpc_route({}, name="a")], RPC).because


@pytest.mark.parametrize("protocol", ["unknown", "HTTP/1", "HTTP/2"])
def test_grpc_routes_count_under_grpc_alone_and_put_http_routes_out(protocol):
    objects = [server(proxyProtocol=protocol), grpc_route({})]
    assert only(decide([*objects, OPEN])) is True
    assert only(decide([*objects, ON_GRPC], RPC)) is False
    assert only(decide([*objects, http_route(path("/pay"), name="h"), of_route("h")])) is False
    assert only(decide([*objects, http_route(path("/pay"), name="h")], PROBE)) is True


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_a_policy_for_a_route_is_for_one_of_its_group(kind):
    route = http_route({}, name="g") if kind == "HTTPRoute" else grpc_route({})
    objects = [GRPC if kind == "GRPCRoute" else server(), route]
    group = route["apiVersion"].partition("/")[0]
    other = {POLICY: "gateway.networking.k8s.io"}.get(group, POLICY)
    assert only(decide([*objects, of_route("g", kind, group)], RPC)) is True
    assert only(decide([*objects, of_route("g", kind, other)], RPC)) is False
    assert only(decide([*objects, of_route("h", kind, group)], RPC)) is False


def test_one_reading_of_the_objects_answers_many_calls():
    judged = judge([server(), http_route(path("/pay")), of_route()], POD, engine="linkerd", default_policy="deny")
    answers = [judged.decide({**CALL, "path": each}).allowed for each in ("/pay", "/x", "/pay")]
    assert answers == [True, False, True]
    assert judged.decide({**CALL, "port": 8081}).allowed is False
