"""Decisions about one customer that need no engine: what is declared, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from infra.customer.available import refuse_unavailable
from infra.customer.backup import restore_flows_job, restore_job, spread
from infra.customer.instance import manifests
from infra.images import load_images
from tenants.errors import UsageError
from tenants.models import LifecycleState, MqttMode
from tests.program.instances import instance_of


def kinds(objects: list[dict[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for item in objects:
        found.setdefault(item["kind"], []).append(item["metadata"]["name"])
    return found


def test_gateway_routes_replace_the_ingress_and_redirect_to_tls() -> None:
    found = kinds(manifests(instance_of("acme", surroundings={"routes": "gateway"})))
    assert "Ingress" not in found
    assert found["HTTPRoute"] == ["web", "redirect"]


@pytest.mark.parametrize(("issuer", "inside"), [("iotistic-ca", True), ("iotistic-acme", False)])
def test_a_public_authority_is_asked_for_no_name_inside_the_cluster(issuer: str, *, inside: bool) -> None:
    objects = manifests(instance_of("acme", surroundings={"broker_issuer": issuer}))
    (certificate,) = (item for item in objects if item["kind"] == "Certificate")
    own, *more = certificate["spec"]["dnsNames"]
    assert own == "mqtt-acme.iotistic.localhost"
    assert more == (["mosquitto.customer-acme.svc.cluster.local"] if inside else [])


def test_without_an_operator_nothing_of_its_kinds_is_declared() -> None:
    bare = {"monitoring": False, "broker_issuer": None, "backup_repository": None}
    found = kinds(manifests(instance_of("acme", surroundings=bare)))
    assert not {"ServiceMonitor", "PrometheusRule", "Certificate", "CronJob"} & set(found)
    assert "backup" not in found["Secret"]


def test_a_decommissioned_customer_has_no_notice_and_keeps_the_volumes() -> None:
    instance = instance_of("acme", runs=False, lifecycle=LifecycleState.DECOMMISSIONED)
    objects = manifests(instance)
    replicas = {
        item["metadata"]["name"]: item["spec"]["replicas"]
        for item in objects
        if item["kind"] in {"Deployment", "StatefulSet"}
    }
    assert set(replicas.values()) == {0}
    assert kinds(objects)["PersistentVolumeClaim"] == ["postgres-data", "mosquitto-data", "backup-data"]
    assert "Job" not in kinds(objects)


def test_a_remote_backup_may_reach_the_internet_and_nothing_private() -> None:
    objects = manifests(instance_of("acme", surroundings={"backup_repository": "s3:https://s3.example/b"}))
    (policy,) = (
        item for item in objects if item["kind"] == "NetworkPolicy" and item["metadata"]["name"] == "backup"
    )
    database, rule = policy["spec"]["egress"]
    assert database["ports"] == [{"protocol": "TCP", "port": 5432}]
    assert rule["ports"] == [{"protocol": "TCP", "port": 443}]
    assert "10.0.0.0/8" in rule["to"][0]["ipBlock"]["except"]
    assert "169.254.0.0/16" in rule["to"][0]["ipBlock"]["except"]


def test_each_customer_has_a_repository_of_their_own_below_a_remote_one() -> None:
    repository = {"backup_repository": "s3:https://s3.example/b/"}
    objects = manifests(instance_of("acme", surroundings=repository))
    (cron_job,) = (item for item in objects if item["kind"] == "CronJob")
    pod = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    environment = {variable["name"]: variable["value"] for variable in pod["containers"][0]["env"]}
    assert environment["RESTIC_REPOSITORY"] == "s3:https://s3.example/b/acme"


def test_the_restore_job_fetches_before_it_loads() -> None:
    spec = restore_job(instance_of("acme"), snapshot="4f2a")["spec"]["template"]["spec"]
    assert [step["name"] for step in (*spec["initContainers"], *spec["containers"])] == ["restore", "load"]
    assert {"name": "SNAPSHOT", "value": "4f2a"} in spec["initContainers"][0]["env"]


def test_flows_are_restored_without_a_pod_beside_which_to_run() -> None:
    spec = restore_flows_job(instance_of("acme"), snapshot="4f2a")["spec"]["template"]["spec"]
    assert [step["name"] for step in (*spec["initContainers"], *spec["containers"])] == ["restore", "put"]
    assert "affinity" not in spec, "Node-RED does not run then"
    assert "database" not in {volume["name"] for volume in spec["volumes"]}


def test_backups_are_spread_over_the_hour_and_stay_where_they_are() -> None:
    minutes = {spread("0 2 * * *", f"tenant-{number}").split()[0] for number in range(500)}
    assert len(minutes) == 60
    assert spread("15 2 * * *", "acme") == spread("15 2 * * *", "acme")
    assert spread("15 2 * * *", "acme").endswith(" 2 * * *")
    assert spread("*/10 * * * *", "acme") == "*/10 * * * *"
    first, second = (int(spread("15 2 * * *", "acme", later=later).split()[0]) for later in (0, 30))
    assert abs(first - second) == 30


def test_a_pin_holds_iotistics_own_programs_and_nothing_else() -> None:
    images = load_images()
    pinned = images.pinned("1.9.3")
    assert (pinned.api.version, pinned.dashboard.version) == ("1.9.3", "1.9.3")
    assert (pinned.postgres, pinned.mosquitto) == (images.postgres, images.mosquitto)
    assert images.pinned(None) == images


def test_what_is_not_there_yet_is_refused_by_name_and_never_left_out() -> None:
    tenant = instance_of("acme").tenant
    wishful = instance_of("acme", database_version=16).tenant
    with pytest.raises(UsageError) as refusal:
        refuse_unavailable([tenant, wishful], folder="tenants/registry/dev", broker_issuer="ca")
    assert [problem.where.rpartition(" ")[2] for problem in refusal.value.problems] == ["database_version"]


def test_what_is_there_is_not_refused() -> None:
    refuse_unavailable([instance_of("acme").tenant], folder="tenants/registry/dev", broker_issuer="ca")


def test_a_balancer_of_ones_own_is_refused_where_the_broker_has_no_certificate() -> None:
    instance = instance_of("acme")
    dedicated = dataclasses.replace(instance.tenant.mqtt, mode=MqttMode.DEDICATED)
    tenant = instance_of("acme", mqtt=dedicated).tenant
    with pytest.raises(UsageError, match="passwords over the internet in clear"):
        refuse_unavailable([tenant], folder="tenants/registry/dev", broker_issuer=None)
    refuse_unavailable([tenant], folder="tenants/registry/dev", broker_issuer="ca")


@pytest.mark.parametrize(
    ("mode", "ports"), [(MqttMode.NODE_PORT, {1883, 9001}), (MqttMode.DEDICATED, {8883})]
)
def test_an_entrance_past_the_edge_opens_what_devices_need_and_no_metrics(
    mode: MqttMode, ports: set[int]
) -> None:
    instance = instance_of("acme")
    mqtt = dataclasses.replace(instance.tenant.mqtt, mode=mode, node_port=31883, websocket_node_port=31901)
    services = [
        item
        for item in manifests(instance_of("acme", mqtt=mqtt))
        if item["kind"] == "Service" and item["spec"]["type"] != "ClusterIP"
    ]
    (entrance,) = services
    assert {port["port"] for port in entrance["spec"]["ports"]} == ports
