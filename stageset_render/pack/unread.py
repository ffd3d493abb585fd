# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What the user has overruled: of objects that can't be read nothing is told but that, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import yaml

from stageset_render.access.matching import Decision
from stageset_render.findings import dotted
from stageset_render.pack.release import Release, schema

Answer = TypeVar("Answer")
MALFORMED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    yaml.YAMLError,
)  # what reading such ends in
KEYS = ("serviceMesh", "networkPolicy", "namespace", "pod", "ports")  # of values that say who may call


def unread(release: Release) -> str:
    """What can't be read, in words: the first of the values that the schema refuses; empty where it refuses none."""
    found = schema().findings(release.values, release.written)
    paths = sorted(
        (one.path for one in found), key=lambda path: KEYS.index(path[0]) if path[:1] and path[0] in KEYS else 9
    )
    return f"{dotted(paths[0])} can't be read" if paths else ""


def told(release: Release, ask: Callable[[], Answer], instead: Callable[[str], Answer]) -> Answer:
    """What a question is answered with, or what to say instead, and why, where values that are refused make it fail.

    Raises:
        Exception: what the question raises, where all values are as they have to be.
    """
    try:
        return ask()
    except MALFORMED:
        why = release.fact(unread)
        if not why:
            raise
        return instead(why)


class Unread:
    """A judge of objects that can't be read."""

    def __init__(self, why: str):
        self.why = why

    def decide(self, call: dict) -> Decision:
        """That it can't be told, whatever the call."""
        return Decision(None, self.why)
