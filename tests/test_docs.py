# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The pages of docs/ are what their scripts print, and that of the values names every one."""

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


@pytest.mark.parametrize("page", ["values.md", "helm-flags.md", "rules.md"])
def test_the_page_is_fresh(page):
    script = page.replace("-", "_").replace(".md", ".py")
    printed = subprocess.run([sys.executable, ROOT / "docs" / script], capture_output=True, check=True).stdout.decode()
    kept = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert printed.replace("\r\n", "\n") == kept, f"stale; run `python docs/{script} > docs/{page}`"


def test_the_page_names_every_value():
    missing = [path for path in paths(DEFAULTS, "") if f"| `{path}` |" not in PAGE]
    assert missing == []
