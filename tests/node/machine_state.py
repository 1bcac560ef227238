"""What this machine has that a node could leave behind."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ops.local.node.layout import NodeLayout

TREES = (
    *("/etc/cni", "/etc/kubernetes", "/etc/nri", "/opt/cni", "/opt/containerd", "/opt/nri"),
    *("/run/cni-addresses", "/run/containerd", "/run/netns", "/run/node", "/run/runc"),
    *("/usr/libexec/kubernetes", "/var/log/containers", "/var/log/pods"),
    *("/var/lib/cni", "/var/lib/containerd", "/var/lib/kube-proxy", "/var/lib/kube-router"),
    "/var/lib/kubelet",
)
"""Where programs like the node's write by themselves: compared to the last file."""
FOLDERS = ("/", "/etc", "/opt", "/run", "/usr/libexec", "/var", "/var/lib", "/var/log")
"""Folders in which nothing new may stand. Files in them come and go with everything that runs here."""
VOLATILE = re.compile(
    r"fs/(aio-nr|dentry-state|file-nr|inode-nr|inode-state|quota/.*)"
    r"|kernel/(hung_task_detect_count|hung_task_warnings|ns_last_pid|pty/nr|random/.*|tainted)"
    # The kernel lowers it by itself where sampling takes long.
    r"|kernel/perf_event_max_sample_rate"
    r"|net/netfilter/nf_conntrack_count"
    # Reading it makes the kernel gather numbers.
    r"|vm/stat_refresh"
)
"""Settings that are counters, or that the kernel changes by itself."""
RULES = (
    *(("iptables-legacy-save",), ("ip6tables-legacy-save",), ("iptables-nft-save",), ("ip6tables-nft-save",)),
    *(("nft", "--stateless", "list", "ruleset"), ("ipset", "save")),
    *(("ip", "rule"), ("ip", "-6", "rule")),
    *(("ip", "route", "show", "table", "all"), ("ip", "-6", "route", "show", "table", "all")),
)
"""What prints packet filters, sets of addresses and routes. What is not installed is left out."""
COUNTED = re.compile(r"^#.*|\[\d+:\d+\]| expires \d+sec")
"""What of that is no rule: the time of asking, and counters."""


def machine_state() -> dict[str, object]:
    """Return everything that has to be the same before and after, each thing under a name of its own."""
    found: dict[str, object] = {f"interface {name.name}": "" for name in Path("/sys/class/net").iterdir()}
    found |= {f"mount {point}": "" for point in _mount_points()}
    found |= {f"{' '.join(command)}: {line}": "" for command in RULES for line in _lines(command)}
    found |= {f"setting {name}": value for name, value in _settings()}
    found |= {f"path {path}": kind for tree in TREES for path, kind in _tree(Path(tree))}
    found |= {f"path {path}": kind for folder in FOLDERS for path, kind in _names(Path(folder))}
    found |= {f"group {path}": controllers for path, controllers in _groups(Path("/sys/fs/cgroup"))}
    return found


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """Return what is not as it was, for a person to read."""
    gone = [f"gone: {name}" for name in before.keys() - after.keys()]
    # A setting is new where a part of the kernel was loaded: nothing that was there is changed by that.
    new = [f"new: {name}" for name in after.keys() - before.keys() if not name.startswith("setting ")]
    other = [
        f"{name}: {before[name]!r}, now {after[name]!r}"
        for name in before.keys() & after.keys()
        if before[name] != after[name]
    ]
    return sorted([*gone, *new, *other])


@dataclass(frozen=True)
class Process:
    """One process, and no other that gets its number later.

    Attributes:
        pid: Its number.
        started: When, in ticks of the kernel since it booted.
    """

    pid: int
    started: int


def processes_of(layout: NodeLayout, *, holder: int | None = None) -> set[Process]:
    """Return a node's processes, whether they run in its namespaces, in pods' or in none of them.

    None is known by its name: a part says what it does into a file of the node's folder, and pods are in
    its control group.

    Args:
        layout: The node's folder.
        holder: Its first process, to be given while it runs: the kernel gives the names of namespaces
            that are gone to others.
    """
    inside = set() if holder is None else _namespaces(holder) - _namespaces(os.getpid())
    return {
        Process(int(entry.name), started)
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit()
        and (_belongs(entry, layout) or not inside.isdisjoint(_namespaces(int(entry.name))))
        and (started := _started(entry)) is not None
    }


def _belongs(entry: Path, layout: NodeLayout) -> bool:
    files = [*_links(entry / "fd"), *_links(entry, "cwd", "exe")]
    groups = [line.split(":", 2)[-1] for line in _read(entry / "cgroup").splitlines()]
    return any(file.startswith(f"{layout.folder}/") for file in files) or any(
        layout.cgroup in Path(group).parts for group in groups
    )


def _namespaces(pid: int) -> set[str]:
    return set(_links(Path("/proc") / str(pid) / "ns"))


def alive(processes: set[Process]) -> set[Process]:
    """Return those that have not ended."""
    return {one for one in processes if _started(Path("/proc") / str(one.pid)) == one.started}


def _started(entry: Path) -> int | None:
    """Return when a process started, or None if it has ended."""
    fields = _read(entry / "stat").rpartition(")")[2].split()
    return int(fields[19]) if fields and fields[0] != "Z" else None


def _links(folder: Path, *names: str) -> list[str]:
    """Return what the links of a folder, or some of them, point to."""
    found = []
    with contextlib.suppress(OSError):  # The process ended while we looked.
        for path in [folder / name for name in names] or list(folder.iterdir()):
            with contextlib.suppress(OSError):
                found.append(str(path.readlink()))
    return found


def _mount_points() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [line.split()[4] for line in lines]


def _lines(command: tuple[str, ...]) -> list[str]:
    program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        return []
    answer = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    # One that fails does so before and after: a kernel need not have both kinds of filters.
    lines = [COUNTED.sub("", line).strip() for line in (answer.stdout + answer.stderr).splitlines()]
    return [line for line in lines if line]


def _settings() -> Iterator[tuple[str, str]]:
    root = Path("/proc/sys")
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            setting = str(path.relative_to(root))
            if not VOLATILE.fullmatch(setting) and path.stat().st_mode & 0o444:
                yield setting, _read(path)


def _tree(root: Path) -> Iterator[tuple[Path, str]]:
    if root.exists() or root.is_symlink():
        yield root, _kind(root)
    for folder, folders, names in os.walk(root):
        for name in (*folders, *names):
            yield Path(folder) / name, _kind(Path(folder) / name)


def _names(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the folders and links in a folder."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.is_symlink() or path.is_dir():
                yield path, _kind(path)


def _kind(path: Path) -> str:
    if path.is_symlink():
        return f"link to {path.readlink()}"
    return "folder" if path.is_dir() else "file"


def _groups(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the groups of each hierarchy. What is below one belongs to whom it belongs to."""
    hierarchies = [root] if (root / "cgroup.controllers").exists() else root.iterdir()
    for hierarchy in hierarchies:
        for folder in (hierarchy, *(path for path in hierarchy.iterdir() if path.is_dir())):
            yield folder, _read(folder / "cgroup.subtree_control")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
