# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Splits rendered texts into documents, orders and frames them, as `helm template` does."""

from __future__ import annotations

import re

# The order in which Helm installs kinds (InstallOrder of its releaseutil package); others follow, by kind.
INSTALL_ORDER = """
PriorityClass Namespace NetworkPolicy ResourceQuota LimitRange PodSecurityPolicy PodDisruptionBudget ServiceAccount
Secret SecretList ConfigMap StorageClass PersistentVolume PersistentVolumeClaim CustomResourceDefinition ClusterRole
ClusterRoleList ClusterRoleBinding ClusterRoleBindingList Role RoleList RoleBinding RoleBindingList Service DaemonSet
Pod ReplicationController ReplicaSet Deployment HorizontalPodAutoscaler StatefulSet Job CronJob IngressClass Ingress
APIService MutatingWebhookConfiguration ValidatingWebhookConfiguration
""".split()

BLANKS = " \t\r\n"  # what YAML sees as blank; str.strip() would take more, and with it the end of a text


def ordered(texts: dict[str, str], hooks: bool = True) -> list[tuple[str, str]]:
    """Split rendered texts into documents, in the order in which Helm prints and installs them.

    Args:
        texts: file name to rendered text.
        hooks: whether documents with a helm.sh/hook annotation are among them.

    Returns:
        (file name, document) pairs: by kind in Helm's install order, then by file, then as they stand in the file; what
        carries a helm.sh/hook annotation after all the rest.
    """
    found = [(_rank(document), file, document) for file in sorted(texts) for document in documents(texts[file])]
    found.sort(key=lambda item: item[0])
    return [(file, document.strip(BLANKS) + "\n") for (hook, *_), file, document in found if hooks or not hook]


def documents(text: str) -> list[str]:
    """The documents of a YAML text, split as Helm splits them (releaseutil.SplitManifests)."""
    *before, last = re.split(r"(?:^|\n)---[ \t\r\n]*", text)
    return [document for document in (*(one.rstrip(BLANKS) for one in before), last) if document.strip(BLANKS)]


def _rank(document: str) -> tuple[bool, int, str]:
    hook = re.search(r"^  annotations:\n(?:    .*\n)*?    \"?helm\.sh/hook\"?:", document, re.M) is not None
    kind = re.search(r"^kind: \"?([^\"\n]*)", document, re.M)[1]
    known = kind in INSTALL_ORDER
    return hook, INSTALL_ORDER.index(kind) if known else len(INSTALL_ORDER), "" if known else kind


def framed(chart: str, file: str, document: str) -> str:
    """A document as `helm template` prints it: after a separator and the path of its template in the chart."""
    return f"---\n# Source: {chart}/{file}\n{document}"
