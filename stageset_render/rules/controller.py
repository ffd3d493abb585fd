# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""What the controller and kubectl are started with."""

import re

from stageset_render.findings import WARNING, short
from stageset_render.helm.writing import to_string
from stageset_render.rules import rule

DURATION = r"[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)"  # Go's time.ParseDuration
A_DURATION = "a duration such as 90s or 1h30m"
SWITCH, NUMBER = "true|false", r"[0-9.eE+-]+"
GO_FLAG = "https://pkg.go.dev/flag"
SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*://"


def _flags(release):
    """Each flag's value with the form that it must have, in a word and as a pattern."""
    yield "controller.defaultInterval", A_DURATION, DURATION
    yield "controller.inventoryShardCap", "a number of entries above 0", "[1-9].*"
    yield "webhook.enabled", "true or false", SWITCH
    if release.at("webhook.enabled") and release.at("webhook.certMode") == "self-signed":
        yield "webhook.certValidity", A_DURATION, DURATION
    if release.at("controller.tracing.endpoint"):
        yield "controller.tracing.sampleRatio", "a number from 0 to 1", NUMBER
        yield "controller.tracing.insecure", "true or false", SWITCH
    if release.at("rollbackStore.backend") == "s3":
        yield "rollbackStore.s3.sse", "one of none, s3 and kms", "none|s3|kms"
        yield "rollbackStore.s3.useSSL", "true or false", SWITCH
        yield "rollbackStore.s3.anonymous", "true or false", SWITCH


def _odd(release, flags, ends):
    for path, wanted, form in flags:
        text = release.text(path)
        if not re.fullmatch(form, text):
            found = "null" if release.at(path) is None else repr(short(text, 60))
            yield path, f"{found} is not {wanted}, so {ends}"


@rule(WARNING, GO_FLAG)
def controller_flag_unreadable(release):
    """A flag of the controller is of a form that it does not read.

    The API takes any text; the controller does not start."""
    yield from _odd(release, _flags(release), "the controller does not start")


@rule(WARNING, GO_FLAG)
def controller_cleanup_timeout_unreadable(release):
    """The time that kubectl has for the cleanup is of a form that it does not read.

    The cleanup fails, and the uninstall with it."""
    if release.at("cleanupOnDelete.enabled"):
        flags = [("cleanupOnDelete.kubectlTimeout", A_DURATION, DURATION)]
        yield from _odd(release, flags, "the cleanup fails and the uninstall with it")


@rule(WARNING, "https://stageset.projects.metio.wtf/")
def controller_host_unmatched(release):
    """What is to be a host is no host: it has a scheme, a path or blanks in it.

    A host is compared with the host of a call alone, so an allowed one allows none, and an endpoint can't be called."""
    endpoint = release.text("controller.tracing.endpoint")
    if endpoint and not re.fullmatch("[!-.0-~]+:[0-9]+", endpoint):
        wanted = "a host with a port, such as otel.observability:4317"
        yield "controller.tracing.endpoint", f"{short(endpoint, 60)!r} is not {wanted}, so no trace gets there"
    for index, host in enumerate(release.items("controller.allowedActionHosts")):
        yield from _host(("controller.allowedActionHosts", index), to_string(host), "it allows none")
    if release.at("rollbackStore.backend") == "s3" and release.at("rollbackStore.s3.endpoint"):
        yield from _host(
            "rollbackStore.s3.endpoint", release.text("rollbackStore.s3.endpoint"), "the store can't be called", True
        )


def _host(path, host, then, ported=False):
    if re.match(SCHEME, host):
        bare = re.sub(SCHEME, "", host).partition("/")[0]
        yield path, f"{short(host, 60)!r} is a URL, where a host is asked for, so {then}", f"write {bare}"
    elif (
        ported
        and host.count(":")
        and not (re.fullmatch(r"(\[.*\]|[^:]*):[0-9]{1,5}", host) and int(host.rpartition(":")[2]) < 65536)
    ):
        yield path, f"{short(host, 60)!r} is not a host with at most one port behind it, so {then}"
    elif not re.fullmatch(r"\S+", host):
        yield path, f"{short(host, 60)!r} is not a host without blanks, so {then}"
    elif "/" in host:
        yield path, f"{short(host, 60)!r} has a path behind the host, so {then}", f"write {host.partition('/')[0]}"
