"""Prometheus, Alertmanager and Grafana: what reads the rules and targets of everything else.

| from                   | to                        | ports                            |
|------------------------|---------------------------|----------------------------------|
| every pod              | DNS                       | 53 UDP and TCP                   |
| prometheus             | whatever tells metrics    | any                              |
| grafana, exporters     | prometheus                | 9090                             |
| prometheus, grafana    | alertmanager              | 9093                             |
| alertmanager           | alertmanager              | 9094 TCP and UDP                 |
| alertmanager           | receivers                 | 443, and the mail servers' ports |
| ingress controller     | grafana                   | 3000                             |
| grafana                | the sign-on               | 443                              |
| grafana                | loki, if there is one     | 3100                             |
| operator, state, grafana | the API server          | 443, 6443                        |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from infra.customer import exporter
from infra.customer.ports import GRAFANA_PORT, PROMETHEUS_PORT
from infra.names import (
    INGRESS_NAMESPACE,
    LOGGING_NAMESPACE,
    MONITORING_NAMESPACE,
    NODE_EXPORTER_NAMESPACE,
    platform_labels,
)
from infra.platform import alertmanager, policies
from infra.platform.chart import ChartComponent, load_chart
from infra.platform.monitoring_settings import SIGN_ON_SECRET, EmailReceiver
from infra.platform.monitoring_values import GRAFANA_SECRET, values
from infra.platform.platform import platform_namespace
from tenants.secrets import derive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pulumi

    from infra.component import Manifest, Placement
    from infra.platform.monitoring_values import Watch

CHART: Final = "kube-prometheus-stack"
APP: Final = "monitoring"
PROMETHEUS: Final = "prometheus"
"""Name of Prometheus's Service, which customers' exporters ask, and of its pods."""

OPERATOR: Final = "kube-prometheus-stack-prometheus-operator"
STATE: Final = "kube-state-metrics"
GRAFANA: Final = "grafana"

ALERTMANAGER_PORT: Final = 9093
GOSSIP_PORT: Final = 9094
RELOADER_PORT: Final = 8080
STATE_PORTS: Final = (8080, 8081)
LOKI_PORT: Final = 3100


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringStackArgs:
    """What the stack is made from.

    Attributes:
        environment: The environment's name, for labels.
        watch: What the chart's values are made from.
        secrets: The receivers' secrets and that of the sign-on, by name.
        master_key: What the administrator's password is derived from.
        placement: Where it goes.
        depends_on: The platform's namespaces.
    """

    environment: str
    watch: Watch
    secrets: Mapping[str, str] = field(repr=False)
    master_key: bytes = field(repr=False)
    placement: Placement
    depends_on: Sequence[pulumi.Resource]


def secrets(args: MonitoringStackArgs) -> list[Manifest]:
    """Return Alertmanager's configuration and what Grafana has to keep to itself."""
    settings = args.watch.settings
    kept = {
        "user": "admin",
        "password": derive(
            args.master_key,
            # A reserved id: it never is a customer's too.
            tenant_id=APP,
            purpose="grafana-admin",
            epoch=settings.grafana_password_epoch,
        ),
    }
    if settings.sign_on is not None:
        kept[SIGN_ON_SECRET] = args.secrets[SIGN_ON_SECRET]
    grafana: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(GRAFANA_SECRET, args.environment),
        "type": "Opaque",
        "stringData": kept,
    }
    return [alertmanager.manifest(args.environment, settings.receivers, args.secrets), grafana]


def manifests(environment: str, watch: Watch) -> list[Manifest]:
    """Return what the chart does not bring, without the secrets.

    Args:
        environment: The environment's name, for labels.
        watch: What the chart's values are made from.
    """
    return [_service(environment), *_policies(environment, watch)]


def _metadata(name: str, environment: str) -> Manifest:
    return {
        "name": name,
        "namespace": MONITORING_NAMESPACE,
        "labels": platform_labels(APP, environment),
    }


def _service(environment: str) -> Manifest:
    """Return Prometheus's Service by the name that does not depend on the chart's."""
    metadata = _metadata(PROMETHEUS, environment)
    # It has no endpoint before the chart is installed, and the chart comes after it.
    metadata["annotations"] = {"pulumi.com/skipAwait": "true"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {
            "selector": {"app.kubernetes.io/name": PROMETHEUS},
            "ports": [{"name": "http", "port": PROMETHEUS_PORT, "targetPort": PROMETHEUS_PORT}],
        },
    }


def _policies(environment: str, watch: Watch) -> list[Manifest]:
    api_server: policies.Rule = {"ports": policies.ports(*policies.API_PORTS)}
    prometheus, grafana = policies.pods(PROMETHEUS), policies.pods(GRAFANA)
    gossip = [
        *policies.ports(GOSSIP_PORT),
        {"protocol": "UDP", "port": GOSSIP_PORT},
    ]
    siblings = policies.pods(alertmanager.APP)
    exporters = policies.OURS | policies.pods(exporter.APP)

    policy = policies.Policies(app=APP, namespace=MONITORING_NAMESPACE, environment=environment)
    return [
        policy.of_all("default-deny", egress=[policies.DNS]),
        policy.of(
            PROMETHEUS,
            ingress=[
                {"from": [grafana, exporters], "ports": policies.ports(PROMETHEUS_PORT)},
                {"from": [prometheus], "ports": policies.ports(PROMETHEUS_PORT, RELOADER_PORT)},
            ],
            # Metrics are told at ports of all kinds, at pods and at nodes.
            egress=[{}],
        ),
        policy.of(
            alertmanager.APP,
            ingress=[
                {"from": [prometheus, grafana], "ports": policies.ports(ALERTMANAGER_PORT)},
                {"from": [prometheus], "ports": policies.ports(RELOADER_PORT)},
                {"from": [siblings], "ports": gossip},
            ],
            egress=[
                {"to": [siblings], "ports": gossip},
                {"ports": policies.ports(*_receiving(watch))},
            ],
        ),
        policy.of(
            GRAFANA,
            ingress=[
                {
                    "from": [policies.namespace(INGRESS_NAMESPACE), prometheus],
                    "ports": policies.ports(GRAFANA_PORT),
                }
            ],
            egress=[
                {"to": [prometheus], "ports": policies.ports(PROMETHEUS_PORT)},
                {"to": [siblings], "ports": policies.ports(ALERTMANAGER_PORT)},
                # Its sidecar reads dashboards there; the sign-on is at 443 too.
                api_server,
                *([_logs()] if watch.logs else []),
            ],
        ),
        policy.of(
            STATE,
            ingress=[{"from": [prometheus], "ports": policies.ports(*STATE_PORTS)}],
            egress=[api_server],
        ),
        policy.of(
            OPERATOR,
            ingress=[{"from": [prometheus], "ports": policies.ports(RELOADER_PORT)}],
            egress=[api_server],
        ),
    ]


def _logs() -> policies.Rule:
    return {"to": [policies.namespace(LOGGING_NAMESPACE)], "ports": policies.ports(LOKI_PORT)}


def _receiving(watch: Watch) -> list[int]:
    """Return the ports that receivers of alerts are reached at."""
    mail = {receiver.port for receiver in watch.settings.receivers if isinstance(receiver, EmailReceiver)}
    return sorted({443, *mail})


class MonitoringStack(ChartComponent):
    """The chart, with the Secrets and policies it needs.

    Attributes:
        ready: What has to be there before something is watched: the kinds of the Prometheus operator.
    """

    def __init__(
        self, name: str, args: MonitoringStackArgs, *, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("iotistic:platform:MonitoringStack", name, placement=args.placement, opts=opts)
        # It reads the node itself, which only "privileged" allows; nothing else runs beside it.
        nodes = self.declare(
            platform_namespace(NODE_EXPORTER_NAMESPACE, args.environment, level="privileged"),
        )
        before: list[pulumi.Resource] = [nodes, *args.depends_on]
        wanted = [*secrets(args), *manifests(args.environment, args.watch)]
        before += [self.declare(manifest, depends_on=args.depends_on) for manifest in wanted]
        release = self.install(
            load_chart(CHART),
            namespace=MONITORING_NAMESPACE,
            values=values(args.watch),
            depends_on=before,
        )
        self.ready: list[pulumi.Resource] = [release]
        self.register_outputs({})
