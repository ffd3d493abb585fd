# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The defaults and the examples render what goldens/ holds; `python tests/goldens.py` writes it anew."""

import goldens
import pytest
from conftest import PARTS

EXPECTED = goldens.expected()
LINTED = [*goldens.ROOT.glob("examples/*.yaml"), *goldens.ROOT.glob("tests/everything/*.yaml")]


@pytest.mark.parametrize("path", EXPECTED)
def test_golden(path):
    assert EXPECTED[path] == (goldens.GOLDENS / path).read_text(encoding="utf-8")


def test_no_golden_is_left_over():
    kept = {str(path.relative_to(goldens.GOLDENS)) for path in goldens.GOLDENS.rglob("*") if path.is_file()}
    assert kept == set(EXPECTED)


@pytest.mark.parametrize("path", sorted(LINTED), ids=lambda path: path.stem)
def test_yamllint_finds_nothing(command, path):
    done = command("-f", path, "--lint")
    assert (done.exit_code, "output-lint" in done.stderr) == (0, False)


@pytest.mark.parametrize("path", sorted(goldens.ROOT.glob("examples/*.yaml")), ids=lambda path: path.stem)
def test_an_example_renders_under_strict_without_a_finding(command, path):
    done = command("stageset", "-n", "stageset-system", "-f", path, *PARTS, "--strict")
    assert (done.exit_code, done.stderr.removesuffix("2 ignored\n")) == (0, "")
    assert "kind: Deployment\n" in done.stdout


@pytest.mark.parametrize("path", sorted(goldens.ROOT.glob("examples/expect/*.yaml")), ids=lambda path: path.stem)
def test_the_promises_of_an_example_hold_for_it_and_not_without_restrictions(command, path):
    example = goldens.ROOT / "examples" / path.name
    assert command("-f", example, "--expect", path, *PARTS).exit_code == 0
    broken = command("-f", goldens.ROOT / "examples" / "dev.yaml", "--expect", path, *PARTS)
    assert (broken.exit_code, broken.stdout) == (1, "") and broken.stderr.count("[expect-broken]") == 3
