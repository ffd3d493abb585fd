# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Every file of cases/ is a values file whose first lines say, as comments, what the command must say about it.

    cases/valid      rendered, and not a word on stderr
    cases/warned     `# warned: LINE:COLUMN: PATH: TEXT`: rendered with these warnings; refused under --strict
    cases/refused    `# refused: LINE:COLUMN: PATH: TEXT`: exit code 1 with these lines and nothing else

Adding a file adds a test. LINE:COLUMN is left out where the finding is about no value of the file.
"""

import re
from pathlib import Path

import pytest
import yaml

CASES = Path(__file__).parent / "cases"


def cases(kind):
    return [pytest.param(path, id=path.stem) for path in sorted((CASES / kind).glob("*.yaml"))]


def expected(path, word):
    """The lines that stderr must hold, with the file's name put before LINE:COLUMN."""
    lines = re.findall(rf"^# {word}: (.*)$", path.read_text(encoding="utf-8"), re.M)
    assert lines, f"{path.name} says nothing about what it expects"
    return [re.sub(r"^(?=\d+:\d+: )", f"{path.name}:", line) for line in lines]


@pytest.fixture
def run(command, monkeypatch):
    def run(path, *arguments):
        monkeypatch.chdir(path.parent)
        return command("stageset", "-n", "stageset-system", "-f", path.name, *arguments)

    return run


@pytest.mark.parametrize("path", cases("valid"))
def test_valid(run, path):
    done = run(path, "--lint", "--strict")
    assert (done.exit_code, done.stderr) == (0, "")
    assert all(document["kind"] for document in yaml.safe_load_all(done.stdout))


@pytest.mark.parametrize("path", cases("warned"))
def test_warned(run, path):
    done = run(path, "--lint")
    assert done.stderr.splitlines() == [f"warning: {line}" for line in expected(path, "warned")]
    assert done.exit_code == 0
    assert all(document["kind"] for document in yaml.safe_load_all(done.stdout))


@pytest.mark.parametrize("path", cases("warned"))
def test_warned_is_refused_under_strict(run, path):
    done = run(path, "--strict")
    assert done.stderr.splitlines() == expected(path, "warned")
    assert (done.exit_code, done.stdout) == (1, "")


@pytest.mark.parametrize("path", cases("refused"))
def test_refused(run, path):
    done = run(path)
    assert done.stderr.splitlines() == expected(path, "refused")
    assert (done.exit_code, done.stdout) == (1, "")
