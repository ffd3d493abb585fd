# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The templates, compiled once, and what becomes of one in a rendering."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import marshal
import os
from pathlib import Path
from types import CodeType

import jinja2
from jinja2.bccache import bc_magic
from jinja2.utils import Namespace

from stageset_render.findings import Finding, Place, Refused
from stageset_render.helm import functions
from stageset_render.pack.environment import environment
from stageset_render.pack.files import DEFAULTS, HELPERS, all_templates, root, source

# Beside Python's own compiled modules: whoever writes there owns the code anyway.
KEPT = Path(importlib.util.cache_from_source(__file__)).with_suffix(".code")
TEMPLATE_REFUSES, TEMPLATE_FAILS = "template-refuses", "template-fails"  # names of rules


@functools.cache
def templates() -> dict[str, jinja2.Template]:
    """Every template by its file's name, compiled."""
    paths = {file: str(root() / "templates" / file) for file in all_templates() if file != DEFAULTS}
    codes = compiled({path: source(file) for file, path in paths.items()}, KEPT)
    return {file: jinja2.Template.from_code(environment(), codes[path], {}) for file, path in paths.items()}


def compiled(sources: dict[str, str], kept: Path) -> dict[str, CodeType]:
    """The code of templates, by path, kept in a file: Jinja's own cache has one for each, and takes 5 ms longer."""
    made_of = bc_magic, Path(__file__).with_name("environment.py").read_bytes(), sources
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
