# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Every file of cases/ is a values file whose first lines are, as comments, the lines that the command prints about it.

    cases/valid      none; it is rendered
    cases/warned     `# LINE:COLUMN: warning: PATH: TEXT [RULE]`; it is rendered
    cases/refused    `# LINE:COLUMN: error: PATH: TEXT [RULE]`, and warnings; nothing is rendered, the exit code is 1

Adding a file adds a test. LINE:COLUMN is left out where the finding is about no value of the file.
"""

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

CASES = Path(__file__).parent / "cases"
SAID = re.compile(r"^# ((?:\d+:\d+: )?(error|warning): .*)$", re.M)


def run(command, path, *arguments):
    # -s, because nobody expects the definitions where templates are named
    return command("stageset", "-n", "stageset-system", "-f", path.name, "-s", "templates/*", *arguments)


def stderr(path, said):
    """The lines with the file's name put before LINE:COLUMN, and one that counts them."""
    lines = [re.sub(r"^(?=\d)", f"{path.name}:", line) for line, _ in said]
    found = Counter(level for _, level in said)
    counts = [f"{found[level]} {level}{'s' * (found[level] > 1)}" for level in ("error", "warning") if found[level]]
    if said:
        lines.append(", ".join(counts) + "; nothing rendered" * bool(found["error"]))
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in sorted(CASES.glob("*/*.yaml"))]
)
def test_case(command, monkeypatch, path):
    monkeypatch.chdir(path.parent)
    said = SAID.findall(path.read_text(encoding="utf-8"))
    levels = {level for _, level in said}
    assert path.parent.name == ("refused" if "error" in levels else "warned" if levels else "valid")
    done = run(command, path)
    assert done.stderr == stderr(path, said)
    assert done.exit_code == ("error" in levels)
    documents = [*yaml.load_all(done.stdout, yaml.CSafeLoader)]
    assert all(document["kind"] for document in documents)
    assert bool(documents) == ("error" not in levels)


@pytest.mark.parametrize("name", ["istio-rules-that-surprise", "linkerd-default-deny-without-webhook-server"])
def test_strict_makes_errors_of_warnings(command, monkeypatch, name):
    path = CASES / "warned" / f"{name}.yaml"
    monkeypatch.chdir(path.parent)
    said = SAID.findall(path.read_text(encoding="utf-8"))
    done = run(command, path, "--strict")
    assert done.stderr == stderr(path, [(line.replace("warning: ", "error: ", 1), "error") for line, _ in said])
    assert (done.exit_code, done.stdout) == (1, "")
