"""The cluster's nodes in Azure: a pool for the platform and one for the customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

from pulumi_azure_native import containerservice

from infra.clusters import pools

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi
    from pulumi_azure_native import network

    from infra.clusters.aks.azure import AzureComponent
    from infra.clusters.cloud_settings import NodePool

NODE_SIZE: Final = "Standard_D4s_v3"


def system_pool(
    azure: AzureComponent, subnet: network.Subnet
) -> containerservice.ManagedClusterAgentPoolProfileArgs:
    """Return the platform's pool, which is a part of the cluster itself."""
    key, value = pools.SYSTEM_TAINT
    return containerservice.ManagedClusterAgentPoolProfileArgs(
        name="system",
        mode=containerservice.AgentPoolMode.SYSTEM,
        node_taints=[f"{key}={value}:NoSchedule"],
        **_pool(azure, "system", azure.settings.system_pool, subnet),
    )


def make_tenant_pool(
    azure: AzureComponent,
    made: containerservice.ManagedCluster,
    subnet: network.Subnet,
    depends_on: Sequence[pulumi.Resource],
) -> containerservice.AgentPool:
    """Make the customers' pool."""
    return containerservice.AgentPool(
        f"{azure.name}-tenants",
        agent_pool_name="tenants",
        resource_group_name=azure.group.name,
        resource_name_=made.name,
        mode=containerservice.AgentPoolMode.USER,
        **_pool(azure, "tenants", azure.settings.tenant_pool, subnet),
        opts=azure.child(depends_on=depends_on, ignore_changes=["count"]),
    )


def let_pull(azure: AzureComponent, made: containerservice.ManagedCluster) -> list[pulumi.Resource]:
    """Let nodes pull images from the stack's own registry, where it has one.

    Returns:
        The right, if there is one.
    """
    registry = azure.settings.registry_id
    if registry is None:
        return []
    # What a node's kubelet is in Azure, which the cluster makes by itself.
    kubelet = made.identity_profile.apply(
        lambda known: known["kubeletidentity"].object_id or "" if known else ""
    )
    return [
        azure.allow(
            "pulls-images",
            "AcrPull",
            principal=kubelet,
            scope=registry,
            # The registry may be another subscription's.
            subscription=registry.split("/")[2],
        )
    ]


class _Pool(TypedDict):
    """What the two pools, which Azure has two classes for, have in common."""

    type: containerservice.AgentPoolType
    vm_size: str
    count: int
    min_count: int
    max_count: int
    enable_auto_scaling: bool
    availability_zones: list[str]
    vnet_subnet_id: pulumi.Output[str]
    enable_node_public_ip: bool
    orchestrator_version: str
    node_labels: dict[str, str]
    tags: dict[str, str]


def _pool(azure: AzureComponent, name: str, pool: NodePool, subnet: network.Subnet) -> _Pool:
    return {
        "type": containerservice.AgentPoolType.VIRTUAL_MACHINE_SCALE_SETS,
        "vm_size": pool.size or NODE_SIZE,
        "count": pool.least,
        "min_count": pool.least,
        "max_count": pool.most,
        "enable_auto_scaling": True,
        "availability_zones": list(azure.settings.zones),
        "vnet_subnet_id": subnet.id,
        "enable_node_public_ip": False,
        "orchestrator_version": azure.settings.kubernetes_version,
        "node_labels": {pools.POOL_LABEL: name},
        "tags": azure.tags,
    }
