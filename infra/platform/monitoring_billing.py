"""What is watched of billing's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.customer import backup
from infra.names import BILLING_NAMESPACE
from infra.platform import billing_redis
from infra.platform.monitoring_fleet import STALE_SECONDS
from infra.platform.monitoring_rules import alert

if TYPE_CHECKING:
    from infra.platform.monitoring_rules import Rule

PART: Final = "billing"

_HERE: Final = f'namespace="{BILLING_NAMESPACE}"'


def rules(*, backups: bool) -> list[Rule]:
    """Return billing's alerts. What nobody reports any more is as bad as what is reported to be down.

    Args:
        backups: Whether its database is backed up.
    """
    service = f'kube_deployment_status_replicas_available{{{_HERE},deployment="billing"}}'
    queue = f'kube_statefulset_status_replicas_ready{{{_HERE},statefulset="{billing_redis.APP}"}}'
    database = f"pg_up{{{_HERE}}}"
    found = [
        alert(
            "BillingDown",
            f"{service} < 1 or absent({service})",
            part=PART,
            wait="10m",
            severity="critical",
            summary="The billing service has no ready pod: nobody can sign up or pay.",
        ),
        alert(
            "BillingDatabaseDown",
            f"{database} == 0 or absent({database})",
            part=PART,
            wait="5m",
            severity="critical",
            summary="Billing's PostgreSQL does not answer its exporter.",
        ),
        alert(
            "BillingQueueDown",
            f"{queue} < 1 or absent({queue})",
            part=PART,
            wait="5m",
            severity="critical",
            summary="Billing's Redis has no ready pod: nothing that was asked for is done.",
        ),
    ]
    if backups:
        job = f'{_HERE},cronjob="{backup.APP}"'
        made = f"kube_cronjob_created{{{job}}}"
        # Before the first one its age is that of the job.
        last = f"kube_cronjob_status_last_successful_time{{{job}}} or {made}"
        found.append(
            alert(
                "BillingBackupMissing",
                f"time() - ({last}) > {STALE_SECONDS} or absent({made})",
                part=PART,
                wait="1h",
                severity="critical",
                summary="No backup of billing's database has succeeded for two days.",
            )
        )
    return found
