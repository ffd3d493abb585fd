# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What users of `helm template` type, and what they are told."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stageset_render import Refused, render
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
    monkeypatch.setenv("HELM_NAMESPACE", "")
    assert namespace(command(*ACCOUNT)) == "default"
    monkeypatch.setenv("HELM_NAMESPACE", "A")
    assert command(*ACCOUNT).exit_code == 2


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


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--no-hooks=maybe"], "--no-hooks is true or false, and not 'maybe'"),
        (["name", "chart"], "'chart' is too much: the chart is this pack itself"),
        (["--version", "1.2.3"], "use --chart-version"),
        (["name", "--version=1.2.3"], "use --chart-version"),
        (["--nonsense"], "No such option '--nonsense'"),
        *(([flag], f"{flag}: {instead}") for flag, instead in helm_flags().items()),
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
        ("serviceMesh: {gate: {from: a/ns/b/sa/c}}", "write a list such as [{principals: [cluster.local/ns/"),
        ("serviceMesh: {gate: {from: [{principals: a}]}}", 'write a list: ["a"]'),
        ("gate: {enabled: 'Yes'}", "'Yes' is not a boolean; write true"),
        ("gate: {enabled: OFF_}", "'OFF_' is not a boolean"),
        ("gate: {enabled: 'OFF'}", "'OFF' is not a boolean; write false"),
        ("mtls: strict", "did you mean serviceMesh.mtls?"),
        ("my-release: {gate: {enabled: true}}", "remove this line, and write gate: without indentation"),
        ("image: {tag: 1}", "1 is not a string; write it in quotes"),
    ],
)
def test_a_slip_is_mended_in_the_message(command, text, said):
    done = command("-f", "-", stdin=text)
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr


def test_hints_fit_the_option(command):
    assert "1 is not a string; use --set-string" in command("--set", "image.tag=1").stderr
    assert "'true' is not a boolean; use --set" in command("--set-string", "gate.enabled=true").stderr


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


def test_skipping_the_schema_lets_pass_what_a_newer_api_may_know(command):
    newer = "tolerations: [{operator: Exists, newer: 1}]"
    assert command("-f", "-", stdin=newer).exit_code == 1
    done = command("-f", "-", "--skip-schema-validation", stdin=newer)
    assert done.exit_code == 0 and "newer: 1" in done.stdout
    assert done.stderr.startswith("warning: stdin:1:")
    assert command("-f", "-", "--skip-schema-validation", "--strict", stdin=newer).exit_code == 1
    assert command("-f", "-", "--skip-schema-validation", stdin="gates: 1").exit_code == 1


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_a_full_disk_ends_in_a_sentence(arguments):
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, ROOT / "renderer.py", *arguments], stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr.decode()) == (1, "stdout: No space left on device\n")


def test_half_a_character_is_refused():
    with pytest.raises(Refused, match="half a character"):
        render({"image": {"tag": "\ud800"}}, name="a", namespace="b")


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
