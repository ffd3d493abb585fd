# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Colours templates in Go and in Jinja, by Pygments."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from stageset_render.findings import Refused

GO_TEXT = r'"(?:\\.|[^"\\])*"|`[^`]*`|\'(?:\\.|[^\'\\])*\''


def highlighters() -> tuple[Callable[[str, str], list[str]], str]:
    """A function from language, `go` or `jinja`, and text to the HTML of its lines, and the style sheet for them.

    Raises:
        Refused: when there is no Pygments.
    """
    try:
        from pygments import formatters, lexer, lexers, token
    except ImportError as error:
        raise Refused(
            "there is no Pygments to colour the page with; in the checkout, pip install '.[review]'"
        ) from error

    class GoTags(lexer.RegexLexer):
        flags = re.S
        tokens = {
            "root": [
                (r"\{\{-?\s*/\*.*?\*/\s*-?\}\}", token.Comment),
                (r"\{\{-?", token.Comment.Preproc, "tag"),
                (r"[^{]+|\{", token.Other),
            ],
            "tag": [
                (r"-?\}\}", token.Comment.Preproc, "#pop"),
                (GO_TEXT, token.String),
                (r"(?:\$\w*)?(?:\.\w+)+|\$\w*", token.Name.Variable),
                (r"\b(if|else|end|range|with|define|block|template|break|continue)\b", token.Keyword),
                (r"\d[\w.]*", token.Number),
                (r"\w+", token.Name.Function),
                (r"\s+", token.Text),
                (r".", token.Operator),
            ],
        }

    class Go(lexer.DelegatingLexer):
        def __init__(self, **options):
            super().__init__(lexers.YamlLexer, GoTags, **options)

    known = {"go": Go, "jinja": lexers.YamlJinjaLexer}
    formatter = formatters.HtmlFormatter(nowrap=True, style="default")

    def colour(language: str, text: str) -> list[str]:
        out = io.StringIO()
        formatter.format(known[language](stripnl=False).get_tokens(text), out)
        return out.getvalue().removesuffix("\n").split("\n") if text else []

    return colour, f"{_styles('default')}\n@media (prefers-color-scheme: dark) {{\n{_styles('native')}\n}}"


def _styles(name: str) -> str:
    """The colours of a style of Pygments, less what it says of errors and white space."""
    from pygments.formatters import HtmlFormatter

    lines = HtmlFormatter(nowrap=True, style=name).get_style_defs("td").split("\n")
    return "\n".join(line for line in lines if line.startswith("td .") and not re.match(r"td \.(err|w)\b", line))
