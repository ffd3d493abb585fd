# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Checks manifests with yamllint, and writes them into a directory."""

from __future__ import annotations

import bisect
import contextlib
import errno
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Iterator

from stageset_render.findings import WARNING, Finding, Place, short

MOST_LINTED = 64_000  # characters of manifests, which take half a second
MOST_DEFINED = 500_000  # of definitions beside them, which no values make longer


def lint(pages: list[tuple[str, str]], rules: str) -> Iterator[Finding]:
    """Everything that yamllint finds in manifests.

    It takes eight millionths of a second for a character, and for a map of n keys n * n steps (its key-duplicates), so
    those that are beyond MOST_LINTED are left out, and told.

    Args:
        pages: (path in the chart, text) of every document.
        rules: the text of a .yamllint.
    """
    from yamllint import linter  # only --lint pays for it
    from yamllint.config import YamlLintConfig

    from stageset_render.pack.definitions import is_definition

    left = {False: MOST_LINTED, True: MOST_DEFINED}
    kept, starts, lines, line = [], [], [], 0  # and where each of those that are kept starts among them, and in all
    for file, text in pages:
        if len(text) <= left[is_definition(file)]:
            left[is_definition(file)] -= len(text)
            starts.append(starts[-1] + kept[-1].count("\n") if kept else 0)
            lines.append(line)
            kept.append(text)
        line += text.count("\n")
    text = re.sub(r"^( *(?:- )?[\w-]+:) $", r"\1", "".join(kept), flags=re.M)  # what a value that is null leaves behind
    for one in linter.run(text, YamlLintConfig(rules)):
        at = bisect.bisect_right(starts, one.line - 1) - 1
        place = Place("output", one.line - starts[at] + lines[at], one.column)
        yield Finding((), one.message, rule="output-lint", place=place)
    skipped = len(pages) - len(kept)
    if skipped:
        message = f"{skipped} of {len(pages)} documents are not linted, which would take a second for each 100 kB"
        yield Finding((), message, "run yamllint on what is printed", "output-lint-part", WARNING)


def stale(directory: str, files: set[str]) -> list[str]:
    """Those of `files` that an earlier run left below a directory; `kubectl apply -R` would still apply them."""
    there = {parent: _names(os.path.join(directory, parent)) for parent in {os.path.dirname(file) for file in files}}
    left = [file for file in sorted(files) if os.path.basename(file) in there[os.path.dirname(file)]]
    return [path for path in (os.path.join(directory, file) for file in left) if os.path.isfile(path)]


def _names(directory: str) -> set[str]:
    try:
        return set(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError):
        return set()


def write(pages: list[tuple[str, str]], directory: str) -> None:
    """Write pages into a directory, all or none: each file is completed elsewhere before any takes its place.

    Args:
        pages: (path below the directory, text) pairs; texts of one path follow one another in its file.
        directory: made when it is missing; its other files stay.

    Raises:
        OSError: when a file can't be written. Nothing has changed then, unless the file system fails between two
            renames.
    """
    staged = Staged()
    try:
        staged.add(pages, directory)
        staged.commit()
    finally:
        staged.discard()


class Staged:
    """Files that are complete in directories of their own, until all take their places.

    Such a directory is made in the nearest one that is there, so that renaming is all that is left to do; nobody can
    guess its name. What is in it is read from it, so that ten thousand files take no more memory than one; what another
    run has left, or is doing, is not touched.
    """

    def __init__(self) -> None:
        self._stages: dict[str, str] = {}  # a directory that is there to the one that was made in it
        self._root = ""  # what all files are in

    def add(self, pages: list[tuple[str, str]], directory: str) -> None:
        """Complete the files of a directory; arguments and errors as for `write`."""
        texts: dict[str, list[str]] = {}
        for file, text in pages:
            texts.setdefault(os.path.join(directory, file), []).append(text)
        for path in texts:
            if os.path.isdir(path) and not os.path.islink(path):
                raise _os_error(errno.EISDIR, path)
        root = os.path.realpath(directory)
        self._root = os.path.commonpath([self._root or root, root])
        staged = {parent: self._staged(parent) for parent in dict.fromkeys(map(os.path.dirname, texts))}
        for path, parts in texts.items():
            parent, name = os.path.split(path)
            # nothing that applies all of a directory takes it for a manifest, should it be left behind
            with open(os.path.join(staged[parent], f"{name}{NEW}"), "xb") as file:
                file.write("".join(parts).encode())

    def commit(self) -> None:
        """Put all files into their places, before or after any other run that does: the later one's are there then."""
        if not self._stages:
            return
        os.makedirs(self._root, exist_ok=True)
        with _alone(self._root), _undisturbed():
            for place, stage in self._stages.items():
                for parent, _, names in os.walk(stage):
                    there = os.path.join(place, os.path.relpath(parent, stage)) if names else ""
                    for name in names:
                        os.makedirs(there, exist_ok=True)
                        os.replace(os.path.join(parent, name), os.path.join(there, name.removesuffix(NEW)))
        self.discard()

    def discard(self) -> None:
        """Remove what has not taken its place."""
        with _undisturbed():
            for stage in self._stages.values():
                shutil.rmtree(stage, ignore_errors=True)
            self._stages = {}

    def _staged(self, directory: str) -> str:
        """Where the files of a directory wait, which is made."""
        import tempfile  # only what is written pays for it

        given = directory
        while not os.path.lexists(given) and given:
            given = os.path.dirname(given)
        if given and not os.path.isdir(given):  # a file, or a link to nowhere
            raise _os_error(errno.ENOTDIR, given)
        place = above = os.path.realpath(directory)  # .. behind a link is not what the path's text says
        while not os.path.lexists(above):
            above = os.path.dirname(above)
        if above not in self._stages:
            try:
                self._stages[above] = tempfile.mkdtemp(prefix=".stageset-render-", dir=above)
            except OSError as error:
                raise _os_error(error.errno, above) from None
        stage = os.path.join(self._stages[above], os.path.relpath(place, above))
        os.makedirs(stage, exist_ok=True)
        return stage


NEW = ".new"


def unwritable(error: OSError) -> Finding:
    """What is told of a file that can't be written."""
    place = Place(short(str(error.filename))) if error.filename else None
    return Finding(
        (), f"can't be written: {error.strerror or short(str(error))}", rule="output-unwritable", place=place
    )


def _os_error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


@contextlib.contextmanager
def _alone(directory: str) -> Iterator[None]:
    """Holds a directory against other runs, and waits for one that does; not for ever, as anybody might hold it."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError):
            import fcntl  # where there is none, files take their places one by one

            handle = os.open(directory, os.O_RDONLY)
            stack.callback(os.close, handle)
            for _ in range(100):
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                time.sleep(0.05)
        yield


ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Lets no request to end come between: it is heard afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def ended_in_order() -> Iterator[None]:
    """Makes an exception of a request to end (SIGTERM, SIGHUP), as Python does of SIGINT, so that all is put away.

    It is SystemExit, with the status that a shell gives such an end. A second request doesn't disturb what is under
    way.
    """

    def end(number: int, _frame) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in ENDING:
            if signal.getsignal(number) is signal.SIG_DFL:  # SIGINT is Python's, and nohup's SIGHUP is to be ignored
                before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
