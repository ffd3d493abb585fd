# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whom Istio and Linkerd admit to a meshed pod, told from Kubernetes objects alone.

The model fails closed: before any verdict it raises ValueError for an object that the mesh would refuse, and
NotImplementedError for a field, kind, annotation or pattern that it doesn't know. It assumes Istio sidecars, HTTP
ports, the root namespace `istio-system`, and Linkerd's control plane namespace, trust domain and cluster networks as
installed by default.
"""

from __future__ import annotations

import re
from collections import namedtuple
from ipaddress import ip_address, ip_network
from typing import NamedTuple

ISTIO_ROOT = "istio-system"
LINKERD_IDENTITY = "{}.{}.serviceaccount.identity.linkerd.cluster.local"
EVERYWHERE = ("0.0.0.0/0", "::/0")
CLUSTER_NETWORKS = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8")


class Caller(NamedTuple):
    """Who calls: identity and namespace as the client certificate attests them; without mtls neither counts."""

    identity: str | None
    namespace: str | None
    mtls: bool
    ip: str = "10.0.0.9"


class Pod(NamedTuple):
    """The pod that is called. It has the proxy of the mesh."""

    namespace: str
    labels: dict
    annotations: dict = {}
    probes: dict = {}  # port to the paths of the HTTP probes that the pod declares


# What a policy compares with a fact of the call: how it must look, and when it matches.


def pattern(text):
    if "{" in text or "*" in (text[1:] if text.startswith("*") else text[:-1]):
        raise NotImplementedError(f"the model knows `*` only as the first or the last character: {text!r}")


def anywhere(wanted, actual):
    """Istio makes a regular expression of a namespace, with any text for each `*`."""
    return re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), actual) is not None


def namespace_pattern(text):
    if "/" in text or re.search(r"\*(s?a$|(s|s?a)\*)", text) or (text != "*" and anywhere(text, "sa")):
        raise NotImplementedError(f"sidecars match {text!r} with all of /ns/NAMESPACE/sa/NAME, not the namespace alone")


def identity_pattern(text):
    if "*" in text and text != "*" and not re.fullmatch(r"\*\.[^*]+", text):
        raise ValueError(f"Linkerd has `*`, `*.suffix` and exact identities, not {text!r}")


def number(text):
    if not re.fullmatch(r"0*[0-9]{1,5}", text):
        raise ValueError(f"no port number: {text!r}")


def network(text):
    return ip_network(text, strict=False)


def wildcard(wanted, actual):
    """Istio: Authorization Policy reference: exact match, prefix `x*`, suffix `*x`, presence `*`."""
    if wanted.startswith("*"):
        return actual.endswith(wanted[1:])
    return actual.startswith(wanted[:-1]) if wanted.endswith("*") else actual == wanted


def in_network(wanted, actual):
    return ip_address(actual) in network(wanted)


# Istio: Authorization Policy reference, `Source` and `Operation`; Authorization Policy Conditions reference.
# Field: (fact of the call, how a value must look, when it matches). Every field has its negative: notPrincipals ...
SOURCE = {
    "principals": ("identity", pattern, wildcard),
    "namespaces": ("namespace", namespace_pattern, anywhere),
    "ipBlocks": ("ip", network, in_network),
}
OPERATION = {
    "ports": ("port", number, lambda wanted, actual: int(wanted) == actual),
    "paths": ("path", pattern, wildcard),
    "methods": ("method", pattern, wildcard),
    "hosts": ("host", pattern, lambda wanted, actual: wildcard(wanted.lower(), actual.lower())),
}
WHEN = {
    "source.principal": SOURCE["principals"],
    "source.namespace": SOURCE["namespaces"],
    "source.ip": SOURCE["ipBlocks"],
    "destination.port": OPERATION["ports"],
}


def condition_fact(key):
    header = re.fullmatch(r"request\.headers\[([^\[\]]+)\]", key)
    if key not in WHEN and not header:
        raise NotImplementedError(f"the model does not know the condition key {key!r}")
    return (f"header {header[1].lower()}", pattern, wildcard) if header else WHEN[key]


def negative(field):
    return "not" + field[0].upper() + field[1:]


# Shapes of objects. A dict: these fields and no other; `!` marks a required one, `{str: x}` is an open map, and COUNT
# tells how many fields there are at least and at most. [x]: at least one x; [x, ...]: any number. A set: one of these
# values. A type: a value of it. A function: a text, not empty, that it doesn't raise for.
COUNT = object()


def check(where, value, shape):
    """Raise NotImplementedError for an unknown field, ValueError for whatever else hasn't the shape."""

    def demand(fine, what):
        if not fine:
            raise ValueError(f"{where}: {value!r} {what}")

    if isinstance(shape, dict):
        demand(isinstance(value, dict), "is no mapping")
        least, most = shape.get(COUNT, (0, len(value)))
        demand(least <= len(value) <= most, f"needs {least} to {most} fields")
        fields = {key.rstrip("!"): part for key, part in shape.items() if isinstance(key, str)}
        for key, part in value.items():
            if key not in fields and str not in shape:
                raise NotImplementedError(f"{where}: the model does not know the field {key!r}")
            check(f"{where}.{key}", part, fields[key] if key in fields else shape[str])
        missing = [key for key in fields if f"{key}!" in shape and key not in value]
        demand(not missing, f"lacks {missing}")
    elif isinstance(shape, list):
        demand(isinstance(value, list) and (value or ... in shape), "is no list or empty")
        for index, part in enumerate(value):
            check(f"{where}[{index}]", part, shape[0])
    elif isinstance(shape, set):
        demand(isinstance(value, str) and value in shape, f"is none of {sorted(shape)}")
    elif isinstance(shape, type):
        demand(type(value) is shape, f"is no {shape.__name__}")
    else:
        demand(isinstance(value, str) and value, "is no text or empty")
        shape(value)


def comparisons(table):
    return {COUNT: (1, 99), **{name: [fact[1]] for field, fact in table.items() for name in (field, negative(field))}}


# Linkerd: Authorization policy reference, default policies: (networks, whether it takes an identity).
ACCESS = {
    "all-unauthenticated": (EVERYWHERE, False),
    "all-authenticated": (EVERYWHERE, True),
    "cluster-unauthenticated": (CLUSTER_NETWORKS, False),
    "cluster-authenticated": (CLUSTER_NETWORKS, True),
    "audit": (EVERYWHERE, False),
    "deny": ((), True),
}
SELECTOR = {"matchLabels": {str: str}}
MTLS = {"mode": {"UNSET", "DISABLE", "PERMISSIVE", "STRICT"}}
TARGET = {"group": str, "kind!": str, "name!": str}
REFERENCE = {**TARGET, "namespace": str}
NETWORKS = [{"cidr!": network, "except": [network, ...]}]
SERVER = {
    "podSelector!": SELECTOR,
    "port!": int,
    "proxyProtocol": {"unknown", "HTTP/1", "HTTP/2", "gRPC", "opaque", "TLS"},
}
ISTIO = {
    "AuthorizationPolicy": {
        "selector": SELECTOR,
        "action": {"ALLOW", "DENY", "AUDIT"},
        "rules": [
            {
                "from": [{"source!": comparisons(SOURCE)}],
                "to": [{"operation!": comparisons(OPERATION)}],
                "when": [{COUNT: (2, 3), "key!": condition_fact, "values": [str], "notValues": [str]}],
            },
            ...,
        ],
    },
    "PeerAuthentication": {"selector": SELECTOR, "mtls": MTLS, "portLevelMtls": {COUNT: (1, 99), str: MTLS}},
}
SHAPES = {
    **{(f"security.istio.io/{version}", kind): shape for version in ("v1", "v1beta1") for kind, shape in ISTIO.items()},
    **{(f"policy.linkerd.io/{version}", "Server"): SERVER for version in ("v1beta1", "v1beta2")},
    ("policy.linkerd.io/v1beta3", "Server"): {**SERVER, "accessPolicy": set(ACCESS)},
    ("policy.linkerd.io/v1alpha1", "AuthorizationPolicy"): {
        "targetRef!": TARGET,
        "requiredAuthenticationRefs!": [REFERENCE, ...],
    },
    ("policy.linkerd.io/v1alpha1", "MeshTLSAuthentication"): {
        COUNT: (1, 1),
        "identities": [identity_pattern],
        "identityRefs": [REFERENCE],
    },
    ("policy.linkerd.io/v1alpha1", "NetworkAuthentication"): {"networks!": NETWORKS},
    ("policy.linkerd.io/v1beta1", "ServerAuthorization"): {
        "server!": {"name!": str},
        "client!": {
            "networks": NETWORKS,
            "unauthenticated": bool,
            "meshTLS": {
                "unauthenticatedTLS": bool,
                "identities": [identity_pattern],
                "serviceAccounts": [{"name!": str, "namespace": str}],
            },
        },
    },
}
METADATA = {"name!": str, "namespace!": str, "labels": {str: str}, "annotations": {str: str}}
Found = namedtuple("Found", "namespace name spec")


def read(objects):
    """The security objects as a function of (group, kind), each of a known shape and none twice."""
    found = {}
    for each in objects:
        group, kind = each["apiVersion"].partition("/")[0], each["kind"]
        meta, spec = each["metadata"], each.get("spec", {})
        if "Server" in [parent.get("kind") for parent in spec.get("parentRefs", [])]:
            raise NotImplementedError(f"the model does not know a {kind} of a Server")
        if group not in ("security.istio.io", "policy.linkerd.io"):
            continue
        if (each["apiVersion"], kind) not in SHAPES:
            raise NotImplementedError(f"the model does not know {each['apiVersion']} {kind}")
        check(
            kind,
            {**each, "spec": spec},
            {"apiVersion!": str, "kind!": str, "metadata!": METADATA, "spec": SHAPES[each["apiVersion"], kind]},
        )
        refuse_mesh_keys({**meta.get("labels", {}), **meta.get("annotations", {})}, "linkerd.io/control-plane-ns")
        for condition in [one for rule in spec.get("rules", []) for one in rule.get("when", [])]:
            fact = condition_fact(condition["key"])
            check(f"{kind}.spec.rules.when", condition, {"key": str, "values": [fact[1]], "notValues": [fact[1]]})
        same = found.setdefault((group, kind), {})
        if (meta["namespace"], meta["name"]) in same:
            raise ValueError(f"{kind} {meta['namespace']}/{meta['name']} stands twice")
        same[meta["namespace"], meta["name"]] = Found(meta["namespace"], meta["name"], spec)
    return lambda group, kind: found.get((group, kind), {})


def refuse_mesh_keys(mapping, *known):
    """Refuse labels and annotations like `istio.io/dry-run`: they can take a policy or a port out of force."""
    unknown = [key for key in mapping if ("istio.io/" in key or "linkerd.io/" in key) and key not in known]
    if unknown:
        raise NotImplementedError(f"the model does not know the labels or annotations {unknown}")


def selects(selector, pod):
    """Kubernetes: label selectors: every matchLabels entry; an empty selector takes every pod."""
    return selector.get("matchLabels", {}).items() <= pod.labels.items()


def proven(caller):
    return caller if caller.mtls else caller._replace(identity=None, namespace=None)


def istio_admits(objects, pod, caller, port, path="/", method="GET", host="", headers=None) -> bool:
    """Istio: Authorization Policy reference, evaluation order; Security concepts, implicit enablement.

    Raises ValueError or NotImplementedError for objects that the model can't judge.
    """
    found = read(objects)
    refuse_mesh_keys(pod.annotations)
    mode = mtls_mode(found("security.istio.io", "PeerAuthentication").values(), pod, port)
    caller = proven(caller._replace(mtls=caller.mtls and mode != "DISABLE"))
    if mode == "STRICT" and caller.identity is None:
        return False
    call = {"port": port, "path": path, "method": method, "host": host, **caller._asdict()}
    call.update({f"header {name.lower()}": value for name, value in (headers or {}).items()})
    matches = {"ALLOW": [], "DENY": [], "AUDIT": []}
    for policy in found("security.istio.io", "AuthorizationPolicy").values():
        if policy.namespace in (pod.namespace, ISTIO_ROOT) and selects(policy.spec.get("selector", {}), pod):
            rules = [rule_matches(rule, call) for rule in policy.spec.get("rules", [])]
            matches[policy.spec.get("action", "ALLOW")].append(any(rules))
    return not any(matches["DENY"]) and (not matches["ALLOW"] or any(matches["ALLOW"]))


def mtls_mode(policies, pod, port):
    """Istio: PeerAuthentication reference: port, workload, namespace, mesh: the first set mode, else PERMISSIVE."""
    workload, namespace, mesh = [], [], []
    for each in policies:
        if each.spec.get("selector", {}).get("matchLabels"):
            if each.namespace == ISTIO_ROOT:
                raise NotImplementedError("the model does not know a selector in the root namespace")
            if each.namespace == pod.namespace and selects(each.spec["selector"], pod):
                workload.append(each.spec)
        elif "portLevelMtls" in each.spec:
            raise ValueError(f"PeerAuthentication {each.namespace}/{each.name}: portLevelMtls needs a selector")
        elif each.namespace in (pod.namespace, ISTIO_ROOT):
            (mesh if each.namespace == ISTIO_ROOT else namespace).append(each.spec)
    if max(len(workload), len(namespace), len(mesh)) > 1:
        raise ValueError("two PeerAuthentications at one level: Istio takes the oldest, and objects tell no age")
    ports = [mtls for spec in workload for key, mtls in spec.get("portLevelMtls", {}).items() if int(key) == port]
    levels = ports + [spec.get("mtls", {}) for spec in workload + namespace + mesh]
    return next((mtls["mode"] for mtls in levels if mtls.get("mode", "UNSET") != "UNSET"), "PERMISSIVE")


def rule_matches(rule, call):
    """Istio: Authorization Policy reference, `Rule`: one `from`, one `to`, every `when`; an absent list matches."""
    return (
        ("from" not in rule or any(fields_match(SOURCE, each["source"], call) for each in rule["from"]))
        and ("to" not in rule or any(fields_match(OPERATION, each["operation"], call) for each in rule["to"]))
        and all(
            fact_matches(condition_fact(each["key"]), each.get("values"), each.get("notValues"), call)
            for each in rule.get("when", [])
        )
    )


def fields_match(table, fields, call):
    return all(
        fact_matches(fact, fields.get(field), fields.get(negative(field)), call) for field, fact in table.items()
    )


def fact_matches(fact, values, not_values, call):
    """One of `values` and none of `not_values`. What the call lacks (an identity, a header) equals no value."""
    name, _, matches = fact

    def listed(wanted):
        return call.get(name) is not None and any(matches(one, call[name]) for one in wanted)

    return (values is None or listed(values)) and (not_values is None or not listed(not_values))


def linkerd_admits(objects, pod, caller, port, path="/") -> bool:
    """Linkerd: Authorization policy reference: a Server governs its port, the default inbound policy every other.

    `path` counts for the pod's own probes alone: other routes are not modelled. Raises ValueError or
    NotImplementedError for objects that the model can't judge.
    """
    found = read(objects)
    caller = proven(caller)
    settings = linkerd_settings(objects, pod)
    grants = {}
    for policy in found("policy.linkerd.io", "AuthorizationPolicy").values():
        grants.setdefault(target(policy), []).append(satisfied(policy, found, caller))
    for each in found("policy.linkerd.io", "ServerAuthorization").values():
        server = each.namespace, "Server", each.spec["server"]["name"]
        grants.setdefault(server, []).append(client_admits(each, caller))
    if skipped(settings.get("config.linkerd.io/skip-inbound-ports", ""), port):
        return True
    servers = [
        each
        for each in found("policy.linkerd.io", "Server").values()
        if each.namespace == pod.namespace and each.spec["port"] == port and selects(each.spec["podSelector"], pod)
    ]
    if len(servers) > 1:
        raise ValueError(f"several Servers select one port: {[each.name for each in servers]}")
    seen = all(each.spec.get("proxyProtocol", "unknown") in ("unknown", "HTTP/1") for each in servers)
    if seen and path in pod.probes.get(port, ()):  # Linkerd: Authorization policy reference, default policies
        return True
    if not servers:
        return access_admits(settings.get("config.linkerd.io/default-inbound-policy", "all-unauthenticated"), caller)
    targets = (pod.namespace, "Server", servers[0].name), (pod.namespace, "Namespace", pod.namespace)
    return any(any(grants.get(each, [])) for each in targets) or access_admits(
        servers[0].spec.get("accessPolicy", "deny"), caller
    )


def linkerd_settings(objects, pod):
    """Linkerd: Proxy configuration reference: the pod's annotations over those of its Namespace."""
    settings = {}
    for each in objects:
        if (each["apiVersion"], each["kind"], each["metadata"]["name"]) == ("v1", "Namespace", pod.namespace):
            settings.update(each["metadata"].get("annotations") or {})
    settings.update(pod.annotations)
    refuse_mesh_keys(
        settings,
        "config.linkerd.io/default-inbound-policy",
        "config.linkerd.io/skip-inbound-ports",
        "config.linkerd.io/opaque-ports",
    )
    return settings


def skipped(ports, port):
    """Linkerd: Proxy configuration reference, skip-inbound-ports: numbers and ranges, parted by commas."""
    ranges = [part.strip().partition("-") for part in ports.split(",") if part.strip()]
    return any(int(first) <= port <= int(last or first) for first, _, last in ranges)


def access_admits(policy, caller):
    """Linkerd: Authorization policy reference, default policies and Server.accessPolicy."""
    check("the default policy", policy, set(ACCESS))
    networks, authenticated = ACCESS[policy]
    return any(in_network(each, caller.ip) for each in networks) and not (authenticated and caller.identity is None)


def group_kind(reference):
    group = reference.get("group", "")
    return "" if group == "core" else group, reference["kind"]


def target(policy):
    """Linkerd: Authorization policy reference, AuthorizationPolicy.targetRef: always in the policy's own namespace."""
    reference = policy.spec["targetRef"]
    if group_kind(reference) not in (("policy.linkerd.io", "Server"), ("", "Namespace")):
        raise NotImplementedError(f"the model does not know the target {reference}")
    if reference["kind"] == "Namespace" and reference["name"] != policy.namespace:
        raise ValueError(f"AuthorizationPolicy {policy.namespace}/{policy.name} targets another namespace")
    return policy.namespace, reference["kind"], reference["name"]


def satisfied(policy, found, caller):
    """Linkerd: Authorization policy reference, requiredAuthenticationRefs: each of them; without any, everybody.

    A reference to an object that does not exist makes Linkerd ignore the policy.
    """
    verdicts = {"identity": [], "network": []}
    for each in policy.spec["requiredAuthenticationRefs"]:
        namespace, name = each.get("namespace", policy.namespace), each["name"]
        known = found(*group_kind(each)).get((namespace, name))
        if group_kind(each) == ("", "ServiceAccount"):
            verdicts["identity"].append(identity_matches(LINKERD_IDENTITY.format(name, namespace), caller))
        elif group_kind(each) == ("policy.linkerd.io", "MeshTLSAuthentication"):
            verdicts["identity"].append(known and mesh_tls_admits(known, caller))
        elif group_kind(each) == ("policy.linkerd.io", "NetworkAuthentication"):
            verdicts["network"].append(known and in_networks(known.spec["networks"], caller))
        else:
            raise NotImplementedError(f"the model does not know the authentication {each}")
    if max(map(len, verdicts.values())) > 1:
        raise ValueError(f"AuthorizationPolicy {policy.namespace}/{policy.name}: two authentications of one kind")
    return all(verdicts["identity"] + verdicts["network"])


def mesh_tls_admits(authentication, caller):
    """Linkerd: Authorization policy reference, MeshTLSAuthentication: any of identities or identityRefs."""
    identities = list(authentication.spec.get("identities", []))
    for each in authentication.spec.get("identityRefs", []):
        if group_kind(each) == ("", "ServiceAccount"):
            identities.append(LINKERD_IDENTITY.format(each["name"], each.get("namespace", authentication.namespace)))
        elif group_kind(each) == ("", "Namespace") and "namespace" not in each:
            identities.append(LINKERD_IDENTITY.format("*", each["name"]))
        else:
            raise NotImplementedError(f"the model does not know the identity reference {each}")
    return any(identity_matches(each, caller) for each in identities)


def identity_matches(wanted, caller):
    """Linkerd: Authorization policy reference, identities: `*` is any DNS identity, `*.x` any that ends in `.x`."""
    if caller.identity is None:
        return False
    if caller.identity.startswith("spiffe://"):
        return wanted == caller.identity
    return wanted in ("*", caller.identity) or (wanted.startswith("*.") and caller.identity.endswith(wanted[1:]))


def in_networks(networks, caller):
    """Linkerd: Authorization policy reference, NetworkAuthentication: in a cidr and in none of its exceptions."""
    return any(
        in_network(each["cidr"], caller.ip) and not any(in_network(one, caller.ip) for one in each.get("except", []))
        for each in networks
    )


def client_admits(authorization, caller):
    """Linkerd: Authorization policy reference, ServerAuthorization.client."""
    client = authorization.spec["client"]
    if "networks" not in client and not any(in_network(each, caller.ip) for each in CLUSTER_NETWORKS):
        raise NotImplementedError("whether a ServerAuthorization without networks admits every network is not defined")
    mesh = client.get("meshTLS", {})
    accounts = [
        LINKERD_IDENTITY.format(each["name"], each.get("namespace", authorization.namespace))
        for each in mesh.get("serviceAccounts", [])
    ]
    return in_networks(client.get("networks", [{"cidr": caller.ip}]), caller) and (
        client.get("unauthenticated", False)
        or (mesh.get("unauthenticatedTLS", False) and caller.mtls)
        or any(identity_matches(each, caller) for each in [*mesh.get("identities", []), *accounts])
    )
