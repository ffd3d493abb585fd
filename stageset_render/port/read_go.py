# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Reads the Go templates of a chart into trees: the dot and variables become what they stand for."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import NamedTuple

from stageset_render.helm.go_syntax import (
    Action,
    Command,
    Dot,
    Function,
    GoSyntaxError,
    Operand,
    Part,
    Pipe,
    Variable,
    parse,
)
from stageset_render.helm.go_syntax import Comment as GoComment
from stageset_render.helm.go_syntax import Const as GoConst
from stageset_render.helm.go_syntax import Text as GoText
from stageset_render.port import types
from stageset_render.port.functions import ALIKE, SIGNS, without_root
from stageset_render.port.named import USUAL, VALUE, Macro, Site, macro_names
from stageset_render.port.tree import (
    ROOTS,
    WHOLE,
    Branch,
    Builder,
    Call,
    Close,
    Comment,
    Const,
    Expr,
    Field,
    Include,
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


_parsed = functools.lru_cache(maxsize=512)(parse)


@dataclass(frozen=True)
class Lost:
    """A dot that can't be written, and why."""

    why: str


@dataclass(frozen=True)
class Handed:
    """The dot of a named template that is included with a dict."""

    macro: Macro
    parameters: tuple[Var, ...]


Place = Expr | Lost | Handed


@dataclass
class Scope:
    """What an action opens and an end closes, with the names that it declares and the dot in it."""

    dot: Place
    frame: int
    names: dict[str, Place | Var | None] = field(default_factory=dict)
    kept: dict[str, Place | Var | None] = field(default_factory=dict)  # what its else sees too
    made: list[Set] = field(default_factory=list)  # sets that go where nothing reads what they set


class Define(NamedTuple):
    """A named template as it stands in a file, and its name as a macro."""

    file: str
    line: int
    text: str
    name: str


def defines(files: dict[str, str]) -> dict[str, Define]:
    """All named templates of some files by their names; files that Go would not parse have none."""
    found = {}
    for file, source in files.items():
        try:
            parts = [part for part in _parsed(source) if isinstance(part, Action)]
        except (GoSyntaxError, RecursionError):
            continue
        begun = [part for part in parts if part.keyword == "define"]
        ends = [part for part in parts if part.keyword == "end" and part.block == "define"]
        names = macro_names([part.name for part in begun])
        for part, end in zip(begun, ends):
            found.setdefault(part.name, Define(file, part.line, source[part.start : end.end], names[part.name]))
    return found


class Chart:
    """The templates of a chart as trees, by file name; `problems` are (file, line, what is wrong).

    Args:
        files: name to Go template.
        values: what is known of the values (see types.py).
        libraries: partials of other charts, whose named templates these may include: path to Go template.
        names: what named templates are called as macros, where their file doesn't say it.
    """

    def __init__(
        self,
        files: dict[str, str],
        values: dict,
        libraries: dict[str, str] | None = None,
        names: dict[str, str] | None = None,
    ):
        self.values, self.problems, self.names = values, [], names or {}
        self.parts: dict[str, list[Part]] = {}
        self.macros: dict[str, Macro] = {}
        self.sources = {**(libraries or {}), **files}
        for file, source in self.sources.items():
            try:
                self.parts[file] = _parsed(source)
            except GoSyntaxError as error:
                self.problems.append((file, error.line, f"{error.message}; Go doesn't parse this"))
            except RecursionError:
                self.problems.append((file, 1, "nested too deep; set a variable to a part"))
        self.libraries = set(libraries or ())
        for file in [*files, *self.libraries]:
            self._defined(file)
        self.trees: dict[str, Tree] = {}
        self.sites: dict[str, dict[str, list[Site]]] = {}
        partials = [file for file in self.parts if any(macro.file == file for macro in self.macros.values())]
        for file in self.parts:
            if file not in partials:
                self._read(file)
        for _ in range(9):  # an include says what the dot of a template is, and so of what that includes
            before = [macro.state() for macro in self.macros.values()]
            for file in partials:
                self._read(file)
            if before == [macro.state() for macro in self.macros.values()]:
                break

    def reread(self, file: str) -> None:
        """Make a fresh tree of a template, since one that is carried speaks of the other side's variables."""
        if file in self.parts:
            self._read(file)

    def _defined(self, file: str) -> None:
        parts = [part for part in self.parts.get(file, ()) if isinstance(part, Action) and part.keyword == "define"]
        names = {**macro_names([part.name for part in parts if part.name not in self.names]), **self.names}
        for part in parts:
            if part.name not in self.macros:
                self.macros[part.name] = Macro(part.name, file, part.line, names[part.name])
            elif file not in self.libraries:
                before = self.macros[part.name].file
                self.problems.append((file, part.line, f"{part.name} is defined in {before} too; define it once"))

    def _read(self, file: str) -> None:
        self.sites[file] = {}
        self.trees[file] = Reader(self, file).tree
        for name, macro in self.macros.items():
            macro.sites = [site for found in self.sites.values() for site in found.get(name, ())]


class Reader:
    """Reads one template into `tree`."""

    def __init__(self, chart: Chart, file: str):
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
                self.tree.problems.append((part.line, str(error)))
            except RecursionError:
                self.tree.problems.append((part.line, "nested too deep; set a variable to a part"))

    @property
    def scope(self) -> Scope:
        return self.scopes[-1]

    def known(self, expr: Expr) -> dict:
        return types.of_expr(expr, self.values)

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

    # Names

    def _lookup(self, name: str) -> Place | Var:
        for scope in reversed(self.scopes if self.macro is None else self.scopes[1:]):
            if name in scope.names:
                if scope.names[name] is None:
                    break
                return scope.names[name]
        raise Untranslatable(f"the variable ${name}, which is not declared here")

    # Pipelines

    def value(self, node: Operand) -> Expr:
        """What a pipeline or operand is as a value."""
        found = self.place(node)
        if isinstance(found, Lost):
            raise Untranslatable(found.why)
        if isinstance(found, Handed):
            raise Untranslatable(WHOLE)
        return found

    def place(self, node: Operand) -> Place:
        if isinstance(node, Pipe):
            return self._pipe(node)
        if isinstance(node, GoConst):
            kinds = {"char": "int", "bool": "boolean", "number": "int" if isinstance(node.value, int) else "number"}
            return Const(kinds.get(node.kind, node.kind), node.value)
        if isinstance(node, Dot):
            return self._fields(self.scope.dot, node.fields)
        if isinstance(node, Variable):
            found = self._lookup(node.name) if node.name else self.dollar
            return self._fields(Name(found) if isinstance(found, Var) else found, node.fields)
        return self._call(node.name, (), None)

    def _pipe(self, node: Pipe) -> Place:
        found = None
        for command in node.commands:
            found = self._command(command, found)
        if node.fields and not isinstance(found, (Lost, Handed)) and found != Root():
            known = self.known(found)
            kind = types.kind_of(known)
            if kind not in ("object", None):
                raise Untranslatable(f".{node.fields[0]} of a {kind}; only a map has fields")
            if kind is None or types.nullable(known):  # what may be null, and Go goes on with nothing
                defaulted = isinstance(found, Call) and found.name == "default" and found.args[0] == Call("dict", ())
                found = found if defaulted else Call("default", (Call("dict", ()), found), True)
        return self._fields(found, node.fields)

    def _command(self, node: Command, piped: Place | None) -> Place:
        first, *rest = node.operands
        if isinstance(first, Function):
            return self._call(first.name, tuple(rest), piped)
        found = self.place(first)
        if rest or piped is not None:
            root = None if isinstance(found, (Lost, Handed)) else root_of(found)
            if isinstance(root, Root) and root.name not in ("", *ROOTS):
                raise Untranslatable(without_root(root.name))
            raise Untranslatable("a value that is called with arguments; only functions are")
        return found

    def _fields(self, base: Place, names: tuple[str, ...]) -> Place:
        for at, name in enumerate(names):
            if isinstance(base, Lost):
                raise Untranslatable(base.why)
            if self.macro and (isinstance(base, Handed) or base == Root()):
                self.macro.uses_dot = True
            if isinstance(base, Handed):
                base = self._parameter(base, name, names[at + 1 :])
                if base == Root() and name in ROOTS:
                    return self._rooted(name, names[at + 1 :])
            elif base == Root():
                return self._rooted(name, names[at + 1 :])
            else:
                base = Field(base, name)
        return base

    def _rooted(self, name: str, rest: tuple[str, ...]) -> Place:
        found = Root(name)
        for one in rest:
            found = Field(found, one)
        return found

    def _parameter(self, given: Handed, name: str, rest: tuple[str, ...]) -> Place:
        macro = given.macro
        if name == macro.root or name in macro.same:
            return Root()
        for var in given.parameters:
            if var.name == name:
                return Name(var)
        if macro.sites and macro.kind:
            raise Untranslatable(f"the field {name}, which no include of the template passes")
        if name in ROOTS or name in USUAL and (not rest or rest[0] in ROOTS):
            return Root()
        if name not in macro.read:
            macro.read.append(name)
        return Name(Var(name, "parameter"))

    # Calls

    def _call(self, name: str, operands: tuple[Operand, ...], piped: Place | None) -> Expr:
        if name in ("include", "template"):
            if piped is not None or len(operands) != 2 or not isinstance(operands[0], GoConst):
                raise Untranslatable("an include of a name that is no literal, or of something piped; write the name")
            return self.included(operands[0].value, operands[1])
        if isinstance(piped, (Lost, Handed)):
            raise Untranslatable(WHOLE)
        name = ALIKE.get(name, name)
        args = (*map(self.value, operands), *(() if piped is None else (piped,)))
        nothing = Const("nil", None)
        if name in SIGNS and nothing in args:
            (asked,) = self._counted(name, tuple(one for one in args if one != nothing), 1)
            if name not in ("eq", "ne"):
                raise Untranslatable(f"{name} with nil")
            return Call("defined" if name == "ne" else "undefined", (asked,))
        if nothing in args:
            raise Untranslatable('nil; ask with kindIs "invalid"')
        if name == "kindIs" and self._counted(name, args, 2)[0] == Const("string", "invalid"):
            return Call("undefined", args[1:])
        if name == "deepEqual":
            return Call("==", self._counted(name, args, 2))
        if name == "not":
            (asked,) = self._counted(name, args, 1)
            opposite = {"undefined": "defined", "defined": "undefined", "==": "!=", "!=": "=="}
            if isinstance(asked, Call) and asked.name in opposite:
                return Call(opposite[asked.name], asked.args)
        if name in ("and", "or"):
            if not args:
                raise Untranslatable(f"{name} without values")
            return args[0] if len(args) == 1 else Call(name, args)
        return Call(name, args, piped is not None)

    @staticmethod
    def _counted(name: str, args: tuple[Expr, ...], count: int) -> tuple[Expr, ...]:
        if len(args) != count:
            raise Untranslatable(f"{name} of {len(args)} values; it takes {count}")
        return args

    # Named templates

    def included(self, name: str, context: Operand | None) -> Include:
        args, site = self._site(context)
        macro = self.chart.macros.get(name)
        if not macro:
            return self._outside(name, args)
        self.chart.sites[self.file].setdefault(name, []).append(site)
        if site.nothing and macro.uses_dot:
            raise Untranslatable("a template without a context; hand it the dot")
        return Include(macro.name, args)

    def _outside(self, name: str, args: tuple) -> Include:
        """An include of what the chart doesn't define: a helper of the pack may be meant."""
        from stageset_render.pack.files import HELPERS, source
        from stageset_render.port.read_jinja import macro_names as known

        short = macro_names([name])[name]
        return Include(short if short in known(source(HELPERS)) else name, args)

    def _site(self, context: Operand | None) -> tuple[tuple[tuple[str, Expr], ...], Site]:
        """What an include hands over: the values by their keys, and what is known of them."""
        if context is None:
            return (), Site(nothing=True)
        while isinstance(context, Pipe) and len(context.commands) == 1 and not context.fields:
            operands = context.commands[0].operands
            if operands[0] == Function("dict"):
                return self._dict(operands[1:])
            if len(operands) > 1 or isinstance(operands[0], Function):
                break
            context = operands[0]
        place = self.place(context)
        if place == Root():
            return (), Site()
        if isinstance(place, Handed):
            found = tuple((var.name, Name(var)) for var in place.parameters)
            return found, Site(tuple((key, self.known(one)) for key, one in found), place.macro.root, place.macro.same)
        if self.macro:
            self.macro.uses_dot = True
        value = self.value(context)
        return ((VALUE, value),), Site((("", self.known(value)),))

    def _dict(self, operands: tuple[Operand, ...]) -> tuple[tuple[tuple[str, Expr], ...], Site]:
        given, root, same = [], None, set()
        for key, operand in zip(operands[::2], operands[1::2]):
            if not isinstance(key, GoConst) or not str(key.value).isidentifier():
                raise Untranslatable("a dict whose keys are no names in quotes, handed to a template; write the names")
            fields = operand.fields if isinstance(operand, (Dot, Variable)) else ()
            if fields == (key.value,) and key.value in ROOTS:
                base = self.scope.dot if isinstance(operand, Dot) else self.dollar if not operand.name else None
                if base == Root():
                    same.add(key.value)
                    continue
            place = self.place(operand)
            if place == Root():
                root = key.value
            else:
                given.append((key.value, self.value(operand)))
        site = Site(tuple((key, self.known(one)) for key, one in given), root, frozenset(same))
        return tuple(given), site
