"""Container images as files, made without a registry and without a container."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""What images call a kind of processor, by what Linux calls it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSpec:
    """What an image is made of.

    Attributes:
        layers: Layers, lowest first, as uncompressed tar files.
        entrypoint: The command.
        arguments: Its arguments where the pod names none.
        env: Environment variables.
        user: User and group, as numbers.
        folder: Working directory.
        stop_signal: What asks the process to end.
    """

    layers: Sequence[Path]
    entrypoint: Sequence[str]
    arguments: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = "0"
    folder: str = "/"
    stop_signal: str = "SIGTERM"


def write_layer(path: Path, files: Mapping[str, tuple[bytes, int]]) -> Path:
    """Write a layer of a few files, the same bytes every time.

    Args:
        path: The tar file to write.
        files: Content and mode, by path in the image; a path that ends in ``/`` is a folder.
    """
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, (content, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(name.strip("/"))
            entry.mode = mode
            if name.endswith("/"):
                entry.type = tarfile.DIRTYPE
                tar.addfile(entry)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return path


def write_archive(path: Path, images: Mapping[str, ImageSpec]) -> None:
    """Write images as one archive that every container runtime imports.

    Args:
        path: The file to write.
        images: What each image is made of, by its full reference.
    """
    digests = {layer: _sha256(layer) for image in images.values() for layer in image.layers}
    with tarfile.open(path, "w") as tar:
        for layer, digest in digests.items():
            tar.add(layer, arcname=f"{digest}.tar")
        manifest: list[dict[str, Any]] = []
        for reference, image in images.items():
            layers = [digests[layer] for layer in image.layers]
            config = json.dumps(_config(image, layers)).encode()
            name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add(tar, name, config)
            manifest.append(
                {"Config": name, "RepoTags": [reference], "Layers": [f"{layer}.tar" for layer in layers]}
            )
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _config(image: ImageSpec, digests: Sequence[str]) -> dict[str, Any]:
    return {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {
            "Entrypoint": list(image.entrypoint),
            "Cmd": list(image.arguments),
            "Env": [f"{name}={value}" for name, value in image.env.items()],
            "User": image.user,
            "WorkingDir": image.folder,
            "StopSignal": image.stop_signal,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
    }


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
