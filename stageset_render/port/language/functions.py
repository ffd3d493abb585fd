# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The functions of Helm and Sprig that both languages have: Go's name, Jinja's name, and what they return."""

from __future__ import annotations

import difflib
import inspect
import re

from stageset_render.helm.functions import GLOBALS

ORDERS = ("eq", "ge", "gt", "le", "lt", "ne")
SIGNS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
ALIKE = {"tuple": "list", "mustRegexMatch": "regexMatch"}  # another name of the same
RESULTS = {
    **dict.fromkeys("add add1 div int int64 len max min mod mul sub".split(), "int"),
    **dict.fromkeys(
        [*"contains empty has hasKey hasPrefix hasSuffix kindIs regexMatch not".split(), *ORDERS], "boolean"
    ),
    **dict.fromkeys(("==", "!=", "defined", "undefined", "deepEqual"), "boolean"),
    **dict.fromkeys(
        "append compact concat keys prepend reverse sortAlpha splitList uniq until without".split(), "array"
    ),
    **dict.fromkeys("dict fromYaml mergeOverwrite omit pick set".split(), "object"),
    **dict.fromkeys(
        (
            "b64dec b64enc indent join lower nindent printf quote regexReplaceAll repeat replace sha256sum "
            "squote toJson toString toYaml trim trimAll trimPrefix trimSuffix trunc upper"
        ).split(),
        "string",
    ),
}
NO_FORM = {
    "tpl": "tpl renders what a value says; print the value, or write the template here",
    "lookup": "lookup asks the cluster, and nothing here knows one; make it a value",
    "print": "print puts blanks between some values; use printf",
    "println": "println; use printf",
    "unset": "unset changes a map in place; use omit",
    "merge": "merge changes its first map in place; use mergeOverwrite (dict) with the maps in reverse order",
    "now": "now differs from run to run; make it a value",
    "kindOf": "kindOf names types of Go; ask with kindIs",
    "typeOf": "typeOf names types of Go; ask with kindIs",
    "typeIs": "typeIs names types of Go; ask with kindIs",
    "slice": "slice; use first, last, trunc or a loop",
    "call": "call; there are no functions among values",
    "values": "values has no order; loop over sorted keys, and use get",
}


ROOT_HINTS = {
    "Capabilities": "asks the cluster, and nothing here knows one; make it a value",
    "Files": "reads the chart's files; write the text into the template",
    "Template": "names the template; write the name",
    "Subcharts": "asks other charts; there are none here",
}


def without_root(name: str) -> str:
    """What to say of what Go's templates are rendered with beside values, release and chart."""
    return f".{name} {ROOT_HINTS.get(name, 'is nothing that the pack knows; make it a value')}"


def camel(name: str) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), name)


JINJA = {camel(name): name for name in GLOBALS}  # Go's name to Jinja's


def without_form(name: str) -> str:
    """What to say of a function of Go that has no exact Jinja form: what it is, and what to write instead."""
    if name in NO_FORM:
        return NO_FORM[name]
    close = difflib.get_close_matches(name.removeprefix("must"), JINJA, 2, 0.8)
    mend = f"it knows {' and '.join(close)}" if close else "make what it gives a value"
    return f"the function {name}, which the pack doesn't know; {mend}"


def miscounted(name: str, count: int) -> str:
    """What to say of a function, by Go's name, that is called with a number of values which it doesn't take, or nothing."""
    known = inspect.signature(GLOBALS[JINJA[name]]) if name in JINJA else None
    try:
        if known:
            known.bind(*[None] * count)
    except TypeError:
        more = "at least " * any(one.kind == one.VAR_POSITIONAL for one in known.parameters.values())
        needed = sum(one.kind != one.VAR_POSITIONAL and one.default is one.empty for one in known.parameters.values())
        return f"{name} of {count} value{'s' * (count != 1)}; it takes {more}{needed}"
    return ""
