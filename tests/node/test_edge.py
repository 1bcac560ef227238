"""The MQTT edge as a pod: devices reach their customer's broker through it, by the name they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.names import EDGE_NAMESPACE
from tests.node.devices import account, add_account
from tests.node.environment import TWO
from tests.node.outside import Outside, client_outside
from tests.node.renewals import EDGE_TLS, authority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.node.world import World

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def device(world: World) -> Iterator[Outside]:
    """A device outside, of every customer and of one that there is not."""
    trusted = authority(world, EDGE_NAMESPACE, EDGE_TLS)
    with client_outside(world, "devices", trusted, [*TWO, "nobody"]) as client:
        for tenant in TWO:
            add_account(world, tenant)
        yield client


def test_a_device_reaches_its_own_broker(device: Outside) -> None:
    for tenant in TWO:
        sent = device.mqtt("pub", tenant, "-t", f"iot/{tenant}/edge", "-r", "-m", f"for {tenant}")
        assert sent.returncode == 0, sent.stderr
    for tenant in TWO:
        got = device.mqtt("sub", tenant, "-t", f"iot/{tenant}/edge", "-C", "1", "-W", "20")
        assert got.stdout.strip() == f"for {tenant}", got.stderr


def test_the_neighbours_name_leads_to_the_neighbours_broker_which_refuses(device: Outside) -> None:
    message = ["-t", "iot/acme/edge", "-m", "1"]
    refused = device.mqtt("pub", "globex", *message, credentials=account("acme"))
    assert "not authorised" in refused.stderr


def test_a_customer_that_is_none_is_cut_off(device: Outside) -> None:
    cut = device.mqtt("pub", "nobody", "-t", "iot/acme/edge", "-m", "1", credentials=account("acme"))
    assert cut.returncode != 0
    assert "not authorised" not in cut.stderr
