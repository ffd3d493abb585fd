# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Writes a chart as another hand would: nothing that is done here changes an object."""

import re
import zlib

NOTES = ("kept for older releases", "the runbook says why", "order matters", "tuned for large clusters", "not a secret")


def chosen(text, of):
    """Whether a line is one of those that are dressed: always the same, whatever has changed around it."""
    return zlib.crc32(text.encode()) % of == 0


def note(text):
    return NOTES[zlib.crc32(text.encode()) // 7 % len(NOTES)]


def renamed(text):
    """Other names of loop variables and indexes."""
    for name in dict.fromkeys(re.findall(r"range (?:\$\w+, )?\$(\w+) :=", text)):
        text = re.sub(rf"\${name}\b", f"$one{name.title()}", text)
    return re.sub(r"\$index0\b", "$i", text)


def quoted(line):
    """Another way to quote a value, where it is a text either way."""
    if chosen(line, 3):
        line = re.sub(r"^( *[\w./-]+: )(\{\{ include \"stageset\.\w+\" [.$] )\| quote \}\}$", r'\1"\2}}"', line)
        line = re.sub(r"^( *(?:kind|name|type|protocol): )([A-Z][a-z]+)$", r"\1'\2'", line)
    return line


def flowed(text):
    """A short list in one line, or each item on its own."""
    text = re.sub(r"^( *)verbs: \[(\w+), (\w+), (\w+)\]$", r"\1verbs:\n\1  - \2\n\1  - \3\n\1  - \4", text, flags=re.M)
    return re.sub(r"^( *)drop:\n +- ALL$", r"\1drop: [ALL]", text, flags=re.M)


def template(text, manifest):
    out, block, inside = [], None, False
    for line in flowed(renamed(text)).split("\n"):
        indent = len(line) - len(line.lstrip())
        block = None if block is not None and line.strip() and indent <= block else block
        trims = bool(out) and out[-1].rstrip().endswith("-}}")
        plain = (
            block is None and not inside and line.strip() and not trims and not line.lstrip().startswith(("#", "---"))
        )
        if plain and chosen(line, 9):
            out.append(f"{' ' * indent}{{{{- /* {note(line)} */}}}}")
        elif plain and manifest and not line.lstrip().startswith("{{") and chosen(line, 7):
            out.append(f"{' ' * indent}# {note(line)}")
        out.append(quoted(line) if plain else line)
        inside = (inside or "{{" in line) and line.rfind("{{") > line.rfind("}}")
        if re.search(r"[:-] [|>][-+0-9]*$", line):
            block = indent
    return "\n".join(out)


def values(text):
    return re.sub(
        r"(?m)^( *)(\w+):", lambda found: f"{found[1]}# -- {note(found[2])}\n" * chosen(found[2], 4) + found[0], text
    )


def dressed(chart):
    """A chart, path to text, in another hand."""
    out = dict(chart)
    for path, text in chart.items():
        if path.startswith("templates/") and path.endswith(".yaml"):
            out[path] = "# Licence: see LICENSE\n# Owner: the platform team\n\n" + template(text, True).lstrip("\n")
        elif path.endswith(".tpl"):
            out[path] = "{{/* Licence: see LICENSE */}}\n" + template(text, False)
        elif path == "values.yaml":
            out[path] = values(text)
    return out
