"""A cluster on Azure Kubernetes Service, with its network, keys, identities and nodes."""

from __future__ import annotations

import base64
import uuid
from typing import TYPE_CHECKING, Any, Final

import pulumi
from pulumi_azure_native import (
    Provider,
    authorization,
    compute,
    containerservice,
    keyvault,
    managedidentity,
    monitor,
    network,
    operationalinsights,
    resources,
)
from ruamel.yaml import YAML

from infra.clusters import cloud

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.clusters.cloud_settings import AksSettings, Maintenance, NodePool
    from infra.clusters.cluster import Cluster

NODE_SIZE: Final = "Standard_D4s_v3"
ZONES: Final = ["1", "2", "3"]
CONTROL_PLANE_LOGS: Final = (
    "kube-apiserver",
    "kube-audit-admin",
    "kube-controller-manager",
    "kube-scheduler",
    "cluster-autoscaler",
    "guard",
)
KEY_SIZE: Final = 3072

AKS_SERVER_APPLICATION: Final = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""Whom tokens for an AKS API server are made out to. The same everywhere, published by Microsoft."""

ROLES: Final = {
    "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
    "Key Vault Crypto User": "12338af0-0e69-4776-bea7-57ae8d297424",
    "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
}
"""Ids of built-in roles. The same in every subscription, published by Microsoft."""

_NAMESPACE: Final = uuid.UUID("5a0b6c1e-6a0f-5b83-9d39-1b1f0d7c6a55")
"""Makes the ids of role assignments, which have to be UUIDs, from their names. Any would do, if it stays."""


class AksCluster(cloud.CloudCluster):
    """The cluster.

    Attributes:
        cluster: It, as the rest of the program knows it.
    """

    def __init__(self, name: str, args: cloud.CloudArgs, settings: AksSettings) -> None:
        provider = Provider(
            f"{name}-azure", subscription_id=settings.subscription_id, tenant_id=settings.tenant_id
        )
        super().__init__("Aks", name, args, provider)
        self._name = name
        self._settings = settings
        self._tags = args.tags(settings.tags)
        self._group = resources.ResourceGroup(
            f"{name}-group",
            resource_group_name=args.name,
            location=settings.region,
            tags=self._tags,
            opts=self.child(),
        )
        subnet = self._network()
        vault, key = self._key()
        disks = self._disk_encryption(vault, key)
        made, ready = self._control_plane(subnet, vault, key, disks)
        self._logs(made)
        self._maintenance(made)
        tenants = self._tenant_pool(made, subnet, ready)
        self.cluster: Cluster = self.connected(
            self._kubeconfig(made),
            {
                "provisioner": "disk.csi.azure.com",
                "parameters": {"skuName": "Premium_LRS", "diskEncryptionSetID": disks.id},
            },
            ready=[tenants],
        )
        self.register_outputs({})

    def _network(self) -> network.Subnet:
        """Make the network: nodes have no public address and one way out."""
        name, group = self._name, self._group.name
        address = network.PublicIPAddress(
            f"{name}-out",
            resource_group_name=group,
            sku=network.PublicIPAddressSkuArgs(name=network.PublicIPAddressSkuName.STANDARD),
            public_ip_allocation_method=network.IPAllocationMethod.STATIC,
            tags=self._tags,
            opts=self.child(),
        )
        gateway = network.NatGateway(
            f"{name}-out",
            resource_group_name=group,
            sku=network.NatGatewaySkuArgs(name=network.NatGatewaySkuName.STANDARD),
            public_ip_addresses=[network.SubResourceArgs(id=address.id)],
            tags=self._tags,
            opts=self.child(),
        )
        whole = network.VirtualNetwork(
            f"{name}-network",
            resource_group_name=group,
            address_space=network.AddressSpaceArgs(address_prefixes=[cloud.NODE_NETWORK]),
            tags=self._tags,
            # The subnet is a resource of its own; without this the network would remove it.
            opts=self.child(ignore_changes=["subnets"]),
        )
        return network.Subnet(
            f"{name}-nodes",
            resource_group_name=group,
            virtual_network_name=whole.name,
            address_prefix=cloud.NODE_NETWORK,
            default_outbound_access=False,
            nat_gateway=network.SubResourceArgs(id=gateway.id),
            opts=self.child(),
        )

    def _key(self) -> tuple[keyvault.Vault, keyvault.Key]:
        """Make the key of Secrets, nodes' disks and customers' volumes."""
        name, settings = self._name, self._settings
        vault = keyvault.Vault(
            f"{name}-vault",
            vault_name=settings.key_vault_name,
            resource_group_name=self._group.name,
            properties=keyvault.VaultPropertiesArgs(
                tenant_id=settings.tenant_id,
                sku=keyvault.SkuArgs(family=keyvault.SkuFamily.A, name=keyvault.SkuName.STANDARD),
                enable_rbac_authorization=True,
                enable_soft_delete=True,
                # Without the key every Secret and every volume is lost.
                enable_purge_protection=True,
                soft_delete_retention_in_days=90,
            ),
            tags=self._tags,
            opts=self.child(),
        )
        key = keyvault.Key(
            f"{name}-key",
            resource_group_name=self._group.name,
            vault_name=vault.name,
            key_name=self._args.name,
            properties=keyvault.KeyPropertiesArgs(kty=keyvault.JsonWebKeyType.RSA, key_size=KEY_SIZE),
            opts=self.child(),
        )
        return vault, key

    def _allow(
        self, part: str, role: str, principal: pulumi.Input[str], scope: pulumi.Input[str]
    ) -> authorization.RoleAssignment:
        """Let one identity do one thing in one place."""
        definitions = f"/subscriptions/{self._settings.subscription_id}/providers/Microsoft.Authorization"
        return authorization.RoleAssignment(
            f"{self._name}-{part}",
            role_assignment_name=str(uuid.uuid5(_NAMESPACE, f"{self._args.name}/{part}")),
            principal_id=principal,
            principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
            role_definition_id=f"{definitions}/roleDefinitions/{ROLES[role]}",
            scope=scope,
            opts=self.child(),
        )

    def _disk_encryption(self, vault: keyvault.Vault, key: keyvault.Key) -> compute.DiskEncryptionSet:
        """Make what encrypts disks with the key."""
        disks = compute.DiskEncryptionSet(
            f"{self._name}-disks",
            resource_group_name=self._group.name,
            identity=compute.EncryptionSetIdentityArgs(
                type=compute.DiskEncryptionSetIdentityType.SYSTEM_ASSIGNED
            ),
            active_key=compute.KeyForDiskEncryptionSetArgs(
                key_url=key.key_uri_with_version, source_vault=compute.SourceVaultArgs(id=vault.id)
            ),
            encryption_type=compute.DiskEncryptionSetType.ENCRYPTION_AT_REST_WITH_CUSTOMER_KEY,
            tags=self._tags,
            opts=self.child(),
        )
        principal = disks.identity.apply(lambda identity: identity.principal_id if identity else "")
        self._allow("disks-use-key", "Key Vault Crypto Service Encryption User", principal, vault.id)
        return disks

    def _control_plane(
        self,
        subnet: network.Subnet,
        vault: keyvault.Vault,
        key: keyvault.Key,
        disks: compute.DiskEncryptionSet,
    ) -> tuple[containerservice.ManagedCluster, list[pulumi.Resource]]:
        name, args, settings = self._name, self._args, self._settings
        identity = managedidentity.UserAssignedIdentity(
            f"{name}-identity", resource_group_name=self._group.name, tags=self._tags, opts=self.child()
        )
        rights: list[pulumi.Resource] = [
            self._allow("joins-network", "Network Contributor", identity.principal_id, subnet.id),
            self._allow("uses-key", "Key Vault Crypto User", identity.principal_id, vault.id),
            self._allow("reads-disk-encryption", "Reader", identity.principal_id, disks.id),
        ]
        made = containerservice.ManagedCluster(
            name,
            resource_name_=args.name,
            resource_group_name=self._group.name,
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
                authorized_ip_ranges=settings.api_ranges, disable_run_command=True
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
                    key_id=key.key_uri_with_version,
                    key_vault_network_access=containerservice.KeyVaultNetworkAccessTypes.PUBLIC,
                ),
            ),
            disk_encryption_set_id=disks.id,
            auto_upgrade_profile=containerservice.ManagedClusterAutoUpgradeProfileArgs(
                upgrade_channel=containerservice.UpgradeChannel.NONE,
                node_os_upgrade_channel=containerservice.NodeOSUpgradeChannel.NODE_IMAGE,
            ),
            agent_pool_profiles=[self._system_pool(settings.system_pool, subnet)],
            tags=self._tags,
            # How many nodes there are now is the autoscaler's business.
            opts=self.child(depends_on=rights, ignore_changes=["agentPoolProfiles[0].count"]),
        )
        if args.protect:
            authorization.ManagementLockByScope(
                f"{name}-lock",
                scope=made.id,
                level=authorization.LockLevel.CAN_NOT_DELETE,
                notes="Customers' data is in this cluster.",
                opts=self.child(),
            )
        return made, rights

    def _system_pool(
        self, pool: NodePool, subnet: network.Subnet
    ) -> containerservice.ManagedClusterAgentPoolProfileArgs:
        key, value = cloud.SYSTEM_TAINT
        return containerservice.ManagedClusterAgentPoolProfileArgs(
            name="system",
            mode=containerservice.AgentPoolMode.SYSTEM,
            type=containerservice.AgentPoolType.VIRTUAL_MACHINE_SCALE_SETS,
            vm_size=pool.size or NODE_SIZE,
            count=pool.least,
            min_count=pool.least,
            max_count=pool.most,
            enable_auto_scaling=True,
            availability_zones=ZONES,
            vnet_subnet_id=subnet.id,
            enable_node_public_ip=False,
            orchestrator_version=self._settings.kubernetes_version,
            node_labels={cloud.POOL_LABEL: "system"},
            node_taints=[f"{key}={value}:NoSchedule"],
            tags=self._tags,
        )

    def _tenant_pool(
        self,
        made: containerservice.ManagedCluster,
        subnet: network.Subnet,
        depends_on: Sequence[pulumi.Resource],
    ) -> containerservice.AgentPool:
        pool = self._settings.tenant_pool
        return containerservice.AgentPool(
            f"{self._name}-tenants",
            agent_pool_name="tenants",
            resource_group_name=self._group.name,
            resource_name_=made.name,
            mode=containerservice.AgentPoolMode.USER,
            type=containerservice.AgentPoolType.VIRTUAL_MACHINE_SCALE_SETS,
            vm_size=pool.size or NODE_SIZE,
            count=pool.least,
            min_count=pool.least,
            max_count=pool.most,
            enable_auto_scaling=True,
            availability_zones=ZONES,
            vnet_subnet_id=subnet.id,
            enable_node_public_ip=False,
            orchestrator_version=self._settings.kubernetes_version,
            node_labels={cloud.POOL_LABEL: "tenants"},
            tags=self._tags,
            opts=self.child(depends_on=depends_on, ignore_changes=["count"]),
        )

    def _logs(self, made: containerservice.ManagedCluster) -> None:
        """Keep what the control plane says."""
        workspace = operationalinsights.Workspace(
            f"{self._name}-logs",
            resource_group_name=self._group.name,
            sku=operationalinsights.WorkspaceSkuArgs(
                name=operationalinsights.WorkspaceSkuNameEnum.PER_GB2018
            ),
            retention_in_days=self._settings.log_days,
            tags=self._tags,
            opts=self.child(),
        )
        monitor.DiagnosticSetting(
            f"{self._name}-logs",
            name="control-plane",
            resource_uri=made.id,
            workspace_id=workspace.id,
            logs=[
                monitor.DiagnosticsLogSettingsArgs(category=category, enabled=True)
                for category in CONTROL_PLANE_LOGS
            ],
            opts=self.child(),
        )

    def _maintenance(self, made: containerservice.ManagedCluster) -> None:
        """Say when Azure may touch the control plane and the nodes."""
        for what in ("aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule"):
            containerservice.MaintenanceConfiguration(
                f"{self._name}-{what}",
                config_name=what,
                resource_group_name=self._group.name,
                resource_name_=made.name,
                maintenance_window=maintenance_window(self._settings.maintenance),
                opts=self.child(),
            )

    def _kubeconfig(self, made: containerservice.ManagedCluster) -> pulumi.Output[str]:
        answer = containerservice.list_managed_cluster_user_credentials_output(
            resource_group_name=self._group.name,
            resource_name=made.name,
            opts=pulumi.InvokeOutputOptions(parent=self, provider=self._provider),
        )
        return answer.apply(lambda known: own_kubeconfig(self._args.name, known.kubeconfigs[0].value))


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
