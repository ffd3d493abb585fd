# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Labels and annotations that values add."""

from stageset_render.findings import ERROR
from stageset_render.pack.facts import labels
from stageset_render.rules import rule

MOST = 262144  # bytes: validation.TotalAnnotationSizeLimitB of k8s.io/apimachinery


@rule(ERROR, "https://helm.sh/docs/chart_best_practices/labels/")
def metadata_label_twice(release):
    """An added label that every object of the release has already.

    It would stand twice in one map, and a selector could lose its pods."""
    paths = ["deployment.additionalLabels", "pod.additionalLabels"]
    paths += ["metrics.serviceMonitor.additionalLabels"] * bool(release.at("metrics.serviceMonitor.enabled"))
    paths += ["metrics.prometheusRule.labels"] * bool(release.at("metrics.prometheusRule.enabled"))
    for path in paths:
        for key in release.at(path) or ():
            if key in release.fact(labels):
                yield (path, key), "is a label that every object of the release has already", "choose another"


@rule(ERROR, "https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/")
def metadata_annotations_too_large(release):
    """Annotations of more than 256 KiB.

    The API server refuses the object."""
    paths = ["serviceAccount.annotations"]
    paths += ["metrics.prometheusRule.annotations"] * bool(release.at("metrics.prometheusRule.enabled"))
    for path in paths:
        size = sum(len(key.encode()) + len((value or "").encode()) for key, value in (release.at(path) or {}).items())
        if size > MOST:
            yield path, f"has {size} bytes of keys and values, and an object takes {MOST} at most", "write less"
