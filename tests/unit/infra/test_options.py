"""Node-RED, a Prometheus and a Grafana of the customer's own: what is declared for them."""

from __future__ import annotations

import configparser
import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from infra.customer.instance import OUTLASTS_ITS_OPTION, manifests
from infra.customer.model import Credentials
from infra.customer.monitoring import rule_groups
from tenants.key_ring import KeyRing
from tenants.models import MqttMode
from tenants.sizing import OPTIONAL
from tests.program.instances import PLACEHOLDERS, instance_of, with_options

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

ALL = ("node_red", "prometheus", "grafana")
APPS = {"node-red", "prometheus", "grafana"}


def complete(**more: Any) -> Instance:  # noqa: ANN401 - fields of an instance have all kinds of types
    return with_options("initech", *ALL, **more)


def named(objects: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {item["metadata"]["name"]: item for item in objects if item["kind"] == kind}


def files(instance: Instance) -> dict[str, str]:
    found: dict[str, str] = named(manifests(instance), "ConfigMap")["config"]["data"]
    return found


def managed(instance: Instance) -> Instance:
    mqtt = dataclasses.replace(instance.tenant.mqtt, mode=MqttMode.MANAGED, endpoint="broker.example")
    return dataclasses.replace(instance, tenant=dataclasses.replace(instance.tenant, mqtt=mqtt))


def peers(policy: Manifest, direction: str, key: str) -> dict[str, list[int]]:
    """Return ports by the pods or the place at the other end."""
    found = {}
    for rule in policy["spec"][direction]:
        for peer in rule[key]:
            labels = next(iter(peer.values())).get("matchLabels", {})
            name = labels.get("app.kubernetes.io/name") or labels.get("kubernetes.io/metadata.name")
            found[name or "internet"] = [port["port"] for port in rule["ports"]]
    return found


def test_none_of_it_is_there_unless_asked_for() -> None:
    objects = manifests(instance_of("initech"))
    assert APPS & {item["metadata"]["name"] for item in objects} == set()
    assert not {"settings.js", "prometheus.yml", "grafana.ini"} & set(files(instance_of("initech")))


@pytest.mark.parametrize("routes", ["ingress", "gateway"])
def test_routes_lead_to_node_red_and_grafana_and_never_to_metrics(routes: str) -> None:
    objects = manifests(complete(surroundings={"routes": routes}))
    if routes == "ingress":
        (rule,) = named(objects, "Ingress")["web"]["spec"]["rules"]
        found = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    else:
        rules = named(objects, "HTTPRoute")["web"]["spec"]["rules"]
        found = {rule["matches"][0]["path"]["value"]: rule["backendRefs"][0]["name"] for rule in rules}
    assert found == {
        "/api": "api",
        "/ws": "api",
        "/nodered": "node-red",
        "/grafana": "grafana",
        "/": "dashboard",
    }


def test_a_suspended_customer_keeps_volumes_and_secrets_and_runs_none_of_it() -> None:
    objects = manifests(complete(runs=False))
    deployments = named(objects, "Deployment")
    assert {name: deployments[name]["spec"]["replicas"] for name in APPS} == dict.fromkeys(APPS, 0)
    assert set(named(objects, "PersistentVolumeClaim")) >= OUTLASTS_ITS_OPTION
    assert {"node-red", "grafana"} <= set(named(objects, "Secret"))
    (rule,) = named(objects, "Ingress")["web"]["spec"]["rules"]
    assert [path["path"] for path in rule["http"]["paths"]] == ["/"]


def test_each_reaches_what_it_needs_and_nothing_else() -> None:
    policies = named(manifests(complete()), "NetworkPolicy")
    assert peers(policies["node-red"], "egress", "to") == {"api": [3002], "mosquitto": [1883]}
    assert peers(policies["prometheus"], "egress", "to") == {"postgres": [9187], "mosquitto": [9234]}
    assert peers(policies["grafana"], "egress", "to") == {"prometheus": [9090]}
    assert peers(policies["node-red"], "ingress", "from") == {"ingress": [1880]}
    assert peers(policies["prometheus"], "ingress", "from") == {"grafana": [9090]}
    assert peers(policies["grafana"], "ingress", "from") == {"ingress": [3000]}
    assert peers(policies["postgres"], "ingress", "from")["prometheus"] == [9187]
    assert peers(policies["mosquitto"], "ingress", "from")["prometheus"] == [9234]


def test_a_prometheus_that_nobody_reads_is_open_to_nobody() -> None:
    policies = named(manifests(with_options("initech", "prometheus")), "NetworkPolicy")
    assert policies["prometheus"]["spec"]["ingress"] == []


def test_a_managed_broker_is_reached_by_node_red_and_watched_by_others() -> None:
    instance = managed(complete())
    objects = manifests(instance)
    policies = named(objects, "NetworkPolicy")
    assert peers(policies["node-red"], "egress", "to") == {"api": [3002], "internet": [8883]}
    assert peers(policies["prometheus"], "egress", "to") == {"postgres": [9187]}
    (container,) = named(objects, "Deployment")["node-red"]["spec"]["template"]["spec"]["containers"]
    told = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert (told["MQTT_HOST"], told["MQTT_PORT"]) == ("broker.example", "8883")
    jobs = YAML(typ="safe").load(files(instance)["prometheus.yml"])["scrape_configs"]
    assert [job["job_name"] for job in jobs] == ["postgres", "prometheus"]
    assert "dashboard-broker.json" not in files(instance)
    assert "mqtt_acls" not in files(instance)["settle.sql"]
    assert "node-red" not in {
        volume["name"] for volume in named(objects, "Job")["settle"]["spec"]["template"]["spec"]["volumes"]
    }


def test_prometheus_keeps_what_the_plan_says_and_leaves_room_in_its_volume() -> None:
    (container,) = named(manifests(complete()), "Deployment")["prometheus"]["spec"]["template"]["spec"][
        "containers"
    ]
    settings = dict(argument.removeprefix("--").split("=", 1) for argument in container["args"])
    assert settings["storage.tsdb.retention.time"] == "30d"
    assert settings["storage.tsdb.retention.size"] == f"{int(50 * 1024 * 0.8)}MB"
    assert "web.enable-admin-api" not in settings


def test_prometheus_asks_for_nothing_outside_the_namespace() -> None:
    configuration = YAML(typ="safe").load(files(complete())["prometheus.yml"])
    for job in configuration["scrape_configs"]:
        assert set(job) == {"job_name", "static_configs"}, "no discovery: it would need the cluster's API"
        (static,) = job["static_configs"]
        assert static["labels"] == {"tenant": "initech", "namespace": "customer-initech"}
        (target,) = static["targets"]
        assert "." not in target, "a name without a dot is one of the own namespace"


def ini(instance: Instance) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(files(instance)["grafana.ini"])
    return parser


def test_grafana_lets_nobody_in_without_a_password_of_this_customer() -> None:
    found = ini(complete())
    assert found["server"]["root_url"] == "https://initech.iotistic.localhost/grafana/"
    assert found.getboolean("server", "serve_from_sub_path") is True
    assert found["security"]["admin_password"] == "$__file{/run/secrets/grafana/admin-password}"  # noqa: S105 - where it is
    assert found["security"]["secret_key"] == "$__file{/run/secrets/grafana/secret-key}"  # noqa: S105 - where it is
    closed = {
        "users": ("allow_sign_up", "allow_org_create"),
        "auth.anonymous": ("enabled",),
        "metrics": ("enabled",),
        "public_dashboards": ("enabled",),
        "snapshots": ("enabled",),
        "analytics": ("reporting_enabled", "check_for_updates", "check_for_plugin_updates"),
        "plugins": ("plugin_admin_enabled",),
    }
    for section, keys in closed.items():
        assert [found.getboolean(section, key) for key in keys] == [False] * len(keys), section


def test_grafanas_data_source_and_dashboards_fit_together() -> None:
    instance = complete()
    (source,) = YAML(typ="safe").load(files(instance)["data-source.yaml"])["datasources"]
    assert source["url"] == "http://prometheus:9090"
    (provider,) = YAML(typ="safe").load(files(instance)["dashboards.yaml"])["providers"]
    pod = named(manifests(instance), "Deployment")["grafana"]["spec"]["template"]["spec"]
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert provider["options"]["path"] == mounts["dashboards"]
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == "dashboards")
    boards = [json.loads(files(instance)[item["key"]]) for item in volume["configMap"]["items"]]
    assert {board["uid"] for board in boards} == {"database", "broker", "metrics"}
    for panel in (panel for board in boards for panel in board["panels"]):
        assert panel["datasource"]["uid"] == source["uid"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {source["uid"]}
    places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in boards[0]["panels"]]
    assert len(set(places)) == len(places)


def test_the_alert_names_deployments_that_are_there() -> None:
    instance = with_options("initech", *OPTIONAL)
    (expression,) = (
        rule["expr"]
        for group in rule_groups(instance)["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "TenantOptionNotReady"
    )
    asked = set(re.findall(r'deployment="([^"]+)"', expression))
    assert asked == set(named(manifests(instance), "Deployment")) - {"api", "dashboard"}


def issue(tenant_id: str, licence_private_key: str, **epochs: int) -> Credentials:
    tenant = instance_of(tenant_id).tenant
    tenant = dataclasses.replace(tenant, epochs=tenant.epochs.model_copy(update=epochs))
    ring = KeyRing.from_pems({1: licence_private_key})
    return Credentials.issue(tenant, master_key=bytes(range(32)), licence_keys=ring)


SECRET = [field.name for field in dataclasses.fields(Credentials) if not field.repr]
"""All credentials but the key by which anybody may verify a licence."""


def test_no_two_secrets_are_the_same_and_none_changes_by_itself(licence_private_key: str) -> None:
    first, second = (issue(tenant, licence_private_key, admin=3, backup=2) for tenant in ("acme", "globex"))
    values = [getattr(credentials, name) for credentials in (first, second) for name in SECRET]
    assert len(values) == 2 * (len(dataclasses.fields(Credentials)) - 1)
    assert len(set(values)) == len(values)
    assert issue("acme", licence_private_key, admin=3, backup=2) == first


def test_the_administrators_former_passwords_are_those_of_every_earlier_epoch(
    licence_private_key: str,
) -> None:
    first, second, third = (issue("acme", licence_private_key, admin=epoch) for epoch in (1, 2, 3))
    assert first.former_admin == ""
    assert third.former_admin.splitlines() == [first.admin, second.admin]


@pytest.mark.parametrize(
    ("epoch", "changed"),
    [("node_red", {"node_red_admin", "mqtt_node_red"}), ("grafana", {"grafana_admin"})],
)
def test_an_epoch_replaces_passwords_and_never_the_keys_of_what_is_stored(
    licence_private_key: str, epoch: str, changed: set[str]
) -> None:
    before, after = (issue("acme", licence_private_key, **{epoch: number}) for number in (1, 2))
    fields = [field.name for field in dataclasses.fields(Credentials)]
    assert {name for name in fields if getattr(before, name) != getattr(after, name)} == changed


def test_a_raised_password_of_backups_knows_those_that_it_may_find(licence_private_key: str) -> None:
    passwords = [issue("acme", licence_private_key, backup=epoch).backup for epoch in range(1, 30)]
    assert issue("acme", licence_private_key).former_backups == ()
    third = issue("acme", licence_private_key, backup=3)
    assert third.former_backups == tuple(passwords[:2])
    late = issue("acme", licence_private_key, backup=29)
    assert late.former_backups == tuple(passwords[8:28]), "not one for each of thousands"
    assert len({*late.former_backups, late.backup}) == 21
    assert not any(it in repr(late) for it in passwords)


@pytest.mark.parametrize(
    ("secret", "rolled"),
    [
        ("node_red_admin", {"node-red"}),
        ("mqtt_node_red", {"node-red", "settle"}),
        ("grafana_admin", {"grafana"}),
    ],
)
def test_a_changed_secret_rolls_its_readers_and_nothing_else(secret: str, rolled: set[str]) -> None:
    def templates(instance: Instance) -> dict[str, Any]:
        return {
            item["metadata"]["name"]: item["spec"]["template"]
            for item in manifests(instance)
            if item["kind"] in {"Deployment", "StatefulSet", "Job"}
        }

    assert getattr(PLACEHOLDERS, secret) != "another"
    before, after = templates(complete()), templates(complete(credentials={secret: "another"}))
    assert {name for name in before if before[name] != after[name]} == rolled
