"""A cluster on Azure Kubernetes Service, put together."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import pulumi
from pulumi_azure_native import containerservice
from ruamel.yaml import YAML

from infra.clusters import cloud
from infra.clusters.aks.azure import AzureComponent
from infra.clusters.aks.control_plane import make_control_plane
from infra.clusters.aks.keys import make_key
from infra.clusters.aks.network import make_network
from infra.clusters.aks.nodes import let_pull, make_tenant_pool
from infra.clusters.aks.services import AzureServices

if TYPE_CHECKING:
    from infra.clusters.cloud_settings import AksSettings
    from infra.clusters.cluster import Cluster

AKS_SERVER_APPLICATION: Final = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""Whom tokens for an AKS API server are made out to. The same everywhere, published by Microsoft."""


class AksCluster(AzureComponent):
    """The cluster.

    Attributes:
        cluster: It, as the rest of the program knows it.
    """

    def __init__(self, name: str, args: cloud.CloudArgs, settings: AksSettings) -> None:
        super().__init__("Aks", name, args, settings)
        network = make_network(self)
        key = make_key(self)
        made, rights = make_control_plane(self, network, key)
        tenants = make_tenant_pool(self, made, network.nodes, rights)
        self.cluster: Cluster = self.connected(
            self._kubeconfig(made),
            {
                "provisioner": "disk.csi.azure.com",
                "parameters": {"skuName": "Premium_LRS", "diskEncryptionSetID": key.disks.id},
            },
            AzureServices(self, made, key),
            ready=[tenants, *let_pull(self, made)],
        )
        self.register_outputs({})

    def _kubeconfig(self, made: containerservice.ManagedCluster) -> pulumi.Output[str]:
        answer = containerservice.list_managed_cluster_user_credentials_output(
            resource_group_name=self.group.name,
            resource_name=made.name,
            opts=pulumi.InvokeOutputOptions(parent=self, provider=self.provider),
        )
        return answer.apply(lambda known: own_kubeconfig(self.args.name, known.kubeconfigs[0].value))


def own_kubeconfig(name: str, answer: str) -> str:
    """Return a kubeconfig that logs in as the shell or CI is logged in to Azure.

    Args:
        name: The cluster's name.
        answer: What Azure gives users, base64: the server and its authority are taken from it.
    """
    given: dict[str, Any] = YAML(typ="safe", pure=True).load(base64.b64decode(answer))
    (entry,) = given["clusters"]
    return cloud.kubeconfig(
        name,
        server=entry["cluster"]["server"],
        authority=entry["cluster"]["certificate-authority-data"],
        command={
            "command": "kubelogin",
            "args": ["get-token", "--login", "azurecli", "--server-id", AKS_SERVER_APPLICATION],
        },
    )
