"""What a cloud offers to what runs in its cluster: identities, names, room for files.

Each cloud's package implements these once; no other module asks which cloud it is on. A
cluster that somebody else made offers nothing of this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the pods of one service account are in the cloud. They hold no key of it.

    Attributes:
        principal: Whom rights are granted to, in the cloud's own words.
        annotations: Of the service account.
        pod_labels: Of its pods.
        ready: What has to exist before a pod can use the identity.
    """

    principal: pulumi.Input[str]
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    ready: Sequence[pulumi.Resource] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsSolver:
    """How cert-manager proves that a domain is ours, by a record in its zone.

    Attributes:
        dns01: What stands under ``dns01`` of a solver in an ACME issuer. It holds no key.
        annotations: Of cert-manager's service account: what it is in the cloud.
        pod_labels: Of its pods.
        ready: What has to exist before it can write to the zone.
    """

    dns01: Mapping[str, Any]
    annotations: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    ready: Sequence[pulumi.Resource] = ()

    @classmethod
    def of(cls, dns01: Mapping[str, Any], *, identity: Identity, right: pulumi.Resource) -> DnsSolver:
        """Return the solver of an identity that has been given the right to write to one zone."""
        return cls(
            dns01=dns01,
            annotations=identity.annotations,
            pod_labels=identity.pod_labels,
            ready=[*identity.ready, right],
        )


class Zone(Protocol):
    """A public DNS zone."""

    @property
    def name_servers(self) -> pulumi.Output[Sequence[str]]:
        """Who answers for it: what the zone above has to be told."""

    def point(self, host: str, address: pulumi.Input[str], *, passing: bool = False) -> None:
        """Let a name lead to a balancer of this cloud.

        Args:
            host: The name below the zone: ``*``, ``mqtt``.
            address: What the cloud's balancers have, an address or a name.
            passing: Whether the name goes with its customer.
        """

    def alias(self, host: str, other: str) -> None:
        """Let a name lead wherever another one of the zone does, for as long as a customer is there."""

    def solver(self, namespace: str, service_account: str) -> DnsSolver:
        """Return how cert-manager, which runs with this service account, writes to the zone."""


class Store(Protocol):
    """A place for files: versions, encryption with the cluster's key, nothing public.

    It is divided by namespaces: what runs in one reaches its own part and no other.
    """

    def part(self, namespace: str, service_account: str) -> Identity:
        """Return the identity that may read and write the part of its own namespace, and no other."""


class Services(Protocol):
    """What a cloud offers."""

    def identity(self, part: str, *, namespace: str, service_account: str) -> Identity:
        """Return the identity of a service account's pods, so far without any right.

        Args:
            part: What it is called among the cluster's resources.
            namespace: The service account's namespace.
            service_account: Its name.
        """

    def zone(self, domain: str) -> Zone:
        """Return the zone of a domain."""

    def store(self, part: str, name: str, *, undelete_days: int) -> Store:
        """Return a place for files.

        Args:
            part: What it is called among the cluster's resources.
            name: Its name in the cloud, unique in all of it.
            undelete_days: For how many days what is overwritten or deleted can be had back.
        """
