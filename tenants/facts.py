"""What the registry is checked against that stands in no tenant's file."""

from __future__ import annotations

from dataclasses import dataclass, field

LOWEST_NODE_PORT = 30000
HIGHEST_NODE_PORT = 32767


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePortRange:
    """The ports that tenants may have on the nodes, both ends included."""

    first: int = LOWEST_NODE_PORT
    last: int = HIGHEST_NODE_PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePool:
    """What the nodes of a cluster can promise in all, as Kubernetes quantities."""

    cpu: str
    memory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentFacts:
    """An environment, as far as the registry must know it.

    Attributes:
        domain: Hosts are ``<id>.<domain>`` and ``mqtt-<id>.<domain>``.
        tenants_per_cell: Largest number of tenants that are changed together.
        namespaces_per_cluster: Kubernetes' own limit for a large cluster.
        services_per_cluster: Kubernetes' own limit for a large cluster.
        platform_namespaces: Namespaces that are not tenants', of those.
        platform_services: Services that are not tenants', of those.
        node_pool: What the nodes can promise, or None where they grow by themselves.
        node_ports: The ports that tenants may have on the nodes.
    """

    domain: str
    tenants_per_cell: int = 10
    namespaces_per_cluster: int = 10_000
    services_per_cluster: int = 10_000
    platform_namespaces: int = 20
    platform_services: int = 100
    node_pool: NodePool | None = None
    node_ports: NodePortRange = field(default_factory=NodePortRange)
