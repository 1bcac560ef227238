"""The MQTT edge: the one way in for devices, whoever their customer is.

HAProxy in front of every customer's broker. Which broker a connection goes to follows
from the name in its TLS handshake, so a new customer changes nothing here. See
``haproxy.py`` for how, and docs/decisions for why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra import exemptions
from infra.clusters import pools
from infra.component import Component, Placement, logical_name
from infra.customer.model import checksum
from infra.customer.pods import CONFIG_CHECKSUM, container, http_probe
from infra.customer.ports import MQTTS_PORT
from infra.names import EDGE_NAMESPACE, MONITORING_NAMESPACE, NAMESPACE_NAME_LABEL, platform_labels
from infra.platform.haproxy import (
    BROKER_PORTS,
    CERTIFICATE_DIRECTORY,
    CONFIGURATION_DIRECTORY,
    METRICS_PORT,
    Edge,
    configuration_files,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.component import Manifest
    from infra.images import Image

APP: Final = "mqtt-edge"
SELECTOR: Final = {"app.kubernetes.io/name": APP}
PRIORITY_CLASS: Final = "iotistic-edge"

CPU_REQUEST: Final = "250m"
"""What one process is sure to get."""

HAPROXY_USER: Final = 99
"""User of the upstream image."""

LEAVE_SECONDS: Final = 15
"""How long a pod that ends still takes new connections: until every balancer knows that it ends."""

MARGIN_SECONDS: Final = 15
"""Between the last client's end and the kubelet's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttProxyArgs:
    """What the edge is made from.

    Attributes:
        environment: The environment's name, for labels.
        edge: The customers' domain and what the stack chose.
        image: HAProxy's image.
        placement: Where it goes.
        depends_on: The namespace.
    """

    environment: str
    edge: Edge
    image: Image
    placement: Placement
    depends_on: Sequence[pulumi.Resource]


def manifests(environment: str, edge: Edge, image: Image) -> list[Manifest]:
    """Return every object of the edge, in the order in which they are needed."""
    files = configuration_files(edge)
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": PRIORITY_CLASS, "labels": platform_labels(PRIORITY_CLASS, environment)},
            "value": 100_000,
            "globalDefault": False,
            "description": "The MQTT edge: one pod of it serves the devices of many customers.",
        },
        *_network_policies(environment, edge),
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": _metadata(APP, environment),
            "automountServiceAccountToken": False,
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(APP, environment), "data": files},
        _deployment(environment, edge, image, files),
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": _metadata(APP, environment),
            "spec": {
                "maxUnavailable": 1,
                "selector": {"matchLabels": SELECTOR},
                # A pod that does not work anyway must not keep a node from being emptied.
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {
                **_metadata(APP, environment),
                "annotations": {**edge.balancer, **edge.settings.service_annotations},
            },
            "spec": {
                "type": "LoadBalancer",
                "ipFamilyPolicy": "PreferDualStack" if edge.settings.ipv6 else "SingleStack",
                # Keeps the client's address, which the limits count by, and spares a hop.
                "externalTrafficPolicy": "Local",
                "selector": SELECTOR,
                "ports": [_port("mqtts", MQTTS_PORT)],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(f"{APP}-metrics", environment),
            "spec": {
                "type": "ClusterIP",
                "selector": SELECTOR,
                "ports": [_port("metrics", METRICS_PORT)],
            },
        },
    ]


def _metadata(name: str, environment: str) -> dict[str, Any]:
    return {"name": name, "namespace": EDGE_NAMESPACE, "labels": platform_labels(APP, environment)}


def _port(name: str, number: int) -> dict[str, Any]:
    return {"name": name, "port": number, "targetPort": name, "protocol": "TCP"}


def _deployment(environment: str, edge: Edge, image: Image, files: dict[str, str]) -> Manifest:
    labels = {**platform_labels(APP, environment), "app.kubernetes.io/version": image.version}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            **_metadata(APP, environment),
            "labels": labels,
            "annotations": exemptions.as_annotations(*exemptions.OF_EVERY_SERVER),
        },
        "spec": {
            "replicas": edge.settings.replicas,
            "selector": {"matchLabels": SELECTOR},
            # A new pod takes connections before an old one stops to.
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels, "annotations": {CONFIG_CHECKSUM: checksum(files)}},
                "spec": _pod(edge, image),
            },
        },
    }


def _pod(edge: Edge, image: Image) -> dict[str, Any]:
    mounts = {"configuration": CONFIGURATION_DIRECTORY}
    volumes: list[dict[str, Any]] = [{"name": "configuration", "configMap": {"name": APP}}]
    if edge.settings.mode == "terminate":
        mounts["certificate"] = CERTIFICATE_DIRECTORY
        secret = {"secretName": edge.settings.certificate_secret, "defaultMode": 0o440}
        volumes.append({"name": "certificate", "secret": secret})
    haproxy = container(
        "haproxy",
        image,
        ports={"mqtts": MQTTS_PORT, "metrics": METRICS_PORT},
        # Memory: about 50 kB a connection with TLS, at the most that one process holds.
        resources={
            "requests": {"cpu": CPU_REQUEST, "memory": "256Mi"},
            "limits": {
                "cpu": str(edge.settings.threads),
                "memory": f"{256 + edge.settings.max_connections // 20}Mi",
            },
        },
        probe=http_probe("/healthz", "metrics"),
        mounts=mounts,
    )
    haproxy["command"] = ["haproxy", "-db", "-f", f"{CONFIGURATION_DIRECTORY}/haproxy.cfg"]
    haproxy["lifecycle"] = {"preStop": {"exec": {"command": ["/bin/sh", "-c", _leave(edge)]}}}
    return {
        "serviceAccountName": APP,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "priorityClassName": PRIORITY_CLASS,
        **pools.of_the_platform(),
        "terminationGracePeriodSeconds": LEAVE_SECONDS + edge.settings.drain_seconds + MARGIN_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": HAPROXY_USER,
            "runAsGroup": HAPROXY_USER,
            "fsGroup": HAPROXY_USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            # Never two on one node while another has none; over zones as well as it goes.
            _spread("kubernetes.io/hostname", "DoNotSchedule"),
            _spread("topology.kubernetes.io/zone", "ScheduleAnyway"),
        ],
        "containers": [haproxy],
        "volumes": volumes,
    }


def _leave(edge: Edge) -> str:
    """Return what a pod does before it ends.

    It takes connections until the balancers have noticed, then none (SIGUSR1) while it
    serves those it has. It waits here for that, because what the kubelet sends afterwards
    depends on the image. The container ends, and this with it, once the last client left.
    """
    return f"sleep {LEAVE_SECONDS}; kill -USR1 1; sleep {edge.settings.drain_seconds}"


def _spread(key: str, otherwise: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": otherwise,
        "labelSelector": {"matchLabels": SELECTOR},
        # Old pods of a rollout do not count against new ones.
        "matchLabelKeys": ["pod-template-hash"],
    }


def _network_policies(environment: str, edge: Edge) -> list[Manifest]:
    """Return who may talk with the edge, and with whom it may.

    Anyone may connect to MQTT, monitoring to the metrics; the edge itself reaches the
    cluster's DNS and customers' brokers, and nothing else.
    """
    monitoring = {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME_LABEL: MONITORING_NAMESPACE}}}
    dns = {
        "namespaceSelector": {"matchLabels": {NAMESPACE_NAME_LABEL: "kube-system"}},
        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
    }
    brokers = {
        "namespaceSelector": {"matchExpressions": [{"key": "iotistic.io/tenant", "operator": "Exists"}]},
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "mosquitto"}},
    }
    broker_port = BROKER_PORTS[edge.settings.mode]
    return [
        _policy("default-deny", environment, {}),
        _policy(
            APP,
            environment,
            {"matchLabels": SELECTOR},
            ingress=[
                {"ports": [{"protocol": "TCP", "port": MQTTS_PORT}]},
                {"from": [monitoring], "ports": [{"protocol": "TCP", "port": METRICS_PORT}]},
            ],
            egress=[
                {"to": [dns], "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]},
                {"to": [brokers], "ports": [{"protocol": "TCP", "port": broker_port}]},
            ],
        ),
    ]


def _policy(
    name: str,
    environment: str,
    pods: dict[str, Any],
    *,
    ingress: Sequence[dict[str, Any]] = (),
    egress: Sequence[dict[str, Any]] = (),
) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(name, environment),
        "spec": {
            "podSelector": pods,
            "policyTypes": ["Ingress", "Egress"],
            "ingress": list(ingress),
            "egress": list(egress),
        },
    }


class MqttProxy(Component):
    """The MQTT edge, in its namespace."""

    def __init__(self, name: str, args: MqttProxyArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("iotistic:platform:MqttProxy", name, placement=args.placement, opts=opts)
        objects = {
            logical_name(manifest): self.declare(manifest, depends_on=args.depends_on)
            for manifest in manifests(args.environment, args.edge, args.image)
        }
        self._service = objects[f"service-{APP}"]
        self.register_outputs({})

    @property
    def address(self) -> pulumi.Output[str]:
        """Host name or address of its balancer. Only who asks has to wait until there is one."""
        return self._service.balancer
