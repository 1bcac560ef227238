"""What looks after volumes, and where the node's parts write."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.node.world import World

pytestmark = pytest.mark.node


def test_volumes_that_nobody_looks_after_are_noticed(world: World) -> None:
    pid = world.pid("volumes")
    # What waits for it outside stops with it, and goes on only by itself.
    waiting = int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: not world.part("volumes").healthy, seconds=60)
    finally:
        for stopped in (waiting, pid):
            os.kill(stopped, signal.SIGCONT)
    wait_until(lambda: world.part("volumes").healthy, seconds=60)


WRITTEN = ("/var/lib/cni/results", "/var/lib/kubelet/device-plugins", "/var/log/containers")
"""Where its parts write by names of their own, which no option changes."""


def test_what_its_parts_write_elsewhere_stays_inside(world: World) -> None:
    inside = Path("/proc") / str(world.node.namespaces.started) / "root"
    for name in WRITTEN:
        there, here = inside / name.strip("/"), Path(name)
        assert there.is_dir(), name
        assert not here.exists() or not there.samefile(here), name
