"""The cluster's control plane in Google Cloud: who reaches it, what it logs, when it is maintained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pulumi
from pulumi_gcp import compute, container, kms, logging

if TYPE_CHECKING:
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
    logs = _keep_logs(google)
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
        opts=google.child(
            depends_on=[*depends_on, logs],
            # Of a pool that is gone at once: what is left of it would replace the cluster.
            ignore_changes=["initialNodeCount", "nodeConfig"],
        ),
    )


def _keep_logs(google: GoogleComponent) -> logging.ProjectSink:
    """Keep what the control plane says in a place of its own: the project's keeps everything 30 days."""
    settings, cluster = google.settings, google.args.name
    kept = logging.ProjectBucketConfig(
        f"{google.name}-logs",
        project=settings.project,
        location=settings.region,
        bucket_id=cluster,
        description=f"Control plane of the cluster {cluster}",
        retention_days=settings.log_days,
        opts=google.child(),
    )
    return logging.ProjectSink(
        f"{google.name}-logs",
        name=cluster,
        project=settings.project,
        destination=pulumi.Output.format("logging.googleapis.com/{0}", kept.id),
        filter=(
            'resource.type=("k8s_control_plane_component" OR "k8s_cluster")'
            f' AND resource.labels.cluster_name="{cluster}"'
        ),
        unique_writer_identity=True,
        opts=google.child(),
    )


def maintenance_window(maintenance: Maintenance) -> container.ClusterMaintenancePolicyRecurringWindowArgs:
    """Return the weekly window. Its date only says when the series began: any will do, if it stays."""
    return container.ClusterMaintenancePolicyRecurringWindowArgs(
        start_time=f"2026-01-01T{maintenance.hour:02}:00:00Z",
        end_time=f"2026-01-01T{maintenance.hour + maintenance.hours:02}:00:00Z",
        recurrence=f"FREQ=WEEKLY;BYDAY={maintenance.day[:2].upper()}",
    )
