"""What a stack has of monitoring, by its configuration: Prometheus and its company, the rules, the logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.names import LOGGING_NAMESPACE, MONITORING_NAMESPACE
from infra.platform.logging_stack import LoggingStack, LoggingStackArgs
from infra.platform.logging_values import ADDRESS, LOKI, Logs
from infra.platform.monitoring import PlatformRules, PlatformRulesArgs
from infra.platform.monitoring_stack import CHART, GRAFANA, MonitoringStack, MonitoringStackArgs
from infra.platform.monitoring_values import Watch
from infra.platform.web_route import Page, declare_page
from tenants import plans

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.clusters.services import Services
    from infra.component import Placement
    from infra.images import ImageSource
    from infra.settings import Settings

LOG_STORE: Final = "logs"
"""What the place for logs is called among the cluster's resources."""

PLANS_FILE: Final = Path(plans.__file__).with_name("plans.yaml")


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
    settings: Settings,
    *,
    images: ImageSource,
    placement: Placement,
    services: Services | None,
    depends_on: Sequence[pulumi.Resource],
) -> None:
    """Declare what is watched of the platform, its logs, and the way to the graphs of it.

    Args:
        settings: The stack's configuration.
        images: Where images come from.
        placement: Where everything goes.
        services: What the cluster's cloud offers, if it is one that the stack makes.
        depends_on: What watches, the namespaces, and what serves hosts.
    """
    if settings.monitoring:
        PlatformRules(
            "rules",
            PlatformRulesArgs(
                environment=settings.environment,
                edge=settings.mqtt_edge.enabled,
                billing=settings.billing is not None,
                backups=settings.backup_repository is not None or settings.backup_store is not None,
                graphs=settings.monitoring_stack.install,
                placement=placement,
                depends_on=depends_on,
            ),
        )
    if settings.monitoring_stack.install:
        page = Page(
            name=GRAFANA,
            namespace=MONITORING_NAMESPACE,
            host=watch_of(settings, images).host,
            service=f"{CHART}-{GRAFANA}",
            port=80,
        )
        declare_page(settings, page, placement=placement, depends_on=depends_on)
    if settings.logging.install:
        LoggingStack(
            "logging",
            LoggingStackArgs(
                environment=settings.environment,
                logs=logs_of(settings, images, services),
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
        logs=ADDRESS if settings.logging.install else None,
    )


def logs_of(settings: Settings, images: ImageSource, services: Services | None) -> Logs:
    """Return what the values of the logs' charts are made from, and make their place in the cloud."""
    chosen, objects, identity = settings.logging.store, None, None
    if chosen is not None and settings.cloud is not None and services is not None:
        store = services.store(LOG_STORE, chosen.name, undelete_days=chosen.undelete_days)
        objects = settings.cloud.objects(chosen.name, LOGGING_NAMESPACE)
        identity = store.part(LOGGING_NAMESPACE, LOKI)
    return Logs(
        settings=settings.logging,
        # As long as metrics: that is what the plan promises people to see of the past.
        retention_days={
            name: plan.monitoring.retention_days for name, plan in plans.load_plans(PLANS_FILE).plans.items()
        },
        storage_class=settings.storage_class,
        images=images,
        monitoring=settings.monitoring,
        objects=objects,
        identity=identity,
    )
