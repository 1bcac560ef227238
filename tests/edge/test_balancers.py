"""Behind a balancer that says who the client is, as clouds do it: version 2 of the PROXY protocol.

The bytes are those of https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import TYPE_CHECKING, Final

import pytest

from tests.edge.mqtt import Address, Client, Refused
from tests.edge.test_ipv6 import has_ipv6
from tests.edge.world import DOMAIN, LOOPBACK6, edge_settings

if TYPE_CHECKING:
    from tests.edge.world import Proxy, World

pytestmark = pytest.mark.edge

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
STREAM: Final = {4: 0x11, 6: 0x21}
CHECKSUM, NOTHING, OF_AWS = 0x03, 0x04, 0xEA


def crc32c(data: bytes) -> int:
    """Return the checksum that the protocol names, by its definition in RFC 9260."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def field(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


def header(command: int, source: str | None = None, *, broken: bool = False) -> bytes:
    """Return what a Network Load Balancer sends: the addresses, a checksum, its endpoint's name, padding.

    Args:
        command: Whether somebody is connected through it, or it asks by itself.
        source: The client's address; None: it says none.
        broken: Whether a bit has changed on the way.
    """
    addresses, family = b"", 0
    if source is not None:
        client = ipaddress.ip_address(source)
        own = ipaddress.ip_address("192.0.2.1" if client.version == 4 else "2001:db8:ffff::1")
        addresses = client.packed + own.packed + struct.pack("!HH", 40_000, 8_883)
        family = STREAM[client.version]
    rest = field(OF_AWS, b"\x01vpce-08d2bf15fac5001c9") + field(NOTHING, bytes(20))

    def whole(checksum: int) -> bytes:
        body = addresses + field(CHECKSUM, struct.pack("!I", checksum)) + rest
        return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body

    return whole(crc32c(whole(0)) ^ int(broken))


def test_the_checksum_is_the_one_of_the_definition() -> None:
    assert crc32c(b"123456789") == 0xE3069283


@pytest.fixture(params=["terminate", "passthrough"])
def behind(world: World, request: pytest.FixtureRequest) -> Proxy:
    """An edge that knows clients by what a balancer says, with two connections for each address."""
    if request.param == "passthrough":
        for customer in world.brokers:
            world.brokers[customer].stop()
            world.broker(customer, certificate=world.authority.issue(f"mqtt-{customer}.{DOMAIN}"))
    limits = {"connections_per_address": 2}
    return world.proxy(edge_settings(mode=request.param, proxy_protocol=True, limits=limits))


def device(world: World, proxy: Proxy, preamble: bytes, *, name: str = "device") -> Client:
    trust = world.authority.trust()
    return Client(proxy.address, f"mqtt-acme.{DOMAIN}", trust, client_id=name, preamble=preamble)


def refused_by_address(proxy: Proxy) -> int:
    return proxy.metric("frontend_denied_sessions_total", "mqtt")


def test_clients_are_known_by_the_address_it_names(world: World, behind: Proxy) -> None:
    first, second = "203.0.113.1", "203.0.113.2"
    with (
        device(world, behind, header(PROXY, first), name="1") as one,
        device(world, behind, header(PROXY, first), name="2"),
        device(world, behind, header(PROXY, second), name="3") as other,
    ):
        with pytest.raises(Refused):
            device(world, behind, header(PROXY, first), name="4")
        assert refused_by_address(behind) == 1
        one.subscribe("#")
        other.publish("t", "through")
        assert one.next_message() == "through"


def test_networks_of_ipv6_are_counted_though_it_connects_by_ipv4(world: World, behind: Proxy) -> None:
    with (
        device(world, behind, header(PROXY, "2001:db8:0:1::1"), name="1"),
        device(world, behind, header(PROXY, "2001:db8:0:1:ffff::2"), name="2"),
        device(world, behind, header(PROXY, "2001:db8:0:2::1"), name="3") as elsewhere,
    ):
        with pytest.raises(Refused):
            device(world, behind, header(PROXY, "2001:db8:0:1::3"), name="4")
        elsewhere.ping()
    assert refused_by_address(behind) == 1


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_a_balancer_may_itself_come_by_ipv6(world: World) -> None:
    proxy = world.proxy(edge_settings(proxy_protocol=True, ipv6=True, limits={"connections_per_address": 1}))
    address = Address(LOOPBACK6, proxy.place.port)

    def connect(source: str) -> Client:
        trust = world.authority.trust()
        preamble = header(PROXY, source)
        return Client(address, f"mqtt-acme.{DOMAIN}", trust, client_id=source, preamble=preamble)

    with connect("203.0.113.1"), connect("2001:db8::1") as other:
        with pytest.raises(Refused):
            connect("203.0.113.1")
        other.ping()


def test_its_own_questions_are_of_its_own_address_and_no_refusals(world: World, behind: Proxy) -> None:
    """A health check says that it is for nobody, and comes and goes without a word of TLS."""
    for _ in range(2):
        with socket.create_connection((behind.address.host, behind.address.port)) as check:
            check.sendall(header(LOCAL))
    with device(world, behind, header(LOCAL)) as own:
        own.ping()
    assert refused_by_address(behind) == 0


def test_what_was_changed_on_the_way_is_refused(world: World, behind: Proxy) -> None:
    with pytest.raises(Refused):
        device(world, behind, header(PROXY, "203.0.113.1", broken=True))
    with device(world, behind, header(PROXY, "203.0.113.1")) as whole:
        whole.ping()


@pytest.mark.parametrize(
    "preamble", [b"", SIGNATURE, SIGNATURE + b"\x31\x11\x00\x00"], ids=["none", "cut", "v3"]
)
def test_who_does_not_say_it_is_refused(world: World, behind: Proxy, preamble: bytes) -> None:
    with pytest.raises(Refused):
        device(world, behind, preamble)
    with device(world, behind, header(PROXY, "203.0.113.1")) as other:
        other.ping()
