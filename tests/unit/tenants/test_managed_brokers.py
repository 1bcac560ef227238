"""Managed brokers that can work are not refused; those that cannot are in tests/must_fail/."""

from __future__ import annotations

import pytest

from tenants.managed_brokers import endpoint_problems
from tenants.models import Mqtt, MqttMode
from tenants.yaml_source import Document

ENDPOINTS = [
    ("a1b2c3d4e5f6g7-ats.iot.eu-central-1.amazonaws.com", 8883),
    ("a1b2c3d4e5f6g7-ats.iot.eu-central-1.amazonaws.com", 443),
    ("a1b2c3d4e5f6g7.ats.iot.cn-north-1.amazonaws.com.cn", 8883),
    ("acme.westeurope-1.ts.eventgrid.azure.net", 8883),
    ("0123abcd.s1.eu.hivemq.cloud", 8883),
    ("broker.acme.example", 8884),
    # A name of one's own before a service, which says nothing of it.
    ("iot.acme.example", 443),
]


@pytest.mark.parametrize(("endpoint", "port"), ENDPOINTS)
def test_one_that_can_work_is_taken(endpoint: str, port: int) -> None:
    mqtt = Mqtt(mode=MqttMode.MANAGED, endpoint=endpoint, endpoint_port=port)
    document = Document(path="acme.yaml", data={}, lines={}, unquoted=frozenset())
    assert list(endpoint_problems(mqtt, document)) == []


def test_a_host_and_its_port_are_refused_at_once() -> None:
    mqtt = Mqtt(mode=MqttMode.MANAGED, endpoint="acme.azure-devices.net", endpoint_port=1883)
    document = Document(path="acme.yaml", data={}, lines={}, unquoted=frozenset())
    found = [problem.where for problem in endpoint_problems(mqtt, document)]
    assert found == ["acme.yaml:1: mqtt.endpoint", "acme.yaml:1: mqtt.endpoint_port"]
