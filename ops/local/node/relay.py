"""Carries connections from inside the node to the API server, which listens on this machine only.

Run as ``python -m ops.local.node.relay <process inside> <port of the API server> <address>...``.
It stands with one foot in each network: its sockets listen in the node's, and what comes in
is passed on in this machine's. The API server itself stays closed to every other network.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import sys
from pathlib import Path
from typing import Final

from ops.local.ports import LOOPBACK

_NETWORK: Final = 0x40000000
"""CLONE_NEWNET in the kernel's sched.h."""
_CHUNK: Final = 65_536


def listen_inside(pid: int, addresses: list[tuple[str, int]]) -> list[socket.socket]:
    """Return sockets that listen in the network of the process ``pid``, and come back from there."""
    with Path("/proc/self/ns/net").open("rb") as home, Path(f"/proc/{pid}/ns/net").open("rb") as there:
        _enter(there.fileno())
        try:
            return [socket.create_server(address) for address in addresses]
        finally:
            _enter(home.fileno())


def _enter(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _NETWORK) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


async def serve(listeners: list[socket.socket], port: int) -> None:
    """Pass every connection on to ``port`` of this machine's loopback address."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner, outer = await asyncio.open_connection(LOOPBACK, port)
        except OSError:
            # The API server is down. The caller tries again, as it would with any other.
            writer.close()
            return
        await asyncio.gather(_copy(reader, outer), _copy(inner, writer))

    servers = [await asyncio.start_server(accept, sock=listener) for listener in listeners]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()


def main(arguments: list[str]) -> None:
    """Run until the node ends."""
    pid, port, *addresses = arguments
    pairs = [address.rsplit(":", 1) for address in addresses]
    listeners = listen_inside(int(pid), [(host, int(number)) for host, number in pairs])
    asyncio.run(serve(listeners, int(port)))


if __name__ == "__main__":
    main(sys.argv[1:])
