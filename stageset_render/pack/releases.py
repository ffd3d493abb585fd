# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Renders many releases in one run: a values file each, laid over those that all share."""

from __future__ import annotations

import gc
import glob
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from stageset_render.findings import Refused, short
from stageset_render.helm.values import Source, collect, combine, listed, named, read_source
from stageset_render.pack.execution import Request, Result, rendered
from stageset_render.pack.ignoring import Ignored
from stageset_render.pack.names import check_file_name
from stageset_render.pack.output import Staged

PLACE = "{}"  # stands for a release's own name


class ReleaseFile(NamedTuple):
    """The values file of one release, and the part of its path that names the release."""

    path: str
    name: str

    def filled(self, text: str) -> str:
        """A text with the name in place of each `{}`."""
        return text.replace(PLACE, self.name)

    def path_filled(self, path: str) -> str:
        """The same of a path, no part of which may become another kind of step: `out/{}` filled with `..` leads out."""
        for part in path.split(os.sep):
            if PLACE in part and self.filled(part) in ("", os.curdir, os.pardir):
                raise Refused(f"{named(self.path)} makes {named(self.filled(path))} of {named(path)}; rename it")
        return self.filled(path)


class ReleaseFiles:
    """The files of many releases, by path: only what tells them apart is kept of each."""

    def __init__(self, before: str, after: str, parts: list[str]):
        self._before, self._after, self._parts = before, after, parts

    def __len__(self) -> int:
        return len(self._parts)

    def __iter__(self) -> Iterator[ReleaseFile]:
        for part in self._parts:
            name = part if self._after else os.path.splitext(part)[0]
            yield ReleaseFile(f"{self._before}{part}{self._after}", name)


def matching(pattern: str) -> ReleaseFiles:
    """The files that a pattern with one `*` matches: the `*` is the release's name, less the suffix of a file.

    Raises:
        Refused: when the pattern has no `*` or several, or matches nothing, or what can't be a name.
    """
    before, star, after = pattern.partition("*")
    if not star or "*" in after:
        raise Refused(f"{short(pattern)!r} needs one *, the name of the release, as in 'releases/*.yaml'")
    paths = sorted(glob.glob(f"{glob.escape(before)}*{glob.escape(after)}"))
    if not paths:
        raise Refused(f"{short(pattern)!r} matches no file")
    parts = [path[len(before) : len(path) - len(after)] for path in paths]
    for part in parts:
        check_file_name(part)
    return ReleaseFiles(before, after, parts)


def shared_place(files: Iterable[ReleaseFile], output_dir: str) -> str:
    """What is wrong when several releases would be written to one directory; empty when none would."""
    seen: dict[str, str] = {}
    for file in files:
        place = os.path.normpath(file.filled(output_dir))
        other = seen.setdefault(place, file.path)
        if other != file.path:
            return f"{short(other)} and {short(file.path)} would both be written to {short(place)}"
    return ""


class Layers:
    """The sources of every release: the shared files and options, read once, and its own file between them.

    Args:
        files: the values files; one with `{}` in its name is read for each release.
        options: --set-json, --set, --set-string and --set-file, as `collect` takes them.
        stdin: what reads standard input, once.

    Attributes:
        shared: the sources that no release has for itself alone.

    Raises:
        Refused: when a shared source can't be read.
    """

    def __init__(self, files: Iterable[str], options: Iterable[Iterable[str]], stdin: Callable[[], bytes]):
        self._stdin = stdin
        names = [name for file in files for name in listed(file)]
        self._files = [(name, None if PLACE in name else [read_source(name, self._stdin)]) for name in names]
        self._options = collect((), *options, stdin=self._stdin)
        own = next((at for at, (_, sources) in enumerate(self._files) if sources is None), len(self._files))
        before = [source for _, sources in self._files[:own] for source in sources]
        self._before, self._rest, self._base = before, self._files[own:], combine(before)
        self.shared = [source for _, sources in self._files for source in sources or ()]

    def of(self, file: ReleaseFile) -> tuple[list[Source], dict]:
        """The sources of a release, and the values that they give together. Raises Refused for its own file."""
        own = []
        for name, sources in self._rest:
            own += [read_source(file.path_filled(name), self._stdin)] if sources is None else sources
        own += [read_source(file.path, self._stdin), *self._options]
        return [*self._before, *own], combine(own, self._base)


def render_all(
    files: Iterable[ReleaseFile],
    layers: Layers,
    request: Request,
    names: Iterable[str],
    say: Callable[[ReleaseFile, Result | Refused], None],
) -> Ignored:
    """Render every release, and write all of them or none.

    Args:
        files: what to render.
        layers: their sources.
        request: what is asked for each; `{}` in its name, namespace and output_dir is filled in.
        names: the rules to ignore.
        say: told of each what came of it, before anything is in its place.

    Returns:
        What has been ignored.

    Raises:
        Refused: when there are no definitions where they are said to be.
        OSError: when a file can't be written; no file has changed then.
    """
    if request.crds:
        from stageset_render.pack.definitions import Definitions

        request = request._replace(crds=Definitions(request.crds))
    gc.freeze()  # what is loaded by now stays
    staged, good = Staged(), True
    ignored = Ignored(names, layers.shared)
    try:
        for file in files:
            gc.collect()  # now, rather than when much has been left
            try:
                sources, values = layers.of(file)
                own = request._replace(
                    name=file.filled(request.name),
                    namespace=file.filled(request.namespace),
                    output_dir=request.output_dir and file.path_filled(request.output_dir),
                    sources=sources,
                    values=values,
                )
                result = rendered(own, ignored.of(sources), file.path)
            except Refused as refused:
                good = False
                say(file, refused)
                continue
            good = good and not result.refused
            say(file, result)
            if good and own.directory and not request.dry_run:
                staged.add(result.pages, own.directory)
        if good:
            staged.commit()
    finally:
        staged.discard()
    return ignored
