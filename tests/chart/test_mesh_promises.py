# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What the rendered objects of the mesh must do: let in whom the values list and nobody else, as `access` reads them."""

import itertools
from pathlib import Path

import pytest
import yaml
from conftest import objects

from stageset_render.access import admits

TEMPLATES = [
    "istio-authorizationpolicy.yaml",
    "peerauthentication.yaml",
    "linkerd-serverauthorization.yaml",
    "servicemesh-default-deny.yaml",
    "namespace.yaml",
]
EXAMPLES = Path(__file__).parents[2] / "examples"
PORTS = {"gate": 8082, "metrics": 8080, "mcp": 8084, "health": 8081, "webhook": 9443, "any other": 7000}
SWITCHES = ("gate", "mcp", "webhook")
LABELS = {
    "app.kubernetes.io/name": "stageset-controller",
    "app.kubernetes.io/component": "controller",
    "app.kubernetes.io/instance": "stageset",
    "app.kubernetes.io/part-of": "stageset-controller",
}
PROBES = ("/healthz", "/readyz")
CONTROLLER = {
    "namespace": "stageset-system",
    "labels": LABELS,
    "probes": [{"port": PORTS["health"], "path": path} for path in PROBES],
}
NEIGHBOUR = {"namespace": "stageset-system", "labels": {**LABELS, "app.kubernetes.io/instance": "another"}}
FLAGGER, BESIDE, PROMETHEUS, STRANGER = "flagger/flagger", "flagger/beside", "monitoring/prometheus", "a/b"
CALLERS = [FLAGGER, BESIDE, PROMETHEUS, STRANGER, None]  # namespace/account; None brings no identity
IDENTITIES = {
    "istio": "cluster.local/ns/{0}/sa/{1}",
    "linkerd": "{1}.{0}.serviceaccount.identity.linkerd.cluster.local",
}
ON_AND_OFF = (True, False)


def identity(engine, caller):
    return caller and IDENTITIES[engine].format(*caller.split("/"))


def lets_in(rendered, engine, port, caller, path="/any", pod=CONTROLLER, **facts):
    call = {"port": PORTS[port], "identity": identity(engine, caller), "ip": "10.0.0.1", "protocol": "http"}
    request = {"method": "GET", "path": path, "host": "stageset"}
    return admits(rendered, pod, {**call, **request, **facts}, engine=engine).allowed


def gate(*entries, engine="istio", **mesh):
    """Values that restrict the gate."""
    return {"serviceMesh": {"enabled": True, "engine": engine, "gate": {"from": list(entries)}, **mesh}}


def rendered(values):
    return objects(values, templates=TEMPLATES)


def principals(engine, *callers):
    return {"principals": [identity(engine, caller) for caller in callers]}


# Istio. Each list of callers with those that it lets in.
LISTS = [
    ([], CALLERS),
    ([principals("istio", FLAGGER, STRANGER)], [FLAGGER, STRANGER]),
    ([{"namespaces": ["flagger"]}], [FLAGGER, BESIDE]),
    ([{"principals": ["*/sa/flagger", "*/sa/prometheus"], "namespaces": ["flagger"]}], [FLAGGER]),
    ([principals("istio", STRANGER), {"namespaces": ["monitoring"]}], [STRANGER, PROMETHEUS]),
]
ISTIO = [
    *itertools.product(("", "permissive", "strict"), range(len(LISTS)), [ON_AND_OFF[:1] * 3]),
    *itertools.product(("", "strict"), [1], itertools.product(ON_AND_OFF, repeat=3)),
]


@pytest.mark.parametrize("mtls, number, switches", ISTIO)
def test_istio_lets_in_exactly_whom_the_values_promise(mtls, number, switches):
    on = {"metrics": True, "health": True, "any other": False, **dict(zip(SWITCHES, switches))}
    lists = {port: LISTS[(number + at) % len(LISTS)] for at, port in enumerate(("gate", "metrics", "mcp"))}
    found = rendered(
        {
            **{port: {"enabled": on[port]} for port in SWITCHES},
            "serviceMesh": {"enabled": True, "mtls": mtls, **{port: {"from": one} for port, (one, _) in lists.items()}},
        }
    )
    for port, caller in itertools.product(PORTS, CALLERS):
        _, admitted = lists.get(port, ([], CALLERS))
        refused = mtls == "strict" and caller is None and port in lists
        assert lets_in(found, "istio", port, caller) is (on[port] and caller in admitted and not refused), (
            port,
            caller,
        )


@pytest.mark.parametrize("mtls", ["", "permissive", "strict"])
@pytest.mark.parametrize("deny", ON_AND_OFF)
def test_istio_leaves_the_neighbours_to_the_default_deny(mtls, deny):
    found = rendered({"serviceMesh": {"enabled": True, "mtls": mtls, "defaultDeny": {"enabled": deny}}})
    for caller in CALLERS:
        assert lets_in(found, "istio", "gate", caller, pod=NEIGHBOUR) is not deny
        assert lets_in(found, "istio", "gate", caller) is (caller is not None or mtls != "strict")


def test_a_rule_added_for_istio_lets_in_whom_it_names_and_nobody_else():
    source, operation = {"namespaces": ["a"]}, {"ports": ["8082", "7000"], "paths": ["/gate/*"]}
    added = {"from": [{"source": source}], "to": [{"operation": operation}]}
    found = rendered(gate(principals("istio", FLAGGER), istio={"rules": [added]}))
    for port, caller in itertools.product(("gate", "any other"), CALLERS):
        listed = port == "gate" and caller == FLAGGER
        assert lets_in(found, "istio", port, caller, "/gate/x") is (listed or caller == STRANGER)
        assert lets_in(found, "istio", port, caller) is listed
        tunnelled = lets_in(found, "istio", port, caller, protocol="tcp")  # the ambient mode sees no path
        assert tunnelled is listed


@pytest.mark.parametrize("enabled", ON_AND_OFF)
@pytest.mark.parametrize("engine", IDENTITIES)
def test_nothing_is_restricted_when_the_mesh_is_off(engine, enabled):
    settings = {"mtls": "strict", "defaultDeny": {"enabled": True}} if engine == "istio" else {}
    values = gate(principals(engine, FLAGGER), engine=engine, enabled=enabled, **settings)
    assert bool(rendered(values)) is enabled


def test_istio_takes_512_rules_of_which_those_of_ports_that_are_off_are_none():
    values = gate(istio={"rules": [{"from": [{"source": {"namespaces": ["a"]}}]}] * 510})
    values["gate"] = {"enabled": False}
    assert [len(one["spec"]["rules"]) for one in rendered(values)] == [512]


# Linkerd. It knows no namespaces; who is not listed by identity is no caller of the gate or of the metrics.
LINKERD = [
    ([], CALLERS[:-1]),
    ([principals("linkerd", FLAGGER, STRANGER)], [FLAGGER, STRANGER]),
    ([{"principals": ["*.flagger.serviceaccount.identity.linkerd.cluster.local"]}], [FLAGGER, BESIDE]),
    ([principals("linkerd", STRANGER), principals("linkerd", PROMETHEUS)], [STRANGER, PROMETHEUS]),
]


@pytest.mark.parametrize("create, deny", [*itertools.product(ON_AND_OFF, repeat=2)])
@pytest.mark.parametrize("number, on", [*enumerate(ON_AND_OFF * 2), (1, True)])
def test_linkerd_lets_in_exactly_whom_the_values_promise(number, on, create, deny):
    lists = {port: LINKERD[(number + at) % len(LINKERD)] for at, port in enumerate(("gate", "metrics"))}
    found = rendered(
        {
            "gate": {"enabled": on},
            "namespace": {"create": create},
            "serviceMesh": {
                "enabled": True,
                "engine": "linkerd",
                "defaultDeny": {"enabled": deny},
                **{port: {"from": one} for port, (one, _) in lists.items()},
            },
        }
    )
    covered = ("gate", "metrics") if on else ("metrics",)
    for port, caller in itertools.product(PORTS, CALLERS):
        promised = caller in lists[port][1] if port in covered else not (create and deny)
        assert lets_in(found, "linkerd", port, caller) is promised, (port, caller)
    assert all(lets_in(found, "linkerd", "health", None, path) for path in PROBES)
    assert lets_in(found, "linkerd", "gate", None, pod=NEIGHBOUR) is not (create and deny)


def test_an_object_added_for_linkerd_lets_in_whom_it_names_and_nobody_else():
    added = {
        "apiVersion": "policy.linkerd.io/v1alpha1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "added", "namespace": "stageset-system"},
        "spec": {
            "targetRef": {"group": "policy.linkerd.io", "kind": "Server", "name": "stageset-controller-gate"},
            "requiredAuthenticationRefs": [{"kind": "ServiceAccount", "name": "b", "namespace": "a"}],
        },
    }
    values = gate(principals("linkerd", FLAGGER), engine="linkerd", linkerd={"authorizations": [added]})
    values["serviceMesh"]["metrics"] = {"from": [principals("linkerd", FLAGGER)]}
    found = rendered(values)
    for caller in CALLERS:
        assert lets_in(found, "linkerd", "gate", caller) is (caller in (FLAGGER, STRANGER))
        assert lets_in(found, "linkerd", "metrics", caller) is (caller == FLAGGER)


# The examples


def example(name):
    return rendered(yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name, engine", [("istio-strict", "istio"), ("linkerd-deny", "linkerd")])
def test_the_components_of_kubernetes_get_in_where_the_examples_let_nobody_else_in(name, engine):
    found = example(name)
    assert all(lets_in(found, engine, "health", None, path) for path in PROBES)
    assert lets_in(found, engine, "webhook", None, protocol="tcp")
    for port in ("gate", "metrics", "mcp", "any other"):
        assert not lets_in(found, engine, port, None)
        assert not lets_in(found, engine, port, STRANGER)
