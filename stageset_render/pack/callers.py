# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Who may call the controller under the values of a release, as a table for people and for programs."""

from __future__ import annotations

import functools
import itertools
import json
import shutil
import sys
import textwrap
from collections.abc import Iterator
from typing import NamedTuple

from stageset_render.access import POLICY as DOMESTIC
from stageset_render.access.classes import ELSEWHERE, MESHED, PLAINTEXT, Caller
from stageset_render.access.matching import Decision
from stageset_render.access.table import Port, Row
from stageset_render.pack import mesh, meshed, networked
from stageset_render.pack.release import Release
from stageset_render.pack.unread import Unread, told
from stageset_render.reporting import escaped

HEADINGS = ("PORT", "CALLER", "GETS IN", "NETWORK", "BY")
WRAPPED, NARROW, GAP = (4, 1, 2, 4, 1), (28, 28, 12, 16, 14), 2  # the columns that give way, in this order, and how far
ANYONE, LISTED, NOT_JUDGED = "anyone", "listed", "not judged"
UNNAMED = (ANYONE, MESHED, PLAINTEXT)
WORDS = {True: "yes", False: "no", None: "depends"}


class Told(NamedTuple):
    """A row of the table: who, whether the mesh lets them in, and whether the network policies do."""

    row: Row
    network: str


class Callers(NamedTuple):
    """The table, and what else has to be known of it."""

    rows: list[Told]
    remarks: list[str]


def callers(release: Release) -> Callers:
    """Who may call which port. Raises Refused when a template fails."""
    judged = Network(release)
    rows = [
        Told(row, told(release, functools.partial(judged.of, row), lambda why: NOT_JUDGED)) for row in _rows(release)
    ]
    remarks = told(release, lambda: list(_remarks(release)), lambda why: [f"{why}, so what else counts can't be told."])
    if any(one.network == LISTED for one in rows):
        remarks.insert(0, "Where NETWORK is listed, only callers that the network policies list get through.")
    if any(one.network == WORDS[None] for one in rows):
        remarks.insert(
            0,
            "Where NETWORK depends, the caller's pod, its labels or its address decide; --expect can be told of them.",
        )
    return Callers(rows, remarks)


def _rows(release: Release) -> Iterator[Row]:
    """The rows of all ports; of a port of which the objects can't be read that it depends on them."""
    nowhere = [Port("any", 0)]
    for port in told(release, lambda: release.fact(meshed.asked_ports), lambda why: nowhere):

        def unread(why: str, port: Port = port) -> list[Row]:
            return [Row(port.name, port.number, Caller(ANYONE, None), None, why)]

        yield from told(release, functools.partial(_of_port, release, port), unread)


def _of_port(release: Release, port: Port) -> list[Row]:
    open_to_all = mesh.unmeshed(release)
    if open_to_all:
        return [Row(port.name, port.number, Caller(ANYONE, None), True, open_to_all)]
    return list(release.fact(meshed.asked).rows(port))


class Network:
    """What the network policies of a release make of a caller."""

    def __init__(self, release: Release):
        self.release = release
        self.judge = told(release, self._read, Unread)
        self.known: dict[tuple, Decision] = {}
        self.names = told(release, lambda: networked.names(release), lambda why: None) if self.judge else None
        self.tunnel = told(release, lambda: mesh.tunnel(release), lambda why: None)

    def _read(self):
        on = self.release.at("networkPolicy.enabled") or networked.added_policies(self.release)
        return self.release.fact(networked.ingress) if on else None

    def of(self, row: Row) -> str:
        """What NETWORK says: `open` without policies, `listed` where of the callers of a row, whom nobody names, only those
        that a policy lists get through, `not judged` where what is passed through is beyond judging."""
        if self.judge is None:
            return "open"
        found = self.decide(row.number, row.caller).allowed
        port = {"port": self._port(row.number, row.caller), "protocol": "TCP"}
        if found is None:
            whole = {"namespace": "any-other", "namespace_labels": {}, "labels": {}, "ip": ELSEWHERE}
            stranger = self.judge.decide({**whole, **port}).allowed
            if stranger is None:
                return NOT_JUDGED
            found = False if stranger is False and row.caller.name in UNNAMED else None
        if found is False and row.caller.name in UNNAMED and self.judge.decide(port).allowed is not False:
            return LISTED
        return WORDS[found]

    def decide(self, number: int, caller: Caller, labels: dict | None = None) -> Decision | None:
        """Whether they let a caller, whose pod may have these labels, through to a port; None without policies."""
        if self.judge is None:
            return None
        facts, port = self._facts(caller), self._port(number, caller)
        call = {**facts, "labels": labels, "port": port, "protocol": "TCP"}
        if labels is not None:
            return self._asked(call)
        key = (
            port,
            facts["ip"],
            facts["namespace"] if facts["namespace"] in (None, "") else self._told(facts["namespace"]),
        )
        if key not in self.known:
            self.known[key] = self._asked(call)
        return self.known[key]

    def _asked(self, call: dict) -> Decision:
        return told(self.release, lambda: self.judge.decide(call), lambda why: Decision(None, why))

    def _told(self, namespace: str) -> str | bool:
        """A namespace that policies name; True for one that none does, which are all judged alike."""
        return namespace if self.names is None or namespace in self.names else True

    def _port(self, number: int, caller: Caller) -> int:
        return number if caller.identity is None or self.tunnel is None else self.tunnel

    def _facts(self, caller: Caller) -> dict:
        """What of a caller a network policy could see: the namespace that its identity tells, and its address."""
        nowhere = "" if caller.name in (meshed.KUBELET, meshed.API_SERVER) else None  # which are no pods
        return {
            "ip": caller.ip,
            "namespace": nowhere if caller.identity is None else meshed.namespace_of(self.release, caller),
        }


def _remarks(release: Release) -> Iterator[str]:
    """What depends on the cluster, and so is told and not warned of."""
    engine = mesh.engine(release)
    if engine is None:
        return
    strict = engine == "linkerd" or release.at("serviceMesh.mtls") == "strict"
    if release.at("metrics.serviceMonitor.enabled") and strict:
        yield "A Prometheus that does not bring a certificate of the mesh can't scrape the metrics port."
    marked = (release.at("pod.additionalLabels") or {}).get(mesh.INJECT) in mesh.INJECTED  # the Job's pod is not
    if release.at("cleanupOnDelete.enabled") and not mesh.ambient(release) and not marked:
        yield "The cleanup Job's pod gets a proxy as well, which must be a native sidecar, or the Job never ends."
    if engine == "istio" and not release.at("serviceMesh.mtls"):
        yield "serviceMesh.mtls is empty, so the mesh's own PeerAuthentication rules; as Istio is installed, plaintext is taken."
    if release.fact(meshed.asked).work.cut:
        yield "More callers and requests are named than are asked about; what is left out has no row."
    if foreign := release.fact(meshed.asked).aliases:
        yield f"Callers of {', '.join(foreign)} are thought to be of this mesh, whose trustDomainAliases must name them."
    if engine == "linkerd":
        policy = release.fact(meshed.asked).judge.default_policy
        told = "as Linkerd is installed; `linkerd` may be otherwise" if policy == DOMESTIC else "its Namespace says so"
        yield f"Where no Server covers a port, the default inbound policy {policy} rules it ({told})."
    yield mesh.injection(release).sentence


def as_text(table: Callers, width: int | None = None) -> str:
    """The table for people.

    Args:
        table: what to write.
        width: of the terminal; None leaves lines as long as they are.
    """
    lines = [HEADINGS]
    for one in table.rows:
        row = one.row
        lines.append((f"{row.port} {row.number}", row.caller.name, _answer(row), one.network, row.because))
    lines = [tuple(map(escaped, line)) for line in lines]
    sizes = [max(len(line[at]) for line in lines) for at in range(len(HEADINGS))]
    for at, least in zip(WRAPPED, NARROW):
        spare = (width or sum(sizes) + GAP * len(sizes)) - sum(sizes) - GAP * (len(sizes) - 1)
        sizes[at] = max(min(sizes[at], least), sizes[at] + min(spare, 0))
    text = []
    for line in lines:
        cells = [textwrap.wrap(cell, size, break_on_hyphens=False) for cell, size in zip(line, sizes)]
        for row in itertools.zip_longest(*cells, fillvalue=""):
            text.append((" " * GAP).join(part.ljust(size) for part, size in zip(row, sizes)).rstrip())
    for remark in table.remarks:
        text += ["", *(textwrap.wrap(escaped(remark), width) if width else [escaped(remark)])]
    return "\n".join(text) + "\n"


def _answer(row: Row) -> str:
    parts = [WORDS[row.allowed]] * (row.allowed is not None or not row.perhaps)
    parts[:1] = [f"yes on {', '.join(row.only)}"] if row.only else parts
    parts[:1] = [f"{parts[0]} but not on {', '.join(row.but)}"] if row.but else parts
    return ", ".join([*parts, *([f"depends on {', '.join(row.perhaps)}"] if row.perhaps else [])])


def printed(tables: dict[str, Callers], form: str | None) -> str:
    """The tables of several releases, by what they are called; of one alone, which is called nothing.

    On a terminal they are as wide as that is.
    """
    width = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None
    if form == "json":
        found = [{"release": name, "callers": as_data(one), "remarks": one.remarks} for name, one in tables.items()]
        return json.dumps(found if "" not in tables else {**found[0], "release": None}, indent=2) + "\n"
    return "\n".join(
        f"# {escaped(name)}\n{as_text(one, width)}" if name else as_text(one, width) for name, one in tables.items()
    )


def as_data(table: Callers) -> list[dict]:
    """The rows as plain data."""
    return [
        {
            "port": one.row.port,
            "number": one.row.number,
            "caller": one.row.caller.name,
            "identity": one.row.caller.identity,
            "allowed": one.row.allowed,
            "only": list(one.row.only),
            "but": list(one.row.but),
            "perhaps": list(one.row.perhaps),
            "because": one.row.because,
            "network": one.network,
        }
        for one in table.rows
    ]
