# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Where Jinja runs a template as Go would: what `a.b` reads, what a loop goes through, what is printed, what goes wrong."""

import jinja2
import pytest

from stageset_render.findings import Refused
from stageset_render.pack import environment

ENVIRONMENT = environment.environment()
LOOP = "{%- for x in Values.a %}{{ loop.index0 }}{{ x }} {% endfor %}"


def printed(source, a=None):
    with environment.refusing():
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


def test_what_goes_wrong_names_the_line_of_the_template(monkeypatch, tmp_path):
    (tmp_path / "templates").mkdir()
    file = tmp_path / "templates" / "broken.yaml"
    file.write_text("{%- if true %}\n{{ Values.serviceMesh.mtls.nothing }}\n{%- endif %}\n")
    broken = ENVIRONMENT.from_string(file.read_text())
    broken = type(broken).from_code(ENVIRONMENT, ENVIRONMENT.compile(file.read_text(), file.name, str(file)), {})
    monkeypatch.setitem(environment.templates(), "broken.yaml", broken)
    with pytest.raises(Refused) as refused:
        environment.rendered("broken.yaml", {"Values": {"serviceMesh": {"mtls": "strict"}}})
    assert str(refused.value) == "templates/broken.yaml:2: a template reads .nothing of 'strict', which is no map"


def test_a_helper_that_takes_nothing_is_asked_once_in_a_rendering():
    names = environment.named({"a": 1}, {"Name": "a", "Namespace": "b", "Service": "Helm"}, {"Name": "c"})
    assert names["stageset"]["namespace"]() is names["stageset"]["namespace"]()
    others = environment.named({}, {"Name": "a", "Namespace": "other", "Service": "Helm"}, {"Name": "c"})
    assert (str(names["stageset"]["namespace"]()), str(others["stageset"]["namespace"]())) == ("b", "other")


def test_compiled_templates_are_kept_where_they_can_be_and_nobody_minds_where_not(tmp_path, monkeypatch):
    def printed(kept, text="{{ 1 }}"):
        code = environment.compiled({"x.yaml": text}, kept)["x.yaml"]
        return jinja2.Template.from_code(ENVIRONMENT, code, {}).render()

    kept = tmp_path / "made" / "templates"
    assert printed(kept) == "1"
    whole = kept.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(environment.HelmEnvironment, "compile", None)
        assert printed(kept) == "1"  # as it was kept
    assert printed(kept, "{{ 2 }}") == "2"  # of another source
    for broken in (b"", whole[:-100], b"no code"):
        kept.write_bytes(broken)
        assert printed(kept) == "1"
        assert kept.read_bytes() == whole
    assert [path.name for path in kept.parent.iterdir()] == ["templates"]
    assert printed(kept / "below a file") == "1"
