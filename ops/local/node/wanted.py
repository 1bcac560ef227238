"""Which images the customers of an environment need."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from infra.images import Images, ImageSource, load_images, load_platform_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tenants.registry import Registry

_NONE = "none"
_OPTIONAL = "exporter"
"""The one image that only customers with an option run."""


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
    optional = any(tenant.options.exporter for tenant in registry.tenants)
    found = [str(getattr(images, item.name)) for item in fields(Images) if optional or item.name != _OPTIONAL]
    if config.get("iotistic:mqttEdge", {}).get("enabled"):
        found.append(str(load_platform_image("haproxy", source)))
    return found
