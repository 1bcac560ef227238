"""People outside: they know customers' names and whom to trust."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from tests.edge.websocket import TEXT, WebSocket

if TYPE_CHECKING:
    import ssl
    from typing import BinaryIO

DOMAIN = "iotistic.localhost"
SECONDS = 20


@dataclass(frozen=True)
class People:
    """Callers who come to the controller by its own address, as from a balancer that keeps theirs.

    Attributes:
        address: The controller.
        http: Its port for HTTP.
        https: Its port for HTTPS.
        trust: Whom they trust.
    """

    address: str
    http: int
    https: int
    trust: ssl.SSLContext

    def ask(self, tenant: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        """Ask a customer's host by HTTPS, having verified its certificate."""
        with httpx.Client(verify=self.trust, timeout=SECONDS) as client:
            return self._send(client, f"https://{self.address}:{self.https}", tenant, path, request)

    def ask_in_clear(self, tenant: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 - as above
        """Ask a customer's host by HTTP."""
        with httpx.Client(timeout=SECONDS) as client:
            return self._send(client, f"http://{self.address}:{self.http}", tenant, path, request)

    @staticmethod
    def _send(
        client: httpx.Client, base: str, tenant: str, path: str, request: dict[str, Any]
    ) -> httpx.Response:
        headers = {"Host": host(tenant), **request.pop("headers", {})}
        method = request.pop("method", "GET")
        named = {"sni_hostname": host(tenant)}
        return client.request(method, base + path, headers=headers, extensions=named, **request)

    def connect(self, tenant: str) -> ssl.SSLSocket:
        """Open a connection to a customer's host, for what no library would send."""
        plain = socket.create_connection((self.address, self.https), SECONDS)
        return self.trust.wrap_socket(plain, server_hostname=host(tenant))

    def ask_exactly(self, tenant: str, target: str) -> bytes:
        """Ask for a path as it is written, and return the whole answer."""
        with self.connect(tenant) as connection:
            connection.sendall(_request(tenant, target, "Connection: close"))
            return _rest(connection)

    def refused_after(self, tenant: str, target: str, most: int) -> int:
        """Ask one thing again and again, and return how often it was answered before there was a 429.

        Args:
            tenant: The customer.
            target: What to ask for.
            most: How often to ask.
        """
        with self.connect(tenant) as connection, connection.makefile("rb") as answers:
            for number in range(most):
                connection.sendall(_request(tenant, target))
                if _next_status(answers) == httpx.codes.TOO_MANY_REQUESTS:
                    return number
        return most

    def talk(self, tenant: str, message: str) -> str:
        """Send a short message by WebSocket and return what comes back."""
        with self.connect(tenant) as connection:
            socket = WebSocket(connection, host=host(tenant), path="/ws", kind=TEXT)
            socket.sendall(message.encode())
            return socket.recv(1 << 16).decode()


def host(tenant: str) -> str:
    """Return the name by which people reach a customer."""
    return f"{tenant}.{DOMAIN}"


def _request(tenant: str, target: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {host(tenant)}", *headers, "", ""]).encode()


def _rest(connection: ssl.SSLSocket) -> bytes:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def _next_status(answers: BinaryIO) -> int:
    """Read one answer, and return its status."""
    status = int(answers.readline().split()[1])
    length = 0
    while line := answers.readline().strip():
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    answers.read(length)
    return status
