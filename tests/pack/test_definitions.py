# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""`--crds`: definitions from YAML files, or from the chart as Helm renders them."""

import io
import os
import re
import tarfile
import threading
import time

import pytest
import yaml
from helm_python import Chart

from stageset_render.findings import Refused
from stageset_render.helm.documents import INSTALL_ORDER
from stageset_render.pack import definitions
from stageset_render.pack.definitions import Definitions
from stageset_render.pack.release import Release


def definition(name, more=""):
    head = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n"
    return f"{head}  name: {name}.stages.metio.wtf\n{more}spec:\n  group: stages.metio.wtf\n"


CONDITION = "{{- if .Values.crds.create }}\n"
KEPT = "  annotations:\n    helm.sh/resource-policy: keep\n"
END = "{{- end }}\n"
LABELLED = '  labels:\n    {{- include "stageset.labels" . | nindent 4 }}\n'
BRACES = '  annotations:\n    a: is {{ "{{ .x }}" }} {{`{{ .y }}`}}\n'
LICENCE = "# a licence\n{{- /* why */}}\n{{ if $.Values.crds.create -}}\n---\n"
OWN = {
    "crd-stagesets.yaml": CONDITION + definition("stagesets", KEPT) + END,
    "crd-ledgers.yaml": LICENCE + definition("ledgers") + "{{end}}",
    "crd-labels.yaml": CONDITION + definition("labelled", LABELLED) + END,
    "crd-braces.yaml": CONDITION + definition("braces", BRACES) + END,
    "crd-always.yaml": definition("always"),
    "crd-several.yaml": CONDITION + definition("one") + "---\n# nothing\n---\n" + definition("two") + END,
}
NOTES = ["crd-ledgers.yaml", "crd-several.yaml"]  # have a document of comments alone, which Helm prints as well
LABELS = '{{- define "stageset.labels" -}}\na: b\nc: d\n{{- end }}'


@pytest.fixture
def chart(tmp_path):
    """A chart with definitions among its templates."""
    directory = tmp_path / "chart"
    (directory / "templates").mkdir(parents=True)
    (directory / "Chart.yaml").write_text("apiVersion: v2\nname: stageset-controller\nversion: 0.0.0\n")
    (directory / "templates" / "_helpers.tpl").write_text(LABELS)
    for name, text in OWN.items():
        (directory / "templates" / name).write_text(text)
    return directory


def packed(path, files):
    """An archive of (name, content) pairs."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture
def archive(chart, tmp_path):
    files = [
        (f"stageset-controller/{path.relative_to(chart)}", path.read_bytes()) for path in sorted(chart.rglob("*.*"))
    ]
    return packed(tmp_path / "chart.tgz", files)


def rendered(where, **values):
    return Definitions(str(where)).texts(Release(values, name="stageset", namespace="stageset-system"))


OUR_LABELS = re.compile(r"^    app\.kubernetes\.io/name:.*\n(    .*\n)*?(?=spec:)", re.M)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("packed", [False, True])
def test_the_charts_own_are_printed_as_helm_prints_them(chart, archive, create, packed):
    found = rendered(archive if packed else chart, crds={"create": create})
    with Chart.load(chart) as loaded:
        helms = loaded.render({"crds": {"create": create}})
    helms = {path.partition("/")[2]: text for path, text in helms.items() if "/crd-" in path}
    found["templates/crd-labels.yaml"] = OUR_LABELS.sub("    a: b\n    c: d\n", found["templates/crd-labels.yaml"])
    assert found == helms


def test_a_file_of_the_chart_alone_is_what_it_is_in_the_chart(chart):
    name = "templates/crd-ledgers.yaml"
    assert rendered(chart / name) == {name: rendered(chart)[name]}


def test_other_files_are_kept_by_helm_and_can_be_turned_off(tmp_path):
    (tmp_path / "b.yaml").write_text(definition("b", "  annotations:\n    a: b\n"))
    (tmp_path / "a.yml").write_text("---\n" + definition("one") + "---\n" + definition("two") + "---\n# nothing\n")
    (tmp_path / "README.md").write_text("# {{ if")
    found = rendered(tmp_path)
    assert list(found) == ["crds/a.yml", "crds/b.yaml"]
    objects = [one for text in found.values() for one in yaml.safe_load_all(text)]
    assert [one["metadata"]["name"].split(".")[0] for one in objects] == ["one", "two", "b"]
    assert all(one["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for one in objects)
    assert objects[2]["metadata"]["annotations"]["a"] == "b"
    assert "".join(rendered(tmp_path, crds={"create": False}).values()).strip() == ""
    assert list(rendered(tmp_path / "b.yaml")) == ["crds/b.yaml"]


def test_a_pipe_is_a_file(tmp_path):
    os.mkfifo(tmp_path / "63")
    writer = threading.Thread(target=(tmp_path / "63").write_text, args=(definition("a"),))
    writer.start()
    read = Definitions(str(tmp_path / "63"))
    writer.join()
    for _ in range(2):  # once is enough for many releases
        assert list(read.texts(Release({}, name="a", namespace="a"))) == ["crds/63.yaml"]


def test_they_are_printed_in_helms_order(command, chart):
    done = command("--crds", chart, "--set", "namespace.create=true,rollbackStore.backend=pvc", "--no-hooks", "--lint")
    assert (done.exit_code, done.stderr) == (0, "")
    kinds = [one["kind"] for one in yaml.safe_load_all(done.stdout) if one]
    known = [kind for kind in kinds if kind in INSTALL_ORDER]
    assert known == sorted(known, key=INSTALL_ORDER.index)
    assert kinds.count("CustomResourceDefinition") == 7
    at = kinds.index("CustomResourceDefinition")
    assert (kinds[at - 1], kinds[at + 7]) == ("PersistentVolumeClaim", "ClusterRole")
    assert "# Source: stageset-controller/templates/crd-always.yaml\napiVersion" in done.stdout


def test_patterns_show_definitions_too(command, chart):
    def shown(*patterns):
        done = command("--crds", chart, *(option for pattern in patterns for option in ("-s", pattern)))
        return [line.rsplit("/", 1)[1] for line in done.stdout.splitlines() if line.startswith("# Source: ")]

    own = sorted([*OWN, "crd-several.yaml"])
    assert shown("templates/crd-*") == [*own, *NOTES]
    assert shown("templates/deployment.yaml", "templates/crd-l*") == [
        "deployment.yaml",
        "crd-labels.yaml",
        "crd-ledgers.yaml",
        "crd-ledgers.yaml",
    ]
    every = shown("templates/*.yaml")
    at = every.index("crd-always.yaml")
    assert every[at : at + 7] == own
    assert every[at - 1] == "serviceaccount.yaml"
    done = command("-s", "templates/crd-stagesets.yaml")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "there is no template 'crd-stagesets.yaml', and no definition that --crds names" in done.stderr


def test_many_releases_share_them(command, chart, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(f"crds: {{create: {str(name == 'a').lower()}}}\n")
    reads = []
    monkeypatch.setattr(
        definitions, "_files", lambda where, read=definitions._files: reads.append(where) or read(where)
    )
    done = command("stageset", "--each", "*.yaml", "--crds", "chart", "--output-dir", "out/{}")
    assert (done.exit_code, reads) == (0, ["chart"])
    said = "crds.create: is not true, so --crds is without effect; leave that out [crds-without-effect]"
    assert done.stderr == f"b.yaml:1:16: warning: {said}\n1 warning\n"
    templates = {name: tmp_path / "out" / name / "stageset-controller" / "templates" for name in "ab"}
    assert "kind: CustomResourceDefinition" in (templates["a"] / "crd-stagesets.yaml").read_text()
    assert not (templates["b"] / "crd-stagesets.yaml").exists()


@pytest.mark.parametrize(
    "text, line, said",
    [
        ("{{- if .Values.crds.x }}\n" + definition("a") + "{{ end }}", 1, "`if .Values.crds.x` is more than"),
        (
            "{{- if and .Values.crds.create .Values.x }}\n" + definition("a") + "{{ end }}",
            1,
            "is more than a condition",
        ),
        ("{{- if $x := .Values.crds.create }}\n" + definition("a") + "{{ end }}", 1, "is more than a condition"),
        (CONDITION + definition("a") + "{{ else }}\n{{ end }}", 8, "`else` is more than a condition"),
        (CONDITION + definition("a", "  labels: {{ .Values.x }}\n") + "{{ end }}", 6, "`.Values.x` is more than"),
        (
            CONDITION + definition("a", '  labels: {{ include "x" . }}\n') + "{{ end }}",
            6,
            '`include "x" .` is more than',
        ),
        (CONDITION + definition("a", "  labels: {{ toYaml .x | nindent 4 }}\n") + "{{ end }}", 6, "is more than"),
        (CONDITION + definition("a", '  a: {{ "b" | upper }}\n') + "{{ end }}", 6, "is more than"),
        (CONDITION + definition("a", '  a: {{ "b" | indent 1000000000 }}\n') + "{{ end }}", 6, "is more than"),
        (
            CONDITION + "{{- range .Values.x }}\n" + definition("a") + "{{ end }}{{ end }}",
            2,
            "`range .Values.x` is more",
        ),
        (CONDITION + definition("a"), 1, "Go reads no template here: the if has no end"),
        (CONDITION + definition("a", "  a: {{ ?\n") + "{{ end }}", 6, "Go reads no template here"),
        (CONDITION + definition("a") + "---\nkind: Role\n{{ end }}", 9, "is no CustomResourceDefinition with a name"),
        (CONDITION + definition("a", "  b: {\n") + "{{ end }}", 8, "a map opened with `{`"),
        (CONDITION + "{{ end }}\n# nothing\n", None, "holds no CustomResourceDefinition"),
        (
            CONDITION + "{{ " + "(" * 100_000 + ".x" + ")" * 100_000 + " }}{{ end }}",
            None,
            "Go reads no template here: parentheses without end",
        ),
    ],
    ids=lambda text: repr(text)[:30],
)
def test_what_is_more_than_a_condition_around_a_definition_is_told_with_its_line(chart, text, line, said):
    path = chart / "templates" / "crd-x.yaml"
    path.write_text(text)
    for where in (chart, path):
        with pytest.raises(Refused) as refused:
            Definitions(str(where))
        (one, *_) = refused.value.problems
        assert (one.place.file, one.place.line) == (str(path), line)
        assert said in one.message


@pytest.mark.parametrize(
    "file, text, line, said",
    [
        ("kustomization.yaml", "resources: [b.yaml]\n", 1, "is no CustomResourceDefinition with a name"),
        ("empty.yaml", "", None, "holds no CustomResourceDefinition"),
        ("list.yaml", "- a\n", 1, "is no CustomResourceDefinition with a name"),
        ("mixed.yaml", definition("a") + "---\nkind: Role\n", 8, "is no CustomResourceDefinition with a name"),
        ("nameless.yaml", "kind: CustomResourceDefinition\nmetadata: {name: 1}\n", 1, "is no CustomResourceDefinition"),
        ("broken.yaml", "a: [\n", 2, "a value was expected here"),
        ("twice.yaml", definition("a") + "kind: Role\n", 7, 'the key "kind" is set on line 2 already'),
        ("binary.yaml", "\udcff", 1, "the byte 0xFF is not UTF-8"),
        (
            "laughs.yaml",
            "a0: &a0 [x]\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}, *a{i}]\n" for i in range(20)),
            None,
            "more than",
        ),
        ("deep.yaml", "[" * 200 + "]" * 200, 1, "nested more than 100 deep"),
        ("large.yaml", "a" * (5 * 2**20 + 1), None, "it is larger than 5 MiB, the most that is read of definitions"),
        ("a\n---\nkind: Role\nx: '.yaml", definition("a"), None, "is no name for a file here"),
        ("a\x1b[2J.yaml", definition("a"), None, "is no name for a file here"),
    ],
    ids=lambda text: repr(text)[:30],
)
def test_files_that_are_none_are_named(tmp_path, file, text, line, said):
    path = tmp_path / file
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    for where in (tmp_path, path):
        with pytest.raises(Refused) as refused:
            Definitions(str(where))
        (one,) = refused.value.problems
        assert said in one.message
        assert one.place is None or (one.place.file, one.place.line) == (str(path), line)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda path: None, "No such file or directory"),
        (lambda path: path.mkdir(), "holds no YAML file with a definition"),
        (lambda path: (path.mkdir(), (path / "Chart.yaml").touch()), "the chart has no templates/crd-*.yaml"),
        (lambda path: packed(path, [("c/Chart.yaml", b"")]), "the chart has no templates/crd-*.yaml"),
        (lambda path: path.write_bytes(b"\x1f\x8bx"), "is no packed chart"),
        (lambda path: path.write_bytes(b"\x1f\x8b\x08" + b"\0" * 20), "is no packed chart"),
        (lambda path: (path.mkdir(), (path / "a.yaml").mkdir()), "is no file"),
        (lambda path: (path.mkdir(), os.mkfifo(path / "a.yaml")), "is no file"),
        (lambda path: path.symlink_to("/dev/zero"), "it is larger than 5 MiB"),
    ],
)
def test_what_holds_none_is_told(tmp_path, make, said):
    make(tmp_path / "where")
    with pytest.raises(Refused) as refused:
        Definitions(str(tmp_path / "where"))
    (one,) = refused.value.problems
    assert said in one.message
    assert one.place.file.startswith(str(tmp_path / "where"))


def test_an_archive_is_read_no_further_than_it_may_unpack_to(tmp_path):
    class Zeros(io.RawIOBase):
        def read(self, size=-1):
            return b"\0" * size

    path, member = tmp_path / "bomb.tgz", tarfile.TarInfo("c/templates/crd-a.yaml")
    member.size = 300 * 2**20
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        archive.addfile(member, Zeros())
    with pytest.raises(Refused, match="it is larger than 5 MiB"):
        Definitions(str(path))
    member.name = "c/other"
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        archive.addfile(member, Zeros())
    start = time.process_time()
    with pytest.raises(Refused, match="the chart unpacks to more than 100 MiB, or to more than 10000 files"):
        Definitions(str(path))
    assert time.process_time() - start < 2


def test_an_archive_of_many_files_is_not_read_to_its_end(tmp_path):
    path = packed(tmp_path / "many.tgz", [(f"c/{number}", b"") for number in range(10_001)])
    with pytest.raises(Refused, match="the chart unpacks to more than 100 MiB, or to more than 10000 files"):
        Definitions(str(path))


@pytest.mark.parametrize(
    "name",
    [
        "c/templates/../../crd-a.yaml",
        "/templates/crd-a.yaml",
        "templates/crd-a.yaml",
        "c/charts/d/templates/crd-a.yaml",
    ],
)
def test_only_the_charts_own_templates_are_read(tmp_path, name):
    path = packed(tmp_path / "c.tgz", [(name, OWN["crd-stagesets.yaml"].encode())])
    with pytest.raises(Refused, match="the chart has no templates/crd-"):
        Definitions(str(path))
