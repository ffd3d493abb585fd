# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What the values promise is what the rendered objects admit, by a model that knows only objects."""

import itertools
import re
from pathlib import Path

import conftest
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from mesh_model import Caller, Pod, istio_admits, linkerd_admits

from stageset_render import Refused, warnings
from stageset_render.pack import files, rendering

TEMPLATES = [
    "istio-authorizationpolicy.yaml",
    "peerauthentication.yaml",
    "linkerd-serverauthorization.yaml",
    "servicemesh-default-deny.yaml",
    "namespace.yaml",
]
PORTS = {"gate": 8082, "metrics": 8080}
PORT_NUMBERS = [(8081, 9443, 8082, 8080, 8084), (8080, 8081, 9443, 8084, 8082), (1, 65535, 443, 80, 8443)]
LABELS = {
    "app.kubernetes.io/name": "stageset-controller",
    "app.kubernetes.io/component": "controller",
    "app.kubernetes.io/instance": "stageset",
    "app.kubernetes.io/part-of": "stageset-controller",
}
CONTROLLER = Pod("stageset-system", LABELS)
NEIGHBOUR = Pod("stageset-system", {"app": "neighbour"})

NAMES = ["flagger", "prom", "a"]
ISTIO_CALLERS = [Caller(f"cluster.local/ns/{ns}/sa/{sa}", ns, True) for ns in NAMES for sa in NAMES]
LINKERD_CALLERS = [
    Caller(f"{sa}.{ns}.serviceaccount.identity.linkerd.cluster.local", ns, True) for ns in NAMES for sa in NAMES
]
LINKERD_CALLERS.append(Caller("spiffe://root.example/ns/a/sa/a", "a", True))
PLAINTEXT = Caller(None, None, False)
PROBES = ("/healthz", "/readyz")
ISTIO_PRINCIPALS = [
    "*",
    "cluster.local/ns/flagger/*",
    "*/sa/prom",
    "cluster.local/ns/a/sa/a",
    "cluster.local/ns/prom/sa/flagger",
]
ISTIO_NAMESPACES = ["*", "flagger", "pro*", "*m", "f*g*r", "a"]
LINKERD_PRINCIPALS = [
    "*",
    "*.flagger.serviceaccount.identity.linkerd.cluster.local",
    "a.a.serviceaccount.identity.linkerd.cluster.local",
    "prom.a.serviceaccount.identity.linkerd.cluster.local",
]


def objects(values):
    return conftest.objects(values, templates=TEMPLATES)


def some(options):
    return st.lists(st.sampled_from(options), min_size=1, max_size=3)


ISTIO_SOURCES = st.lists(
    st.one_of(
        st.fixed_dictionaries({"principals": some(ISTIO_PRINCIPALS)}),
        st.fixed_dictionaries({"namespaces": some(ISTIO_NAMESPACES)}),
        st.fixed_dictionaries({"principals": some(ISTIO_PRINCIPALS), "namespaces": some(ISTIO_NAMESPACES)}),
    ),
    max_size=3,
)
LINKERD_SOURCES = st.lists(st.fixed_dictionaries({"principals": some(LINKERD_PRINCIPALS)}), max_size=3)


@st.composite
def mesh_values(draw, engine):
    sources = ISTIO_SOURCES if engine == "istio" else LINKERD_SOURCES
    mesh = {
        "enabled": True,
        "engine": engine,
        "gate": {"from": draw(sources)},
        "metrics": {"from": draw(sources)},
        "defaultDeny": {"enabled": draw(st.booleans())},
    }
    if engine == "istio":
        mesh["mtls"] = draw(st.sampled_from(["", "permissive", "strict"]))
        mesh["mcp"] = {"from": draw(sources)}
    enabled = {port: {"enabled": draw(st.booleans())} for port in ("gate", "mcp", "webhook")}
    ports = dict(zip(("health", "webhook", "gate", "metrics", "mcp"), draw(st.sampled_from(PORT_NUMBERS))))
    return {"serviceMesh": mesh, "namespace": {"create": draw(st.booleans())}, "ports": ports, **enabled}


def numbers(values):
    """Every port that a caller may try: the pod's, and one that nothing listens on."""
    return {**values["ports"], "other": 7000}


def served(values):
    return {"health", "metrics"} | {port for port in ("gate", "mcp", "webhook") if values[port]["enabled"]}


def matches(pattern, text):
    """Istio's and Linkerd's wildcards, said once more as a regular expression."""
    return bool(text) if pattern == "*" else re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None


def of_a_linkerd_pattern(caller):
    """`*` and `*.suffix` are patterns of DNS identities to Linkerd."""
    return not caller.identity.startswith("spiffe://")


def listed(sources, caller):
    return caller.mtls and any(
        ("principals" not in entry or any(matches(one, caller.identity) for one in entry["principals"]))
        and ("namespaces" not in entry or any(matches(one, caller.namespace) for one in entry["namespaces"]))
        for entry in sources
    )


def istio_promise(values, caller, port):
    if port not in served(values):
        return False
    if port in ("health", "webhook"):
        return True
    if values["serviceMesh"]["mtls"] == "strict" and not caller.mtls:
        return False
    sources = values["serviceMesh"][port]["from"]
    return not sources or listed(sources, caller)


def linkerd_promise(values, caller, port):
    if port in ("gate", "metrics") and port in served(values):
        sources = values["serviceMesh"][port]["from"]
        return caller.mtls and of_a_linkerd_pattern(caller) and (not sources or listed(sources, caller))
    return not (values["serviceMesh"]["defaultDeny"]["enabled"] and values["namespace"]["create"])


ENGINES = {
    "istio": (istio_admits, istio_promise, [*ISTIO_CALLERS, PLAINTEXT]),
    "linkerd": (linkerd_admits, linkerd_promise, [*LINKERD_CALLERS, PLAINTEXT]),
}


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=150)
@given(data=st.data())
def test_admits_exactly_whom_the_values_promise(engine, data):
    values = data.draw(mesh_values(engine))
    rendered = objects(values)
    admits, promise, callers = ENGINES[engine]
    for caller in callers:
        for port, number in numbers(values).items():
            assert admits(rendered, CONTROLLER, caller, number) == promise(values, caller, port), (port, caller)


RULES = st.lists(
    st.fixed_dictionaries(
        {
            "from": st.fixed_dictionaries({"namespaces": some(["a", "flagger"])}).map(
                lambda source: [{"source": source}]
            ),
            "to": some(["8080", "8082", "7000"]).map(lambda ports: [{"operation": {"ports": ports}}]),
        }
    ),
    min_size=1,
    max_size=2,
)


@settings(max_examples=100)
@given(values=mesh_values("istio"), rules=RULES)
def test_rules_passed_through_to_istio_add_what_they_say_and_nothing_else(values, rules):
    values["serviceMesh"]["istio"] = {"rules": rules}
    rendered = objects(values)
    for caller in [*ISTIO_CALLERS, PLAINTEXT]:
        for port, number in numbers(values).items():
            added = any(
                caller.mtls
                and caller.namespace in rule["from"][0]["source"]["namespaces"]
                and str(number) in rule["to"][0]["operation"]["ports"]
                for rule in rules
            )
            assert istio_admits(rendered, CONTROLLER, caller, number) == (istio_promise(values, caller, port) or added)


@settings(max_examples=150)
@given(text=st.text("nsax*-", min_size=1, max_size=5), negative=st.booleans())
def test_namespaces_that_meet_more_than_the_namespace_are_told_and_refused_as_exceptions(text, negative):
    source = {"notNamespaces" if negative else "namespaces": [text]}
    values = {"serviceMesh": {"enabled": True, "mtls": "strict", "istio": {"rules": [{"from": [{"source": source}]}]}}}
    try:
        told = warnings(values, name="stageset", namespace="stageset-system")
    except Refused:
        return
    names = ["ns", "sa", "s", "a", "n", "x", "nsa", "x-a", "sax"]
    wanted = ".*".join(map(re.escape, text.split("*")))
    met = set()
    for namespace, account in itertools.product(names, names):  # as Envoy is told to
        found = re.fullmatch(f"spiffe://.*/ns/{wanted}/.*", f"spiffe://td/ns/{namespace}/sa/{account}") is not None
        if found != (re.fullmatch(wanted, namespace) is not None):
            met.add(namespace)
    assert not met or (told and not negative)


@settings(max_examples=50)
@given(values=mesh_values("linkerd"))
def test_the_example_of_a_linkerd_webhook_lets_the_apiserver_in_and_opens_no_other_port(values):
    example = yaml.safe_load((Path(__file__).parents[2] / "examples" / "linkerd-deny.yaml").read_text())
    server, *authentications = example["serviceMesh"]["linkerd"]["authorizations"]
    server = {**server, "spec": {**server["spec"], "port": values["ports"]["webhook"]}}
    values["webhook"]["enabled"] = True
    values["serviceMesh"]["linkerd"] = {"authorizations": [server, *authentications]}
    rendered = objects(values)
    for caller in [*LINKERD_CALLERS, PLAINTEXT]:
        for port, number in numbers(values).items():
            promised = port == "webhook" or linkerd_promise(values, caller, port)
            assert linkerd_admits(rendered, CONTROLLER, caller, number) == promised, (port, caller)


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=50)
@given(data=st.data())
def test_default_deny_admits_nobody_to_the_neighbours(engine, data):
    values = data.draw(mesh_values(engine))
    rendered = objects(values)
    admits, _, callers = ENGINES[engine]
    denied = values["serviceMesh"]["defaultDeny"]["enabled"] and (engine == "istio" or values["namespace"]["create"])
    for caller in callers:
        assert admits(rendered, NEIGHBOUR, caller, 80) == (not denied)


@settings(max_examples=50)
@given(values=mesh_values("istio"))
def test_kubelet_and_apiserver_reach_their_ports_under_every_istio_setting(values):
    values["webhook"]["enabled"] = True
    rendered = objects(values)
    assert istio_admits(rendered, CONTROLLER, PLAINTEXT, values["ports"]["health"])
    assert istio_admits(rendered, CONTROLLER, PLAINTEXT, values["ports"]["webhook"])


@pytest.mark.parametrize(
    "engine, principal, other",
    [
        ("istio", "cluster.local/ns/flagger-system/sa/flagger", "cluster.local/ns/flagger-system/sa/other"),
        (
            "linkerd",
            "flagger.flagger-system.serviceaccount.identity.linkerd.cluster.local",
            "other.flagger-system.serviceaccount.identity.linkerd.cluster.local",
        ),
    ],
)
@pytest.mark.parametrize("port", ["gate", "metrics"])
def test_a_listed_caller_reaches_a_restricted_port_and_no_other_does(engine, principal, other, port):
    rendered = objects(
        {"serviceMesh": {"enabled": True, "engine": engine, port: {"from": [{"principals": [principal]}]}}}
    )
    admits = ENGINES[engine][0]
    assert admits(rendered, CONTROLLER, Caller(principal, "flagger-system", True), PORTS[port])
    assert not admits(rendered, CONTROLLER, Caller(other, "flagger-system", True), PORTS[port])
    assert not admits(rendered, CONTROLLER, PLAINTEXT, PORTS[port])


def table(values):
    """The rows of the notes' table: port -> (number, mesh, plaintext, callers)."""
    names = {"name": "stageset", "namespace": "stageset-system"}
    lines = rendering.render(values, templates=[files.NOTES], **names)[files.NOTES].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("PORT"))
    rows = lines[start + 1 : lines.index("", start)]
    marks = {mark for mark in ("(1)", "(2)") if any(mark in row for row in rows)}
    footnotes = {line[:3] for line in lines if line.startswith(("(1) ", "(2) "))}
    assert footnotes == (marks - {"(2)"} if values["serviceMesh"].get("engine", "istio") == "istio" else marks)
    columns = [lines[start].index(head) for head in ("PORT", "NUMBER", "MESH", "PLAINTEXT", "CALLERS")] + [None]
    cells = [[row[a:b].strip().replace(" (1)", "") for a, b in zip(columns, columns[1:])] for row in rows]
    return {cell[0]: cell[1:] for cell in cells}


PROBING = "anyone, for GET /healthz and /readyz"


def in_the_table(callers, caller):
    """Whether a caller with mTLS is among those that a CALLERS cell names."""
    if callers in ("anyone", "any meshed caller"):
        return True
    if callers == "any meshed caller with a DNS identity":
        return of_a_linkerd_pattern(caller)
    if callers == "nobody" or not of_a_linkerd_pattern(caller):
        return False
    sources = []
    for entry in callers.split("; "):
        principals, _, namespaces = entry.rpartition("namespace ") if "namespace " in entry else (entry, "", "")
        principals = principals.removesuffix(" in ")
        sources.append(
            {key: names.split(", ") for key, names in (("principals", principals), ("namespaces", namespaces)) if names}
        )
    return listed(sources, caller)


ADDED = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "from": st.sampled_from([{"namespaces": ["a"]}, {"notNamespaces": ["a"]}]).map(
                lambda one: [{"source": one}]
            ),
            "to": st.sampled_from([{"ports": ["8082"]}, {"ports": ["8080", "7000"]}, {"notPorts": ["8082"]}]).map(
                lambda one: [{"operation": one}]
            ),
        },
    ),
    min_size=1,
    max_size=2,
)


@settings(max_examples=100)
@given(values=mesh_values("istio"), added=ADDED)
def test_the_table_of_the_notes_marks_the_ports_that_added_rules_open(values, added):
    plain = table(values)
    values["serviceMesh"]["istio"] = {"rules": added}
    rendered = objects(values)
    for port, (number, mesh, plaintext, who) in table(values).items():
        marked = who.endswith(" (2)")
        assert [number, mesh, plaintext.removesuffix(" (2)"), who.removesuffix(" (2)")] == plain[port]
        assert plaintext.endswith(" (2)") == (marked and values["serviceMesh"]["mtls"] != "strict")
        admitted = {
            caller for caller in [*ISTIO_CALLERS, PLAINTEXT] if istio_admits(rendered, CONTROLLER, caller, int(number))
        }
        named = {caller for caller in ISTIO_CALLERS if in_the_table(who.removesuffix(" (2)"), caller)}
        assert named <= admitted
        if not marked:
            assert admitted == named | ({PLAINTEXT} if plaintext == "yes" else set())
        elif not plaintext.endswith(" (2)"):
            assert PLAINTEXT not in admitted


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=100)
@given(data=st.data())
def test_the_table_of_the_notes_agrees_with_the_objects(engine, data):
    values = data.draw(mesh_values(engine))
    rendered, rows = objects(values), table(values)
    admits, _, callers = ENGINES[engine]
    assert set(rows) == served(values)
    for port, (number, mesh, plaintext, who) in rows.items():
        assert int(number) == values["ports"][port]
        if who == PROBING:
            assert (port, mesh, plaintext) == ("health", "no", "yes")
            pod = CONTROLLER._replace(probes={int(number): PROBES})
            for caller in callers:
                assert all(admits(rendered, pod, caller, int(number), path) for path in PROBES)
                assert not admits(rendered, pod, caller, int(number), "/debug")
            continue
        assert plaintext == ("yes" if admits(rendered, CONTROLLER, PLAINTEXT, int(number)) else "no")
        restricted = (
            engine == "linkerd"
            and port in ("gate", "metrics")
            or who not in ("anyone", "any meshed caller", "nobody", PROBING)
        )
        assert mesh == ("yes" if restricted else "no")
        for caller in callers[:-1]:
            assert in_the_table(who, caller) == admits(rendered, CONTROLLER, caller, int(number)), (port, who, caller)


@pytest.mark.parametrize("gate, most", [(True, 509), (False, 510)])
def test_istio_takes_512_rules_and_those_of_the_pack_count(gate, most):
    rule = {"from": [{"source": {"namespaces": ["a"]}}]}
    values = {"serviceMesh": {"enabled": True, "istio": {"rules": [rule] * most}}, "gate": {"enabled": gate}}
    assert [len(each["spec"]["rules"]) for each in objects(values) if each["kind"] == "AuthorizationPolicy"] == [512]
    values["serviceMesh"]["istio"]["rules"] = [rule] * (most + 1)
    with pytest.raises(Refused, match="512 in all|at most 510"):
        objects(values)


GATE = {"group": "policy.linkerd.io", "kind": "Server", "name": "stageset-controller-gate"}
METRICS = {**GATE, "name": "stageset-controller-metrics"}
OTHERS = [{"kind": "ServiceAccount", "name": "other", "namespace": "a"}]


def added(kind, version, spec, namespace="stageset-system"):
    """An object for serviceMesh.linkerd.authorizations."""
    metadata = {"name": "added", "namespace": namespace}
    return {"apiVersion": f"policy.linkerd.io/{version}", "kind": kind, "metadata": metadata, "spec": spec}


def namespace(**annotations):
    settings = {f"config.linkerd.io/{name.replace('_', '-')}": text for name, text in annotations.items()}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "stageset-system", "annotations": settings},
    }


def added_policy(target, **more):
    return added("AuthorizationPolicy", "v1alpha1", {"targetRef": target, "requiredAuthenticationRefs": OTHERS}, **more)


@pytest.mark.parametrize(
    "added",
    [
        added_policy(GATE),
        added_policy(METRICS),
        added_policy({"kind": "Namespace", "name": "stageset-system"}),
        added_policy({**GATE, "name": "another"}),
        added_policy(GATE, namespace="elsewhere"),
        added(
            "ServerAuthorization", "v1beta1", {"server": {"name": GATE["name"]}, "client": {"unauthenticated": True}}
        ),
        namespace(skip_inbound_ports="25, 8081-8083"),
        namespace(skip_inbound_ports="8081", default_inbound_policy="deny"),
    ],
)
def test_the_table_of_the_notes_marks_what_added_objects_open(added):
    sources = {"from": [{"principals": [LINKERD_CALLERS[0].identity]}]}
    mesh = {"enabled": True, "engine": "linkerd", "gate": sources, "metrics": sources}
    values = {"serviceMesh": mesh}
    opened = {"serviceMesh": {**mesh, "linkerd": {"authorizations": [added]}}}
    before, after, rows = objects(values), objects(opened), table(opened)
    other = Caller("other.a.serviceaccount.identity.linkerd.cluster.local", "a", True)
    for port, number in PORTS.items():
        assert not linkerd_admits(before, CONTROLLER, other, number)
        assert (
            linkerd_admits(after, CONTROLLER, other, number)
            == rows[port][-1].endswith("(2)")
            == (rows[port][2] == "(2)")
        )
