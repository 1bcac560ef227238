"""A crash of the engine at the worst moment."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

from tests.cluster.processes import children_named, family
from tests.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.cluster.dev_project import DevProject


def kill_in_the_middle(project: DevProject) -> None:
    """Kill the engine and all that it started once it has written down that it changes something."""
    state = state_of(project, "dev")
    before = done(state)
    kill_once(lambda: done(state) not in (before, None), run=project.popen("local", "up"))
    assert locks_of(project, "dev"), "the engine was not killed in the middle of its work"


def kill_once(condition: Callable[[], bool], *, run: subprocess.Popen[str]) -> None:
    """Kill the engine of a run, and all that it started, as soon as a condition holds."""
    wait_until(condition, seconds=180)
    engines = children_named("pulumi", of=run.pid)
    assert engines, "no engine is running"
    for pid in family(engines):
        os.kill(pid, signal.SIGKILL)
    run.communicate()
    assert run.returncode == 1


def state_of(project: DevProject, stack: str) -> Path:
    """Return where the state of a stack is."""
    return project.home / "state" / ".pulumi" / "stacks" / "iotistic" / f"{stack}.json"


def locks_of(project: DevProject, stack: str) -> list[Path]:
    """Return the locks that the engine holds, or left, on a stack."""
    return list((project.home / "state" / ".pulumi" / "locks").rglob(f"{stack}/*.json"))


def done(state: Path) -> tuple[object, object] | None:
    """Return what a state holds and what it is about to hold, or None in a moment in which there is none."""
    try:
        latest = json.loads(state.read_bytes())["checkpoint"]["latest"]
    except FileNotFoundError:
        return None
    return latest.get("resources"), latest.get("pending_operations")
