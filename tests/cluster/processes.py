"""Processes of this machine that a test looks for and waits for."""

from __future__ import annotations

import subprocess


def children_named(name: str, *, of: int) -> list[int]:
    """Return the direct children of a process that run a program of this name."""
    listing = subprocess.run(
        ["/bin/ps", "--ppid", str(of), "-o", "pid=,comm="], capture_output=True, text=True, check=True
    )
    rows = (line.split() for line in listing.stdout.splitlines())
    return [int(pid) for pid, command in rows if command == name]


def family(pids: list[int]) -> list[int]:
    """Return processes with all that they started, the eldest first."""
    listing = subprocess.run(["/bin/ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = [(int(pid), int(parent)) for pid, parent in map(str.split, listing.stdout.splitlines())]
    found = list(pids)
    for parent in found:
        found += [pid for pid, its_parent in parents if its_parent == parent]
    return found
