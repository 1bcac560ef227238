"""Which tests run beside which: the lanes, and what is alone.

Tests of one lane run one after another; lanes run beside each other where there are processes for them. So
a lane has to itself what it disturbs, a customer most often, and no lane disturbs the node. Whatever is in
no lane is alone: it comes after all of them.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Mapping

LANES: Final[Mapping[str, tuple[str, ...]]] = {
    "acme": ("test_customers", "test_isolation", "test_pods"),
    "globex": ("test_public_certificates", "test_certificates"),
    "initech": ("test_backup", "test_scratch"),
    # What needs no cluster is done before there is one.
    "nobody": ("test_namespaces", "test_images", "test_metrics", "test_services", "test_volumes"),
}
"""Modules of tests in turn, by lane: by whom they disturb."""
_BY_MODULE: Final = {
    module: (lane, place) for lane, modules in LANES.items() for place, module in enumerate(modules)
}


def lane_of(nodeid: str) -> str | None:
    """Return the lane of a test, by its id, None where it has to be alone."""
    found = _found(nodeid)
    return found and found[0]


def place_of(nodeid: str) -> int:
    """Return when a test has its turn in its lane."""
    found = _found(nodeid)
    return found[1] if found else 0


def _found(nodeid: str) -> tuple[str, int] | None:
    module = PurePosixPath(nodeid.partition("::")[0])
    return _BY_MODULE.get(module.stem) if module.parent.name == "node" else None


class ByLane(LoadScopeScheduling):  # type: ignore[misc] # it comes without types
    """Gives a process one lane after another, and at last to one of them what is alone."""

    def _split_scope(self, nodeid: str) -> str:
        return lane_of(nodeid) or "alone"
