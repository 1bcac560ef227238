"""The node itself: it comes with all of its parts, and leaves this machine as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ops.local import processes
from ops.local.node.layout import NODE_NAME
from tests.node.environment import KEPT
from tests.node.machine_state import alive, changes, machine_state, processes_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.node.world import World

pytestmark = pytest.mark.node

PARTS = ["relay", "containerd", "kubelet", "kube-proxy", "kube-router", "cert-manager", "volumes"]

goes = pytest.mark.skipif(KEPT is not None, reason="IOTISTIC_NODE_PROJECT keeps the node")


def test_it_is_there_and_twice_changes_nothing(world: World) -> None:
    status = world.node.status()
    assert [part.name for part in status if part.healthy] == [*PARTS, "coredns"]
    assert condition(world, "Ready") == "True"
    assert world.node.up() == []
    assert [part.pid for part in world.node.status()] == [part.pid for part in status]


def test_a_part_that_died_is_named_and_comes_back(world: World) -> None:
    processes.end([world.pid("kube-router")], patience=0)
    status = world.project.iotistic("local", "node", "status", expect=1)
    assert "Dead, or not working: kube-router." in status.stderr
    assert "Started of the real node: kube-router." in world.project.iotistic("local", "node", "up").stderr
    printed = json.loads(world.project.iotistic("local", "node", "status", "--json").stdout)
    assert [part["name"] for part in printed if part["healthy"]] == [*PARTS, "coredns"]


def test_a_part_that_was_made_from_something_older_is_started_anew(world: World) -> None:
    record = world.node.layout.started
    before = {part.name: part.pid for part in world.node.status()}
    record.write_text(json.dumps({**json.loads(record.read_text()), "kube-proxy": "older"}))
    assert world.node.up() == ["kube-proxy"]
    after = {part.name: part.pid for part in world.node.status()}
    assert {name for name in after if after[name] != before[name]} == {"kube-proxy"}


def test_a_dns_that_is_gone_is_named(world: World) -> None:
    world.kubectl("scale", "deployment/coredns", "--namespace=kube-system", "--replicas=0")
    wait_until(lambda: not world.part("coredns").healthy, seconds=60)
    assert world.node.up() == []
    assert all(part.healthy for part in world.node.status())


@goes
@pytest.mark.ends_the_node
def test_it_goes_without_a_trace(world: World, machine_before: dict[str, object]) -> None:
    node = world.node
    running = processes_of(node.layout, holder=node.namespaces.started)
    assert {part.pid for part in node.status()} <= {one.pid for one in running}, "else none would be missed"
    node.down()
    assert changes(machine_before, machine_state()) == []
    # What only waited for a part outside takes a moment to notice its end.
    wait_until(lambda: not alive(running) | processes_of(node.layout), seconds=10)
    assert not node.layout.folder.exists()
    assert node.status() == []
    # The simulated nodes take pods again.
    nodes = world.get("nodes")["items"]
    assert nodes
    for item in nodes:
        assert item["metadata"]["name"] != NODE_NAME
        assert not item["spec"].get("unschedulable")


@goes
@pytest.mark.ends_the_node
def test_it_goes_without_a_trace_after_a_crash(world: World, machine_before: dict[str, object]) -> None:
    node = world.node
    assert node.up() == PARTS
    running = processes_of(node.layout, holder=node.namespaces.started)
    processes.end([node.namespaces.started], patience=0)
    assert [part.name for part in node.status() if part.pid is None] == [*PARTS[1:], "coredns"]
    node.down()
    assert changes(machine_before, machine_state()) == []
    # What only waited for a part outside takes a moment to notice its end.
    wait_until(lambda: not alive(running) | processes_of(node.layout), seconds=10)


def condition(world: World, kind: str) -> str:
    conditions = world.get(f"node/{NODE_NAME}")["status"]["conditions"]
    return next(str(item["status"]) for item in conditions if item["type"] == kind)
