# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What differs from the chart on purpose: `diff` counts it apart, and `pull` tells where it undoes it."""

from __future__ import annotations

import functools
from pathlib import Path

import yaml


@functools.cache
def entries() -> list[dict]:
    """The entries, each with its reason."""
    return yaml.load(Path(__file__).with_suffix(".yaml").read_bytes(), yaml.CSafeLoader)
