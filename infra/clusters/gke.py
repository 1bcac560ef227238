"""A cluster on Google Kubernetes Engine, with its network, key, identities and nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pulumi
from pulumi_gcp import Provider, compute, container, kms, projects, serviceaccount

from infra.clusters import cloud

if TYPE_CHECKING:
    from infra.clusters.cloud_settings import GkeSettings, Maintenance, NodePool
    from infra.clusters.cluster import Cluster

NODE_SIZE: Final = "n1-standard-4"
KEY_ROTATION_SECONDS: Final = 90 * 24 * 3600
SYSTEM_LOGS: Final = ["SYSTEM_COMPONENTS", "APISERVER", "CONTROLLER_MANAGER", "SCHEDULER"]
NODE_ROLES: Final = ("container.defaultNodeServiceAccount", "artifactregistry.reader")
KEY_USE: Final = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


class GkeCluster(cloud.CloudCluster):
    """The cluster.

    Attributes:
        cluster: It, as the rest of the program knows it.
    """

    def __init__(self, name: str, args: cloud.CloudArgs, settings: GkeSettings) -> None:
        provider = Provider(
            f"{name}-google",
            project=settings.project,
            region=settings.region,
            default_labels=args.tags(settings.tags),
        )
        super().__init__("Gke", name, args, provider)
        self._name = name
        self._settings = settings
        network, subnet, way_out = self._network()
        key, key_uses = self._key()
        made = self._control_plane(network, subnet, key, [way_out, *key_uses])
        account, roles = self._node_account()
        pools: list[pulumi.Resource] = [
            self._pool(pool, nodes, made=made, account=account, key=key, roles=roles)
            for pool, nodes in (("system", settings.system_pool), ("tenants", settings.tenant_pool))
        ]
        self.cluster: Cluster = self.connected(
            pulumi.Output.all(
                made.endpoint, made.master_auth.apply(lambda it: it.cluster_ca_certificate)
            ).apply(
                lambda known: cloud.kubeconfig(
                    args.name,
                    server=f"https://{known[0]}",
                    authority=known[1],
                    command={"command": "gke-gcloud-auth-plugin", "provideClusterInfo": True},
                )
            ),
            {
                "provisioner": "pd.csi.storage.gke.io",
                "parameters": {"type": "pd-balanced", "disk-encryption-kms-key": key.id},
            },
            ready=pools,
        )
        self.register_outputs({})

    def _network(self) -> tuple[compute.Network, compute.Subnetwork, compute.RouterNat]:
        """Make the network, with one way out for nodes that have no public address."""
        name = self._name
        network = compute.Network(
            f"{name}-network", auto_create_subnetworks=False, routing_mode="REGIONAL", opts=self.child()
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
            opts=self.child(),
        )
        router = compute.Router(f"{name}-router", network=network.id, opts=self.child())
        way_out = compute.RouterNat(
            f"{name}-nat",
            router=router.name,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            opts=self.child(),
        )
        return network, subnet, way_out

    def _key(self) -> tuple[kms.CryptoKey, list[pulumi.Resource]]:
        """Make the key of Secrets, nodes' disks and customers' volumes, and let Google's services use it."""
        name, number = self._name, self._settings.project_number
        ring = kms.KeyRing(f"{name}-keys", location=self._settings.region, opts=self.child())
        key = kms.CryptoKey(
            f"{name}-key", key_ring=ring.id, rotation_period=f"{KEY_ROTATION_SECONDS}s", opts=self.child()
        )
        accounts = {"container": "container-engine-robot", "compute": "compute-system"}
        uses: list[pulumi.Resource] = [
            kms.CryptoKeyIAMMember(
                f"{name}-key-{service}",
                crypto_key_id=key.id,
                role=KEY_USE,
                member=f"serviceAccount:service-{number}@{account}.iam.gserviceaccount.com",
                opts=self.child(),
            )
            for service, account in accounts.items()
        ]
        return key, uses

    def _node_account(self) -> tuple[serviceaccount.Account, list[pulumi.Resource]]:
        """Make the nodes' identity: logs, metrics and images, and nothing else of the project."""
        account = serviceaccount.Account(
            f"{self._name}-node",
            account_id=f"{self._args.name[:20]}-node",
            display_name=f"Nodes of {self._args.name}",
            opts=self.child(),
        )
        roles: list[pulumi.Resource] = [
            projects.IAMMember(
                f"{self._name}-node-{role}",
                project=self._settings.project,
                role=f"roles/{role}",
                member=account.member,
                opts=self.child(),
            )
            for role in NODE_ROLES
        ]
        return account, roles

    def _control_plane(
        self,
        network: compute.Network,
        subnet: compute.Subnetwork,
        key: kms.CryptoKey,
        depends_on: list[pulumi.Resource],
    ) -> container.Cluster:
        settings = self._settings
        return container.Cluster(
            self._name,
            name=self._args.name,
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
                workload_pool=f"{settings.project}.svc.id.goog"
            ),
            database_encryption=container.ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=key.id),
            logging_config=container.ClusterLoggingConfigArgs(enable_components=SYSTEM_LOGS),
            maintenance_policy=container.ClusterMaintenancePolicyArgs(
                recurring_window=maintenance_window(settings.maintenance)
            ),
            enable_shielded_nodes=True,
            deletion_protection=self._args.protect,
            opts=self.child(depends_on=depends_on),
        )

    def _pool(  # noqa: PLR0913 - a pool of nodes stands on this much
        self,
        pool: str,
        settings: NodePool,
        *,
        made: container.Cluster,
        account: serviceaccount.Account,
        key: kms.CryptoKey,
        roles: list[pulumi.Resource],
    ) -> container.NodePool:
        taint, value = cloud.SYSTEM_TAINT
        taints = [container.NodePoolNodeConfigTaintArgs(key=taint, value=value, effect="NO_SCHEDULE")]
        return container.NodePool(
            f"{self._name}-{pool}",
            cluster=made.id,
            location=self._settings.region,
            version=self._settings.kubernetes_version,
            # In all zones together: the other limits count in each zone.
            autoscaling=container.NodePoolAutoscalingArgs(
                total_min_node_count=settings.least,
                total_max_node_count=settings.most,
                location_policy="BALANCED",
            ),
            management=container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=False),
            upgrade_settings=container.NodePoolUpgradeSettingsArgs(max_surge=1, max_unavailable=0),
            node_config=container.NodePoolNodeConfigArgs(
                machine_type=settings.size or NODE_SIZE,
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
                labels={cloud.POOL_LABEL: pool},
                taints=taints if pool == "system" else [],
            ),
            opts=self.child(depends_on=roles),
        )


def maintenance_window(maintenance: Maintenance) -> container.ClusterMaintenancePolicyRecurringWindowArgs:
    """Return the weekly window. Its date only says when the series began: any will do, if it stays."""
    return container.ClusterMaintenancePolicyRecurringWindowArgs(
        start_time=f"2026-01-01T{maintenance.hour:02}:00:00Z",
        end_time=f"2026-01-01T{maintenance.hour + maintenance.hours:02}:00:00Z",
        recurrence=f"FREQ=WEEKLY;BYDAY={maintenance.day[:2].upper()}",
    )
