"""What stands behind the ingress controller: each customer's servers, which say whose they are."""

from __future__ import annotations

import base64
import hashlib
import json
import posixpath
import threading
import urllib.parse
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from infra.customer import api, dashboard, grafana, nodered

if TYPE_CHECKING:
    from collections.abc import Iterator

METRICS: Final = "nobody's business"
"""What the API answers where it is asked for its metrics."""
_WEBSOCKET_KEY: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What a server adds to the client's key (RFC 6455, 1.3)."""


class _Customers(BaseHTTPRequestHandler):
    """A server of one customer."""

    customer: str
    service: str

    def answer(self, document: dict[str, Any], status: int = 200) -> None:
        content = json.dumps({"customer": self.customer, **document}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        """Say nothing of each request."""


class _Pages(_Customers):
    def do_GET(self) -> None:
        self.answer({self.service: self.path})


class _Api(_Customers):
    def do_GET(self) -> None:
        if self.path == "/ws":
            self._talk()
        elif _is_metrics(self.path):
            self.answer({"metrics": METRICS})
        else:
            known = self.path.startswith("/api/v1/seen")
            self.answer({"headers": dict(self.headers)} if known else {}, 200 if known else 404)

    def do_POST(self) -> None:
        self.answer({"bytes": len(self.rfile.read(int(self.headers["Content-Length"])))})

    def _talk(self) -> None:
        """Take one short message by WebSocket, and send it back with the customer's name."""
        key = self.headers["Sec-WebSocket-Key"] + _WEBSOCKET_KEY
        accepted = base64.b64encode(hashlib.sha1(key.encode(), usedforsecurity=False).digest()).decode()
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        self.wfile.write("\r\n".join([*lines, f"Sec-WebSocket-Accept: {accepted}", "", ""]).encode())
        length = self.rfile.read(2)[1] & 0x7F
        mask, masked = self.rfile.read(4), self.rfile.read(length)
        message = bytes(byte ^ mask[place % 4] for place, byte in enumerate(masked))
        answer = f"{self.customer}: ".encode() + message
        self.wfile.write(bytes([0x81, len(answer)]) + answer)
        self.close_connection = True


def _is_metrics(path: str) -> bool:
    """Return whether a path is that of the metrics, to a server that takes every detour.

    An encoded slash is part of a name, as in Express.
    """
    names = [urllib.parse.unquote(name).replace("/", "%2F") for name in path.split("/")]
    return posixpath.normpath("/" + "/".join(filter(None, names))) == "/metrics"


@contextmanager
def customers_web(address: str, customer: str) -> Iterator[dict[str, int]]:
    """Run what a customer may have, and yield the ports by the names of the Services."""
    with ExitStack() as stack:
        ports = {}
        for service in (api.APP, dashboard.APP, nodered.APP, grafana.APP):
            kind = _Api if service == api.APP else _Pages
            whose = {"customer": customer, "service": service}
            server = ThreadingHTTPServer((address, 0), type(service, (kind,), whose))
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            ports[service] = server.server_address[1]
        yield ports
