# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The table of who may call: its rows, its form for people and for programs, and that no value breaks a line of it."""

import json
from pathlib import Path

import pytest
import yaml
from conftest import PARTS, objects

from stageset_render.access import judge
from stageset_render.pack import callers, meshed
from stageset_render.pack.release import Release

ROOT = Path(__file__).parents[2]
NAMES = {"name": "stageset", "namespace": "stageset-system"}
FLAGGER = "cluster.local/ns/flagger/sa/flagger"
AMBIENT = {"pod": {"additionalLabels": {"istio.io/dataplane-mode": "ambient"}}}


def istio(**more):
    mesh = {"enabled": True, "mtls": "strict", "gate": {"from": [{"principals": [FLAGGER]}]}}
    return {"serviceMesh": {**mesh, **more}}


def linkerd(**more):
    identity = "flagger.flagger.serviceaccount.identity.linkerd.cluster.local"
    return {
        "serviceMesh": {"enabled": True, "engine": "linkerd", "gate": {"from": [{"principals": [identity]}]}, **more}
    }


def table(values):
    return callers.callers(Release(values, **NAMES))


def rows(values, port=None):
    """(port, caller, what a person reads, network) of each row."""
    lines = callers.as_text(table(values)).split("\n\n")[0].splitlines()
    starts = [lines[0].index(heading) for heading in callers.HEADINGS] + [None]
    cells = [tuple(line[a:b].strip() for a, b in zip(starts, starts[1:])) for line in lines[1:]]
    return [(where.split()[0], *more) for where, *more, _ in cells if port in (None, where.split()[0])]


def test_each_class_of_callers_has_a_row_for_each_port():
    added = {"from": [{"source": {"namespaces": ["a"]}}], "to": [{"operation": {"ports": ["8082"], "paths": ["/x"]}}]}
    assert rows(istio(istio={"rules": [added]})) == [
        ("gate", FLAGGER, "yes", "open"),
        ("gate", "namespace a", "yes on /x", "open"),
        ("gate", "any other meshed", "no", "open"),
        ("gate", "plaintext", "no", "open"),
        ("metrics", "any other meshed", "yes", "open"),
        ("metrics", "plaintext", "no", "open"),
        ("health", "kubelet", "yes", "open"),
        ("health", "any other meshed", "yes", "open"),
        ("health", "plaintext", "yes", "open"),
        ("webhook", "kube-apiserver", "yes", "open"),
        ("webhook", "any other meshed", "yes", "open"),
        ("webhook", "plaintext", "yes", "open"),
    ]


def test_ports_that_are_off_have_no_row():
    values = {**istio(), **{port: {"enabled": False} for port in ("gate", "webhook")}, "mcp": {"enabled": True}}
    assert list(dict.fromkeys(port for port, *_ in rows(values))) == ["metrics", "mcp", "health"]


def test_without_a_mesh_anyone_gets_in():
    assert rows({}) == [(port, "anyone", "yes", "open") for port in ("gate", "metrics", "health", "webhook")]
    assert table({}).remarks == []


def test_linkerd_lets_in_by_its_default_policy_where_it_has_no_server():
    found = {port: dict([row[1:3] for row in rows(linkerd(), port)]) for port in ("gate", "metrics", "webhook")}
    assert found["metrics"] == {"any other meshed": "yes", "plaintext": "no"}
    assert found["webhook"] == {"kube-apiserver": "yes", "any other meshed": "yes", "plaintext": "yes"}
    assert list(found["gate"].values()) == ["yes", "no", "no"]
    values = {**linkerd(defaultDeny={"enabled": True}), "namespace": {"create": True}}
    assert rows(values, "health") == [
        ("health", "kubelet", "yes", "open"),
        ("health", "any other meshed", "no", "open"),
        ("health", "plaintext", "no", "open"),
    ]
    assert any("policy deny rules it (its Namespace says so)" in one for one in table(values).remarks)
    assert any("policy all-unauthenticated rules it (as Linkerd is" in one for one in table(linkerd()).remarks)


def test_the_ambient_mode_sees_no_paths():
    added = {"from": [{"source": {"namespaces": ["a"]}}], "to": [{"operation": {"ports": ["8082"], "paths": ["/x"]}}]}
    values = {**istio(istio={"rules": [added]}), **AMBIENT}
    assert [caller for _, caller, *_ in rows(values, "gate")] == [FLAGGER, "any other meshed", "plaintext"]
    assert table(values).remarks == ["The pod is marked for the ambient mode, in which ztunnel enforces the policies."]


NETWORK = {
    "enabled": True,
    "gate": {"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "flagger"}}}]},
    "metrics": {"from": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}]},
}


def test_the_network_policies_are_told_beside_the_mesh():
    found = {(port, caller): network for port, caller, _, network in rows({**istio(), "networkPolicy": NETWORK})}
    assert found["gate", FLAGGER] == "yes"
    assert found["gate", "any other meshed"] == "listed"  # another account of that namespace gets through
    assert found["gate", "plaintext"] == "listed"
    assert found["health", "plaintext"] == "yes"
    remarks = table({**istio(), "networkPolicy": NETWORK}).remarks
    assert remarks[0] == "Where NETWORK is listed, only callers that the network policies list get through."
    peers = {"enabled": True, "metrics": {"from": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]}}
    assert [row[1::2] for row in rows({"networkPolicy": peers}) if row[0] == "metrics"] == [("anyone", "listed")]
    assert found["health", "kubelet"] == "yes"
    tunnelled = {row[:2]: row[3] for row in rows({**istio(), **AMBIENT, "networkPolicy": NETWORK})}
    assert tunnelled["gate", FLAGGER] == "no"  # its calls arrive at 15008, which the policy does not open
    opened = {**NETWORK, "additionalIngress": [{"ports": [{"port": 15008}]}]}
    tunnelled = {row[:2]: row[3] for row in rows({**istio(), **AMBIENT, "networkPolicy": opened})}
    assert (tunnelled["gate", FLAGGER], tunnelled["gate", "any other meshed"]) == ("yes", "yes")
    groups = [{"fromGroups": [{"aws": {}}], "toPorts": [{"ports": [{"port": "15008"}]}]}]
    cilium = {"enabled": True, "engine": "cilium", "cilium": {"ingress": groups}}
    tunnelled = {row[:2]: row[3] for row in rows({**istio(), **AMBIENT, "networkPolicy": cilium})}
    assert tunnelled["gate", FLAGGER] == "not judged"  # whoever calls
    assert {row[3] for row in rows({"networkPolicy": {"enabled": True}})} == {"yes"}


def test_what_only_the_cluster_knows_is_remarked():
    monitored = {**istio(), "metrics": {"serviceMonitor": {"enabled": True}}, "cleanupOnDelete": {"enabled": False}}
    prometheus, injection = table(monitored).remarks
    assert prometheus.startswith("A Prometheus that does not bring a certificate of the mesh can't scrape")
    assert injection.startswith("The policies hold for a pod with a sidecar alone")
    cleanup, _ = table(istio()).remarks
    assert cleanup.startswith("The cleanup Job's pod gets a proxy as well")


FILES = [*sorted(ROOT.glob("examples/*.yaml")), *sorted(ROOT.glob("tests/everything/*.yaml"))]
VALUES = [yaml.safe_load(path.read_text(encoding="utf-8")) or {} for path in FILES]


@pytest.mark.parametrize(
    "values",
    [
        *(one for one in VALUES if (one.get("serviceMesh") or {}).get("enabled")),
        {**istio(mtls="permissive", metrics={"from": [{"namespaces": ["a"]}]}), **AMBIENT},
        linkerd(metrics={"from": [{"principals": ["*.a.serviceaccount.identity.linkerd.cluster.local"]}]}),
    ],
)
def test_every_row_is_what_the_rendered_objects_say(values):
    engine = values["serviceMesh"].get("engine", "istio")
    release = Release(values, **NAMES)
    asked = judge(
        objects(values, templates=list(meshed.POLICIES[engine])),
        meshed.pod(release),
        engine=engine,
    )
    ports, checked = {one.name: one for one in meshed.asked_ports(release)}, 0
    for row, _ in table(values).rows:
        if (
            row.only
            or row.but
            or row.perhaps
            or row.allowed is None
            or row.caller.name in ("kubelet", "kube-apiserver")
        ):
            continue
        call = {"port": row.number, "protocol": ports[row.port].protocol, "method": "GET", "path": "/any-other"}
        call = {**call, "host": "x", "headers": {}, **row.caller.facts, "ip": row.caller.ip or "203.0.113.1"}
        assert asked.decide(call).allowed is row.allowed, row
        checked += 1
    assert checked > 5


def test_programs_get_the_same_as_data(command):
    done = command("-f", "-", "--callers", "--format", "json", stdin=yaml.safe_dump(istio()))
    found = json.loads(done.stdout)
    assert (done.exit_code, done.stderr, found["release"]) == (0, "[]\n", None)
    assert found["callers"][0] == {
        "port": "gate",
        "number": 8082,
        "caller": FLAGGER,
        "identity": FLAGGER,
        "allowed": True,
        "only": [],
        "but": [],
        "perhaps": [],
        "because": "AuthorizationPolicy stageset-controller, rule 1",
        "network": "open",
    }
    assert found["callers"][2]["identity"] is None and found["callers"][2]["allowed"] is False
    assert found["remarks"] == table(istio()).remarks


def test_the_command_prints_the_table_and_no_manifests(command):
    done = command("stageset", "-n", "stageset-system", "-f", "-", "--callers", stdin=yaml.safe_dump(istio()))
    assert (done.exit_code, done.stderr, done.stdout) == (0, "", callers.as_text(table(istio())))
    refused = command("--set", "gate.enabled=1", "--callers")
    assert (refused.exit_code, refused.stdout) == (1, "")


def test_each_release_has_a_table(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, values in {"a": istio(), "b": {}}.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(values))
    done = command("stageset", "-n", "stageset-system", "--each", "*.yaml", "--callers")
    tables = {"a.yaml": table(istio()), "b.yaml": table({})}
    assert done.stdout == "\n".join(f"# {name}\n{callers.as_text(one)}" for name, one in tables.items())
    found = json.loads(command("--each", "*.yaml", "--callers", "--format", "json").stdout)
    assert [one["release"] for one in found] == ["a.yaml", "b.yaml"]
    (tmp_path / "c.yaml").write_text("gate: 1")
    refused = command("--each", "*.yaml", "--callers")
    assert (refused.exit_code, refused.stdout) == (1, "")


def test_the_notes_end_with_the_table(command):
    done = command("stageset", "-n", "stageset-system", "-f", "-", *PARTS, "--notes", stdin=yaml.safe_dump(istio()))
    notes, _, told = done.stderr.partition("\n\nWho may call the controller:\n\n")
    assert notes.startswith("stageset-controller ") and "Uninstalling:" in notes
    assert told == f"{callers.as_text(table(istio()))}\n"
    assert done.stdout.startswith("---\n")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_columns_give_way_to_a_narrow_terminal(width):
    wide, narrow = callers.as_text(table(istio())), callers.as_text(table(istio()), width)
    assert max(map(len, wide.splitlines())) > 120 >= width
    assert all(len(line) <= max(width, 93) for line in narrow.splitlines())
    assert sorted("".join(narrow.split())) == sorted("".join(wide.split()))  # nothing is cut


def test_the_table_is_as_wide_as_the_terminal_of_stdout_and_unbroken_elsewhere(monkeypatch):
    monkeypatch.setenv("COLUMNS", "95")
    found = table(istio())
    assert callers.printed({"": found}, None) == callers.as_text(found)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert callers.printed({"": found}, None) == callers.as_text(found, 95) != callers.as_text(found)


HOSTILE = [
    "\x1b[2J\x1b[31m",
    "\n\ngate 8082  anyone  yes",
    "\r",
    "\x9b1A",
    "\u2028",
    "\u202eevil",
    "\t\t",
    "\x00",
    "\x7f",
]


def hostile(text):
    """Values that put a text wherever a row may show it, past the rules, which would refuse most of them."""
    source, operation = (
        {"principals": [f"td/ns/a/sa/{text}"], "ipBlocks": [text]},
        {"paths": [f"/{text}"], "hosts": [text]},
    )
    rule = {"from": [{"source": source}], "to": [{"operation": operation}]}
    when = {"when": [{"key": f"request.headers[{text}]", "values": [text]}]}
    yield istio(
        gate={"from": [{"principals": [text, f"{text}*"], "namespaces": [text]}]}, istio={"rules": [rule, when]}
    )
    api = {"apiVersion": "policy.linkerd.io/v1alpha1", "metadata": {"name": text}}
    route = {"rules": [{"matches": [{"path": {"value": f"/{text}"}, "headers": [{"name": text, "value": text}]}]}]}
    server = {"group": "policy.linkerd.io", "kind": "Server", "name": "stageset-controller-gate"}
    added = [
        {**api, "kind": "MeshTLSAuthentication", "spec": {"identities": [text]}},
        {**api, "kind": "AuthorizationPolicy", "spec": {"targetRef": server, "requiredAuthenticationRefs": []}},
        {
            **api,
            "apiVersion": "policy.linkerd.io/v1beta3",
            "kind": "HTTPRoute",
            "spec": {**route, "parentRefs": [server]},
        },
    ]
    yield linkerd(linkerd={"authorizations": added}, metrics={"from": [{"principals": [text]}]})


@pytest.mark.parametrize("width", [None, 80])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_or_path_breaks_a_line(text, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("sys.stdout.isatty", lambda: width is not None)
    shown = []
    for values in hostile(text):
        found = table(values)
        lines = callers.printed({f"x{text}.yaml": found}, None).splitlines()
        assert all(line.isprintable() for line in lines)
        if width is None:
            assert len(lines) == 2 + len(found.rows) + 2 * len(found.remarks)
        shown += [one.row.caller.name for one in found.rows] + [path for one in found.rows for path in one.row.only]
    assert any(text in one for one in shown), "the text is nowhere in the table, so the test holds nothing"
