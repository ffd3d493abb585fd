# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The rows that objects tell apart: what stands for all that is not named, and what depends."""

import pytest
from access_objects import HOME, thing

from stageset_render.access.classes import Caller, Request, within
from stageset_render.access.classes_istio import callers_of
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


def test_what_depends_on_some_requests_alone():
    rule = {"to": [{"operation": {"paths": ["/a"]}}], "when": [{"key": "destination.ip", "values": ["10.0.0.1"]}]}
    assert told(istio(rule))["plaintext"] == (None, (), (), ("/a",))


def test_named_callers_that_are_treated_like_all_others_have_no_row():
    asked = istio({"from": [{"source": {"principals": [PAYER]}}]}, {})
    assert list(told(asked)) == ["any other meshed", "plaintext"]


@pytest.mark.parametrize(
    "text, namespaces, identity",
    [
        (PAYER, ["shop"], PAYER),
        ("*/sa/payer", ["bank"], "mesh/ns/bank/sa/payer"),
        ("other/ns/*", ["bank"], "other/ns/bank/sa/any-other"),
    ],
)
def test_callers_within_namespaces(text, namespaces, identity):
    assert [one.identity for one in callers_of([text], namespaces, "mesh")] == [identity]


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
        ("no block", [], None),
    ],
)
def test_an_address_within_a_block_and_none_of_the_narrower(block, others, address):
    import ipaddress

    assert within(block, map(ipaddress.ip_network, others)) == address


def test_a_promise_holds_from_every_address_that_is_named():
    asked = istio({"from": [{"source": {"ipBlocks": ["192.0.2.0/24"]}}]})
    caller = Caller("plaintext", None)
    assert asked.ask(PORT, caller).allowed is False
    assert asked.promised(PORT, caller, Request()).allowed is None
    assert asked.promised(PORT, caller._replace(ip="192.0.2.1"), Request()).allowed is True
