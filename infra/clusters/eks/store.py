"""A place for files in AWS: a bucket, with a prefix for each namespace.

All pods that use it have one role. Whose prefix they reach follows from the namespace that
AWS itself writes into their session, so a new customer needs no policy of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_aws import iam, s3

from infra.clusters.eks.aws import ASSUME_BY_PODS, PODS, policy_document
from infra.clusters.services import Identity

if TYPE_CHECKING:
    from pulumi_aws import kms

    from infra.clusters.eks.aws import AwsComponent
    from infra.clusters.eks.identities import AwsIdentities

OWN_NAMESPACE = "${aws:PrincipalTag/kubernetes-namespace}"
"""The pod's namespace, as AWS tells it to a policy. A pod cannot choose it."""


class AwsStore:
    """A bucket that is reached by identities alone."""

    def __init__(  # noqa: PLR0913 - what it is made with, and what it is to be
        self,
        aws: AwsComponent,
        identities: AwsIdentities,
        key: kms.Key,
        part: str,
        name: str,
        *,
        undelete_days: int,
    ) -> None:
        self._aws = aws
        self._identities = identities
        self._part = part
        self._bucket = s3.Bucket(f"{aws.name}-{part}", bucket=name, force_destroy=False, opts=aws.child())
        self._close(key)
        self._keep_deleted(undelete_days)
        self._role = aws.role(part, PODS, actions=ASSUME_BY_PODS)
        iam.RolePolicy(
            f"{aws.name}-{part}",
            role=self._role.id,
            policy=pulumi.Output.all(self._bucket.arn, key.arn).apply(
                lambda arns: own_part(bucket=arns[0], key=arns[1])
            ),
            opts=aws.child(),
        )

    def _close(self, key: kms.Key) -> None:
        """Let nobody in from outside, and nothing be stored or fetched in clear."""
        aws, name, bucket = self._aws, f"{self._aws.name}-{self._part}", self._bucket
        closed = s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=aws.child(),
        )
        s3.BucketPolicy(
            name,
            bucket=bucket.id,
            policy=bucket.arn.apply(lambda arn: policy_document(*refusals(arn, protect=aws.args.protect))),
            opts=aws.child(depends_on=[closed]),
        )
        s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                s3.BucketServerSideEncryptionConfigurationRuleArgs(
                    apply_server_side_encryption_by_default=s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                        sse_algorithm="aws:kms", kms_master_key_id=key.arn
                    ),
                    # One request to the key for many files, each of which would cost.
                    bucket_key_enabled=True,
                )
            ],
            opts=aws.child(),
        )

    def _keep_deleted(self, days: int) -> None:
        """Keep what is overwritten or deleted, for a while."""
        aws, name, bucket = self._aws, f"{self._aws.name}-{self._part}", self._bucket
        versions = s3.BucketVersioning(
            name,
            bucket=bucket.id,
            versioning_configuration=s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=aws.child(),
        )
        s3.BucketLifecycleConfiguration(
            name,
            bucket=bucket.id,
            rules=[
                s3.BucketLifecycleConfigurationRuleArgs(
                    id="old-versions",
                    status="Enabled",
                    filter=s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                    noncurrent_version_expiration=s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                        noncurrent_days=days
                    ),
                    abort_incomplete_multipart_upload=s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                        days_after_initiation=7
                    ),
                )
            ],
            opts=aws.child(depends_on=[versions]),
        )

    def part(self, namespace: str, service_account: str) -> Identity:
        """Return the identity that may read and write its own prefix, and no other."""
        given = self._identities.take_on(
            f"{self._part}-{namespace}", self._role, self._aws.passing(), namespace, service_account
        )
        return Identity(principal=self._role.id, ready=[given])


def own_part(*, bucket: str, key: str) -> str:
    """Return the policy of pods that read and write below their own namespace's name.

    Old versions are not theirs: what takes over a pod cannot remove the last trace of a backup.
    """
    return policy_document(
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            "Resource": f"{bucket}/{OWN_NAMESPACE}/*",
        },
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": f"{OWN_NAMESPACE}/*"}},
        },
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": key},
    )


def refusals(bucket: str, *, protect: bool) -> list[dict[str, Any]]:
    """Return what is refused to everybody: connections in clear, and deletion where it is protected."""
    everybody = {"Effect": "Deny", "Principal": "*"}
    in_clear: dict[str, Any] = {
        **everybody,
        "Action": "s3:*",
        "Resource": [bucket, f"{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    deletion: dict[str, Any] = {**everybody, "Action": "s3:DeleteBucket", "Resource": bucket}
    return [in_clear, deletion] if protect else [in_clear]
