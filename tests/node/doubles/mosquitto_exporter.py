"""Contract double of the broker's exporter, for tests only: metrics on port 9234, read from the broker.

It has a twentieth of a processor, as the exporter has, so it takes no more of Python than it needs.
"""

from __future__ import annotations

import os
import socket


def uptime_is_told() -> bool:
    """Return whether the broker tells its exporter since when it runs."""
    host, _, port = os.environ["BROKER_ENDPOINT"].rpartition("/")[2].partition(":")
    credentials = ["-u", os.environ["MQTT_USER"], "-P", os.environ["MQTT_PASS"]]
    command = ["mosquitto_sub", "-h", host, "-p", port, *credentials]
    once = ["-C", "1", "-W", "5", "-t", "$SYS/broker/uptime"]
    return os.spawnvp(os.P_WAIT, command[0], [*command, *once]) == 0  # noqa: S606 - what else does it takes long


with socket.create_server(("", 9234)) as server:
    while True:
        asking = server.accept()[0]
        with asking:
            # One that only looks whether somebody listens says nothing.
            if asking.recv(4096):
                content = f"broker_up {int(uptime_is_told())}\n"
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
                asking.sendall(f"{head}{content}".encode())
