"""The double of the broker's plugin, compiled for the broker of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.node.doubles.images import DOUBLES

HEADER = Path("/usr/include/mosquitto_plugin.h")
"""What Debian's packages mosquitto-dev and libmosquitto-dev bring."""


def compiled(folder: Path) -> Path:
    """Return the plugin; skip where it cannot be made, but never where a merge depends on it."""
    if shutil.which("gcc") is None or not HEADER.exists():
        reason = (
            "not installed: gcc, mosquitto-dev and libmosquitto-dev (.ci/packages lists Debian's packages)"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    output = folder / "go-auth.so"
    flags = ("-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared")
    subprocess.run(["gcc", *flags, "-o", output, DOUBLES / "go_auth.c"], check=True)  # noqa: S607 - Debian's own
    output.chmod(0o755)
    return output
