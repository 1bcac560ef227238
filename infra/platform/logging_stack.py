"""The logs: Loki keeps them, Alloy reads them on each node and takes secrets out of them.

| from                | to             | ports          |
|---------------------|----------------|----------------|
| every pod           | DNS            | 53 UDP and TCP |
| alloy, grafana      | loki           | 3100           |
| prometheus          | loki, alloy    | 3100, 12345    |
| loki                | loki           | 7946, 9095     |
| alloy               | the API server | 443, 6443      |
| loki                | the cloud      | 443, 80        |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.component import KubernetesObject, logical_name
from infra.customer.isolation import CREDENTIALS_PORT
from infra.customer.model import checksum
from infra.names import LOG_AGENT_NAMESPACE, LOGGING_NAMESPACE, MONITORING_NAMESPACE, platform_labels
from infra.platform import logging_values, policies
from infra.platform.chart import ChartComponent, load_chart
from infra.platform.logging_values import ALLOY, ALLOY_PORT, CONFIG_FILE, LOKI, Logs
from infra.platform.monitoring_stack import LOKI_PORT
from infra.platform.platform import platform_namespace

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.clusters.objects import ObjectRoute
    from infra.component import Manifest, Placement

APP: Final = "logging"
MEMBER_PORTS: Final = (7946, 9095)
"""Where Loki's processes find and ask each other; with one it finds itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingStackArgs:
    """What the stack is made from.

    Attributes:
        environment: The environment's name, for labels.
        logs: What the charts' values are made from.
        placement: Where everything goes.
        depends_on: What the charts' objects need.
    """

    environment: str
    logs: Logs
    placement: Placement
    depends_on: Sequence[pulumi.Resource]


def namespaces(environment: str) -> list[Manifest]:
    """Return the store's namespace, as strict as a customer's, and the agent's, which may see the node."""
    return [
        platform_namespace(LOGGING_NAMESPACE, environment),
        platform_namespace(LOG_AGENT_NAMESPACE, environment, level="privileged"),
    ]


def manifests(environment: str, objects: ObjectRoute | None = None) -> list[Manifest]:
    """Return the agent's configuration, and who may talk to whom.

    Args:
        environment: The environment's name, for labels.
        objects: The way to a place in the cloud, if logs are kept there.
    """
    return [_config_map(environment), *_policies(environment, objects)]


def _config_map(environment: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": ALLOY,
            "namespace": LOG_AGENT_NAMESPACE,
            "labels": platform_labels(APP, environment),
        },
        "data": {CONFIG_FILE: logging_values.agent_configuration()},
    }


def _policies(environment: str, objects: ObjectRoute | None) -> list[Manifest]:
    watching, agents = policies.namespace(MONITORING_NAMESPACE), policies.namespace(LOG_AGENT_NAMESPACE)
    own = policies.pods(LOKI)

    store = policies.Policies(app=APP, namespace=LOGGING_NAMESPACE, environment=environment)
    agent = policies.Policies(app=APP, namespace=LOG_AGENT_NAMESPACE, environment=environment)
    return [
        store.of_all("default-deny", egress=[policies.DNS]),
        agent.of_all("default-deny", egress=[policies.DNS]),
        store.of(
            LOKI,
            ingress=[
                {"from": [agents, watching], "ports": policies.ports(LOKI_PORT)},
                {"from": [own], "ports": policies.ports(*MEMBER_PORTS)},
            ],
            egress=[{"to": [own], "ports": policies.ports(*MEMBER_PORTS)}, *_to_the_cloud(objects)],
        ),
        agent.of(
            ALLOY,
            ingress=[{"from": [watching], "ports": policies.ports(ALLOY_PORT)}],
            egress=[
                {"to": [policies.namespace(LOGGING_NAMESPACE)], "ports": policies.ports(LOKI_PORT)},
                {"ports": policies.ports(*policies.API_PORTS)},
            ],
        ),
    ]


def _to_the_cloud(objects: ObjectRoute | None) -> list[policies.Rule]:
    if objects is None:
        return []
    reached: list[policies.Rule] = [{"ports": policies.ports(443)}]
    if objects.credentials is not None:
        peer = {"ipBlock": {"cidr": objects.credentials}}
        reached.append({"to": [peer], "ports": policies.ports(CREDENTIALS_PORT)})
    return reached


class LoggingStack(ChartComponent):
    """Both charts, in their namespaces. The agents come last: they need somewhere to send to."""

    def __init__(
        self, name: str, args: LoggingStackArgs, *, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("iotistic:platform:LoggingStack", name, placement=args.placement, opts=opts)
        homes = [
            self.declare(item, depends_on=args.depends_on, holds_data=True)
            for item in namespaces(args.environment)
        ]
        before: list[pulumi.Resource] = [*args.depends_on, *homes]
        wanted = manifests(args.environment, args.logs.objects)
        # By namespace too: both have a policy of the same name.
        before += [
            KubernetesObject(
                f"{name}-{item['metadata']['namespace']}-{logical_name(item)}",
                item,
                self.child_options(depends_on=homes),
            )
            for item in wanted
        ]
        store = self.install(
            load_chart(LOKI),
            namespace=LOGGING_NAMESPACE,
            values=logging_values.loki(args.logs),
            depends_on=[*before, *(args.logs.identity.ready if args.logs.identity else ())],
        )
        fingerprint = checksum({CONFIG_FILE: logging_values.agent_configuration()})
        self.install(
            load_chart(ALLOY),
            namespace=LOG_AGENT_NAMESPACE,
            values=logging_values.alloy(args.logs, checksum=fingerprint),
            depends_on=[*before, store],
        )
        self.register_outputs({})
