# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What values files hold beside the chart's values: keys of one's own, what has not been filled in, and hooks."""

import pytest
import yaml

X = "x-common: &c {team: a}\npod: {additionalLabels: *c}\n"


def test_a_key_of_ones_own_may_hold_anchors(command):
    done = command("-f", "-", "-s", "deployment.yaml", "--lint", stdin=X)
    assert (done.exit_code, done.stderr) == (0, "")
    assert yaml.safe_load(done.stdout)["spec"]["template"]["metadata"]["labels"]["team"] == "a"
    assert yaml.safe_load(command("-f", "-", "--show-values", stdin=X).stdout)["x-common"] == {"team": "a"}


@pytest.mark.parametrize("text", [X.replace("x-common", "common"), "pod: {x-a: 1}\n", "X-a: 1\n"])
def test_other_keys_are_refused_which_says_how_one_may_be_called(command, text):
    done = command("-f", "-", stdin=text)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "is unknown" in done.stderr
    assert ("and no key of your own, which begins with x-" in done.stderr) == (not text.startswith("pod"))


@pytest.mark.parametrize(
    "text, place, path, found",
    [
        ("replicas: {min: '${N}'}\n", "1:17", "replicas.min", "${N}"),
        ('replicas: {min: "{{ .Values.n }}"}\n', "1:17", "replicas.min", "{{ .Values.n }}"),
        ("serviceMesh: {mtls: '${MTLS:-strict}'}\n", "1:21", "serviceMesh.mtls", "${MTLS:-strict}"),
        ("gate: ${GATE}\n", "1:7", "gate", "${GATE}"),
        ("${X}: 1\n", "1:1", "${X}", "${X}"),
        ("gate: {'{{ x }}': 1}\n", "1:8", 'gate."{{ x }}"', "{{ x }}"),
    ],
)
def test_what_is_not_filled_in_is_told_where_it_is_refused(command, text, place, path, found):
    done = command("-f", "-", stdin=text)
    assert (done.exit_code, done.stdout) == (1, "")
    said = f"'{found}' is of a template or a script, which has not filled it in; fill it in first [yaml-template]"
    assert done.stderr == f"stdin:{place}: error: {path}: {said}\n1 error; nothing rendered\n"


def test_texts_that_may_hold_anything_may_hold_placeholders(command):
    annotations = {"a": "{{ $labels.x }} of ${cluster}", "b": "$(C)"}
    text = yaml.safe_dump({"serviceAccount": {"annotations": annotations}})
    done = command("-f", "-", "-s", "serviceaccount.yaml", stdin=text)
    assert (done.exit_code, done.stderr) == (0, "")
    assert yaml.safe_load(done.stdout)["metadata"]["annotations"].items() >= annotations.items()


def test_rules_judge_the_rest_beside_what_is_not_filled_in(command):
    done = command("-f", "-", stdin="ports: {gate: '${PORT}', health: 8080, metrics: 8080}\n")
    assert [line.partition(": error: ")[2].split(":")[0] for line in done.stderr.splitlines()[:-1]] == [
        "ports.gate",
        "ports.metrics",
    ]


def test_an_encrypted_file_is_one_error(command):
    done = command("-f", "-", stdin="gate: ENC[x]\nsops: {mac: 'ENC[x]', version: 3.9.0}\n")
    assert done.stderr.splitlines() == [
        "stdin:2:1: error: this file is encrypted by SOPS; decrypt it, as `sops -d` does, and give what that prints "
        "[yaml-encrypted]",
        "1 error; nothing rendered",
    ]


def test_an_object_with_a_hook_that_helm_does_not_know_is_left_out_and_told(command):
    name, text = "serviceaccount.yaml", "serviceAccount: {annotations: {helm.sh/hook: 'test,nope'}}\n"
    plain, done = command("-s", "templates/*"), command("-s", "templates/*", "-f", "-", stdin=text)
    assert done.exit_code == 0
    assert done.stdout == "".join(
        part for part in plain.stdout.replace("---\n#", "\0---\n#").split("\0") if f"/{name}\n" not in part
    )
    assert done.stderr.startswith(
        f"warning: templates/{name} is left out, as Helm leaves it out: 'test,nope' is no kind"
    )
    hook = command("-s", "templates/*", "-f", "-", "--no-hooks", stdin=text.replace(",nope", ""))
    assert f"/{name}\n" not in hook.stdout and hook.stderr == ""


def test_the_options_of_show_only_are_taken_in_turn_and_each_in_helms_order(command):
    def shown(*patterns):
        done = command("--set", "namespace.create=true", *(one for pattern in patterns for one in ("-s", pattern)))
        return [line.rsplit("/", 1)[1] for line in done.stdout.splitlines() if line.startswith("# Source: ")]

    every = shown("templates/*.yaml")
    assert every == [
        line.rsplit("/", 1)[1]
        for line in command("--set", "namespace.create=true").stdout.splitlines()
        if line.startswith("# Source: ")
    ]
    assert every[:2] == ["namespace.yaml", "serviceaccount.yaml"] and every.index("deployment.yaml") > 2
    assert shown("templates/service*", "deployment.yaml", "templates/*") == [
        *(name for name in every if name.startswith("service")),
        "deployment.yaml",
        *(name for name in every if not name.startswith("service") and name != "deployment.yaml"),
    ]
