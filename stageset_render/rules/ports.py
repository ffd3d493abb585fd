# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The pod's ports."""

from stageset_render.findings import ERROR
from stageset_render.pack import mesh
from stageset_render.pack.facts import ports
from stageset_render.rules import rule

USED = "https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio"


@rule(ERROR, USED)
def ports_of_the_proxy(release):
    """An enabled port has a number that Istio's proxy takes in the pod.

    Its calls end at the proxy and never reach the controller. In the ambient mode ztunnel takes fewer than a sidecar."""
    proxy, taken = mesh.taken(release)
    for name, number in release.fact(ports).items():
        if number in taken:
            yield (
                f"ports.{name}",
                f"is a port of Istio's {proxy}, so its calls never reach the pod",
                "choose another",
            )


@rule(ERROR, "https://kubernetes.io/docs/concepts/workloads/pods/#resource-sharing-and-communication")
def ports_shared(release):
    """Two enabled ports have one number.

    A policy names a port by its number, so the rule of one would rule the other as well."""
    seen: dict[int, str] = {}
    written = release.written.get("ports") or {}
    for name, number in sorted(
        release.fact(ports).items(), key=lambda one: one[0] in written
    ):  # what is found is written
        if number in seen:
            yield (
                f"ports.{name}",
                f"{number} is also ports.{seen[number]}, so the rule of one would rule the other as well",
                "give each enabled port a number of its own",
            )
        seen.setdefault(number, name)
