"""The cluster's network in Azure: nodes have no public address and one way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_azure_native import network

from infra.clusters import cloud

if TYPE_CHECKING:
    from infra.clusters.aks.azure import AzureComponent


def make_subnet(azure: AzureComponent) -> network.Subnet:
    """Make the network, and return the nodes' part of it."""
    name, group = azure.name, azure.group.name
    address = network.PublicIPAddress(
        f"{name}-out",
        resource_group_name=group,
        sku=network.PublicIPAddressSkuArgs(name=network.PublicIPAddressSkuName.STANDARD),
        public_ip_allocation_method=network.IPAllocationMethod.STATIC,
        tags=azure.tags,
        opts=azure.child(),
    )
    gateway = network.NatGateway(
        f"{name}-out",
        resource_group_name=group,
        sku=network.NatGatewaySkuArgs(name=network.NatGatewaySkuName.STANDARD),
        public_ip_addresses=[network.SubResourceArgs(id=address.id)],
        tags=azure.tags,
        opts=azure.child(),
    )
    whole = network.VirtualNetwork(
        f"{name}-network",
        resource_group_name=group,
        address_space=network.AddressSpaceArgs(address_prefixes=[cloud.NODE_NETWORK]),
        tags=azure.tags,
        # The subnet is a resource of its own; without this the network would remove it.
        opts=azure.child(ignore_changes=["subnets"]),
    )
    return network.Subnet(
        f"{name}-nodes",
        resource_group_name=group,
        virtual_network_name=whole.name,
        address_prefix=cloud.NODE_NETWORK,
        default_outbound_access=False,
        nat_gateway=network.SubResourceArgs(id=gateway.id),
        opts=azure.child(),
    )
