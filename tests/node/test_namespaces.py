"""The namespaces alone, with nothing in them: they come within a second, and need no cluster."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ops.local.node import addresses, namespaces
from ops.local.node.commands import NodeError, run
from ops.local.node.layout import NodeLayout
from ops.local.node.namespaces import Namespaces, start_detached
from tests.node.machine_state import alive, processes_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ops.local.node.addresses import Addresses

pytestmark = pytest.mark.node

STEPS = 10
"""Of laying the cable."""


@pytest.fixture
def empty(machine_before: dict[str, object], tmp_path: Path) -> Iterator[Namespaces]:
    """Namespaces that nobody has started yet, on a machine that has been looked at before."""
    assert machine_before
    layout = NodeLayout(tmp_path / "node")
    layout.etc.mkdir(parents=True)
    found = Namespaces(layout)
    yield found
    found.end()
    found.remove_cable()


@pytest.fixture
def chosen() -> Addresses:
    return addresses.choose()


def cable(node: Namespaces, chosen: Addresses) -> tuple[str, str]:
    """Return what the two ends know of each other."""
    here = run(["ip", "-brief", "-4", "address", "show", "dev", node.layout.interface])
    routes = run(["ip", "route", "show", str(chosen.pods)])
    there = node.run("ip", "-brief", "-4", "address", "show", "dev", "eth0") + node.run("ip", "route")
    return " ".join((here + routes).split()), " ".join(there.split())


def test_the_two_ends_find_each_other(empty: Namespaces, chosen: Addresses) -> None:
    empty.start(chosen)
    holder = empty.started
    here, there = cable(empty, chosen)
    assert f"UP {chosen.host}/30 {chosen.pods} via {chosen.node}" in here
    assert f"UP {chosen.node}/30 default via {chosen.host}" in there
    empty.start(chosen)
    assert (empty.started, cable(empty, chosen)) == (holder, (here, there))


@pytest.mark.parametrize("done", range(STEPS))
def test_a_run_that_was_killed_between_two_steps_is_finished_by_the_next(
    empty: Namespaces, chosen: Addresses, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    left = done

    def killed(*arguments: object, **more: object) -> str:
        nonlocal left
        if left == 0:
            message = "killed"
            raise NodeError(message)
        left -= 1
        return run(*arguments, **more)  # type: ignore[arg-type] # whatever it was called with

    with monkeypatch.context() as patched:
        patched.setattr(namespaces, "run", killed)
        with pytest.raises(NodeError, match="killed"):
            empty.start(chosen)
    holder = empty.started
    empty.start(chosen)
    here, there = cable(empty, chosen)
    assert empty.started == holder
    assert f"UP {chosen.host}/30 {chosen.pods} via {chosen.node}" in here
    assert f"UP {chosen.node}/30 default via {chosen.host}" in there


def test_its_first_process_is_all_it_stands_on(empty: Namespaces, chosen: Addresses) -> None:
    empty.start(chosen)
    running = processes_of(empty.layout, holder=empty.started)
    assert {one.pid for one in running} >= {empty.started}
    empty.end()
    # What only waited for it outside takes a moment to notice.
    wait_until(lambda: not alive(running), seconds=10)


def test_a_process_that_was_stopped_does_not_hold_it_up(empty: Namespaces, chosen: Addresses) -> None:
    empty.start(chosen)
    start_detached(empty.enter("sleep", "60"), empty.layout.logs / "sleep.log")
    wait_until(lambda: ["sleep", "60"] in empty.processes().values(), seconds=60)
    [pid] = [pid for pid, command in empty.processes().items() if command == ["sleep", "60"]]
    running = processes_of(empty.layout, holder=empty.started)
    os.kill(pid, signal.SIGSTOP)
    # What waits for it outside stops as well.
    wait_until(lambda: len([one for one in running if state(one.pid) == "T"]) > 1, seconds=60)
    empty.end()
    # What only waited for it outside takes a moment to notice.
    wait_until(lambda: not alive(running), seconds=10)


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]


def test_what_ip_refuses_is_said_with_its_words(empty: Namespaces, chosen: Addresses) -> None:
    empty.start(chosen)
    with pytest.raises(NodeError, match=r"ip link set eth1 up in the node: Cannot find device"):
        empty.run("ip", "link", "set", "eth1", "up")


def test_who_does_not_run_is_told_how_to_start_it(empty: Namespaces) -> None:
    with pytest.raises(NodeError, match=r"does not run: start it with: iotistic local node up"):
        empty.run("true")
