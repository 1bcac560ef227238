"""One real node for all tests of a run, with two customers on it, brought up as a person would."""

from __future__ import annotations

import concurrent.futures
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from infra.names import EDGE_NAMESPACE
from ops.local.kubeconfig import KubeAccess
from ops.local.node.machine import prepare, unfit
from ops.local.node.node import TOOLS, RealNode
from ops.local.tools import ensure, everyday
from tests.cluster.dev_project import DevProject
from tests.node.doubles import images
from tests.node.keeping import with_keeper
from tests.node.machine_state import machine_state
from tests.node.probes import PROBE_LABELS
from tests.node.renewals import Renewals, watch_renewals
from tests.node.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

HERE = "tests/node/"
KEPT = os.environ.get("IOTISTIC_NODE_PROJECT")
RENEWALS: pytest.StashKey[Future[Renewals]] = pytest.StashKey()
ONLY = ("acme", "globex")
"""Customers of different plans. A third would need more processors than small machines have."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests in turn, and skip this tier where it cannot run; where it must, let it fail instead."""
    items.sort(key=turn)
    problem = unfit()
    if problem is None or os.environ.get("CI") == "true":
        return
    for item in items:
        if HERE in item.nodeid and item.get_closest_marker("node"):
            item.add_marker(pytest.mark.skip(reason=f"{problem.where} {problem.what}"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Bring the node's tools before the first test: where they are built, its time would not do."""
    chosen = any(HERE in item.nodeid and item.get_closest_marker("node") for item in session.items)
    if chosen and unfit() is None and not session.config.option.collectonly:
        ensure([*everyday(), *TOOLS], console=Console())


def turn(item: pytest.Item) -> int:
    """Return when a test has its turn: beside the renewals, after them, or when the node may go."""
    turns = {"meanwhile": 0, "leaves_changes": 2, "ends_the_node": 3}
    return max((when for marker, when in turns.items() if item.get_closest_marker(marker)), default=1)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a test have the node to itself, unless it says that it disturbs nobody."""
    if RENEWALS in item.config.stash and not item.get_closest_marker("meanwhile"):
        concurrent.futures.wait([item.config.stash[RENEWALS]])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was measured, whatever came of it."""
    measured = [
        f"{report.nodeid.removeprefix(HERE)}: {name}: {value}"
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call" and report.nodeid.startswith(HERE)
        for name, value in report.user_properties
    ]
    if measured:
        terminalreporter.section("measured on the real node")
        terminalreporter.write("\n".join([*measured, ""]))


@pytest.fixture(scope="session")
def machine_before() -> dict[str, object]:
    """What this machine had before there was a node, with the packages that one needs."""
    prepare(Console())
    return machine_state()


@pytest.fixture(scope="session")
def world(
    request: pytest.FixtureRequest,
    machine_before: dict[str, object],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """A checkout whose customers run on a real node.

    While working on these tests, ``IOTISTIC_NODE_PROJECT=<folder>`` keeps everything in that
    folder and goes on from there the next time.
    """
    assert machine_before
    problem = unfit()
    assert problem is None, problem
    folder = Path(KEPT) if KEPT else tmp_path_factory.mktemp("node") / "project"
    project = DevProject(folder) if folder.exists() else checkout(folder)
    with concurrent.futures.ThreadPoolExecutor() as aside:
        try:
            made = aside.submit(images.make)
            project.iotistic("local", "node", "up")
            node = real_node(project.home)
            made.result()
            images.ensure(node.images)
            world = World(project, node)
            world.apply(TEST_CLUSTER)
            if any("renewals" in getattr(item, "fixturenames", ()) for item in request.session.items):
                request.config.stash[RENEWALS] = aside.submit(watch_renewals, world)
            project.iotistic("local", "up")
            world.apply(PROBES_BESIDE_THE_EDGE)
            yield world
        finally:
            if not KEPT:
                project.iotistic("local", "down", "--yes")


@pytest.fixture(scope="session")
def renewals(request: pytest.FixtureRequest) -> Renewals:
    """What devices had of renewed certificates. Watching began with the world."""
    request.getfixturevalue("world")
    return request.config.stash[RENEWALS].result()


@pytest.fixture(scope="session")
def stored(world: World) -> Iterator[World]:
    """A world with a client that stores things at customers' brokers."""
    with with_keeper(world, ONLY):
        yield world


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
