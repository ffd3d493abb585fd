# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What pre-commit runs: each file is held against all rules, with the options that its configuration gives."""

from pathlib import Path

import pytest
import yaml

from stageset_render import hook

ROOT = Path(__file__).parent.parent


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("good one.yaml").write_text("gate: {enabled: true}\n")
    Path("warned.yaml").write_text("networkPolicy: {gate: {from: [{podSelector: {}}]}}\n")
    Path("bad.yaml").write_text("serviceMesh: {mtls: stirct}\n")
    Path("access.yaml").write_text("- {caller: plaintext, port: gate, allowed: false}\n")


@pytest.mark.parametrize(
    "args, code, said",
    [
        (["good one.yaml"], 0, ""),
        (["-n", "apps", "good one.yaml", "good one.yaml"], 0, ""),
        (["warned.yaml"], 0, "warned.yaml:1:30: warning: "),
        (["--strict", "good one.yaml", "warned.yaml"], 1, "warned.yaml:1:30: error: "),
        (["good one.yaml", "bad.yaml", "good one.yaml"], 1, "bad.yaml:1:21: error: serviceMesh.mtls: "),
        (["--expect", "access.yaml", "good one.yaml"], 1, "access.yaml:1:3: error: plaintext gets in on port gate"),
        (["--nope", "good one.yaml"], 2, "No such option"),
        ([], 0, ""),
    ],
)
def test_each_file_is_checked(place, capsys, args, code, said):
    assert hook.main(args) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err if said else err == ""


def test_the_hook_is_named(place):
    (one,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert one["entry"] == f"python -m {hook.__name__}"
