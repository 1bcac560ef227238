"""A crash of the engine at the worst moment."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

from tests.cluster.processes import children_named, family, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.dev_project import DevProject


def kill_in_the_middle(project: DevProject) -> None:
    """Kill the engine and all that it started once it has written down that it changes something."""
    state = project.home / "state" / ".pulumi" / "stacks" / "iotistic" / "dev.json"
    before = done(state)
    run = project.popen("local", "up")
    wait_until(lambda: done(state) not in (before, None))
    engines = children_named("pulumi", of=run.pid)
    assert engines, "no engine is running"
    for pid in family(engines):
        os.kill(pid, signal.SIGKILL)
    run.communicate()
    assert run.returncode == 1
    locks = list((project.home / "state" / ".pulumi" / "locks").rglob("*.json"))
    assert locks, "the engine was not killed in the middle of its work"


def done(state: Path) -> tuple[object, object] | None:
    """Return what a state holds and what it is about to hold, or None in a moment in which there is none."""
    try:
        latest = json.loads(state.read_bytes())["checkpoint"]["latest"]
    except FileNotFoundError:
        return None
    return latest["resources"], latest.get("pending_operations")
