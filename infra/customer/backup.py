"""Backup of a customer: the database's dump and the broker's data, encrypted, to a restic repository.

restic encrypts with the customer's own key, deduplicates, keeps by retention and verifies.
The repository is object storage (``s3:``, ``azure:``, ``gs:``), or a volume on a laptop's cluster.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from infra.customer import mosquitto, postgres, secrets
from infra.customer.files import render
from infra.customer.model import checksum, resources
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    config_volume,
    container,
    pod_template,
    scratch,
    secret_volume,
    volume_claim,
)
from infra.customer.ports import POSTGRES_PORT
from tenants.sizing import BACKUP_VOLUME

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance
    from infra.images import Image

APP: Final = "backup"
COMPONENT: Final = "backup"
VOLUME: Final = "volume"
"""Name of the repository that is a volume of the instance's own."""

BACKUP_USER: Final = mosquitto.MOSQUITTO_USER
"""The broker's own: it lets nobody else read its data, and a volume that is only read keeps its owner."""
_CONFIG: Final = "/etc/iotistic"
_REPOSITORY: Final = "/repository"
_WORK: Final = "/work"
_MINUTES_IN_HOUR: Final = 60


def configuration(instance: Instance) -> dict[str, str]:
    """Return the backup's files, by name."""
    names = {
        "secrets": postgres.SECRETS,
        "host": postgres.APP,
        "port": POSTGRES_PORT,
        "database": postgres.DATABASE,
        "role": postgres.API_ROLE,
        "work": _WORK,
        "keep_daily": instance.tenant.backup.retention_days,
        "host_name": instance.tenant.id,
    }
    return {name: render(name, **names) for name in ("dump.sh", "store.sh", "restore.sh", "load.sh")}


def manifests(instance: Instance) -> list[Manifest]:
    """Return the nightly backup, and its volume where it goes to one."""
    if instance.surroundings.backup_repository is None:
        return []
    cron_job: Manifest = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": instance.metadata(APP, app=APP, component=COMPONENT),
        "spec": {
            "schedule": spread(instance.tenant.backup.schedule, instance.tenant.id),
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 3600,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            # The database has to run to be dumped: a suspended customer keeps the backups it has.
            "suspend": not instance.tenant.runs,
            "jobTemplate": {
                "spec": {"backoffLimit": 2, "activeDeadlineSeconds": 7200, "template": _template(instance)}
            },
        },
    }
    if instance.surroundings.backup_repository == VOLUME:
        return [volume_claim(instance, APP, component=COMPONENT, size=BACKUP_VOLUME), cron_job]
    return [cron_job]


def restore_job(instance: Instance, *, snapshot: str) -> Manifest:
    """Return a Job that puts a snapshot's database back. It is rendered here and started by people.

    Args:
        instance: The customer's instance.
        snapshot: restic's name of the snapshot, or ``latest``.
    """
    fetch = _step(instance, "restore", instance.images.restic, "restore.sh", repository=True)
    fetch["env"].append({"name": "SNAPSHOT", "value": snapshot})
    load = _step(instance, "load", instance.images.postgres, "load.sh", repository=False)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": instance.metadata("restore", app=APP, component=COMPONENT),
        "spec": {"backoffLimit": 0, "template": _pod(instance, first=fetch, then=load)},
    }


def spread(schedule: str, tenant_id: str) -> str:
    """Return a schedule with its minute moved by the tenant's id, so that not all start at once."""
    minute, rest = schedule.split(" ", 1)
    if not minute.isdigit():
        return schedule
    offset = int(hashlib.sha256(tenant_id.encode()).hexdigest(), 16) % _MINUTES_IN_HOUR
    return f"{(int(minute) + offset) % _MINUTES_IN_HOUR} {rest}"


def _template(instance: Instance) -> dict[str, Any]:
    dump = _step(instance, "dump", instance.images.postgres, "dump.sh", repository=False)
    store = _step(instance, "store", instance.images.restic, "store.sh", repository=True)
    if instance.own_broker:
        store["volumeMounts"].append({"name": "broker", "mountPath": "/broker", "readOnly": True})
    return _pod(instance, first=dump, then=store)


def _pod(instance: Instance, *, first: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    files = configuration(instance)
    volumes: list[dict[str, Any]] = [
        {"name": "work", "emptyDir": {"sizeLimit": instance.tenant.storage.postgres}},
        config_volume("config", sorted(files)),
        secret_volume(secrets.DATABASE, ["api-password"]),
        secret_volume(secrets.BACKUP, ["password"]),
        *scratch("tmp"),
    ]
    more: dict[str, Any] = {"initContainers": [first], "restartPolicy": "Never"}
    if instance.surroundings.backup_repository == VOLUME:
        volumes.append({"name": "repository", "persistentVolumeClaim": {"claimName": f"{APP}-data"}})
    if any(mount["name"] == "broker" for mount in then["volumeMounts"]):
        claim = {"claimName": f"{mosquitto.APP}-data", "readOnly": True}
        volumes.append({"name": "broker", "persistentVolumeClaim": claim})
        # A volume that one node mounts can be read by a second pod on that node only.
        more["affinity"] = {
            "podAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {"matchLabels": instance.selector(mosquitto.APP)},
                    }
                ]
            }
        }
    return pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=instance.images.restic,
        user=BACKUP_USER,
        containers=[then],
        volumes=volumes,
        checksums={CONFIG_CHECKSUM: checksum(files)},
        **more,
    )


def _step(instance: Instance, name: str, image: Image, script: str, *, repository: bool) -> dict[str, Any]:
    mounts = {"work": _WORK, "config": _CONFIG, "tmp": "/tmp"}  # noqa: S108 - volumes of the pod's own
    env: list[dict[str, Any]] = []
    if repository:
        mounts[secrets.BACKUP] = "/run/secrets/backup"
        address = str(instance.surroundings.backup_repository)
        if address == VOLUME:
            mounts["repository"] = _REPOSITORY
            address = _REPOSITORY
        else:
            address = f"{address.rstrip('/')}/{instance.tenant.id}"
        env = [
            {"name": "RESTIC_REPOSITORY", "value": address},
            {"name": "RESTIC_PASSWORD_FILE", "value": "/run/secrets/backup/password"},
            {"name": "RESTIC_CACHE_DIR", "value": "/tmp/cache"},  # noqa: S108 - a volume of the pod's own
        ]
    else:
        mounts[secrets.DATABASE] = postgres.SECRETS
    return container(
        name,
        image,
        ports={},
        resources=resources(instance.tenant.sizes.job),
        probe=None,
        mounts=mounts,
        env=env,
        command=["/bin/sh", f"{_CONFIG}/{script}"],
    )
