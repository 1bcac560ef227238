"""The dashboards of the platform's Grafana, as data: the fleet, one tenant, the edge, the cluster.

What would be slow to ask of a thousand customers is recorded by a rule, and read here. A query
names only metrics that a scrape target exports or a rule records; the tests ask.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from infra.dashboards import Choice, Panel, dashboard
from infra.names import EDGE_NAMESPACE, MONITORING_NAMESPACE, platform_labels
from infra.platform.monitoring_rules import NOT_OF_CUSTOMERS
from infra.platform.monitoring_values import DASHBOARD_LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.component import Manifest

TENANT: Final = Choice("tenant", "Tenant", "tenant:cpu_usage:cores", "tenant")

_FIRING: Final = 'alertstate="firing",severity=~"critical|warning"'
_TENANT: Final = 'tenant="$tenant"'
_HERE: Final = 'namespace="customer-$tenant"'
_DATABASE: Final = f'{_HERE},datname="iotistic"'
_EDGE: Final = f'namespace="{EDGE_NAMESPACE}"'
_EDGE_FRONTEND: Final = f'{_EDGE},proxy="mqtt"'

FLEET: Final = (
    Panel("Customers", "short", {"{{label_iotistic_io_plan}}": "fleet:tenants:count"}),
    Panel("Served", "short", {"served": "fleet:running:count", "without API": "fleet:api_down:count"}),
    Panel("Connected devices", "short", {"devices": "fleet:devices:sum"}),
    Panel("Messages", "ops", {"received": "fleet:messages:rate5m"}),
    Panel("Alerts that fire", "short", {"{{severity}}": f"sum by (severity) (ALERTS{{{_FIRING}}})"}),
    Panel(
        "Customers with alerts",
        "short",
        {"{{tenant}}": f'topk(10, sum by (tenant) (ALERTS{{{_FIRING},tenant!=""}}))'},
    ),
    Panel("Most processor", "short", {"{{tenant}}": "topk(10, tenant:cpu_usage:cores)"}),
    Panel("Most memory", "bytes", {"{{tenant}}": "topk(10, tenant:memory_usage:bytes)"}),
    Panel(
        "Fullest volumes",
        "percentunit",
        {"{{tenant}} {{persistentvolumeclaim}}": "topk(10, tenant:volume_usage:ratio)"},
    ),
    Panel(
        "Most of the quota", "percentunit", {"{{tenant}} {{resource}}": "topk(10, tenant:quota_usage:ratio)"}
    ),
)

BACKUPS: Final = (
    Panel("Oldest backups", "s", {"{{tenant}}": "topk(10, fleet:backup_age:seconds)"}),
    Panel("Without a backup of two days", "short", {"customers": "fleet:stale_backups:count"}),
)

ONE_TENANT: Final = (
    Panel(
        "Alerts that fire", "short", {"{{alertname}}": f"sum by (alertname) (ALERTS{{{_FIRING},{_TENANT}}})"}
    ),
    Panel(
        "Restarts in an hour",
        "short",
        {"{{pod}}": f"sum by (pod) (increase(kube_pod_container_status_restarts_total{{{_HERE}}}[1h]))"},
    ),
    Panel("Processor", "short", {"cores": f"tenant:cpu_usage:cores{{{_TENANT}}}"}),
    Panel("Memory", "bytes", {"in use": f"tenant:memory_usage:bytes{{{_TENANT}}}"}),
    Panel("Volumes", "percentunit", {"{{persistentvolumeclaim}}": f"tenant:volume_usage:ratio{{{_TENANT}}}"}),
    Panel("Quota", "percentunit", {"{{resource}}": f"tenant:quota_usage:ratio{{{_TENANT}}}"}),
    Panel("Connected devices", "short", {"devices": f"broker_clients_connected{{{_HERE}}}"}),
    Panel(
        "Messages",
        "ops",
        {
            kind: f"rate(broker_publish_messages_{kind}{{{_HERE}}}[5m])"
            for kind in ("received", "sent", "dropped")
        },
    ),
    Panel("Database answers", "bool_yes_no", {"yes": f"pg_up{{{_HERE}}}"}),
    Panel("Size of the database", "bytes", {"bytes": f"pg_database_size_bytes{{{_DATABASE}}}"}),
    Panel(
        "Sessions at the database",
        "short",
        {
            "in use": f"sum(pg_stat_database_numbackends{{{_HERE}}})",
            "at most": f"pg_settings_max_connections{{{_HERE}}}",
        },
    ),
    Panel(
        "Network",
        "Bps",
        {
            kind: f"sum(rate(container_network_{kind}_bytes_total{{{_HERE}}}[5m]))"
            for kind in ("receive", "transmit")
        },
    ),
)

EDGE: Final = (
    Panel("Connections", "short", {"open": "edge:connections:sum"}),
    Panel("New connections", "ops", {"accepted": "edge:new_connections:rate5m"}),
    Panel("Refused", "ops", {"{{reason}}": "edge:refusals:rate5m"}),
    Panel(
        "Brokers",
        "ops",
        {"reached": "edge:broker_sessions:rate5m", "not reached": "edge:broker_failures:rate5m"},
    ),
    Panel("Of the connections a process can hold", "percentunit", {"{{pod}}": "edge:connections:ratio"}),
    Panel(
        "Idle time",
        "percent",
        {"{{pod}}": f"haproxy_process_idle_time_percent{{{_EDGE}}}"},
    ),
    Panel(
        "Traffic",
        "Bps",
        {
            "from devices": f'sum(rate(haproxy_backend_bytes_in_total{{{_EDGE},proxy="brokers"}}[5m]))',
            "to devices": f'sum(rate(haproxy_backend_bytes_out_total{{{_EDGE},proxy="brokers"}}[5m]))',
        },
    ),
    Panel(
        "Processes ready",
        "short",
        {
            "ready": f"kube_deployment_status_replicas_available{{{_EDGE}}}",
            "wanted": f"kube_deployment_spec_replicas{{{_EDGE}}}",
        },
    ),
    Panel("Memory", "bytes", {"{{pod}}": f"haproxy_process_pool_used_bytes{{{_EDGE}}}"}),
    Panel(
        "Certificate ends in",
        "s",
        {"{{name}}": f"certmanager_certificate_expiration_timestamp_seconds{{{_EDGE}}} - time()"},
    ),
)

PLATFORM: Final = (
    Panel("Processor of all nodes", "percentunit", {"in use": "platform:cpu_usage:ratio"}),
    Panel("Memory of all nodes", "percentunit", {"in use": "platform:memory_usage:ratio"}),
    Panel("Asked for by pods", "percentunit", {"{{resource}}": "platform:requested:ratio"}),
    Panel(
        "Nodes",
        "short",
        {"ready": 'sum(kube_node_status_condition{condition="Ready",status="true"})'},
    ),
    Panel(
        "Disks of the nodes",
        "percentunit",
        {
            "{{instance}}": '1 - node_filesystem_avail_bytes{mountpoint="/"}'
            ' / node_filesystem_size_bytes{mountpoint="/"}'
        },
    ),
    Panel("Pods without a node", "short", {"pods": "sum(kube_pod_status_unschedulable) or vector(0)"}),
    Panel(
        "Restarts in an hour",
        "short",
        {
            "{{namespace}}/{{pod}}": "topk(10, sum by (namespace, pod)"
            f" (increase(kube_pod_container_status_restarts_total{{{NOT_OF_CUSTOMERS}}}[1h])))"
        },
    ),
    Panel(
        "Volumes of the platform",
        "percentunit",
        {
            "{{namespace}}/{{persistentvolumeclaim}}": ""
            f"kubelet_volume_stats_used_bytes{{{NOT_OF_CUSTOMERS}}}"
            f" / kubelet_volume_stats_capacity_bytes{{{NOT_OF_CUSTOMERS}}}"
        },
    ),
    Panel(
        "Certificates that end first",
        "s",
        {
            "{{namespace}}/{{name}}": "bottomk(10,"
            " certmanager_certificate_expiration_timestamp_seconds - time())"
        },
    ),
    Panel("Targets that do not answer", "short", {"{{job}}": "count by (job) (up == 0)"}),
    Panel("Series", "short", {"in memory": "sum(prometheus_tsdb_head_series)"}),
    Panel(
        "Alerts told",
        "ops",
        {
            "{{integration}}": "sum by (integration) (rate(alertmanager_notifications_total[15m]))",
            "{{integration}}, failed": "sum by (integration)"
            " (rate(alertmanager_notifications_failed_total[15m]))",
        },
    ),
)


def dashboards(*, edge: bool, backups: bool) -> Sequence[dict[str, Any]]:
    """Return the dashboards as Grafana reads them from files.

    Args:
        edge: Whether there is an MQTT edge.
        backups: Whether customers are backed up.
    """
    drawn = [
        dashboard("fleet", "Fleet", [*FLEET, *(BACKUPS if backups else ())]),
        dashboard("tenant", "Tenant", ONE_TENANT, choices=[TENANT]),
        dashboard("platform", "Platform", PLATFORM),
    ]
    return [*drawn, dashboard("edge", "MQTT edge", EDGE)] if edge else drawn


def manifests(environment: str, *, edge: bool, backups: bool) -> list[Manifest]:
    """Return a ConfigMap for each dashboard: together they would come near to the size that one can have.

    Args:
        environment: The environment's name, for labels.
        edge: Whether there is an MQTT edge.
        backups: Whether customers are backed up.
    """
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": f"dashboard-{drawn['uid']}",
                "namespace": MONITORING_NAMESPACE,
                "labels": {**platform_labels("dashboard", environment), DASHBOARD_LABEL: "1"},
            },
            "data": {f"{drawn['uid']}.json": json.dumps(drawn, indent=1, sort_keys=True) + "\n"},
        }
        for drawn in dashboards(edge=edge, backups=backups)
    ]
