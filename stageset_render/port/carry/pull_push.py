# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What `pull` and `push` do: changes of a chart become those of the pack, and the other way round."""

from __future__ import annotations

import difflib
import fnmatch
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from stageset_render.findings import Finding, Place, Refused
from stageset_render.helm.reading import load_yaml
from stageset_render.pack.definitions import is_definition
from stageset_render.pack.files import CHART, DEFAULTS, SCHEMA, root
from stageset_render.pack.output import write
from stageset_render.port import chart as porting
from stageset_render.port import sources, versions
from stageset_render.port.carry import base, schema, schema_parts
from stageset_render.port.carry.changes import Carriage, Change, Changes, told
from stageset_render.port.deliberate import entries
from stageset_render.port.diff.compare import bound_differences
from stageset_render.port.diff.differences import ABSENT
from stageset_render.port.diff.report import reason
from stageset_render.port.language import translate
from stageset_render.port.versions import Chart, Pack, Version

NEAR = 2  # lines


def pull(chart: str, since: str | None = None, only: str | None = None) -> tuple[Changes, list[str]]:
    """What becomes of the pack's files when a chart is taken over.

    Args:
        chart: its directory or .tgz.
        since: its older version, from which on changes are taken over; by itself all that differs is.
        only: the name of one file.

    Returns:
        The changes, and sentences about what is left alone.

    Raises:
        Refused: for a chart that can't be read, and with all that has no exact form.
        OSError: when a file can't be read.
    """
    files = sources.chart_files(chart)
    values = _values(files, chart)
    pack = Pack(sources.pack_files(), values=values)
    if only is None and not any(Chart.is_template(name) for name in files):
        raise Refused(
            f"{chart}: has no templates, and without any nothing of the pack would be left; name a whole chart"
        )
    if only in (None, Chart.defaults, DEFAULTS) and not load_yaml(files.get(Chart.defaults, ""), Chart.defaults):
        raise Refused(
            f"{chart}: has no values in values.yaml, and without any nothing of the pack's would be left; write them"
        )
    new = Chart(files, f"{chart.rstrip('/')}/", values).gathered(set(pack.templates))
    old = pack
    if since:
        old = Chart(sources.older_chart(since, chart), f"{since}: ", values).gathered(set(pack.templates))
    found = Carriage(old, new, pack, only).carried()
    if only in (None, "Chart.yaml"):
        now = versions.about(files, new.label)
        was = versions.about(old.files, old.label) if since else {key: CHART[key] for key in now}
        change = versions.mirrored(was, now)
        found.changes += [Change(*change)] if change else []
    if only in (None, SCHEMA, new.defaults, DEFAULTS):
        _schema(old, new, pack, found)
    return _stored(found, root()), [] if only else list(_left(files))


def names(chart: str) -> list[str]:
    """The names of a chart's templates and of the pack's, and of what else `only` may name."""
    files = {*sources.chart_files(chart), *sources.pack_files()}
    return [name.removeprefix("templates/") for name in files]


def _values(files: dict[str, str], chart: str) -> dict:
    """What is known of the values. Refused when they can't be read, or the chart's schema is no map in JSON."""
    load_yaml(files.get(Chart.defaults, ""), f"{chart.rstrip('/')}/{Chart.defaults}")
    try:
        if not isinstance(json.loads(files.get(SCHEMA, "{}")), dict):
            raise ValueError("it is no map")
    except (ValueError, RecursionError) as error:
        raise Refused(f"{chart.rstrip('/')}/{SCHEMA}: is no JSON schema ({error}); mend it") from error
    return translate.known(files)


def _schema(old: Version, new: Version, target: Version, found: Changes) -> None:
    """Carry what changes in the schema; the pack's is made of its parts, anew where the defaults change."""
    before = target.files.get(SCHEMA)
    if before is None:
        return
    base = after = schema.rekeyed(before, found.renamed)
    clashes: list[schema.Clash] = []
    if old is not target and SCHEMA in old.files and SCHEMA in new.files:
        pair = [json.loads(schema.rekeyed(old.files[SCHEMA], found.renamed)), json.loads(new.files[SCHEMA])]
        if isinstance(new, Pack) and "required" in json.loads(before):  # as the pack's own port requires all values
            known = (load_yaml(side.files[side.defaults], side.defaults) or {} for side in (old, new))
            pair = [porting.required(*one) for one in zip(pair, known)]
        if pair[0] != pair[1]:
            after, clashes = schema.carried(*pair, base)
    if isinstance(target, Pack):
        theirs = new.files.get(SCHEMA, "")
        texts = {one.path: one.after for one in found.changes}
        defaults = load_yaml(texts.get(target.defaults, target.files[target.defaults]), target.defaults) or {}
        unchanged = target.defaults not in texts and not found.renamed
        if old is target and unchanged and json.loads(theirs or "{}") == porting.required(json.loads(base), defaults):
            return
        if old is target:
            asked = _unlike(theirs, base, defaults)
        else:
            asked = schema_parts.asked(json.loads(base), json.loads(after), defaults)
        changes, left = schema_parts.changed(defaults, json.loads(theirs or "{}"), before, asked, found.renamed)
        if old is target and asked:
            left = _unlike(theirs, next((text for path, _, text, *_ in changes if path == SCHEMA), before), defaults)
        clashes += left
        found.changes += [Change(*one) for one in changes]
    elif after != before:
        found.changes.append(Change(SCHEMA, before, after))
    for path, *values in clashes:
        name = ".".join(step for step in path if step != "properties")
        said = ["" if one is schema.MISSING else f"{name}: {json.dumps(one, ensure_ascii=False)}" for one in values]
        found.conflicts.append(told(*said, *(_stated(version, path) for version in (target, new))))


def _unlike(theirs: str, ours: str, defaults: dict) -> list[schema.Clash]:
    """What a chart's schema says otherwise than the pack's, but for what does on purpose, and what it is silent about."""
    own = porting.required(json.loads(ours), defaults)
    found = []
    for path, one in bound_differences(json.loads(theirs), own) if theirs else ():
        silent = one.expected is ABSENT and path[-2:-1] == ("properties",)
        said, there = ([] if side is ABSENT else side for side in (one.expected, one.got))
        if path[-1] == "required" and (more := [key for key in said if key not in there]):
            found.append(schema.Clash(path, schema.MISSING, schema.MISSING, more))
        elif not (silent or path[-1] == "required" or reason(one)):
            sides = zip((ours, theirs), (one.got, one.expected))
            found.append(schema.Clash(path, schema.MISSING, *(_as_written(text, path, side) for text, side in sides)))
    return found


def _as_written(text: str, path: tuple, value: object) -> object:
    """What a schema says at a path, or what that comes to where it stands in several places."""
    known = schema.Text(text)
    written = known.data(known.found(path)[1])
    return schema.MISSING if value is ABSENT else value if written is schema.MISSING else written


def _stated(version: Version, path: tuple) -> Place:
    """Where a version says what its schema does at a path: the pack in a part."""
    place = schema_parts.place(path) if isinstance(version, Pack) else None
    return place or Place(version.label + SCHEMA, schema.Text(version.files[SCHEMA]).found(path)[2])


def _left(files: dict[str, str]) -> Iterator[str]:
    definitions = [name for name in files if is_definition(name)]
    if definitions:
        what = "one definition" if len(definitions) == 1 else f"{len(definitions)} definitions"
        yield f"the chart has {what}, such as {definitions[0]}; --crds takes them from the controller's release"
    nested = [name for name in files if name.startswith("templates/") and "/" in name[10:]]
    others = [name for name in nested if not name.startswith(sources.TESTS)]
    if nested != others:
        yield f"{sources.TESTS} is left out; the pack has no tests of Helm's"
    if others:
        yield f"{others[0]}: the pack's templates lie in one folder, so what lies in another is left out; move it there"


def push(chart: str, since: str | None = None, only: str | None = None) -> tuple[Changes, list[str]]:
    """What becomes of a chart's files when what the pack has changed is carried onto them.

    Args:
        chart: its directory.
        since: the commit from which on changes are carried; by itself the last that means what the chart means.
        only: the name of one file.

    Returns, Raises:
        As `pull`.
    """
    files = sources.chart_files(chart)
    new = Pack(sources.pack_files(), values=_values(files, chart))
    target = Chart(files, f"{chart.rstrip('/')}/", new.values)
    told = []
    if since is None:
        theirs = Chart(files, target.label, new.values).gathered(set(new.templates))
        since, apart = base.common(theirs, new.values)
        like = f"was most like the chart; {apart} differ{'s' * (apart == 1)} there"
        like = like if apart else "last meant what the chart means"
        told.append(f"carries what has changed since {since}, when the pack {like}")
    old = Pack(sources.older_pack(since), f"{since}: ", new.values)
    found = Carriage(old, new, target, only).carried()
    if only in (None, SCHEMA):
        _schema(old, new, target, found)
    if found.changes:
        told += _checked(chart, found)
    return _stored(found, Path(chart)), told


def _stored(found: Changes, place: Path) -> Changes:
    """Changes of files as they lie in a directory, byte by byte."""
    for at, one in enumerate(found.changes):
        data = b"" if one.before is None else (place / (one.source or one.path)).read_bytes()
        if data != (one.before or "").encode():
            before, after = sources.as_stored(one.before, one.after or "", data)
            found.changes[at] = one._replace(before=before, after=one.after and after)
    return found


def _checked(chart: str, found: Changes) -> list[str]:
    """Render the chart as it would be, and tell what it renders otherwise than the pack.

    Raises:
        Refused: when the chart fails then as it did not before.
    """
    from stageset_render.port.diff import report, sides

    release = {"name": "stageset", "namespace": "stageset-system"}
    try:
        with tempfile.TemporaryDirectory() as place:
            write([*sources.chart_files(chart).items()], place)
            save(found, Path(place))
            made = sides.Chart(place)
            after = report.report(made, report.cases(made), **release)
            of_chart = [one.place and one.place.file.startswith(place) for one in after.failures]
            failures = [_named(one, place, chart.rstrip("/") or "/") for one in after.failures]
        own = sides.Chart(chart.rstrip("/"))
        before = report.report(own, report.cases(own), **release).failures if failures else []
    except Refused as refused:
        if str(refused) == sides.NO_HELM:
            return ["what the chart renders then is not checked, since there is no Helm"]
        raise
    broken = [one for one, of in zip(failures, of_chart) if of and one not in before]
    if broken:
        raise Refused(*(one._replace(message=f"with what is to be carried, {one.message}") for one in broken))
    wrong = [one for one in after.differences if one.level == "objects"]
    told = [f"the chart then renders {one.where} otherwise than the pack: {one.what} {one.path}" for one in wrong[:5]]
    told += [f"{len(wrong) - 5} more differ"] * (len(wrong) > 5)
    return [*map(str.rstrip, told), *map(str, (*failures, *report.outdated(made)))]


def _named(failure: Finding, place: str, chart: str) -> Finding:
    """A failure of a copy of a chart as one of the chart."""
    at = failure.place and failure.place._replace(file=failure.place.file.replace(place, chart))
    return failure._replace(message=failure.message.replace(place, chart), place=at)


# What is shown and written


def save(found: Changes, place: Path) -> None:
    """Write changes into a directory: all files or none, before those that go are deleted."""
    kept = {one.path: one.after for one in found.changes if one.after is not None}
    write([*kept.items()], str(place))
    for gone in {one.source or one.path for one in found.changes} - kept.keys():
        (place / gone).unlink()


def as_text(found: Changes, deliberate: bool = False) -> str:
    """The changes as a unified diff that `patch -p1` takes; with `deliberate`, a hunk that undoes what differs on purpose
    says why it does."""
    reasons = entries() if deliberate else []
    named = any(change.source for change in found.changes)
    return "".join(line for change in found.changes for line in _diff(change, reasons, named))


def _diff(change: Change, deliberate: list[dict], named: bool) -> Iterator[str]:
    """The diff of a file; `named` above its hunks, as each file has to be beside one that is renamed."""
    old = change.source or change.path
    if named:
        yield f"diff --git a/{old} b/{change.path}\n"
    if change.source:
        yield f"rename from {old}\nrename to {change.path}\n"
    lines = [sources.lines(text or "") for text in (change.before, change.after)]
    names = ["/dev/null" if text is None else name for text, name in zip(change[1:3], (f"a/{old}", f"b/{change.path}"))]
    hunk: list[str] = []
    for line in [*difflib.unified_diff(*lines, *names), "@@"]:
        if hunk and line.startswith("@@"):
            reasons = [entry["reason"] for entry in deliberate if _undoes(entry, change, hunk)]
            if reasons and hunk[0].startswith("@@"):
                hunk[0] = f"{hunk[0].rstrip()} deliberate: {'; '.join(dict.fromkeys(reasons))}\n"
            yield from (part if part.endswith("\n") else f"{part}\n\\ No newline at end of file\n" for part in hunk)
            hunk = []
        hunk.append(line)


def _undoes(entry: dict, change: Change, hunk: list[str]) -> bool:
    """Whether a hunk takes away what an entry of deliberate.yaml is about: on its lines, or on those next to them."""
    gone = [at for at, line in enumerate(hunk) if at and line.startswith("-")]
    removed = [
        line[1:].rstrip("\n") for at, line in enumerate(hunk) if at and any(abs(at - one) <= NEAR for one in gone)
    ]
    path = str(entry.get("pulled", entry.get("path", "*")))
    if not removed or entry["level"] == "schema" or entry.get("what") in ("file", "order"):
        return False
    if entry["level"] == "objects":
        kind, key = entry["where"].split()[0], re.split(r"[.\[*]", path)[-1]
        return f"kind: {kind}\n" in (change.before or "") and any(
            re.search(rf"\b{re.escape(key)}:", line) for line in removed
        )
    return fnmatch.fnmatch(change.path, entry["where"]) and any(fnmatch.fnmatch(line, path) for line in removed)
