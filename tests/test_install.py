# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What an installation puts where: a command that works outside the checkout, and no name that a user may have."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pip
import pytest
from conftest import PARTS

import stageset_render

ROOT = Path(__file__).resolve().parent.parent
VALUES = "serviceMesh: {enabled: true, mtls: strict}"
OUTSIDE = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
OURS = {"renderer.py", "stageset_render", f"stageset_render-{stageset_render.__version__}.dist-info"}


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, env=OUTSIDE, **options)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the checkout in which an older build has left something behind."""
    copy = tmp_path_factory.mktemp("source") / "stageset-render"
    shutil.copytree(
        ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv*", ".*_cache", ".hypothesis", "*.egg-info")
    )
    for left in ("build/lib/leftover.py", "dist/leftover.py"):
        (copy / left).parent.mkdir(parents=True, exist_ok=True)
        (copy / left).write_text("raise SystemExit('left behind')\n")
    return copy


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """What is given away, which every installation here is made from."""
    directory = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", directory, source)
    assert done.returncode == 0, done.stderr
    return next(directory.glob("*.whl"))


@pytest.fixture(scope="module")
def install(tmp_path_factory):
    """Run pip for a python without it: putting pip into an environment takes as long as all else."""
    apart = tmp_path_factory.mktemp("pip")
    (apart / "pip").symlink_to(Path(pip.__file__).parent)

    def install(python, *arguments):
        command = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-compile", *arguments]
        environment = {**OUTSIDE, "PYTHONPATH": str(apart)}
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr

    return install


@pytest.fixture(scope="module")
def environment(tmp_path_factory, wheel, install):
    """A virtual environment with the command and all that it needs."""
    directory = tmp_path_factory.mktemp("venv")
    venv.create(directory)
    install(directory / "bin" / "python", wheel)
    return directory


def test_the_installed_command_finds_its_templates_and_schema(environment, source, tmp_path):
    command = environment / "bin" / "stageset-render"
    installed = run(command, "-f", "-", "--lint", "--notes", "--ignore", "mesh-*", input=VALUES, cwd=tmp_path)
    checkout = run(sys.executable, source / "renderer.py", "-f", "-", input=VALUES)
    assert installed.stdout == checkout.stdout != ""
    assert "gate 8082     any other meshed  yes " in installed.stderr
    refused = run(command, "-f", "-", input="serviceMesh: {mtls: stirct}", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    port = environment / "bin" / "stageset-port"
    assert run(port, "chart", tmp_path / "chart", cwd=tmp_path).returncode == 0
    held = subprocess.run([port, "diff", tmp_path / "chart"], capture_output=True, text=True, env={"PATH": ""})
    assert (held.returncode, "install one: in the checkout, pip install '.[helm]'" in held.stderr) == (2, True)
    assert run(command, "--version").stdout.startswith(f"stageset-render {stageset_render.__version__}, chart ")


def test_the_commands_are_modules_too(environment, tmp_path):
    python = environment / "bin" / "python"
    assert run(python, "-m", "stageset_render", "--dry-run", cwd=tmp_path).returncode == 0
    assert run(python, "-m", "stageset_render.port", "--version", cwd=tmp_path).stdout.startswith("stageset-port")
    said = run(
        python,
        "-c",
        "from stageset_render import Refused, render, warnings; print(len(render({}, name='a', namespace='b')))",
    )
    assert int(said.stdout) > 30


def test_modules_of_a_user_change_nothing(environment, tmp_path):
    for name in ("findings", "reporting", "options", "rules", "access", "pack"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    for command in (
        [environment / "bin" / "stageset-render"],
        [environment / "bin" / "python", "-m", "stageset_render"],
    ):
        done = run(*command, "--dry-run", *PARTS, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")


def test_only_the_package_and_the_driver_are_installed(environment):
    [packages] = environment.glob("lib/python*/site-packages")
    record = next(packages.glob("stageset_render-*.dist-info/RECORD")).read_text()
    tops = {line.split(",")[0].split("/")[0] for line in record.splitlines()}
    assert tops - {".."} == OURS


@pytest.mark.parametrize("option", ["--target", "--prefix"])
def test_it_may_be_installed_elsewhere(environment, wheel, install, tmp_path, option):
    install(environment / "bin" / "python", "--no-deps", "--force-reinstall", option, tmp_path / "there", wheel)
    [driver] = (tmp_path / "there").rglob("renderer.py")
    done = run(sys.executable, driver, "-f", "-", *PARTS, input=VALUES, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "PeerAuthentication" in done.stdout


def test_nothing_of_an_older_build_gets_into_a_wheel(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.endswith("leftover.py")]
    assert {name.split("/")[0] for name in names} - {f"stageset_render-{stageset_render.__version__}.data"} == OURS


def test_templates_and_schema_come_along(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    shared = {name.partition("/share/stageset-render/")[2] for name in names if "/share/stageset-render/" in name}
    templates = {f"templates/{path.name}" for path in (ROOT / "templates").iterdir()}
    assert shared == templates | {"values.schema.json", ".yamllint"}


def test_without_its_packages_the_driver_says_what_to_install(tmp_path):
    venv.create(tmp_path / "venv")
    done = run(tmp_path / "venv" / "bin" / "python", ROOT / "renderer.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("there is no Python package click; install what renderer.py needs, and run it: ")
