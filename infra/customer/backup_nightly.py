"""The nightly backups: the database's dump with the broker's data, and Node-RED's flows."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from infra.customer import volumes
from infra.customer.backup import (
    APP,
    COMPONENT,
    SERVICE_ACCOUNT,
    VOLUME,
    database_steps,
    metadata,
    pod,
    volume_step,
)
from infra.customer.pods import service_account, volume_claim
from tenants.sizing import BACKUP_VOLUME

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance
    from infra.owner import BackupOwner

FLOWS: Final = "backup-flows"
"""The backup of Node-RED's flows: apart, so that nothing about them can keep the database from its own."""

_MINUTES_IN_HOUR: Final = 60


def manifests(instance: Instance) -> list[Manifest]:
    """Return the nightly backups, and their volume where they go to one."""
    if not instance.surroundings.backups:
        return []
    schedule, at_rest = instance.tenant.backup.schedule, not instance.tenant.runs
    found = [*place(instance), cron_job(instance, APP, _template(instance), schedule, suspended=at_rest)]
    if instance.tenant.options.node_red:
        flows = _flows_template(instance)
        found.append(
            cron_job(instance, FLOWS, flows, schedule, suspended=at_rest, later=_MINUTES_IN_HOUR // 2)
        )
    return found


def place(owner: BackupOwner) -> list[Manifest]:
    """Return what there has to be for backups to go where they go: a volume, or an account."""
    if owner.backup_route is not None:
        # Known to the cloud: of backups alone, and no other pod of the owner.
        return [service_account(owner, SERVICE_ACCOUNT, app=APP, component=COMPONENT)]
    if owner.backup_repository == VOLUME:
        return [volume_claim(owner, APP, component=COMPONENT, size=BACKUP_VOLUME)]
    return []


def cron_jobs(instance: Instance) -> list[str]:
    """Return the names of the nightly backups."""
    return [APP, FLOWS] if instance.tenant.options.node_red else [APP]


def cron_job(  # noqa: PLR0913 - a nightly Job has this many independent parts
    owner: BackupOwner,
    name: str,
    template: dict[str, Any],
    schedule: str,
    *,
    suspended: bool,
    later: int = 0,
) -> Manifest:
    """Return what runs a pod every night.

    Args:
        owner: Whose backup it is.
        name: Its name.
        template: The pod.
        schedule: Five cron fields, in UTC. The minute is moved by the owner's name.
        suspended: Whether it does not run: the database has to, to be dumped.
        later: Minutes by which it is moved further.
    """
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata(owner, name),
        "spec": {
            "schedule": spread(schedule, owner.backup_name, later=later),
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 3600,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "suspend": suspended,
            "jobTemplate": {"spec": {"backoffLimit": 2, "activeDeadlineSeconds": 7200, "template": template}},
        },
    }


def spread(schedule: str, name: str, *, later: int = 0) -> str:
    """Return a schedule with its minute moved by the owner's name, so that not all start at once."""
    minute, rest = schedule.split(" ", 1)
    if not minute.isdigit():
        return schedule
    offset = int(hashlib.sha256(name.encode()).hexdigest(), 16) % _MINUTES_IN_HOUR
    return f"{(int(minute) + offset + later) % _MINUTES_IN_HOUR} {rest}"


def _template(instance: Instance) -> dict[str, Any]:
    dump, store = database_steps(instance)
    if instance.own_broker:
        broker = volumes.BROKER
        store["volumeMounts"].append({"name": broker.name, "mountPath": broker.folder, "readOnly": True})
    return pod(instance, dump, store, beside_writers=True)


def _flows_template(instance: Instance) -> dict[str, Any]:
    return pod(instance, volume_step(instance, volumes.FLOWS), beside_writers=True)
