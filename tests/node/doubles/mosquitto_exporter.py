"""Contract double of the broker's exporter, for tests only: metrics on port 9234, read from the broker."""

from __future__ import annotations

import os
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    """Answers every path with one metric."""

    def do_GET(self) -> None:
        broker = urlsplit(os.environ["BROKER_ENDPOINT"])
        credentials = ["-u", os.environ["MQTT_USER"], "-P", os.environ["MQTT_PASS"]]
        command = ["mosquitto_sub", "-h", str(broker.hostname), "-p", str(broker.port), *credentials]
        uptime = subprocess.run(
            [*command, "-C", "1", "-W", "5", "-t", "$SYS/broker/uptime"], capture_output=True, check=False
        )
        content = f"broker_up {int(uptime.returncode == 0)}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        """Say nothing of each request."""


HTTPServer(("0.0.0.0", 9234), Handler).serve_forever()  # noqa: S104 - a pod of its own
