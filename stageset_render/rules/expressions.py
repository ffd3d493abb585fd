# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whether a text is a regular expression to Rust or Go, asked of a library that has them; no rules are here."""

import re

# What Rust's regex crate has and the regular expressions of JSON Schema have not, and the same in those.
OWN_FORMS = (
    (re.compile(r"\[(\^?)\]"), r"[\1a"),
    (re.compile(r"\(\?[a-zA-Z-]+\)"), ""),
    (re.compile(r"\(\?[a-zA-Z-]+:"), "(?:"),
    (re.compile(r"\(\?P<([A-Za-z_])"), r"(?<\1"),
    (re.compile(r"\[:\^?[a-z]+:\]"), "a"),
    (re.compile(r"\\[Azbaf]|\\[pP][A-Z]|\\x\{[0-9A-Fa-f]+\}"), "x"),
    (re.compile(r"([*+?]|\{[0-9]+(?:,[0-9]*)?\})(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})+"), r"\1"),
)


def readable(text):
    """Whether a text is a regular expression of Rust's regex, which jsonschema_rs asks here; Go's are the same but for rarities."""
    import jsonschema_rs

    if re.search(r"\(\?[a-z]*x|\[[^\]]*\[", text):
        return True  # comments, and classes within a class, of which the other side knows nothing
    for form, other in OWN_FORMS:
        text = form.sub(other, text)
    try:
        jsonschema_rs.Draft7Validator({"pattern": text}, pattern_options=jsonschema_rs.RegexOptions())
    except jsonschema_rs.ValidationError:
        return False
    return True
