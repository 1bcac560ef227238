"""What a pull request's stack has in the cluster, found by its labels and not by the engine's state.

A run that was cut off may have made what no state knows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ops.automation.undeclared import ENVIRONMENT, NAMESPACE_OF_A_CUSTOMER
from ops.local.kube_command import kubectl
from tenants.preview import preview_name, preview_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ops.local.inventory import Inventory

_DELETE: Final = json.dumps({"spec": {"persistentVolumeReclaimPolicy": "Delete"}})
_PATIENCE: Final = "--timeout=10m"
"""A cloud takes its time to detach a disk before it deletes it."""


def numbers_in(inventory: Inventory) -> set[int]:
    """Return the numbers of the pull requests that have a namespace.

    Raises:
        UsageError: The cluster does not answer.
    """
    namespaces = inventory.items("namespaces", f"--selector={ENVIRONMENT}")
    found = (preview_number(item["metadata"]["labels"][ENVIRONMENT]) for item in namespaces)
    return {number for number in found if number is not None}


@dataclass(frozen=True, slots=True)
class PreviewsObjects:
    """The namespaces and volumes of one pull request's stack.

    Attributes:
        inventory: The cluster.
        number: The pull request's number.
    """

    inventory: Inventory
    number: int

    def namespaces(self) -> list[str]:
        """Return the namespaces, known by their label and by their name: both have to say it.

        Raises:
            UsageError: The cluster does not answer.
        """
        name = preview_name(self.number)
        found = self.inventory.items("namespaces", f"--selector={ENVIRONMENT}={name}")
        names = (str(item["metadata"]["name"]) for item in found)
        return [one for one in names if one.startswith(f"{NAMESPACE_OF_A_CUSTOMER}{name}-")]

    def volumes(self) -> list[str]:
        """Return the persistent volumes that are bound to a claim there.

        Raises:
            UsageError: The cluster does not answer.
        """
        namespaces = set(self.namespaces())
        return [
            str(item["metadata"]["name"])
            for item in self.inventory.items("persistentvolumes")
            if item["spec"].get("claimRef", {}).get("namespace") in namespaces
        ]

    def delete_with_their_claims(self, volumes: Sequence[str]) -> None:
        """Let volumes go once their claims are gone, whatever their class would do with them.

        Raises:
            KubectlError: The cluster refused.
        """
        if volumes:
            self._kubectl("patch", "persistentvolume", *volumes, f"--patch={_DELETE}")

    def delete_what_is_left(self, volumes: Sequence[str]) -> None:
        """Delete the namespaces that are still there, and wait until the volumes are gone too.

        Raises:
            UsageError: The cluster does not answer.
            KubectlError: Something could not be deleted, or takes too long.
        """
        if namespaces := self.namespaces():
            self._kubectl("delete", "namespace", *namespaces, "--ignore-not-found", _PATIENCE)
        if volumes:
            gone = [f"persistentvolume/{name}" for name in volumes]
            self._kubectl("wait", "--for=delete", *gone, _PATIENCE)

    def _kubectl(self, *arguments: str) -> None:
        kubectl(self.inventory.toolbox, self.inventory.access, *arguments)
