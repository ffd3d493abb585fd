# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What several rules ask about a release; `Release.fact` makes each once."""

from __future__ import annotations

from stageset_render.helm.writing import to_int
from stageset_render.pack.release import Release

SWITCHES = {"gate": "gate.enabled", "mcp": "mcp.enabled", "webhook": "webhook.enabled"}


def ports(release: Release) -> dict[str, int]:
    """The ports that the pod has, by name: those that are always there, and those that are turned on."""
    named = ("gate", "health", "mcp", "metrics", "webhook")
    on = [name for name in named if name not in SWITCHES or release.at(SWITCHES[name])]
    return {name: to_int(release.at(f"ports.{name}")) for name in on}


def labels(release: Release) -> dict[str, str]:
    """The labels of every object."""
    return _labels(release.helper("labels"))


def _labels(text: str) -> dict[str, str]:
    """What a helper prints of labels: a line each, in quotes or not, and no quote inside."""
    pairs = (line.partition(": ") for line in text.splitlines())
    return {key: value.strip('"') for key, _, value in pairs}


def pod_labels(release: Release) -> dict[str, str]:
    """The labels of the controller's pods."""
    return {**release.fact(labels), **(release.at("pod.additionalLabels") or {})}


def several_pods(release: Release) -> bool:
    """Whether more than one of the controller's pods may run."""
    return to_int(release.at("replicas.max")) > 1 or to_int(release.at("replicas.min")) > 1


def scaling(release: Release) -> bool:
    """Whether an autoscaler decides how many pods run."""
    return to_int(release.at("replicas.max")) > to_int(release.at("replicas.min"))
