"""What queries ask of the kubelet, a real one tells of real customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops.local.node.layout import NODE_NAME
from tests.metrics import EXPORTED
from tests.node.environment import ONLY
from tests.program.watching import queries
from tests.scrapes import samples, unanswered
from tests.waiting import last_seen

if TYPE_CHECKING:
    from tests.node.world import World
    from tests.scrapes import Samples

pytestmark = pytest.mark.node

PATHS = ("metrics", "metrics/cadvisor")
"""Where Prometheus is sent by the chart: to what the kubelet tells itself, and what it read of containers."""

OF_PODS = EXPORTED["kubelet"] - {"kubelet_node_name"}


def told(world: World) -> Samples:
    """Return what the kubelet tells, asked by the API server."""
    found: Samples = {}
    for path in PATHS:
        found |= samples(world.kubectl("get", "--raw", f"/api/v1/nodes/{NODE_NAME}/proxy/{path}"))
    return found


def untold(there: Samples) -> set[tuple[str, str]]:
    """Return what is told of no pod of a customer, as metric and namespace."""
    wanted = {(name, f"customer-{tenant}") for name in OF_PODS for tenant in ONLY}
    return wanted - {
        (name, labels.get("namespace", "")) for name in OF_PODS for labels in there.get(name, [])
    }


def test_it_tells_of_every_customer_what_the_list_says(world: World) -> None:
    # It looks at a new pod's containers and volumes within ten seconds each.
    assert last_seen(lambda: untold(told(world)), lambda missing: not missing, seconds=30) == set()


def test_it_tells_it_as_queries_ask_for_it(world: World) -> None:
    """The platform's volumes are asked for too, of which there is none here: hence whatever namespace."""
    there = told(world)
    assert {"node": NODE_NAME} in there["kubelet_node_name"]
    assert unanswered(queries(), "kubelet", there, ours=["namespace"]) == set()
