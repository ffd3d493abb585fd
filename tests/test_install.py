# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""`pip install .` in a new virtual environment gives a command that works outside the checkout."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import stageset_render

ROOT = Path(__file__).resolve().parent.parent


def test_the_installed_command_finds_its_templates_and_schema(tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python, command = tmp_path / "venv" / "bin" / "python", tmp_path / "venv" / "bin" / "stageset-render"
    source = shutil.copytree(ROOT, tmp_path / "source", ignore=shutil.ignore_patterns(".*", "build", "*.egg-info"))
    shutil.copy(ROOT / ".yamllint", source)
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", source], check=True)

    outside = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    values = "serviceMesh: {enabled: true, mtls: strict}"

    def run(*arguments, text=values):
        return subprocess.run(
            [command, *arguments], input=text, capture_output=True, text=True, cwd=tmp_path, env=outside
        )

    installed = run("-f", "-", "--lint", "--notes")
    checkout = subprocess.run(
        [sys.executable, source / "renderer.py", "-f", "-"], input=values, capture_output=True, text=True
    )
    assert installed.stdout == checkout.stdout != ""
    assert "any meshed caller" in installed.stderr
    refused = run("-f", "-", text="serviceMesh: {mtls: stirct}")
    assert (refused.returncode, refused.stdout) == (1, "")
    port = tmp_path / "venv" / "bin" / "stageset-port"
    subprocess.run([port, "chart", tmp_path / "chart"], check=True, cwd=tmp_path, env=outside)
    held = subprocess.run(
        [port, "diff", tmp_path / "chart"], capture_output=True, text=True, env={**outside, "PATH": ""}
    )
    assert (held.returncode, "install one: pip install 'stageset-render[helm]'" in held.stderr) == (2, True)
    assert run("--version").stdout.startswith(f"stageset-render {stageset_render.__version__}, chart ")
