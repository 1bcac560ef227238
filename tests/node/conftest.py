"""One real node for all tests of a run, with customers on it, brought up as a person would.

Tests run in lanes: one after another within a lane, which has what it disturbs to itself, and lanes beside
each other where there are several processes. Tests without a lane come after all lanes, and are alone.
"""

from __future__ import annotations

import concurrent.futures
import os
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from ops.local.node.machine import prepare, unfit
from ops.local.node.node import TOOLS
from ops.local.tools import ensure, everyday
from tests.node.environment import TWO, bring_up_customers, bring_up_node, take_down, world_of
from tests.node.keeping import with_keeper
from tests.node.lanes import ByLane, lane_of, place_of
from tests.node.machine_state import machine_state
from tests.node.renewals import Renewals, watch_renewals
from tests.node.sharing import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer  # type: ignore[import-untyped]

    from tests.node.world import World

HERE = "tests/node/"
RUN: pytest.StashKey[Run] = pytest.StashKey()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests in turn, and skip this tier where it cannot run; where it must, let it fail instead."""
    items.sort(key=turn)
    problem = unfit()
    if problem is None or os.environ.get("CI") == "true":
        return
    for item in filter(is_here, items):
        item.add_marker(pytest.mark.skip(reason=f"{problem.where} {problem.what}"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Bring the node's tools before the first test: where they are built, its time would not do."""
    if any(map(is_here, session.items)) and unfit() is None and not session.config.option.collectonly:
        session.config.stash[RUN] = Run.join()
        ensure([*everyday(), *TOOLS], console=Console())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Take the node down after the last test of all."""
    run = session.config.stash.get(RUN, None)
    if run is not None:
        run.leave(lambda: take_down(run))


def is_here(item: pytest.Item) -> bool:
    """Return whether a test is one of this tier's."""
    return HERE in item.nodeid and item.get_closest_marker("node") is not None


def turn(item: pytest.Item) -> tuple[int, int]:
    """Return when a test has its turn: in a lane, alone after all of them, or when the node may go."""
    if not is_here(item) or lane_of(item.nodeid) is not None:
        return 0, place_of(item.nodeid)
    turns = {"leaves_changes": 2, "ends_the_node": 3}
    return max((when for marker, when in turns.items() if item.get_closest_marker(marker)), default=1), 0


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByLane:
    """Give each process a lane."""
    return ByLane(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a test without a lane have the node to itself."""
    if RUN in item.config.stash and is_here(item) and lane_of(item.nodeid) is None:
        item.config.stash[RUN].wait_for_others()


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
def run(request: pytest.FixtureRequest) -> Run:
    """What this process shares with the others of its run."""
    assert unfit() is None, unfit()
    return request.config.stash[RUN]


@pytest.fixture(scope="session")
def machine_before(run: Run) -> dict[str, object]:
    """What this machine had before there was a node, with the packages that one needs."""

    def look() -> dict[str, object]:
        prepare(Console())
        return machine_state()

    found: dict[str, object] = run.once("machine", look)
    return found


@pytest.fixture(scope="session")
def bare_world(run: Run, machine_before: dict[str, object]) -> World:
    """A checkout with a real node that has the images of its customers, who need not be there yet.

    While working on these tests, ``IOTISTIC_NODE_PROJECT=<folder>`` keeps everything in that
    folder and goes on from there the next time.
    """
    assert machine_before
    run.once("node", lambda: bring_up_node(run))
    return world_of(run)


@pytest.fixture(scope="session")
def world(run: Run, bare_world: World) -> World:
    """A checkout whose customers run on a real node."""
    bring_up_customers(run, bare_world)
    return bare_world


@pytest.fixture(scope="session")
def renewals(run: Run, bare_world: World) -> Renewals:
    """What devices had of renewed certificates: it takes long, and begins while customers come."""
    with concurrent.futures.ThreadPoolExecutor() as beside:
        coming = beside.submit(bring_up_customers, run, bare_world)
        found = watch_renewals(bare_world)
        coming.result()
    return found


@pytest.fixture(scope="session")
def stored(world: World) -> Iterator[World]:
    """A world with a client that stores things at two customers' brokers."""
    with with_keeper(world, TWO):
        yield world
