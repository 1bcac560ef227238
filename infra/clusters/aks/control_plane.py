"""The cluster's control plane in Azure: who reaches it, what it logs, when it is maintained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pulumi
from pulumi_azure_native import containerservice, managedidentity, monitor, operationalinsights

from infra.clusters import cloud
from infra.clusters.aks.nodes import system_pool

if TYPE_CHECKING:
    from infra.clusters.aks.azure import AzureComponent
    from infra.clusters.aks.keys import Key
    from infra.clusters.aks.network import Network
    from infra.clusters.cloud_settings import Maintenance

LOGS: Final = (
    "kube-apiserver",
    "kube-audit-admin",
    "kube-controller-manager",
    "kube-scheduler",
    "cluster-autoscaler",
    "guard",
)


def make_control_plane(
    azure: AzureComponent, network: Network, key: Key
) -> tuple[containerservice.ManagedCluster, list[pulumi.Resource]]:
    """Make the control plane, with the platform's nodes.

    Returns:
        The cluster, and the rights without which it makes no nodes.
    """
    args, settings = azure.args, azure.settings
    identity = managedidentity.UserAssignedIdentity(
        f"{azure.name}-identity",
        resource_group_name=azure.group.name,
        tags=azure.tags,
        opts=azure.child(),
    )
    rights: list[pulumi.Resource] = [
        key.use,
        *(
            azure.allow(part, role, principal=identity.principal_id, scope=scope)
            for part, role, scope in (
                ("joins-network", "Network Contributor", network.nodes.id),
                ("uses-key", "Key Vault Crypto User", key.vault.id),
                ("reads-disk-encryption", "Reader", key.disks.id),
            )
        ),
    ]
    made = containerservice.ManagedCluster(
        azure.name,
        resource_name_=args.name,
        resource_group_name=azure.group.name,
        kubernetes_version=settings.kubernetes_version,
        dns_prefix=args.name,
        sku=containerservice.ManagedClusterSKUArgs(
            name=containerservice.ManagedClusterSKUName.BASE,
            # With a promised availability, which costs, where it counts.
            tier=containerservice.ManagedClusterSKUTier.STANDARD
            if args.protect
            else containerservice.ManagedClusterSKUTier.FREE,
        ),
        identity=containerservice.ManagedClusterIdentityArgs(
            type=containerservice.ResourceIdentityType.USER_ASSIGNED,
            user_assigned_identities=[identity.id],
        ),
        aad_profile=containerservice.ManagedClusterAADProfileArgs(
            managed=True, admin_group_object_ids=settings.admin_group_ids, tenant_id=settings.tenant_id
        ),
        # No certificate of an administrator that works until the cluster is gone.
        disable_local_accounts=True,
        api_server_access_profile=containerservice.ManagedClusterAPIServerAccessProfileArgs(
            # Nodes reach the control plane by the way out too, and are not let in as such.
            authorized_ip_ranges=[*settings.api_ranges, pulumi.Output.format("{0}/32", network.out)],
            disable_run_command=True,
        ),
        network_profile=containerservice.ContainerServiceNetworkProfileArgs(
            network_plugin=containerservice.NetworkPlugin.AZURE,
            network_plugin_mode=containerservice.NetworkPluginMode.OVERLAY,
            # Without an engine Azure takes network policies and ignores them. Cannot be added later.
            network_policy=containerservice.NetworkPolicy.CILIUM,
            network_dataplane=containerservice.NetworkDataplane.CILIUM,
            outbound_type=containerservice.OutboundType.USER_ASSIGNED_NAT_GATEWAY,
            load_balancer_sku=containerservice.LoadBalancerSku.STANDARD,
            pod_cidr=cloud.POD_NETWORK,
            service_cidr=cloud.SERVICE_NETWORK,
            dns_service_ip="10.96.0.10",
        ),
        oidc_issuer_profile=containerservice.ManagedClusterOIDCIssuerProfileArgs(enabled=True),
        security_profile=containerservice.ManagedClusterSecurityProfileArgs(
            workload_identity=containerservice.ManagedClusterSecurityProfileWorkloadIdentityArgs(
                enabled=True
            ),
            azure_key_vault_kms=containerservice.AzureKeyVaultKmsArgs(
                enabled=True,
                key_id=key.key.key_uri_with_version,
                key_vault_network_access=containerservice.KeyVaultNetworkAccessTypes.PUBLIC,
            ),
        ),
        disk_encryption_set_id=key.disks.id,
        auto_upgrade_profile=containerservice.ManagedClusterAutoUpgradeProfileArgs(
            upgrade_channel=containerservice.UpgradeChannel.NONE,
            node_os_upgrade_channel=containerservice.NodeOSUpgradeChannel.NODE_IMAGE,
        ),
        agent_pool_profiles=[system_pool(azure, network.nodes)],
        tags=azure.tags,
        # How many nodes there are now is the autoscaler's business.
        opts=azure.child(depends_on=rights, ignore_changes=["agentPoolProfiles[0].count"]),
    )
    azure.lock("lock", made.id, "Customers' data is in this cluster.")
    _logs(azure, made)
    _maintenance(azure, made)
    return made, rights


def _logs(azure: AzureComponent, made: containerservice.ManagedCluster) -> None:
    """Keep what the control plane says."""
    workspace = operationalinsights.Workspace(
        f"{azure.name}-logs",
        resource_group_name=azure.group.name,
        sku=operationalinsights.WorkspaceSkuArgs(name=operationalinsights.WorkspaceSkuNameEnum.PER_GB2018),
        retention_in_days=azure.settings.log_days,
        tags=azure.tags,
        opts=azure.child(),
    )
    monitor.DiagnosticSetting(
        f"{azure.name}-logs",
        name="control-plane",
        resource_uri=made.id,
        workspace_id=workspace.id,
        logs=[monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True) for category in LOGS],
        opts=azure.child(),
    )


def _maintenance(azure: AzureComponent, made: containerservice.ManagedCluster) -> None:
    """Say when Azure may touch the control plane and the nodes."""
    for what in ("aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"):
        containerservice.MaintenanceConfiguration(
            f"{azure.name}-{what}",
            config_name=what,
            resource_group_name=azure.group.name,
            resource_name_=made.name,
            maintenance_window=maintenance_window(azure.settings.maintenance),
            opts=azure.child(),
        )


def maintenance_window(maintenance: Maintenance) -> containerservice.MaintenanceWindowArgs:
    """Return the weekly window."""
    return containerservice.MaintenanceWindowArgs(
        schedule=containerservice.ScheduleArgs(
            weekly=containerservice.WeeklyScheduleArgs(
                day_of_week=containerservice.WeekDay(maintenance.day), interval_weeks=1
            )
        ),
        start_time=f"{maintenance.hour:02}:00",
        duration_hours=maintenance.hours,
        utc_offset="+00:00",
    )
