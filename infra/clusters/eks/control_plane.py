"""The cluster's control plane in AWS: who reaches it, what it logs, who administers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_aws import cloudwatch, eks

from infra.clusters import cloud

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi
    from pulumi_aws import ec2, kms

    from infra.clusters.eks.aws import AwsComponent

LOGS: Final = ["api", "audit", "authenticator", "controllerManager", "scheduler"]


def make_control_plane(
    aws: AwsComponent, subnets: Sequence[ec2.Subnet], key: kms.Key
) -> tuple[eks.Cluster, list[pulumi.Resource]]:
    """Make the control plane, its logs, and who administers it.

    Returns:
        The cluster, and the rights without which nobody, this program included, does anything in it.
    """
    name, args, settings = aws.name, aws.args, aws.settings
    logs = cloudwatch.LogGroup(
        f"{name}-logs",
        # EKS writes to the group of this name, and would make one that keeps logs forever.
        name=f"/aws/eks/{args.name}/cluster",
        retention_in_days=settings.log_days,
        opts=aws.child(),
    )
    role = aws.role("control-plane", "eks.amazonaws.com")
    rights = aws.attach("control-plane", role.name, ["AmazonEKSClusterPolicy"])
    made = eks.Cluster(
        name,
        name=args.name,
        version=settings.kubernetes_version,
        role_arn=role.arn,
        enabled_cluster_log_types=LOGS,
        vpc_config=eks.ClusterVpcConfigArgs(
            subnet_ids=[subnet.id for subnet in subnets],
            endpoint_private_access=True,
            endpoint_public_access=True,
            public_access_cidrs=settings.api_ranges,
        ),
        kubernetes_network_config=eks.ClusterKubernetesNetworkConfigArgs(
            service_ipv4_cidr=cloud.SERVICE_NETWORK
        ),
        encryption_config=eks.ClusterEncryptionConfigArgs(
            provider=eks.ClusterEncryptionConfigProviderArgs(key_arn=key.arn), resources=["secrets"]
        ),
        access_config=eks.ClusterAccessConfigArgs(
            authentication_mode="API",
            # Cannot be changed later: whoever made the cluster would stay its administrator.
            bootstrap_cluster_creator_admin_permissions=False,
        ),
        upgrade_policy=eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
        deletion_protection=args.protect,
        opts=aws.child(depends_on=[logs, *rights]),
    )
    return made, [
        _administer(aws, made, number, role) for number, role in enumerate(settings.admin_role_arns)
    ]


def _administer(aws: AwsComponent, made: eks.Cluster, number: int, role: str) -> pulumi.Resource:
    """Let a role administer the cluster."""
    name = f"{aws.name}-admin-{number}"
    entry = eks.AccessEntry(name, cluster_name=made.name, principal_arn=role, opts=aws.child())
    return eks.AccessPolicyAssociation(
        name,
        cluster_name=made.name,
        principal_arn=role,
        policy_arn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        access_scope=eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
        opts=aws.child(depends_on=[entry]),
    )
