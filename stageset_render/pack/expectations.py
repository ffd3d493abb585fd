# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Holds a release against what is promised of it: who gets in, and who does not."""

from __future__ import annotations

import functools
import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path as File
from typing import Any

from stageset_render.access import classes_istio, classes_linkerd
from stageset_render.access.classes import MESHED, OTHER, Caller, Request, phrase
from stageset_render.access.matching import Decision
from stageset_render.access.table import Port, Work
from stageset_render.findings import Finding, Hint, Place, Refused, short
from stageset_render.helm.reading import Document, document
from stageset_render.helm.values import read_stdin, read_text
from stageset_render.pack import mesh, meshed
from stageset_render.pack.callers import Network
from stageset_render.pack.release import Release
from stageset_render.pack.schema import Schema
from stageset_render.pack.unread import told

LIST, MOST = "expectations", 1000
ACCOUNT = re.compile(r"([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)/([a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)")
NAME = r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?"
ISTIO_FORM = re.compile(rf"[A-Za-z0-9._-]+/ns/{NAME}/sa/{NAME}")
LINKERD_FORM = re.compile(rf"{NAME}\.serviceaccount\.identity\.{NAME}")
SPIFFE_FORM = re.compile(r"spiffe://[a-z0-9._-]+(/[A-Za-z0-9._-]+)+")
REQUEST = {"method", "path", "host", "headers"}  # all that may be told of one
OFFICES = {"plaintext": "", "kubelet": "health", "kube-apiserver": "webhook"}
SWITCHES = {"gate": "gate.enabled", "mcp": "mcp.enabled", "webhook": "webhook.enabled"}


class NoCaller(ValueError):
    """What an expectation names as a caller, or as its address, is none."""


class Expectations:
    """A file of them, read once for all releases.

    Args:
        name: the file's path, or - for standard input.
        stdin: what reads standard input.

    Raises:
        Refused: when it can't be read, or is not of the form that it must have.
    """

    def __init__(self, name: str, stdin: Callable[[], bytes] = read_stdin):
        self.label, text = read_text(name, stdin)
        self.read: Document = document(text, self.label)
        found = [(root, value) for root in self.read.roots if (value := self.read.value(root)) is not None]
        for root, _ in found[1:]:
            self.read.problem(root, "a second document starts here; put all that is promised into one list")
        entries = found[0][1] if found else None
        self.entries = checked(entries, self.place, tuple(self.read.problems))

    def place(self, path: tuple, at_key: bool = False) -> Place:
        """Where something in it, or its key, stands."""
        return self.read.place(path, at_key)


@functools.cache
def _schema() -> Schema:
    whole = json.loads(File(__file__).parent.with_name(f"{LIST}.schema.json").read_text(encoding="utf-8"))
    return Schema(json.dumps({"type": "object", "properties": {LIST: whole}}))  # values are a map


def checked(entries: Any, place=lambda path, at_key=False: None, problems: tuple[Finding, ...] = ()) -> list[dict]:
    """Expectations that are of the form that they must have; Refused for all else."""
    if not problems and (not entries or len(entries) > MOST):
        message = (
            f"has {len(entries)} entries; at most {MOST} are allowed" if entries else "promises nothing; write a list"
        )
        raise Refused(Finding((), message, "", "expect-malformed", place=place(())))
    found = [_inside(one, place) for one in _schema().findings({LIST: entries})]
    if found or problems:
        raise Refused(*problems, *found)
    return entries


def _inside(found: Finding, place) -> Finding:
    """A finding of the schema as one about the list alone."""
    path, mend = found.path[1:], found.mend
    if isinstance(mend, Hint) and mend.path:
        mend = mend._replace(path=mend.path[1:])
    return found._replace(path=path, mend=mend, rule="expect-malformed", place=place(path, found.at_key))


def broken(release: Release, entries: list[dict], place=lambda path: None) -> Iterator[Finding]:
    """A finding for each expectation that does not hold, at its place."""
    network, work = Network(release), Work()
    for index, entry in enumerate(entries):
        where = f"whether {entry['caller']} gets in on port {entry['port']} can't be told"
        found = told(
            release,
            lambda entry=entry: list(_of(release, network, entry, work)),
            lambda why, where=where: [("expect-undecided", f"{where}: {why}")],
        )
        for rule, message in found:
            yield Finding((), message, rule=rule, place=place((index,)))


def _of(release: Release, network: Network, entry: dict, work: Work) -> Iterator[tuple[str, str]]:
    who, wanted = entry["caller"], entry["allowed"]
    ports = {port.name: port for port in release.fact(meshed.asked_ports)}
    port = ports.get(entry["port"]) or _numbered(ports, entry["port"])
    where = f"port {entry['port']}"
    if port is None:
        if wanted:
            switch = SWITCHES.get(entry["port"])
            yield "expect-broken", f"{who} does not get in on {where}: it is off{f' ({switch})' if switch else ''}"
        return
    try:
        caller = _caller(release, who, entry.get("ip"))
    except NoCaller as error:
        yield "expect-malformed", str(error)
        return
    for request in _requests(release, port, caller, entry, work):
        found = _decide(release, network, port, caller, request, entry.get("labels"))
        on = f" on {request.name}" if request.name else ""
        if found.allowed is None:
            yield "expect-undecided", f"whether {who} gets in on {where}{on} can't be told: {found.because}"
        elif found.allowed is not wanted:
            yield (
                "expect-broken",
                f"{who} {'gets' if found.allowed else 'does not get'} in on {where}{on}: {found.because}",
            )
        else:
            continue
        return
    if work.cut and not entry.keys() >= REQUEST:
        yield "expect-undecided", f"whether {who} gets in on {where} can't be told: more is named than is asked about"


def _numbered(ports: dict[str, Port], number: Any) -> Port | None:
    known = next((port for port in ports.values() if port.number == number), None)
    return known or (Port(str(number), number) if isinstance(number, int) else None)


def _caller(release: Release, who: str, ip: str | None) -> Caller:
    """Raises NoCaller for what is none."""
    try:
        ipaddress.ip_address(ip or "::")
    except ValueError as error:
        raise NoCaller(str(error)) from None
    engine = mesh.engine(release)
    make = (classes_linkerd if engine == "linkerd" else classes_istio).identity
    if who in OFFICES:
        return Caller(who, None, ip)
    if who == MESHED:
        return (
            release.fact(meshed.asked).meshed if engine else Caller(who, make("cluster.local", OTHER, OTHER))
        )._replace(ip=ip)
    account = ACCOUNT.fullmatch(who)
    if account:
        return Caller(who, make("cluster.local", account[1], account[2]), ip)
    bare = who.removeprefix("spiffe://")
    if engine != "linkerd" and ISTIO_FORM.fullmatch(bare):
        return Caller(who, bare, ip)
    if engine == "linkerd" and (SPIFFE_FORM.fullmatch(who) or LINKERD_FORM.fullmatch(who)):
        return Caller(who, who, ip)
    of = f"an identity of {engine.capitalize()}" if engine else "an identity"
    raise NoCaller(
        f"{short(repr(who))} is not {of}; write namespace/serviceaccount, a full identity, plaintext, kubelet, kube-apiserver "
        "or any other meshed"
    )


def _requests(release: Release, port: Port, caller: Caller, entry: dict, work: Work) -> list[Request]:
    """What is told of the request, beside all that the objects tell apart of the rest; of kubelet its probes."""
    said = {key: entry[key] for key in ("method", "path", "host") if key in entry}
    if "headers" in entry:
        said["headers"] = tuple(entry["headers"].items())
    if caller.name == meshed.KUBELET and port.office and not said:
        return [request for _, request in port.office]
    open_ = mesh.engine(release) and not entry.keys() >= REQUEST
    known = release.fact(meshed.asked).of(port, caller, work) if open_ else []
    found: dict[Request, Request] = {}
    for request in (Request(), *known):
        whole = request._replace(**said, name="")
        if whole not in found:
            found[whole] = whole._replace(name=_rest(request, said) if said else request.name)
    return list(found.values())


def _rest(request: Request, told: dict) -> str:
    """How that of a request is told which the expectation leaves open."""
    parts = [getattr(request, part) for part in ("method", "path") if part not in told]
    host = f"of host {request.host}" if request.host and "host" not in told else None
    headers = () if "headers" in told else request.headers
    return phrase(*parts, host, *(f"with {name}: {text}" for name, text in headers))


def _decide(
    release: Release, network: Network, port: Port, caller: Caller, request: Request, labels: dict | None
) -> Decision:
    """Whether the mesh and the network policies both let in."""
    open_to_all = mesh.unmeshed(release)
    own = None if open_to_all else meshed.proxy_port(release, port.number)
    found = Decision(True, open_to_all) if open_to_all else own
    found = found or release.fact(meshed.asked).promised(port, caller, request)
    barred = network.decide(port.number, caller, labels)
    if found.allowed is False or barred is None or barred.allowed is True:
        return found
    return barred if barred.allowed is False or found.allowed is True else found
