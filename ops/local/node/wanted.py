"""What the customers of an environment need of a node: images and processors."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from infra.images import Images, ImageSource, load_images, load_platform_image
from infra.platform.mqtt_proxy import CPU_REQUEST
from tenants.errors import UsageError
from tenants.quantities import millicores
from tenants.sizing import OPTIONAL, WATCHER, WATCHERS, components

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.registry import Registry
    from tenants.tenant import Tenant

_NONE = "none"
_CLUSTER_MILLICORES = 10
"""What the cluster's DNS asks for."""


def wanted_images(registry: Registry, config: Mapping[str, Any]) -> list[str]:
    """Return the references of all images that an environment's pods run.

    Args:
        registry: The customers.
        config: The stack's configuration, by key.
    """
    mirror = config.get("iotistic:imageMirror", _NONE)
    overrides = json.loads(config.get("iotistic:imageOverrides", "{}"))
    source = ImageSource(mirror=None if mirror == _NONE else mirror, overrides=overrides)
    images = load_images(source)
    chosen = {name for name in OPTIONAL for tenant in registry.tenants if getattr(tenant.options, name)}
    found = [
        str(getattr(images, item.name))
        for item in fields(Images)
        if item.name not in OPTIONAL or item.name in chosen
    ]
    if config.get("iotistic:mqttEdge", {}).get("enabled"):
        found.append(str(load_platform_image("haproxy", source)))
    return found


def refuse_small_machine(registry: Registry, *, processors: int, cpu_percent: int = 100) -> None:
    """Refuse customers that together ask for more processors than a node has.

    Args:
        registry: The customers.
        processors: How many the node has.
        cpu_percent: The part of the plans' processor that is set aside.

    Raises:
        UsageError: Some pods would never be given a place.
    """
    wanted = {tenant.id: _millicores(tenant, cpu_percent) for tenant in registry.tenants if tenant.runs}
    needed = sum(wanted.values()) + millicores(CPU_REQUEST) + _CLUSTER_MILLICORES
    if needed <= processors * 1000:
        return
    listing = ", ".join(f"{tenant} {amount / 1000:.2f}" for tenant, amount in wanted.items())
    raise UsageError.of(
        where="this machine",
        what=f"has {processors} processors, and its customers ask for {needed / 1000:.2f}: {listing}, "
        "the rest for the MQTT edge and the DNS of the cluster",
        why="some pods would find no place on the one node, and the run would wait for them in vain",
        how="suspend a customer (iotistic tenant suspend <id>), or set less of their processor aside "
        "(iotistic:cpuRequestPercent in Pulumi.dev.yaml), or use a machine with more processors, "
        "or the simulated nodes (make up)",
    )


def _millicores(tenant: Tenant, cpu_percent: int) -> int:
    """Return the processor requests of a customer's pods, as the scheduler adds them up."""
    promised = tenant.sizes.promising(cpu_percent)
    sizes = [getattr(promised, name) for name in components(tenant.options)] + [WATCHER] * WATCHERS
    return sum(millicores(size.cpu_request) for size in sizes)
