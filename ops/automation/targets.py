"""Which stacks workflows serve, in which order, and why the others are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ops.stack_config import committed_config, environments
from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

LOCAL: Final = "its cluster is simulated, on the machine of whoever works on it; there: make up"
"""Why a stack of the dev environment is nothing that a runner could reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A stack with a committed configuration, as workflows see it.

    Attributes:
        stack: Its name.
        protected: Whether its data is, so that others go before it.
        left_out: Why no workflow serves it; None where they do.
    """

    stack: str
    protected: bool
    left_out: str | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """All stacks: those without protected data first, then by name."""

    all: tuple[Target, ...]

    @property
    def served(self) -> list[str]:
        """The stacks that workflows serve, in the order in which they are updated."""
        return [one.stack for one in self.all if one.left_out is None]

    @property
    def unprotected(self) -> list[str]:
        """Those that are updated first."""
        return [one.stack for one in self.all if one.left_out is None and not one.protected]

    @property
    def protected(self) -> list[str]:
        """Those that are updated once all others were."""
        return [one.stack for one in self.all if one.left_out is None and one.protected]

    @property
    def beside(self) -> list[str]:
        """The one stack beside which pull requests have stacks of their own; none where there is none."""
        return self.unprotected[:1]

    def reasons(self, names: Iterable[str]) -> dict[str, str]:
        """Return why some of these stacks are left out, by name."""
        wanted = set(names)
        return {one.stack: one.left_out for one in self.all if one.left_out and one.stack in wanted}


def is_protected(config: Mapping[str, Any]) -> bool:
    """Return whether a configuration protects its stack's data: it does unless it says that it does not."""
    return str(config.get("iotistic:protect", True)).lower() != "false"


def targets_of(root: Path) -> Targets:
    """Return what workflows serve of the stacks that have a committed configuration.

    Args:
        root: The project's folder.

    Raises:
        UsageError: With every configuration that is broken.
    """
    found: list[Target] = []
    problems: list[Problem] = []
    for name in environments(root):
        try:
            config = committed_config(name, root=root)
        except UsageError as error:
            problems += error.problems
            continue
        left_out = LOCAL if config.get("iotistic:cluster") == "simulated" else None
        found.append(Target(stack=name, protected=is_protected(config), left_out=left_out))
    if problems:
        raise UsageError(problems)
    return Targets(tuple(sorted(found, key=lambda one: (one.protected, one.stack))))
