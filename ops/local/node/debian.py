"""Debian packages, downloaded and unpacked without being installed."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from ops.local.node.commands import NodeError, run, which
from ops.local.sources import SourceFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MERGED: Final = ("bin", "sbin", "lib", "lib64")
"""Folders that Debian keeps below /usr; packages still name them without it."""

_INSTALL: Final = ("install", "--no-install-recommends")


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
    command = ["download", *packages] if alone else [*_INSTALL, "--yes", "--download-only", *packages]
    _apt_get(into, f"-oDir::Cache::archives={into}", *command)
    return sorted(into.glob("*.deb"))


@functools.cache
def versions(packages: tuple[str, ...]) -> tuple[str, ...]:
    """Return name and version of packages and of everything they depend on, by this machine's lists.

    Raises:
        SourceFailedError: This is no Debian, or there are no lists of its packages.
    """
    with TemporaryDirectory() as folder:
        plan = _apt_get(Path(folder), *_INSTALL, "--simulate", *packages)
    found = (line.split() for line in plan.splitlines() if line.startswith("Inst "))
    return tuple(sorted(f"{name} {version.lstrip('(')}" for _, name, version, *_ in found))


def _apt_get(folder: Path, *arguments: str) -> str:
    """Run apt-get in a folder, as if nothing were installed."""
    nothing = folder / "nothing-is-installed"
    nothing.write_bytes(b"")
    options = {
        "Dir::State::status": nothing,
        "Debug::NoLocking": "true",
        "APT::Sandbox::User": "root",
    }
    settings = [f"-o{key}={value}" for key, value in options.items()]
    try:
        return run(
            [which("apt-get"), "--quiet", *settings, *arguments],
            said="apt-get",
            folder=folder,
            environment={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    except NodeError as error:
        raise SourceFailedError(str(error)) from error


def unpack(packages: Sequence[Path], root: Path) -> None:
    """Unpack packages into ``root``; none of their scripts is run.

    Raises:
        SourceFailedError: One of them is broken, or there is no room for it.
    """
    for folder in _MERGED:
        (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
        link = root / folder
        if not link.is_symlink():
            link.symlink_to(f"usr/{folder}")
    for package in packages:
        with subprocess.Popen(  # noqa: S603 - fixed arguments
            [which("dpkg-deb"), "--fsys-tarfile", package], stdout=subprocess.PIPE
        ) as contents:
            written = subprocess.run(  # noqa: S603 - fixed arguments
                ["/bin/tar", "--extract", "--keep-directory-symlink", f"--directory={root}"],
                stdin=contents.stdout,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        if contents.returncode != 0 or written.returncode != 0:
            message = f"{package.name} cannot be unpacked: {written.stderr.strip()}"
            raise SourceFailedError(message)


def compile_python(root: Path) -> None:
    """Compile Python's modules in unpacked packages, which their own scripts would do.

    Without it every start of a Python program compiles all that it imports, since containers cannot keep it.

    Raises:
        SourceFailedError: Python does not run there.
    """
    found = sorted(f"/{folder.relative_to(root)}" for folder in root.glob("usr/lib/python3*"))
    if not found:
        return
    # By no time of a file: in an image they all have the same.
    compile_all = ("-m", "compileall", "-q", "--invalidation-mode=unchecked-hash", *found)
    try:
        run([which("chroot"), str(root), "/usr/bin/python3", *compile_all], said="compiling Python's modules")
    except NodeError as error:
        raise SourceFailedError(str(error)) from error
