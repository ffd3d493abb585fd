# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The two sides of a comparison: the files of a chart and of the pack, and what Helm and the pack render of them."""

from __future__ import annotations

import collections
import contextlib
import functools
import importlib.util
import itertools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from stageset_render.findings import Finding, Place, Refused, short
from stageset_render.helm.documents import documents
from stageset_render.helm.reading import HARD, Document, load_yaml, merged
from stageset_render.pack import files, rendering
from stageset_render.pack.definitions import is_definition
from stageset_render.pack.release import defaults
from stageset_render.port.chart import ported_names
from stageset_render.port.diff import helm_process
from stageset_render.port.diff.places import saying
from stageset_render.port.sources import TESTS, chart_files
from stageset_render.port.versions import about

NO_HELM = (
    "there is no Helm to render the chart with; install one: in the checkout, pip install '.[helm]', "
    "or the helm command, https://helm.sh/docs/intro/install"
)
MAX_FILE = 2**20  # characters of a file that is compared; the largest of this chart's has a twentieth
AT = re.compile(r"\(?[\w.-]+/((?:charts/[\w.-]+/)*templates/[^\s:()]+):(\d+)(?::(\d+))?\)?:?\s*")
ABOUT = re.compile(r'^executing "[^"]*" ')
OF_OUTPUT = re.compile(
    r" \(in what starts on line|; as deep as the line"
)  # in a message about lines of what is rendered
_stamps = itertools.count()
Objects = dict[str, list[tuple[str, dict]]]  # KIND NAMESPACE/NAME to all (file, object) pairs of this name


class Hopeless(Refused):
    """What other values would not change: nothing can be rendered."""


class Chart:
    """A chart that the pack is held against.

    Args:
        where: its directory or .tgz.

    Attributes:
        files: the files by their paths in it; definitions, which are not compared, have no text.
        about: what templates see as `Chart`: the pack renders under the versions of the chart.

    Raises:
        Refused: when it is no chart, or too large.
        OSError: when a file can't be read.
    """

    def __init__(self, where: str):
        if os.path.exists(where) and not os.path.isdir(where) and not os.path.isfile(where):
            raise Refused(Finding((), "is neither a directory nor a file; name a chart", place=Place(where)))
        self.where, self._stamp = where, next(_stamps)
        self.files = {name: "" if is_definition(name) else text for name, text in chart_files(where).items()}
        if large := [name for name, text in self.files.items() if len(text) > MAX_FILE]:
            problem = f"it is larger than {MAX_FILE // 2**20} MiB, the most that is compared"
            raise Refused(*(Finding((), problem, place=Place(self.label(name))) for name in large))
        self.about = {**files.CHART, **about(self.files, self.label(""))}

    def label(self, file: str) -> str:
        """How messages name a file of the chart."""
        return os.path.join(self.where, file)

    def rendered(self, values: dict, name: str, namespace: str) -> dict[str, str]:
        """What Helm makes of the chart: path in the chart to text.

        Raises:
            Hopeless: when there is no Helm, or it does not end.
            Refused: when it refuses.
        """
        try:
            if importlib.util.find_spec("helm_python") is None:
                return self._by_command(values, name, namespace)
            about = {"chart": self.where, "stamp": self._stamp, "name": name, "namespace": namespace}
            answer = helm_process.rendered({**about, "values": values})
        except (helm_process.Endless, subprocess.TimeoutExpired):
            most = f"{helm_process.SECONDS} s or {helm_process.MEMORY // 2**30} GiB"
            problem = f"to render it, Helm takes more than {most}; look for a loop or a `repeat` without a bound"
            raise Hopeless(Finding((), problem, place=Place(self.where))) from None
        if "error" in answer:
            raise self._failed(answer["error"])
        return answer["texts"]

    def _by_command(self, values: dict, name: str, namespace: str) -> dict[str, str]:
        command = shutil.which("helm")
        if command is None:
            raise Hopeless(NO_HELM)
        done = subprocess.run(
            [command, "template", name, self.where, "-n", namespace, "-f", "-"],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            timeout=helm_process.LAST * helm_process.SECONDS,
        )
        if done.returncode:
            raise self._failed(done.stderr)
        texts = collections.defaultdict(str)
        for page in re.split(r"^---\n(?=# Source: )", done.stdout, flags=re.M)[1:]:
            line, _, text = page.partition("\n")
            texts[line.partition("/")[2]] += f"---\n{text}"
        return dict(texts)

    def _failed(self, said: str) -> Refused:
        """Helm's words, at the line that they name last: that of the helper which fails, not of what includes it."""
        *_, last = [None, *AT.finditer(said)]
        place = Place(self.where)
        if last:
            place = Place(self.label(last[1]), int(last[2]), int(last[3]) if last[3] else None)
            said = ABOUT.sub("", said[last.end() :])
        return Refused(Finding((), f"the chart fails: {short(' '.join(said.split()))}", place=place))

    def objects(self, values: dict, name: str, namespace: str) -> Objects:
        """The objects that it renders; see `rendered` and `objects`."""
        return objects(self.rendered(values, name, namespace), self.files, self.label)

    @functools.cached_property
    def changed_defaults(self) -> dict:
        """The chart's defaults that are not the pack's, of those that both have; none where they can't be read."""
        with contextlib.suppress(Refused):
            return _changed(load_yaml(self.files.get("values.yaml", ""), "values.yaml") or {}, defaults())
        return {}


def _changed(theirs: dict, ours: dict) -> dict:
    found = {}
    for key in ours.keys() & theirs.keys():
        if isinstance(theirs[key], dict) and isinstance(ours[key], dict):
            found[key] = _changed(theirs[key], ours[key])
        elif theirs[key] != ours[key]:
            found[key] = theirs[key]
    return {key: value for key, value in found.items() if value != {}}


def pack_files() -> dict[str, str]:
    """The pack's own sources under the names that they have in the chart."""
    texts = {f"templates/{name}": files.source(name) for name in ported_names()}
    about = json.dumps({key[0].lower() + key[1:]: value for key, value in files.CHART.items()})
    own = {"values.yaml": files.source(files.DEFAULTS), files.SCHEMA: files.text(files.SCHEMA), "Chart.yaml": about}
    return texts | own


def pack_objects(chart: Chart, values: dict, name: str, namespace: str) -> Objects:
    """The objects that the pack renders under a chart's versions, and under its defaults where the pack takes them.

    Raises:
        Refused: when it refuses.
    """

    def render(given: dict) -> dict[str, str]:
        return rendering.render(given, name=name, namespace=namespace, chart=chart.about)

    try:
        texts = render(merged(chart.changed_defaults, values))
    except Refused:
        if not chart.changed_defaults:
            raise
        texts = render(values)
    return objects({f"templates/{file}": text for file, text in texts.items()}, pack_files())


def objects(texts: dict[str, str], sources: dict[str, str], label: Callable[[str], str] = str) -> Objects:
    """The objects in rendered texts, less the definitions.

    Args:
        texts: path in the chart to what is rendered of it.
        sources: path to template.
        label: how messages name a template.

    Raises:
        Refused: when a document is not YAML, or no object.
    """
    found = collections.defaultdict(list)
    for file in sorted(texts):
        if Path(file).name.startswith("_") or file.endswith(".txt") or is_definition(file) or file.startswith(TESTS):
            continue
        for document in documents(texts[file]):

            def refused(problem: str, line: int = 1, file: str = file, document: str = document) -> Refused:
                at = saying(sources.get(file, ""), document.split("\n"), line - 1)
                return Refused(Finding((), problem, place=Place(label(file), at)))

            for one in _values(document, refused):
                metadata = one.get("metadata") if isinstance(one, dict) else None
                if not isinstance(metadata, dict) or "kind" not in one:
                    raise refused("what it renders is no object: it has no kind or metadata")
                place = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
                found[f"{one['kind']} {place}"].append((file, one))
    return found


def _values(document: str, refused: Callable[..., Refused]) -> list:
    """The values of a rendered document as Kubernetes reads them, less those that are null."""
    try:
        read = Document(document, "")
        values = [read.value(root) for root in read.roots]
        problems = [one for one in read.problems if one.rule in HARD]
    except Refused as error:
        problems, values = error.problems, []
    for problem in problems:
        message = OF_OUTPUT.split(problem.message)[0]
        raise refused(f"what it renders is no YAML: {message}", problem.place.line or 1)
    return [one for one in values if one is not None]
