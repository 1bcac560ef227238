"""A WebSocket as a client has it, by which others send bytes as by a socket (RFC 6455)."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import socket

TEXT, BINARY = 0x81, 0x82
"""Kinds of whole messages."""
SWITCHING = 101
_MASKED = 0x80
_LONGER, _LONGEST = 126, 127
"""Lengths that say that two, or eight, bytes follow with the length."""


class WebSocket:
    """A connection that was changed to WebSocket.

    Args:
        connection: The connection.
        host: Whom to ask.
        path: For what.
        kind: What kind of messages is sent, and expected.
        protocol: What they mean, if that is asked for.
    """

    def __init__(
        self, connection: socket.socket, *, host: str, path: str, kind: int = BINARY, protocol: str = ""
    ) -> None:
        self._connection = connection
        self._answers: BinaryIO = connection.makefile("rb")
        self._kind = kind
        self._left = b""
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            *([f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []),
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        status = int(self._answers.readline().split()[1])
        headers = [line.strip().lower() for line in iter(self._answers.readline, b"\r\n")]
        assert status == SWITCHING, f"{status}: no WebSocket"
        assert not protocol or f"sec-websocket-protocol: {protocol}".encode() in headers

    def sendall(self, data: bytes, /) -> None:
        """Send one message."""
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        if len(data) < _LONGER:
            length = bytes([_MASKED | len(data)])
        elif len(data) < 1 << 16:
            length = bytes([_MASKED | _LONGER]) + len(data).to_bytes(2, "big")
        else:
            length = bytes([_MASKED | _LONGEST]) + len(data).to_bytes(8, "big")
        self._connection.sendall(bytes([self._kind]) + length + mask + masked)

    def recv(self, size: int, /) -> bytes:
        """Return bytes of the next message, or nothing at the end of all."""
        if not self._left:
            self._left = self._next_message()
        found, self._left = self._left[:size], self._left[size:]
        return found

    def settimeout(self, seconds: float, /) -> None:
        """Say how long to wait at most."""
        self._connection.settimeout(seconds)

    def close(self) -> None:
        """End the connection."""
        self._answers.close()
        self._connection.close()

    def _next_message(self) -> bytes:
        head = self._answers.read(2)
        if not head or head[0] != self._kind:
            return b""
        length = head[1]
        if length in (_LONGER, _LONGEST):
            length = int.from_bytes(self._answers.read(2 if length == _LONGER else 8), "big")
        return self._answers.read(length)
