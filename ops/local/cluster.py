"""An embedded Kubernetes cluster: a real control plane with simulated nodes.

Everything that a cluster decides is real (admission, quotas, scheduling,
controllers); only the pods do not run. See ``manifests/stages.yaml``.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import tenacity

from ops.local.control_plane import SIMULATED, ControlPlane, ControlPlaneError
from ops.local.crds import ensure_crds
from ops.local.kube_command import KubectlError, kubectl
from ops.local.kubeconfig import KubeAccess
from ops.local.progress import step
from ops.local.store import exclusive
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from rich.console import Console

    from ops.local.tools import Toolbox

__all__ = ["ClusterStatus", "EmbeddedCluster", "KubeAccess"]

Run: TypeAlias = "Callable[..., str]"
"""``kubectl``, bound to a cluster."""

_STORAGE: Final = Path(__file__).parent / "manifests" / "storage.yaml"
_MARKER: Final = "embedded-cluster"
_READY_SECONDS: Final = 60
_ZONES: Final = 3


@dataclass(frozen=True, slots=True)
class ClusterStatus:
    """What there is of a cluster.

    Attributes:
        access: How to reach it; None if it was never made or has been taken down.
        running: Process id of each component that runs.
        ready: The API server answers that it is ready.
    """

    access: KubeAccess | None
    running: dict[str, int]
    ready: bool


class EmbeddedCluster:
    """A cluster on this machine, in a folder.

    Args:
        name: Its name, and its context's.
        directory: A folder of its own, outside of git: it holds the administrator's key.
        toolbox: The binaries.
        console: Where progress is shown.
        nodes: How many simulated nodes, of 4 CPUs, 16 GiB and 110 pods each.
    """

    def __init__(
        self, name: str, directory: Path, toolbox: Toolbox, console: Console, *, nodes: int = 3
    ) -> None:
        self._name = name
        self._directory = directory
        self._toolbox = toolbox
        self._console = console
        self._nodes = nodes
        self._control_plane = ControlPlane(name, directory, toolbox)

    def up(self) -> KubeAccess:
        """Make the cluster, or start it with its data, or do nothing if it runs.

        Raises:
            UsageError: A port is taken, a tool is missing.
            ControlPlaneError: It does not start.
        """
        crds = ensure_crds(console=self._console)
        with self._alone():
            access = self._control_plane.start()
            run = self._kubectl(access)
            self._wait_until_ready(run)
            self._furnish(run, crds)
        return access

    def stop(self) -> None:
        """End the cluster's processes; `up` starts it again with its data."""
        with self._alone():
            self._control_plane.stop()

    def down(self) -> None:
        """Remove the cluster with all its data."""
        if self._control_plane.exists:
            with self._alone():
                self._control_plane.remove()

    def status(self) -> ClusterStatus:
        """Return what there is, changing nothing."""
        access = self._control_plane.access()
        return ClusterStatus(
            access=access,
            running=self._control_plane.running(),
            ready=access is not None and _is_ready(self._kubectl(access)),
        )

    @property
    def access(self) -> KubeAccess:
        """How to reach the cluster, whether it runs or not.

        Raises:
            UsageError: It was never made, or has been taken down.
        """
        access = self._control_plane.access()
        if access is None:
            raise UsageError.of(
                where=f"cluster {self._name}",
                what="it does not exist",
                why="there is nothing to look at or to change",
                how="make it with: make up",
            )
        return access

    def _kubectl(self, access: KubeAccess) -> Run:
        return functools.partial(kubectl, self._toolbox, access)

    def _alone(self) -> AbstractContextManager[None]:
        # Beside the folder and not in it, since taking the cluster down removes the folder.
        lock = self._directory.with_name(f".{self._directory.name}.lock")
        return exclusive(lock, self._console, what=f"working on the cluster {self._name}")

    def _wait_until_ready(self, run: Run) -> None:
        try:
            for attempt in tenacity.Retrying(
                retry=tenacity.retry_if_exception_type(KubectlError),
                stop=tenacity.stop_after_delay(_READY_SECONDS),
                wait=tenacity.wait_fixed(0.2),
                reraise=True,
            ):
                with attempt:
                    run("get", "--raw=/readyz")
        except KubectlError as error:
            message = (
                f"the API server of the cluster {self._name} was not ready after {_READY_SECONDS} s; "
                f"logs are below {self._directory}: {error}"
            )
            raise ControlPlaneError(message) from error

    def _furnish(self, run: Run, crds: list[Path]) -> None:
        """Bring in nodes, storage and definitions, unless the cluster says it has exactly these."""
        nodes = json.dumps(_node_list(self._nodes))
        files = [_STORAGE, *(file for folder in crds for file in sorted(folder.iterdir()))]
        digest = hashlib.sha256(nodes.encode())
        for file in files:
            digest.update(file.read_bytes())
        marker = _marker(digest.hexdigest())
        if _has(run, marker):
            return
        apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=embedded-cluster")
        with step(self._console, f"cluster {self._name}") as say:
            say("adding nodes, storage and custom resource definitions")
            run(*apply, "--filename=-", stdin=nodes)
            run(*apply, *(f"--filename={path}" for path in (_STORAGE, *crds)))
            run("wait", "--for=condition=Established", "crd", "--all", f"--timeout={_READY_SECONDS}s")
            run("wait", "--for=condition=Ready", "node", "--all", f"--timeout={_READY_SECONDS}s")
            # Last of all: a run killed before this does it all once more.
            run(*apply, "--filename=-", stdin=json.dumps(marker))


def _node_list(count: int) -> dict[str, Any]:
    annotation, value = SIMULATED
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {
                    "name": f"node-{number}",
                    "annotations": {annotation: value},
                    "labels": {
                        "kubernetes.io/hostname": f"node-{number}",
                        "kubernetes.io/os": "linux",
                        "kubernetes.io/arch": "amd64",
                        "topology.kubernetes.io/region": "local",
                        "topology.kubernetes.io/zone": f"local-{(number - 1) % _ZONES + 1}",
                    },
                },
            }
            for number in range(1, count + 1)
        ],
    }


def _marker(digest: str) -> dict[str, Any]:
    """Return the object that says what the cluster was furnished with."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _MARKER, "namespace": "kube-system"},
        "data": {"furnished": digest},
    }


def _has(run: Run, marker: dict[str, Any]) -> bool:
    answer = run(
        "get", "configmap", _MARKER, "--namespace=kube-system", "--ignore-not-found", "--output=json"
    )
    return bool(answer) and json.loads(answer)["data"] == marker["data"]


def _is_ready(run: Run) -> bool:
    try:
        run("get", "--raw=/readyz")
    except KubectlError:
        return False
    return True
