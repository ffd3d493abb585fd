# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is written is there whole or not at all, whatever stands beside it, ends it or runs meanwhile; and --lint."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from stageset_render.findings import WARNING, Place
from stageset_render.pack import output
from stageset_render.pack.files import LINT_RULES, text

PAGES = [("templates/a.yaml", "1"), ("templates/b.yaml", "2"), ("templates/b.yaml", "3"), ("crds/c.yaml", "4")]


def written(place):
    return {str(path.relative_to(place)): path.read_text() for path in place.rglob("*") if path.is_file()}


def test_files_take_their_places_all_at_once(tmp_path):
    (tmp_path / "old").mkdir()
    staged = output.Staged()
    staged.add(PAGES, str(tmp_path / "new" / "out"))
    staged.add([("a.yaml", "5")], str(tmp_path))
    staged.add([("a.yaml", "6")], str(tmp_path / "old"))
    assert {name.split("/")[-2 if name.startswith("old") else 0][:17] for name in written(tmp_path)} == {
        ".stageset-render-"
    }
    assert not [name for name in written(tmp_path) if name.endswith(".yaml")]  # that `kubectl apply -R` would take
    staged.commit()
    assert written(tmp_path) == {
        "a.yaml": "5",
        "new/out/templates/a.yaml": "1",
        "new/out/templates/b.yaml": "23",
        "new/out/crds/c.yaml": "4",
        "old/a.yaml": "6",
    }
    assert sorted(os.listdir(tmp_path)) == ["a.yaml", "new", "old"]


def test_what_is_discarded_leaves_nothing(tmp_path):
    staged = output.Staged()
    staged.add(PAGES, str(tmp_path / "new" / "out"))
    staged.discard()
    staged.commit()
    assert os.listdir(tmp_path) == []


def test_what_others_left_is_not_touched(tmp_path):
    """A process of the same id has been killed here, in containers every time, as has another of this version."""
    (tmp_path / "templates" / ".stageset-render-abcdefgh" / "templates").mkdir(parents=True)
    left = [
        f"templates/.a.yaml.{os.getpid()}.new",
        f"templates/.other.yaml.{os.getpid()}.new",
        "templates/.stageset-render-abcdefgh/a.yaml.new",
        "templates/.stageset-render-abcdefgh/templates/a.yaml.new",
    ]
    for name in left:
        (tmp_path / name).write_text("half a fi")
    output.write(PAGES, str(tmp_path))
    assert written(tmp_path) == {
        **dict.fromkeys(left, "half a fi"),
        "templates/a.yaml": "1",
        "templates/b.yaml": "23",
        "crds/c.yaml": "4",
    }


def test_nobody_else_can_guess_or_enter_where_files_wait(tmp_path, monkeypatch):
    made = []
    make = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **options: made.append(make(**options)) or made[-1])
    for _ in range(2):
        staged = output.Staged()
        staged.add(PAGES, str(tmp_path / "out"))
    assert len(set(made)) == 2
    assert {stat.S_IMODE(os.stat(path).st_mode) for path in made} == {0o700}


@pytest.mark.parametrize("in_the_way", ["templates/a.yaml", "crds/c.yaml"])
def test_a_directory_in_the_place_of_a_file(tmp_path, in_the_way):
    (tmp_path / in_the_way).mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(IsADirectoryError) as error:
        output.write(PAGES, str(tmp_path))
    assert error.value.filename == str(tmp_path / in_the_way)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("make", [lambda path: path.write_text(""), lambda path: path.symlink_to("nowhere")])
def test_what_is_no_directory_in_the_place_of_one(tmp_path, make):
    make(tmp_path / "out")
    with pytest.raises(NotADirectoryError) as error:
        output.write(PAGES, str(tmp_path / "out" / "stageset-controller"))
    assert error.value.filename == str(tmp_path / "out")
    assert os.listdir(tmp_path) == ["out"]


def test_a_directory_that_cannot_be_written_is_named_and_not_what_would_be_made_in_it(tmp_path, monkeypatch):
    def forbidden(prefix, dir):
        raise PermissionError(13, "Permission denied", f"{dir}/{prefix}x")

    monkeypatch.setattr(tempfile, "mkdtemp", forbidden)
    with pytest.raises(PermissionError) as error:
        output.write(PAGES, str(tmp_path / "out"))
    assert (error.value.filename, error.value.strerror) == (str(tmp_path), "Permission denied")


def slowly(monkeypatch, seconds=0.001):
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda *paths: (time.sleep(seconds), replace(*paths)))


def test_two_runs_at_once_are_one_after_the_other(tmp_path, monkeypatch):
    slowly(monkeypatch)
    names = [f"{directory}/{number}.yaml" for directory in ("templates", "crds") for number in range(20)]
    for round in range(3):
        runs = []
        for run in "ab":
            staged = output.Staged()
            for release in ("one", "two"):
                staged.add([(name, f"{run}{round}") for name in names], str(tmp_path / "out" / release))
            runs.append(threading.Thread(target=staged.commit))
        for thread in runs:
            thread.start()
        for thread in runs:
            thread.join()
        found = written(tmp_path)
        assert len(found) == 80
        assert set(found.values()) in ({f"a{round}"}, {f"b{round}"})


def test_who_holds_a_directory_for_ever_is_not_waited_for(tmp_path, monkeypatch):
    naps = []
    monkeypatch.setattr(time, "sleep", naps.append)
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    output.write(PAGES, str(tmp_path))
    os.close(handle)
    assert len(written(tmp_path)) == 3
    assert 1 < sum(naps) < 10


RUN = """
import os, sys, time
from stageset_render.pack import output
replace = os.replace
os.replace = lambda *paths: (time.sleep(0.05), replace(*paths))
with output.ended_in_order():
    staged = output.Staged()
    try:
        staged.add([(f"{number}.yaml", "x") for number in range(20)], "out")
        print("staged", flush=True)
        if sys.argv[1] == "stage":
            time.sleep(60)
        staged.commit()
        time.sleep(60)
    finally:
        staged.discard()
"""


@pytest.mark.parametrize("phase, files", [("stage", 0), ("commit", 20)])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_who_is_asked_to_end_puts_away_what_waits_and_ends_what_is_begun(tmp_path, number, phase, files):
    command = [sys.executable, "-c", RUN, phase]
    run = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **PATH}
    )
    assert run.stdout.readline() == b"staged\n"
    time.sleep(0.2)
    run.send_signal(number)
    assert run.wait(20) == (-number if number == signal.SIGINT else 128 + number)
    run.communicate()
    assert len(written(tmp_path)) == files
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


PATH = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_an_end_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with output.ended_in_order():
            os.kill(os.getpid(), signal.SIGHUP)
            with pytest.raises(SystemExit) as ended:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(1)
            os.kill(os.getpid(), signal.SIGTERM)  # a second one
        assert ended.value.code == 143
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_many_directories_that_are_there_take_little_memory(tmp_path):
    staged = output.Staged()
    for number in range(100):
        (tmp_path / str(number)).mkdir()
        staged.add([("a.yaml", "x" * 10_000)], str(tmp_path / str(number)))
    held = sum(len(path) + len(stage) for path, stage in staged._stages.items())
    assert held < 100 * 400
    staged.commit()
    assert len(written(tmp_path)) == 100


# yamllint

RULES = text(LINT_RULES)
PAGE = "---\n# Source: c/templates/a.yaml\na:\n  b: c\n"


def test_what_yamllint_finds_has_its_place_in_the_output():
    pages = [
        ("templates/a.yaml", PAGE),
        ("templates/b.yaml", PAGE + "x: y \n"),
        ("templates/c.yaml", "---\na: 1\na: 2\n"),
    ]
    found = list(output.lint(pages, RULES))
    assert [(*one.place[1:], one.message.split(" (")[0]) for one in found] == [
        (9, 5, "trailing spaces"),
        (12, 1, 'duplication of key "a" in mapping'),
    ]
    assert {(one.rule, one.place.file) for one in found} == {("output-lint", "output")}
    assert not list(output.lint(pages[:1], RULES))


def large(count):
    return "---\na:\n" + "".join(f"  label-{number}: b\n" for number in range(count))


def test_not_all_of_a_large_output_is_linted_which_is_told():
    pages = [
        ("templates/a.yaml", PAGE + "x: y \n"),
        ("templates/b.yaml", large(60_000)),
        ("templates/c.yaml", "---\na: b \n"),
    ]
    start = time.process_time()
    found = list(output.lint(pages, RULES))
    assert time.process_time() - start < 1
    assert [(one.rule, one.place) for one in found] == [
        ("output-lint", Place("output", 5, 5)),
        ("output-lint", Place("output", 60_009, 5)),
        ("output-lint-part", None),
    ]
    assert found[-1].message.startswith("1 of 3 documents are not linted")
    assert found[-1].level == WARNING


def test_many_documents_are_not_all_linted():
    found = list(output.lint([("templates/a.yaml", PAGE + "# " + "x" * 1000 + "\n")] * 2_000, RULES))
    assert [one.rule for one in found] == ["output-lint-part"]


def test_definitions_are_linted_beside_the_rest(monkeypatch):
    page = large(100)
    monkeypatch.setattr(output, "MOST_LINTED", len(page) - 1)
    pages = [("crds/a.yaml", page), ("templates/crd-b.yaml", page + "x: y \n"), ("templates/a.yaml", PAGE)]
    assert [one.rule for one in output.lint(pages, RULES)] == ["output-lint"]
    assert [one.rule for one in output.lint([("crds/a.yaml", large(50_000))], RULES)] == ["output-lint-part"]
