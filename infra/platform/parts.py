"""Which parts of the platform a stack has, by its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.images import load_platform_image
from infra.platform.haproxy import Edge
from infra.platform.monitoring import PlatformRules, PlatformRulesArgs
from infra.platform.mqtt_proxy import MqttProxy, MqttProxyArgs
from infra.platform.platform import Platform, PlatformArgs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.component import Placement
    from infra.images import ImageSource
    from infra.settings import Settings


def declare_platform(
    settings: Settings, *, images: ImageSource, placement: Placement
) -> Sequence[pulumi.Resource]:
    """Declare every part that the stack chose.

    Returns:
        What a customer's instance stands on, to be depended on.
    """
    platform = Platform("platform", PlatformArgs(environment=settings.environment, placement=placement))
    if settings.mqtt_edge.enabled:
        MqttProxy(
            "mqtt-edge",
            MqttProxyArgs(
                environment=settings.environment,
                edge=Edge(domain=settings.domain, settings=settings.mqtt_edge),
                image=load_platform_image("haproxy", images),
                placement=placement,
                depends_on=platform.ready,
            ),
        )
    if settings.monitoring:
        PlatformRules(
            "rules",
            PlatformRulesArgs(
                environment=settings.environment,
                edge=settings.mqtt_edge.enabled,
                backups=settings.backup_repository is not None,
                placement=placement,
                depends_on=platform.ready,
            ),
        )
    return platform.ready
