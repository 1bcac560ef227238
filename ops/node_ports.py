"""Hand out ports on the nodes to tenants that use them and have none yet."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tenants.models import NODE_PORTS, MqttMode
from tenants.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tenants.facts import NodePortRange
    from tenants.tenant import Tenant

KEYS = tuple(("mqtt", key) for key in NODE_PORTS)
"""Where a tenant's file keeps its ports."""


def ports_of(tenant: Tenant) -> tuple[int | None, ...]:
    """Return a tenant's ports for MQTT, for MQTT over WebSocket, for the API and for the dashboard."""
    return tuple(getattr(tenant.mqtt, key) for key in NODE_PORTS)


def taken_ports(tenants: Iterable[Tenant]) -> dict[str, set[int]]:
    """Return the ports that are given away, by cluster."""
    taken: dict[str, set[int]] = defaultdict(set)
    for tenant in tenants:
        taken[tenant.cluster] |= {port for port in ports_of(tenant) if port is not None}
    return taken


def allocate(
    tenants: Iterable[Tenant], *, wanting: Iterable[Tenant], ports: NodePortRange
) -> dict[str, dict[tuple[str, ...], int]]:
    """Return the changes that give each tenant in want the ports that it lacks.

    Args:
        tenants: All tenants of the environment.
        wanting: Those that need ports; what one has already, it keeps.
        ports: The range to take them from.

    Raises:
        UsageError: Not enough ports are left.
    """
    taken = taken_ports(tenants)
    changes: dict[str, dict[tuple[str, ...], int]] = {}
    for tenant in sorted(wanting, key=lambda one: one.id):
        lacking = [key for key, port in zip(KEYS, ports_of(tenant), strict=True) if port is None]
        found = free_ports(taken[tenant.cluster], len(lacking), ports)
        taken[tenant.cluster] |= set(found)
        changes[tenant.id] = dict(zip(lacking, found, strict=True))
    return changes


def in_want(tenants: Iterable[Tenant]) -> list[Tenant]:
    """Return the tenants whose mode needs ports of which one at least is missing."""
    return [one for one in tenants if one.mqtt.mode is MqttMode.NODE_PORT and None in ports_of(one)]
