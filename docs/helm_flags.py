# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Prints what becomes of the flags of `helm template`: `python docs/helm_flags.py > docs/helm-flags.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from renderer import main
from stageset_render.usage import helm_flags

HEAD = """# The flags of `helm template`

`python docs/helm_flags.py > docs/helm-flags.md` writes this page. These mean what they mean to Helm 4; a short one may
be written with `=` (`-n=x`), a flag with `=true` or `=false`:

{same}

These are this command's own:

{own}

`--version` alone prints the version of the command; beside a name it is Helm's, and says which version of the chart the labels
name. `--dry-run` checks and prints nothing. A chart behind the name (`./chart`, `oci://...`, `repo/chart`) is taken for what it
is to Helm, and not read. Without these of Helm's the output is the same, so they are taken, and one warning names them all:

| flag | why it changes nothing |
|---|---|
{idle}

These would change it, so they are refused, with exit code 2:

| flag | instead |
|---|---|
{refused}"""
OWN = """
--app-version --callers --changes --chart-version --crds --dry-run --each --expect --explain --format --ignore --lint --notes
--rules --show-values --strict --verbose --version
""".split()


def page() -> Iterator[str]:
    """The lines of the page."""
    names = sorted(option.opts[-1] for option in main.params if option.opts[-1].startswith("--"))
    same, own = ([f"`{name}`" for name in names if (name in OWN) == mine] for mine in (False, True))
    rows: dict[bool, list[str]] = {True: [], False: []}
    for name, flag in helm_flags().items():
        rows[flag.idle].append(f"| `{name}` | {flag.instead} |")
    yield HEAD.format(
        same=", ".join(same), own=", ".join(own), idle="\n".join(rows[True]), refused="\n".join(rows[False])
    )


if __name__ == "__main__":
    print("\n".join(page()))
