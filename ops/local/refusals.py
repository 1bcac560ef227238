"""What a dev environment refuses by the state that it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from ops.local.inventory import Inventory


def refuse_orphans(found: Inventory) -> None:
    """Refuse to start anew in a cluster that holds customers this machine's state does not know.

    Raises:
        UsageError: Naming the namespaces.
    """
    namespaces = found.tenant_namespaces()
    if namespaces:
        raise UsageError.of(
            where=found.cluster,
            what=f"it already holds customers that this machine has no state of: {', '.join(namespaces)}",
            why="their passwords came from a key that is not here, so their databases would refuse us",
            how="use the machine that made them, or bring its .local folder here, or choose an empty cluster",
        )


def refuse_moving_volumes(*, node: bool, stack: bool, folder: Path) -> None:
    """Refuse a real node for customers whose volumes are on simulated ones.

    Args:
        node: The environment has a real node.
        stack: The environment has customers.
        folder: The environment's folder, for the message.

    Raises:
        UsageError: It has customers, and no real node.
    """
    if stack and not node:
        raise UsageError.of(
            where=str(folder),
            what="the environment already runs on simulated nodes",
            why="a volume cannot move to another class: every customer's would be replaced by an empty one",
            how="take the environment down first (make down), then bring it up with: make up NODE=real",
        )
