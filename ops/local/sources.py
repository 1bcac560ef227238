"""What the three ways of getting a tool have in common."""

from __future__ import annotations

import errno
import shutil
from typing import TYPE_CHECKING, Protocol, TypeAlias

from tenants.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ops.local.recipe import Tool

Say: TypeAlias = "Callable[[str], None]"
"""Tells the user in a few words what is being done at the moment."""


class SourceFailedError(Exception):
    """One way of getting a tool did not work; the next one may."""


class Source(Protocol):
    """One way of getting a tool."""

    label: str
    """What the source is called in messages."""

    def fetch(self, tool: Tool, into: Path, say: Say) -> None:
        """Put every binary of ``tool`` into the empty folder ``into``.

        Raises:
            SourceFailedError: This way does not work here; the text says why.
            OSError: The folder could not be written.
        """


def disk_full(where: Path, error: OSError) -> UsageError:
    """Return the error for a write that failed for want of space (or of anything else)."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        free = shutil.disk_usage(where).free // 2**20
        what = f"no space left on the device ({free} MiB free)"
        how = "free about 20 GiB (1 GiB for the tools, the rest for Go's caches while building) and run again"
    else:
        what = f"cannot be written: {error.strerror or error}"
        how = "make the folder writable for you and run again"
    return UsageError.of(
        where=str(where),
        what=what,
        why="the tools are kept there; nothing half-written was kept",
        how=how,
    )
