# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The two sides of a comparison: the files of a chart and of the pack, and what Helm and the pack render of them."""

from __future__ import annotations

import collections
import copy
import json
import re
import shutil
import subprocess
from pathlib import Path

import yaml

from stageset_render.findings import Refused
from stageset_render.helm.documents import documents
from stageset_render.pack import files, rendering
from stageset_render.port.chart import ported_names
from stageset_render.port.sources import chart_files

NO_HELM = (
    "there is no Helm to render the chart with; install one: pip install 'stageset-render[helm]', "
    "or the helm command, https://helm.sh/docs/intro/install"
)


def pack_files() -> dict[str, str]:
    """The pack's own sources under the names that they have in the chart."""
    texts = {f"templates/{name}": files.source(name) for name in ported_names()}
    texts["values.yaml"] = files.source(files.DEFAULTS)
    texts["values.schema.json"] = files.text(files.SCHEMA)
    return {**texts, "Chart.yaml": ""}


def about(chart: str) -> dict:
    """What templates see as `Chart`: the pack renders under the versions of the chart that it is held against."""
    try:
        read = yaml.load(chart_files(chart)["Chart.yaml"], yaml.CSafeLoader)
        found = {"Version": str(read["version"]), "AppVersion": str(read.get("appVersion", ""))}
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise Refused(f"{chart}: Chart.yaml has no version; write one") from error
    return {**files.CHART, **found}


def chart_rendered(chart: str, values: dict, name: str, namespace: str) -> dict[str, str]:
    """What Helm makes of the chart: path in the chart to text.

    Raises:
        Refused: when there is no Helm, or it refuses.
    """
    try:
        import helm_python
    except ImportError:
        return _helm_command(chart, values, name, namespace)
    try:
        with helm_python.Chart.load(chart) as loaded:
            texts = loaded.render(copy.deepcopy(values), name=name, namespace=namespace)
    except helm_python.HelmError as error:
        raise Refused(f"the chart fails: {error}") from error
    return {path.partition("/")[2]: text for path, text in texts.items()}


def _helm_command(chart: str, values: dict, name: str, namespace: str) -> dict[str, str]:
    command = shutil.which("helm")
    if command is None:
        raise Refused(NO_HELM)
    done = subprocess.run(
        [command, "template", name, chart, "-n", namespace, "-f", "-"],
        input=json.dumps(values),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise Refused(f"the chart fails: {done.stderr.strip()}")
    texts = collections.defaultdict(str)
    for page in re.split(r"^---\n(?=# Source: )", done.stdout, flags=re.M)[1:]:
        line, _, text = page.partition("\n")
        texts[line.partition("/")[2]] += f"---\n{text}"
    return dict(texts)


def pack_rendered(chart: str, values: dict, name: str, namespace: str) -> dict[str, str]:
    """The same of the pack. Raises Refused when it refuses."""
    try:
        texts = rendering.render(values, name=name, namespace=namespace, chart=about(chart))
    except Refused as refused:
        raise Refused(f"the pack refuses: {refused}") from refused
    return {f"templates/{file}": text for file, text in texts.items()}


class _Loader(yaml.CSafeLoader):
    """Reads a plain `=` as the text that it is."""


_Loader.add_constructor("tag:yaml.org,2002:value", yaml.CSafeLoader.construct_scalar)


def objects(texts: dict[str, str], side: str) -> dict[str, list[tuple[str, dict]]]:
    """The objects in rendered texts: KIND NAMESPACE/NAME to all (file, object) pairs of this name.

    Raises:
        Refused: when a document is not YAML, or no object.
    """
    found = collections.defaultdict(list)
    for file in sorted(texts):
        if Path(file).name.startswith("_") or file.endswith(".txt"):
            continue
        for document in documents(texts[file]):
            try:
                read = json.loads(json.dumps(yaml.load(document, _Loader), default=str))  # as Kubernetes does
            except (yaml.YAMLError, TypeError, ValueError) as error:
                raise Refused(f"{side} renders what is no YAML of an object in {file}: {error}") from error
            if read is None:
                continue
            metadata = read.get("metadata") if isinstance(read, dict) else None
            if not isinstance(metadata, dict) or "kind" not in read:
                raise Refused(f"{side} renders what is no object in {file}: it has no kind or metadata")
            place = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
            found[f"{read['kind']} {place}"].append((file, read))
    return found
