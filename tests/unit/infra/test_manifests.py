"""Rules that every object of every customer obeys, whatever the plan, the options, the broker, the routes."""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer import restore
from infra.customer.instance import manifests
from infra.customer.restore import Part
from infra.images import load_platform_image
from infra.platform import mqtt_proxy
from infra.platform.edge_settings import EdgeSettings
from infra.platform.haproxy import Edge
from tests import rules
from tests.program.instances import PLACEHOLDERS
from tests.program.variants import INSTANCES, PLANS, combinations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.rules import Objects

    Rule = Callable[[Objects], Iterator[str]]


@pytest.fixture(scope="module")
def rendered() -> dict[str, Objects]:
    """The objects of every variant and of every combination, by what they are."""
    everything = {**INSTANCES, **dict(combinations())}
    assert len(everything) > 300
    return {name: manifests(instance) for name, instance in everything.items()}


def by_name(rule: Rule) -> str:
    return rule.__name__


@pytest.mark.parametrize("rule", rules.OF_CUSTOMERS, ids=by_name)
def test_every_customer_obeys(rule: Rule, rendered: dict[str, Objects]) -> None:
    broken = {f"{name}: {text}" for name, objects in rendered.items() for text in rule(objects)}
    assert sorted(broken) == []


@pytest.mark.parametrize("rule", rules.OF_PODS, ids=by_name)
def test_the_edge_obeys(rule: Rule) -> None:
    edge = Edge(domain="iotistic.example", settings=EdgeSettings(enabled=True))
    assert list(rule(mqtt_proxy.manifests("prod", edge, load_platform_image("haproxy")))) == []


@pytest.mark.parametrize("part", Part)
def test_a_restore_obeys(part: Part) -> None:
    instance = INSTANCES["enterprise, all options"]
    objects = [*manifests(instance), restore.job(instance, part)]
    assert [text for rule in rules.OF_CUSTOMERS for text in rule(objects)] == []


def test_no_secret_is_outside_a_secret(rendered: dict[str, Objects]) -> None:
    secret = {field.name for field in dataclasses.fields(PLACEHOLDERS) if not field.repr}
    values = [getattr(PLACEHOLDERS, name) for name in secret - {"former_backups"}]
    assert len(values) > 10
    for name, objects in rendered.items():
        text = json.dumps([item for item in objects if item["kind"] != "Secret"], ensure_ascii=False)
        assert [value for value in values if value in text] == [], name


def broken(*path: str | int, value: object) -> Callable[[Objects], None]:
    """Return what sets one field of a customer's objects, found by kind and name, to something wrong."""

    def change(objects: Objects) -> None:
        kind, name, *keys, last = path
        found: Any
        (found,) = [item for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name)]
        for key in keys:
            found = found[key]
        found[last] = value

    return change


POD = ("Deployment", "api", "spec", "template", "spec")
CONTAINER = (*POD, "containers", 0)
INIT = (*POD, "initContainers", 0)
BACKUP = ("CronJob", "backup", "spec", "jobTemplate", "spec", "template", "spec")
BUDGET = ("PodDisruptionBudget", "customer-instance", "spec")
POLICY = ("NetworkPolicy", "api", "spec")
PASSWORD = [{"name": "DB_PASSWORD", "value": "x"}]


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        (rules.images_are_exact, broken(*CONTAINER, "image", value="iotistic/api:latest")),
        (rules.images_are_exact, broken(*CONTAINER, "image", value="registry:5000/api")),
        (rules.images_are_exact, broken(*INIT, "image", value="postgres:15@sha256:12")),
        (rules.images_are_exact, broken(*BACKUP, "containers", 0, "image", value="restic:18")),
        (
            rules.servers_are_probed,
            broken(*CONTAINER, value={"name": "api", "image": "a:1.0", "ports": [{}]}),
        ),
        (rules.containers_are_bounded, broken(*CONTAINER, "resources", "limits", value={"cpu": "1"})),
        (rules.containers_are_bounded, broken(*INIT, "resources", value={})),
        (rules.no_variable_holds_a_secret, broken(*CONTAINER, "env", value=PASSWORD)),
        (rules.no_variable_holds_a_secret, broken(*BACKUP, "containers", 0, "env", value=PASSWORD)),
        (rules.users_are_numbers_and_not_root, broken(*POD, "securityContext", "runAsNonRoot", value=False)),
        (rules.users_are_numbers_and_not_root, broken(*POD, "securityContext", "runAsUser", value=0)),
        (rules.users_are_numbers_and_not_root, broken(*POD, "securityContext", "runAsUser", value="node")),
        (rules.users_are_numbers_and_not_root, broken(*INIT, "securityContext", "runAsUser", value=0)),
        (rules.pods_pass_restricted, broken(*POD, "securityContext", "seccompProfile", value={})),
        (rules.pods_pass_restricted, broken(*POD, "hostNetwork", value=True)),
        (rules.pods_pass_restricted, broken(*POD, "volumes", 0, value={"name": "logs", "hostPath": {}})),
        (rules.pods_pass_restricted, broken(*CONTAINER, "securityContext", "privileged", value=True)),
        (rules.pods_pass_restricted, broken(*INIT, "securityContext", "capabilities", value={})),
        (rules.roots_are_read_only, broken(*INIT, "securityContext", "readOnlyRootFilesystem", value=False)),
        (rules.no_pod_holds_a_token, broken(*POD, "automountServiceAccountToken", value=True)),
        (
            rules.no_pod_holds_a_token,
            broken("ServiceAccount", "instance", "automountServiceAccountToken", value=True),
        ),
        (rules.drains_are_bounded, broken(*BUDGET, "selector", value={"matchLabels": {"a": "b"}})),
        (rules.drains_are_bounded, broken(*BUDGET, "maxUnavailable", value=0)),
        (rules.drains_are_bounded, broken("Deployment", "dashboard", "spec", "replicas", value=2)),
        (rules.pods_have_a_priority, broken(*POD, "priorityClassName", value="")),
        (rules.volumes_are_mounted, broken(*CONTAINER, "volumeMounts", value=[])),
        (rules.mounts_and_references_are_there, broken(*POD, "serviceAccountName", value="default")),
        (rules.mounts_and_references_are_there, broken("Secret", "api", "metadata", "name", value="other")),
        (rules.mounts_and_references_are_there, broken("ConfigMap", "config", "metadata", "name", value="x")),
        (rules.policies_name_ends_and_ports, broken(*POLICY, "policyTypes", value=["Ingress"])),
        (rules.policies_name_ends_and_ports, broken(*POLICY, "egress", value=[{"to": [{}]}])),
        (rules.policies_name_ends_and_ports, broken(*POLICY, "ingress", value=[{"ports": [{}]}])),
        (rules.everything_is_in_one_namespace, broken("Service", "api", "metadata", "namespace", value="x")),
        (rules.everything_is_in_one_namespace, broken("Namespace", "customer-acme", "kind", value="Job")),
        (rules.everything_is_labelled, broken("Service", "api", "metadata", "labels", value={})),
        (
            rules.everything_is_denied_first,
            broken("NetworkPolicy", "default-deny", "spec", "ingress", value=[{}]),
        ),
    ],
)
def test_each_rule_finds_what_breaks_it(rule: Rule, change: Callable[[Objects], None]) -> None:
    objects = copy.deepcopy(manifests(INSTANCES["starter, default"]))
    assert list(rule(objects)) == []
    change(objects)
    assert list(rule(objects)) != []


def test_every_rule_has_been_seen_to_fail() -> None:
    (mark,) = test_each_rule_finds_what_breaks_it.pytestmark  # type: ignore[attr-defined] # set by the decorator
    assert {rule for rule, _ in mark.args[1]} == set(rules.OF_CUSTOMERS)


ROUTES = {"/api": "api", "/ws": "api", "/": "dashboard"}
OF_OPTIONS = {"/nodered": "node-red", "/grafana": "grafana"}


@pytest.mark.parametrize("plan", PLANS)
def test_routes_send_the_api_and_its_websocket_to_the_api(plan: str) -> None:
    for variant, more in (("default", {}), ("all options", OF_OPTIONS)):
        objects = manifests(INSTANCES[f"{plan}, {variant}"])
        (ingress,) = (item for item in objects if item["kind"] == "Ingress")
        services = {item["metadata"]["name"]: item for item in objects if item["kind"] == "Service"}
        routes = {}
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            backend = path["backend"]["service"]
            ports = {port["port"] for port in services[backend["name"]]["spec"]["ports"]}
            assert backend["port"]["number"] in ports
            routes[path["path"]] = backend["name"]
        assert routes == {**ROUTES, **more}
