# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What goes wrong while templates are rendered."""

from stageset_render.findings import ERROR
from stageset_render.rules import Rule

DECLARED = (
    Rule(
        "template-refuses",
        ERROR,
        "https://helm.sh/docs/howto/charts_tips_and_tricks/",
        "A template refuses the values.",
        "The chart itself does, in the same place. This can't be ignored.",
    ),
    Rule(
        "template-fails",
        ERROR,
        "https://helm.sh/docs/chart_template_guide/",
        "A template can't be rendered.",
        "A value that it reads is not what it takes, which happens where a rule about that value is ignored. This "
        "can't be ignored.",
    ),
)
