"""Who may talk to whom. Everything is denied, then exactly the connections below are opened.

| from                 | to        | ports      |
|----------------------|-----------|------------|
| every pod            | DNS       | 53 UDP/TCP |
| ingress controller   | dashboard | 80         |
| ingress controller   | api       | 3002       |
| mosquitto            | api       | 3002       |
| api                  | postgres  | 5432       |
| api                  | mosquitto | 1883       |
| MQTT edge            | mosquitto | 1883, 9001 |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.customer.ports import API_PORT, DASHBOARD_PORT, MQTT_PORT, POSTGRES_PORT, WEBSOCKET_PORT
from infra.names import EDGE_NAMESPACE, INGRESS_NAMESPACE, NAMESPACE_NAME_LABEL

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance

DNS_PORT = 53


def network_policies(instance: Instance) -> list[Manifest]:
    """Return the policies of a customer's namespace."""
    api, postgres, mosquitto = (
        [{"podSelector": {"matchLabels": instance.selector(app)}}] for app in ("api", "postgres", "mosquitto")
    )
    ingress_controller = _namespace(INGRESS_NAMESPACE)
    edge = _namespace(EDGE_NAMESPACE)
    return [
        _policy(instance, "default-deny", {}, egress=[{"to": _dns(), "ports": _ports(DNS_PORT, both=True)}]),
        _policy(
            instance,
            "postgres",
            {"matchLabels": instance.selector("postgres")},
            ingress=[{"from": api, "ports": _ports(POSTGRES_PORT)}],
        ),
        _policy(
            instance,
            "mosquitto",
            {"matchLabels": instance.selector("mosquitto")},
            ingress=[
                {"from": api, "ports": _ports(MQTT_PORT)},
                {"from": edge, "ports": _ports(MQTT_PORT, WEBSOCKET_PORT)},
            ],
            egress=[{"to": api, "ports": _ports(API_PORT)}],
        ),
        _policy(
            instance,
            "api",
            {"matchLabels": instance.selector("api")},
            ingress=[{"from": ingress_controller + mosquitto, "ports": _ports(API_PORT)}],
            egress=[
                {"to": postgres, "ports": _ports(POSTGRES_PORT)},
                {"to": mosquitto, "ports": _ports(MQTT_PORT)},
            ],
        ),
        _policy(
            instance,
            "dashboard",
            {"matchLabels": instance.selector("dashboard")},
            ingress=[{"from": ingress_controller, "ports": _ports(DASHBOARD_PORT)}],
        ),
    ]


def _policy(
    instance: Instance,
    name: str,
    pods: dict[str, Any],
    *,
    ingress: list[dict[str, Any]] | None = None,
    egress: list[dict[str, Any]] | None = None,
) -> Manifest:
    """Return a policy that always names both directions, so that an empty one denies."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": instance.metadata(name, app="customer-instance", component="isolation"),
        "spec": {
            "podSelector": pods,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": ingress or [],
            "egress": egress or [],
        },
    }


def _namespace(name: str) -> list[dict[str, Any]]:
    return [{"namespaceSelector": {"matchLabels": {NAMESPACE_NAME_LABEL: name}}}]


def _dns() -> list[dict[str, Any]]:
    return [
        {
            "namespaceSelector": {"matchLabels": {NAMESPACE_NAME_LABEL: "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ]


def _ports(*numbers: int, both: bool = False) -> list[dict[str, Any]]:
    """Return TCP ports, or with ``both`` UDP and TCP ones: large DNS answers come by TCP."""
    protocols = ("UDP", "TCP") if both else ("TCP",)
    return [{"protocol": protocol, "port": number} for number in numbers for protocol in protocols]
