"""A network beyond the node, with addresses like the internet's, a private network's, and a cloud's metadata.

It is a namespace inside the node's own, so that it goes with the node, and no packet leaves this machine.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ops.local import processes
from ops.local.node.commands import which
from tests.node.probes import LISTEN
from tests.program.variants import BROKERS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.node.world import World

PUBLIC: Final = "203.0.113.7"
"""Of a range that is set aside for documents (RFC 5737): to policies an address as any on the internet."""
METADATA: Final = "169.254.169.254"
"""Where clouds hand out a node's credentials."""
PRIVATE: Final = BROKERS["managed inside"]["endpoint_address"]
"""Where somebody else runs a broker that no other network sees."""
_ROUTER: Final = "203.0.113.1"
_NETWORK: Final = "elsewhere"
_CABLE: Final = ("to-elsewhere", "eth0")


@contextmanager
def elsewhere(world: World, *ports: int) -> Iterator[None]:
    """Let the node have a way to these addresses, and somebody listen there."""
    ip = which("ip")
    near, far = _CABLE

    def run(arguments: str) -> None:
        world.node.namespaces.run(ip, *arguments.split())

    run(f"netns add {_NETWORK}")
    try:
        run(f"link add {near} type veth peer name {far} netns {_NETWORK}")
        for arguments in (
            f"address add {_ROUTER}/24 dev {near}",
            f"link set {near} up",
            f"-netns {_NETWORK} address add {PUBLIC}/24 dev {far}",
            *(f"-netns {_NETWORK} address add {address}/32 dev {far}" for address in (METADATA, PRIVATE)),
            f"-netns {_NETWORK} link set {far} up",
            f"-netns {_NETWORK} route add default via {_ROUTER}",
            *(f"route add {address}/32 via {PUBLIC}" for address in (METADATA, PRIVATE)),
        ):
            run(arguments)
        # Each by itself: what answers a datagram has to have the address that it was sent to.
        addresses = f"{PUBLIC},{METADATA},{PRIVATE}"
        program = [sys.executable, "-S", "-c", LISTEN, addresses, *map(str, ports)]
        with subprocess.Popen(world.node.namespaces.enter(ip, "netns", "exec", _NETWORK, *program)):
            try:
                wait_until(lambda: _listens(world, f"{PRIVATE}:{ports[-1]}"), seconds=60)
                yield
            finally:
                inside = world.node.namespaces.processes()
                processes.kill(pid for pid, command in inside.items() if command == program)
    finally:
        # The kernel takes both ends of the cable away when it gets to it, or at once when it is told.
        run(f"netns delete {_NETWORK}")


def _listens(world: World, last: str) -> bool:
    ip = which("ip")
    sockets = world.node.namespaces.run(ip, "netns", "exec", _NETWORK, which("ss"), "-Hltn")
    return f" {last} " in sockets
