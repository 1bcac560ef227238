"""``iotistic local hosts``."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import pytest

from infra.program import read_registry
from ops.local.hosts import host_names
from tenants.models import MqttMode

if TYPE_CHECKING:
    from tests.unit.cli.conftest import Project

DOMAIN = "iotistic.localhost"


def test_every_name_of_the_environment_is_there_once(project: Project) -> None:
    answer = project.run("local", "hosts", "--address", "192.0.2.10")
    lines = [line.split() for line in answer.out.splitlines()]
    assert {address for address, _ in lines} == {"192.0.2.10"}
    names = [name for _, name in lines]
    assert len(names) == len(set(names))
    assert {f"{host}.{DOMAIN}" for host in ("billing", "grafana", "mqtt", "acme", "mqtt-acme")} <= set(names)
    assert all(re.fullmatch(r"[a-z0-9.-]+", name) for name in names), "no wildcard: a hosts file has none"


def test_programs_read_the_same(project: Project) -> None:
    answer = project.run("local", "hosts", "--json")
    assert answer.data["address"] == "127.0.0.1"
    lines = project.run("local", "hosts").out.splitlines()
    assert [f"127.0.0.1 {name}" for name in answer.data["names"]] == lines


@pytest.mark.parametrize("address", ["localhost", "192.0.2", "192.0.2.1 evil.example"])
def test_what_is_no_address_is_refused(project: Project, address: str) -> None:
    answer = project.run("local", "hosts", "--address", address)
    assert (answer.status, answer.out) == (2, "")
    assert "is no address such as 127.0.0.1" in " ".join(answer.err.replace("│", " ").split())


def test_a_managed_broker_is_somebody_elses() -> None:
    tenant = read_registry(environment="dev", domain=DOMAIN).tenants[0]
    managed = dataclasses.replace(tenant, mqtt=dataclasses.replace(tenant.mqtt, mode=MqttMode.MANAGED))
    here = set(host_names([tenant], domain=DOMAIN))
    assert here - set(host_names([managed], domain=DOMAIN)) == {f"mqtt-{tenant.id}.{DOMAIN}"}
