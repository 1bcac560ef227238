"""Both ends of many connections through a proxy: brokers that say who they are, devices that check it."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import ssl
import struct
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER that ends a connection at once, so that no port is left waiting for a minute."""

AT_ONCE: Final = 64
"""How many connections are open at a time."""

_PATIENCE_SECONDS: Final = 60.0

_CONTEXT: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client_hello(name: str) -> bytes:
    """Return what a TLS client says first to a host of that name."""
    outgoing = ssl.MemoryBIO()
    client = _CONTEXT.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@contextlib.contextmanager
def brokers(addresses: Sequence[str], ports: Sequence[int]) -> Iterator[None]:
    """Run brokers in a process of their own, one for each address, which listens at each port."""
    listeners = [
        socket.create_server((address, port), backlog=4_096, reuse_port=False)
        for address in addresses
        for port in ports
    ]
    process = os.fork()
    if process == 0:
        _answer(listeners)
    for listener in listeners:
        listener.close()
    try:
        yield
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


def _answer(listeners: Sequence[socket.socket]) -> None:
    """Answer every connection with the address that it was made to, forever."""
    selector = selectors.DefaultSelector()
    for listener in listeners:
        listener.settimeout(0)
        selector.register(listener, selectors.EVENT_READ, _welcome)
    while True:
        for key, _ in selector.select():
            key.data(selector, key.fileobj)


def _welcome(selector: selectors.BaseSelector, listener: socket.socket) -> None:
    own = listener.getsockname()[0].encode()
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.settimeout(0)
            selector.register(connection, selectors.EVENT_READ, _listen)
            connection.send(own)


def _listen(selector: selectors.BaseSelector, connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        if connection.recv(65_536):
            return
    selector.unregister(connection)
    connection.close()


@dataclass(frozen=True)
class Device:
    """What one device says, and who has to answer.

    Attributes:
        name: The host it wants.
        hello: The start of its TLS handshake, for those that go no further.
        broker: Address of its customer's broker.
    """

    name: str
    hello: bytes
    broker: str


@dataclass
class Tally:
    """What came of the connections."""

    right: int = 0
    wrong: int = 0
    failed: int = 0
    seconds: float = field(default=0.0)


def load(
    port: int,
    devices: Iterator[Device],
    *,
    seconds: float,
    least: int,
    trust: ssl.SSLContext | None = None,
) -> Tally:
    """Connect device after device for so long, and check who answers each.

    Where none is answered, it ends after a minute.

    Args:
        port: Where the proxy listens on this machine.
        devices: Who connects; never ends.
        seconds: How long at least.
        least: How many at least, however long that takes.
        trust: How devices check the proxy's certificate, where TLS ends at it. Each begins a session anew.
    """
    selector = selectors.DefaultSelector()
    tally = Tally()
    started = time.perf_counter()

    def connect() -> None:
        device = next(devices)
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.connect(("127.0.0.1", port))
        if trust is None:
            connection.settimeout(0)
            connection.send(device.hello)
        else:
            connection = trust.wrap_socket(
                connection, server_hostname=device.name, do_handshake_on_connect=False
            )
            connection.settimeout(0)
            with contextlib.suppress(ssl.SSLWantReadError):
                connection.do_handshake()
        selector.register(connection, selectors.EVENT_READ, device)

    for _ in range(AT_ONCE):
        connect()
    while time.perf_counter() - started < seconds or (
        tally.right < least and time.perf_counter() - started < _PATIENCE_SECONDS
    ):
        for key, _ in selector.select(timeout=1):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)  # noqa: S101 - only sockets are registered
            if not _answered(connection, key.data, tally):
                continue
            selector.unregister(connection)
            connection.close()
            connect()
    tally.seconds = time.perf_counter() - started
    for key in list(selector.get_map().values()):
        assert isinstance(key.fileobj, socket.socket)  # noqa: S101 - only sockets are registered
        key.fileobj.close()
    return tally


def _answered(connection: socket.socket, device: Device, tally: Tally) -> bool:
    """Count what came, unless it is a part of the handshake only."""
    try:
        if isinstance(connection, ssl.SSLSocket):
            connection.do_handshake()
        answer = connection.recv(64)
    except ssl.SSLWantReadError:
        return False
    except OSError:
        answer = b""
    if not answer:
        tally.failed += 1
    elif answer.decode() == device.broker:
        tally.right += 1
    else:
        tally.wrong += 1
    return True


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, exactly: its threads' nanoseconds, not ticks."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9


def most_megabytes(pid: int) -> float:
    """Return the most memory that a process has had at a time."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:  # noqa: PTH123 - not a file one could keep
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    sys.exit(f"/proc/{pid}/status does not say how much memory the process had")
