# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The objects of the mesh as they stand: which render when, with which keys and no empty ones."""

import pytest
from conftest import objects

FLAGGER = "cluster.local/ns/flagger/sa/flagger"
LINKERD = "flagger.flagger.serviceaccount.identity.linkerd.cluster.local"
SELECTOR = {
    "matchLabels": {
        "app.kubernetes.io/name": "stageset-controller",
        "app.kubernetes.io/component": "controller",
        "app.kubernetes.io/instance": "stageset",
        "app.kubernetes.io/part-of": "stageset-controller",
    }
}
ALL_ON = {port: {"enabled": True} for port in ("gate", "mcp", "webhook")}
PORTS = {"gate": "8082", "metrics": "8080", "mcp": "8084"}


def mesh(template, engine="istio", values=None, **settings):
    values = {"serviceMesh": {"enabled": True, "engine": engine, **settings}, **(values or {})}
    return objects(values, templates=[f"{template}.yaml"])


TEMPLATES = {
    "istio-authorizationpolicy": {"istio"},
    "peerauthentication": {"istio"},
    "linkerd-serverauthorization": {"linkerd"},
    "servicemesh-default-deny": {"istio"},
}


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("engine", ["istio", "linkerd"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_renders_for_its_engine_alone(template, engine, enabled):
    found = mesh(template, engine, enabled=enabled, mtls="strict", defaultDeny={"enabled": True})
    assert bool(found) is (enabled and engine in TEMPLATES[template])


@pytest.mark.parametrize("template", ["peerauthentication", "servicemesh-default-deny"])
def test_what_is_not_asked_for_does_not_render(template):
    assert mesh(template) == []


@pytest.mark.parametrize(
    "entries, sources",
    [
        ([{"principals": [FLAGGER]}], [{"principals": [FLAGGER]}]),
        ([{"namespaces": ["a", "b"]}], [{"namespaces": ["a", "b"]}]),
        (
            [{"principals": [FLAGGER, "x"], "namespaces": ["a"]}, {"namespaces": ["b"], "principals": []}],
            [{"principals": [FLAGGER, "x"], "namespaces": ["a"]}, {"namespaces": ["b"]}],
        ),
        ([], None),
        (None, None),
    ],
)
@pytest.mark.parametrize("port", PORTS)
def test_istio_has_a_source_for_each_entry_of_its_port_and_no_empty_keys(port, entries, sources):
    [policy] = mesh("istio-authorizationpolicy", values=ALL_ON, **{port: {"from": entries}})
    rules = {one: {"to": [{"operation": {"ports": [number]}}]} for one, number in PORTS.items()}
    if sources:
        rules[port]["from"] = [{"source": one} for one in sources]
    carved_out = {"to": [{"operation": {"ports": ["8081", "9443"]}}]}
    assert policy["spec"] == {"selector": SELECTOR, "action": "ALLOW", "rules": [*rules.values(), carved_out]}


@pytest.mark.parametrize("port", ["gate", "mcp", "webhook"])
def test_istio_names_no_port_that_is_off(port):
    [policy] = mesh("istio-authorizationpolicy", values={**ALL_ON, port: {"enabled": False}})
    named = [number for rule in policy["spec"]["rules"] for number in rule["to"][0]["operation"]["ports"]]
    assert named == [number for name, number in {**PORTS, "health": "8081", "webhook": "9443"}.items() if name != port]


def test_rules_added_for_istio_follow_as_they_are():
    added = [{"when": [{"key": "request.headers[x]", "values": ["y"]}]}, {"to": [{"operation": {"ports": ["1"]}}]}]
    [policy] = mesh("istio-authorizationpolicy", istio={"rules": added})
    [plain] = mesh("istio-authorizationpolicy")
    assert policy["spec"]["rules"] == [*plain["spec"]["rules"], *added]


PERMISSIVE, STRICT = {"mode": "PERMISSIVE"}, {"mode": "STRICT"}


@pytest.mark.parametrize(
    "mtls, webhook, spec",
    [
        ("strict", True, {"mtls": STRICT, "portLevelMtls": {"8081": PERMISSIVE, "9443": PERMISSIVE}}),
        ("strict", False, {"mtls": STRICT, "portLevelMtls": {"8081": PERMISSIVE}}),
        ("permissive", True, {"mtls": PERMISSIVE}),
        ("permissive", False, {"mtls": PERMISSIVE}),
    ],
)
def test_the_peerauthentication(mtls, webhook, spec):
    [found] = mesh("peerauthentication", values={"webhook": {"enabled": webhook}}, mtls=mtls)
    assert found["spec"] == {"selector": SELECTOR, **spec}


def test_the_default_deny_of_istio_is_a_policy_for_the_namespace_without_rules():
    [found] = mesh("servicemesh-default-deny", defaultDeny={"enabled": True})
    assert found["metadata"]["name"] == "stageset-controller-default-deny"
    assert found["spec"] == {"action": "ALLOW"}


@pytest.mark.parametrize("gate", [True, False])
def test_linkerd_has_three_objects_for_each_port_that_is_on(gate):
    found = mesh("linkerd-serverauthorization", "linkerd", values={"gate": {"enabled": gate}})
    ports = {"gate": 8082, "metrics": 8080} if gate else {"metrics": 8080}
    names = [f"stageset-controller-{port}" for port in ports]
    specs = {(one["kind"], one["metadata"]["name"]): one["spec"] for one in found}
    assert len(specs) == len(found) == 3 * len(ports)
    for name, number in zip(names, ports.values()):
        assert specs["Server", name] == {"podSelector": SELECTOR, "port": number}
        assert specs["MeshTLSAuthentication", name] == {"identities": ["*"]}
        group = {"group": "policy.linkerd.io", "name": name}
        assert specs["AuthorizationPolicy", name] == {
            "targetRef": {**group, "kind": "Server"},
            "requiredAuthenticationRefs": [{**group, "kind": "MeshTLSAuthentication"}],
        }


@pytest.mark.parametrize(
    "entries, identities",
    [
        ([{"principals": [LINKERD]}, {"principals": ["a", "b"]}], [LINKERD, "a", "b"]),
        ([{"principals": [LINKERD]}, {"namespaces": ["a"]}, {"namespaces": ["a"], "principals": []}], [LINKERD]),
        ([], ["*"]),
        (None, ["*"]),
    ],
)
@pytest.mark.parametrize("port", ["gate", "metrics"])
def test_linkerd_has_one_list_of_identities(port, entries, identities):
    found = mesh("linkerd-serverauthorization", "linkerd", **{port: {"from": entries}})
    lists = {one["metadata"]["name"]: one["spec"].get("identities") for one in found if one["kind"][:4] == "Mesh"}
    other = {"gate": "metrics", "metrics": "gate"}[port]
    assert lists == {f"stageset-controller-{port}": identities, f"stageset-controller-{other}": ["*"]}


def test_objects_added_for_linkerd_follow_as_they_are():
    added = [{"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}} for kind in ("Zebra", "Yak")]
    found = mesh("linkerd-serverauthorization", "linkerd", linkerd={"authorizations": added})
    assert [one for one in found if one in added] == sorted(added, key=lambda one: one["kind"])
    assert len(found) == 6 + len(added)


# The Namespace, whose annotation is Linkerd's default deny


def namespace(**values):
    return objects({"namespace": {"create": True}, **values}, templates=["namespace.yaml"])


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("engine", ["istio", "linkerd"])
@pytest.mark.parametrize("deny", [True, False])
def test_the_namespace_is_annotated_for_linkerds_default_deny_alone(enabled, engine, deny):
    [found] = namespace(serviceMesh={"enabled": enabled, "engine": engine, "defaultDeny": {"enabled": deny}})
    annotated = enabled and engine == "linkerd" and deny
    annotations = {"config.linkerd.io/default-inbound-policy": "deny"} if annotated else None
    assert found["metadata"].get("annotations") == annotations
    assert "annotations" in found["metadata"] or not annotated


@pytest.mark.parametrize("level", ["restricted", "baseline", "privileged"])
def test_the_namespace_has_a_level_and_renders_on_request_alone(level):
    [found] = namespace(namespace={"create": True, "pssLevel": level})
    labels = found["metadata"]["labels"]
    assert [labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")] == [level] * 3
    assert objects({"namespace": {"pssLevel": level}}, templates=["namespace.yaml"]) == []
