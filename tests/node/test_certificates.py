"""Certificates of the private authority: issued, served, and renewed under open connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.node.devices import NAMESPACE, with_device
from tests.node.outside import DOMAIN, TAKEN_UP_SECONDS, host
from tests.node.renewals import BROKER_TLS, CUSTOMER, Renewals, authority
from tests.node.tls import read_certificate, trusted_certificate
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.node.world import World

pytestmark = pytest.mark.node

BROKER = f"mosquitto.customer-{CUSTOMER}.svc.cluster.local"


@pytest.fixture(scope="module")
def secured(world: World) -> Iterator[World]:
    """A world with a client where the edge stands."""
    with with_device(world, "secured", []):
        # Where renewals came before, its own certificate has been signed, and is taken up soon.
        wait_until(lambda: trusted_certificate(*asked_of_broker(world)) is not None, seconds=TAKEN_UP_SECONDS)
        yield world


def asked_of_broker(world: World, name: str = host(CUSTOMER)) -> tuple[World, tuple[str, str], str, str, str]:
    """Return who asks the broker for a name's certificate, and whose they trust."""
    trusted = authority(world, f"customer-{CUSTOMER}", BROKER_TLS)
    return world, (NAMESPACE, "pod/secured"), trusted, BROKER, name


def test_the_broker_serves_a_certificate_of_the_private_authority(secured: World) -> None:
    assert read_certificate(*asked_of_broker(secured)).names == [host(CUSTOMER), BROKER]
    with pytest.raises(AssertionError, match="Hostname mismatch"):
        read_certificate(*asked_of_broker(secured, host("acme")))


def test_the_edge_serves_one_certificate_for_every_customer(renewals: Renewals) -> None:
    found = renewals.private["edge"].before
    assert (found.names, found.issuer) == ([f"*.{DOMAIN}"], "Iotistic dev")


@pytest.mark.parametrize("place", ["edge", "broker"])
def test_a_renewed_certificate_is_taken_up_without_dropping_a_client(renewals: Renewals, place: str) -> None:
    renewal = renewals.private[place]
    assert (renewal.before.issuer, renewal.after.issuer) == ("Iotistic dev", "Iotistic dev")
    assert renewal.after.serial != renewal.before.serial
    assert "still here" in renewal.said
    assert renewal.said.count("received CONNACK") == 1
