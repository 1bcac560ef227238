"""What a customer's broker does with the rendered configuration: the real one, in its pod."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from infra.customer import mosquitto, secrets
from infra.customer.instance import manifests
from infra.customer.ports import MQTT_PORT, MQTTS_PORT, WEBSOCKET_PORT
from tests.edge.accounts import READ, SUBSCRIBE, WRITE, Account, asked_api
from tests.edge.broker import Broker
from tests.edge.certificates import Authority
from tests.edge.mqtt import Denied, Session
from tests.edge.network import connect
from tests.edge.plugin import compiled
from tests.edge.pods import Node
from tests.edge.websocket import WebSocket
from tests.program.instances import instance_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infra.customer.model import Instance
    from tests.edge.mqtt import Connection

pytestmark = pytest.mark.edge

HOST = "mqtt-acme.iotistic.localhost"
HEARS = READ | SUBSCRIBE
ACCOUNTS = {
    "api": Account("that of the API", superuser=True),
    "device-1": Account("that of 1", {"iot/1/up": WRITE, "iot/1/down": HEARS}),
    "device-2": Account("that of 2", {"iot/2/up": WRITE, "iot/2/down": HEARS, "iot/1/up": HEARS}),
}
ALL = "iot/#"
SILENCE = 0.5
"""Seconds after which what has not come does not come."""


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("plugin"))


@pytest.fixture(scope="module", params=["acme", "globex"])
def instance(request: pytest.FixtureRequest) -> Instance:
    """A customer of the smallest plan, and one of another."""
    return instance_of(request.param)


@pytest.fixture(scope="module")
def broker(
    instance: Instance, authority: Authority, plugin: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker]:
    """The customer's broker, which asks an API about these accounts."""
    pair = authority.issue(HOST)
    data = {"tls.crt": pair.certificate.decode(), "tls.key": pair.key.decode()}
    secret = {"kind": "Secret", "metadata": {"name": secrets.BROKER_TLS}, "stringData": data}
    node = Node(tmp_path_factory.mktemp("broker"), [*manifests(instance), secret])
    try:
        with asked_api(node, ACCOUNTS):
            broker = Broker(node, files={"/mosquitto/go-auth.so": plugin})
            broker.start()
            yield broker
    finally:
        node.close()


def plain(broker: Broker) -> Connection:
    """Return a connection to the port that the edge and the API use."""
    return connect(broker.node.network, MQTT_PORT)


def websocket(broker: Broker) -> Connection:
    """Return a connection by WebSocket."""
    connection = connect(broker.node.network, WEBSOCKET_PORT)
    return WebSocket(connection, host=HOST, path="/mqtt", protocol="mqtt")


def device(
    broker: Broker,
    name: str,
    *,
    password: str = "",
    stays: bool = False,
    by: Callable[[Broker], Connection] = plain,
) -> Session:
    """Connect as one of the accounts."""
    account = (name, password or ACCOUNTS[name].password)
    return Session(by(broker), client_id=name, account=account, stays=stays)


def secured(broker: Broker, trust: ssl.SSLContext) -> ssl.SSLSocket:
    """Return a connection to the broker's own port for TLS."""
    return trust.wrap_socket(connect(broker.node.network, MQTTS_PORT), server_hostname=HOST)


def silent(*sessions: Session) -> bool:
    """Return whether nobody is told anything."""
    return all(session.is_silent(SILENCE) for session in sessions)


def test_nobody_comes_in_without_an_account_and_its_password(broker: Broker) -> None:
    with device(broker, "device-1"):
        pass
    with pytest.raises(Denied, match="5"):
        device(broker, "device-1", password=ACCOUNTS["device-2"].password)
    with pytest.raises(Denied, match="5"):
        Session(connect(broker.node.network, MQTT_PORT), client_id="nobody")


def test_each_device_reads_and_writes_its_own_topics_only(broker: Broker) -> None:
    with device(broker, "api") as api, device(broker, "device-1") as one, device(broker, "device-2") as two:
        assert api.subscribe(ALL)
        granted = {
            (name, topic): session.subscribe(topic)
            for name, session in (("one", one), ("two", two))
            for topic in ("iot/1/up", "iot/1/down", "iot/2/up", "iot/2/down", "iot/#", "$SYS/#")
        }
        assert {key for key, given in granted.items() if given} == {
            ("one", "iot/1/down"),
            ("two", "iot/2/down"),
            ("two", "iot/1/up"),
        }
        # Upwards: each is heard by the API, and by the other where that may read it.
        two.publish("iot/2/up", "of 2")
        assert api.next_message() == "of 2"
        assert silent(one, two)
        one.publish("iot/1/up", "of 1")
        assert (api.next_message(), two.next_message()) == ("of 1", "of 1")
        assert silent(one)
        # Downwards: each hears what is for it.
        for number in (1, 2):
            api.publish(f"iot/{number}/down", f"for {number}")
            assert api.next_message() == f"for {number}"
        assert (one.next_message(), two.next_message()) == ("for 1", "for 2")
        # What may be read may not be written, nor what is another's: it is taken, and goes nowhere.
        for session, topic in (
            (one, "iot/1/down"),
            (one, "iot/2/up"),
            (two, "iot/1/up"),
            (two, "iot/1/down"),
        ):
            session.publish(topic, "forged", qos=1)
        assert silent(api, one, two)


def test_a_device_comes_in_by_websocket(broker: Broker) -> None:
    with device(broker, "device-1", by=websocket) as one, device(broker, "api") as api:
        assert api.subscribe("iot/1/up")
        assert one.subscribe("iot/1/down")
        assert not one.subscribe("iot/2/down")
        long = "x" * 70_000
        one.publish("iot/1/up", long, qos=1)
        assert api.next_message() == long
        api.publish("iot/1/down", long)
        assert one.next_message() == long
    with pytest.raises(Denied, match="5"):
        device(broker, "device-1", password=ACCOUNTS["device-2"].password, by=websocket)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_of_today_is_spoken(broker: Broker, authority: Authority, version: ssl.TLSVersion) -> None:
    trust = authority.trust()
    trust.minimum_version = trust.maximum_version = version
    account = ("device-1", ACCOUNTS["device-1"].password)
    with Session(secured(broker, trust), client_id="secured", account=account) as one:
        assert one.subscribe("iot/1/down")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_tls_of_yesterday_is_refused(broker: Broker, authority: Authority) -> None:
    trust = authority.trust()
    trust.set_ciphers("DEFAULT:@SECLEVEL=0")
    trust.minimum_version = trust.maximum_version = ssl.TLSVersion.TLSv1_1
    # It is the broker who says so, and not this client's own library.
    with pytest.raises(ssl.SSLError, match="alert protocol version"):
        secured(broker, trust)


def test_a_message_that_is_too_large_for_the_plan_goes_nowhere(broker: Broker, instance: Instance) -> None:
    most = instance.tenant.plan.mqtt.max_message_kib * 1024
    with device(broker, "api") as api, device(broker, "device-1") as one:
        assert api.subscribe(ALL)
        one.publish("iot/1/up", "x" * most, qos=1)
        assert len(api.next_message()) == most
        one.publish("iot/1/up", "x" * (most + 1), qos=1)
        one.ping()
        assert silent(api)


def test_who_sends_what_is_larger_still_is_cut_off_before_it_is_read(
    broker: Broker, instance: Instance
) -> None:
    most = (instance.tenant.plan.mqtt.max_message_kib + mosquitto.PACKET_KIB) * 1024
    with device(broker, "device-1") as one:
        one.publish("iot/1/up", "x" * (most - 100), qos=1)
        with pytest.raises((OSError, EOFError)):
            one.publish("iot/1/up", "x" * most, qos=1)


def test_a_device_that_is_away_finds_as_many_messages_as_the_plan_keeps(
    broker: Broker, instance: Instance
) -> None:
    limits = instance.tenant.plan.mqtt
    with device(broker, "device-1", stays=True) as one:
        assert one.subscribe("iot/1/down", qos=1)
    with device(broker, "api") as api:
        for number in range(limits.max_queued_messages + 10):
            api.publish("iot/1/down", str(number), qos=1)
    with device(broker, "device-1", stays=True) as one:
        assert one.remembered
        found = [one.next_message(confirm=False) for _ in range(limits.max_inflight_messages)]
        assert silent(one), "no more at once than the plan has, until it says that they are here"
        one.confirm()
        while not silent(one):
            found.append(one.next_message())
        assert found == [str(number) for number in range(limits.max_queued_messages)]
    with device(broker, "device-1"):
        """It wants to be forgotten."""


def test_what_a_device_has_not_got_yet_outlives_a_restart(broker: Broker) -> None:
    with device(broker, "device-1", stays=True) as one:
        assert one.subscribe("iot/1/down", qos=1)
    with device(broker, "api") as api:
        api.publish("iot/1/down", "while it was away", qos=1)
    broker.restart()
    with device(broker, "device-1", stays=True) as one:
        assert one.remembered
        assert one.next_message() == "while it was away"
        with device(broker, "api") as api:
            api.publish("iot/1/down", "without asking for it again")
        assert one.next_message() == "without asking for it again"
    broker.restart()
    with device(broker, "device-1") as one:
        assert silent(one), "what it has got does not come again"
