"""The MQTT edge: its objects and its configuration, as files that a person can review."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from infra.customer.ports import MQTTS_PORT
from infra.images import load_platform_image
from infra.names import EDGE_NAMESPACE, MONITORING_NAMESPACE
from infra.platform.edge_settings import EdgeLimits, EdgeSettings
from infra.platform.haproxy import METRICS_PORT, Edge, render
from infra.platform.mqtt_proxy import manifests
from tenants.errors import UsageError
from tests.policies import Point, Policies
from tests.program.instances import as_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.component import Manifest
    from tests.program.conftest import Run

GOLDEN = Path(__file__).parent.parent / "golden" / "platform"

EDGES = {
    "haproxy": EdgeSettings(),
    "haproxy-passthrough": EdgeSettings(mode="passthrough"),
    "haproxy-default-customer": EdgeSettings(default_customer="acme"),
    "haproxy-passthrough-default-customer": EdgeSettings(mode="passthrough", default_customer="acme"),
    "haproxy-proxy-protocol": EdgeSettings(
        proxy_protocol=True, limits=EdgeLimits(connections_per_customer=7, new_connections_per_address=3)
    ),
}


def edge(settings: EdgeSettings) -> Edge:
    return Edge(domain="iotistic.localhost", settings=settings)


def objects(settings: EdgeSettings) -> list[Manifest]:
    return manifests("dev", edge(settings), load_platform_image("haproxy"))


def only(settings: EdgeSettings, kind: str) -> Manifest:
    (found,) = (item for item in objects(settings) if item["kind"] == kind)
    return found


@pytest.mark.parametrize("name", EDGES)
def test_configuration_is_that_in_the_golden_file(name: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{name}.cfg", render(edge(EDGES[name])))


def test_objects_are_those_in_the_golden_file(golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / "mqtt-edge.yaml", as_yaml(objects(EdgeSettings())))


def test_a_pod_has_time_to_drain_before_it_is_killed() -> None:
    pod = only(EdgeSettings(drain_seconds=600), "Deployment")["spec"]["template"]["spec"]
    (haproxy,) = pod["containers"]
    leave = haproxy["lifecycle"]["preStop"]["exec"]["command"][-1]
    steps = [step.split() for step in leave.split(";")]
    waits = sum(int(step[1]) for step in steps if step[0] == "sleep")
    assert ["kill", "-USR1", "1"] in steps
    assert pod["terminationGracePeriodSeconds"] > waits >= 600


def test_a_changed_configuration_rolls_the_pods() -> None:
    def annotations(settings: EdgeSettings) -> dict[str, str]:
        template: dict[str, Any] = only(settings, "Deployment")["spec"]["template"]
        found: dict[str, str] = template["metadata"]["annotations"]
        return found

    assert annotations(EdgeSettings()) == annotations(EdgeSettings())
    assert annotations(EdgeSettings()) != annotations(EdgeSettings(threads=3))


@pytest.mark.parametrize(("mode", "port"), [("terminate", 1883), ("passthrough", 8883)])
def test_the_edge_reaches_only_dns_and_the_brokers_of_customers(
    mode: Literal["terminate", "passthrough"], port: int
) -> None:
    (_deny, policy) = (item for item in objects(EdgeSettings(mode=mode)) if item["kind"] == "NetworkPolicy")
    dns, brokers = policy["spec"]["egress"]
    assert {item["port"] for item in dns["ports"]} == {53}
    assert [item["port"] for item in brokers["ports"]] == [port]
    (to,) = brokers["to"]
    assert to["namespaceSelector"]["matchExpressions"] == [
        {"key": "iotistic.io/tenant", "operator": "Exists"}
    ]
    assert to["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "mosquitto"}


def test_its_metrics_and_statistics_are_for_monitoring_alone() -> None:
    found = objects(EdgeSettings())
    policies = Policies([item for item in found if item["kind"] == "NetworkPolicy"])
    (pod,) = (item["spec"]["template"]["metadata"] for item in found if item["kind"] == "Deployment")
    edge_pod = Point("10.0.0.1", EDGE_NAMESPACE, pod["labels"])
    sources = {
        "a device": Point("203.0.113.1"),
        "a customer's pod": Point("10.0.0.2", "customer-acme", {"app.kubernetes.io/name": "api"}),
        "another pod beside it": Point("10.0.0.3", EDGE_NAMESPACE, {"app.kubernetes.io/name": "other"}),
        "the ingress": Point("10.0.0.4", "ingress", {"app.kubernetes.io/name": "traefik"}),
        "monitoring": Point("10.0.0.5", MONITORING_NAMESPACE, {"app.kubernetes.io/name": "prometheus"}),
    }
    ports = [(MQTTS_PORT, "TCP"), (METRICS_PORT, "TCP"), (22, "TCP")]
    reached = {name: {port for port, _ in policies.open(it, edge_pod, ports)} for name, it in sources.items()}
    assert reached.pop("monitoring") == {MQTTS_PORT, METRICS_PORT}
    # One that is beside it is held back from everything at its own end.
    assert reached.pop("another pod beside it") == set()
    assert set(map(frozenset, reached.values())) == {frozenset({MQTTS_PORT})}
    services = {
        item["spec"]["type"]: [port["port"] for port in item["spec"]["ports"]]
        for item in found
        if item["kind"] == "Service"
    }
    assert services == {"LoadBalancer": [MQTTS_PORT], "ClusterIP": [METRICS_PORT]}


def test_where_brokers_hold_the_certificates_the_edge_holds_none() -> None:
    pod = only(EdgeSettings(mode="passthrough"), "Deployment")["spec"]["template"]["spec"]
    assert not any("secret" in volume for volume in pod["volumes"])
    assert set(only(EdgeSettings(mode="passthrough"), "ConfigMap")["data"]) == {"haproxy.cfg"}


def test_what_the_balancer_has_to_be_told_stands_on_the_public_service_only() -> None:
    annotations = {"example.com/balancer": "internal"}
    services = {
        item["spec"]["type"]: item["metadata"].get("annotations", {})
        for item in objects(EdgeSettings(service_annotations=annotations))
        if item["kind"] == "Service"
    }
    assert services == {"LoadBalancer": annotations, "ClusterIP": {}}


@pytest.mark.parametrize(("ipv6", "policy"), [(True, "PreferDualStack"), (False, "SingleStack")])
def test_the_balancer_is_reached_by_ipv6_where_the_process_is(*, ipv6: bool, policy: str) -> None:
    settings = EdgeSettings(ipv6=ipv6)
    (public,) = (it for it in objects(settings) if it.get("spec", {}).get("type") == "LoadBalancer")
    assert public["spec"]["ipFamilyPolicy"] == policy
    assert ("bind :::8883 v6only" in render(edge(settings))) is ipv6


def test_the_edge_is_declared_where_the_configuration_has_one(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    names = {
        resource.name
        for resource in run_program({**config, "mqttEdge": '{"enabled": true}'}).engine.declared
        if resource.typ.endswith(":Deployment")
    }
    assert "mqtt-edge-deployment-mqtt-edge" in names


@pytest.mark.parametrize("off", [{}, {"mqttEdge": "{}"}, {"mqttEdge": '{"enabled": false}'}])
def test_without_it_there_is_none(
    run_program: Callable[..., Run], config: dict[str, str], off: dict[str, str]
) -> None:
    names = {resource.name for resource in run_program({**config, **off}).engine.declared}
    assert not any(name.startswith("mqtt-edge") for name in names)


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ("not an object", ["mqttEdge"]),
        ('"text"', ["mqttEdge"]),
        ('{"mode": "bridge"}', ["mqttEdge.mode"]),
        ('{"replica": 3}', ["mqttEdge.replica"]),
        ('{"defaultCustomer": "A; reject"}', ["mqttEdge.defaultCustomer"]),
        ('{"clusterDomain": "x y"}', ["mqttEdge.clusterDomain"]),
        (
            '{"replicas": 0, "maxKeepaliveSeconds": 70000, "limits": {"connectionsPerAddress": 0}}',
            ["mqttEdge.limits.connectionsPerAddress", "mqttEdge.maxKeepaliveSeconds", "mqttEdge.replicas"],
        ),
    ],
)
def test_every_wrong_value_is_named_at_once(
    run_program: Callable[..., Run], config: dict[str, str], value: str, keys: list[str]
) -> None:
    with pytest.raises(UsageError) as refusal:
        run_program({**config, "mqttEdge": value})
    assert sorted(problem.where for problem in refusal.value.problems) == [
        f"Pulumi.dev.yaml: iotistic:{key}" for key in keys
    ]


def test_tls_is_passed_through_to_brokers_with_certificates(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    assert run_program({**config, "mqttEdge": '{"mode": "passthrough"}'}).outputs["tenants"]


def test_tls_is_not_passed_through_to_brokers_without_certificates(
    run_program: Callable[..., Run], config: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match="set brokerIssuer too"):
        run_program({**config, "brokerIssuer": "none", "mqttEdge": '{"mode": "passthrough"}'})
