"""The cluster's network in Azure: nodes have no public address and one way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_azure_native import network

from infra.clusters import cloud

if TYPE_CHECKING:
    from infra.clusters.aks.azure import AzureComponent


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The cluster's network.

    Attributes:
        nodes: The nodes' part of it.
        out: The one address that everything within is known by outside.
    """

    nodes: network.Subnet
    out: pulumi.Output[str]


def make_network(azure: AzureComponent) -> Network:
    """Make the network."""
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
    nodes = network.Subnet(
        f"{name}-nodes",
        resource_group_name=group,
        virtual_network_name=whole.name,
        address_prefix=cloud.NODE_NETWORK,
        default_outbound_access=False,
        nat_gateway=network.SubResourceArgs(id=gateway.id),
        opts=azure.child(),
    )
    return Network(nodes=nodes, out=pulumi.Output.format("{0}", address.ip_address))
