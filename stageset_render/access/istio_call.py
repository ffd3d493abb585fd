# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What Istio's authorization rules see of one call.

Sources: Istio's references Authorization Policy Conditions and Global Mesh Options (pathNormalization), and Envoy's
pages on x-forwarded-for and on path normalization.
"""

from __future__ import annotations

import re
from typing import Any

from .matching import Unknown, address

# Headers that the sidecar writes itself before it authorizes.
PROXY_HEADERS = re.compile(r"x-envoy-.*|x-forwarded-(client-cert|proto)|x-request-id|traceparent|x-b3-.*")
PATH = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*")
# Escapes of characters that need none: whether they stay is up to the proxy's version.
UNRESERVED = re.compile(r"%(2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])")


def facts_of(call: dict, identity: str | None, pod: dict, tokens: bool) -> Facts:
    headers = {name.lower(): value for name, value in (call.get("headers") or {}).items()}
    host = call.get("host", headers.get("host"))
    found = {
        "identity": identity,
        "ip": stated("ip", call.get("ip")),
        "remote ip": remote_ip(call, headers),
        "port": call["port"],
        "destination ip": stated("the pod's ip", pod.get("ip")),
        "sni": call.get("sni") if identity is not None else None,
        "token": Unknown("a RequestAuthentication selects the pod, and no token is judged")
        if tokens
        else call.get("token"),
        "host": stated("host", host),
        "method": stated("method", call.get("method")),
        "path": path_fact(call.get("path")),
        "header :path": stated("path", call.get("path")),
    }
    found.update({"header :authority": found["host"], "header host": found["host"], "header :method": found["method"]})
    return Facts(found, headers)


class Facts(dict):
    """What the fields look at, by name: a value, None where the call has none, Unknown where it isn't told."""

    def __init__(self, found: dict[str, Any], headers: dict[str, str]):
        super().__init__(found)
        self.headers = headers

    def __missing__(self, name: str) -> str | Unknown | None:
        kind, _, key = name.partition(" ")
        if kind == "unknown":
            return Unknown(f"the condition {key!r} can't be judged offline")
        if PROXY_HEADERS.fullmatch(key) or key.startswith(":"):
            return Unknown(f"the proxy itself writes the header {key}")
        return self.headers.get(key)


def stated(what: str, value: Any) -> Any:
    return Unknown(f"the call doesn't tell {what}") if value is None else value


def remote_ip(call: dict, headers: dict) -> str | Unknown:
    """Envoy, x-forwarded-for: a sidecar takes its last address, where HTTP has one, else the peer's."""
    forwarded = headers.get("x-forwarded-for") if call.get("protocol") != "tcp" else None
    if forwarded is None:
        return stated("ip", call.get("ip"))
    last = forwarded.rpartition(",")[2].strip()
    try:
        address(last)
    except ValueError:
        return Unknown("no address ends x-forwarded-for")
    return last


def path_fact(path: str | None) -> str | Unknown:
    """The path as Envoy authorizes it: without its query, `\\` as `/`, without dot segments (Istio's default, BASE)."""
    if path is None:
        return Unknown("the call doesn't tell path")
    path = path.partition("?")[0].replace("\\", "/")
    if not PATH.fullmatch(path) or UNRESERVED.search(path):
        return Unknown("how the proxy normalises such a path is not judged")
    kept = []
    *segments, last = path.split("/")[1:]
    # A dot segment at the end leaves its slash.
    for segment in (*segments, last, "") if last in (".", "..") else (*segments, last):
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    return "/" + "/".join(kept)
