"""Who may talk to whom. Everything is denied, then what docs/reference/isolation.md lists is opened.

"Internet" is every address outside the private ranges: never another customer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.customer import (
    api,
    backup,
    backup_access,
    dashboard,
    exporter,
    grafana,
    mosquitto,
    nodered,
    postgres,
    prometheus,
    settle,
)
from infra.customer.ports import (
    API_PORT,
    DASHBOARD_PORT,
    GRAFANA_PORT,
    MQTT_METRICS_PORT,
    MQTT_PORT,
    MQTTS_PORT,
    NODE_RED_PORT,
    POSTGRES_METRICS_PORT,
    POSTGRES_PORT,
    PROMETHEUS_PORT,
    WEBSOCKET_PORT,
)
from infra.exemptions import PODS_OF_ANOTHER, as_annotations
from infra.names import (
    BILLING,
    BILLING_NAMESPACE,
    EDGE_NAMESPACE,
    INGRESS_NAMESPACE,
    MONITORING_NAMESPACE,
    NAMESPACE_NAME_LABEL,
)
from tenants.models import MqttMode

if TYPE_CHECKING:
    from infra.component import Manifest
    from infra.customer.model import Instance
    from infra.owner import BackupOwner

DNS_PORT: Final = 53
HTTPS_PORT: Final = 443
SOLVER_PORT: Final = 8089
CREDENTIALS_PORT: Final = 80
"""Where nodes in AWS and Google Cloud hand out passing credentials to pods."""

PRIVATE_RANGES: Final = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
)
"""What "the internet" leaves out: pods, Services, nodes, and the cloud's metadata address."""

Rule = dict[str, Any]
Peers = list[dict[str, Any]]


def network_policies(instance: Instance) -> list[Manifest]:
    """Return the policies of a customer's namespace."""
    policies = [
        _policy(instance, "default-deny", {}, egress=[_to(_dns(), DNS_PORT, protocols=("UDP", "TCP"))]),
        _postgres(instance),
        _api(instance),
        _policy(
            instance,
            dashboard.APP,
            _selected(instance, dashboard.APP),
            ingress=[_from(_namespace(INGRESS_NAMESPACE) + _everybody(instance), DASHBOARD_PORT)],
            egress=[_to(_pods(instance, api.APP), API_PORT)] if instance.node_ports else [],
        ),
    ]
    if instance.own_broker:
        policies.append(_mosquitto(instance))
    if instance.tenant.options.exporter:
        policies.append(_exporter(instance))
    policies += _of_options(instance)
    if instance.answers_authority:
        policies.append(_solvers(instance))
    if instance.surroundings.backups:
        policies.append(_backup(instance))
    return policies


def _backup(instance: Instance) -> Manifest:
    egress = [_to(_pods(instance, postgres.APP), POSTGRES_PORT), *to_repository(instance)]
    return _policy(instance, backup.APP, _selected(instance, backup.APP), egress=egress)


def to_repository(owner: BackupOwner) -> list[Rule]:
    """Return whom the pods of backups reach, so that they reach the repository."""
    rules, address = [], owner.backup_repository
    if address is None:
        rules.append(_to(_internet(), HTTPS_PORT))
    elif address != backup.VOLUME:
        network = owner.backup_access.network or backup_access.network_of(address)
        peers = [{"ipBlock": {"cidr": network}}] if network is not None else _internet()
        rules.append(_to(peers, backup_access.port_of(address)))
    if owner.backup_route is not None and owner.backup_route.credentials is not None:
        rules.append(_to([{"ipBlock": {"cidr": owner.backup_route.credentials}}], CREDENTIALS_PORT))
    return rules


def _postgres(instance: Instance) -> Manifest:
    clients = [api.APP, settle.APP, backup.APP]
    if instance.asks_database:
        clients.append(mosquitto.APP)
    return _policy(
        instance,
        postgres.APP,
        _selected(instance, postgres.APP),
        ingress=[
            _from([peer for app in clients for peer in _pods(instance, app)], POSTGRES_PORT),
            _from(_watchers(instance), POSTGRES_METRICS_PORT),
        ],
    )


def _api(instance: Instance) -> Manifest:
    callers = _namespace(INGRESS_NAMESPACE) + _everybody(instance)
    callers += _pods(instance, dashboard.APP) if instance.node_ports else []
    egress = [_to(_pods(instance, postgres.APP), POSTGRES_PORT)]
    if instance.own_broker:
        callers += [] if instance.asks_database else _pods(instance, mosquitto.APP)
        egress.append(_to(_pods(instance, mosquitto.APP), MQTT_PORT))
    else:
        egress.append(_to_managed_broker(instance))
    egress += _to_billing(instance)
    if instance.tenant.options.exporter:
        callers += _pods(instance, exporter.APP)
    if instance.tenant.options.node_red:
        callers += _pods(instance, nodered.APP)
    # What settles the API's first data once is let out as the API is.
    pods = {
        "matchLabels": {"app.kubernetes.io/instance": instance.tenant.id},
        "matchExpressions": [
            {"key": "app.kubernetes.io/name", "operator": "In", "values": [api.APP, settle.APP]}
        ],
    }
    return _policy(instance, api.APP, pods, ingress=[_from(callers, API_PORT)], egress=egress)


def _mosquitto(instance: Instance) -> Manifest:
    ports = [MQTT_PORT, WEBSOCKET_PORT]
    if instance.surroundings.broker_issuer is not None:
        ports.append(MQTTS_PORT)
    devices = _namespace(EDGE_NAMESPACE) + _everybody(instance)
    clients = _pods(instance, api.APP)
    if instance.tenant.options.node_red:
        clients += _pods(instance, nodered.APP)
    ingress = [
        _from(clients, MQTT_PORT),
        _from(devices, *ports),
        _from(_watchers(instance), MQTT_METRICS_PORT),
    ]
    if instance.tenant.mqtt.mode is MqttMode.DEDICATED:
        # The customer's own balancer hands on the devices' own addresses.
        ingress.append(_from([{"ipBlock": {"cidr": "0.0.0.0/0"}}], MQTTS_PORT))
    return _policy(
        instance,
        mosquitto.APP,
        _selected(instance, mosquitto.APP),
        ingress=ingress,
        egress=[
            _to(_pods(instance, postgres.APP), POSTGRES_PORT)
            if instance.asks_database
            else _to(_pods(instance, api.APP), API_PORT)
        ],
    )


def _exporter(instance: Instance) -> Manifest:
    egress = [_to(_pods(instance, api.APP), API_PORT)]
    egress += _to_billing(instance) or [_to(_internet(), HTTPS_PORT)]
    if instance.surroundings.prometheus is not None:
        egress.append(_to(_namespace(MONITORING_NAMESPACE), PROMETHEUS_PORT))
    return _policy(instance, exporter.APP, _selected(instance, exporter.APP), egress=egress)


def _to_managed_broker(instance: Instance) -> Rule:
    """Return the way to a broker of somebody else: on the internet, or exactly to its private address."""
    mqtt = instance.tenant.mqtt
    if mqtt.endpoint_address is None:
        return _to(_internet(), mqtt.endpoint_port)
    return _to([{"ipBlock": {"cidr": f"{mqtt.endpoint_address}/32"}}], mqtt.endpoint_port)


def _to_billing(instance: Instance) -> list[Rule]:
    """Return the way to the billing service of this cluster, if there is one."""
    port = instance.surroundings.billing_port
    if port is None:
        return []
    service = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": BILLING}}}
    return [_to([_namespace(BILLING_NAMESPACE)[0] | service], port)]


def _of_options(instance: Instance) -> list[Manifest]:
    """Return the policies of Node-RED, of the customer's own Prometheus and of Grafana."""
    options = instance.tenant.options
    web = _namespace(INGRESS_NAMESPACE)
    metrics = [_to(_pods(instance, postgres.APP), POSTGRES_METRICS_PORT)]
    broker = _to_managed_broker(instance)
    if instance.own_broker:
        metrics.append(_to(_pods(instance, mosquitto.APP), MQTT_METRICS_PORT))
        broker = _to(_pods(instance, mosquitto.APP), MQTT_PORT)
    found = []
    if options.node_red:
        found.append(
            _policy(
                instance,
                nodered.APP,
                _selected(instance, nodered.APP),
                ingress=[_from(web, NODE_RED_PORT)],
                egress=[_to(_pods(instance, api.APP), API_PORT), broker],
            )
        )
    if options.prometheus:
        readers = [_from(_pods(instance, grafana.APP), PROMETHEUS_PORT)] if options.grafana else []
        selected = _selected(instance, prometheus.APP)
        found.append(_policy(instance, prometheus.APP, selected, ingress=readers, egress=metrics))
    if options.grafana:
        found.append(
            _policy(
                instance,
                grafana.APP,
                _selected(instance, grafana.APP),
                ingress=[_from(web, GRAFANA_PORT)],
                egress=[_to(_pods(instance, prometheus.APP), PROMETHEUS_PORT)],
            )
        )
    return found


def _watchers(instance: Instance) -> Peers:
    """Return who may read metrics."""
    own = _pods(instance, prometheus.APP) if instance.tenant.options.prometheus else []
    return _namespace(MONITORING_NAMESPACE) + own


def _solvers(instance: Instance) -> Manifest:
    """Return the policy of cert-manager's pods that show a public authority a web page."""
    policy = _policy(
        instance,
        "certificate-solvers",
        {"matchLabels": {"acme.cert-manager.io/http01-solver": "true"}},
        ingress=[_from(_namespace(INGRESS_NAMESPACE), SOLVER_PORT)],
    )
    policy["metadata"]["annotations"] = as_annotations(PODS_OF_ANOTHER)
    return policy


def _policy(
    instance: Instance,
    name: str,
    pods: dict[str, Any],
    *,
    ingress: list[Rule] | None = None,
    egress: list[Rule] | None = None,
) -> Manifest:
    """Return a policy for one workload's pods, or for all; naming both directions, an empty one denies."""
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


def _from(peers: Peers, *ports: int) -> Rule:
    return {"from": peers, "ports": _ports(ports, ("TCP",))}


def _to(peers: Peers, *ports: int, protocols: tuple[str, ...] = ("TCP",)) -> Rule:
    return {"to": peers, "ports": _ports(ports, protocols)}


def _ports(numbers: tuple[int, ...], protocols: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"protocol": protocol, "port": number} for number in numbers for protocol in protocols]


def _selected(instance: Instance, app: str) -> dict[str, Any]:
    return {"matchLabels": instance.selector(app)}


def _pods(instance: Instance, app: str) -> Peers:
    return [{"podSelector": _selected(instance, app)}]


def _namespace(name: str) -> Peers:
    return [{"namespaceSelector": {"matchLabels": {NAMESPACE_NAME_LABEL: name}}}]


def _everybody(instance: Instance) -> Peers:
    """Return the world outside the cluster's pods, where the instance is reached by ports of the nodes."""
    return [{"ipBlock": {"cidr": "0.0.0.0/0"}}] if instance.node_ports else []


def _internet() -> Peers:
    return [{"ipBlock": {"cidr": "0.0.0.0/0", "except": list(PRIVATE_RANGES)}}]


def _dns() -> Peers:
    return [
        {
            "namespaceSelector": {"matchLabels": {NAMESPACE_NAME_LABEL: "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ]
