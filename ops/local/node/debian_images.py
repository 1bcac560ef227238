"""Images of the servers a customer runs, from Debian packages, where no registry is in reach.

They keep the contract of the official images as far as this project uses it: environment,
paths, users, ports. All of them share one layer with the packages.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.local.node import debian
from ops.local.node.archive import ImageSpec, write_layer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PACKAGES: Final = (
    "base-files",
    "coreutils",
    "dash",
    "grep",
    "haproxy",
    "libc-bin",
    "mosquitto",
    "mosquitto-clients",
    "nginx-light",
    "postgresql-15",
    "procps",
    "prometheus-postgres-exporter",
    "redis-server",
    "restic",
    "sed",
)
_ENTRYPOINTS: Final = Path(__file__).parent / "entrypoints"
_SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UNUSED: Final = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache", "run")
_USERS: Final = {"postgres": 70, "nginx": 101, "haproxy": 99, "redis": 999, "mosquitto": 1883, "app": 1000}
"""Users of the official images. PostgreSQL and nginx look their own name up."""


def recipe(packages: Sequence[str] = PACKAGES) -> str:
    """Return what the images are made from, as text."""
    sources = [Path(__file__), *sorted(_ENTRYPOINTS.iterdir())]
    return "\n".join([*packages, *(file.read_text(encoding="utf-8") for file in sources)])


def base_layer(work: Path, packages: Sequence[str] = PACKAGES) -> Path:
    """Write the layer with all packages.

    Args:
        work: A folder that is thrown away afterwards, but for the layer.
        packages: Debian's names.
    """
    root = work / "root"
    debian.unpack(debian.download(packages, work / "packages"), root)
    shutil.rmtree(work / "packages")
    for name in _UNUSED:
        shutil.rmtree(root / name, ignore_errors=True)
    for name, text in _accounts().items():
        (root / name).write_text(text, encoding="utf-8")
    for name in ("run", "tmp", "var/cache", "var/run"):
        (root / name).mkdir(parents=True, exist_ok=True)
    layer = work / "debian.tar"
    subprocess.run(  # noqa: S603 - fixed arguments
        ["/bin/tar", "--create", f"--file={layer}", f"--directory={root}", "--sort=name", "--mtime=@0", "."],
        check=True,
    )
    shutil.rmtree(root)
    return layer


def _accounts() -> Mapping[str, str]:
    users = {"root": 0, **_USERS, "nobody": 65534}
    return {
        "etc/passwd": "".join(f"{name}:x:{number}:{number}::/:/bin/sh\n" for name, number in users.items()),
        "etc/group": "".join(f"{name}:x:{number}:\n" for name, number in users.items()),
    }


def postgres(work: Path, base: Path) -> ImageSpec:
    """Return PostgreSQL 15 with the official image's first-run steps."""
    script = (_ENTRYPOINTS / "postgres.sh").read_bytes()
    layer = write_layer(work / "postgres.tar", {"usr/local/bin/docker-entrypoint.sh": (script, 0o755)})
    return ImageSpec(
        layers=[base, layer],
        entrypoint=["docker-entrypoint.sh"],
        arguments=["postgres"],
        env={
            "PATH": f"/usr/lib/postgresql/15/bin:{_SEARCH_PATH}",
            "LANG": "C.UTF-8",
            "PGDATA": "/var/lib/postgresql/data",
        },
        user="70:70",
        # It would wait for every client to leave by itself on any other.
        stop_signal="SIGINT",
    )


def plain(base: Path, *command: str, user: str, layers: Sequence[Path] = (), folder: str = "/") -> ImageSpec:
    """Return an image that runs one of the packages' programs.

    Args:
        base: The layer with all packages.
        command: Program and arguments.
        user: User and group, as numbers.
        layers: More layers on top.
        folder: Working directory.
    """
    return ImageSpec(
        layers=[base, *layers],
        entrypoint=command[:1],
        arguments=command[1:],
        env={"PATH": _SEARCH_PATH},
        user=user,
        folder=folder,
    )
