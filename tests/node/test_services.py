"""A service without pods, asked from a pod that no policy keeps from anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.node.devices import NAMESPACE, with_device
from tests.node.environment import TEST_CLUSTER

if TYPE_CHECKING:
    from tests.node.world import World

pytestmark = pytest.mark.node

ASK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 1), 10)
except OSError as refused:
    print(refused)
"""


def test_who_asks_a_service_without_pods_is_refused_at_once(world: World) -> None:
    """Had the question left the node, nobody would answer, and the connection would lead there for good."""
    metadata = TEST_CLUSTER["metadata"]
    service = world.get(f"service/{metadata['name']}", f"--namespace={metadata['namespace']}")
    with with_device(world, "asking", []):
        said = world.run(NAMESPACE, "pod/asking", "python3", "-c", ASK, service["spec"]["clusterIP"])
    assert said == "[Errno 101] Network is unreachable\n"
