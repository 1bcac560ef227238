"""Which parts of the platform a stack has, by its configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.images import load_platform_image
from infra.platform.haproxy import Edge
from infra.platform.mqtt_proxy import MqttProxy, MqttProxyArgs
from infra.platform.platform import Platform, PlatformArgs

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pulumi

    from infra.component import Placement
    from infra.images import ImageSource
    from infra.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the rest of the program needs of the platform.

    Attributes:
        ready: What a customer's instance stands on, to be depended on.
        edge: The MQTT edge, if there is one.
    """

    ready: Sequence[pulumi.Resource]
    edge: MqttProxy | None = None


def declare_platform(settings: Settings, *, images: ImageSource, placement: Placement) -> Parts:
    """Declare every part that the stack chose."""
    platform = Platform("platform", PlatformArgs(environment=settings.environment, placement=placement))
    edge = None
    if settings.mqtt_edge.enabled:
        edge = MqttProxy(
            "mqtt-edge",
            MqttProxyArgs(
                environment=settings.environment,
                edge=Edge(domain=settings.domain, settings=settings.mqtt_edge),
                image=load_platform_image("haproxy", images),
                placement=placement,
                depends_on=platform.ready,
            ),
        )
    return Parts(ready=platform.ready, edge=edge)
