"""Nothing is deleted because something is missing.

Pulumi deletes whatever the program stops declaring. For a customer that would mean: a file
lost in a merge, a wrong folder, a bad checkout, and a database is gone. So the program asks
the engine which customers the stack holds and refuses to leave any of them out, unless the
registry itself says that they were removed, and the last run had decommissioned them.

The engine's own protection comes too late: it forgets what goes with a namespace before it
refuses to delete the namespace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pulumi
from tenacity import retry, stop_after_attempt, wait_fixed

from infra.customer.instance import CustomerInstance
from tenants.errors import Problem, UsageError
from tenants.models import LifecycleState
from tenants.removed import TOMBSTONES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_READ_STACK: Final = "pulumi:pulumi:readStackResourceOutputs"
"""The engine's own function that returns a stack's resources, also after a run that was killed."""

_READ_ATTEMPTS: Final = 10
_READ_PAUSE_SECONDS: Final = 0.3
"""The state in a folder is not written in one step, so a read in that moment finds half of it."""


async def deployed_tenants() -> dict[str, str]:
    """Return the customers that this stack's state holds, as `tenants_among` does."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    found = await _resources_of(stack)
    return tenants_among((urn, resource.get("outputs", {})) for urn, resource in found.items())


@retry(stop=stop_after_attempt(_READ_ATTEMPTS), wait=wait_fixed(_READ_PAUSE_SECONDS), reraise=True)
async def _resources_of(stack: str) -> Mapping[str, Mapping[str, Any]]:
    answer = await pulumi.runtime.invoke_async(_READ_STACK, {"stackName": stack})
    resources: Mapping[str, Mapping[str, Any]] = answer["outputs"]
    return resources


def tenants_among(resources: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """Return the customers whose instances are among some resources.

    Args:
        resources: URNs, with the outputs that the state has of each.

    Returns:
        Each one's lifecycle as the last run applied it, by id; empty where that run did not come so far.
    """
    found = {}
    for urn, outputs in resources:
        _stack, _project, token, name = urn.split("::", 3)
        if token.split("$")[-1] == CustomerInstance.TYPE:
            found[name] = str(outputs.get(CustomerInstance.LIFECYCLE, ""))
    return found


def refuse_vanished(
    *, deployed: Mapping[str, str], registered: Collection[str], removed: Collection[str], folder: str
) -> None:
    """Refuse a registry that lacks a customer whom the stack still holds.

    Args:
        deployed: Customers in the stack's state, each with its lifecycle as last applied.
        registered: Customers with a file.
        removed: Customers whose removal the registry records.
        folder: The environment's folder, for the messages.

    Raises:
        UsageError: With one problem for each customer that vanished, or whose removal comes too early.
    """
    problems = []
    for tenant, lifecycle in sorted(deployed.items()):
        if tenant in registered:
            continue
        if tenant not in removed:
            problems.append(_vanished(tenant, folder))
        elif lifecycle != LifecycleState.DECOMMISSIONED:
            problems.append(_too_early(tenant, lifecycle, folder))
    if problems:
        raise UsageError(problems)


def _vanished(tenant: str, folder: str) -> Problem:
    return Problem(
        where=f"{folder}/{tenant}.yaml",
        what=f"the file is missing, but the customer {tenant!r} is running",
        why="leaving it out would delete the customer's database, broker and backups' source",
        how=(
            f"bring the file back (git checkout -- {folder}/{tenant}.yaml); to stop serving the "
            "customer decommission it there (lifecycle: state and delete_after), and once that date "
            f"has passed record the id in {folder}/_removed.yaml"
        ),
    )


def _too_early(tenant: str, lifecycle: str, folder: str) -> Problem:
    return Problem(
        where=f"{folder}/{TOMBSTONES}: removed",
        what=f"records {tenant!r}, whom the last run left {lifecycle or 'unfinished'}, not decommissioned",
        why="a customer would be deleted whose end was never applied, without a last backup",
        how=(
            f"take the record out, bring {folder}/{tenant}.yaml back from git, decommission the customer "
            "there and let it run once; then: iotistic tenant remove"
        ),
    )
