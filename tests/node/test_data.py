"""What a customer has stored stays, whatever ends of what runs below it, and when."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from ops.local import processes
from tests.node.environment import ONLY, TWO
from tests.node.keeping import CLIENT, assert_kept, log_of_database, wait_until_saved, write, write_rows
from tests.node.test_lifecycle import PARTS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.node.world import World

pytestmark = pytest.mark.node

TOGETHER = (("containerd", "kube-proxy", "cert-manager"), ("relay", "kubelet", "kube-router", "volumes"))
"""Parts that are killed at once. Each is in one of these alone: so each is told from the others."""


def test_it_outlives_every_part_of_the_node_and_the_clusters_own_database(stored: World) -> None:
    """Dead parts are named, and started again; the others, and the customers' containers, are left alone."""
    assert sorted(chain(*TOGETHER)) == sorted(PARTS)
    containers = containers_of_customers(stored)
    words = write(stored, TWO)
    for parts in TOGETHER:
        before = pids(stored)
        processes.kill([before[part] or 0 for part in parts])
        assert [name for name, pid in pids(stored).items() if pid is None] == list(parts)
        assert stored.node.up() == list(parts)
        after = pids(stored)
        assert {name for name in after if after[name] != before[name]} == set(parts)
    [etcd] = clusters_databases(stored)
    processes.kill([etcd])
    stored.project.iotistic("local", "node", "up")
    assert clusters_databases(stored).keys().isdisjoint({etcd})
    assert_as_declared(stored)
    assert_kept(stored, words)
    assert containers_of_customers(stored) == containers


def clusters_databases(world: World) -> dict[int, list[str]]:
    """Return the processes of the cluster's own database."""
    folder = str(world.project.home / "cluster")
    return processes.find(lambda command: command[0].startswith(folder) and command[0].endswith("/etcd"))


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


def test_it_outlives_a_power_cut_of_the_node(stored: World) -> None:
    """Rows up to the last moment, and messages up to a broker's last saving, of which it does one in time."""
    dns, containers = restarts_of_dns(stored), containers_of_customers(stored)
    words = write(stored, TWO)
    wait_until_saved(stored, TWO)
    last = {tenant: f"{word}, the last" for tenant, word in words.items()}
    write_rows(stored, last)
    processes.kill([stored.node.namespaces.started])
    started = f"Started of the real node: {', '.join(PARTS)}."
    assert started in stored.project.iotistic("local", "node", "up").stderr.replace("\n", " ")
    wait_until(lambda: all_anew(containers_of_customers(stored), containers), seconds=120)
    # The pod of the cluster's DNS is the same, and has been started once more.
    wait_until(lambda: restarts_of_dns(stored) == {uid: count + 1 for uid, count in dns.items()}, seconds=60)
    assert_as_declared(stored)
    stored.kubectl("wait", "--for=condition=Ready", f"pod/{CLIENT}", "--namespace=mqtt-edge", "--timeout=60s")
    assert_kept(stored, words)
    for tenant in TWO:
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
