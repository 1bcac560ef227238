"""A small world for all tests of the edge, from programs that a Debian machine has."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.edge.world import PROGRAMS, World, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.edge.world import Proxy


@pytest.fixture(scope="session", autouse=True)
def _programs() -> None:
    """Skip where a program is missing; but never where a merge depends on it."""
    missing = [name for name in PROGRAMS if program(name) is None]
    if missing:
        reason = f"not installed: {', '.join(missing)} (on Debian: apt-get install {' '.join(PROGRAMS)})"
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
