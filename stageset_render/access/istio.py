# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whom Istio's sidecar lets in: AuthorizationPolicy, PeerAuthentication and the trust domain.

Sources: Istio's references Authorization Policy, Authorization Policy Conditions, PeerAuthentication and Global Mesh
Options, its concept pages on security, and Envoy's RBAC filter, into which istiod translates the policies.
"""

from __future__ import annotations

from collections.abc import Callable

from .istio_call import Facts, facts_of
from .istio_fields import Reader
from .istio_index import Index, Rule, concerns, matches
from .matching import Decision, Match, always, group, selects, some

ROOT_NAMESPACE = "istio-system"  # Global Mesh Options: rootNamespace
TRUE = ("1", "t", "T", "TRUE", "true", "True")  # what Go's ParseBool reads as true


class Judge:
    """The objects read once for one pod; `decide` asks for one call."""

    def __init__(self, objects: list[dict], pod: dict, trust_domain: str, aliases: tuple[str, ...]):
        ours = [each for each in objects if group(each) == "security.istio.io"]
        ours = [each for each in ours if namespace(each) in (pod["namespace"], ROOT_NAMESPACE)]
        self.domains = (trust_domain, *aliases)
        self.pod = pod
        self.peer = peer_authentication([each for each in ours if each["kind"] == "PeerAuthentication"], pod)
        self.tokens = any(each["kind"] == "RequestAuthentication" and attached(each, pod) is True for each in ours)
        self.policies = {"CUSTOM": [], "DENY": [], "ALLOW": []}
        rules = {"CUSTOM": [], "DENY": [], "ALLOW": []}
        self.of_rule: dict[int, Callable[[Facts], Match]] = {}
        for each in ours:
            action = (each.get("spec") or {}).get("action") or "ALLOW"
            # AUDIT only logs, and a dry run never enforces.
            if each["kind"] == "AuthorizationPolicy" and action in rules and attached(each, pod) and not dry(each):
                self.policies[action].append(title(each, pod))
                rules[action] += read_rules(each, pod, self.domains)
        self.rules = {action: Index(found) for action, found in rules.items()}

    def decide(self, call: dict) -> Decision:
        """The order of Istio's concept page on security, implicit enablement: mTLS, CUSTOM, DENY, ALLOW.

        `call`: `port`, `ip`, `protocol` (`http` or `tcp`), `identity` (SPIFFE without its scheme, None: plain text);
        for HTTP also `method`, `path` with its query, `host` and `headers`; with mTLS `sni`. Headers, a server name and a
        token that aren't there count as not sent; `sni` and `token` may be Unknown.
        """
        if bypasses_sidecar(self.pod.get("annotations") or {}, call["port"]):
            return Decision(True, f"the pod's annotations lead port {call['port']} past the sidecar")
        mode, because = self.peer(call["port"])
        # With DISABLE the port speaks plain text alone, and no caller can show who it is.
        identity = None if mode == "DISABLE" else call.get("identity")
        if identity is None and mode == "STRICT":
            return Decision(False, f"{because} demands mTLS")
        if identity is not None and not identity.startswith(tuple(f"{each}/" for each in self.domains)):
            return Decision(False, "the caller's trust domain is not the mesh's")
        return self.authorize(facts_of(call, identity, self.pod, self.tokens), call.get("protocol") == "tcp")

    def concerned(self, call: dict) -> tuple[list[int], int]:
        """The numbers of the rules of the action ALLOW that a call of this caller at this port may match; what that costs."""
        facts = self.facts(call)
        return [number for number, _ in self.rules["ALLOW"].near(facts)], self.rules["ALLOW"].weight(facts)

    def concerns(self, number: int, call: dict) -> bool:
        """Whether one of them, counted from 0, may match any call of this caller at this port."""
        if number not in self.of_rule:
            self.of_rule[number] = concerns(self.rules["ALLOW"].rules[number])
        return self.of_rule[number](self.facts(call)) is not False

    def facts(self, call: dict) -> Facts:
        mode, _ = self.peer(call["port"])
        return facts_of(call, None if mode == "DISABLE" else call.get("identity"), self.pod, self.tokens)

    def count(self) -> int:
        """How many rules of the action ALLOW there are."""
        return len(self.rules["ALLOW"].rules)

    def matches(self, number: int, call: dict) -> Match:
        """Whether one rule of the action ALLOW, counted from 0, matches a call that gets past mTLS."""
        mode, _ = self.peer(call["port"])
        identity = None if mode == "DISABLE" else call.get("identity")
        if identity is None and mode == "STRICT":
            return False
        rule, facts = self.rules["ALLOW"].rules[number], facts_of(call, identity, self.pod, self.tokens)
        return rule.tcp(facts) if call.get("protocol") == "tcp" else rule.http(facts)

    def authorize(self, facts: Facts, tcp: bool) -> Decision:
        rule, doubt = first(self.rules["DENY"].near(facts), facts, tcp)
        if rule:
            return Decision(False, rule)
        custom, external = first(self.rules["CUSTOM"].near(facts), facts, tcp)
        if custom:
            doubt = doubt or f"{custom}: an external authorizer decides, by the action CUSTOM"
        doubt = doubt or external
        allowed = self.allows(facts, tcp)
        return Decision(None, doubt) if doubt and allowed.allowed is not False else allowed

    def allows(self, facts: Facts, tcp: bool) -> Decision:
        if not self.policies["ALLOW"]:
            return Decision(True, "no AuthorizationPolicy with the action ALLOW selects the pod")
        rule, doubt = first(self.rules["ALLOW"].near(facts), facts, tcp)
        if rule or doubt:
            return Decision(True if rule else None, rule or doubt)
        return Decision(False, f"no rule of {some(self.policies['ALLOW'])} admits it")


def first(rules: list[tuple[int, Rule]], facts: Facts, tcp: bool) -> tuple[str | None, str | None]:
    """The name of the first rule that matches, and of the first that may match, with the reason."""
    doubt = None
    for _, rule in rules:
        match = rule.tcp(facts) if tcp else rule.http(facts)
        if match is True:
            return rule.name, doubt
        if match is not False and doubt is None:
            doubt = f"{rule.name}: {match}"
    return None, doubt


def namespace(thing: dict) -> str | None:
    return thing["metadata"].get("namespace")


def title(thing: dict, pod: dict) -> str:
    where = "" if namespace(thing) == pod["namespace"] else f"{namespace(thing)}/"
    return f"{thing['kind']} {where}{thing['metadata']['name']}"


def dry(policy: dict) -> bool:
    """Istio, resource annotations: istio.io/dry-run."""
    return (policy["metadata"].get("annotations") or {}).get("istio.io/dry-run") in TRUE


def attached(policy: dict, pod: dict) -> bool:
    """Workload selector: all its labels. A policy with targetRefs is for gateways and waypoints, not for sidecars."""
    spec = policy.get("spec") or {}
    if spec.get("targetRef") or spec.get("targetRefs"):
        return False
    return selects({"matchLabels": (spec.get("selector") or {}).get("matchLabels")}, pod.get("labels") or {}) is True


def bypasses_sidecar(annotations: dict, port: int) -> bool:
    """Istio, resource annotations: traffic.sidecar.istio.io/includeInboundPorts and excludeInboundPorts."""
    included = annotations.get("traffic.sidecar.istio.io/includeInboundPorts", "*")
    if included.strip() != "*":
        return str(port) not in ports(included)
    return str(port) in ports(annotations.get("traffic.sidecar.istio.io/excludeInboundPorts", ""))


def ports(text: str) -> list[str]:
    return [each.strip() for each in text.split(",")]


def peer_authentication(policies: list[dict], pod: dict) -> Callable[[int], tuple[str, str]]:
    """PeerAuthentication: the mode of a port, from port, workload, namespace and mesh, UNSET inheriting.

    Of several at one level the oldest counts, then the first by name.
    """
    levels, port_modes, port_because = {}, {}, ""
    for each in sorted(policies, key=lambda each: (created(each), each["metadata"]["name"])):
        chosen = bool(((each.get("spec") or {}).get("selector") or {}).get("matchLabels"))
        level = "workload" if chosen else "mesh" if namespace(each) == ROOT_NAMESPACE else "namespace"
        # One in the root namespace that selects workloads is no policy of the mesh and no policy of a workload.
        if attached(each, pod) and not (chosen and namespace(each) == ROOT_NAMESPACE):
            levels.setdefault(level, each)
    mode, because = "PERMISSIVE", "Istio's default"
    for level in ("mesh", "namespace", "workload"):
        if level in levels:
            own = mtls_mode((levels[level].get("spec") or {}).get("mtls"))
            mode, because = (own, title(levels[level], pod)) if own else (mode, because)
    if "workload" in levels:
        port_because = title(levels["workload"], pod)
        settings = levels["workload"]["spec"].get("portLevelMtls") or {}
        port_modes = {int(port): mtls_mode(setting) or mode for port, setting in settings.items()}
    return lambda port: (port_modes[port], port_because) if port in port_modes else (mode, because)


def created(thing: dict) -> str:
    """RFC 3339 in UTC, so that texts compare as times do; one without a time is the oldest."""
    return str(thing["metadata"].get("creationTimestamp") or "")


def mtls_mode(setting: dict | None) -> str | None:
    mode = (setting or {}).get("mode")
    return mode if mode in ("DISABLE", "PERMISSIVE", "STRICT") else None


def read_rules(policy: dict, pod: dict, domains: tuple[str, ...]) -> list[Rule]:
    spec = policy.get("spec") or {}
    lenient = (spec.get("action") or "ALLOW") != "ALLOW"
    reader = Reader(namespace(policy), domains, lenient, plain=bool(pod.get("ztunnel")))
    rules = enumerate(spec.get("rules") or (), start=1)
    return [read_rule(f"{title(policy, pod)}, rule {index}", rule or {}, reader) for index, rule in rules]


def read_rule(name: str, rule: dict, reader: Reader) -> Rule:
    """A rule of ALLOW that Istio can't translate isn't there, and for TCP one with an HTTP field: it lets in less.

    In the other policies it is the field that isn't there: they keep out more.
    """
    reader.broken = False
    operations = [reader.operation((each or {}).get("operation") or {}) for each in rule.get("to") or ()]
    sources = [reader.source((each or {}).get("source") or {}) for each in rule.get("from") or ()]
    conditions = [clause for each in rule.get("when") or () for clause in reader.condition(each)]
    parts = (operations, sources, [conditions])
    plain = tuple([[clause for clause in one if not clause.http] for one in part] for part in parts)
    if reader.broken:
        return Rule(name, always(False), always(False))
    froms = [(each or {}).get("source") or {} for each in rule.get("from") or ()]
    tcp = matches(plain, froms, reader) if reader.lenient or plain == parts else always(False)
    return Rule(name, matches(parts, froms, reader), tcp, parts, froms, reader)
