"""Decisions about one customer that need no engine: what is declared, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer import backup_final, restore
from infra.customer.available import refuse_unavailable, refuse_unsupported
from infra.customer.backup_nightly import spread
from infra.customer.instance import manifests
from infra.images import Image, load_images
from tenants.errors import UsageError
from tenants.models import LifecycleState, MqttMode
from tests.program.instances import instance_of, with_options
from tests.program.variants import variant

if TYPE_CHECKING:
    from infra.customer.model import Instance


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


def refuse(*instances: Instance) -> None:
    """Refuse what the environment of the first instance cannot give any of them."""
    tenants = [instance.tenant for instance in instances]
    refuse_unavailable(tenants, folder="tenants/registry/dev", surroundings=instances[0].surroundings)


def test_what_is_not_there_yet_is_refused_by_name_and_never_left_out() -> None:
    with pytest.raises(UsageError) as refusal:
        refuse(instance_of("acme"), instance_of("acme", database_version=16))
    assert [problem.where.rpartition(" ")[2] for problem in refusal.value.problems] == ["database_version"]


@pytest.mark.parametrize(
    ("tag", "runs"),
    [
        ("2.0.10", True),
        ("v2.1.0", True),
        ("1.9.3", True),
        ("0.0.4", False),
        ("3.0.0", False),
        ("5f1c2e7", True),
    ],
)
def test_an_api_that_needs_what_instances_do_not_have_is_refused(tag: str, *, runs: bool) -> None:
    api = Image("docker.io/iotistic/api", tag)
    if runs:
        refuse_unsupported(api, where="Pulumi.dev.yaml")
        return
    with pytest.raises(UsageError, match=r"Redis and TimescaleDB") as refusal:
        refuse_unsupported(api, where="Pulumi.dev.yaml")
    (problem,) = refusal.value.problems
    assert problem.where == "Pulumi.dev.yaml: iotistic:imageOverrides.api"


def test_what_is_there_is_not_refused() -> None:
    refuse(instance_of("acme", extra_hosts=("iot.acme.example",), surroundings={"web_issuer": "ca"}))
    # Whoever brings the certificate by hand may have put these names into it.
    refuse(instance_of("acme", extra_hosts=("iot.acme.example",), surroundings={"routes": "gateway"}))


def test_names_of_ones_own_are_refused_where_all_share_one_certificate() -> None:
    around = {"routes": "gateway", "web_issuer": "ca"}
    with pytest.raises(UsageError, match="covers none of these names") as refusal:
        refuse(instance_of("acme", extra_hosts=("iot.acme.example",), surroundings=around))
    assert [problem.where for problem in refusal.value.problems] == [
        "tenants/registry/dev/acme.yaml: extra_hosts"
    ]
    refuse(instance_of("acme", surroundings=around))


def test_a_balancer_of_ones_own_is_refused_where_the_broker_has_no_certificate() -> None:
    instance = instance_of("acme")
    dedicated = dataclasses.replace(instance.tenant.mqtt, mode=MqttMode.DEDICATED)
    with pytest.raises(UsageError, match="passwords over the internet in clear"):
        refuse(instance_of("acme", mqtt=dedicated, surroundings={"broker_issuer": None}))
    refuse(instance_of("acme", mqtt=dedicated))


def test_entrances_past_ingress_and_edge_open_what_is_needed_and_no_metrics() -> None:
    def opened(broker: str) -> dict[tuple[str, int], int | None]:
        """Return the ports that the world reaches, and those on the nodes that lead there."""
        return {
            (item["metadata"]["name"], port["port"]): port.get("nodePort")
            for item in manifests(variant("acme", broker=broker))
            if item["kind"] == "Service" and item["spec"]["type"] != "ClusterIP"
            for port in item["spec"]["ports"]
        }

    assert opened("dedicated") == {("mosquitto-entrance", 8883): None}
    assert opened("node ports") == {
        ("mosquitto-entrance", 1883): 31883,
        ("mosquitto-entrance", 9001): 31901,
        ("api", 3002): 31302,
        ("dashboard", 80): 31080,
    }
    assert opened("shared") == {}


@pytest.mark.parametrize(("broker", "most"), [("node ports", "4"), ("dedicated", "0"), ("shared", "0")])
def test_the_quota_has_as_many_ports_of_the_nodes_as_the_registry_says(broker: str, most: str) -> None:
    (quota,) = (item for item in manifests(variant("acme", broker=broker)) if item["kind"] == "ResourceQuota")
    assert quota["spec"]["hard"]["services.nodeports"] == most
