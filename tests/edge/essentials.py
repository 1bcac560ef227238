"""The commands of an image that has Debian's essential packages and little else, as the broker's has.

Its last stage is ``debian:stable-slim`` with tini, openssl and wget: no pkill, no ps, no curl.
Source: https://github.com/iegomez/mosquitto-go-auth/blob/3.0.0/Dockerfile
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.edge.pods import Image

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDERS = {"/bin", "/sbin", "/usr/bin", "/usr/sbin"}
_COMMANDS = "/essentials"


def essentials(folder: Path, *, files: Mapping[str, Path] | None = None) -> Image:
    """Return an image in which a script finds no other command by its name.

    Args:
        folder: Where the list of commands is made.
        files: What else is in it.
    """
    commands = folder / "essentials"
    commands.mkdir(exist_ok=True)
    for path in _files():
        link = commands / path.name
        if path.parent.as_posix() in _FOLDERS and not link.is_symlink():
            link.symlink_to(path)
    return Image(environment={"PATH": _COMMANDS}, files={_COMMANDS: commands, **(files or {})})


def _files() -> list[Path]:
    listing = _dpkg("--show", "--showformat=${Package} ${Essential}\n")
    names = [line.split()[0] for line in listing.splitlines() if line.endswith(" yes")]
    return [Path(line) for line in _dpkg("--listfiles", *names).splitlines() if line.startswith("/")]


def _dpkg(*arguments: str) -> str:
    return subprocess.run(
        ["dpkg-query", *arguments],  # noqa: S607 - Debian's own, wherever it is
        capture_output=True,
        text=True,
        check=True,
    ).stdout
