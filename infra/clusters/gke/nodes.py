"""The cluster's nodes in Google Cloud: a pool for the platform and one for the customers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_gcp import container, projects, serviceaccount

from infra.clusters import pools

if TYPE_CHECKING:
    import pulumi
    from pulumi_gcp import kms

    from infra.clusters.gke.google import GoogleComponent

NODE_SIZE: Final = "n1-standard-4"
ROLES: Final = ("container.defaultNodeServiceAccount", "artifactregistry.reader")
"""What a node may do in the project: write logs and metrics, and pull images from its registry."""


def make_nodes(google: GoogleComponent, made: container.Cluster, key: kms.CryptoKey) -> list[pulumi.Resource]:
    """Make the nodes."""
    account, roles = _account(google)
    taint, value = pools.SYSTEM_TAINT
    taints = [container.NodePoolNodeConfigTaintArgs(key=taint, value=value, effect="NO_SCHEDULE")]
    sizes = {"system": google.settings.system_pool, "tenants": google.settings.tenant_pool}
    return [
        container.NodePool(
            f"{google.name}-{pool}",
            cluster=made.id,
            location=google.settings.region,
            version=google.settings.kubernetes_version,
            # In all zones together: the other limits count in each zone.
            autoscaling=container.NodePoolAutoscalingArgs(
                total_min_node_count=nodes.least,
                total_max_node_count=nodes.most,
                location_policy="BALANCED",
            ),
            management=container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=False),
            upgrade_settings=container.NodePoolUpgradeSettingsArgs(max_surge=1, max_unavailable=0),
            node_config=container.NodePoolNodeConfigArgs(
                machine_type=nodes.size or NODE_SIZE,
                disk_type="pd-balanced",
                disk_size_gb=100,
                boot_disk_kms_key=key.id,
                service_account=account.email,
                oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
                workload_metadata_config=container.NodePoolNodeConfigWorkloadMetadataConfigArgs(
                    mode="GKE_METADATA"
                ),
                shielded_instance_config=container.NodePoolNodeConfigShieldedInstanceConfigArgs(
                    enable_secure_boot=True, enable_integrity_monitoring=True
                ),
                labels={pools.POOL_LABEL: pool},
                # Of machines and their disks, which the provider's own labels do not reach.
                resource_labels=google.tags,
                taints=taints if pool == "system" else [],
            ),
            opts=google.child(depends_on=roles),
        )
        for pool, nodes in sizes.items()
    ]


def _account(google: GoogleComponent) -> tuple[serviceaccount.Account, list[pulumi.Resource]]:
    """Make the nodes' identity: logs, metrics and images, and nothing else of the project."""
    account = serviceaccount.Account(
        f"{google.name}-node",
        account_id=f"{google.args.name[:20]}-node",
        display_name=f"Nodes of {google.args.name}",
        opts=google.child(),
    )
    roles: list[pulumi.Resource] = [
        projects.IAMMember(
            f"{google.name}-node-{role}",
            project=google.settings.project,
            role=f"roles/{role}",
            member=account.member,
            opts=google.child(),
        )
        for role in ROLES
    ]
    return account, roles
