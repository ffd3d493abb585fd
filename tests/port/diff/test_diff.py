# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""stageset-port diff and review: against the pack's own port, and against ports that are changed in one way each."""

import fnmatch
import io
import json
import re
import sys
import tarfile
import time

import helm_python
import jinja2
import pytest
import yaml
from changed_charts import MESH, run
from jinja2 import nodes

from stageset_render.helm import documents
from stageset_render.pack import environment, files, rendering, templates
from stageset_render.port import deliberate
from stageset_render.port.diff import compare, helm_process, report, sides

ISTIO, NAMESPACE, ROLE, ALERTS, PEER, DEPLOYMENT, CILIUM = (
    f"templates/{name}.yaml"
    for name in (
        *("istio-authorizationpolicy", "namespace", "clusterrole-controller", "prometheusrule", "peerauthentication"),
        *("deployment", "ciliumnetworkpolicy"),
    )
)
HELPER = "templates/_helpers.tpl"
SELECTOR = '{{- define "stageset.selectorLabels" -}}'
HALF = [  # no other engine is left where the last one is asked for, and what a template refuses can't be compared
    "networkpolicy-default-deny.yaml:49",
    "validatingwebhookconfiguration.yaml:2",
]
LAST = "      {{- end }}\n    {{- end }}\n    - to:"


def facts(found):
    """What `diff --output json` says of each difference."""
    keys = ("level", "where", "what", "path", "expected", "got")
    return [tuple(one.get(key) for key in keys) for one in found]


# The pack's own port


def test_the_own_port_has_no_difference(port):
    chart = port({})
    done = run("diff", chart, "stageset", "-n", "stageset-system", *MESH)
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.fullmatch("nothing differs; [1-9][0-9] objects are the same in 1 case\n", done.stdout)
    found = json.loads(run("diff", chart, "--output", "json").stdout)
    assert (found["same"], found["differences"], found["failures"]) == (True, [], [])
    assert found["deliberate"] == []
    assert found["cases"] == list(report.cases()) and found["unchanged"] > 300


def test_a_case_goes_without_a_value_that_is_gone(port, monkeypatch):
    known = report.of_pack()
    left = {key: one for key, one in known["properties"].items() if key != "tmpSizeLimit"}
    left["rbac"] = {**left["rbac"], "properties": {}}
    monkeypatch.setattr(report, "of_pack", lambda: {**known, "properties": left})
    report._cases.cache_clear()
    try:
        everything = report.cases()["everything"]
        assert "rbac" in everything and not everything["rbac"] and everything["mcp"]["enabled"]
        done = run("diff", port({}))
    finally:
        report._cases.cache_clear()
    assert (done.exit_code, done.stdout[:16]) == (0, "nothing differs;")
    assert (
        "diff/cases.yaml: warning: the case everything goes without rbac.clusterAdmin, which one side has no longer"
        in done.stderr
    ), done.stderr


def test_a_case_goes_without_a_value_that_the_chart_has_no_longer(port):
    there = [("logFormat", "logStyle")]
    done = run("diff", port({"values.yaml": there, "values.schema.json": there * 2, DEPLOYMENT: there}))
    assert (done.exit_code, done.stdout[:11]) == (1, "6 differ (2"), done.stdout
    assert "the case the-other-side goes without controller.logFormat, which one side" in done.stderr


def test_an_archive_is_a_chart_too(port, tmp_path):
    archive = helm_python.package(str(port({})), destination=str(tmp_path))
    assert archive.endswith(".tgz") and run("diff", archive, *MESH).exit_code == 0
    (tmp_path / "chart" / "templates" / "service-mcp.yaml").unlink()
    archive = helm_python.package(str(tmp_path / "chart"), destination=str(tmp_path))
    assert "templates/service-mcp.yaml" in run("diff", archive, "--set", "mcp.enabled=false").stdout


def test_the_pack_is_rendered_under_the_versions_of_the_chart(port):
    changes = {"Chart.yaml": [("version: 0.0.0", "version: 1.2.3"), ("appVersion: ", "appVersion: x")]}
    done = run("diff", port(changes), *MESH)
    assert done.exit_code == 1 and done.stdout.startswith("2 differ (2 defaults); ")
    assert '  Chart.yaml\n    default appVersion\n      expected "x2026' in done.stdout


def test_a_default_is_told_with_both_lines(port):
    chart = port({"values.yaml": [("  min: 1\n", "  min: 2\n")]})
    lines = [(chart / "values.yaml").read_text(), files.source(files.DEFAULTS)]
    places = [text[: re.search(r"  min: \d\n", text).start()].count("\n") + 1 for text in lines]
    told = f"      chart values.yaml:{places[0]}, pack templates/_defaults.tpl:{places[1]}\n"
    assert told in run("diff", chart, *MESH).stdout


class Noting(environment.HelmEnvironment):
    """An environment that notes what every condition comes to."""

    def _parse(self, source, name, filename):
        tree = super()._parse(source, name, filename)
        for node in tree.find_all(nodes.If):
            place = f"{name}:{node.lineno}"
            self.noted[place] = set()
            node.test = nodes.Filter(node.test, "noted", [nodes.Const(place)], [], None, None)
        return tree


def test_the_cases_turn_every_condition_on_and_off(monkeypatch):
    own = environment.environment()
    noting = Noting(
        loader=jinja2.FileSystemLoader(files.root() / "templates"),
        keep_trailing_newline=True,
        undefined=own.undefined,
        finalize=own.finalize,
    )
    noting.noted = seen = {}

    def noted(value, place):
        seen[place].add(bool(value))
        return value

    noting.filters, noting.tests, noting.globals = {**own.filters, "noted": noted}, own.tests, {}
    found = {file: noting.get_template(file) for file in templates.templates()}
    monkeypatch.setattr(templates, "templates", lambda: found)
    for values in report.cases().values():
        rendering.render(values, name="stageset", namespace="default")
    half = [place for place, both in seen.items() if len(both) < 2]
    assert len(seen) > 150
    assert [place for place in half if not place.startswith(("_crds", "NOTES.txt"))] == HALF


# Ports that are changed


@pytest.mark.parametrize(
    "changes, options, level, where, what, path, expected, got",
    [
        (
            {NAMESPACE: [("enforce: {{ .Values.namespace.pssLevel }}", "enforce: baseline")]},
            MESH,
            "objects",
            "Namespace default",
            "field",
            'metadata.labels."pod-security.kubernetes.io/enforce"',
            "baseline",
            "restricted",
        ),
        (
            {"templates/more.yaml": "kind: ConfigMap\nmetadata:\n  name: more\n"},
            MESH,
            "structure",
            "templates/more.yaml",
            "file",
            None,
            "present",
            None,
        ),
        (
            {"templates/service-gate.yaml": None},
            MESH,
            "structure",
            "templates/service-gate.yaml",
            "file",
            None,
            None,
            "present",
        ),
        (
            {"values.yaml": [("gate: 8082", "gate: 8092")]},
            ["--set", "ports.gate=8082"],
            "defaults",
            "values.yaml",
            "default",
            "ports.gate",
            8092,
            8082,
        ),
        (
            {"values.schema.json": [('"maximum": 65535', '"maximum": 65534')]},
            MESH,
            "schema",
            "values.schema.json",
            "bound",
            "properties.ports.properties.gate.maximum",
            65534,
            65535,
        ),
    ],
)
def test_a_difference_is_told_with_its_level_and_path(port, changes, options, level, where, what, path, expected, got):
    chart = port(changes)
    done = run("diff", chart, *options, "--output", "json")
    told = json.loads(done.stdout)
    found = facts(told["differences"])
    assert done.exit_code == 1 and (level, where, what, path, expected, got) in found
    assert re.match(rf"{len(found)} differs? \([^)]*\); [0-9]+ objects are the same in 1 case$", told["verdict"])


def test_what_means_nothing_to_prometheus_is_no_difference_of_objects(port):
    changes = {
        ALERTS: [
            ("expr: >-\n            stageset_budget_frozen", "expr: |\n            stageset_budget_frozen"),
            (
                """{condition="true", namespace="{{ include "stageset.namespace" . }}"}""",
                """{namespace="{{ include "stageset.namespace" . }}",condition='true'}""".replace("'", '"'),
            ),
        ],
    }
    done = run("diff", port(changes), "--set", "metrics.prometheusRule.enabled=true")
    assert (done.exit_code, done.stdout.splitlines()[1:]) == (0, [])


def test_lines_have_the_numbers_of_both_sides(port):
    done = run("diff", port({PEER: [("mode: STRICT", "mode: DISABLE"), ("spec:\n", "\nspec:\n")]}), *MESH)
    assert (
        "  templates/peerauthentication.yaml\n      16      -     mode: DISABLE\n           15 +     mode: STRICT\n"
        in done.stdout
    )


def test_an_object_names_the_templates_and_lines_that_print_it(port):
    done = run("diff", port({NAMESPACE: [("enforce: {{ .Values.namespace.pssLevel }}", "enforce: baseline")]}), *MESH)
    assert "      chart templates/namespace.yaml:8, pack templates/namespace.yaml:8\n" in done.stdout


def test_a_removed_condition_shows_in_the_built_in_cases(port):
    changes = {
        "values.schema.json": "{}",
        ISTIO: [("    {{- if .Values.gate.enabled }}\n", ""), (LAST, "      {{- end }}\n    - to:")],
    }
    found = json.loads(run("diff", port(changes), "--output", "json").stdout)["differences"]
    [found] = [one for one in found if one["level"] == "objects"]
    assert found["path"] == "spec.rules[0]" and "little" in found["seen"] and "defaults" not in found["seen"]


def test_what_differs_on_purpose_is_shown_and_not_counted(port, ported):
    rule = "  - apiGroups: [stages.metio.wtf]\n    resources: [stagesets/finalizers]\n    verbs: [update]\n"
    summary = re.search(r"summary: .*", ported[ALERTS])[0]
    changes = {
        ROLE: [(rule, ""), ("rules:\n", "rules:\n" + rule)],
        ALERTS: [(summary, "summary: other words")],
    }
    chart = port(changes)
    options = ("--set", "metrics.prometheusRule.enabled=true")
    done = run("diff", chart, *options)
    assert done.stdout.startswith("2 differ (2 lines), 2 on purpose; ")  # the lines of the template have an order
    assert "  1 the order of rules and of their items means nothing to RBAC\n" in done.stdout
    assert "  1 the summaries are worded by the pack\n" in done.stdout
    assert "    order rules\n" not in done.stdout
    listed = run("diff", chart, *options, "--deliberate")
    assert "    order rules\n" in listed.stdout and "annotations.summary\n" in listed.stdout


def test_what_the_chart_has_otherwise_is_on_purpose(port, ported):
    own = re.search(r"\{\{- /\* A severity.*?\n\{\{- end \}\}\n", ported[ALERTS], re.S)[0]
    nothing = re.search(r"\n *\{\{- else if not [^\n]*cilium.egress.*? - \{\}", ported[CILIUM], re.S)[0]
    name = '(regexReplaceAll "-+$" (trunc 63 (printf "cleanup-%s" $namespace)) "")'
    both = (
        "and .Values.networkPolicy.egress.enabled (or .Values.networkPolicy.egress.dns .Values.networkPolicy.egress.to)"
    )
    changes = {
        ALERTS: [(own, "")],
        CILIUM: [(nothing, "")],
        "templates/job-cleanup.yaml": [(name, '(printf "cleanup-%s" $namespace | trunc 63 | trimSuffix "-")')],
        "templates/networkpolicy.yaml": [(both, ".Values.networkPolicy.egress.enabled")],
        "templates/_crds.tpl": None,
        "values.schema.json": None,
    }
    values = ("--set", "networkPolicy.enabled=true,networkPolicy.egress.enabled=true,networkPolicy.egress.dns=false")
    done = run("diff", port(changes), *values)
    assert (done.exit_code, done.stdout.partition(";")[0]) == (0, "nothing differs, 7 on purpose")


def test_a_rule_that_is_gone_is_not_only_another_order(port):
    rule = "  - apiGroups: [stages.metio.wtf]\n    resources: [stagesets/finalizers]\n    verbs: [update]\n"
    done = run("diff", port({ROLE: [(rule, "")]}), *MESH)
    assert done.exit_code == 1 and "field rules[7]\n      expected (absent)\n" in done.stdout


# One cause is told once


def test_a_label_that_many_objects_have_is_told_once(port):
    chart = port({HELPER: [(SELECTOR, f"{SELECTOR}\nteam: a")]})
    done = run("diff", chart, *MESH, "--set", "mcp.enabled=true")
    assert done.stdout.startswith("2 differ (1 object, 1 line); ") and len(done.stdout.splitlines()) == 11
    assert "      shows in 7 places: also " in done.stdout
    found = json.loads(run("diff", chart, *MESH, "--output", "json").stdout)["differences"]
    assert "spec.selector.matchLabels.team" in [one["path"] for one in found[0]["also"]]
    assert found[1]["level"] == "structure" and "also" not in found[1]


def test_a_line_that_many_templates_have_is_told_once(port):
    files = ("templates/service-gate.yaml", "templates/service-mcp.yaml", "templates/service-metrics.yaml")
    done = run(
        "diff", port({file: [("type: ClusterIP", "type: NodePort")] for file in files}), "--set", "mcp.enabled=true"
    )
    assert done.stdout.startswith("2 differ (1 object, 1 line); ") and done.stdout.count("shows in 3 places: ") == 2


def test_what_the_only_line_of_a_template_changes_is_told_once(port):
    changes = {
        DEPLOYMENT: [("toYaml .Values.securityContext | nindent 12", "toYaml .Values.securityContext | nindent 10")]
    }
    done = run("diff", port(changes), *MESH)
    assert (
        done.stdout.startswith("2 differ (1 object, 1 line); ") and "shows in 8 places: also Deployment " in done.stdout
    )


def test_a_default_is_told_and_not_what_it_changes(port):
    done = run("diff", port({"values.yaml": [("gate: 8082", "gate: 8092")]}), *MESH)
    assert (done.exit_code, done.stdout.partition(";")[0]) == (1, "1 differs (1 default)")


# What fails


@pytest.mark.parametrize(
    "file, text, said",
    [
        (NAMESPACE, "{{ fail `no luck` }}", "namespace.yaml:1:3: error: the chart fails: no luck\n"),
        (NAMESPACE, "\n{{ nonsense }}", "namespace.yaml:2: error: the chart fails: function "),
        (NAMESPACE, "{{ index .Values 3 }}", "namespace.yaml:1:3: error: the chart fails: at <index .Values 3>: "),
        (NAMESPACE, "{{ include `no` . }}", "namespace.yaml:1: error: the template no, which nothing here defines; "),
        (NAMESPACE, "{{ if .Values.gate }}", "namespace.yaml:1: error: the if has no end; "),
        (NAMESPACE, "{{ end }}", "namespace.yaml:1: error: "),
        (NAMESPACE, "{{/* a\n*/}}\na: b: c", "namespace.yaml:3: error: what it renders is no YAML: "),
        (NAMESPACE, "{{ range until 3 }}\n- a\n{{ end }}\na: b: c", "namespace.yaml:4: error: what it renders is no"),
        (NAMESPACE, "a: b", "namespace.yaml:1: error: what it renders is no object: "),
        (DEPLOYMENT, [("containers:\n", "containers:\n bad: x\n")], "deployment.yaml:58: error: what it renders is no"),
        (
            HELPER,
            [(SELECTOR, f"{SELECTOR}\nx: {{{{ index .Values 3 }}}}")],
            "_helpers.tpl:24:6: error: the chart fails",
        ),
    ],
)
def test_a_chart_that_fails_is_told_at_the_line_of_its_template(port, file, text, said):
    chart = port({file: text})
    done = run("diff", chart, *MESH)
    assert done.exit_code == 2 and done.stdout.startswith("1 failed, ")
    assert done.stderr.startswith(f"{chart}/templates/{said}") and done.stderr.endswith("\n1 error\n")
    assert "unicode string" not in done.stderr


def test_what_fails_in_many_cases_is_told_once(port):
    done = run("diff", port({NAMESPACE: "{{ fail `no` }}", "values.schema.json": "{}"}))
    assert re.search(
        r"namespace.yaml:1:3: error: the chart fails: no \(in the case defaults and [0-9]+ more\)\n", done.stderr
    )


@pytest.mark.parametrize("schema", ["[]", '{"properties": []}', '{"required": 1}', "{", '{"$ref": "#/definitions/a"}'])
def test_what_is_no_schema_is_told(port, schema):
    found, failures = compare.structure(sides.Chart(str(port({"values.schema.json": schema}))))
    assert len(failures) <= 1 and all(one.place.file.endswith("values.schema.json") for one in failures)
    assert failures or all(one.what == "more" for one in found)


def test_values_that_the_pack_refuses_are_told_at_their_line(port, tmp_path):
    (tmp_path / "values.yaml").write_text("gate:\n  enabled: maybe\n")
    done = run("diff", port({"values.schema.json": "{}"}), "-f", tmp_path / "values.yaml")
    assert done.exit_code == 2
    assert f"{tmp_path}/values.yaml:2:12: error: gate.enabled: " in done.stderr


@pytest.mark.parametrize("command", [("diff",), ("review", "-o", "never.html")])
@pytest.mark.parametrize(
    "chart, said",
    [
        ("nowhere", "nowhere: error: No such file or directory\n"),
        (".", ".: holds no Chart.yaml; "),
        (__file__, "test_diff.py: is no chart archive"),
        ("/dev/zero", "/dev/zero: error: is neither a directory nor a file"),
    ],
)
def test_what_is_no_chart(tmp_path, monkeypatch, command, chart, said):
    monkeypatch.chdir(tmp_path)
    done = run(*command, chart)
    assert done.exit_code == 2 and said in done.stderr and not list(tmp_path.iterdir())


def bomb():
    lines = ["a: &a [x, x]"] + [
        f"{new}: &{new} [{', '.join(f'*{old}' for _ in range(9))}]" for old, new in zip("abcdefg", "bcdefgh")
    ]
    return "\n".join(lines) + "\n"


def nested(opened, closed):
    return opened * 20_000 + closed * 20_000


@pytest.mark.parametrize(
    "changes, said",
    [
        ({NAMESPACE: "{{ repeat 4000000000 `a` }}"}, "error: to render it, Helm takes more than 1 s or 3 GiB"),
        (
            {NAMESPACE: "{{ range until 1000000000 }}{{ end }}"},
            "error: to render it, Helm takes more than 1 s or 3 GiB",
        ),
        ({NAMESPACE: "{{ repeat 30000000 `a` }}"}, "error: the chart fails: it renders more than 20 MiB"),
        ({NAMESPACE: bomb()}, "namespace.yaml:1: error: what it renders is no YAML: more than 100000 values"),
        ({NAMESPACE: "a: 1\n" * 2**18}, "namespace.yaml: error: it is larger than 1 MiB"),
        ({NAMESPACE: f"{{{{ {nested('(', ')')} }}}}"}, "namespace.yaml"),
        ({"Chart.yaml": bomb() + "version: *h\n"}, "Chart.yaml:"),
        ({"values.yaml": bomb()}, "values.yaml:"),
        ({"values.schema.json": nested("[", "]")}, "values.schema.json: error: it is nested too deep"),
        ({"values.yaml": "a: " + nested("[", "]")}, "values.yaml:1:"),
    ],
)
def test_a_hostile_chart_is_answered_at_once(port, changes, said):
    chart = port(changes)
    begun = time.process_time()
    done = run("diff", chart, *MESH)
    assert time.process_time() - begun < 2
    assert done.exit_code == 2 and said in done.stderr and "bug" not in done.stderr


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path):
    with tarfile.open(tmp_path / "bomb.tgz", "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("chart/templates/a.yaml")
        member.size = 34 * 2**20
        archive.addfile(member, io.BytesIO(bytes(member.size)))
    done = run("diff", tmp_path / "bomb.tgz")
    assert done.exit_code == 2 and "bomb.tgz: is larger than a chart" in done.stderr


def test_names_that_do_not_print_are_refused(port):
    done = run("diff", port({"templates/a\n\x1b[2Jb.yaml": "kind: A\nmetadata: {name: b}\n"}), *MESH)
    assert done.exit_code == 2 and "\x1b" not in done.output and "a\\n" in done.stderr


# Definitions


def test_definitions_are_told_in_one_line(port):
    fields = {f"field{number}": {"type": "array", "items": {"type": "object"}} for number in range(2000)}
    for _ in range(30):
        fields = {"type": "object", "properties": {"of": {"type": "array", "items": [fields]}}}
    spec = {"kind": "CustomResourceDefinition", "metadata": {"name": "a"}, "spec": fields}
    text = f"{{{{- if .Values.crds.create }}}}\n{yaml.safe_dump(spec)}{{{{- end }}}}\n"
    chart = port({f"templates/crd-{name}.yaml": text for name in "abcde"})
    begun = time.process_time()
    done = run("diff", chart, *MESH)
    assert (done.exit_code, time.process_time() - begun < 2) == (0, True)
    told = f"5 definitions are not compared; `stageset-render --crds {chart}` takes them from the chart"
    assert done.stdout.splitlines()[1:] == [told]


# Helm


def test_without_helm_the_error_says_how_to_get_one(port, monkeypatch):
    monkeypatch.setitem(sys.modules, "helm_python", None)
    monkeypatch.setenv("PATH", "")
    done = run("diff", port({}))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no Helm" in done.stderr and "pip install '.[helm]'" in done.stderr


def test_the_command_helm_is_used_when_there_is_one(port, tmp_path, monkeypatch):
    chart = port({})
    texts = rendering.render({}, name="release-name", namespace="default", templates=files.manifest_names())
    pages = [
        documents.framed("stageset-controller", f"templates/{file}", text) for file, text in documents.ordered(texts)
    ]
    (tmp_path / "out").write_text("".join(pages))
    (tmp_path / "bin").mkdir()
    helm = tmp_path / "bin" / "helm"
    helm.write_text(f'#!/bin/sh\ncat > /dev/null\necho "$@" > "{tmp_path}/arguments"\ncat "{tmp_path}/out"\n')
    helm.chmod(0o755)
    monkeypatch.setitem(sys.modules, "helm_python", None)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    done = run("diff", chart, "--set", "gate.enabled=true")
    assert (done.exit_code, done.stdout.partition(";")[0]) == (0, "nothing differs")
    assert (tmp_path / "arguments").read_text() == f"template release-name {chart} -n default -f -\n"
    helm.write_text("#!/bin/sh\necho no such thing >&2\nexit 1\n")
    assert "the chart fails: no such thing" in run("diff", chart, "--set", "gate.enabled=true").stderr
    helm.write_text("#!/bin/sh\nexec sleep 9\n")
    monkeypatch.setattr(helm_process, "SECONDS", 0.005)
    assert "Helm takes more than 0.005 s" in run("diff", chart, "--set", "gate.enabled=true").stderr


def test_every_deliberate_entry_has_a_reason():
    for entry in deliberate.entries():
        assert entry["reason"] and set(entry) <= {*report.Difference._fields, "pulled"}
        assert "pulled" not in entry or any(
            fnmatch.fnmatch(line, entry["pulled"])
            for file in files.all_templates()
            for line in files.source(file).split("\n")
        )
