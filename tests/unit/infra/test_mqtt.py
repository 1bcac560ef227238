"""Where the API and devices are sent to, and what the customer's own broker allows them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer.instance import manifests
from infra.platform.edge_settings import EdgeLimits
from infra.program import PLANS_FILE
from tenants.plans import load_plans
from tests.program.instances import instance_of
from tests.program.variants import BARE, PLANS, variant

if TYPE_CHECKING:
    from infra.customer.model import Instance

EXPECTED = {
    "starter": {"connections": 50, "size": 256, "inflight": 20, "queued": 500},
    "professional": {"connections": 500, "size": 1024, "inflight": 20, "queued": 1000},
    "enterprise": {"connections": 10000, "size": 4096, "inflight": 100, "queued": 5000},
}
"""What is sold. The size of a message is in KiB."""


def files(instance: Instance) -> dict[str, str]:
    (found,) = (item["data"] for item in manifests(instance) if item["kind"] == "ConfigMap")
    return dict(found)


def configured(instance: Instance) -> dict[str, list[str]]:
    """Return the values of the broker's options, in the order of the file."""
    found: dict[str, list[str]] = {}
    for line in files(instance)["mosquitto.conf"].splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition(" ")
            found.setdefault(key, []).append(value)
    return found


def told_to_devices(instance: Instance) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files(instance)["broker.json"])
    return {name: found[name] for name in ("protocol", "host", "port", "useTls", "verifyCertificate")}


def environment(instance: Instance) -> dict[str, Any]:
    """Return the API's variables: values, or for secrets where they are."""
    (api,) = (
        item
        for item in manifests(instance)
        if (item["kind"], item["metadata"]["name"]) == ("Deployment", "api")
    )
    (container,) = api["spec"]["template"]["spec"]["containers"]
    return {item["name"]: item.get("value") or item["valueFrom"]["secretKeyRef"] for item in container["env"]}


@pytest.mark.parametrize("plan", PLANS)
def test_a_broker_allows_what_the_plan_says(plan: str) -> None:
    found, sold = configured(instance_of(PLANS[plan])), EXPECTED[plan]
    assert found["max_connections"] == [str(sold["connections"])] * 3, "at each of its three ports"
    assert found["message_size_limit"] == [str(sold["size"] * 1024)]
    assert found["max_inflight_messages"] == [str(sold["inflight"])]
    assert found["max_queued_messages"] == [str(sold["queued"])]


def test_the_edge_cuts_no_plan_short() -> None:
    """It has one limit for everybody, of each process."""
    plans = load_plans(PLANS_FILE).plans.values()
    assert EdgeLimits().connections_per_customer >= max(plan.mqtt.max_connections for plan in plans)


def test_tls_is_of_a_version_that_is_not_broken_and_where_there_is_a_certificate() -> None:
    assert configured(instance_of("acme"))["tls_version"] == ["tlsv1.2"]
    assert configured(instance_of("acme"))["listener"] == ["1883", "9001", "8883"]
    bare = configured(variant("acme", surroundings=BARE))
    assert "tls_version" not in bare
    assert bare["listener"] == ["1883", "9001"]


def test_no_option_of_the_broker_is_given_twice() -> None:
    twice = {name for name, values in configured(instance_of("acme")).items() if len(values) > 1}
    assert twice == {"listener", "max_connections", "log_type"}, (
        "these are meant: one for each, and each type"
    )


@pytest.mark.parametrize(
    ("broker", "told"),
    [
        ("shared", ("mqtts", "mqtt-acme.iotistic.localhost", 8883, True, True)),
        ("dedicated", ("mqtts", "mqtt-acme.iotistic.localhost", 8883, True, True)),
        ("managed", ("mqtts", "broker.example", 8883, True, True)),
        ("node ports", ("mqtt", "localhost", 31883, False, False)),
    ],
)
def test_devices_are_told_where_their_broker_is(broker: str, told: tuple[object, ...]) -> None:
    assert tuple(told_to_devices(variant("acme", broker=broker)).values()) == told


@pytest.mark.parametrize(
    ("broker", "url"),
    [
        ("shared", "mqtt://mosquitto:1883"),
        ("node ports", "mqtt://mosquitto:1883"),
        ("managed", "mqtts://broker.example:8883"),
    ],
)
def test_the_api_is_told_where_its_broker_is_and_who_it_is_there(broker: str, url: str) -> None:
    found = environment(variant("acme", broker=broker))
    assert found["MQTT_BROKER_URL"] == url
    assert found["MQTT_USERNAME"] == "api", "not the image's default admin, which every instance would share"
    assert found["MQTT_PASSWORD"] == {"name": "api", "key": "mqtt-password"}
    assert not [name for name in found if name.startswith("MQTT_BROKER_") and name != "MQTT_BROKER_URL"], (
        "the image reads none of them"
    )
