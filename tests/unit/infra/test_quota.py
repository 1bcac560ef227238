"""The quota holds what is rendered, for every plan with every option, while everything happens at once."""

from __future__ import annotations

from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer.instance import OUTLASTS_ITS_OPTION, manifests
from tenants.quantities import mebibytes, millicores
from tests.program.instances import with_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLANS = {"acme": "starter", "globex": "professional", "initech": "enterprise"}
SOLD_TO_ALL = ("exporter", "node_red")
OF_ENTERPRISE = ("prometheus", "grafana")
DISK = "ephemeral-storage"
RESOURCES: dict[str, Callable[[str], int]] = {"cpu": millicores, "memory": mebibytes, DISK: mebibytes}
SOLVER = {
    "requests": {"cpu": "10m", "memory": "64Mi", DISK: "64Mi"},
    "limits": {"cpu": "100m", "memory": "64Mi", DISK: "1Gi"},
}
"""What the pod that answers an ACME challenge has: cert-manager's own values, and of the nodes' disks the
namespace's."""


def choices() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every customer of the dev environment, one a plan, with every set of options it may have."""
    for tenant, plan in PLANS.items():
        sold = SOLD_TO_ALL + (OF_ENTERPRISE if plan == "enterprise" else ())
        for chosen in chain.from_iterable(combinations(sold, count) for count in range(len(sold) + 1)):
            if "grafana" not in chosen or "prometheus" in chosen:
                yield tenant, chosen


@pytest.fixture(scope="module", params=choices(), ids=lambda choice: "-".join((PLANS[choice[0]], *choice[1])))
def objects(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    tenant, options = request.param
    return manifests(with_options(tenant, *options))


def of_kind(objects: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [item for item in objects if item["kind"] in kinds]


def hard(objects: list[dict[str, Any]]) -> dict[str, str]:
    (quota,) = of_kind(objects, "ResourceQuota")
    found: dict[str, str] = quota["spec"]["hard"]
    return found


def pod_of(item: dict[str, Any]) -> dict[str, Any]:
    spec = item["spec"]["jobTemplate"]["spec"] if item["kind"] == "CronJob" else item["spec"]
    found: dict[str, Any] = spec["template"]["spec"]
    return found


def weight(pod: dict[str, Any], bound: str, resource: str) -> int:
    """Return what a pod counts: its containers together, or its largest init container if that is more.

    An init container that is restarted always stays, and counts as one of the containers.
    """
    amount = RESOURCES[resource]

    def of(containers: list[dict[str, Any]]) -> list[int]:
        return [amount(container["resources"][bound][resource]) for container in containers]

    first = pod.get("initContainers", [])
    staying = [container for container in first if container.get("restartPolicy") == "Always"]
    ending = [container for container in first if container not in staying]
    return max(sum(of(pod["containers"])), *of(ending), 0) + sum(of(staying))


def at_once(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every pod of a bad moment: all run, all that may start beside themselves do, and every job."""
    running = of_kind(objects, "Deployment", "StatefulSet")
    surging = [
        item for item in of_kind(objects, "Deployment") if item["spec"]["strategy"]["type"] == "RollingUpdate"
    ]
    jobs = of_kind(objects, "Job", "CronJob")
    return [pod_of(item) for item in (*running, *surging, *jobs)]


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("bound", ["requests", "limits"])
def test_everything_at_once_fits(objects: list[dict[str, Any]], bound: str, resource: str) -> None:
    solver = RESOURCES[resource](SOLVER[bound][resource])
    needed = sum(weight(pod, bound, resource) for pod in at_once(objects)) + solver
    assert needed <= RESOURCES[resource](hard(objects)[f"{bound}.{resource}"])


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_container_without_limits_fits_beside_everything_that_runs(
    objects: list[dict[str, Any]], resource: str
) -> None:
    """Such as one for debugging: the LimitRange gives it limits, and the quota counts them."""
    (limits,) = of_kind(objects, "LimitRange")
    given = RESOURCES[resource](limits["spec"]["limits"][0]["default"][resource])
    running = [pod_of(item) for item in of_kind(objects, "Deployment", "StatefulSet")]
    needed = sum(weight(pod, "limits", resource) for pod in running) + given
    assert needed <= RESOURCES[resource](hard(objects)[f"limits.{resource}"])


def test_the_disk_holds_a_restore_beside_everything_else(objects: list[dict[str, Any]]) -> None:
    """A Job that puts a database back has as much room as the one that dumps it."""
    dump = max(weight(pod_of(item), "limits", DISK) for item in of_kind(objects, "CronJob"))
    needed = sum(weight(pod, "limits", DISK) for pod in at_once(objects)) + dump
    assert needed <= mebibytes(hard(objects)[f"limits.{DISK}"])


def test_a_pods_empty_volumes_fit_into_what_it_may_use_of_the_nodes_disk(
    objects: list[dict[str, Any]],
) -> None:
    """The kubelet evicts by either bound, whichever is passed first."""
    for pod in map(pod_of, of_kind(objects, "Deployment", "StatefulSet", "Job", "CronJob")):
        on_disk = [volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume]
        held = sum(mebibytes(empty["sizeLimit"]) for empty in on_disk if empty.get("medium") != "Memory")
        assert held < weight(pod, "limits", DISK)


def test_the_apis_logs_are_promised_their_room(objects: list[dict[str, Any]]) -> None:
    """Ten files of 10 MB of everything, ten of who did what, five of errors: the image's own loggers."""
    (api,) = (item for item in of_kind(objects, "Deployment") if item["metadata"]["name"] == "api")
    pod = pod_of(api)
    (main,) = pod["containers"]
    (volume,) = (mount["name"] for mount in main["volumeMounts"] if mount["mountPath"] == "/app/logs")
    (logs,) = (item["emptyDir"] for item in pod["volumes"] if item["name"] == volume)
    kept = (10 + 10 + 5) * 10
    assert mebibytes(logs["sizeLimit"]) > kept
    assert mebibytes(main["resources"]["requests"][DISK]) > kept


def claims(objects: list[dict[str, Any]]) -> dict[str, int]:
    """Return the size of each volume that is claimed, by the claim's name."""
    return {
        item["metadata"]["name"]: mebibytes(item["spec"]["resources"]["requests"]["storage"])
        for item in of_kind(objects, "PersistentVolumeClaim")
    }


def test_volumes_fit_beside_those_that_options_left_behind_and_one_more_to_restore_into(
    objects: list[dict[str, Any]],
) -> None:
    tenant = objects[0]["metadata"]["labels"]["iotistic.io/tenant"]
    before = claims(manifests(with_options(tenant, *SOLD_TO_ALL, *OF_ENTERPRISE)))
    there = claims(objects) | {name: before[name] for name in OUTLASTS_ITS_OPTION}
    assert len(there) + 1 <= int(hard(objects)["persistentvolumeclaims"])
    assert sum(there.values()) <= mebibytes(hard(objects)["requests.storage"])


def test_counts_fit(objects: list[dict[str, Any]]) -> None:
    found = hard(objects)
    solver = 1
    assert len(of_kind(objects, "Service")) + solver <= int(found["services"])
    assert len(at_once(objects)) + solver <= int(found["pods"])
    assert len(of_kind(objects, "CronJob")) <= int(found["count/cronjobs.batch"])
    # The broker's certificate, and for a moment the challenge's, are Secrets too.
    assert len(of_kind(objects, "Secret")) + 2 <= int(found["secrets"])
    # The cluster puts its authority's certificate into every namespace.
    assert len(of_kind(objects, "ConfigMap")) + 1 <= int(found["configmaps"])
