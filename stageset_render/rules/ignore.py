# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is ignored."""

from stageset_render.findings import WARNING
from stageset_render.rules import Rule

DECLARED = (
    Rule(
        "ignore-unmet",
        WARNING,
        "https://docs.astral.sh/ruff/rules/unused-noqa/",
        "An ignore, by option or comment, that nothing was found for.",
        "It would hide the next finding of that name, which nobody has judged.",
    ),
)
