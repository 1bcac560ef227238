"""The node itself: it comes with all of its parts, and leaves this machine as it was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ops.local import processes
from ops.local.node.layout import NODE_NAME
from tests.node.conftest import KEPT
from tests.node.machine_state import Traces, alive, changes, machine_state

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


WRITTEN = ("/var/lib/cni/results", "/var/lib/kubelet/device-plugins", "/var/log/containers")
"""Where its parts write by names of their own, which no option changes."""


def test_what_its_parts_write_elsewhere_stays_inside(world: World) -> None:
    inside = Path("/proc") / str(world.node.namespaces.started) / "root"
    for name in WRITTEN:
        there, here = inside / name.strip("/"), Path(name)
        assert there.is_dir(), name
        assert not here.exists() or not there.samefile(here), name
    assert not (inside / "opt" / "containerd").exists() or Path("/opt/containerd").exists()


@goes
@pytest.mark.ends_the_node
def test_it_goes_without_a_trace(world: World, machine_before: dict[str, object]) -> None:
    node = world.node
    traces = Traces.of(node.layout, node.namespaces.started)
    running = traces.processes()
    assert {part.pid for part in node.status()} <= {one.pid for one in running}, "else none would be missed"
    node.down()
    assert changes(machine_before, machine_state()) == []
    assert (alive(running), traces.processes()) == (set(), set())
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
    traces = Traces.of(node.layout, node.namespaces.started)
    running = traces.processes()
    processes.end([node.namespaces.started], patience=0)
    assert [part.name for part in node.status() if part.pid is None] == PARTS[1:]
    node.down()
    assert changes(machine_before, machine_state()) == []
    assert (alive(running), traces.processes()) == (set(), set())


def condition(world: World, kind: str) -> str:
    conditions = world.get(f"node/{NODE_NAME}")["status"]["conditions"]
    return next(str(item["status"]) for item in conditions if item["type"] == kind)
