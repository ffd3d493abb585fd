# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Selectors in network policies that select nothing."""

import re

from stageset_render.findings import WARNING, short
from stageset_render.pack.names import DNS_LABEL
from stageset_render.rules import rule
from stageset_render.rules.network import EGRESS, INGRESS, KUBERNETES, PEERS, engine, rendered
from stageset_render.rules.network_ranges import rules

NAME = "kubernetes.io/metadata.name"  # which every namespace has, and no pod
POD_NAMESPACE = "io.kubernetes.pod.namespace"  # Cilium's label of a pod
SELECTORS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors"


def _selectors(release):
    """Each selector with its path, and whether it is one of namespaces."""
    chosen = engine(release)
    for path, peer in _peers(release, chosen):
        if chosen == "cilium":
            yield path, peer, False
        else:
            pods, namespaces = ("podSelector", False), ("namespaceSelector", True)
            inner = (("namespaces", True),) if chosen == "clusterNetworkPolicy" else ()
            for key, of_namespaces in (pods, namespaces, *inner):
                yield (*path, key), peer.get(key), of_namespaces
                yield (*path, "pods", key), (peer.get("pods") or {}).get(key), of_namespaces


def _peers(release, chosen):
    if chosen == "kubernetes":
        for path in rendered(release, True):
            if path in PEERS:
                yield from (((path, index), peer) for index, peer in enumerate(release.items(path)))
    sides = ("fromEndpoints", "toEndpoints") if chosen == "cilium" else ("from", "to")
    if chosen != "calico":
        for lists, side in zip((INGRESS, EGRESS), sides):
            for path, one in rules(release, lists):
                yield from (((*path, side, index), peer or {}) for index, peer in enumerate(one.get(side) or ()))


def _terms(selector):
    """What a selector asks of a label: the part of the path, the label, the operator, the values."""
    for label, value in (selector.get("matchLabels") or {}).items():
        yield ("matchLabels", label), label, "In", [value]
    for index, one in enumerate(selector.get("matchExpressions") or ()):
        yield ("matchExpressions", index), one.get("key"), one.get("operator"), one.get("values") or []


def _bare(label):
    return re.sub("^(k8s|any)[:.]", "", label or "")


@rule(WARNING, KUBERNETES + "#behavior-of-to-and-from-selectors")
def network_namespace_label(release):
    """A pod is selected by a label that namespaces have.

    No pod has it, so nothing is selected: namespaces are selected beside pods, Cilium's way by a label of its own."""
    for path, selector, of_namespaces in _selectors(release):
        for part, label, _, values in () if of_namespaces else _terms(selector or {}):
            if _bare(label) == NAME:
                own = f"k8s:{POD_NAMESPACE}: {', '.join(map(str, values))}"
                mend = f"write {own}" if engine(release) == "cilium" else "select the namespace by namespaceSelector"
                yield (*path, *part), "is a label of namespaces, which no pod has", mend
    for path, one in [*rules(release, INGRESS), *rules(release, EGRESS)] if engine(release) == "calico" else ():
        for side in ("source", "destination"):
            text = (one.get(side) or {}).get("selector")
            if isinstance(text, str) and re.search(rf"(^|[\s!(]){re.escape(NAME)}(?![\w./-])", text):
                message = f"asks for {NAME}, a label of namespaces, which no pod has"
                yield (*path, side, "selector"), message, "select the namespace by namespaceSelector"


@rule(WARNING, SELECTORS)
def network_selector_contradicts(release):
    """A selector asks for two values of one label.

    All that it asks must hold, so it selects nothing."""
    for path, selector, _ in _selectors(release):
        asked: dict = {}
        for part, label, operator, values in _terms(selector or {}):
            one = asked.setdefault(_bare(label), Asked())
            one.add(operator, set(values))
            if one.excludes_itself:
                message = "selects nothing, because what is asked of this label excludes itself"
                yield (*path, *part), message, "leave one of both out"
                break


class Asked:
    """What a selector asks of one label, term by term."""

    def __init__(self):
        self.operators, self.among, self.without = set(), None, set()

    def add(self, operator, values):
        self.operators.add(operator)
        if operator == "In":
            self.among = values if self.among is None else self.among & values
        elif operator == "NotIn":
            self.without |= values

    @property
    def excludes_itself(self):
        if "DoesNotExist" in self.operators and self.operators & {"In", "Exists"}:
            return True
        return self.among is not None and not self.among - self.without


@rule(WARNING, "https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/")
def network_namespace_malformed(release):
    """A namespace is selected by a name that none can have.

    Nothing is selected: names of namespaces are of lower-case letters, digits and -."""
    for path, selector, of_namespaces in _selectors(release):
        for part, label, operator, values in _terms(selector or {}):
            named = _bare(label) == (NAME if of_namespaces else POD_NAMESPACE) and operator == "In"
            for value in values if named else ():
                if isinstance(value, str) and not re.fullmatch(DNS_LABEL, value):
                    yield (*path, *part), f"no namespace can be called {short(repr(value))}", "write its name as it is"
