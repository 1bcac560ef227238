"""The cluster's key in Google Cloud, and which of Google's own services use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pulumi
from pulumi_gcp import kms

if TYPE_CHECKING:
    from infra.clusters.gke.google import GoogleComponent

ROTATION_SECONDS: Final = 90 * 24 * 3600
USE: Final = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


def make_key(google: GoogleComponent) -> tuple[kms.CryptoKey, list[pulumi.Resource]]:
    """Make the key of Secrets, nodes' disks, customers' volumes and backups.

    Returns:
        The key, and the rights without which Google makes no cluster with it.
    """
    name, number = google.name, google.settings.project_number
    ring = kms.KeyRing(f"{name}-keys", location=google.settings.region, opts=google.child())
    key = kms.CryptoKey(
        f"{name}-key", key_ring=ring.id, rotation_period=f"{ROTATION_SECONDS}s", opts=google.child()
    )
    accounts = {"container": "container-engine-robot", "compute": "compute-system"}
    return key, [
        let_use(google, key, service, f"service-{number}@{account}.iam.gserviceaccount.com")
        for service, account in accounts.items()
    ]


def let_use(
    google: GoogleComponent, key: kms.CryptoKey, service: str, account: pulumi.Input[str]
) -> pulumi.Resource:
    """Let one of Google's services encrypt and decrypt with the key.

    Args:
        google: The cluster's resources.
        key: The key.
        service: What the service is called here.
        account: The service's own account in the project.
    """
    return kms.CryptoKeyIAMMember(
        f"{google.name}-key-{service}",
        crypto_key_id=key.id,
        role=USE,
        member=pulumi.Output.format("serviceAccount:{0}", account),
        opts=google.child(),
    )
