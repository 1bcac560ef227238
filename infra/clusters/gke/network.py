"""The cluster's network in Google Cloud, with one way out for nodes that have no public address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_gcp import compute

from infra.clusters import cloud

if TYPE_CHECKING:
    from infra.clusters.gke.google import GoogleComponent


def make_network(google: GoogleComponent) -> tuple[compute.Network, compute.Subnetwork, compute.RouterNat]:
    """Make the network, its part for nodes, and the way out."""
    name = google.name
    network = compute.Network(
        f"{name}-network", auto_create_subnetworks=False, routing_mode="REGIONAL", opts=google.child()
    )
    subnet = compute.Subnetwork(
        f"{name}-subnet",
        network=network.id,
        ip_cidr_range=cloud.NODE_NETWORK,
        private_ip_google_access=True,
        secondary_ip_ranges=[
            compute.SubnetworkSecondaryIpRangeArgs(range_name="pods", ip_cidr_range=cloud.POD_NETWORK),
            compute.SubnetworkSecondaryIpRangeArgs(
                range_name="services", ip_cidr_range=cloud.SERVICE_NETWORK
            ),
        ],
        opts=google.child(),
    )
    router = compute.Router(f"{name}-router", network=network.id, opts=google.child())
    way_out = compute.RouterNat(
        f"{name}-nat",
        router=router.name,
        nat_ip_allocate_option="AUTO_ONLY",
        source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
        opts=google.child(),
    )
    return network, subnet, way_out
