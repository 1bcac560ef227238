"""Which nodes pods go to: the platform's to its own pool where there is one, customers' to theirs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.clusters import pools
from tests.program.clouds import CLOUDS, Made, fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

# Resources that nothing here uses warn of their successors when their modules are imported.
pytestmark = pytest.mark.filterwarnings(r"ignore:(aws|gcp|s3)\..* has been deprecated:DeprecationWarning")

PARTS = {
    "traefik": [""],
    "cert-manager": ["", "webhook", "cainjector", "startupapicheck"],
    "kube-prometheus-stack": [
        "prometheusOperator",
        "prometheus.prometheusSpec",
        "alertmanager.alertmanagerSpec",
        "grafana",
        "kube-state-metrics",
    ],
    "loki": ["singleBinary"],
    "velero": [""],
}
"""Where in their charts' values the pods of the platform's charts are told where to go."""

ELSEWHERE = {"alloy", "cluster-autoscaler", "aws-load-balancer-controller"}
"""On every node; and on the platform's and nowhere else, as they are what makes other nodes."""


@pytest.fixture(scope="module", params=CLOUDS)
def made(request: pytest.FixtureRequest, config: dict[str, str]) -> Made:
    """A stack with every part of the platform."""
    return fleet(frozenset(config.items()), request.param, "dev", preview=False)


def pods(made: Made) -> Iterator[tuple[str, dict[str, Any]]]:
    """The pods of all workloads, each with its namespace."""
    for item in made.resources:
        spec = item.inputs.get("spec")
        if not isinstance(spec, dict):
            continue
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template", {})
        if "containers" in template.get("spec", {}):
            yield item.inputs["metadata"]["namespace"], template["spec"]


def goes_to_the_platforms(fields: dict[str, Any]) -> bool:
    wanted = pools.of_the_platform()
    return {name: fields.get(name) for name in wanted} == wanted


def test_pods_of_the_platform_go_to_its_nodes_and_of_customers_never(made: Made) -> None:
    platform = [pod for namespace, pod in pods(made) if not namespace.startswith("customer-")]
    customers = [pod for namespace, pod in pods(made) if namespace.startswith("customer-")]
    assert len(platform) >= 6
    assert len(customers) > len(platform)
    assert all(goes_to_the_platforms(pod) for pod in platform)
    assert not [pod for pod in customers if "tolerations" in pod or "nodeAffinity" in pod.get("affinity", {})]


def test_so_do_those_of_charts(made: Made) -> None:
    releases = {item.name.rpartition("-release-")[2]: item.inputs for item in made.all("Release")}
    assert releases.keys() - ELSEWHERE == PARTS.keys()
    for name, parts in PARTS.items():
        for part in parts:
            fields = releases[name]["values"]
            for key in filter(None, part.split(".")):
                fields = fields[key]
            assert goes_to_the_platforms(fields), (name, part)


def test_what_is_borne_is_what_keeps_others_away(made: Made) -> None:
    key, value = pools.SYSTEM_TAINT
    (borne,) = pools.tolerations()
    assert (borne["key"], borne["value"], borne["effect"]) == (key, value, "NoSchedule")
    text = json.dumps([item.inputs for item in made.resources if "kubernetes" not in item.typ], default=str)
    assert text.count(f'"{key}={value}:NoSchedule"') + text.count(f'"key": "{key}"') == 1
    # Both pools are labelled; one label is wanted.
    assert text.count(f'"{pools.POOL_LABEL}": "{pools.SYSTEM}"') == 1
    assert text.count(f'"{pools.POOL_LABEL}": ') == 2
