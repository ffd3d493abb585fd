# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The rollback store."""

import re

from stageset_render.findings import ERROR, WARNING, short
from stageset_render.pack.facts import several_pods
from stageset_render.rules import rule

MODES = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes"
MOUNTS = "https://kubernetes.io/docs/concepts/storage/volumes/"


@rule(ERROR, "https://stageset.projects.metio.wtf/")
def storage_bucket_missing(release):
    """The store is a bucket, and its endpoint or name is not said.

    The chart refuses it; the controller would not start."""
    if release.at("rollbackStore.backend") == "s3":
        for key, what in (("endpoint", "the host of the S3 service"), ("bucket", "the name of the bucket")):
            if not release.at(f"rollbackStore.s3.{key}"):
                yield "rollbackStore.backend", f"is s3, and rollbackStore.s3.{key} is empty", f"write {what} there"


@rule(ERROR, MODES)
def storage_pod_mode_beside_others(release):
    """ReadWriteOncePod stands beside another access mode.

    The API server refuses the claim."""
    modes = _modes(release)
    if "ReadWriteOncePod" in modes and len(set(modes)) > 1:
        path = "rollbackStore.pvc.accessModes"
        yield path, "ReadWriteOncePod goes with no other access mode", "write it alone, or leave it out"


@rule(WARNING, MODES)
def storage_mode_for_one_node(release):
    """Several pods share a claim that one node, or one pod, alone can mount.

    A pod on another node never starts; an update of one replica waits for ever where the old pod must end first."""
    modes = _modes(release)
    path = "rollbackStore.pvc.accessModes"
    if not modes or "ReadWriteMany" in modes or modes == ["ReadOnlyMany"]:
        return
    if release.fact(several_pods):
        yield (
            path,
            "without ReadWriteMany only pods of one node can mount the volume, and a pod on another node never starts",
            "add it, run one replica, or use backend s3",
        )
    elif modes == ["ReadWriteOncePod"]:
        yield (
            path,
            "with ReadWriteOncePod the new pod of an update waits for the volume of the old one, which waits for the "
            "new one to be ready: a Deployment's update never ends",
            "write ReadWriteMany or ReadWriteOnce",
        )


@rule(WARNING, MODES)
def storage_read_only(release):
    """The claim can be read alone.

    The controller writes what it may roll back to, and can't."""
    if _modes(release) == ["ReadOnlyMany"]:
        yield "rollbackStore.pvc.accessModes", "ReadOnlyMany alone lets nothing be stored", "write ReadWriteMany"


@rule(WARNING, "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html")
def storage_bucket_malformed(release):
    """A bucket's name is none: it is an address, or has a part of one in it.

    The store finds no such bucket."""
    bucket = release.text("rollbackStore.s3.bucket")
    if release.at("rollbackStore.backend") == "s3" and re.search(r"[/:\s]", bucket):
        yield (
            "rollbackStore.s3.bucket",
            f"{short(bucket, 60)!r} is no name of a bucket, which has no scheme and no path",
            "write the name alone; rollbackStore.s3.prefix is for what stands before the keys",
        )


@rule(ERROR, MOUNTS)
def storage_mount_taken(release):
    """The claim is mounted where another volume of the pod is.

    The API server refuses the Deployment."""
    path = _mount(release)
    if path == "/tmp" or path == "/etc/webhook/certs" and release.at("webhook.enabled"):
        yield (
            "rollbackStore.pvc.mountPath",
            f"{path} is where another volume of the pod is mounted",
            "choose another path",
        )


@rule(WARNING, MOUNTS)
def storage_mount_hides(release):
    """The claim is mounted over another volume of the pod, or at no path that a pod can have.

    The API compares paths as texts; the container has one of the two volumes there, or does not start."""
    path = _mount(release)
    if path is None:
        return
    if path == "/tmp/" or path == "/etc/webhook/certs/" and release.at("webhook.enabled"):
        yield (
            "rollbackStore.pvc.mountPath",
            f"{path} is where another volume of the pod is mounted, and one hides the other",
            "choose another path",
        )
    elif not re.fullmatch("(/[^/:]+)+/?", path):
        yield (
            "rollbackStore.pvc.mountPath",
            f"{short(path, 60)!r} is not an absolute path without a colon, other than /, so the pod may not start",
        )


def _modes(release):
    return release.items("rollbackStore.pvc.accessModes") if release.at("rollbackStore.backend") == "pvc" else []


def _mount(release):
    return release.text("rollbackStore.pvc.mountPath") if release.at("rollbackStore.backend") == "pvc" else None
