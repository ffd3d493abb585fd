# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What Linkerd's authorization objects grant: to which identities, from which networks.

Sources: Linkerd's reference Authorization Policy, and what its policy controller makes of the objects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .matching import Match, Networks, group, selects

CONTROL_PLANE = "linkerd"  # the namespace of the control plane, which is a part of every identity
POLICY, GATEWAY = "policy.linkerd.io", "gateway.networking.k8s.io"
EVERYWHERE = Networks.of(("0.0.0.0/0", "::/0"))
CLUSTER = Networks.of(("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8"))


class Identities:
    """`*` is any DNS identity, `*.x` one that ends in `.x`; a SPIFFE identity and an account's are only themselves."""

    def __init__(self, identities: Iterable[str], accounts: Iterable[str] = ()):
        identities = set(identities)
        self.any, self.exact, self.suffixes = "*" in identities, identities.union(accounts), defaultdict(set)
        for each in identities:
            if each.startswith("*."):
                self.suffixes[len(each) - 1].add(each[1:])

    def __call__(self, identity: str | None) -> bool:
        if not identity:  # neither without mTLS nor for mTLS without an identity
            return False
        if identity.startswith("spiffe://"):
            return identity in self.exact
        return (
            self.any
            or identity in self.exact
            or any(identity[-length:] in found for length, found in self.suffixes.items())
        )


def anyone(identity: str | None) -> bool:
    return True


def any_tls(identity: str | None) -> bool:
    return identity is not None


class Grant(NamedTuple):
    """One authorization: what gives it, and the identity and the address that it takes, both of them."""

    name: str
    identity: Callable[[str | None], bool]
    networks: Callable[[str], bool]


LOCALHOST = Grant("localhost", anyone, Networks.of(("127.0.0.0/8", "::1")))
# Authorization Policy, default policies. `audit` lets in and logs, `deny` grants nothing.
ACCESS = {
    "all-unauthenticated": (anyone, EVERYWHERE),
    "all-authenticated": (Identities("*"), EVERYWHERE),
    "cluster-unauthenticated": (anyone, CLUSTER),
    "cluster-authenticated": (Identities("*"), CLUSTER),
    "audit": (anyone, EVERYWHERE),
}


def access(policy: str | None, name: str, demanding: bool = False) -> list[Grant]:
    """What a default policy grants; `demanding` where the port takes nobody without an identity.

    The controller minds that for the policies that let in, not for `audit`.
    """
    if policy not in ACCESS:
        return []
    identity, networks = ACCESS[policy]
    if demanding and policy != "audit":
        return [Grant(f"{name}, with an identity alone", Identities("*"), networks)]
    return [Grant(name, identity, networks)]


def kind_of(reference: dict) -> tuple[str, str]:
    """Kind and group of a reference, which don't mind the case; the core group has three names."""
    of = (reference.get("group") or "").lower()
    return (reference.get("kind") or "").lower(), "" if of == "core" else of


class Grants:
    """The authorization objects of one namespace, indexed by what they authorize."""

    def __init__(self, objects: list[dict], namespace: str, trust_domain: str):
        self.namespace, self.trust_domain = namespace, trust_domain
        self.authentications, self.policies = {}, defaultdict(list)
        self.named, self.selecting = defaultdict(list), []
        for each in objects:
            if group(each) != POLICY:
                continue
            kind, meta, spec = each["kind"], each["metadata"], each.get("spec") or {}
            if kind in ("MeshTLSAuthentication", "NetworkAuthentication"):
                self.authentications[kind.lower(), meta.get("namespace"), meta["name"]] = spec
            elif meta.get("namespace") == namespace and kind == "AuthorizationPolicy":
                target = spec.get("targetRef") or {}
                self.policies[(*kind_of(target), target.get("name"))].append(each)
            elif meta.get("namespace") == namespace and kind == "ServerAuthorization":
                server = spec.get("server") or {}
                if server.get("name"):
                    self.named[server["name"]].append(each)
                elif server.get("selector") is not None:
                    self.selecting.append(each)

    def of_server(self, server: dict) -> list[Grant]:
        """AuthorizationPolicies of the Server and of its Namespace, ServerAuthorizations by name or by the labels."""
        meta = server["metadata"]
        labels = meta.get("labels") or {}
        chosen = [each for each in self.selecting if picks(each["spec"]["server"]["selector"], labels) is True]
        return [
            *self.of_target(("server", POLICY, meta["name"])),
            *self.of_target(("namespace", "", self.namespace)),
            *map(self.by_client, (*self.named[meta["name"]], *chosen)),
        ]

    def of_target(self, target: tuple[str, str, str]) -> list[Grant]:
        """The grants of the AuthorizationPolicies with this target: its kind, its group and its name."""
        return [grant for each in self.policies.get(target, ()) for grant in self.by_references(each)]

    def by_references(self, policy: dict) -> list[Grant]:
        """Every reference must be met. The controller leaves out a policy that refers to what isn't there."""
        identity, networks = anyone, EVERYWHERE
        for reference in policy["spec"].get("requiredAuthenticationRefs") or ():
            kind, of = kind_of(reference)
            namespace = reference.get("namespace") or self.namespace
            found = self.authentications.get((kind, namespace, reference.get("name")))
            if (kind, of) == ("serviceaccount", ""):
                identity = Identities((), [self.account(reference["name"], namespace)])
            elif of != POLICY or found is None:
                return []
            elif kind == "meshtlsauthentication":
                identity = self.identities(found, namespace)
            else:
                networks = addresses(found.get("networks") or ())
        return [Grant(f"AuthorizationPolicy {policy['metadata']['name']}", identity, networks)]

    def identities(self, authentication: dict, namespace: str) -> Identities:
        references = [(kind_of(each), each) for each in authentication.get("identityRefs") or ()]
        accounts = (each for kind, each in references if kind == ("serviceaccount", ""))
        namespaces = (each for kind, each in references if kind == ("namespace", ""))
        return Identities(
            [
                *(authentication.get("identities") or ()),
                *(self.account("*", each.get("name") or "") for each in namespaces),
            ],
            (self.account(each.get("name") or "", each.get("namespace") or namespace) for each in accounts),
        )

    def account(self, name: str, namespace: str) -> str:
        return f"{name}.{namespace}.serviceaccount.identity.{CONTROL_PLANE}.{self.trust_domain}"

    def by_client(self, authorization: dict) -> Grant:
        """ServerAuthorization.client. One that names no clients takes none."""
        client = authorization["spec"].get("client") or {}
        mesh = client.get("meshTLS") or {}
        accounts = mesh.get("serviceAccounts") or ()
        if client.get("unauthenticated"):
            identity = anyone
        elif mesh.get("unauthenticatedTLS"):
            identity = any_tls
        else:
            names = (self.account(each["name"], each.get("namespace") or self.namespace) for each in accounts)
            identity = Identities(mesh.get("identities") or (), names)
        networks = addresses(client["networks"]) if client.get("networks") else CLUSTER
        return Grant(f"ServerAuthorization {authorization['metadata']['name']}", identity, networks)


def addresses(networks: Iterable[dict]) -> Networks:
    return Networks((each["cidr"], each.get("except") or ()) for each in networks)


def picks(selector: dict | None, labels: dict) -> Match:
    """A selector as the policy controller reads it."""
    return selects(selector, labels, expression_holds)


def expression_holds(expression: dict, labels: dict) -> bool:
    """An expression with values that its operator doesn't take, or without those that it needs, holds for nothing."""
    key, operator, values = expression.get("key"), expression.get("operator"), expression.get("values")
    if values is None:
        return (operator == "Exists" and key in labels) or (operator == "DoesNotExist" and key not in labels)
    if operator == "In":
        return key in labels and labels[key] in values
    return operator == "NotIn" and (key not in labels or labels[key] not in values)
