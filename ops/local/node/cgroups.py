"""The control group that limits the node's pods, in every hierarchy this machine has."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

ROOT: Final = Path("/sys/fs/cgroup")
PROC: Final = Path("/proc")
_CPUSET: Final = ("cpuset.cpus", "cpuset.mems")
_PATIENCE_SECONDS: Final = 10


def make(name: str, root: Path = ROOT) -> None:
    """Make the group ``name`` where it is missing."""
    for hierarchy in _hierarchies(root):
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        for file in _CPUSET:
            # The first version hands nothing down: a group without processors takes no process.
            setting = group / file
            if (hierarchy / "tasks").exists() and setting.exists() and not setting.read_text().strip():
                setting.write_text((hierarchy / file).read_text())


def existing(name: str, root: Path = ROOT) -> list[Path]:
    """Return where the group ``name`` exists."""
    return [hierarchy / name for hierarchy in _hierarchies(root) if (hierarchy / name).is_dir()]


def holds(name: str, pid: int) -> bool:
    """Return whether a process is in the group ``name``, or in one below it."""
    try:
        lines = (PROC / str(pid) / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        # It ended.
        return False
    return any(line.split(":", 2)[-1].split("/")[1] == name for line in lines)


def remove(name: str, root: Path = ROOT) -> None:
    """Remove the group ``name`` with all groups below it. Its processes have ended."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for group in existing(name, root):
        for folder in (*sorted(group.rglob("*/"), reverse=True), group):
            _remove_empty(folder, deadline)


def _remove_empty(folder: Path, deadline: float) -> None:
    """Remove one group, as soon as the kernel has forgotten the processes that were in it."""
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _hierarchies(root: Path) -> list[Path]:
    """Return the root of the one hierarchy of version 2, or of each of version 1."""
    if (root / "cgroup.controllers").exists():
        return [root]
    found = [folder for folder in sorted(root.iterdir()) if (folder / "cgroup.procs").exists()]
    # Links like cpu -> cpu,cpuacct would name the same hierarchy twice.
    return [folder for folder in found if not folder.is_symlink()]
