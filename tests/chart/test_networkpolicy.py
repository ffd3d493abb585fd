# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The network policies of every engine: which file renders, which port has a rule, where the user's lists go."""

import itertools
import re

import pytest
from conftest import objects
from hypothesis import given
from hypothesis import strategies as st

from stageset_render.pack import rendering

FILES = {
    "kubernetes": "networkpolicy.yaml",
    "cilium": "ciliumnetworkpolicy.yaml",
    "calico": "caliconetworkpolicy.yaml",
    "clusterNetworkPolicy": "clusternetworkpolicy.yaml",
}
DEFAULT_DENY = "networkpolicy-default-deny.yaml"
NUMBERS = {"health": 11, "webhook": 22, "metrics": 33, "gate": 44, "mcp": 55}
SELECTOR = {
    "app.kubernetes.io/name": "stageset-controller",
    "app.kubernetes.io/component": "controller",
    "app.kubernetes.io/instance": "stageset",
    "app.kubernetes.io/part-of": "stageset-controller",
}
ON_AND_OFF = [True, False]
engines = pytest.mark.parametrize("engine", FILES)


def policy(engine, others=None, **network):
    """The allowlist of an engine, which must be all that its file renders."""
    values = {"networkPolicy": {"enabled": True, "engine": engine, **network}, **(others or {})}
    [found] = objects(values, templates=[FILES[engine]])
    return found


def denying(engine):
    """The value that turns the default deny on; of a ClusterNetworkPolicy with an order that the API takes."""
    return {"enabled": True, **({"order": 1000} if engine == "clusterNetworkPolicy" else {})}


def default_deny(engine, **network):
    values = {"networkPolicy": {"enabled": True, "engine": engine, "defaultDeny": denying(engine), **network}}
    [found] = objects(values, templates=[DEFAULT_DENY])
    return found


def own_lists(engine, ingress=(), egress=()):
    """The values that hold an engine's own rules."""
    if engine == "kubernetes":
        return {"additionalIngress": list(ingress), "egress": {"enabled": True, "dns": False, "to": list(egress)}}
    return {engine: {"ingress": list(ingress), "egress": list(egress)}, "egress": {"enabled": True, "dns": False}}


def own_rule(engine, key="from", text="a", number=1):
    """A rule of an engine with a text, where it has room for any, and a number."""
    return {
        "kubernetes": {"ports": [{"port": number}]},
        "cilium": {
            "toPorts": [
                {"ports": [{"port": str(number), "protocol": "TCP"}], "rules": {"http": [{"path": re.escape(text)}]}}
            ]
        },
        "calico": {"action": "Allow", "ipVersion": 4, "source": {"selector": f'a == "{text}"'}},
        "clusterNetworkPolicy": {"name": text, "action": "Deny", key: [{"namespaces": {}}]},
    }[engine]


def open_rule(engine, port):
    """The rule that opens a port to all."""
    number = NUMBERS[port]
    return {
        "kubernetes": {"ports": [{"port": port, "protocol": "TCP"}]},
        "cilium": {"toPorts": [{"ports": [{"port": str(number), "protocol": "TCP"}]}]},
        "calico": {"action": "Allow", "protocol": "TCP", "destination": {"ports": [number]}},
        "clusterNetworkPolicy": {
            "name": port,
            "action": "Accept",
            "from": [{"namespaces": {}}],
            "protocols": [{"tcp": {"destinationPort": {"number": number}}}],
        },
    }[engine]


DNS = {
    "kubernetes": [
        {
            "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "dns"}}}],
            "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
        }
    ],
    "cilium": [
        {
            "toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "dns", "k8s:k8s-app": "kube-dns"}}],
            "toPorts": [
                {
                    "ports": [{"port": "53", "protocol": "UDP"}, {"port": "53", "protocol": "TCP"}],
                    "rules": {"dns": [{"matchPattern": "*"}]},
                }
            ],
        }
    ],
    "calico": [
        {"action": "Allow", "protocol": protocol, "destination": {"ports": [53]}} for protocol in ("UDP", "TCP")
    ],
    "clusterNetworkPolicy": [
        {
            "name": "dns",
            "action": "Accept",
            "to": [{"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": "dns"}}}],
            "protocols": [{"udp": {"destinationPort": {"number": 53}}}, {"tcp": {"destinationPort": {"number": 53}}}],
        }
    ],
}


@pytest.mark.parametrize(
    "network",
    [
        {},
        *(
            {
                "engine": engine,
                "defaultDeny": {"enabled": True},
                **own_lists(engine, [own_rule(engine)], [own_rule(engine, "to")]),
            }
            for engine in FILES
        ),
    ],
)
def test_off_renders_nothing(network):
    texts = rendering.render(
        {"networkPolicy": network},
        name="stageset",
        namespace="stageset-system",
        templates=[*FILES.values(), DEFAULT_DENY],
    )
    assert {text.strip() for text in texts.values()} == {""}


@pytest.mark.parametrize("deny", ON_AND_OFF)
@engines
def test_only_the_files_of_the_engine_render(engine, deny):
    values = {"networkPolicy": {"enabled": True, "engine": engine, "defaultDeny": denying(engine) if deny else {}}}
    texts = rendering.render(values, name="stageset", namespace="stageset-system")
    rendered = {file for file in (*FILES.values(), DEFAULT_DENY) if texts[file].strip()}
    assert rendered == {FILES[engine]} | ({DEFAULT_DENY} if deny else set())


@pytest.mark.parametrize("settings", [{}, {"engine": None}])
def test_kubernetes_is_the_engine_without_another(settings):
    values = {"networkPolicy": {"enabled": True, "defaultDeny": {"enabled": True}, **settings}}
    assert objects(values, templates=[FILES["kubernetes"]]) == [policy("kubernetes")]
    assert objects(values, templates=[DEFAULT_DENY]) == [default_deny("kubernetes")]


HEADS = {
    "kubernetes": ("networking.k8s.io/v1", "NetworkPolicy"),
    "cilium": ("cilium.io/v2", "CiliumNetworkPolicy"),
    "calico": ("projectcalico.org/v3", "NetworkPolicy"),
    "clusterNetworkPolicy": ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy"),
}


@engines
def test_head(engine):
    for suffix, found in (("", policy(engine)), ("-default-deny", default_deny(engine))):
        assert (found["apiVersion"], found["kind"]) == HEADS[engine]
        place = {key: found["metadata"].get(key) for key in ("name", "namespace")}
        if engine == "clusterNetworkPolicy":
            assert place == {"name": f"stageset-controller{suffix}-stageset-system", "namespace": None}
        else:
            assert place == {"name": f"stageset-controller{suffix}", "namespace": "stageset-system"}
        assert SELECTOR.items() <= found["metadata"]["labels"].items()


@pytest.mark.parametrize(
    "engine, selector",
    [
        ("kubernetes", {"podSelector": {"matchLabels": SELECTOR}}),
        ("cilium", {"endpointSelector": {"matchLabels": SELECTOR}}),
        (
            "calico",
            {
                "selector": "app.kubernetes.io/name == 'stageset-controller'"
                " && app.kubernetes.io/component == 'controller' && app.kubernetes.io/instance == 'stageset'"
            },
        ),
        (
            "clusterNetworkPolicy",
            {
                "tier": "Baseline",
                "priority": 1000,
                "subject": {
                    "pods": {
                        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "stageset-system"}},
                        "podSelector": {"matchLabels": SELECTOR},
                    }
                },
            },
        ),
    ],
)
def test_selects_the_controller(engine, selector):
    spec = policy(engine)["spec"]
    for key in ("ingress", "policyTypes", "types"):
        spec.pop(key, None)
    assert spec == selector


def test_the_labels_selected_are_the_pods():
    [deployment] = objects({}, templates=["deployment.yaml"])
    assert SELECTOR.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_the_ports_named_are_the_containers():
    others = {"mcp": {"enabled": True}, "ports": NUMBERS}
    [deployment] = objects(others, templates=["deployment.yaml"])
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    named = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {rule["ports"][0]["port"] for rule in policy("kubernetes", others)["spec"]["ingress"]} == set(named)
    assert named == NUMBERS


@pytest.mark.parametrize("webhook, gate, mcp", list(itertools.product(ON_AND_OFF, repeat=3)))
@engines
def test_every_served_port_and_no_other_has_a_rule(engine, webhook, gate, mcp):
    switches = {"health": True, "webhook": webhook, "metrics": True, "gate": gate, "mcp": mcp}
    others = {port: {"enabled": switches[port]} for port in ("webhook", "gate", "mcp")}
    found = policy(engine, {**others, "ports": NUMBERS})
    assert found["spec"]["ingress"] == [open_rule(engine, port) for port, served in switches.items() if served]


@pytest.mark.parametrize("port", ["webhook", "metrics", "gate", "mcp"])
def test_peers_restrict_their_port_alone(port):
    peers = [
        {"namespaceSelector": {}, "podSelector": {"matchLabels": {"a": "1"}}},
        {"ipBlock": {"cidr": "192.0.2.0/24"}},
    ]
    found = policy("kubernetes", {"mcp": {"enabled": True}}, **{port: {"from": peers}})
    want = [open_rule("kubernetes", one) for one in NUMBERS]
    want[list(NUMBERS).index(port)]["from"] = peers
    assert found["spec"]["ingress"] == want


@pytest.mark.parametrize("own", [0, 1])
@pytest.mark.parametrize("dns", ON_AND_OFF)
@pytest.mark.parametrize("enabled", ON_AND_OFF)
@engines
def test_egress(engine, enabled, dns, own):
    rules = [own_rule(engine, "to")] * own
    network = own_lists(engine, egress=rules)
    network["egress"].update(enabled=enabled, dns=dns, dnsNamespace="dns")
    spec = policy(engine, **network)["spec"]
    want = [*(DNS[engine] if dns else []), *rules]
    if engine == "cilium" and not want:
        want = [{}]  # Cilium leaves a direction without rules open
    assert spec.get("egress", []) == (want if enabled else [])
    assert ("egress" in spec) == (enabled and bool(want)), "an empty key is rendered"
    types = ["Ingress", "Egress"] if enabled else ["Ingress"]
    for engine_with_types, key in (("kubernetes", "policyTypes"), ("calico", "types")):
        assert spec.get(key) == (types if engine == engine_with_types else None)


@engines
def test_own_ingress_rules_follow_the_ports(engine):
    rules = [own_rule(engine), own_rule(engine, number=2, text="b")]
    assert policy(engine, **own_lists(engine, ingress=rules))["spec"]["ingress"][-3:] == [
        policy(engine)["spec"]["ingress"][-1],
        *rules,
    ]


@engines
def test_the_lists_of_other_engines_are_left_out(engine):
    network = {"webhook": {"from": [{"podSelector": {}}]}} if engine != "kubernetes" else {}
    for other in FILES:
        if other != engine:
            network.update(own_lists(other, [own_rule(other)], [own_rule(other, "to")]))
            network["egress"]["enabled"] = False
    assert policy(engine, **network) == policy(engine)


TEXTS = st.text(max_size=8).filter(lambda text: '"' not in text)  # which ends a text in a selector of Calico
DRAWS = st.lists(st.tuples(TEXTS, st.integers(1, 65535)), max_size=3)


@engines
@given(ingress=DRAWS, egress=DRAWS)
def test_own_rules_are_rendered_as_written(engine, ingress, egress):
    ingress = [own_rule(engine, "from", *draw) for draw in ingress]
    egress = [own_rule(engine, "to", *draw) for draw in egress]
    spec = policy(engine, **own_lists(engine, ingress, egress))["spec"]
    ports = len(policy(engine)["spec"]["ingress"])
    assert spec["ingress"][ports:] == ingress
    assert spec.get("egress", []) == (egress or ([{}] if engine == "cilium" else []))


@given(peers=st.lists(st.integers(0, 255).map(lambda n: {"ipBlock": {"cidr": f"192.0.2.{n}/32"}}), max_size=3))
def test_peers_are_rendered_as_written(peers):
    [_, webhook, *_] = policy("kubernetes", webhook={"from": peers})["spec"]["ingress"]
    assert webhook.get("from", []) == peers
    assert ("from" in webhook) == bool(peers)


EVERYBODY = [{"namespaces": {}}]


@pytest.mark.parametrize(
    "engine, ingress_only, both",
    [
        (
            "kubernetes",
            {"podSelector": {}, "policyTypes": ["Ingress"]},
            {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
        ),
        ("cilium", {"endpointSelector": {}, "ingress": []}, {"endpointSelector": {}, "ingress": [], "egress": []}),
        (
            "calico",
            {"order": 2000, "selector": "all()", "types": ["Ingress"]},
            {"order": 2000, "selector": "all()", "types": ["Ingress", "Egress"]},
        ),
        *[
            (
                "clusterNetworkPolicy",
                *(
                    {
                        "tier": "Baseline",
                        "priority": 1000,
                        "subject": {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": "stageset-system"}}},
                        "ingress": [{"name": "deny-all", "action": "Deny", "from": EVERYBODY}],
                        **egress,
                    }
                    for egress in ({}, {"egress": [{"name": "deny-all", "action": "Deny", "to": EVERYBODY}]})
                ),
            )
        ],
    ],
)
def test_default_deny(engine, ingress_only, both):
    assert default_deny(engine)["spec"] == ingress_only
    assert default_deny(engine, egress={"enabled": True})["spec"] == both


@pytest.mark.parametrize("engine, key", [("calico", "order"), ("clusterNetworkPolicy", "priority")])
def test_order_of_the_default_deny(engine, key):
    assert default_deny(engine, defaultDeny={"enabled": True, "order": 7})["spec"][key] == 7
    assert policy(engine, defaultDeny={"enabled": True, "order": 7})["spec"].get(key) != 7
    if engine == "calico":  # whose API takes a policy without one for the last
        assert key not in default_deny(engine, defaultDeny={"enabled": True, "order": None})["spec"]


def test_priority_of_the_clusternetworkpolicy():
    network = {"clusterNetworkPolicy": {"priority": 0}}
    assert policy("clusterNetworkPolicy", **network)["spec"]["priority"] == 0
    assert default_deny("clusterNetworkPolicy", **network)["spec"]["priority"] == 1000


@engines
def test_names_the_release_and_its_namespace(engine):
    values = {"networkPolicy": {"enabled": True, "engine": engine, "defaultDeny": denying(engine)}}
    texts = rendering.render(values, name="other-release", namespace="0123", templates=[FILES[engine], DEFAULT_DENY])
    for found in objects(values, "other-release", "0123", [FILES[engine], DEFAULT_DENY]):
        assert found["metadata"]["labels"]["app.kubernetes.io/instance"] == "other-release"
        assert found["metadata"].get("namespace", "0123") == "0123"
    assert not any("stageset-system" in text for text in texts.values())
