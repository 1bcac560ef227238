"""The node itself: it comes, is mended, survives a power cut, and leaves this machine as it was."""

from __future__ import annotations

import functools
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from ops.local import processes
from ops.local.cluster import EmbeddedCluster
from ops.local.kube_command import kubectl as run_kubectl
from ops.local.node.layout import NODE_NAME
from ops.local.node.node import TOOLS, RealNode
from ops.local.tools import ensure, everyday
from tests.node.machine_state import machine_state, processes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ops.local.kubeconfig import KubeAccess
    from ops.local.tools import Toolbox

pytestmark = pytest.mark.node

PARTS = ["relay", "containerd", "kubelet", "kube-proxy", "kube-router", "cert-manager", "volumes"]


@pytest.fixture(scope="module")
def toolbox() -> Toolbox:
    return ensure([*everyday(), *TOOLS], console=Console())


@pytest.fixture(scope="module")
def cluster(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeAccess]:
    embedded = EmbeddedCluster("own", tmp_path_factory.mktemp("own") / "cluster", toolbox, Console(), nodes=1)
    try:
        yield embedded.up()
    finally:
        embedded.down()


@pytest.fixture(scope="module")
def kubectl(toolbox: Toolbox, cluster: KubeAccess) -> Callable[..., str]:
    return functools.partial(run_kubectl, toolbox, cluster)


@pytest.fixture(scope="module")
def before(cluster: KubeAccess) -> dict[str, object]:
    """What this machine has beside the cluster, before there is a node."""
    assert cluster.kubeconfig.exists()
    return machine_state()


@pytest.fixture(scope="module")
def node(
    toolbox: Toolbox,
    cluster: KubeAccess,
    before: dict[str, object],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RealNode]:
    """A node that each test brings up, if the one before has not left it running."""
    assert before
    node = RealNode(tmp_path_factory.mktemp("own") / "node", cluster, toolbox, Console())
    yield node
    node.down()


def test_it_comes_and_is_mended(node: RealNode, kubectl: Callable[..., str]) -> None:
    assert node.up() == PARTS
    assert [part.name for part in node.status() if part.healthy] == PARTS
    assert condition(kubectl, "Ready") == "True"

    # Twice changes nothing.
    running = {part.name: part.pid for part in node.status()}
    assert node.up() == []
    assert {part.name: part.pid for part in node.status()} == running

    # A dead part is named, and started again; the others are left alone.
    for victim in ("containerd", "kube-router", "relay"):
        running = {part.name: part.pid for part in node.status()}
        processes.end([running[victim] or 0], patience=0)
        assert [part.name for part in node.status() if part.pid is None] == [victim]
        assert node.up() == [victim]
        after = {part.name: part.pid for part in node.status()}
        assert {name for name in after if after[name] != running[name]} == {victim}


def test_pods_come_back_after_a_power_cut(node: RealNode, kubectl: Callable[..., str]) -> None:
    node.up()
    dns = ("get", "pods", "--namespace=kube-system", "--selector=k8s-app=kube-dns", "--output=json")
    [pod] = json.loads(kubectl(*dns))["items"]
    started = restarts(kubectl, dns)
    processes.end([node.namespaces.started], patience=0)
    assert node.up() == PARTS
    [after] = json.loads(kubectl(*dns))["items"]
    assert after["metadata"]["uid"] == pod["metadata"]["uid"]
    deadline = time.monotonic() + 60
    while restarts(kubectl, dns) == started:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_it_goes_without_a_trace(
    node: RealNode, before: dict[str, object], kubectl: Callable[..., str]
) -> None:
    node.up()
    node.down()
    assert machine_state() == before
    assert processes_of(node.layout.folder) == []
    assert not node.layout.folder.exists()
    assert node.status() == []
    # The simulated nodes take pods again.
    nodes = json.loads(kubectl("get", "nodes", "--output=json"))["items"]
    assert [item["metadata"]["name"] for item in nodes] == ["node-1"]
    assert not nodes[0]["spec"].get("unschedulable")


def test_it_goes_without_a_trace_after_a_crash(node: RealNode, before: dict[str, object]) -> None:
    node.up()
    processes.end([node.namespaces.started], patience=0)
    assert [part.name for part in node.status() if part.pid is None] == PARTS[1:]
    node.down()
    assert machine_state() == before
    assert processes_of(node.layout.folder) == []


def condition(kubectl: Callable[..., str], kind: str) -> str:
    node: dict[str, Any] = json.loads(kubectl("get", f"node/{NODE_NAME}", "--output=json"))
    return next(str(item["status"]) for item in node["status"]["conditions"] if item["type"] == kind)


def restarts(kubectl: Callable[..., str], pods: tuple[str, ...]) -> int:
    [pod] = json.loads(kubectl(*pods))["items"]
    return int(pod["status"]["containerStatuses"][0]["restartCount"])
