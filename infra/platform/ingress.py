"""The ingress controller: the one way in for people and programs, by HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pulumi
import pulumi_kubernetes as k8s

from infra.component import ServiceOfAChart
from infra.names import INGRESS_NAMESPACE, MONITORING_NAMESPACE, platform_labels
from infra.platform import gateway, ingress_values, policies
from infra.platform.chart import ChartComponent, load_chart
from infra.platform.ingress_values import CONTAINER_PORTS, METRICS_PORTS, PRIORITY_CLASS, Front

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from infra.component import Manifest, Placement

APP: Final = "ingress"
NGINX_WEBHOOK_PORT: Final = 8443

ARCHIVED: Final = (
    "ingress-nginx was archived in March 2026 and gets no security fixes; "
    "move to iotistic:ingress.controller: traefik"
)

SERVICES: Final = {"traefik": "traefik", "ingress-nginx": "ingress-nginx-controller"}
"""What each chart calls the Service that people reach."""

_VALUES: Final[Mapping[str, Callable[[Front], Mapping[str, object]]]] = {
    "traefik": ingress_values.traefik,
    "ingress-nginx": ingress_values.ingress_nginx,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressArgs:
    """What the ingress is made from.

    Attributes:
        environment: The environment's name, for labels.
        controller: The chart's name: ``traefik`` or ``ingress-nginx``.
        front: What its values are made from.
        placement: Where it goes.
        depends_on: The namespace, and what the chart's objects need.
    """

    environment: str
    controller: str
    front: Front
    placement: Placement
    depends_on: Sequence[pulumi.Resource] = field(default_factory=list)


def manifests(environment: str, controller: str) -> list[Manifest]:
    """Return the objects that the chart does not bring: the pods' priority, and who they may talk to."""
    policy = policies.Policies(app=APP, namespace=INGRESS_NAMESPACE, environment=environment)
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": PRIORITY_CLASS, "labels": platform_labels(PRIORITY_CLASS, environment)},
            "value": 100_000,
            "globalDefault": False,
            "description": "The ingress controller: one pod of it serves the people of many customers.",
        },
        policy.of_all("default-deny"),
        policy.of_all(APP, ingress=_callers(controller), egress=_reached()),
    ]


def _callers(controller: str) -> list[policies.Rule]:
    """Return who reaches the pods: anyone for HTTP, monitoring for the metrics."""
    open_ports = [*CONTAINER_PORTS[controller]]
    if controller == "ingress-nginx":
        # The API server asks its webhook, from an address that is not known.
        open_ports.append(NGINX_WEBHOOK_PORT)
    return [
        {"ports": policies.ports(*open_ports)},
        {
            "from": [policies.namespace(MONITORING_NAMESPACE)],
            "ports": policies.ports(METRICS_PORTS[controller]),
        },
    ]


def _reached() -> list[policies.Rule]:
    """Return whom the pods reach: the DNS, the API server, and what has routes.

    Each namespace's own policies say which of its pods take a call from here.
    """
    return [policies.DNS, {"ports": policies.ports(*policies.API_PORTS)}, {"to": [policies.OURS]}]


class Ingress(ChartComponent):
    """The ingress controller, in its namespace.

    Attributes:
        ready: What has to be there before a route gets an address.
    """

    def __init__(self, name: str, args: IngressArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("iotistic:platform:Ingress", name, placement=args.placement, opts=opts)
        if args.controller == "ingress-nginx":
            pulumi.log.warn(ARCHIVED, resource=self)
        before: list[pulumi.Resource] = [*args.depends_on]
        before += [
            self.declare(manifest, depends_on=args.depends_on)
            for manifest in manifests(args.environment, args.controller)
        ]
        if args.front.gateway:
            before.append(self._definitions())
        release = self.install(
            load_chart(args.controller),
            namespace=INGRESS_NAMESPACE,
            values=_VALUES[args.controller](args.front),
            depends_on=before,
        )
        self._controller = args.controller
        self._release = release
        self.ready: list[pulumi.Resource] = [release]
        if args.front.gateway:
            self.ready += [
                self.declare(manifest, depends_on=[release])
                for manifest in gateway.manifests(args.environment, wildcard=args.front.wildcard)
            ]
        self.register_outputs({})

    def find_balancer(self) -> pulumi.Output[str]:
        """Look up the host name or address of its balancer, for which Helm waits. To be asked once."""
        service = f"{INGRESS_NAMESPACE}/{SERVICES[self._controller]}"
        return ServiceOfAChart(
            f"{self._name}-service",
            # Not before the chart is there: nor is the Service.
            self._release.status.apply(lambda _: service),
            self.child_options(),
        ).balancer

    def _definitions(self) -> pulumi.Resource:
        """Return the Gateway API's definitions. They stay when this stack goes: every route hangs on them."""
        options = pulumi.ResourceOptions.merge(
            self.child_options(), pulumi.ResourceOptions(retain_on_delete=True)
        )
        return k8s.yaml.v2.ConfigFile(
            f"{self._name}-gateway-api", k8s.yaml.v2.ConfigFileArgs(file=gateway.definitions()), options
        )
