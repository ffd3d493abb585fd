# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whom Istio's sidecar lets in, row by row."""

import pytest
from access_objects import HOME, only, thing

from stageset_render.access import admits, judge

POD = {"namespace": HOME, "labels": {"app": "till", "tier": "back"}}
CALL = {
    "identity": "cluster.local/ns/bank/sa/payer",
    "ip": "10.1.2.3",
    "port": 8443,
    "protocol": "http",
    "method": "GET",
    "path": "/pay/now?fast=1",
}
PLAIN = {"identity": None}
TCP = {"protocol": "tcp", "method": None, "path": None}


def rules(*rules, action="ALLOW", name="p", **spec):
    return thing("AuthorizationPolicy", name, rules=list(rules), action=action, **spec)


def decide(objects, change=None, pod=POD, **mesh):
    return admits(objects, pod, {**CALL, **(change or {})}, engine="istio", **mesh)


def source(**fields):
    return {"from": [{"source": fields}]}


def operation(**fields):
    return {"to": [{"operation": fields}]}


def when(key, *values, **fields):
    return {"when": [{"key": key, **({"values": list(values)} if values else {}), **fields}]}


def who(identity):
    return {"identity": f"cluster.local/ns/{identity}"}


# Field, its values, how the call differs from CALL, whether they match.
SOURCES = [
    ("principals", ["cluster.local/ns/bank/sa/payer"], {}, True),
    ("principals", ["cluster.local/ns/bank/sa/pay"], {}, False),
    ("principals", ["x", "cluster.local/ns/bank/sa/payer"], {}, True),
    ("principals", ["Cluster.local/ns/bank/sa/payer"], {}, False),
    ("principals", ["cluster.local/ns/bank/*"], {}, True),
    ("principals", ["cluster.local/ns/ban*"], {}, True),
    ("principals", ["cluster.local/ns/bonk/*"], {}, False),
    ("principals", ["*/sa/payer"], {}, True),
    ("principals", ["*/sa/buyer"], {}, False),
    ("principals", ["*x", "*/sa/payer", "*yy"], {}, True),
    ("principals", ["*"], {}, True),
    ("principals", ["*"], PLAIN, False),
    ("principals", ["cluster.local/ns/bank/sa/payer"], PLAIN, False),
    ("principals", ["**"], {}, False),
    ("principals", ["cluster.local/ns/*/sa/payer"], {}, False),
    ("principals", ["spiffe://cluster.local/ns/bank/sa/payer"], {}, False),
    ("principals", ["*spiffe://cluster.local/ns/bank/sa/payer"], {}, False),
    ("namespaces", ["bank"], {}, True),
    ("namespaces", ["ban"], {}, False),
    ("namespaces", ["ank"], {}, False),
    ("namespaces", ["BANK"], {}, False),
    ("namespaces", ["bank"], PLAIN, False),
    ("namespaces", ["b.nk"], {}, False),
    ("namespaces", ["*"], {}, True),
    ("namespaces", ["*"], PLAIN, False),
    ("namespaces", ["**"], {}, True),
    ("namespaces", ["ban*"], {}, True),
    ("namespaces", ["bank*"], {}, True),
    ("namespaces", ["bat*"], {}, False),
    ("namespaces", ["*nk"], {}, True),
    ("namespaces", ["*nkk"], {}, False),
    ("namespaces", ["b*k"], {}, True),
    ("namespaces", ["b*t"], {}, False),
    ("namespaces", ["ba*ank"], {}, False),
    ("namespaces", ["*an*"], {}, True),
    ("namespaces", ["*na*"], {}, False),
    ("namespaces", ["b*a*k"], {}, True),
    ("namespaces", ["b*n*a*"], {}, True),
    ("namespaces", ["*an*k*"], {}, True),
    ("namespaces", ["b*k*n*"], {}, False),
    ("namespaces", ["*a"], who("bank/sa/x"), True),  # as far as the slash behind sa
    ("namespaces", ["*/sa"], {}, True),
    ("namespaces", ["bank/sa"], {}, True),
    ("namespaces", ["bank/sa/payer"], {}, False),
    ("namespaces", ["sa"], who("ns/sa/x"), True),  # the account behind /ns/ns/
    ("namespaces", ["x"], who("ns/sa/x"), False),
    ("serviceAccounts", ["bank/payer"], {}, True),
    ("serviceAccounts", ["bank/paye"], {}, False),
    ("serviceAccounts", ["shop/payer"], {}, False),
    ("serviceAccounts", ["payer"], {}, False),
    ("serviceAccounts", ["payer"], who("shop/sa/payer"), True),
    ("serviceAccounts", ["bank/payer"], PLAIN, False),
    ("serviceAccounts", ["bank/payer"], {"identity": "cluster.local/sa/bank/ns/payer"}, False),
    ("trustDomains", ["cluster.local"], {}, True),
    ("trustDomains", ["cluster.*"], {}, True),
    ("trustDomains", ["*.local"], {}, True),
    ("trustDomains", ["*"], {}, True),
    ("trustDomains", ["other.local"], {}, False),
    ("trustDomains", ["cluster.local"], PLAIN, False),
    ("requestPrincipals", ["*"], {}, False),
    ("ipBlocks", ["10.1.2.3"], {}, True),
    ("ipBlocks", ["10.1.0.0/16"], {}, True),
    ("ipBlocks", ["10.1.9.9/16"], {}, True),
    ("ipBlocks", ["10.1.2.2", "10.1.2.4", "10.2.0.0/16"], {}, False),
    ("ipBlocks", ["::/0"], {}, False),
    ("ipBlocks", ["0.0.0.0/0"], {"ip": "2001:db8::1"}, False),
    ("ipBlocks", ["2001:db8::/32"], {"ip": "2001:db8::1"}, True),
    ("ipBlocks", ["10.0.0.0/8"], {"ip": "::ffff:10.1.2.3"}, True),
    ("ipBlocks", ["10.0.0.0/8"], {"ip": None}, None),
    ("ipBlocks", ["10.0.0.0/8"], {"headers": {"X-Forwarded-For": "192.0.2.1"}}, True),
    ("remoteIpBlocks", ["10.0.0.0/8"], {}, True),
    ("remoteIpBlocks", ["10.0.0.0/8"], {"ip": None}, None),
    ("remoteIpBlocks", ["10.0.0.0/8"], {"headers": {"X-Forwarded-For": "192.0.2.1, 10.9.9.9"}}, True),
    ("remoteIpBlocks", ["10.0.0.0/8"], {"headers": {"X-Forwarded-For": "10.9.9.9,192.0.2.1"}}, False),
    ("remoteIpBlocks", ["10.0.0.0/8"], {"headers": {"X-Forwarded-For": "10.9.9.9, who"}}, None),
    ("remoteIpBlocks", ["10.0.0.0/8"], {**TCP, "headers": {"X-Forwarded-For": "192.0.2.1"}}, True),
]
OPERATIONS = [
    ("ports", ["8443"], {}, True),
    ("ports", ["1", "08443"], {}, True),
    ("ports", ["65535"], {"port": 65535}, True),
    ("ports", ["8444"], {}, False),
    ("methods", ["GET"], {}, True),
    ("methods", ["get"], {}, False),
    ("methods", ["G*"], {}, True),
    ("methods", ["*ET"], {}, True),
    ("methods", ["*"], {}, True),
    ("methods", ["POST", "PUT"], {}, False),
    ("methods", ["GET"], {"method": None}, None),
    ("paths", ["/pay/now"], {}, True),
    ("paths", ["/pay/now?fast=1"], {}, False),
    ("paths", ["/Pay/now"], {}, False),
    ("paths", ["/pay/*"], {}, True),
    ("paths", ["/payer/*"], {}, False),
    ("paths", ["*/now"], {}, True),
    ("paths", ["*/no"], {}, False),
    ("paths", ["*"], {}, True),
    ("paths", ["/pay/*/x"], {}, False),
    ("paths", ["/pay"], {"path": None}, None),
    ("paths", ["/pay/now"], {"path": "/x/../pay/./now"}, True),
    ("paths", ["/pay/"], {"path": "/pay/now/.."}, True),
    ("paths", ["/pay/"], {"path": "/pay/."}, True),
    ("paths", ["/"], {"path": "/../.."}, True),
    ("paths", ["/pay/now"], {"path": "\\pay\\now"}, True),
    ("paths", ["/pay/now"], {"path": "/pay//now"}, False),
    ("paths", ["/pay/*"], {"path": "/pay/a%20b"}, True),
    ("paths", ["/pay/now"], {"path": "/pay/%6eow"}, None),
    ("paths", ["/pay/now"], {"path": "/pay/now#x"}, None),
    ("paths", ["/pay/now"], {"path": "pay/now"}, None),
    ("paths", ["/pay/{*}"], {}, True),
    ("paths", ["/{*}/now"], {}, True),
    ("paths", ["/{*}"], {}, False),
    ("paths", ["/pay/now/{*}"], {"path": "/pay/now/"}, False),
    ("paths", ["/pay/{**}"], {}, True),
    ("paths", ["/{**}"], {}, True),
    ("paths", ["/pay/now/{**}"], {"path": "/pay/now/"}, True),
    ("paths", ["/pay/now/{**}"], {}, False),
    ("paths", ["/{**}/now"], {}, True),
    ("paths", ["/{*}/{**}/x"], {"path": "/pay/a/b/x"}, True),
    ("paths", ["/a.b/{*}"], {"path": "/aXb/c"}, False),
    ("paths", ["/no", "/pay/{*}"], {}, True),
    ("hosts", ["till.shop"], {"host": "till.shop"}, True),
    ("hosts", ["TILL.shop"], {"headers": {"Host": "till.SHOP"}}, True),
    ("hosts", ["till.shop"], {"host": "till.shop:8443"}, False),
    ("hosts", ["till.shop:*"], {"host": "till.shop:8443"}, True),
    ("hosts", ["*.shop"], {"host": "till.shop"}, True),
    ("hosts", ["*.bank"], {"host": "till.shop"}, False),
    ("hosts", ["*"], {"host": "till.shop"}, True),
    ("hosts", ["till.shop"], {}, None),
]
CONDITIONS = [
    ("source.principal", ["cluster.local/ns/bank/*"], {}, True),
    ("source.namespace", ["b*k"], {}, True),
    ("source.namespace", ["till"], {}, False),
    ("source.serviceAccount", ["bank/payer"], {}, True),
    ("source.ip", ["10.0.0.0/8"], {}, True),
    ("source.ip", ["11.0.0.0/8"], {}, False),
    ("remote.ip", ["11.0.0.0/8"], {"headers": {"x-forwarded-for": "11.0.0.1"}}, True),
    ("destination.port", ["8443"], {}, True),
    ("destination.port", ["8444"], {}, False),
    ("destination.ip", ["10.0.0.0/8"], {}, None),
    ("connection.sni", ["*.shop"], {"sni": "till.shop"}, True),
    ("connection.sni", ["*"], {}, False),
    ("connection.sni", ["*"], {"sni": ""}, False),
    ("connection.sni", ["*"], {"sni": "till.shop", "identity": None}, False),
    ("request.headers[X-Shop]", ["a"], {"headers": {"x-shop": "a"}}, True),
    ("request.headers[x-shop]", ["a"], {"headers": {"X-Shop": "A"}}, False),
    ("request.headers[x-shop]", ["a*"], {"headers": {"X-Shop": "ab"}}, True),
    ("request.headers[x-shop]", ["*"], {"headers": {"X-Shop": ""}}, True),
    ("request.headers[x-shop]", ["*"], {}, False),
    ("request.headers[:method]", ["GET"], {}, True),
    ("request.headers[:path]", ["/pay/now?fast=1"], {}, True),
    ("request.headers[:authority]", ["till"], {"host": "till"}, True),
    ("request.headers[Host]", ["till"], {}, None),
    ("request.headers[:scheme]", ["http"], {}, None),
    ("request.headers[x-request-id]", ["*"], {}, None),
    ("request.headers[x-envoy-attempt-count]", ["*"], {}, None),
    ("request.headers[x-forwarded-proto]", ["*"], {}, None),
    ("request.headers[x-forwarded-for]", ["*"], {}, False),
    ("request.headers[x-b3-traceid]", ["*"], {}, None),
    ("request.headers[traceparent]", ["*"], {}, None),
    ("request.headers[x-forwarded-client-cert]", ["*"], {"headers": {"x-forwarded-client-cert": "By=x"}}, None),
    ("request.auth.principal", ["*"], {}, False),
    ("request.auth.audiences", ["*"], {}, False),
    ("request.auth.presenter", ["*"], {}, False),
    ("request.auth.claims[iss]", ["*"], {}, False),
    ("request.auth.claims[a][b]", ["*"], {}, False),
    ("experimental.envoy.filters.network.mysql_proxy[db.table]", ["[update]"], {}, None),
    ("source.weather", ["fine"], {}, None),
]


def inverse(match):
    return None if match is None else not match


def negative(field):
    return f"not{field[0].upper()}{field[1:]}"


@pytest.mark.parametrize(
    "build, field, values, change, match",
    [(source, *row) for row in SOURCES] + [(operation, *row) for row in OPERATIONS],
)
def test_a_field_matches_and_its_negative_does_not(build, field, values, change, match):
    assert only(decide([rules(build(**{field: values}))], change)) is match
    assert only(decide([rules(build(**{negative(field): values}))], change)) is inverse(match)
    assert only(decide([rules(build(**{field: values}), action="DENY")], change)) is inverse(match)


@pytest.mark.parametrize("key, values, change, match", CONDITIONS)
def test_a_condition_matches_and_its_negative_does_not(key, values, change, match):
    assert only(decide([rules(when(key, *values))], change)) is match
    assert only(decide([rules(when(key, notValues=values))], change)) is inverse(match)
    assert only(decide([rules(when(key, *values), action="DENY")], change)) is inverse(match)


def test_the_destination_address_counts_where_it_is_known():
    policy = rules(when("destination.ip", "10.9.0.0/16"))
    assert only(decide([policy], pod={**POD, "ip": "10.9.0.1"})) is True
    assert only(decide([policy], pod={**POD, "ip": "10.8.0.1"})) is False


ALL = {"principals": ["*"], "notNamespaces": ["mall"]}


@pytest.mark.parametrize(
    "rule, change, allowed",
    [
        ({}, {}, True),
        (None, {}, True),
        ({"from": [], "to": [], "when": []}, PLAIN, True),
        ({"from": [None], "to": [{"operation": None}]}, PLAIN, True),
        ({"from": [{"source": None}], "to": [None]}, PLAIN, True),
        ({"from": [{"source": {"principals": [], "namespaces": ["bank"]}}]}, {}, True),
        ({"from": [{"source": {"principals": [], "namespaces": ["mall"]}}]}, {}, False),
        ({"from": [{"source": {"namespaces": ["mall"]}}, {"source": {"namespaces": ["bank"]}}]}, {}, True),
        ({"to": [{"operation": {"ports": ["1"]}}, {"operation": {"methods": ["GET"]}}]}, {}, True),
        ({**source(**ALL), **operation(ports=["8443"], methods=["GET"], notPaths=["/x"])}, {}, True),
        ({**source(**ALL), **operation(ports=["8443"], methods=["PUT"])}, {}, False),
        ({**source(**ALL), **operation(ports=["8443"])}, who("mall/sa/x"), False),
        ({**operation(ports=["8443"]), **when("source.namespace", "mall")}, {}, False),
        ({"when": when("source.ip", "10.0.0.0/8")["when"] + when("source.namespace", "mall")["when"]}, {}, False),
        (when("source.ip", "10.0.0.0/8", notValues=["10.1.2.3"]), {}, False),
        (when("source.ip", "10.0.0.0/8", notValues=["10.1.2.4"]), {}, True),
        ({**source(namespaces=["mall"]), **operation(hosts=["x"])}, {}, False),  # the unknown host changes nothing
        ({**source(namespaces=["bank"]), **operation(hosts=["x"])}, {}, None),
        ({"to": [operation(hosts=["x"])["to"][0], operation(ports=["8443"])["to"][0]]}, {}, True),
        ({**source(principals=["*"]), "action": "DENY"}, {}, True),
    ],
)
def test_a_rule_wants_one_source_one_operation_and_every_condition(rule, change, allowed):
    assert only(decide([rules(rule)], change)) is allowed


@pytest.mark.parametrize(
    "rule",
    [
        source(principals=["*"], namespaces=["bank"], trustDomains=["cluster.local"]),
        source(serviceAccounts=["bank/payer"], ipBlocks=["10.1.2.3"], remoteIpBlocks=["10.1.2.3"]),
        operation(ports=["8443"]),
        when("source.principal", "*"),
        when("source.namespace", "bank"),
        when("source.serviceAccount", "bank/payer"),
        when("source.ip", "10.1.2.3"),
        when("remote.ip", "10.1.2.3"),
        when("destination.ip", "10.9.0.1"),
        when("destination.port", "8443"),
        when("connection.sni", "till"),
    ],
)
def test_the_fields_that_tcp_has_too(rule):
    assert only(decide([rules(rule)], {**TCP, "sni": "till"}, {**POD, "ip": "10.9.0.1"})) is True


def test_a_condition_that_is_not_known_is_unknown_for_tcp_too():
    assert only(decide([rules(when("source.weather", "fine"))], TCP)) is None


HTTP_ONLY = [
    operation(methods=["*"]),
    operation(notPaths=["/x"]),
    operation(hosts=["*"]),
    source(notRequestPrincipals=["x"]),
    when("request.headers[x]", notValues=["x"]),
    when("request.auth.claims[x]", notValues=["x"]),
]


@pytest.mark.parametrize("rule", HTTP_ONLY)
def test_a_field_of_http_lets_no_tcp_in_and_keeps_all_tcp_out(rule):
    conditions = rule.get("when", [])
    bank, mall = ({**rule, "when": conditions + when("source.namespace", name)["when"]} for name in ("bank", "mall"))
    assert only(decide([rules(bank)], TCP)) is False
    assert only(decide([rules(rule, action="DENY")], TCP)) is False
    assert only(decide([rules(bank, action="DENY")], TCP)) is False
    assert only(decide([rules(mall, action="DENY")], TCP)) is True


def test_a_policy_without_an_action_allows():
    policy = thing("AuthorizationPolicy", rules=[operation(methods=["GET"])])
    assert only(decide([policy])) is True
    assert only(decide([policy], {"method": "PUT"})) is False
    assert only(decide([policy], TCP)) is False


def test_a_pod_without_labels_has_the_policies_without_a_selector():
    pod = {"namespace": HOME, "labels": None}
    assert only(decide([rules()], pod=pod)) is False
    assert only(decide([rules(selector={"matchLabels": {"app": "till"}})], pod=pod)) is True


def test_one_operation_of_http_takes_the_whole_rule_from_tcp():
    both = {"to": [{"operation": {"ports": ["8443"]}}, {"operation": {"methods": ["GET"]}}]}
    assert only(decide([rules(both)], TCP)) is False
    assert only(decide([rules(both), rules(operation(ports=["8443"]), name="q")], TCP)) is True


@pytest.mark.parametrize(
    "rule",
    [
        source(ipBlocks=["10.0.0.0/33"]),
        source(ipBlocks=["ten"]),
        operation(ports=["65536"]),
        operation(ports=["+80"]),
        operation(ports=["8443", "https"]),
    ],
)
def test_what_cannot_be_translated_lets_nobody_in_and_keeps_everybody_out(rule):
    for change in ({}, TCP):
        assert only(decide([rules(rule)], change)) is False
        assert only(decide([rules(rule, action="DENY")], change)) is False


def test_a_deny_loses_the_bad_value_alone():
    rule = source(ipBlocks=["192.0.2.0/24", "ten"])
    assert only(decide([rules(rule, action="DENY")])) is True
    assert only(decide([rules(rule, action="DENY")], {"ip": "192.0.2.1"})) is False


OLD = {"trust_domain": "td.example", "aliases": ["old.example"]}


@pytest.mark.parametrize(
    "principal, identity, allowed",
    [
        ("td.example/ns/a/sa/b", "td.example/ns/a/sa/b", True),
        ("td.example/ns/a/sa/b", "old.example/ns/a/sa/b", True),
        ("old.example/ns/a/sa/b", "td.example/ns/a/sa/b", True),
        ("cluster.local/ns/a/sa/b", "td.example/ns/a/sa/b", True),
        ("cluster.local/ns/a/sa/b", "old.example/ns/a/sa/b", True),
        ("other.example/ns/a/sa/b", "td.example/ns/a/sa/b", False),
        ("td.exampla/ns/a/sa/b", "td.example/ns/a/sa/b", False),
        ("xtd.example/ns/a/sa/b", "old.example/ns/a/sa/b", False),
        ("*td.example/ns/a/sa/b", "old.example/ns/a/sa/b", True),
        ("td*/ns/a/sa/b", "old.example/ns/a/sa/b", True),
        ("xx*/ns/a/sa/b", "td.example/ns/a/sa/b", False),
        ("tx*/ns/a/sa/b", "td.example/ns/a/sa/b", False),
        ("*.example/ns/a/sa/b", "old.example/ns/a/sa/b", True),
        ("*.other/ns/a/sa/b", "td.example/ns/a/sa/b", False),
        ("*d.example/ns/a/sa/b", "old.example/ns/a/sa/b", True),
        ("*/ns/a/sa/b", "old.example/ns/a/sa/b", True),
        ("td.example/ns/a/*", "old.example/ns/a/sa/b", False),
        ("td.example/ns/a/sa/*", "old.example/ns/a/sa/b", True),
    ],
)
def test_a_principal_of_the_mesh_counts_for_all_its_trust_domains(principal, identity, allowed):
    assert only(decide([rules(source(principals=[principal]))], {"identity": identity}, **OLD)) is allowed
    assert only(decide([rules(source(notPrincipals=[principal]))], {"identity": identity}, **OLD)) is not allowed
    assert only(decide([rules(when("source.principal", principal))], {"identity": identity}, **OLD)) is allowed


@pytest.mark.parametrize(
    "identity, mesh, allowed",
    [
        ("cluster.local/ns/a/sa/b", {}, True),
        ("other.example/ns/a/sa/b", {}, False),
        ("cluster.local.example/ns/a/sa/b", {}, False),
        ("old.example/ns/a/sa/b", OLD, True),
        ("cluster.local/ns/a/sa/b", OLD, False),
        ("", {}, False),
        (None, {}, True),
    ],
)
def test_the_trust_domain_is_checked_before_any_policy(identity, mesh, allowed):
    decision = decide([], {"identity": identity}, **mesh)
    assert decision.allowed is allowed
    assert allowed or decision.because == "the caller's trust domain is not the mesh's"


EVERYONE = rules({}, name="open")
DENIES = rules(source(namespaces=["bank"]), action="DENY", name="shut")
MAYBE_DENIES = rules(operation(hosts=["x"]), action="DENY", name="maybe")
MAYBE_ALLOWS = rules(operation(hosts=["x"]), name="perhaps")
LATER = rules(operation(hosts=["y"]), name="later")
MAYBE_CUSTOM = rules(operation(hosts=["x"]), action="CUSTOM", name="might")
NOBODY = rules(name="nobody")
CUSTOM = rules(operation(paths=["/pay/*"]), action="CUSTOM", name="ask")
TOO_MANY = [rules(source(namespaces=["mall"]), name=name) for name in "abcde"]


@pytest.mark.parametrize(
    "objects, allowed, because",
    [
        ([], True, "no AuthorizationPolicy with the action ALLOW selects the pod"),
        ([EVERYONE], True, "AuthorizationPolicy open, rule 1"),
        ([rules(source(namespaces=["mall"]), {})], True, "AuthorizationPolicy p, rule 2"),
        ([NOBODY], False, "no rule of AuthorizationPolicy nobody admits it"),
        ([thing("AuthorizationPolicy", "empty")], False, "no rule of AuthorizationPolicy empty admits it"),
        ([NOBODY, EVERYONE], True, "AuthorizationPolicy open, rule 1"),
        ([EVERYONE, DENIES], False, "AuthorizationPolicy shut, rule 1"),
        ([DENIES], False, "AuthorizationPolicy shut, rule 1"),
        ([rules(action="DENY")], True, "no AuthorizationPolicy with the action ALLOW selects the pod"),
        ([EVERYONE, rules({}, action="AUDIT")], True, "AuthorizationPolicy open, rule 1"),
        ([rules({}, action="AUDIT")], True, "no AuthorizationPolicy with the action ALLOW selects the pod"),
        ([EVERYONE, MAYBE_DENIES], None, "AuthorizationPolicy maybe, rule 1: the call doesn't tell host"),
        ([NOBODY, MAYBE_DENIES], False, "no rule of AuthorizationPolicy nobody admits it"),
        ([MAYBE_DENIES, DENIES], False, "AuthorizationPolicy shut, rule 1"),
        ([MAYBE_ALLOWS], None, "AuthorizationPolicy perhaps, rule 1: the call doesn't tell host"),
        ([MAYBE_ALLOWS, EVERYONE], True, "AuthorizationPolicy open, rule 1"),
        ([MAYBE_ALLOWS, LATER], None, "AuthorizationPolicy perhaps, rule 1: the call doesn't tell host"),
        ([LATER, MAYBE_ALLOWS], None, "AuthorizationPolicy later, rule 1: the call doesn't tell host"),
        (
            [MAYBE_CUSTOM],
            None,
            "AuthorizationPolicy might, rule 1: the call doesn't tell host",
        ),
        ([{**rules(), "spec": None}], False, "no rule of AuthorizationPolicy p admits it"),
        ([MAYBE_ALLOWS, DENIES], False, "AuthorizationPolicy shut, rule 1"),
        ([CUSTOM], None, "AuthorizationPolicy ask, rule 1: an external authorizer decides, by the action CUSTOM"),
        ([CUSTOM, DENIES], False, "AuthorizationPolicy shut, rule 1"),
        ([CUSTOM, NOBODY], False, "no rule of AuthorizationPolicy nobody admits it"),
        ([rules(source(namespaces=["mall"]), action="CUSTOM"), EVERYONE], True, "AuthorizationPolicy open, rule 1"),
        (TOO_MANY[:2], False, "no rule of AuthorizationPolicy a or AuthorizationPolicy b admits it"),
        (
            TOO_MANY[:3],
            False,
            "no rule of AuthorizationPolicy a or AuthorizationPolicy b or AuthorizationPolicy c admits it",
        ),
        (
            TOO_MANY[:4],
            False,
            "no rule of AuthorizationPolicy a or AuthorizationPolicy b or AuthorizationPolicy c or 1 more admits it",
        ),
        (
            TOO_MANY,
            False,
            "no rule of AuthorizationPolicy a or AuthorizationPolicy b or AuthorizationPolicy c or 2 more admits it",
        ),
    ],
)
def test_deny_comes_before_allow_and_the_unknown_counts_where_it_matters(objects, allowed, because):
    assert decide(objects) == (allowed, because)


def elsewhere(name, **spec):
    return thing("AuthorizationPolicy", metadata={"namespace": name}, rules=[], **spec)


@pytest.mark.parametrize(
    "policy, allowed",
    [
        (elsewhere(HOME), False),
        (elsewhere("bank"), True),
        (elsewhere("istio-system"), False),
        (elsewhere("istio-system", selector={"matchLabels": {"app": "till"}}), False),
        (elsewhere("istio-system", selector={"matchLabels": {"app": "x"}}), True),
        (rules(selector={"matchLabels": {"app": "till", "tier": "back"}}), False),
        (rules(selector={"matchLabels": {"app": "till", "tier": "front"}}), True),
        (rules(selector={"matchLabels": {"app": "till", "zone": "1"}}), True),
        (rules(selector={"matchLabels": {}}), False),
        (rules(selector=None), False),
        (rules(targetRef={"kind": "Service", "name": "x"}), True),
        (rules(targetRefs=[{"kind": "Gateway", "group": "gateway.networking.k8s.io", "name": "waypoint"}]), True),
        (thing("AuthorizationPolicy", version="security.istio.io/v1beta1", rules=[]), False),
        (thing("Policy", rules=[]), True),  # Linkerd's kind of the same name
    ],
)
def test_which_policies_are_the_pods(policy, allowed):
    assert only(decide([policy])) is allowed


@pytest.mark.parametrize("value", ["1", "t", "T", "TRUE", "true", "True", "yes", "0", ""])
def test_a_dry_run_refuses_nobody(value):
    policy = thing("AuthorizationPolicy", metadata={"annotations": {"istio.io/dry-run": value}}, rules=[])
    assert only(decide([policy])) is (value.lower() in ("1", "t", "true"))


def test_a_policy_of_another_namespace_is_named_with_it():
    assert decide([elsewhere("istio-system")]).because == "no rule of AuthorizationPolicy istio-system/it admits it"


def peer(mode=None, namespace=HOME, app=None, ports=None, born=None, name="peer"):
    spec = {"mtls": {"mode": mode}} if mode else {}
    if app:
        spec["selector"] = {"matchLabels": {"app": app}}
    if ports:
        spec["portLevelMtls"] = {port: {"mode": of} for port, of in ports.items()}
    return thing("PeerAuthentication", name, metadata={"namespace": namespace, "creationTimestamp": born}, **spec)


MESH = peer("STRICT", "istio-system")


@pytest.mark.parametrize(
    "peers, plain",
    [
        ([], True),
        ([peer("STRICT")], False),
        ([peer("PERMISSIVE")], True),
        ([peer("STRICT", "bank")], True),
        ([MESH], False),
        ([MESH, peer("PERMISSIVE")], True),
        ([MESH, peer("UNSET")], False),
        ([MESH, {**peer("UNSET"), "spec": None}], False),
        ([MESH, peer()], False),
        ([MESH, peer("PERMISSIVE", app="till")], True),
        ([MESH, peer("UNSET"), peer("UNSET", app="till")], False),
        ([peer("STRICT"), peer("PERMISSIVE", app="other")], False),
        ([peer("STRICT", "istio-system", app="till")], True),  # neither the mesh's nor a workload's
        ([peer("STRICT", app="till", ports={"8443": "PERMISSIVE"})], True),
        ([peer("STRICT", app="till", ports={8443: "PERMISSIVE"})], True),
        ([peer("STRICT", app="till", ports={"8444": "PERMISSIVE"})], False),
        ([peer("PERMISSIVE", app="till", ports={"8443": "STRICT"})], False),
        ([peer("STRICT", app="till", ports={"8443": "UNSET"})], False),
        ([MESH, peer(app="till", ports={"8443": "UNSET"})], False),
        ([peer("STRICT", ports={"8443": "PERMISSIVE"})], False),  # ports count with a selector alone
        ([peer("STRICT", app="till", ports={"8443": "DISABLE"})], True),
        ([peer("STRICT", born="2026-02-01T00:00:00Z"), peer("PERMISSIVE", born="2026-01-01T00:00:00Z")], True),
        ([peer("PERMISSIVE", born="2026-02-01T00:00:00Z"), peer("STRICT", born="2026-01-01T00:00:00Z")], False),
        ([peer("PERMISSIVE", born="2026-02-01T00:00:00Z"), peer("STRICT")], False),
        ([peer("PERMISSIVE", name="b"), peer("STRICT", name="a")], False),
        ([peer("UNSET", name="a"), peer("STRICT", name="b")], True),
    ],
)
def test_which_mode_of_mtls_a_port_has(peers, plain):
    assert only(decide(peers, PLAIN)) is plain
    assert only(decide(peers)) is True


def test_the_peer_authentication_that_refuses_is_named():
    assert decide([MESH], PLAIN).because == "PeerAuthentication istio-system/peer demands mTLS"
    ports = peer("PERMISSIVE", app="till", ports={"8443": "STRICT"}, name="strict")
    assert decide([MESH, ports], PLAIN).because == "PeerAuthentication strict demands mTLS"
    assert decide([peer("UNSET"), MESH], PLAIN).because == "PeerAuthentication istio-system/peer demands mTLS"


def test_in_the_root_namespace_a_pod_has_policies_of_the_mesh_alone():
    pod = {"namespace": "istio-system", "labels": {"app": "till"}}
    assert only(decide([peer("STRICT", "istio-system", app="till")], PLAIN, pod)) is True
    assert only(decide([MESH], PLAIN, pod)) is False


def test_without_mtls_nobody_has_an_identity():
    disabled = peer("DISABLE")
    assert only(decide([disabled, rules(source(namespaces=["bank"]))])) is False
    assert only(decide([disabled, rules(source(notNamespaces=["bank"]))])) is True
    assert only(decide([disabled], {"identity": "other.example/ns/a/sa/b"})) is True


@pytest.mark.parametrize(
    "annotations, allowed",
    [
        ({"traffic.sidecar.istio.io/excludeInboundPorts": "80, 8443"}, True),
        ({"traffic.sidecar.istio.io/excludeInboundPorts": "84"}, False),
        ({"traffic.sidecar.istio.io/includeInboundPorts": "*"}, False),
        ({"traffic.sidecar.istio.io/includeInboundPorts": " * "}, False),
        ({"traffic.sidecar.istio.io/includeInboundPorts": "80,8443"}, False),
        ({"traffic.sidecar.istio.io/includeInboundPorts": "80"}, True),
        ({"traffic.sidecar.istio.io/includeInboundPorts": ""}, True),
    ],
)
def test_a_port_that_does_not_go_through_the_sidecar_is_open(annotations, allowed):
    assert only(decide([NOBODY], pod={**POD, "annotations": annotations})) is allowed


def test_a_token_is_unknown_where_tokens_are_read():
    tokens = thing("RequestAuthentication", jwtRules=[])
    others = thing("RequestAuthentication", selector={"matchLabels": {"app": "x"}})
    policy = rules(source(requestPrincipals=["*"]))
    reason = "AuthorizationPolicy p, rule 1: a RequestAuthentication selects the pod, and no token is judged"
    assert decide([tokens, policy]) == (None, reason)
    assert only(decide([others, policy])) is False
    assert only(decide([tokens, policy, EVERYONE])) is True
    assert only(decide([tokens, policy], TCP)) is False


def test_one_reading_of_the_objects_answers_many_calls():
    judged = judge([rules(operation(ports=["8443"]))], POD, engine="istio")
    assert [judged.decide({**CALL, "port": port}).allowed for port in (8443, 80, 8443)] == [True, False, True]


def test_another_engine_is_refused():
    with pytest.raises(ValueError, match="istio or linkerd, not 'consul'"):
        judge([], POD, engine="consul")
