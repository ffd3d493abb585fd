# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Who gets in, told from Kubernetes objects alone: past a mesh's proxy here, past network policies in `network`.

Nothing here knows a Helm value or a template. The objects are dicts as parsed from YAML, as the API server stores them;
what it or the mesh's webhook refuses is not for here. What can't be told offline is answered with None and its reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from .linkerd_grants import ACCESS
from .matching import Decision

if TYPE_CHECKING:
    from . import istio, linkerd

__all__ = ["Decision", "admits", "judge"]

DOMAIN, POLICY = "cluster.local", "all-unauthenticated"  # both meshes as they install


def admits(
    objects: list[dict],
    pod: dict,
    call: dict,
    *,
    engine: str,
    trust_domain: str = DOMAIN,
    aliases: Iterable[str] = (),
    default_policy: str = POLICY,
) -> Decision:
    """Whether the call gets past the mesh's proxy of the pod. See `judge` and the `decide` of what it returns."""
    judged = judge(
        objects, pod, engine=engine, trust_domain=trust_domain, aliases=aliases, default_policy=default_policy
    )
    return judged.decide(call)


def judge(
    objects: list[dict],
    pod: dict,
    *,
    engine: str,
    trust_domain: str = DOMAIN,
    aliases: Iterable[str] = (),
    default_policy: str = POLICY,
) -> istio.Judge | linkerd.Judge:
    """The objects read once, for any number of calls to `decide`.

    `objects`: all that count, of any kind; a kind that the engine doesn't read is passed over. `pod`: `namespace` and
    `labels`, and where they are known `annotations`, `ip` and, for Linkerd, `ports` (of `name`, `port`, `protocol`) and
    `probes` (of `port` and `path`, over HTTP), for Istio's
    ambient mode `ztunnel`. `engine`: `istio` or `linkerd`. `aliases` of the trust domain are
    Istio's, `default_policy` is Linkerd's default inbound policy of the cluster.

    Raises ValueError for another engine or default policy, and for networks of Linkerd that are none.
    """
    if engine == "istio":
        from . import istio  # of the meshes only the one that is asked about is read

        return istio.Judge(objects, pod, trust_domain, tuple(aliases))
    if engine != "linkerd":
        raise ValueError(f"an engine is istio or linkerd, not {engine!r}")
    if default_policy not in (*ACCESS, "deny"):
        raise ValueError(f"no default inbound policy: {default_policy!r}")
    from . import linkerd

    return linkerd.Judge(objects, pod, trust_domain, default_policy)
