"""The volumes that are backed up file by file, and what has to be known to put one of them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.customer import mosquitto, nodered

if TYPE_CHECKING:
    from infra.customer.model import Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A volume whose files are stored as they are.

    Attributes:
        name: What it is called among a pod's volumes, and as the tag of its snapshots.
        app: The workload that writes to it.
        user: Whose files they are.
        witness: The file without which a snapshot has nothing worth putting back.
    """

    name: str
    app: str
    user: int
    witness: str

    @property
    def folder(self) -> str:
        """Where it is mounted, which is its path in every snapshot."""
        return f"/{self.name}"

    @property
    def claim(self) -> str:
        """Name of its claim."""
        return f"{self.app}-data"


BROKER: Final = Volume(
    name="broker", app=mosquitto.APP, user=mosquitto.MOSQUITTO_USER, witness="mosquitto.db"
)
"""Retained messages, and what waits for devices that are away."""

FLOWS: Final = Volume(name="flows", app=nodered.APP, user=nodered.NODE_RED_USER, witness="flows.json")
"""Node-RED's flows with their credentials."""

ALL: Final = (BROKER, FLOWS)


def of(instance: Instance) -> list[Volume]:
    """Return those that a customer has."""
    there = {BROKER: instance.own_broker, FLOWS: instance.tenant.options.node_red}
    return [volume for volume in ALL if there[volume]]
