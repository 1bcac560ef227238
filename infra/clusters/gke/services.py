"""What Google Cloud offers to what runs in the cluster."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from infra.clusters.gke.dns import GoogleZone
from infra.clusters.gke.identities import GoogleIdentities
from infra.clusters.gke.keys import let_use
from infra.clusters.gke.store import GoogleStore

if TYPE_CHECKING:
    import pulumi
    from pulumi_gcp import container, kms

    from infra.clusters.gke.google import GoogleComponent


class GoogleServices(GoogleIdentities):
    """What Google Cloud offers."""

    def __init__(self, google: GoogleComponent, made: container.Cluster, key: kms.CryptoKey) -> None:
        super().__init__(google, made)
        self._key = key

    def zone(self, domain: str) -> GoogleZone:
        """Return the zone of a domain in Cloud DNS."""
        return GoogleZone(self._google, self, domain)

    def store(self, part: str, name: str, *, undelete_days: int) -> GoogleStore:
        """Return a bucket of its own."""
        return GoogleStore(
            self._google,
            self,
            self._key,
            part,
            name,
            use=self._use_by_storage,
            undelete_days=undelete_days,
        )

    @cached_property
    def _use_by_storage(self) -> pulumi.Resource:
        """The right of Google's storage to use the key: one for all stores, as it is of one account."""
        number = self._google.settings.project_number
        account = f"service-{number}@gs-project-accounts.iam.gserviceaccount.com"
        return let_use(self._google, self._key, "storage", account)
