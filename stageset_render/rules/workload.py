# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""How many pods run, how they are disturbed, and in which namespaces they work."""

import re

from stageset_render.findings import ERROR, WARNING
from stageset_render.helm.writing import to_int, to_string
from stageset_render.pack.facts import scaling, several_pods
from stageset_render.rules import rule

BUDGET = "https://kubernetes.io/docs/tasks/run-application/configure-pdb/"
MOST_CONTAINERS = 10_000  # a container takes 320 bytes of JSON, and kube-apiserver reads 3 MiB of an object


@rule(ERROR, "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/")
def workload_scaled_from_zero(release):
    """An autoscaler that measures CPU is to begin with no pod.

    The API server refuses the HorizontalPodAutoscaler: no pod has no CPU to measure."""
    if release.fact(scaling) and to_int(release.at("replicas.min")) == 0:
        yield (
            "replicas.min",
            "0 is no lower bound of an autoscaler that measures CPU",
            "write 1 or more, or set replicas.max to 0 as well to run no pod",
        )


@rule(WARNING, "https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details")
def workload_scaled_without_request(release):
    """An autoscaler measures CPU by what the pod requests, which is nothing.

    It never scales."""
    if release.fact(scaling) and release.text("resources.cpu") in ("", "0"):
        yield (
            "resources.cpu",
            "is nothing, and the autoscaler measures CPU by it, so it never scales",
            "write a request",
        )


@rule(WARNING, "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#replicas")
def workload_bounds_crossed(release):
    """At least more pods are asked for than at most.

    Without an autoscaler, which needs room between both, replicas.min alone counts."""
    least, most = to_int(release.at("replicas.min")), to_int(release.at("replicas.max"))
    written = (release.written.get("replicas") or {}).get("max") is not None
    if written and least > most:
        yield "replicas.max", f"{most} is below replicas.min, {least}, which alone counts", "write the same or more"


@rule(
    WARNING, "https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#failure-policy"
)
def workload_none_behind_webhook(release):
    """No pod runs, and the webhook is to be asked.

    With failurePolicy Fail no StageSet can be written."""
    none = not to_int(release.at("replicas.min")) and not to_int(release.at("replicas.max"))
    if none and release.at("webhook.enabled") and release.at("webhook.failurePolicy") != "Ignore":
        yield (
            "replicas.min",
            "no pod runs that could answer the webhook, so no StageSet can be written",
            "set webhook.enabled to false as well, or webhook.failurePolicy to Ignore",
        )


@rule(WARNING, "https://pkg.go.dev/k8s.io/client-go/tools/leaderelection")
def workload_without_leader(release):
    """Several pods run, and none of them leads.

    They act on the same StageSets at once."""
    if release.fact(several_pods) and not release.at("controller.leaderElect"):
        yield "controller.leaderElect", "is false, so several pods act on the same StageSets at once"


@rule(WARNING, BUDGET)
def workload_budget_empty(release):
    """A disruption budget that says nothing.

    The API server refuses it, or it keeps no pod: an empty maxUnavailable takes the place of minAvailable."""
    if not release.fact(several_pods):
        return
    least, most = release.at("podDisruptionBudget.minAvailable"), release.at("podDisruptionBudget.maxUnavailable")
    if most is not None and to_string(most) == "":
        path = "podDisruptionBudget.maxUnavailable"
        yield path, "is empty, which takes the place of minAvailable, so the budget says nothing", "write null"
    elif most is None and (least is None or to_string(least) == ""):
        path = "podDisruptionBudget.minAvailable"
        yield path, "is empty, and so is maxUnavailable, so the budget says nothing", "set one of them"


@rule(WARNING, BUDGET + "#think-about-how-your-application-reacts-to-disruptions")
def workload_budget_blocks_drains(release):
    """A disruption budget that lets no pod go.

    A node with a pod of the controller can't be drained, and an upgrade of the cluster stops there."""
    if not release.fact(several_pods):
        return
    most, least = release.at("podDisruptionBudget.maxUnavailable"), release.at("podDisruptionBudget.minAvailable")
    pods = to_int(release.at("replicas.min"))  # of an autoscaler, as many as run when there is little to do
    if most is not None:
        if to_string(most) in ("0", "0%"):
            yield "podDisruptionBudget.maxUnavailable", f"{most} lets no pod go, so no node can be drained", "write 1"
    elif pods and (kept := _share(least, pods)) is not None and kept >= pods:
        yield (
            "podDisruptionBudget.minAvailable",
            f"{least} of {pods} pods lets none go, so no node can be drained",
            "write less, or set maxUnavailable to 1 instead",
        )


def _share(least, pods):
    """How many pods a number or a percentage keeps, of which the API rounds up."""
    found = re.fullmatch("([0-9]+)(%?)", to_string(least)) if least is not None else None
    return None if not found else -(-int(found[1]) * pods // 100) if found[2] else int(found[1])


@rule(ERROR, "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/")
def workload_namespace_twice(release):
    """A watched namespace stands twice, or two of them would give the cleanup Job containers of one name.

    The API server refuses two RoleBindings, or containers, of one name."""
    names, containers = {}, {}
    cleanup = release.at("cleanupOnDelete.enabled")
    for index, namespace in enumerate(release.items("controller.watchNamespaces")):
        path, container = ("controller.watchNamespaces", index), f"cleanup-{namespace}"[:63].rstrip("-")
        if namespace in names:
            yield path, f'"{namespace}" is also entry {names[namespace]}', "name each namespace once"
            continue
        if cleanup and container in containers:
            yield (
                path,
                f"cut to 63 characters, the name of its cleanup container is that of entry {containers[container]}, "
                f"{container}",
                "set cleanupOnDelete.enabled to false, and delete the StageSets yourself before an uninstall",
            )
            continue
        names[namespace] = containers[container] = index


@rule(ERROR, "https://kubernetes.io/docs/reference/using-api/api-concepts/")
def workload_too_many_namespaces(release):
    """More watched namespaces than the cleanup Job can have containers.

    The Job would be larger than kube-apiserver takes."""
    watched = len(release.items("controller.watchNamespaces"))
    if release.at("cleanupOnDelete.enabled") and watched > MOST_CONTAINERS:
        yield (
            "controller.watchNamespaces",
            f"a container of the cleanup Job for each of {watched} namespaces makes it larger than kube-apiserver takes",
            "set cleanupOnDelete.enabled to false, and delete the StageSets yourself before an uninstall",
        )


@rule(WARNING, "https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup")
def workload_cleanup_without_time(release):
    """The cleanup Job may take no time.

    It ends before it deletes a StageSet, and the uninstall fails with it."""
    seconds = release.at("cleanupOnDelete.activeDeadlineSeconds")
    if release.at("cleanupOnDelete.enabled") and seconds is not None and to_int(seconds) == 0:
        yield (
            "cleanupOnDelete.activeDeadlineSeconds",
            "0 ends the Job before it deletes a StageSet, and the uninstall fails",
            "write how long it may take",
        )
