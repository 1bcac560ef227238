"""What all tests with real programs stand on: the programs, and a small world for those of the edge."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from infra.customer.instance import manifests
from tests.edge import pods
from tests.edge.database import POSTGRES_IMAGE, Database
from tests.edge.world import PROGRAMS, World, program
from tests.program.instances import instance_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.customer.model import Instance
    from tests.edge.world import Proxy


@pytest.fixture(scope="session", autouse=True)
def _programs() -> None:
    """Skip where a program is missing; but never where a merge depends on it."""
    missing = [name for name in (*PROGRAMS, *pods.PROGRAMS) if program(name) is None]
    reasons = (
        [f"not installed: {', '.join(missing)} (.ci/packages lists Debian's packages)"] if missing else []
    )
    if os.geteuid() != 0:
        reasons.append("not root, who alone may give files to the users of pods")
    if reasons:
        reason = "; ".join(reasons)
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Three customers with a broker each, and a DNS that knows them."""
    world = World(tmp_path)
    try:
        for customer in ("acme", "globex", "initech"):
            world.broker(customer)
        yield world
    finally:
        world.close()


@pytest.fixture
def proxy(world: World) -> Proxy:
    return world.proxy()


@pytest.fixture(scope="module")
def instance() -> Instance:
    """A customer whose backups go to a volume."""
    return instance_of("acme")


@pytest.fixture(scope="module")
def node(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[pods.Node]:
    """The customer's objects, and what can run their containers."""
    node = pods.Node(tmp_path_factory.mktemp("node"), manifests(instance))
    node.image("postgres", POSTGRES_IMAGE)
    yield node
    node.close()


@pytest.fixture(scope="module")
def database(node: pods.Node) -> Database:
    """The customer's database, started for the first time."""
    database = Database(node)
    database.start()
    return database
