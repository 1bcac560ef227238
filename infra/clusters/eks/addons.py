"""What AWS installs into the cluster: network, DNS, disks, metrics, and identities for pods."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pulumi_aws import eks, iam

from infra.clusters.eks.aws import policy_document
from infra.clusters.eks.keys import ENCRYPT_DISKS, GRANT_TO_AWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi
    from pulumi_aws import kms

    from infra.clusters.eks.aws import AwsComponent
    from infra.clusters.eks.identities import AwsIdentities


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


def make_agent(aws: AwsComponent, made: eks.Cluster, nodes: Sequence[pulumi.Resource]) -> eks.Addon:
    """Install what gives pods their identities. A pod that starts without it never gets any."""
    return make_addon(aws, made, "eks-pod-identity-agent", depends_on=nodes)


def make_addons(
    aws: AwsComponent,
    made: eks.Cluster,
    key: kms.Key,
    nodes: Sequence[pulumi.Resource],
    identities: AwsIdentities,
) -> list[pulumi.Resource]:
    """Install the others, which run on the nodes.

    Returns:
        The add-ons.
    """
    others = [
        make_addon(aws, made, addon, depends_on=nodes)
        for addon in ("kube-proxy", "coredns", "metrics-server")
    ]
    snapshots = make_addon(aws, made, "snapshot-controller", depends_on=nodes)
    # The driver makes snapshots only where it finds their kinds when it is installed.
    before = [*nodes, snapshots, *_may_make_disks(aws, key, identities)]
    return [*others, snapshots, make_addon(aws, made, "aws-ebs-csi-driver", depends_on=before)]


def _may_make_disks(aws: AwsComponent, key: kms.Key, identities: AwsIdentities) -> list[pulumi.Resource]:
    """Let the driver of disks make and attach them, encrypted with the key.

    Returns:
        What has to be there before its pods start: a pod learns who it is once.
    """
    identity = identities.identity("disks", namespace="kube-system", service_account="ebs-csi-controller-sa")
    use = iam.RolePolicy(
        f"{aws.name}-disks-key",
        role=identity.principal,
        policy=key.arn.apply(may_encrypt_disks),
        opts=aws.child(),
    )
    return [
        *identity.ready,
        use,
        *aws.attach("disks", identity.principal, ["service-role/AmazonEBSCSIDriverPolicy"]),
    ]


def may_encrypt_disks(key: str) -> str:
    """Return the policy of who makes and attaches disks that are encrypted with a key."""
    return policy_document(
        {"Effect": "Allow", "Action": list(ENCRYPT_DISKS), "Resource": key},
        {"Effect": "Allow", **GRANT_TO_AWS, "Resource": key},
    )
