# SPDX-FileCopyrightText: The stageset-render authors
# SPDX-License-Identifier: 0BSD
"""The Services: one per enabled port, on the named port of the pod."""

import pytest
from conftest import objects

SERVICES = ["gate", "mcp", "metrics", "webhook"]
TEMPLATES = [f"service-{port}.yaml" for port in SERVICES]


def services(values):
    return {
        one["metadata"]["name"].removeprefix("stageset-controller-"): one
        for one in objects(values, templates=TEMPLATES)
    }


@pytest.mark.parametrize(
    "values, expected",
    [
        ({}, {"gate": 8082, "metrics": 8080, "webhook": 443}),
        ({"gate": {"enabled": False}}, {"metrics": 8080, "webhook": 443}),
        ({"webhook": {"enabled": False}}, {"gate": 8082, "metrics": 8080}),
        ({"mcp": {"enabled": True}}, {"gate": 8082, "mcp": 8084, "metrics": 8080, "webhook": 443}),
        ({"mcp": {"enabled": True, "service": {"enabled": False}}}, {"gate": 8082, "metrics": 8080, "webhook": 443}),
        ({"mcp": {"enabled": False, "service": {"enabled": True}}}, {"gate": 8082, "metrics": 8080, "webhook": 443}),
        ({"ports": {"gate": 1, "metrics": 2, "webhook": 3}}, {"gate": 1, "metrics": 2, "webhook": 443}),
    ],
)
def test_services_and_their_ports(values, expected):
    found = services(values)
    assert list(found) == list(expected)
    for port, number in expected.items():
        assert found[port]["spec"]["type"] == "ClusterIP"
        assert found[port]["spec"]["ports"] == [{"name": port, "port": number, "targetPort": port, "protocol": "TCP"}]


def test_services_select_the_pods_of_the_release_by_ports_that_these_have():
    values = {"mcp": {"enabled": True}}
    (deployment,) = objects(values, templates=["deployment.yaml"])
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    names = {port["name"] for port in container["ports"]}
    assert sorted(services(values)) == SERVICES
    for service in services(values).values():
        assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
        assert service["spec"]["ports"][0]["targetPort"] in names
