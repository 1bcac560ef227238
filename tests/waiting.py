"""Waiting for what takes a moment, where a test judges what was seen last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def last_seen(look: Callable[[], T], enough: Callable[[T], bool], *, seconds: float = 30) -> T:
    """Look until it is enough, or for so long, and return what was seen last."""
    deadline = time.monotonic() + seconds
    while not enough(found := look()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found
