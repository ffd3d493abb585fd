# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""`--each`: one release per environment, all checked before any is written."""

import os
import sys

import pytest
import yaml

from stageset_render.pack import environments, output

ENVIRONMENTS = {"dev": "gate: {enabled: false}\n", "prod.eu": "serviceMesh: {mtls: strict}\n"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory with a base and two environments, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "environments").mkdir()
    (tmp_path / "base.yaml").write_text("serviceMesh: {enabled: true}\nimage: {tag: v1}\n")
    for name, text in ENVIRONMENTS.items():
        (tmp_path / "environments" / f"{name}.yaml").write_text(text)
    return tmp_path


def each(command, *arguments, pattern="environments/*.yaml", stdin=None):
    return command("stageset-{}", "-f", "base.yaml", "--each", pattern, *arguments, stdin=stdin)


def written(place):
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def read(path):
    return yaml.safe_load(path.read_text())


def test_each_environment_is_laid_over_the_base(command, place):
    done = each(command, "--output-dir", "out/{}", "--set", "image.registry=r.example.com")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    templates = {name: place / "out" / name / "stageset-controller" / "templates" for name in ENVIRONMENTS}
    assert not (templates["dev"] / "service-gate.yaml").exists()
    assert (templates["prod.eu"] / "service-gate.yaml").exists()
    for name, directory in templates.items():
        deployment = read(directory / "deployment.yaml")
        assert deployment["metadata"]["labels"]["app.kubernetes.io/instance"] == f"stageset-{name}"
        assert deployment["spec"]["template"]["spec"]["containers"][0]["image"].startswith("r.example.com/")
        assert deployment["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":v1")
    assert (templates["prod.eu"] / "peerauthentication.yaml").exists()
    assert not (templates["dev"] / "peerauthentication.yaml").exists()


def test_the_same_is_written_as_by_a_run_of_its_own(command, place):
    each(command, "--output-dir", "out/{}")
    command("stageset-dev", "-f", "base.yaml", "-f", "environments/dev.yaml", "--output-dir", "alone")
    names = [name.removeprefix("alone/") for name in written(place) if name.startswith("alone/")]
    assert names
    assert all((place / "alone" / name).read_text() == (place / "out/dev" / name).read_text() for name in names)


@pytest.mark.parametrize(
    "pattern, made, names",
    [
        ("environments/*.yaml", [], ["dev", "prod.eu"]),
        ("environments/*", [], ["dev", "prod.eu"]),
        ("environments/prod.*.yaml", [], ["eu"]),
        ("clusters/*/values.yaml", ["clusters/a/values.yaml", "clusters/b/values.yaml", "clusters/c/other.yaml"], "ab"),
        ("odd[1]/*.yaml", ["odd[1]/x.yaml"], ["x"]),
    ],
)
def test_the_star_is_the_name(place, pattern, made, names):
    for path in made:
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text("")
    assert [found.name for found in environments.matching(pattern)] == list(names)


def test_names_are_filled_in_everywhere(command, place):
    (place / "environments" / "prod.eu.yaml").unlink()
    (place / "more-dev.yaml").write_text("namespace: {create: true}\n")
    done = each(command, "-n", "ns-{}", "-f", "more-{}.yaml", "--output-dir", "out/{}")
    assert (done.exit_code, done.stderr) == (0, "")
    assert read(place / "out/dev/stageset-controller/templates/namespace.yaml")["metadata"]["name"] == "ns-dev"


def test_stdin_is_read_once_for_all(command, place):
    done = each(command, "-f", "-", "--output-dir", "out/{}", stdin="image: {tag: v2}\n")
    assert (done.exit_code, done.stderr) == (0, "")
    for name in ENVIRONMENTS:
        assert ":v2" in (place / "out" / name / "stageset-controller/templates/deployment.yaml").read_text()


def test_problems_of_all_are_told_and_nothing_is_written(command, place):
    (place / "environments" / "a.yaml").write_text("gate: {enabled: nope}\n")
    (place / "environments" / "b.yaml").write_text("a: [\n")
    (place / "environments" / "c.yaml").write_text("ports: {gate: 8080}\n")
    before = written(place)
    done = each(command, "-n", "{}", "--output-dir", "out/{}")
    assert (done.exit_code, done.stdout) == (1, "")
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == [
        "environments/a.yaml:1:17",
        "environments/b.yaml:2:1",
        "environments/c.yaml:1:1",
        "environments/prod.eu.yaml",
    ]
    assert "'prod.eu' is no namespace" in done.stderr
    assert written(place) == before and not (place / "out").exists()


def test_what_is_said_of_an_option_is_said_once(command, place):
    done = each(command, "--dry-run", "--set", "gate.enabled=nope")
    assert done.exit_code == 1
    assert done.stderr == ("environments/dev.yaml: --set gate.enabled=nope: gate.enabled: 'nope' is not a boolean\n")


def test_what_was_there_stays_when_one_is_refused(command, place):
    each(command, "--output-dir", "out/{}")
    before = {name: (place / name).read_text() for name in written(place)}
    (place / "base.yaml").write_text("serviceMesh: {enabled: true}\nimage: {tag: v3}\n")
    (place / "environments" / "z.yaml").write_text("gate: 1\n")
    assert each(command, "--output-dir", "out/{}").exit_code == 1
    after = {name: (place / name).read_text() for name in written(place) if "environments" not in name}
    assert after == {**{n: t for n, t in before.items() if "environments" not in n}, "base.yaml": after["base.yaml"]}


def test_a_place_that_cannot_be_written_changes_nothing(command, place):
    (place / "out/prod.eu/stageset-controller/templates/deployment.yaml").mkdir(parents=True)
    done = each(command, "--output-dir", "out/{}")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "out/prod.eu/stageset-controller/templates/deployment.yaml: Is a directory\n"
    assert not (place / "out" / "dev").exists()


def test_strict_refuses_what_is_warned_about(command, place):
    (place / "environments" / "dev.yaml").write_text("serviceMesh: {defaultDeny: {enabled: true}}\n")
    warned = each(command, "--dry-run")
    assert (warned.exit_code, warned.stdout) == (0, "")
    assert warned.stderr.startswith("warning: environments/dev.yaml:1:")
    refused = each(command, "--dry-run", "--strict")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("environments/dev.yaml:1:")


def test_a_dry_run_writes_nothing(command, place):
    before = written(place)
    assert each(command, "--dry-run", "--output-dir", "out/{}").exit_code == 0
    assert written(place) == before


def test_a_dry_run_without_each_prints_nothing(command, place):
    done = command("-f", "base.yaml", "--dry-run")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert command("--set", "gate.enabled=nope", "--dry-run").exit_code == 1


def test_verbose_says_what_was_rendered(command, place):
    done = each(command, "--dry-run", "--verbose")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "environments/dev.yaml",
        "environments/prod.eu.yaml",
    ]


def test_what_is_rendered_no_longer_is_named(command, place):
    each(command, "--output-dir", "out/{}")
    (place / "environments" / "prod.eu.yaml").write_text("gate: {enabled: false}\n")
    done = each(command, "--output-dir", "out/{}")
    left = "out/prod.eu/stageset-controller/templates"
    assert done.stderr.splitlines() == [
        f"warning: environments/prod.eu.yaml: {left}/{name}: renders nothing now; delete it"
        for name in ("peerauthentication.yaml", "service-gate.yaml")
    ]


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--each", "environments/*.yaml"], "--each writes files; say where with --output-dir"),
        (["--each", "environments/*.yml", "--output-dir", "{}"], "'environments/*.yml' matches no file"),
        (["--each", "environments/dev.yaml", "--output-dir", "{}"], "needs one *"),
        (["--each", "*/*.yaml", "--output-dir", "{}"], "needs one *"),
        (
            ["--each", "environments/*.yaml", "--output-dir", "out"],
            "environments/dev.yaml and environments/prod.eu.yaml would both be written to out; --output-dir needs {}",
        ),
        (["--each", "environments/*.yaml", "--output-dir", "{}/../out"], "would both be written to out"),
        (["--each", "environments/*.yaml", "--each", "*.yaml", "--dry-run"], "it takes one pattern"),
        (["--each", "", "--dry-run"], "it takes one pattern"),
        (["--each", "environments/*.yaml", "--show-values"], "--show-values and --explain print to stdout"),
        (["stageset-{}"], "{} stands for an environment of --each"),
    ],
)
def test_wrong_usage(command, place, arguments, said):
    done = command(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (place / "out").exists()


def test_files_take_their_places_all_or_none(tmp_path, monkeypatch):
    staged = output.Staged()
    staged.add([("a.yaml", "1"), ("b/c.yaml", "2"), ("b/c.yaml", "3")], str(tmp_path / "one"))
    staged.add([("a.yaml", "4")], str(tmp_path))
    assert not [name for name in written(tmp_path) if not os.path.basename(name).startswith(".")]
    staged.commit()
    assert {name: (tmp_path / name).read_text() for name in written(tmp_path)} == {
        "a.yaml": "4",
        "one/a.yaml": "1",
        "one/b/c.yaml": "23",
    }


def test_a_bar_shows_on_a_terminal_after_a_second(command, place, monkeypatch):
    import renderer

    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(renderer.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    shown = []
    monkeypatch.setattr(renderer.click, "progressbar", lambda **options: Bar(shown, options))
    assert list(renderer._watched(["a", "b"])) == ["a", "b"]
    assert shown == [2, 0, 1, 1, "end"]


class Bar:
    def __init__(self, shown, options):
        self.shown = shown
        shown.append(options["length"])

    def update(self, steps):
        self.shown.append(steps)

    def render_finish(self):
        self.shown.append("end")
