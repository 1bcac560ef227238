"""A zone in Route 53."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pulumi_aws import iam, route53

from infra.clusters.cloud import RECORD_SECONDS, record_part
from infra.clusters.eks.aws import policy_document
from infra.clusters.services import DnsSolver

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.clusters.eks.aws import AwsComponent
    from infra.clusters.eks.identities import AwsIdentities


class AwsZone:
    """A public zone."""

    def __init__(self, aws: AwsComponent, identities: AwsIdentities, domain: str) -> None:
        self._aws = aws
        self._identities = identities
        self._domain = domain
        self._zone = route53.Zone(
            f"{aws.name}-zone", name=domain, comment=f"Customers of {aws.args.name}", opts=aws.child()
        )

    @property
    def name_servers(self) -> pulumi.Output[Sequence[str]]:
        """Who answers for the zone."""
        return self._zone.name_servers

    def point(self, host: str, address: pulumi.Input[str], *, passing: bool = False) -> None:
        """Let a name lead to a balancer, which in AWS has a name."""
        self._record(host, address, self._aws.lasting(passing=passing))

    def alias(self, host: str, other: str) -> None:
        """Let a name lead wherever another one does."""
        self._record(host, f"{other}.{self._domain}", self._aws.lasting(passing=True))

    def _record(self, host: str, target: pulumi.Input[str], opts: pulumi.ResourceOptions) -> None:
        route53.Record(
            f"{self._aws.name}-{record_part(host)}",
            zone_id=self._zone.zone_id,
            name=f"{host}.{self._domain}",
            type=route53.RecordType.CNAME,
            ttl=RECORD_SECONDS,
            records=[target],
            opts=opts,
        )

    def solver(self, namespace: str, service_account: str) -> DnsSolver:
        """Return how cert-manager writes to the zone: TXT records of challenges, and nothing else."""
        identity = self._identities.identity(
            "certificates", namespace=namespace, service_account=service_account
        )
        right = iam.RolePolicy(
            f"{self._aws.name}-certificates",
            role=identity.principal,
            policy=self._zone.arn.apply(may_answer_challenges),
            opts=self._aws.child(),
        )
        return DnsSolver.of(
            {
                "route53": {"region": self._aws.settings.region, "hostedZoneID": self._zone.zone_id},
            },
            identity=identity,
            right=right,
        )


def may_answer_challenges(zone: str) -> str:
    """Return the policy of who writes answers to challenges into a zone, and no other record."""
    return policy_document(
        {
            "Effect": "Allow",
            "Action": "route53:ChangeResourceRecordSets",
            "Resource": zone,
            "Condition": {
                "ForAllValues:StringEquals": {"route53:ChangeResourceRecordSetsRecordTypes": ["TXT"]}
            },
        },
        {"Effect": "Allow", "Action": "route53:ListResourceRecordSets", "Resource": zone},
        # Changes have ids of their own; asking for their progress tells nothing else.
        {"Effect": "Allow", "Action": "route53:GetChange", "Resource": "arn:aws:route53:::change/*"},
    )
