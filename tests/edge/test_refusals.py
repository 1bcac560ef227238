"""Who is refused, for which reason, and that each refusal is counted under it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.edge.mqtt import TIMEOUT_SECONDS, Client, Refused
from tests.edge.world import DOMAIN, edge_settings
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.edge.world import Proxy, World

pytestmark = pytest.mark.edge

HOSTILE = {
    "another domain": b"mqtt-acme.example.com",
    "the domain in the middle": f"mqtt-acme.{DOMAIN}.example.com".encode(),
    "something before": f"x.mqtt-acme.{DOMAIN}".encode(),
    "a final dot": f"mqtt-acme.{DOMAIN}.".encode(),
    "a line's end": f"mqtt-acme.{DOMAIN}\n".encode(),
    "a dot for any character": f"mqtt-acmex{DOMAIN.replace('.', '-')}".encode(),
    "another Service": f"mqtt-acme.default.svc.cluster.local.{DOMAIN}".encode(),
    "another namespace": f"mqtt-../kube-system.{DOMAIN}".encode(),
    "no prefix": f"acme.{DOMAIN}".encode(),
    "no customer": f"mqtt-.{DOMAIN}".encode(),
    "a hyphen first": f"mqtt--acme.{DOMAIN}".encode(),
    "too long for a customer": f"mqtt-{'a' * 33}.{DOMAIN}".encode(),
    "as long as can be": b"a" * 250,
    "a format": f"mqtt-%[src].{DOMAIN}".encode(),
    "a space": f"mqtt-acme .{DOMAIN}".encode(),
}


def refuse(world: World, proxy: Proxy, name: str | bytes | None) -> None:
    trust = world.authority.trust(check_name=False)
    with pytest.raises(Refused):
        Client(proxy.address, name, trust, client_id="stranger")


@pytest.mark.parametrize("mode", ["terminate", "passthrough"])
def test_hostile_names_are_refused_and_never_asked_for(world: World, mode: str) -> None:
    proxy = world.proxy(edge_settings(mode=mode))
    for name in HOSTILE.values():
        refuse(world, proxy, name)
    assert proxy.refused("foreign_name") == len(HOSTILE)
    assert proxy.refused("unknown_customer") == 0


@pytest.mark.parametrize("mode", ["terminate", "passthrough"])
def test_unknown_customers_are_refused_and_counted(world: World, mode: str) -> None:
    proxy = world.proxy(edge_settings(mode=mode))
    for name in ("nobody", "acme2", "cme"):
        refuse(world, proxy, f"mqtt-{name}.{DOMAIN}")
    assert proxy.refused("unknown_customer") == 3
    assert f'refused_unknown_customer PR name="mqtt-nobody.{DOMAIN}"' in proxy.process.said()


@pytest.mark.parametrize("mode", ["terminate", "passthrough"])
def test_devices_without_a_name_are_refused_and_counted(world: World, mode: str) -> None:
    proxy = world.proxy(edge_settings(mode=mode))
    refuse(world, proxy, None)
    assert proxy.refused("no_name") == 1


def test_devices_without_a_name_go_to_the_default_customer_where_there_is_one(world: World) -> None:
    proxy = world.proxy(edge_settings(default_customer="globex"))
    nameless = world.authority.trust(check_name=False)
    with (
        world.client(proxy, "globex") as listener,
        Client(proxy.address, None, nameless, client_id="old") as old,
    ):
        listener.subscribe("#")
        old.publish("t", "no name")
        assert listener.next_message() == "no name"
    # A wrong name is not the same as none.
    refuse(world, proxy, b"mqtt-acme.example.com")
    assert (proxy.refused("no_name"), proxy.refused("foreign_name")) == (0, 1)


def test_what_is_not_tls_is_refused_and_counted_where_tls_passes_through(world: World) -> None:
    proxy = world.proxy(edge_settings(mode="passthrough", default_customer="acme"))
    with socket.create_connection((proxy.address.host, proxy.address.port), timeout=TIMEOUT_SECONDS) as plain:
        plain.sendall(b"\x10\x12\x00\x04MQTT\x04\x02\x00\x3c\x00\x06device")
        assert plain.recv(1) == b""
    assert proxy.refused("not_tls") == 1


def test_one_customer_cannot_take_more_than_its_limit_and_the_others_keep_theirs(world: World) -> None:
    proxy = world.proxy(edge_settings(limits={"connections_per_customer": 2}))
    with world.client(proxy, "acme", name="1") as first, world.client(proxy, "acme", name="2") as second:
        with pytest.raises(Refused):
            world.client(proxy, "acme", name="3")
        assert proxy.refused("customer_limit") == 1
        with world.client(proxy, "globex") as other:
            other.ping()
        first.ping()
        second.ping()

    def room_again() -> bool:
        try:
            world.client(proxy, "acme", name="4").socket.close()
        except Refused:
            return False
        return True

    wait_until(room_again, what="there is room again once devices have left")


def test_one_customer_cannot_connect_faster_than_its_limit(world: World) -> None:
    proxy = world.proxy(edge_settings(limits={"new_connections_per_customer": 3}))
    for _ in range(3):
        world.client(proxy, "acme").socket.close()
    with pytest.raises(Refused):
        world.client(proxy, "acme")
    world.client(proxy, "globex").socket.close()
    assert proxy.refused("customer_limit") == 1


def test_one_address_cannot_take_more_than_its_limit(world: World) -> None:
    proxy = world.proxy(edge_settings(limits={"connections_per_address": 2}))
    with world.client(proxy, "acme"), world.client(proxy, "globex"), pytest.raises(Refused):
        world.client(proxy, "initech")
    assert proxy.metric("frontend_denied_connections_total", "mqtt") == 1


def test_one_address_cannot_connect_faster_than_its_limit(world: World) -> None:
    proxy = world.proxy(edge_settings(limits={"new_connections_per_address": 2}))
    for customer in ("acme", "globex"):
        world.client(proxy, customer).socket.close()
    with pytest.raises(Refused):
        world.client(proxy, "initech")
    assert proxy.metric("frontend_denied_connections_total", "mqtt") == 1


def test_behind_a_balancer_the_address_is_the_one_it_names(world: World) -> None:
    proxy = world.proxy(edge_settings(proxy_protocol=True, limits={"connections_per_address": 1}))

    def connect(source: str) -> Client:
        return Client(
            proxy.address,
            f"mqtt-acme.{DOMAIN}",
            world.authority.trust(),
            client_id=source,
            preamble=f"PROXY TCP4 {source} 192.0.2.1 40000 8883\r\n".encode(),
        )

    with connect("203.0.113.1"), connect("203.0.113.2"), pytest.raises(Refused):
        connect("203.0.113.1")
    assert proxy.metric("frontend_denied_sessions_total", "mqtt") == 1
    with pytest.raises(Refused):
        world.client(proxy, "acme")
