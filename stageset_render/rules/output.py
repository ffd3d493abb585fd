# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is found in what is rendered."""

from stageset_render.findings import ERROR, WARNING
from stageset_render.rules import Rule

DECLARED = (
    Rule(
        "output-unwritable",
        ERROR,
        "https://helm.sh/docs/helm/helm_template/#options",
        "A file of --output-dir can't be written.",
        "What an earlier run has written stays as it is. This can't be ignored.",
    ),
    Rule(
        "output-lint",
        ERROR,
        "https://yamllint.readthedocs.io/en/stable/rules.html",
        "yamllint finds something.",
        "Only with --lint; the place is that in what would be printed.",
    ),
    Rule(
        "output-lint-part",
        WARNING,
        "https://yamllint.readthedocs.io/en/stable/rules.html",
        "So much is rendered that yamllint is not run over all of it.",
        "It would take minutes; what is left out may hold what it would find.",
    ),
    Rule(
        "output-hook",
        WARNING,
        "https://helm.sh/docs/topics/charts_hooks/",
        "An object has a hook of a kind that Helm does not know.",
        "Helm neither prints nor installs it, so neither does the pack.",
    ),
    Rule(
        "output-stale",
        WARNING,
        "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_apply/",
        "A file that an earlier run has written renders nothing now.",
        "`kubectl apply -R` would still apply it, and with it what the values have turned off.",
    ),
)
