"""One migration of the API's database at a time, though the API itself takes no lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.customer import postgres, secrets
from infra.customer.files import render
from infra.customer.model import resources
from infra.customer.pods import config_volume, container, scratch, secret_volume
from infra.customer.ports import API_PORT
from tenants.sizing import WATCHER

if TYPE_CHECKING:
    from infra.customer.model import Instance

NAME: Final = "migration-lock"
LOCK: Final = 3002
"""Key of the advisory lock, the API's port: easy to recognise in ``pg_locks``, and nobody else takes one."""

_CONFIG: Final = "/etc/iotistic"
_TURN: Final = "/turn"
_PATIENCE: Final = 300
"""How often it is asked, every other second, whether it is this pod's turn: another's can take minutes."""


def configuration() -> dict[str, str]:
    """Return the lock's files, by name."""
    names = {
        **postgres.LOGIN,
        "config": _CONFIG,
        "turn": _TURN,
        "lock": LOCK,
    }
    return {name: render(name, **names) for name in (f"{NAME}.sh", f"{NAME}.sql", "migration-turn.sh")}


def holder(instance: Instance) -> dict[str, Any]:
    """Return the container that holds the lock until the API listens, and keeps it from starting before.

    It also waits for the database: the API would end where it finds none.
    """
    found = container(
        NAME,
        instance.images.postgres,
        ports={},
        resources=resources(WATCHER),
        probe=None,
        mounts={"config": _CONFIG, "turn": _TURN, secrets.DATABASE: postgres.SECRETS},
        env=[{"name": "PORT", "value": str(API_PORT)}],
        command=["/bin/sh", f"{_CONFIG}/{NAME}.sh"],
    )
    found["restartPolicy"] = "Always"
    found["startupProbe"] = {
        "exec": {"command": ["test", "-e", f"{_TURN}/ours"]},
        "periodSeconds": 2,
        "timeoutSeconds": 5,
        "failureThreshold": _PATIENCE,
    }
    return found


def volumes() -> list[dict[str, Any]]:
    """Return what the container mounts."""
    return [
        config_volume("config", sorted(configuration())),
        secret_volume(secrets.DATABASE, ["api-password"]),
        *scratch("turn"),
    ]
