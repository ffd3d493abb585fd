# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What is promised of who gets in, asked of the objects that are rendered: each caller that `from` lists and nobody
else, kubelet at the probes, kube-apiserver at the webhook."""

from stageset_render.access.classes import CLUSTER, Caller, Named, Request, block_of
from stageset_render.access.matching import some
from stageset_render.access.patterns import Steps
from stageset_render.access.table import Asked, Work
from stageset_render.findings import WARNING
from stageset_render.pack import mesh, meshed
from stageset_render.rules import rule
from stageset_render.rules.linkerd_added import PATH, Index
from stageset_render.rules.mesh import AUTHORIZATION

RULES = "serviceMesh.istio.rules"
LISTED = ("gate", "metrics", "mcp")  # the ports whose callers the values list
GRANTS = ("AuthorizationPolicy", "ServerAuthorization")
PRIVATE = [block_of(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")]
PRIVATE_V6 = [block_of("fc00::/7")]
MOST_BLOCKS = 16  # of addresses, each of which is asked about
MOST_ASKED = 20_000  # calls about which one rule asks
MOST_REQUESTS = 256  # of Linkerd's routes; every one of more would be asked about in vain


def _own(release):
    """Linkerd without what is passed through to it."""
    return Asked(release.fact(meshed.own_policies), release.fact(meshed.pod), engine=mesh.engine(release))


def _as_meant(release):
    """The mesh with the default deny, also where the Namespace that is to have it is not rendered."""
    if not release.at("serviceMesh.defaultDeny.enabled"):
        return release.fact(meshed.asked)
    return Asked(meshed.policies(release), release.fact(meshed.pod), engine=mesh.engine(release), default_policy="deny")


def _restricted(release):
    """The ports whose callers the values list; under Linkerd also those that every meshed caller may call."""
    own = ("gate", "metrics") if mesh.engine(release) == "linkerd" else ()
    return [
        port
        for port in release.fact(meshed.asked_ports)
        if port.name in own or release.items(f"serviceMesh.{port.name}.from")
    ]


def _strangers(asked):
    """Callers that nobody names, in a cluster's networks and elsewhere."""
    for caller in (asked.meshed, asked.plaintext):
        for ip in (CLUSTER, asked.elsewhere):
            yield caller._replace(ip=ip), ""


def _within(asked, blocks):
    """Callers that nobody names, in each block that whole clusters may be in, with that."""
    wide = [(text, ip) for text, ip in dict.fromkeys(blocks) if ip and _is_wide(block_of(text))]
    for caller in (asked.meshed, asked.plaintext):
        for text, ip in wide[:MOST_BLOCKS]:
            yield caller._replace(ip=ip), text


def _is_wide(block):
    """Whether a block is one of private addresses that has all pods of a node at least, or no small part of all addresses.

    A node's pods have a /24 of IPv4 or a /64 of IPv6, a cluster's a /16 or more (Kubernetes: node-cidr-mask-size)."""
    if block.version == 6:
        return block.prefixlen <= 64 and (block.prefixlen <= 8 or any(block.overlaps(one) for one in PRIVATE_V6))
    return block.prefixlen <= 8 or (block.prefixlen <= 16 and any(block.overlaps(one) for one in PRIVATE))


class Opened:
    """What one added rule or object opens of one port: to whom, on which requests."""

    def __init__(self):
        self.who, self.requests, self.blocks = [], [], []

    def add(self, caller, request, block):
        self.who.append((caller.identity is None, caller.ip != CLUSTER))
        self.requests.append(request.name)
        self.blocks.append(block)

    def __str__(self):
        plain = any(plaintext for plaintext, _ in self.who)
        who = "anyone, also without mTLS" if plain else "any meshed caller"
        outside = any(outside for _, outside in self.who)
        where = "" if outside and "" in self.blocks else " in the cluster's networks"
        if "" not in self.blocks:
            where = f" from {some(list(dict.fromkeys(self.blocks)), 'and')}"
        on = "" if "" in self.requests else f" on {', '.join(dict.fromkeys(self.requests[:3]))}"
        return f"{who}{where}{on}"


@rule(WARNING, AUTHORIZATION["istio"])
def access_opened(release):
    """An added rule or object opens a port to callers that it does not name, and that `from` leaves out.

    Rules that admit add up, so what `from` restricts is open, whatever it lists."""
    ports = _restricted(release)
    find = _opened_by_rules if mesh.engine(release) == "istio" else _opened_by_objects
    for path, port, opened in find(release, ports) if ports else ():
        yield (
            path,
            f"opens the {port} port to {opened}, whom serviceMesh.{port}.from leaves out",
            "name whom it is to admit, or leave the port out",
        )


def _added(release):
    """The rules that are added, where their policy selects the pod; with edited templates it may not."""
    rules = release.items(RULES)
    return rules if rules and release.fact(meshed.asked).judge.count() >= len(rules) else []


def _opened_by_rules(release, ports):
    rules = _added(release)
    if not rules:
        return
    asked = release.fact(meshed.asked)
    first = asked.judge.count() - len(rules)
    work = Work(MOST_ASKED)
    for index in range(min(len(rules), mesh.MOST_RULES)):
        requests = dict.fromkeys([Request(), *asked.named[first + index].requests])
        for port in ports:
            opened = Opened()
            for strangers in (_strangers(asked), _within(asked, asked.named[first + index].blocks)):
                for caller, block in strangers if not opened.who else ():
                    concerned = asked.judge.concerns(first + index, asked.call(port, caller, Request()))
                    for request in requests if concerned and work.share(len(requests), 1) >= len(requests) else ():
                        call = asked.call(port, caller, request)
                        added = asked.judge.matches(first + index, call)
                        if added is True and not any(
                            asked.judge.matches(own, call) is not False for own in range(first)
                        ):
                            opened.add(caller, request, block)
            if opened.who:
                yield (RULES, index), port.name, opened


@rule(WARNING, AUTHORIZATION["istio"])
def access_restricts_nothing(release):
    """An added rule or object names callers or requests of a port that anyone like them may call anyway.

    Rules that admit add up: it keeps nobody out, and the port is as open as without it."""
    find = _idle_rules if mesh.engine(release) == "istio" else _idle_objects
    for path, ports in find(release):
        *others, last = ports
        they = f"the {', '.join(others)} and {last} ports admit" if others else f"the {last} port admits"
        lists = " and ".join(f"serviceMesh.{port}.from" for port in ports if port in LISTED)
        yield (
            path,
            f"keeps nobody out, because {they} such callers without it",
            f"list whom to admit in {lists}" if lists else "leave it out",
        )


def _idle_rules(release):
    rules = _added(release)
    asked = release.fact(meshed.asked)
    first = asked.judge.count() - len(rules)
    work = Work(MOST_ASKED)
    for index in range(min(len(rules), mesh.MOST_RULES)):

        def admitted(call, index=first + index):
            return asked.judge.matches(index, call) is not False

        def otherwise(call):
            return any(asked.judge.matches(own, call) is True for own in range(first))

        def concerned(call, index=first + index):
            return asked.judge.concerns(index, call)

        ports = _idle(release, asked, asked.named[first + index], admitted, otherwise, concerned, work)
        if ports:
            yield (RULES, index), ports


def _idle_objects(release):
    if not release.items(PATH):
        return
    asked, added = release.fact(meshed.asked), release.fact(Index)
    policies = {f"{one.kind} {one.name}": one for one in added.objects if one.kind in GRANTS}
    named = Named([caller for one in asked.named for caller in one.callers][:MOST_REQUESTS], [])
    seen, work = {}, Work(MOST_ASKED)

    def admitting(call):
        key = call["port"], call["identity"], call["ip"]
        if key not in seen:
            seen[key] = frozenset(asked.judge.admitting(call))
        return seen[key]

    for name, one in policies.items() if len(policies) <= mesh.MOST_RULES else ():

        def admitted(call, name=name):
            return name in admitting(call)

        def otherwise(call, name=name):
            return bool(admitting(call) - {name})

        ports = _idle(release, asked, named, admitted, otherwise, lambda call: True, work)
        if ports:
            yield one.at(), ports


def _idle(release, asked, named, admitted, otherwise, concerned, work):
    """The ports on which all that is admitted is admitted otherwise too, to callers that nobody names; none if it is not."""
    callers = [*named.callers, asked.meshed, asked.plaintext]
    requests = dict.fromkeys([Request(), *named.requests])
    if len(callers) * len(requests) > MOST_REQUESTS:
        return []
    ports = []
    for port in release.fact(meshed.asked_ports):
        for caller in callers:
            like = asked.plaintext if caller.identity is None else asked.meshed
            stranger = like._replace(ip=asked.elsewhere if caller.ip else CLUSTER)
            caller = caller._replace(ip=caller.ip or CLUSTER)
            if not concerned(asked.call(port, caller, Request())):
                continue
            if work.share(len(requests), 1) < len(requests):
                return []
            for request in requests:
                if admitted(asked.call(port, caller, request)):
                    if not otherwise(asked.call(port, stranger, request)):
                        return []
                    ports.append(port.name)
    return list(dict.fromkeys(ports))


@rule(WARNING, AUTHORIZATION["istio"])
def access_rule_admits_nobody(release):
    """An added rule matches no call of those that it names.

    Its fields, which must all match, exclude each other, or what it keeps out covers what it names."""
    rules = _added(release) if mesh.engine(release) == "istio" and not mesh.ambient(release) else []
    if not rules:
        return
    asked = release.fact(meshed.asked)
    first, ports = asked.judge.count() - len(rules), release.fact(meshed.asked_ports)
    for index in range(min(len(rules), mesh.MOST_RULES)):
        named = asked.named[first + index]
        callers, requests = [*named.callers, asked.meshed, asked.plaintext], [*named.requests, Request()]
        if len(callers) * len(requests) > MOST_REQUESTS or not named.whole:
            continue
        calls = (
            asked.call(port, caller, request)
            for port in ports
            for caller in callers
            if asked.judge.concerns(first + index, asked.call(port, caller, Request()))
            for request in requests
        )
        if all(asked.judge.matches(first + index, call) is False for call in calls):
            yield (RULES, index), "admits nobody: no call that it names meets all of it", "mend it, or leave it out"


def _opened_by_objects(release, ports):
    if not release.items(PATH):
        return
    own, asked, added = release.fact(_own), release.fact(meshed.asked), release.fact(Index)
    paths = {f"{one.kind} {one.name}": one.at() for one in added.objects}
    requests = [Request(), *asked.requests[:MOST_REQUESTS]]
    for port in ports:
        found = {}
        for strangers in (_strangers(own), _within(asked, asked.blocks)):
            known = set(found)
            for caller, block in strangers:
                for request in requests:
                    if own.ask(port, caller, request).allowed is False:
                        for name in asked.judge.admitting(asked.call(port, caller, request)):
                            if name not in known:
                                found.setdefault(name, Opened()).add(caller, request, block)
        for name, opened in found.items():
            yield paths.get(name.partition(", accessPolicy ")[0], (PATH,)), port.name, opened


@rule(WARNING, AUTHORIZATION["istio"] + "#Source")
def access_caller_shut_out(release):
    """A caller that `from` lists gets in nowhere.

    The principals and the namespaces of one entry must both match, so they may exclude each other; and what is added for
    Linkerd may take a port over."""
    asked = release.fact(meshed.asked)
    for port in _restricted(release):
        if mesh.engine(release) == "istio":
            yield from _excluded(release, asked, port)
        elif release.items(PATH):
            yield from _taken_over(release, asked, port)


def _excluded(release, asked, port):
    from stageset_render.access.classes_istio import named_by, within_namespaces  # which another mesh does without

    steps, left = Steps(), mesh.MOST_RULES  # of those that are found, each of whom is asked about

    def gets_in(principal, namespaces):
        nonlocal left
        if within_namespaces(principal, namespaces, asked.domain, steps) or steps.spent:
            return True
        left -= 1
        caller = named_by(principal, asked.domain) if left >= 0 else None
        return caller is not None and asked.ask(port, caller).allowed is not False

    for index, entry in enumerate(release.items(f"serviceMesh.{port.name}.from")[: mesh.MOST_RULES]):
        principals, namespaces = entry.get("principals") or (), entry.get("namespaces") or ()
        if not (principals and namespaces):
            continue
        met = [gets_in(one, namespaces) for one in principals]
        path = (f"serviceMesh.{port.name}.from", index)
        if not any(met):
            yield (
                path,
                "admits nobody, because a caller must be among the principals and of the namespaces too, and none of these "
                "principals is of these namespaces",
                "write an entry for each to admit either",
            )
            continue
        for at, (one, good) in enumerate(zip(principals, met)):
            if not good:
                yield (
                    (*path, "principals", at),
                    f'"{one}" admits nobody, because it is of none of the namespaces of its entry',
                    "write an entry of its own for it",
                )


def _taken_over(release, asked, port):
    """The first listed caller, or any meshed one where none is listed, that does not get in, or on some requests alone."""
    path = f"serviceMesh.{port.name}.from"
    listed = [
        ((path, index, "principals", at), Caller(text, asked.identity_like(text)))
        for index, entry in enumerate(release.items(path))
        for at, text in enumerate(entry.get("principals") or ())
    ]
    for where, caller in listed or [((path,), asked.meshed)]:
        row = asked.row(port, caller, asked.requests[:MOST_REQUESTS])
        if row.allowed is False or row.only:
            how = f"gets in on {', '.join(row.only[:3])} alone" if row.only else "does not get in"
            yield where, f'"{caller.name}" {how}: {asked.ask(port, caller).because}', f"mend what {PATH} adds"
            return


@rule(WARNING, "https://linkerd.io/2/reference/authorization-policy/#default-policies")
def access_probes_refused(release):
    """kubelet is refused at the health port.

    Its probes fail, and no pod gets ready."""
    for path, later, because in _refused(release, "health", "ports.health"):
        covered = "health" in release.fact(Index).covered
        yield (
            path,
            f"kubelet's probes of the health port are refused, so no pod gets ready{later}: {because}",
            "admit them by an AuthorizationPolicy that requires a NetworkAuthentication alone"
            + ("" if covered else ", for a Server of that port, or choose a port that is not opaque"),
        )


@rule(WARNING, "https://linkerd.io/2/reference/authorization-policy/#default-policies")
def access_webhook_refused(release):
    """kube-apiserver is refused at the webhook's port.

    It is not meshed and has no identity, so admission breaks: with failurePolicy Fail no StageSet can be written."""
    for path, later, because in _refused(release, "webhook", "webhook.enabled"):
        covered = "webhook" in release.fact(Index).covered
        yield (
            path,
            f"kube-apiserver, which is not meshed, is refused on port {release.text('ports.webhook')} and admission breaks"
            f"{later}: {because}",
            (
                "write proxyProtocol TLS there, and add a"
                if covered
                else "add a Server for it (proxyProtocol TLS) with a"
            )
            + f" NetworkAuthentication and an AuthorizationPolicy to {PATH}, or annotate the namespace with "
            "config.linkerd.io/skip-inbound-ports",
        )


def _refused(release, name, otherwise):
    """Where, when and why the caller of an office is refused on a port."""
    if not (release.items(PATH) or release.at("serviceMesh.defaultDeny.enabled")) or mesh.engine(release) == "istio":
        return
    asked, covered = release.fact(_as_meant), release.fact(Index).covered
    for port in release.fact(meshed.asked_ports):
        if port.name == name:
            now, meant = (_first_refusal(one, port) for one in (release.fact(meshed.asked), asked))
            if meant:
                later = "" if now else ", as soon as the namespace denies by default"
                yield covered[name].at() if name in covered else otherwise, later, meant.because


def _first_refusal(asked, port):
    found = (asked.promised(port, Caller(caller, None), request) for caller, request in port.office)
    return next((one for one in found if one.allowed is False), None)
