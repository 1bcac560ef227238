"""The rules by which tests judge policies are those of Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.customer.isolation import network_policies
from tests.policies import Point, Policies
from tests.program.instances import instance_of

if TYPE_CHECKING:
    from collections.abc import Sequence

HTTP = (80, "TCP")
WEB = Point("10.0.0.1", "shop", {"app": "web"})
DATABASE = Point("10.0.0.2", "shop", {"app": "database"})
ELSEWHERE = Point("10.0.0.3", "other", {"app": "web"})
OUTSIDE = Point("198.51.100.7")


def policy(**spec: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of all kinds
    types = [name.title() for name in ("ingress", "egress") if name in spec]
    return {"metadata": {"namespace": "shop"}, "spec": {"podSelector": {}, "policyTypes": types, **spec}}


def reached(
    target: Point, *specs: dict[str, Any], sources: Sequence[Point] = (WEB, ELSEWHERE, OUTSIDE)
) -> str:
    """Return for each source whether it reaches a port: ``y`` or ``-``."""
    policies = Policies(specs, {"other": {"team": "b"}})
    return "".join("y" if policies.open(source, target, [HTTP]) else "-" for source in sources)


def incoming(*peers: dict[str, Any], **rule: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
    return policy(ingress=[{"from": list(peers), **rule}])


def test_without_a_policy_everything_is_open_and_with_one_everything_else_is_closed() -> None:
    assert reached(DATABASE) == "yyy"
    assert reached(DATABASE, policy(ingress=[])) == "---"
    assert reached(DATABASE, policy(ingress=[{}])) == "yyy"
    assert reached(DATABASE, {**policy(ingress=[]), "metadata": {"namespace": "other"}}) == "yyy"
    assert reached(DATABASE, policy(ingress=[], podSelector={"matchLabels": {"app": "web"}})) == "yyy"


def test_either_end_can_close_a_way() -> None:
    assert reached(ELSEWHERE, policy(egress=[]), sources=[WEB, OUTSIDE]) == "-y"
    assert reached(ELSEWHERE, policy(ingress=[]), sources=[WEB, OUTSIDE]) == "yy"


@pytest.mark.parametrize(
    ("peer", "found"),
    [
        ({"podSelector": {}}, "y--"),
        ({"podSelector": {"matchLabels": {"app": "database"}}}, "---"),
        ({"namespaceSelector": {}}, "yy-"),
        ({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}}, "-y-"),
        (
            {
                "namespaceSelector": {"matchLabels": {"team": "b"}},
                "podSelector": {"matchLabels": {"app": "x"}},
            },
            "---",
        ),
        ({"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]}}, "-y-"),
        (
            {"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "web"]}]}},
            "y--",
        ),
        ({"ipBlock": {"cidr": "0.0.0.0/0"}}, "yyy"),
        ({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}, "--y"),
    ],
)
def test_an_end_is_named_by_its_labels_its_namespace_or_its_address(peer: dict[str, Any], found: str) -> None:
    assert reached(DATABASE, incoming(peer)) == found


def test_several_policies_open_together_and_ports_are_exact() -> None:
    here: dict[str, Any] = {"podSelector": {}}
    outside = {"ipBlock": {"cidr": "198.51.100.0/24"}}
    assert reached(DATABASE, incoming(here), incoming(outside)) == "y-y"
    assert reached(DATABASE, incoming(here, ports=[{"port": 80, "protocol": "TCP"}])) == "y--"
    assert reached(DATABASE, incoming(here, ports=[{"port": 80, "protocol": "UDP"}])) == "---"
    assert reached(DATABASE, incoming(here, ports=[{"port": 81, "protocol": "TCP"}])) == "---"


@pytest.mark.parametrize(
    "rule",
    [
        {"from": [{"podSelector": {"matchFields": {}}}]},
        {"from": [{"serviceSelector": {}}]},
        {"from": [{"podSelector": {"matchExpressions": [{"key": "a", "operator": "NotIn"}]}}]},
        {"ports": [{"port": 80, "endPort": 90, "protocol": "TCP"}]},
        {"ports": [{"port": "http", "protocol": "TCP"}]},
        {"unless": []},
    ],
)
def test_what_is_not_understood_is_not_taken_for_closed_or_open(rule: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        reached(DATABASE, policy(ingress=[rule]))


def test_policies_of_a_customer_are_understood() -> None:
    policies = Policies(network_policies(instance_of("acme")))
    api = Point(
        "10.0.0.4", "customer-acme", {"app.kubernetes.io/name": "api", "app.kubernetes.io/instance": "acme"}
    )
    assert policies.open(Point("10.0.0.5", "ingress"), api, [(3002, "TCP"), (3002, "UDP")]) == {(3002, "TCP")}
