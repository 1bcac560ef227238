"""What Velero has to know of the stack's own cloud, beside the way to its part of the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlace:
    """What a cloud is to Velero.

    Attributes:
        provider: What the cloud is called among Velero's plugins.
        plugin: The plugin's image, by its name in versions.yaml.
        driver: What makes snapshots of volumes.
        config: What the plugin has to be told of the store.
        file: Where the plugin is, in the form in which it reads it. No secret: it is known by what it is.
    """

    provider: str
    plugin: str
    driver: str
    config: Mapping[str, str] = field(default_factory=dict)
    file: str | None = None
