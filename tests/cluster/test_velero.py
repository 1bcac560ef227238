"""The API server takes Velero's objects: those beside its chart, and those made of the chart's values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from infra.clusters.cloud_settings import AksSettings, EksSettings, GkeSettings
from infra.images import ImageSource
from infra.platform.platform import platform_namespace
from infra.platform.velero import NAMESPACE, Copies, manifests, values
from infra.platform.velero_settings import VeleroSettings
from ops.local.crds import ensure_crds
from ops.local.kube_command import KubectlError
from tests.program.clouds import CLOUDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra.component import Manifest

pytestmark = pytest.mark.cluster

PLURALS = ("backupstoragelocations", "schedules", "volumesnapshotclasses")
"""What is defined for the test: the kinds that are declared, of the many that there are."""
SETTINGS = {"aks": AksSettings, "eks": EksSettings, "gke": GkeSettings}


def copies(cloud: str) -> Copies:
    settings = SETTINGS[cloud](kind=cloud, **CLOUDS[cloud])
    return Copies(
        environment="dev",
        settings=VeleroSettings(enabled=True),
        place=settings.copies("backups", cluster="test"),
        route=settings.objects("backups", "velero"),
        monitoring=True,
        images=ImageSource(),
    )


def of_the_chart(told: dict[str, Any]) -> list[Manifest]:
    """Return the objects whose specification the values are, as the chart's templates hand it on."""
    (location,) = told["configuration"]["backupStorageLocation"]
    place = {key: location[key] for key in ("bucket", "prefix") if key in location}
    spec = {
        "provider": location["provider"],
        "default": location["default"],
        "objectStorage": place,
        "config": location["config"],
    }
    bodies = {("BackupStorageLocation", location["name"]): spec}
    bodies |= {("Schedule", name): schedule for name, schedule in told["schedules"].items()}
    return [
        {
            "apiVersion": "velero.io/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": body,
        }
        for (kind, name), body in bodies.items()
    ]


@pytest.fixture(scope="module")
def apply(kubectl: Callable[..., str]) -> Iterator[Callable[[list[Manifest]], str]]:
    """Ask the API server about objects, in a namespace that no other test has."""
    folders = ensure_crds(["velero", "external-snapshotter"], console=Console())
    files = [
        file for folder in folders for file in folder.iterdir() if file.stem.rpartition("_")[2] in PLURALS
    ]
    assert len(files) == len(PLURALS)
    kubectl("apply", "--server-side", *(f"--filename={file}" for file in files))
    kubectl("wait", "--for=condition=Established", *(f"--filename={file}" for file in files))
    kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(platform_namespace(NAMESPACE, "dev")))

    def apply(objects: list[Manifest]) -> str:
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        return kubectl("apply", "--server-side", "--dry-run=server", "--filename=-", stdin=listed)

    yield apply
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_object_is_taken(apply: Callable[[list[Manifest]], str], cloud: str) -> None:
    chosen = copies(cloud)
    told = json.loads(json.dumps(values(chosen, annotations={})))
    objects = [*manifests(chosen), *of_the_chart(told)]
    assert {item["kind"] for item in objects} > {"BackupStorageLocation", "Schedule", "VolumeSnapshotClass"}
    assert len(apply(objects).strip().splitlines()) == len(objects)


def test_what_velero_does_not_know_is_not_taken(apply: Callable[[list[Manifest]], str]) -> None:
    told = json.loads(json.dumps(values(copies("eks"), annotations={})))
    told["schedules"]["platform"]["template"]["includedNamespace"] = ["ingress"]
    with pytest.raises(KubectlError, match="includedNamespace"):
        apply(of_the_chart(told))
