# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The Jinja environment in which the pack's templates run: Jinja's own, with Helm's rules for `a.b`, printing and loops."""

from __future__ import annotations

import functools

import jinja2
from jinja2 import nodes
from jinja2.runtime import LoopContext
from jinja2.utils import Namespace

from stageset_render.findings import Refused
from stageset_render.helm import functions
from stageset_render.helm.writing import finalize, is_defined, need_list


def looped(value):
    """What a loop goes through, by Go's rule: the items of a list; nothing for nil or {}. Refused for all else."""
    if isinstance(value, list):
        return value
    return need_list(value) if is_defined(value) and value != {} else []


class HelmEnvironment(jinja2.Environment):
    """Jinja with Go's rule for `a.b`, a key of a map, nothing when it is missing, and for what a loop goes through."""

    def getattr(self, obj, attribute):
        if isinstance(obj, dict):
            try:
                return obj[attribute]
            except KeyError:
                return jinja2.Undefined(name=attribute)
        if isinstance(obj, (LoopContext, Namespace)):
            return getattr(obj, attribute)
        raise Refused(f"a template reads .{attribute} of {obj!r}, which is no map")

    def _generate(self, source, name, filename, defer_init=False):
        for loop in source.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, looped.__name__, [], [], None, None, lineno=loop.lineno)
        return super()._generate(source, name, filename, defer_init)


@functools.cache
def environment() -> jinja2.Environment:
    """The environment in which all templates run: Helm's functions instead of Jinja's."""
    env = HelmEnvironment(keep_trailing_newline=True, undefined=jinja2.StrictUndefined, finalize=finalize)
    env.filters, env.tests = {**functions.FILTERS, looped.__name__: looped}, functions.TESTS
    env.globals = {}  # what templates may name is given to each rendering, in one map that they share
    return env
