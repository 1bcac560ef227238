"""Address ranges that nothing on this machine uses."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING, Any, Final

from ops.local.control_plane import POD_RANGE, SERVICE_RANGE
from ops.local.node.commands import run, which
from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CANDIDATES: Final = ("10.244.0.0/14", "172.16.0.0/12", "10.0.0.0/8", "192.168.0.0/16")
_PREFIX: Final = 23
"""Half for pods, half for the cable between this machine and the node."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of one node.

    Attributes:
        block: A range of which nothing else on this machine knows.
    """

    block: IPv4Network

    @property
    def pods(self) -> IPv4Network:
        """Addresses of the pods."""
        return next(self.block.subnets(new_prefix=24))

    @property
    def bridge(self) -> IPv4Address:
        """The node's address on the bridge that its pods hang on."""
        return self.pods[1]

    @property
    def _cable(self) -> IPv4Network:
        return next(list(self.block.subnets(new_prefix=24))[1].subnets(new_prefix=30))

    @property
    def host(self) -> IPv4Address:
        """This machine's end of the cable."""
        return self._cable[1]

    @property
    def node(self) -> IPv4Address:
        """The node's end of the cable, by which the cluster knows it."""
        return self._cable[2]


def dns_address() -> str:
    """Return the cluster DNS's address, the tenth of the range as everywhere."""
    return str(IPv4Network(SERVICE_RANGE)[10])


def choose() -> Addresses:
    """Return addresses that are free on this machine and in the cluster.

    Raises:
        UsageError: Every private range is in use.
    """
    return pick(in_use())


def pick(used: Iterable[IPv4Network]) -> Addresses:
    """Return the first block that overlaps none of ``used``.

    Raises:
        UsageError: There is none.
    """
    taken = [*used, IPv4Network(SERVICE_RANGE), IPv4Network(POD_RANGE)]
    for block in _blocks():
        if not any(block.overlaps(other) for other in taken):
            return Addresses(block)
    raise UsageError.of(
        where="this machine's routes",
        what="use every private address range",
        why="the node's pods need addresses of their own",
        how="look at 'ip route' and leave a private range of 512 addresses free",
    )


def in_use() -> list[IPv4Network]:
    """Return every range that this machine has a route to or an address in."""
    found = [
        ipaddress.ip_network(route["dst"])
        for route in _ip("route", "show", "table", "all")
        if _is_network(route["dst"])
    ]
    found += [
        ipaddress.ip_interface(f"{info['local']}/{info['prefixlen']}").network
        for link in _ip("address")
        for info in link["addr_info"]
        if info["family"] == "inet"
    ]
    return [network for network in found if isinstance(network, IPv4Network) and network.prefixlen]


def _blocks() -> Iterator[IPv4Network]:
    for candidate in _CANDIDATES:
        yield from IPv4Network(candidate).subnets(new_prefix=_PREFIX)


def _is_network(text: str) -> bool:
    try:
        ipaddress.IPv4Network(text)
    except ValueError:
        return False
    return True


def _ip(*arguments: str) -> list[dict[str, Any]]:
    listing: list[dict[str, Any]] = json.loads(run([which("ip"), "-json", "-4", *arguments]) or "[]")
    return listing
