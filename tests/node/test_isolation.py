"""Who reaches whom, with packets: what is documented as allowed gets through, everything else is dropped."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.node import probes
from tests.node.probes import PORTS, Endpoint, probe_pod
from tests.node.world import as_list, declared, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.node.world import World

pytestmark = pytest.mark.node

STRANGER = "stranger"
"""A namespace that has nothing to do with us, and no policies."""

PLACES: dict[str, tuple[str, str]] = {
    "own namespace": ("customer-acme", "pod/probe"),
    "own backup": ("customer-acme", "pod/probe-backup"),
    "own api": ("customer-acme", "deploy/api"),
    "own broker": ("customer-acme", "statefulset/mosquitto"),
    "own dashboard": ("customer-acme", "deploy/dashboard"),
    "other customer": ("customer-globex", "pod/probe"),
    "other customer's api": ("customer-globex", "deploy/api"),
    "ingress": ("ingress", "pod/probe"),
    "beside the edge": ("mqtt-edge", "pod/probe"),
    "edge": ("mqtt-edge", "deploy/mqtt-edge"),
    "monitoring": ("monitoring", "pod/probe"),
    "stranger": (STRANGER, "pod/probe"),
}
EDGE_ALONE: set[Endpoint] = {("mosquitto", 1883)}
"""All that the edge's own policy lets it reach, whatever a customer's allow."""
ALLOWED: dict[str, set[Endpoint]] = {
    "own namespace": set(),
    "own backup": {("postgres", 5432)},
    "own api": {("postgres", 5432), ("mosquitto", 1883)},
    "own broker": {("api", 3002)},
    "own dashboard": set(),
    "other customer": set(),
    "other customer's api": set(),
    "ingress": {("api", 3002), ("dashboard", 80)},
    "beside the edge": {("mosquitto", 1883), ("mosquitto", 8883), ("mosquitto", 9001)},
    "edge": EDGE_ALONE,
    "monitoring": {("postgres", 9187), ("mosquitto", 9234)},
    "stranger": set(),
}
"""The ports of acme that each place may connect to. A pod always reaches itself."""
ITSELF = {"own api": "api", "own broker": "mosquitto", "own dashboard": "dashboard"}


@pytest.fixture(scope="module")
def places(world: World) -> Iterator[World]:
    """A world with a probe in every place that has no pod of its own."""
    backup = {"app.kubernetes.io/name": "backup", "app.kubernetes.io/instance": "acme"}
    pods = [
        probe_pod("customer-acme", "probe", {}),
        probe_pod("customer-acme", "probe-backup", backup),
        *(
            probe_pod(namespace, "probe", {})
            for namespace in ("customer-globex", "ingress", "mqtt-edge", "monitoring", STRANGER)
        ),
    ]
    world.kubectl("create", "namespace", STRANGER)
    world.apply(*pods)
    try:
        for pod in pods:
            world.kubectl(
                "wait",
                "--for=condition=Ready",
                f"pod/{pod['metadata']['name']}",
                f"--namespace={pod['metadata']['namespace']}",
                "--timeout=120s",
            )
        yield world
    finally:
        world.kubectl("delete", "--filename=-", "--wait=false", stdin=as_list(pods))
        world.kubectl("delete", "namespace", STRANGER, "--wait=false")


def reached(world: World, place: str) -> set[Endpoint]:
    """Return what a place reaches of acme, leaving out what never leaves its own pod."""
    namespace, target = PLACES[place]
    found = probes.reached_from_pod(world, "acme", namespace, target)
    return {endpoint for endpoint in found if endpoint[0] != ITSELF.get(place)}


def reachable(place: str) -> set[Endpoint]:
    """Return what a place reaches of a customer without policies."""
    if place == "edge":
        return EDGE_ALONE
    return {endpoint for endpoint in PORTS if endpoint[0] != ITSELF.get(place)}


@pytest.mark.parametrize("place", PLACES)
def test_a_place_reaches_what_is_documented_and_nothing_else(places: World, place: str) -> None:
    assert reached(places, place) == ALLOWED[place]


def test_the_world_outside_reaches_nothing(places: World) -> None:
    assert probes.reached_from_outside(places, "acme") == set()


def test_the_node_reaches_everything_since_it_has_to_ask_for_health(places: World) -> None:
    assert probes.reached_from_node(places, "acme") == set(PORTS)


def test_the_same_probes_get_through_once_the_policies_are_gone(places: World) -> None:
    """The tests above can fail: it is the policies that they see."""
    saved = {
        tenant: places.get("networkpolicies", f"--namespace=customer-{tenant}")["items"]
        for tenant in ("acme", "globex")
    }
    try:
        for tenant in saved:
            places.kubectl("delete", "networkpolicies", "--all", f"--namespace=customer-{tenant}")
        everywhere(lambda place: reached(places, place) == reachable(place))
        assert probes.reached_from_outside(places, "acme") == set(PORTS)
    finally:
        for policies in saved.values():
            places.apply(*map(declared, policies))
    everywhere(lambda place: reached(places, place) == ALLOWED[place])


def everywhere(check: Callable[[str], bool]) -> None:
    """Wait until something is so in every place. Each mostly waits for packets that never come."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda place: eventually(lambda: check(place), seconds=120), PLACES))
