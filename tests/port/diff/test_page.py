# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""stageset-port review: the page."""

import collections
import html.parser
import re
import sys

import pytest
from changed_charts import MESH, run

from stageset_render.port.diff import marks

NAMESPACE, PEER, DEPLOYMENT, ALERTS = (
    f"templates/{name}.yaml" for name in ("namespace", "peerauthentication", "deployment", "prometheusrule")
)
HOSTILE = '</td><script src="https://example.com/x.js">&amp;\'{{'


class Page(html.parser.HTMLParser):
    """Notes what a page nests, names and refers to."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts, self.attributes = [], set(), [], collections.defaultdict(set)
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for key, value in attrs:
            self.attributes[key].add(value)
        if tag not in ("meta", "col", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_has_what_differs_and_nothing_from_elsewhere(port, tmp_path):
    hostile = f"kind: ConfigMap\nmetadata:\n  name: more\ndata:\n  a: {{{{ `{HOSTILE}` | toJson }}}}\n"
    chart = port({"templates/more.yaml": hostile, PEER: [("mode: STRICT", "mode: DISABLE")]})
    done = run("review", chart, "-o", tmp_path / "review.html", *MESH, "--set", "serviceMesh.mtls=strict")
    assert (done.exit_code, done.output) == (0, "")
    text = (tmp_path / "review.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.tags & {"script", "link", "img", "iframe", "object"}
    assert "src" not in page.attributes and "url(" not in text and "@import" not in text
    assert page.attributes["href"] <= {f"#{name}" for name in page.attributes["id"]}
    shown = "".join(page.texts)
    assert HOSTILE in shown and "</td><script" not in text
    assert {"templates/more.yaml", "templates/peerauthentication.yaml"} <= set(page.texts)
    assert "templates/deployment.yaml" not in page.texts
    assert "PeerAuthentication default/stageset-controller" in page.texts
    assert "equal lines" in shown and "prefers-color-scheme: dark" in text and "viewport" in text
    assert len(text) < 100_000


def test_the_page_marks_what_differs(port, tmp_path):
    old = "enforce: {{ .Values.namespace.pssLevel }}\n"
    run("review", port({NAMESPACE: [(old, "enforce: baseline\n")]}), "-o", tmp_path / "review.html", *MESH)
    text = (tmp_path / "review.html").read_text(encoding="utf-8")
    rows = re.findall(r'<tr class="(changed|minus|plus)">(.*?)</tr>', text, re.S)
    words = [(kind, re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", row))) for kind, row in rows]
    assert [kind for kind, _ in words] in (["changed"], ["minus", "plus"])
    assert all("enforce" in row for _, row in words)


def test_the_page_opens_with_the_verdict_and_ends_with_what_is_on_purpose(port, ported):
    summary = re.search(r"summary: .*", ported[ALERTS])[0]
    changes = {
        PEER: [("mode: STRICT", "mode: DISABLE")],
        DEPLOYMENT: [("periodSeconds: 20", "periodSeconds: 21"), ("path: /readyz", "path: /healthz")],
        ALERTS: [(summary, "summary: other words")],
        "values.yaml": [("gate: 8082", "gate: 8092")],
        "values.schema.json": [('"maximum": 65535', '"maximum": 65534')],
    }
    text = run("review", port(changes), "-o", "-", "--case", "everything").stdout
    order = [
        "<h1>8 differ (3 objects, 1 default, 3 lines, 1 bound), 1 on purpose; ",
        ">Objects that differ<",
        ">PeerAuthentication default/stageset-controller<",
        ">Templates that differ<",
        '<h3 id="t0">templates/deployment.yaml<',
        '<h3 id="t1">templates/peerauthentication.yaml<',
        ">Defaults that differ<",
        "ports.gate<",
        ">What the schemas say otherwise<",
        "<td>65534<",
        ">On purpose<",
        ">the summaries are worded by the pack<",
    ]
    places = [text.find(part) for part in order]
    assert -1 not in places and places == sorted(places), dict(zip(order, places))
    Page(text)


def test_names_are_escaped(port):
    name = "templates/<script>a.yaml"
    text = run("review", port({name: "kind: A\nmetadata: {name: <b>}\n"}), "-o", "-", *MESH).stdout
    assert "templates/&lt;script&gt;a.yaml" in text and "A &lt;b&gt;" in text
    assert "<script" not in text and "<b>}" not in text


def test_only_lines_of_one_difference_are_paired():
    runs = ({0: 0}, {1: 1})
    left, right = ["name: a", "end"], ["end", "name: b"]
    assert list(marks.pairs(left, right, runs)) == [(0, None, False), (1, 0, True), (None, 1, False)]
    assert list(marks.pairs(["name: a"], ["name: b"], ({0: 0}, {0: 1}))) == [(0, None, False), (None, 0, False)]
    assert list(marks.pairs(["name: a"], ["name: b"], ({0: 0}, {0: 0}))) == [(0, 0, False)]


@pytest.mark.parametrize(
    "left, right, found",
    [
        (["a", "name: b", "x"], ["a", "name: c", "x"], [(0, 0, True), (1, 1, False), (2, 2, True)]),
        (["name: a"], ["+++", "name: b"], [(None, 0, False), (0, 1, False)]),
        (["kind: One"], ["port: 80"], [(0, None, False), (None, 0, False)]),
        (
            ["key: aaaa", "end"],
            ["more", "key: aaab", "-", "end"],
            [(None, 0, False), (0, 1, False), (None, 2, False), (1, 3, True)],
        ),
        (["a"] * 99, ["b"] * 99, [*((at, None, False) for at in range(99)), *((None, at, False) for at in range(99))]),
    ],
)
def test_lines_that_changed_are_paired(left, right, found):
    assert list(marks.pairs(left, right)) == found


def test_the_words_that_differ_are_marked():
    go = ('{{- if ne .Values.a "<b>" }}', '{{- if eq .Values.a "c" }}')
    assert marks.marked(*go, '{%- if Values.a == "c" %}') == (
        "{{- if <mark>ne</mark> .Values.a &quot;<mark>&lt;b&gt;</mark>&quot; }}",
        "{%- if Values.a <mark>==</mark> &quot;<mark>c</mark>&quot; %}",
    )


def test_the_page_may_go_to_stdout_and_be_empty_of_differences(port):
    done = run("review", port({}), "-o", "-", *MESH)
    assert done.exit_code == 0 and "<p>None.</p>" in done.stdout


def test_the_page_needs_pygments(port, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygments", None)
    done = run("review", port({}), "-o", tmp_path / "review.html")
    assert done.exit_code == 2 and "pip install '.[review]'" in done.stderr


def test_a_case_that_there_is_not(port):
    done = run("review", port({}), "-o", "never.html", "--case", "none")
    assert done.exit_code == 2 and "there is no case 'none'; there are defaults, everything" in done.stderr
