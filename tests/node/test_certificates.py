"""Certificates of the private authority: issued, served, and renewed under open connections."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from infra.names import EDGE_NAMESPACE
from tests.node.devices import NAMESPACE, account, with_device
from tests.node.outside import DOMAIN, TAKEN_UP_SECONDS, Outside, client_outside, host
from tests.node.tls import Served, listening, read_certificate, renew
from tests.node.world import World, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.node

BROKER = "mosquitto.customer-acme.svc.cluster.local"
EDGE_TLS = "mqtt-edge-tls"
BROKER_TLS = "broker-tls"


@pytest.fixture(scope="module")
def secured(world: World) -> Iterator[World]:
    """A world with a client where the edge stands."""
    with with_device(world, "secured", ["acme"]):
        yield world


@pytest.fixture(scope="module")
def outside(secured: World) -> Iterator[Outside]:
    """A device that trusts the private authority."""
    trusted = authority(secured, EDGE_NAMESPACE, EDGE_TLS)
    with client_outside(secured, "trusting", trusted, ["acme"]) as device:
        yield device


def authority(world: World, namespace: str, name: str) -> str:
    """Return the certificate of who signed a certificate, as its Secret has it."""
    secret = world.get(f"secret/{name}", f"--namespace={namespace}")["data"]
    return base64.b64decode(secret["ca.crt"]).decode()


def served_by_broker(world: World, name: str = host("acme")) -> Served:
    """Return what the broker's certificate says, once its chain and the name have been verified."""
    trusted = authority(world, "customer-acme", BROKER_TLS)
    return read_certificate(world, (NAMESPACE, "pod/secured"), trusted, BROKER, name)


def test_the_broker_serves_a_certificate_of_the_private_authority(secured: World) -> None:
    assert served_by_broker(secured).names == [host("acme"), BROKER]
    with pytest.raises(AssertionError, match="Hostname mismatch"):
        served_by_broker(secured, host("globex"))


def test_the_edge_serves_one_certificate_for_every_customer(outside: Outside) -> None:
    found = outside.served("acme")
    assert (found.names, found.issuer) == ([f"*.{DOMAIN}"], "Iotistic dev")


def test_renewed_certificates_are_taken_up_without_dropping_a_client(
    secured: World, outside: Outside
) -> None:
    before = served_by_broker(secured).serial, outside.served("acme").serial
    user, password = account("acme")
    inside = ["mosquitto_sub", "-h", BROKER, "-u", user, "-P", password]
    topic = "iot/acme/renewal"
    with (
        listening(secured, (NAMESPACE, "pod/secured"), inside, topic) as at_broker,
        listening(secured, outside.pod, outside.command("sub", "acme"), topic) as at_edge,
    ):
        renew(secured, BROKER_TLS, "customer-acme")
        renew(secured, EDGE_TLS, EDGE_NAMESPACE)
        eventually(lambda: served_by_broker(secured).serial != before[0], seconds=TAKEN_UP_SECONDS)
        eventually(lambda: outside.served("acme").serial != before[1], seconds=TAKEN_UP_SECONDS)
        sent = outside.mqtt("pub", "acme", "-t", topic, "-m", "still here")
        assert sent.returncode == 0, sent.stderr
        for said in (at_broker(), at_edge()):
            assert "still here" in said
            assert said.count("received CONNACK") == 1
