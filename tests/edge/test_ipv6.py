"""Devices and brokers by IPv6, beside those by IPv4."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from infra.platform.edge_settings import EdgeLimits
from tests.edge.mqtt import Address, Client, Refused
from tests.edge.world import DOMAIN, LOOPBACK6, edge_settings

if TYPE_CHECKING:
    from tests.edge.world import Proxy, World


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind((LOOPBACK6, 0))
    except OSError:
        return False
    return True


pytestmark = [
    pytest.mark.edge,
    pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6"),
]


def device(world: World, proxy: Proxy, customer: str, *, name: str) -> Client:
    """Connect a device by IPv6."""
    address = Address(LOOPBACK6, proxy.place.port)
    return Client(address, f"mqtt-{customer}.{DOMAIN}", world.authority.trust(), client_id=name)


@pytest.mark.parametrize("mode", ["terminate", "passthrough"])
def test_devices_by_either_reach_the_same_broker(world: World, mode: str) -> None:
    if mode == "passthrough":
        world.broker("umbrella", certificate=world.authority.issue(f"mqtt-umbrella.{DOMAIN}"))
    customer = "acme" if mode == "terminate" else "umbrella"
    proxy = world.proxy(edge_settings(mode=mode, ipv6=True))
    with (
        world.client(proxy, customer, name="by-v4") as old,
        device(world, proxy, customer, name="by-v6") as new,
    ):
        old.subscribe("#")
        new.publish("t", "hello")
        assert old.next_message() == "hello"


def test_a_broker_that_has_only_ipv6_is_found(world: World) -> None:
    world.broker("umbrella", address=LOOPBACK6)
    proxy = world.proxy(edge_settings(ipv6=True))
    with world.client(proxy, "umbrella") as client:
        client.ping()


def test_addresses_of_either_are_counted_apart(world: World) -> None:
    limits = EdgeLimits(connections_per_address=2)
    proxy = world.proxy(edge_settings(ipv6=True, limits=limits))
    with ExitStack() as stack:
        for number in range(2):
            stack.enter_context(world.client(proxy, "acme", name=f"old-{number}"))
            stack.enter_context(device(world, proxy, "acme", name=f"new-{number}"))
        with pytest.raises(Refused):
            device(world, proxy, "acme", name="new-3")
        with pytest.raises(Refused):
            world.client(proxy, "acme", name="old-3")


def test_it_can_be_switched_off(world: World) -> None:
    proxy = world.proxy(edge_settings(ipv6=False))
    with world.client(proxy, "acme") as client:
        client.ping()
    with pytest.raises(Refused, match="Connection refused"):
        device(world, proxy, "acme", name="new")
