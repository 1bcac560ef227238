"""The last backup of a customer who is decommissioned, taken when everything has stopped.

The nightly backup asks the database, which is gone by then. So a Job brings the same server along
for itself: the claims are free, and a pod that demands to be apart from their writers is never
beside one that has not ended yet. Each volume is a Job of its own, because in a cloud two volumes
of one customer may be in two zones, and no pod can be in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.customer import backup, postgres, secrets, volumes
from infra.customer.pods import config_volume, scratch, secret_volume
from tenants.models import LifecycleState

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

NAME: Final = "final-backup"
_SECONDS: Final = 7200
"""How long one may take; as long as a nightly one."""


def manifests(instance: Instance) -> list[Manifest]:
    """Return the Jobs, one for each volume, in the order in which they have to be run.

    The database's is the last: it clears the repository, which is closed to others meanwhile.
    """
    tenant = instance.tenant
    wanted = tenant.lifecycle is LifecycleState.DECOMMISSIONED and tenant.backup.final
    if not wanted or not instance.surroundings.backups:
        return []
    found = [
        _job(
            instance,
            f"{NAME}-{volume.name}",
            backup.pod(instance, backup.volume_step(instance, volume)),
        )
        for volume in volumes.of(instance)
    ]
    return [*found, _job(instance, NAME, _database(instance))]


def is_final(manifest: Manifest) -> bool:
    """Return whether an object is one of these Jobs."""
    name: str = manifest["metadata"]["name"]
    return manifest["kind"] == "Job" and name.startswith(NAME)


def _job(instance: Instance, name: str, template: dict[str, Any]) -> Manifest:
    metadata = backup.metadata(instance, name)
    # The engine gives up after ten minutes otherwise, with the backup under way.
    metadata["annotations"]["pulumi.com/timeoutSeconds"] = str(_SECONDS)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {"backoffLimit": 2, "activeDeadlineSeconds": _SECONDS, "template": template},
    }


def _database(instance: Instance) -> dict[str, Any]:
    """Return a pod with the database's own server beside the steps of the nightly backup."""
    server = postgres.server(instance)
    server["restartPolicy"] = "Always"
    user = postgres.POSTGRES_USER
    server["securityContext"] |= {"runAsUser": user, "runAsGroup": user}
    files = {**backup.configuration(instance), **postgres.configuration(instance)}
    return backup.pod(
        instance,
        server,
        *backup.database_steps(instance),
        # The server refuses files that another group could write to.
        group=user,
        further=[
            config_volume("config", sorted(files)),
            secret_volume(secrets.DATABASE, sorted(secrets.database_passwords(instance))),
            *scratch("run"),
        ],
        # The steps ask for the database by the name of its Service, which has nobody behind it.
        hostAliases=[{"ip": "127.0.0.1", "hostnames": [postgres.APP]}],
    )
