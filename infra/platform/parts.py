"""Which parts of the platform a stack has, by its configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.clusters.cloud_settings import balancer_annotations
from infra.clusters.services import DnsSolver
from infra.images import load_platform_image
from infra.names import CERTIFICATES_NAMESPACE, EDGE_NAMESPACE, INGRESS_NAMESPACE
from infra.platform.certificates import (
    SERVICE_ACCOUNT,
    WILDCARD_SECRET,
    Certificates,
    CertificatesArgs,
    Issuing,
)
from infra.platform.certificates_settings import CA_ISSUER
from infra.platform.haproxy import Edge
from infra.platform.ingress import Ingress, IngressArgs
from infra.platform.ingress_values import Front
from infra.platform.monitoring_parts import declare_watch, declare_watched
from infra.platform.mqtt_proxy import MqttProxy, MqttProxyArgs
from infra.platform.platform import Platform, PlatformArgs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.clusters.cluster import Cluster
    from infra.clusters.services import Zone
    from infra.component import Placement
    from infra.images import ImageSource
    from infra.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the rest of the program needs of the platform.

    Attributes:
        ready: What a customer's instance stands on, to be depended on.
        ingress: The ingress controller, if the stack installs one.
        edge: The MQTT edge, if there is one.
    """

    ready: Sequence[pulumi.Resource]
    ingress: Ingress | None = None
    edge: MqttProxy | None = None


def declare_platform(
    settings: Settings,
    *,
    images: ImageSource,
    placement: Placement,
    cluster: Cluster,
    zone: Zone | None,
) -> Parts:
    """Declare every part that the stack chose.

    Args:
        settings: What it chose.
        images: Where images come from.
        placement: Where everything goes.
        cluster: The cluster, with what its cloud offers and what it needs before.
        zone: The domain's zone, if the stack makes it.
    """
    platform = Platform(
        "platform",
        PlatformArgs(environment=settings.environment, placement=placement, depends_on=cluster.ready),
    )
    watch = declare_watch(settings, images=images, placement=placement, depends_on=platform.ready)
    ready: list[pulumi.Resource] = [*platform.ready, *watch]
    issued: dict[str, pulumi.Resource] = {}
    if settings.certificates.issuer != "none":
        certificates = Certificates(
            "certificates",
            CertificatesArgs(
                issuing=issuing_of(settings, zone),
                install=settings.certificates.installed(settings.cluster),
                monitoring=settings.monitoring,
                images=images,
                placement=placement,
                depends_on=[*platform.ready, *watch],
            ),
        )
        ready += certificates.issuers
        issued = certificates.issued
    controller = settings.ingress.installed(settings.cluster)
    ingress = None
    if controller != "none":
        ingress = Ingress(
            "ingress",
            IngressArgs(
                environment=settings.environment,
                controller=controller,
                front=Front(
                    replicas=settings.ingress.replicas,
                    balancer=settings.ingress.balancer(settings.cluster),
                    gateway=settings.routes == "gateway",
                    wildcard=INGRESS_NAMESPACE in issued,
                    monitoring=settings.monitoring,
                    images=images,
                ),
                placement=placement,
                depends_on=[*platform.ready, *watch, *_only(issued, INGRESS_NAMESPACE)],
            ),
        )
        ready += ingress.ready
    edge = None
    if settings.mqtt_edge.enabled:
        edge = MqttProxy(
            "mqtt-edge",
            MqttProxyArgs(
                environment=settings.environment,
                edge=Edge(
                    domain=settings.domain,
                    settings=settings.mqtt_edge,
                    balancer=balancer_annotations(settings.cluster),
                ),
                image=load_platform_image("haproxy", images),
                placement=placement,
                depends_on=[*platform.ready, *_only(issued, EDGE_NAMESPACE)],
            ),
        )
    declare_watched(settings, images=images, placement=placement, services=cluster.services, depends_on=ready)
    return Parts(ready=ready, ingress=ingress, edge=edge)


def issuing_of(settings: Settings, zone: Zone | None) -> Issuing:
    """Return who signs what, by the stack's configuration and in its zone."""
    chosen = settings.certificates
    wanted = []
    if chosen.wildcard and chosen.scope == "wildcard":
        wanted.append((INGRESS_NAMESPACE, WILDCARD_SECRET))
    if chosen.wildcard and settings.mqtt_edge.enabled and settings.mqtt_edge.mode == "terminate":
        wanted.append((EDGE_NAMESPACE, settings.mqtt_edge.certificate_secret))
    return Issuing(
        environment=settings.environment,
        domain=settings.domain,
        settings=chosen,
        ingress_class=settings.ingress_class,
        private_ca=CA_ISSUER in (chosen.issuer_name, settings.broker_issuer),
        solver=_solver(settings, zone),
        wanted=wanted,
    )


def _solver(settings: Settings, zone: Zone | None) -> DnsSolver | None:
    """Return how the DNS is written to: as the stack says, or else in the zone that it makes."""
    chosen = settings.certificates
    if zone is not None and chosen.own_zone(settings.cluster):
        return zone.solver(CERTIFICATES_NAMESPACE, SERVICE_ACCOUNT)
    if chosen.issuer != "dns01" or chosen.dns_solver is None:
        return None
    given = chosen.dns_solver
    return DnsSolver(dns01=given.dns01, annotations=given.annotations, pod_labels=given.pod_labels)


def _only(issued: dict[str, pulumi.Resource], namespace: str) -> list[pulumi.Resource]:
    """Return the certificate of one namespace, if it has one."""
    return [issued[namespace]] if namespace in issued else []
