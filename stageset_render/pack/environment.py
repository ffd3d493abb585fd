# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The Jinja environment in which the pack's templates run: Jinja's own, with Helm's rules for `a.b`, printing and loops."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import marshal
import os
from pathlib import Path
from types import CodeType

import jinja2
from jinja2 import nodes
from jinja2.bccache import bc_magic
from jinja2.runtime import LoopContext
from jinja2.utils import Namespace

from stageset_render.findings import Finding, Place, Refused
from stageset_render.helm import functions
from stageset_render.helm.writing import finalize, is_defined, need_list
from stageset_render.pack.files import DEFAULTS, HELPERS, all_templates, root, source

# Beside Python's own compiled modules: whoever writes there owns the code anyway.
KEPT = Path(importlib.util.cache_from_source(__file__)).with_suffix(".templates")
TEMPLATE_REFUSES, TEMPLATE_FAILS = "template-refuses", "template-fails"  # names of rules


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


@functools.cache
def templates() -> dict[str, jinja2.Template]:
    """Every template by its file's name, compiled."""
    paths = {file: str(root() / "templates" / file) for file in all_templates() if file != DEFAULTS}
    codes = compiled({path: source(file) for file, path in paths.items()}, KEPT)
    return {file: jinja2.Template.from_code(environment(), codes[path], {}) for file, path in paths.items()}


def compiled(sources: dict[str, str], kept: Path) -> dict[str, CodeType]:
    """The code of templates, by path, kept in a file: Jinja's own cache has one for each, and takes 5 ms longer."""
    made_of = bc_magic, Path(__file__).read_bytes(), sources
    with contextlib.suppress(OSError, EOFError, ValueError, TypeError):  # nothing is kept, or no longer whole
        before, codes = marshal.loads(kept.read_bytes())
        if before == made_of:
            return codes
    codes = {path: environment().compile(text, Path(path).name, path) for path, text in sources.items()}
    with contextlib.suppress(OSError):  # what can't be written is compiled anew the next time
        kept.parent.mkdir(exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_bytes(marshal.dumps((made_of, codes)))
        part.replace(kept)
    return codes


def named(values: dict, release: dict, chart: dict) -> dict:
    """What templates may name: Helm's functions and objects, and as `stageset` the helpers; one that takes nothing prints
    the same throughout a rendering."""
    names = {**functions.GLOBALS, "namespace": Namespace, "Values": values, "Release": release, "Chart": chart}
    helpers = templates()[HELPERS].make_module(names, shared=True).__dict__
    macros = {name: macro for name, macro in helpers.items() if name[0] != "_"}
    names["stageset"] = {name: macro if macro.arguments else functools.cache(macro) for name, macro in macros.items()}
    return names


def rendered(file: str, names: dict) -> str:
    """The text of a template. Raises Refused when it fails."""
    template = templates()[file]
    try:
        return "".join(template.root_render_func(template.new_context(names, shared=True)))
    except Exception:
        with refusing():
            environment().handle_exception()
        raise


@contextlib.contextmanager
def refusing():
    """Turn what goes wrong inside a template into a Refused that names the template's line."""
    try:
        yield
    except Exception as error:
        import traceback  # only what fails pays for it

        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "templates" in frame.filename]
        place = Place(f"templates/{Path(frames[-1].filename).name}", frames[-1].lineno) if frames else None
        rule = TEMPLATE_REFUSES if isinstance(error, functions.Failed) else TEMPLATE_FAILS
        raise Refused(Finding((), str(error), rule=rule, place=place)) from error
