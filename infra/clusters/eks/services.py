"""What AWS offers to what runs in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.clusters.eks.dns import AwsZone
from infra.clusters.eks.identities import AwsIdentities
from infra.clusters.eks.store import AwsStore

if TYPE_CHECKING:
    import pulumi
    from pulumi_aws import eks, kms

    from infra.clusters.eks.aws import AwsComponent


class AwsServices(AwsIdentities):
    """What AWS offers."""

    def __init__(self, aws: AwsComponent, made: eks.Cluster, key: kms.Key, agent: pulumi.Resource) -> None:
        super().__init__(aws, made, agent)
        self._key = key

    def zone(self, domain: str) -> AwsZone:
        """Return the zone of a domain in Route 53."""
        return AwsZone(self._aws, self, domain)

    def store(self, part: str, name: str, *, undelete_days: int) -> AwsStore:
        """Return a bucket of its own."""
        return AwsStore(self._aws, self, self._key, part, name, undelete_days=undelete_days)
