"""A cluster on Google Kubernetes Engine, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from infra.clusters import cloud
from infra.clusters.gke.control_plane import make_control_plane
from infra.clusters.gke.google import GoogleComponent
from infra.clusters.gke.keys import make_key
from infra.clusters.gke.network import make_network
from infra.clusters.gke.nodes import make_nodes
from infra.clusters.gke.services import GoogleServices

if TYPE_CHECKING:
    from pulumi_gcp import container

    from infra.clusters.cloud_settings import GkeSettings
    from infra.clusters.cluster import Cluster


class GkeCluster(GoogleComponent):
    """The cluster.

    Attributes:
        cluster: It, as the rest of the program knows it.
    """

    def __init__(self, name: str, args: cloud.CloudArgs, settings: GkeSettings) -> None:
        super().__init__("Gke", name, args, settings)
        network, subnet, way_out = make_network(self)
        key, key_uses = make_key(self)
        made = make_control_plane(self, network, subnet, key, [way_out, *key_uses])
        nodes = make_nodes(self, made, key)
        self.cluster: Cluster = self.connected(
            self._kubeconfig(made),
            {
                "provisioner": "pd.csi.storage.gke.io",
                "parameters": {"type": "pd-balanced", "disk-encryption-kms-key": key.id},
            },
            GoogleServices(self, made, key),
            ready=nodes,
        )
        self.register_outputs({})

    def _kubeconfig(self, made: container.Cluster) -> pulumi.Output[str]:
        authority = made.master_auth.apply(lambda it: it.cluster_ca_certificate)
        return pulumi.Output.all(made.endpoint, authority).apply(
            lambda known: cloud.kubeconfig(
                self.args.name,
                server=f"https://{known[0]}",
                authority=known[1],
                command={"command": "gke-gcloud-auth-plugin", "provideClusterInfo": True},
            )
        )
