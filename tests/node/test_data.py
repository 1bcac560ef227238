"""What a customer has stored stays, whatever happens to what runs on top of it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ops.local import processes
from tests.node.conftest import ONLY
from tests.node.devices import mqtt, with_device
from tests.node.doubles.images import newer
from tests.node.test_lifecycle import PARTS
from tests.node.world import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.node.world import World

pytestmark = pytest.mark.node

TOPIC = "iot/acme/kept"
SUSPENDED = """\
lifecycle:
  state: "suspended"
  reason: "tries whether its data stays"
  since: "2026-11-20"
"""


@pytest.fixture(scope="module")
def stored(world: World) -> Iterator[World]:
    """A world in which acme has a row and a retained message."""
    with with_device(world, "keeper", ["acme"]):
        if "kept" not in world.api("acme", "/api/v1/notes")["notes"]:
            world.api("acme", "/api/v1/notes", {"text": "kept"})
        sent = mqtt(world, "keeper", "pub", "acme", TOPIC, "-r", "-m", "kept")
        assert sent.returncode == 0, sent.stderr
        yield world


def has_kept_everything(world: World) -> bool:
    """Return whether the row and the retained message are there."""
    notes = world.api("acme", "/api/v1/notes")["notes"]
    message = mqtt(world, "keeper", "sub", "acme", TOPIC, "-C", "1", "-W", "5")
    return notes.count("kept") == 1 and message.stdout.strip() == "kept"


@pytest.mark.meanwhile
def test_it_outlives_its_pods(stored: World) -> None:
    before = {pod["metadata"]["uid"] for pod in stored.pods("acme")}
    stored.kubectl("delete", "pod/postgres-0", "pod/mosquitto-0", "--namespace=customer-acme")
    stored.wait_ready("acme")
    assert {pod["metadata"]["uid"] for pod in stored.pods("acme")} != before
    assert has_kept_everything(stored)


@pytest.mark.parametrize("part", ["containerd", "kubelet", "kube-router", "relay"])
def test_it_outlives_a_part_of_the_node(stored: World, part: str) -> None:
    """A dead part is named, and started again; the others are left alone."""
    before = pids(stored)
    processes.end([before[part] or 0], patience=0)
    assert [name for name, pid in pids(stored).items() if pid is None] == [part]
    assert stored.node.up() == [part]
    after = pids(stored)
    assert {name for name in after if after[name] != before[name]} == {part}
    stored.wait_ready("acme")
    assert has_kept_everything(stored)


def pids(world: World) -> dict[str, int | None]:
    return {status.name: status.pid for status in world.node.status()}


def test_it_outlives_the_clusters_own_database(stored: World) -> None:
    folder = str(stored.project.home / "cluster")
    etcd = processes.find(lambda command: command[0].startswith(folder) and command[0].endswith("/etcd"))
    assert len(etcd) == 1
    processes.end(etcd, patience=0)
    stored.project.iotistic("local", "node", "up")
    stored.wait_ready("acme")
    assert has_kept_everything(stored)
    stored.project.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")


def test_it_outlives_a_power_cut_of_the_node(stored: World) -> None:
    dns = restarts_of_dns(stored)
    processes.end([stored.node.namespaces.started], patience=0)
    started = f"Started: {', '.join(PARTS)}."
    assert started in stored.project.iotistic("local", "node", "up").stderr.replace("\n", " ")
    eventually(lambda: restarted(stored), seconds=120)
    # The pod of the cluster's DNS is the same, and has been started once more.
    eventually(lambda: restarts_of_dns(stored) == {uid: count + 1 for uid, count in dns.items()})
    for tenant in ONLY:
        stored.wait_ready(tenant)
    stored.kubectl("wait", "--for=condition=Ready", "pod/keeper", "--namespace=mqtt-edge", "--timeout=60s")
    assert has_kept_everything(stored)


def restarts_of_dns(world: World) -> dict[str, int]:
    """Return how often each pod of the cluster's DNS was started again."""
    pods = world.get("pods", "--namespace=kube-system", "--selector=k8s-app=kube-dns")["items"]
    return {
        pod["metadata"]["uid"]: container["restartCount"]
        for pod in pods
        for container in pod["status"]["containerStatuses"]
    }


def restarted(world: World) -> bool:
    """Return whether every pod of acme has been started again since the cut."""
    pods = [pod for pod in world.pods("acme") if pod["status"]["phase"] == "Running"]
    return all(
        container["restartCount"] > 0 and container["ready"]
        for pod in pods
        for container in pod["status"]["containerStatuses"]
    )


@pytest.mark.meanwhile
def test_it_outlives_suspension_and_a_change_of_plan(stored: World) -> None:
    with edited(stored, stored.project.registry / "acme.yaml") as (before, use):
        use(before + SUSPENDED)
        assert not any(name(pod) in {"postgres", "mosquitto", "api"} for pod in running(stored))
        use(promoted(before))
        stored.wait_ready("acme")
        assert has_kept_everything(stored)
    stored.wait_ready("acme")
    assert has_kept_everything(stored)


def test_it_outlives_an_upgrade_of_its_images(stored: World) -> None:
    references = {name: newer(name) for name in ("postgres", "mosquitto")}
    with edited(stored, stored.project.folder / "Pulumi.dev.yaml") as (before, use):
        use(before + f"  iotistic:imageOverrides: '{json.dumps(references)}'\n")
        stored.wait_ready("acme")
        assert set(references.values()) <= images_of(stored)
        assert has_kept_everything(stored)
    stored.wait_ready("acme")
    assert images_of(stored).isdisjoint(references.values())
    assert has_kept_everything(stored)


@contextmanager
def edited(world: World, file: Path) -> Iterator[tuple[str, Callable[[str], None]]]:
    """Yield a file's text and how to use another one, and use its own again afterwards."""
    before = file.read_text(encoding="utf-8")

    def use(text: str) -> None:
        file.write_text(text, encoding="utf-8")
        world.project.iotistic("local", "up")

    try:
        yield before, use
    finally:
        use(before)


def images_of(world: World) -> set[str]:
    return {container["image"] for pod in running(world) for container in pod["spec"]["containers"]}


def promoted(file: str) -> str:
    """Return a tenant's file with a larger plan, on volumes that it can go back with."""
    for old, new in (
        ('plan: "starter"', 'plan: "professional"'),
        ('status: "trialing"', 'status: "active"\n  current_period_end: "2027-11-30"'),
    ):
        assert old in file
        file = file.replace(old, new)
    return file + 'storage:\n  postgres: "10Gi"\n  mosquitto: "1Gi"\n'


def running(world: World) -> list[dict[str, Any]]:
    return [pod for pod in world.pods("acme") if pod["status"]["phase"] == "Running"]


def name(pod: dict[str, Any]) -> str:
    return str(pod["metadata"]["labels"].get("app.kubernetes.io/name"))


@pytest.mark.meanwhile
def test_no_volume_is_shared(stored: World) -> None:
    volumes = stored.get("persistentvolumes")["items"]
    paths = [volume["spec"]["local"]["path"] for volume in volumes]
    claims = [(v["spec"]["claimRef"]["namespace"], v["spec"]["claimRef"]["name"]) for v in volumes]
    assert len(set(paths)) == len(paths) == len(set(claims))
    assert {namespace for namespace, _ in claims} == {f"customer-{tenant}" for tenant in ONLY}
    for tenant in ONLY:
        mounted = {
            volume["persistentVolumeClaim"]["claimName"]
            for pod in stored.pods(tenant)
            for volume in pod["spec"]["volumes"]
            if "persistentVolumeClaim" in volume
        }
        assert {"postgres-data", "mosquitto-data"} <= mounted
