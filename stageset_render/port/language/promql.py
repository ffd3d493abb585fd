# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What means nothing in an expression of Prometheus: blanks, lines, comments, and the order of a selector's matchers."""

from __future__ import annotations

import re

TEXT = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`"""
MATCHER = rf"""[\w.:]+(?:=~|!~|!=|=)(?:{TEXT}|[^,{{}}"'`]*)"""
SELECTOR = re.compile(rf"\{{({MATCHER}(?:,{MATCHER})*),?\}}")
PARTS = re.compile(rf"({TEXT})|#[^\n]*")


def plain(expression: str) -> str:
    """An expression without what means nothing; two that have the same are the same to Prometheus."""
    uncommented = PARTS.sub(lambda found: found[1] or "", expression)
    parts = re.split(f"({TEXT})", uncommented)
    parts[1::2] = [re.sub(r"""^(['`])([^"\\]*)\1$""", r'"\2"', part) for part in parts[1::2]]
    parts[::2] = [re.sub(r"\s+", " ", re.sub(r"(?<!\w)\s+|\s+(?!\w)", "", part)) for part in parts[::2]]
    return SELECTOR.sub(
        lambda found: "{" + ",".join(sorted(re.findall(MATCHER, found[1]))) + "}", "".join(parts).strip()
    )
