"""Each customer's devices reach that customer's broker, and no other."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

import pytest

from tests.edge.mqtt import Client, Refused
from tests.edge.world import DOMAIN, World, edge_settings, paused
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.edge.world import Proxy

pytestmark = pytest.mark.edge

CUSTOMERS = ("acme", "globex", "initech")


@pytest.fixture
def passthrough(tmp_path: Path) -> Iterator[World]:
    """Two customers whose brokers have certificates of their own."""
    world = World(tmp_path)
    try:
        for customer in ("acme", "globex"):
            world.broker(customer, certificate=world.authority.issue(f"mqtt-{customer}.{DOMAIN}"))
        yield world
    finally:
        world.close()


def check_separation(world: World, proxy: Proxy, customers: tuple[str, ...]) -> None:
    """Every customer publishes under the same topic; each gets its own message and nothing else."""
    with contextlib.ExitStack() as stack:
        clients = {name: stack.enter_context(world.client(proxy, name)) for name in customers}
        for client in clients.values():
            client.subscribe("#")
        for name, client in clients.items():
            client.publish("measurements", f"of {name}")
        assert {name: client.next_message() for name, client in clients.items()} == {
            name: f"of {name}" for name in customers
        }
        assert all(client.is_silent(0.3) for client in clients.values())


def test_a_message_reaches_only_its_own_customer(world: World, proxy: Proxy) -> None:
    check_separation(world, proxy, CUSTOMERS)


def test_so_it_is_where_tls_ends_at_the_brokers(passthrough: World) -> None:
    proxy = passthrough.proxy(edge_settings(mode="passthrough"))
    check_separation(passthrough, proxy, ("acme", "globex"))


def test_the_case_of_the_name_does_not_matter(world: World, proxy: Proxy) -> None:
    name = f"MQTT-Acme.{DOMAIN.upper()}"
    with (
        world.client(proxy, "acme") as listener,
        Client(proxy.address, name, world.authority.trust(), client_id="loud") as loud,
    ):
        listener.subscribe("#")
        loud.publish("t", "hello")
        assert listener.next_message() == "hello"


def test_a_new_customer_is_reached_by_the_running_process(world: World, proxy: Proxy) -> None:
    configured = proxy.process.popen.pid
    with world.client(proxy, "acme") as before:
        world.broker("umbrella")
        with world.client(proxy, "umbrella") as device:
            device.ping()
        before.ping()
    assert (proxy.process.popen.pid, proxy.process.runs) == (configured, True)


def test_a_broker_that_stops_disturbs_nobody_else_and_is_back_when_it_is(world: World, proxy: Proxy) -> None:
    with world.client(proxy, "acme") as acme, world.client(proxy, "globex"):
        world.brokers["globex"].stop()
        with pytest.raises(Refused):
            world.client(proxy, "globex")
        acme.ping()
        world.client(proxy, "initech").socket.close()
    broker = world.brokers["globex"]
    broker.start()

    def back() -> bool:
        with contextlib.suppress(Refused), world.client(proxy, "globex"):
            return True
        return False

    wait_until(back, what="the broker is reached again")


def test_a_broker_that_hangs_disturbs_nobody_else(world: World, proxy: Proxy) -> None:
    with world.client(proxy, "acme") as acme, paused(world.brokers["globex"]):
        acme.ping()
        with world.client(proxy, "acme", name="another") as another:
            another.ping()


def test_a_customer_that_is_removed_disturbs_nobody_else(world: World, proxy: Proxy) -> None:
    with world.client(proxy, "acme") as acme:
        world.brokers["globex"].stop()
        (world.folder / "hosts" / "globex").unlink()
        world.dns.signal(signal.SIGHUP)
        with pytest.raises(Refused):
            world.client(proxy, "globex")
        acme.ping()
        world.client(proxy, "initech").socket.close()


def test_devices_stay_connected_while_the_dns_does_not_answer(world: World, proxy: Proxy) -> None:
    with world.client(proxy, "acme") as acme:
        with paused(world.dns):
            acme.ping()
            with pytest.raises(Refused):
                world.client(proxy, "globex")
            acme.ping()
        with world.client(proxy, "initech") as initech:
            initech.ping()
