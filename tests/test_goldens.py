# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The examples render what goldens/ holds; `python tests/goldens.py` writes it anew after a change that is meant."""

import goldens
import pytest


@pytest.mark.parametrize("example", sorted((goldens.ROOT / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_golden(example):
    kept = {
        f"{example.stem}/{path.name}": path.read_text(encoding="utf-8")
        for path in (goldens.GOLDENS / example.stem).iterdir()
    }
    assert goldens.rendered(example) == kept
