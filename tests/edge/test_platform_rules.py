"""Prometheus's own tool runs every rule of the platform: each alert fires when it should, and only then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from infra.platform import monitoring_billing, monitoring_cluster, monitoring_edge, monitoring_fleet
from infra.platform.monitoring_rules import groups
from tests.edge import promtool
from tests.metrics import EXPORTED, names_in

if TYPE_CHECKING:
    from pathlib import Path

    from tests.edge.promtool import Series

pytestmark = pytest.mark.edge

MINUTES = 180
"""How long the platform is watched: longer than any alert waits."""
STEP = 2
"""Minutes between two looks, as seldom as the alert that waits shortest allows."""
STEPS = MINUTES // STEP

CUSTOMERS = [f"customer-c{number:02}" for number in range(20)]

DAY = 86_400
GROUPS = [
    *groups("billing", monitoring_billing.rules(backups=True)),
    *groups("edge", monitoring_edge.rules()),
    *groups("fleet", monitoring_fleet.rules(backups=True)),
    *groups("platform", monitoring_cluster.rules()),
]
ALERTS = {rule["alert"] for group in GROUPS for rule in group["rules"] if "alert" in rule}


def still(value: float) -> str:
    return f"{value}+0x{STEPS}"


def rising(a_minute: float) -> str:
    return f"0+{STEP * a_minute}x{STEPS}"


EDGE = 'namespace="mqtt-edge"'
EDGE_POD = f'{EDGE},pod="mqtt-edge-1"'
BILLING = 'namespace="billing"'
EDGE_DEPLOYMENT = f'{EDGE},deployment="mqtt-edge"'


def healthy() -> Series:
    """Return what a platform without a fault shows."""
    series = {
        f"kube_deployment_status_replicas_available{{{EDGE_DEPLOYMENT}}}": still(3),
        f"kube_deployment_spec_replicas{{{EDGE_DEPLOYMENT}}}": still(3),
        f'haproxy_frontend_current_sessions{{{EDGE_POD},proxy="mqtt"}}': still(15_000),
        f'haproxy_frontend_limit_sessions{{{EDGE_POD},proxy="mqtt"}}': still(20_000),
        f'haproxy_frontend_denied_connections_total{{{EDGE_POD},proxy="mqtt"}}': still(0),
        f'haproxy_frontend_denied_sessions_total{{{EDGE_POD},proxy="mqtt"}}': still(0),
        f'haproxy_backend_sessions_total{{{EDGE_POD},proxy="refused_no_name"}}': rising(30),
        f'haproxy_backend_sessions_total{{{EDGE_POD},proxy="brokers"}}': rising(600),
        f'haproxy_backend_connection_errors_total{{{EDGE_POD},proxy="brokers"}}': rising(60),
        f'certmanager_certificate_expiration_timestamp_seconds{{{EDGE},name="mqtt-edge"}}': still(30 * DAY),
        'certmanager_certificate_expiration_timestamp_seconds{namespace="ingress",name="web"}': still(
            30 * DAY
        ),
        'certmanager_certificate_ready_status{namespace="ingress",name="web",condition="True"}': still(1),
        'kube_node_status_condition{node="n",condition="Ready",status="true"}': still(1),
        'kube_node_status_condition{node="n",condition="DiskPressure",status="true"}': still(0),
        'node_filesystem_avail_bytes{instance="n",mountpoint="/"}': still(11),
        'node_filesystem_size_bytes{instance="n",mountpoint="/"}': still(100),
        'kube_pod_status_unschedulable{namespace="customer-c00",pod="api"}': "1x5 _ _",
        'kube_deployment_status_replicas_available{namespace="ingress",deployment="traefik"}': still(2),
        'kube_pod_container_status_restarts_total{namespace="monitoring",pod="p",container="c"}': still(9),
        'kubelet_volume_stats_used_bytes{namespace="monitoring",persistentvolumeclaim="p"}': still(84),
        'kubelet_volume_stats_capacity_bytes{namespace="monitoring",persistentvolumeclaim="p"}': still(100),
        'up{namespace="monitoring",job="p",instance="i"}': still(1),
        'alertmanager_notifications_total{integration="email"}': still(2),
        'kube_node_info{node="n"}': still(1),
        'kubelet_node_name{node="n"}': still(1),
        'node_load1{instance="n"}': still(1),
        'prometheus_tsdb_head_series{instance="p"}': still(1),
        'alertmanager_notifications_failed_total{integration="email"}': still(1),
        'prometheus_rule_evaluation_failures_total{rule_group="g"}': still(1),
    }
    series |= {
        f'kube_deployment_status_replicas_available{{{BILLING},deployment="billing"}}': still(1),
        f'kube_statefulset_status_replicas_ready{{{BILLING},statefulset="redis"}}': still(1),
        f"pg_up{{{BILLING}}}": still(1),
        f'kube_cronjob_created{{{BILLING},cronjob="backup"}}': still(-30 * DAY),
        f'kube_cronjob_status_last_successful_time{{{BILLING},cronjob="backup"}}': still(-60),
    }
    for customer in CUSTOMERS:
        here = f'namespace="{customer}"'
        api, backup = f'{here},deployment="api"', f'{here},cronjob="backup"'
        series |= {
            f'kube_namespace_labels{{{here},label_iotistic_io_tenant="c"}}': still(1),
            f"kube_deployment_spec_replicas{{{api}}}": still(1),
            f"kube_deployment_status_replicas_available{{{api}}}": still(1),
            f'kube_pod_container_status_restarts_total{{{here},pod="api",container="api"}}': still(9),
            f"kube_cronjob_info{{{backup}}}": still(1),
            f"kube_cronjob_spec_suspend{{{backup}}}": still(0),
            f"kube_cronjob_status_last_successful_time{{{backup}}}": f"-60+{60 * STEP}x{STEPS}",
        }
    return series


@dataclass(frozen=True)
class Fault:
    """What some metrics show when something is wrong.

    Attributes:
        alerts: Every alert that fires then.
        metric: A part of the names of the series that change.
        values: Their values; None: nobody reports them any more.
        count: How many series that is.
        customer: The customer in the alerts' label ``tenant``.
    """

    alerts: str
    metric: str
    values: str | None
    count: int = 1
    customer: str | None = None


LATE = f"0+{STEP}x60 120+{600 * STEP}x{STEPS - 61}"
"""A counter that rises by one a minute, and after two hours by ten a second."""

FAULTS = [
    Fault("BillingDown", f"available{{{BILLING}", still(0)),
    Fault("BillingDown", f"available{{{BILLING}", None),
    Fault("BillingDatabaseDown", "pg_up", still(0)),
    Fault("BillingDatabaseDown", "pg_up", None),
    Fault("BillingQueueDown", "replicas_ready", still(0)),
    Fault("BillingQueueDown", "replicas_ready", None),
    Fault("BillingBackupMissing", f"successful_time{{{BILLING}", still(-3 * DAY)),
    Fault("BillingBackupMissing", f"successful_time{{{BILLING}", None),
    Fault("BillingBackupMissing", "cronjob_created", None),
    Fault("EdgeDown EdgeReplicaMissing", f"available{{{EDGE_DEPLOYMENT}", still(0)),
    Fault("EdgeDown", f"available{{{EDGE_DEPLOYMENT}", None),
    Fault("EdgeReplicaMissing", f"available{{{EDGE_DEPLOYMENT}", still(2)),
    Fault("EdgeBrokersUnreachable", "connection_errors_total", rising(400)),
    Fault("EdgeRefusalsRising", 'proxy="refused_no_name"', LATE),
    Fault("EdgeRefusalsRising", "denied_connections_total", LATE),
    Fault("EdgeRefusalsRising", "denied_sessions_total", LATE),
    Fault("EdgeMetricsMissing", "current_sessions", None),
    Fault("EdgeConnectionLimitNear", "current_sessions", still(16_100)),
    Fault("EdgeCertificateNearItsEnd", f"expiration_timestamp_seconds{{{EDGE}", still(9 * DAY)),
    Fault("FleetManyTenantsDown", 'available{namespace="customer-c0', still(0), count=10),
    Fault(
        "FleetPodRestarting",
        'restarts_total{namespace="customer-c07"',
        rising(0.2),
        customer="c07",
    ),
    Fault("FleetBackupsStale", 'successful_time{namespace="customer-c0', still(-3 * DAY), count=10),
    Fault("FleetTenantWithoutBackup", 'cronjob_info{namespace="customer-c07"', None, customer="c07"),
    Fault("NodeNotReady", 'condition="Ready"', still(0)),
    Fault("NodeUnderPressure", "DiskPressure", still(1)),
    Fault("NodeDiskFilling", "node_filesystem_avail_bytes", still(9)),
    Fault("PodsUnschedulable", "unschedulable", still(1)),
    Fault("IngressDown", 'available{namespace="ingress"', still(0)),
    Fault("PlatformPodRestarting", 'restarts_total{namespace="monitoring"', rising(0.2)),
    Fault("PlatformVolumeFilling", "volume_stats_used_bytes", still(86)),
    Fault("CertificateNotReady", "ready_status", still(0)),
    Fault("CertificateNearItsEnd", 'expiration_timestamp_seconds{namespace="ingress"', still(9 * DAY)),
    Fault("TargetDown", 'up{namespace="monitoring"', still(0)),
    *(Fault("ExporterMissing", f"{metric}{{", None) for metric in monitoring_cluster.SIGNS.values()),
    Fault("AlertsNotDelivered", "notifications_failed_total", rising(1)),
    Fault("RulesFailing", "evaluation_failures_total", rising(1)),
]

HARMLESS = [
    # One customer's fault is told by that customer's own alerts.
    Fault("", 'available{namespace="customer-c07"', still(0)),
    Fault("", 'successful_time{namespace="customer-c07"', still(-3 * DAY)),
    # A suspended customer has no API, and makes no new backups.
    Fault("", 'spec_replicas{namespace="customer-c0', still(0), count=10),
    Fault("", 'spec_suspend{namespace="customer-c0', still(1), count=10),
    # As many refusals as every day, however many: they are no news.
    Fault("", 'proxy="refused_no_name"', rising(600)),
    Fault("", "denied_connections_total", rising(600)),
    # A pod that restarted once an hour ago, a node that was gone for a moment.
    Fault("", 'restarts_total{namespace="monitoring"', f"0x50 1x{STEPS - 51}"),
    Fault("", 'condition="Ready"', f"1x50 0x2 1x{STEPS - 54}"),
]


def with_fault(series: Series, fault: Fault) -> Series:
    hit = {name for name in series if fault.metric in name}
    assert len(hit) == fault.count, hit
    kept = {name: values for name, values in series.items() if name not in hit}
    return kept if fault.values is None else kept | dict.fromkeys(hit, fault.values)


def firing(folder: Path, series: Series, expected: list[str]) -> None:
    """Let promtool decide that in the end exactly these alerts fire, as ``name`` or ``name/tenant``."""
    fire = {
        f'{{alertname="{name}",tenant="{tenant}"}}' if tenant else f'{{alertname="{name}"}}': 1.0
        for name, _, tenant in (alert.partition("/") for alert in ["Watchdog", *expected])
    }
    asked = {
        "expr": 'count by (alertname, tenant) (ALERTS{alertstate="firing"})',
        "eval_time": f"{MINUTES - 10}m",
        "exp_samples": promtool.samples(fire),
    }
    promtool.evaluate(folder, GROUPS, series, {"promql_expr_test": [asked]}, minutes=STEP)


def test_every_rule_is_one_that_prometheus_takes(tmp_path: Path) -> None:
    answer = promtool.check(tmp_path, GROUPS)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_healthy_platform_is_silent(tmp_path: Path) -> None:
    firing(tmp_path, healthy(), [])


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.alerts}-{fault.values}")
def test_each_fault_fires_its_alert_and_no_other(tmp_path: Path, fault: Fault) -> None:
    tenant = f"/{fault.customer}" if fault.customer else ""
    firing(tmp_path, with_fault(healthy(), fault), [alert + tenant for alert in fault.alerts.split()])


@pytest.mark.parametrize("fault", HARMLESS, ids=lambda fault: f"{fault.metric}-{fault.values}")
def test_what_is_no_fault_of_the_platform_fires_nothing(tmp_path: Path, fault: Fault) -> None:
    firing(tmp_path, with_fault(healthy(), fault), [])


def test_each_alert_has_a_fault() -> None:
    assert {alert for fault in FAULTS for alert in fault.alerts.split()} | {"Watchdog"} == ALERTS


def test_an_exporter_that_is_gone_is_missed() -> None:
    """Whatever an alert reads comes from somewhere whose absence is an alert too."""
    told_apart = {
        "every target",
        "haproxy",  # EdgeMetricsMissing
        "postgres_exporter",  # what is absent is down: TenantDatabaseDown, BillingDatabaseDown
        "cert-manager",  # gives nothing before there is a certificate
    }
    read = {name for group in GROUPS for rule in group["rules"] for name in names_in(rule["expr"])}
    alerting = {exporter for exporter, names in EXPORTED.items() if names & read}
    # Of the broker's own metrics there are records only, for the dashboards.
    assert alerting - {"mosquitto_exporter"} == told_apart | monitoring_cluster.SIGNS.keys()
    assert all(metric in EXPORTED[exporter] for exporter, metric in monitoring_cluster.SIGNS.items())
