"""A place for files in Google Cloud: a bucket, with a managed folder for each namespace.

A folder has rights of its own, unlike a prefix, for which the bucket would need a condition
for each customer: a bucket's policy has room for a limited number of them.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pulumi_gcp import storage

if TYPE_CHECKING:
    import pulumi
    from pulumi_gcp import kms

    from infra.clusters.gke.google import GoogleComponent
    from infra.clusters.gke.identities import GoogleIdentities
    from infra.clusters.services import Identity


class GoogleStore:
    """A bucket that is reached by identities alone."""

    def __init__(  # noqa: PLR0913 - what it is made with, and what it is to be
        self,
        google: GoogleComponent,
        identities: GoogleIdentities,
        key: kms.CryptoKey,
        part: str,
        name: str,
        *,
        use: pulumi.Resource,
        undelete_days: int,
    ) -> None:
        self._google = google
        self._identities = identities
        self._part = part
        self._bucket = storage.Bucket(
            f"{google.name}-{part}",
            name=name,
            location=google.settings.region,
            force_destroy=False,
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            encryption=storage.BucketEncryptionArgs(default_kms_key_name=key.id),
            versioning=storage.BucketVersioningArgs(enabled=True),
            lifecycle_rules=[
                storage.BucketLifecycleRuleArgs(
                    action=storage.BucketLifecycleRuleActionArgs(type="Delete"),
                    condition=storage.BucketLifecycleRuleConditionArgs(
                        days_since_noncurrent_time=undelete_days, with_state="ARCHIVED"
                    ),
                )
            ],
            # Beyond the reach of whoever may delete, old versions included.
            soft_delete_policy=storage.BucketSoftDeletePolicyArgs(
                retention_duration_seconds=undelete_days * 24 * 3600
            ),
            opts=google.child(depends_on=[use]),
        )

    def part(self, namespace: str, service_account: str) -> Identity:
        """Return the identity that may read and write its own folder, and no other."""
        google = self._google
        name = f"{google.name}-{self._part}-{namespace}"
        folder = storage.ManagedFolder(
            name, bucket=self._bucket.name, name=f"{namespace}/", opts=google.passing(kept=True)
        )
        identity = self._identities.identity(
            f"{self._part}-{namespace}", namespace=namespace, service_account=service_account
        )
        right = storage.ManagedFolderIamMember(
            name,
            bucket=self._bucket.name,
            managed_folder=folder.name,
            role="roles/storage.objectUser",
            member=identity.principal,
            opts=google.passing(),
        )
        return dataclasses.replace(identity, ready=[*identity.ready, right])
