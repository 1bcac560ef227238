"""What a customer has stored stays, whatever ends of what runs below it, and when."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from ops.local import processes
from tests.node.conftest import ONLY
from tests.node.keeping import assert_kept, wait_until_saved, write, write_rows
from tests.node.test_lifecycle import PARTS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.node.world import World

pytestmark = pytest.mark.node

TOGETHER = (("containerd", "kube-proxy", "cert-manager"), ("relay", "kubelet", "kube-router", "volumes"))
"""Parts that are killed at once. Each is in one of these alone: so each is told from the others."""


@pytest.mark.meanwhile
def test_it_outlives_its_pods(stored: World) -> None:
    before = {pod["metadata"]["uid"] for pod in stored.pods("acme")}
    words = write(stored, ["acme"])
    stored.kubectl("delete", "pod/postgres-0", "pod/mosquitto-0", "--namespace=customer-acme")
    stored.wait_ready("acme")
    assert {pod["metadata"]["uid"] for pod in stored.pods("acme")} != before
    assert_kept(stored, words)
    # They were asked to end, and had the time to.
    assert "database system was shut down" in log_of_database(stored, "acme")


def test_it_outlives_every_part_of_the_node(stored: World) -> None:
    """Dead parts are named, and started again; the others, and the customers' containers, are left alone."""
    assert sorted(chain(*TOGETHER)) == sorted(PARTS)
    containers = containers_of_customers(stored)
    words = write(stored, ONLY)
    for parts in TOGETHER:
        before = pids(stored)
        processes.kill([before[part] or 0 for part in parts])
        assert [name for name, pid in pids(stored).items() if pid is None] == list(parts)
        assert stored.node.up() == list(parts)
        after = pids(stored)
        assert {name for name in after if after[name] != before[name]} == set(parts)
    assert_as_declared(stored)
    assert_kept(stored, words)
    assert containers_of_customers(stored) == containers


def pids(world: World) -> dict[str, int | None]:
    return {status.name: status.pid for status in world.node.status()}


def containers_of_customers(world: World) -> set[str]:
    """Return the containers of all customers' pods that stay."""
    return {
        container.get("containerID", "")
        for tenant in ONLY
        for pod in world.pods(tenant)
        if pod["status"]["phase"] == "Running"
        for container in pod["status"]["containerStatuses"]
    }


def assert_as_declared(world: World) -> None:
    """Compare the cluster with what was declared, and see every customer's workloads work."""
    for tenant in ONLY:
        world.wait_ready(tenant)
    world.project.shell("pulumi", "refresh", "--preview-only", "--expect-no-changes", "--non-interactive")


def test_it_outlives_the_clusters_own_database(stored: World) -> None:
    folder = str(stored.project.home / "cluster")
    etcd = processes.find(lambda command: command[0].startswith(folder) and command[0].endswith("/etcd"))
    assert len(etcd) == 1
    containers = containers_of_customers(stored)
    words = write(stored, ONLY)
    processes.kill(etcd)
    stored.project.iotistic("local", "node", "up")
    assert_as_declared(stored)
    assert_kept(stored, words)
    assert containers_of_customers(stored) == containers


def test_it_outlives_a_power_cut_of_the_node(stored: World) -> None:
    """Rows up to the last moment, and messages up to a broker's last saving, of which it does one in time."""
    dns, containers = restarts_of_dns(stored), containers_of_customers(stored)
    words = write(stored, ONLY)
    wait_until_saved(stored, ONLY)
    last = {tenant: f"{word}, the last" for tenant, word in words.items()}
    write_rows(stored, last)
    processes.kill([stored.node.namespaces.started])
    started = f"Started of the real node: {', '.join(PARTS)}."
    assert started in stored.project.iotistic("local", "node", "up").stderr.replace("\n", " ")
    wait_until(lambda: all_anew(containers_of_customers(stored), containers), seconds=120)
    # The pod of the cluster's DNS is the same, and has been started once more.
    wait_until(lambda: restarts_of_dns(stored) == {uid: count + 1 for uid, count in dns.items()}, seconds=60)
    assert_as_declared(stored)
    stored.kubectl("wait", "--for=condition=Ready", "pod/keeper", "--namespace=mqtt-edge", "--timeout=60s")
    assert_kept(stored, words)
    for tenant in ONLY:
        assert stored.api(tenant, "/api/v1/notes")["notes"].count(last[tenant]) == 1
        # Nobody had asked it to end.
        assert "database system was not properly shut down" in log_of_database(stored, tenant)


def restarts_of_dns(world: World) -> dict[str, int]:
    """Return how often each pod of the cluster's DNS was started again."""
    pods = world.get("pods", "--namespace=kube-system", "--selector=k8s-app=kube-dns")["items"]
    return {
        pod["metadata"]["uid"]: container["restartCount"]
        for pod in pods
        for container in pod["status"]["containerStatuses"]
    }


def all_anew(now: set[str], before: set[str]) -> bool:
    """Return whether there are as many containers as before, and none of the same."""
    return len(now) == len(before) and now.isdisjoint(before)


def log_of_database(world: World, tenant: str) -> str:
    """Return what a customer's database has said since its last start."""
    return world.kubectl("logs", "pod/postgres-0", "--container=postgres", f"--namespace=customer-{tenant}")


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
