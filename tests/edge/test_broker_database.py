"""A broker that asks the database, with a plugin that asks the rendered queries as the rendered role."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from infra.customer.ports import API_PORT, MQTT_PORT
from tests.edge.broker import Broker
from tests.edge.essentials import essentials
from tests.edge.mqtt import Denied, Refused, Session
from tests.edge.network import connect
from tests.edge.plugin import compiled
from tests.edge.test_settle import MQTT_TABLES, TABLES
from tests.program.instances import instance_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from infra.customer.model import Instance
    from tests.edge.database import Database
    from tests.edge.pods import Node

pytestmark = pytest.mark.edge

PASSWORD = "that of everybody here"  # noqa: S105 - of tests only
USERS = """
INSERT INTO mqtt_users (username, password_hash, is_superuser, is_active) VALUES
    ('api', '', true, true), ('device_2', '', false, true), ('former', '', true, false);
INSERT INTO mqtt_acls (username, topic, access) VALUES ('device_2', 'iot/device/2/up', 2), ('former', '#', 7);
UPDATE mqtt_users SET password_hash = overlay(crypt(:'secret', gen_salt('bf', 4)) PLACING '$2b$' FROM 1);
"""
UP, DOWN = "iot/device/1/up", "iot/device/1/down"
SILENCE = 0.5
"""Seconds after which what has not come does not come."""
AWAY_SECONDS = 3
"""For how long the database is away: longer than a plugin that waits sleeps between two looks."""


@pytest.fixture(scope="module")
def instance() -> Instance:
    return instance_of("acme", surroundings={"mqtt_authentication": "postgres", "broker_issuer": None})


@pytest.fixture(scope="module")
def broker(node: Node, database: Database, tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """The broker beside its database, in which users are whose passwords are kept as the API does it."""
    plugin = compiled(tmp_path_factory.mktemp("plugin"))
    database.as_api(TABLES + MQTT_TABLES + USERS, secret=PASSWORD)
    answer = node.finish("Job", "settle")
    assert answer.returncode == 0, answer.stderr
    node.image("password", essentials(node.folder))
    broker = Broker(node, files={"/mosquitto/go-auth.so": plugin})
    broker.start()
    return broker


def device(broker: Broker, name: str, password: str = PASSWORD) -> Session:
    """Connect as one of the users."""
    return Session(connect(broker.node.network, MQTT_PORT), client_id=name, account=(name, password))


def comes_in(broker: Broker, name: str) -> bool:
    """Return whether a user gets in."""
    try:
        device(broker, name).socket.close()
    except Refused:
        return False
    return True


def test_it_runs_while_the_api_is_away(broker: Broker) -> None:
    assert not broker.node.listens(API_PORT)
    assert comes_in(broker, "device_1")


def test_who_is_unknown_or_not_active_or_has_another_password_is_refused(broker: Broker) -> None:
    for name, password in (("device_1", "another"), ("nobody", PASSWORD), ("former", PASSWORD), ("api", "")):
        with pytest.raises(Denied, match="5"):
            device(broker, name, password)


def test_topics_are_those_of_the_table_for_each_kind_of_access(broker: Broker) -> None:
    with (
        device(broker, "api") as api,
        device(broker, "device_1") as one,
        device(broker, "device_2") as two,
    ):
        assert api.subscribe("#")
        assert one.subscribe("iot/device/1/#")
        assert not one.subscribe("iot/device/2/up")
        assert not one.subscribe("#")
        assert not two.subscribe("iot/device/2/up"), "it may write there, and no more"
        one.publish(UP, "of 1")
        assert (api.next_message(), one.next_message()) == ("of 1", "of 1")
        api.publish(DOWN, "for 1")
        assert (api.next_message(), one.next_message()) == ("for 1", "for 1")
        two.publish("iot/device/2/up", "of 2")
        assert api.next_message() == "of 2"
        two.publish(UP, "forged", qos=1)
        one.publish("iot/device/2/up", "forged", qos=1)
        assert all(session.is_silent(SILENCE) for session in (api, one, two))


def test_whose_access_is_taken_away_says_and_hears_no_more(broker: Broker, database: Database) -> None:
    active = "UPDATE mqtt_users SET is_active = :'active' WHERE username = 'device_1'"
    with device(broker, "api") as api, device(broker, "device_1") as one:
        assert one.subscribe("iot/device/1/#")
        assert api.subscribe(UP)
        database.as_api(active, active="false")
        try:
            one.publish(UP, "still here", qos=1)
            api.publish(DOWN, "are you still here?", qos=1)
            assert api.is_silent(SILENCE)
            assert one.is_silent(SILENCE)
            with pytest.raises(Denied, match="5"):
                device(broker, "device_1")
        finally:
            database.as_api(active, active="true")


def test_while_the_database_is_away_nobody_comes_in_and_afterwards_they_do(
    broker: Broker, database: Database
) -> None:
    database.process.stop()
    try:
        with pytest.raises(Refused):
            device(broker, "device_1")
        with pytest.raises(Refused):
            device(broker, "device_1", "another")
    finally:
        database.start()
    wait_until(lambda: comes_in(broker, "device_1"), what="it comes in again")
    assert broker.process.runs


def test_a_broker_that_starts_before_its_database_waits_for_it(broker: Broker, database: Database) -> None:
    broker.node.end(broker.process)
    database.process.stop()
    try:
        broker.begin()
        time.sleep(AWAY_SECONDS)
        assert broker.process.runs
        assert not broker.node.listens(MQTT_PORT)
    finally:
        database.start()
    wait_until(lambda: broker.node.listens(MQTT_PORT), what="the broker listens")
    assert comes_in(broker, "device_1")


def test_no_password_is_in_what_the_broker_says(broker: Broker, node: Node) -> None:
    password = node.value({"valueFrom": {"secretKeyRef": {"name": "database", "key": "broker-password"}}})
    said = broker.process.said()
    assert "the database is waited for" in said
    assert PASSWORD not in said
    assert password not in said
