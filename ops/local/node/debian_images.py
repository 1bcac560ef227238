"""What stands in for published images where no registry is in reach, from Debian packages.

Each keeps the contract of the official image as far as this project uses it: environment,
paths, users, ports. All of them share one layer with the packages.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Protocol

from ops.local.node import debian
from ops.local.node.archive import ImageSpec, write_archive, write_layer
from ops.local.node.commands import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PACKAGES: Final = (
    "base-files",
    "coreutils",
    "dash",
    "grep",
    "haproxy",
    "libc-bin",
    "nginx-light",
    "postgresql-15",
    "procps",
    "prometheus-postgres-exporter",
    "redis-server",
    "restic",
    "sed",
)
_FILES: Final = Path(__file__).parent / "files"
_SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ARCHIVE: Final = "image.tar"
"""Name of a finished archive in its folder."""
_UNUSED: Final = (
    *("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/i18n", "var/cache/*", "run/*"),
    # PostgreSQL compiles nothing where the compiler is missing, and says so nowhere.
    *("usr/lib/*/libLLVM*", "usr/lib/*/libz3*", "usr/lib/postgresql/*/lib/llvmjit*"),
    "usr/lib/postgresql/*/lib/bitcode",
    # Only Debian's own commands around the servers are written in it.
    *("usr/bin/perl*", "usr/lib/*/libperl*", "usr/lib/*/perl*", "usr/share/perl*"),
)
"""What the packages bring and no image runs: half of their bytes, which every node has to unpack."""
_USERS: Final = {"postgres": 70, "nginx": 101, "haproxy": 99, "redis": 999, "mosquitto": 1883, "app": 1000}
"""Users of the official images. PostgreSQL and nginx look their own name up."""


class Maker(Protocol):
    """Makes one image on top of the layer with all packages."""

    def __call__(self, work: Path, base: Path, /) -> ImageSpec:
        """Return the image.

        Args:
            work: A folder that is thrown away once the image's archive is written.
            base: The layer with all packages.
        """


def recipe(packages: Sequence[str] = PACKAGES) -> str:
    """Return what the images are made from, as text: an update of a package makes them anew.

    Raises:
        SourceFailedError: This is no Debian, or there are no lists of its packages.
    """
    sources = [Path(__file__), *sorted(_FILES.iterdir())]
    texts = [file.read_text(encoding="utf-8") for file in sources]
    return "\n".join([*debian.versions(tuple(packages)), *texts])


def base_layer(work: Path, packages: Sequence[str] = PACKAGES) -> Path:
    """Write the layer with all packages.

    Args:
        work: A folder that is thrown away afterwards, but for the layer.
        packages: Debian's names.
    """
    root = work / "root"
    debian.unpack(debian.download(packages, work / "packages"), root)
    shutil.rmtree(work / "packages")
    debian.compile_python(root)
    for name, text in _accounts().items():
        (root / name).write_text(text, encoding="utf-8")
    for name in ("run", "tmp", "var/cache", "var/run"):
        (root / name).mkdir(parents=True, exist_ok=True)
    layer = work / "debian.tar"
    reproducible = ("--sort=name", "--mtime=@0")
    unused = ("--anchored", *(f"--exclude=./{pattern}" for pattern in _UNUSED))
    run(["/bin/tar", "--create", f"--file={layer}", f"--directory={root}", *reproducible, *unused, "."])
    shutil.rmtree(root)
    return layer


def _accounts() -> Mapping[str, str]:
    users = {"root": 0, **_USERS, "nobody": 65534}
    return {
        "etc/passwd": "".join(f"{name}:x:{number}:{number}::/:/bin/sh\n" for name, number in users.items()),
        "etc/group": "".join(f"{name}:x:{number}:\n" for name, number in users.items()),
    }


def write_images(folder: Path, makers: Mapping[str, Maker], packages: Sequence[str] = PACKAGES) -> None:
    """Write one archive of images into a folder.

    Args:
        folder: Where the archive goes.
        makers: How each image is made, by its full reference.
        packages: Debian's names.
    """
    with TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        base = base_layer(work, packages)
        images = {reference: make(work, base) for reference, make in makers.items()}
        write_archive(folder / ARCHIVE, images)


def stand_in(reference: str) -> Maker | None:
    """Return how to make what stands in for a published image, or None if there is nothing.

    Nothing does for an image whose content is pinned, and nothing for one that was named by
    the user, in a registry of theirs: they want that and no other.
    """
    pinned = "@" in reference
    found = (make for beginning, make in _STAND_INS.items() if reference.startswith(beginning))
    return None if pinned else next(found, None)


def _postgres(work: Path, base: Path) -> ImageSpec:
    """Return PostgreSQL 15 with the official image's first-run steps."""
    return ImageSpec(
        layers=[base, _entrypoint(work, "postgres.sh")],
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


def _haproxy(_work: Path, base: Path) -> ImageSpec:
    return ImageSpec(
        layers=[base],
        entrypoint=["haproxy"],
        arguments=["-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
        env={"PATH": _SEARCH_PATH},
        user="99:99",
        # "Stop taking connections, and end with the last one."
        stop_signal="SIGUSR1",
    )


def nginx(work: Path, base: Path) -> ImageSpec:
    """Return nginx as user 101, who serves what ``/etc/nginx/conf.d`` says."""
    settings = (_FILES / "nginx.conf").read_bytes()
    layer = write_layer(work / "nginx.tar", {"etc/nginx/nginx.conf": (settings, 0o644)})
    return plain(base, "nginx", "-g", "daemon off;", user="101:101", layers=[layer])


def _redis(work: Path, base: Path) -> ImageSpec:
    """Return Redis with its data in ``/data``."""
    return ImageSpec(
        layers=[base, _entrypoint(work, "redis.sh")],
        entrypoint=["docker-entrypoint.sh"],
        arguments=["redis-server"],
        env={"PATH": _SEARCH_PATH},
        user="999:999",
        folder="/data",
    )


def _restic(_work: Path, base: Path) -> ImageSpec:
    return plain(base, "restic", user="0:0")


def _postgres_exporter(_work: Path, base: Path) -> ImageSpec:
    return plain(base, "prometheus-postgres-exporter", user="65534:65534")


def _entrypoint(work: Path, script: str) -> Path:
    """Write the layer with the script that the official image starts by."""
    content = (_FILES / script).read_bytes()
    return write_layer(work / f"{script}.tar", {"usr/local/bin/docker-entrypoint.sh": (content, 0o755)})


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


_STAND_INS: Final[Mapping[str, Maker]] = {
    # No other major version: it could not read the data.
    "docker.io/library/postgres:15.": _postgres,
    "docker.io/library/haproxy:": _haproxy,
    "docker.io/library/nginx:": nginx,
    "docker.io/library/redis:": _redis,
    "docker.io/restic/restic:": _restic,
    "quay.io/prometheuscommunity/postgres-exporter:": _postgres_exporter,
}
"""How to make what stands in for a published image, by the beginning of its reference."""
