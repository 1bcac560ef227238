"""The cluster's control plane in Google Cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_gcp import compute, container, kms

if TYPE_CHECKING:
    import pulumi

    from infra.clusters.cloud_settings import Maintenance
    from infra.clusters.gke.google import GoogleComponent

LOGS: Final = ["SYSTEM_COMPONENTS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER"]


def make_control_plane(
    google: GoogleComponent,
    network: compute.Network,
    subnet: compute.Subnetwork,
    key: kms.CryptoKey,
    depends_on: list[pulumi.Resource],
) -> container.Cluster:
    """Make the control plane, without any node of its own."""
    settings = google.settings
    return container.Cluster(
        google.name,
        name=google.args.name,
        location=settings.region,
        network=network.id,
        subnetwork=subnet.id,
        min_master_version=settings.kubernetes_version,
        # No channel: nothing is upgraded because of a day in Google's calendar alone.
        release_channel=container.ClusterReleaseChannelArgs(channel="UNSPECIFIED"),
        # The pools below are separate, so that changing one does not replace the cluster.
        remove_default_node_pool=True,
        initial_node_count=1,
        node_config=container.ClusterNodeConfigArgs(boot_disk_kms_key=key.id),
        ip_allocation_policy=container.ClusterIpAllocationPolicyArgs(
            cluster_secondary_range_name="pods", services_secondary_range_name="services"
        ),
        private_cluster_config=container.ClusterPrivateClusterConfigArgs(
            enable_private_nodes=True, enable_private_endpoint=False
        ),
        master_authorized_networks_config=container.ClusterMasterAuthorizedNetworksConfigArgs(
            cidr_blocks=[
                container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(cidr_block=block)
                for block in settings.api_ranges
            ],
            gcp_public_cidrs_access_enabled=False,
        ),
        master_auth=container.ClusterMasterAuthArgs(
            client_certificate_config=container.ClusterMasterAuthClientCertificateConfigArgs(
                issue_client_certificate=False
            )
        ),
        # Network policies are enforced by Dataplane V2.
        datapath_provider="ADVANCED_DATAPATH",
        workload_identity_config=container.ClusterWorkloadIdentityConfigArgs(
            workload_pool=google.settings.workload_pool
        ),
        database_encryption=container.ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=key.id),
        logging_config=container.ClusterLoggingConfigArgs(enable_components=LOGS),
        maintenance_policy=container.ClusterMaintenancePolicyArgs(
            recurring_window=maintenance_window(settings.maintenance)
        ),
        enable_shielded_nodes=True,
        deletion_protection=google.args.protect,
        opts=google.child(depends_on=depends_on),
    )


def maintenance_window(maintenance: Maintenance) -> container.ClusterMaintenancePolicyRecurringWindowArgs:
    """Return the weekly window. Its date only says when the series began: any will do, if it stays."""
    return container.ClusterMaintenancePolicyRecurringWindowArgs(
        start_time=f"2026-01-01T{maintenance.hour:02}:00:00Z",
        end_time=f"2026-01-01T{maintenance.hour + maintenance.hours:02}:00:00Z",
        recurrence=f"FREQ=WEEKLY;BYDAY={maintenance.day[:2].upper()}",
    )
