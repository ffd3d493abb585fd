# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""How templates are compiled, what they may name, and what is told when one fails."""

import jinja2
import pytest

from stageset_render.findings import Refused
from stageset_render.pack import environment, templates
from stageset_render.pack.release import Release

ENVIRONMENT = environment.environment()


def test_what_goes_wrong_names_the_line_of_the_template(monkeypatch, tmp_path):
    (tmp_path / "templates").mkdir()
    file = tmp_path / "templates" / "broken.yaml"
    file.write_text("{%- if true %}\n{{ Values.serviceMesh.mtls.nothing }}\n{%- endif %}\n")
    broken = ENVIRONMENT.from_string(file.read_text())
    broken = type(broken).from_code(ENVIRONMENT, ENVIRONMENT.compile(file.read_text(), file.name, str(file)), {})
    monkeypatch.setitem(templates.templates(), "broken.yaml", broken)
    with pytest.raises(Refused) as refused:
        templates.rendered("broken.yaml", {"Values": {"serviceMesh": {"mtls": "strict"}}})
    assert str(refused.value) == "templates/broken.yaml:2: a template reads .nothing of 'strict', which is no map"


def test_a_helper_that_takes_nothing_is_asked_once_in_a_rendering():
    names = templates.named({"a": 1}, {"Name": "a", "Namespace": "b", "Service": "Helm"}, {"Name": "c"})
    assert names["stageset"]["namespace"]() is names["stageset"]["namespace"]()
    others = templates.named({}, {"Name": "a", "Namespace": "other", "Service": "Helm"}, {"Name": "c"})
    assert (str(names["stageset"]["namespace"]()), str(others["stageset"]["namespace"]())) == ("b", "other")


def test_compiled_templates_are_kept_where_they_can_be_and_nobody_minds_where_not(tmp_path, monkeypatch):
    def printed(kept, text="{{ 1 }}"):
        code = templates.compiled({"x.yaml": text}, kept)["x.yaml"]
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


def test_a_template_that_renders_no_yaml_is_named(monkeypatch):
    broken = ENVIRONMENT.from_string("a: [\n")
    monkeypatch.setitem(templates.templates(), "peerauthentication.yaml", broken)
    found = Release({"serviceMesh": {"enabled": True}}, name="a", namespace="b")
    with pytest.raises(Refused) as refused:
        found.objects("peerauthentication.yaml")
    assert str(refused.value).startswith("templates/peerauthentication.yaml: what it renders is no YAML: ")
