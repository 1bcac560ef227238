"""Identities in AWS, for what runs in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_aws import eks, iam

from infra.clusters.eks.aws import ASSUME_BY_PODS, PODS, policy_document
from infra.clusters.services import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from infra.clusters.eks.aws import AwsComponent


class AwsIdentities:
    """Roles that pods take on by the name of their service account."""

    def __init__(self, aws: AwsComponent, made: eks.Cluster, agent: pulumi.Resource) -> None:
        self._aws = aws
        self._made = made
        self._agent = agent

    def identity(self, part: str, *, namespace: str, service_account: str) -> Identity:
        """Return a role that the pods of one service account take on."""
        role = self._aws.role(part, PODS, actions=ASSUME_BY_PODS)
        given = self.take_on(
            part, role, self._aws.child(depends_on=[self._agent]), namespace, service_account
        )
        return Identity(principal=role.id, ready=[given])

    def allowed(
        self, part: str, statements: Sequence[Mapping[str, Any]], *, namespace: str, service_account: str
    ) -> list[pulumi.Resource]:
        """Give the pods of one service account some rights.

        Returns:
            What has to exist before they can use them.
        """
        identity = self.identity(part, namespace=namespace, service_account=service_account)
        right = iam.RolePolicy(
            f"{self._aws.name}-{part}",
            role=identity.principal,
            policy=policy_document(*statements),
            opts=self._aws.child(),
        )
        return [*identity.ready, right]

    def take_on(
        self, part: str, role: iam.Role, opts: pulumi.ResourceOptions, namespace: str, service_account: str
    ) -> eks.PodIdentityAssociation:
        """Let the pods of one service account take on a role."""
        return eks.PodIdentityAssociation(
            f"{self._aws.name}-{part}",
            cluster_name=self._made.name,
            namespace=namespace,
            service_account=service_account,
            role_arn=role.arn,
            opts=opts,
        )
