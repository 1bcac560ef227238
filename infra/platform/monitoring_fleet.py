"""What is watched of all customers together: faults that are not one customer's.

Each customer's own alerts stand in ``infra/customer/monitoring.py`` and are not repeated here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.platform.monitoring_rules import OF_CUSTOMERS, alert, record, with_tenant

if TYPE_CHECKING:
    from infra.platform.monitoring_rules import Rule

PART: Final = "fleet"

STALE_SECONDS: Final = 2 * 86_400
"""Age of a customer's last backup that counts as a failure: two nights in a row."""

_API: Final = f'{OF_CUSTOMERS},deployment="api"'
_BACKUP: Final = f'{OF_CUSTOMERS},cronjob="backup"'
_NAMESPACES: Final = 'kube_namespace_labels{label_iotistic_io_tenant!=""}'
"""The customers' namespaces. kube-state-metrics has to be told to export these labels."""


def rules(*, backups: bool) -> list[Rule]:
    """Return the fleet's recording rules and alerts.

    Args:
        backups: Whether customers are backed up at all.
    """
    return [*_records(), *_alerts(), *(_backup_rules() if backups else [])]


def _records() -> list[Rule]:
    wanted = f"kube_deployment_spec_replicas{{{_API}}} > 0"
    down = f"kube_deployment_status_replicas_available{{{_API}}} == 0 and on (namespace) {wanted}"
    return [
        record("fleet:tenants:count", f"count by (label_iotistic_io_plan) ({_NAMESPACES})"),
        record("fleet:running:count", f"count({wanted}) or vector(0)"),
        record("fleet:api_down:count", f"count({down}) or vector(0)"),
        record("fleet:devices:sum", f"sum(broker_clients_connected{{{OF_CUSTOMERS}}})"),
        record("fleet:messages:rate5m", f"sum(rate(broker_publish_messages_received{{{OF_CUSTOMERS}}}[5m]))"),
    ]


def _alerts() -> list[Rule]:
    restarts = f"increase(kube_pod_container_status_restarts_total{{{OF_CUSTOMERS}}}[30m])"
    return [
        alert(
            "FleetManyTenantsDown",
            # Three at least: in a small fleet one customer is already more than a twentieth.
            "fleet:api_down:count > 0.05 * fleet:running:count and fleet:api_down:count >= 3",
            part=PART,
            wait="5m",
            severity="critical",
            summary="{{ $value }} customers have no API at once: the cause is the platform's.",
        ),
        alert(
            "FleetPodRestarting",
            with_tenant(f"sum by (namespace, pod) ({restarts}) > 3"),
            part=PART,
            wait="10m",
            severity="warning",
            summary="{{ $labels.namespace }}/{{ $labels.pod }} restarts again and again.",
        ),
    ]


def _backup_rules() -> list[Rule]:
    # A suspended customer keeps the backups it has and makes no new ones.
    jobs = f"kube_cronjob_info{{{_BACKUP}}}"
    runs = f"kube_cronjob_spec_suspend{{{_BACKUP}}} == 0"
    age = f"time() - kube_cronjob_status_last_successful_time{{{_BACKUP}}} and on (namespace) {runs}"
    return [
        record("fleet:backup_age:seconds", with_tenant(age)),
        record(
            "fleet:stale_backups:count", f"count(fleet:backup_age:seconds > {STALE_SECONDS}) or vector(0)"
        ),
        alert(
            "FleetBackupsStale",
            "fleet:stale_backups:count > 0.1 * count(fleet:backup_age:seconds)"
            " and fleet:stale_backups:count >= 3",
            part=PART,
            wait="1h",
            severity="critical",
            summary="{{ $value }} customers have no backup of the last two days: the store is the cause.",
        ),
        alert(
            "FleetTenantWithoutBackup",
            with_tenant(f"group by (namespace) ({_NAMESPACES}) unless on (namespace) {jobs}"),
            part=PART,
            wait="1h",
            severity="critical",
            summary="{{ $labels.namespace }} has no backup job, so nothing can say that backups are missing.",
        ),
    ]
