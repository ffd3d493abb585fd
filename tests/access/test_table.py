# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The rows that objects tell apart: what stands for all that is not named, and what depends."""

import itertools

import pytest
from access_objects import HOME, thing

from stageset_render.access.classes import Caller, Request, within
from stageset_render.access.classes_istio import within_namespaces
from stageset_render.access.patterns import Steps
from stageset_render.access.table import Asked, Port

POD = {"namespace": HOME, "labels": {"app": "till"}}
PORT = Port("web", 8443)
PAYER = "cluster.local/ns/bank/sa/payer"


def istio(*rules):
    return Asked([thing("AuthorizationPolicy", "p", rules=list(rules))], POD, engine="istio")


def linkerd(*objects, port=8443, pod=POD):
    server = thing("Server", "s", podSelector={}, port=port)
    return Asked([server, *objects], pod, engine="linkerd")


def told(asked, port=PORT):
    """What is said of each caller: who, whether, on which requests alone, on which not, on which it depends."""
    return {row.caller.name: row.answer for row in asked.rows(port)}


YES, NO, DEPENDS = (True, (), (), ()), (False, (), (), ()), (None, (), (), ())


@pytest.mark.parametrize(
    "rule, expected",
    [
        # The strangers that stand for all who are not named are none of these, whatever their names begin or end with.
        (
            {"from": [{"source": {"namespaces": ["a*"]}}]},
            {"namespace a*": YES, "any other meshed": NO, "plaintext": NO},
        ),
        (
            {"from": [{"source": {"principals": ["*"], "notNamespaces": ["a*"]}}]},
            {"any other meshed": YES, "plaintext": NO},
        ),
        ({"from": [{"source": {"principals": ["*"], "notPrincipals": ["*-other"]}}]}, {"any other meshed": YES}),
        # So is their request.
        ({"to": [{"operation": {"methods": ["GET"]}}]}, {"any other meshed": (True, ("GET",), (), ())}),
        ({"to": [{"operation": {"notMethods": ["GET", "HEAD"]}}]}, {"plaintext": (True, (), ("GET", "HEAD"), ())}),
        ({"to": [{"operation": {"notPaths": ["/a*"]}}]}, {"plaintext": (True, (), ("/a*",), ())}),
        ({"to": [{"operation": {"paths": ["/a*"]}}]}, {"plaintext": (True, ("/a*",), (), ())}),
        ({"to": [{"operation": {"hosts": ["h:1"]}}]}, {"plaintext": (True, ("requests of host h:1",), (), ())}),
        ({"to": [{"operation": {"notHosts": ["h:1"]}}]}, {"plaintext": (True, (), ("requests of host h:1",), ())}),
        # Each method with each path, and with each header that is asked for.
        (
            {"to": [{"operation": {"methods": ["PUT", "POST"], "paths": ["/a", "/b"]}}]},
            {"plaintext": (True, ("PUT /a", "PUT /b", "POST /a", "POST /b"), (), ())},
        ),
        (
            {"when": [{"key": f"request.headers[{name}]", "values": [name]} for name in ("x", "y")]},
            {"plaintext": (True, ("requests with x: x with y: y",), (), ())},
        ),
        (
            {"when": [{"key": "request.headers[x]", "notValues": ["a"]}]},
            {"plaintext": (True, (), ("requests with x: a",), ())},
        ),
        # What only a token, an address or the name of a server decides, is not told.
        ({"from": [{"source": {"requestPrincipals": ["*"]}}]}, {"any other meshed": DEPENDS, "plaintext": DEPENDS}),
        ({"when": [{"key": "connection.sni", "values": ["a"]}]}, {"any other meshed": DEPENDS, "plaintext": NO}),
        ({"from": [{"source": {"ipBlocks": ["192.0.2.0/24"]}}]}, {"plaintext from 192.0.2.0/24": YES, "plaintext": NO}),
    ],
)
def test_a_rule_of_istio(rule, expected):
    assert expected.items() <= told(istio(rule)).items()


HEADER = "request.headers[{}]".format


@pytest.mark.parametrize(
    "source, conditions, who",
    [
        ({"namespaces": ["team-*"]}, {"source.namespace": ["*-prod"]}, "namespace team-* and namespace *-prod"),
        (
            {"principals": ["cluster.local/ns/ci-*"]},
            {"source.principal": ["*/sa/till"]},
            "cluster.local/ns/ci-* and */sa/till",
        ),
        ({"principals": ["*/sa/till"], "namespaces": ["*-ci"]}, {}, "*/sa/till in namespace *-ci"),
        (
            {"principals": ["cluster.local/ns/a*"], "namespaces": ["a*b*c"]},
            {},
            "cluster.local/ns/a* in namespace a*b*c",
        ),
        ({"trustDomains": ["other.org"], "namespaces": ["b"]}, {}, "trust domain other.org in namespace b"),
        ({"serviceAccounts": ["a/b"], "namespaces": ["a*"]}, {}, "service account a/b"),
        # Whoever stands for a pattern is none of those that are kept out of it.
        ({"namespaces": ["team-*"], "notNamespaces": ["team-z*", "team-*-x9"]}, {}, "namespace team-*"),
        ({"namespaces": ["node-*"], "notNamespaces": ["*9", "*-*-*"]}, {}, "namespace node-*"),
        ({"principals": ["cluster.local/ns/a/*"], "notPrincipals": ["*/sa/any-other"]}, {}, "cluster.local/ns/a/*"),
    ],
)
def test_callers_that_are_all_that_one_rule_asks_for(source, conditions, who):
    found = told(
        istio({"from": [{"source": source}], "when": [{"key": k, "values": v} for k, v in conditions.items()]})
    )
    assert (found[who], found["any other meshed"]) == (YES, NO)


@pytest.mark.parametrize(
    "operation, conditions, name",
    [
        ({"paths": ["/gate/*"]}, [(":path", ["*/canary"])], "/gate/* and */canary"),
        ({"paths": ["/gate/{*}"]}, [(":path", ["*/canary"])], "/gate/{*} and */canary"),
        ({"paths": ["/gate"]}, [(":path", ["*?dry=1"])], "/gate and *?dry=1"),
        ({"methods": ["P*"]}, [(":method", ["*T"])], "P* and *T"),
        ({"hosts": ["gate.*"]}, [("host", ["*.svc:8082"])], "requests of host gate.* and *.svc:8082"),
        ({}, [(":authority", ["g:1"])], "requests of host g:1"),
        ({}, [(":path", ["/x"]), (":method", ["PUT"])], "PUT /x"),
        ({}, [("x-a", ["v*"]), ("X-A", ["*w"])], "requests with x-a: v* and *w"),
        # What stands for a pattern is nothing that is kept out of it.
        ({"paths": ["/gate/*"], "notPaths": ["/gate/z*", "/gate/{*}"]}, [], "/gate/*"),
        ({"methods": ["P*"], "notMethods": ["POST", "PUT"]}, [], "P*"),
        ({"hosts": ["*.svc"], "notHosts": ["z*"]}, [], "requests of host *.svc"),
    ],
)
def test_requests_that_are_all_that_one_rule_asks_for(operation, conditions, name):
    when = [{"key": HEADER(header), "values": values} for header, values in conditions]
    rule = {"to": [{"operation": operation}] if operation else [], "when": when}
    assert name in told(istio(rule))["plaintext"][1]


@pytest.mark.parametrize(
    "rule",
    [
        {"from": [{"source": {"namespaces": ["a*"]}}], "when": [{"key": "source.namespace", "values": ["b*"]}]},
        {"from": [{"source": {"principals": ["cluster.local/ns/a/sa/b"], "namespaces": ["c", "d*"]}}]},
        {"when": [{"key": HEADER("x"), "values": ["a*"]}, {"key": HEADER("x"), "values": ["b"]}]},
        {"to": [{"operation": {"paths": ["/a/*"]}}], "when": [{"key": HEADER(":path"), "values": ["/b*"]}]},
    ],
)
def test_what_excludes_itself_names_nobody(rule):
    [named] = istio(rule).named
    asked = istio(rule)
    calls = [asked.call(PORT, *one) for one in itertools.product(named.callers, named.requests)]
    assert named.whole and all(asked.judge.matches(0, call) is False for call in calls)


def test_what_a_star_stands_for_is_nothing_that_another_rule_names_more_narrowly():
    narrow = {"from": [{"source": {"namespaces": ["team-z*", "*9"]}}], "to": [{"operation": {"paths": ["/z*"]}}]}
    found = told(
        istio({"from": [{"source": {"namespaces": ["team-*"]}}], "to": [{"operation": {"paths": ["/a"]}}]}, narrow)
    )
    assert found["namespace team-*"] == (True, ("/a",), (), ())
    assert found["namespace team-z*"] == (True, ("/a", "/z*"), (), ())


@pytest.mark.parametrize(
    "source, who",
    [
        ({"ipBlocks": ["172.20.0.0/16"], "notIpBlocks": ["172.20.0.0/24"]}, "plaintext from 172.20.0.0/16"),
        ({"ipBlocks": ["172.16.0.0/12"], "notIpBlocks": ["172.16.0.0/16"]}, "plaintext from 172.16.0.0/12"),
        (
            {"ipBlocks": ["10.0.0.8/30"], "notIpBlocks": ["10.0.0.9", "10.0.0.8", "10.0.0.11"]},
            "plaintext from 10.0.0.8/30",
        ),
        ({"ipBlocks": ["10.0.0.0/8"], "remoteIpBlocks": ["10.7.0.0/16"]}, "plaintext from 10.0.0.0/8"),
        ({"ipBlocks": ["2001:db8::/32"], "notIpBlocks": ["2001:db8::/33"]}, "plaintext from 2001:db8::/32"),
    ],
)
def test_an_address_is_none_of_those_that_are_kept_out(source, who):
    asked = istio({"from": [{"source": source}]})
    assert told(asked)[who][0] is True
    assert asked.promised(PORT, asked.meshed, Request()).allowed is None


@pytest.mark.parametrize(
    "source, name",
    [
        ({"remoteIpBlocks": ["10.1.0.0/16"]}, "requests with x-forwarded-for: 10.1.0.0/16"),
        ({"notRemoteIpBlocks": ["10.0.0.0/8"]}, "requests with x-forwarded-for: another address"),
        (
            {"ipBlocks": ["10.0.0.0/8"], "remoteIpBlocks": ["192.0.2.0/24"]},
            "requests with x-forwarded-for: 192.0.2.0/24",
        ),
    ],
)
def test_the_remote_address_is_what_a_caller_claims(source, name):
    asked = istio({"from": [{"source": source}]})
    [request] = [one for one in asked.requests if one.name == name]
    assert asked.ask(PORT, Caller("x", PAYER, "10.9.9.9"), request).allowed is True
    assert asked.ask(PORT, Caller("x", PAYER, "10.9.9.9")).allowed is False


def test_what_only_an_alias_of_the_trust_domain_lets_in_is_no_promise():
    asked = istio({"from": [{"source": {"principals": ["prod.example/ns/bank/sa/payer"]}}]})
    assert asked.aliases == ["prod.example"]
    for who, allowed in ((PAYER, None), ("prod.example/ns/bank/sa/payer", None), ("cluster.local/ns/a/sa/b", False)):
        assert asked.promised(PORT, Caller("x", who), Request()).allowed is allowed


def test_a_waypoint_passes_calls_on_with_its_own_identity():
    rule = {"from": [{"source": {"principals": [PAYER]}}]}
    policy = thing("AuthorizationPolicy", "p", rules=[rule])
    asked = Asked([policy], POD, engine="istio", relay="cluster.local/ns/a/sa/wp")
    assert {name: answer[0] for name, answer in told(asked).items()} == {
        PAYER: None,
        "any other meshed": False,
        "plaintext": False,
    }


def test_what_depends_on_some_requests_alone():
    rule = {"to": [{"operation": {"paths": ["/a"]}}], "when": [{"key": "destination.ip", "values": ["10.0.0.1"]}]}
    assert told(istio(rule))["plaintext"] == (None, (), (), ("/a",))


def test_named_callers_that_are_treated_like_all_others_have_no_row():
    asked = istio({"from": [{"source": {"principals": [PAYER]}}]}, {})
    assert list(told(asked)) == ["any other meshed", "plaintext"]


@pytest.mark.parametrize(
    "text, namespaces, identity",
    [
        (PAYER, ["shop"], None),
        (PAYER, ["shop", "bank"], "mesh/ns/bank/sa/payer"),
        ("*/sa/payer", ["bank"], "mesh/ns/bank/sa/payer"),
        ("other/ns/*", ["bank"], "other/ns/bank/sa/any-other"),
        ("mesh/ns/team-*", ["*-prod"], "mesh/ns/team-zq-other-x9-prod/sa/any-other"),
        ("mesh/ns/a*", ["ab*"], "mesh/ns/abzq-other-x9/sa/any-other"),
        ("mesh/ns/a*", ["b*"], None),
        ("no identity", ["a"], None),
    ],
)
def test_callers_within_namespaces(text, namespaces, identity):
    found = within_namespaces(text, namespaces, "mesh", Steps())
    assert (found and found.identity) == identity


def policy(name="p", target=("Server", "s"), *refs):
    kind, to = target
    refs = [{"group": "policy.linkerd.io", "kind": kind, "name": name} for kind, name in refs]
    ref = {"group": "policy.linkerd.io", "kind": kind, "name": to}
    return thing("Policy", name, targetRef=ref, requiredAuthenticationRefs=refs)


NETWORKS = {"networks": [{"cidr": "192.168.0.0/16", "except": ["192.168.0.0/24"]}]}


def test_an_address_of_a_network_is_in_none_of_its_exceptions():
    network = thing("NetworkAuthentication", "n", **NETWORKS)
    found = told(linkerd(network, policy("p", ("Server", "s"), ("NetworkAuthentication", "n"))))
    assert (found["plaintext from 192.168.0.0/16"], found["plaintext"]) == (YES, NO)
    assert "plaintext from 192.168.0.0/24" not in found  # refused like all others


def test_a_caller_of_whom_identity_and_network_are_asked():
    network = thing("NetworkAuthentication", "n", **NETWORKS)
    mesh = thing("MeshTLSAuthentication", "m", identities=["a.b.serviceaccount.identity.linkerd.cluster.local"])
    both = policy("p", ("Server", "s"), ("NetworkAuthentication", "n"), ("MeshTLSAuthentication", "m"))
    found = told(linkerd(network, mesh, both))
    assert found["a.b.serviceaccount.identity.linkerd.cluster.local from 192.168.0.0/16"] == YES
    assert found["any other meshed"] == found["plaintext"] == NO


def route(*matches, kind="HTTPRoute", **spec):
    parents = [{"group": "policy.linkerd.io", "kind": "Server", "name": "s"}]
    return thing(kind, "r", parentRefs=parents, rules=[{"matches": list(matches)}], **spec)


@pytest.mark.parametrize(
    "match, spec, name",
    [
        ({"method": "GET"}, {}, "GET /"),
        ({"path": {"type": "PathPrefix", "value": "/a"}}, {}, "/a"),
        ({"path": {"type": "RegularExpression", "value": "/(dev|test)/.*"}}, {}, "/(dev|test)/.*"),
        ({"headers": [{"name": "x", "type": "RegularExpression", "value": "a|b"}]}, {}, "/ with x: a|b"),
        ({"queryParams": [{"name": "x", "value": "a+b"}]}, {}, "/ ?x=a+b"),
        ({"path": {"value": "/a"}}, {"hostnames": ["h.example"]}, "/a of host h.example"),
    ],
)
def test_a_route_admits_on_its_requests_alone(match, spec, name):
    everyone = thing("NetworkAuthentication", "n", networks=[{"cidr": "0.0.0.0/0"}, {"cidr": "::/0"}])
    admitted = policy("p", ("HTTPRoute", "r"), ("NetworkAuthentication", "n"))
    assert told(linkerd(route(match, **spec), everyone, admitted))["plaintext"] == (True, (name,), (), ())


def test_a_server_of_grpc_is_asked_in_grpc():
    server = thing(
        "Server",
        "s",
        podSelector={},
        port=8443,
        proxyProtocol="gRPC",
        accessPolicy="audit",
    )
    asked = Asked([server], POD, engine="linkerd")
    assert told(asked) == {"any other meshed": YES, "plaintext": YES}


@pytest.mark.parametrize(
    "block, others, address",
    [
        ("10.0.0.0/8", [], "10.0.0.9"),
        ("10.0.0.0/8", ["10.0.0.0/24"], "10.31.255.255"),
        ("10.0.0.0/30", ["10.0.0.0/31", "10.0.0.2/32"], "10.0.0.3"),
        ("10.0.0.0/31", ["10.0.0.0/32", "10.0.0.1/32"], "10.0.0.1"),  # nothing is left, so any of it
        ("2001:db8::/32", ["2001:db8::/33"], "2001:db8:9fff:ffff:ffff:ffff:ffff:ffff"),
        ("192.0.2.7", [], "192.0.2.7"),
        ("10.0.0.0/29", ["10.0.0.0/30", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.7/32"], "10.0.0.6"),
        ("no block", [], None),
    ],
)
def test_an_address_within_a_block_and_none_of_the_narrower(block, others, address):
    import ipaddress

    others = list(map(ipaddress.ip_network, others))
    assert within(block, others) == address
    assert within(block, without=others) == address


def test_a_promise_holds_from_every_address_that_is_named():
    asked = istio({"from": [{"source": {"ipBlocks": ["192.0.2.0/24"]}}]})
    caller = Caller("plaintext", None)
    assert asked.ask(PORT, caller).allowed is False
    assert asked.promised(PORT, caller, Request()).allowed is None
    assert asked.promised(PORT, caller._replace(ip="192.0.2.1"), Request()).allowed is True


def test_what_is_too_much_is_left_out_and_that_is_told(monkeypatch):
    rules = [{"from": [{"source": {"namespaces": [f"n{number}*"]}}]} for number in range(40)]
    asked = istio(*rules)
    assert (len(told(asked)), asked.work.cut) == (42, False)
    asked.work.left = 2000
    assert (2 < len(told(asked)) < 42, asked.work.cut) == (True, True)
