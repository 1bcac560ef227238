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

FLOWS: Final = "backup-flows"
"""The backup of Node-RED's flows: apart, so that nothing about them can keep the database from its own."""

_MINUTES_IN_HOUR: Final = 60


def manifests(instance: Instance) -> list[Manifest]:
    """Return the nightly backups, and their volume where they go to one."""
    if not instance.surroundings.backups:
        return []
    found = [_cron_job(instance, APP, _template(instance), later=0)]
    if instance.tenant.options.node_red:
        found.append(_cron_job(instance, FLOWS, _flows_template(instance), later=_MINUTES_IN_HOUR // 2))
    if instance.surroundings.backup_repository == VOLUME:
        found.insert(0, volume_claim(instance, APP, component=COMPONENT, size=BACKUP_VOLUME))
    if instance.surroundings.backup_route is not None:
        # Known to the cloud: of backups alone, and no other pod of the customer.
        found.insert(0, service_account(instance, SERVICE_ACCOUNT, app=APP, component=COMPONENT))
    return found


def cron_jobs(instance: Instance) -> list[str]:
    """Return the names of the nightly backups."""
    return [APP, FLOWS] if instance.tenant.options.node_red else [APP]


def _cron_job(instance: Instance, name: str, template: dict[str, Any], *, later: int) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": metadata(instance, name),
        "spec": {
            "schedule": spread(instance.tenant.backup.schedule, instance.tenant.id, later=later),
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 3600,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            # The database has to run to be dumped: a suspended customer keeps the backups it has.
            "suspend": not instance.tenant.runs,
            "jobTemplate": {"spec": {"backoffLimit": 2, "activeDeadlineSeconds": 7200, "template": template}},
        },
    }


def spread(schedule: str, tenant_id: str, *, later: int = 0) -> str:
    """Return a schedule with its minute moved by the tenant's id, so that not all start at once."""
    minute, rest = schedule.split(" ", 1)
    if not minute.isdigit():
        return schedule
    offset = int(hashlib.sha256(tenant_id.encode()).hexdigest(), 16) % _MINUTES_IN_HOUR
    return f"{(int(minute) + offset + later) % _MINUTES_IN_HOUR} {rest}"


def _template(instance: Instance) -> dict[str, Any]:
    dump, store = database_steps(instance)
    if instance.own_broker:
        broker = volumes.BROKER
        store["volumeMounts"].append({"name": broker.name, "mountPath": broker.folder, "readOnly": True})
    return pod(instance, dump, store, beside_writers=True)


def _flows_template(instance: Instance) -> dict[str, Any]:
    return pod(instance, volume_step(instance, volumes.FLOWS), beside_writers=True)
