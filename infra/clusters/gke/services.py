"""What Google Cloud offers to what runs in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.clusters.gke.dns import GoogleZone
from infra.clusters.gke.identities import GoogleIdentities
from infra.clusters.gke.store import GoogleStore

if TYPE_CHECKING:
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
        return GoogleStore(self._google, self, self._key, part, name, undelete_days=undelete_days)
