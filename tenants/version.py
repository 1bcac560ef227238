"""The registry of an environment at one moment, for comparing it with another moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenants.sizing import STATEFUL, components
from tenants.tenant import merged, options_with_room

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.models import TenantFile
    from tenants.plans import PlanTable, Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """The registry of one environment at one moment.

    Attributes:
        folder: The environment's folder, for messages.
        plans: The plan table of that moment.
        files: Each tenant's file, by id.
        removed: Ids that are never used again.
    """

    folder: str
    plans: PlanTable
    files: Mapping[str, TenantFile]
    removed: frozenset[str]

    def storage(self, tenant_id: str) -> Storage:
        """Return the size of each volume: the plan's, with the file's changes."""
        file = self.files[tenant_id]
        return merged(self.plans[file.plan].storage, file.storage)

    def where(self, tenant_id: str, key: str = "") -> str:
        """Return how messages name a tenant's file and a key in it."""
        path = f"{self.folder}/{tenant_id}.yaml"
        return f"{path}: {key}" if key else path


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much may happen at once.

    Attributes:
        stopped: Largest number of tenants that one change may suspend, decommission or remove.
        stopped_percent: Largest share of the tenants, likewise; one is always allowed.
        early_deletion: Tenants whose data may go before its time, because their owner wants it so.
        early_option: How the caller is told so, for messages; ``{id}`` stands for the tenant.
    """

    stopped: int = 10
    stopped_percent: int = 10
    early_deletion: frozenset[str] = frozenset()
    early_option: str = "iotistic registry diff --allow-early-deletion {id}"

    def allowed(self, tenants: int) -> int:
        """Return how many of so many tenants may be stopped at once."""
        return min(self.stopped, max(1, tenants * self.stopped_percent // 100))


@dataclass(frozen=True, slots=True)
class Step:
    """A tenant that is in both versions."""

    id: str
    old: Version
    new: Version


def volumes_in_use(version: Version, tenant_id: str) -> tuple[str, ...]:
    """Return the volumes that a tenant may have, as opposed to those that its plan would give it."""
    file = version.files[tenant_id]
    names = components(options_with_room(file, version.plans[file.plan]))
    return tuple(name for name in STATEFUL if name in names)
