"""What this project says of the charts' pods is true of them: labels, ports, accounts, priorities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from ruamel.yaml import YAML

from infra.clusters.eks import controllers
from infra.images import VERSIONS_FILE
from infra.platform import certificates, ingress, logging_values, velero
from infra.platform.platform import PLAN_PRIORITIES
from tests.charts import PODS, SERVICES, Pod
from tests.program.clouds import cloud_config, run, with_services
from tests.program.watching import SECRETS, stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.program.clouds import Made

# Resources that nothing here uses warn of their successors when their modules are imported.
pytestmark = pytest.mark.filterwarnings(r"ignore:(aws|gcp|s3)\..* has been deprecated:DeprecationWarning")

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "charts.md"
CLOSED: Final = ("ingress", "monitoring", "logging", "log-agent", "velero")
"""Namespaces of charts in which only what is listed may be reached."""

RUNNING = [pod for chart, pods in PODS.items() if chart != "ingress-nginx" for pod in pods]
"""The pods of one stack: it has one ingress controller."""


@pytest.fixture(scope="module")
def made(config: dict[str, str]) -> Made:
    """A stack in AWS with everything that comes as a chart."""
    chosen = {
        **with_services(cloud_config(config, "eks")),
        "domain": "iotistic.example.com",
        "certificates": '{"issuer": "dns01"}',
        "monitoringStack": json.dumps(stack()),
        "monitoringSecrets": json.dumps(SECRETS),
        "logging": '{"install": true, "store": {"name": "iotistictestlogs"}}',
        "velero": '{"enabled": true}',
    }
    return run(chosen)


def policies(made: Made) -> list[dict[str, Any]]:
    found = [item.inputs for item in made.all("NetworkPolicy")]
    return [item for item in found if item["metadata"]["namespace"] in CLOSED]


def selects(selector: dict[str, Any], pod: Pod) -> bool:
    """Return whether a selector takes a pod, of whose labels only the name is told."""
    return set(selector.get("matchLabels", {}).items()) <= {("app.kubernetes.io/name", pod.name)}


def selected(policy: dict[str, Any], pods: list[Pod]) -> list[Pod]:
    namespace, selector = policy["metadata"]["namespace"], policy["spec"]["podSelector"]
    return [pod for pod in pods if pod.namespace == namespace and selects(selector, pod)]


def numbers(rule: dict[str, Any]) -> set[int]:
    return {port["port"] for port in rule.get("ports", []) if port.get("protocol") != "UDP"}


def siblings(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the selectors of pods of the same namespace that a policy names as peers."""
    rules = [*policy["spec"].get("ingress", ()), *policy["spec"].get("egress", ())]
    for peer in (peer for rule in rules for way in ("from", "to") for peer in rule.get(way, ())):
        if "podSelector" in peer and "namespaceSelector" not in peer:
            yield peer["podSelector"]


def test_every_chart_was_looked_at_and_is_on_the_page() -> None:
    charts = set(YAML(typ="safe").load(VERSIONS_FILE)["charts"])
    assert set(PODS) == charts
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in charts if f"| {name} |" not in page] == []


def test_what_policies_are_about_and_whom_they_name_is_there(made: Made) -> None:
    found = policies(made)
    assert {item["metadata"]["namespace"] for item in found} == set(CLOSED)
    for policy in found:
        assert selected(policy, RUNNING), policy["metadata"]
        for selector in siblings(policy):
            here = [pod for pod in RUNNING if pod.namespace == policy["metadata"]["namespace"]]
            assert any(selects(selector, pod) for pod in here), (policy["metadata"], selector)


def test_ports_that_policies_open_are_those_where_the_pods_listen(made: Made) -> None:
    nginx = ingress.manifests("dev", "ingress-nginx")
    others = [item for item in nginx if item["kind"] == "NetworkPolicy"]
    checked = [(policy, RUNNING) for policy in policies(made)]
    checked += [(policy, list(PODS["ingress-nginx"])) for policy in others]
    for policy, pods in checked:
        listening = {port for pod in selected(policy, pods) for port in pod.ports}
        opened = set().union(*(numbers(rule) for rule in policy["spec"].get("ingress", ())))
        assert opened <= listening, policy["metadata"]


@pytest.mark.parametrize("pod", [pod for pod in RUNNING if pod.namespace in CLOSED], ids=lambda pod: pod.name)
def test_prometheus_reaches_the_metrics_of_every_pod(made: Made, pod: Pod) -> None:
    prometheus = [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}},
        {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}},
    ]
    reached = {
        port
        for policy in policies(made)
        if selected(policy, [pod])
        for rule in policy["spec"].get("ingress", ())
        if "from" not in rule or any(peer in prometheus for peer in rule["from"])
        for port in numbers(rule)
    }
    assert pod.metrics <= reached


def test_identities_are_given_to_the_accounts_of_the_pods() -> None:
    bound = {
        ("cert-manager", certificates.SERVICE_ACCOUNT),
        (velero.NAMESPACE, velero.SERVICE_ACCOUNT),
        ("logging", logging_values.LOKI),
        (controllers.NAMESPACE, controllers.AUTOSCALER),
        (controllers.NAMESPACE, controllers.BALANCERS),
    }
    assert bound <= {(pod.namespace, pod.account) for pod in RUNNING}


def test_services_that_are_asked_are_those_of_the_charts(made: Made) -> None:
    (page,) = (
        item.inputs
        for item in made.all("Ingress")
        if item.typ.startswith("kubernetes:") and item.inputs["metadata"]["namespace"] == "monitoring"
    )
    backends = {
        (path["backend"]["service"]["name"], path["backend"]["service"]["port"]["number"])
        for rule in page["spec"]["rules"]
        for path in rule["http"]["paths"]
    }
    assert backends <= {(name, port) for _, namespace, name, port in SERVICES if namespace == "monitoring"}
    addresses = {
        f"http://{name}.{namespace}.svc.cluster.local:{port}" for _, namespace, name, port in SERVICES
    }
    assert logging_values.ADDRESS in addresses


def test_every_pod_of_the_platform_comes_before_the_customers(made: Made) -> None:
    classes = {item.inputs["metadata"]["name"]: item.inputs["value"] for item in made.all("PriorityClass")}
    releases = {item.inputs["name"]: item.inputs["values"] for item in made.all("Release")}
    for chart, pods in PODS.items():
        for pod in pods:
            if chart == "ingress-nginx" or not pod.priority:
                continue
            value: Any = releases[chart]
            for key in pod.priority:
                value = value[key]
            assert classes[value] > max(PLAN_PRIORITIES.values()), pod.name
