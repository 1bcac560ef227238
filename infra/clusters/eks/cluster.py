"""A cluster on Amazon EKS, put together."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pulumi

from infra.clusters import cloud
from infra.clusters.eks.addons import make_addons, make_agent, make_network_addon
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
from infra.clusters.eks.network import make_network
from infra.clusters.eks.nodes import make_nodes
from infra.clusters.eks.services import AwsServices
from infra.component import Placement

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        network = make_network(self)
        key = make_key(self)
        made, access = make_control_plane(self, network.private + network.public, key)
        policies = make_network_addon(self, made)
        nodes = make_nodes(self, made, network.private, key, depends_on=[policies, *network.ways_out])
        agent = make_agent(self, made, nodes)
        services = AwsServices(self, made, key, agent=agent)
        addons = make_addons(self, made, key, nodes, services)
        connected = self.connected(
            self._kubeconfig(made, access),
            {
                "provisioner": "ebs.csi.aws.com",
                "parameters": {"type": "gp3", "encrypted": "true", "kmsKeyId": key.arn},
            },
            services,
            ready=[policies, *nodes, agent, *addons],
        )
        controllers = AwsControllers(
            f"{name}-controllers",
            AwsControllersArgs(
                cluster=args.name,
                region=settings.region,
                network=network.vpc.id,
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
        self.cluster: Cluster = dataclasses.replace(connected, ready=[*connected.ready, *controllers.ready])
        self.register_outputs({})

    def _kubeconfig(self, made: eks.Cluster, access: Sequence[pulumi.Resource]) -> pulumi.Output[str]:
        """Return how to reach it, once somebody has access, and for as long as anything is in it."""
        name, region = self.args.name, self.settings.region
        token = ["get-token", "--cluster-name", name, "--region", region, "--output", "json"]
        authority = made.certificate_authority.apply(lambda it: it.data)
        return pulumi.Output.all(made.endpoint, authority, *(given.urn for given in access)).apply(
            lambda known: cloud.kubeconfig(
                name,
                server=known[0],
                authority=known[1],
                command={"command": "aws", "args": ["eks", *token]},
            )
        )
