# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Splits rendered texts into documents, orders and frames them, as `helm template` does."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml

from stageset_render.findings import Finding, Place, Refused

# The order in which Helm installs kinds (InstallOrder of its releaseutil package); others follow, by kind.
INSTALL_ORDER = """
PriorityClass Namespace NetworkPolicy ResourceQuota LimitRange PodSecurityPolicy PodDisruptionBudget ServiceAccount
Secret SecretList ConfigMap StorageClass PersistentVolume PersistentVolumeClaim CustomResourceDefinition ClusterRole
ClusterRoleList ClusterRoleBinding ClusterRoleBindingList Role RoleList RoleBinding RoleBindingList Service DaemonSet
Pod ReplicationController ReplicaSet Deployment HorizontalPodAutoscaler StatefulSet Job CronJob IngressClass Ingress
APIService MutatingWebhookConfiguration ValidatingWebhookConfiguration
""".split()

RANKS = {kind: rank for rank, kind in enumerate(INSTALL_ORDER)}
HOOK = "helm.sh/hook"
HOOKS = {
    *("pre-install", "post-install", "pre-delete", "post-delete", "pre-upgrade", "post-upgrade"),
    *("pre-rollback", "post-rollback", "test", "test-success"),
}
BLANKS = " \t\r\n"  # what YAML sees as blank; str.strip() would take more, and with it the end of a text
KIND = re.compile(r"^kind: \"?([A-Za-z]+)\"?[ \r]*$", re.M)


def ordered(texts: dict[str, str], hooks: bool = True) -> list[tuple[str, str]]:
    """Split rendered texts into documents, in the order in which Helm prints and installs them.

    Args:
        texts: file name to rendered text.
        hooks: whether documents with a helm.sh/hook annotation are among them.

    Returns:
        (file name, document) pairs: by kind in Helm's install order, then by file, then as they stand in the file, and
        hooks after all the rest. What is annotated as a hook of no known type is left out, as Helm leaves it out
        (releaseutil: SortManifests).

    Raises:
        Refused: for a document that might be a hook, if it could be read.
    """
    found = [one for one in _sorted(texts) if one.hook is None or hooks and not _unknown(one.hook)]
    found.sort(key=lambda one: (one.hook is not None, RANKS.get(one.kind, len(RANKS)), one.kind))
    return [(one.file, one.text) for one in found]


def unknown_hooks(texts: dict[str, str]) -> list[tuple[str, str]]:
    """(file name, annotation) of each document that `ordered` leaves out because its hook is of no known type."""
    suspected = {file: text for file, text in texts.items() if HOOK in text}
    return [(one.file, one.hook) for one in _sorted(suspected) if one.hook is not None and _unknown(one.hook)]


def documents(text: str) -> list[str]:
    """The documents of a YAML text, split as Helm splits them (releaseutil: SplitManifests)."""
    return [f"{part}\n" for one in f"\n{text}".split("\n---") if (part := one.strip(BLANKS))]


class _Document(NamedTuple):
    file: str
    text: str
    kind: str
    hook: str | None


def _sorted(texts: dict[str, str]) -> Iterator[_Document]:
    for file in sorted(texts):
        hooked = HOOK in texts[file]
        for text in documents(texts[file]):
            kind = KIND.search(text)
            if kind and not (hooked and HOOK in text):
                yield _Document(file, text, kind[1], None)
                continue
            try:
                yield _Document(file, text, *_head(text))
            except yaml.YAMLError as error:
                place = Place(file, error.problem_mark.line + 1) if isinstance(error, yaml.MarkedYAMLError) else None
                raise Refused(Finding((), "what is rendered here is no YAML", place=place or Place(file))) from None


def _unknown(hook: str) -> bool:
    return any(kind.strip().lower() not in HOOKS for kind in hook.split(","))


@functools.lru_cache(maxsize=64)
def _head(text: str) -> tuple[str, str | None]:
    """The kind of a document and its annotation of a hook, from its beginning alone where they stand there."""
    kind, hook, seen = "", None, set()
    for path, value in _scalars(text):
        seen.add(path[0])
        if path == ("kind",):
            kind = value
        elif path == ("metadata", "annotations", HOOK):
            hook = value
        if {"kind", "metadata", path[0]} <= seen and path[0] not in ("apiVersion", "kind", "metadata"):
            break
    return kind, hook


def _scalars(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The path and text of each scalar to which maps alone lead."""
    keys: list[
        str | None
    ] = []  # of the maps and lists around what comes next: the key whose value that is, if it is one
    lists = 0  # among them
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            keys.append(None)
            lists += isinstance(event, yaml.SequenceStartEvent)
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            keys.pop()
            lists -= isinstance(event, yaml.SequenceEndEvent)
        elif not isinstance(event, yaml.NodeEvent) or not keys or lists:
            continue
        elif keys[-1] is None:
            keys[-1] = getattr(event, "value", "")  # an alias has none
            continue
        elif isinstance(event, yaml.ScalarEvent):
            yield tuple(keys), event.value
        if keys:
            keys[-1] = None


def framed(chart: str, file: str, document: str) -> str:
    """A document as `helm template` prints it: after a separator and the path of its template in the chart."""
    return f"---\n# Source: {chart}/{file if file.isprintable() else ascii(file)[1:-1]}\n{document}"
