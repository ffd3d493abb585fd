# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The defaults and the examples render what goldens/ holds; `python tests/goldens.py` writes it anew."""

import goldens
import pytest

EXPECTED = goldens.expected()


@pytest.mark.parametrize("path", EXPECTED)
def test_golden(path):
    assert EXPECTED[path] == (goldens.GOLDENS / path).read_text(encoding="utf-8")


def test_no_golden_is_left_over():
    kept = {str(path.relative_to(goldens.GOLDENS)) for path in goldens.GOLDENS.rglob("*") if path.is_file()}
    assert kept == set(EXPECTED)
