"""What a stack has of monitoring, by its configuration: Prometheus and its company, and the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.names import MONITORING_NAMESPACE
from infra.platform.monitoring import PlatformRules, PlatformRulesArgs
from infra.platform.monitoring_stack import CHART, GRAFANA, MonitoringStack, MonitoringStackArgs
from infra.platform.monitoring_values import Watch
from infra.platform.web_route import Page, WebRoute, WebRouteArgs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.component import Placement
    from infra.images import ImageSource
    from infra.settings import Settings


def declare_watch(
    settings: Settings, *, images: ImageSource, placement: Placement, depends_on: Sequence[pulumi.Resource]
) -> list[pulumi.Resource]:
    """Declare what watches, and return what has to be there before something is watched.

    Args:
        settings: The stack's configuration.
        images: Where images come from.
        placement: Where everything goes.
        depends_on: The platform's namespaces.
    """
    if not settings.monitoring_stack.install:
        return []
    args = MonitoringStackArgs(
        environment=settings.environment,
        watch=watch_of(settings, images),
        secrets=settings.monitoring_secrets,
        master_key=settings.master_key,
        placement=placement,
        depends_on=depends_on,
    )
    return MonitoringStack("monitoring", args).ready


def declare_watched(
    settings: Settings, *, images: ImageSource, placement: Placement, depends_on: Sequence[pulumi.Resource]
) -> None:
    """Declare what is watched of the platform, and the way to the graphs of it.

    Args:
        settings: The stack's configuration.
        images: Where images come from.
        placement: Where everything goes.
        depends_on: What watches, the namespaces, and what serves hosts.
    """
    if settings.monitoring:
        PlatformRules(
            "rules",
            PlatformRulesArgs(
                environment=settings.environment,
                edge=settings.mqtt_edge.enabled,
                backups=settings.backup_repository is not None or settings.backup_store is not None,
                graphs=settings.monitoring_stack.install,
                placement=placement,
                depends_on=depends_on,
            ),
        )
    if settings.monitoring_stack.install:
        per_host = settings.certificates.scope == "customer"
        WebRoute(
            "grafana",
            WebRouteArgs(
                environment=settings.environment,
                page=Page(
                    name=GRAFANA,
                    namespace=MONITORING_NAMESPACE,
                    host=watch_of(settings, images).host,
                    service=f"{CHART}-{GRAFANA}",
                    port=80,
                ),
                gateway=settings.routes == "gateway",
                ingress_class=settings.ingress_class,
                issuer=settings.certificates.issuer_name if per_host else None,
                awaited=settings.await_routes,
                placement=placement,
                depends_on=depends_on,
            ),
        )


def watch_of(settings: Settings, images: ImageSource) -> Watch:
    """Return what the charts' values are made from."""
    return Watch(
        settings=settings.monitoring_stack,
        domain=settings.domain,
        storage_class=settings.storage_class,
        images=images,
    )
