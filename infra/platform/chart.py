"""How a part of the platform comes from a Helm chart: the same way for all of them.

Helm installs it as a release of its own (``helm.v3.Release``) and not as objects of this
program: only so do a chart's hooks run, and its custom resource definitions come first.
Namespaces are declared by this program, for their labels decide what may run in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pulumi_kubernetes as k8s

from infra.component import Component
from infra.images import VERSIONS_FILE, entries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pulumi

    from infra.platform.chart_values.shared import ContainerSecurity, PodSecurity, Resources

INSTALL_SECONDS: Final = 600
"""How long a chart's objects may take until they are ready; then the release is taken back."""

KEPT_RELEASES: Final = 5
"""Releases that Helm remembers, each in a Secret with everything it consists of."""

RESTRICTED_CONTAINER: Final[ContainerSecurity] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""A container's security context where a chart's own is not as strict."""


def restricted_pod(*, user: int) -> PodSecurity:
    """Return a pod's security context where a chart's own is not as strict.

    Args:
        user: The image's user and group.
    """
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def resources(cpu: str, memory: str, limit: str) -> Resources:
    """Return what a part asks for, and how much memory it may take: of the processor, what is left."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}}


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart at an exact version.

    Attributes:
        name: Its name, and the release's.
        repository: Where it is, ``https://`` or ``oci://``.
        version: Exact version.
    """

    name: str
    repository: str
    version: str


def load_chart(name: str, *, path: Path = VERSIONS_FILE) -> Chart:
    """Return a chart as versions.yaml pins it under ``charts``."""
    entry = entries(path, "charts")[name]
    return Chart(name, entry["repository"], entry["version"])


class ChartComponent(Component):
    """A component that stands on a chart."""

    def install(
        self,
        chart: Chart,
        *,
        namespace: str,
        values: Mapping[str, object],
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> k8s.helm.v3.Release:
        """Install a chart, and wait until what it makes is ready.

        Args:
            chart: The chart.
            namespace: Where it goes. It has to exist.
            values: What differs from the chart's own values, of the chart's type in
                ``infra/platform/chart_values``. They stand in clear in the release's Secrets,
                so a password is never among them: charts are given the name of a Secret.
            depends_on: What has to be ready before: the namespace.
        """
        # A registry of images takes the chart by its whole address, any other kind is named apart.
        in_registry = chart.repository.startswith("oci://")
        elsewhere = None if in_registry else k8s.helm.v3.RepositoryOptsArgs(repo=chart.repository)
        return k8s.helm.v3.Release(
            f"{self._name}-release-{chart.name}",
            k8s.helm.v3.ReleaseArgs(
                name=chart.name,
                chart=f"{chart.repository}/{chart.name}" if in_registry else chart.name,
                repository_opts=elsewhere,
                version=chart.version,
                namespace=namespace,
                create_namespace=False,
                values=values,
                # What fails half-way is taken back as a whole, so that the next run can begin anew.
                atomic=True,
                cleanup_on_fail=True,
                wait_for_jobs=True,
                timeout=INSTALL_SECONDS,
                max_history=KEPT_RELEASES,
            ),
            self.child_options(depends_on=depends_on),
        )
