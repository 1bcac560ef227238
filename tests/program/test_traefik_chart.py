"""What is written down of Traefik's chart is of the chart and the values of today, and safe as it is."""

from __future__ import annotations

import hashlib
from typing import Final

import pytest

from infra.platform.chart import load_chart
from infra.platform.ingress_settings import INGRESS_CLASSES
from infra.platform.ingress_values import CONTAINER_PORTS, METRICS_PORTS
from ops.local.tools import VERSIONS_FILE
from ops.local.versions import load_versions
from tests.traefik_chart import VALUES, Facts, facts

AGAIN: Final = "look at it anew: docs/guides/a-real-node.md, 'The ingress controller'"


@pytest.fixture(scope="module")
def seen() -> Facts:
    return facts()


def test_it_is_of_these_values_and_of_this_version(seen: Facts) -> None:
    assert seen.values_sha256 == hashlib.sha256(VALUES.read_bytes()).hexdigest(), AGAIN
    assert seen.chart == load_chart("traefik").version, AGAIN


def test_the_program_that_is_tested_is_the_one_that_the_chart_brings(seen: Facts) -> None:
    version = load_versions(VERSIONS_FILE).tools["traefik"]
    assert seen.image == f"docker.io/library/traefik:v{version}"


def test_what_the_program_says_of_it_is_so(seen: Facts) -> None:
    ports = seen.container_ports
    assert (ports["web"], ports["websecure"]) == CONTAINER_PORTS["traefik"]
    assert ports["metrics"] == METRICS_PORTS["traefik"]
    assert seen.ingress_class.name == INGRESS_CLASSES["traefik"]


def test_only_http_and_https_are_let_in_from_outside(seen: Facts) -> None:
    assert seen.service.ports == {"web": 80, "websecure": 443}
    # Else the address that callers are counted by would be that of a node.
    assert seen.service.external_traffic_policy == "Local"


def test_people_come_by_both_kinds_of_addresses_where_the_cluster_has_both(seen: Facts) -> None:
    assert seen.service.ip_family_policy == "PreferDualStack"


def test_it_changes_nothing_in_the_cluster_but_what_routes_say_of_themselves(seen: Facts) -> None:
    assert all(resource.endswith("/status") for resource in seen.changes)
    assert "ingresses/status" in seen.changes
