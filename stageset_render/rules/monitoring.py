# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What Prometheus takes: alerts, their labels and annotations, durations."""

import re

from stageset_render.findings import ERROR, WARNING, short
from stageset_render.helm.writing import to_string
from stageset_render.rules import rule

ALERTS = "https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/"
LABELS = "https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels"
NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
RULES = "metrics.prometheusRule"


@rule(ERROR, ALERTS)
def monitoring_runbook_key_taken(release):
    """The annotation for the runbook is one that every alert has already.

    It would stand twice in one map."""
    key = release.at(f"{RULES}.runbookAnnotationKey")
    if release.at(f"{RULES}.enabled") and key in ("summary", "description"):
        path = f"{RULES}.runbookAnnotationKey"
        yield path, f"{key} is an annotation that every alert has already", "choose another"


@rule(ERROR, "https://prometheus.io/docs/prometheus/latest/querying/basics/#time-durations")
def monitoring_duration_blank(release):
    """A duration of an alert that is blank.

    Prometheus, or its operator's admission, refuses the whole object, and no alert is there at all."""
    paths = []
    if release.at(f"{RULES}.enabled"):
        thresholds = release.at(f"{RULES}.thresholds") or {}
        paths = [f"{RULES}.interval"] + [f"{RULES}.thresholds.{key}" for key in thresholds if key.endswith("Duration")]
        for index, one in enumerate(release.items(f"{RULES}.extraRules")):
            if isinstance(one.get("for"), str) and not one["for"].strip():
                yield (
                    (f"{RULES}.extraRules", index, "for"),
                    "is blank, which is no duration",
                    "write one, or leave it out",
                )
    for path in paths:
        value = release.at(path)
        if isinstance(value, str) and not value.strip():
            yield path, "is blank, which is no duration", "write one, such as 30s"


@rule(ERROR, LABELS)
def monitoring_label_reserved(release):
    """A label of alerts that Prometheus keeps for itself.

    Prometheus refuses the whole object, and no alert is there at all."""
    if release.at(f"{RULES}.enabled") and "__name__" in (release.at(f"{RULES}.extraAlertLabels") or ()):
        path = (f"{RULES}.extraAlertLabels", "__name__")
        yield path, "is the name of the series itself, and no label of an alert", "choose another"


@rule(WARNING, LABELS)
def monitoring_name_of_version_3(release):
    """A label or annotation whose name Prometheus takes from version 3 on alone.

    An older Prometheus refuses the whole object, and no alert is there at all."""
    if not release.at(f"{RULES}.enabled"):
        return
    for key in release.at(f"{RULES}.extraAlertLabels") or ():
        if not NAME.fullmatch(key):
            yield (
                f"{RULES}.extraAlertLabels",
                f'"{short(key, 60)}" is a label name that Prometheus takes from version 3 on alone',
                "letters, digits and _, no digit first, fit every version",
            )
    key = to_string(release.at(f"{RULES}.runbookAnnotationKey"))
    if not NAME.fullmatch(key):
        yield (
            f"{RULES}.runbookAnnotationKey",
            f'"{short(key, 60)}" is an annotation name that Prometheus takes from version 3 on alone',
            "letters, digits and _, no digit first, fit every version",
        )
