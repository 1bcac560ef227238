"""Finds and ends processes by the program and arguments they were started with.

A number in a file says little: after a reboot it may belong to anybody. A
process counts as ours only while its own command line says so.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_PROC: Final = Path("/proc")
_POLL_SECONDS: Final = 0.05


def find(is_ours: Callable[[list[str]], bool]) -> dict[int, list[str]]:
    """Return the command lines, by process id, for which ``is_ours`` holds."""
    return {pid: command for pid, command in _all() if command and is_ours(command)}


def is_same(found: Sequence[str], wanted: Sequence[str]) -> bool:
    """Return whether two command lines start the same program with the same arguments.

    Where the program lies makes no difference: two checkouts of the project may share a node, but
    not their tools. Of a Python module nor does what its interpreter is called, ``python`` for one
    who starts it and ``python3`` for the next.
    """
    return _identity(found) == _identity(wanted)


def is_same_program(found: Sequence[str], wanted: Sequence[str]) -> bool:
    """Return whether two command lines start the same program, whatever its arguments are."""
    return _program(found) == _program(wanted)


def _identity(command: Sequence[str]) -> list[str]:
    program, *arguments = command
    return arguments if arguments[:1] == ["-m"] else [Path(program).name, *arguments]


def _program(command: Sequence[str]) -> list[str]:
    program, *arguments = _identity(command)
    return [program, *arguments[:1]] if program == "-m" else [program]


def _all() -> Iterator[tuple[int, list[str]]]:
    if (_PROC / "self" / "cmdline").exists():
        for entry in _PROC.iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):  # It ended while we looked.
                    words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                    yield int(entry.name), words[:-1]
    else:
        listing = subprocess.run(
            ["/bin/ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True
        )
        for line in listing.stdout.splitlines():
            pid, _, command = line.strip().partition(" ")
            with contextlib.suppress(ValueError):  # A quote in somebody else's command line.
                yield int(pid), shlex.split(command)


def end(pids: Iterable[int], *, patience: float) -> None:
    """End processes: asked first, forced after ``patience`` seconds."""
    remaining = _signal(pids, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while remaining and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        remaining = _signal(remaining, 0)
    kill(remaining)


def kill(pids: Iterable[int]) -> None:
    """End processes without asking them first, as a crash does, and wait until they are gone."""
    remaining = _signal(pids, signal.SIGKILL)
    while remaining:
        time.sleep(_POLL_SECONDS)
        remaining = _signal(remaining, 0)


def _signal(pids: Iterable[int], number: int) -> list[int]:
    """Send a signal (0: none, just ask) and return the processes that are still there."""
    there: list[int] = []
    for pid in pids:
        if _is_zombie(pid):
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            there.append(pid)
    return there


def _is_zombie(pid: int) -> bool:
    """Return True for a process that has ended and only waits to be noticed by its parent.

    While other threads of it remain it may still hold its ports.
    """
    try:
        status = (_PROC / str(pid) / "stat").read_text()
        threads = len(list((_PROC / str(pid) / "task").iterdir()))
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] == "Z" and threads == 1
