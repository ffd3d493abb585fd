# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Charts that are the pack's own port, changed, and the command that is held against them."""

import functools

from click.testing import CliRunner

from stageset_render.port import chart as porting
from stageset_render.port import commands

_chart = functools.cache(porting.chart)
MESH = ("--set", "serviceMesh.enabled=true", "--set", "namespace.create=true")


def run(*arguments):
    return CliRunner().invoke(commands.main, [str(argument) for argument in arguments])


def write(directory, changes):
    """Write the port: `changes` has a path to a list of (old text, new text), or to the whole text, or to None."""
    texts = dict(_chart())
    for path, change in changes.items():
        if isinstance(change, list):
            for old, new in change:
                assert old in texts[path], texts[path]
                texts[path] = texts[path].replace(old, new, 1)
        else:
            texts[path] = change
    for path, text in texts.items():
        if text is not None:
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(text)
    return directory
