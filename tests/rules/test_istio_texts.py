# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Every short text for namespaces that Envoy, as Istio tells it, matches otherwise than it reads is told or refused."""

import itertools
import re

import pytest

from stageset_render import Refused, warnings

NAMES = ["ns", "sa", "s", "a", "n", "nsa", "n-a", "san"]
TEXTS = ["".join(letters) for length in (1, 2, 3) for letters in itertools.product("nsa*", repeat=length)]


def misread(text):
    """Whether the pattern meets an identity by something else than its namespace, or misses one that it is meant for."""
    wanted = ".*".join(map(re.escape, text.split("*")))
    return any(
        bool(re.fullmatch(f"spiffe://.*/ns/{wanted}/.*", f"spiffe://td/ns/{namespace}/sa/{account}"))
        is not bool(re.fullmatch(wanted, namespace))
        for namespace, account in itertools.product(NAMES, NAMES)
    )


@pytest.mark.parametrize("field, refused", [("namespaces", False), ("notNamespaces", True)])
def test_namespaces_that_meet_more_than_the_namespace_are_told_and_refused_as_exceptions(field, refused):
    found = [text for text in TEXTS if misread(text)]
    assert {"sa", "sa*", "*a"} < set(found) and len(found) < len(TEXTS) / 3
    for text in found:
        rules = {"rules": [{"from": [{"source": {field: [text]}}]}]}
        values = {"serviceMesh": {"enabled": True, "mtls": "strict", "istio": rules}}
        try:
            told = warnings(values, name="stageset", namespace="stageset-system")
        except Refused:
            continue
        assert not refused and "istio-text-misread" in [one.rule for one in told], text
