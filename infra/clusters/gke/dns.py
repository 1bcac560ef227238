"""A zone in Cloud DNS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_gcp import dns

from infra.clusters.cloud import RECORD_SECONDS, record_part
from infra.clusters.services import DnsSolver

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.clusters.gke.google import GoogleComponent
    from infra.clusters.gke.identities import GoogleIdentities


class GoogleZone:
    """A public zone."""

    def __init__(self, google: GoogleComponent, identities: GoogleIdentities, domain: str) -> None:
        self._google = google
        self._identities = identities
        self._domain = domain
        self._zone = dns.ManagedZone(
            f"{google.name}-zone",
            name=google.args.name,
            dns_name=f"{domain}.",
            description=f"Customers of {google.args.name}",
            visibility="public",
            force_destroy=False,
            opts=google.child(),
        )

    @property
    def name_servers(self) -> pulumi.Output[Sequence[str]]:
        """Who answers for the zone."""
        return self._zone.name_servers

    def point(self, host: str, address: pulumi.Input[str], *, passing: bool = False) -> None:
        """Let a name lead to a balancer, which in Google Cloud has an address."""
        self._record(host, "A", address, self._google.lasting(passing=passing))

    def alias(self, host: str, other: str) -> None:
        """Let a name lead wherever another one does."""
        self._record(host, "CNAME", f"{other}.{self._domain}.", self._google.lasting(passing=True))

    def _record(self, host: str, kind: str, target: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
        dns.RecordSet(
            f"{self._google.name}-{record_part(host)}",
            managed_zone=self._zone.name,
            name=f"{host}.{self._domain}.",
            type=kind,
            ttl=RECORD_SECONDS,
            rrdatas=[target],
            opts=opts,
        )

    def solver(self, namespace: str, service_account: str) -> DnsSolver:
        """Return how cert-manager writes to the zone: with a right to this zone alone."""
        google = self._google
        identity = self._identities.identity(
            "certificates", namespace=namespace, service_account=service_account
        )
        right = dns.DnsManagedZoneIamMember(
            f"{google.name}-certificates",
            managed_zone=self._zone.name,
            role="roles/dns.admin",
            member=identity.principal,
            opts=google.child(depends_on=identity.ready),
        )
        return DnsSolver.of(
            # Named, the zone need not be looked for, which would take a right to the whole project.
            {"cloudDNS": {"project": google.settings.project, "hostedZoneName": google.args.name}},
            identity=identity,
            right=right,
        )
