# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What values.schema.json finds, by kind; and what options and null do."""

from stageset_render.findings import ERROR, WARNING
from stageset_render.rules import Rule, rule

SCHEMA = "https://json-schema.org/draft-07/draft-handrews-json-schema-validation-01"
HELM = "https://helm.sh/docs/intro/using_helm/#customizing-the-chart-before-installing"

# What is passed through to an API only where it is rendered: elsewhere nobody looks into it.
RENDERED = {
    **{f"webhook.{key}": "webhook.enabled" for key in ("objectSelector", "namespaceSelector", "matchConditions")},
    "metrics.prometheusRule.extraRules": "metrics.prometheusRule.enabled",
}


def is_off(release, path):
    """Whether a path leads into a value of an API that is not rendered."""
    name = ".".join(step for step in path[:3] if isinstance(step, str))
    for known, switch in RENDERED.items():
        if name == known or name.startswith(known + "."):
            return len(path) > known.count(".") + 1 and not release.at(switch)
    if name in ("serviceMesh.istio.rules", "serviceMesh.linkerd.authorizations"):
        on = release.at("serviceMesh.enabled") and release.at("serviceMesh.engine") == path[1]
        return len(path) > 3 and not on
    if name.startswith("networkPolicy."):
        from stageset_render.rules.network import rendered

        return any(name.startswith(known) and len(path) > known.count(".") + 1 for known in rendered(release, False))
    return False


DECLARED = (
    Rule(
        "values-unknown-key",
        ERROR,
        SCHEMA,
        "A key that no template, or no API, knows.",
        "Nothing would read it, so what was meant by it would be missing without a word.",
    ),
    Rule(
        "values-type",
        ERROR,
        SCHEMA,
        "A value of another type than the template or the API takes.",
        'What is rendered would be refused by the API server, or mean something else: "false" in quotes is true '
        "to a template.",
    ),
    Rule(
        "values-null",
        ERROR,
        SCHEMA,
        "Null where something must stand.",
        "Null deletes a default, and a template or the API would find nothing in its place.",
    ),
    Rule(
        "values-missing",
        ERROR,
        SCHEMA,
        "A key that is missing, though the API needs it.",
        "The API server would refuse the object.",
    ),
    Rule(
        "values-choice",
        ERROR,
        SCHEMA,
        "A value that is none of those that there are.",
        "The API server would refuse the object, or the controller not start.",
    ),
    Rule(
        "values-form",
        ERROR,
        SCHEMA,
        "A text that is not of the form that it must have.",
        "The API server would refuse the object, or the text would match nothing.",
    ),
    Rule(
        "values-bounds",
        ERROR,
        SCHEMA,
        "A number that is too small or too large.",
        "The API server would refuse the object.",
    ),
    Rule(
        "values-length",
        ERROR,
        SCHEMA,
        "Too many entries, keys or characters, or none where some must be.",
        "The API server would refuse the object.",
    ),
    Rule(
        "values-twice",
        ERROR,
        SCHEMA,
        "An entry that stands twice in a list.",
        "The API server would refuse the object, or keep one of the two.",
    ),
    Rule(
        "values-combination",
        ERROR,
        SCHEMA,
        "Keys that do not go together, or of which one needs another.",
        "The API server would refuse the object, or read one key and ignore the other.",
    ),
    Rule(
        "values-option",
        ERROR,
        HELM,
        "An option that sets a value can't be read, or has no place to go.",
        "Helm drops such settings without a word, or fails. This can't be ignored.",
    ),
)


@rule(WARNING, HELM)
def values_null_turns_off(release):
    """Null in place of a switch that is on by default.

    Null deletes the default, and what is missing is off; often a value is only meant to be given later."""
    for path in SWITCHES:
        if release.at(path) is None:
            yield path, "is null, which turns it off", "write false, or leave it out for true, its default"


OFF = {  # what is read only where a switch is on that is off by default
    "controller.tracing": "controller.tracing.endpoint",
    "mcp": "mcp.enabled",
    "metrics.prometheusRule": "metrics.prometheusRule.enabled",
    "metrics.serviceMonitor": "metrics.serviceMonitor.enabled",
    "namespace.pssLevel": "namespace.create",
    "rollbackStore.pvc": "rollbackStore.backend",
    "rollbackStore.s3": "rollbackStore.backend",
}


@rule(WARNING, HELM)
def values_of_what_is_off(release):
    """Values of something that is off, and nothing says that it is to be.

    They are read only where it is on; often the switch is forgotten. Where a file turns it off, its values may stay."""
    for path, switch in OFF.items():
        if _says(_written(release, path)) and forgotten(release, switch):
            yield (
                path,
                f"is not read, because {switch} is {_shown(release.at(switch))}",
                f"set {switch}, or leave this out",
            )


def forgotten(release, switch):
    """Whether nobody has written what a switch is to be, so that it has its default."""
    return _written(release, switch) is None


def _says(value):
    """Whether anything is set: null only takes a default away."""
    return any(map(_says, value.values())) if isinstance(value, dict) else value not in (None, [])


def _written(release, path):
    value = release.written
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _shown(value):
    return {False: "false", "": "empty", None: "null"}.get(value, value)


SWITCHES = (
    "crds.create",
    "controller.leaderElect",
    "cleanupOnDelete.enabled",
    "gate.enabled",
    "mcp.service.enabled",
    "networkPolicy.egress.dns",
)
