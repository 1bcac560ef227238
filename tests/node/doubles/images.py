"""The images of the tests: what stands in for published ones, and doubles of what nothing stands in for."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from infra.images import load_images, load_platform_image
from ops.local.node import debian
from ops.local.node.archive import ImageSpec, write_layer
from ops.local.node.debian_images import PACKAGES, Maker, nginx, plain, recipe, stand_in, write_images
from ops.local.node.images import built_archive
from ops.local.tools import VERSIONS_FILE
from ops.local.tools import ensure as ensure_tools
from ops.local.versions import load_versions

if TYPE_CHECKING:
    from ops.local.node.images import NodeImages

DOUBLES = Path(__file__).parent
TEST_PACKAGES = (
    *PACKAGES,
    "knot",
    "mosquitto",
    "mosquitto-clients",
    "python3",
    "python3-cryptography",
    "python3-jwt",
    "python3-psycopg2",
)
PROBE = "docker.io/iotistic/probe:test"
"""A shell, MQTT clients and Python, to try connections from."""
REDIS = "docker.io/library/redis:test"
AUTHORITY = "docker.io/iotistic/authority:test"
"""Pebble, an ACME authority that trusts nobody and that nobody trusts, and Knot, a name server."""
PUBLISHED = ("postgres", "postgres_exporter", "restic")
"""Names of the images that something stands in for."""


def make() -> None:
    """Make every image that a customer's instance runs. That needs no node."""
    built_archive(_recipe(), _write, Console())


def ensure(images: NodeImages) -> None:
    """Bring every image that a customer's instance runs, under the reference it asks for."""
    if not _makers().keys() <= images.present():
        images.bring(_recipe(), _write)


def _recipe() -> str:
    pebble = f"pebble {load_versions(VERSIONS_FILE).tools['pebble']}"
    sources = [file.read_text(encoding="utf-8") for file in sorted(DOUBLES.iterdir()) if file.is_file()]
    return "\n".join([*_makers(), pebble, recipe(TEST_PACKAGES), *sources])


def _write(folder: Path) -> None:
    write_images(folder, _makers(), TEST_PACKAGES)


def doubles() -> dict[str, Maker]:
    """Return how to make each double, by the reference that a customer's pods ask for."""
    wanted = load_images()
    return {
        str(wanted.api): _api,
        str(wanted.dashboard): _dashboard,
        str(wanted.mosquitto): _mosquitto,
        str(wanted.mosquitto_exporter): _mosquitto_exporter,
    }


def newer(name: str) -> str:
    """Return the reference of another version of a server, made from the same packages."""
    return f"{getattr(load_images(), name)}-newer"


def _makers() -> dict[str, Maker]:
    wanted = load_images()
    references = [str(getattr(wanted, name)) for name in PUBLISHED]
    found = {name: stand_in(name) for name in (*references, str(load_platform_image("haproxy")), REDIS)}
    makers = {name: make for name, make in found.items() if make is not None} | doubles()
    makers |= {
        newer(name): partial(_changed, makers[str(getattr(wanted, name))])
        for name in ("postgres", "mosquitto")
    }
    return {**makers, PROBE: _probe, AUTHORITY: _authority}


def _changed(make: Maker, work: Path, base: Path, /) -> ImageSpec:
    """Return an image with other content that does the same."""
    image = make(work, base)
    layer = write_layer(work / "newer.tar", {"etc/newer": (b"", 0o644)})
    return replace(image, layers=[*image.layers, layer])


def _probe(_work: Path, base: Path) -> ImageSpec:
    return plain(base, "sleep", "2147483647", user="65534:65534")


def _authority(work: Path, base: Path) -> ImageSpec:
    pebble = ensure_tools(["pebble"], console=Console()).path("pebble")
    layer = write_layer(work / "pebble.tar", {"usr/bin/pebble": (pebble.read_bytes(), 0o755)})
    return plain(base, "pebble", user="65534:65534", layers=[layer])


def _mosquitto(work: Path, base: Path) -> ImageSpec:
    layer = work / "plugin.tar"
    if not layer.exists():  # Another version of the broker has the same.
        write_layer(layer, {"mosquitto/go-auth.so": (_plugin(work), 0o755)})
    command = ("mosquitto", "-c", "/etc/mosquitto/mosquitto.conf")
    return _only_in_tests(work, plain(base, *command, user="1883:1883", layers=[layer]))


def _plugin(work: Path) -> bytes:
    """Compile the broker's plugin against Debian's headers of the broker."""
    headers = work / "headers"
    debian.unpack(debian.download(["mosquitto-dev", "libmosquitto-dev"], work / "dev", alone=True), headers)
    compile_command = ["gcc", "-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared"]
    output = work / "go-auth.so"
    subprocess.run(
        [*compile_command, f"-I{headers / 'usr/include'}", "-o", output, DOUBLES / "go_auth.c"], check=True
    )
    return output.read_bytes()


def _api(work: Path, base: Path) -> ImageSpec:
    return _python(work, base, "api.py", user=1000)


def _mosquitto_exporter(work: Path, base: Path) -> ImageSpec:
    return _python(work, base, "mosquitto_exporter.py", "-I", "-S", user=1883)


def _python(work: Path, base: Path, script: str, *options: str, user: int) -> ImageSpec:
    files = {"app/": (b"", 0o755), f"app/{script}": ((DOUBLES / script).read_bytes(), 0o644)}
    layer = write_layer(work / f"{script}.tar", files)
    command = ("python3", "-B", *options, script)
    image = plain(base, *command, user=f"{user}:{user}", layers=[layer], folder="/app")
    return _only_in_tests(work, image)


def _dashboard(work: Path, base: Path) -> ImageSpec:
    page = {"usr/share/nginx/html/index.html": (b"<title>Dashboard</title>", 0o644)}
    image = nginx(work, base)
    layers = [*image.layers, write_layer(work / "dashboard.tar", page)]
    return _only_in_tests(work, replace(image, layers=layers))


def _only_in_tests(work: Path, image: ImageSpec) -> ImageSpec:
    """Return an image that refuses to start outside a cluster of the tests."""
    script = (DOUBLES / "only_in_tests.sh").read_bytes()
    layer = write_layer(work / "only_in_tests.tar", {"only_in_tests": (script, 0o755)})
    return replace(image, layers=[*image.layers, layer], entrypoint=["/only_in_tests", *image.entrypoint])
