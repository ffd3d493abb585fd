# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Keeps what a template of the pack says in its own way: its comments, its imports and how a tag is laid out."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import jinja2
from jinja2 import nodes

from stageset_render.pack.environment import environment
from stageset_render.port.to_helm.tags import Tag, tags

OPENED = {"block": ("{%", "%}"), "variable": ("{{", "}}"), "comment": ("{#", "#}")}
IMPORT = re.compile(r'\s*import\s+"([^"]+)"\s+as\s+(\w+)\s+with\s+context\s*')
FORMS = {
    "if": "{{% {} %}}{{% endif %}}",
    "elif": "{{% if true %}}{{% {} %}}{{% endif %}}",
    "for": "{{% {} %}}{{% endfor %}}",
    "set": "{{% {} %}}",
    "macro": "{{% {} %}}{{% endmacro %}}",
}


@dataclass
class Aside:
    """A comment or an import, with the white space that it trims, and where it stands in the text without any."""

    at: int
    text: str
    file: str = ""  # what an import imports


@functools.lru_cache(maxsize=64)
def _tags(source: str) -> tuple[Tag, ...]:
    return tuple(tags(source))


def imports(source: str) -> dict[str, str]:
    """What a template imports: partial to the name that it has there."""
    found = (IMPORT.fullmatch(tag.body) for tag in _tags(source) if tag.kind == "block")
    return {match[1]: match[2] for match in found if match}


def kept(before: str, after: str, needed: dict[str, str]) -> str:
    """A template as the chart has it now, in the form that the pack has given it.

    Args:
        before: the pack's template; nothing when it has none.
        after: the new one, without imports.
        needed: what it imports: partial to name.

    Returns:
        The new template: it renders what `after` does, with the imports.
    """
    bare, asides = _bare(before)
    if before:
        after = _laid_out(bare, _bare(after)[0])
        if not after.startswith("\n") and bare.startswith("\n") and re.match(r"\{[{%]-", after):
            after = "\n" + after  # which the first tag trims
    asides = [one for one in asides if not one.file or one.file in needed]
    after, placed = _with(bare, after, asides)
    after = re.sub(r"(?<=endmacro %\})(?=\{%-)", "\n\n", after)  # as the comment between them parted them
    missing = [(file, name) for file, name in needed.items() if file not in placed]
    return _imported(after, missing)


def effect(source: str) -> list[tuple[str, str]]:
    """What a template does: its tags, and between them the texts that are left when all trimming is done."""
    found = [("text", "")]
    for tag in _tags(source):
        if tag.kind == "text" and found[-1][0] == "text":
            found[-1] = ("text", found[-1][1] + tag.body)
        elif tag.kind == "text" or tag.kind != "comment" and not _imports(tag):
            found.append((tag.kind, tag.body))
    return [one for one in found if one != ("text", "")]


def _imports(tag: Tag) -> bool:
    return tag.kind == "block" and bool(IMPORT.fullmatch(tag.body))


def _parting(units: list[tuple[Tag, str]]) -> set[int]:
    """Which units are comments that part white space from a tag that would trim it."""
    texts = [whole for _, whole in units]
    rendered = effect("".join(texts))

    def without(dropped: list[int]) -> bool:
        return effect("".join(text for at, text in enumerate(texts) if at not in dropped)) == rendered

    comments = [at for at, (tag, _) in enumerate(units) if tag.kind == "comment"]
    if without(comments):
        return set()
    dropped: list[int] = []
    for at in comments:
        if without([*dropped, at]):
            dropped.append(at)
    return {*comments} - {*dropped}


def _imported(text: str, missing: list[tuple[str, str]]) -> str:
    """Put imports on top, where they print nothing and trim nothing that is printed."""
    lines = "\n".join(f'{{%- import "{file}" as {name} with context %}}' for file, name in missing)
    if not lines or text[:1].isspace() or not text:
        return lines + text
    if re.match(r"\{[{%#]-", text):
        return f"{lines}\n{text}"
    return f"{lines.removesuffix('%}')}-%}}\n{text}"


def _written(tag: Tag) -> str:
    opened, closed = OPENED[tag.kind]
    left, right = ("" if space is None else "-" for space in (tag.before, tag.after))
    return f"{opened}{left}{tag.body}{right}{closed}"


def _units(source: str) -> Iterator[tuple[Tag, str]]:
    """The tags of a template, each with its whole text, in which a text has no white space that a tag trims."""
    for tag in _tags(source):
        if tag.kind == "text":
            yield tag, tag.body
        else:
            yield tag, (tag.before or "") + _written(tag) + (tag.after or "")


def _bare(source: str) -> tuple[str, list[Aside]]:
    """A template without its comments and imports, and those. A comment that parts white space from a tag stays."""
    text, asides, units = "", [], list(_units(source))
    parting = _parting(units)
    for at, (tag, whole) in enumerate(units):
        found = IMPORT.fullmatch(tag.body) if tag.kind == "block" else None
        if (tag.kind == "comment" or found) and at not in parting:
            asides.append(Aside(len(text), whole, found[1] if found else ""))
        else:
            text += whole
    return text, asides


# How tags are laid out


@functools.lru_cache(maxsize=4096)
def _meaning(tag: Tag) -> str:
    """What tells two tags or texts apart, however they are laid out."""
    if tag.kind == "text":
        return f"text {tag.body}"
    body = tag.body.strip()
    trims = f"{tag.kind} {tag.before!r} {tag.after!r} "
    form = "{{{{ {} }}}}" if tag.kind == "variable" else FORMS.get(body.partition(" ")[0])
    if not form:
        return trims + body
    try:
        return trims + repr(_plain(environment().parse(form.format(body))))
    except jinja2.TemplateSyntaxError:
        return trims + body


def _plain(node: nodes.Node) -> nodes.Node:
    """An expression with calls for filters: `x | f(a)` is f(a, x)."""
    for field, value in node.iter_fields():
        if isinstance(value, nodes.Node):
            setattr(node, field, _plain(value))
        elif isinstance(value, list):
            setattr(node, field, [_plain(one) if isinstance(one, nodes.Node) else one for one in value])
    if isinstance(node, nodes.Filter) and node.node is not None:
        return nodes.Call(nodes.Name(node.name, "load"), [*node.args, node.node], [], None, None)
    return node


def _laid_out(before: str, after: str) -> str:
    """The new template, where a tag means what it did before as it was laid out before."""
    old, new = list(_units(before)), list(_units(after))
    texts = [whole for _, whole in new]
    meanings = [[_meaning(tag._replace(line=0)) for tag, _ in units] for units in (old, new)]
    for one, other, count in difflib.SequenceMatcher(None, *meanings, autojunk=False).get_matching_blocks():
        texts[other : other + count] = [whole for _, whole in old[one : one + count]]
    return "".join(texts)


# Comments and imports


def _with(before: str, after: str, asides: list[Aside]) -> tuple[str, set[str]]:
    """Put comments and imports where they stood, as far as the line before or after them is there still, and as what
    they trim is nothing that the template renders.

    Returns:
        The text, and what it imports now.
    """
    old, new = before.split("\n"), after.split("\n")
    begun, starts = 0, []
    for line in new:
        starts.append(begun)
        begun += len(line) + 1
    lines = {}
    for one, other, count in difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        lines |= {one + at: other + at for at in range(count)}
    edits = []
    for aside in asides:
        line, column = before.count("\n", 0, aside.at), aside.at - (before.rfind("\n", 0, aside.at) + 1)
        at = None
        if line in lines:
            at = starts[lines[line]] + column
        elif column == len(old[line]) and lines.get(line + 1) and re.match(r"\s*\{[%#]-", aside.text):
            above = lines[line + 1] - 1  # the line before has changed, the one after hasn't
            at = starts[above] + len(new[above]) if new[above] == new[above].rstrip() != "" else None
        if at is not None:
            edits.append((at, aside))
    edits.sort(key=lambda edit: edit[0])
    rendered = effect(after)
    if effect(_edited(after, edits)) != rendered:
        fitting = []
        for edit in edits:
            if effect(_edited(after, [*fitting, edit])) == rendered:
                fitting.append(edit)
        edits = fitting
    return _edited(after, edits), {aside.file for _, aside in edits}


def _edited(text: str, edits: list[tuple[int, Aside]]) -> str:
    for at, aside in reversed(edits):
        text = text[:at] + aside.text + text[at:]
    return text
