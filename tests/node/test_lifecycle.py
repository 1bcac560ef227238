"""The node itself: it comes with all of its parts, and leaves this machine as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops.local import processes
from ops.local.node.layout import NODE_NAME
from tests.node.conftest import KEPT
from tests.node.machine_state import machine_state, processes_of

if TYPE_CHECKING:
    from tests.node.world import World

pytestmark = pytest.mark.node

PARTS = ["relay", "containerd", "kubelet", "kube-proxy", "kube-router", "cert-manager", "volumes"]

goes = pytest.mark.skipif(KEPT is not None, reason="IOTISTIC_NODE_PROJECT keeps the node")


def test_it_is_there_and_twice_changes_nothing(world: World) -> None:
    status = world.node.status()
    assert [part.name for part in status if part.healthy] == PARTS
    assert condition(world, "Ready") == "True"
    assert world.node.up() == []
    assert [part.pid for part in world.node.status()] == [part.pid for part in status]


@goes
@pytest.mark.ends_the_node
def test_it_goes_without_a_trace(world: World, machine_before: dict[str, object]) -> None:
    node = world.node
    node.down()
    assert machine_state() == machine_before
    assert processes_of(node.layout.folder) == []
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
    processes.end([node.namespaces.started], patience=0)
    assert [part.name for part in node.status() if part.pid is None] == PARTS[1:]
    node.down()
    assert machine_state() == machine_before
    assert processes_of(node.layout.folder) == []


def condition(world: World, kind: str) -> str:
    conditions = world.get(f"node/{NODE_NAME}")["status"]["conditions"]
    return next(str(item["status"]) for item in conditions if item["type"] == kind)
