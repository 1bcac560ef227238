"""Chooses TCP ports on the loopback address and tells whether they are free."""

from __future__ import annotations

import errno
import random
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOOPBACK: Final = "127.0.0.1"
_RANGE: Final = range(20_000, 32_000)
"""Below the ports that Linux and macOS hand out by themselves to outgoing connections."""


def choose(names: Sequence[str]) -> dict[str, int]:
    """Return a free port for each name.

    The choice is random, so that it seldom meets a port that another, stopped
    cluster keeps for itself.
    """
    candidates = (port for port in random.sample(_RANGE, len(_RANGE)) if is_free(port))
    return dict(zip(names, candidates, strict=False))


def taken(ports: Iterable[int]) -> list[int]:
    """Return those of ``ports`` on which somebody listens."""
    return [port for port in ports if not is_free(port)]


def is_free(port: int) -> bool:
    """Return True if ``port`` could be listened on now."""
    with socket.socket() as candidate:
        # A port that was closed a moment ago is free for a server.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True
