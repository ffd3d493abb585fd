# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads a Go template into a tree."""

from __future__ import annotations

from stageset_render.helm.go_syntax import Action, Dot, Part, Variable
from stageset_render.helm.go_syntax import Comment as GoComment
from stageset_render.helm.go_syntax import Text as GoText
from stageset_render.port.language import types
from stageset_render.port.language.go_pipelines import Handed, Lost, Pipelines, Place, Scope
from stageset_render.port.language.named import VALUE
from stageset_render.port.language.tree import (
    Branch,
    Builder,
    Call,
    Close,
    Comment,
    Expr,
    Name,
    Print,
    Root,
    Set,
    Text,
    Tree,
    Untranslatable,
    Var,
    is_path,
    root_of,
    uses,
)

BLANKS, TRIMMED = " \t\r\n", " \t\n"
MAP_KEY = "key"


class Reader(Pipelines):
    """Reads one template into `tree`; `chart` is all that it may include (go_templates.Chart)."""

    def __init__(self, chart, file: str):
        self.chart, self.file, self.values = chart, file, chart.values
        self.tree = Tree(file, chart.sources[file])
        self.builder, self.frames, self.macro = Builder(self.tree), 0, None
        self.dollar: Place = Root()
        self.scopes = [Scope(self.dollar, 0)]
        self.parts = chart.parts[file]
        for at, part in enumerate(self.parts):
            self.at = at
            try:
                self._part(part)
            except Untranslatable as error:
                if str(error):  # of nothing, where it is told already
                    self.tree.problems.append((part.line, str(error)))
            except RecursionError:
                self.tree.problems.append((part.line, "nested too deep; set a variable to a part"))

    # Parts

    def _part(self, part: Part) -> None:
        if isinstance(part, GoText):
            self._text(part)
        elif isinstance(part, GoComment):
            self.builder.add(Comment(part.line, part.start, part.end, part.left, part.right, text=part.text))
        else:
            act = self.ACTIONS.get(part.keyword)
            if not act:
                if part.keyword == "block":  # whose end is to come
                    self._opened(Branch(part.line, part.start, part.end, kind="if"), Scope(Lost(""), self._frame()))
                raise Untranslatable(
                    f"{part.keyword}; there is nothing like it in Jinja, so write the condition around the rest"
                )
            act(self, part, (part.line, part.start, part.end, part.left, part.right))

    def _text(self, part: GoText) -> None:
        before = self.parts[self.at - 1] if self.at else None
        after = self.parts[self.at + 1] if self.at + 1 < len(self.parts) else None
        text = part.text.lstrip(BLANKS) if before and before.right else part.text
        at = part.start + len(part.text) - len(text)
        text = text.rstrip(BLANKS) if after and after.left else text
        end = part.start + len(part.text)
        self.builder.add(Text(part.line, part.start, end, text=text, at=at))
        trimmed = part.text[: len(part.text) - len(part.text.lstrip())] * bool(before and before.right)
        trimmed += part.text[len(part.text.rstrip()) :] * bool(after and after.left)
        if "\r" in part.text:
            raise Untranslatable("a carriage return; end lines with a line feed")
        if trimmed.strip(TRIMMED):
            raise Untranslatable("white space that Go doesn't trim stands at a `-`; use blanks and line feeds")

    def _print(self, part: Action, place: tuple) -> None:
        if not part.variables:
            self.builder.add(Print(*place, expr=self.value(part.pipe)))
            return
        (go,) = part.variables
        found = self._renamed(part)
        if found is not None:
            self.scope.names[go] = found
            self.builder.add(Comment(*place, text=f" {part.source} "))
            return
        expr = None
        try:
            expr = self.value(part.pipe)
        finally:
            if not part.assigns and expr is None:
                self.scope.names[go] = Var(go)
        if not part.assigns:
            self.builder.add(Set(*place, var=self._declared(go, expr), expr=expr))
            return
        var = self._lookup(go)
        if not isinstance(var, Var):
            raise Untranslatable(f"an assignment to ${go}, another name of the dot; declare one of another name")
        var.assigned, var.schema = True, types.unified(var.schema, self.known(expr))
        frame = next(scope.frame for scope in reversed(self.scopes) if scope.names.get(go) is var)
        var.crosses = var.crosses or frame != self.scope.frame
        self._lose(var)
        self.builder.add(Set(*place, var=var, expr=expr, declares=False))

    def _renamed(self, part: Action) -> Place | None:
        """What an action declares another name for, if that is what the template is rendered with."""
        [command, *more] = part.pipe.commands
        if part.assigns or more or len(command.operands) > 1 or not isinstance(command.operands[0], (Dot, Variable)):
            return None
        try:
            place = self.place(command.operands[0])
        except Untranslatable:
            return None  # which is told where the value is taken
        return place if place == Root() or isinstance(place, Handed) else None

    def _declared(self, go: str, expr: Expr) -> Var:
        self.scope.names[go] = var = Var(go, "set", self.known(expr), expr)
        return var

    def _lose(self, var: Var) -> None:
        for scope in self.scopes:
            if not isinstance(scope.dot, (Lost, Handed)) and root_of(scope.dot) == Name(var):
                scope.dot = Lost(f"the dot, of which {var.name} was part until it was set anew; name it before")

    def _template(self, part: Action, place: tuple) -> None:
        self.builder.add(Print(*place, expr=self.included(part.name, part.pipe)))

    # Blocks

    def _opened(self, branch: Branch, scope: Scope) -> None:
        self.scopes.append(scope)
        self.builder.branch(branch)

    def _if(self, part: Action, place: tuple) -> None:
        branch = Branch(*place, kind="if", moves=part.keyword == "with")
        scope = Scope(Lost("") if branch.moves else self.scope.dot, self.scope.frame)
        try:
            branch.test = value = self.value(part.pipe)
            if part.variables and part.assigns:
                raise Untranslatable("an assignment in a condition; assign before it")
            needs_name = branch.moves and not is_path(value)
            if part.variables or needs_name:
                var = Var(part.variables[0] if part.variables else VALUE, "set", self.known(value), value)
                made = Set(part.line, part.start, part.start, part.left, False, var=var, expr=value)
                self.builder.add(made)
                branch.left, branch.test = False, Name(var)
                branch.var = var if part.variables else None
                if part.variables:
                    scope.names[var.name] = var
                else:
                    scope.made.append(made)
            scope.dot = branch.test if branch.moves else scope.dot
            scope.kept = dict(scope.names)
        finally:
            self._opened(branch, scope)

    def _else(self, part: Action, place: tuple) -> None:
        scope, around = self.scope, self.scopes[-2]
        if self.builder.blocks[-1].kind == "for":  # here its variables hold the list, or nothing, to Go
            scope.frame = self._frame()
            scope.kept = dict.fromkeys(scope.kept)
        scope.dot, scope.names = around.dot, dict(scope.kept)
        branch = Branch(*place, kind="else" if part.keyword == "else" else "elif", moves=part.keyword == "else with")
        self.builder.branch(branch)
        if part.variables:
            raise Untranslatable("a variable in an else; declare it before the first if")
        if branch.kind == "elif":
            branch.test = self.value(part.pipe)
        if branch.moves:
            lost = Lost("the dot of an else with; set a variable before the with")
            scope.dot = branch.test if is_path(branch.test) else lost

    def _range(self, part: Action, place: tuple) -> None:
        branch = Branch(*place, kind="for", moves=True)
        scope = Scope(Lost(""), self._frame(), dict.fromkeys(part.variables))
        sets: list[tuple[Var, Expr]] = []
        try:
            items = self.value(part.pipe)
            kind = types.kind_of(self.known(items))
            if part.assigns:
                raise Untranslatable("an assignment in a range; declare its variables")
            if kind not in ("array", "object", None):
                known = "a text" if kind == "string" else "a number"
                raise Untranslatable(f"a range over {known}; loop over a list")
            go = part.variables[-1] if part.variables else ""
            index = part.variables[0] if len(part.variables) == 2 else ""
            if kind == "object":
                sets = self._over_map(branch, items, go, index)
            else:
                branch.test = items
                branch.var = Var(go, "element", self.known(items).get("items", {}))
                branch.index = Var(index, "index", types.INT) if index else None
            for name, var in ((go, branch.var), (index, branch.index)):
                if name and kind != "object" and self._is_assigned(name):
                    sets.append((Var(name, "set", var.schema, Name(var)), Name(var)))
                    var.name = "" if var.form == "element" else var.name
            named = ((index, branch.var),) if kind == "object" else ((go, branch.var), (index, branch.index))
            scope.names = {name: var for name, var in named if name}
            scope.names |= {var.name: var for var, _ in sets}
            scope.dot = Name(sets[0][0] if kind == "object" else branch.var)
            scope.kept = dict(scope.names)
        finally:
            branch.right = place[4] and not sets
            self._opened(branch, scope)
            for number, (var, expr) in enumerate(sets):
                last = place[4] and number == len(sets) - 1
                made = Set(part.line, part.end, part.end, False, last, var=var, expr=expr)
                self.builder.add(made)
                scope.made += [made] * (kind == "object")

    def _over_map(self, branch: Branch, items: Expr, go: str, index: str) -> list[tuple[Var, Expr]]:
        """Go ranges over a map in the order of its keys."""
        branch.test = Call("sortAlpha", (Call("keys", (items,)),), True)
        branch.var = Var(index or MAP_KEY, "element", types.TEXT)
        value = Call("get", (items, Name(branch.var)))
        return [(Var(go or "value", "set", self.known(value), value), value)]

    def _is_assigned(self, name: str) -> bool:
        """Whether a variable of the range that begins here is set anew inside it."""
        depth = 0
        for part in self.parts[self.at + 1 :]:
            if isinstance(part, Action):
                depth += part.keyword in ("if", "with", "range")
                depth -= part.keyword == "end"
                if depth < 0:
                    return False
                if part.assigns and part.variables == (name,):
                    return True
        return False

    def _frame(self) -> int:
        self.frames += 1
        return self.frames

    def _define(self, part: Action, place: tuple) -> None:
        macro = self.chart.macros[part.name]
        parameters = macro.parameters()
        branch = Branch(*place, kind="macro", name=macro.name, parameters=parameters)
        scope = Scope(Lost(""), self._frame())
        self._opened(branch, scope)
        self.macro = macro
        self.dollar = scope.dot = Lost("")
        kind = macro.kind
        if kind == "value":
            self.dollar = Name(parameters[0])
        elif kind == "root":
            self.dollar = Root()
        else:
            macro.read = list(macro.read)
            self.dollar = Handed(macro, parameters)
        scope.dot = self.dollar
        if not self.file.rpartition("/")[2].startswith("_"):
            raise Untranslatable("a define outside a partial; move it into _helpers.tpl")

    def _end(self, part: Action, place: tuple) -> None:
        scope, block = self.scopes.pop(), self.builder.blocks[-1]
        if block.kind == "macro":
            self.macro, self.dollar = None, Root()
        self.builder.close(Close(*place))
        for made in scope.made:
            first = block.branches[0]
            if not any(uses([one for one in branch.body if one is not made], made.var) for branch in block.branches):
                if block.kind == "for":
                    first.body.remove(made)
                    first.right = first.right or made.right
                else:
                    around = self.builder.blocks[-1].branches[-1].body if self.builder.blocks else self.tree.body
                    around.remove(made)
                    first.test, first.left = made.expr, made.left
                self.tree.parts.remove(made)

    ACTIONS = {
        "": _print,
        "template": _template,
        "if": _if,
        "with": _if,
        "range": _range,
        "define": _define,
        "else": _else,
        "else if": _else,
        "else with": _else,
        "end": _end,
    }
