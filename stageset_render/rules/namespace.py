# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The Namespace that is created, and the pod in it."""

from stageset_render.findings import WARNING
from stageset_render.rules import rule
from stageset_render.rules.injection import BASELINE, STANDARDS

SYSCTLS = {  # that the level baseline lets set
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}


def _forbidden(release, restricted):
    """What the values say of the pod that its namespace's level does not let pass, with what it wants."""
    own, pod = "securityContext", "podSecurityContext"
    if restricted:
        if release.at(f"{own}.allowPrivilegeEscalation") is not False:
            yield f"{own}.allowPrivilegeEscalation", "wants false here"
        unsaid = release.at(f"{own}.runAsNonRoot") is None
        if not (release.at(f"{own}.runAsNonRoot") or unsaid and release.at(f"{pod}.runAsNonRoot")):
            yield f"{own}.runAsNonRoot", "wants true here"
        for context in (own, pod):
            if release.at(f"{context}.runAsUser") == 0:
                yield f"{context}.runAsUser", "wants another user than 0"
        if "ALL" not in release.items(f"{own}.capabilities.drop"):
            yield f"{own}.capabilities.drop", "wants ALL among these"
        if not (release.at(f"{own}.seccompProfile.type") or release.at(f"{pod}.seccompProfile.type")):
            yield f"{own}.seccompProfile", "wants a type of RuntimeDefault or Localhost"
    for context in (own, pod):
        linux = release.at(f"{context}.seLinuxOptions") or {}
        if linux.get("type") not in (
            None,
            "",
            "container_t",
            "container_init_t",
            "container_kvm_t",
            "container_engine_t",
        ):
            yield f"{context}.seLinuxOptions.type", "wants another type here"
        for key in ("user", "role"):
            if linux.get(key):
                yield f"{context}.seLinuxOptions.{key}", "wants none here"
        if release.at(f"{context}.appArmorProfile.type") == "Unconfined":
            yield f"{context}.appArmorProfile.type", "wants RuntimeDefault or Localhost here"
        if release.at(f"{context}.windowsOptions.hostProcess"):
            yield f"{context}.windowsOptions.hostProcess", "wants false here"
    if release.text(f"{own}.procMount") not in ("", "Default"):
        yield f"{own}.procMount", "wants Default here"
    for index, sysctl in enumerate(release.items(f"{pod}.sysctls")):
        if sysctl.get("name") not in SYSCTLS:
            yield (f"{pod}.sysctls", index, "name"), f"does not let {sysctl.get('name')} be set"
    for index, name in enumerate(release.items(f"{own}.capabilities.add")):
        if name not in ({"NET_BIND_SERVICE"} if restricted else BASELINE):
            yield (f"{own}.capabilities.add", index), f"does not let {name} be added"
    if release.at(f"{own}.privileged"):
        yield f"{own}.privileged", "wants false here"
    for context in (own, pod):
        if release.at(f"{context}.seccompProfile.type") == "Unconfined":
            yield f"{context}.seccompProfile.type", "wants RuntimeDefault or Localhost here"


@rule(WARNING, STANDARDS)
def namespace_forbids_pod(release):
    """The level of the Namespace that is created does not let the pod pass as the values have it.

    The Deployment is taken, and its pods are refused, so none runs."""
    level = release.at("namespace.pssLevel")
    if level in ("baseline", "restricted"):
        for path, what in _forbidden(release, level == "restricted"):
            yield path, f"the Namespace's level {level} {what}, so no pod is created", "mend it, or namespace.pssLevel"
