"""What a customer has stored stays when its pods go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.node.keeping import assert_kept, log_of_database, with_keeper, write

if TYPE_CHECKING:
    from tests.node.world import World

pytestmark = pytest.mark.node

CUSTOMER = "acme"


def test_it_outlives_its_pods(world: World) -> None:
    with with_keeper(world, [CUSTOMER]):
        before = {pod["metadata"]["uid"] for pod in world.pods(CUSTOMER)}
        words = write(world, [CUSTOMER])
        world.kubectl("delete", "pod/postgres-0", "pod/mosquitto-0", f"--namespace=customer-{CUSTOMER}")
        world.wait_ready(CUSTOMER)
        assert {pod["metadata"]["uid"] for pod in world.pods(CUSTOMER)} != before
        assert_kept(world, words)
        # They were asked to end, and had the time to.
        assert "database system was shut down" in log_of_database(world, CUSTOMER)
