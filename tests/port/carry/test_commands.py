# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""`stageset-port pull` and `push` as their users meet them: a release of the chart taken over, and changes carried back."""

import gzip
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile

import dressing
import pytest
import yaml
from click.testing import CliRunner

from stageset_render.pack import files
from stageset_render.port import chart as porting
from stageset_render.port import commands, sources, versions
from stageset_render.port.carry import pull_push, schema_parts


def written(texts, place):
    for path, text in texts.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)
    return place


def replaced(path, *pairs):
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


@pytest.fixture(scope="module")
def texts():
    return dressing.dressed(porting.chart())


@pytest.fixture
def old(texts, tmp_path):
    return written(texts, tmp_path / "old")


@pytest.fixture
def chart(texts, tmp_path):
    return written(texts, tmp_path / "chart")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A copy of the pack's files, which a pull may change."""
    place = tmp_path / "checkout"
    shutil.copytree(files.root() / "templates", place / "templates")
    shutil.copy(files.root() / files.SCHEMA, place)
    shutil.copytree(files.root() / "schema", place / "schema")
    (place / "setup.cfg").touch()
    (place / "stageset_render/pack").mkdir(parents=True)
    shutil.copy(files.root() / "stageset_render/pack/files.py", place / "stageset_render/pack")
    for module in (files, sources, pull_push, schema_parts, versions):
        monkeypatch.setattr(module, "root", lambda: place)
    files.all_templates.cache_clear()
    yield place
    files.all_templates.cache_clear()


@pytest.fixture
def run():
    def run(*arguments, given=None):
        files.all_templates.cache_clear()
        runner = CliRunner()
        done = runner.invoke(commands.main, [str(one) for one in arguments], input=given, prog_name="stageset-port")
        return done.stdout_bytes.decode(), done.stderr, done.exit_code  # with the line ends of the files

    return run


def git(place, *arguments):
    named = ("-c", "user.name=a", "-c", "user.email=a@b")
    return subprocess.run(["git", *named, *arguments], cwd=place, check=True, capture_output=True, text=True).stdout


DEPLOYMENT, DEFAULTS = "templates/deployment.yaml", f"templates/{files.DEFAULTS}"
GATE = "templates/service-gate.yaml"
NEW = "New in the chart; say what it means."
FLAG = (
    "            - --log-level",
    "            {{- /* one each */}}\n            - --shards={{ .Values.controller.shards }}\n            - --log-level",
)


# Pull


def test_a_chart_in_another_hand_changes_nothing(chart, checkout, run):
    assert run("pull", chart) == ("", "", 0)
    assert run("pull", chart, "--write") == ("", "", 0)


def test_a_release_is_taken_over(chart, checkout, run):
    replaced(chart / DEPLOYMENT, FLAG)
    replaced(
        chart / "values.yaml",
        ("controller:\n", "controller:\n  # -- how many\n  shards: 5\n"),
        ("  min: 1\n", "  min: 2\n"),
    )
    written(
        {"templates/configmap.yaml": "# mine\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name | quote }}\n"}, chart
    )
    shown, told, code = run("pull", chart)
    assert (told, code) == ("", 1)
    assert "+            {#- one each #}\n+            - --shards={{ Values.controller.shards }}\n" in shown
    assert "+  # -- how many\n+  shards: 5\n" in shown and "-  min: 1\n+  min: 2\n" in shown
    assert '+        "shards": {"description": "New in the chart; say what it means.", "type": "integer"' in shown
    assert "--- /dev/null\n+++ b/templates/configmap.yaml\n" in shown and "+# mine\n+kind: ConfigMap\n" in shown
    assert sum(line[0] in "+-" and line[:3] not in ("+++", "---") for line in shown.splitlines()) < 25
    before = git(checkout, "init", "-q") or {path.name: path.read_text() for path in (checkout / "templates").iterdir()}
    assert run("pull", chart, "--write") == (shown, "", 1)
    after = {path.name: path.read_text() for path in (checkout / "templates").iterdir()}
    assert {name for name in after if after[name] != before.get(name)} == {
        files.DEFAULTS,
        "configmap.yaml",
        "deployment.yaml",
    }
    assert run("pull", chart) == ("", "", 0)


def built(checkout):
    """What the checkout's own schema/build.py makes."""
    command = [sys.executable, "-c", "import build; print(build.text(), end='')"]
    return subprocess.run(command, cwd=checkout / "schema", check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("since", [True, False])
def test_a_chart_without_a_schema_gets_stubs_for_new_values(old, chart, checkout, run, since):
    for place in (old, chart):
        (place / files.SCHEMA).unlink()
    (chart / "values.yaml").write_text((chart / "values.yaml").read_text() + "fresh:\n  enabled: true\n")
    _, told, code = run("pull", chart, *(("--since", old) if since else ()), "--write")
    assert (told, code) == ("", 1)
    fresh = json.loads((checkout / files.SCHEMA).read_text())["properties"]["fresh"]["properties"]
    assert fresh == {"enabled": {"description": NEW, "type": "boolean", "default": True}}
    assert (checkout / files.SCHEMA).read_text() == built(checkout)


def test_the_parts_of_the_schema_are_pulled_with_it(old, chart, checkout, run):
    replaced(chart / "values.yaml", ("  objectLevelKMS: false\n", "  shards: 5\n"), ("\ntolerations: []\n", "\n"))
    schema = json.loads((chart / files.SCHEMA).read_text())
    below = schema["properties"]["controller"]["properties"]
    number = {"allOf": [{"$ref": "#/definitions/wholeNumber"}], "default": 5}
    below["shards"] = {"description": "How many: all", "minimum": 1, **number}
    below["logLevel"]["description"] = "What is logged."
    below["tracing"]["minProperties"], below["tracing"]["additionalProperties"] = 2, True
    del schema["properties"]["rbac"]["properties"]["ledgerView"]["description"]
    del below["objectLevelKMS"], schema["properties"]["tolerations"]
    (chart / files.SCHEMA).write_text(json.dumps(schema, indent=2))
    text = (chart / DEPLOYMENT).read_text()
    (chart / DEPLOYMENT).write_text(text.replace(".Values.tolerations", ".Values.affinity"))
    shown, told, code = run("pull", chart, "--since", old, "--write")
    assert code == 2 and told.count("error:") == 1, told
    part = (checkout / "schema/values/controller.yaml").read_text().split("  tracing:")[0].count("\n") + 1
    there = (chart / files.SCHEMA).read_text().split('"tracing": {')[1].split('"additionalProperties": true')[0]
    there = (chart / files.SCHEMA).read_text().split(there)[0].count("\n") + there.count("\n") + 1
    assert f"{chart}/values.schema.json:{there} makes `controller.tracing.additionalProperties: true` of it" in told
    assert told.startswith(f"schema/values/controller.yaml:{part + 1}: error: ")
    part = (checkout / "schema/values/controller.yaml").read_text()
    assert "  shards:\n    meaning: 'How many: all'\n    minimum: 1\n    is: wholeNumber\n  require" in part
    assert (
        "\n    minProperties: 2\n" in part and "    meaning: What is logged.\n" in part and "objectLevelKMS" not in part
    )
    assert not (checkout / "schema/values/tolerations.yaml").exists()
    assert "--- a/schema/values/tolerations.yaml\n+++ /dev/null\n" in shown
    assert (checkout / files.SCHEMA).read_text() == built(checkout)


@pytest.mark.parametrize("since", [True, False])
def test_the_versions_of_a_release_are_taken_over(old, chart, checkout, run, since):
    replaced(chart / "Chart.yaml", ("version: 0.0.0", "version: 1.2.3"))
    shown, told, code = run("pull", chart, *(("--since", old) if since else ()), "--write")
    assert (told, code) == ("", 1) and sum(line[0] in "+-" for line in shown.splitlines()) == 4
    assert '"Version": "1.2.3", "App' in (checkout / "stageset_render/pack/files.py").read_text()


def test_what_is_shown_is_a_patch(chart, checkout, run):
    replaced(chart / DEPLOYMENT, FLAG, ("periodSeconds: 20", "periodSeconds: 21"))
    (chart / "templates/service-mcp.yaml").rename(chart / "templates/service-tools.yaml")
    replaced(chart / "templates/service-tools.yaml", ("type: ClusterIP", "type: LoadBalancer"))
    (chart / "templates/pvc-rollback.yaml").unlink()
    shown, _, _ = run("pull", chart)
    assert "rename from templates/service-mcp.yaml\nrename to templates/service-tools.yaml\n" in shown
    git(checkout, "init", "-q")
    (checkout / "it.patch").write_text(shown)
    git(checkout, "apply", "it.patch")
    there = {path.name for path in (checkout / "templates").iterdir()}
    assert "service-tools.yaml" in there and not {"service-mcp.yaml", "pvc-rollback.yaml"} & there
    assert run("pull", chart) == ("", "", 0)


def test_files_that_go_or_are_renamed_are_deleted_and_moved(chart, checkout, run):
    (chart / "templates/service-mcp.yaml").rename(chart / "templates/service-tools.yaml")
    (chart / "templates/pvc-rollback.yaml").unlink()
    shown, _, code = run("pull", chart, "--write")
    assert code == 1 and "--- a/templates/pvc-rollback.yaml\n+++ /dev/null\n" in shown
    assert (
        not (checkout / "templates/service-mcp.yaml").exists()
        and not (checkout / "templates/pvc-rollback.yaml").exists()
    )
    assert (checkout / "templates/service-tools.yaml").read_text() == porting.source("service-tools.yaml")
    assert run("pull", chart) == ("", "", 0)


def test_a_pull_says_what_it_undoes_on_purpose(chart, checkout, run):
    replaced(chart / "templates/prometheusrule.yaml", ("keeps failing", "fails"))
    shown, _, _ = run("pull", chart)
    (hunk,) = [line for line in shown.splitlines() if line.startswith("@@")]
    assert " deliberate: the summaries are worded by the pack" in hunk


def test_only_what_has_changed_since_an_older_version_is_taken_over(old, chart, checkout, run):
    for place in (old, chart):  # in which the pack deviates
        replaced(place / DEPLOYMENT, ("initialDelaySeconds: 15", "initialDelaySeconds: 30"))
    replaced(chart / DEPLOYMENT, ("periodSeconds: 20", "periodSeconds: 21"))
    shown, told, code = run("pull", chart, "--since", old)
    assert (told, code) == ("", 1)
    assert [line for line in shown.splitlines() if line[0] in "+-"][2:] == [
        "-            periodSeconds: 20",
        "+            periodSeconds: 21",
    ]


def test_a_change_where_the_pack_deviates_is_a_conflict(old, chart, checkout, run):
    replaced(checkout / DEPLOYMENT, ("initialDelaySeconds: 15", "initialDelaySeconds: 16"))
    replaced(
        chart / DEPLOYMENT, ("initialDelaySeconds: 15", "initialDelaySeconds: 30"), ("path: /readyz", "path: /ready")
    )
    replaced(chart / "values.yaml", ("  min: 1\n", "  min: 2\n"))
    replaced(checkout / DEFAULTS, ("  min: 1\n", "  min: 3\n"))
    replaced(chart / files.SCHEMA, ('"maximum": 65535', '"maximum": 65534'))
    replaced(checkout / files.SCHEMA, ('"maximum": 65535', '"maximum": 60000'))
    line = (checkout / DEPLOYMENT).read_text().split("initialDelaySeconds: 16")[0].count("\n") + 1
    shown, told, code = run("pull", chart, "--since", old, "--write")
    assert (
        code == 2
        and "+              path: /ready\n" in shown
        and "path: /ready\n" in (checkout / DEPLOYMENT).read_text()
    )
    assert f"{DEPLOYMENT}:{line}: error: differs here from what is changed: it says `initialDelaySeconds: 16`" in told
    theirs = (chart / DEPLOYMENT).read_text().split("initialDelaySeconds: 30")[0].count("\n") + 1
    mend = f"{chart}/{DEPLOYMENT}:{theirs} makes `initialDelaySeconds: 30` of it [conflict]"
    assert f"where it was `initialDelaySeconds: 15`; {mend}" in told
    assert f"{DEFAULTS}:" in told and "it says `min: 3`" in told and f"{chart}/values.yaml:" in told
    part = (checkout / "schema/kinds.yaml").read_text().split("maximum: 65535")[0].count("\n") + 1
    assert f"schema/kinds.yaml:{part}: error: " in told and "60000" in told and f"{chart}/values.schema.json:" in told
    assert run("pull", chart, "--since", old, "--format", "github")[1].startswith("::error file=")


def test_a_commit_of_the_charts_checkout_is_an_older_version(chart, checkout, run):
    git(chart, "init", "-q")
    git(chart, "add", "-A")
    git(chart, "commit", "-qm", "one")
    replaced(chart / DEPLOYMENT, ("periodSeconds: 20", "periodSeconds: 21"))
    shown, told, code = run("pull", chart, "--since", "HEAD")
    assert (told, code) == ("", 1) and "+            periodSeconds: 21\n" in shown
    assert (
        run("pull", chart, "--since", "nowhere")[1].startswith("error: ")
        and run("pull", chart, "--since", "nowhere")[2] == 2
    )


def test_one_file_alone_is_taken_over(chart, checkout, run):
    replaced(chart / DEPLOYMENT, FLAG)
    replaced(chart / "templates/namespace.yaml", ("apiVersion: v1", "apiVersion: v2"))
    shown, _, code = run("pull", chart, "--only", DEPLOYMENT, "--write")
    assert code == 1 and shown.count("+++ ") == 1
    assert run("pull", chart, "--only", "deployment.yaml") == ("", "", 0)
    assert run("pull", chart)[2] == 1


def test_definitions_are_told_in_one_line(chart, checkout, run):
    written(
        {
            "templates/crd-a.yaml": "{{ if }} nonsense",
            "templates/crd-b.yaml": "x" * 9000,
            "templates/tests/t.yaml": "a: b\n",
        },
        chart,
    )
    shown, told, code = run("pull", chart)
    assert (shown, code) == ("", 0)
    assert (
        "the chart has 2 definitions, such as templates/crd-a.yaml; --crds takes them from the controller's release"
        in told
    )
    assert told.count("\n") == 2


def test_named_templates_of_other_partials_and_charts_become_helpers(chart, checkout, run):
    written(
        {
            "templates/_more.tpl": '{{- define "stageset.more.tier" -}}\ngold\n{{- end }}\n',
            "charts/lib/templates/_lib.tpl": '{{- define "lib.team" -}}\n{{ .Release.Name }}-team\n{{- end }}\n',
        },
        chart,
    )
    replaced(
        chart / "templates/service-gate.yaml",
        ("spec:\n", 'spec:\n  tier: {{ include "stageset.more.tier" . }}\n  team: {{ include "lib.team" . }}\n'),
    )
    shown, told, code = run("pull", chart, "--write")
    assert (told, code) == ("", 1)
    assert "+  tier: {{ stageset.tier() }}\n+  team: {{ stageset.team() }}\n" in shown
    assert "+{%- macro team() -%}\n+{{ Release.Name }}-team\n" in shown
    assert run("pull", chart) == ("", "", 0)


def test_a_librarys_helper_takes_no_name_of_another(pack, chart, checkout, run):
    written({"charts/lib/templates/_lib.tpl": '{{- define "lib.labels" -}}\nteam: a\n{{- end }}\n'}, chart)
    replaced(
        chart / "templates/namespace.yaml",
        ("  labels:\n", '  labels:\n    {{- include "lib.labels" . | nindent 4 }}\n'),
    )
    before = (checkout / f"templates/{files.HELPERS}").read_text()
    shown, told, code = run("pull", chart, "--write")
    assert (told, code) == ("", 1) and "+    {{- stageset.libLabels() | nindent(4) }}\n" in shown
    helpers = (checkout / f"templates/{files.HELPERS}").read_text()
    assert helpers.replace("{%- macro libLabels() -%}\nteam: a\n{%- endmacro %}\n", "").strip() == before.strip()
    assert run("pull", chart) == ("", "", 0)
    replaced(
        pack / "templates/service-gate.yaml", ("  labels:\n", "  labels:\n    {{- stageset.labels() | nindent(4) }}\n")
    )
    shown, told, code = push(pack, chart, "--since", "HEAD")
    assert '+    {{- include "stageset.labels" . | nindent 4 }}\n' in shown


def test_the_jinja_of_a_template_that_is_elsewhere(checkout, run, tmp_path):
    (tmp_path / "mine.yaml").write_text('name: {{ include "stageset-controller.name" . }}-{{ .Values.x }}\n')
    jinja = "name: {{ stageset.name() }}-{{ Values.x }}\n"
    assert run("pull", "--only", tmp_path / "mine.yaml") == (jinja, "", 0)
    assert run("pull", "--only", "-", given=(tmp_path / "mine.yaml").read_text()) == (jinja, "", 0)


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["pull"], "Error: name a chart, or a template with --only"),
        (["pull", "--only", "-", "--write"], "Error: --write and --since need a chart"),
        (["pull", "--only", "nowhere.yaml"], "there is no template 'nowhere.yaml'"),
        (["pull", "nowhere"], "Error: nowhere: No such file"),
        (["pull", "--only", "-"], "-:1: error: tpl renders what a value says; print the value"),
        (["pull", ".", "--only", "nowhere.yaml"], "holds no Chart.yaml"),
        (["push", "nowhere"], "nowhere is no directory; unpack the chart first"),
    ],
)
def test_wrong_usage_and_what_has_no_form_end_with_2(checkout, run, arguments, told):
    shown, said, code = run(*arguments, given="{{ tpl .Values.x . }}")
    assert (shown, code) == ("", 2) and told in said


def test_nothing_is_written_where_one_template_has_no_form(chart, checkout, run):
    replaced(chart / DEPLOYMENT, ("periodSeconds: 20", "periodSeconds: 21"))
    replaced(chart / "templates/namespace.yaml", ("apiVersion: v1", "apiVersion: {{ now }}"))
    before = {path: path.read_bytes() for path in (checkout / "templates").iterdir()}
    shown, told, code = run("pull", chart, "--write")
    assert (shown, code) == ("", 2) and f"{chart}/templates/namespace.yaml:" in told and "error: now differs" in told
    assert {path: path.read_bytes() for path in (checkout / "templates").iterdir()} == before


def test_an_installed_pack_is_not_written_into(chart, checkout, run):
    replaced(chart / DEPLOYMENT, FLAG)
    (checkout / "setup.cfg").unlink()
    for asked in (("pull", chart, "--write"), ("push", chart), ("push", chart, "--since", "HEAD")):
        _, told, code = run(*asked)
        assert (code, "is no checkout; run `python -m stageset_render.port` in one" in told) == (2, True), told


# Odd charts


@pytest.mark.parametrize("text", ["", "\n# a comment\n", "{{/* nothing */}}\n"])
def test_a_template_that_says_nothing_is_not_missed(chart, checkout, run, text):
    written({"templates/empty.yaml": text}, chart)
    assert run("pull", chart) == ("", "", 0)
    assert run("diff", chart, "--set", "mcp.enabled=false")[2] == 0


def test_a_byte_order_mark_says_nothing(chart, checkout, run):
    for path in (chart / "templates/namespace.yaml", chart / "values.yaml"):
        path.write_text("\ufeff" + path.read_text())
    assert run("pull", chart) == ("", "", 0)


def test_an_unknown_file_is_wrong_usage(chart, checkout, run):
    for command in ("pull", "push"):
        shown, told, code = run(command, chart, "--only", "nosuch.yaml")
        assert (shown, code) == ("", 2) and "neither the chart nor the pack has a file 'nosuch.yaml'" in told


def test_tests_of_helm_are_left_out(chart, checkout, run):
    written({"templates/tests/it.yaml": "kind: Pod\nmetadata:\n  name: it\n"}, chart)
    assert run("pull", chart) == ("", "templates/tests/ is left out; the pack has no tests of Helm's\n", 0)
    shown, _, code = run("diff", chart, "--set", "mcp.enabled=false")
    assert code == 0 and "\ntemplates/tests/ is not compared; the pack has no tests of Helm's\n" in shown


def test_a_number_is_the_same_with_and_without_a_point(chart, checkout, run):
    replaced(chart / "values.yaml", ("sampleRatio: 1.0\n", "sampleRatio: 1\n"))
    assert run("pull", chart) == ("", "", 0)
    assert run("diff", chart, "--set", "mcp.enabled=false")[2] == 0


def without_templates(chart):
    shutil.rmtree(chart / "templates")


def without_values(chart):
    (chart / "values.yaml").write_text("# none\n")


def tabbed(chart):
    written({"templates/new.yaml": "kind: A\nmetadata:\n\tname: x\n"}, chart)


def linked(chart):
    (chart / "templates/new.yaml").symlink_to("/etc/hosts")


@pytest.mark.parametrize(
    "spoil, told",
    [
        (
            without_templates,
            ": has no templates, and without any nothing of the pack would be left; name a whole chart",
        ),
        (
            without_values,
            ": has no values in values.yaml, and without any nothing of the pack's would be left; write them",
        ),
        (tabbed, "/templates/new.yaml:3: error: a tab indents this line, which YAML refuses; indent it with blanks"),
        (linked, "/templates/new.yaml: is a link that leads out of the chart; put a file in its place"),
    ],
)
def test_what_is_no_whole_chart_is_refused(chart, checkout, run, spoil, told):
    spoil(chart)
    shown, said, code = run("pull", chart, "--write")
    assert (shown, code) == ("", 2) and f"{chart}{told}" in said


# Hostile charts


def archive(place, texts, compressed=None):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name, text in texts.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    place.write_bytes(gzip.compress(data.getvalue() if compressed is None else compressed))
    return place


LAUGHS = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join(f'*{a}' for _ in range(9))}]\n" for a, b in zip("abcdefgh", "bcdefghi")
)
ABOUT = b"apiVersion: v2\nname: a\nversion: 0.0.0\n"


@pytest.mark.parametrize(
    "texts, told",
    [
        ({"c/Chart.yaml": ABOUT, "c/templates/a.yaml": b"x" * 40_000_000}, "is larger than a chart"),
        ({"c/Chart.yaml": ABOUT, "c/values.yaml": LAUGHS.encode()}, "values.yaml"),
        ({"c/Chart.yaml": ABOUT, "c/templates/../../x.yaml": b""}, "has no name of a file in a chart"),
        ({"c/Chart.yaml": ABOUT, "c/templates/a\nb.yaml": b""}, "has no name of a file in a chart"),
        ({"c/Chart.yaml": ABOUT, "c/templates/a.yaml": b"{{ if .Values.a }}" * 300 + b"{{ end }}" * 300}, "nested"),
        ({"c/Chart.yaml": ABOUT, "c/templates/a.yaml": b"{{ " + b"(" * 3000 + b".a" + b")" * 3000 + b" }}"}, "nested"),
        ({"c/Chart.yaml": ABOUT, "c/values.yaml": b"{" * 5000}, "values.yaml"),
        ({"c/Chart.yaml": ABOUT, "c/values.schema.json": b"[" * 5000}, "values.schema.json"),
        ({"c/Chart.yaml": ABOUT, "c/templates/a.yaml": b"\xff"}, "is not UTF-8"),
        ({"c/templates/a.yaml": b""}, "holds no Chart.yaml"),
    ],
)
def test_a_hostile_chart_is_a_sentence(checkout, run, tmp_path, texts, told):
    texts = {"c/templates/a.yaml": b"a: b\n", **texts}
    shown, said, code = run("pull", archive(tmp_path / "c.tgz", texts), "--only", "a.yaml")
    assert (shown, code) == ("", 2) and told in said and len(said) < 600 and "bug" not in said


# Push


@pytest.fixture
def pack(tmp_path):
    """A checkout of the pack with its history."""
    place = tmp_path / "pack"
    for folder in ("templates", "stageset_render"):  # with what Python has compiled, which else takes the most time
        shutil.copytree(files.root() / folder, place / folder)
    for name in ("renderer.py", files.SCHEMA, ".yamllint", "LICENSE", "README.md", "setup.cfg"):
        shutil.copy(files.root() / name, place / name)
    (place / ".gitignore").write_text("__pycache__\n")
    cases = place / "stageset_render/port/diff/cases.yaml"  # of which each push renders all
    cases.write_text(yaml.safe_dump(yaml.safe_load(cases.read_text())[::5]))
    git(place, "init", "-q")
    git(place, "add", "-A")
    git(place, "commit", "-qm", "as the chart is")
    return place


def push(place, *arguments):
    command = [sys.executable, "-m", "stageset_render.port", "push", *map(str, arguments)]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    return done.stdout, done.stderr, done.returncode


def test_changes_of_the_pack_become_a_patch_of_the_chart(pack, chart):
    replaced(
        pack / DEPLOYMENT,
        (
            "            - --log-level",
            "            - --shards={{ Values.controller.shards }}\n            - --log-level",
        ),
    )
    replaced(
        pack / DEPLOYMENT,
        ("name: {{ stageset.name() }}\n", "name: {{ stageset.name() }} # short\n"),
        ("periodSeconds: 20", "periodSeconds: 21"),
    )
    git(pack, "commit", "-qam", "a flag")
    replaced(pack / DEFAULTS, ("controller:\n", "controller:\n  shards: 5\n"))
    schema = '"controller": {\n      "description"'
    text = (pack / files.SCHEMA).read_text()
    at = text.index('"properties": {', text.index('"controller": {')) + len('"properties": {')
    (pack / files.SCHEMA).write_text(
        f'{text[:at]}\n        "shards": {{"description": "How many", "type": "integer", "default": 5}},{text[at:]}'
    )
    before = {path: path.read_text() for path in chart.rglob("*") if path.is_file()}
    shown, told, code = push(pack, chart)
    assert code == 1 and "carries what has changed since " in told and "otherwise" not in told, (shown, told, schema)
    assert "+            - --shards={{ .Values.controller.shards }}\n" in shown and "+  shards: 5\n" in shown
    removed = [line for line in shown.splitlines() if line[0] == "-" and line[:3] != "---"]
    assert removed == ["-            periodSeconds: 20"]
    (chart / "it.patch").write_text(shown)
    subprocess.run(["patch", "-p1", "-s", "-i", "it.patch"], cwd=chart, check=True)
    (chart / "it.patch").unlink()
    changed = {path.name for path in before if path.read_text() != before[path]}
    assert changed == {"deployment.yaml", "values.yaml", files.SCHEMA}
    assert push(pack, chart, "--since", "HEAD~1")[::2] == ("", 0)


def test_a_push_finds_the_commit_that_means_what_the_chart_means(pack, chart):
    text = (chart / "templates/clusterrole-controller.yaml").read_text()
    listed = re.sub(r"(?m)^( *)verbs: \[(\w+)\]$", r"\1verbs:\n\1  - \2", text)
    assert text != listed
    (chart / "templates/clusterrole-controller.yaml").write_text(listed)
    assert push(pack, chart)[0] == ""
    first = git(pack, "rev-parse", "--short", "HEAD").strip()
    new = "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: {{ Release.Name }}\n"
    written({"templates/configmap.yaml": new}, pack)
    git(pack, "add", "-A")
    git(pack, "commit", "-qm", "a new file")
    replaced(pack / files.SCHEMA, ('"maximum": 65535', '"maximum": 65534'))
    git(pack, "commit", "-qam", "a bound")
    shown, told, code = push(pack, chart)
    assert (code, told) == (
        1,
        f"carries what has changed since {first}, when the pack last meant what the chart means\n",
    )
    assert "--- /dev/null\n+++ b/templates/configmap.yaml\n" in shown and '"maximum": 65534' in shown
    push(pack, chart, "--write")
    replaced(pack / files.SCHEMA, ('"description": "', '"description": "So: '))
    git(pack, "commit", "-qam", "a description")
    shown, told, code = push(pack, chart)
    assert code == 1 and sum(line[0] in "+-" for line in shown.splitlines()) == 4


def test_a_renamed_file_keeps_to_itself_in_a_patch(pack, chart):
    git(pack, "mv", "templates/service-mcp.yaml", "templates/mcp-service.yaml")
    replaced(pack / "templates/peerauthentication.yaml", ("mode: STRICT", "mode: UNSET"))
    shown = push(pack, chart, "--since", "HEAD", "--only", "peerauthentication.yaml")[0]
    assert shown.startswith("--- a/templates/peerauthentication.yaml\n")  # where nothing is renamed
    shown = push(pack, chart, "--since", "HEAD")[0]
    subprocess.run(["patch", "-d", chart, "-p1"], input=shown, text=True, check=True, capture_output=True)
    assert not (chart / "templates/service-mcp.yaml").exists() and (chart / "templates/mcp-service.yaml").exists()
    assert "mode: UNSET" in (chart / "templates/peerauthentication.yaml").read_text()


def test_what_would_stand_askew_is_a_conflict(chart, checkout, run, tmp_path):
    rules = chart / "templates/role-leader-election.yaml"
    text = rules.read_text()
    listed = re.sub(r"(?m)^  (- apiGroups| +(resources|verbs))", lambda found: found[0][2:], text)
    assert listed != text
    rules.write_text(listed)
    old = tmp_path / "before"
    shutil.copytree(chart, old)
    added = '- apiGroups: [""]\n  resources: [events]\n  verbs: [create]\n---\n'
    rules.write_text(listed.replace("---\n", added, 1))
    shown, _, code = run("pull", chart, "--since", old)  # as deep as the pack's own list
    assert code == 1 and '+  - apiGroups: [""]\n+    resources: [events]\n+    verbs: [create]\n' in shown
    policy = "templates/istio-authorizationpolicy.yaml"
    new = '    - to:\n      - operation:\n          ports: ["1"]\n      when:\n      - key: a\n        values: [b]\n'
    before, _, after = (old / policy).read_text().rpartition("    - to:\n")
    after = "    - to:\n" + after.replace("        - operation:", "      - operation:", 1)
    (old / policy).write_text(before + after)
    (chart / policy).write_text(before + new + after)
    shown, told, code = run("pull", chart, "--since", old, "--only", policy.rpartition("/")[2])
    assert (shown, code) == ("", 2) and "has no edit that fits here; carry it by hand" in told


def renamed(place, old, new, *paths):
    for path in paths:
        (place / path).write_text((place / path).read_text().replace(old, new))


def test_a_renamed_value_is_renamed_among_what_the_chart_requires(pack, chart):
    renamed(pack, "inventoryShardCap", "shardCap", DEFAULTS, DEPLOYMENT, files.SCHEMA)
    assert '"inventoryShardCap"' in (chart / files.SCHEMA).read_text()
    shown, told, code = push(pack, chart, "--write")
    assert code == 1 and told.count("\n") == 1, told
    assert re.search(r'\n-( +)"inventoryShardCap",\n\+\1"shardCap",\n', shown)
    assert "#/definitions/wholeNumber" not in shown  # which stays as it is
    needed = json.loads((chart / files.SCHEMA).read_text())["properties"]["controller"]["required"]
    assert "shardCap" in needed and "inventoryShardCap" not in needed
    assert "inventoryShardCap" not in "".join(path.read_text() for path in chart.rglob("*") if path.is_file())


def test_no_patch_is_printed_that_makes_the_chart_fail(pack, chart):
    schema = json.loads((chart / files.SCHEMA).read_text())
    schema["allOf"] = [{"properties": {"controller": {"required": ["inventoryShardCap"]}}}]
    (chart / files.SCHEMA).write_text(json.dumps(schema))
    renamed(pack, "inventoryShardCap", "shardCap", DEFAULTS, DEPLOYMENT, files.SCHEMA)
    before = (chart / DEPLOYMENT).read_text()
    shown, told, code = push(pack, f"{chart}/", "--write")
    assert (shown, code, (chart / DEPLOYMENT).read_text()) == ("", 2, before)
    assert told.startswith(f"{chart}: error: with what is to be carried, the chart fails: ")
    assert "/tmp/tmp" not in told
    assert "inventoryShardCap" in told


def test_a_push_that_meets_another_text_is_a_conflict(checkout, chart, run, monkeypatch):
    monkeypatch.setattr(pull_push, "_checked", lambda *_: [])
    git(checkout, "init", "-q")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "as the chart is")
    replaced(checkout / DEPLOYMENT, ("periodSeconds: 20", "periodSeconds: 21"), ("path: /readyz", "path: /ready"))
    replaced(chart / DEPLOYMENT, ("periodSeconds: 20", "periodSeconds: 25"))
    shown, told, code = run("push", chart, "--since", "HEAD", "--write")
    assert code == 2 and f"{DEPLOYMENT}:" in told and "it says `periodSeconds: 25`" in told
    text = (chart / DEPLOYMENT).read_text()
    assert "path: /ready\n" in text and "periodSeconds: 25" in text and "+              path: /ready\n" in shown


def test_a_push_from_what_is_no_checkout_is_refused_in_a_sentence(chart, checkout, run):
    replaced(chart / "values.yaml", ("  min: 1", "  min: 2"))
    shown, told, code = run("push", chart)
    assert (shown, code) == ("", 2)
    assert f"error: {checkout}: is no git checkout, whose commits say what has changed; run this in one\n" in told


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_byte_order_marks_and_line_ends_stay(checkout, chart, run, monkeypatch, mark, end):
    monkeypatch.setattr(pull_push, "_checked", lambda *_: [])
    git(checkout, "init", "-q")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-qm", "as the chart is")
    replaced(checkout / "templates/service-gate.yaml", ("kind: Service\n", "kind: Service # of the gate\n"))
    replaced(checkout / DEFAULTS, ("  min: 1\n", "  min: 2\n  most: 3\n"))
    replaced(checkout / GATE, ("{%- if", "{#- only then #}\n{%- if"), ("type: ClusterIP", "type: NodePort"))
    paths, before = ("values.yaml", GATE), {}
    for path in paths:
        text = mark + (chart / path).read_text().replace("\n", end).replace(f"protocol: TCP{end}", "protocol: TCP\n")
        (chart / path).write_text(text, newline="")
        before[path] = text
    shown, told, code = run("push", chart, "--since", "HEAD")
    assert (code, told) == (1, "")
    patched = shutil.copytree(chart, chart.parent / "patched")
    subprocess.run(["patch", "-p1", "-s"], cwd=patched, check=True, input=shown.encode())
    assert run("push", chart, "--since", "HEAD", "--write")[2] == 1
    assert run("push", chart, "--since", "HEAD") == ("", "", 0)
    for path in paths:
        data = (chart / path).read_bytes()
        assert data == (patched / path).read_bytes()
        expected = before[path].replace("type: ClusterIP", "type: NodePort")
        expected = expected.replace(f"  min: 1{end}", f"  min: 2{end}  most: 3{end}")
        assert data.decode() == expected


def test_a_pull_keeps_them_too(checkout, chart, run):
    text = "\ufeff" + (checkout / GATE).read_text().replace("\n", "\r\n")
    (checkout / GATE).write_text(text, newline="")
    replaced(chart / GATE, ("type: ClusterIP", "type: NodePort"))
    assert run("pull", chart, "--write")[1:] == ("", 1)
    assert (checkout / GATE).read_bytes().decode() == text.replace("type: ClusterIP", "type: NodePort")
    assert run("pull", chart) == ("", "", 0)


COMMENTED = "  # -- how many objects\n  # a StageInventory lists\n  inventoryShardCap: 5000 # most\n"


def test_a_renamed_or_moved_value_keeps_what_is_said_of_it(pack, chart):
    commented = ("  objectLevelKMS: false\n", "  # -- who decrypts\n  objectLevelKMS: false\n")
    text = re.sub(r"(?:  #.*\n)*  inventoryShardCap: 5000\n", COMMENTED, (chart / "values.yaml").read_text())
    (chart / "values.yaml").write_text(re.sub(r"(?:  #.*\n)+(  objectLevelKMS)", r"\1", text))
    replaced(chart / "values.yaml", commented)
    text = re.sub(r"(?m)^# --.*\n(gate:)", r"\1", (chart / "values.yaml").read_text())
    (chart / "values.yaml").write_text(text.replace("\ngate:\n", "\n# -- the gate\ngate: # here\n  # on or off\n"))
    schema, before = (chart / files.SCHEMA).read_text(), (chart / "values.yaml").read_text()
    schema = schema.replace("How many of its objects a StageSet lists", "In our words: how many it lists")
    (chart / files.SCHEMA).write_text(schema)
    renamed(pack, "inventoryShardCap", "shardCap", DEFAULTS, DEPLOYMENT, files.SCHEMA)
    renamed(pack, "controller.objectLevelKMS", "rbac.objectLevelKMS", DEPLOYMENT)
    replaced(pack / DEFAULTS, ("  objectLevelKMS: false\n", ""), ("rbac:\n", "rbac:\n  objectLevelKMS: false\n"))
    for path in (pack / "templates").iterdir():
        path.write_text(re.sub(r"Values\.gate\b", "Values.stageGate", path.read_text()))
    replaced(pack / DEFAULTS, ("\ngate:\n", "\nstageGate:\n"))
    cases = pack / "stageset_render/port/diff/cases.yaml"
    cases.write_text(
        cases.read_text().replace("\n    gate:", "\n    stageGate:").replace("      objectLevelKMS: true\n", "")
    )
    (pack / files.SCHEMA).write_text(
        (pack / files.SCHEMA).read_text().replace('\n    "gate": {', '\n    "stageGate": {')
    )
    whole = json.loads((pack / files.SCHEMA).read_text())["properties"]
    below = whole["rbac"]["properties"], whole["controller"]["properties"]
    below[0]["objectLevelKMS"] = below[1].pop("objectLevelKMS")
    (pack / files.SCHEMA).write_text(json.dumps({**json.loads((pack / files.SCHEMA).read_text()), "properties": whole}))
    shown, told, code = push(pack, chart, "--write")
    assert code == 1 and told.count("\n") == 1, told
    after = before.replace("inventoryShardCap", "shardCap").replace("\ngate: #", "\nstageGate: #")
    after = after.replace(commented[1], "").replace("rbac:\n", f"rbac:\n{commented[1]}")
    assert (chart / "values.yaml").read_text() == after
    stated = json.loads((chart / files.SCHEMA).read_text())["properties"]
    assert [*stated["controller"]["properties"]].index("shardCap") == 4 and "stageGate" in stated
    assert stated["controller"]["properties"]["shardCap"]["description"].startswith("In our words: ")
    assert "objectLevelKMS" in stated["rbac"]["properties"]
    assert push(pack, chart, "--since", "HEAD")[::2] == ("", 0)


def test_a_template_that_helm_leaves_out_is_deleted(old, chart, checkout, run):
    before = (chart / ".helmignore").read_text()
    for rule, *since in (["templates/service-gate.yaml"], ["service-g*.yaml", "--since", old]):
        (chart / ".helmignore").write_text(f"{before}# why\n\n{rule}\n/service-mcp.yaml\ndeployment.yaml/\n")
        shown, told, code = run("pull", chart, *since)
        assert (told, code, shown.count("+++ ")) == ("", 1, 1) and f"--- a/{GATE}\n+++ /dev/null\n" in shown


@pytest.mark.parametrize(
    "rules, name, ignored",
    [
        (["/a/*-b.yaml"], "a/x-b.yaml", True),
        (["a/*.yaml"], "a/b/x.yaml", False),
        (["b"], "a/b/x.yaml", True),
        (["b/"], "a/b", False),
        (["b/"], "a/b/x", True),
        (["!*.yaml"], "x.txt", True),
        (["!*.yaml"], "x.yaml", False),
    ],
)
def test_what_helm_ignores(rules, name, ignored):
    assert sources._ignored(rules, name) is ignored


def test_a_chart_that_is_called_otherwise_is_told_and_pulled(chart, checkout, run):
    replaced(chart / "Chart.yaml", ("name: stageset-controller", "name: stages"))
    shown, told, code = run("diff", chart, "--set", "gate.enabled=true")
    assert code == 1 and "1 differ" in shown and "default name" in shown, shown
    shown, told, code = run("pull", chart)
    assert code == 1 and '"Name": "stages", "Ver' in shown


def test_what_a_schema_no_longer_says_is_taken_away_or_told(old, chart, checkout, run):
    schema = json.loads((chart / files.SCHEMA).read_text())
    below = schema["properties"]
    below["metrics"]["required"] = below["metrics"]["required"][1:]
    del below["rbac"]["properties"]["ledgerView"], below["replicas"]["properties"]["max"]["maximum"], schema["allOf"][0]
    (chart / files.SCHEMA).write_text(json.dumps(schema))
    shown, told, code = run("pull", chart, "--since", old, "--write")
    assert code == 2 and "-    maximum: 2147483647\n" in shown and "ledgerView" not in shown
    for said in ("metrics.required: ", "rbac.ledgerView: {", "allOf: [{"):
        assert re.search(rf"(where it was|it says) `{re.escape(said)}", told), told
    assert told.count(" error: ") == 3


@pytest.mark.parametrize(
    "was, now, line, said",
    [
        ("--tracing-endpoint=%s", "--tracing-endpoint=%d", 103, "%d of what is no int to Go; write (int ...)"),
        ("stageset.image", "stages.image", 68, "the template stages.image, which nothing here defines; define it"),
    ],
)
def test_what_helm_would_not_render_is_told(chart, checkout, run, was, now, line, said):
    replaced(chart / DEPLOYMENT, (was, now))
    shown, told, code = run("pull", chart)
    assert (shown, code) == ("", 2) and f"deployment.yaml:{line}: error: {said}" in told, told


def test_a_bound_that_alone_differs_is_pulled_or_told(chart, checkout, run):
    schema = json.loads((chart / files.SCHEMA).read_text())
    below = schema["properties"]["controller"]["properties"]
    schema["properties"]["webhook"]["properties"]["timeoutSeconds"]["minimum"] = 7
    below["logLevel"]["enum"], below["tracing"]["properties"]["endpoint"]["maxLength"] = ["debug", "info"], 50
    schema["required"].append("license")
    (chart / files.SCHEMA).write_text(json.dumps(schema))
    _, told, code = run("pull", chart, "--write")
    assert "\n    minimum: 7\n" in (checkout / "schema/values/webhook.yaml").read_text()
    assert "[debug, info]\n" in (checkout / "schema/values/controller.yaml").read_text()
    assert (checkout / files.SCHEMA).read_text() == built(checkout)
    assert "\n        maxLength: 50\n" in (checkout / "schema/values/controller.yaml").read_text()
    assert code == 2 and told.count(" error: ") == 1 and 'makes `required: ["license"]` of it' in told
    assert run("pull", chart) == ("", told, 2)


@pytest.mark.parametrize("since", [True, False])
def test_a_pull_keeps_what_is_said_of_it_too(old, chart, checkout, run, since):
    replaced(
        checkout / DEFAULTS,
        ("  inventoryShardCap: 5000\n", COMMENTED),
        ("  objectLevelKMS", "  # who\n  objectLevelKMS"),
    )
    replaced(
        checkout / "schema/values/controller.yaml",
        ("    meaning: The form of", "    # words\n    meaning: The form of"),
    )
    schema = (chart / files.SCHEMA).read_text()
    whole = json.loads(
        schema.replace("inventoryShardCap", "shardCap").replace('"gate": {\n      "d', '"stageGate": {\n      "d')
    )
    below = whole["properties"]["controller"]["properties"]
    below["logForm"], below["logLevel"]["description"] = {**below.pop("logFormat"), "description": "New."}, "Level."
    below["shardCap"]["description"] = "Shards."
    whole["properties"]["rbac"]["properties"]["objectLevelKMS"] = below.pop("objectLevelKMS")
    other = {"gate": "stageGate", "logFormat": "logForm"}
    for node in (whole, whole["properties"]["controller"]):
        node["required"] = [other.get(key, key) for key in node["required"] if key != "objectLevelKMS"]
    (chart / files.SCHEMA).write_text(json.dumps(whole))
    for path in (chart / "templates").glob("*.*"):
        text = re.sub(r"Values\.gate\b", "Values.stageGate", path.read_text()).replace("inventoryShardCap", "shardCap")
        path.write_text(
            text.replace("controller.objectLevelKMS", "rbac.objectLevelKMS").replace("logFormat", "logForm")
        )
    replaced(
        chart / "values.yaml", ("inventoryShardCap", "shardCap"), ("\ngate:", "\nstageGate:"), ("logFormat", "logForm")
    )
    replaced(chart / "values.yaml", ("  objectLevelKMS: false\n", ""), ("rbac:\n", "rbac:\n  objectLevelKMS: false\n"))
    before = (checkout / DEFAULTS).read_text()
    shown, told, code = run("pull", chart, *(("--since", old) if since else ()), "--write")
    assert (told, code) == ("", 1)
    after = (
        before.replace("inventoryShardCap", "shardCap")
        .replace("\ngate:", "\nstageGate:")
        .replace("logFormat", "logForm")
    )
    kms = "  # who\n  objectLevelKMS: false\n"
    assert (checkout / DEFAULTS).read_text() == after.replace(kms, "").replace("rbac:\n", f"rbac:\n{kms}")
    part = (checkout / "schema/values/controller.yaml").read_text()
    assert "  shardCap:\n    meaning: " in part and "title: a number of entries" in part and "KMS" not in part
    assert ("meaning: New.\n" in part and "    meaning: Shards.\n" in part) == since
    assert "  logForm:\n    # words\n    meaning: " in part
    assert "rename from schema/values/gate.yaml\nrename to schema/values/stageGate.yaml\n" in shown
    assert "Decrypts a SOPS file" in (checkout / "schema/values/rbac.yaml").read_text().replace("\n      ", " ")
    assert (checkout / files.SCHEMA).read_text() == built(checkout)
    assert run("pull", chart) == ("", "", 0)
