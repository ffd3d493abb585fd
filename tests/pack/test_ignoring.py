# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What the user has judged is not told: by --ignore, and by a comment above or behind a value."""

import pytest
from conftest import PARTS

from stageset_render import Refused, render

SHARED = "ports: {gate: 8080}"  # refused by ports-shared
OFF = "serviceMesh: {mtls: strict}"  # warned of by mesh-off
WHY = "# stageset: ignore"
UNMET = "meets nothing, so what it was for has changed or is elsewhere; leave it out [ignore-unmet]"


@pytest.fixture
def told(command):
    """The lines that are told of a values file, without their sentences; the exit code is 0 when something is rendered."""

    def run(text, *arguments):
        done = command("-f", "-", *PARTS, *arguments, stdin=text)
        assert bool(done.stdout) is (done.exit_code == 0), done.stderr
        *found, summary = done.stderr.splitlines() or [""]
        return [(line.split(": ")[0], line.rpartition("[")[2].rstrip("]")) for line in found], summary

    return run


@pytest.mark.parametrize(
    "form", [["ports-shared", "mesh-off"], ["ports-shared,mesh-off"], ["ports-*", "mesh-*"], ["*"]]
)
def test_an_option_lets_pass_what_rules_refuse_and_warn_of(told, form):
    options = [part for one in form for part in ("--ignore", one)]
    assert told(f"{SHARED}\n{OFF}", *options) == ([], "2 ignored")
    assert told(f"{SHARED}\n{OFF}", "--strict", *options) == ([], "2 ignored")


def test_each_name_of_a_comment_must_meet_something(command):
    done = command("-f", "-", *PARTS, stdin=f"{WHY} mesh-off,ports-shared why\n{SHARED}\n")
    assert done.stderr == f"stdin:1:1: warning: mesh-off {UNMET}\n1 warning, 1 ignored\n"
    done = command("-f", "-", *PARTS, stdin=f"{WHY}\n{SHARED}\n")
    assert done.stderr.startswith("stdin:1:1: warning: names no rule; write one behind ignore, or * [ignore-unmet]\n")


def test_what_is_not_ignored_is_told_beside_it(told):
    both = f"{SHARED}\n{OFF}"
    assert told(both, "--ignore", "mesh-*") == (
        [("stdin:1:15", "ports-shared")],
        "1 error, 1 ignored; nothing rendered",
    )
    assert told(both, "--ignore", "ports-*") == ([("stdin:2:1", "mesh-off")], "1 warning, 1 ignored")


@pytest.mark.parametrize(
    "name, said",
    [
        ("ports-shard", "there is no rule 'ports-shard' (did you mean ports-shared?)"),
        ("mesh-off,xyz", "there is no rule 'xyz'; --rules lists them"),
        ("nothing-*", "there is no rule 'nothing-*'; --rules lists them"),
    ],
)
def test_a_name_that_is_no_rules_is_wrong_usage(command, name, said):
    done = command("--ignore", name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_an_option_that_meets_nothing_is_told(command):
    done = command("--ignore", "mesh-*,ports-shared", "-f", "-", *PARTS, stdin=SHARED)
    assert (done.exit_code, done.stderr) == (0, f"--ignore mesh-*: warning: {UNMET}\n1 warning, 1 ignored\n")
    assert command("--ignore", "mesh-*", "--strict", *PARTS).exit_code == 1
    assert command("--ignore", "mesh-*,ignore-unmet", "--strict", *PARTS).exit_code == 0


@pytest.mark.parametrize(
    "text",
    [
        f"{WHY} ports-shared one process serves both\n{SHARED}\n",
        f"{SHARED}  {WHY} ports-shared\n",
        f"{WHY} ports-shared, ports-*\n{SHARED}\n",
        f"{WHY} ports-*\n{SHARED}\n",
        f"#stageset:ignore ports-shared\n{SHARED}\n",
        f"{WHY} ports-shared\n\n# another comment\n{SHARED}\n",
        f"{WHY} ports-shared\nports:\n  mcp: 1\n  gate: 8080\n",  # above a whole block
        f"ports:\n  gate: 1\n  {WHY} ports-shared\n  metrics: 1\n",
        f"ports:\n  gate: 1\n  metrics: 1  {WHY} ports-shared\n",
        f"{WHY} ports-shared\nports:\n  # a comment at a greater depth\n  metrics: 8082\nimage: {{}}\n",
    ],
)
def test_a_comment_above_or_behind_lets_pass_what_is_found_there(told, text):
    assert told(text) == ([], "1 ignored")


@pytest.mark.parametrize(
    "text, place",
    [
        (f"{SHARED}\n{WHY} ports-shared\n", "stdin:2:1"),  # below
        (f"{WHY} ports-shared\nimage: {{}}\n{SHARED}\n", "stdin:1:1"),  # above something else
        (f"image: {{}}  {WHY} ports-shared\n{SHARED}\n", "stdin:1:12"),
        (f"ports:\n  {WHY} ports-shared\n  gate: 1\n  metrics: 1\n", "stdin:2:3"),  # the finding is at the next one
        (f"{WHY} mesh-off\n{SHARED}\n", "stdin:1:1"),  # another rule's
        (f"{WHY}\n{SHARED}\n", "stdin:1:1"),  # no rule's
    ],
)
def test_a_comment_elsewhere_meets_nothing_which_is_told(told, text, place):
    found, summary = told(text)
    assert sorted(rule for _, rule in found) == ["ignore-unmet", "ports-shared"]
    assert (place, "ignore-unmet") in found
    assert summary == "1 error, 1 warning; nothing rendered"


def test_a_comment_with_a_name_that_is_no_rules_is_told(command):
    done = command("-f", "-", *PARTS, stdin=f"{WHY} port-shared\n{SHARED}\n")
    assert done.stderr.splitlines()[0] == (
        "stdin:1:1: warning: there is no rule 'port-shared' (did you mean ports-shared?) [ignore-unmet]"
    )


@pytest.mark.parametrize(
    "text",
    [
        f"serviceAccount:\n  annotations:\n    a: |\n      {WHY} ports-shared\nports: {{gate: 8080}}\n",
        f'serviceAccount: {{annotations: {{a: "x {WHY} ports-shared"}}}}\n{SHARED}\n',
        f"serviceAccount: {{annotations: {{a: 'x\n    {WHY} ports-shared'}}}}\n{SHARED}\n",
        f"serviceAccount: {{annotations: {{a: x#stageset:ignore}}}}\n{SHARED}\n",
    ],
)
def test_what_looks_like_a_comment_inside_a_text_is_none(told, text):
    found, summary = told(text)
    assert ([rule for _, rule in found], summary) == (["ports-shared"], "1 error; nothing rendered")


def test_nothing_is_said_of_comments_while_not_all_could_be_judged(told):
    """What a wrong type hides may be what the comment is for."""
    assert told(f"{WHY} mesh-off\nserviceMesh: 1\n") == ([("stdin:2:14", "values-type")], "1 error; nothing rendered")


def test_comments_count_in_each_file_for_what_it_says(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(f"{WHY} ports-shared\n{SHARED}\n")
    (tmp_path / "over.yaml").write_text("ports: {metrics: 8080}\n")
    done = command("-f", "base.yaml", "-f", "over.yaml", *PARTS)  # the finding is about over.yaml now
    assert [line.split(": ")[0] for line in done.stderr.splitlines()[:-1]] == ["base.yaml:1:1", "over.yaml:1:18"]


def test_releases_ignore_for_themselves_and_what_they_share_once(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(f"{WHY} mesh-off shared\n{OFF}\n{WHY} webhook-* of none\nimage: {{}}\n")
    (tmp_path / "releases").mkdir()
    (tmp_path / "releases" / "a.yaml").write_text(f"{SHARED}  {WHY} ports-shared\n")
    (tmp_path / "releases" / "b.yaml").write_text(f"{WHY} ports-shared\nserviceMesh: {{enabled: true}}\n")
    options = ["-f", "base.yaml", "--each", "releases/*.yaml", "--dry-run", "--ignore", "image-*", *PARTS]
    done = command(*options)
    assert done.stderr.splitlines() == [
        f"releases/b.yaml:1:1: warning: {UNMET}",
        f"base.yaml:3:1: warning: {UNMET}",
        f"--ignore image-*: warning: {UNMET}",
        "3 warnings, 2 ignored",
    ]


def test_python_names_rules_as_the_command_does():
    values = {"serviceMesh": {"enabled": True, "gate": {"from": [{"principals": ["spiffe://a/ns/b/sa/c"]}]}}}
    for ignore in ("values-combination", ["values-*"]):
        assert render(values, name="a", namespace="b", ignore=ignore)
    with pytest.raises(Refused, match="there is no rule 'value-combination'"):
        render(values, name="a", namespace="b", ignore=["value-combination"])


def test_a_comment_that_is_indented_further_is_about_what_stands_above(told):
    open_rule = """
serviceMesh:
  enabled: true
  gate: {from: [{namespaces: [a]}]}
  istio:
    rules:
      - from: [{source: {namespaces: [b]}}]
        # stageset: ignore access-opened why
      - {}
"""
    found, _ = told(open_rule)
    assert found == [("stdin:8:9", "ignore-unmet"), ("stdin:9:9", "access-opened")]
    found, _ = told(open_rule.replace("        # stage", "      # stage"))
    assert found == []
