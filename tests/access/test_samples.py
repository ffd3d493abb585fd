# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""Whoever and whatever stands for what is named is enough: in a small world where all calls can be tried, they find what
all calls find; and what is found by an index is what is found one after another."""

import itertools
import random

import pytest
from access_objects import HOME, thing

from stageset_render.access import istio_index, linkerd_routes
from stageset_render.access.classes import Caller, Request
from stageset_render.access.istio_paths import compiled, of_template
from stageset_render.access.matching import Sample
from stageset_render.access.patterns import common, fits, of_glob
from stageset_render.access.table import Asked, Port

PORT = Port("web", 80)
POD = {"namespace": HOME, "labels": {}}
NAMESPACES = ["a*", "*b", "*", "a*b", "b*", "*a*", "ab", "a", "*c", "*a"]
PRINCIPALS = [
    *(f"cluster.local/{rest}" for rest in ("ns/a/sa/x", "ns/a*", "ns/ab/sa/*", "*", "ns/b/sa/y")),
    *("*/sa/x", "*y", "*/ns/b/sa/y", "*", "*b/sa/x"),
]
PATHS = ["/a*", "*/b", "/a/{*}", "/a/{**}", "/a", "/{*}/b", "*", "/b*", "*a"]
WHOLE_PATHS = ["/a*", "*b", "/a", "*?q=1", "*", "/b*", "*c"]
METHODS, TEXTS = ["P*", "*T", "GET", "*", "PO*"], ["v*", "*w", "v", "*", "w*"]
SOURCE = {
    "namespaces": (NAMESPACES, 5),
    "principals": (PRINCIPALS, 5),
    "serviceAccounts": (["a/x", "b/y", "x"], 1),
    "notNamespaces": (NAMESPACES, 3),
    "notPrincipals": (PRINCIPALS, 2),
}
OPERATION = {"paths": (PATHS, 5), "notPaths": (PATHS, 3), "methods": (METHODS, 3), "notMethods": (METHODS, 2)}
CONDITIONS = [
    ("source.namespace", NAMESPACES, 3),
    ("source.principal", PRINCIPALS, 2),
    ("request.headers[:path]", WHOLE_PATHS, 3),
    ("request.headers[x]", TEXTS, 3),
    ("request.headers[x]", TEXTS, 3),
    ("request.headers[:method]", METHODS, 1),
]
CALLERS = [
    Caller("", None),
    *(
        Caller("", f"cluster.local/ns/{namespace}/sa/{account}")
        for namespace in ("a", "ab", "b", "ba", "abc", "cab", "c", "a-b")
        for account in ("x", "xy", "y")
    ),
]
REQUESTS = [
    Request("", method, path, None, (("x", text),) if text is not None else ())
    for method in ("GET", "PUT", "POST", "PATCH")
    for path in ("/", "/a", "/a/b", "/ab", "/a/b/c", "/b", "/a/", "/b/a", "/a?q=1", "/a/c")
    for text in (None, "v", "w", "vw", "vxw", "wv", "")
]


def chosen(draw, pool, of_ten, most=2):
    return draw.sample(pool, draw.randint(1, most)) if draw.random() * 10 < of_ten else None


def rule(draw):
    source, operation = (
        {
            name: texts
            for name, (pool, of_ten) in fields.items()
            if (texts := chosen(draw, pool, of_ten, 1 if name.startswith("not") else 2))
        }
        for fields in (SOURCE, OPERATION)
    )
    when = [
        {"key": key, "values": texts} if draw.random() < 0.8 else {"key": key, "notValues": texts[:1]}
        for key, pool, of_ten in CONDITIONS
        if (texts := chosen(draw, pool, of_ten))
    ]
    return {
        "from": [{"source": source}] * bool(source),
        "to": [{"operation": operation}] * bool(operation),
        "when": when,
    }


def met(asked, callers, requests):
    calls = (asked.call(PORT, caller, request) for caller in callers for request in requests)
    return any(asked.judge.matches(0, call) is not False for call in calls)


@pytest.mark.parametrize("seed", range(2))
def test_a_rule_that_matches_no_call_that_it_names_matches_none(seed):
    draw = random.Random(seed)
    for _ in range(60):
        one = rule(draw)
        asked = Asked([thing("AuthorizationPolicy", "p", rules=[one])], POD, engine="istio")
        [named] = asked.named
        found = met(asked, [*named.callers, asked.meshed, asked.plaintext], [*named.requests, Request()])
        assert found or not named.whole or not met(asked, CALLERS, REQUESTS), one


@pytest.mark.parametrize("seed", range(1))
def test_rules_that_are_found_by_whom_they_name_decide_alike(seed, monkeypatch):
    draw = random.Random(seed)
    rules = [rule(draw) for _ in range(30)]
    rules.append({"from": [one for _ in range(40) for one in rule(draw)["from"]]})
    policy = thing("AuthorizationPolicy", "p", rules=rules)
    calls = [(caller, request) for caller in CALLERS for request in draw.sample(REQUESTS, 6)]
    told = []
    for few in (0, 1000):
        monkeypatch.setattr(istio_index, "FEW", few)
        asked = Asked([policy], POD, engine="istio")
        told.append([asked.judge.decide(asked.call(PORT, *call)) for call in calls])
    assert told[0] == told[1]


def match(draw):
    kind = draw.choice(["Exact", "PathPrefix", "RegularExpression", None])
    value = draw.choice(
        ["/a.*", "/(a|b)", "/b/[a-z]+", "/(.*)+"]
        if kind == "RegularExpression"
        else ["/", "/a", "/a/", "/a/b", "/ab", "/a/b/", "/b"]
    )
    found = {"path": {"value": value, **({"type": kind} if kind else {})}} if draw.random() < 0.85 else {}
    found |= {"method": draw.choice(["GET", "PUT"])} if draw.random() < 0.3 else {}
    return found | ({"headers": [{"name": "x", "value": "y"}]} if draw.random() < 0.2 else {})


def test_routes_that_are_found_by_their_paths_win_alike(monkeypatch):
    draw = random.Random(5)
    paths = ["/", "/a", "/a/", "/a/b", "/ab", "/abc", "/a/b/c", "/b?x=1", "/b/x", None]
    paths += [Sample("/aq", "/a.*"), Sample("/bq", "/b/[a-z]+")]
    for _ in range(150):
        routes = [
            linkerd_routes.Route(
                f"r{number}",
                ("httproute", "", f"r{number}"),
                draw.choice([[], [], ["h.example"]]),
                [([match(draw) for _ in range(draw.randint(0, 3))], draw.random() < 0.1)],
            )
            for number in range(draw.randint(1, 12))
        ]
        call = {
            "method": draw.choice(["GET", "PUT"]),
            "path": draw.choice(paths),
            "host": draw.choice([None, "h.example"]),
        }
        call["headers"] = draw.choice([{}, {"x": "y"}])
        found = []
        for few in (0, 1000):
            monkeypatch.setattr(linkerd_routes, "FEW", few)
            read = linkerd_routes.Routes(routes, {route.target for route in routes})
            found.append({str(winner) for winner in linkerd_routes.winners(read, call)})
        assert found[0] == found[1]


def test_a_template_is_read_by_segments_as_by_its_expression():
    draw = random.Random(3)
    for _ in range(1000):
        steps = [draw.choice(["{*}", "{**}", "a", "b", "", "a{*}", "{*}b", "%2f"]) for _ in range(draw.randint(1, 4))]
        given = [draw.choice(["a", "b", "", "x y", "ab", "%2f", "a*"]) for _ in range(draw.randint(1, 5))]
        template, path = "/" + "/".join(steps), "/" + "/".join(given)
        assert bool(of_template(template, path)) is (compiled(template).fullmatch(path) is not None), (template, path)


@pytest.mark.parametrize("one", ["a*", "*b", "ab", "a*b", "*", "*ab*", "ba*", "*a"])
@pytest.mark.parametrize("other", ["a*", "*ba", "ab", "b*a", "*", "*bb*", "bab*", "aba"])
def test_what_two_patterns_have_in_common_fits_both(one, other):
    found = common(of_glob(one), of_glob(other))
    world = ["".join(text) for size in range(5) for text in itertools.product("abz", repeat=size)]
    both = [text for text in world if fits(of_glob(one), text) and fits(of_glob(other), text)]
    assert bool(found) is bool(both)
    for pattern in found:
        text = "z".join(pattern)
        assert fits(of_glob(one), text) and fits(of_glob(other), text)
