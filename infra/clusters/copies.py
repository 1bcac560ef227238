"""Where Velero keeps its copies in the stack's own cloud, and how it gets there without a key."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPlace:
    """A part of the store for backups.

    Attributes:
        provider: What the cloud is called among Velero's plugins.
        plugin: The plugin's image, by its name in versions.yaml.
        bucket: The bucket or container.
        prefix: The folder in it, or None where the container is Velero's alone.
        driver: What makes snapshots of volumes.
        config: What else the plugin has to be told.
        file: Where the plugin is, in the form in which it reads it. No secret: it is known by what it is.
    """

    provider: str
    plugin: str
    bucket: str
    prefix: str | None
    driver: str
    config: Mapping[str, str] = field(default_factory=dict)
    file: str | None = None
