"""Alertmanager's own tool says who is told; a running one keeps silent where it should."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest

from infra.customer.monitoring import AT_REST, rule_groups
from infra.platform import monitoring_billing, monitoring_cluster, monitoring_edge, monitoring_fleet
from infra.platform.alertmanager import CAUSES, HEARTBEAT, configuration
from infra.platform.monitoring_settings import MonitoringSettings
from tests.edge.world import LOOPBACK, Process, free_port, program
from tests.program.instances import instance_of
from tests.program.watching import SECRETS, stack
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.edge

SETTINGS = MonitoringSettings.model_validate(stack())


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alertmanager") / "alertmanager.yaml"
    path.write_text(json.dumps(configuration(SETTINGS.receivers, SECRETS)), encoding="utf-8")
    return path


def amtool(*arguments: str) -> str:
    tool = program("amtool")
    assert tool, "amtool is not installed"
    answer = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def told(file: Path, **labels: str) -> set[str]:
    answer = amtool(
        "config", "routes", "test", f"--config.file={file}", *(f"{k}={v}" for k, v in labels.items())
    )
    return set(answer.strip().split(",")) - {"nobody"}


def test_the_configuration_is_one_that_alertmanager_takes(file: Path) -> None:
    said = amtool("check-config", str(file))
    assert "7 receivers" in said
    assert f"{1 + len(CAUSES)} inhibit rules" in said


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"alertname": "EdgeDown", "severity": "critical"}, {"night", "ops"}),
        ({"alertname": "NodeDiskFilling", "severity": "warning"}, {"mail", "ops"}),
        (
            {"alertname": "TenantApiNotReady", "severity": "critical", "tenant": "acme", "plan": "starter"},
            {"night", "ops", "acme-care"},
        ),
        (
            {
                "alertname": "TenantVolumeFilling",
                "severity": "warning",
                "tenant": "globex",
                "plan": "starter",
            },
            {"mail", "ops", "acme-care"},
        ),
        (
            {"alertname": "TenantApiNotReady", "severity": "critical", "tenant": "i", "plan": "enterprise"},
            {"night", "ops", "enterprise-care"},
        ),
        ({"alertname": "TenantApiNotReady", "severity": "critical", "tenant": "acme2"}, {"night", "ops"}),
        ({"alertname": HEARTBEAT, "severity": "none"}, {"pulse"}),
        ({"alertname": AT_REST, "severity": "none", "tenant": "initech", "plan": "enterprise"}, set()),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
)
def test_who_is_told(file: Path, labels: dict[str, str], receivers: set[str]) -> None:
    assert told(file, **labels) == receivers


def test_what_is_named_here_are_alerts_that_there_are() -> None:
    rules = [
        *monitoring_billing.rules(backups=True),
        *monitoring_cluster.rules(),
        *monitoring_edge.rules(),
        *monitoring_fleet.rules(backups=True),
    ]
    running, at_rest = instance_of("acme"), instance_of("acme", runs=False)
    for instance in (running, at_rest):
        rules += [rule for group in rule_groups(instance)["groups"] for rule in group["rules"]]
    alerts = {rule["alert"] for rule in rules if "alert" in rule}
    named = {HEARTBEAT, AT_REST, *CAUSES, *(name for effects in CAUSES.values() for name in effects)}
    assert named - alerts == set()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An Alertmanager that tells nobody outside of this machine."""
    folder = tmp_path_factory.mktemp("running")
    closed = f"https://{LOOPBACK}:1/"
    text = json.dumps(configuration(SETTINGS.receivers, dict.fromkeys(SECRETS, closed)))
    config = folder / "alertmanager.yaml"
    config.write_text(text.replace("smtp.example.com", LOOPBACK), encoding="utf-8")
    server = program("prometheus-alertmanager")
    assert server, "Alertmanager is not installed"
    port = free_port()
    process = Process(
        "alertmanager",
        [
            server,
            f"--config.file={config}",
            f"--storage.path={folder}",
            f"--web.listen-address={LOOPBACK}:{port}",
            "--cluster.listen-address=",
        ],
        folder / "log",
    )
    try:
        process.await_port(LOOPBACK, port)
        yield f"http://{LOOPBACK}:{port}/api/v2/alerts"
    finally:
        process.stop()


def alert(name: str, severity: str, tenant: str = "") -> dict[str, dict[str, str]]:
    return {"labels": {"alertname": name, "severity": severity, **({"tenant": tenant} if tenant else {})}}


def test_what_nobody_can_mend_is_silent(address: str) -> None:
    """A customer who is not served, and faults whose cause is told already."""
    sent = [
        alert(AT_REST, "none", "acme"),
        alert("TenantLicenceNearItsEnd", "warning", "acme"),
        alert("FleetTenantWithoutBackup", "critical", "acme"),
        alert("TenantLicenceNearItsEnd", "warning", "globex"),
        alert("EdgeDown", "critical"),
        alert("FleetManyTenantsDown", "critical"),
        alert("TenantApiNotReady", "critical", "globex"),
        alert("TenantVolumeFilling", "warning", "globex"),
    ]
    httpx.post(address, json=sent).raise_for_status()

    def states() -> dict[str, str]:
        found = httpx.get(address).raise_for_status().json()
        return {
            f"{it['labels']['alertname']}/{it['labels'].get('tenant', '')}": it["status"]["state"]
            for it in found
        }

    # An alert is "unprocessed" until its group has looked at it.
    wait_until(
        lambda: len(states()) == len(sent) and "unprocessed" not in states().values(), what="all states"
    )
    assert {name for name, state in states().items() if state == "suppressed"} == {
        "TenantLicenceNearItsEnd/acme",
        "FleetTenantWithoutBackup/acme",
        "TenantApiNotReady/globex",
    }
