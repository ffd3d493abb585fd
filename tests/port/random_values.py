# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Random values of the chart, most of which the pack takes, for comparing with Helm."""

import copy
import random

from hypothesis import settings
from hypothesis import strategies as st

from stageset_render.findings import Refused
from stageset_render.helm import writing
from stageset_render.pack import release, rendering
from stageset_render.port.diff import draws
from stageset_render.port.diff.search import accept, mended

FEW = 4  # values that a switch has at most


def budget(times=1):
    """So many values as --budget says, or a multiple of it; tests/conftest.py has the same for tests that can import it."""
    return times * settings.default.max_examples


RELEASE = {"name": "stageset", "namespace": "stageset-system"}


def alike(text):
    """Leave out what the pack writes otherwise than Helm on purpose: see writing.to_yaml and its _style.

    Those are strings with white space or control characters that a YAML reader might change, which Helm writes bare or
    as a block and the pack in double quotes. Helm also drops `<no value>` wherever it stands in its output.
    """
    return writing._style(text) is None and "<no value>" not in text or text in ("", "a\nb", "true", "1", "null")


TEXTS = st.one_of(st.sampled_from(draws.PLAIN + draws.HOSTILE), st.text("ab*/.:-#'\"\\{}é& ", max_size=8)).filter(alike)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-70_000, 70_000), st.sampled_from([0.5, 8080.0, 1.25]), TEXTS)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)


def plain(value):
    """Whether all texts in a value are printed alike."""
    if isinstance(value, (dict, list)):
        return all(map(plain, value)) and (isinstance(value, list) or all(map(plain, value.values())))
    return not isinstance(value, str) or alike(value)


def changed(edits):
    """The values that say what the edits, pairs of a path and a value, say."""
    values = {}
    for path, value in edits:
        within = values
        for step in path[:-1]:
            within = within.setdefault(step, {})
            if not isinstance(within, dict):
                break
        else:
            within[path[-1]] = copy.deepcopy(value)
    return values


def variants(edits, seed):
    """The drawn edits under several settings of the switches, most mended: a draw is dear, a rendering is not."""
    chance = random.Random(seed)
    for _ in range(6):
        values = changed([(path, chance.choice(options)) for path, options in SWITCHES] + edits)
        spoilt = chance.random() < 0.2 and refused(values)
        yield values if spoilt else mended(values, lambda one: accept(one, **RELEASE))


def refused(values):
    """Whether the pack refuses values; of what is off, the chart's schema alone refuses some."""
    try:
        rendering.render(values, **RELEASE)
    except Refused:
        return True
    return False


def drawn():
    """Values of the schema, those that are printed alike, by their path."""
    pools = draws.pools(release.schema().root, max(8, budget() // 2), random.Random(0))
    return {path: found for path, pool in pools.items() if (found := [value for value in pool if plain(value)])}


POOLS = drawn()
SWITCHES = [(path, pool) for path, pool in POOLS.items() if len({*map(repr, pool)}) <= FEW]
VALID = st.sampled_from(
    [(path, value) for path, pool in POOLS.items() if (path, pool) not in SWITCHES for value in pool]
)
SPOILT = st.tuples(st.sampled_from(list(POOLS)), ANYTHING)
EDITS = st.lists(st.one_of([VALID] * 9 + [SPOILT]), min_size=2, max_size=8)

# Between tags

BLANKS = st.text(" \t\na", max_size=4)
DASH = st.sampled_from(["", "-"])
