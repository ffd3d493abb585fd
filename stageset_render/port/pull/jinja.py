# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes a Go template in Jinja: every action becomes one tag, and the text between them stays as it is.

It reads the table of go.py backwards. What has no exact Jinja form is refused, with its file and line.
"""

from __future__ import annotations

import re

from stageset_render.helm.go_syntax import Action, Comment, Const, Dot, Function, Operand, Part, Pipe, Text, Variable
from stageset_render.port.pull.jinja_expressions import (
    ATOM,
    Jinja,
    Lost,
    Parameters,
    Root,
    Untranslatable,
    free,
)
from stageset_render.port.pull.known import unified
from stageset_render.port.pull.named import NamedTemplates, Site
from stageset_render.port.pull.scopes import Block, Name, Scopes
from stageset_render.port.to_helm.expressions import INT, TEXT, kind_of

PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
PLURALS = (("ies", "y"), ("sses", "ss"), ("s", ""))
ENTRY = "entry"
PASSES = 9  # what a later line shows may change how an earlier one is written


class Template(Scopes):
    """Translates the parts of one file. `problems` has what can't be translated; `text` is the Jinja template.

    Args:
        file: the file's name.
        parts: what go_syntax.parse makes of it.
        named: the named templates that it may include.
        schema: what is known of the values.
        loops: the names that the pack's own file gives to the elements of what it loops over.
        imported: the names that the pack's own file gives to the partials that it imports.

    Attributes:
        imports: what it has to import: partial to name.
    """

    def __init__(
        self,
        file: str,
        parts: list[Part],
        named: NamedTemplates,
        schema: dict,
        loops: dict[str, str],
        imported: dict[str, str],
    ):
        self.file, self.parts, self.named, self.schema = file, parts, named, schema
        self.loops, self.imported = loops, imported
        self.flags: set[tuple] = set()
        self.types: dict[tuple, dict] = {}
        for _ in range(PASSES):
            noted = set(self.flags), dict(self.types)
            self._translate()
            if noted == (self.flags, self.types):
                break
        else:
            self.problems.append((1, "names that are set so often that they can't be told apart; use other names"))

    @property
    def text(self) -> str:
        return "".join(self.output)

    def _translate(self) -> None:
        self.output, self.problems, self.imports, self.used = [], [], {}, set()
        self.frames, self.macro, self.at = 0, None, 0
        self.dollar = Root()
        self.blocks = [Block("file", 0, 0, self.dollar, owns=True)]
        self.named.begin(self.file)
        for at, part in enumerate(self.parts):
            self.at = at
            try:
                self._part(part)
            except Untranslatable as error:
                self.problems += [(part.line, str(error))] * bool(str(error))

    # Parts

    def _part(self, part: Part) -> None:
        if isinstance(part, Text):
            self._check_space(part)
            self.output.append(re.sub(r"\{(?=[%#])", '{{ "{" }}', part.text))
        elif isinstance(part, Comment):
            self.output.append(self._comment(part))
        else:
            tags = self._action(part)
            if not tags:  # as a comment it trims what the action does
                self.output.append(self._comment(Comment(part.line, f" {part.source} ", part.left, part.right)))
            left, right = ("-" if part.left else ""), ("-" if part.right else "")
            for number, (kind, body) in enumerate(tags):
                first, last = left * (number == 0), right * (number == len(tags) - 1)
                opened, closed = ("{%", "%}") if kind == "block" else ("{{", "}}")
                self.output.append(f"{opened}{first} {body} {last}{closed}")

    def _check_space(self, part: Text) -> None:
        before = self.parts[self.at - 1] if self.at else None
        after = self.parts[self.at + 1] if self.at + 1 < len(self.parts) else None
        trimmed = part.text[: len(part.text) - len(part.text.lstrip())] * bool(before and before.right)
        trimmed += part.text[len(part.text.rstrip()) :] * bool(after and after.left)
        if "\r" in part.text:
            raise Untranslatable("a carriage return; end lines with a line feed")
        if trimmed.strip(" \t\n"):
            raise Untranslatable("white space that Go doesn't trim stands at a `-`; use blanks and line feeds")

    @staticmethod
    def _comment(part: Comment) -> str:
        body = part.text.replace("\r", "").replace("#}", "# }")
        body = f" {body}" if body[:1] in ("-", "+") else body
        body = f"{body} " if body[-1:] in ("-", "+") else body
        return f"{{#{'-' * part.left}{body}{'-' * part.right}#}}"

    def _action(self, part: Action) -> list[tuple[str, str]]:
        if part.keyword not in self.ACTIONS:
            raise Untranslatable(
                f"{part.keyword}; there is nothing like it in Jinja, so write the condition around the rest"
            )
        return self.ACTIONS[part.keyword](self, part)

    def _print(self, part: Action) -> list[tuple[str, str]]:
        if part.variables:
            return [] if self._renames(part) else [("block", self._set(part))]
        return [("print", self.printed(part.pipe).text)]

    def _template(self, part: Action) -> list[tuple[str, str]]:
        return [("print", self.included(part.name, part.pipe).text)]

    def _renames(self, part: Action) -> bool:
        """Declare another name for what the template is rendered with, if that is what an action does."""
        [command, *more] = part.pipe.commands
        if part.assigns or more or len(command.operands) > 1 or not isinstance(command.operands[0], (Dot, Variable)):
            return False
        try:
            place = self.place(command.operands[0])
        except Untranslatable:
            return False  # which is told where the value is taken
        if not isinstance(place, (Root, Parameters)):
            return False
        (go,) = part.variables
        self.block.names[go] = Name((self.at, go), "", self.block.frame, {}, "place", place)
        return True

    def _set(self, part: Action) -> str:
        (go,), value = part.variables, Jinja("")
        try:
            value = self.value(part.pipe)
        except Untranslatable:
            if not part.assigns:
                self._declare(go, go, {})
            raise
        if not part.assigns:
            return self._declared(go, value)
        name = self._lookup(go)
        if name.form == "place":
            raise Untranslatable(f"an assignment to ${go}, another name of the dot; declare one of another name")
        name.schema = self.types[name.key] = unified(self.types.get(name.key, name.schema), value.schema)
        if name.form == "namespace":
            self._lose(name.text, self._visible())
            return f"set {name.text}.value = {value.text}"
        if name.form == "index":
            self.flags.add(("index", name.key))
        elif name.frame != self.block.frame:
            self.flags.add(("crosses", name.key))
        self._lose(name.text)
        return f"set {name.text} = {value.text}"

    def _declared(self, go: str, value: Jinja) -> str:
        name = self._declare(go, go, value.schema)
        text = f"namespace(value={value.text})" if name.form == "namespace" else value.text
        return f"set {name.text} = {text}"

    # Blocks

    def _open(self, part: Action, **what) -> Block:
        around = self.block
        same = {"frame": around.frame, "dot": around.dot, "stands_for": around.stands_for}
        self.blocks.append(Block(part.keyword, part.line, **{**same, **what}))
        return self.block

    def _if(self, part: Action) -> list[tuple[str, str]]:
        try:
            test = self.value(part.pipe)
        finally:
            block = self._open(part)
        tags = self._conditional(part, block, test)
        return [*tags, ("block", f"if {self.variable(part.variables[0]).text if tags else test.text}")]

    def _conditional(self, part: Action, block: Block, value: Jinja) -> list[tuple[str, str]]:
        """The tag that sets the variable of an if or a with."""
        if not part.variables:
            return []
        if part.assigns:
            raise Untranslatable("an assignment in a condition; assign before it")
        tags = [("block", self._declared(part.variables[0], value))]
        block.kept = dict(block.names)
        return tags

    def _with(self, part: Action) -> list[tuple[str, str]]:
        value = Lost("")  # the problem is told where it is
        try:
            value = self.value(part.pipe)
        finally:
            block = self._open(part, stands_for=None)
            block.dot = value
        tags = self._conditional(part, block, value)
        if tags:
            value = self.variable(part.variables[0])
        elif not PATH.fullmatch(value.text):
            block.stands_for = flag = ("dot", self.at)
            if flag in self.flags:
                name = self._declare("", "it", value.schema)
                block.kept = dict(block.names)
                tags, value = [("block", f"set {name.text} = {value.text}")], Jinja(name.text, schema=value.schema)
        block.dot = value
        return [*tags, ("block", f"if {value.text}")]

    def _else(self, part: Action) -> list[tuple[str, str]]:
        block, around = self.block, self.blocks[-2]
        block.dot, block.stands_for = around.dot, around.stands_for
        if block.keyword == "range":  # here its variables hold the list, or nothing, to Go
            block.frame = self._frame()
            for name in block.kept.values():
                name.form = "gone"
        block.names = dict(block.kept)
        if part.variables:
            raise Untranslatable("a variable in an else; declare it before the first if")
        if part.keyword == "else":
            return [("block", "else")]
        value = self.value(part.pipe)
        if part.keyword == "else with":
            block.dot = (
                value if PATH.fullmatch(value.text) else Lost("the dot of an else with; set a variable before the with")
            )
            block.stands_for = None
        return [("block", f"elif {value.text}")]

    def _range(self, part: Action) -> list[tuple[str, str]]:
        found = Lost("")
        try:
            items = self.value(part.pipe)
            if part.assigns:
                raise Untranslatable("an assignment in a range; declare its variables")
            kind = kind_of(items.schema)
            if kind not in ("array", None):
                known = {"object": "a map", "string": "a text"}.get(kind, "a number")
                mend = {"object": "loop over keys piped through sortAlpha, and use get"}.get(kind, "loop over a list")
                raise Untranslatable(f"a range over {known}; {mend}")
            found = items
        finally:
            block = self._open(part, frame=self._frame(), owns=True, end="endfor", dot=found, stands_for=None)
            block.names = {go: Name((self.at, go), go, block.frame, {}, "element") for go in part.variables}
        block.names = {}
        schema, go = items.schema.get("items", {}), part.variables[-1] if part.variables else ""
        block.dot = Root()  # so that the declaration takes no dot away
        apart = go if {("crosses", (self.at, go)), ("apart", (self.at, go))} & self.flags else ""
        wanted = (not apart and go) or self.loops.get(items.text) or singular(items.text)
        wanted = wanted if wanted == go or self._is_free(wanted) else ENTRY
        name = self._declare("" if apart else go, wanted, schema, "element")
        block.dot = element = Jinja(name.text, schema=schema)
        tags = [("block", f"for {name.text} in {items.text}")]
        if apart:
            tags.append(("block", self._declared(go, element)))
        if len(part.variables) == 2:
            index = part.variables[0]
            block.names[index] = Name((self.at, index), index, block.frame, INT, "index")
            if ("index", (self.at, index)) in self.flags:
                tags.append(("block", f"set {self._declare(index, index, INT).text} = loop.index0"))
        block.kept = dict(block.names)
        return tags

    def _define(self, part: Action) -> list[tuple[str, str]]:
        block = self._open(part, frame=self._frame(), owns=True, end="endmacro")
        self.macro = self.named.macros[part.name]
        block.dot = self.dollar = self.macro.dot()
        if not self.named.is_partial(self.file):
            raise Untranslatable("a define outside a partial; move it into _helpers.tpl")
        for name in self.macro.parameters:
            if free(name, ()) != name:
                raise Untranslatable(f"the key {name} in the dict for {part.name}; it means something else in Jinja")
        return [("block", f"macro {self.macro.name}({', '.join(self.macro.parameters)})")]

    def _end(self, part: Action) -> list[tuple[str, str]]:
        block = self.blocks.pop()
        if block.keyword == "define":
            self.named.note_read(self.macro, self.dollar)
            self.macro, self.dollar = None, Root()
        return [("block", block.end)]

    ACTIONS = {
        "": _print,
        "template": _template,
        "if": _if,
        "with": _with,
        "range": _range,
        "define": _define,
        "else": _else,
        "else if": _else,
        "else with": _else,
        "end": _end,
    }

    # Named templates

    def included(self, name: str, context: Operand | None) -> Jinja:
        given = self._site(context)
        target = self.named.included(name, given, self.file)
        if target.file == self.file:
            if self.given(target.name):
                raise Untranslatable(f"an include of {name} where {target.name} is a parameter; rename the parameter")
            return Jinja(f"{target.name}({', '.join(target.arguments(given))})", ATOM, TEXT)
        alias = self.imports[target.file] = self.imported.get(target.file) or self.named.alias(target.file)
        call = f"{alias}.{target.name}"
        return Jinja(f"{call}({', '.join(target.arguments(given))})", ATOM, TEXT)

    def _site(self, context: Operand | None) -> Site:
        """What an include hands over."""
        if context is None:
            raise Untranslatable("a template without a context; hand it the dot")
        while isinstance(context, Pipe) and len(context.commands) == 1 and not context.fields:
            operands = context.commands[0].operands
            if operands[0] in (Function("dict"),):
                return self._dict(operands[1:])
            if len(operands) > 1 or isinstance(operands[0], Function):
                break
            context = operands[0]
        place = self.place(context)
        if isinstance(place, Root):
            return Site()
        if isinstance(place, Parameters):
            known = place.known if place.known is not None else dict.fromkeys(place.read, {})
            return Site({key: Jinja(key, schema=schema) for key, schema in known.items()}, place.root, place.same)
        return Site({"": self.value(context)})

    def _dict(self, operands: tuple[Operand, ...]) -> Site:
        given, root, same = {}, None, set()
        for key, operand in zip(operands[::2], operands[1::2]):
            if not isinstance(key, Const) or not str(key.value).isidentifier():
                raise Untranslatable("a dict whose keys are no names in quotes, handed to a template; write the names")
            context = operand.fields if isinstance(operand, (Dot, Variable)) else ()
            if context == (key.value,) and key.value in ("Values", "Release", "Chart"):
                base = self.dot if isinstance(operand, Dot) else self.dollar if not operand.name else None
                if isinstance(base, Root):
                    same.add(key.value)
                    continue
            place = self.place(operand)
            if isinstance(place, Root):
                root = key.value
            else:
                given[key.value] = self.value(operand)
        return Site(given, root, frozenset(same))


def singular(items: str) -> str:
    """A name for one of the items that a path names: `host` for Values.controller.allowedActionHosts."""
    word = re.split(r"(?=[A-Z])|[^A-Za-z]", items)[-1].lower()
    for plural, one in PLURALS:
        if word.endswith(plural) and len(word) > len(plural) + 1:
            return word[: -len(plural)] + one
    return ENTRY
