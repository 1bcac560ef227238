"""An MQTT 3.1.1 client as small as can be, that shows the TLS handshake's name to the tests."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

CONNECT, CONNACK, PUBLISH, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP = 0x10, 0x20, 0x30, 0x82, 0x90, 0xC0, 0xD0

TIMEOUT_SECONDS = 15.0


class Refused(Exception):  # noqa: N818 - what happened, as the tests read it
    """The connection was closed before the broker answered."""


@dataclass(frozen=True)
class Address:
    """Where the edge listens."""

    host: str
    port: int


class Client:
    """One device: connected when made, closed at the end of ``with``.

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
        self._buffer = b""
        try:
            self.socket = _connect(address, name, trust, preamble)
        except (OSError, EOFError) as error:
            raise Refused(repr(error)) from error
        try:
            header = b"\x00\x04MQTT\x04\x02" + keepalive.to_bytes(2, "big")
            self._send(CONNECT, header + _text(client_id))
            answer = self._receive(CONNACK)
        except (OSError, EOFError) as error:
            self.socket.close()
            raise Refused(repr(error)) from error
        assert answer == b"\x00\x00", f"the broker refused the client: {answer!r}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    @property
    def certificate(self) -> bytes:
        """The certificate that the client was shown."""
        return self.socket.getpeercert(binary_form=True) or b""

    def subscribe(self, topic: str) -> None:
        self._send(SUBSCRIBE, b"\x00\x01" + _text(topic) + b"\x00")
        self._receive(SUBACK)

    def publish(self, topic: str, message: str) -> None:
        self._send(PUBLISH, _text(topic) + message.encode())

    def next_message(self) -> str:
        """Return the next message, whatever its topic."""
        body = self._receive(PUBLISH)
        return body[2 + int.from_bytes(body[:2], "big") :].decode()

    def ping(self) -> None:
        """Ask the broker for a sign of life; fails if the connection is gone or a message is in between."""
        self._send(PINGREQ, b"")
        self._receive(PINGRESP)

    def is_silent(self, seconds: float) -> bool:
        """Return whether nothing arrives, not even the end of the connection, for so long."""
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

    def _receive(self, kind: int) -> bytes:
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
        return body

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            piece = self.socket.recv(65_536)
            if not piece:
                raise EOFError
            self._buffer += piece
        result, self._buffer = self._buffer[:count], self._buffer[count:]
        return result


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
