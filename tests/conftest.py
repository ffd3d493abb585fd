# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What several test files share: rendering in process and running the command."""

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import settings

import renderer
from stageset_render.helm import documents
from stageset_render.pack import files, rendering

# The same draws on every machine and in every run.
settings.register_profile("pack", derandomize=True, deadline=None)
settings.load_profile("pack")


def objects(values, name="stageset", namespace="stageset-system", templates=None):
    """The rendered objects in Helm's order, parsed by a loader that shares nothing with the project's."""
    texts = rendering.render(values, name=name, namespace=namespace, templates=templates)
    texts.pop(files.NOTES, None)
    return [yaml.safe_load(document) for _, document in documents.ordered(texts)]


@pytest.fixture
def command():
    """Run the command in process: `command("-f", "-", stdin="...")` gives exit_code, stdout and stderr."""

    def run(*arguments, stdin=None):
        arguments = [str(argument) for argument in arguments]
        return CliRunner().invoke(renderer.main, arguments, input=stdin, prog_name="renderer.py")

    return run
