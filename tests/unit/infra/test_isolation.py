"""The rendered policies let through what the table says and nothing else, whatever the customer is."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer.instance import manifests
from infra.program import ROOT
from tenants.sizing import OPTIONAL
from tests import isolation
from tests.isolation import ANOTHER, APPS, DNS, ELSEWHERE, ENDPOINTS, opened_for, page
from tests.policies import Point, Policies
from tests.program.variants import BARE, BROKERS, VARIANTS, variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infra.component import Manifest
    from infra.customer.model import Instance

CUSTOMER = "initech"
NEIGHBOUR = "globex"
KNOCKED = [(port, "TCP") for port in sorted({port for _, port in ENDPOINTS} | {22, 53, 443, 3100, 6443})]
KNOCKED += [(53, "UDP"), (443, "UDP")]
"""Ports that are tried everywhere."""

Connection = tuple[str, str, int, str]
"""Place, place, port there, protocol."""


def pods_of(objects: list[Manifest]) -> dict[str, dict[str, Any]]:
    """Return the pod templates by app. The nightly backups are several of one app."""
    specs = [item["spec"].get("jobTemplate", item)["spec"] for item in objects if is_workload(item)]
    return {
        spec["template"]["metadata"]["labels"]["app.kubernetes.io/name"]: spec["template"] for spec in specs
    }


def is_workload(item: Manifest) -> bool:
    return item["kind"] in {"Deployment", "StatefulSet", "Job", "CronJob"}


class Cluster:
    """One customer, its neighbour with every option, and everything around them."""

    def __init__(self, instance: Instance) -> None:
        own, neighbours = manifests(instance), manifests(variant(NEIGHBOUR, options=OPTIONAL))
        self.instance = instance
        self.pods = pods_of(own)
        self.policies = Policies([item for item in own + neighbours if item["kind"] == "NetworkPolicy"])
        self.points = dict(self._inside()) | self._elsewhere(neighbours)

    @property
    def endpoints(self) -> set[tuple[str, int]]:
        found = {
            (app, port["containerPort"])
            for app, template in self.pods.items()
            for container in template["spec"]["containers"]
            for port in container["ports"]
        }
        found.add(("solver", 8089))
        return found | {("settle", 3002) for _ in {"settle"} & self.pods.keys()}

    def _inside(self) -> Iterator[tuple[str, list[Point]]]:
        namespace = self.instance.tenant.namespace
        labels = {app: template["metadata"]["labels"] for app, template in self.pods.items()}
        labels |= {"solver": {"acme.cert-manager.io/http01-solver": "true"}, ANOTHER: {"app": "debug"}}
        for number, (app, own) in enumerate(labels.items()):
            yield app, [Point(f"10.244.1.{number + 1}", namespace, own)]

    def _elsewhere(self, neighbours: list[Manifest]) -> dict[str, list[Point]]:
        # Whoever may write labels in a namespace of their own can make pods that look like these.
        alike = [template["metadata"]["labels"] for template in self.pods.values()]
        others = [template["metadata"]["labels"] for template in pods_of(neighbours).values()]

        def there(namespace: str, *labels: dict[str, str]) -> list[Point]:
            return [Point("10.244.2.1", namespace, own) for own in labels]

        found = {
            isolation.OTHER: there(f"customer-{NEIGHBOUR}", {}, *others, *alike),
            isolation.INGRESS: there("ingress", {}),
            isolation.EDGE: there("mqtt-edge", {}),
            isolation.MONITORING: there("monitoring", {}),
            isolation.BILLING: there("billing", {"app.kubernetes.io/name": "billing"}),
            isolation.DNS: there("kube-system", {"k8s-app": "kube-dns"}),
            isolation.STRANGER: [
                *there("kube-system", {}),
                # The database beside the billing service.
                *there("billing", {"app.kubernetes.io/name": "postgres"}),
                *there("stranger", {}, *alike),
            ],
            isolation.API_SERVER: [
                Point("10.0.0.1"),
                Point("10.99.0.8"),
                Point("172.20.0.1"),
                Point("100.64.0.1"),
            ],
            isolation.METADATA: [Point("169.254.169.254")],
            isolation.MANAGED_BROKER: [Point("10.99.0.7")],
            isolation.INTERNET: [Point("198.51.100.7"), Point("8.8.8.8")],
        }
        assert set(found) == set(ELSEWHERE)
        return found

    def expected(self) -> set[Connection]:
        """Return what the table opens here: ways whose two ends exist."""
        return {
            (way.source, way.target, port, protocol)
            for way in opened_for(self.instance)
            for port in way.ports
            if way.source in self.points and (way.target in ELSEWHERE or (way.target, port) in self.endpoints)
            for protocol in (("TCP", "UDP") if way.target == DNS else ("TCP",))
        }

    def found(self, policies: Policies) -> tuple[set[Connection], set[Connection]]:
        """Return what policies open between all of two places, and between any parts of them."""
        to_all: set[Connection] = set()
        to_any: set[Connection] = set()
        for source, target in self.pairs():
            opened = [
                policies.open(one, other, KNOCKED)
                for one in self.points[source]
                for other in self.points[target]
            ]
            to_all |= {(source, target, *port) for port in set.intersection(*opened)}
            to_any |= {(source, target, *port) for port in set.union(*opened)}
        return to_all, to_any

    def lacks(self, policies: Policies) -> bool:
        """Return whether policies close some way that the table opens."""
        return not all(
            policies.open(one, other, [(port, protocol)])
            for source, target, port, protocol in self.expected()
            for one in self.points[source]
            for other in self.points[target]
        )

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield every two places of which one is the customer's."""
        inside = [place for place in self.points if place in APPS]
        for source in self.points:
            for target in [*inside, *(ELSEWHERE if source in inside else ())]:
                if source != target:
                    yield source, target


def cases() -> dict[str, Instance]:
    """Return every variant, and every kind of broker with every option."""
    found = {name: make(CUSTOMER) for name, make in VARIANTS.items()}
    found["billed here"] = variant(CUSTOMER, options=["exporter"], surroundings={"billing_port": 3100})
    found |= {
        f"all options, {broker}": variant(CUSTOMER, options=OPTIONAL, broker=broker) for broker in BROKERS
    }
    return found | {
        f"{broker}, bare": variant(CUSTOMER, broker=broker, surroundings=BARE)
        for broker in ("managed", "node ports")
    }


@pytest.mark.parametrize("instance", [pytest.param(made, id=name) for name, made in cases().items()])
def test_policies_let_through_what_the_table_says_and_nothing_else(instance: Instance) -> None:
    cluster = Cluster(instance)
    to_all, to_any = cluster.found(cluster.policies)
    assert to_any == to_all, "a place is open or it is not"
    assert to_all == cluster.expected()


def test_the_table_names_every_port_that_a_pod_listens_on() -> None:
    assert Cluster(variant(CUSTOMER, options=OPTIONAL)).endpoints == {*ENDPOINTS, ("settle", 3002)}


def without_one(policies: list[Manifest]) -> Iterator[tuple[str, list[Manifest]]]:
    """Yield the policies with one end of one rule taken out, each in turn, and what was taken out."""
    for number, policy in enumerate(policies):
        for direction, ends in (("ingress", "from"), ("egress", "to")):
            for rule, end in (
                (rule, end)
                for rule, opened in enumerate(policy["spec"][direction])
                for end in range(len(opened[ends]))
            ):
                changed = copy.deepcopy(policy)
                taken = changed["spec"][direction][rule][ends].pop(end)
                if not changed["spec"][direction][rule][ends]:
                    del changed["spec"][direction][rule]
                name = f"{policy['metadata']['name']}, {direction} {rule}: {taken}"
                yield name, [*policies[:number], changed, *policies[number + 1 :]]


def test_every_end_of_every_rule_is_needed() -> None:
    """The test above can fail, and nothing is opened twice: without any one of them a way is closed."""
    cluster = Cluster(variant(CUSTOMER, options=OPTIONAL))
    own = [item for item in manifests(cluster.instance) if item["kind"] == "NetworkPolicy"]
    changed = dict(without_one(own))
    assert len(changed) > 20
    assert [name for name, policies in changed.items() if not cluster.lacks(Policies(policies))] == []


def test_the_generated_page_is_up_to_date(golden: Callable[[Path, str], None]) -> None:
    golden(ROOT / "docs" / "reference" / "isolation.md", page())
