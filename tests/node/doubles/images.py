"""The images of the tests: Debian's servers, and doubles of what no registry in reach offers."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from infra.images import load_images
from ops.local.node import debian
from ops.local.node.archive import ImageSpec, write_archive, write_layer
from ops.local.node.debian_images import PACKAGES, base_layer, plain, postgres, recipe

if TYPE_CHECKING:
    from ops.local.node.images import NodeImages

DOUBLES = Path(__file__).parent
TEST_PACKAGES = (
    *PACKAGES,
    "netcat-openbsd",
    "python3",
    "python3-jwt",
    "python3-cryptography",
    "python3-psycopg2",
)
PROBE = "docker.io/iotistic/probe:test"
"""A shell, netcat and Python, to try connections from."""


def ensure(images: NodeImages) -> None:
    """Bring every image that a customer's instance runs, under the reference it asks for."""
    wanted = load_images()
    references = [str(getattr(wanted, name)) for name in _SERVERS]
    if {*references, PROBE} <= images.present():
        return
    sources = [file.read_text(encoding="utf-8") for file in sorted(DOUBLES.iterdir()) if file.is_file()]
    images.bring("\n".join([*references, recipe(TEST_PACKAGES), *sources]), _build)


def _build(folder: Path) -> None:
    wanted = load_images()
    with TemporaryDirectory(dir=folder) as name:
        work = Path(name)
        base = base_layer(work, TEST_PACKAGES)
        made = {str(getattr(wanted, server)): make(work, base) for server, make in _SERVERS.items()}
        made[PROBE] = plain(base, "sleep", "2147483647", user="65534:65534")
        write_archive(folder / "image.tar", made)


def _mosquitto(work: Path, base: Path) -> ImageSpec:
    layer = write_layer(work / "plugin.tar", {"mosquitto/go-auth.so": (_plugin(work), 0o755)})
    return plain(base, "mosquitto", "-c", "/etc/mosquitto/mosquitto.conf", user="1883:1883", layers=[layer])


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
    return _python(work, base, "mosquitto_exporter.py", user=1883)


def _python(work: Path, base: Path, script: str, *, user: int) -> ImageSpec:
    files = {"app/": (b"", 0o755), f"app/{script}": ((DOUBLES / script).read_bytes(), 0o644)}
    layer = write_layer(work / f"{script}.tar", files)
    return plain(base, "python3", "-B", script, user=f"{user}:{user}", layers=[layer], folder="/app")


def _dashboard(work: Path, base: Path) -> ImageSpec:
    files = {
        "etc/nginx/nginx.conf": ((DOUBLES / "nginx.conf").read_bytes(), 0o644),
        "usr/share/nginx/html/index.html": (b"<title>Dashboard</title>", 0o644),
    }
    return plain(base, "nginx", user="101:101", layers=[write_layer(work / "nginx.tar", files)])


def _postgres_exporter(_work: Path, base: Path) -> ImageSpec:
    return plain(base, "prometheus-postgres-exporter", user="65534:65534")


def _restic(_work: Path, base: Path) -> ImageSpec:
    return plain(base, "restic", user="0:0")


_SERVERS = {
    "postgres": postgres,
    "mosquitto": _mosquitto,
    "api": _api,
    "dashboard": _dashboard,
    "postgres_exporter": _postgres_exporter,
    "mosquitto_exporter": _mosquitto_exporter,
    "restic": _restic,
}
