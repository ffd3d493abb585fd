# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What several test files share: rendering in process, running the command, and how much is drawn at random."""

import gc

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import settings

import renderer
from stageset_render.helm import documents
from stageset_render.pack import files, rendering

PARTS = ("-s", "templates/*")  # every template, by name: where that is asked for, nobody misses the definitions


def pytest_addoption(parser):
    parser.addoption(
        "--budget", type=int, default=12, metavar="N", help="values that each random test draws; a thousand search deep"
    )


def pytest_configure(config):
    """The same draws on every machine and in every run."""
    settings.register_profile("pack", derandomize=True, deadline=None, max_examples=config.getoption("budget"))
    settings.load_profile("pack")
    gc.set_threshold(
        100_000, 20, 100
    )  # thousands of tests that keep little: to look for circles less often saves a tenth


def draws(times=1):
    """So many values as --budget says, or a multiple of it where drawing is cheap or much must be met."""
    return times * settings.default.max_examples


class Loader(yaml.CSafeLoader):
    """YAML as PyYAML has it, but for a key that stands twice in a map, of which PyYAML takes the last."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        assert len(set(keys)) == len(keys), f"a key stands twice among {keys}"
        return super().construct_mapping(node, deep)


def objects(values, name="stageset", namespace="stageset-system", templates=None):
    """The rendered objects in Helm's order, read by nothing of the project's."""
    texts = rendering.render(values, name=name, namespace=namespace, templates=templates)
    texts.pop(files.NOTES, None)
    return [yaml.load(document, Loader) for _, document in documents.ordered(texts)]


@pytest.fixture(autouse=True)
def alike(monkeypatch):
    """What the command reads of its surroundings is the same everywhere, on GitHub's runners too."""
    for name in ("GITHUB_ACTIONS", "HELM_NAMESPACE", "NO_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def command():
    """Run the command in process: `command("-f", "-", stdin="...")` gives exit_code, stdout and stderr."""

    def run(*arguments, stdin=None):
        arguments = [str(argument) for argument in arguments]
        return CliRunner().invoke(renderer.main, arguments, input=stdin, prog_name="renderer.py")

    return run


@pytest.fixture(scope="session")
def ported():
    """The pack's own port: path in the chart to text."""
    from stageset_render.port import chart as porting

    return porting.chart()


@pytest.fixture
def port(tmp_path):
    """Write the pack's port with changes; see changed_charts.write."""
    import changed_charts

    return lambda changes: changed_charts.write(tmp_path / "chart", changes)
