# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The Jinja environment in which the pack's templates run."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
from pathlib import Path

import jinja2
import jinja2.compiler
from jinja2 import nodes
from jinja2.runtime import LoopContext
from jinja2.utils import Namespace

from stageset_render.helm import functions
from stageset_render.helm.writing import finalize, is_defined, need_list
from stageset_render.pack.cache import Cache, directory
from stageset_render.pack.files import DEFAULTS, all_templates, root
from stageset_render.problems import Refused


class Partial:
    """The macros of a partial, as Go's `define` has them: they see nothing of who calls them.

    The partial runs when the first of them is called, once in a rendering; and so does each macro without parameters,
    since nothing it reads changes.
    """

    def __init__(self, template: HelmTemplate, context: dict):
        self._template, self._context, self._macros = template, context, None

    def __getattr__(self, name: str):
        if self._macros is None:
            self._macros = jinja2.Template.make_module(self._template, self._context, shared=True)
        macro = getattr(self._macros, name)
        if not macro.arguments:
            text = macro()
            macro = lambda: text  # noqa: E731
        setattr(self, name, macro)
        return macro


class HelmTemplate(jinja2.Template):
    """A template whose macros are imported once per rendering, however many templates import it."""

    def make_module(self, vars=None, shared=False, locals=None) -> Partial:
        partials = vars["Partials"]
        if self.name not in partials:
            partials[self.name] = Partial(self, vars)
        return partials[self.name]

    def rendered(self, context: dict) -> str:
        """The text of the template, as `render` gives it, from a context that has the environment's globals already."""
        try:
            return "".join(self.root_render_func(self.new_context(context, shared=True)))
        except Exception:
            self.environment.handle_exception()


class HelmContext(jinja2.runtime.Context):
    """A context without the names of its globals, a set that is of no use here and takes time."""

    def __init__(self, environment, parent, name, blocks, globals=None):
        super().__init__(environment, parent, name, blocks)


class Generator(jinja2.compiler.CodeGenerator):
    """Writes a call as one of Python: Jinja's would look for those that ask for its context, and none of Helm's do."""

    def visit_Call(self, node, frame, forward_caller=False):
        if forward_caller or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return super().visit_Call(node, frame, forward_caller=forward_caller)
        self.visit(node.node, frame)
        self.write("(")
        for argument in node.args:
            self.visit(argument, frame)
            self.write(", ")
        self.write(")")


def looped(value):
    """What a loop goes through, by Go's rule: the items of a list; nothing for nil or {}. Refused for all else."""
    if isinstance(value, list):
        return value
    return need_list(value) if is_defined(value) and value != {} else []


_BEFORE = r"^( *(?:- (?:[^\s{}]+: )?|[^\s{}]+: ))"  # a whole value: what may stand on its line before it
_PLAIN, _QUOTED = (
    re.compile(rf"{_BEFORE}\{{\{{ (\w+\.\w+\(\)){quoted} \}}\}}$", re.M) for quoted in ("", r" \| quote")
)


def guarded(file: str, source: str) -> str:
    """The source of a template, in which a macro that is the whole value of a line of YAML prints in double quotes.

    So a namespace such as `123` or `n` stays a text wherever it stands alone, and is itself within a longer text.
    """
    return _PLAIN.sub(r"\1{{ \2 | quote }}", source) if file.endswith(".yaml") else source


def unguarded(file: str, source: str) -> str:
    """The source of a template without the quotes that `guarded` gives it."""
    return _QUOTED.sub(r"\1{{ \2 }}", source) if file.endswith(".yaml") else source


class Loader(jinja2.FileSystemLoader):
    """Loads templates as `guarded` has them; so does the port, and quotes the same."""

    def get_source(self, environment, template):
        text, *rest = super().get_source(environment, template)
        return guarded(template, text), *rest


class HelmEnvironment(jinja2.Environment):
    """Jinja with Go's rule for `a.b`: a key of a map, nothing when it is missing, and never a Python attribute."""

    template_class, context_class, code_generator_class = HelmTemplate, HelmContext, Generator

    def __init__(self, **options):
        super().__init__(**options)
        self.loaded: dict[str, jinja2.Template] = {}

    def make_globals(self, d):
        """The functions as a plain dict: Jinja's ChainMap of no names of one template over them is slow to copy."""
        return self.globals

    def get_template(self, name, parent=None, globals=None):
        if name not in self.loaded:
            self.loaded[name] = super().get_template(name, parent, globals)
        return self.loaded[name]

    def _generate(self, source, name, filename, defer_init=False):
        for loop in source.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, looped.__name__, [], [], None, None, lineno=loop.lineno)
        return super()._generate(source, name, filename, defer_init)

    def getattr(self, obj, attribute):
        if isinstance(obj, dict):
            try:
                return obj[attribute]
            except KeyError:
                return jinja2.Undefined(name=attribute)
        if isinstance(obj, (Partial, LoopContext, Namespace)):
            return getattr(obj, attribute)
        raise Refused(f"a template reads .{attribute} of {obj!r}, which is no map")


@functools.cache
def cache() -> Cache:
    """What earlier runs have made of this pack's files, by the rules of this module."""
    made_by = str(root()).encode() + Path(__file__).read_bytes()
    return Cache(directory() / hashlib.sha256(made_by).hexdigest()[:16])


@functools.cache
def environment() -> jinja2.Environment:
    """The environment in which all templates run, all of them loaded: Helm's functions instead of Jinja's."""
    env = HelmEnvironment(
        loader=Loader(root() / "templates"),
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        finalize=finalize,
        auto_reload=False,
        bytecode_cache=cache(),
    )
    env.filters, env.tests = {**functions.FILTERS, looped.__name__: looped}, functions.TESTS
    env.globals = {**functions.GLOBALS, "namespace": Namespace}
    for file in all_templates():
        if file != DEFAULTS:
            env.get_template(file)
    cache().save()
    return env


@contextlib.contextmanager
def refusing():
    """Turn what goes wrong inside a template into a Refused that names the template's line."""
    try:
        yield
    except functions.Failed:
        raise
    except Exception as error:
        import traceback  # only what fails pays for it

        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "templates" in frame.filename]
        place = f"templates/{Path(frames[-1].filename).name}:{frames[-1].lineno}: " if frames else ""
        raise Refused(f"{place}{error}") from error
