"""The dashboards that every customer's Grafana brings along, as data.

A query names only metrics that an exporter of the instance has: what each exports is in
``tests/data/metrics/``, and the tests ask a real Prometheus every query over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.dashboards import Panel, dashboard

if TYPE_CHECKING:
    from collections.abc import Sequence

DATABASE: Final = (
    Panel("Database answers", "bool_yes_no", {"yes": "pg_up"}),
    Panel("Size", "bytes", {"{{datname}}": 'pg_database_size_bytes{datname="iotistic"}'}),
    Panel(
        "Sessions",
        "short",
        {
            "in use": "sum(pg_stat_database_numbackends)",
            "at most": "pg_settings_max_connections",
        },
    ),
    Panel(
        "Transactions",
        "ops",
        {
            "committed": 'rate(pg_stat_database_xact_commit{datname="iotistic"}[5m])',
            "rolled back": 'rate(pg_stat_database_xact_rollback{datname="iotistic"}[5m])',
        },
    ),
    Panel(
        "Rows",
        "ops",
        {
            "inserted": 'rate(pg_stat_database_tup_inserted{datname="iotistic"}[5m])',
            "updated": 'rate(pg_stat_database_tup_updated{datname="iotistic"}[5m])',
            "deleted": 'rate(pg_stat_database_tup_deleted{datname="iotistic"}[5m])',
        },
    ),
    Panel(
        "Read from memory",
        "percentunit",
        {
            "share": 'rate(pg_stat_database_blks_hit{datname="iotistic"}[5m])'
            ' / (rate(pg_stat_database_blks_hit{datname="iotistic"}[5m])'
            ' + rate(pg_stat_database_blks_read{datname="iotistic"}[5m]))'
        },
    ),
    Panel(
        "Deadlocks", "short", {"in an hour": 'increase(pg_stat_database_deadlocks{datname="iotistic"}[1h])'}
    ),
    Panel("Largest tables", "short", {"{{relname}}": "topk(5, pg_stat_user_tables_n_live_tup)"}),
)

BROKER: Final = (
    Panel("Connected", "short", {"clients": "broker_clients_connected"}),
    Panel("Subscriptions", "short", {"subscriptions": "broker_subscriptions_count"}),
    Panel(
        "Messages",
        "ops",
        {
            "received": "rate(broker_publish_messages_received[5m])",
            "sent": "rate(broker_publish_messages_sent[5m])",
            "dropped": "rate(broker_publish_messages_dropped[5m])",
        },
    ),
    Panel(
        "Traffic",
        "Bps",
        {"received": "rate(broker_bytes_received[5m])", "sent": "rate(broker_bytes_sent[5m])"},
    ),
    Panel(
        "Kept",
        "short",
        {"retained": "broker_retained_messages_count", "stored": "broker_store_messages_count"},
    ),
    Panel("Running for", "s", {"since the start": "broker_uptime"}),
)

METRICS: Final = (
    Panel("Targets that answer", "bool_yes_no", {"{{job}}": "up"}),
    Panel("Time that a target takes", "s", {"{{job}}": "scrape_duration_seconds"}),
    Panel("Series", "short", {"in memory": "prometheus_tsdb_head_series"}),
    Panel("Volume", "bytes", {"blocks": "prometheus_tsdb_storage_blocks_bytes"}),
)


def dashboards(*, own_broker: bool) -> Sequence[dict[str, Any]]:
    """Return the dashboards as Grafana reads them from files.

    Args:
        own_broker: Whether the broker is the instance's; a managed one tells it nothing.
    """
    drawn = [dashboard("database", "Database", DATABASE)]
    if own_broker:
        drawn.append(dashboard("broker", "MQTT broker", BROKER))
    return [*drawn, dashboard("metrics", "Metrics", METRICS)]
