"""Who reaches whom, with packets: what is documented as allowed gets through, everything else is dropped.

One customer has the policies of every option. What of it does not run on the node is stood in for
by probes that carry its labels and listen on its ports.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from infra.customer.isolation import network_policies
from ops.local.node.addresses import dns_address
from ops.local.node.parts import API_PORT
from tenants.sizing import OPTIONAL
from tests import isolation
from tests.isolation import ANOTHER, APPS, ENDPOINTS, OTHER, opened_for, reached_from
from tests.node import probes
from tests.node.elsewhere import METADATA, PUBLIC, elsewhere
from tests.node.probes import TCP, UDP, listening, probe_pod
from tests.node.world import as_list, declared, eventually
from tests.program.instances import with_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.isolation import Endpoint
    from tests.node.world import World

pytestmark = [pytest.mark.node, pytest.mark.meanwhile]

T = TypeVar("T")

HOME = "customer-acme"
STRANGER = "stranger"
"""A namespace that has nothing to do with us, and no policies."""

STANDING = with_options("acme", *OPTIONAL)
"""A customer with everything, whose policies stand while places are tried."""
STAND_INS = ("settle", "backup", "exporter", "node-red", "prometheus", "grafana", "solver")
"""What runs only now and then, or by option."""

PLACES: dict[str, tuple[str, str, str]] = {
    "another pod": (ANOTHER, HOME, "pod/probe"),
    **{app: (app, HOME, f"pod/probe-{app}") for app in STAND_INS},
    "api": ("api", HOME, "deploy/api"),
    "database": ("postgres", HOME, "statefulset/postgres"),
    "broker": ("mosquitto", HOME, "statefulset/mosquitto"),
    "dashboard": ("dashboard", HOME, "deploy/dashboard"),
    "other customer": (OTHER, "customer-globex", "pod/probe"),
    "other customer's api": (OTHER, "customer-globex", "deploy/api"),
    "ingress": (isolation.INGRESS, "ingress", "pod/probe"),
    "edge": (isolation.EDGE, "mqtt-edge", "deploy/mqtt-edge"),
    "beside the edge": (isolation.EDGE, "mqtt-edge", "pod/probe"),
    "monitoring": (isolation.MONITORING, "monitoring", "pod/probe"),
    "stranger": (isolation.STRANGER, STRANGER, "pod/probe"),
}
"""Where connections are tried from: the place in the table, the namespace, the pod."""


SOMEWHERE = (53, 80, 443, 3002, 5432, 8883, 9090)
"""Ports at which somebody listens outside of acme's namespace: those that anything of acme's is let out to,
and others."""

EDGE_ALONE: set[Endpoint] = {("mosquitto", 1883)}
"""All that the edge's own policy lets it reach, whatever a customer's allow."""


def stand_in(app: str) -> dict[str, Any]:
    """Return a pod that is to the policies what an app's pods are."""
    labels = {"app.kubernetes.io/name": app, "iotistic.io/tenant": "acme"}
    if app == "solver":
        labels["acme.cert-manager.io/http01-solver"] = "true"
    else:
        labels["app.kubernetes.io/instance"] = "acme"
    pod = probe_pod(HOME, f"probe-{app}", labels)
    ports = [port for owner, port in ENDPOINTS if owner == app]
    return listening(pod, *ports) if ports else pod


@pytest.fixture(scope="module")
def places(world: World) -> Iterator[World]:
    """A world with a probe in every place that has no pod of its own."""
    before = world.get("networkpolicies", f"--namespace={HOME}")["items"]
    pods = [
        probe_pod(HOME, "probe", {}),
        *map(stand_in, STAND_INS),
        *(probe_pod(namespace, "probe", {}) for namespace in ("customer-globex", "ingress", "mqtt-edge")),
        *(listening(probe_pod(namespace, "probe", {}), *SOMEWHERE) for namespace in ("monitoring", STRANGER)),
    ]
    world.kubectl("create", "namespace", STRANGER)
    try:
        world.apply(*network_policies(STANDING), *pods)
        for pod in pods:
            world.kubectl(
                "wait",
                "--for=condition=Ready",
                f"pod/{pod['metadata']['name']}",
                f"--namespace={pod['metadata']['namespace']}",
                "--timeout=120s",
            )
        with elsewhere(world, *SOMEWHERE):
            yield world
    finally:
        world.kubectl("delete", "--filename=-", "--wait=false", "--ignore-not-found", stdin=as_list(pods))
        world.kubectl("delete", "namespace", STRANGER, "--wait=false")
        world.kubectl("delete", "networkpolicies", "--all", f"--namespace={HOME}")
        world.apply(*map(declared, before))


def reached(world: World, place: str) -> set[Endpoint]:
    """Return what a place reaches of acme, leaving out what never leaves its own pod."""
    app, namespace, target = PLACES[place]
    found = probes.reached_from_pod(world, "acme", namespace, target)
    return {endpoint for endpoint in found if endpoint[0] != app}


def allowed(place: str) -> set[Endpoint]:
    """Return what the documents and the places' own policies let a place reach."""
    return reached_from(PLACES[place][0]) & reachable(place)


def reachable(place: str) -> set[Endpoint]:
    """Return what a place reaches of a customer without policies."""
    if place == "edge":
        return EDGE_ALONE
    return {endpoint for endpoint in ENDPOINTS if endpoint[0] != PLACES[place][0]}


@pytest.fixture(scope="module")
def seen(places: World) -> dict[str, set[Endpoint]]:
    """Return what each place reaches, once new policies have had a moment to get to the node."""

    def settled(place: str) -> set[Endpoint]:
        found: set[Endpoint] = set()

        def as_documented() -> bool:
            nonlocal found
            found = reached(places, place)
            return found == allowed(place)

        with contextlib.suppress(AssertionError):
            eventually(as_documented, seconds=30)
        return found

    return everywhere(settled)


@pytest.mark.parametrize("place", PLACES)
def test_a_place_reaches_what_is_documented_and_nothing_else(
    seen: dict[str, set[Endpoint]], place: str
) -> None:
    assert seen[place] == allowed(place)


Outside = tuple[str, int, str]
"""A place outside of acme's namespace, a port there, and the protocol."""


def outside(world: World) -> dict[Outside, tuple[str, int, str]]:
    """Return the address of each place that acme's pods try to get out to, by port and protocol."""
    hosts = {isolation.MONITORING: address_of(world, "monitoring"), isolation.INTERNET: PUBLIC}
    hosts[isolation.STRANGER] = address_of(world, STRANGER)
    found = {
        (place, port, protocol): (host, port, protocol)
        for place, host in hosts.items()
        for port in SOMEWHERE
        for protocol in (TCP, UDP)
    }
    found |= {
        (OTHER, port, TCP): (address, port, TCP)
        for app, address in probes.addresses(world, "globex").items()
        for owner, port in ENDPOINTS
        if app == owner
    }
    for protocol in (TCP, UDP):
        found[isolation.DNS, 53, protocol] = (dns_address(), 53, protocol)
    found[isolation.API_SERVER, API_PORT, TCP] = (str(world.node.addresses.node), API_PORT, TCP)
    found[isolation.METADATA, 80, TCP] = (METADATA, 80, TCP)
    return found


def address_of(world: World, namespace: str) -> str:
    return str(world.get("pod/probe", f"--namespace={namespace}")["status"]["podIP"])


def gets_out_to(world: World, place: str) -> set[Outside]:
    """Return what a place reaches outside of acme's namespace."""
    _, namespace, target = PLACES[place]
    there = outside(world)
    answers = probes.connects(world, namespace, target, list(there.values()))
    return {found for found, answered in zip(there, answers, strict=True) if answered}


def may_get_out_to(place: str) -> set[Outside]:
    """Return what the document lets a place reach outside of its namespace: DNS by UDP, too."""
    inside = {app for app, _ in ENDPOINTS}
    ways = {
        (way.target, port, TCP)
        for way in opened_for(STANDING)
        if way.source == PLACES[place][0] and way.target not in inside
        for port in way.ports
    }
    return ways | {(isolation.DNS, 53, UDP)}


OF_ACME = tuple(place for place, (app, _, _) in PLACES.items() if app in APPS)


def test_there_is_a_place_for_each_kind_of_pods() -> None:
    assert {PLACES[place][0] for place in OF_ACME} == set(APPS)


def test_a_customers_pods_get_out_to_what_is_documented_and_nowhere_else(places: World) -> None:
    """The stranger shows that everything is there to be reached; what is a neighbour's is so for nobody."""
    everything = outside(places)
    assert gets_out_to(places, "stranger") == {found for found in everything if found[0] != OTHER}
    found = everywhere(lambda place: gets_out_to(places, place), OF_ACME)
    assert found == {place: may_get_out_to(place) for place in OF_ACME}


def test_the_cluster_dns_answers_and_asks_nobody(places: World) -> None:
    (pod,) = places.get("pods", "--namespace=kube-system", "--selector=k8s-app=kube-dns")["items"]
    assert probes.reached_from_address(places, "acme", pod["status"]["podIP"]) == set()
    # The same way of asking does reach what the probe of another place may.
    monitoring = probes.reached_from_address(places, "acme", address_of(places, "monitoring"))
    assert monitoring == reached_from(isolation.MONITORING)


def test_the_world_outside_reaches_nothing(places: World) -> None:
    assert probes.reached_from_outside(places, "acme") == set()


def test_the_node_reaches_everything_since_it_has_to_ask_for_health(places: World) -> None:
    assert probes.reached_from_node(places, "acme") == set(ENDPOINTS)


def test_the_same_probes_get_through_once_the_policies_are_gone(places: World) -> None:
    """The tests above can fail: it is the policies that they see."""
    saved = {
        tenant: places.get("networkpolicies", f"--namespace=customer-{tenant}")["items"]
        for tenant in ("acme", "globex")
    }
    try:
        for tenant in saved:
            places.kubectl("delete", "networkpolicies", "--all", f"--namespace=customer-{tenant}")
        everywhere(lambda place: eventually(lambda: reached(places, place) == reachable(place), seconds=120))
        assert probes.reached_from_outside(places, "acme") == set(ENDPOINTS)
        everything = set(outside(places))
        everywhere(
            lambda place: eventually(lambda: gets_out_to(places, place) == everything, seconds=120), OF_ACME
        )
    finally:
        for policies in saved.values():
            places.apply(*map(declared, policies))
    everywhere(lambda place: eventually(lambda: reached(places, place) == allowed(place), seconds=120))


def everywhere(look: Callable[[str], T], places: Sequence[str] = tuple(PLACES)) -> dict[str, T]:
    """Return what ``look`` says of each place. Each mostly waits for packets that never come."""
    with ThreadPoolExecutor(6) as pool:
        return dict(zip(places, pool.map(look, places), strict=True))
