"""What the dev environment asks of its cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ops.local.kube_command import KubectlError, kubectl
from tenants.errors import UsageError

if TYPE_CHECKING:
    from ops.local.kubeconfig import KubeAccess
    from ops.local.tools import Toolbox

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_DEFAULT_INGRESS_CLASS = "ingressclass.kubernetes.io/is-default-class"
_TENANT = "iotistic.io/tenant"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What there is in a cluster.

    Attributes:
        toolbox: Where kubectl is.
        access: The cluster.
    """

    toolbox: Toolbox
    access: KubeAccess

    @property
    def cluster(self) -> str:
        """What the cluster is called in messages."""
        return f"cluster {self.access.context}"

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the items of ``kubectl get``.

        Raises:
            UsageError: If the cluster does not answer.
        """
        try:
            answer = kubectl(
                self.toolbox, self.access, "--request-timeout=20s", "get", "--output=json", *arguments
            )
        except KubectlError as error:
            raise UsageError.of(
                where=self.cluster,
                what=str(error),
                why="without an answer from the cluster nothing can be said or changed",
                how="make up starts the embedded cluster; for another one, check that kubectl reaches it",
            ) from None
        found: list[dict[str, Any]] = json.loads(answer)["items"]
        return found

    def default_storage_class(self) -> str:
        """Return the cluster's default StorageClass.

        Raises:
            UsageError: If there is none: the customers' volumes would never be provisioned.
        """
        classes = self.items("storageclasses")
        for storage_class in classes:
            if storage_class["metadata"].get("annotations", {}).get(_DEFAULT_CLASS) == "true":
                return str(storage_class["metadata"]["name"])
        names = ", ".join(item["metadata"]["name"] for item in classes) or "none"
        raise UsageError.of(
            where=self.cluster,
            what=f"no StorageClass is the default one (there are: {names})",
            why="the customers' databases would wait for their volumes for ever",
            how=f'kubectl annotate storageclass <name> {_DEFAULT_CLASS}="true"',
        )

    def knows(self, definition: str) -> bool:
        """Return whether the cluster has a custom resource definition of this name."""
        return definition in {item["metadata"]["name"] for item in self.items("customresourcedefinitions")}

    def ingress_class(self) -> str | None:
        """Return the IngressClass to use: the default one, else the only one, else None."""
        classes = self.items("ingressclasses")
        names = [str(item["metadata"]["name"]) for item in classes]
        default = [
            str(item["metadata"]["name"])
            for item in classes
            if item["metadata"].get("annotations", {}).get(_DEFAULT_INGRESS_CLASS) == "true"
        ]
        candidates = default or names
        return candidates[0] if len(candidates) == 1 else None

    def tenant_namespaces(self) -> list[str]:
        """Return the names of the customers' namespaces."""
        return [item["metadata"]["name"] for item in self.items("namespaces", f"--selector={_TENANT}")]

    def tenant_pods(self) -> dict[str, list[bool]]:
        """Return for each customer which of their running pods are ready."""
        pods: dict[str, list[bool]] = {}
        for pod in self.items("pods", "--all-namespaces", f"--selector={_TENANT}"):
            if pod["status"].get("phase") == "Succeeded":
                # The pod of a Job: it has done its work and is no longer part of what runs.
                continue
            conditions = pod["status"].get("conditions", [])
            ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
            pods.setdefault(pod["metadata"]["labels"][_TENANT], []).append(ready)
        return pods
