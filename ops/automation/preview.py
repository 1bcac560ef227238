"""The preview of a change: what it does to the registry, then what the engine would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ops.automation.affected import affected_stacks
from ops.automation.failures import FAILURES, told
from ops.automation.reports import PreviewReport
from ops.git import branch_point, changed_files
from ops.git_version import version_at
from ops.stack_config import committed_config, environments
from ops.workspace import ROOT, Workspace
from tenants.changes import compare

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from ops.automation.engine import Stack
    from tenants.changes import Comparison, Limits
    from tenants.registry import Registry


def stacks_of_change(base: str) -> list[str]:
    """Return the stacks that the working copy's changes since a commit are about.

    Raises:
        UsageError: git cannot tell, or a stack's configuration is broken.
    """
    stacks = {
        name: str(committed_config(name, root=ROOT)["iotistic:environment"]) for name in environments(ROOT)
    }
    return affected_stacks(changed_files(ROOT, branch_point(ROOT, base)), stacks)


def preview_stack(
    stack: Stack, *, base: str, limits: Limits, today: date, as_markdown: Callable[[Comparison], str]
) -> PreviewReport:
    """Return what the working copy would do to a stack.

    The engine is not asked where the registry is refused: nothing may come of it anyway.

    Args:
        stack: The stack.
        base: What the working copy's branch started from.
        limits: What the registry's changes may do.
        today: The day to judge them by.
        as_markdown: How a comparison is told.
    """
    registry = ""
    try:
        workspace = Workspace.open(stack.name)
        comparison = changes_since(base, workspace, workspace.registry(), limits=limits, today=today)
        registry = as_markdown(comparison)
        if comparison.refusals:
            return PreviewReport(stack=stack.name, registry=registry, refused=True)
        return PreviewReport(stack=stack.name, registry=registry, changes=stack.preview())
    except FAILURES as error:
        return PreviewReport(stack=stack.name, registry=registry, errors=told(error, stack=stack.name))


def changes_since(
    base: str, workspace: Workspace, registry: Registry, *, limits: Limits, today: date
) -> Comparison:
    """Return what the working copy's branch does to a registry.

    Args:
        base: What the branch started from.
        workspace: Where the registry is.
        registry: The registry as it is there.
        limits: What the changes may do.
        today: The day to judge the changes by.

    Raises:
        UsageError: git cannot tell, or the registry of that time cannot be read.
    """
    before = version_at(workspace, branch_point(ROOT, base))
    return compare(before, workspace.version(registry), today=today, limits=limits)
