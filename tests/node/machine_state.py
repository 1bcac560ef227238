"""What this machine has that a node could leave behind."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SETTINGS = (
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv4/conf/all/route_localnet",
    "net/bridge/bridge-nf-call-iptables",
    "net/netfilter/nf_conntrack_max",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
FOLDERS = ("/run", "/var/run/netns", "/var/lib", "/var/lib/cni", "/etc/cni", "/opt", "/etc/cni/net.d")
_FILTERS = ("iptables-legacy-save", "ip6tables-legacy-save")


def machine_state() -> dict[str, object]:
    """Return everything that has to be the same before and after."""
    return {
        "interfaces": sorted(os.listdir("/sys/class/net")),  # noqa: PTH208 - names are what is wanted
        "routes": Path("/proc/net/route").read_text(encoding="utf-8"),
        "mounts": sorted(_mount_points()),
        "filters": [_rules(name) for name in _FILTERS],
        "settings": {name: _read(Path("/proc/sys") / name) for name in SETTINGS},
        "folders": {name: _names(Path(name)) for name in FOLDERS},
        "groups": {str(root): _names(root) for root in Path("/sys/fs/cgroup").iterdir() if root.is_dir()},
    }


def processes_of(folder: Path) -> list[str]:
    """Return the command lines of processes that run in, or for, a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            command = _read(entry / "cmdline").replace("\0", " ")
            if str(folder) in command and str(os.getpid()) != entry.name:
                found.append(command)
    return found


def _mount_points() -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return [line.split()[4] for line in lines]


def _rules(program: str) -> list[str]:
    if shutil.which(program) is None:
        return []
    answer = subprocess.run([program], capture_output=True, text=True, check=True)
    # Counters and the time of asking are no rules.
    return [line for line in answer.stdout.splitlines() if line.startswith("-A")]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
