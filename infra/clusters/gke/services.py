"""What Google Cloud offers to what runs in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.clusters.gke.dns import GoogleZone
from infra.clusters.gke.store import GoogleStore
from infra.clusters.services import Identity

if TYPE_CHECKING:
    from pulumi_gcp import container, kms

    from infra.clusters.gke.google import GoogleComponent


class GoogleServices:
    """What Google Cloud offers."""

    def __init__(self, google: GoogleComponent, made: container.Cluster, key: kms.CryptoKey) -> None:
        self._google = google
        self._made = made
        self._key = key

    def identity(self, part: str, *, namespace: str, service_account: str) -> Identity:  # noqa: ARG002 - nothing is made, so nothing has this name
        """Return the pods of one service account. They are known to Google as they are."""
        settings = self._google.settings
        pool = (
            f"projects/{settings.project_number}/locations/global"
            f"/workloadIdentityPools/{settings.workload_pool}"
        )
        subject = f"subject/ns/{namespace}/sa/{service_account}"
        return Identity(principal=f"principal://iam.googleapis.com/{pool}/{subject}", ready=[self._made])

    def zone(self, domain: str) -> GoogleZone:
        """Return the zone of a domain in Cloud DNS."""
        return GoogleZone(self._google, self, domain)

    def store(self, part: str, name: str, *, undelete_days: int) -> GoogleStore:
        """Return a bucket of its own."""
        return GoogleStore(self._google, self, self._key, part, name, undelete_days=undelete_days)
