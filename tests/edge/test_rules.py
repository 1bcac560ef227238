"""Prometheus's own tool runs every alert: it fires when it should, and is silent otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer.monitoring import AT_REST, OWN_ALERTS, own_rule_groups, rule_groups
from tests.edge import promtool
from tests.program.instances import instance_of, with_options

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.customer.model import Instance
    from tests.edge.promtool import Series

pytestmark = pytest.mark.edge

TENANTS = ("acme", "globex", "initech")
DAYS = 5
"""How long each alert is watched: more than the longest wait and the oldest backup together."""

_STEPS = DAYS * 24 * 6


def healthy(namespace: str) -> Series:
    """Return the metrics of an instance that has no fault. Its last backup always is a minute old."""
    here = f'namespace="{namespace}"'
    still = f"+0x{_STEPS}"
    return {
        f"pg_up{{{here}}}": f"1{still}",
        f'kube_deployment_status_replicas_available{{{here},deployment="api"}}': f"1{still}",
        f'kube_statefulset_status_replicas_ready{{{here},statefulset="mosquitto"}}': f"1{still}",
        f'kubelet_volume_stats_used_bytes{{{here},persistentvolumeclaim="postgres-data"}}': f"80{still}",
        f'kubelet_volume_stats_capacity_bytes{{{here},persistentvolumeclaim="postgres-data"}}': f"100{still}",
        f'kube_resourcequota{{{here},resource="limits.cpu",type="used"}}': f"90{still}",
        f'kube_resourcequota{{{here},resource="limits.cpu",type="hard"}}': f"100{still}",
        f'kube_resourcequota{{{here},resource="services.loadbalancers",type="used"}}': f"0{still}",
        f'kube_resourcequota{{{here},resource="services.loadbalancers",type="hard"}}': f"0{still}",
        f'kube_cronjob_created{{{here},cronjob="backup"}}': f"-9999{still}",
        f'kube_cronjob_status_last_successful_time{{{here},cronjob="backup"}}': f"-60+600x{_STEPS}",
    }


@dataclass(frozen=True)
class Fault:
    """What one metric shows when something is wrong; None: it is gone."""

    alert: str
    metric: str
    value: str | None


FAULTS = [
    Fault("TenantDatabaseDown", "pg_up", "0"),
    Fault("TenantDatabaseDown", "pg_up", None),
    Fault("TenantApiNotReady", "kube_deployment_status_replicas_available", "0"),
    Fault("TenantApiNotReady", "kube_deployment_status_replicas_available", None),
    Fault("TenantBrokerDown", "kube_statefulset_status_replicas_ready", "0"),
    Fault("TenantBrokerDown", "kube_statefulset_status_replicas_ready", None),
    Fault("TenantVolumeFilling", "kubelet_volume_stats_used_bytes", "86"),
    Fault("TenantQuotaNearlyUsed", 'type="used"', "96"),
    Fault("TenantBackupMissing", "kube_cronjob_status_last_successful_time", "0"),
    Fault("TenantBackupMissing", "kube_cronjob_status_last_successful_time", None),
    Fault("TenantBackupMissing", "kube_cronjob_created", None),
]


def broken(series: Series, fault: Fault) -> Series:
    """Return the metrics with a fault from the first moment on."""
    beside = {"loadbalancers"} if "created" in fault.metric else {"loadbalancers", "cronjob_created"}
    hit = {name for name in series if fault.metric in name and not any(it in name for it in beside)}
    assert len(hit) == 1, hit
    kept = {name: values for name, values in series.items() if name not in hit}
    return kept if fault.value is None else kept | dict.fromkeys(hit, f"{fault.value}+0x{_STEPS}")


def decide(  # noqa: PLR0913 - what promtool is asked has this many independent parts
    folder: Path,
    instance: Instance,
    series: Series,
    firing: str | None,
    *,
    own: bool = False,
    told: Mapping[str, str] | None = None,
    hours: int = DAYS * 24 - 1,
) -> None:
    """Let promtool decide that after some days one alert is firing and no other is.

    Args:
        folder: Where its files go.
        instance: Whose alerts.
        series: What the metrics show.
        firing: The alert.
        own: Whether the rules are those of the customer's own Prometheus.
        told: Labels of the alert that are not the usual ones.
        hours: When it is asked.
    """
    groups = (own_rule_groups if own else rule_groups)(instance)["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]
    at = f"{hours}h"
    expected = [
        {
            "eval_time": at,
            "alertname": alert["alert"],
            "exp_alerts": [
                {
                    "exp_labels": alert["labels"] | labels_of(alert["alert"], instance) | dict(told or {}),
                    "exp_annotations": alert["annotations"],
                }
            ]
            if alert["alert"] == firing
            else [],
        }
        for alert in alerts
    ]
    assert firing is None or any(alert["alert"] == firing for alert in alerts)
    parsed = promtool.check(folder, groups)
    assert parsed.returncode == 0, parsed.stdout + parsed.stderr
    # The alerts read what is recorded, and at these steps the one recorded before is too old.
    promtool.evaluate(folder, groups, series, {"alert_rule_test": expected}, minutes=10)


def labels_of(alert: str, instance: Instance) -> dict[str, str]:
    """Return what the metric behind an alert tells, beside what the alert says itself."""
    here = {"namespace": instance.tenant.namespace}
    return {
        "TenantLicenceNearItsEnd": {},
        AT_REST: {},
        "TenantDatabaseDown": here,
        "TenantApiNotReady": here | {"deployment": "api"},
        "TenantBrokerDown": here | {"statefulset": "mosquitto"},
        "TenantVolumeFilling": here | {"persistentvolumeclaim": "postgres-data"},
        "TenantQuotaNearlyUsed": {"resource": "limits.cpu"},
        "TenantBackupMissing": here | {"cronjob": "backup"},
        "TenantOptionNotReady": here,
    }[alert]


def watched(tenant_id: str, *, licence_ends: datetime | None = None) -> Instance:
    """Return an instance as promtool's clock sees it, which starts in 1970."""
    ends = licence_ends or datetime(1971, 1, 1, tzinfo=UTC)
    return instance_of(tenant_id, licence_expires_at=ends)


@pytest.mark.parametrize("tenant_id", TENANTS)
def test_a_healthy_instance_is_silent(tmp_path: Path, tenant_id: str) -> None:
    instance = watched(tenant_id)
    decide(tmp_path, instance, healthy(instance.tenant.namespace), None)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.alert}-{fault.value}")
@pytest.mark.parametrize("tenant_id", TENANTS)
def test_each_fault_fires_its_alert_and_no_other(tmp_path: Path, tenant_id: str, fault: Fault) -> None:
    instance = watched(tenant_id)
    series = broken(healthy(instance.tenant.namespace), fault)
    # Another tenant's health is nobody's but theirs.
    series |= healthy("customer-another")
    decide(tmp_path, instance, series, fault.alert)


@pytest.mark.parametrize("tenant_id", TENANTS)
def test_a_licence_near_its_end_is_told_whether_or_not_anything_runs(tmp_path: Path, tenant_id: str) -> None:
    soon = datetime.fromtimestamp(0, UTC) + timedelta(days=DAYS + 10)
    instance = watched(tenant_id, licence_ends=soon)
    decide(tmp_path, instance, healthy(instance.tenant.namespace), "TenantLicenceNearItsEnd")


def test_a_suspended_instance_has_no_alert_of_what_does_not_run(tmp_path: Path) -> None:
    ends = datetime(1971, 1, 1, tzinfo=UTC)
    instance = instance_of("acme", runs=False, licence_expires_at=ends)
    decide(tmp_path, instance, {}, AT_REST)


def of_exporters(namespace: str) -> Series:
    """Return what an instance's own exporters tell; all else is the cluster's."""
    return {name: values for name, values in healthy(namespace).items() if name.startswith("pg_")}


@pytest.mark.parametrize("firing", [None, *sorted(OWN_ALERTS)])
def test_the_customers_own_prometheus_has_all_that_its_alerts_ask(tmp_path: Path, firing: str | None) -> None:
    soon = firing == "TenantLicenceNearItsEnd"
    ends = datetime.fromtimestamp(0, UTC) + timedelta(days=DAYS + 10) if soon else None
    instance = watched("initech", licence_ends=ends)
    series = of_exporters(instance.tenant.namespace)
    if firing == "TenantDatabaseDown":
        series = broken(series, Fault(firing, "pg_up", "0"))
    decide(tmp_path, instance, series, firing, own=True)


def with_flows(namespace: str) -> Series:
    """Return the metrics of an instance that has Node-RED, its backup included."""
    here = f'namespace="{namespace}"'
    return healthy(namespace) | {
        f'kube_deployment_status_replicas_available{{{here},deployment="node-red"}}': f"1+0x{_STEPS}",
        f'kube_cronjob_created{{{here},cronjob="backup-flows"}}': f"-9999+0x{_STEPS}",
        f'kube_cronjob_status_last_successful_time{{{here},cronjob="backup-flows"}}': f"-60+600x{_STEPS}",
    }


OF_FLOWS = [
    None,
    Fault("TenantOptionNotReady", 'deployment="node-red"', "0"),
    Fault("TenantOptionNotReady", 'deployment="node-red"', None),
    Fault("TenantBackupMissing", 'cronjob="backup-flows"', "0"),
    Fault("TenantBackupMissing", 'cronjob="backup-flows"', None),
]


@pytest.mark.parametrize("fault", OF_FLOWS, ids=str)
def test_what_is_wrong_with_an_option_is_told_apart(tmp_path: Path, fault: Fault | None) -> None:
    ends = datetime(1971, 1, 1, tzinfo=UTC)
    instance = with_options("acme", "node_red", licence_expires_at=ends)
    series = with_flows(instance.tenant.namespace)
    if fault is None:
        decide(tmp_path, instance, series, None)
        return
    label, _, name = fault.metric.partition("=")
    told = {label: name.strip('"')}
    decide(tmp_path, instance, broken(series, fault), fault.alert, told=told)


@pytest.mark.parametrize(
    ("schedule", "days"),
    [("0 2 * * *", 2), ("0 */6 * * *", 2), ("0 2 */2 * *", 3), ("0 2 * * 1,3,5", 4)],
)
@pytest.mark.parametrize("metric", ["kube_cronjob_status_last_successful_time", "kube_cronjob_created"])
def test_a_missing_backup_is_told_after_as_many_days_as_it_says(
    tmp_path: Path, schedule: str, days: int, metric: str
) -> None:
    """Since the last one, or since there is a job for it where none ever succeeded."""
    kept = instance_of("acme").tenant.backup.model_copy(update={"schedule": schedule})
    ends = datetime(1971, 1, 1, tzinfo=UTC)
    instance = instance_of("acme", backup=kept, licence_expires_at=ends)
    series = healthy(instance.tenant.namespace)
    if "created" in metric:
        series = broken(series, Fault("TenantBackupMissing", "successful_time", None))
    series = broken(series, Fault("TenantBackupMissing", metric, "0"))
    for hours, firing in ((days * 24 - 1, None), (days * 24 + 1, "TenantBackupMissing")):
        decide(tmp_path, instance, series, firing, hours=hours)
    told = [rule["annotations"] for rule in alerts_of(instance) if rule["alert"] == "TenantBackupMissing"]
    assert [it["summary"] for it in told] == [f"No backup has succeeded for {days} days."]


def alerts_of(instance: Instance) -> list[dict[str, Any]]:
    return [rule for group in rule_groups(instance)["groups"] for rule in group["rules"] if "alert" in rule]
