"""What a machine must have to carry a real node, and how it is brought on Debian."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ops.local.node.commands import SEARCH_PATH, NodeError, run, which
from ops.local.progress import step
from tenants.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

CNI_PLUGINS: Final = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
"""Where Debian, and where everybody else, installs the network plugins."""
_PROGRAMS: Final = {
    "containerd": "containerd",
    "runc": "runc",
    "xtables-legacy-multi": "iptables",
    "ipset": "ipset",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "setsid": "util-linux",
    "unshare": "util-linux",
    "dpkg-deb": "dpkg",
}
"""Debian's package of each program."""
_PLUGINS: Final = "containernetworking-plugins"


def unfit(*, platform: str | None = None, user: int | None = None) -> Problem | None:
    """Return why this machine cannot carry a real node at all, or None if it can.

    Args:
        platform: What it runs; found out if left out.
        user: Number of who wants to; this process's user if left out.
    """
    platform = platform or sys.platform
    if platform != "linux":
        return Problem(
            where="this machine",
            what=f"runs {platform}, and a real node needs Linux",
            why="pods are Linux processes in namespaces, and packets are dropped by the Linux kernel",
            how="use the simulated nodes (make up), or a cluster of yours (make up CLUSTER=<kube-context>)",
        )
    if (os.geteuid() if user is None else user) != 0:
        return Problem(
            where="this user",
            what="is not root, and a real node needs root",
            why="namespaces, cgroups, network interfaces and packet filters are root's to make",
            how="run it as root on a machine of your own, or use the simulated nodes (make up)",
        )
    return None


def refuse_unfit() -> None:
    """Refuse a machine or a user that can have no real node, nor look after one.

    Raises:
        UsageError: It is not Linux, or the user is not root.
    """
    problem = unfit()
    if problem is not None:
        raise UsageError([problem])


def missing_packages(
    find: Callable[[str], str | None] = lambda name: shutil.which(name, path=SEARCH_PATH),
    plugins: tuple[Path, ...] = CNI_PLUGINS,
) -> list[str]:
    """Return Debian's names of the packages whose programs are not installed."""
    missing = {package for program, package in _PROGRAMS.items() if find(program) is None}
    if not any((folder / "bridge").exists() for folder in plugins):
        missing.add(_PLUGINS)
    return sorted(missing)


def prepare(console: Console) -> None:
    """Refuse a machine that cannot carry a node; install what is missing where that is possible.

    Raises:
        UsageError: It is not Linux, the user is not root, or packages are missing and
            this is no Debian.
    """
    refuse_unfit()
    packages = missing_packages()
    if not packages:
        return
    if shutil.which("apt-get", path=SEARCH_PATH) is None:
        raise missing_programs(packages)
    try:
        with step(console, "node") as say:
            say(f"installing {', '.join(packages)}")
            _apt_get("update", "--quiet")
            _apt_get("install", "--quiet", "--yes", "--no-install-recommends", *packages)
    except NodeError as error:
        raise missing_programs(packages, tried=str(error)) from error
    still = missing_packages()
    if still:
        raise missing_programs(still)


def missing_programs(packages: list[str], *, tried: str | None = None) -> UsageError:
    """Return the refusal of a machine that lacks these packages.

    Args:
        packages: Debian's names of them.
        tried: What came of installing them, where that was tried.
    """
    failed = "" if tried is None else f", and they cannot be installed: {tried}"
    return UsageError.of(
        where="this machine",
        what=f"lacks programs of the Debian packages {', '.join(packages)}{failed}",
        why="the node is made of them: a container runtime, network plugins and packet filters",
        how="install them, by whatever name your distribution gives them",
    )


def plugin_folder() -> Path:
    """Return the folder of the network plugins."""
    return next(folder for folder in CNI_PLUGINS if (folder / "bridge").exists())


def _apt_get(*arguments: str) -> None:
    run([which("apt-get"), *arguments], environment={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
