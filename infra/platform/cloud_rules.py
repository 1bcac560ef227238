"""Choices that cannot work in a cluster that the stack makes, refused before there is one."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final

from infra.clusters.cloud_settings import PROXY_PROTOCOL_ANNOTATION
from infra.findings import problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.clusters.cloud_settings import AnyCloud
    from infra.findings import Finding
    from infra.settings import Settings
    from tenants.errors import Problem

_BY_NAME: Final = frozenset({"eks"})
"""Clouds whose balancers have names; those of all others have addresses."""

_KEPT: Final = "leave it out: the balancer keeps the client's address as it is"


def cloud_problems(settings: Settings, *, where: str) -> list[Problem]:
    """Return everything that the stack's cloud cannot do, or the cluster that is made in it.

    Args:
        settings: The stack's configuration.
        where: Its file, for the messages.
    """
    cloud = settings.cloud
    if cloud is None:
        return []
    return problems(
        [*_without_effect(cloud), *_unread(settings), *_names(settings, cloud), *_proxy(settings, cloud)],
        where=where,
    )


def _without_effect(cloud: AnyCloud) -> Iterator[Finding]:
    if cloud.kind == "eks" and "maintenance" in cloud.model_fields_set:
        yield (
            "cloud.maintenance",
            "is set, and EKS has no windows of maintenance",
            "it would look as if AWS kept to it",
            "leave it out: EKS upgrades nothing by itself while a version is supported",
        )


def _unread(settings: Settings) -> Iterator[Finding]:
    if settings.monitoring and not settings.monitoring_stack.install:
        yield (
            "monitoring",
            "is true, in a cluster that this stack makes, and nothing is installed that knows of it",
            "the cluster would be made, and then refuse every rule and target: it does not know their kinds",
            "set iotistic:monitoringStack.install to true, or iotistic:monitoring to false",
        )


def _names(settings: Settings, cloud: AnyCloud) -> Iterator[Finding]:
    if settings.dns is None:
        return
    given = settings.dns.ingress_address
    if given is None:
        if settings.ingress.installed(settings.cluster) == "none":
            yield (
                "dns.ingressAddress",
                "is not set, and the stack installs no ingress controller",
                "it would not be known where the customers' hosts lead",
                "set it to where your controller's balancer is, or leave out ingress.controller: none",
            )
    elif cloud.kind in _BY_NAME and _is_address(given):
        yield (
            "dns.ingressAddress",
            f"is the address {given}, and AWS's balancers have names",
            "their records are CNAMEs, which hold a name: AWS would refuse them, or they would lead nowhere",
            "leave it out: the stack asks its own ingress controller; or set the balancer's name",
        )
    elif cloud.kind not in _BY_NAME and not _is_address(given):
        yield (
            "dns.ingressAddress",
            f"is {given}, which is no IPv4 address, and balancers in this cloud have one",
            "their records are A records, which hold an address: the cloud would refuse them",
            "leave it out: the stack asks its own ingress controller; or set the balancer's address",
        )


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True


def _proxy(settings: Settings, cloud: AnyCloud) -> Iterator[Finding]:
    edge = settings.mqtt_edge
    if not (edge.enabled and edge.proxy_protocol):
        return
    if cloud.kind != "eks":
        yield (
            "mqttEdge.proxyProtocol",
            f"is true, and the balancers of {cloud.kind} do not speak it",
            "the edge would wait for a line that never comes, and refuse every device",
            _KEPT,
        )
    elif edge.service_annotations.get(PROXY_PROTOCOL_ANNOTATION) != "*":
        yield (
            "mqttEdge.proxyProtocol",
            "is true, and the edge's balancer is not told to speak it",
            "the edge would wait for a line that never comes, and refuse every device",
            f'{_KEPT}; or add {PROXY_PROTOCOL_ANNOTATION}: "*" to mqttEdge.serviceAnnotations',
        )
