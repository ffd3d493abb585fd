# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""`--each`: one release per values file, all checked before any is written."""

import sys

import pytest
import yaml

from stageset_render import usage
from stageset_render.findings import Refused
from stageset_render.helm.values import read_stdin
from stageset_render.pack import releases

RELEASES = {"dev": "gate: {enabled: false}\n", "prod.eu": "serviceMesh: {mtls: strict}\n"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A directory with a base and two releases, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "releases").mkdir()
    (tmp_path / "base.yaml").write_text("crds: {create: false}\nserviceMesh: {enabled: true}\nimage: {tag: v1}\n")
    for name, text in RELEASES.items():
        (tmp_path / "releases" / f"{name}.yaml").write_text(text)
    return tmp_path


def each(command, *arguments, pattern="releases/*.yaml", stdin=None):
    return command("stageset-{}", "-f", "base.yaml", "--each", pattern, *arguments, stdin=stdin)


def written(place):
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def read(path):
    return yaml.safe_load(path.read_text())


def test_each_release_is_laid_over_the_base(command, place):
    done = each(command, "--output-dir", "out/{}", "--set", "image.registry=r.example.com")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    templates = {name: place / "out" / name / "stageset-controller" / "templates" for name in RELEASES}
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
    command("stageset-dev", "-f", "base.yaml", "-f", "releases/dev.yaml", "--output-dir", "alone")
    names = [name.removeprefix("alone/") for name in written(place) if name.startswith("alone/")]
    assert names
    assert all((place / "alone" / name).read_text() == (place / "out/dev" / name).read_text() for name in names)


@pytest.mark.parametrize(
    "pattern, made, names",
    [
        ("releases/*.yaml", [], ["dev", "prod.eu"]),
        ("releases/*", [], ["dev", "prod.eu"]),
        ("releases/prod.*.yaml", [], ["eu"]),
        ("clusters/*/values.yaml", ["clusters/a/values.yaml", "clusters/b/values.yaml", "clusters/c/other.yaml"], "ab"),
        ("odd[1]/*.yaml", ["odd[1]/x.yaml"], ["x"]),
    ],
)
def test_the_star_is_the_name(place, pattern, made, names):
    for path in made:
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text("")
    assert [found.name for found in releases.matching(pattern)] == list(names)


@pytest.mark.parametrize("name", ["dev\n", "dev\x1b[2J", "dev\u2028", "dev\x9b", "dev\udcff"])
def test_a_name_that_cannot_be_printed_is_refused(command, place, name):
    (place / "releases" / f"{name}.yaml").write_text("")
    done = each(command, "--output-dir", "out/{}")
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{ascii(name)} is no name for a file here: it has a character that can't be printed" in done.stderr
    assert not (place / "out").exists()


@pytest.mark.parametrize(
    "file, pattern, output_dir, filled",
    [
        ("e...yaml", "releases/e*.yaml", "out/{}", "out/.."),
        ("e..yaml", "releases/e*.yaml", "out/.{}", "out/.."),
        ("e..yaml", "releases/e*.yaml", "out/{}", "out/."),
        ("e.yaml", "releases/e*.yaml", "{}/out", "/out"),
        ("e.yaml", "releases/e*.yaml", "out/{}/x", "out//x"),
    ],
)
def test_no_name_leads_elsewhere(command, place, file, pattern, output_dir, filled):
    (place / "releases" / file).write_text("")
    before = written(place)
    done = command("stageset", "--each", pattern, "--output-dir", output_dir)
    assert (done.exit_code, done.stdout) == (1, "")
    assert f"error: releases/{file} makes {filled} of {output_dir}; rename it\n" in done.stderr
    assert written(place) == before
    assert not (place / "stageset-controller").exists() and not (place.parent / "stageset-controller").exists()


def test_no_name_leads_to_another_file_of_values(place):
    (file,) = [one for one in releases.matching("releases/*.yaml") if one.name == "dev"]
    layers = releases.Layers(["base.yaml", "x/{}/base.yaml"], [], read_stdin)
    with pytest.raises(Refused, match="^releases/dev.yaml makes x/../base.yaml of x/{}/base.yaml; rename it$"):
        layers.of(file._replace(name=".."))


def test_a_name_with_a_comma_is_one_name(command, place):
    (place / "releases" / "prod.eu.yaml").unlink()
    (place / "releases" / "dev.yaml").rename(place / "releases" / "a,b.yaml")
    (place / "more-a,b.yaml").write_text("namespace: {create: true, pssLevel: privileged}\n")
    done = command("stageset", "--each", "releases/*.yaml", "-f", "base.yaml,more-{}.yaml", "--output-dir", "out/{}")
    assert (done.exit_code, "error" in done.stderr) == (0, False)
    assert (place / "out/a,b/stageset-controller/templates/namespace.yaml").exists()


def test_names_are_filled_in_everywhere(command, place):
    (place / "releases" / "prod.eu.yaml").unlink()
    (place / "more-dev.yaml").write_text("namespace: {create: true, pssLevel: privileged}\n")
    done = each(command, "-n", "ns-{}", "-f", "more-{}.yaml", "--output-dir", "out/{}")
    assert (done.exit_code, "error" in done.stderr) == (0, False)
    assert read(place / "out/dev/stageset-controller/templates/namespace.yaml")["metadata"]["name"] == "ns-dev"


def test_stdin_is_read_once_for_all(command, place):
    done = each(command, "-f", "-", "--output-dir", "out/{}", stdin="image: {tag: v2}\n")
    assert (done.exit_code, done.stderr) == (0, "")
    for name in RELEASES:
        assert ":v2" in (place / "out" / name / "stageset-controller/templates/deployment.yaml").read_text()


def test_problems_of_all_are_told_and_nothing_is_written(command, place):
    (place / "releases" / "a.yaml").write_text("gate: {enabled: nope}\n")
    (place / "releases" / "b.yaml").write_text("a: [\n")
    (place / "releases" / "c.yaml").write_text("ports: {gate: 8080}\n")
    before = written(place)
    done = each(command, "-n", "{}", "--output-dir", "out/{}")
    assert (done.exit_code, done.stdout) == (1, "")
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == [
        "releases/a.yaml:1:17",
        "releases/b.yaml:2:1",
        "releases/c.yaml:1:15",
        "releases/prod.eu.yaml",
        "4 errors; nothing rendered",
    ]
    assert "'prod.eu' is no namespace" in done.stderr
    assert written(place) == before and not (place / "out").exists()


def test_what_is_said_of_an_option_is_said_once(command, place):
    done = each(command, "--dry-run", "--set", "gate.enabled=nope")
    assert done.exit_code == 1
    said = "--set gate.enabled=nope: error: gate.enabled: 'nope' is not a boolean [values-type]"
    assert done.stderr == f"releases/dev.yaml: {said}\n1 error; nothing rendered\n"


def test_what_was_there_stays_when_one_is_refused(command, place):
    each(command, "--output-dir", "out/{}")
    before = {name: (place / name).read_text() for name in written(place)}
    (place / "base.yaml").write_text("serviceMesh: {enabled: true}\nimage: {tag: v3}\n")
    (place / "releases" / "z.yaml").write_text("gate: 1\n")
    assert each(command, "--output-dir", "out/{}").exit_code == 1
    after = {name: (place / name).read_text() for name in written(place) if "releases" not in name}
    assert after == {**{n: t for n, t in before.items() if "releases" not in n}, "base.yaml": after["base.yaml"]}


def test_a_place_that_cannot_be_written_changes_nothing(command, place):
    (place / "out/prod.eu/stageset-controller/templates/deployment.yaml").mkdir(parents=True)
    done = each(command, "--output-dir", "out/{}")
    assert (done.exit_code, done.stdout) == (1, "")
    where = "out/prod.eu/stageset-controller/templates/deployment.yaml"
    assert (
        done.stderr
        == f"{where}: error: can't be written: Is a directory [output-unwritable]\n1 error; nothing rendered\n"
    )
    assert not (place / "out" / "dev").exists()


def test_strict_refuses_what_is_warned_about(command, place):
    each(command, "--output-dir", "out/{}")
    (place / "releases" / "prod.eu.yaml").write_text("gate: {enabled: false}\n")
    before = written(place)
    refused = each(command, "--output-dir", "out/{}", "--strict")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("releases/prod.eu.yaml: error: out/prod.eu/")
    assert written(place) == before


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
        "releases/dev.yaml",
        "releases/prod.eu.yaml",
    ]


def test_what_is_rendered_no_longer_is_named(command, place):
    each(command, "--output-dir", "out/{}")
    (place / "releases" / "prod.eu.yaml").write_text("gate: {enabled: false}\n")
    done = each(command, "--output-dir", "out/{}")
    left = "out/prod.eu/stageset-controller/templates"
    assert done.stderr.splitlines() == [
        f"releases/prod.eu.yaml: warning: {left}/{name} renders nothing now; delete it [output-stale]"
        for name in ("peerauthentication.yaml", "service-gate.yaml")
    ] + ["2 warnings"]


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--each", "releases/*.yaml"], "--each writes files; say where with --output-dir"),
        (["--each", "releases/*.yml", "--output-dir", "{}"], "'releases/*.yml' matches no file"),
        (["--each", "releases/dev.yaml", "--output-dir", "{}"], "needs one *"),
        (["--each", "*/*.yaml", "--output-dir", "{}"], "needs one *"),
        (
            ["--each", "releases/*.yaml", "--output-dir", "out"],
            "releases/dev.yaml and releases/prod.eu.yaml would both be written to out; --output-dir needs {}",
        ),
        (["--each", "releases/*.yaml", "--output-dir", "{}/../out"], "would both be written to out"),
        (["--each", "releases/*.yaml", "--each", "*.yaml", "--dry-run"], "it takes one pattern"),
        (["--each", "", "--dry-run"], "it takes one pattern"),
        (["--each", "releases/*.yaml", "--show-values"], "--show-values prints to stdout"),
        (["stageset-{}"], "{} stands for a release of --each"),
    ],
)
def test_wrong_usage(command, place, arguments, said):
    done = command(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (place / "out").exists()


def test_a_bar_shows_on_a_terminal_after_a_second(command, place, monkeypatch):
    clock = iter(range(0, 1000, 2))
    monkeypatch.setattr(usage.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    shown = []
    monkeypatch.setattr(usage.click, "progressbar", lambda **options: Bar(shown, options))
    assert list(usage.watched(["a", "b"])) == ["a", "b"]
    assert shown == [2, 0, 1, 1, "end"]


class Bar:
    def __init__(self, shown, options):
        self.shown = shown
        shown.append(options["length"])

    def update(self, steps):
        self.shown.append(steps)

    def render_finish(self):
        self.shown.append("end")
