"""Which images the customers of an environment need."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from infra.images import Images, ImageSource, load_images, load_platform_image
from tenants.sizing import OPTIONAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.registry import Registry

_NONE = "none"


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
