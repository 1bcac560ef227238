"""Nothing is deleted because something is missing.

Pulumi deletes whatever the program stops declaring. For a customer that would mean: a file
lost in a merge, a wrong folder, a bad checkout, and a database is gone. So the program asks
the engine which customers the stack holds and refuses to leave any of them out, unless the
registry itself says that they were removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pulumi
from tenacity import retry, stop_after_attempt, wait_fixed

from infra.customer.instance import CustomerInstance
from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_READ_STACK: Final = "pulumi:pulumi:readStackResourceOutputs"
"""The engine's own function that returns a stack's resources, also after a run that was killed."""

_READ_ATTEMPTS: Final = 10
_READ_PAUSE_SECONDS: Final = 0.3
"""The state in a folder is not written in one step, so a read in that moment finds half of it."""


async def deployed_tenants() -> frozenset[str]:
    """Return the ids of the customers that this stack's state holds."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    return tenants_among(await _resources_of(stack))


@retry(stop=stop_after_attempt(_READ_ATTEMPTS), wait=wait_fixed(_READ_PAUSE_SECONDS), reraise=True)
async def _resources_of(stack: str) -> Iterable[str]:
    answer = await pulumi.runtime.invoke_async(_READ_STACK, {"stackName": stack})
    urns: dict[str, object] = answer["outputs"]
    return urns


def tenants_among(urns: Iterable[str]) -> frozenset[str]:
    """Return the ids of the customers whose instances are among these URNs."""
    names = (urn.split("::", 3) for urn in urns)
    return frozenset(
        name for _stack, _project, token, name in names if token.split("$")[-1] == CustomerInstance.TYPE
    )


def refuse_vanished(
    *, deployed: Collection[str], registered: Collection[str], removed: Collection[str], folder: str
) -> None:
    """Refuse a registry that lacks a customer whom the stack still holds.

    Args:
        deployed: Customers in the stack's state.
        registered: Customers with a file.
        removed: Customers whose removal the registry records.
        folder: The environment's folder, for the messages.

    Raises:
        UsageError: With one problem for each customer that vanished.
    """
    vanished = sorted(set(deployed) - set(registered) - set(removed))
    if vanished:
        raise UsageError(
            Problem(
                where=f"{folder}/{tenant}.yaml",
                what=f"the file is missing, but the customer {tenant!r} is running",
                why="leaving it out would delete the customer's database, broker and backups' source",
                how=(
                    f"bring the file back (git checkout -- {folder}/{tenant}.yaml); to stop serving the "
                    "customer decommission it there (lifecycle: state and delete_after), and once that date "
                    f"has passed record the id in {folder}/_removed.yaml"
                ),
            )
            for tenant in vanished
        )
