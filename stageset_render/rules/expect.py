# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What --expect finds."""

from stageset_render.findings import ERROR
from stageset_render.rules import Rule

SCHEMA = "https://json-schema.org/draft-07/draft-handrews-json-schema-validation-01"
ISTIO = "https://istio.io/latest/docs/concepts/security/#authorization"

DECLARED = (
    Rule(
        "expect-malformed",
        ERROR,
        SCHEMA,
        "An expectation that is not of the form that it must have.",
        "Nothing is asked, and nothing promised. This can't be ignored where the file can't be read.",
    ),
    Rule(
        "expect-broken",
        ERROR,
        ISTIO,
        "A caller gets in, or does not, against what is expected.",
        "The objects that would be rendered break the promise; nothing is rendered.",
    ),
    Rule(
        "expect-undecided",
        ERROR,
        ISTIO,
        "Whether a caller gets in can't be told from the objects alone.",
        "The promise may be broken: a token, an address or a header that is not told decides it.",
    ),
)
