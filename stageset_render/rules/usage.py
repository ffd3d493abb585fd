# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is found of the command line."""

from stageset_render.findings import WARNING
from stageset_render.rules import Rule

HELM = "https://helm.sh/docs/helm/helm_template/"

DECLARED = (
    Rule(
        "usage-without-effect",
        WARNING,
        HELM,
        "A flag of `helm template`, or a chart, that changes nothing here.",
        "The templates are the pack's own and no cluster is asked; what it was for may have to be done otherwise.",
    ),
    Rule(
        "usage-empty",
        WARNING,
        HELM,
        "An option whose value is empty, as that of a shell's variable that is not set.",
        "Everything goes into the namespace default, or to stdout.",
    ),
    Rule(
        "usage-other-version",
        WARNING,
        HELM,
        "A version of the chart that is not the one that the pack mirrors.",
        "Labels name it, and the objects are those of the version that is mirrored.",
    ),
)
