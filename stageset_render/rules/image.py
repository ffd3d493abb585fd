# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Images, and the secrets they are pulled with."""

import re

from stageset_render.findings import WARNING, short
from stageset_render.helm.writing import to_string
from stageset_render.rules import rule

# The grammar of https://pkg.go.dev/github.com/distribution/reference, by which kubelet reads an image.
HOST = r"([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(:[0-9]+)?"
STEP = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
FORMS = {
    "registry": (rf"{HOST}(/{STEP})*", "a registry host such as registry.example:5000"),
    "repository": (rf"{STEP}(/{STEP})*", "an image repository such as team/app"),
    "tag": (
        r"[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}(@(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?",
        "an image tag such as v1.2.3, or a tag with @sha256:<digest>",
    ),
}
OBJECT_NAME = r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?"


def _at(values, path):
    for step in path.split("."):
        values = values.get(step) if isinstance(values, dict) else None
    return values


def _images(release):
    yield "image"
    if release.at("cleanupOnDelete.enabled"):
        yield "cleanupOnDelete.image"


@rule(WARNING, "https://pkg.go.dev/github.com/distribution/reference")
def image_reference_unpullable(release):
    """An image's registry, repository or tag is not of the form that kubelet reads.

    The API takes any text; kubelet can't pull the image, and the pod never starts."""
    for image in _images(release):
        for part, (form, wanted) in FORMS.items():
            value = release.at(f"{image}.{part}")
            if value is None and f"{image}.{part}" == "image.tag":
                continue  # the chart's appVersion
            text = "" if value is None else to_string(value)
            if part == "tag":
                text = text.strip()  # as the template prints it: a file of a tag ends with a line break
                if not text and image == "image":
                    continue
            if not re.fullmatch(form, text):
                found = "null" if value is None else repr(short(text, 60))
                yield f"{image}.{part}", f"{found} is not {wanted}, so kubelet can't pull the image"


@rule(WARNING, "https://kubernetes.io/docs/concepts/containers/images/#image-names")
def image_registry_twice(release):
    """An image's repository begins with a registry, and the registry itself is the chart's default, or the same.

    The chart puts the registry in front of it, so kubelet asks the first registry for a repository named by the second.
    A mirror that is named as the registry may well hold such a repository."""
    for image in _images(release):
        registry, repository = release.text(f"{image}.registry"), release.text(f"{image}.repository")
        first, slash, rest = repository.partition("/")
        written = _at(release.written, f"{image}.registry")
        mirror = written is not None and registry != first
        if registry and slash and not mirror and ("." in first or ":" in first or first == "localhost"):
            yield (
                f"{image}.repository",
                f"{first} stands behind {image}.registry, which is {registry}, so the image is {registry}/{repository}",
                f"write {rest} here, and {first} as {image}.registry",
            )


@rule(WARNING, "https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/")
def image_pull_secret_unusable(release):
    """An entry of imagePullSecrets names no Secret.

    kubelet takes nothing from it, without a word, and can't pull from the registry that it is for."""
    for index, secret in enumerate(release.items("imagePullSecrets")):
        if not secret:
            yield ("imagePullSecrets", index), "is empty, so kubelet takes no Secret from it", "leave it out"
        elif not re.fullmatch(OBJECT_NAME, secret.get("name") or ""):
            name = repr(short(secret["name"], 60)) if secret.get("name") is not None else "null"
            yield ("imagePullSecrets", index, "name"), f"{name} is not the name of a Secret, so kubelet finds none"
