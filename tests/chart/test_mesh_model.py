# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The model of Istio and Linkerd against facts of their documents, each a row: objects, call, admitted or not."""

import pytest
from mesh_model import Caller, Pod, istio_admits, linkerd_admits

POD = Pod("shop", {"app": "till", "tier": "front"})
PLAIN = Caller(None, None, False)
ALICE = Caller("cluster.local/ns/users/sa/alice", "users", True)
BOB = Caller("cluster.local/ns/staff/sa/bob", "staff", True)
UNPROVEN = ALICE._replace(mtls=False)


def istio(kind, name="one", namespace="shop", **spec):
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "security.istio.io/v1", "kind": kind, "metadata": meta, "spec": spec}


def policy(*rules, name="one", namespace="shop", **spec):
    return istio("AuthorizationPolicy", name, namespace, rules=list(rules), **spec)


def peer(name="one", namespace="shop", **spec):
    return istio("PeerAuthentication", name, namespace, **spec)


def altered(each, **meta):
    return {**each, "metadata": {**each["metadata"], **meta}}


def source(**fields):
    return {"from": [{"source": fields}]}


def operation(**fields):
    return {"to": [{"operation": fields}]}


def when(key, **values):
    return {"when": [{"key": key, **values}]}


TILL = {"matchLabels": {"app": "till"}}
OTHER = {"matchLabels": {"app": "other"}}
STRICT, PERMISSIVE = {"mode": "STRICT"}, {"mode": "PERMISSIVE"}
NOT_ALICE = {"notPrincipals": ["cluster.local/ns/users/sa/alice"]}

# What the row states, the objects, the caller, the port, and whether it is admitted.
ISTIO = [
    # Authorization Policy reference, evaluation order
    ("no policy admits", [], PLAIN, 80, True),
    ("other kinds don't count", [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}], PLAIN, 80, True),
    ("ALLOW without rules", [istio("AuthorizationPolicy", action="ALLOW")], ALICE, 80, False),
    ("an empty list of rules", [policy()], ALICE, 80, False),
    ("no spec is ALLOW without rules", [{k: v for k, v in policy().items() if k != "spec"}], ALICE, 80, False),
    ("an empty rule matches", [policy({})], PLAIN, 80, True),
    ("no action is ALLOW", [policy(operation(ports=["81"]))], ALICE, 80, False),
    ("one ALLOW of two suffices", [policy(name="a"), policy({}, name="b")], PLAIN, 80, True),
    ("one rule of two suffices", [policy(operation(ports=["81"]), operation(ports=["80"]))], PLAIN, 80, True),
    ("DENY wins over ALLOW", [policy({}, name="a"), policy({}, name="b", action="DENY")], ALICE, 80, False),
    ("DENY that doesn't match admits", [policy(operation(ports=["81"]), action="DENY")], PLAIN, 80, True),
    ("DENY without rules never matches", [policy(action="DENY")], PLAIN, 80, True),
    ("DENY alone enables no default", [policy(source(principals=["*"]), action="DENY")], PLAIN, 80, True),
    ("AUDIT doesn't decide", [policy({}, action="AUDIT")], PLAIN, 80, True),
    ("AUDIT admits nothing", [policy({}, name="a", action="AUDIT"), policy(name="b")], PLAIN, 80, False),
    # Authorization Policy reference, selector and metadata.namespace
    ("a selector that selects", [policy(selector=TILL)], ALICE, 80, False),
    ("a selector of another pod", [policy(selector=OTHER)], ALICE, 80, True),
    (
        "labels of the policy itself",
        [altered(policy({}), labels={"app": "x", "linkerd.io/control-plane-ns": "x"})],
        PLAIN,
        80,
        True,
    ),
    ("all labels must match", [policy(selector={"matchLabels": {"app": "till", "tier": "back"}})], ALICE, 80, True),
    ("an empty selector is all", [policy(selector={})], ALICE, 80, False),
    ("another namespace", [policy(namespace="users")], ALICE, 80, True),
    ("the root namespace is every one", [policy(namespace="istio-system")], ALICE, 80, False),
    # Authorization Policy reference, Source
    ("principal", [policy(source(principals=[ALICE.identity]))], ALICE, 80, True),
    ("another principal", [policy(source(principals=[ALICE.identity]))], BOB, 80, False),
    ("a principal that no certificate proves", [policy(source(principals=[ALICE.identity]))], UNPROVEN, 80, False),
    ("a principal has no scheme", [policy(source(principals=[f"spiffe://{ALICE.identity}"]))], ALICE, 80, False),
    ("one principal of two", [policy(source(principals=[BOB.identity, ALICE.identity]))], ALICE, 80, True),
    ("* is any principal", [policy(source(principals=["*"]))], BOB, 80, True),
    ("* is no plaintext", [policy(source(principals=["*"]))], PLAIN, 80, False),
    ("principal prefix", [policy(source(principals=["cluster.local/ns/users/*"]))], ALICE, 80, True),
    ("another principal prefix", [policy(source(principals=["cluster.local/ns/users/*"]))], BOB, 80, False),
    ("a prefix is also itself", [policy(source(principals=[f"{ALICE.identity}*"]))], ALICE, 80, True),
    ("principal suffix", [policy(source(principals=["*/sa/bob"]))], BOB, 80, True),
    ("another principal suffix", [policy(source(principals=["*/sa/bob"]))], ALICE, 80, False),
    ("principals tell upper case", [policy(source(principals=[ALICE.identity.upper()]))], ALICE, 80, False),
    ("namespace", [policy(source(namespaces=["users"]))], ALICE, 80, True),
    ("another namespace of the caller", [policy(source(namespaces=["users"]))], BOB, 80, False),
    ("a namespace that no certificate proves", [policy(source(namespaces=["users"]))], UNPROVEN, 80, False),
    ("any namespace is no plaintext", [policy(source(namespaces=["*"]))], PLAIN, 80, False),
    ("namespace prefix", [policy(source(namespaces=["us*"]))], ALICE, 80, True),
    ("namespace suffix", [policy(source(namespaces=["*ers"]))], BOB, 80, False),
    ("fields of a source are an AND", [policy(source(principals=["*"], namespaces=["staff"]))], ALICE, 80, False),
    ("both fields of a source", [policy(source(principals=["*"], namespaces=["users"]))], ALICE, 80, True),
    (
        "sources are an OR",
        [policy({"from": [{"source": {"namespaces": [name]}} for name in ("x", "users")]})],
        ALICE,
        80,
        True,
    ),
    ("notPrincipals refuses", [policy(source(**NOT_ALICE))], ALICE, 80, False),
    ("notPrincipals admits others", [policy(source(**NOT_ALICE))], BOB, 80, True),
    ("notPrincipals admits plaintext", [policy(source(**NOT_ALICE))], PLAIN, 80, True),
    ("notPrincipals * is plaintext", [policy(source(notPrincipals=["*"]), action="DENY")], PLAIN, 80, False),
    ("notNamespaces", [policy(source(notNamespaces=["users"]))], ALICE, 80, False),
    ("positive and negative", [policy(source(principals=["*"], **NOT_ALICE))], BOB, 80, True),
    ("ipBlocks", [policy(source(ipBlocks=["10.0.0.0/8"]))], PLAIN, 80, True),
    ("ipBlocks of one address", [policy(source(ipBlocks=["10.0.0.9"]))], PLAIN, 80, True),
    ("ipBlocks by any address of theirs", [policy(source(ipBlocks=["10.1.2.3/8"]))], PLAIN, 80, True),
    ("other ipBlocks", [policy(source(ipBlocks=["192.168.0.0/16", "::/0"]))], PLAIN, 80, False),
    ("notIpBlocks", [policy(source(notIpBlocks=["10.0.0.0/8"]))], PLAIN, 80, False),
    # Authorization Policy reference, Operation
    ("port", [policy(operation(ports=["81", "80"]))], PLAIN, 80, True),
    ("another port", [policy(operation(ports=["8080"]))], PLAIN, 80, False),
    ("notPorts", [policy(operation(notPorts=["80"]))], PLAIN, 80, False),
    ("a port with zeros in front", [policy(operation(ports=["000080"]))], PLAIN, 80, True),
    ("from and to are an AND", [policy({**source(principals=["*"]), **operation(ports=["81"])})], ALICE, 80, False),
    (
        "operations are an OR",
        [policy({"to": [{"operation": {"ports": [port]}} for port in ("81", "80")]})],
        PLAIN,
        80,
        True,
    ),
    ("path and method", [policy(operation(paths=["/gate/*"], methods=["GET"]))], PLAIN, 80, True),
    ("another path", [policy(operation(paths=["/gate"]))], PLAIN, 80, False),
    ("path suffix", [policy(operation(paths=["*/a"]))], PLAIN, 80, True),
    ("another method", [policy(operation(methods=["POST"]))], PLAIN, 80, False),
    ("hosts don't tell upper case", [policy(operation(hosts=["*.SHOP.example"]))], PLAIN, 80, True),
    ("notHosts", [policy(operation(notHosts=["till.shop.example"]))], PLAIN, 80, False),
    # Authorization Policy Conditions reference
    ("when source.principal", [policy(when("source.principal", values=["*/sa/alice"]))], ALICE, 80, True),
    ("when source.namespace", [policy(when("source.namespace", values=["staff"]))], ALICE, 80, False),
    ("when source.ip", [policy(when("source.ip", notValues=["10.0.0.0/8"]))], PLAIN, 80, False),
    ("when destination.port", [policy(when("destination.port", values=["80"]))], PLAIN, 80, True),
    ("when a header", [policy(when("request.headers[x-team]", values=["r*"]))], PLAIN, 80, True),
    ("when another header", [policy(when("request.headers[x-none]", values=["*"]))], PLAIN, 80, False),
    ("an absent header is no value", [policy(when("request.headers[x-none]", notValues=["a"]))], PLAIN, 80, True),
    (
        "conditions are an AND",
        [policy({"when": [{"key": "destination.port", "values": [port]} for port in ("80", "81")]})],
        PLAIN,
        80,
        False,
    ),
    # PeerAuthentication reference
    ("STRICT refuses plaintext", [peer(mtls=STRICT)], PLAIN, 80, False),
    ("STRICT refuses before ALLOW", [peer(mtls=STRICT), policy({})], PLAIN, 80, False),
    ("STRICT admits mTLS", [peer(mtls=STRICT)], ALICE, 80, True),
    ("PERMISSIVE admits plaintext", [peer(mtls=PERMISSIVE)], PLAIN, 80, True),
    ("no mode inherits PERMISSIVE", [peer(selector=TILL)], PLAIN, 80, True),
    (
        "a workload over its namespace",
        [peer("a", mtls=STRICT), peer("b", mtls=PERMISSIVE, selector=TILL)],
        PLAIN,
        80,
        True,
    ),
    ("another workload", [peer("a", mtls=STRICT), peer("b", mtls=PERMISSIVE, selector=OTHER)], PLAIN, 80, False),
    ("UNSET inherits", [peer("a", mtls=STRICT), peer("b", mtls={"mode": "UNSET"}, selector=TILL)], PLAIN, 80, False),
    (
        "a namespace over the mesh",
        [peer(namespace="istio-system", mtls=STRICT), peer(mtls=PERMISSIVE)],
        PLAIN,
        80,
        True,
    ),
    ("the mesh", [peer(namespace="istio-system", mtls=STRICT)], PLAIN, 80, False),
    ("another namespace's mode", [peer(namespace="users", mtls=STRICT)], PLAIN, 80, True),
    ("the same labels elsewhere", [peer(namespace="users", mtls=STRICT, selector=TILL)], PLAIN, 80, True),
    ("a port over its workload", [peer(mtls=STRICT, selector=TILL, portLevelMtls={80: PERMISSIVE})], PLAIN, 80, True),
    ("a port as text", [peer(mtls=STRICT, selector=TILL, portLevelMtls={"80": PERMISSIVE})], PLAIN, 80, True),
    ("the other ports", [peer(mtls=STRICT, selector=TILL, portLevelMtls={80: PERMISSIVE})], PLAIN, 81, False),
    ("a STRICT port", [peer(selector=TILL, portLevelMtls={80: STRICT})], PLAIN, 80, False),
    ("an UNSET port", [peer(mtls=STRICT, selector=TILL, portLevelMtls={80: {"mode": "UNSET"}})], PLAIN, 80, False),
    (
        "a PERMISSIVE port keeps the policies",
        [peer(mtls=STRICT, selector=TILL, portLevelMtls={80: PERMISSIVE}), policy(source(principals=["*"]))],
        PLAIN,
        80,
        False,
    ),
    (
        "DISABLE proves no identity",
        [peer(mtls={"mode": "DISABLE"}), policy(source(principals=["*"]))],
        ALICE,
        80,
        False,
    ),
]


def rows(table):
    return [pytest.param(*row[1:], id=row[0]) for row in table]


@pytest.mark.parametrize("objects, caller, port, admitted", rows(ISTIO))
def test_istio(objects, caller, port, admitted):
    verdict = istio_admits(
        objects, POD, caller, port, path="/gate/a", host="till.shop.example", headers={"X-Team": "red"}
    )
    assert verdict is admitted


def test_a_call_is_a_get_of_the_root_without_headers():
    rules = {**operation(paths=["/"], methods=["GET"]), **when("request.headers[x-team]", notValues=["*"])}
    assert istio_admits([policy(rules)], POD, PLAIN, 80)


ANN = "ann.users.serviceaccount.identity.linkerd.cluster.local"
MESHED = Caller(ANN, "users", True)
STAFF = Caller("ben.staff.serviceaccount.identity.linkerd.cluster.local", "staff", True)
SPIFFE = Caller("spiffe://root.example/ann", None, True)
OUTSIDE = Caller(None, None, False, "203.0.113.5")
CLAIMED = MESHED._replace(mtls=False)


def linkerd(version, kind, name, namespace="shop", **spec):
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": f"policy.linkerd.io/{version}", "kind": kind, "metadata": meta, "spec": spec}


def server(name="till", version="v1beta3", labels=None, port=80, **spec):
    return linkerd(version, "Server", name, podSelector={"matchLabels": labels or {"app": "till"}}, port=port, **spec)


def authorization(*references, kind="Server", target="till", name="one", namespace="shop"):
    group = {"Server": "policy.linkerd.io", "Namespace": "core", "HTTPRoute": "policy.linkerd.io"}[kind]
    return linkerd(
        "v1alpha1",
        "AuthorizationPolicy",
        name,
        namespace,
        targetRef={"group": group, "kind": kind, "name": target},
        requiredAuthenticationRefs=list(references),
    )


def mesh_tls(namespace="shop", **spec):
    return linkerd("v1alpha1", "MeshTLSAuthentication", "known", namespace, **spec)


def nets(*networks):
    return linkerd("v1alpha1", "NetworkAuthentication", "nets", networks=list(networks))


def server_authorization(server="till", **client):
    return linkerd("v1beta1", "ServerAuthorization", "old", server={"name": server}, client=client)


KNOWN = {"group": "policy.linkerd.io", "kind": "MeshTLSAuthentication", "name": "known"}
NETS = {"group": "policy.linkerd.io", "kind": "NetworkAuthentication", "name": "nets"}
ACCOUNT = {"kind": "ServiceAccount", "name": "ann", "namespace": "users"}


def known(**spec):
    return [server(), authorization(KNOWN), mesh_tls(**spec)]


def ruled(*references):
    return [server(), authorization(*references)]


def space(policy=None, name="shop"):
    annotations = {"config.linkerd.io/default-inbound-policy": policy} if policy else None
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "annotations": annotations}}


LINKERD = [
    # Authorization policy reference, default policies: a port without a Server
    ("no object admits", [], PLAIN, 80, True),
    ("a Namespace without annotations", [space()], PLAIN, 80, True),
    ("default deny", [space("deny")], MESHED, 80, False),
    ("another namespace's default", [space("deny", "users")], PLAIN, 80, True),
    ("all-unauthenticated", [space("all-unauthenticated")], OUTSIDE, 80, True),
    ("all-authenticated, plaintext", [space("all-authenticated")], PLAIN, 80, False),
    ("all-authenticated, meshed", [space("all-authenticated")], MESHED, 80, True),
    ("cluster-unauthenticated, inside", [space("cluster-unauthenticated")], PLAIN, 80, True),
    ("cluster-unauthenticated, outside", [space("cluster-unauthenticated")], OUTSIDE, 80, False),
    ("cluster-authenticated, plaintext", [space("cluster-authenticated")], PLAIN, 80, False),
    ("cluster-authenticated, meshed", [space("cluster-authenticated")], MESHED, 80, True),
    ("audit", [space("audit")], OUTSIDE, 80, True),
    (
        "a policy on the Namespace is for Servers",
        [space("deny"), authorization(kind="Namespace", target="shop")],
        MESHED,
        80,
        False,
    ),
    # Authorization policy reference, Server
    ("a Server without policy", [server()], MESHED, 80, False),
    ("a Server of v1beta1", [server(version="v1beta1")], MESHED, 80, False),
    ("a Server of v1beta2 with a policy", [server(version="v1beta2"), authorization()], PLAIN, 80, True),
    ("a Server leaves other ports", [server()], PLAIN, 81, True),
    ("a Server of another pod", [server(labels={"app": "other"})], PLAIN, 80, True),
    ("a Server elsewhere with the same labels", [altered(server(), namespace="users")], PLAIN, 80, True),
    ("a Server over the default", [space("deny"), *ruled()], PLAIN, 80, True),
    ("a Server over an open default", [space("all-unauthenticated"), server()], PLAIN, 80, False),
    ("accessPolicy admits the rest", [server(accessPolicy="all-unauthenticated")], PLAIN, 80, True),
    (
        "accessPolicy adds to policies",
        [server(accessPolicy="all-authenticated"), authorization(NETS), nets({"cidr": "203.0.113.0/24"})],
        MESHED,
        80,
        True,
    ),
    ("accessPolicy deny", [server(accessPolicy="deny")], MESHED, 80, False),
    ("proxyProtocol doesn't count", [server(proxyProtocol="TLS")], MESHED, 80, False),
    # Authorization policy reference, AuthorizationPolicy
    ("no authentication is everybody", ruled(), OUTSIDE, 80, True),
    ("a policy for another Server", [server(), authorization(target="other")], MESHED, 80, False),
    ("a policy of another namespace", [server(), authorization(namespace="users")], MESHED, 80, False),
    ("a policy for the Namespace", [server(), authorization(kind="Namespace", target="shop")], PLAIN, 80, True),
    (
        "one policy of two suffices",
        [*known(identities=[STAFF.identity]), authorization(ACCOUNT, name="two")],
        MESHED,
        80,
        True,
    ),
    ("a reference to nothing", ruled(KNOWN), MESHED, 80, False),
    ("a reference to nothing beside one that holds", ruled(ACCOUNT, NETS), MESHED, 80, False),
    ("a reference is to its own namespace", [*ruled(KNOWN), mesh_tls("users", identities=["*"])], MESHED, 80, False),
    (
        "a reference to another namespace",
        [*ruled({**KNOWN, "namespace": "users"}), mesh_tls("users", identities=["*"])],
        MESHED,
        80,
        True,
    ),
    ("all references must hold", [*ruled(ACCOUNT, NETS), nets({"cidr": "203.0.113.0/24"})], MESHED, 80, False),
    ("all references hold", [*ruled(ACCOUNT, NETS), nets({"cidr": "10.0.0.0/8"})], MESHED, 80, True),
    ("a ServiceAccount", ruled(ACCOUNT), MESHED, 80, True),
    ("another ServiceAccount", ruled(ACCOUNT), STAFF, 80, False),
    ("a ServiceAccount of the policy's namespace", ruled({"kind": "ServiceAccount", "name": "ann"}), MESHED, 80, False),
    # Authorization policy reference, MeshTLSAuthentication
    ("* is any identity", known(identities=["*"]), STAFF, 80, True),
    ("* is no plaintext", known(identities=["*"]), PLAIN, 80, False),
    ("an identity that no certificate proves", known(identities=["*", ANN]), CLAIMED, 80, False),
    ("an identity", known(identities=["x.y", ANN]), MESHED, 80, True),
    ("another identity", known(identities=[ANN]), STAFF, 80, False),
    ("an identity that differs in one letter", known(identities=[f"x{ANN[1:]}"]), MESHED, 80, False),
    ("a suffix", known(identities=["*.users.serviceaccount.identity.linkerd.cluster.local"]), MESHED, 80, True),
    ("another suffix", known(identities=["*.users.serviceaccount.identity.linkerd.cluster.local"]), STAFF, 80, False),
    (
        "a suffix is of whole labels",
        known(identities=["*.sers.serviceaccount.identity.linkerd.cluster.local"]),
        MESHED,
        80,
        False,
    ),
    ("a suffix is not itself", known(identities=[f"*.{ANN}"]), MESHED, 80, False),
    ("a SPIFFE identity", known(identities=["spiffe://root.example/ann"]), SPIFFE, 80, True),
    ("identityRefs, ServiceAccount", known(identityRefs=[ACCOUNT]), MESHED, 80, True),
    (
        "identityRefs, local ServiceAccount",
        known(identityRefs=[{"kind": "ServiceAccount", "name": "ann"}]),
        MESHED,
        80,
        False,
    ),
    ("identityRefs, Namespace", known(identityRefs=[{"kind": "Namespace", "name": "users"}]), MESHED, 80, True),
    ("identityRefs, another Namespace", known(identityRefs=[{"kind": "Namespace", "name": "users"}]), STAFF, 80, False),
    # Authorization policy reference, NetworkAuthentication
    ("a network", [*ruled(NETS), nets({"cidr": "192.168.0.0/16"}, {"cidr": "10.0.0.0/8"})], PLAIN, 80, True),
    ("another network", [*ruled(NETS), nets({"cidr": "10.0.0.0/8"})], OUTSIDE, 80, False),
    ("an exception", [*ruled(NETS), nets({"cidr": "10.0.0.0/8", "except": ["10.0.0.9"]})], PLAIN, 80, False),
    (
        "an exception of one network",
        [*ruled(NETS), nets({"cidr": "10.0.0.0/8", "except": ["10.0.0.0/24"]}, {"cidr": "10.0.0.9/32"})],
        PLAIN,
        80,
        True,
    ),
    # Authorization policy reference, ServerAuthorization
    ("unauthenticated", [server(), server_authorization(unauthenticated=True)], PLAIN, 80, True),
    ("of another Server", [server(), server_authorization("other", unauthenticated=True)], PLAIN, 80, False),
    ("nobody named", [server(), server_authorization(unauthenticated=False)], MESHED, 80, False),
    ("meshTLS identities", [server(), server_authorization(meshTLS={"identities": [ANN]})], MESHED, 80, True),
    ("other meshTLS identities", [server(), server_authorization(meshTLS={"identities": [ANN]})], STAFF, 80, False),
    (
        "meshTLS serviceAccounts",
        [server(), server_authorization(meshTLS={"serviceAccounts": [{"name": "ann", "namespace": "users"}]})],
        MESHED,
        80,
        True,
    ),
    (
        "meshTLS of the own namespace",
        [server(), server_authorization(meshTLS={"serviceAccounts": [{"name": "ann"}]})],
        MESHED,
        80,
        False,
    ),
    (
        "unauthenticatedTLS, plaintext",
        [server(), server_authorization(meshTLS={"unauthenticatedTLS": True})],
        PLAIN,
        80,
        False,
    ),
    (
        "unauthenticatedTLS, meshed",
        [server(), server_authorization(meshTLS={"unauthenticatedTLS": True})],
        MESHED,
        80,
        True,
    ),
    (
        "networks and identities",
        [server(), server_authorization(networks=[{"cidr": "203.0.113.0/24"}], meshTLS={"identities": ["*"]})],
        MESHED,
        80,
        False,
    ),
    (
        "networks without identity",
        [server(), server_authorization(networks=[{"cidr": "203.0.113.0/24"}], unauthenticated=True)],
        OUTSIDE,
        80,
        True,
    ),
]


@pytest.mark.parametrize("objects, caller, port, admitted", rows(LINKERD))
def test_linkerd(objects, caller, port, admitted):
    assert linkerd_admits(objects, POD, caller, port) is admitted


@pytest.mark.parametrize(
    "setting, value, objects, admitted",
    [
        ("default-inbound-policy", "deny", [], False),
        ("default-inbound-policy", "all-unauthenticated", [space("deny")], True),
        ("default-inbound-policy", "all-unauthenticated", [server()], False),
        ("skip-inbound-ports", "80", [server()], True),
        ("skip-inbound-ports", "22, 79-81", [space("deny")], True),
        ("skip-inbound-ports", "8080,79", [space("deny")], False),
        ("opaque-ports", "80", [space("deny")], False),
    ],
)
def test_linkerd_annotations_of_the_pod(setting, value, objects, admitted):
    pod = POD._replace(annotations={f"config.linkerd.io/{setting}": value})
    assert linkerd_admits(objects, pod, PLAIN, 80) is admitted


@pytest.mark.parametrize(
    "objects, admitted",
    [
        ([space("deny")], True),
        ([server()], True),
        ([server(proxyProtocol="HTTP/1")], True),
        ([server(proxyProtocol="HTTP/2")], False),
        ([server(proxyProtocol="opaque")], False),
    ],
)
def test_linkerd_admits_probes_as_long_as_it_sees_them(objects, admitted):
    pod = POD._replace(probes={80: ["/healthz"]})
    assert linkerd_admits(objects, pod, PLAIN, 80, "/healthz") is admitted
    assert not linkerd_admits(objects, pod, PLAIN, 80, "/debug")


REFUSED = {
    "unknown field of a spec": ([policy(targetRefs=[])], "does not know the field 'targetRefs'"),
    "unknown action": ([policy(action="CUSTOM")], "'CUSTOM' is none of"),
    "unknown field of a rule": ([policy({"form": []})], "does not know the field 'form'"),
    "unknown field of a source": ([policy(source(requestPrincipals=["*"]))], "the field 'requestPrincipals'"),
    "unknown field of an operation": ([policy(operation(port=["80"]))], "the field 'port'"),
    "an unknown field of a policy for another pod": ([policy({"form": []}, selector=OTHER)], "the field 'form'"),
    "an unknown field of a policy elsewhere": ([policy({"form": []}, namespace="users")], "the field 'form'"),
    "an unknown field behind a rule that admits": ([policy({}, {"form": []})], "the field 'form'"),
    "empty from": ([policy({"from": []})], "is no list or empty"),
    "a mapping for a list": ([policy({"from": {"source": {}}})], "is no list or empty"),
    "a list for a word": ([policy(action=["ALLOW"])], "['ALLOW'] is none of"),
    "empty source": ([policy(source())], "needs 1 to 99 fields"),
    "empty list of principals": ([policy(source(principals=[]))], "is no list or empty"),
    "empty principal": ([policy(source(principals=[""]))], "'' is no text or empty"),
    "null principals": ([policy(source(principals=None))], "None is no list"),
    "a port that is no text": ([policy(operation(ports=[80]))], "80 is no text or empty"),
    "a port by name": ([policy(operation(ports=["http"]))], "no port number: 'http'"),
    "* inside": ([policy(source(principals=["a*b"]))], "only as the first or the last"),
    "* at both ends": ([policy(source(principals=["*a*"]))], "only as the first or the last"),
    "a path template": ([policy(operation(paths=["/a/{*}"]))], "only as the first or the last"),
    "a path template without *": ([policy(operation(paths=["/{a}"]))], "only as the first or the last"),
    "a / in a namespace": ([policy(source(namespaces=["users/sa"]))], "sidecars match 'users/sa' with all of"),
    "a namespace suffix that also ends /sa": ([policy(source(namespaces=["*a"]))], "sidecars match '*a' with all of"),
    "a bad network": ([policy(source(ipBlocks=["10.0.0"]))], "does not appear to be an IPv4 or IPv6 network"),
    "unknown condition": ([policy(when("request.auth.claims[iss]", values=["a"]))], "condition key 'request.auth"),
    "condition without values": ([policy(when("source.ip"))], "needs 2 to 3 fields"),
    "condition with a bad value": ([policy(when("destination.port", values=["http"]))], "no port number"),
    "a mode that isn't": ([peer(mtls={"mode": "strict"})], "'strict' is none of"),
    "an unknown kind": ([istio("RequestAuthentication")], "does not know security.istio.io/v1 RequestAuthentication"),
    "an unknown version": ([server(version="v1alpha1")], "does not know policy.linkerd.io/v1alpha1 Server"),
    "no namespace": ([{**server(), "metadata": {"name": "a"}}], "Server.metadata: {'name': 'a'} lacks ['namespace']"),
    "a field beside the spec": ([{**server(), "status": {}}], "does not know the field 'status'"),
    "the same twice": ([policy(), policy({})], "AuthorizationPolicy shop/one stands twice"),
    "a dry run": ([altered(policy(), annotations={"istio.io/dry-run": "true"})], "annotations ['istio.io/dry-run']"),
    "another revision": ([altered(policy(), labels={"istio.io/rev": "a"})], "annotations ['istio.io/rev']"),
    "a Server's port by name": ([server(port="http")], "'http' is no int"),
    "accessPolicy before v1beta3": ([server(version="v1beta2", accessPolicy="deny")], "the field 'accessPolicy'"),
    "a default that isn't": ([server(accessPolicy="allow")], "'allow' is none of"),
    "a Server without podSelector": ([linkerd("v1beta3", "Server", "a", port=80)], "lacks ['podSelector']"),
    "identities of two kinds": ([mesh_tls(identities=["*"], identityRefs=[ACCOUNT])], "needs 1 to 1 fields"),
    "an identity with * inside": ([mesh_tls(identities=["a.*.b"])], "not 'a.*.b'"),
    "no networks": ([nets()], "is no list or empty"),
    "a route": ([linkerd("v1beta3", "HTTPRoute", "a")], "does not know policy.linkerd.io/v1beta3 HTTPRoute"),
    "a ServerAuthorization by selector": (
        [linkerd("v1beta1", "ServerAuthorization", "a", server={"selector": TILL}, client={})],
        "the field 'selector'",
    ),
}
EITHER = (ValueError, NotImplementedError)


@pytest.mark.parametrize("admits", [istio_admits, linkerd_admits])
@pytest.mark.parametrize("objects, message", REFUSED.values(), ids=REFUSED)
def test_an_object_that_the_model_does_not_know_is_refused(objects, message, admits):
    with pytest.raises(EITHER) as refusal:
        admits(objects, POD, ALICE, 80)
    assert message in str(refusal.value)


REFUSED_BY_ISTIO = {
    "ports without selector": ([peer(portLevelMtls={80: STRICT})], "portLevelMtls needs a selector"),
    "two modes of the namespace": ([peer("a", mtls=STRICT), peer("b", mtls=PERMISSIVE)], "two PeerAuthentications"),
    "two modes of the workload": ([peer("a", selector=TILL), peer("b", selector=TILL)], "two PeerAuthentications"),
    "a workload from the root": ([peer(namespace="istio-system", selector=TILL)], "a selector in the root namespace"),
}


@pytest.mark.parametrize("objects, message", REFUSED_BY_ISTIO.values(), ids=REFUSED_BY_ISTIO)
def test_what_istio_does_not_define_is_refused(objects, message):
    with pytest.raises(EITHER) as refusal:
        istio_admits(objects, POD, ALICE, 80)
    assert message in str(refusal.value)


GATEWAY_ROUTE = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "a"},
    "spec": {"parentRefs": [{"group": "policy.linkerd.io", "kind": "Server", "name": "till"}]},
}
REFUSED_BY_LINKERD = {
    "two Servers": ([server("a"), server("b")], "several Servers select one port: ['a', 'b']"),
    "a route as target": ([authorization(kind="HTTPRoute")], "does not know the target"),
    "a route of a Server": ([GATEWAY_ROUTE], "does not know a HTTPRoute of a Server"),
    "another Namespace": ([authorization(kind="Namespace", target="users")], "targets another namespace"),
    "two identities": (ruled(KNOWN, ACCOUNT), "two authentications of one kind"),
    "two networks": (ruled(NETS, {**NETS, "name": "b"}), "two authentications of one kind"),
    "an authentication of the core group": (ruled({**KNOWN, "group": ""}), "does not know the authentication"),
    "an identity of another kind": (known(identityRefs=[{"kind": "Pod", "name": "a"}]), "the identity reference"),
    "a Namespace in a namespace": (known(identityRefs=[{**ACCOUNT, "kind": "Namespace"}]), "the identity reference"),
    "a default that isn't": ([space("allow")], "'allow' is none of"),
}


@pytest.mark.parametrize("objects, message", REFUSED_BY_LINKERD.values(), ids=REFUSED_BY_LINKERD)
def test_what_linkerd_does_not_define_is_refused(objects, message):
    with pytest.raises(EITHER) as refusal:
        linkerd_admits(objects, POD, PLAIN, 80)
    assert message in str(refusal.value)


def test_a_server_authorization_without_networks_is_certain_inside_the_cluster_only():
    with pytest.raises(NotImplementedError, match="without networks"):
        linkerd_admits([server(), server_authorization(unauthenticated=True)], POD, OUTSIDE, 80)


@pytest.mark.parametrize(
    "admits, annotation",
    [
        (istio_admits, "traffic.sidecar.istio.io/excludeInboundPorts"),
        (istio_admits, "sidecar.istio.io/inject"),
        (linkerd_admits, "linkerd.io/inject"),
        (linkerd_admits, "config.linkerd.io/proxy-await"),
    ],
)
def test_an_unknown_annotation_of_the_mesh_is_refused(admits, annotation):
    with pytest.raises(NotImplementedError, match=annotation):
        admits([], POD._replace(annotations={annotation: "80"}), PLAIN, 80)
