# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The pod: its sizes, and what its affinity, spread constraints and security contexts may be together."""

import re

from stageset_render.access.matching import selects
from stageset_render.findings import ERROR, WARNING, short
from stageset_render.pack.facts import pod_labels
from stageset_render.rules import rule

UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    **{f"{u}i": 2 ** (10 * n) for n, u in enumerate("KMGT", 1)},
}
SPREAD = "https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/"
RESOURCES = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"


def size(text):
    """A quantity as a number of bytes; None for 0 and for the forms that are rare for a size."""
    found = re.fullmatch(r"([1-9][0-9]{0,17})([kMGT]|[KMGT]i|)", text)
    return int(found[1]) * UNITS[found[2]] if found else None


def _sizes(release):
    yield from ("resources.memory", "resources.ephemeralStorage", "tmpSizeLimit")
    if release.at("rollbackStore.backend") == "pvc":
        yield "rollbackStore.pvc.size"
    if release.at("cleanupOnDelete.enabled"):
        yield from ("cleanupOnDelete.resources.memory", "cleanupOnDelete.resources.ephemeralStorage")


@rule(WARNING, RESOURCES + "#meaning-of-memory")
def pod_size_without_unit(release):
    """A size of less than a mebibyte without a unit, or of thousandths of a byte.

    Its unit is missing, or is that of CPU: 256 is 256 bytes, 512m half a byte, and the container is killed, or the volume
    full, at once."""
    for path in _sizes(release):
        text = release.text(path)
        if re.fullmatch(r"[0-9]{1,7}(\.[0-9]*)?", text) and 0 < float(text) < 2**20:
            yield path, f"{text} means as many bytes", f"write the unit, as in {text}Mi or {text}Gi"
        elif re.fullmatch("[0-9]+m", text):
            yield path, f"{text} means thousandths of a byte", "write the unit, as in 512Mi"


@rule(WARNING, RESOURCES + "#local-ephemeral-storage")
def pod_storage_limit_empty(release):
    """An ephemeral storage of nothing.

    The API reads 0, and unlike with CPU and memory this is a limit: kubelet evicts the pod once it writes anything."""
    on = ["resources"] + ["cleanupOnDelete.resources"] * bool(release.at("cleanupOnDelete.enabled"))
    for path in on:
        if not release.text(f"{path}.ephemeralStorage"):
            yield f"{path}.ephemeralStorage", "is empty, which is 0, and kubelet evicts the pod once it writes anything"


@rule(WARNING, "https://kubernetes.io/docs/concepts/storage/volumes/#emptydir")
def pod_tmp_larger_than_storage(release):
    """/tmp may grow as large as all that the pod may store.

    A full /tmp then gets the pod evicted, where a smaller limit would only refuse further writing."""
    tmp, most = size(release.text("tmpSizeLimit")), size(release.text("resources.ephemeralStorage"))
    if tmp and most and tmp >= most:
        yield (
            "tmpSizeLimit",
            f"{release.at('tmpSizeLimit')} is not below resources.ephemeralStorage "
            f"({release.at('resources.ephemeralStorage')}), so a full /tmp gets the pod evicted",
            "write less, or raise resources.ephemeralStorage",
        )


@rule(ERROR, SPREAD)
def pod_spread_twice(release):
    """Two spread constraints have one topologyKey and one whenUnsatisfiable.

    The API server refuses the Deployment."""
    seen = {}
    for index, one in enumerate(release.items("topologySpreadConstraints")):
        key = one.get("topologyKey"), one.get("whenUnsatisfiable")
        if key in seen:
            yield (
                ("topologySpreadConstraints", index),
                f"topologyKey {key[0]} with whenUnsatisfiable {key[1]} is also entry {seen[key]}",
                "leave one of them out",
            )
        seen.setdefault(key, index)


@rule(WARNING, SPREAD)
def pod_spread_without_selector(release):
    """A spread constraint selects none of the controller's pods.

    It counts the pods that its labelSelector selects; without one there are none, and the constraint spreads nothing."""
    for index, one in enumerate(release.items("topologySpreadConstraints")):
        if one.get("labelSelector") is None:
            yield (
                ("topologySpreadConstraints", index),
                "has no labelSelector, so it counts no pods and spreads nothing",
                "select the controller's pods, by app.kubernetes.io/instance for example",
            )
        elif selects(one["labelSelector"], release.fact(pod_labels)) is False:
            yield (
                ("topologySpreadConstraints", index, "labelSelector"),
                "selects none of the controller's pods, so the constraint does not spread them",
                "select them, by app.kubernetes.io/instance for example",
            )


@rule(ERROR, "https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#matchlabelkeys")
def pod_affinity_key_both_ways(release):
    """A label key of an affinity term is to match and not to match.

    The API server refuses the Deployment."""
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = release.at(f"affinity.{kind}") or {}
        required = ("affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution")
        preferred = ("affinity", kind, "preferredDuringSchedulingIgnoredDuringExecution")
        found = [((*required, index), term) for index, term in enumerate(terms.get(required[-1]) or ())]
        for index, entry in enumerate(terms.get(preferred[-1]) or ()):
            found.append(((*preferred, index, "podAffinityTerm"), entry.get("podAffinityTerm") or {}))
        for path, term in found:
            wanted = set(term.get("matchLabelKeys") or ())
            for index, key in enumerate(term.get("mismatchLabelKeys") or ()):
                if key in wanted:
                    yield (
                        (*path, "mismatchLabelKeys", index),
                        f"{key} is also in matchLabelKeys, and no pod has the same and another value",
                        "leave it out of one",
                    )


@rule(ERROR, "https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/")
def pod_sysctl_twice(release):
    """A sysctl of the pod is set twice.

    The API server refuses the Deployment."""
    seen = {}
    for index, sysctl in enumerate(release.items("podSecurityContext.sysctls")):
        name = sysctl.get("name")
        if name in seen:
            path = ("podSecurityContext.sysctls", index, "name")
            yield path, f"{name} is also entry {seen[name]}", "leave one of them out"
        seen.setdefault(name, index)


@rule(
    WARNING,
    "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#efficient-selinux-volume-relabeling",
)
def pod_selinux_gate(release):
    """A way of SELinux that most API servers refuse.

    MountOption needs the feature gate SELinuxMount, which Kubernetes 1.34 has off by default."""
    if release.at("podSecurityContext.seLinuxChangePolicy") == "MountOption":
        yield (
            "podSecurityContext.seLinuxChangePolicy",
            "MountOption is refused by a kube-apiserver without the feature gate SELinuxMount, "
            "which Kubernetes 1.34 has off by default",
        )


@rule(WARNING, "https://man7.org/linux/man-pages/man7/capabilities.7.html")
def pod_capability_malformed(release):
    """What is no name of a Linux capability as Kubernetes has it.

    The API takes any text; the container runtime does not, and the container may not start."""
    for kind in ("add", "drop"):
        for index, name in enumerate(release.items(f"securityContext.capabilities.{kind}")):
            if (name or "").upper().startswith("CAP_"):
                yield (
                    ("securityContext.capabilities", kind, index),
                    f"{name} begins with CAP_, which Kubernetes leaves out",
                    f"write {name[4:]}",
                )
            elif not re.fullmatch("[A-Za-z_]+", name or ""):
                yield (
                    ("securityContext.capabilities", kind, index),
                    f"{name if name is None else repr(short(name, 60))} is not the name of a capability such as "
                    "NET_BIND_SERVICE, so the container may not start",
                )


@rule(WARNING, "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/")
def pod_root_forbidden(release):
    """The container is to run as root, and must not.

    kubelet does not start a container whose user is 0 where runAsNonRoot is true."""
    own, pod = "securityContext", "podSecurityContext"
    user = next((path for path in (f"{own}.runAsUser", f"{pod}.runAsUser") if release.at(path) is not None), None)
    wanted = release.at(f"{own}.runAsNonRoot")
    wanted = release.at(f"{pod}.runAsNonRoot") if wanted is None else wanted
    if user and release.at(user) == 0 and wanted:
        yield user, "0 is root, which runAsNonRoot forbids, so kubelet never starts the container", "write another user"
