"""Backup of a customer: the database's dump, the broker's data and Node-RED's flows, encrypted.

They go to a restic repository: restic encrypts with the customer's own key, deduplicates, keeps by
retention and verifies. The repository is object storage (``s3:``, ``azure:``, ``gs:``), or a volume on
a laptop's cluster.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from infra import exemptions
from infra.customer import mosquitto, nodered, postgres, secrets
from infra.customer.files import render
from infra.customer.model import checksum, resources
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    NODE_DISK,
    config_volume,
    container,
    pod_template,
    scratch,
    secret_volume,
    volume_claim,
)
from infra.customer.ports import POSTGRES_PORT
from tenants.quantities import bytes_text, mebibytes
from tenants.sizing import BACKUP_VOLUME

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance
    from infra.images import Image

APP: Final = "backup"
COMPONENT: Final = "backup"
FLOWS: Final = "backup-flows"
"""The backup of Node-RED's flows: apart, so that nothing about them can keep the database from its own."""

SERVICE_ACCOUNT: Final = "backup"
"""The account of the pods that write to the stack's own store."""

VOLUME: Final = "volume"
"""Name of the repository that is a volume of the instance's own."""

BACKUP_USER: Final = mosquitto.MOSQUITTO_USER
"""The broker's own: it lets nobody else read its data, and a volume that is only read keeps its owner."""
_CONFIG: Final = "/etc/iotistic"
_REPOSITORY: Final = "/repository"
_WORK: Final = "/work"
_FLOWS: Final = "/flows"
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
        "flows": _FLOWS,
    }
    scripts = ["dump.sh", "store.sh", "restore.sh", "load.sh"]
    if instance.tenant.options.node_red:
        scripts += ["store-flows.sh", "restore-flows.sh", "put-flows.sh"]
    return {name: render(name, **names) for name in scripts}


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
        found.insert(0, _service_account(instance))
    return found


def _service_account(instance: Instance) -> Manifest:
    """Return the account that is known to the cloud: of backups alone, and no other pod of the customer."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": instance.metadata(SERVICE_ACCOUNT, app=APP, component=COMPONENT),
        "automountServiceAccountToken": False,
    }


def cron_jobs(instance: Instance) -> list[str]:
    """Return the names of the nightly backups."""
    return [APP, FLOWS] if instance.tenant.options.node_red else [APP]


def _cron_job(instance: Instance, name: str, template: dict[str, Any], *, later: int) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {
            **instance.metadata(name, app=APP, component=COMPONENT),
            "annotations": exemptions.as_annotations(*exemptions.OF_EVERY_POD),
        },
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


def restore_job(instance: Instance, *, snapshot: str) -> Manifest:
    """Return a Job that puts a snapshot's database back. It is rendered here and started by people.

    Args:
        instance: The customer's instance.
        snapshot: restic's name of the snapshot, or ``latest``.
    """
    fetch = _step(instance, "restore", instance.images.restic, "restore.sh", reads=secrets.BACKUP)
    fetch["env"].append({"name": "SNAPSHOT", "value": snapshot})
    load = _step(instance, "load", instance.images.postgres, "load.sh", reads=secrets.DATABASE)
    return _restore(instance, "restore", fetch, load)


def restore_flows_job(instance: Instance, *, snapshot: str) -> Manifest:
    """Return a Job that puts a snapshot's flows back, while Node-RED does not run.

    Args:
        instance: The customer's instance.
        snapshot: restic's name of the snapshot, or ``latest``.
    """
    fetch = _step(instance, "restore", instance.images.restic, "restore-flows.sh", reads=secrets.BACKUP)
    fetch["env"].append({"name": "SNAPSHOT", "value": snapshot})
    put = _step(instance, "put", instance.images.restic, "put-flows.sh", reads=None)
    put["volumeMounts"].append({"name": "flows", "mountPath": _FLOWS})
    owner = nodered.NODE_RED_USER
    put["securityContext"] |= {"runAsUser": owner, "runAsGroup": owner}
    return _restore(instance, "restore-flows", fetch, put)


def _restore(instance: Instance, name: str, *steps: dict[str, Any]) -> Manifest:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            **instance.metadata(name, app=APP, component=COMPONENT),
            "annotations": exemptions.as_annotations(*exemptions.OF_EVERY_POD),
        },
        "spec": {"backoffLimit": 0, "template": _pod(instance, *steps)},
    }


def spread(schedule: str, tenant_id: str, *, later: int = 0) -> str:
    """Return a schedule with its minute moved by the tenant's id, so that not all start at once."""
    minute, rest = schedule.split(" ", 1)
    if not minute.isdigit():
        return schedule
    offset = int(hashlib.sha256(tenant_id.encode()).hexdigest(), 16) % _MINUTES_IN_HOUR
    return f"{(int(minute) + offset + later) % _MINUTES_IN_HOUR} {rest}"


def _template(instance: Instance) -> dict[str, Any]:
    dump = _step(instance, "dump", instance.images.postgres, "dump.sh", reads=secrets.DATABASE)
    store = _step(instance, "store", instance.images.restic, "store.sh", reads=secrets.BACKUP)
    if instance.own_broker:
        store["volumeMounts"].append({"name": "broker", "mountPath": "/broker", "readOnly": True})
    return _pod(instance, dump, store)


def _flows_template(instance: Instance) -> dict[str, Any]:
    store = _step(instance, "store", instance.images.restic, "store-flows.sh", reads=secrets.BACKUP)
    store["volumeMounts"].append({"name": "flows", "mountPath": _FLOWS, "readOnly": True})
    return _pod(instance, store)


def _pod(instance: Instance, *steps: dict[str, Any]) -> dict[str, Any]:
    """Return a pod that takes some steps, one after the other, with the volumes that they mount."""
    *first, last = steps
    mounts = [mount for step in steps for mount in step["volumeMounts"]]
    mounted = {mount["name"] for mount in mounts}
    only_read = {mount["name"] for mount in mounts if mount.get("readOnly")}
    files = configuration(instance)
    volumes: list[dict[str, Any]] = [
        {"name": "work", "emptyDir": {"sizeLimit": instance.tenant.storage.postgres}},
        config_volume("config", sorted(files)),
        secret_volume(secrets.DATABASE, ["api-password"]),
        secret_volume(secrets.BACKUP, ["password"]),
        *scratch("tmp"),
    ]
    more: dict[str, Any] = {"restartPolicy": "Never"}
    if first:
        more["initContainers"] = first
    volumes.append({"name": "repository", "persistentVolumeClaim": {"claimName": f"{APP}-data"}})
    for name, app in (("broker", mosquitto.APP), ("flows", nodered.APP)):
        if name in mounted:
            claim = {"claimName": f"{app}-data", "readOnly": name in only_read}
            volumes.append({"name": name, "persistentVolumeClaim": claim})
        if name in only_read:
            more["affinity"] = _beside(instance, app)
    route = instance.surroundings.backup_route
    if route is not None:
        more["serviceAccountName"] = SERVICE_ACCOUNT
    template = pod_template(
        instance,
        APP,
        component=COMPONENT,
        image=instance.images.restic,
        user=BACKUP_USER,
        containers=[last],
        volumes=[volume for volume in volumes if volume["name"] in mounted],
        checksums={CONFIG_CHECKSUM: checksum(files)},
        **more,
    )
    if route is not None:
        template["metadata"]["labels"] |= route.pod_labels
    return template


def _beside(instance: Instance, app: str) -> dict[str, Any]:
    """Return the demand for the node of another pod: only there can a second one read its volume."""
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": instance.selector(app)},
    }
    return {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def _step(instance: Instance, name: str, image: Image, script: str, *, reads: str | None) -> dict[str, Any]:
    """Return a container that runs one of the scripts, with the one Secret that it reads."""
    mounts = {"work": _WORK, "config": _CONFIG, "tmp": "/tmp"}  # noqa: S108 - volumes of the pod's own
    env: list[dict[str, Any]] = []
    if reads == secrets.BACKUP:
        mounts[secrets.BACKUP] = "/run/secrets/backup"
        if instance.surroundings.backup_repository == VOLUME:
            mounts["repository"] = _REPOSITORY
        variables = {
            **_repository(instance),
            "RESTIC_PASSWORD_FILE": "/run/secrets/backup/password",
            "RESTIC_CACHE_DIR": "/tmp/cache",  # noqa: S108 - a volume of the pod's own
        }
        env = [{"name": variable, "value": value} for variable, value in variables.items()]
    elif reads == secrets.DATABASE:
        mounts[secrets.DATABASE] = postgres.SECRETS
    return container(
        name,
        image,
        ports={},
        resources=_resources(instance),
        probe=None,
        mounts=mounts,
        env=env,
        command=["/bin/sh", f"{_CONFIG}/{script}"],
    )


def _resources(instance: Instance) -> dict[str, dict[str, str]]:
    """Return a step's requests and limits: on the node's disk it has room for a whole database's dump."""
    found = resources(instance.tenant.sizes.job)
    dump = mebibytes(instance.tenant.storage.postgres) + mebibytes(NODE_DISK["limits"])
    found["limits"]["ephemeral-storage"] = bytes_text(dump)
    return found


def _repository(instance: Instance) -> dict[str, str]:
    """Return where the customer's repository is, and how it is reached, as restic's variables."""
    route = instance.surroundings.backup_route
    if route is not None:
        return {"RESTIC_REPOSITORY": route.repository(instance.tenant.namespace), **route.environment}
    address = str(instance.surroundings.backup_repository)
    if address == VOLUME:
        return {"RESTIC_REPOSITORY": _REPOSITORY}
    return {"RESTIC_REPOSITORY": f"{address.rstrip('/')}/{instance.tenant.id}"}
