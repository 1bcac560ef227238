"""Jobs that put a backup back. They are rendered here and started by people.

What writes to a volume must not run while it is put back. A Job is never on a node on which it
does, and as long as it runs that does not start beside it: so it waits until somebody has stopped it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from infra.customer import backup, mosquitto, nodered, secrets, settle, volumes
from infra.customer.pods import config_volume

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance
    from infra.customer.volumes import Volume
    from infra.owner import BackupOwner

LATEST: Final = "latest"
"""The newest snapshot that has what is asked for."""


class Part(StrEnum):
    """What of a customer can be put back, each by itself."""

    DATABASE = "database"
    BROKER = "broker"
    FLOWS = "flows"


WRITERS: Final = {
    Part.BROKER: f"statefulset/{mosquitto.APP}",
    Part.FLOWS: f"deployment/{nodered.APP}",
}
"""What has to be stopped while a part is put back."""

_VOLUMES: Final = {Part.BROKER: volumes.BROKER, Part.FLOWS: volumes.FLOWS}


def job(instance: Instance, part: Part, *, snapshot: str = LATEST) -> Manifest:
    """Return the Job that puts a part back.

    Args:
        instance: The customer's instance.
        part: What of it.
        snapshot: restic's name of the snapshot, or ``latest``.
    """
    steps, further = _database(instance) if part is Part.DATABASE else (_volume(instance, _VOLUMES[part]), [])
    steps[0]["env"].append({"name": "SNAPSHOT", "value": snapshot})
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": backup.metadata(instance, name(part)),
        "spec": {
            "backoffLimit": 0,
            # Long enough to be read, and gone before the next one of its name.
            "ttlSecondsAfterFinished": 86_400,
            "template": backup.pod(instance, *steps, further=further),
        },
    }


def name(part: Part) -> str:
    """Return the name of a part's Job."""
    return f"restore-{part}"


def available(instance: Instance) -> list[Part]:
    """Return what of a customer is backed up."""
    if not instance.surroundings.backups:
        return []
    there = volumes.of(instance)
    return [Part.DATABASE, *(part for part, volume in _VOLUMES.items() if volume in there)]


def database_steps(owner: BackupOwner) -> list[dict[str, Any]]:
    """Return the containers that fetch a dump and load it."""
    return [
        backup.step(owner, "restore", owner.images.restic, "restore.sh", reads=secrets.BACKUP),
        backup.step(owner, "load", owner.images.postgres, "load.sh", reads=secrets.DATABASE),
    ]


def _database(instance: Instance) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the containers that put the database back, and the volumes that the last of them needs.

    The last is that of the Job ``settle``: what the dump says of the broker's address and accounts is of
    the day on which it was made.
    """
    settling = settle.job(instance)["spec"]["template"]["spec"]
    files = {**backup.configuration(instance), **settle.configuration(instance)}
    further = [*settling["volumes"], config_volume("config", sorted(files))]
    return [*database_steps(instance), *settling["containers"]], further


def _volume(instance: Instance, volume: Volume) -> list[dict[str, Any]]:
    fetch = backup.step(
        instance, "restore", instance.images.restic, "restore-volume.sh", reads=secrets.BACKUP
    )
    put = backup.step(instance, "put", instance.images.restic, "put-volume.sh", reads=None)
    put["volumeMounts"].append({"name": volume.name, "mountPath": volume.folder})
    put["securityContext"] |= {"runAsUser": volume.user, "runAsGroup": volume.user}
    put["env"].append({"name": "WITNESS", "value": volume.witness})
    for container in (fetch, put):
        container["env"].append({"name": "FOLDER", "value": volume.folder})
    return [fetch, put]
