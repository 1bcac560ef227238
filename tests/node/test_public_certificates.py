"""A public authority's certificates, by a record in the DNS: issued, served, renewed while clients stay."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer.instance import manifests
from infra.names import EDGE_NAMESPACE
from infra.platform.certificates import certificates
from infra.platform.certificates_settings import ACME_ISSUER
from tests.node.acme import RENEW_BEFORE, Authority, acme_authority
from tests.node.devices import NAMESPACE, add_account
from tests.node.outside import DOMAIN, TAKEN_UP_SECONDS, Outside, client_outside, host
from tests.node.test_certificates import BROKER_TLS, EDGE_TLS
from tests.node.tls import listening
from tests.node.world import World, declared, eventually
from tests.program.instances import instance_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.node

ISSUED_SECONDS = 180


@pytest.fixture(scope="module")
def authority(world: World) -> Iterator[Authority]:
    """An authority that signed the certificates of the edge and of acme's broker."""
    add_account(world, "acme")
    with acme_authority(world) as found, signed_by(world, found):
        yield found


@pytest.fixture(scope="module")
def edge(world: World, authority: Authority) -> Iterator[Outside]:
    """A device that trusts that authority, and knows the edge by acme's name."""
    with client_outside(world, "public", authority.root, ["acme"]) as device:
        yield device


@pytest.fixture(scope="module")
def broker(world: World, authority: Authority) -> Iterator[Outside]:
    """One where the edge stands, for which the same name leads to the broker itself."""
    [pod] = [pod for pod in world.pods("acme") if pod["metadata"]["name"] == "mosquitto-0"]
    address = pod["status"]["podIP"]
    with client_outside(world, NAMESPACE, authority.root, ["acme"], address=address) as device:
        yield device


@contextmanager
def signed_by(world: World, authority: Authority) -> Iterator[None]:
    """Let the authority sign for the edge and for a broker, and their own again afterwards."""
    places = {EDGE_NAMESPACE: EDGE_TLS, "customer-acme": BROKER_TLS}
    before = [
        declared(world.get(f"certificate/{name}", f"--namespace={namespace}"))
        for namespace, name in places.items()
    ]
    [wildcard] = certificates(replace(authority.issuing, wanted=[(EDGE_NAMESPACE, EDGE_TLS)]))
    world.apply(soon_renewed(wildcard), soon_renewed(of_broker()))
    try:
        for namespace, name in places.items():
            eventually(lambda: is_public(world, namespace, name), seconds=ISSUED_SECONDS)  # noqa: B023 - called in the loop
        yield
    finally:
        world.apply(*before)
        for namespace, name in places.items():
            eventually(lambda: not is_public(world, namespace, name), seconds=ISSUED_SECONDS)  # noqa: B023 - called in the loop


def soon_renewed(certificate: dict[str, Any]) -> dict[str, Any]:
    return {**certificate, "spec": {**certificate["spec"], "renewBefore": RENEW_BEFORE}}


def of_broker() -> dict[str, Any]:
    """Return the certificate of acme's broker in a stack whose brokers have public ones."""
    instance = instance_of("acme", surroundings={"broker_issuer": ACME_ISSUER})
    [found] = [item for item in manifests(instance) if item["kind"] == "Certificate"]
    return found


def is_public(world: World, namespace: str, name: str) -> bool:
    """Return whether a certificate's Secret holds one that the public authority signed."""
    annotations = world.get(f"secret/{name}", f"--namespace={namespace}")["metadata"]["annotations"]
    return str(annotations["cert-manager.io/issuer-name"]) == ACME_ISSUER


def test_what_it_signed_is_served_by_the_edge_and_by_the_broker(edge: Outside, broker: Outside) -> None:
    for device, names in ((edge, [f"*.{DOMAIN}"]), (broker, [host("acme")])):
        found = device.served("acme")
        assert found.names == names
        assert found.issuer.startswith("Pebble Intermediate")


def test_their_renewal_comes_by_itself_and_drops_no_client(
    world: World, edge: Outside, broker: Outside
) -> None:
    devices = (edge, broker)
    before = [device.served("acme").serial for device in devices]
    topic = "iot/acme/public-renewal"
    with (
        listening(world, edge.pod, edge.command("sub", "acme"), topic) as at_edge,
        listening(world, broker.pod, broker.command("sub", "acme"), topic) as at_broker,
    ):
        for device, serial in zip(devices, before, strict=True):
            eventually(lambda: device.served("acme").serial != serial, seconds=TAKEN_UP_SECONDS)  # noqa: B023 - called in the loop
        sent = edge.mqtt("pub", "acme", "-t", topic, "-m", "still here")
        assert sent.returncode == 0, sent.stderr
        for said in (at_edge(), at_broker()):
            assert "still here" in said
            assert said.count("received CONNACK") == 1
