"""Sockets of this process in an instance's network."""

from __future__ import annotations

import ctypes
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from tests.edge.world import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

SECONDS = 15.0
_CLONE_NEWNET = 0x40000000
"""What the kernel calls a network among the things that a thread can be moved to."""


def connect(network: Path, port: int) -> socket.socket:
    """Return a connection to a port in a network."""
    return inside(network, lambda: socket.create_connection((LOOPBACK, port), SECONDS))


def inside(network: Path, make: Callable[[], T]) -> T:
    """Return what a function makes in a network: sockets stay where they were made."""
    # In a thread of its own, since that stays there too.
    with ThreadPoolExecutor(1, initializer=_go, initargs=(network,)) as thread:
        return thread.submit(make).result()


def _go(network: Path) -> None:
    with network.open("rb") as file:
        assert ctypes.CDLL(None).setns(file.fileno(), _CLONE_NEWNET) == 0
