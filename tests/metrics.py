"""Which metrics there are: what each kind of scrape target exports, and which of them a query names.

Each list is compared with what one that runs exports:

- kube-state-metrics in the version that the chart brings, over the customers of the dev environment, with
  the labels that queries name (tests/cluster/test_exporters.py);
- the kubelet, and cAdvisor in it, in the version of the embedded cluster, over customers that really run,
  with these labels too (tests/node/test_metrics.py);
- cert-manager 1.11.5, with these labels too (tests/cluster/test_exporters.py). The chart brings a later one,
  which cannot be built from its modules; the source of 1.21.1 has the same names and labels;
- HAProxy 2.6, Prometheus 2.42 with what it adds itself, Alertmanager 0.25, node_exporter 1.5 and
  postgres_exporter 0.11, which are Debian 12's (tests/edge/test_exporters.py). For HAProxy the source of the
  version that is installed was read (docs/decisions/0105-the-edge-is-tested-on-debians-haproxy.md), and that
  of postgres_exporter has once answered what is in tests/data/metrics. Of the later Prometheus, Alertmanager
  and node_exporter that the chart brings, the names are those of their makers' documentation;
- mosquitto_exporter cannot be had. What runs is Debian's Mosquitto 2.0 (tests/edge/test_exporters.py); how
  the exporter makes names of its topics is taken from the source of the version that is installed.

Only names that some query may use stand here: one that is missing is looked for there first, then added.
"""

from __future__ import annotations

import re
from typing import Final

EXPORTED: Final[dict[str, frozenset[str]]] = {
    "every target": frozenset({"up", "ALERTS"}),
    "haproxy": frozenset(
        {
            "haproxy_backend_bytes_in_total",
            "haproxy_backend_bytes_out_total",
            "haproxy_backend_connection_attempts_total",
            "haproxy_backend_connection_errors_total",
            "haproxy_backend_sessions_total",
            "haproxy_frontend_connections_total",
            "haproxy_frontend_current_sessions",
            "haproxy_frontend_denied_connections_total",
            "haproxy_frontend_denied_sessions_total",
            "haproxy_frontend_limit_sessions",
            "haproxy_process_current_ssl_connections",
            "haproxy_process_idle_time_percent",
            "haproxy_process_pool_used_bytes",
            "haproxy_sticktable_used",
        }
    ),
    "postgres_exporter": frozenset(
        {
            "pg_up",
            "pg_database_size_bytes",
            "pg_settings_max_connections",
            "pg_stat_activity_count",
            "pg_stat_database_blks_hit",
            "pg_stat_database_blks_read",
            "pg_stat_database_deadlocks",
            "pg_stat_database_numbackends",
            "pg_stat_database_tup_fetched",
            "pg_stat_database_tup_inserted",
            "pg_stat_database_xact_commit",
            "pg_stat_database_xact_rollback",
        }
    ),
    # The broker's $SYS topics with "/" as "_".
    "mosquitto_exporter": frozenset(
        {
            "broker_bytes_received",
            "broker_bytes_sent",
            "broker_clients_connected",
            "broker_clients_disconnected",
            "broker_clients_maximum",
            "broker_clients_total",
            "broker_messages_received",
            "broker_messages_sent",
            "broker_publish_messages_dropped",
            "broker_publish_messages_received",
            "broker_publish_messages_sent",
            "broker_subscriptions_count",
            "broker_uptime",
        }
    ),
    "kube-state-metrics": frozenset(
        {
            "kube_cronjob_created",
            "kube_cronjob_info",
            "kube_cronjob_spec_suspend",
            "kube_cronjob_status_last_successful_time",
            "kube_deployment_spec_replicas",
            "kube_deployment_status_replicas_available",
            "kube_namespace_labels",
            "kube_node_info",
            "kube_node_status_allocatable",
            "kube_node_status_condition",
            "kube_pod_container_resource_requests",
            "kube_pod_container_status_restarts_total",
            "kube_pod_status_phase",
            "kube_pod_status_unschedulable",
            "kube_resourcequota",
            "kube_statefulset_replicas",
            "kube_statefulset_status_replicas_ready",
        }
    ),
    "kubelet": frozenset(
        {
            "container_cpu_usage_seconds_total",
            "container_memory_working_set_bytes",
            "container_network_receive_bytes_total",
            "container_network_transmit_bytes_total",
            "kubelet_node_name",
            "kubelet_volume_stats_available_bytes",
            "kubelet_volume_stats_capacity_bytes",
            "kubelet_volume_stats_used_bytes",
        }
    ),
    "node_exporter": frozenset(
        {
            "node_cpu_seconds_total",
            "node_filesystem_avail_bytes",
            "node_filesystem_size_bytes",
            "node_load1",
            "node_memory_MemAvailable_bytes",
            "node_memory_MemTotal_bytes",
            "node_network_receive_bytes_total",
            "node_network_transmit_bytes_total",
        }
    ),
    "cert-manager": frozenset(
        {
            "certmanager_certificate_expiration_timestamp_seconds",
            "certmanager_certificate_ready_status",
            "certmanager_certificate_renewal_timestamp_seconds",
        }
    ),
    "prometheus": frozenset(
        {
            "prometheus_rule_evaluation_failures_total",
            "prometheus_tsdb_head_series",
            "prometheus_tsdb_storage_blocks_bytes",
        }
    ),
    "alertmanager": frozenset(
        {"alertmanager_notifications_failed_total", "alertmanager_notifications_total"}
    ),
}

_TEXTS = re.compile(r'"(?:\\.|[^"\\])*"|' + r"'(?:\\.|[^'\\])*'|`[^`]*`")
_NO_METRICS = re.compile(
    r"\{[^}]*\}"  # what is asked of labels
    r"|\[[^\]]*\]"  # ranges
    r"|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)"  # names of labels
    r"|\boffset\s+-?\w+"
    r"|\b\d[\w.]*"  # numbers and durations
)
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\(|[a-zA-Z0-9_:])")
_KEYWORDS: Final = frozenset({"and", "or", "unless", "bool", "group_left", "group_right", "Inf", "NaN"})


def names_in(query: str) -> set[str]:
    """Return the metrics that a PromQL query reads.

    What cannot be parsed is not this function's to find: promtool does that.
    """
    return set(_WORD.findall(_NO_METRICS.sub(" ", _TEXTS.sub(" ", query)))) - _KEYWORDS


def unknown(query: str, *, recorded: frozenset[str] = frozenset()) -> set[str]:
    """Return the metrics in a query that no scrape target exports and no rule records.

    Args:
        query: PromQL.
        recorded: Names that recording rules give.
    """
    return names_in(query) - recorded - frozenset().union(*EXPORTED.values())
