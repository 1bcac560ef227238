"""What Azure offers to what runs in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.clusters.aks.dns import AzureZone
from infra.clusters.aks.identities import AzureIdentities
from infra.clusters.aks.store import AzureStore

if TYPE_CHECKING:
    from pulumi_azure_native import containerservice

    from infra.clusters.aks.azure import AzureComponent
    from infra.clusters.aks.keys import Key


class AzureServices(AzureIdentities):
    """What Azure offers."""

    def __init__(self, azure: AzureComponent, made: containerservice.ManagedCluster, key: Key) -> None:
        super().__init__(azure, made)
        self._key = key

    def zone(self, domain: str) -> AzureZone:
        """Return the zone of a domain in Azure DNS."""
        return AzureZone(self._azure, self, domain)

    def store(self, part: str, name: str, *, undelete_days: int) -> AzureStore:
        """Return a storage account of its own."""
        return AzureStore(self._azure, self, self._key, part, name, undelete_days=undelete_days)
