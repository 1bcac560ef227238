"""A zone in Azure DNS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_azure_native import dns

from infra.clusters.cloud import RECORD_SECONDS, record_part
from infra.clusters.services import DnsSolver

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.clusters.aks.azure import AzureComponent
    from infra.clusters.aks.identities import AzureIdentities


class AzureZone:
    """A public zone in the cluster's resource group."""

    def __init__(self, azure: AzureComponent, identities: AzureIdentities, domain: str) -> None:
        self._azure = azure
        self._identities = identities
        self._domain = domain
        self._zone = dns.Zone(
            f"{azure.name}-zone",
            zone_name=domain,
            zone_type=dns.ZoneType.PUBLIC,
            resource_group_name=azure.group.name,
            location="global",
            tags=azure.tags,
            opts=azure.child(),
        )

    @property
    def name_servers(self) -> pulumi.Output[Sequence[str]]:
        """Who answers for the zone."""
        return self._zone.name_servers

    def point(self, host: str, address: pulumi.Input[str], *, passing: bool = False) -> None:
        """Let a name lead to a balancer, which in Azure has an address."""
        self._record(
            host, "A", self._azure.lasting(passing=passing), a_records=[dns.ARecordArgs(ipv4_address=address)]
        )

    def alias(self, host: str, other: str) -> None:
        """Let a name lead wherever another one does."""
        target = dns.CnameRecordArgs(cname=f"{other}.{self._domain}")
        self._record(host, "CNAME", self._azure.lasting(passing=True), cname_record=target)

    def _record(
        self,
        host: str,
        kind: str,
        opts: pulumi.ResourceOptions,
        *,
        a_records: Sequence[dns.ARecordArgs] | None = None,
        cname_record: dns.CnameRecordArgs | None = None,
    ) -> None:
        dns.RecordSet(
            f"{self._azure.name}-{record_part(host)}",
            zone_name=self._zone.name,
            resource_group_name=self._azure.group.name,
            relative_record_set_name=host,
            record_type=kind,
            ttl=RECORD_SECONDS,
            a_records=a_records,
            cname_record=cname_record,
            opts=opts,
        )

    def solver(self, namespace: str, service_account: str) -> DnsSolver:
        """Return how cert-manager writes to the zone: as an identity with a right to this zone alone."""
        identity = self._identities.identity(
            "certificates", namespace=namespace, service_account=service_account
        )
        right = self._azure.allow(
            "certificates-write-zone",
            "DNS Zone Contributor",
            principal=identity.principal,
            scope=self._zone.id,
        )
        return DnsSolver.of(
            {
                "azureDNS": {
                    "subscriptionID": self._azure.settings.subscription_id,
                    "resourceGroupName": self._azure.args.name,
                    "hostedZoneName": self._domain,
                    "environment": "AzurePublicCloud",
                    "managedIdentity": {
                        "clientID": identity.annotations["azure.workload.identity/client-id"]
                    },
                }
            },
            identity=identity,
            right=right,
        )
