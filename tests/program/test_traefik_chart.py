"""What is written down of Traefik's chart is of the chart and the values of today, and safe as it is."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from infra.names import INGRESS_NAMESPACE
from infra.platform.chart import load_chart
from infra.platform.ingress_settings import INGRESS_CLASSES
from infra.platform.ingress_values import CONTAINER_PORTS, METRICS_PORTS
from ops.local.tools import VERSIONS_FILE
from ops.local.versions import load_versions
from tests.traefik_chart import RENDERED, rendered

VALUES = Path(__file__).parent.parent / "golden" / "platform" / "traefik-values.yaml"
AGAIN = "make it again: docs/guides/a-real-node.md, 'The ingress controller'"


@pytest.fixture(scope="module")
def objects() -> dict[str, dict[str, Any]]:
    """The chart's objects, by kind; of Services the one that people reach."""
    return {item["kind"]: item for item in rendered() if item["metadata"]["name"] != "traefik-metrics"}


def test_it_is_of_these_values_and_of_this_version(objects: dict[str, dict[str, Any]]) -> None:
    found = re.search(r"^# values: (\w+)$", RENDERED.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    assert found[1] == hashlib.sha256(VALUES.read_bytes()).hexdigest(), AGAIN
    labels = objects["Deployment"]["metadata"]["labels"]
    assert labels["helm.sh/chart"] == f"traefik-{load_chart('traefik').version}", AGAIN


def test_the_program_that_is_tested_is_the_one_that_the_chart_brings(
    objects: dict[str, dict[str, Any]],
) -> None:
    (container,) = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    version = load_versions(VERSIONS_FILE).tools["traefik"]
    assert container["image"] == f"docker.io/library/traefik:v{version}"


def test_what_the_program_says_of_it_is_so(objects: dict[str, dict[str, Any]]) -> None:
    (container,) = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert (ports["web"], ports["websecure"]) == CONTAINER_PORTS["traefik"]
    assert ports["metrics"] == METRICS_PORTS["traefik"]
    assert objects["IngressClass"]["metadata"]["name"] == INGRESS_CLASSES["traefik"]
    assert {item["metadata"].get("namespace", INGRESS_NAMESPACE) for item in objects.values()} == {
        INGRESS_NAMESPACE
    }


def test_only_http_and_https_are_let_in_from_outside(objects: dict[str, dict[str, Any]]) -> None:
    service = objects["Service"]["spec"]
    assert {port["name"]: port["port"] for port in service["ports"]} == {"web": 80, "websecure": 443}
    # Else the address that callers are counted by would be that of a node.
    assert service["externalTrafficPolicy"] == "Local"


def test_it_changes_nothing_in_the_cluster_but_what_routes_say_of_themselves(
    objects: dict[str, dict[str, Any]],
) -> None:
    rules = objects["ClusterRole"]["rules"]
    changed = {
        resource
        for rule in rules
        if set(rule["verbs"]) - {"get", "list", "watch"}
        for resource in rule["resources"]
    }
    assert all(resource.endswith("/status") for resource in changed)
    assert "ingresses/status" in changed
