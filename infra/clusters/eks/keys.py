"""The cluster's key in AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_aws import kms

from infra.clusters.eks.aws import policy_document

if TYPE_CHECKING:
    from infra.clusters.eks.aws import AwsComponent

NODE_MAKER: Final = "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"
"""What EC2 Auto Scaling is in an account: it starts the nodes, and so encrypts their disks."""

ENCRYPT_DISKS: Final = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
)
"""What it takes to make an encrypted disk, from nothing or from a snapshot."""

GRANT_TO_AWS: Final = {
    "Action": "kms:CreateGrant",
    "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
}
"""Handing the key on to AWS itself, for as long as a disk hangs on a node, and to nobody else."""


def make_key(aws: AwsComponent) -> kms.Key:
    """Make the key of Secrets, nodes' disks, customers' volumes and backups."""
    key = kms.Key(
        f"{aws.name}-key",
        description=f"Secrets and disks of the cluster {aws.args.name}",
        enable_key_rotation=True,
        deletion_window_in_days=30,
        policy=key_policy(aws.settings.account_id),
        opts=aws.child(),
    )
    kms.Alias(f"{aws.name}-key", name=f"alias/{aws.args.name}", target_key_id=key.key_id, opts=aws.child())
    return key


def key_policy(account: str) -> str:
    """Return who may do what with the key.

    The account's own policies decide about the account's own roles: without that nobody could ever
    change this policy. AWS's own roles have no policy that this program could write, so what starts
    the nodes is named here.

    Args:
        account: Id of the account.
    """
    account_arn = f"arn:aws:iam::{account}"
    nodes = {"Effect": "Allow", "Principal": {"AWS": f"{account_arn}:{NODE_MAKER}"}, "Resource": "*"}
    return policy_document(
        {
            "Sid": "AccountPoliciesDecide",
            "Effect": "Allow",
            "Principal": {"AWS": f"{account_arn}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {"Sid": "NodesDisks", **nodes, "Action": list(ENCRYPT_DISKS)},
        {"Sid": "NodesDisksAttached", **nodes, **GRANT_TO_AWS},
    )
