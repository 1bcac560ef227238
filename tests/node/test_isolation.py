"""Who reaches whom, with packets: what is documented as allowed gets through, everything else is dropped."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tenants.sizing import OPTIONAL
from tests import isolation
from tests.isolation import APPS, ENDPOINTS, OTHER, WAYS, reached_from
from tests.node import probes
from tests.node.places import (
    OF_ACME,
    PLACES,
    allowed,
    at_once,
    everywhere,
    inward,
    may_get_out_to,
    networks_of_places,
    open_to,
    outside,
    outward,
    reachable,
    use,
    with_places,
)
from tests.node.world import declared
from tests.program.instances import with_options
from tests.program.variants import STORE, variant
from tests.waiting import last_seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.customer.model import Instance
    from tests.isolation import Endpoint
    from tests.node.places import Outside
    from tests.node.world import World

pytestmark = pytest.mark.node

STANDING = with_options("acme", *OPTIONAL)
"""A customer with everything, whose policies stand while places are tried."""

ONLY_SOME: dict[str, Instance] = {
    "ports of nodes": variant(
        "acme",
        options=OPTIONAL,
        broker="node ports",
        surroundings={
            "answers_authority": True,
            "web_issuer": "public",
            "own_certificates": True,
            "billing_port": 3100,
            "mqtt_authentication": "postgres",
            "backup_repository": None,
            "backup_route": STORE,
        },
    ),
    "an entrance of their own": variant(
        "acme",
        options=OPTIONAL,
        broker="dedicated",
        surroundings={"backup_repository": "s3:https://s3.example/backups"},
    ),
    "somebody else's broker": variant("acme", options=OPTIONAL, broker="managed"),
    "somebody else's broker in a private network": variant("acme", options=OPTIONAL, broker="managed inside"),
}
"""Customers with whom all is open that is open only for some, by where their devices go."""


@pytest.fixture(scope="module")
def places(world: World) -> Iterator[World]:
    """A world with a probe in every place that has no pod of its own."""
    with with_places(world, STANDING):
        yield world


@pytest.fixture(scope="module")
def networks(places: World) -> dict[str, str]:
    """Return what the node calls the network of each place. No pod of them goes meanwhile."""
    return networks_of_places(places)


@pytest.fixture(scope="module")
def seen(places: World, networks: dict[str, str]) -> dict[str, set[Endpoint]]:
    """Return what each place reaches."""
    return everywhere(inward(places, networks), partial(allowed, STANDING))


@pytest.mark.parametrize("place", PLACES)
def test_a_place_reaches_what_is_documented_and_nothing_else(
    seen: dict[str, set[Endpoint]], place: str
) -> None:
    assert seen[place] == allowed(STANDING, place)


def test_there_is_a_place_for_each_kind_of_pods() -> None:
    assert {PLACES[place][0] for place in OF_ACME} == set(APPS)


def test_a_customers_pods_get_out_to_what_is_documented_and_nowhere_else(
    places: World, networks: dict[str, str]
) -> None:
    """The stranger shows that everything is there to be reached; what is a neighbour's is so for nobody."""
    everything = {found for found in outside(places) if found[0] != OTHER}

    def expected(place: str) -> set[Outside]:
        return everything if place == "stranger" else may_get_out_to(STANDING, place)

    found = everywhere(outward(places, networks), expected, places=("stranger", *OF_ACME))
    assert found == {place: expected(place) for place in ("stranger", *OF_ACME)}


def test_the_cluster_dns_answers_and_asks_nobody(places: World, networks: dict[str, str]) -> None:
    (pod,) = places.get("pods", "--namespace=kube-system", "--selector=k8s-app=kube-dns")["items"]
    there, network = probes.addresses(places, "acme"), probes.networks(places)[pod["status"]["podIP"]]
    assert probes.reached_from_pod(places, there, network) == set()
    # The same way of asking does reach what the probe of another place may.
    monitoring = probes.reached_from_pod(places, there, networks["monitoring"])
    assert monitoring == reached_from(isolation.MONITORING)


def test_the_world_outside_reaches_nothing(places: World) -> None:
    assert probes.reached_from_outside(probes.addresses(places, "acme")) == set()


def test_the_node_reaches_everything_since_it_has_to_ask_for_health(places: World) -> None:
    assert probes.reached_from_node(places, probes.addresses(places, "acme")) == set(ENDPOINTS)


def test_everything_that_is_open_only_for_some_is_tried() -> None:
    cases = {way.only for way in WAYS if way.only is not None}
    tried = [STANDING, *ONLY_SOME.values()]
    assert [case.text for case in cases if not any(case.holds(instance) for instance in tried)] == []


@pytest.mark.parametrize("instance", ONLY_SOME.values(), ids=ONLY_SOME)
def test_what_is_open_only_for_some_is_open_for_them_and_nothing_else(
    places: World, networks: dict[str, str], instance: Instance
) -> None:
    """Seen from each place for which the table says something else of them than of others."""
    use(places, instance)
    within, beyond = partial(allowed_by_kube_router, instance), partial(may_get_out_to, instance)
    changed = [place for place in PLACES if within(place) != allowed(STANDING, place)]
    changed_beyond = [place for place in OF_ACME if beyond(place) != may_get_out_to(STANDING, place)]
    seen_within, seen_beyond, from_outside = at_once(
        lambda: everywhere(inward(places, networks), within, places=changed),
        lambda: everywhere(outward(places, networks), beyond, places=changed_beyond),
        lambda: seen_from_outside(places, open_to(instance, isolation.INTERNET)),
    )
    assert seen_within == {place: within(place) for place in changed}
    assert seen_beyond == {place: beyond(place) for place in changed_beyond}
    assert from_outside == open_to(instance, isolation.INTERNET)


def seen_from_outside(places: World, expected: set[Endpoint]) -> set[Endpoint]:
    """Return what the world outside reaches, once it is as expected or the time is over."""
    there = probes.addresses(places, "acme")
    return last_seen(lambda: probes.reached_from_outside(there), lambda found: found == expected, seconds=30)


def allowed_by_kube_router(instance: Instance, place: str) -> set[Endpoint]:
    """Return what the table lets a place reach, and the one thing that this engine lets through besides.

    What a policy lets in to its pods, kube-router takes for something that it lets out of them, too. The API
    and the Job that settles its data share a policy, which lets in every address where nodes have ports.
    """
    besides = {("api", 3002)} if place == "settle" and instance.node_ports else set()
    return allowed(instance, place) | besides


def test_the_same_probes_get_through_once_the_policies_are_gone(
    places: World, networks: dict[str, str]
) -> None:
    """The tests above can fail: it is the policies that they see."""
    use(places, STANDING)
    saved = {
        tenant: places.get("networkpolicies", f"--namespace=customer-{tenant}")["items"]
        for tenant in ("acme", "globex")
    }
    try:
        for tenant in saved:
            places.kubectl("delete", "networkpolicies", "--all", f"--namespace=customer-{tenant}")
        everything = set(outside(places))
        found, beyond, from_outside = at_once(
            lambda: everywhere(inward(places, networks), reachable, seconds=120),
            lambda: everywhere(outward(places, networks), lambda _: everything, places=OF_ACME, seconds=120),
            lambda: seen_from_outside(places, set(ENDPOINTS)),
        )
        assert found == {place: reachable(place) for place in PLACES}
        assert beyond == dict.fromkeys(OF_ACME, everything)
        assert from_outside == set(ENDPOINTS)
    finally:
        for policies in saved.values():
            places.apply(*map(declared, policies))
    within = partial(allowed, STANDING)
    back = everywhere(inward(places, networks), within, seconds=120)
    assert back == {place: within(place) for place in PLACES}
