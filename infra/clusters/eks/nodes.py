"""The cluster's nodes in AWS: a group for the platform and one for the customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_aws import ec2, eks

from infra.clusters import pools

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi
    from pulumi_aws import kms

    from infra.clusters.eks.aws import AwsComponent

NODE_SIZE: Final = "t3.large"
POLICIES: Final = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEKS_CNI_Policy",
)
"""What a node may do: join, give pods addresses, and pull images from the account's registry."""


def make_nodes(
    aws: AwsComponent,
    made: eks.Cluster,
    subnets: Sequence[ec2.Subnet],
    key: kms.Key,
    *,
    depends_on: Sequence[pulumi.Resource],
) -> list[pulumi.Resource]:
    """Make the nodes.

    Args:
        aws: The cluster's resources.
        made: The control plane.
        subnets: The private ones.
        key: What encrypts the disks.
        depends_on: What a node never gets ready without: the network's add-on, a way out.
    """
    role = aws.role("node", "ec2.amazonaws.com")
    before = [*depends_on, *aws.attach("node", role.name, POLICIES)]
    template = _launch_template(aws, key)
    taint, value = pools.SYSTEM_TAINT
    taints = [eks.NodeGroupTaintArgs(key=taint, value=value, effect="NO_SCHEDULE")]
    return [
        eks.NodeGroup(
            f"{aws.name}-{pool}",
            cluster_name=made.name,
            node_role_arn=role.arn,
            subnet_ids=[subnet.id for subnet in subnets],
            version=aws.settings.kubernetes_version,
            ami_type="AL2023_x86_64_STANDARD",
            instance_types=[nodes.size or NODE_SIZE],
            scaling_config=eks.NodeGroupScalingConfigArgs(
                min_size=nodes.least, desired_size=nodes.least, max_size=nodes.most
            ),
            update_config=eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
            labels={pools.POOL_LABEL: pool},
            taints=taints if pool == "system" else [],
            launch_template=eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            # How many there are now is the autoscaler's business.
            opts=aws.child(depends_on=before, ignore_changes=["scalingConfig.desiredSize"]),
        )
        for pool, nodes in (("system", aws.settings.system_pool), ("tenants", aws.settings.tenant_pool))
    ]


def _launch_template(aws: AwsComponent, key: kms.Key) -> ec2.LaunchTemplate:
    """Return what nodes have in common: encrypted disks, and metadata that pods cannot reach."""
    return ec2.LaunchTemplate(
        f"{aws.name}-node",
        metadata_options=ec2.LaunchTemplateMetadataOptionsArgs(
            http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
        ),
        block_device_mappings=[
            ec2.LaunchTemplateBlockDeviceMappingArgs(
                device_name="/dev/xvda",
                ebs=ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                    volume_size=100, volume_type="gp3", encrypted="true", kms_key_id=key.arn
                ),
            )
        ],
        tag_specifications=[
            ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=aws.tags)
            for kind in ("instance", "volume")
        ],
        update_default_version=True,
        opts=aws.child(),
    )
