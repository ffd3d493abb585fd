# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Draws Go templates of every construct that pull translates, and values for them."""

from hypothesis import strategies as st

DEFAULTS = {
    "t": "text",
    "u": "",
    "maybe": None,
    "b": True,
    "c": 3,
    "f": 0.5,
    "l": ["a", "b"],
    "m": {"t": "inner", "l": ["c"], "c": 1},
    "ms": [{"t": "one", "l": ["d", "e"], "c": 2, "b": False}],
    "free": {},
    "mm": None,
}
TEXT = st.sampled_from(["", "a", "b", "A-b", "1", "true", "é", 'x"y', "a b"])
TEXTS = st.lists(TEXT, max_size=3)
NUMBER = st.sampled_from([0, 1, 2, 7, 1_000_000, -3])
MAP = st.fixed_dictionaries({"t": TEXT, "l": TEXTS, "c": NUMBER})
MAPS = st.lists(st.fixed_dictionaries({"t": TEXT, "l": TEXTS, "c": NUMBER, "b": st.booleans()}), max_size=3)
FREE = st.dictionaries(st.sampled_from(["any", "x"]), st.one_of(TEXT, NUMBER, TEXTS, MAP, st.none()), max_size=2)
KINDS = {
    "t": TEXT,
    "u": TEXT,
    "maybe": TEXT | st.none(),
    "b": st.booleans(),
    "c": NUMBER,
    "f": st.sampled_from([0.5, 2.0, 1e6, 1e-7, 3]),
    "l": TEXTS | st.none(),
    "m": MAP,
    "ms": MAPS | st.none(),
    "free": FREE,
    "mm": MAP | st.none(),
}
VALUES = st.fixed_dictionaries({}, optional=KINDS)

HELPERS = """\
{{- define "c.name" -}}
{{ .Chart.Name }}-{{ .Release.Name | trunc 3 }}
{{- end }}
{{/* Two values beside the root. */}}
{{ define "c.pair" -}}
{{ .x }}{{ if .y }}[{{ range $i, $y := .y }}{{ if $i }};{{ end }}{{ $y }}{{ $.root.Values.t }}{{ end }}]
{{- else }}-{{ end }}
{{- with .root.Values.m }}{{ .t }}{{ end }}{{ include "c.name" .root }}
{{- end }}
{{- define "c.outer" -}}
{{- $ctx := . }}{{ include "c.pair" (dict "y" (list .a $ctx.a) "root" $.root "x" .a) }}
{{- range $ctx.root.Values.l }}{{ . }}{{ $.a }}{{ $ctx.root.Release.Name }}{{ end }}
{{- end }}
{{- define "c.yes" }}{{ if .Values.b }}true{{ end }}{{ end -}}
"""
ROOT = {
    ".Values.t": "text",
    ".Values.u": "text",
    ".Release.Name": "text",
    ".Values.m.t": "text",
    ".Values.b": "bool",
    ".Values.c": "number",
    ".Values.f": "float",
    ".Values.m.c": "number",
    ".Values.l": "texts",
    ".Values.m.l": "texts",
    ".Values.m": "map",
    ".Values.free": "free",
    ".Values.ms": "maps",
}
FIELDS = {"map": {".t": "text", ".l": "texts", ".c": "number"}, "text": {}, "texts": {}, "number": {}, "free": {}}
FIELDS["item"] = {**FIELDS["map"], ".b": "bool"}
FIELDS["root"] = ROOT
LITERALS = {"text": ['"a"', '""', '`q"`', '"A-b"'], "bool": ["true"], "number": [], "float": []}
BLANK = st.sampled_from(["", " ", "\n", "\n  ", "\n\n", "  \n\t", "x", "- k: ", ":", "{% ", "{# "])


class Writer:
    """Writes one template; `draw` is hypothesis's."""

    def __init__(self, draw):
        self.draw, self.count = draw, 0
        self.variables = [{}]  # by block: name to type
        self.dots = [None]  # by block: the type of the dot, or None for the root

    def one(self, options):
        return self.draw(st.sampled_from(list(options)))

    def chance(self, of=2):
        return self.draw(st.integers(1, of)) == 1

    # Expressions: what stands as an argument

    def paths(self, kind):
        root = "" if self.dots[-1] is None else "$"
        found = [root + path for path, known in ROOT.items() if known == kind]
        if self.dots[-1] is not None:
            found += [path for path, known in FIELDS[self.dots[-1]].items() if known == kind]
            found += ["."] * (self.dots[-1] == kind)
        for name, known in self.visible().items():
            found += [f"${name}"] * (known == kind)
            found += [f"${name}{path}" for path, inner in FIELDS.get(known, {}).items() if inner == kind]
        return found

    def visible(self):
        return {name: kind for block in self.variables for name, kind in block.items()}

    def value(self, kind, depth=2):
        options = self.paths(kind) + LITERALS.get(kind, [])
        if not options or depth and self.chance(3):
            return f"({self.pipe(kind, depth - 1)})"
        return self.one(options)

    def pipe(self, kind, depth=2):
        """A pipeline of this type."""
        if depth < 1 and self.paths(kind):
            return self.one(self.paths(kind))
        make = self.one(self.MAKES[kind]) if kind in self.MAKES and (self.chance(3) or not self.paths(kind)) else None
        return make(self, max(depth, 1) - 1) if make else self.value(kind, 0)

    def root(self):
        names = [f"${name}" for name, kind in self.visible().items() if kind == "root"]
        return self.one(["." if self.dots[-1] is None else "$", *names])

    MAKES = {
        "text": [
            lambda w, d: f'printf "%s-%s" {w.value("text", d)} {w.value("text", d)}',
            lambda w, d: f'printf "%d%%%v" (int {w.value("number", d)}) {w.value("number", d)}',
            lambda w, d: f"{w.value('text', d)} | quote",
            lambda w, d: f"quote {w.value('number', d)}",
            lambda w, d: f"$.Values.maybe | default {w.value('text', d)}",
            lambda w, d: "$.Values.maybe | quote",
            lambda w, d: f"default {w.value('text', d)} {w.value('text', d)}",
            lambda w, d: f"{w.value('text', d)} | default {w.value('text', d)} | upper",
            lambda w, d: f'ternary "yes" {w.value("text", d)} {w.value("bool", d)}',
            lambda w, d: f'{w.value("bool", d)} | ternary "yes" "no"',
            lambda w, d: f'join "," {w.value("texts", d)}',
            lambda w, d: f'include "c.name" {w.root()}',
            lambda w, d: (
                f'include "c.pair" (dict "root" {w.root()} "x" {w.value("text", d)} "y" {w.value("texts", d)}) | trim'
            ),
            lambda w, d: f'include "c.outer" (dict "a" {w.value("text", d)} "root" {w.root()})',
            lambda w, d: f"and {w.value('text', d)} {w.value('text', d)}",
            lambda w, d: f"or {w.value('text', d)} {w.value('text', d)}",
            lambda w, d: f"toYaml {w.value('texts', d)} | nindent 2",
            lambda w, d: f"toYaml {w.value('map', d)} | nindent 2",
            lambda w, d: f"{w.value('free', 0)} | toYaml | indent 2",
            lambda w, d: f"coalesce {w.value('text', d)} {w.value('text', d)}",
            lambda w, d: f'required "needed" (printf "x%s" {w.value("text", d)})',
            lambda w, d: f"add 1 {w.value('number', d)} | toString",
            lambda w, d: f'get {w.value("map", d)} "t"',
            lambda w, d: '($.Values.mm).t | default "none"',
        ],
        "bool": [
            lambda w, d: f"eq {w.value('text', d)} {w.value('text', d)}",
            lambda w, d: f'eq {w.value("text", d)} "a" "b"',
            lambda w, d: f"ne {w.value('text', d)} {w.value('text', d)}",
            lambda w, d: f"gt (int {w.value('number', d)}) 1",
            lambda w, d: f"le (int {w.value('number', d)}) (len {w.value('texts', d)})",
            lambda w, d: f"lt {w.value('number', d)} {w.value('number', d)}",
            lambda w, d: f"not {w.value('bool', d)}",
            lambda w, d: f"not {w.value('texts', d)}",
            lambda w, d: f"and {w.value('bool', d)} {w.value('bool', d)} {w.value('bool', d)}",
            lambda w, d: f"or {w.value('bool', d)} ({w.pipe('bool', d)})",
            lambda w, d: f"has {w.value('text', d)} {w.value('texts', d)}",
            lambda w, d: f'contains "a" {w.value("text", d)}',
            lambda w, d: f"empty {w.value('map', d)}",
            lambda w, d: f'hasKey {w.value("map", d)} "t"',
            lambda w, d: f'kindIs "invalid" {w.value("text", d)}',
            lambda w, d: f'not (kindIs "invalid" {w.value("texts", d)})',
            lambda w, d: f'kindIs "slice" {w.value("texts", d)}',
            lambda w, d: f"eq {w.value('bool', d)} true",
            lambda w, d: f"eq {w.value('text', d)} nil",
            lambda w, d: f"ne $.Values.maybe {w.value('text', d)}",
            lambda w, d: 'kindIs "invalid" $.Values.maybe',
            lambda w, d: "ne $.Values.maybe nil",
            lambda w, d: 'kindIs "invalid" (($.Values).mm).l',
            lambda w, d: f"deepEqual {w.value('texts', d)} {w.value('texts', d)}",
        ],
        "texts": [
            lambda w, d: f"list {w.value('text', d)} {w.value('text', d)}",
            lambda w, d: f"append (list) {w.value('text', d)}",
            lambda w, d: f"list {w.value('text', d)} | uniq | sortAlpha",
            lambda w, d: f"concat (list) (list {w.value('text', d)})",
            lambda w, d: f"keys {w.value('map', d)} | sortAlpha",
            lambda w, d: f"{w.value('texts', d)} | default (list {w.value('text', d)})",
        ],
        "map": [
            lambda w, d: f'dict "t" {w.value("text", d)} "l" {w.value("texts", d)} "c" (float64 1)'.replace(
                " (float64 1)", f" {w.value('number', d)}"
            ),
        ],
        "maps": [
            lambda w, d: f'list (dict "t" {w.value("text", d)} "l" (list "z") "c" {w.value("number", d)} "b" true)'
        ],
    }

    # Statements

    def tag(self, body):
        left, right = self.one(["{{", "{{ ", "{{- "]), self.one(["}}", " }}", " -}}"])
        return f"{left}{body}{right}"

    def block(self, depth, dot=None, moved=False, declared=None):
        self.dots.append(dot if moved else self.dots[-1])
        self.variables.append(declared or {})
        text = self.text(depth)
        self.dots.pop()
        self.variables.pop()
        return text

    def text(self, depth):
        parts = []
        for _ in range(self.draw(st.integers(1, 3))):
            parts.append(self.draw(BLANK))
            parts.append(self.one(self.STATEMENTS)(self, depth))
        return "".join([*parts, self.draw(BLANK)])

    def printed(self, _depth):
        return self.tag(self.pipe(self.one(["text", "text", "bool", "number", "float"])))

    def comment(self, _depth):
        left, right = self.one(["{{", "{{- "]), self.one(["}}", " -}}"])
        return f"{left}/*{self.one([' why ', '-', '#}', ' {{ x }} '])}*/{right}"

    def declare(self, _depth):
        kind = self.one(["text", "bool", "texts", "map", "maps"])
        body = self.pipe(kind)
        name = self.one("xyz")
        self.variables[-1][name] = kind
        return self.tag(f"${name} := {body}")

    def alias(self, _depth):
        name, root = self.one("rq"), self.root()
        self.variables[-1][name] = "root"
        return self.tag(f"${name} := {root}")

    def assign(self, depth):
        known = {name: kind for name, kind in self.visible().items() if kind and kind != "root"}
        if not known:
            return self.declare(depth)
        name = self.one(sorted(known))
        if known[name] == "texts" and self.chance():
            return self.tag(f"${name} = append ${name} {self.value('text')}")
        if known[name] not in ("text", "bool", "texts"):
            return self.declare(depth)
        return self.tag(f"${name} = {self.pipe(known[name])}")

    def conditional(self, depth):
        if not depth:
            return self.printed(depth)
        start = ""
        declared = {}
        if self.chance(5):
            kind = self.one(["text", "texts"])
            start, declared = f"$v := {self.pipe(kind)}", {"v": kind}
        text = self.tag(f"if {start or self.pipe(self.one(['bool', 'bool', 'text', 'texts', 'number']))}")
        text += self.block(depth - 1, declared=dict(declared))
        if self.chance(3):
            self.variables.append(dict(declared))
            text += self.tag(f"else if {self.pipe('bool')}")
            self.variables.pop()
            text += self.block(depth - 1, declared=dict(declared))
        if self.chance():
            text += self.tag("else") + self.block(depth - 1, declared=dict(declared))
        return text + self.tag("end")

    def with_(self, depth):
        if not depth:
            return self.printed(depth)
        kind = self.one(["text", "texts", "map", "number"])
        start, declared = self.pipe(kind), {}
        if self.chance(4):
            start, declared = f"$w := {start}", {"w": kind}
        text = self.tag(f"with {start}") + self.block(depth - 1, kind, True, dict(declared))
        if self.chance(4):
            other = self.one(["text", "map"])
            text += self.tag(f"else with {self.one(self.paths(other))}") + self.block(depth - 1, other, True)
        if self.chance():
            text += self.tag("else") + self.block(depth - 1, declared=dict(declared))
        return text + self.tag("end")

    def loop(self, depth):
        if not depth:
            return self.printed(depth)
        kind, element = self.one([("texts", "text"), ("maps", "item")])
        start, declared = self.pipe(kind), {}
        if self.chance():
            start, declared = f"$e := {start}", {"e": element}
            if self.chance():
                start, declared = f"$i, {start}", {"e": element, "i": "index"}
        text = self.tag(f"range {start}")
        if "i" in declared and self.chance():
            text += self.tag("$i")
        text += self.block(depth - 1, element, True, dict(declared))
        if self.chance(3):
            text += self.tag("else") + self.block(depth - 1, declared=dict.fromkeys(declared))
        return text + self.tag("end")

    def index(self, depth):
        if self.visible().get("i"):
            return self.one([self.tag("$i"), self.tag("if $i") + "," + self.tag("end"), self.tag('printf "%d" $i')])
        return self.printed(depth)

    def template(self, _depth):
        return self.tag(f'template "c.name" {self.root()}')

    def scaling(self, _depth):
        return self.tag(f'if include "c.yes" {self.root()}') + "on" + self.tag("end")

    STATEMENTS = [
        printed,
        printed,
        comment,
        declare,
        alias,
        assign,
        conditional,
        conditional,
        with_,
        with_,
        loop,
        loop,
        index,
        template,
        scaling,
    ]


@st.composite
def templates(draw):
    return Writer(draw).text(3)
