"""Keeps finished things in a folder, so that a half-finished one is never seen."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console


@contextmanager
def exclusive(lock: Path, console: Console, *, what: str) -> Iterator[None]:
    """Hold ``lock``; if another run has it, say so and wait for its end.

    The operating system lets the lock go when its holder ends, however it ends.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        console.print(f"Another run is {what}; waiting for it to end.", soft_wrap=True)
        held.acquire()
    try:
        yield
    finally:
        held.release()


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes ``final`` if the block ends well, and vanishes if not.

    Everything in it is on the disk before it gets its name. Must run under a
    lock: what an earlier run left behind when it was killed is removed first.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    unfinished = final.with_name(f".{final.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        yield unfinished
        for path in unfinished.iterdir():
            if not path.is_symlink():
                _sync(path)
        _sync(unfinished)
        if final.exists():
            shutil.rmtree(final)
        unfinished.rename(final)
        _sync(final.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write ``text`` to ``path``, so that a reader sees all of it or what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(path)


def link(target: Path, name: Path) -> None:
    """Make ``name`` a link to ``target``, replacing another in one step."""
    unfinished = name.with_name(f".{name.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(target)
    unfinished.replace(name)
