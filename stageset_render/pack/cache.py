# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Keeps compiled templates between runs, in a directory that only its owner can write."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from pathlib import Path

import jinja2


def directory() -> Path | None:
    """Where the cache is: below XDG_CACHE_HOME, else ~/.cache; None for a relative path, which XDG says to ignore."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    if not os.path.isabs(base):
        return None
    return Path(base, "stageset-render", f"jinja2-{jinja2.__version__}-{sys.implementation.cache_tag}")


class TemplateCache(jinja2.BytecodeCache):
    """A cache that can vanish, be read-only or be corrupt at any time: then templates are compiled again.

    An entry is a hash and the compiled template. It is read only when it and its directory belong to this user and
    nobody else may write to them, since a compiled template is code that would be run.

    Args:
        path: the directory of the entries; made when it is missing, readable by its owner alone.
    """

    def __init__(self, path: Path):
        self.path = path

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Fill the bucket from its entry; leave it empty when there is none that can be trusted."""
        with contextlib.suppress(OSError):
            entry = os.open(self.path / bucket.key, os.O_RDONLY | os.O_NOFOLLOW)
            with open(entry, "rb") as file:
                if not (_private(os.stat(self.path)) and _private(os.fstat(entry))):
                    return
                digest, data = file.read(32), file.read()
            if hashlib.sha256(data).digest() == digest:
                bucket.bytecode_from_string(data)

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Write the bucket's entry under another name first, so that no reader ever meets half of one."""
        data = bucket.bytecode_to_string()
        with contextlib.suppress(OSError):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _private(os.stat(self.path)):
                return
            handle, name = tempfile.mkstemp(dir=self.path)
            try:
                with open(handle, "wb") as file:
                    file.write(hashlib.sha256(data).digest() + data)
                os.replace(name, self.path / bucket.key)
            except OSError:
                os.unlink(name)


def _private(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
