"""What is watched of the cluster and of the platform's own parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.names import EDGE_NAMESPACE, INGRESS_NAMESPACE
from infra.platform.monitoring_edge import CERTIFICATE_DAYS
from infra.platform.monitoring_rules import NOT_OF_CUSTOMERS, alert, record

if TYPE_CHECKING:
    from infra.platform.monitoring_rules import Rule

PART: Final = "platform"

_ROOT: Final = 'mountpoint="/"'

SIGNS: Final = {
    "alertmanager": "alertmanager_notifications_total",
    "kube-state-metrics": "kube_node_info",
    "kubelet": "kubelet_node_name",
    "node_exporter": "node_load1",
    "prometheus": "prometheus_tsdb_head_series",
}
"""What each exporter shows while it is there. The edge, billing and customers have alerts of their own."""


def rules() -> list[Rule]:
    """Return the platform's recording rules and alerts."""
    return [*_records(), *_nodes(), *_parts(), *_certificates(), *_watching()]


def _records() -> list[Rule]:
    # A pod that has ended stays listed, a backup's for a day, and holds nothing.
    holds = 'max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Running"}) == 1'
    requests = 'kube_pod_container_resource_requests{resource=~"cpu|memory"}'
    requested = f"sum by (resource) ({requests} and on (namespace, pod) ({holds}))"
    return [
        record("platform:cpu_usage:ratio", '1 - avg(rate(node_cpu_seconds_total{mode="idle"}[5m]))'),
        record(
            "platform:memory_usage:ratio",
            "1 - sum(node_memory_MemAvailable_bytes) / sum(node_memory_MemTotal_bytes)",
        ),
        record(
            "platform:requested:ratio",
            f'{requested} / sum by (resource) (kube_node_status_allocatable{{resource=~"cpu|memory"}})',
        ),
    ]


def _nodes() -> list[Rule]:
    pressure = "MemoryPressure|DiskPressure|PIDPressure"
    return [
        alert(
            "NodeNotReady",
            'kube_node_status_condition{condition="Ready",status="true"} == 0',
            part=PART,
            wait="10m",
            severity="critical",
            summary="Node {{ $labels.node }} is not ready.",
        ),
        alert(
            "NodeUnderPressure",
            f'kube_node_status_condition{{condition=~"{pressure}",status="true"}} == 1',
            part=PART,
            wait="10m",
            severity="warning",
            summary="Node {{ $labels.node }} has {{ $labels.condition }} and evicts pods.",
        ),
        alert(
            "NodeDiskFilling",
            f"node_filesystem_avail_bytes{{{_ROOT}}} / node_filesystem_size_bytes{{{_ROOT}}} < 0.1",
            part=PART,
            wait="30m",
            severity="warning",
            summary="The disk of node {{ $labels.instance }} is more than 90 % full.",
        ),
        alert(
            "PodsUnschedulable",
            "sum by (namespace) (kube_pod_status_unschedulable) > 0",
            part=PART,
            # A new node takes a few minutes to come.
            wait="15m",
            severity="critical",
            summary="{{ $value }} pods of {{ $labels.namespace }} find no node.",
        ),
    ]


def _parts() -> list[Rule]:
    restarts = f"increase(kube_pod_container_status_restarts_total{{{NOT_OF_CUSTOMERS}}}[30m])"
    volumes = (
        f"kubelet_volume_stats_used_bytes{{{NOT_OF_CUSTOMERS}}}"
        f" / kubelet_volume_stats_capacity_bytes{{{NOT_OF_CUSTOMERS}}}"
    )
    return [
        alert(
            "IngressDown",
            f'kube_deployment_status_replicas_available{{namespace="{INGRESS_NAMESPACE}"}} == 0',
            part=PART,
            wait="2m",
            severity="critical",
            summary="{{ $labels.deployment }} has no ready pod: no customer's page can be reached.",
        ),
        alert(
            "PlatformPodRestarting",
            f"sum by (namespace, pod) ({restarts}) > 3",
            part=PART,
            wait="10m",
            severity="warning",
            summary="{{ $labels.namespace }}/{{ $labels.pod }} restarts again and again.",
        ),
        alert(
            "PlatformVolumeFilling",
            f"{volumes} > 0.85",
            part=PART,
            wait="30m",
            severity="warning",
            summary="{{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }} is more than 85 % full.",
        ),
    ]


def _certificates() -> list[Rule]:
    # The edge's own has an alert of its own, as it wakes somebody.
    ends = f'certmanager_certificate_expiration_timestamp_seconds{{namespace!="{EDGE_NAMESPACE}"}}'
    return [
        alert(
            "CertificateNotReady",
            'certmanager_certificate_ready_status{condition="True"} == 0',
            part=PART,
            wait="30m",
            severity="warning",
            summary="Certificate {{ $labels.namespace }}/{{ $labels.name }} is not issued.",
        ),
        alert(
            "CertificateNearItsEnd",
            f"{ends} - time() < {CERTIFICATE_DAYS * 86_400}",
            part=PART,
            wait="1h",
            severity="warning",
            summary="Certificate {{ $labels.namespace }}/{{ $labels.name }} was not renewed.",
        ),
    ]


def _watching() -> list[Rule]:
    missing = " or ".join(
        f'label_replace(absent({metric}), "exporter", "{exporter}", "", "")'
        for exporter, metric in SIGNS.items()
    )
    return [
        alert(
            "TargetDown",
            "count by (namespace, job) (up == 0)",
            part=PART,
            wait="15m",
            severity="warning",
            summary="{{ $value }} targets of {{ $labels.namespace }}/{{ $labels.job }} give no metrics.",
        ),
        alert(
            "ExporterMissing",
            # A target that nobody knows of is not one that is down.
            missing,
            part=PART,
            wait="15m",
            severity="critical",
            summary="Nothing gives the metrics of {{ $labels.exporter }}: alerts that read them are silent.",
        ),
        alert(
            "AlertsNotDelivered",
            "sum by (integration) (increase(alertmanager_notifications_failed_total[15m])) > 0",
            part=PART,
            wait="10m",
            severity="critical",
            summary="Alerts do not arrive by {{ $labels.integration }}.",
        ),
        alert(
            "RulesFailing",
            "sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[15m])) > 0",
            part=PART,
            wait="10m",
            severity="critical",
            summary="Rules of {{ $labels.rule_group }} cannot be evaluated, so their alerts are silent.",
        ),
        alert(
            "Watchdog",
            "vector(1)",
            part=PART,
            wait="0m",
            severity="none",
            summary="Always firing: where it stops to arrive, no alert arrives.",
        ),
    ]
