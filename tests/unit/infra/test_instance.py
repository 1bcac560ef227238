"""Decisions about one customer that need no engine: what is declared, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from infra.customer import backup_final, restore
from infra.customer.available import refuse_unavailable
from infra.customer.backup_nightly import spread
from infra.customer.instance import manifests
from infra.images import load_images
from tenants.errors import UsageError
from tenants.models import LifecycleState, MqttMode
from tests.program.instances import instance_of, with_options


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
    assert kinds(objects)["Job"] == ["final-backup-broker", "final-backup"]


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


@pytest.mark.parametrize(
    ("part", "steps", "app"),
    [
        (restore.Part.DATABASE, ["restore", "load", "settle"], None),
        (restore.Part.BROKER, ["restore", "put"], "mosquitto"),
        (restore.Part.FLOWS, ["restore", "put"], "node-red"),
    ],
)
def test_a_restore_fetches_first_and_never_beside_what_writes(
    part: restore.Part, steps: list[str], app: str | None
) -> None:
    spec = restore.job(with_options("acme", "node_red"), part, snapshot="4f2a")["spec"]["template"]["spec"]
    assert [step["name"] for step in (*spec["initContainers"], *spec["containers"])] == steps
    assert {"name": "SNAPSHOT", "value": "4f2a"} in spec["initContainers"][0]["env"]
    assert apart_from(spec) == ([] if app is None else [app])
    secrets = {volume["name"] for volume in spec["volumes"] if "secret" in volume}
    of_database = {"backup", "database", "api", "node-red"}
    assert secrets == (of_database if part is restore.Part.DATABASE else {"backup"})


def apart_from(pod: dict[str, Any]) -> list[str]:
    """Return the workloads on whose nodes a pod never runs."""
    terms = pod.get("affinity", {}).get("podAntiAffinity", {})
    found = terms.get("requiredDuringSchedulingIgnoredDuringExecution", [])
    return [term["labelSelector"]["matchLabels"]["app.kubernetes.io/name"] for term in found]


def test_what_is_not_backed_up_is_not_offered() -> None:
    assert restore.available(with_options("acme", "node_red")) == list(restore.Part)
    assert restore.available(instance_of("acme")) == [restore.Part.DATABASE, restore.Part.BROKER]
    assert restore.available(instance_of("acme", surroundings={"backup_repository": None})) == []


def test_the_last_backup_is_taken_of_every_volume_and_only_at_the_end() -> None:
    decommissioned: dict[str, Any] = {"runs": False, "lifecycle": LifecycleState.DECOMMISSIONED}
    jobs = [
        item
        for item in manifests(with_options("acme", "node_red", **decommissioned))
        if backup_final.is_final(item)
    ]
    pods = {item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in jobs}
    assert {name: apart_from(pod) for name, pod in pods.items()} == {
        "final-backup": ["postgres"],
        "final-backup-broker": ["mosquitto"],
        "final-backup-flows": ["node-red"],
    }
    unwanted = instance_of("acme").tenant.backup.model_copy(update={"final": False})
    for others in (
        instance_of("acme"),
        instance_of("acme", backup=unwanted, **decommissioned),
        instance_of("acme", runs=False, lifecycle=LifecycleState.SUSPENDED),
        instance_of("acme", surroundings={"backup_repository": None}, **decommissioned),
    ):
        assert not any(backup_final.is_final(item) for item in manifests(others))


def test_the_last_backup_brings_the_databases_own_server_and_leaves_its_files_alone() -> None:
    decommissioned = instance_of("acme", runs=False, lifecycle=LifecycleState.DECOMMISSIONED)
    (job,) = (item for item in manifests(decommissioned) if item["metadata"]["name"] == "final-backup")
    pod = job["spec"]["template"]["spec"]
    running = manifests(instance_of("acme"))
    (database,) = (
        item for item in running if (item["kind"], item["metadata"]["name"]) == ("StatefulSet", "postgres")
    )
    own = database["spec"]["template"]["spec"]
    (server,) = (item for item in own["containers"] if item["name"] == "postgres")
    beside = pod["initContainers"][0]
    for field in ("image", "env", "args", "lifecycle", "volumeMounts", "resources"):
        assert beside[field] == server[field], field
    assert beside["restartPolicy"] == "Always"
    assert beside["securityContext"]["runAsUser"] == own["securityContext"]["runAsUser"]
    assert pod["securityContext"]["fsGroup"] == own["securityContext"]["fsGroup"]
    assert pod["hostAliases"] == [{"ip": "127.0.0.1", "hostnames": ["postgres"]}]


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
