"""Where TLS ends at the brokers: what the edge sees of a connection is its first packet alone."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.edge.mqtt import Client, Refused
from tests.edge.world import DOMAIN, World, edge_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.edge.certificates import Pair
    from tests.edge.world import Proxy

pytestmark = pytest.mark.edge

CUSTOMERS = ("acme", "globex")


@pytest.fixture
def certificates(world: World) -> dict[str, Pair]:
    """Each customer's own."""
    return {customer: world.authority.issue(f"mqtt-{customer}.{DOMAIN}") for customer in CUSTOMERS}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A cluster without a broker."""
    world = World(tmp_path)
    try:
        yield world
    finally:
        world.close()


@pytest.fixture(autouse=True)
def _brokers(world: World, certificates: dict[str, Pair]) -> None:
    for customer, certificate in certificates.items():
        world.broker(customer, certificate=certificate)


def through(world: World, **changes: object) -> Proxy:
    return world.proxy(edge_settings(mode="passthrough", **changes))


@pytest.mark.parametrize("default", CUSTOMERS)
def test_devices_without_a_name_meet_the_default_customers_own_broker(
    world: World, certificates: dict[str, Pair], default: str
) -> None:
    proxy = through(world, default_customer=default)
    nameless = world.authority.trust(check_name=False)
    with (
        world.client(proxy, default) as listener,
        Client(proxy.address, None, nameless, client_id="old") as old,
    ):
        assert old.certificate == certificates[default].der
        listener.subscribe("#")
        old.publish("t", "no name")
        assert listener.next_message() == "no name"
    # A wrong name is not the same as none.
    with pytest.raises(Refused):
        Client(proxy.address, "mqtt-acme.example.com", nameless, client_id="stranger")
    assert (proxy.refused("no_name"), proxy.refused("foreign_name")) == (0, 1)


def test_one_customer_cannot_take_more_than_its_limit(world: World) -> None:
    proxy = through(world, limits={"connections_per_customer": 2})
    with ExitStack() as stack:
        devices = [stack.enter_context(world.client(proxy, "acme", name=name)) for name in ("1", "2")]
        with pytest.raises(Refused):
            world.client(proxy, "acme", name="3")
        assert proxy.refused("customer_limit") == 1
        for device in (*devices, stack.enter_context(world.client(proxy, "globex"))):
            device.ping()


def test_those_without_a_name_count_as_the_default_customers(world: World) -> None:
    proxy = through(world, default_customer="globex", limits={"connections_per_customer": 1})
    nameless = world.authority.trust(check_name=False)
    with Client(proxy.address, None, nameless, client_id="old"), pytest.raises(Refused):
        world.client(proxy, "globex")
    assert proxy.refused("customer_limit") == 1


def test_one_customer_cannot_connect_faster_than_its_limit(world: World) -> None:
    proxy = through(world, limits={"new_connections_per_customer": 3})
    for _ in range(3):
        world.client(proxy, "acme").socket.close()
    with pytest.raises(Refused):
        world.client(proxy, "acme")
    world.client(proxy, "globex").socket.close()
    assert proxy.refused("customer_limit") == 1


@pytest.mark.parametrize("limit", ["connections_per_address", "new_connections_per_address"])
def test_one_address_cannot_take_more_than_its_limit(world: World, limit: str) -> None:
    proxy = through(world, limits={limit: 2})
    with world.client(proxy, "acme"), world.client(proxy, "globex"), pytest.raises(Refused):
        world.client(proxy, "acme", name="another")
    assert proxy.metric("frontend_denied_connections_total", "mqtt") == 1
