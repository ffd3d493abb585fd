# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The cache of what was compiled and parsed: used when it can be trusted, ignored without harm when not."""

import os
import stat
from pathlib import Path

import jinja2
import pytest

from stageset_render.pack import cache


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a" / "b" / "file"


def compilations(path, source="{{ x }}"):
    """How many templates a new process would compile to render this one; checks what is rendered."""
    count = 0

    class Counting(jinja2.Environment):
        def _compile(self, *arguments):
            nonlocal count
            count += 1
            return super()._compile(*arguments)

    kept = cache.Cache(path)
    env = Counting(loader=jinja2.DictLoader({"t": source}), bytecode_cache=kept, autoescape=False)
    assert env.get_template("t").render(x=1) == source.replace("{{ x }}", "1")
    kept.save()
    return count


def test_a_second_run_compiles_nothing(path):
    assert [compilations(path), compilations(path)] == [1, 0]


def test_a_changed_template_is_compiled_again(path):
    assert [compilations(path), compilations(path, "{{ x }}!"), compilations(path, "{{ x }}!")] == [1, 1, 0]


def test_the_directory_and_its_entries_are_the_owners_alone(path):
    compilations(path)
    assert [stat.S_IMODE(place.stat().st_mode) for place in (path.parent, path)] == [0o700, 0o600]
    assert list(path.parent.iterdir()) == [path]


def test_what_was_parsed_is_kept_until_its_text_changes(path):
    made = []

    def parsed(text):
        kept = cache.Cache(path)
        value = kept.value("key", text, lambda: made.append(text) or {"text": text})
        kept.save()
        return value["text"]

    assert [parsed(text) for text in "aabba"] == [*"aabba"]
    assert made == ["a", "b", "a"]


def damage_first_byte(entry):
    entry.write_bytes(b"\0" + entry.read_bytes()[1:])


def damage_last_byte(entry):
    data = entry.read_bytes()
    entry.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def cut(entry):
    entry.write_bytes(entry.read_bytes()[:-10])


def empty(entry):
    entry.write_bytes(b"")


def replace_by_a_link(entry):
    target = entry.rename(entry.parent.parent / "elsewhere")
    entry.symlink_to(target)


def open_to_the_group(entry):
    entry.chmod(0o660)


def open_directory_to_others(entry):
    entry.parent.chmod(0o777)


def remove_directory(entry):
    entry.unlink()
    entry.parent.rmdir()


def replace_by_a_directory(entry):
    entry.unlink()
    entry.mkdir()


DAMAGES = [
    damage_first_byte, damage_last_byte, cut, empty, replace_by_a_link, open_to_the_group, open_directory_to_others,
    remove_directory, replace_by_a_directory,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_cannot_be_trusted_is_compiled_again(path, damage):
    compilations(path)
    damage(path)
    assert compilations(path) == 1


def test_what_belongs_to_another_user_is_not_trusted(path, monkeypatch):
    compilations(path)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert compilations(path) == 1


def test_a_directory_that_cannot_be_made_does_no_harm(tmp_path):
    (tmp_path / "file").write_text("")
    assert [compilations(tmp_path / "file" / "cache") for _ in range(2)] == [1, 1]


def test_the_directory_follows_xdg(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache.directory().parent == Path("/x/stageset-render")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache.directory().parent == Path("/home/someone/.cache/stageset-render")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.directory().is_absolute()
