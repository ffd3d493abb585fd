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

`--version` prints the version of the command; Helm's is `--chart-version` here. `--dry-run` checks and prints nothing.
These of Helm's are not there, and a use of one ends with its sentence and exit code 2:

| flag | instead |
|---|---|"""
OWN = """
--app-version --chart-version --crds --dry-run --each --explain --lint --notes --show-values --strict --verbose
--version
""".split()


def page() -> Iterator[str]:
    """The lines of the page."""
    names = sorted(option.opts[-1] for option in main.params if option.opts[-1].startswith("--"))
    same, own = ([f"`{name}`" for name in names if (name in OWN) == mine] for mine in (False, True))
    yield HEAD.format(same=", ".join(same), own=", ".join(own))
    for flag, instead in helm_flags().items():
        yield f"| `{flag}` | {instead} |"


if __name__ == "__main__":
    print("\n".join(page()))
