"""A cluster on Amazon EKS, put together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pulumi

from infra.clusters import cloud
from infra.clusters.eks.addons import make_addons, make_network_addon
from infra.clusters.eks.aws import AwsComponent
from infra.clusters.eks.control_plane import make_control_plane
from infra.clusters.eks.controllers import (
    AUTOSCALER,
    BALANCERS,
    NAMESPACE,
    AwsControllers,
    AwsControllersArgs,
    may_balance,
    may_scale,
)
from infra.clusters.eks.keys import make_key
from infra.clusters.eks.network import make_subnets
from infra.clusters.eks.nodes import make_nodes
from infra.clusters.eks.services import AwsServices
from infra.component import Placement

if TYPE_CHECKING:
    from pulumi_aws import eks

    from infra.clusters.cloud_settings import EksSettings
    from infra.clusters.cluster import Cluster


class EksCluster(AwsComponent):
    """The cluster.

    Attributes:
        cluster: It, as the rest of the program knows it.
    """

    def __init__(self, name: str, args: cloud.CloudArgs, settings: EksSettings) -> None:
        super().__init__("Eks", name, args, settings)
        private, public = make_subnets(self)
        key = make_key(self)
        made = make_control_plane(self, private + public, key)
        network = make_network_addon(self, made)
        nodes = make_nodes(self, made, private, key, network=network)
        addons = make_addons(self, made, key, nodes)
        services = AwsServices(self, made, key, agent=addons[0])
        connected = self.connected(
            self._kubeconfig(made),
            {
                "provisioner": "ebs.csi.aws.com",
                "parameters": {"type": "gp3", "encrypted": "true", "kmsKeyId": key.arn},
            },
            services,
            ready=[network, *nodes, *addons],
        )
        controllers = AwsControllers(
            f"{name}-controllers",
            AwsControllersArgs(
                cluster=args.name,
                region=settings.region,
                network=private[0].vpc_id,
                images=args.images,
                placement=Placement(provider=connected.provider, protect=args.protect),
                depends_on=[
                    *nodes,
                    *services.allowed(
                        "autoscaler", may_scale(args.name), namespace=NAMESPACE, service_account=AUTOSCALER
                    ),
                    *services.allowed(
                        "balancers", may_balance(args.name), namespace=NAMESPACE, service_account=BALANCERS
                    ),
                ],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.cluster: Cluster = dataclasses.replace(connected, ready=controllers.ready)
        self.register_outputs({})

    def _kubeconfig(self, made: eks.Cluster) -> pulumi.Output[str]:
        name, region = self.args.name, self.settings.region
        token = ["get-token", "--cluster-name", name, "--region", region, "--output", "json"]
        return pulumi.Output.all(made.endpoint, made.certificate_authority.apply(lambda it: it.data)).apply(
            lambda known: cloud.kubeconfig(
                name,
                server=known[0],
                authority=known[1],
                command={"command": "aws", "args": ["eks", *token]},
            )
        )
