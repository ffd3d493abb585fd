# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The rules that values are judged by: a module for each family, whose name begins the names of its rules.

A rule is a function that looks at a release and yields what it finds: the path of a value, what is wrong with it and,
mostly, how to mend it. Its docstring says first what is found, then what happens to whoever ignores it.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from stageset_render.findings import ERROR, Finding, Path, Refused, holds
from stageset_render.pack.release import Release, defaults, schema
from stageset_render.pack.schema import UNREADABLE


class Rule(NamedTuple):
    """A rule by its name.

    Attributes:
        level: ERROR refuses, WARNING lets pass.
        source: the document that says so.
        summary: what is found, in a sentence.
        effect: what happens to whoever ignores it.
        check: finds it; None for what is found while values are read or templates rendered.
    """

    name: str
    level: str
    source: str
    summary: str
    effect: str
    check: Callable[[Release], Iterator[tuple]] | None = None


def _mesh(engine: str) -> Callable[[Release], bool]:
    return lambda release: bool(release.at("serviceMesh.enabled")) and release.at("serviceMesh.engine") == engine


def _always(_release: Release) -> bool:
    return True


def _elsewhere(_release: Release) -> bool:
    return False


def _on(path: str) -> Callable[[Release], bool]:
    return lambda release: bool(release.at(path))


def _written(*keys: str) -> Callable[[Release], bool]:
    """Whether the user has set any of what a family looks at; in the defaults nothing is found."""
    return lambda release: not release.written.keys().isdisjoint(keys)


def _added(release: Release) -> bool:
    return _mesh("linkerd")(release) and bool(release.at("serviceMesh.linkerd.authorizations"))


def _judged(release: Release) -> bool:
    """Whether anything could let in, or shut out, others than the templates do by themselves."""
    if not release.at("serviceMesh.enabled"):
        return False
    if release.at("serviceMesh.engine") == "linkerd":
        return bool(release.at("serviceMesh.linkerd.authorizations") or release.at("serviceMesh.defaultDeny.enabled"))
    entries = [entry for port in ("gate", "metrics", "mcp") for entry in release.items(f"serviceMesh.{port}.from")]
    both = any(entry.get("principals") and entry.get("namespaces") for entry in entries)
    return bool(both or release.at("serviceMesh.istio.rules"))


POD = (
    "affinity",
    "cleanupOnDelete",
    "pod",
    "podSecurityContext",
    "resources",
    "rollbackStore",
    "securityContext",
    "tmpSizeLimit",
    "topologySpreadConstraints",
)
# The modules, each with when it is imported: only where the values turn on what it judges.
FAMILIES: dict[str, Callable[[Release], bool]] = {
    "usage": _elsewhere,
    "yaml": _elsewhere,
    "values": _always,
    "template": _elsewhere,
    "expect": _elsewhere,
    "crds": _elsewhere,
    "output": _elsewhere,
    "ignore": _elsewhere,
    "ports": _written("gate", "mcp", "ports", "webhook"),
    "image": _written("cleanupOnDelete", "image", "imagePullSecrets"),
    "pod": _written(*POD),
    "metadata": _written("deployment", "metrics", "pod", "serviceAccount"),
    "workload": _written("cleanupOnDelete", "controller", "podDisruptionBudget", "replicas", "resources", "webhook"),
    "controller": _written("cleanupOnDelete", "controller", "rollbackStore", "webhook"),
    "webhook": lambda release: bool(release.at("webhook.enabled")) and "webhook" in release.written,
    "storage": lambda release: release.at("rollbackStore.backend") != "none",
    "monitoring": lambda release: any(release.at(f"metrics.{one}.enabled") for one in MONITORS),
    "network": _written("networkPolicy"),
    "network_ranges": _on("networkPolicy.enabled"),
    "network_selectors": _on("networkPolicy.enabled"),
    "network_effects": _on("networkPolicy.enabled"),
    "network_cilium": lambda release: (
        bool(release.at("networkPolicy.enabled")) and release.at("networkPolicy.engine") == "cilium"
    ),
    "mesh": _written("serviceMesh"),
    "istio": _mesh("istio"),
    "istio_texts": _mesh("istio"),
    "linkerd": _mesh("linkerd"),
    "linkerd_objects": _added,
    "linkerd_targets": _added,
    "access": _judged,
    "injection": _on("serviceMesh.enabled"),
    "network_mesh": lambda release: bool(release.at("serviceMesh.enabled") and release.at("networkPolicy.enabled")),
    "namespace": _on("namespace.create"),
}
ENGINES = (("networkPolicy", "engine"), ("serviceMesh", "engine"))  # which decide what all else is about
MONITORS = ("serviceMonitor", "prometheusRule")
WHOLE = ("access-rule-admits-nobody", "access-restricts-nothing")  # which say only what no rule about a part says


def rule(level: str, source: str) -> Callable[[Callable], Rule]:
    """Make a rule of a function; its name is the function's, with dashes, its words are those of the docstring."""

    def made(check: Callable) -> Rule:
        summary, _, effect = inspect.getdoc(check).partition("\n\n")
        name = check.__name__.replace("_", "-")
        return Rule(name, level, source, " ".join(summary.split()), " ".join(effect.split()), check)

    return made


@functools.cache
def family(name: str) -> list[Rule]:
    """The rules of a family's module."""
    module = importlib.import_module(f"{__name__}.{name}")
    return [*getattr(module, "DECLARED", ()), *(one for one in vars(module).values() if isinstance(one, Rule))]


def every() -> list[Rule]:
    """All rules, family by family."""
    return [one for name in FAMILIES for one in family(name)]


def unreadable(found: Finding) -> bool:
    """Whether what is refused is nothing that rules or templates could read, so that not all of the values is judged."""
    return found.rule in UNREADABLE or found.path in ENGINES and found.rule == "values-choice"


def judged(release: Release, lenient: bool = False) -> list[Finding]:
    """All that the schema and the rules find in the values of a release.

    Args:
        release: what to judge.
        lenient: see `Schema.findings`.
    """
    found = schema().findings(release.values, release.written, lenient)
    if not found:
        return _found(release)
    from stageset_render.rules.values import is_off  # only what is refused pays for it

    found = [one for one in found if not (schema().passed_through(one.path) and is_off(release, one.path))]
    told = {one.path for one in found}
    cuts = _cuts(one.path for one in found if unreadable(one))
    readable = (
        release.instead(_without(release.values, defaults(), cuts), _less(release.written, cuts)) if cuts else release
    )
    beside = [one for one in _found(readable) if not cuts or one.level == ERROR and not _inside(cuts, one.path)]
    return _said_once(found + [one for one in beside if one.path not in told])


def _found(release: Release) -> list[Finding]:
    found = []
    for name, applies in FAMILIES.items():
        if applies(release):
            for one in family(name):
                found += _of_rule(one, release) if one.check else ()
    return _said_once(found)


def _said_once(found: list[Finding]) -> list[Finding]:
    """The findings, less those about a whole of which a part has been found fault with."""
    return [one for one in found if one.rule not in WHOLE or not any(_of_part(one, other) for other in found)]


def _of_part(whole: Finding, other: Finding) -> bool:
    """Whether something is found of a part of what a finding is about, so that the cause is told already."""
    return other.rule != whole.rule and other.path[: len(whole.path)] == whole.path


def _of_rule(one: Rule, release: Release) -> list[Finding]:
    try:
        return [
            Finding(_path(path), message, *(mend or ("",)), rule=one.name, level=one.level)
            for path, message, *mend in one.check(release)
        ]
    except Refused:
        return []  # a template fails, which is told when it is rendered
    except Exception:
        from stageset_render.pack.unread import unread  # only what fails pays for it

        if not release.fact(unread):
            raise
        return []  # what is refused, and is not kept from the rules, can't be read


@functools.lru_cache(maxsize=1024)
def _steps(path: str) -> Path:
    return tuple(path.split("."))


def _path(path: str | tuple) -> Path:
    """A path as rules write it: `a.b`, or a tuple that begins with such a text and goes on with keys and indexes."""
    return _steps(path) if isinstance(path, str) else (*_steps(path[0]), *path[1:]) if path else ()


# Beside what the schema refuses, rules judge the rest


def _cuts(paths: Iterable[Path]) -> dict:
    cuts: dict = {}
    for path in paths:
        inside = cuts
        for step in path:
            if not isinstance(step, str):
                break
            inside = inside.setdefault(step, {})
    return cuts


def _without(values: dict, known: dict, cuts: dict) -> dict:
    """The values with the default in place of each that no rule could read, as it is of a wrong type or has such inside."""
    result = dict(values)
    for key, inner in cuts.items():
        value, default = values.get(key), known.get(key)
        if isinstance(default, dict) and isinstance(value, dict) and inner:
            result[key] = _without(value, default, inner)
        elif key not in known:
            result.pop(key, None)
        else:
            result[key] = default
    return result


def _less(written: dict, cuts: dict) -> dict:
    """What is written, less each that no rule could read."""
    result = dict(written)
    for key, inner in cuts.items():
        if inner and isinstance(written.get(key), dict):
            result[key] = _less(written[key], inner)
        else:
            result.pop(key, None)
    return result


def _inside(cuts: dict, path: Path) -> bool:
    """Whether a path is that of a value that could not be read, or leads into one."""
    for step in path:
        if not holds(cuts, step):
            return False
        cuts = cuts[step]
        if not cuts:
            return True
    return True
