"""What a broker that was killed still has: what it was told ten seconds before, and had acknowledged."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from infra.customer import mosquitto
from infra.customer.instance import manifests
from tests.edge.broker import Broker, asking_nobody
from tests.edge.pods import Node
from tests.program.instances import instance_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.edge

SAVED_SECONDS = 10
MARGIN_SECONDS = 5
TOPIC = "iot/device/1/state"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path, asking_nobody(manifests(instance_of("acme", surroundings={"broker_issuer": None}))))
    yield node
    node.close()


def test_a_broker_that_is_killed_has_what_it_was_told_ten_seconds_before(node: Node) -> None:
    """Nobody tells it to save, and nobody asks it to end."""
    broker = Broker(node)
    process = broker.start()
    broker.retain(TOPIC, "on since noon")
    told = time.time()
    state = node.folder / "claims" / f"{mosquitto.APP}-data" / "mosquitto.db"
    wait_until(
        lambda: state.exists() and state.stat().st_mtime > told,
        what="the broker has saved",
        seconds=SAVED_SECONDS + MARGIN_SECONDS,
    )
    node.end(process, signal.SIGKILL)
    broker.start()
    assert broker.retained(TOPIC) == "on since noon"
