# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Prints the reference of the rules from their docstrings and tests: `python docs/rules.py > docs/rules.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from stageset_render import rules  # noqa: E402
from stageset_render.findings import ERROR  # noqa: E402

HEAD = """# Rules

What is judged, by name: `python docs/rules.py > docs/rules.md` writes this page, and `stageset-render --rules` lists the
names. A rule **refuses** (nothing is rendered, exit code 1) or **warns** (`--strict` refuses then as well). It is silenced
by its name, or by `family-*`, with `--ignore`, or in a values file by a comment above or behind the value:

```yaml
# stageset: ignore access-opened the whole platform team may call the gate
```
"""


def block(text: str, rule: rules.Rule) -> str:
    """Values in block style, which is easier to read; those that are about the file itself stay as they are."""
    as_they_are = rule.check is None or "\n" in text
    return (text if as_they_are else yaml.safe_dump(yaml.safe_load(text), sort_keys=False, width=100)).strip()


def example(rule: rules.Rule, row: dict) -> Iterator[str]:
    """A wrong and a right example in one block, each with what the command is given beside it."""
    yield "```yaml"
    for step in ("wrong", "right"):
        given = [*row.get("options", ())] if step == "wrong" else []
        yield " ".join([f"# {step}", *(["with", *given] if given else [])])
        if "expect" in row:
            yield f"{row['expect'][step].strip()}  # --expect, with the values:"
        yield block(row[step], rule)
    yield "```\n"


def page() -> Iterator[str]:
    """The lines of the page."""
    yield HEAD
    for family in rules.FAMILIES:
        rows = ROOT / "tests" / "rules" / f"{family}.yaml"
        known = yaml.safe_load(rows.read_text(encoding="utf-8")) if rows.exists() else {}
        for rule in rules.family(family):
            source = f" ([source]({rule.source}))" if rule.source else ""
            level = "Refuses" if rule.level == ERROR else "Warns"
            yield f"## {rule.name}\n\n**{level}**: {rule.summary} {rule.effect}{source}\n"
            if rule.name in known:
                yield from example(rule, known[rule.name][0])


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    print("\n".join(page()).strip())
