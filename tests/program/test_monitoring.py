"""The platform's rules: what a stack gets, and that they ask for what somebody exports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.images import load_platform_image
from infra.platform import mqtt_proxy
from infra.platform.edge_settings import EdgeSettings
from infra.platform.haproxy import METRICS_PORT, Edge
from infra.platform.monitoring import manifests, targets
from tenants.models import MqttMode
from tests.metrics import unknown
from tests.program.clouds import cloud_config, run, with_services
from tests.program.instances import as_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program.conftest import Run

GOLDEN = Path(__file__).parent.parent / "golden" / "platform" / "rules.yaml"

RULES = [
    rule
    for item in manifests("dev", edge=True, billing=True, backups=True)
    for group in item["spec"]["groups"]
    for rule in group["rules"]
]


def names(*, edge: bool = True, billing: bool = True, backups: bool = True) -> set[str]:
    return {
        rule.get("alert", rule.get("record"))
        for item in manifests("dev", edge=edge, billing=billing, backups=backups)
        for group in item["spec"]["groups"]
        for rule in group["rules"]
    }


def test_rules_are_those_in_the_golden_file(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN, as_yaml(manifests("dev", edge=True, billing=True, backups=True)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert", rule.get("record")))
def test_a_rule_asks_for_what_somebody_exports(rule: dict[str, str]) -> None:
    recorded = frozenset(rule["record"] for rule in RULES if "record" in rule)
    assert unknown(rule["expr"], recorded=recorded) == set()


def test_what_a_stack_does_not_have_is_not_missed() -> None:
    assert {"EdgeDown", "FleetTenantWithoutBackup", "BillingDown", "BillingBackupMissing"} <= names()
    assert not any(name.startswith(("Edge", "edge:")) for name in names(edge=False))
    assert not any(name.startswith("Billing") for name in names(billing=False))
    assert not any("ackup" in name for name in names(backups=False))


def test_the_edge_is_scraped_at_its_port_for_metrics_and_nowhere_else() -> None:
    edge = Edge(domain="iotistic.localhost", settings=EdgeSettings())
    services = [
        item
        for item in mqtt_proxy.manifests("dev", edge, load_platform_image("haproxy"))
        if item["kind"] == "Service"
    ]
    (target,) = targets("dev", edge=True)
    wanted = target["spec"]["selector"]["matchLabels"].items()
    (endpoint,) = target["spec"]["endpoints"]
    scraped = [
        (service["metadata"]["namespace"], port["port"])
        for service in services
        if wanted <= service["metadata"]["labels"].items()
        for port in service["spec"]["ports"]
        if port["name"] == endpoint["port"]
    ]
    assert scraped == [(target["metadata"]["namespace"], METRICS_PORT)]


@pytest.mark.parametrize(("edge", "watched"), [("{}", set()), ('{"enabled": true}', {"mqtt-edge"})])
def test_what_is_not_there_is_not_scraped(
    run_program: Callable[..., Run], config: dict[str, str], edge: str, watched: set[str]
) -> None:
    objects = run_program({**config, "mqttEdge": edge}).engine.kubernetes_objects()
    namespaces = {
        found.inputs["metadata"]["namespace"] for found in objects if found.typ.endswith(":ServiceMonitor")
    }
    assert {name for name in namespaces if not name.startswith("customer-")} == watched


# Resources that nothing here uses warn of their successors when their modules are imported.
@pytest.mark.filterwarnings(r"ignore:gcp\..* has been deprecated:DeprecationWarning")
def test_backups_to_the_stacks_own_store_are_watched_too(config: dict[str, str]) -> None:
    declared = run(with_services(cloud_config(config, "gke")), MqttMode.SHARED).resources
    (fleet,) = (item for item in declared if item.name == "rules-prometheus-rule-platform-fleet")
    alerts = {rule.get("alert") for group in fleet.inputs["spec"]["groups"] for rule in group["rules"]}
    assert "FleetTenantWithoutBackup" in alerts
