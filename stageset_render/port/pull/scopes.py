# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The blocks of a Go template, and what their variables are called in Jinja.

Go forgets a variable at the end of its block, and keeps what an inner block assigns. Jinja forgets what was set in a
macro or loop at the end of that alone, and all that a loop assigns with it, but for what it assigns to a namespace.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stageset_render.port.pull.jinja_expressions import Expressions, Jinja, Lost, Place, Untranslatable, free
from stageset_render.port.pull.known import unified
from stageset_render.port.to_helm.expressions import INT


@dataclass
class Name:
    """A variable of Go, or with an empty `go` the element of a loop that has no variable.

    Attributes:
        key: which declaration of the file it is.
        text: its name in Jinja.
        frame: the file, macro or loop whose name it is to Jinja.
        form: set, element or index of a loop, namespace, which loops don't forget, gone in the else of a loop, or
            place for another name of what the template is rendered with.
        place: that.
    """

    key: tuple[int, str]
    text: str
    frame: int
    schema: dict
    form: str = "set"
    place: Place | None = None


@dataclass
class Block:
    """What an action opens and an end closes, with the names that it declares and the dot in it."""

    keyword: str
    line: int
    frame: int
    dot: Place
    end: str = "endif"
    owns: bool = False  # whether a name set here is forgotten at the end by Jinja too
    names: dict[str, Name] = field(default_factory=dict)
    kept: dict[str, Name] = field(default_factory=dict)  # what its else sees too
    stands_for: tuple | None = None  # of a with: the flag that says that its dot is used


class Scopes(Expressions):
    """Knows the names of a template. The one that translates it opens and ends the blocks.

    Attributes:
        at: which part of the file is translated.
        flags: what a later line has shown about an earlier one, for the next pass.
        types: what is known of each declaration, for the next pass.
    """

    @property
    def block(self) -> Block:
        return self.blocks[-1]

    @property
    def dot(self) -> Place:
        if self.block.stands_for:
            self.flags.add(self.block.stands_for)
        return self.block.dot

    def _visible(self) -> list[Block]:
        """The blocks whose names Go sees, the innermost first."""
        found = []
        for block in reversed(self.blocks):
            found.append(block)
            if block.keyword == "define":
                break
        return found

    def _lookup(self, name: str) -> Name:
        for block in self._visible():
            if name in block.names:
                if block.names[name].form == "gone":
                    break
                return block.names[name]
        raise Untranslatable(f"the variable ${name}, which is not declared here")

    def variable(self, name: str) -> Place:
        found = self._lookup(name)
        if found.form == "place":
            return found.place
        if found.form == "index":
            if found.frame == self.block.frame:
                return Jinja("loop.index0", schema=INT)
            self.flags.add(("index", found.key))
        return Jinja(f"{found.text}.value" if found.form == "namespace" else found.text, schema=found.schema)

    def given(self, name: str) -> bool:
        return bool(self.macro) and name in self.macro.parameters

    def _declare(self, go: str, wanted: str, schema: dict, form: str = "set") -> Name:
        """Choose a name in Jinja that takes nothing from a name that Go still sees."""
        taken = self.named.reserved(self.file) | {
            *self.imported.values(),
            *(self.macro.parameters if self.macro else ()),
        }
        for block in self._visible():
            for name in block.names.values():
                shadows = self.block.owns and name.frame != self.block.frame
                again = block is self.block and block.names.get(go) is name
                if not shadows and not again:
                    taken.add(name.text)
        text = free(wanted, taken)
        if text != wanted:
            text = free(wanted, taken | self.used)
        self.used.add(text)
        key = (self.at, go)
        if ("crosses", key) in self.flags and form == "set":
            form = "namespace"
        self._lose(text)
        schema = self.types[key] = unified(self.types.get(key, schema), schema)
        self.block.names[go] = Name(key, text, self.block.frame, schema, form)
        return self.block.names[go]

    def _lose(self, text: str, here: list[Block] | None = None) -> None:
        """Note that a dot which is written with this name can no longer be, in some blocks or those of this frame."""
        here = here or [block for block in self.blocks if block.frame == self.block.frame]
        names = [name for block in here for name in block.names.values() if name.text == text]
        flag = next((("apart", name.key) for name in names if name.form == "element"), None)
        for block in here:
            if isinstance(block.dot, Jinja) and block.dot.text.partition(".")[0] == text:
                block.dot = Lost(f"the dot, of which {text} was part until it was set anew; name it before", flag)

    def _frame(self) -> int:
        self.frames += 1
        return self.frames

    def _is_free(self, name: str) -> bool:
        return free(name, self.named.reserved(self.file)) == name and all(
            name != known.text for block in self._visible() for known in block.names.values()
        )
