"""Velero: off by default, with a part of the store of its own, and no customer in its copies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.clusters.cloud_settings import EksSettings
from infra.images import ImageSource
from infra.platform.velero import Copies, manifests, values
from infra.platform.velero_settings import VeleroSettings
from tenants.errors import UsageError
from tenants.models import MqttMode
from tests.program.clouds import BACKUPS, CLOUDS, cloud_config, run, with_services
from tests.program.instances import as_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program.clouds import Made
    from tests.program.conftest import Run

# Resources that nothing here uses warn of their successors when their modules are imported.
pytestmark = pytest.mark.filterwarnings(r"ignore:(aws|gcp|s3)\..* has been deprecated:DeprecationWarning")

GOLDEN = Path(__file__).parent.parent / "golden" / "platform"
AWS = EksSettings(kind="eks", **CLOUDS["eks"])
COPIES = Copies(
    environment="dev",
    settings=VeleroSettings(enabled=True),
    place=AWS.copies("backups", cluster="test"),
    route=AWS.objects("backups", "velero"),
    monitoring=True,
    images=ImageSource(),
)


@pytest.fixture(scope="module", params=CLOUDS)
def made(request: pytest.FixtureRequest, config: dict[str, str]) -> Made:
    chosen = with_services(cloud_config(config, request.param))
    return run({**chosen, "velero": '{"enabled": true, "keepDays": 7}'}, MqttMode.SHARED)


def test_objects_are_those_in_the_golden_file(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "velero.yaml", as_yaml(manifests(COPIES)))


def test_values_are_those_in_the_golden_file(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "velero-values.yaml", as_yaml([values(COPIES, annotations={})]))


def test_it_keeps_copies_in_its_own_part_of_the_store_without_a_key(made: Made) -> None:
    (release,) = (it.inputs for it in made.all("Release") if it.inputs["name"] == "velero")
    told = release["values"]
    (location,) = told["configuration"]["backupStorageLocation"]
    assert (location["provider"], location["bucket"], location.get("prefix")) == {
        "aks": ("azure", "velero", None),
        "eks": ("aws", BACKUPS, "velero"),
        "gke": ("gcp", BACKUPS, "velero"),
    }[made.cloud]
    assert "KEY" not in json.dumps(told["credentials"]), "what there is says where it is, and opens nothing"
    if made.cloud == "aks":
        annotations = told["serviceAccount"]["server"]["annotations"]
        assert annotations == {"azure.workload.identity/client-id": "cloud-backups-velero-client"}
        assert told["podLabels"] == {"azure.workload.identity/use": "true"}
    elif made.cloud == "eks":
        given = [
            (it.inputs["namespace"], it.inputs["serviceAccount"]) for it in made.all("PodIdentityAssociation")
        ]
        assert ("velero", "velero") in given
    else:
        members = {it.inputs["managedFolder"]: it.inputs for it in made.all("ManagedFolderIamMember")}
        assert members["velero/"]["member"].endswith("/subject/ns/velero/sa/velero")


def test_it_copies_the_platform_and_no_customer(made: Made) -> None:
    (release,) = (it.inputs for it in made.all("Release") if it.inputs["name"] == "velero")
    template = release["values"]["schedules"]["platform"]["template"]
    assert template["ttl"] == "168h0m0s"
    namespaces = {it.inputs["metadata"]["name"] for it in made.all("Namespace")}
    copied = set(template["includedNamespaces"])
    assert copied & namespaces == {"ingress", "mqtt-edge", "monitoring"}
    assert not [name for name in copied if name.startswith("customer-")]


def test_snapshots_are_made_by_the_driver_of_the_clusters_volumes(made: Made) -> None:
    assert made.one("VolumeSnapshotClass")["driver"] == made.one("StorageClass")["provisioner"]
    assert "velero-volume-snapshot-class-iotistic-velero" in made.waits["velero-release-velero"]


def test_it_writes_nothing_in_the_cluster_but_snapshots() -> None:
    (role,) = (it for it in manifests(COPIES) if it["kind"] == "ClusterRole")
    writing = [rule for rule in role["rules"] if set(rule["verbs"]) - {"get", "list", "watch"}]
    assert [rule["apiGroups"] for rule in writing] == [["snapshot.storage.k8s.io"]]
    told = values(COPIES, annotations={})
    assert told["rbac"]["clusterAdministratorName"] == role["metadata"]["name"], "not the administrator's"


def test_there_is_none_unless_it_is_asked_for(config: dict[str, str]) -> None:
    made = run(with_services(cloud_config(config, "gke")), MqttMode.SHARED)
    assert not [name for name in made.waits if name.startswith("velero")]


@pytest.mark.parametrize(
    ("wish", "key"),
    [('{"enabled": true}', "velero"), ('{"enabled": true, "schedule": "daily"}', "velero.schedule")],
)
def test_copies_without_a_place_or_a_time_are_refused(
    run_program: Callable[..., Run], config: dict[str, str], wish: str, key: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        run_program({**config, "velero": wish})
    assert [problem.where for problem in refusal.value.problems] == [f"Pulumi.dev.yaml: iotistic:{key}"]
