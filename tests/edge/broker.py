"""A customer's broker in its pod, from the rendered files, and a client beside it.

The plugin that asks about logins cannot be had without a registry: a broker asks nobody, or by a double.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.customer.ports import MQTT_PORT
from tests.edge.pods import Image
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infra.component import Manifest
    from tests.edge.pods import Node
    from tests.edge.world import Process

_POD = ("StatefulSet", "mosquitto", "mosquitto")
_AUTHENTICATION = "# Nobody connects without credentials"

_CLIENT = """
import socket, sys

def text(value):
    return len(value).to_bytes(2, "big") + value.encode()

def send(kind, body):
    broker.sendall(bytes([kind, len(body)]) + body)

def receive():
    kind, length = stream.read(2)
    return kind, stream.read(length)

verb, topic, message = sys.argv[1:]
broker = socket.create_connection(("mosquitto", %d), timeout=20)
stream = broker.makefile("rb")
send(0x10, text("MQTT") + bytes([4, 2, 0, 60]) + text("client"))
assert receive() == (0x20, b"\\0\\0")
if verb == "retain":
    send(0x33, text(topic) + b"\\0\\1" + message.encode())
    assert receive()[0] == 0x40
else:
    send(0x82, b"\\0\\1" + text(topic) + b"\\0")
    assert receive()[0] == 0x90
    _, body = receive()
    print(body[2 + len(topic):].decode(), end="")
"""
"""Publishes a retained message and waits for the receipt, or prints the one that is retained."""


def asking_nobody(objects: list[Manifest]) -> list[Manifest]:
    """Return the objects with a broker that lets everybody in."""
    (files,) = (item["data"] for item in objects if item["kind"] == "ConfigMap")
    kept, found, _ = files["mosquitto.conf"].partition(_AUTHENTICATION)
    assert found
    files["mosquitto.conf"] = f"{kept}allow_anonymous true\n"
    return objects


class Broker:
    """Mosquitto in its pod.

    Args:
        node: Where it runs.
        files: What its image brings along, by the path in it.
    """

    process: Process

    def __init__(self, node: Node, *, files: Mapping[str, Path] | None = None) -> None:
        self.node = node
        command = ("mosquitto", "-c", "/etc/mosquitto/mosquitto.conf")
        node.image("mosquitto", Image(entrypoint=command, files=files or {}))

    def start(self) -> Process:
        self.begin()
        wait_until(lambda: self.node.listens(MQTT_PORT), what="the broker listens")
        return self.process

    def begin(self) -> None:
        """Make its pod anew and start it, whether it listens then or waits."""
        kind, name, _ = _POD
        self.node.create(kind, name)
        for first in self.node.pod(kind, name).get("initContainers", ()):
            answer = self.node.run(kind, name, first["name"])
            assert answer.returncode == 0, answer.stderr
        self.process = self.node.go_on(*_POD)

    def restart(self) -> None:
        """Ask it to end, as a kubelet does, and start it again."""
        self.node.end(self.process)
        self.start()

    def retain(self, topic: str, message: str) -> None:
        self._client("retain", topic, message)

    def retained(self, topic: str) -> str:
        return self._client("read", topic, "")

    def _client(self, *words: str) -> str:
        answer = self.node.run(*_POD, "python3", "-c", _CLIENT % MQTT_PORT, *words)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout
