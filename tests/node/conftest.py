"""One real node for all tests of a run, with two customers on it, brought up as a person would."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from infra.names import EDGE_NAMESPACE
from ops.local.kubeconfig import KubeAccess
from ops.local.node.machine import unfit
from ops.local.node.node import TOOLS, RealNode
from ops.local.tools import ensure, everyday
from tests.cluster.dev_project import DevProject
from tests.node.doubles import images
from tests.node.probes import PROBE_LABELS
from tests.node.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = "tests/node/"
ONLY = ("acme", "globex")
"""Customers of different plans. A third would need more processors than small machines have."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip this tier where it cannot run; where it must run, let it fail instead."""
    problem = unfit()
    if problem is None or os.environ.get("CI") == "true":
        return
    for item in items:
        if HERE in item.nodeid and item.get_closest_marker("node"):
            item.add_marker(pytest.mark.skip(reason=f"{problem.where} {problem.what}"))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A checkout whose customers run on a real node.

    While working on these tests, ``IOTISTIC_NODE_PROJECT=<folder>`` keeps everything in that
    folder and goes on from there the next time.
    """
    problem = unfit()
    assert problem is None, problem
    kept = os.environ.get("IOTISTIC_NODE_PROJECT")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("node") / "project"
    project = DevProject(folder) if folder.exists() else checkout(folder)
    try:
        project.iotistic("local", "node", "up")
        node = real_node(project.home)
        images.ensure(node.images)
        world = World(project, node)
        world.apply(TEST_CLUSTER)
        project.iotistic("local", "up")
        world.apply(PROBES_BESIDE_THE_EDGE)
        yield world
    finally:
        if not kept:
            project.iotistic("local", "down", "--yes")


def checkout(folder: Path) -> DevProject:
    """Return a checkout with the customers of these tests."""
    project = DevProject.clone(folder)
    for file in project.registry.glob("[!_]*.yaml"):
        if file.stem not in ONLY:
            file.unlink()
    return project


def real_node(home: Path) -> RealNode:
    """Return the node of the environment in this folder."""
    kubeconfig = home / "cluster" / "kubeconfig"
    server = json.loads(kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]["server"]
    console = Console()
    toolbox = ensure([*everyday(), *TOOLS], console=console)
    return RealNode(home / "node", KubeAccess(kubeconfig, "iotistic-dev", server), toolbox, console)


TEST_CLUSTER = {
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
