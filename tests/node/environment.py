"""The node and its customers: how all processes of a run bring them up together, and take them down."""

from __future__ import annotations

import concurrent.futures
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from infra.names import EDGE_NAMESPACE
from ops.local.kubeconfig import KubeAccess
from ops.local.node.node import TOOLS, RealNode
from ops.local.tools import ensure, everyday
from tests.cluster.customers import set_aside
from tests.cluster.dev_project import DevProject
from tests.node.doubles import images
from tests.node.probes import PROBE_LABELS
from tests.node.world import World

if TYPE_CHECKING:
    from tests.node.sharing import Run

KEPT = os.environ.get("IOTISTIC_NODE_PROJECT")
ONLY = ("acme", "globex", "initech")
"""The customers, of different plans."""
TWO = ("acme", "globex")
"""Two of them, on different plans. Beside each other tests disturb neither, but for the lane of the first."""
CPU_PERCENT = 25
"""All that small machines can set aside for three customers."""


def bring_up_node(run: Run) -> None:
    """Bring the node up, and the images of customers."""
    if not folder(run).exists():
        checkout(folder(run))
    project = DevProject(folder(run))
    with concurrent.futures.ThreadPoolExecutor() as aside:
        made = aside.submit(images.make)
        project.iotistic("local", "node", "up")
        made.result()
    world = world_of(run)
    images.ensure(world.node.images)
    world.apply(TEST_CLUSTER)


def bring_up_customers(run: Run, world: World) -> None:
    """Bring up what the stack declares, or wait until another process has."""

    def bring_up() -> None:
        world.project.iotistic("local", "up")
        world.apply(PROBES_BESIDE_THE_EDGE)

    run.once("customers", bring_up)


def take_down(run: Run) -> None:
    """Remove the node and all that is below it, unless it is kept."""
    if not KEPT and folder(run).exists():
        DevProject(folder(run)).iotistic("local", "down", "--yes")


def folder(run: Run) -> Path:
    """Return where the checkout is."""
    return Path(KEPT) if KEPT else run.folder / "project"


def checkout(where: Path) -> None:
    """Make a checkout with the customers of these tests."""
    project = DevProject.clone(where)
    assert {file.stem for file in project.registry.glob("[!_]*.yaml")} == set(ONLY)
    set_aside(project, CPU_PERCENT)


def world_of(run: Run) -> World:
    """Return the world of this run, which has a cluster by now."""
    project = DevProject(folder(run))
    kubeconfig = project.home / "cluster" / "kubeconfig"
    server = json.loads(kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]["server"]
    console = Console()
    toolbox = ensure([*everyday(), *TOOLS], console=console)
    access = KubeAccess(kubeconfig, "iotistic-dev", server)
    return World(project, RealNode(project.home / "node", access, toolbox, console))


TEST_CLUSTER: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "test-cluster", "namespace": "kube-system"},
    "spec": {"selector": {"nothing": "matches"}, "ports": [{"port": 1}]},
}
"""By its name the doubles know that they may start."""

PROBES_BESIDE_THE_EDGE = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "probes", "namespace": EDGE_NAMESPACE},
    "spec": {"podSelector": {"matchLabels": PROBE_LABELS}, "policyTypes": ["Egress"], "egress": [{}]},
}
"""Lets them try every port: what stops them then is a customer's own policy, and not the edge's."""
