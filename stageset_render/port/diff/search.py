# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Looks among random values for the smallest that a chart and the pack render otherwise."""

from __future__ import annotations

import contextlib
import copy
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

from stageset_render.findings import Path, Refused, holds
from stageset_render.pack import rendering
from stageset_render.pack.release import Release, schema
from stageset_render.port.diff.differences import object_differences
from stageset_render.port.diff.report import Drawn, reason
from stageset_render.port.diff.sides import Chart, Hopeless, pack_objects

NO_HYPOTHESIS = "--random draws with hypothesis; install it: in the checkout, pip install '.[random]'"
VARIETY = 40  # of the values at one path, each with any of those at the others
_GONE = object()
ROUNDS = 20  # of taking away what the pack refuses, which is then all away but for rare chains


def search(chart: Chart, count: int, seed: int, step: Callable[[], Any], **release: str) -> Drawn:
    """Render values drawn from the schema with both sides until one shows a difference that is not deliberate.

    Args:
        chart: what to render beside the pack.
        count: how many to draw.
        seed: says which; the same number draws the same values.
        step: called after each of them.
        release: its name and namespace.

    Raises:
        Refused: when hypothesis or Helm is not there.
    """
    try:
        from hypothesis.configuration import set_hypothesis_home_dir

        from stageset_render.port.diff.draws import pools
    except ImportError as error:
        raise Refused(NO_HYPOTHESIS) from error
    set_hypothesis_home_dir(os.devnull)  # it would keep tables in a directory where the command runs
    refused: list[str] = []

    def differs(values: dict) -> bool:
        found = object_differences(chart.objects(values, **release), pack_objects(chart, values, **release))
        return not all(map(reason, found))

    chance = random.Random(seed)
    drawn = pools(schema().root, min(count, VARIETY), chance)
    for number in range(count):
        step()
        values = mended(_some(drawn, chance), lambda one: accept(one, **release))
        try:
            if differs(values):
                return Drawn(seed, number + 1 - len(refused), refused, smallest(values, differs))
        except Hopeless:
            raise
        except Refused as error:
            refused.append(str(error))
    return Drawn(seed, count - len(refused), refused, None)


def accept(values: dict, name: str, namespace: str) -> None:
    """Refuse values that the pack, or its schema, which Helm asks of what is off as well, does not take.

    Raises:
        Refused: with all of them.
    """
    release = Release(values, name=name, namespace=namespace)
    if found := schema().findings(release.values, release.written):
        raise Refused(*found)
    rendering.render(values, name=name, namespace=namespace)


def _some(pools: dict[Path, list], chance: random.Random) -> dict:
    """Values of a few paths, of half or of most of them, so that conditions on one value and on many are met."""
    values: dict = {}
    share = chance.choice([0.1, 0.5, 0.9])
    for path, pool in pools.items():
        if chance.random() < share:
            within = values
            for step in path[:-1]:
                within = within.setdefault(step, {})
            within[path[-1]] = copy.deepcopy(chance.choice(pool))
    return values


def mended(values: dict, render: Callable[[dict], Any]) -> dict:
    """The values less those that are refused, and less all of them when no single one is named."""
    values = copy.deepcopy(values)
    for _ in range(ROUNDS):
        try:
            render(values)
            return values
        except Refused as refused:
            paths = [problem.path for problem in refused.problems]
            for path in sorted(
                paths, key=_sortable, reverse=True
            ):  # of a list, the last first: the others stay in place
                _drop(values, path)
            if not all(paths):
                break
    return {}


def _sortable(path: Path) -> list:
    return [(type(step).__name__, step) for step in path]


def _drop(values: dict, path: Path) -> None:
    """Take away the value at a path, or the least around it that is written."""
    around: list[tuple[Any, Any]] = []
    for step in path:
        within = around[-1][0][around[-1][1]] if around else values
        if not holds(within, step):
            break
        around.append((within, step))
    if around:
        within, step = around[-1]
        del within[step]


def smallest(values: dict, differs: Callable[[dict], bool]) -> dict:
    """The values less all that a difference doesn't need, with short texts and small numbers."""

    def shows(less: dict) -> bool:
        with contextlib.suppress(Refused):
            return differs(less)
        return False

    before = None
    while values != before:
        before = values
        for path in list(_paths(values)):
            for less in _simpler(values, path):
                if shows(less):
                    values = less
                    break
    return values


def _paths(values: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value, before those inside it; of a list, the last first: the others stay in place."""
    if isinstance(values, (dict, list)):
        for step in reversed(list(values) if isinstance(values, dict) else range(len(values))):
            yield (*path, step)
            yield from _paths(values[step], (*path, step))


def _simpler(values: dict, path: Path) -> Iterator[dict]:
    """The values without the one at a path, if it is still there, and with less in its place."""
    within = values
    for step in path[:-1]:
        within = within[step] if holds(within, step) else None
    if not holds(within, path[-1]):
        return
    value, lesser = within[path[-1]], [_GONE]
    if isinstance(value, str):
        lesser += [value[:length] for length in (0, 1, len(value) // 2) if length < len(value)]
    elif type(value) is int:
        lesser += [number for number in (0, 1, value // 2) if number < value]
    for less in lesser:
        simpler = within = copy.deepcopy(values)
        for step in path[:-1]:
            within = within[step]
        within[path[-1]] = less
        if less is _GONE:
            del within[path[-1]]
        yield simpler
