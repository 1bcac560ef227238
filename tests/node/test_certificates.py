"""The brokers' certificates: issued by the private authority, served, and renewed under open connections."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.node.devices import NAMESPACE, account, mqtt, with_device
from tests.node.world import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.node.world import World

pytestmark = pytest.mark.node

HOST = "mqtt-acme.iotistic.localhost"
HANDSHAKE = """
import json, socket, ssl, sys
authority, address, name = sys.argv[1:]
context = ssl.create_default_context(cadata=authority)
with socket.create_connection((address, 8883), 5) as plain:
    with context.wrap_socket(plain, server_hostname=name) as secured:
        found = secured.getpeercert()
print(json.dumps({"serial": found["serialNumber"], "names": [name for _, name in found["subjectAltName"]]}))
"""


@pytest.fixture(scope="module")
def secured(world: World) -> Iterator[World]:
    """A world with a client where the edge stands."""
    with with_device(world, "secured", ["acme"]):
        yield world


def served(world: World, name: str = HOST) -> dict[str, Any]:
    """Return what the broker's certificate says, once its chain and the name have been verified."""
    secret = world.get("secret/broker-tls", "--namespace=customer-acme")["data"]
    authority = base64.b64decode(secret["ca.crt"]).decode()
    broker = "mosquitto.customer-acme.svc.cluster.local"
    return read_certificate(world, (NAMESPACE, "pod/secured"), authority, broker, name)


def read_certificate(
    world: World, client: tuple[str, str], authority: str, address: str, name: str
) -> dict[str, Any]:
    """Return what a certificate says that is served on port 8883, verified.

    Args:
        world: The world.
        client: Namespace and pod that ask.
        authority: Whose certificates to trust.
        address: Where to ask.
        name: The name to ask for.
    """
    answer = world.run(*client, "python3", "-c", HANDSHAKE, authority, address, name)
    found: dict[str, Any] = json.loads(answer)
    return found


def test_the_broker_serves_a_certificate_of_the_private_authority(secured: World) -> None:
    assert served(secured)["names"] == [HOST, "mosquitto.customer-acme.svc.cluster.local"]
    with pytest.raises(AssertionError, match="Hostname mismatch"):
        served(secured, "mqtt-globex.iotistic.localhost")


def test_a_renewed_certificate_is_taken_up_without_dropping_a_client(secured: World) -> None:
    before = served(secured)["serial"]
    user, password = account("acme")
    broker = ["-h", "mosquitto.customer-acme.svc.cluster.local", "-u", user, "-P", password]
    # It ends with the first message, and would say so if it had to connect a second time.
    listen = ["mosquitto_sub", "-d", *broker, "-q", "1", "-t", "iot/acme/renewal", "-C", "1", "-W", "280"]
    listener = subprocess.Popen(
        secured.command("exec", f"--namespace={NAMESPACE}", "pod/secured", "--", *listen),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with listener:
        renew(secured, "broker-tls", "customer-acme")
        eventually(lambda: served(secured)["serial"] != before, seconds=240)
        sent = mqtt(secured, "secured", "pub", "acme", "iot/acme/renewal", "-m", "still here")
        assert sent.returncode == 0, sent.stderr
        said, _ = listener.communicate(timeout=60)
    assert "still here" in said
    assert said.count("received CONNACK") == 1


def renew(world: World, certificate: str, namespace: str) -> None:
    """Ask cert-manager for a new certificate now, as its own command line does."""
    condition = {
        "type": "Issuing",
        "status": "True",
        "reason": "ManuallyTriggered",
        "message": "renewal asked for",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    world.kubectl(
        "patch",
        f"certificate/{certificate}",
        f"--namespace={namespace}",
        "--subresource=status",
        "--type=merge",
        f"--patch={json.dumps({'status': {'conditions': [condition]}})}",
    )
