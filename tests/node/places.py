"""Places to try connections from and to, and what the table of isolation lets each of them reach.

One customer has the policies of an instance of choice. What of it does not run on the node is stood in
for by probes that carry its labels and listen on its ports.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from infra.customer.isolation import network_policies
from ops.local.node.addresses import dns_address
from ops.local.node.parts import API_PORT
from tests import isolation
from tests.isolation import ANOTHER, APPS, ENDPOINTS, OTHER, opened_for
from tests.node import probes
from tests.node.elsewhere import METADATA, PRIVATE, PUBLIC, elsewhere
from tests.node.probes import TCP, UDP, listening, probe_pod
from tests.node.world import app_of, as_list, declared
from tests.waiting import last_seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from infra.customer.model import Instance
    from tests.isolation import Endpoint
    from tests.node.world import World

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T = TypeVar("T")

HOME: Final = "customer-acme"
STRANGER: Final = "stranger"
"""A namespace that has nothing to do with us, and no policies."""
BILLING: Final = "billing"

STAND_INS: Final = ("settle", "backup", "exporter", "node-red", "prometheus", "grafana", "solver")
"""What runs only now and then, or by option."""

PLACES: Final[dict[str, tuple[str, str, str]]] = {
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
    "billing": (isolation.BILLING, BILLING, "pod/probe"),
    "stranger": (isolation.STRANGER, STRANGER, "pod/probe"),
}
"""Where connections are tried from: the place in the table, the namespace, the pod."""

OF_ACME: Final = tuple(place for place, (app, _, _) in PLACES.items() if app in APPS)

SOMEWHERE: Final = (53, 80, 443, 3002, 3100, 5432, 8883, 9090)
"""Ports at which somebody listens outside of acme's namespace: those that anything of acme's is let out to,
and others."""

EDGE_ALONE: Final[set[Endpoint]] = {("mosquitto", 1883)}
"""All that the edge's own policy lets it reach, whatever a customer's allow."""

Outside = tuple[str, int, str]
"""A place outside of acme's namespace, a port there, and the protocol."""


def _stand_in(app: str) -> dict[str, Any]:
    """Return a pod that is to the policies what an app's pods are."""
    labels = {"app.kubernetes.io/name": app, "iotistic.io/tenant": "acme"}
    if app == "solver":
        labels["acme.cert-manager.io/http01-solver"] = "true"
    else:
        labels["app.kubernetes.io/instance"] = "acme"
    pod = probe_pod(HOME, f"probe-{app}", labels)
    ports = [port for owner, port in ENDPOINTS if owner == app]
    return listening(pod, *ports) if ports else pod


@contextmanager
def with_places(world: World, instance: Instance) -> Iterator[None]:
    """Run a probe in every place that has no pod of its own, beside the policies of an instance of acme's."""
    before = world.get("networkpolicies", f"--namespace={HOME}")["items"]
    billing = {"app.kubernetes.io/name": "billing"}
    pods = [
        probe_pod(HOME, "probe", {}),
        *map(_stand_in, STAND_INS),
        *(probe_pod(namespace, "probe", {}) for namespace in ("customer-globex", "ingress", "mqtt-edge")),
        *(listening(probe_pod(namespace, "probe", {}), *SOMEWHERE) for namespace in ("monitoring", STRANGER)),
        listening(probe_pod(BILLING, "probe", billing), *SOMEWHERE),
    ]
    for namespace in (STRANGER, BILLING):
        world.kubectl("create", "namespace", namespace)
    try:
        use(world, instance)
        world.apply(*pods)
        ready = ("--for=condition=Ready", "--timeout=120s")
        world.kubectl("wait", *ready, "--filename=-", stdin=as_list(pods))
        with elsewhere(world, *SOMEWHERE):
            yield
    finally:
        world.kubectl("delete", "--filename=-", "--wait=false", "--ignore-not-found", stdin=as_list(pods))
        world.kubectl("delete", "namespace", STRANGER, BILLING, "--wait=false")
        world.kubectl("delete", "networkpolicies", "--all", f"--namespace={HOME}")
        world.apply(*map(declared, before))


def use(world: World, instance: Instance) -> None:
    """Let the policies of an instance stand, and no other in acme's namespace."""
    policies = network_policies(instance)
    wanted = {policy["metadata"]["name"] for policy in policies}
    there = world.get("networkpolicies", f"--namespace={HOME}")["items"]
    world.apply(*policies)
    if gone := {item["metadata"]["name"] for item in there} - wanted:
        world.kubectl("delete", "networkpolicies", f"--namespace={HOME}", *sorted(gone))


def networks_of_places(world: World) -> dict[str, str]:
    """Return what the node calls the network of each place."""
    pods = [pod for pod in world.get("pods", "--all-namespaces")["items"] if "podIP" in pod["status"]]
    networks = probes.networks(world)

    def network(namespace: str, target: str) -> str:
        kind, _, name = target.partition("/")
        (address,) = (
            pod["status"]["podIP"]
            for pod in pods
            if (pod["metadata"]["namespace"], pod["status"]["phase"]) == (namespace, "Running")
            and name == (pod["metadata"]["name"] if kind == "pod" else app_of(pod))
        )
        return networks[address]

    return {place: network(namespace, target) for place, (_, namespace, target) in PLACES.items()}


def inward(world: World, networks: Mapping[str, str]) -> Callable[[str], set[Endpoint]]:
    """Return what tells what a place reaches of acme, leaving out what never leaves its own pod."""
    there = probes.addresses(world, "acme")

    def reached(place: str) -> set[Endpoint]:
        found = probes.reached_from_pod(world, there, networks[place])
        return {endpoint for endpoint in found if endpoint[0] != PLACES[place][0]}

    return reached


def allowed(instance: Instance, place: str) -> set[Endpoint]:
    """Return what the table and the places' own policies let a place reach."""
    return open_to(instance, _source(instance, place)) & reachable(place)


def open_to(instance: Instance, source: str) -> set[Endpoint]:
    """Return what the table lets through of what comes from somewhere."""
    found = {(way.target, port) for way in opened_for(instance) if way.source == source for port in way.ports}
    return {endpoint for endpoint in found & set(ENDPOINTS) if endpoint[0] not in _lacking(instance)}


def _source(instance: Instance, place: str) -> str:
    """Return what a place is to an instance. Its policies do not know the pods of what it has not."""
    app = PLACES[place][0]
    return ANOTHER if app in _lacking(instance) else app


def _lacking(instance: Instance) -> set[str]:
    """Return the apps that run on the node, and that this instance has not."""
    return set() if instance.own_broker else {"mosquitto"}


def reachable(place: str) -> set[Endpoint]:
    """Return what a place reaches of a customer without policies."""
    if place == "edge":
        return EDGE_ALONE
    return {endpoint for endpoint in ENDPOINTS if endpoint[0] != PLACES[place][0]}


def outside(world: World) -> dict[Outside, tuple[str, int, str]]:
    """Return the address of each place that acme's pods try to get out to, by port and protocol."""
    hosts = {
        isolation.MONITORING: address_of(world, "monitoring"),
        isolation.BILLING: address_of(world, BILLING),
        isolation.STRANGER: address_of(world, STRANGER),
        isolation.INTERNET: PUBLIC,
        isolation.MANAGED_BROKER: PRIVATE,
    }
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
    """Return the address of the probe in a namespace."""
    return str(world.get("pod/probe", f"--namespace={namespace}")["status"]["podIP"])


def outward(world: World, networks: Mapping[str, str]) -> Callable[[str], set[Outside]]:
    """Return what tells what a place reaches outside of acme's namespace."""
    there = outside(world)

    def reached(place: str) -> set[Outside]:
        answers = probes.answers(world, networks[place], list(there.values()))
        return {found for found, answered in zip(there, answers, strict=True) if answered}

    return reached


def may_get_out_to(instance: Instance, place: str) -> set[Outside]:
    """Return what the table lets a place reach outside of its namespace: DNS by UDP, too."""
    inside = {app for app, _ in ENDPOINTS} | {"settle"}
    ways = {
        (way.target, port, TCP)
        for way in opened_for(instance)
        if way.source == _source(instance, place) and way.target not in inside
        for port in way.ports
    }
    return ways | {(isolation.DNS, 53, UDP)}


def everywhere(
    reached: Callable[[str], set[T]],
    expected: Callable[[str], set[T]],
    *,
    places: Sequence[str] = tuple(PLACES),
    seconds: float = 30,
) -> dict[str, set[T]]:
    """Return what is reached from each place, once it is as expected or the time is over.

    New policies take a moment to get to the node, so the first place is looked from alone until they have.
    A look mostly waits for packets that never come.
    """

    def settled(place: str) -> set[T]:
        return last_seen(lambda: reached(place), lambda found: found == expected(place), seconds=seconds)

    first, *others = places
    found = {first: settled(first)}
    with ThreadPoolExecutor(len(places)) as pool:
        return found | dict(zip(others, pool.map(settled, others), strict=True))


def at_once(first: Callable[[], A], second: Callable[[], B], third: Callable[[], C]) -> tuple[A, B, C]:
    """Return what three looks see that are taken at the same time."""
    with ThreadPoolExecutor(3) as pool:
        looks = pool.submit(first), pool.submit(second), pool.submit(third)
        return looks[0].result(), looks[1].result(), looks[2].result()
