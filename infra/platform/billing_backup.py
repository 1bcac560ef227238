"""Billing's nightly backup, by the pods that take the customers', and the Job that puts one back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.customer import backup, backup_nightly, restore, secrets

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.platform.billing_model import Billing

RESTORE: Final = "restore-database"
"""Never runs by itself: a person starts a Job from it."""


def secret(billing: Billing) -> list[Manifest]:
    """Return the Secret with the key of the backups, where there are some."""
    if not billing.backups:
        return []
    return [secrets.backup_secret(billing, app=backup.APP)]


def manifests(billing: Billing) -> list[Manifest]:
    """Return where backups go, what takes one every night, and what puts the newest one back."""
    if not billing.backups:
        return []
    schedule = billing.settings.backup_schedule
    nightly = backup.pod(billing, *backup.database_steps(billing))
    back = backup.pod(billing, *restore.database_steps(billing))
    return [
        *backup_nightly.place(billing),
        backup_nightly.cron_job(billing, backup.APP, nightly, schedule, suspended=False),
        backup_nightly.cron_job(billing, RESTORE, back, schedule, suspended=True),
    ]
