"""Every object of a customer has a reason, and the default customer has no more than 32 of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.customer.instance import manifests
from infra.program import ROOT
from ops.markdown import table
from tests.program.variants import INSTANCES, PLANS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from infra.customer.model import Instance

MOST = 32
"""Objects of the default customer. The engine's time grows with them, times the customers."""

Key = tuple[str, str]
"""Kind and name. The namespace is named for the customer, here ``customer-<id>``."""

REASONS: dict[Key, str] = {
    ("Namespace", "customer-<id>"): "the customer's walls: what the other objects are in, and end with",
    ("ResourceQuota", "quota"): "the most that a customer takes from the cluster",
    ("LimitRange", "defaults"): "bounds for pods that name none, which the quota would refuse",
    ("NetworkPolicy", "default-deny"): "refuses everything, both ways, to every pod; opens DNS",
    ("NetworkPolicy", "postgres"): "lets in the API, the backup and whoever reads metrics",
    ("NetworkPolicy", "api"): "lets in the ingress and the broker; out to database and broker",
    ("NetworkPolicy", "dashboard"): "lets in the ingress",
    ("NetworkPolicy", "mosquitto"): "lets in devices by the edge, and the API; out to the API",
    ("NetworkPolicy", "backup"): "lets the backup out, to the database and its store",
    (
        "ServiceAccount",
        "instance",
    ): "the pods' identity, which may do nothing; the default one may be given rights",
    ("Secret", "database"): "the database's passwords",
    ("Secret", "api"): "the licence, the session key, the broker's password",
    ("Secret", "backup"): "the key of the backups, which the database's readers must not have",
    ("ConfigMap", "config"): "the files of all workloads, in one object",
    ("PersistentVolumeClaim", "postgres-data"): "the database's volume, which grows in place",
    ("StatefulSet", "postgres"): "the database",
    ("Service", "postgres"): "its address",
    ("Deployment", "api"): "the API",
    ("Service", "api"): "its address",
    ("Deployment", "dashboard"): "the dashboard, and the page of a suspended customer",
    ("Service", "dashboard"): "its address",
    ("Certificate", "broker-tls"): "the broker's own TLS, for devices that the edge passes through",
    ("PersistentVolumeClaim", "mosquitto-data"): "sessions and retained messages",
    ("StatefulSet", "mosquitto"): "the broker",
    ("Service", "mosquitto"): "its address",
    ("Job", "settle"): "replaces what the API seeds: the broker's address and the first password",
    (
        "PodDisruptionBudget",
        "customer-instance",
    ): "a drain takes one pod after the other; one for all workloads",
    ("Ingress", "web"): "the customer's host, all paths in one object",
    ("ServiceMonitor", "instance"): "what Prometheus scrapes; one for all workloads",
    ("PrometheusRule", "instance"): "recording rules and alerts of this customer",
    ("PersistentVolumeClaim", "backup-data"): "where backups go while there is no object storage",
    ("CronJob", "backup"): "the nightly backup",
}
"""Why each object of the default customer is needed."""

ENTRANCE = {
    ("Service", "mosquitto-entrance"): "the way in past the edge; every port of it is open to the world"
}
SOLVERS = {("NetworkPolicy", "certificate-solvers"): "lets the ingress in to pods that answer an authority"}
MORE: dict[str, dict[Key, str]] = {
    "exporter": {
        ("Deployment", "exporter"): "reports usage to billing",
        ("Service", "exporter"): "its address",
        ("NetworkPolicy", "exporter"): "lets it out, to the API, monitoring and billing",
    },
    "node_red": {
        ("Deployment", "node-red"): "Node-RED",
        ("Service", "node-red"): "its address",
        ("NetworkPolicy", "node-red"): "lets in the ingress; out to the API and the broker alone",
        ("PersistentVolumeClaim", "node-red-data"): "the flows",
        ("Secret", "node-red"): "its passwords, which no other pod has",
        ("CronJob", "backup-flows"): "the flows' backup, apart from the database's",
    },
    "prometheus": {
        ("Deployment", "prometheus"): "the customer's own Prometheus",
        ("Service", "prometheus"): "its address",
        ("NetworkPolicy", "prometheus"): "lets it out to metrics; in comes Grafana alone",
        ("PersistentVolumeClaim", "prometheus-data"): "the metrics, for as long as the plan says",
    },
    "grafana": {
        ("Deployment", "grafana"): "the customer's own Grafana",
        ("Service", "grafana"): "its address",
        ("NetworkPolicy", "grafana"): "lets in the ingress; out to the customer's Prometheus alone",
        ("PersistentVolumeClaim", "grafana-data"): "what people made in it",
        ("Secret", "grafana"): "its passwords",
    },
    "dedicated entrance": ENTRANCE,
    "node ports": ENTRANCE,
    "gateway": {
        ("HTTPRoute", "web"): "the customer's host, by the Gateway API",
        ("HTTPRoute", "redirect"): "sends plain HTTP to TLS, which an Ingress's controller does by itself",
    },
    "store with credentials": {
        ("ServiceAccount", "backup"): "what the cloud knows the backup by, and no other pod",
    },
    "decommissioned": {
        ("Job", "final-backup"): "the last backup of the database, made once",
        ("Job", "final-backup-broker"): "the last backup of the broker's data",
    },
    "proof by web page": SOLVERS,
    "names of its own": SOLVERS,
}
"""Why each object that a variant adds is needed."""


def objects(instance: Instance) -> list[Key]:
    """Return kind and name of every object, in the order of declaration."""
    found = [(item["kind"], item["metadata"]["name"]) for item in manifests(instance)]
    return [(kind, "customer-<id>" if kind == "Namespace" else name) for kind, name in found]


@pytest.mark.parametrize("plan", PLANS)
def test_every_object_of_the_default_customer_has_a_reason_and_they_stay_few(plan: str) -> None:
    found = objects(INSTANCES[f"{plan}, default"])
    assert set(found) == set(REASONS), "say in REASONS why each is needed"
    assert len(found) <= MOST


@pytest.mark.parametrize("name", INSTANCES)
def test_every_object_that_a_variant_adds_has_a_reason(name: str) -> None:
    variant = name.partition(", ")[2]
    expected = MORE.get(variant, {})
    if variant == "all options":
        expected = {key: why for option in OPTIONS for key, why in MORE[option].items()}
    assert set(objects(INSTANCES[name])) - set(REASONS) == set(expected), "say in MORE why each is needed"


CHOICES = {
    **{option: f"`options.{option}`" for option in ("exporter", "node_red", "prometheus", "grafana")},
    "dedicated entrance": "`mqtt.mode: dedicated`",
    "node ports": "`mqtt.mode: node_port`",
    "gateway": "`iotistic:routes: gateway`",
    "store with credentials": "backups in the stack's own store",
    "decommissioned": "a decommissioned customer",
    "proof by web page": "certificates proved by a web page",
    "names of its own": "`extra_hosts`, with a public authority",
}
"""How each variant is chosen."""

OPTIONS = ("exporter", "node_red", "prometheus", "grafana")

PAGE = """\
# The objects of a customer

<!-- Generated from tests/unit/infra/test_objects.py: change that, then run make golden. -->

A customer without options has {count} objects, {all} with all four. They are kept few, because the engine's
time grows with them: one ConfigMap, one budget, one ServiceMonitor and one set of rules serve all workloads.
Rendered they are in `tests/golden/dev`.

## Without options: {count}

{default}

## What options and other choices add

{more}

## What leaves some out

{less}
"""


def page() -> str:
    """Return the tables as a document."""
    default = objects(INSTANCES["enterprise, default"])
    more = [
        [CHOICES[variant], str(len(objects(INSTANCES[f"enterprise, {variant}"]))), kind, f"`{name}`", why]
        for variant, added in MORE.items()
        for (kind, name), why in added.items()
    ]
    less = [without(variant, default) for variant in VARIANTS_WITHOUT]
    return PAGE.format(
        count=len(default),
        all=len(objects(INSTANCES["enterprise, all options"])),
        default=table(
            ["", "kind", "name", "why"],
            [
                [str(number), kind, f"`{name}`", REASONS[kind, name]]
                for number, (kind, name) in enumerate(default, start=1)
            ],
        ),
        more=table(["with", "then in all", "kind", "name", "why"], more),
        less=table(["with", "then in all", "not there"], less),
    )


VARIANTS_WITHOUT = {
    "managed broker": "a broker that is somebody else's",
    "gateway": "the Gateway API",
    "remote backup": "backups in object storage",
    "store with credentials": "backups in the stack's own store",
    "bare": "no monitoring, no backup, no certificates for brokers",
    "suspended": "a suspended customer",
    "decommissioned": "a decommissioned customer",
}


def without(variant: str, default: Sequence[Key]) -> list[str]:
    """Return a row that says what a variant lacks of the default customer."""
    found = objects(INSTANCES[f"enterprise, {variant}"])
    gone = ", ".join(f"{kind} `{name}`" for kind, name in default if (kind, name) not in found)
    return [VARIANTS_WITHOUT[variant], str(len(found)), gone]


def test_the_generated_page_is_up_to_date(golden: Callable[[Path, str], None]) -> None:
    golden(ROOT / "docs" / "reference" / "objects.md", page())
