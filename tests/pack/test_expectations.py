# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What --expect promises is held against the rendered objects, and a broken promise is told at its line."""

import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from conftest import PARTS

from stageset_render.access.table import Work
from stageset_render.pack.expectations import broken
from stageset_render.pack.release import Release

ROOT = Path(__file__).parents[2]
FLAGGER = "cluster.local/ns/flagger/sa/flagger"
LINKERD = "flagger.flagger.serviceaccount.identity.linkerd.cluster.local"
RULE = {
    "from": [{"source": {"namespaces": ["a"]}}],
    "to": [
        {"operation": {"ports": ["8082"], "paths": ["/x"], "methods": ["POST"], "hosts": ["stageset", "stageset:8082"]}}
    ],
    "when": [{"key": "request.headers[x-team]", "values": ["blue"]}],
}
VALUES = {
    "istio": {
        "serviceMesh": {
            "enabled": True,
            "mtls": "strict",
            "gate": {"from": [{"principals": [FLAGGER]}]},
            "istio": {"rules": [RULE]},
        }
    },
    "linkerd": {"serviceMesh": {"enabled": True, "engine": "linkerd", "gate": {"from": [{"principals": [LINKERD]}]}}},
    "none": {},
}
IN, OUT, PART, MAYBE, MALFORMED = "in", "not in", "in on some requests", "expect-undecided", "expect-malformed"


def outcome(values, **entry):
    """What becomes of a call, told by which of both promises is broken."""
    release = Release(values, name="stageset", namespace="stageset-system")
    found = [[one.rule for one in broken(release, [{**entry, "allowed": allowed}])] for allowed in (True, False)]
    outcomes = {
        ((), ("expect-broken",)): IN,
        (("expect-broken",), ()): OUT,
        (("expect-broken",), ("expect-broken",)): PART,
        ((MAYBE,), (MAYBE,)): MAYBE,
        ((MALFORMED,), (MALFORMED,)): MALFORMED,
    }
    return outcomes[tuple(map(tuple, found))]


@pytest.mark.parametrize(
    "engine, caller, port, expected",
    [
        ("istio", "flagger/flagger", "gate", IN),
        ("istio", "flagger/other", "gate", OUT),
        ("istio", FLAGGER, "gate", IN),
        ("istio", f"spiffe://{FLAGGER}", "gate", IN),
        ("istio", "cluster.local/ns/flagger/sa/other", "gate", OUT),
        ("istio", "plaintext", "gate", OUT),
        ("istio", "plaintext", "health", IN),
        ("istio", "any other meshed", "gate", OUT),
        ("istio", "any other meshed", "metrics", IN),
        ("istio", "kubelet", "health", IN),
        ("istio", "kube-apiserver", "webhook", IN),
        ("istio", "flagger/flagger", 8082, IN),  # a port by its number
        ("istio", "flagger/other", 8082, OUT),
        ("istio", "flagger/flagger", 7000, OUT),  # one that no rule is for
        ("istio", LINKERD, "gate", MALFORMED),
        ("istio", "flagger", "gate", MALFORMED),
        ("linkerd", "flagger/flagger", "gate", IN),
        ("linkerd", LINKERD, "gate", IN),
        ("linkerd", "spiffe://root/flagger", "gate", OUT),
        ("linkerd", "plaintext", "gate", OUT),
        ("linkerd", "any other meshed", "metrics", IN),
        ("linkerd", "kubelet", "health", IN),
        ("linkerd", "kube-apiserver", "webhook", IN),
        ("linkerd", FLAGGER, "gate", MALFORMED),
        ("none", "flagger/flagger", "gate", IN),
        ("none", "plaintext", "gate", IN),
        ("none", FLAGGER, "gate", IN),
        ("none", LINKERD, "gate", MALFORMED),
        ("istio", "flagger/flagger", "mcp", OUT),  # off
    ],
)
def test_each_form_of_a_caller(engine, caller, port, expected):
    assert outcome(VALUES[engine], caller=caller, port=port) == expected


REQUEST = {"path": "/x", "method": "POST", "host": "stageset", "headers": {"x-team": "blue"}}


@pytest.mark.parametrize(
    "request_, expected",
    [
        (REQUEST, IN),
        ({**REQUEST, "path": "/y"}, OUT),
        ({**REQUEST, "method": "GET"}, OUT),
        ({key: value for key, value in REQUEST.items() if key != "method"}, PART),
        ({**REQUEST, "host": "other"}, OUT),
        ({**REQUEST, "headers": {"x-team": "red"}}, OUT),
        ({**REQUEST, "headers": {}}, OUT),
        ({key: value for key, value in REQUEST.items() if key != "host"}, PART),
    ],
)
def test_a_promise_may_be_about_one_request(request_, expected):
    assert outcome(VALUES["istio"], caller="a/b", port="gate", **request_) == expected


def test_without_a_request_a_promise_must_hold_for_all_that_the_objects_tell_apart():
    release = Release(VALUES["istio"], name="stageset", namespace="stageset-system")
    for allowed, said in ((True, "does not get in on port gate"), (False, "gets in on port gate on POST /x")):
        [found] = broken(release, [{"caller": "a/b", "port": "gate", "allowed": allowed}])
        assert (found.rule, found.message.partition(":")[0].startswith(f"a/b {said}")) == ("expect-broken", True)


def test_an_address_counts_and_must_be_one():
    added = {"from": [{"source": {"ipBlocks": ["10.0.0.0/8"]}}], "to": [{"operation": {"ports": ["8082"]}}]}
    mesh = {"enabled": True, "gate": {"from": [{"namespaces": ["x"]}]}, "istio": {"rules": [added]}}
    for ip, expected in (("10.1.2.3", IN), ("192.0.2.1", OUT), ("10.1", MALFORMED)):
        assert outcome({"serviceMesh": mesh}, caller="a/b", port="gate", ip=ip) == expected
    assert outcome({"serviceMesh": mesh}, caller="a/b", port="gate") == MAYBE


def strict(*rules, **more):
    mesh = {
        "enabled": True,
        "mtls": "strict",
        "gate": {"from": [{"namespaces": ["x"]}]},
        "istio": {"rules": list(rules)},
    }
    return {"serviceMesh": {**mesh, **more}}


def on_gate(source, *when, **operation):
    to = [{"operation": {"ports": ["8082"], **operation}}]
    return {"from": [{"source": source}], "to": to, "when": [{"key": key, "values": values} for key, values in when]}


OF_A = {"namespaces": ["a"]}


@pytest.mark.parametrize(
    "rule, request_, expected",
    [
        # What is not told of a request may be whatever the objects ask for, all of it at once.
        (on_gate(OF_A, ("request.headers[x-a]", ["v"])), {"method": "GET", "path": "/y", "host": "g:1"}, PART),
        (on_gate(OF_A, ("request.headers[x-a]", ["v*"]), ("request.headers[x-a]", ["*w"])), {}, PART),
        (on_gate(OF_A, ("request.headers[:path]", ["*/canary"]), paths=["/gate/*"]), {}, PART),
        (on_gate(OF_A, ("request.headers[:path]", ["/x"])), {}, PART),
        (on_gate(OF_A, ("request.headers[:path]", ["/x"])), {"path": "/x", "method": "GET"}, IN),
        (on_gate(OF_A, ("request.headers[:path]", ["/x"])), {"path": "/x?y"}, OUT),
        (on_gate(OF_A, paths=["/gate/*"], notPaths=["/gate/z*"]), {}, PART),
        # A caller may claim any address to be forwarded for, unless all headers are told.
        (on_gate({**OF_A, "remoteIpBlocks": ["10.1.0.0/16"]}), {"ip": "203.0.113.5"}, PART),
        (on_gate({**OF_A, "notRemoteIpBlocks": ["10.1.0.0/16"]}), {"ip": "10.1.0.5"}, PART),
        (on_gate({**OF_A, "remoteIpBlocks": ["10.1.0.0/16"]}), {"ip": "203.0.113.5", "headers": {}}, OUT),
        (
            on_gate({**OF_A, "remoteIpBlocks": ["10.1.0.0/16"]}),
            {"ip": "203.0.113.5", "headers": {"X-Forwarded-For": "10.1.2.3"}},
            IN,
        ),
        # An address outside of an exception is asked about as well.
        (on_gate({"ipBlocks": ["172.20.0.0/16"], "notIpBlocks": ["172.20.0.0/24"]}), {}, MAYBE),
    ],
)
def test_a_promise_is_held_against_all_that_may_be(rule, request_, expected):
    assert outcome(strict(rule), caller="a/b", port="gate", **request_) == expected


def test_what_is_told_of_a_request_is_not_told_again():
    rule = on_gate(OF_A, ("request.headers[x-a]", ["v"]), methods=["PUT"], hosts=["h:1"])
    release = Release(strict(rule), name="stageset", namespace="stageset-system")
    [found] = broken(release, [{"caller": "a/b", "port": "gate", "path": "/y", "allowed": False}])
    assert found.message.startswith("a/b gets in on port gate on PUT of host h:1 with x-a: v: ")


def test_what_is_too_much_to_ask_about_is_no_promise(monkeypatch):
    monkeypatch.setattr("stageset_render.pack.expectations.Work", lambda: Work(10))
    rules = [on_gate(OF_A, paths=[f"/gate/{number}"]) for number in range(20)]
    release = Release(strict(*rules), name="stageset", namespace="stageset-system")
    [found] = broken(release, [{"caller": "b/c", "port": "gate", "allowed": False}])
    assert (found.rule, found.message.endswith("more is named than is asked about")) == (MAYBE, True)
    request = {"path": "/gate/1", "method": "GET", "host": "g:1", "headers": {}}
    assert outcome(strict(*rules), caller="a/b", port="gate", **request) == IN


def test_an_alias_of_the_trust_domain_is_up_to_the_mesh():
    values = strict(gate={"from": [{"principals": ["prod.example/ns/a/sa/b"]}]})
    assert outcome(values, caller="a/b", port="gate") == MAYBE
    assert outcome(values, caller="a/c", port="gate") == OUT


@pytest.mark.parametrize(
    "engine, port, expected",
    [
        ("istio", 15020, IN),
        ("istio", 15021, IN),
        ("istio", 15090, IN),
        ("istio", 15006, MAYBE),
        ("istio", 15010, OUT),
        ("linkerd", 4190, MAYBE),
        ("linkerd", 4191, MAYBE),
        ("none", 15020, IN),
    ],
)
def test_ports_of_the_proxy_itself_are_not_what_policies_say(engine, port, expected):
    assert outcome(VALUES[engine], caller="plaintext", port=port) == expected


def test_a_waypoint_calls_with_its_own_identity():
    mark = {"istio.io/dataplane-mode": "ambient", "istio.io/use-waypoint": "wp"}
    values = strict(gate={"from": [{"principals": [FLAGGER]}]}) | {"pod": {"additionalLabels": mark}}
    assert outcome(values, caller="flagger/flagger", port="gate") == MAYBE
    assert outcome(values, caller="any other meshed", port="gate") == OUT
    values["serviceMesh"]["gate"]["from"][0]["principals"] += ["cluster.local/ns/stageset-system/sa/wp"]
    assert outcome(values, caller="flagger/flagger", port="gate") == IN
    mark["istio.io/use-waypoint-namespace"] = "other"
    assert outcome(values, caller="flagger/flagger", port="gate") == MAYBE


def test_network_policies_shut_out_whom_the_mesh_lets_in():
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}]
    values = {**VALUES["istio"], "networkPolicy": {"enabled": True, "gate": {"from": peers}}}
    assert outcome(values, caller="flagger/flagger", port="gate") == OUT
    assert outcome(values, caller="any other meshed", port="metrics") == IN
    values["networkPolicy"]["gate"] = {
        "from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "x"}}}]
    }
    assert outcome(values, caller="flagger/flagger", port="gate") == MAYBE
    assert outcome(values, caller="flagger/flagger", port="gate", labels={"app": "x"}) == IN
    assert outcome(values, caller="flagger/flagger", port="gate", labels={"app": "y"}) == OUT


def test_without_a_proxy_no_policy_of_the_mesh_holds():
    values = {**VALUES["istio"], "pod": {"additionalLabels": {"sidecar.istio.io/inject": "false"}}}
    assert outcome(values, caller="plaintext", port="gate") == IN


# The command

EXPECTED = """\
# who may call
- {caller: flagger/flagger, port: gate, allowed: true}
- {caller: plaintext, port: gate, allowed: true}
- caller: flagger/flagger
  port: mcp
  allowed: true
"""


@pytest.fixture
def expect(command, tmp_path, monkeypatch):
    """Hold values against a file of expectations."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.yaml").write_text(yaml.safe_dump(VALUES["istio"]))

    def run(text, *arguments):
        (tmp_path / "access.yaml").write_text(text)
        return command("-f", "v.yaml", "--expect", "access.yaml", *PARTS, *arguments)

    return run


def test_a_broken_promise_is_told_at_its_line_and_nothing_is_rendered(expect):
    done = expect(EXPECTED)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "access.yaml:3:3: error: plaintext does not get in on port gate: PeerAuthentication stageset-controller demands "
        "mTLS [expect-broken]",
        "access.yaml:4:3: error: flagger/flagger does not get in on port mcp: it is off (mcp.enabled) [expect-broken]",
        "2 errors; nothing rendered",
    ]


def test_kept_promises_are_not_told(expect):
    done = expect(
        "- {caller: flagger/flagger, port: gate, allowed: true}\n- {caller: a/b, port: mcp, allowed: false}\n"
    )
    assert (done.exit_code, done.stderr) == (0, "")
    assert "kind: AuthorizationPolicy" in done.stdout


def test_broken_promises_may_be_ignored_by_name(expect):
    assert expect(EXPECTED, "--ignore", "expect-broken").stderr == "2 ignored\n"


@pytest.mark.parametrize(
    "text, said",
    [
        ("a: 1", "access.yaml:1:1: error: a map is not a list; write it as a list"),
        ("[]", "access.yaml:1:1: error: promises nothing; write a list"),
        ("# nothing yet", "access.yaml: error: promises nothing; write a list"),
        (
            "- {caller: a/b, port: gate, allowed: true}\n" * 1001,
            "access.yaml:1:1: error: has 1001 entries; at most 1000",
        ),
        ("- {caller: a/b, port: gate}", "access.yaml:1:3: error: [0].allowed: is missing; give it a value"),
        (
            "- {caller: a/b, port: gates, allowed: true}",
            "access.yaml:1:23: error: [0].port: 'gates' is not gate, metrics",
        ),
        ("- {caller: a/b, port: 70000, allowed: true}", "access.yaml:1:23: error: [0].port: 70000 is not allowed"),
        ("- {caller: a/b, port: gate, allowed: yes-}", "access.yaml:1:38: error: [0].allowed: 'yes-' is not a boolean"),
        (
            "- {caller: a/b, port: 1, paht: /x, allowed: no}",
            "access.yaml:1:26: error: [0].paht: is unknown (did you mean [0].path?)",
        ),
        ("- {caller: a/b, port: gate, path: x, allowed: true}", "access.yaml:1:35: error: [0].path: 'x' is not a path"),
        (
            "- {caller: nobody, port: gate, allowed: true}",
            "access.yaml:1:3: error: 'nobody' is not an identity of Istio",
        ),
    ],
)
def test_what_is_no_expectation_is_refused_at_its_place(expect, text, said):
    done = expect(text)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(said) and done.stderr.splitlines()[0].endswith("[expect-malformed]")


@pytest.mark.parametrize(
    "text, said",
    [
        ("- [", "access.yaml:1:4: error: a value was expected here"),
        (None, "missing.yaml: error: there is no such file"),
        (
            "- {caller: kubelet, port: health, allowed: true}\n---\n- {caller: plaintext, port: gate, allowed: true}\n",
            "access.yaml:3:1: error: a second document starts here; put all that is promised into one list",
        ),
        (
            "---\n---\n- {caller: plaintext, port: gate, allowed: true}\n",
            "access.yaml:3:3: error: plaintext does not get in on port gate",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(expect, command, text, said):
    done = expect(text) if text else command("--expect", "missing.yaml")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(said)


def test_expectations_may_come_from_stdin(command):
    done = command("--expect", "-", stdin="- {caller: plaintext, port: gate, allowed: false}")
    assert (done.exit_code, done.stderr.splitlines()[0].startswith("stdin:1:3: error: plaintext gets in")) == (1, True)


def test_stdin_is_read_once(command):
    for values in (["-f", "-"], ["--set-file", "image.tag=-"]):
        done = command(*values, "--expect", "-", stdin="- {caller: kubelet, port: health, allowed: true}")
        assert (done.exit_code, done.stdout) == (1, "")
        assert "stdin is named twice by -, and can be read once only; name it once" in done.stderr


def test_each_release_is_held_against_the_same_promises(expect, command, tmp_path):
    (tmp_path / "access.yaml").write_text("- {caller: plaintext, port: gate, allowed: false}\n")
    (tmp_path / "releases").mkdir()
    (tmp_path / "releases" / "a.yaml").write_text("image: {tag: v1}")
    (tmp_path / "releases" / "b.yaml").write_text("serviceMesh: {enabled: false}")
    options = ["-f", "v.yaml", "--each", "releases/*.yaml", "--expect", "access.yaml", "--ignore", "mesh-off"]
    done = command(*options, *PARTS, "--output-dir", "out/{}")
    assert (done.exit_code, (tmp_path / "out").exists()) == (1, False)
    assert done.stderr.splitlines()[0].startswith(
        "releases/b.yaml: access.yaml:1:3: error: plaintext gets in on port gate: no policy of a mesh"
    )
    assert done.stderr.count("error:") == 1


def test_an_editor_checks_the_file_by_the_schema_as_it_is():
    schema = json.loads((ROOT / "stageset_render" / "expectations.schema.json").read_text(encoding="utf-8"))
    taken = jsonschema_rs.Draft7Validator(schema)
    assert taken.is_valid(
        yaml.safe_load((ROOT / "examples" / "expect" / "istio-strict.yaml").read_text(encoding="utf-8"))
    )
    assert not taken.is_valid([{"caller": "plaintext", "port": "gate"}])
