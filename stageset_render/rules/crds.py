# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The controller's CustomResourceDefinitions, which the chart has among its templates and the pack has not."""

from stageset_render.findings import ERROR, WARNING
from stageset_render.rules import Rule

HELM = "https://helm.sh/docs/chart_best_practices/custom_resource_definitions/"

DECLARED = (
    Rule(
        "crds-unusable",
        ERROR,
        HELM,
        "What --crds names can't be read, or is no definition.",
        "The definitions would be missing from what is rendered. This can't be ignored.",
    ),
    Rule(
        "crds-left-out",
        WARNING,
        HELM,
        "The definitions belong to the release, and are not given.",
        "They are not rendered: where the cluster does not have them, no StageSet can be written, and an upgrade leaves the "
        "old ones. Nothing is said where none could be missed: with --dry-run, and where no manifests are printed.",
    ),
    Rule(
        "crds-without-effect",
        WARNING,
        HELM,
        "The definitions are given, and do not belong to the release.",
        "They are not rendered.",
    ),
)
