"""Waiting for what takes a moment."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_LONGEST_PAUSE = 0.5
"""Seconds."""


def last_seen(
    look: Callable[[], T], enough: Callable[[T], bool], *, seconds: float, every: float = 0.05
) -> T:
    """Look until it is enough, or for so long, and return what was seen last, which a test then judges.

    Args:
        look: Looks.
        enough: Whether what was seen will do.
        seconds: How long to look.
        every: How many seconds to pause between two looks at least. After a look that took longer it is as
            long as that look, up to half a second: most often it was work for the processors that the
            awaited needs too.
    """
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        found = look()
        now = time.monotonic()
        if enough(found) or now > deadline:
            return found
        time.sleep(max(every, min(now - began, _LONGEST_PAUSE)))


def wait_until(
    condition: Callable[[], bool], *, what: str = "", seconds: float = 15, every: float = 0.05
) -> None:
    """Wait until a condition holds, and fail where it never does.

    Args:
        condition: The condition.
        what: What it says, for whoever reads of a failure.
        seconds: How long to wait.
        every: As for ``last_seen()``.
    """
    held = last_seen(condition, bool, seconds=seconds, every=every)
    assert held, f"after {seconds:.0f} s still not so{what and f': {what}'}"
