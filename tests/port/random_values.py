# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Random values of the chart, most of which the pack takes, for comparing with Helm."""

import copy
import random

from hypothesis import strategies as st

from stageset_render.helm import writing
from stageset_render.pack import release, rendering
from stageset_render.port.diff.search import mended

RELEASE = {"name": "stageset", "namespace": "stageset-system"}


def alike(text):
    """Leave out what the pack writes otherwise than Helm on purpose: see writing.to_yaml and its _style.

    Those are strings with white space or control characters that a YAML reader might change, which Helm writes bare or
    as a block and the pack in double quotes. Helm also drops `<no value>` wherever it stands in its output.
    """
    return writing._style(text) is None and "<no value>" not in text or text in ("", "a\nb", "true", "1", "null")


HOSTILE = ["a\nb", "", "a b", "é", "'", '"', "\\", "{{ x }}", "- a", "a: b", "#", "true", "1", "null", "a*b"]
LIKELY = {  # by the name of the property
    "principals": [
        "*",
        "cluster.local/ns/flagger/sa/*",
        "cluster.local/ns/a/sa/b",
        "a.b.serviceaccount.identity.linkerd.cluster.local",
        "*.example",
        "spiffe://a/b",
        "spiffe://a/*",
        "a*b",
    ],
    "namespaces": ["a", "flagger", "*", "pro*", "*m", "a*b"],
    "kind": ["Server", "MeshTLSAuthentication", "AuthorizationPolicy", "HTTPRoute", "ServerAuthorization", "ConfigMap"],
    "apiVersion": ["policy.linkerd.io/v1alpha1", "policy.linkerd.io/v1beta1", "policy.linkerd.io/v1beta3", "v1"],
    "name": ["stageset-controller-gate", "stageset-controller-metrics", "a", "b"],
    "namespace": [RELEASE["namespace"], "a"],
    "port": ["webhook", "health", "mcp", 9443, 8081, "8084"],
}
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text("ab*/.:-#'\"\\{}é& ", max_size=8)).filter(alike)
WORDS = [text for text in HOSTILE if alike(text)]
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-70_000, 70_000), st.sampled_from([0.5, 8080.0, 1.25]), TEXTS)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
FREE = st.fixed_dictionaries(
    {},
    optional={
        "port": st.sampled_from([*LIKELY["port"], True, None, 0.5]),
        **dict.fromkeys(("from", "source", "requiredAuthenticationRefs", "notPorts", "unknown"), ANYTHING),
    },
)


def resolved(schema):
    while isinstance(schema, dict) and "$ref" in schema:
        schema = release.schema().root["definitions"][schema["$ref"].rpartition("/")[2]]
    return schema if isinstance(schema, dict) else {}


def values_of(schema, name=None):
    """A strategy for what a schema admits, by its types alone; what is refused for another reason is mended below."""
    schema = resolved(schema)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return st.one_of([OF_KIND[kind](schema, name) for kind in kinds]) if kinds else ANYTHING


def maps_of(schema, _name):
    known = {key: values_of(value, key) for key, value in schema.get("properties", {}).items()}
    needed = schema.get("required", [])
    fixed = st.fixed_dictionaries(
        {key: known[key] for key in needed}, optional={key: known[key] for key in known if key not in needed}
    )
    if schema.get("additionalProperties", True) is False:
        return fixed
    return st.builds(lambda free, fixed: {**free, **fixed}, FREE, fixed)


OF_KIND = {
    "object": maps_of,
    "array": lambda schema, name: (
        st.lists(values_of(schema.get("items", True), name), min_size=1, max_size=3) | st.just([])
    ),
    "string": lambda schema, name: st.one_of([st.sampled_from(LIKELY.get(name, WORDS))] * 2 + [TEXTS]),
    "integer": lambda schema, name: st.integers(schema.get("minimum", -9), schema.get("maximum", 70_000)),
    "number": lambda schema, name: st.sampled_from([0.5, 1, 2.0, 15, 1000]),
    "boolean": lambda schema, name: st.booleans(),
    "null": lambda schema, name: st.none(),
}


def leaves(schema, path=()):
    """The schema of every value that is no map with keys of its own, by its path."""
    schema = resolved(schema)
    if not schema.get("properties"):
        return {path: schema}
    return {
        below: found
        for key, inner in schema["properties"].items()
        for below, found in leaves(inner, (*path, key)).items()
    }


def changed(edits):
    """The values that say what the edits, pairs of a path and a value, say."""
    values = {}
    for path, value in edits:
        within = values
        for step in path[:-1]:
            within = within.setdefault(step, {})
            if not isinstance(within, dict):
                break
        else:
            within[path[-1]] = copy.deepcopy(value)
    return values


def variants(edits, seed):
    """The drawn edits under several settings of the switches, most mended: a draw is dear, a rendering is not."""
    chance = random.Random(seed)
    for _ in range(6):
        values = changed([(path, chance.choice(options)) for path, options in SWITCHES] + edits)
        yield mended(values, lambda one: rendering.render(one, **RELEASE)) if chance.random() < 0.8 else values


LEAVES = leaves(release.schema().root)
SWITCHES = [
    (path, schema.get("enum") or [True, True, False])
    for path, schema in LEAVES.items()
    if "enum" in schema or schema.get("type") == "boolean"
]
OTHERS = {path: schema for path, schema in LEAVES.items() if path not in dict(SWITCHES) and schema}
VALID = st.one_of([st.tuples(st.just(path), values_of(schema, path[-1])) for path, schema in OTHERS.items()])
SPOILT = st.tuples(st.sampled_from(list(LEAVES)), ANYTHING)
EDITS = st.lists(st.one_of([VALID] * 9 + [SPOILT]), min_size=2, max_size=8)

# Between tags

BLANKS = st.text(" \t\na", max_size=4)
DASH = st.sampled_from(["", "-"])
