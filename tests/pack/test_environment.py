# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Where Jinja runs a template as Go would: what `a.b` reads, what a loop goes through, what is printed, what goes wrong."""

import pytest

from stageset_render.findings import Refused
from stageset_render.pack import environment, templates

ENVIRONMENT = environment.environment()
LOOP = "{%- for x in Values.a %}{{ loop.index0 }}{{ x }} {% endfor %}"


def printed(source, a=None):
    with templates.refusing():
        return ENVIRONMENT.from_string(source).render({"Values": {"a": a}})


@pytest.mark.parametrize(
    "source, a, text",
    [
        ("{{ Values.a.b }}", {"b": 1}, "1"),
        ("{{ Values.a.b }}", {}, ""),
        ("{{ Values.a.items }}{{ Values.a.keys }}", {"items": "x"}, "x"),  # keys, and no methods of Python's
        ("{{ Values.missing }}", {}, ""),
        ("{{ Values.a }}", True, "true"),
        ("{{ Values.a }}", None, ""),
        ("{{ Values.a }}", 1e21, "1e+21"),
        (LOOP, ["x", "y"], "0x 1y "),
        *((LOOP, nothing, "") for nothing in ([], {}, None)),
        ("{% for x in Values.missing %}{{ x }}{% endfor %}", {}, ""),
    ],
)
def test_what_go_takes(source, a, text):
    assert printed(source, a) == text


@pytest.mark.parametrize(
    "source, a, said",
    [
        ("{{ Values.a.b.c }}", {}, "a template reads .c of Undefined, which is no map"),
        ("{{ Values.a.b }}", None, "a template reads .b of None, which is no map"),
        ("{{ Values.a.upper }}", "x", "a template reads .upper of 'x', which is no map"),
        ("{{ Values.a }}", ["x"], "a list has no text of its own"),
        (LOOP, "xy", "expected a list, got a string"),
        (LOOP, {"k": 1}, "expected a list, got a map"),
        ("{{ range(3) }}", {}, "'range' is undefined"),  # a function of Jinja's
    ],
)
def test_what_it_refuses(source, a, said):
    with pytest.raises(Refused, match=said) as refused:
        printed(source, a)
    assert [one.rule for one in refused.value.problems] == ["template-fails"]
