"""Container images: names and versions stand in versions.yaml and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

VERSIONS_FILE: Final = Path(__file__).resolve().parent.parent / "versions.yaml"


@dataclass(frozen=True, slots=True)
class Image:
    """One container image.

    Attributes:
        repository: Registry and name: ``docker.io/library/postgres``.
        version: Exact tag. Never ``latest``: the same registry must give the same pods.
    """

    repository: str
    version: str

    def __str__(self) -> str:
        """Return the reference as a pod takes it."""
        return f"{self.repository}:{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """Every image that a customer's instance runs."""

    postgres: Image
    mosquitto: Image
    api: Image
    dashboard: Image
    exporter: Image
    postgres_exporter: Image
    mosquitto_exporter: Image
    restic: Image

    def pinned(self, release: str | None) -> Images:
        """Return the images of a customer who stays on a release of Iotistic's own programs.

        Args:
            release: Their exact version, or None for the environment's.
        """
        if release is None:
            return self
        own = {name: replace(getattr(self, name), version=release) for name in ("api", "dashboard")}
        return replace(self, **own)


def load_images(path: Path = VERSIONS_FILE) -> Images:
    """Return the images as versions.yaml pins them."""
    entries = YAML(typ="safe", pure=True).load(path)["images"]
    return Images(**{name: Image(entry["repository"], entry["version"]) for name, entry in entries.items()})


def load_platform_image(name: str, path: Path = VERSIONS_FILE) -> Image:
    """Return an image of the platform, as versions.yaml pins it under ``platform_images``."""
    entry = YAML(typ="safe", pure=True).load(path)["platform_images"][name]
    return Image(entry["repository"], entry["version"])
