"""The pods that take backups, put them back, and know where they are. A customer's, or billing's.

They go to a restic repository: restic encrypts with the owner's own key, deduplicates, keeps by
retention and verifies. The repository is object storage (``s3:``, ``azure:``, ``gs:``), or a volume on
a laptop's cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra import exemptions
from infra.customer import mosquitto, postgres, secrets, volumes
from infra.customer.backup_access import FILE
from infra.customer.files import render
from infra.customer.model import checksum, resources
from infra.customer.pods import (
    CONFIG_CHECKSUM,
    NODE_DISK,
    config_volume,
    container,
    from_secret,
    pod_template,
    scratch,
    secret_volume,
)
from tenants.quantities import bytes_text, mebibytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infra.customer.volumes import Volume
    from infra.images import Image
    from infra.owner import BackupOwner

APP: Final = "backup"
COMPONENT: Final = "backup"
SERVICE_ACCOUNT: Final = "backup"
"""The account of the pods that write to the stack's own store."""

VOLUME: Final = "volume"
"""Name of the repository that is a volume of the instance's own."""

BACKUP_USER: Final = mosquitto.MOSQUITTO_USER
"""The broker's own: it lets nobody else read its data, and a volume that is only read keeps its owner."""
_CONFIG: Final = "/etc/iotistic"
_SCRIPTS: Final = (
    "dump.sh",
    "store.sh",
    "store-volume.sh",
    "restore.sh",
    "load.sh",
    "restore-volume.sh",
    "put-volume.sh",
)
_REPOSITORY: Final = "/repository"
_WORK: Final = "/work"
_SECRETS: Final = "/run/secrets/backup"

DATABASE_VOLUME: Final = "data"
"""What the database's own volume is called in a pod that mounts it."""

_WRITERS: Final = {
    DATABASE_VOLUME: postgres.APP,
    **{volume.name: volume.app for volume in volumes.ALL},
}
"""Whose a volume is, by its name in a pod."""


def configuration(owner: BackupOwner) -> dict[str, str]:
    """Return the backup's files, by name."""
    names = {
        **postgres.LOGIN,
        "work": _WORK,
        "keep_daily": owner.backup_days,
        "host_name": owner.backup_name,
        "broker": volumes.BROKER.folder,
        "broker_witness": volumes.BROKER.witness,
        "passwords": _SECRETS,
    }
    return {name: render(name, **names) for name in _SCRIPTS}


def metadata(owner: BackupOwner, name: str) -> dict[str, Any]:
    """Return the metadata of something that makes pods of backups."""
    return {
        **owner.metadata(name, app=APP, component=COMPONENT),
        "annotations": exemptions.as_annotations(*exemptions.OF_EVERY_POD),
    }


def database_steps(owner: BackupOwner) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the containers that dump the database and store the dump."""
    return (
        step(owner, "dump", owner.images.postgres, "dump.sh", reads=secrets.DATABASE),
        step(owner, "store", owner.images.restic, "store.sh", reads=secrets.BACKUP),
    )


def volume_step(owner: BackupOwner, volume: Volume) -> dict[str, Any]:
    """Return the container that stores a volume, which it can only read."""
    store = step(owner, "store", owner.images.restic, "store-volume.sh", reads=secrets.BACKUP)
    store["volumeMounts"].append({"name": volume.name, "mountPath": volume.folder, "readOnly": True})
    variables = {"TAG": volume.name, "FOLDER": volume.folder, "WITNESS": volume.witness}
    store["env"] += [{"name": variable, "value": value} for variable, value in variables.items()]
    return store


def pod(
    owner: BackupOwner,
    *steps: dict[str, Any],
    beside_writers: bool = False,
    group: int = BACKUP_USER,
    further: Sequence[dict[str, Any]] = (),
    **more: Any,  # noqa: ANN401 - fields of all kinds
) -> dict[str, Any]:
    """Return a pod that takes some steps, one after the other, with the volumes that they mount.

    Args:
        owner: Whose backup it is.
        steps: Its containers; the last one is what it is done with.
        beside_writers: Whether the workloads run whose volumes are mounted. The pod goes to their
            node then, and never to it otherwise: two that write to one volume would spoil it.
        group: The group that volumes are handed to.
        further: Volumes that take the place of the usual ones of their names, or come to them.
        more: Further fields of the pod.
    """
    *first, last = steps
    mounts = [mount for step in steps for mount in step["volumeMounts"]]
    mounted = {mount["name"] for mount in mounts}
    only_read = {mount["name"] for mount in mounts if mount.get("readOnly")}
    files = configuration(owner)
    read_as_files = {FILE} & owner.backup_access.credentials.keys()
    writers = {name: app for name, app in _WRITERS.items() if name in mounted}
    usual: list[dict[str, Any]] = [
        {"name": "work", "emptyDir": {"sizeLimit": bytes_text(mebibytes(_disk(owner)) - _OTHERS)}},
        config_volume("config", sorted(files)),
        secret_volume(secrets.DATABASE, ["api-password"]),
        secret_volume(secrets.BACKUP, [*secrets.backup_passwords(owner), *read_as_files]),
        *scratch("tmp"),
        {"name": "repository", "persistentVolumeClaim": {"claimName": f"{APP}-data"}},
        *(
            {
                "name": name,
                "persistentVolumeClaim": {"claimName": f"{app}-data", "readOnly": name in only_read},
            }
            for name, app in writers.items()
        ),
    ]
    found = {volume["name"]: volume for volume in (*usual, *further) if volume["name"] in mounted}
    if first:
        more["initContainers"] = first
    if writers:
        more["affinity"] = _placement(owner, writers.values(), beside=beside_writers)
    route = owner.backup_route
    if route is not None:
        more["serviceAccountName"] = SERVICE_ACCOUNT
    template = pod_template(
        owner,
        APP,
        component=COMPONENT,
        image=owner.images.restic,
        user=BACKUP_USER,
        containers=[last],
        volumes=list(found.values()),
        checksums={CONFIG_CHECKSUM: checksum(files)},
        restartPolicy="Never",
        **more,
    )
    template["spec"]["securityContext"]["fsGroup"] = group
    if route is not None:
        template["metadata"]["labels"] |= route.pod_labels
    return template


_OTHERS: Final = 2 * mebibytes(NODE_DISK["requests"])
"""What of a step's room is left to its other volume, and to its log: MiB."""


def _placement(owner: BackupOwner, apps: Iterable[str], *, beside: bool) -> dict[str, Any]:
    """Return the demand for the nodes of other pods, or against them.

    Only on its node can a second pod read a volume that is mounted. A node also keeps a writer from
    starting beside a pod that demands to be apart from it.
    """
    terms = [
        {
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": owner.selector(app)},
        }
        for app in apps
    ]
    kind = "podAffinity" if beside else "podAntiAffinity"
    return {kind: {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


def step(owner: BackupOwner, name: str, image: Image, script: str, *, reads: str | None) -> dict[str, Any]:
    """Return a container that runs one of the scripts, with the one Secret that it reads."""
    mounts = {"work": _WORK, "config": _CONFIG, "tmp": "/tmp"}  # noqa: S108 - volumes of the pod's own
    env: list[dict[str, Any]] = []
    credentials = owner.backup_access.credentials
    if reads == secrets.BACKUP:
        mounts[secrets.BACKUP] = _SECRETS
        if owner.backup_repository == VOLUME:
            mounts["repository"] = _REPOSITORY
        variables = {
            **_repository(owner),
            "RESTIC_PASSWORD_FILE": f"{_SECRETS}/password",
            # Both grow with what is stored, and have room beside the dump.
            "RESTIC_CACHE_DIR": f"{_WORK}/cache",
            "TMPDIR": _WORK,
        }
        if FILE in credentials:
            variables[FILE] = f"{_SECRETS}/{FILE}"
        env = [{"name": variable, "value": value} for variable, value in variables.items()]
        env += [from_secret(name, secrets.BACKUP, name) for name in sorted(credentials) if name != FILE]
    elif reads == secrets.DATABASE:
        mounts[secrets.DATABASE] = postgres.SECRETS
    return container(
        name,
        image,
        ports={},
        resources=_resources(owner),
        probe=None,
        mounts=mounts,
        env=env,
        command=["/bin/sh", f"{_CONFIG}/{script}"],
    )


def _resources(owner: BackupOwner) -> dict[str, dict[str, str]]:
    """Return a step's requests and limits: on the node's disk it has room for a whole database's dump."""
    found = resources(owner.job_size)
    found["limits"]["ephemeral-storage"] = _disk(owner)
    return found


def _disk(owner: BackupOwner) -> str:
    """Return the room for a whole database's dump, and beside it for what restic keeps while it works.

    That is its cache: by measurement 0.03 MiB for each GiB and each of its snapshots, and 0.1 MiB for
    each GiB that is stored; and packs that are not sent yet, of which it holds at most 96 MiB.
    """
    return bytes_text(mebibytes(owner.database_storage) + mebibytes(NODE_DISK["limits"]))


def _repository(owner: BackupOwner) -> dict[str, str]:
    """Return where the repository is, and how it is reached, as restic's variables."""
    route = owner.backup_route
    if route is not None:
        return {"RESTIC_REPOSITORY": route.repository(owner.namespace), **route.environment}
    address = str(owner.backup_repository)
    if address == VOLUME:
        return {"RESTIC_REPOSITORY": _REPOSITORY}
    return {"RESTIC_REPOSITORY": f"{address.rstrip('/')}/{owner.backup_name}"}
