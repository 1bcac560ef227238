"""The broker takes up a renewed certificate, told by the rendered script with its image's commands."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from infra.customer import secrets
from infra.customer.instance import manifests
from infra.customer.ports import MQTTS_PORT
from tests.edge.certificates import Authority
from tests.edge.essentials import essentials
from tests.edge.pods import Node
from tests.program.instances import instance_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.component import Manifest
    from tests.edge.certificates import Pair

pytestmark = pytest.mark.edge

POD = ("StatefulSet", "mosquitto")
HOST = "mqtt-acme.iotistic.localhost"
TLS = "/run/secrets/tls"
CONFIGURATION = f"""\
allow_anonymous true
listener {MQTTS_PORT}
certfile {TLS}/tls.crt
keyfile {TLS}/tls.key
"""
BROKER = "/usr/sbin/mosquitto -c /etc/mosquitto.conf"


def beside_a_broker(objects: list[Manifest]) -> list[Manifest]:
    """Return the objects with a script that looks often, in a container that has a broker of its own."""
    (files,) = (item["data"] for item in objects if item["kind"] == "ConfigMap")
    assert "sleep 15" in files["reload.sh"]
    files["reload.sh"] = files["reload.sh"].replace("sleep 15", "sleep 0.2")
    (pod,) = (
        item["spec"]["template"]["spec"]
        for item in objects
        if (item["kind"], item["metadata"]["name"]) == POD
    )
    (container,) = (item for item in pod["containers"] if item["name"] == "reload")
    container["command"] = ["/bin/sh", "-c", f"{BROKER} & exec {shlex.join(container['command'])}"]
    return objects


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def node(tmp_path: Path, authority: Authority) -> Iterator[Node]:
    """A customer's pod, whose certificate was issued."""
    issued = authority.issue(HOST)
    data = {"tls.crt": issued.certificate.decode(), "tls.key": issued.key.decode()}
    secret = {"kind": "Secret", "metadata": {"name": secrets.BROKER_TLS}, "stringData": data}
    node = Node(tmp_path, [*beside_a_broker(manifests(instance_of("acme"))), secret])
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    node.image("reload", essentials(tmp_path, files={"/etc/mosquitto.conf": configuration}))
    yield node
    node.close()


def renew(node: Node, pair: Pair) -> None:
    """Put a certificate and its key in the place of the old ones, as a kubelet does: at once."""
    folder = node.volume(*POD, secrets.BROKER_TLS)
    for name, content in {"tls.key": pair.key, "tls.crt": pair.certificate}.items():
        new = folder / f".{name}"
        new.write_bytes(content)
        new.replace(folder / name)


def served(node: Node) -> str:
    """Return the certificate that a client is shown."""
    command = f"openssl s_client -connect 127.0.0.1:{MQTTS_PORT} </dev/null 2>&1 | openssl x509"
    return node.run(*POD, "mosquitto", "/bin/sh", "-c", command).stdout


def test_a_renewed_certificate_is_taken_up_by_the_broker_that_runs(node: Node, authority: Authority) -> None:
    process = node.start(*POD, "reload")
    wait_until(lambda: node.listens(MQTTS_PORT), what="the broker listens")
    first, second = served(node), authority.issue(HOST)
    assert "BEGIN CERTIFICATE" in first
    renew(node, second)
    wait_until(lambda: served(node).encode() == second.certificate, what="the new one is served")
    wait_until(lambda: "broker told" in process.said(), what="the script says so")
    assert "not found" not in process.said()
