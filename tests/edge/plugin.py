"""The double of the broker's plugin, compiled for the broker of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.node.doubles.images import DOUBLES

INCLUDES = Path("/usr/include")
NEEDED = {
    "libcrypt-dev": "crypt.h",
    "libmosquitto-dev": "mosquitto.h",
    "libpq-dev": "postgresql/libpq-fe.h",
    "mosquitto-dev": "mosquitto_plugin.h",
}
"""Debian's packages, each by a header that it brings."""


def compiled(folder: Path) -> Path:
    """Return the plugin; skip where it cannot be made, but never where a merge depends on it."""
    missing = [package for package, header in NEEDED.items() if not (INCLUDES / header).exists()]
    if shutil.which("gcc") is None:
        missing.append("gcc")
    if missing:
        reason = f"not installed: {', '.join(missing)} (.ci/packages lists Debian's packages)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    output = folder / "go-auth.so"
    flags = ("-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared", "-DWITH_POSTGRES")
    sources = (DOUBLES / "go_auth.c", DOUBLES / "go_auth_postgres.c")
    places = (f"-I{INCLUDES / 'postgresql'}", "-o", output)
    subprocess.run(["gcc", *flags, *sources, *places, "-lpq", "-lcrypt"], check=True)  # noqa: S607 - Debian's own
    output.chmod(0o755)
    return output
