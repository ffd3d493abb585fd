# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is wrong with a values file itself."""

from stageset_render.findings import ERROR
from stageset_render.rules import Rule

YAML = "https://yaml.org/spec/1.2.2/"

DECLARED = (
    Rule(
        "yaml-unreadable",
        ERROR,
        YAML,
        "A values file, or the file that an option names, can't be read.",
        "There are no values then. This can't be ignored.",
    ),
    Rule(
        "yaml-encrypted",
        ERROR,
        "https://getsops.io/docs/",
        "A values file is encrypted by SOPS.",
        "Each of its values would be rendered as the text that it is encrypted to. This can't be ignored.",
    ),
    Rule(
        "yaml-manifest",
        ERROR,
        "https://helm.sh/docs/chart_template_guide/values_files/",
        "A values file is an object of Kubernetes, such as a HelmRelease.",
        "None of its keys is a value of the chart. This can't be ignored.",
    ),
    Rule(
        "yaml-template",
        ERROR,
        YAML,
        "A values file holds what a template engine or a shell should have filled in.",
        "`{{ x }}` and `${X}` would be taken at their word. Where they are no YAML either, this can't be ignored.",
    ),
    Rule(
        "yaml-key-twice",
        ERROR,
        YAML + "#mapping",
        "A key that stands twice in one map.",
        "Helm takes the last one without a word, and the other, perhaps a restriction, is gone; ignored, this "
        "does the same.",
    ),
    Rule(
        "yaml-merge-wins",
        ERROR,
        "https://yaml.org/type/merge.html",
        "A key that a `<<` further down sets as well.",
        "Helm lets the merged value win, YAML the one that is written out; ignored, the merged value wins.",
    ),
)
