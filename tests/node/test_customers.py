"""Customers that really run: ready, reachable with their own credentials, and by nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ops.local.node.layout import NODE_NAME
from tests.node.conftest import ONLY
from tests.node.devices import account, mqtt, with_device

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.node.world import World

pytestmark = [pytest.mark.node, pytest.mark.meanwhile]

PODS = 4
"""Database, broker, API and dashboard."""


def test_customers_of_different_plans_are_ready_on_the_real_node(world: World) -> None:
    for tenant in ONLY:
        pods = [pod for pod in world.pods(tenant) if pod["status"]["phase"] != "Succeeded"]
        assert {pod["spec"]["nodeName"] for pod in pods} == {NODE_NAME}
        containers = [status for pod in pods for status in pod["status"]["containerStatuses"]]
        assert len(containers) >= len(pods) >= PODS
        assert all(status["ready"] for status in containers)
    statuses = world.project.statuses()
    assert [s["id"] for s in statuses] == list(ONLY)
    assert len({s["plan"] for s in statuses}) == 2


def test_preview_is_clean_afterwards(world: World) -> None:
    world.project.shell("pulumi", "preview", "--expect-no-changes", "--non-interactive")


def test_the_api_reaches_its_own_database_and_not_the_neighbours(world: World) -> None:
    for tenant in ONLY:
        world.api(tenant, "/api/v1/notes", {"text": f"written by {tenant}"})
    for tenant in ONLY:
        answer = world.api(tenant, "/api/v1/notes")
        assert answer["customer"] == tenant
        assert f"written by {tenant}" in answer["notes"]
        assert not any(other in note for note in answer["notes"] for other in ONLY if other != tenant)


def test_no_password_of_one_customer_opens_the_neighbours_database(world: World) -> None:
    """Even past the network: from the neighbour's own database pod."""
    password = world.run("customer-acme", "deploy/api", "sh", "-c", 'printf %s "$DB_PASSWORD"')
    own = world.run("customer-globex", "deploy/api", "sh", "-c", 'printf %s "$DB_PASSWORD"')
    for tried, opens in ((own, True), (password, False)):
        attempt = world.attempt(
            "customer-globex",
            "statefulset/postgres",
            "env",
            f"PGPASSWORD={tried}",
            "psql",
            "--no-psqlrc",
            "--host=127.0.0.1",
            "--username=iotistic",
            "--dbname=iotistic",
            "--command=SELECT 1",
        )
        assert (attempt.returncode == 0) is opens, attempt.stderr


# A device publishes where the edge stands, by MQTT, with its own customer's credentials.


@pytest.fixture(scope="module")
def devices(world: World) -> Iterator[World]:
    """A world in which each customer has one device, and the edge's namespace a client."""
    with with_device(world, "device", ONLY):
        yield world


def test_a_message_with_the_right_credentials_arrives(devices: World) -> None:
    for tenant in ONLY:
        topic = f"iot/{tenant}/temperature"
        sent = mqtt(devices, "device", "pub", tenant, topic, "-r", "-m", "21.5")
        assert sent.returncode == 0, sent.stderr
        got = mqtt(devices, "device", "sub", tenant, topic, "-C", "1", "-W", "10")
        assert got.stdout.strip() == "21.5", got.stderr


def test_another_customers_credentials_are_refused(devices: World) -> None:
    refused = mqtt(devices, "device", "pub", "globex", "iot/globex/x", "-m", "1", credentials=account("acme"))
    assert refused.returncode != 0
    assert "not authorised" in refused.stderr


def test_a_wrong_password_and_no_password_are_refused(devices: World) -> None:
    wrong = mqtt(devices, "device", "pub", "acme", "iot/acme/x", "-m", "1", credentials=("device-acme", "x"))
    assert "not authorised" in wrong.stderr
    host = ["-h", "mosquitto.customer-acme.svc.cluster.local", "-t", "x", "-m", "1"]
    assert not devices.succeeds("mqtt-edge", "pod/device", "mosquitto_pub", *host)


def test_a_topic_of_others_is_never_delivered(devices: World) -> None:
    for topic, text in (("iot/elsewhere/own", "leaked"), ("iot/acme/own", "own")):
        mqtt(devices, "device", "pub", "acme", topic, "-r", "-m", text)
    both = ("-t", "iot/elsewhere/own", "-C", "2", "-W", "5")
    got = mqtt(devices, "device", "sub", "acme", "iot/acme/own", *both)
    assert got.stdout.split() == ["own"]
