"""A cluster on Amazon EKS, with its network, keys, identities and nodes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pulumi
from pulumi_aws import Provider, ProviderDefaultTagsArgs, cloudwatch, ec2, eks, iam, kms

from infra.clusters import cloud

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.clusters.cloud_settings import EksSettings, NodePool
    from infra.clusters.cluster import Cluster

NODE_SIZE: Final = "t3.large"
EVERYWHERE: Final = "0.0.0.0/0"
ASSUME: Final = ("sts:AssumeRole",)
CONTROL_PLANE_LOGS: Final = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
NODE_POLICIES: Final = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEKS_CNI_Policy",
)


class EksCluster(cloud.CloudCluster):
    """The cluster.

    Attributes:
        cluster: It, as the rest of the program knows it.
    """

    def __init__(self, name: str, args: cloud.CloudArgs, settings: EksSettings) -> None:
        tags = args.tags(settings.tags)
        provider = Provider(
            f"{name}-aws",
            region=settings.region,
            # A shell that is logged in elsewhere makes nothing there.
            allowed_account_ids=[settings.account_id],
            default_tags=ProviderDefaultTagsArgs(tags=tags),
        )
        super().__init__("Eks", name, args, provider)
        self._name = name
        self._settings = settings
        self._tags = tags
        private, public = self._network()
        key = self._key()
        made = self._control_plane(private + public, key)
        nodes = self._nodes(made, private, key)
        self.cluster: Cluster = self.connected(
            pulumi.Output.all(made.endpoint, made.certificate_authority.apply(lambda it: it.data)).apply(
                lambda known: cloud.kubeconfig(
                    args.name,
                    server=known[0],
                    authority=known[1],
                    command={
                        "command": "aws",
                        "args": [
                            "eks",
                            "get-token",
                            "--cluster-name",
                            args.name,
                            "--region",
                            settings.region,
                            "--output",
                            "json",
                        ],
                    },
                )
            ),
            {
                "provisioner": "ebs.csi.aws.com",
                "parameters": {"type": "gp3", "encrypted": "true", "kmsKeyId": key.arn},
            },
            ready=nodes,
        )
        self.register_outputs({})

    def _network(self) -> tuple[list[ec2.Subnet], list[ec2.Subnet]]:
        """Make the network: private subnets for nodes and pods, public ones for balancers and NAT."""
        name = self._name
        vpc = ec2.Vpc(
            f"{name}-vpc",
            cidr_block=cloud.NODE_NETWORK,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags={"Name": self._args.name},
            opts=self.child(),
        )
        internet = ec2.InternetGateway(f"{name}-internet", vpc_id=vpc.id, opts=self.child())
        to_internet = ec2.RouteTableRouteArgs(cidr_block=EVERYWHERE, gateway_id=internet.id)
        private: list[ec2.Subnet] = []
        public: list[ec2.Subnet] = []
        for number, zone in enumerate(self._settings.zones):
            # A public subnet holds a few balancers; a private one 8,000 pods with addresses of their own.
            outside = self._subnet(vpc, "public", zone, f"10.64.{240 + number}.0/24", to_internet)
            address = ec2.Eip(f"{name}-nat-{zone}", domain="vpc", opts=self.child(depends_on=[internet]))
            # One in each zone, so that a zone that fails takes only its own nodes along.
            nat = ec2.NatGateway(
                f"{name}-nat-{zone}",
                allocation_id=address.id,
                subnet_id=outside.id,
                opts=self.child(depends_on=[internet]),
            )
            to_nat = ec2.RouteTableRouteArgs(cidr_block=EVERYWHERE, nat_gateway_id=nat.id)
            private.append(self._subnet(vpc, "private", zone, f"10.64.{32 * number}.0/19", to_nat))
            public.append(outside)
        return private, public

    def _subnet(
        self, vpc: ec2.Vpc, kind: str, zone: str, block: str, route: ec2.RouteTableRouteArgs
    ) -> ec2.Subnet:
        """Make a subnet of one zone, and its way out."""
        name = f"{self._name}-{kind}-{zone}"
        role = "elb" if kind == "public" else "internal-elb"
        subnet = ec2.Subnet(
            name,
            vpc_id=vpc.id,
            availability_zone=f"{self._settings.region}{zone}",
            cidr_block=block,
            map_public_ip_on_launch=False,
            tags={"Name": f"{self._args.name}-{kind}-{zone}", f"kubernetes.io/role/{role}": "1"},
            opts=self.child(),
        )
        table = ec2.RouteTable(name, vpc_id=vpc.id, routes=[route], opts=self.child())
        ec2.RouteTableAssociation(name, subnet_id=subnet.id, route_table_id=table.id, opts=self.child())
        return subnet

    def _key(self) -> kms.Key:
        """Make the key of Secrets, nodes' disks and customers' volumes."""
        key = kms.Key(
            f"{self._name}-key",
            description=f"Secrets and disks of the cluster {self._args.name}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            opts=self.child(),
        )
        kms.Alias(
            f"{self._name}-key", name=f"alias/{self._args.name}", target_key_id=key.key_id, opts=self.child()
        )
        return key

    def _role(
        self, part: str, service: str, policies: Sequence[str], actions: Sequence[str] = ASSUME
    ) -> iam.Role:
        """Make an identity that one service of AWS may take on."""
        role = iam.Role(
            f"{self._name}-{part}",
            assume_role_policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}
                    ],
                }
            ),
            opts=self.child(),
        )
        for policy in policies:
            iam.RolePolicyAttachment(
                f"{self._name}-{part}-{policy.rpartition('/')[2]}",
                role=role.name,
                policy_arn=f"arn:aws:iam::aws:policy/{policy}",
                opts=self.child(),
            )
        return role

    def _control_plane(self, subnets: Sequence[ec2.Subnet], key: kms.Key) -> eks.Cluster:
        """Make the control plane, its logs, and who administers it."""
        name, args, settings = self._name, self._args, self._settings
        logs = cloudwatch.LogGroup(
            f"{name}-logs",
            # EKS writes to the group of this name, and would make one that keeps logs forever.
            name=f"/aws/eks/{args.name}/cluster",
            retention_in_days=settings.log_days,
            opts=self.child(),
        )
        made = eks.Cluster(
            name,
            name=args.name,
            version=settings.kubernetes_version,
            role_arn=self._role("control-plane", "eks.amazonaws.com", ["AmazonEKSClusterPolicy"]).arn,
            enabled_cluster_log_types=CONTROL_PLANE_LOGS,
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
            opts=self.child(depends_on=[logs]),
        )
        for number, role in enumerate(settings.admin_role_arns):
            entry = eks.AccessEntry(
                f"{name}-admin-{number}", cluster_name=made.name, principal_arn=role, opts=self.child()
            )
            eks.AccessPolicyAssociation(
                f"{name}-admin-{number}",
                cluster_name=made.name,
                principal_arn=role,
                policy_arn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
                access_scope=eks.AccessPolicyAssociationAccessScopeArgs(type="cluster"),
                opts=self.child(depends_on=[entry]),
            )
        return made

    def _nodes(self, made: eks.Cluster, subnets: Sequence[ec2.Subnet], key: kms.Key) -> list[pulumi.Resource]:
        """Make the nodes, and the add-ons without which they are of no use."""
        # The network's add-on has to be there before nodes, or they never get ready.
        network = self._addon(made, "vpc-cni", {"enableNetworkPolicy": "true"})
        role = self._role("node", "ec2.amazonaws.com", NODE_POLICIES)
        template = self._launch_template(key)
        pools: list[pulumi.Resource] = [
            self._pool(
                pool, settings, made=made, subnets=subnets, role=role, template=template, network=network
            )
            for pool, settings in (
                ("system", self._settings.system_pool),
                ("tenants", self._settings.tenant_pool),
            )
        ]
        identities = self._addon(made, "eks-pod-identity-agent", depends_on=pools)
        disks = self._role(
            "disks",
            "pods.eks.amazonaws.com",
            ["service-role/AmazonEBSCSIDriverPolicy"],
            actions=[*ASSUME, "sts:TagSession"],
        )
        iam.RolePolicy(
            f"{self._name}-disks-key",
            role=disks.id,
            policy=key.arn.apply(_key_policy),
            opts=self.child(),
        )
        eks.PodIdentityAssociation(
            f"{self._name}-disks",
            cluster_name=made.name,
            namespace="kube-system",
            service_account="ebs-csi-controller-sa",
            role_arn=disks.arn,
            opts=self.child(depends_on=[identities]),
        )
        others = [
            self._addon(made, addon, depends_on=pools)
            for addon in ("kube-proxy", "coredns", "aws-ebs-csi-driver", "metrics-server")
        ]
        return [*pools, network, identities, *others]

    def _addon(
        self,
        made: eks.Cluster,
        addon: str,
        configuration: Mapping[str, str] | None = None,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> eks.Addon:
        return eks.Addon(
            f"{self._name}-{addon}",
            cluster_name=made.name,
            addon_name=addon,
            configuration_values=json.dumps(configuration) if configuration else None,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=self.child(depends_on=depends_on),
        )

    def _launch_template(self, key: kms.Key) -> ec2.LaunchTemplate:
        """Return what nodes have in common: encrypted disks, and metadata that pods cannot reach."""
        return ec2.LaunchTemplate(
            f"{self._name}-node",
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
                ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=self._tags)
                for kind in ("instance", "volume")
            ],
            update_default_version=True,
            opts=self.child(),
        )

    def _pool(  # noqa: PLR0913 - a pool of nodes stands on this much
        self,
        pool: str,
        settings: NodePool,
        *,
        made: eks.Cluster,
        subnets: Sequence[ec2.Subnet],
        role: iam.Role,
        template: ec2.LaunchTemplate,
        network: eks.Addon,
    ) -> eks.NodeGroup:
        key, value = cloud.SYSTEM_TAINT
        taint = eks.NodeGroupTaintArgs(key=key, value=value, effect="NO_SCHEDULE")
        return eks.NodeGroup(
            f"{self._name}-{pool}",
            cluster_name=made.name,
            node_role_arn=role.arn,
            subnet_ids=[subnet.id for subnet in subnets],
            version=self._settings.kubernetes_version,
            ami_type="AL2023_x86_64_STANDARD",
            instance_types=[settings.size or NODE_SIZE],
            scaling_config=eks.NodeGroupScalingConfigArgs(
                min_size=settings.least, desired_size=settings.least, max_size=settings.most
            ),
            update_config=eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
            labels={cloud.POOL_LABEL: pool},
            taints=[taint] if pool == "system" else [],
            launch_template=eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            # How many there are now is the autoscaler's business.
            opts=self.child(depends_on=[network], ignore_changes=["scalingConfig.desiredSize"]),
        )


def _key_policy(key_arn: str) -> str:
    """Return what the storage driver may do with the key: encrypt volumes, and nothing else."""
    actions = ["kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:CreateGrant", "kms:DescribeKey"]
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": key_arn}]}
    )
