"""Makes a directory of this machine into the volume of each claim of the class ``node``.

Run as ``python -m ops.local.node.provisioner <server>``, inside the node. It does what a
cloud's storage driver does: a volume appears when the first pod of its claim has been given
the node, grows with the claim, and goes with it.
"""

from __future__ import annotations

import shutil
import ssl
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from ops.local.node.layout import INSIDE, NODE_NAME

if TYPE_CHECKING:
    from pathlib import Path

STORAGE_CLASS: Final = "node"
PROVISIONER: Final = "iotistic.io/node-directory"
VOLUMES: Final = INSIDE / "volumes"
ROUND: Final = INSIDE / "volumes-round"
"""File that each round touches once it is done."""
ROUND_SECONDS: Final = 10
"""Age of that file at which the volumes have stopped to be looked after."""
_SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"
_POLL_SECONDS: Final = 0.5


def volume_of(claim: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the volume that a claim gets, which no other claim can ever be bound to."""
    metadata, spec = claim["metadata"], claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": f"pvc-{metadata['uid']}",
            "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER},
        },
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": STORAGE_CLASS,
            "volumeMode": "Filesystem",
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            # A local volume, and not a path of the host: the kubelet gives it to the pod's group.
            "local": {"path": str(folder)},
            "nodeAffinity": {
                "required": {
                    "nodeSelectorTerms": [
                        {
                            "matchExpressions": [
                                {
                                    "key": "kubernetes.io/hostname",
                                    "operator": "In",
                                    "values": [NODE_NAME],
                                }
                            ]
                        }
                    ]
                }
            },
        },
    }


@dataclass(frozen=True, slots=True)
class Provisioner:
    """Brings volumes in line with claims.

    Attributes:
        api: Client of the API server.
        volumes: Folder that holds a folder for each volume.
    """

    api: httpx.Client
    volumes: Path

    def round(self) -> None:
        """Do everything that is to be done now."""
        claims = [item for item in self._list("persistentvolumeclaims") if _is_ours(item)]
        volumes = {
            item["metadata"]["name"]: item for item in self._list("persistentvolumes") if _is_ours(item)
        }
        for claim in claims:
            name = f"pvc-{claim['metadata']['uid']}"
            if "deletionTimestamp" in claim["metadata"]:
                continue
            if name in volumes:
                self._grow(claim, volumes[name])
            elif claim["metadata"].get("annotations", {}).get(_SELECTED_NODE) == NODE_NAME:
                self._provision(claim, self.volumes / name)
        for name, volume in volumes.items():
            if volume["status"].get("phase") == "Released" and "deletionTimestamp" not in volume["metadata"]:
                shutil.rmtree(self.volumes / name, ignore_errors=True)
                self.api.delete(f"/api/v1/persistentvolumes/{name}").raise_for_status()

    def _list(self, kind: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.api.get(f"/api/v1/{kind}").raise_for_status().json()["items"]
        return items

    def _provision(self, claim: dict[str, Any], folder: Path) -> None:
        folder.mkdir(mode=0o770, exist_ok=True)
        answer = self.api.post("/api/v1/persistentvolumes", json=volume_of(claim, folder))
        if answer.status_code != httpx.codes.CONFLICT:
            answer.raise_for_status()

    def _grow(self, claim: dict[str, Any], volume: dict[str, Any]) -> None:
        wanted = claim["spec"]["resources"]["requests"]["storage"]
        capacity = {"capacity": {"storage": wanted}}
        headers = {"Content-Type": "application/merge-patch+json"}
        if volume["spec"]["capacity"]["storage"] != wanted:
            path = f"/api/v1/persistentvolumes/{volume['metadata']['name']}"
            self.api.patch(path, json={"spec": capacity}, headers=headers).raise_for_status()
        status = claim["status"]
        if status.get("phase") == "Bound" and status.get("capacity", {}).get("storage") != wanted:
            metadata = claim["metadata"]
            path = (
                f"/api/v1/namespaces/{metadata['namespace']}/persistentvolumeclaims/{metadata['name']}/status"
            )
            self.api.patch(path, json={"status": capacity}, headers=headers).raise_for_status()


def _is_ours(item: dict[str, Any]) -> bool:
    return bool(item["spec"].get("storageClassName") == STORAGE_CLASS)


def main(server: str) -> None:
    """Run until the node ends."""
    etc = INSIDE / "etc"
    context = ssl.create_default_context(cafile=str(etc / "ca.crt"))
    context.load_cert_chain(etc / "client.crt", etc / "client.key")
    VOLUMES.mkdir(exist_ok=True)
    ROUND.unlink(missing_ok=True)
    with httpx.Client(base_url=server, verify=context) as api:
        provisioner = Provisioner(api, VOLUMES)
        while True:
            try:
                provisioner.round()
                ROUND.touch()
            except httpx.HTTPError as error:
                # The API server is away, or somebody was faster: the next round sees it as it is.
                sys.stderr.write(f"{error}\n")
            time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
