# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""docs/values.md is what docs/values.py prints, and names every value."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "values.md").read_text(encoding="utf-8")
DEFAULTS = yaml.safe_load((ROOT / "templates" / "_defaults.tpl").read_text(encoding="utf-8"))
FREE = {"podSecurityContext", "securityContext"}  # maps in which any key is allowed, shown with their whole default


def paths(node, path):
    if isinstance(node, dict) and node and path not in FREE:
        for key, child in node.items():
            yield from paths(child, f"{path}.{key}" if path else key)
    else:
        yield path


@pytest.mark.parametrize("script, page", [("values.py", "values.md"), ("helm_flags.py", "helm-flags.md")])
def test_the_page_is_fresh(script, page):
    printed = subprocess.run([sys.executable, ROOT / "docs" / script], capture_output=True, check=True).stdout.decode()
    kept = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert printed.replace("\r\n", "\n") == kept, f"stale; run `python docs/{script} > docs/{page}`"


def test_the_page_names_every_value():
    missing = [path for path in paths(DEFAULTS, "") if f"| `{path}` |" not in PAGE]
    assert missing == []
