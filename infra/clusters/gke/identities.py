"""Identities in Google Cloud, for what runs in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.clusters.services import Identity

if TYPE_CHECKING:
    from pulumi_gcp import container

    from infra.clusters.gke.google import GoogleComponent


class GoogleIdentities:
    """Pods as Google knows them: by the name of their service account."""

    def __init__(self, google: GoogleComponent, made: container.Cluster) -> None:
        self._google = google
        self._made = made

    def identity(self, part: str, *, namespace: str, service_account: str) -> Identity:  # noqa: ARG002 - nothing is made, so nothing has this name
        """Return the pods of one service account. They are known to Google as they are."""
        settings = self._google.settings
        pool = (
            f"projects/{settings.project_number}/locations/global"
            f"/workloadIdentityPools/{settings.workload_pool}"
        )
        subject = f"subject/ns/{namespace}/sa/{service_account}"
        return Identity(principal=f"principal://iam.googleapis.com/{pool}/{subject}", ready=[self._made])
