# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Keeps what was compiled and parsed between runs, in one file of a directory that only its owner can write."""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import platformdirs


def directory() -> Path:
    """Where the cache is: below the user's cache directory, a place for each version of Jinja and Python."""
    version = f"jinja2-{jinja2.__version__}-{sys.implementation.cache_tag}"
    return Path(platformdirs.user_cache_dir("stageset-render"), version)


class Cache(jinja2.BytecodeCache):
    """A cache that can vanish, be read-only or be corrupt at any time: then all is made anew.

    The file holds a hash and the entries: key to checksum and value. It is read only when it and its directory belong
    to this user and nobody else may write to them, since a compiled template is code that would be run.

    Args:
        path: the file; its directory is made when it is missing, readable by its owner alone.
    """

    def __init__(self, path: Path):
        self.path, self.changed = path, False
        self.entries: dict[str, tuple[str, Any]] = self._read()

    def value(self, key: str, text: str, make: Callable[[], Any]) -> Any:
        """What `make` makes of a text, or made of it in an earlier run; plain data or code."""
        checksum = self.get_source_checksum(text)
        if self.entries.get(key, ("",))[0] != checksum:
            self.entries[key], self.changed = (checksum, make()), True
        return self.entries[key][1]

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Fill Jinja's bucket when there is an entry of this template and this source."""
        checksum, code = self.entries.get(bucket.key, ("", None))
        bucket.code = code if checksum == bucket.checksum else None

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Note what Jinja compiled; `save` writes it."""
        self.entries[bucket.key], self.changed = (bucket.checksum, bucket.code), True

    def save(self) -> None:
        """Write what is new, under another name first, so that no reader ever meets half of a file."""
        if not self.changed:
            return
        import tempfile  # only the first run pays for it

        data = marshal.dumps(self.entries)
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _private(os.stat(self.path.parent)):
                return
            handle, name = tempfile.mkstemp(dir=self.path.parent)
            try:
                with open(handle, "wb") as file:
                    file.write(hashlib.sha256(data).digest() + data)
                os.replace(name, self.path)
                self.changed = False
            except OSError:
                os.unlink(name)

    def _read(self) -> dict[str, tuple[str, Any]]:
        with contextlib.suppress(OSError):
            handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW)
            with open(handle, "rb") as file:
                if _private(os.stat(self.path.parent)) and _private(os.fstat(handle)):
                    digest, data = file.read(32), file.read()
                    if hashlib.sha256(data).digest() == digest:
                        return marshal.loads(data)
        return {}


def _private(status: os.stat_result) -> bool:
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
