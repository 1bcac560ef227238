"""What every part of the cluster in AWS is made with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pulumi_aws import Provider, ProviderDefaultTagsArgs, iam

from infra.clusters.cloud import CloudArgs, CloudCluster

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from infra.clusters.cloud_settings import EksSettings

ASSUME: Final = ("sts:AssumeRole",)
PODS: Final = "pods.eks.amazonaws.com"
ASSUME_BY_PODS: Final = (*ASSUME, "sts:TagSession")
"""The tags say which pod it is; a policy can rely on them."""


class AwsComponent(CloudCluster):
    """A group of resources in AWS.

    Attributes:
        settings: What the stack chose.
        tags: Of everything.
    """

    def __init__(self, kind: str, name: str, args: CloudArgs, settings: EksSettings) -> None:
        self.tags = args.tags(settings.tags)
        provider = Provider(
            f"{name}-aws",
            region=settings.region,
            # A shell that is logged in elsewhere makes nothing there.
            allowed_account_ids=[settings.account_id],
            default_tags=ProviderDefaultTagsArgs(tags=self.tags),
        )
        super().__init__(kind, name, args, provider)
        self.settings = settings

    def role(self, part: str, service: str, actions: Sequence[str] = ASSUME) -> iam.Role:
        """Make an identity that one service of AWS may take on, so far without any right.

        Args:
            part: What it is called.
            service: The service.
            actions: What taking it on consists of.
        """
        return iam.Role(
            f"{self.name}-{part}",
            assume_role_policy=policy_document(
                {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}
            ),
            opts=self.child(),
        )

    def attach(self, part: str, role: pulumi.Input[str], policies: Sequence[str]) -> list[pulumi.Resource]:
        """Give a role some of AWS's own policies.

        Args:
            part: What the role is called here.
            role: Its name in AWS.
            policies: The policies.

        Returns:
            What has to be there before the role can do its work, and for as long as it does.
        """
        return [
            iam.RolePolicyAttachment(
                f"{self.name}-{part}-{policy.rpartition('/')[2]}",
                role=role,
                policy_arn=f"arn:aws:iam::aws:policy/{policy}",
                opts=self.child(),
            )
            for policy in policies
        ]


def policy_document(*statements: Mapping[str, Any]) -> str:
    """Return a policy of these statements, as AWS takes it."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
