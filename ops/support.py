"""How long a cloud still supports the version of Kubernetes that an environment's cluster has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.clusters.cloud_settings import CLOUDS
from infra.clusters.support import TABLE, load_support
from ops.stack_config import committed_config, environments
from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

NEAR: Final = 90
"""Days before the end of support in which an upgrade has to be planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where an environment's cluster stands.

    Attributes:
        environment: The environment.
        cloud: Its kind of cluster.
        version: Its version of Kubernetes, as the configuration says it.
        end: Last day of that version's support.
        newest: The newest version that the cloud is known to have.
        newest_end: Last day of that one's support.
        outdated: Whether there must be a newer one by now.
        left: Days until then; negative once it is over.
        state: ``supported``, ``ending`` or ``ended``.
    """

    environment: str
    cloud: str
    version: str
    end: date
    newest: str
    newest_end: date
    outdated: bool
    left: int
    state: str

    @property
    def advice(self) -> list[str]:
        """What to do: nothing while the version is supported for long, and newer ones are known."""
        found = []
        if self.state != "supported":
            verb = "ended" if self.state == "ended" else "ends"
            found.append(
                f"support {verb} on {self.end}; the newest known is {self.newest}. Upgrade one minor version "
                "at a time: change iotistic:cloud.kubernetesVersion, then pulumi up"
            )
        if self.outdated:
            found.append(
                f"{TABLE} is out of date: of {self.cloud} it knows nothing newer than {self.newest}, which "
                f"is supported until {self.newest_end}. Look the newer ones up and complete it"
            )
        return found


def standing_of(environment: str, *, root: Path, today: date, days: int) -> Standing:
    """Return where an environment's cluster stands.

    Args:
        environment: The environment.
        root: The project's folder.
        today: The day to judge by.
        days: Days before the end that are near it.

    Raises:
        UsageError: The stack makes no cluster, or nobody knows until when its version is supported.
    """
    where = f"Pulumi.{environment}.yaml"
    config = committed_config(environment, root=root)
    cloud = config.get("iotistic:cluster")
    if cloud not in CLOUDS:
        raise UsageError.of(
            where=f"{where}: iotistic:cluster",
            what=f"is {cloud}, which the stack does not make",
            why="whoever makes a cluster decides about its version",
            how=f"use an environment on one of {', '.join(CLOUDS)}",
        )
    version = str(config.get("iotistic:cloud", {}).get("kubernetesVersion"))
    support = load_support(cloud)
    end = support.until(version)
    if end is None:
        raise UsageError.of(
            where=f"{where}: iotistic:cloud.kubernetesVersion",
            what=f"is {version}, and {TABLE} knows {', '.join(support.ends)} of {cloud}",
            why="nobody is told when its support ends",
            how=f"look the day up and complete {TABLE}, or use a version that is there",
        )
    left = (end - today).days
    return Standing(
        environment=environment,
        cloud=cloud,
        version=version,
        end=end,
        newest=support.newest,
        newest_end=support.ends[support.newest],
        outdated=support.is_outdated(today),
        left=left,
        state="ended" if left < 0 else "ending" if left <= days else "supported",
    )


def all_standings(*, root: Path, today: date, days: int) -> list[Standing]:
    """Return where the cluster of every environment stands that makes one.

    Raises:
        UsageError: With one problem for each whose end of support nobody knows.
    """
    found: list[Standing] = []
    problems: list[Problem] = []
    for environment in environments(root):
        if committed_config(environment, root=root).get("iotistic:cluster") not in CLOUDS:
            continue
        try:
            found.append(standing_of(environment, root=root, today=today, days=days))
        except UsageError as error:
            problems += error.problems
    if problems:
        raise UsageError(problems)
    return found
