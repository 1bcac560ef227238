"""The backup store: where backups go that the stack keeps in its own cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from infra.customer.backup import SERVICE_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infra.clusters.services import Identity, Services, Store
    from tenants.tenant import Tenant

PART: Final = "backups"
"""What the store is called among the cluster's resources."""


class BackupStoreSettings(BaseModel):
    """The store of a stack."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9]{3,24}$")] = Field(
        description="Its name, unique in all of the cloud: small letters and digits, which all clouds take."
    )
    undelete_days: Annotated[int, Field(ge=7, le=365)] = Field(
        default=30, description="For how many days a backup that is overwritten or deleted can be had back."
    )


def make_backup_store(settings: BackupStoreSettings, services: Services) -> Store:
    """Make the store."""
    return services.store(PART, settings.name, undelete_days=settings.undelete_days)


def identities_of(store: Store, tenants: Iterable[Tenant]) -> Mapping[str, Identity]:
    """Return what each customer's backups are in the cloud, by the customer's id."""
    return {tenant.id: store.part(tenant.namespace, SERVICE_ACCOUNT) for tenant in tenants}
