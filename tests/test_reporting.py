# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""How findings are written: on a terminal, as --format says, and the list that --rules prints."""

import io
import json

import pytest
from conftest import PARTS

import renderer
import stageset_render
from stageset_render import reporting
from stageset_render.rules import every

VALUES = """\
# stageset: ignore mesh-off it comes later
serviceMesh:
  mtls: stirct
  defaultDeny: {enabled: true}
ports: {gate: 8080}
webhook:
  certManager: {issuerRef: {name: x}}
"""
SAID = [
    (
        "values-choice",
        "error",
        "serviceMesh.mtls",
        "'stirct' is not one of '', permissive, strict (did you mean strict?)",
    ),
    (
        "ports-shared",
        "error",
        "ports.gate",
        "8080 is also ports.metrics, so the rule of one would rule the other as well; give each enabled port a number of its "
        "own",
    ),
    (
        "webhook-issuer-unused",
        "warning",
        "webhook.certManager.issuerRef.name",
        "ignored, because webhook.certMode is self-signed",
    ),
]
PLACES = [(3, 9), (5, 15), (7, 35)]


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.yaml").write_text(VALUES)
    return "v.yaml"


def test_text_has_a_line_for_each_and_one_that_counts(command, file):
    done = command("-f", file)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        *(
            f"v.yaml:{line}:{column}: {level}: {path}: {said} [{rule}]"
            for (line, column), (rule, level, path, said) in zip(PLACES, SAID)
        ),
        "2 errors, 1 warning, 1 ignored; nothing rendered",
    ]


def test_json_is_one_list_of_objects(command, file):
    found = json.loads(command("-f", file, "--format", "json").stderr)
    assert [(one["rule"], one["level"], one["path"]) for one in found] == [said[:3] for said in SAID]
    assert [(one["file"], one["line"], one["column"]) for one in found] == [("v.yaml", *place) for place in PLACES]
    assert [(one["message"], one["hint"]) for one in found] == [
        ("'stirct' is not one of '', permissive, strict", "did you mean strict?"),
        tuple(SAID[1][3].split("; ")),
        (SAID[2][3], None),
    ]
    assert all(set(one) == {"rule", "level", "path", "message", "hint", "file", "line", "column"} for one in found)
    assert command("--format", "json", *PARTS).stderr == "[]\n"


def test_what_has_no_place_has_none_in_json(command):
    [found] = json.loads(command("--set", "ports.gate=8080", "--format", "json").stderr)
    assert (found["file"], found["line"], found["column"]) == ("--set ports.gate=8080", None, None)


def test_json_names_the_release_of_each(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("gate: 1")
    (tmp_path / "b.yaml").write_text("{}")
    done = command("--each", "*.yaml", "--dry-run", "--set", "ports.mcp=0", "--format", "json")
    found = json.loads(done.stderr)
    assert [(one["release"], one["path"]) for one in found] == [("a.yaml", "gate"), ("a.yaml", "ports.mcp")]


def test_github_shows_each_at_its_line(command, file, monkeypatch):
    lines = [
        f"::{level} file=v.yaml,line={line},col={column},title={rule}::{path}: {said}"
        for (line, column), (rule, level, path, said) in zip(PLACES, SAID)
    ]
    assert command("-f", file, "--format", "github").stderr.splitlines()[:-1] == lines
    monkeypatch.setenv("GITHUB_ACTIONS", "true")  # where it is the form by itself
    assert command("-f", file).stderr.splitlines()[:-1] == lines
    assert not command("-f", file, "--format", "text").stderr.startswith("::")


def test_github_reads_no_command_out_of_a_name_or_a_value(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a,line=1%:x.yaml").write_text('gate: {enabled: "50%\\n::error::x"}')
    line, summary = command("--each", "*.yaml", "--dry-run", "--format", "github").stderr.splitlines()
    assert line.startswith("::error file=a%2Cline=1%25%3Ax.yaml,line=1,col=17,title=values-type::gate.enabled: '50%25")
    assert summary == "1 error; nothing rendered"


def test_sarif_holds_the_rules_and_what_is_ignored(command, file):
    done = command("-f", file, "--ignore", "webhook-*", "--format", "sarif")
    log = json.loads(done.stderr)
    assert (log["version"], log["$schema"].rsplit("/", 1)[1]) == ("2.1.0", "sarif-2.1.0.json")
    [run] = log["runs"]
    assert run["columnKind"] == "unicodeCodePoints"  # as PyYAML counts
    driver, results = run["tool"]["driver"], run["results"]
    assert (driver["name"], driver["version"]) == ("stageset-render", stageset_render.__version__)
    known = {one.name: one for one in every()}
    assert [one["id"] for one in driver["rules"]] == [
        name for name in known if name in {s[0] for s in SAID} | {"mesh-off"}
    ]
    for one in driver["rules"]:
        rule = known[one["id"]]
        assert one["shortDescription"]["text"] == rule.summary != ""
        assert one["help"]["text"] == rule.effect != ""
        assert one["helpUri"] == rule.source
        assert one["defaultConfiguration"] == {"level": rule.level}
    assert [(one["ruleId"], one["level"]) for one in results] == [
        *(said[:2] for said in SAID[:2]),
        ("webhook-issuer-unused", "warning"),
        ("mesh-off", "warning"),
    ]
    for one in results:
        assert driver["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
        [location] = one["locations"]
        assert location["physicalLocation"]["artifactLocation"] == {"uri": "v.yaml"}
    assert [one["message"]["text"] for one in results[:2]] == [f"{path}: {said}" for _, _, path, said in SAID[:2]]
    regions = [one["locations"][0]["physicalLocation"]["region"] for one in results]
    assert regions == [{"startLine": line, "startColumn": at} for line, at in (*PLACES, (2, 1))]
    assert [one["locations"][0]["logicalLocations"] for one in results[:2]] == [
        [{"fullyQualifiedName": path, "kind": "member"}] for _, _, path, _ in SAID[:2]
    ]
    assert [one.get("suppressions") for one in results] == [
        None,
        None,
        [{"kind": "external"}],
        [{"kind": "inSource", "justification": "it comes later"}],
    ]


def test_sarif_names_a_file_as_an_address_and_what_has_no_path_by_its_message(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b%.yaml").write_text("gate: 1")
    [run] = json.loads(command("-f", "a b%.yaml", "--format", "sarif").stderr)["runs"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "a%20b%25.yaml"}
    (tmp_path / "there").write_text("")
    [run] = json.loads(command("--output-dir", "there", *PARTS, "--format", "sarif").stderr)["runs"]
    [result] = run["results"]
    assert result["ruleId"] == run["tool"]["driver"]["rules"][0]["id"] == "output-unwritable"
    assert result["message"]["text"] == "there: can't be written: Not a directory"
    assert json.loads(command("--format", "sarif", *PARTS).stderr)["runs"][0]["results"] == []


def test_strict_makes_errors_of_warnings_in_every_form(command, file):
    def levels(form):
        text = command("-f", file, "--strict", "--format", form).stderr
        return text.count("warning"), text.count("error")

    assert levels("github") == (0, 4 + 1)  # with the definitions, and the summary
    assert [levels(form)[0] for form in ("text", "json")] == [0, 0]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(command, monkeypatch):
    """Run the command with a terminal of some width for stderr; gives what is on it."""

    def run(*arguments, width=70, stdin=None):
        stream = Terminal()
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr(renderer, "report", lambda form, strict: reporting.report(form, strict, stream))
        command(*arguments, stdin=stdin)
        return stream.getvalue()

    return run


def test_a_terminal_shows_the_line_that_is_meant_in_colour(terminal, file):
    bold, red, yellow, off = "\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[0m"
    assert terminal("-f", file) == (
        f"{bold}v.yaml:3:9:{off} {red}error:{off} serviceMesh.mtls: 'stirct' is not one of '',\n"
        "    permissive, strict (did you mean strict?) [values-choice]\n"
        "  3 |   mtls: stirct\n"
        "    |         ^\n"
        f"{bold}v.yaml:5:15:{off} {red}error:{off} ports.gate: 8080 is also ports.metrics, so the\n"
        "    rule of one would rule the other as well; give each enabled port a\n"
        "    number of its own [ports-shared]\n"
        "  5 | ports: {gate: 8080}\n"
        "    |               ^\n"
        f"{bold}v.yaml:7:35:{off} {yellow}warning:{off} webhook.certManager.issuerRef.name: ignored,\n"
        "    because webhook.certMode is self-signed [webhook-issuer-unused]\n"
        "  7 |   certManager: {issuerRef: {name: x}}\n"
        "    |                                   ^\n"
        "2 errors, 1 warning, 1 ignored; nothing rendered\n"
    )


def test_a_terminal_is_told_that_only_checking_found_nothing(terminal, command):
    assert terminal("--set", "crds.create=false", "--dry-run") == "nothing is wrong\n"
    assert "nothing is wrong" not in terminal("--set", "serviceMesh.mtls=x", "--dry-run")
    assert terminal("--set", "crds.create=false") == ""
    assert command("--set", "crds.create=false", "--dry-run").stderr == ""


@pytest.mark.parametrize("value, coloured", [("1", False), ("", True)])
def test_no_color_turns_colours_off(terminal, file, monkeypatch, value, coloured):
    monkeypatch.setenv("NO_COLOR", value)
    shown = terminal("-f", file)
    assert ("\x1b" in shown) is coloured
    assert "    |         ^\n" in shown


@pytest.mark.parametrize("width", [40, 60, 200])
def test_of_a_long_line_the_part_around_the_caret_is_shown(terminal, width):
    line = "image: {" + ", ".join(f"registry{number}: a" for number in range(40)) + ", tag: 1, pullPolicy: Always}"
    shown = terminal("-f", "-", "--ignore", "values-unknown-key", width=width, stdin=line).splitlines()
    text, caret = next((one, two) for one, two in zip(shown, shown[1:]) if two.strip(" |") == "^")
    assert text[caret.index("^")] == "1"
    assert all(len(part) <= width for part in shown if "\x1b" not in part)


def test_the_caret_is_below_the_value_behind_what_is_escaped(terminal):
    shown = terminal("-f", "-", stdin='image: {registry: "a\tb\u202ec", tag: 1}').splitlines()
    text, caret = shown[-3:-1]
    assert "a    b\\u202ec" in text and text[caret.index("^")] == "1"


def test_what_is_known_is_listed_once(command):
    done = command("-f", "-", stdin="nodeSelectr: {}\nxxx: 1\nyyy: 1\n")
    assert [line.count("known here") for line in done.stderr.splitlines()] == [0, 1, 0, 0]


def test_the_rules_are_listed_by_name(command):
    done = command("--rules")
    assert (done.exit_code, done.stderr) == (0, "")
    assert [line.split(None, 2) for line in done.stdout.splitlines()] == [
        [rule.name, rule.level, rule.summary] for rule in every()
    ]
    names = [rule.name for rule in every()]
    assert len(set(names)) == len(names) > 100
