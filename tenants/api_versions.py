"""Which versions of the API an instance can run: those of the older of its two generations.

The newer one, whose versions begin at 0 again, is another product: it needs Redis and a database with
TimescaleDB, and reads where the broker is from another table. No instance has these.
"""

from __future__ import annotations

import re
from typing import Final

OLDEST: Final = 1
NEWEST: Final = 2
"""First numbers of the versions of the older generation."""

_RELEASE: Final = re.compile(r"v?(?P<first>[0-9]+)\.[0-9]+\.[0-9]+")


def runs_here(version: str) -> bool:
    """Return whether an instance can run a version. A tag that is no release is its builder's own affair."""
    release = _RELEASE.match(version)
    return release is None or OLDEST <= int(release["first"]) <= NEWEST


def unsupported(version: str) -> dict[str, str]:
    """Return what is wrong with a version that does not run here, why, and the way out."""
    return {
        "what": f"the version {version} is not of the generation {OLDEST} or {NEWEST} of the API",
        "why": "another generation needs Redis and TimescaleDB, which instances do not have, and reads where "
        "the broker is from another table: it would not start, or no device would find its broker",
        "how": f'name a release that begins with {NEWEST}: "{NEWEST}.0.10"',
    }
