# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The options that say which release is meant and what its values are, shared by both commands."""

from __future__ import annotations

import click

from stageset_render.pack.names import check_name, check_namespace
from stageset_render.problems import Refused


def checked_by(check):
    def callback(_context, _option, value):
        try:
            check(value)
        except Refused as refused:
            raise click.BadParameter(str(refused)) from refused
        return value

    return callback


_OPTIONS = (
    click.argument("name", default="release-name", callback=checked_by(check_name)),
    click.option(
        "-f", "--values", multiple=True, metavar="FILE", help="Values file, YAML or JSON; - is stdin. Repeatable."
    ),
    click.option("--set", "set_", multiple=True, metavar="KEY=VALUE", help="Set values. Repeatable, like those below."),
    click.option("--set-string", multiple=True, metavar="KEY=VALUE", help="Set values that stay strings."),
    click.option(
        "--set-json", multiple=True, metavar="KEY=JSON", help="Set values from JSON, or all from one JSON object."
    ),
    click.option("--set-file", multiple=True, metavar="KEY=PATH", help="Set values to the text of files."),
    click.option(
        "-n",
        "--namespace",
        default="default",
        show_default=True,
        callback=checked_by(check_namespace),
        help="Namespace of the release.",
    ),
)
VALUES = ("values", "set_json", "set_", "set_string", "set_file")  # in the order in which values.collect takes them


def release_options(command):
    """Give a command the argument NAME and the options for its namespace and values."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
