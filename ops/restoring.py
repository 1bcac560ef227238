"""Puts a part of a tenant back in its cluster: asks whether it may, starts the Job, and sees it through."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import tenacity

from infra.customer import postgres, restore
from ops.automation.redaction import redact
from ops.local.inventory import Inventory
from ops.local.kube_command import KubectlError, kubectl
from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infra.component import Manifest
    from infra.customer.model import Instance
    from ops.local.kubeconfig import KubeAccess
    from ops.local.tools import Toolbox

PATIENCE: Final = 7200
"""Seconds for which a Job is watched. It goes on without anybody who watches."""

_POLL_SECONDS: Final = 2
_LINES_OF_LOG: Final = 20
_DATABASE: Final = f"statefulset/{postgres.APP}"
_ENDED: Final = {"Succeeded", "Failed"}
_DOING: Final = {
    "restore": "fetching the backup",
    "load": "putting it back",
    "put": "putting it back",
    "settle": "settling what is declared today",
}
"""What a Job's containers do, by their names."""


class RestoreError(Exception):
    """The Job did not put the part back, or nobody knows whether it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """One part of one tenant that is to be put back.

    Attributes:
        instance: The tenant's instance, as it is declared.
        part: What of it.
        toolbox: Where kubectl is.
        access: The cluster.
    """

    instance: Instance
    part: restore.Part
    toolbox: Toolbox
    access: KubeAccess

    @property
    def namespace(self) -> str:
        """Where the tenant is."""
        return self.instance.tenant.namespace

    @property
    def job(self) -> str:
        """Name of the Job."""
        return restore.name(self.part)

    def refuse_unready(self) -> None:
        """Refuse to start where the Job would fail, or wait for somebody to stop its writer.

        Raises:
            UsageError: With all that is in its way.
        """
        problems = self._workload()
        if (there := self._job()) is not None:
            state = "has ended" if _condition(there) else "has not ended yet"
            problems.append(
                Problem(
                    where=f"{self.namespace}: job/{self.job}",
                    what=f"is there already, and {state}",
                    why="two that put the same part back would be in each other's way",
                    how=f"once it has ended: kubectl --namespace {self.namespace} delete job/{self.job}",
                )
            )
        if problems:
            raise UsageError(problems)

    def start(self, manifest: Manifest) -> None:
        """Hand the Job to the cluster.

        Raises:
            KubectlError: The cluster does not take it.
        """
        self._kubectl("create", "--filename=-", stdin=json.dumps(manifest))

    def see_through(self, say: Callable[[str], None]) -> None:
        """Watch the Job until it ends.

        Args:
            say: Told what it is doing.

        Raises:
            RestoreError: It failed, is gone, or goes on for too long.
            UsageError: The cluster no longer answers.
        """
        watching = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda ended: ended is None),
            stop=tenacity.stop_after_delay(PATIENCE),
            wait=tenacity.wait_fixed(_POLL_SECONDS),
        )
        try:
            ended = watching(self._look, say)
        except tenacity.RetryError:
            message = f"job/{self.job} still runs after {PATIENCE} s, and goes on: look at its pod"
            raise RestoreError(message) from None
        if ended == "Failed":
            message = f"job/{self.job} failed:\n{self._said()}"
            raise RestoreError(message)

    def _workload(self) -> list[Problem]:
        """Return what is wrong with the workload that has to run, or has to be stopped, meanwhile."""
        name = restore.WRITERS.get(self.part, _DATABASE)
        kind, _, app = name.partition("/")
        found = self._items(f"{kind}s", f"--field-selector=metadata.name={app}")
        if not found:
            what = "is not there"
            why = "there is nothing yet that a backup could be put back to"
            how = "bring the tenant up first"
        elif self.part is restore.Part.DATABASE:
            if found[0]["status"].get("readyReplicas"):
                return []
            what = "is not ready"
            why = "the backup is put back through the database, which has to run"
            how = "resume a suspended tenant; otherwise see docs/runbooks/tenant.md#databasedown"
        else:
            if not found[0]["spec"]["replicas"] and not self._pods_of(app):
                return []
            what = "still runs, or is to run"
            why = "it would overwrite what is put back when it ends"
            how = f"kubectl --namespace {self.namespace} scale {name} --replicas=0, until its pod is gone"
        return [Problem(where=f"{self.namespace}: {name}", what=what, why=why, how=how)]

    def _pods_of(self, app: str) -> list[dict[str, Any]]:
        """Return a workload's pods that have not ended."""
        labels = ",".join(f"{key}={value}" for key, value in self.instance.selector(app).items())
        pods = self._items("pods", f"--selector={labels}")
        return [pod for pod in pods if pod["status"].get("phase") not in _ENDED]

    def _look(self, say: Callable[[str], None]) -> str | None:
        """Return how the Job ended, or None as long as it has not; tell what it does."""
        job = self._job()
        if job is None:
            message = f"job/{self.job} was deleted before it ended: it may or may not have put anything back"
            raise RestoreError(message)
        ended = _condition(job)
        if ended is None:
            for pod in self._pods():
                say(_doing(pod))
        return ended

    def _said(self) -> str:
        """Return the end of what the containers said that failed."""
        failed = [
            (pod["metadata"]["name"], container["name"])
            for pod in self._pods()
            for container in _containers(pod)
            if container["state"].get("terminated", {}).get("exitCode")
        ]
        return redact("\n".join(self._log(*names) for names in failed)) or "no container of it says why"

    def _log(self, pod: str, container: str) -> str:
        try:
            return self._kubectl("logs", pod, f"--container={container}", f"--tail={_LINES_OF_LOG}").rstrip()
        except KubectlError as error:
            return str(error)

    def _pods(self) -> list[dict[str, Any]]:
        return self._items("pods", f"--selector=batch.kubernetes.io/job-name={self.job}")

    def _job(self) -> dict[str, Any] | None:
        return next(iter(self._items("jobs", f"--field-selector=metadata.name={self.job}")), None)

    def _items(self, kind: str, selector: str) -> list[dict[str, Any]]:
        return Inventory(self.toolbox, self.access).items(kind, f"--namespace={self.namespace}", selector)

    def _kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return kubectl(self.toolbox, self.access, f"--namespace={self.namespace}", *arguments, stdin=stdin)


def _condition(job: Mapping[str, Any]) -> str | None:
    """Return ``Complete`` or ``Failed`` once a Job has ended."""
    held = [it["type"] for it in job["status"].get("conditions", []) if it["status"] == "True"]
    return next((kind for kind in held if kind in {"Complete", "Failed"}), None)


def _doing(pod: Mapping[str, Any]) -> str:
    """Return what a Job's pod is doing, or what it waits for."""
    for condition in pod["status"].get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"waiting for a node, {condition.get('message', '')}"
    running = [_DOING[it["name"]] for it in _containers(pod) if "running" in it["state"]]
    return running[-1] if running else "starting its pod"


def _containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how a pod's containers are, in the order in which they run."""
    return [*pod["status"].get("initContainerStatuses", []), *pod["status"].get("containerStatuses", [])]
