"""Until when each cloud supports a version of Kubernetes.

The days stand in versions.yaml. The program reads no clock, so it warns by order: of a version older than
the second newest that a cloud is known to have. The command ``iotistic cluster check`` goes by the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ruamel.yaml import YAML

from infra.images import VERSIONS_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

KEPT_UP: Final = 2
"""How many of a cloud's newest versions need no thought of the next upgrade yet."""

OUTDATED_DAYS: Final = 180
"""Days left of the newest version by which a newer one is out in any cloud.

A version comes every four months and is supported for a year or a little longer.
"""

TABLE: Final = "kubernetes_support in versions.yaml"


@dataclass(frozen=True, slots=True)
class Support:
    """What one cloud supports.

    Attributes:
        cloud: Its kind of cluster: ``aks``.
        ends: Last day of standard support, by minor version, the oldest first.
    """

    cloud: str
    ends: Mapping[str, date]

    def until(self, version: str) -> date | None:
        """Return the last day of a version's support, or None where the version is not known."""
        return self.ends.get(minor(version))

    @property
    def newest(self) -> str:
        """The newest version that is known."""
        return list(self.ends)[-1]

    def is_outdated(self, today: date) -> bool:
        """Return whether the cloud must have a newer version by now than the newest that is known."""
        return (self.ends[self.newest] - today).days < OUTDATED_DAYS

    def warning(self, version: str) -> str | None:
        """Return what a person should know of a version, judged by the order of versions alone.

        Args:
            version: As the stack says it: ``1.35`` or ``1.35.1``.
        """
        end = self.until(version)
        if end is None:
            return (
                f"Kubernetes {minor(version)} on {self.cloud} is not among those whose end of support is "
                f"known ({', '.join(self.ends)}): look it up and complete {TABLE}"
            )
        oldest_kept = list(self.ends)[-KEPT_UP]
        if _order(version) >= _order(oldest_kept):
            return None
        return (
            f"Kubernetes {minor(version)} on {self.cloud} is supported until {end}, and {self.newest} is "
            "there: plan the upgrade of iotistic:cloud.kubernetesVersion, one minor version at a time"
        )


def load_support(cloud: str, *, path: Path = VERSIONS_FILE) -> Support:
    """Return what versions.yaml says of a cloud."""
    found = YAML(typ="safe", pure=True).load(path)["kubernetes_support"][cloud]
    return Support(cloud, {version: found[version] for version in sorted(found, key=_order)})


def minor(version: str) -> str:
    """Return ``1.35`` of ``1.35.1``."""
    return ".".join(version.split(".")[:2])


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor(version).split("."))
