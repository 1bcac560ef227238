"""The cluster's key in AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_aws import kms

if TYPE_CHECKING:
    from infra.clusters.eks.aws import AwsComponent


def make_key(aws: AwsComponent) -> kms.Key:
    """Make the key of Secrets, nodes' disks, customers' volumes and backups."""
    key = kms.Key(
        f"{aws.name}-key",
        description=f"Secrets and disks of the cluster {aws.args.name}",
        enable_key_rotation=True,
        deletion_window_in_days=30,
        opts=aws.child(),
    )
    kms.Alias(f"{aws.name}-key", name=f"alias/{aws.args.name}", target_key_id=key.key_id, opts=aws.child())
    return key
