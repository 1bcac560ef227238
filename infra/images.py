"""Container images: names and versions stand in versions.yaml and nowhere else.

Every reference goes through one `ImageSource`, so that a cluster without the internet points
all of them at a mirror, or single ones elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML

from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSIONS_FILE: Final = Path(__file__).resolve().parent.parent / "versions.yaml"

_HOST: Final = re.compile(r"^(localhost|[a-z0-9.-]+\.[a-z0-9.-]+|[a-z0-9.-]+:[0-9]+)$")
_REFERENCE: Final = re.compile(
    r"^(?P<repository>[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+)"
    r":(?P<version>[A-Za-z0-9_][A-Za-z0-9_.-]{0,62})(@(?P<digest>sha256:[0-9a-f]{64}))?$"
)
"""A registry's host, a path, a tag (at most 63 characters: it becomes a label) and maybe a digest."""
_MIRROR: Final = re.compile(r"^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*$")


@dataclass(frozen=True, slots=True)
class Image:
    """One container image.

    Attributes:
        repository: Registry and name: ``docker.io/library/postgres``.
        version: Exact tag. Never ``latest``: the same registry must give the same pods.
        digest: The content, ``sha256:`` and 64 hexadecimal digits, if it is pinned too.
    """

    repository: str
    version: str
    digest: str | None = None

    def __str__(self) -> str:
        """Return the reference as a pod takes it."""
        pinned = "" if self.digest is None else f"@{self.digest}"
        return f"{self.repository}:{self.version}{pinned}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """Where images come from.

    Attributes:
        mirror: Registry, and maybe a path in it, that stands for every publisher's registry:
            with ``mirror.example.com/hub``, ``docker.io/library/postgres`` is taken from
            ``mirror.example.com/hub/library/postgres``. None to ask the publishers.
        overrides: Whole references of single images, by their name in versions.yaml. They are
            taken as they are: the mirror is not put before them.
    """

    mirror: str | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str, published: Image) -> Image:
        """Return where to take an image from; tag and digest stay what they are.

        Args:
            name: The image's name in versions.yaml.
            published: The image as its publisher offers it.
        """
        if name in self.overrides:
            return parse(self.overrides[name])
        if self.mirror is None:
            return published
        host, _, path = published.repository.partition("/")
        kept = path if _HOST.match(host) else published.repository
        return Image(f"{self.mirror}/{kept}", published.version, published.digest)

    def registry(self, publisher: str) -> str:
        """Return the registry that a chart takes images of ``publisher`` from; paths below it are the same.

        A chart names and versions its own images, so single ones cannot be taken from elsewhere.
        """
        return publisher if self.mirror is None else self.mirror

    def check(self, *, where: str, path: Path = VERSIONS_FILE) -> None:
        """Refuse a mirror or an override that could not work.

        Args:
            where: The configuration file, for the messages.
            path: File with the images' names.

        Raises:
            UsageError: With one problem for each.
        """
        known = {name for group in ("images", "platform_images") for name in entries(path, group)}
        problems = []
        if self.mirror is not None and not _MIRROR.match(self.mirror):
            problems.append(
                Problem(
                    where=f"{where}: iotistic:imageMirror",
                    what=f"{self.mirror!r} is no registry",
                    why="every pod would wait for its image for ever",
                    how="write a host, maybe a port and a path: registry.example.com/mirror",
                )
            )
        for name, reference in sorted(self.overrides.items()):
            if name not in known:
                problems.append(
                    Problem(
                        where=f"{where}: iotistic:imageOverrides.{name}",
                        what="names no image of versions.yaml",
                        why="the override would change nothing",
                        how=f"use one of {', '.join(sorted(known))}",
                    )
                )
            elif not is_exact(reference):
                problems.append(
                    Problem(
                        where=f"{where}: iotistic:imageOverrides.{name}",
                        what=f"{reference!r} is no exact reference",
                        why="the same registry would not give the same pods",
                        how="write host, path and tag, and maybe the digest: "
                        "registry.example.com/postgres:15.15@sha256:<64 digits>",
                    )
                )
        if problems:
            raise UsageError(problems)


PUBLISHERS: Final = ImageSource()
"""Every image from its publisher."""


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
    node_red: Image
    prometheus: Image
    grafana: Image

    def pinned(self, release: str | None) -> Images:
        """Return the images of a customer who stays on a release of Iotistic's own programs.

        Args:
            release: Their exact version, or None for the environment's.
        """
        if release is None:
            return self
        own = {
            name: replace(getattr(self, name), version=release, digest=None) for name in ("api", "dashboard")
        }
        return replace(self, **own)


def is_exact(reference: str) -> bool:
    """Return whether a whole reference names a version, which ``latest`` is not."""
    return _REFERENCE.match(reference) is not None and parse(reference).version != "latest"


def parse(reference: str) -> Image:
    """Return the image that a whole reference names.

    Raises:
        ValueError: The reference names no exact version.
    """
    match = _REFERENCE.match(reference)
    if match is None:
        raise ValueError(reference)
    return Image(match["repository"], match["version"], match["digest"])


def load_images(source: ImageSource = PUBLISHERS, *, path: Path = VERSIONS_FILE) -> Images:
    """Return a customer's images as versions.yaml pins them, from where ``source`` says."""
    pinned = entries(path, "images")
    return Images(**{item.name: source.find(item.name, _image(pinned[item.name])) for item in fields(Images)})


def load_platform_image(name: str, source: ImageSource = PUBLISHERS, *, path: Path = VERSIONS_FILE) -> Image:
    """Return an image of the platform, as versions.yaml pins it under ``platform_images``."""
    return source.find(name, _image(entries(path, "platform_images")[name]))


def entries(path: Path, group: str) -> dict[str, dict[str, Any]]:
    """Return one group of versions.yaml, by name."""
    found: dict[str, dict[str, Any]] = YAML(typ="safe", pure=True).load(path)[group]
    return found


def _image(entry: dict[str, Any]) -> Image:
    return Image(entry["repository"], entry["version"], entry.get("digest"))
