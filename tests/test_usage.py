# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What users of `helm template` type, and what they are told."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import PARTS

from stageset_render import Refused, render
from stageset_render.pack.files import CHART
from stageset_render.usage import helm_flags

ROOT = Path(__file__).resolve().parent.parent
ACCOUNT = ("-s", "templates/serviceaccount.yaml")


def namespace(done):
    assert (done.exit_code, done.stderr) == (0, "")
    return yaml.safe_load(done.stdout)["metadata"]["namespace"]


@pytest.mark.parametrize("arguments", [["-n=x"], ["-n", "x"], ["-nx"], ["--namespace=x"]])
def test_short_flags_take_an_equals_sign(command, arguments):
    assert namespace(command(*arguments, *ACCOUNT)) == "x"


def test_the_namespace_may_be_in_the_environment(command, monkeypatch):
    monkeypatch.setenv("HELM_NAMESPACE", "from-env")
    assert namespace(command(*ACCOUNT)) == "from-env"
    assert namespace(command("-n", "x", *ACCOUNT)) == "x"
    assert 'namespace: "default"' in command("-n", "", *ACCOUNT).stdout
    monkeypatch.setenv("HELM_NAMESPACE", "")
    assert namespace(command(*ACCOUNT)) == "default"
    monkeypatch.setenv("HELM_NAMESPACE", "A")
    done = command(*ACCOUNT)
    assert (done.exit_code, "Error: HELM_NAMESPACE: 'A' is no namespace" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "arguments, hooks",
    [
        (["--no-hooks"], False),
        (["--no-hooks=true"], False),
        (["--no-hooks=false"], True),
        (["--no-hooks", "--no-hooks=false"], True),
        (["--no-hooks=F", "--no-hooks=1"], False),
        ([], True),
    ],
)
def test_flags_take_a_truth(command, arguments, hooks):
    assert ("helm.sh/hook" in command(*arguments).stdout) == hooks


FLAGS = list(helm_flags().items())


def written(name, flag):
    """A flag as users of Helm write it; one that takes a value takes the next argument."""
    return [name, "a-value"] if flag.takes else [name]


@pytest.mark.parametrize("prefix", ["--", "-"])
def test_what_changes_nothing_here_is_taken_and_told_once(command, prefix):
    idle = [(name, flag) for name, flag in FLAGS if flag.idle and name.startswith(prefix)]
    idle = [one for one in idle if prefix == "--" or not one[0].startswith("--")]
    assert len(idle) > 1
    plain = command("name", *PARTS)
    for form in (
        [part for one in idle for part in written(*one)],
        [f"{name}={'a-value' if flag.takes else 'true'}" for name, flag in idle],
    ):
        done = command("name", *PARTS, *form)
        assert (done.exit_code, done.stdout) == (0, plain.stdout)
        names = ", ".join(dict.fromkeys(name for name, _ in idle))
        assert done.stderr == (
            f"warning: {names}: without effect, as the chart is this pack itself and no cluster is asked "
            "[usage-without-effect]\n1 warning\n"
        )


@pytest.mark.parametrize(
    "arguments",
    [["name", "repository/chart"], ["name", "oci://registry/chart"], ["name", "chart.tgz"], ["name", "."], ["./chart"]],
)
def test_a_chart_is_taken_and_without_effect(command, arguments):
    done = command(*arguments, *PARTS)
    assert done.stdout == command(*arguments[:-1], *PARTS).stdout != ""
    assert done.stderr.startswith(f"warning: {arguments[-1]}: without effect, ")
    assert command(*arguments, *PARTS, "--strict").exit_code == 1
    assert command(*arguments, *PARTS, "--strict", "--ignore", "usage-*").exit_code == 0


@pytest.mark.parametrize("form", [["--version", "1.2.3"], ["--version=1.2.3"]])
def test_a_version_of_the_chart_is_what_the_labels_name_and_told(command, form):
    done = command("name", *form, *ACCOUNT)
    assert "helm.sh/chart: stageset-controller-1.2.3\n" in done.stdout
    assert done.stderr == (
        "--version 1.2.3: warning: the labels name it, and what is rendered is chart 0.0.0, which this pack mirrors "
        "[usage-other-version]\n1 warning\n"
    )
    assert command("name", "--version", CHART["Version"], *ACCOUNT).stderr == ""


def test_helms_dry_run_renders_and_our_own_does_not(command):
    assert command("--dry-run=client").stdout == command().stdout
    assert command("--dry-run").stdout == command("--dry-run=true").stdout == ""


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--release-name", "--generate-name"], "--release-name: write the name into --output-dir"),
        (["--no-hooks=maybe"], "--no-hooks is true or false, and not 'maybe'"),
        (["template", "name", "chart"], "leave out `template`"),
        (["--crds", ""], "it is empty; name something, or leave the option out"),
        (["--output-dir", "{}"], "{} stands for a release of --each"),
        (["name", "chart"], "'chart' is too much: it names no chart; values files are given with -f"),
        (["name", "a/chart", "b/chart"], "'b/chart' is too much: there are a release and a chart alone"),
        (["install"], "`install` is no name of a release here; use a pipe"),
        (["name", "--version"], "--version prints the version of this command, alone"),
        (["name", "--version="], "--version prints the version of this command, alone"),
        (["--nonsense"], "No such option '--nonsense'"),
        *((written(name, flag), f"{name}: {flag.instead}") for name, flag in FLAGS if not flag.idle),
    ],
)
def test_what_is_not_taken_is_answered_in_a_sentence(command, arguments, said):
    done = command(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())


def test_set_literal_takes_the_text_as_it_stands(command):
    done = command(
        "--set-literal", "image.tag=a", "--set-literal", "serviceAccount.annotations.a={b,c}[0]\\", "--show-values"
    )
    values = yaml.safe_load(done.stdout)
    assert values["image"]["tag"] == "a"
    assert values["serviceAccount"]["annotations"] == {"a": "{b,c}[0]\\"}
    assert "--set-literal x: " in command("--set-literal", "x").stderr


@pytest.mark.parametrize(
    "text, said",
    [
        ("principals: [*]", '`*` and `&` begin an alias or an anchor; write "*"'),
        ("gate: enabled:true", "put a blank behind the colon: enabled: true"),
        ("gate: {enabled:true}", "put a blank behind the colon: enabled: true"),
        ("serviceMesh:\n  enabled:true\n  engine: istio", "or put a blank behind the colon above: `enabled: true`"),
        ("image:\n  tag: v1: 2", "mend the indentation, or quote the text [yaml-unreadable]"),
        (
            "gate:\n<<<<<<< HEAD\n  enabled: true",
            "stdin:2:1: error: git has left both sides of a conflict here; resolve it",
        ),
        (
            "serviceMesh: {istio: {rules: [{when: [{key: request.headers[a], values: [b]}]}]}}",
            "stdin:1:60: error: a text with brackets stands here without quotes; put quotes round it",
        ),
        ("gate:enabled: true", "write enabled: on a line of its own, indented below gate:"),
        ("serviceMesh: {gate: {from: a/ns/b/sa/c}}", "write a list: [{principals: [a/ns/b/sa/c]}]"),
        ("serviceMesh: {gate: {from: '*'}}", "write a list such as [{principals: [cluster.local/ns/"),
        ("serviceMesh: {gate: {from: [a/ns/b/sa/c]}}", "'a/ns/b/sa/c' is not a map; write {principals: [a/ns/b/sa/c]}"),
        ("serviceMesh: {gate: {from: [b]}}", "'b' is not a map; write {principals: [b]} or {namespaces: [b]}"),
        ("serviceMesh: {gate: {from: [{principals: a}]}}", "write a list: [a]"),
        (
            "serviceMesh: {gate: {from: {principals: [a]}}}",
            "write it as a list: begin its first line with `- `, or put [ ] around its braces",
        ),
        ("serviceMesh: {gate: {principals: [a]}}", "did you mean serviceMesh.gate.from[0].principals?"),
        (
            "serviceMesh: {from: [a]}",
            "did you mean serviceMesh.gate.from, serviceMesh.metrics.from or serviceMesh.mcp.from?",
        ),
        ("imagePullSecrets: regcred", "write a list: [{name: regcred}]"),
        (
            "networkPolicy: {enabled: true, egress: {enabled: true, to: [{ports: [443]}]}}",
            "443 is not a map; write {port: 443} [",
        ),
        (
            "serviceMesh: {enabled: true, engine: istio, istio: {rules: [{when: [{key: source.ip, values: a}]}]}}",
            "values: 'a' is not a list; write a list: [a]",
        ),
        ("controller: {watchNamespaces: 'a, b'}", "write a list: [a, b]"),
        ("nodeSelector: kubernetes.io/os=linux", "write {kubernetes.io/os: linux}"),
        ("serviceMesh: true", "true is not a map; write {enabled: true}"),
        ("mcp: true", "true is not a map; write {enabled: true}"),
        (
            "networkPolicy: {enabled: true, gate: {from: [{ipBlock: 10.0.0.0/8}]}}",
            "'10.0.0.0/8' is not a map; write {cidr: 10.0.0.0/8}",
        ),
        ("serviceMesh: istio", "'istio' is not a map; write {engine: istio}"),
        ("ports: 8082", "8082 is not a map; known here: gate, health, mcp, metrics, webhook"),
        ("serviceMesh: {mtls: true}", "true is not a string [values-type]\n"),
        ("gate: {enabled: 1}", "1 is not a boolean; write true"),
        ("gate: {enabled: 'Yes'}", "'Yes' is not a boolean; write true"),
        ("gate: {enabled: OFF_}", "'OFF_' is not a boolean"),
        ("gate: {enabled: 'OFF'}", "'OFF' is not a boolean; write false"),
        ("mtls: strict", "did you mean serviceMesh.mtls?); write {serviceMesh: {mtls: strict}}"),
        ("gate: {ports: 1}", "ports: is unknown; known here: enabled"),
        (
            "gate:\nenabled: true",
            "stdin:2:1: error: enabled: is unknown here; indent this line below gate:, which holds nothing",
        ),
        ("image:\n  tag: v1\n pullPolicy: Never", "as deep as the line above it would be `  pullPolicy: Never`"),
        ("image:\n  tag: v1\n    pullPolicy: Never", "as deep as the line above it would be `  pullPolicy: Never`"),
        ("a: {gate: {enabled: true}, imag: {}}", "remove this line, and write gate: without indentation"),
        ("my-release: {gate: {enabled: true}}", "remove this line, and write gate: without indentation"),
        ("image: {tag: 1.10}", '1.1 is not a string; write it in quotes: "1.10"'),
        ("image: &a {tag: 0x1F}", '31 is not a string; write it in quotes: "0x1F"'),
    ],
)
def test_a_slip_is_mended_in_the_message(command, text, said):
    done = command("-f", "-", stdin=text)
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    "option, text, said",
    [
        ("--set", "image.tag=1", "1 is not a string; use --set-string image.tag=1"),
        ("--set-json", "image.tag=1.10", "1.1 is not a string; use --set-string image.tag=1.1"),
        ("--set-string", "gate.enabled=false", "'false' is not a boolean; use --set gate.enabled=false"),
        ("--set", "gate.enabled=yes", "'yes' is not a boolean; use --set gate.enabled=true"),
        ("--set-string", "gate.enabled=yes", "'yes' is not a boolean; use --set gate.enabled=true"),
        ("--set", "controller.watchNamespaces=a", """use --set-json 'controller.watchNamespaces=["a"]'"""),
        ("--set", "serviceMesh.gate.from={a/b}", """--set-json 'serviceMesh.gate.from[0]={"principals": ["a/b"]}'"""),
        ("--set", "mtls=strict", "did you mean serviceMesh.mtls?)"),
        (
            "--set",
            "serviceAccount.annotations.eks.amazonaws.com/role-arn=a",
            "write eks.amazonaws.com/role-arn as one key, in --set as eks\\.amazonaws\\.com/role-arn",
        ),
        ("--set-json", 'serviceAccount.annotations.a={"b": 1, "c": 2}', "a map is not a string"),
        ("--set", "x.gate.enabled=false", "x: holds the values of the pack (did you mean gate?)"),
        ("--set-json", '{"serviceMesh": true}', """use --set-json 'serviceMesh={"enabled": true}'"""),
    ],
)
def test_hints_fit_the_option(command, option, text, said):
    line, summary = command(option, text).stderr.splitlines()
    assert re.sub(r" \[[a-z-]+\]$", "", line).endswith(said)
    assert summary == "1 error; nothing rendered"


LONG = "x " * 5_000


@pytest.mark.parametrize(
    "arguments",
    [
        *([option, f"{LONG}=1"] for option in ("--set", "--set-string", "--set-json", "--set-file", "--set-literal")),
        *(["--set", text] for text in (LONG, f"a[{LONG}]=1", f"a[0]{LONG}=1", f"a={{b}}{LONG}", f"image.tag={LONG}")),
        ["--set-json", f"{{}}{LONG}"],
        ["--set-json", f'{{"{LONG}": 1, "{LONG}": 1}}'],
        ["--set-file", f"image.tag={LONG}"],
        *([option, LONG] for option in ("-f", "-n", "-s", "--each", "--crds", "--output-dir", "--app-version")),
        [LONG],
        ["a", LONG],
        [f"--{LONG}"],
        [f"--no-hooks={LONG}"],
        ["--dry-run", "--each", f"{LONG}*"],
    ],
)
def test_no_message_prints_more_of_a_value_than_tells_it(command, arguments):
    done = command(*arguments)
    assert done.exit_code in (1, 2)
    assert max(map(len, done.stderr.replace("x ", "x").splitlines())) < 1_300 and LONG[:600] not in done.stderr


@pytest.mark.parametrize("text", [f"'{LONG}': 1\n'{LONG}': 1", f"a: !!int '{LONG}'", f"a: !{'x' * 5_000} 1"])
def test_nor_of_one_in_a_file(command, text):
    assert len(command("-f", "-", stdin=text).stderr) < 400


def test_explain_says_who_set_what(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(
        "image: {tag: v1}\nports:\n  gate: 8082\n"
        "serviceMesh:\n  gate:\n    from: [{principals: [a/ns/b/sa/c]}]\n  enabled: true\n"
    )
    done = command("-f", "a.yaml", "--set", "controller.logLevel=debug", "--explain")
    assert (done.exit_code, done.stderr) == (0, "")
    said = [line.strip() for line in done.stdout.splitlines() if "#" in line]
    assert said == [
        "logLevel: debug  # --set controller.logLevel=debug",
        "tag: v1  # a.yaml:1:14",
        "enabled: true  # a.yaml:7:12",
        "- a/ns/b/sa/c  # a.yaml:6:26",
    ]
    shown = command("-f", "a.yaml", "--set", "controller.logLevel=debug", "--show-values")
    assert yaml.safe_load(done.stdout) == yaml.safe_load(shown.stdout)


def test_changes_are_what_was_set_alone_and_would_set_it_again(command, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(
        "image: {tag: v1}\n"
        "gate:\n"
        "  enabled: true\n"
        "serviceAccount:\n"
        "  annotations: null\n"
        "controller: {watchNamespaces: [a, b]}\n"
    )
    done = command("-f", file, "--set", "ports.gate=90", "--changes")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        "controller:\n"
        f"  watchNamespaces:  # {file}:6:31, instead of []\n"
        "  - a\n"
        "  - b\n"
        "image:\n"
        f'  tag: v1  # {file}:1:14, instead of ""\n'
        "ports:\n"
        "  gate: 90  # --set ports.gate=90, instead of 8082\n"
        "serviceAccount:\n"
        f"  annotations: null  # {file}:5:16, instead of {{}}\n"
    )
    again = command("-f", "-", "--show-values", stdin=done.stdout)
    assert again.stdout == command("-f", file, "--set", "ports.gate=90", "--show-values").stdout


def test_many_values_of_one_map_are_explained_in_time(command):
    """A second; looking each up anew in the whole file took hours."""
    entries = "".join(f"    k{number}: v\n" for number in range(5_000))
    done = command("-f", "-", "--explain", stdin=f"serviceAccount:\n  annotations:\n{entries}")
    assert "k4999: v  # stdin:5002:12\n" in done.stdout


@pytest.mark.parametrize(
    "words, offered",
    [
        ("-f exa", "file,exa"),
        ("--values exa", "file,exa"),
        ("--output-dir o", "dir,o"),
        ("--crds o", "file,o"),
        ("-s peer", "plain,templates/peerauthentication.yaml"),
        ("-s templates/cert", "plain,templates/certificate-webhook.yaml"),
        ("--expl", "plain,--explain"),
        ("stageset -n b -s peer", "plain,templates/peerauthentication.yaml"),
        ("--set serviceMesh.g", "plain,serviceMesh.gate.\nplain,serviceMesh.gate.from="),
        ("--set mcp.enabled=true,gate.en", "plain,mcp.enabled=true,gate.enabled="),
        ("--ignore mesh-off,ports-s", "plain,mesh-off,ports-shared"),
    ],
)
def test_the_shell_completes(words, offered):
    completion = {"_STAGESET_RENDER_COMPLETE": "bash_complete", "COMP_WORDS": f"stageset-render {words}"}
    done = subprocess.run(
        [sys.executable, ROOT / "renderer.py"],
        env={**os.environ, **completion, "COMP_CWORD": str(len(words.split()))},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == (f"{offered}\n", "")


@pytest.mark.parametrize("arguments", [["--bad"], ["-f", "missing.yaml"], ["--each", "examples/*.yaml", "--dry-run"]])
def test_a_closed_stderr_moves_nothing_to_stdout(arguments):
    run = [sys.executable, "renderer.py", *arguments]
    done = subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *run], cwd=ROOT, stdout=subprocess.PIPE)
    assert (done.stdout, done.returncode) == (b"", {"--bad": 2, "-f": 1, "--each": 0}[arguments[0]])


def test_skipping_the_schema_lets_pass_what_a_newer_api_may_know(command):
    newer = "tolerations: [{operator: Exists, newer: 1}]"
    assert command("-f", "-", stdin=newer).exit_code == 1
    done = command("-f", "-", "--skip-schema-validation", stdin=newer)
    assert done.exit_code == 0 and "newer: 1" in done.stdout
    assert done.stderr.startswith("stdin:1:34: warning: tolerations[0].newer: is unknown")
    assert command("-f", "-", "--skip-schema-validation", "--strict", stdin=newer).exit_code == 1
    assert command("-f", "-", "--skip-schema-validation", stdin="gates: 1").exit_code == 1


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [*PARTS]])
def test_a_full_disk_ends_in_a_sentence(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, ROOT / "renderer.py", *arguments], stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr.decode()) == (1, "stdout: No space left on device\n")


@pytest.mark.parametrize(
    "values, said",
    [
        ({"image": {"tag": "\ud800"}}, "half a character"),
        ({"\ud800": 1}, "half a character"),
        ({"pod": {"additionalLabels": {"a\ud800": "x"}}}, "half a character"),
        ({"tolerations": [{"key": "\udcff"}]}, "half a character"),
        ({"controller": {"tracing": {"sampleRatio": float("nan")}}}, "nan is not a number JSON can hold"),
    ],
)
def test_what_only_python_can_hold_is_refused(values, said):
    with pytest.raises(Refused, match=said) as refused:
        render(values, name="a", namespace="b")
    str(refused.value).encode()


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_key_is_a_text(command, path):
    """As JSON has it, and as tools that read YAML into JSON demand it."""

    def check(value):
        if isinstance(value, dict):
            assert all(isinstance(key, str) for key in value), value
            list(map(check, value.values()))
        elif isinstance(value, list):
            list(map(check, value))

    documents = list(yaml.load_all(command("-f", path).stdout, yaml.CSafeLoader))
    check(documents)
    json.dumps(documents)
