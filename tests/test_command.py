# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The command: its options, exit codes, and what goes to stdout and stderr."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import PARTS

import stageset_render
from stageset_render.pack import execution

ROOT = Path(__file__).resolve().parent.parent
STRICT = "serviceMesh: {enabled: true, mtls: strict}\n"
SURPRISING = "serviceMesh: {enabled: true, istio: {rules: [{to: [{operation: {ports: ['1']}}]}]}}\n"
REFUSED = "serviceMesh: {enabled: true, mtls: stirct}\n"
PEER = "templates/peerauthentication.yaml"


@pytest.fixture
def strict(tmp_path):
    path = tmp_path / "strict.yaml"
    path.write_text(STRICT)
    return path


def documents(done):
    assert (done.exit_code, done.stderr) == (0, ""), done.stderr
    return list(yaml.safe_load_all(done.stdout))


def sources(done):
    return [
        line.rsplit("/", 1)[1]
        for line in done.stdout.splitlines()
        if line.startswith("# Source: stageset-controller/templates/")
    ]


def mesh(command, *arguments, stdin=None):
    """The merged value of serviceMesh."""
    done = command("--show-values", *arguments, stdin=stdin)
    assert (done.exit_code, done.stderr) == (0, ""), done.stderr
    return yaml.safe_load(done.stdout)["serviceMesh"]


def test_names_default_as_in_helm(command):
    namespace = documents(command("--set", "namespace.create=true", "-s", "templates/namespace.yaml"))[0]
    assert namespace["metadata"]["name"] == "default"
    assert namespace["metadata"]["labels"]["app.kubernetes.io/instance"] == "release-name"


def test_names_given(command):
    namespace = documents(
        command("rel", "-n", "ns", "--set", "namespace.create=true", "-s", "templates/namespace.yaml")
    )[0]
    assert namespace["metadata"]["name"] == "ns"
    assert namespace["metadata"]["labels"]["app.kubernetes.io/instance"] == "rel"


def test_output_is_framed_as_helm_frames_it(command, strict):
    done = command("-f", strict, "-s", PEER)
    assert done.stdout.startswith(f"---\n# Source: stageset-controller/{PEER}\napiVersion: security.istio.io/v1\n")
    assert done.stdout.endswith("mode: PERMISSIVE\n")


@pytest.mark.parametrize("text", [STRICT, json.dumps(yaml.safe_load(STRICT))])
def test_values_come_from_stdin_as_yaml_or_json(command, text):
    assert mesh(command, "-f", "-", stdin=text)["mtls"] == "strict"


@pytest.mark.parametrize(
    "arguments, mtls",
    [
        ([], "strict"),
        (["--set", "serviceMesh.mtls=permissive"], "permissive"),
        (["--set-string", "serviceMesh.mtls="], ""),
        (["--set-json", 'serviceMesh={"mtls":"permissive"}'], "permissive"),
        (["--set-json", '{"serviceMesh":{"mtls":"permissive"}}'], "permissive"),
        (["--set-file", "serviceMesh.mtls=permissive.txt"], "permissive"),
        (["--set-string", "serviceMesh.mtls=strict", "--set", "serviceMesh.mtls=permissive"], "strict"),
        (["--set", "serviceMesh.mtls=strict", "--set-json", 'serviceMesh.mtls="permissive"'], "strict"),
        (["--set-file", "serviceMesh.mtls=permissive.txt", "--set-string", "serviceMesh.mtls=strict"], "permissive"),
        (["-f", "second.yaml"], "permissive"),
        (["-f", "strict.yaml,second.yaml"], "permissive"),
    ],
)
def test_precedence_is_helms(command, strict, monkeypatch, arguments, mtls):
    monkeypatch.chdir(strict.parent)
    Path("permissive.txt").write_text("permissive")
    Path("second.yaml").write_text("serviceMesh: {mtls: permissive}")
    assert mesh(command, "-f", strict, *arguments)["mtls"] == mtls


def test_set_edits_the_list_of_a_file(command, tmp_path):
    path, one, other = tmp_path / "v.yaml", "a/ns/b/sa/c", "a/ns/b/sa/d"
    path.write_text(f"serviceMesh: {{gate: {{from: [{{principals: [{one}]}}, {{principals: [{one}]}}]}}}}")
    edit = f"serviceMesh.gate.from[1].principals[0]={other}"
    merged = mesh(command, "-f", path, "--set", edit, "--set", "serviceMesh.enabled=true")
    assert merged["gate"]["from"] == [{"principals": [one]}, {"principals": [other]}]


def test_null_resets_a_default(command):
    assert "mtls" not in mesh(command, "--set", "serviceMesh.mtls=null")


@pytest.mark.parametrize(
    "arguments, printed",
    [
        (["-s", PEER], ["peerauthentication.yaml"]),
        (
            ["-s", PEER, "-s", "templates/istio-authorizationpolicy.yaml"],
            ["peerauthentication.yaml", "istio-authorizationpolicy.yaml"],
        ),
        (["-s", "peerauthentication.yaml"], ["peerauthentication.yaml"]),
        (["-s", "templates/peer*.yaml", "-s", PEER], ["peerauthentication.yaml"]),
        (["-s", f"stageset-controller/{PEER}"], ["peerauthentication.yaml"]),
        (["-s", "templates/namespace.yaml"], []),
    ],
)
def test_show_only(command, strict, arguments, printed):
    done = command("-f", strict, *arguments)
    assert (done.exit_code, done.stderr, sources(done)) == (0, "", printed)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (
            ["-s", "templates/peerauthentification.yaml"],
            "there is no template 'peerauthentification.yaml'; did you mean peerauthentication.yaml",
        ),
        (["-s", "templates/_helpers.tpl"], "there is no template '_helpers.tpl'"),
        (["-s", "templates/NOTES.txt"], "there is no template 'NOTES.txt'"),
        (["--show-values", "--output-dir", "x"], "--show-values prints to stdout instead of manifests"),
        (["Bad_Name"], "'Bad_Name' is no release name"),
        (["x" * 54], "is no release name"),
        (["-n", "a.b"], "'a.b' is no namespace"),
        (["--no-such-thing"], "No such option"),
        (["one", "two"], "'two' is too much: it names no chart"),
        (["--explain", "--changes"], "--explain, --changes: give one of them"),
        (["--callers", "--dry-run"], "--callers prints to stdout instead of manifests, so it goes with no --dry-run"),
        (["--changes", "--dry-run"], "--changes prints to stdout instead of manifests, so it goes with no --dry-run"),
        (["--callers", "--lint"], "--callers prints to stdout instead of manifests, so it goes with no --lint"),
        (["--explain", "-s", "templates/service-gate.yaml"], "so it goes with no --show-only"),
    ],
)
def test_wrong_usage(command, arguments, said):
    done = command(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    "arguments, said",
    [
        (
            ["-f", "-"],
            "stdin:1:36: error: serviceMesh.mtls: 'stirct' is not one of '', permissive, strict (did you mean strict?) "
            "[values-choice]\n",
        ),
        (
            ["--set", "serviceMesh.mtls=stirct"],
            "--set serviceMesh.mtls=stirct: error: serviceMesh.mtls: 'stirct' is not one of '', permissive, strict "
            "(did you mean strict?) [values-choice]\n",
        ),
        (
            ["--set", "ports.gate=8080"],
            "--set ports.gate=8080: error: ports.gate: 8080 is also ports.metrics, so the rule of one would rule the "
            "other as well; give each enabled port a number of its own [ports-shared]\n",
        ),
    ],
)
def test_refused(command, arguments, said):
    done = command(*arguments, stdin=REFUSED)
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"{said}1 error; nothing rendered\n")


@pytest.mark.parametrize("option", ["--strict", "--lint", "--notes", "--show-values"])
def test_a_refusal_leaves_stdout_empty_under_every_option(command, option):
    done = command("-f", "-", option, stdin=REFUSED)
    assert (done.exit_code, done.stdout) == (1, "")


@pytest.mark.parametrize(
    "content, said",
    [
        (b"a: [1\n", "bad.yaml:2:1: "),
        (b"serviceMesh:\n  enabled: true\n  enabled: false\n", "bad.yaml:3:3: "),
        (b"- a\n", "bad.yaml:1:1: "),
        (b"a: \xff\n", "bad.yaml:1:4: "),
        (b"image: {}\n---\nb: 2\n", "bad.yaml:3:1: error: b: is unknown"),
        (None, "bad.yaml"),
    ],
)
def test_unreadable_files(command, tmp_path, monkeypatch, content, said):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("bad.yaml").write_bytes(content)
    done = command("-f", "bad.yaml")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr


def test_warnings_go_to_stderr_and_strict_refuses_them(command):
    done = command("-f", "-", *PARTS, stdin=SURPRISING)
    assert done.exit_code == 0
    said, summary = done.stderr.splitlines()
    assert said.startswith("stdin:1:73: warning: serviceMesh.istio.rules[0].to[0].operation.ports[0]: ")
    assert summary == "1 warning"
    assert "istio-authorizationpolicy.yaml" in sources(done)
    refused = command("-f", "-", "--strict", *PARTS, stdin=SURPRISING)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == f"{said.replace('warning: ', 'error: ')}\n1 error; nothing rendered\n"


def test_notes_go_to_stderr(command, strict):
    quiet, noted = command("-f", strict, *PARTS), command("-f", strict, *PARTS, "--notes")
    assert quiet.stderr == ""
    assert noted.stdout == quiet.stdout
    assert "Stage gate: http://stageset-controller-gate.default.svc:8082/" in noted.stderr


def test_lint_complains_about_what_yamllint_finds(command, strict, monkeypatch):
    monkeypatch.setattr(execution, "framed", lambda chart, file, document: f"---\n{document}x: y  \n")
    done = command("-f", strict, "--lint", "-s", PEER)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "trailing spaces" in done.stderr


def test_no_hooks_leaves_out_what_only_helm_may_run(command):
    hooks, rest = command(*PARTS), command(*PARTS, "--no-hooks")
    assert [one["kind"] for one in documents(hooks)][-4:] == [
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Job",
    ]
    assert hooks.stdout.startswith(rest.stdout)
    assert "helm.sh/hook" not in rest.stdout
    assert len(documents(hooks)) == len(documents(rest)) + 4


CRD = """---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: stagesets.stages.metio.wtf
  annotations:
    controller-gen.kubebuilder.io/version: v0.18.0
spec:
  group: stages.metio.wtf
"""


@pytest.fixture
def crds(tmp_path):
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds" / "b.yaml").write_text(CRD)
    (tmp_path / "crds" / "a.yml").write_text(
        CRD.replace("stagesets", "ledgers") + CRD.replace("stagesets", "inventories")
    )
    (tmp_path / "crds" / "README.md").write_text("not YAML")
    return tmp_path / "crds"


def test_crds_come_in_helms_order_and_are_kept(command, crds):
    done = command("--crds", crds, "--lint")
    objects = [one for one in documents(done) if one["kind"] == "CustomResourceDefinition"]
    assert [one["metadata"]["name"].split(".")[0] for one in objects] == ["ledgers", "inventories", "stagesets"]
    assert [one["kind"] for one in documents(done)][:5] == [
        "ServiceAccount",
        *["CustomResourceDefinition"] * 3,
        "ClusterRole",
    ]
    assert objects[0]["metadata"]["annotations"] == {
        "controller-gen.kubebuilder.io/version": "v0.18.0",
        "helm.sh/resource-policy": "keep",
    }
    assert objects[0]["spec"] == {"group": "stages.metio.wtf"}
    assert "---\n# Source: stageset-controller/crds/a.yml\napiVersion: apiextensions.k8s.io/v1\n" in done.stdout


@pytest.mark.parametrize("arguments", [["--set", "crds.create=false"], ["-s", "templates/serviceaccount.yaml"]])
def test_crds_are_left_out(command, crds, arguments):
    assert "CustomResourceDefinition" not in command("--crds", crds, *arguments).stdout


def test_crds_that_cannot_be_read_leave_stdout_empty(command, crds):
    for path in (crds / "missing", crds / "README.md"):
        done = command("--crds", path)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.startswith(str(path)) and ": error: " in done.stderr


def test_definitions_that_are_left_out_are_told_where_objects_are_rendered(command):
    assert command().stderr.endswith(" [crds-left-out]\n1 warning\n")
    for option in ("--dry-run", "--callers", "--show-values", "--explain", "--changes"):
        assert command(option, "--strict").stderr == ""


def test_crds_go_into_the_output_dir(command, crds, tmp_path):
    assert command("--crds", crds, "--output-dir", tmp_path / "out").exit_code == 0
    files = sorted((tmp_path / "out" / "stageset-controller" / "crds").iterdir())
    assert [path.name for path in files] == ["a.yml", "b.yaml"]
    assert files[0].read_text().count("# Source: stageset-controller/crds/a.yml") == 2


def test_versions_are_those_of_the_labels_and_of_an_empty_image_tag(command):
    done = command("--chart-version", "1.2.3+build", "--app-version", "2027.1.1", "-s", "templates/deployment.yaml")
    deployment = documents(done)[0]
    assert deployment["metadata"]["labels"]["helm.sh/chart"] == "stageset-controller-1.2.3_build"
    assert deployment["metadata"]["labels"]["app.kubernetes.io/version"] == "2027.1.1"
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":2027.1.1")


@pytest.mark.parametrize("arguments", [["--chart-version", "x" * 60], ["--app-version", "a b"], ["--app-version", ""]])
def test_versions_that_no_label_can_hold(command, arguments):
    done = command(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "a label holds" in done.stderr


def test_output_dir(command, strict, tmp_path):
    out = tmp_path / "new" / "out"
    done = command("-f", strict, "--output-dir", out, *PARTS)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    printed = command("-f", strict, *PARTS)
    files = sorted((out / "stageset-controller" / "templates").iterdir())
    assert [path.name for path in files] == sorted(set(sources(printed)))
    pages = [page for path in files for page in path.read_text().split("---\n")]
    assert sorted(pages[1:]) == sorted(printed.stdout.split("---\n")[1:] + [""] * (len(files) - 1))


def test_output_dir_keeps_other_files_and_warns_of_stale_ones(command, strict, tmp_path):
    command("-f", strict, "--output-dir", tmp_path)
    other = tmp_path / "stageset-controller" / "templates" / "mine.txt"
    other.write_text("kept")
    done = command("--set", "serviceMesh.enabled=true,crds.create=false", "--output-dir", tmp_path)
    stale = tmp_path / "stageset-controller" / PEER
    assert (done.exit_code, done.stderr) == (
        0,
        f"warning: {stale} renders nothing now; delete it [output-stale]\n1 warning\n",
    )
    assert other.read_text() == "kept"
    assert stale.exists()


def snapshot(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_output_dir_is_untouched_when_a_file_cannot_be_written(command, strict, tmp_path):
    command("-f", strict, "--output-dir", tmp_path)
    in_the_way = tmp_path / "stageset-controller" / PEER
    in_the_way.unlink()
    in_the_way.mkdir()
    before = snapshot(tmp_path)
    done = command("-f", strict, "--set", "ports.gate=1", "--output-dir", tmp_path)
    assert (done.exit_code, done.stdout, done.stderr) == (
        1,
        "",
        f"{in_the_way}: error: can't be written: Is a directory [output-unwritable]\n1 error; nothing rendered\n",
    )
    assert snapshot(tmp_path) == before


def test_output_dir_replaces_links_and_leaves_what_they_point_to(command, strict, tmp_path):
    command("-f", strict, "--output-dir", tmp_path / "out")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("kept")
    path = tmp_path / "out" / "stageset-controller" / PEER
    text = path.read_text()
    path.unlink()
    path.symlink_to(elsewhere)
    assert command("-f", strict, "--output-dir", tmp_path / "out").exit_code == 0
    assert (path.is_symlink(), path.read_text(), elsewhere.read_text()) == (False, text, "kept")


def test_output_dir_may_lead_through_links(command, strict, tmp_path, monkeypatch):
    def names(directory):
        return {path.name for path in snapshot(tmp_path / directory)}

    (tmp_path / "there" / "in").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "there" / "in")
    (tmp_path / "kept").mkdir()
    (tmp_path / "linked" / "stageset-controller").mkdir(parents=True)
    (tmp_path / "linked" / "stageset-controller" / "templates").symlink_to(tmp_path / "kept")
    monkeypatch.chdir(tmp_path)
    for directory in "plain", "link/../out", "linked":
        assert command("-f", strict, "--output-dir", directory).exit_code == 0
    assert names("plain") == names("there/out") == names("kept") != set()


def test_output_dirs_files_have_the_usual_mode(command, strict, tmp_path):
    command("-f", strict, "--output-dir", tmp_path)
    (tmp_path / "usual").write_text("")
    usual = (tmp_path / "usual").stat().st_mode
    assert {path.stat().st_mode for path in tmp_path.rglob("*.yaml") if path != strict} == {usual}


def test_runs_at_the_same_time_into_one_directory_do_no_harm(strict, tmp_path):
    out = tmp_path / "out"
    command = [sys.executable, ROOT / "renderer.py", "-f", strict, "--output-dir", out]
    subprocess.run(command, check=True)
    (out / "mine.txt").write_text("kept")
    before = snapshot(out)
    assert [run.wait() for run in [subprocess.Popen(command) for _ in range(4)]] == [0] * 4
    assert snapshot(out) == before


def test_version(command):
    done = command("--version")
    assert done.stdout == f"stageset-render {stageset_render.__version__}, chart 0.0.0, appVersion 2026.8.17224814\n"


def run(*arguments, cwd=None, stdin=None, **environment):
    return subprocess.run(
        [sys.executable, str(ROOT / "renderer.py"), *arguments],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **environment},
    )


def test_same_bytes_under_any_locale_and_hash_seed(tmp_path):
    rule = "{from: [{source: {namespaces: [b]}}], when: [{key: 'request.headers[x]', values: [é, 漢]}]}"
    values = (
        f"serviceMesh: {{enabled: true, gate: {{from: [{{namespaces: [a]}}]}}, istio: {{rules: [{rule}]}}}}".encode()
    )
    runs = [
        run("-f", "-", *PARTS, stdin=values, cwd=tmp_path, LC_ALL=locale, PYTHONHASHSEED=seed)
        for locale, seed in (("C", "1"), ("C.UTF-8", "2"))
    ]
    assert runs[0].stdout == runs[1].stdout
    assert (runs[0].returncode, runs[0].stderr) == (0, b"")
    assert "漢".encode() in runs[0].stdout


@pytest.mark.parametrize(
    "redirection, said",
    [
        ("> /dev/full", "stdout: No space left on device\n"),
        (">&-", "error: stdout is closed; nothing can be printed\n1 error; nothing rendered\n"),
        (
            "-f - <&-",
            "stdin: error: it cannot be read; give it a file or a pipe [yaml-unreadable]\n1 error; nothing rendered\n",
        ),
    ],
)
def test_broken_streams_are_told(strict, redirection, said):
    done = subprocess.run(
        f"{sys.executable} {ROOT / 'renderer.py'} -f {strict} -s 'templates/*' {redirection}",
        shell=True,
        capture_output=True,
    )
    assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", said)


def test_many_findings_are_told_in_time_and_not_all(command):
    entries = ", ".join(["{principals: ['spiffe://a/ns/b/sa/c']}"] * 500)
    done = command("-f", "-", stdin=f"serviceMesh: {{enabled: true, gate: {{from: [{entries}]}}}}")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 101)
    assert done.stderr.endswith("\n500 errors (400 more than are shown); nothing rendered\n")


def test_no_control_character_of_a_value_reaches_the_terminal(command):
    done = command(
        "-f", "-", stdin='{"a\\x9b[2J": 1, "serviceMesh": {"gate": {"from": [{"principals": ["a\\e[2J"]}]}}}'
    )
    assert done.exit_code == 1
    assert all(character.isprintable() for character in done.stderr.replace("\n", ""))


def test_a_closed_pipe_is_no_traceback(strict):
    done = subprocess.run(
        f"{sys.executable} {ROOT / 'renderer.py'} -f {strict} | true", shell=True, capture_output=True
    )
    assert b"Traceback" not in done.stderr


def test_arguments_that_are_no_utf8_are_refused(tmp_path):
    done = run("--set", b"serviceMesh.mtls=\xff".decode("utf-8", "surrogateescape"), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"Traceback" not in done.stderr and b"bug" not in done.stderr
