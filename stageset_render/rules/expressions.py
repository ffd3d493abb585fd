# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whether a text is a regular expression to Rust or Go, asked of a library that has them; no rules are here."""

import re

# What Rust's regex crate has and the regular expressions of JSON Schema have not, and the same in those.
OWN_FORMS = (
    (r"\[(\^?)\]", r"[\1a"),
    (r"\(\?[a-zA-Z-]+\)", ""),
    (r"\(\?[a-zA-Z-]+:", "(?:"),
    (r"\(\?P<([A-Za-z_])", r"(?<\1"),
    (r"\[:\^?[a-z]+:\]", "a"),
    (r"\\[Azbaf]|\\[pP][A-Z]|\\x\{[0-9A-Fa-f]+\}", "x"),
    (r"([*+?]|\{[0-9]+(?:,[0-9]*)?\})(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})+", r"\1"),
)


# What Go's regexp refuses of what Rust's takes, in a text whose escapes and classes are an x.
NOT_GOS = "|".join(
    (
        r"(?:[*+?]|\{\d+(?:,\d*)?\})(?:[*+]|\?[*+?{]|\{\d+(?:,\d*)?\})",  # a repetition repeated
        r"\(\?[imsU-]*[^imsUP<:)-][^:)]*[:)]",  # a flag that is none
        r"\{(?:\d+,)?(?:[2-9]|1(?!0{3}[,}]))\d{3,}",  # more than 1000 times
    )
)
SIMPLER = ((r"(?s)\\Q.*?(\\E|$)", "x"), (r"\{,\d+\}", "x"))


def readable_in_go(text):
    """Whether a text is a regular expression of Go's regexp; its source: https://pkg.go.dev/regexp/syntax."""
    for form, other in SIMPLER:
        text = re.sub(form, other, text)
    plain = re.sub(r"\\[^u]|\[\^?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\]", "x", text)
    return readable(text) and not re.search(NOT_GOS, plain) and "\\u" not in plain


def readable(text):
    """Whether a text is a regular expression of Rust's regex, which jsonschema_rs asks here."""
    import jsonschema_rs

    if re.search(r"\(\?[a-z]*x|\[[^\]]*\[", text):
        return True  # comments, and classes within a class, of which the other side knows nothing
    for form, other in OWN_FORMS:
        text = re.sub(form, other, text)
    try:
        jsonschema_rs.Draft7Validator({"pattern": text}, pattern_options=jsonschema_rs.RegexOptions())
    except jsonschema_rs.ValidationError:
        return False
    return True
