"""An MQTT 3.1.1 client as small as can be, that shows the TLS handshake's name to the tests."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
PINGREQ, PINGRESP = 0xC0, 0xD0
CLEAN, ACCOUNT = 0x02, 0xC0
"""Flags of a device that connects: it wants to be forgotten afterwards; it has a user and a password."""
QUALITY = 0x06
"""Flags of a message that the broker wants to know the arrival of."""
UNGRANTED = 0x80

TIMEOUT_SECONDS = 15.0


class Refused(Exception):  # noqa: N818 - what happened, as the tests read it
    """The connection was closed before the broker answered."""


class Denied(Exception):  # noqa: N818 - as above
    """The broker answered that the device may not come in."""


class Connection(Protocol):
    """What bytes go by: a socket, or what behaves like one."""

    def sendall(self, data: bytes, /) -> None: ...

    def recv(self, size: int, /) -> bytes: ...

    def settimeout(self, seconds: float, /) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Address:
    """Where the edge listens."""

    host: str
    port: int


class Session:
    """What one device says and hears, by a connection that is there; closed at the end of ``with``.

    Args:
        connection: The connection.
        client_id: Name of the device.
        keepalive: Seconds within which it promises to say something.
        account: Its user and password, if it has them.
        stays: Whether the broker is to remember it when it is gone.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        client_id: str,
        keepalive: int = 60,
        account: tuple[str, str] | None = None,
        stays: bool = False,
    ) -> None:
        self._buffer = b""
        self._sent = 0
        self._owed: list[bytes] = []
        self.socket = connection
        words = (client_id, *(account or ()))
        flags = (0 if stays else CLEAN) | (ACCOUNT if account else 0)
        try:
            header = b"\x00\x04MQTT\x04" + bytes([flags]) + keepalive.to_bytes(2, "big")
            self._send(CONNECT, header + b"".join(map(_text, words)))
            _, answer = self._receive(CONNACK)
        except (OSError, EOFError) as error:
            self.socket.close()
            raise Refused(repr(error)) from error
        remembered, code = answer
        if code:
            self.socket.close()
            raise Denied(code)
        self.remembered = bool(remembered)
        """Whether the broker knew it from before."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def subscribe(self, topic: str, *, qos: int = 0) -> bool:
        """Ask for a topic, and return whether the broker gives it."""
        self._send(SUBSCRIBE, b"\x00\x01" + _text(topic) + bytes([qos]))
        _, answer = self._receive(SUBACK)
        return answer[2] != UNGRANTED

    def publish(self, topic: str, message: str, *, qos: int = 0) -> None:
        """Say something; with a quality of 1, until the broker has it."""
        self._sent += 1
        number = self._sent.to_bytes(2, "big") if qos else b""
        self._send(PUBLISH | qos << 1, _text(topic) + number + message.encode())
        if qos:
            assert self._receive(PUBACK)[1] == number

    def next_message(self, *, confirm: bool = True) -> str:
        """Return the next message, whatever its topic.

        Args:
            confirm: Whether to tell the broker that it is here, where it wants to know.
        """
        first, body = self._receive(PUBLISH)
        length = int.from_bytes(body[:2], "big")
        message = body[2 + length :]
        if first & QUALITY:
            self._owed.append(message[:2])
            message = message[2:]
            if confirm:
                self.confirm()
        return message.decode()

    def confirm(self) -> None:
        """Tell the broker of every message that is here and that it was not told of."""
        while self._owed:
            self._send(PUBACK, self._owed.pop(0))

    def ping(self) -> None:
        """Ask the broker for a sign of life; fails if the connection is gone or a message is in between."""
        self._send(PINGREQ, b"")
        self._receive(PINGRESP)

    def is_silent(self, seconds: float) -> bool:
        """Return whether nothing arrives, not even the end of the connection, for so long."""
        if self._buffer:
            return False
        self.socket.settimeout(seconds)
        try:
            self._buffer += self.socket.recv(1)
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(TIMEOUT_SECONDS)
        return False

    def _send(self, kind: int, body: bytes) -> None:
        length, rest = b"", len(body)
        while True:
            rest, digit = divmod(rest, 128)
            length += bytes([digit | (0x80 if rest else 0)])
            if not rest:
                break
        self.socket.sendall(bytes([kind]) + length + body)

    def _receive(self, kind: int) -> tuple[int, bytes]:
        """Return the next packet's first byte and what is in it."""
        first = self._exactly(1)[0]
        length, shift = 0, 0
        while True:
            digit = self._exactly(1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                break
        body = self._exactly(length)
        assert first & 0xF0 == kind & 0xF0, f"expected packet {kind:#x}, got {first:#x}"
        return first, body

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            piece = self.socket.recv(65_536)
            if not piece:
                raise EOFError
            self._buffer += piece
        result, self._buffer = self._buffer[:count], self._buffer[count:]
        return result


class Client(Session):
    """One device, which comes by TLS.

    Args:
        address: Where to connect.
        name: What to ask for in the TLS handshake; None: nothing.
        trust: How to check the certificate.
        client_id: Name of the device.
        keepalive: Seconds within which it promises to say something.
        preamble: What to send before the handshake.
    """

    def __init__(  # noqa: PLR0913 - a connection has this many independent parts
        self,
        address: Address,
        name: str | bytes | None,
        trust: ssl.SSLContext,
        *,
        client_id: str,
        keepalive: int = 60,
        preamble: bytes = b"",
    ) -> None:
        try:
            connection = _connect(address, name, trust, preamble)
        except (OSError, EOFError) as error:
            raise Refused(repr(error)) from error
        self.certificate = connection.getpeercert(binary_form=True) or b""
        """What the client was shown."""
        super().__init__(connection, client_id=client_id, keepalive=keepalive)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _connect(
    address: Address, name: str | bytes | None, trust: ssl.SSLContext, preamble: bytes
) -> ssl.SSLSocket:
    # Wrapped before it connects: one that is reset between the two is never closed.
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    secured = trust.wrap_socket(socket.socket(family), server_hostname=name, do_handshake_on_connect=False)
    try:
        secured.settimeout(TIMEOUT_SECONDS)
        secured.connect((address.host, address.port))
        socket.socket.sendall(secured, preamble)
        secured.do_handshake()
    except OSError:
        secured.close()
        raise
    return secured
