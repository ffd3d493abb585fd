# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Renders one release per environment: a values file each, laid over those that all share."""

from __future__ import annotations

import gc
import glob
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from stageset_render.helm.values import Source, collect, combine, read_once, read_source
from stageset_render.pack.execution import Request, Result, rendered
from stageset_render.pack.output import Staged
from stageset_render.problems import Refused, short

PLACE = "{}"  # stands for an environment's name


class Environment(NamedTuple):
    """A values file, and the part of its path that names the environment."""

    path: str
    name: str

    def filled(self, text: str) -> str:
        """A text with the name in place of each `{}`."""
        return text.replace(PLACE, self.name)


class Environments:
    """Many environments, by path: only what tells them apart is kept of each."""

    def __init__(self, before: str, after: str, parts: list[str]):
        self._before, self._after, self._parts = before, after, parts

    def __len__(self) -> int:
        return len(self._parts)

    def __iter__(self) -> Iterator[Environment]:
        for part in self._parts:
            name = part if self._after else os.path.splitext(part)[0]
            yield Environment(f"{self._before}{part}{self._after}", name)


def matching(pattern: str) -> Environments:
    """The environments that a pattern with one `*` matches: the `*` is the name, less the suffix of a file.

    Raises:
        Refused: when the pattern has no `*` or several, or matches nothing.
    """
    before, star, after = pattern.partition("*")
    if not star or "*" in after:
        raise Refused(f"{short(pattern)!r} needs one *, the name of the environment, as in 'environments/*.yaml'")
    paths = sorted(glob.glob(f"{glob.escape(before)}*{glob.escape(after)}"))
    if not paths:
        raise Refused(f"{short(pattern)!r} matches no file")
    return Environments(before, after, [path[len(before) : len(path) - len(after)] for path in paths])


def shared_place(environments: Iterable[Environment], output_dir: str) -> str:
    """What is wrong when several environments would be written to one directory; empty when none would."""
    seen: dict[str, str] = {}
    for environment in environments:
        place = os.path.normpath(environment.filled(output_dir))
        other = seen.setdefault(place, environment.path)
        if other != environment.path:
            return f"{short(other)} and {short(environment.path)} would both be written to {short(place)}"
    return ""


class Once:
    """Says of many environments once what is said of a file or an option that they share."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def of(self, environment: Environment, lines: Iterable[str]) -> Iterator[str]:
        """Those lines about an environment that are new; one that names no place in its own file names the file."""
        for line in lines:
            if line.startswith(environment.path):
                yield line
            elif line not in self._said:
                self._said.add(line)
                yield f"{environment.path}: {line}"


class Layers:
    """The sources of every environment: the shared files and options, read once, and its own file between them.

    Args:
        files: the values files; one with `{}` in its name is read for each environment.
        options: --set-json, --set, --set-string and --set-file, as `collect` takes them.

    Raises:
        Refused: when a shared source can't be read.
    """

    def __init__(self, files: Iterable[str], options: Iterable[Iterable[str]]):
        self._stdin = read_once(_stdin)
        self._files = [(file, None if PLACE in file else collect([file], stdin=self._stdin)) for file in files]
        self._options = collect((), *options, stdin=self._stdin)
        own = next((at for at, (_, sources) in enumerate(self._files) if sources is None), len(self._files))
        self._shared = [source for _, sources in self._files[:own] for source in sources]
        self._rest, self._base = self._files[own:], combine(self._shared)

    def of(self, environment: Environment) -> tuple[list[Source], dict]:
        """The sources of an environment, and the values that they give together. Raises Refused for its own file."""
        own = []
        for file, sources in self._rest:
            own += collect([environment.filled(file)], stdin=self._stdin) if sources is None else sources
        own += [read_source(environment.path, self._stdin), *self._options]
        return [*self._shared, *own], combine(own, self._base)


def _stdin() -> bytes:
    import sys

    return sys.stdin.buffer.read()


def render_all(
    environments: Iterable[Environment],
    layers: Layers,
    request: Request,
    say: Callable[[Environment, list[Source], Result | Refused], None],
) -> bool:
    """Render every environment, and write all of them or none.

    Args:
        environments: what to render.
        layers: their sources.
        request: what is asked for each; `{}` in its name, namespace and output_dir is filled in.
        say: told of each what came of it, with its sources, before anything is in its place.

    Returns:
        Whether nothing was refused.

    Raises:
        OSError: when a file can't be written; no file has changed then.
    """
    gc.freeze()  # what is loaded by now stays
    staged, good = Staged(), True
    try:
        for environment in environments:
            gc.collect()  # now, rather than when much has been left
            sources: list[Source] = []
            try:
                sources, values = layers.of(environment)
                own = request._replace(
                    name=environment.filled(request.name),
                    namespace=environment.filled(request.namespace),
                    output_dir=request.output_dir and environment.filled(request.output_dir),
                    values=values,
                )
                result = rendered(own)
            except Refused as refused:
                good = False
                say(environment, sources, refused)
                continue
            say(environment, sources, result)
            if good and not request.dry_run:
                staged.add(result.pages, own.directory)
        if good:
            staged.commit()
    finally:
        staged.discard()
    return good
