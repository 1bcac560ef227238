"""What AWS installs into the cluster: network, DNS, disks, metrics, and identities for pods."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pulumi_aws import eks, iam

from infra.clusters.eks.aws import ASSUME_BY_PODS, PODS, policy_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi
    from pulumi_aws import kms

    from infra.clusters.eks.aws import AwsComponent


def make_addon(
    aws: AwsComponent,
    made: eks.Cluster,
    addon: str,
    configuration: Mapping[str, str] | None = None,
    depends_on: Sequence[pulumi.Resource] = (),
) -> eks.Addon:
    """Install one add-on, in the version that AWS has for the cluster's."""
    return eks.Addon(
        f"{aws.name}-{addon}",
        cluster_name=made.name,
        addon_name=addon,
        configuration_values=json.dumps(configuration) if configuration else None,
        resolve_conflicts_on_create="OVERWRITE",
        resolve_conflicts_on_update="OVERWRITE",
        opts=aws.child(depends_on=depends_on),
    )


def make_network_addon(aws: AwsComponent, made: eks.Cluster) -> eks.Addon:
    """Install the network, with the engine that enforces network policies."""
    return make_addon(aws, made, "vpc-cni", {"enableNetworkPolicy": "true"})


def make_addons(
    aws: AwsComponent, made: eks.Cluster, key: kms.Key, nodes: Sequence[pulumi.Resource]
) -> list[pulumi.Resource]:
    """Install the others, which run on the nodes.

    Returns:
        The add-ons, the one that gives pods their identities first.
    """
    identities = make_addon(aws, made, "eks-pod-identity-agent", depends_on=nodes)
    role = aws.role("disks", PODS, ["service-role/AmazonEBSCSIDriverPolicy"], ASSUME_BY_PODS)
    iam.RolePolicy(
        f"{aws.name}-disks-key",
        role=role.id,
        policy=key.arn.apply(
            lambda arn: policy_document(
                {
                    "Effect": "Allow",
                    # To encrypt volumes, and nothing else.
                    "Action": [
                        "kms:Decrypt",
                        "kms:GenerateDataKeyWithoutPlaintext",
                        "kms:CreateGrant",
                        "kms:DescribeKey",
                    ],
                    "Resource": arn,
                }
            )
        ),
        opts=aws.child(),
    )
    eks.PodIdentityAssociation(
        f"{aws.name}-disks",
        cluster_name=made.name,
        namespace="kube-system",
        service_account="ebs-csi-controller-sa",
        role_arn=role.arn,
        opts=aws.child(depends_on=[identities]),
    )
    others = ("kube-proxy", "coredns", "aws-ebs-csi-driver", "snapshot-controller", "metrics-server")
    return [identities, *(make_addon(aws, made, addon, depends_on=nodes) for addon in others)]
