"""Ports on the nodes for local clusters, where no load balancer hands out addresses.

A hash of the id cannot work: it gives ports that are not allowed, and two customers
the same ones. So ports are handed out once, the lowest free pair first, and written
into the tenant's file, where a review sees them and they never change again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.errors import UsageError
from tenants.facts import HIGHEST_NODE_PORT, LOWEST_NODE_PORT

if TYPE_CHECKING:
    from collections.abc import Collection

    from tenants.facts import NodePortRange


def usable(ports: NodePortRange) -> range:
    """Return the ports of a range.

    Raises:
        UsageError: The range is empty or leaves what Kubernetes allows.
    """
    if not LOWEST_NODE_PORT <= ports.first <= ports.last <= HIGHEST_NODE_PORT:
        raise UsageError.of(
            where=f"node ports {ports.first} to {ports.last}",
            what=f"is no range inside {LOWEST_NODE_PORT} to {HIGHEST_NODE_PORT}",
            why="Kubernetes refuses Services with other ports, and their tenants would not start",
            how=f"give a range of which both ends are inside {LOWEST_NODE_PORT} to {HIGHEST_NODE_PORT}",
        )
    return range(ports.first, ports.last + 1)


def free_ports(taken: Collection[int], count: int, ports: NodePortRange) -> tuple[int, ...]:
    """Return the lowest free ports of a range.

    The same registry always gives the same answer; two answers never overlap once the
    first is written down.

    Args:
        taken: Ports that some tenant of the cluster has already.
        count: How many are needed.
        ports: Where to look.

    Raises:
        UsageError: Not enough ports are left.
    """
    occupied = frozenset(taken)
    found: list[int] = []
    for port in usable(ports):
        if port not in occupied:
            found.append(port)
        if len(found) == count:
            return tuple(found)
    raise UsageError.of(
        where=f"node ports {ports.first} to {ports.last}",
        what=f"only {len(found)} of {count} ports are left",
        why="a port given twice leads devices to another customer's broker",
        how="use the mode shared, which needs no ports, or take them from a tenant that needs none",
    )
