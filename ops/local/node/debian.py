"""Debian packages, downloaded and unpacked without being installed."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Final

from ops.local.sources import SourceFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MERGED: Final = ("bin", "sbin", "lib", "lib64")
"""Folders that Debian keeps below /usr; packages still name them without it."""


def download(packages: Sequence[str], into: Path, *, alone: bool = False) -> list[Path]:
    """Download packages and everything they depend on, as if nothing were installed.

    Args:
        packages: Their names.
        into: Folder for the files.
        alone: True to leave out what they depend on.

    Raises:
        SourceFailedError: This is no Debian, or the archive is not in reach.
    """
    (into / "partial").mkdir(parents=True, exist_ok=True)
    nothing = into / "nothing-is-installed"
    nothing.write_bytes(b"")
    if alone:
        command = ["download", *packages]
    else:
        command = ["install", "--yes", "--no-install-recommends", "--download-only", *packages]
    options = {
        "Dir::State::status": nothing,
        "Dir::Cache::archives": into,
        "Debug::NoLocking": "true",
        "APT::Sandbox::User": "root",
    }
    answer = subprocess.run(  # noqa: S603 - fixed arguments
        ["/usr/bin/apt-get", "--quiet", *(f"-o{key}={value}" for key, value in options.items()), *command],
        cwd=into,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    if answer.returncode != 0:
        raise SourceFailedError(answer.stderr.strip())
    return sorted(into.glob("*.deb"))


def unpack(packages: Sequence[Path], root: Path) -> None:
    """Unpack packages into ``root``; none of their scripts is run."""
    for folder in _MERGED:
        (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
        link = root / folder
        if not link.is_symlink():
            link.symlink_to(f"usr/{folder}")
    for package in packages:
        with subprocess.Popen(  # noqa: S603 - fixed arguments
            ["/usr/bin/dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE
        ) as contents:
            subprocess.run(  # noqa: S603 - fixed arguments
                ["/bin/tar", "--extract", "--keep-directory-symlink", f"--directory={root}"],
                stdin=contents.stdout,
                check=True,
            )
        if contents.returncode != 0:
            message = f"{package.name} cannot be unpacked"
            raise SourceFailedError(message)
