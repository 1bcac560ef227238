"""A rolling restart as the Deployment does it: a pod is added, and one leaves by the command of its manifest.

Each process is the first of its own, as in a container, because that is whom the command tells to stop.
"""

from __future__ import annotations

import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import pytest

from infra.images import load_platform_image
from infra.platform.haproxy import Edge
from infra.platform.mqtt_proxy import LEAVE_SECONDS, MARGIN_SECONDS, manifests
from tests.edge.mqtt import Refused
from tests.edge.world import DOMAIN, Process, child, edge_settings, program
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from infra.platform.edge_settings import EdgeSettings
    from tests.edge.world import Proxy, World

pytestmark = pytest.mark.edge

CONTAINER = ("unshare", "--pid", "--fork", "--kill-child")


def pod_of(settings: EdgeSettings) -> dict[str, Any]:
    edge = Edge(domain=DOMAIN, settings=settings)
    objects = manifests("dev", edge, load_platform_image("haproxy"))
    (deployment,) = (item for item in objects if item["kind"] == "Deployment")
    pod: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return pod


@pytest.fixture
def leave(world: World) -> Iterator[Callable[[Proxy, EdgeSettings], Process]]:
    """Do what a kubelet does before it ends a pod: run its command beside its first process."""
    hooks: list[Process] = []

    def leave(proxy: Proxy, settings: EdgeSettings) -> Process:
        (haproxy,) = pod_of(settings)["containers"]
        command = haproxy["lifecycle"]["preStop"]["exec"]["command"]
        inside = ["nsenter", f"--target={child(proxy.process.popen.pid)}", "--pid"]
        hooks.append(Process("preStop", [*inside, *command], world.folder / f"hook-{len(hooks)}.log"))
        return hooks[-1]

    yield leave
    for hook in hooks:
        hook.stop()


def test_a_pod_leaves_by_its_own_command(
    world: World, leave: Callable[[Proxy, EdgeSettings], Process]
) -> None:
    settings = edge_settings(drain_seconds=120)
    leaving = world.proxy(settings, around=CONTAINER)
    with world.client(leaving, "acme") as device:
        began = time.monotonic()
        hook = leave(leaving, settings)
        # Balancers still send new devices: for so long they are served.
        while time.monotonic() - began < LEAVE_SECONDS - 3:
            assert world.accepts(leaving)
            time.sleep(1)
        wait_until(lambda: not world.accepts(leaving), what="it takes no new devices", seconds=10)
        device.ping()
        assert (leaving.process.runs, hook.runs) == (True, True)
    wait_until(lambda: not leaving.process.runs, what="it ends once its last device has left")
    assert leaving.process.popen.returncode == 0
    # The container has ended and its command with it: the kubelet does not wait for the rest of the time.
    wait_until(lambda: not hook.runs, what="the command has ended too", seconds=5)
    assert time.monotonic() - began < settings.drain_seconds


def test_a_pod_with_a_device_that_stays_has_ended_before_it_would_be_killed(
    world: World, leave: Callable[[Proxy, EdgeSettings], Process]
) -> None:
    settings = edge_settings(drain_seconds=2)
    leaving = world.proxy(settings, around=CONTAINER)
    with world.client(leaving, "acme") as device:
        began = time.monotonic()
        leave(leaving, settings)
        wait_until(lambda: not leaving.process.runs, what="it has ended", seconds=60)
        took = time.monotonic() - began
        with pytest.raises((EOFError, OSError)):
            device.ping()
    killed = pod_of(settings)["terminationGracePeriodSeconds"]
    assert LEAVE_SECONDS + settings.drain_seconds <= took + 1 < killed
    assert killed == LEAVE_SECONDS + settings.drain_seconds + MARGIN_SECONDS


class Device(threading.Thread):
    """A device that is always connected: it pings, and comes back by itself when it is cut off.

    Args:
        world: Where it is.
        name: What it is called.
        balancer: The processes that a new connection may go to, of which its turn picks one.
        turn: Which of them.
    """

    def __init__(self, world: World, name: str, balancer: list[Proxy], turn: int) -> None:
        super().__init__(name=name, daemon=True)
        self.at: Proxy | None = None
        self.connected = 0
        self.refused = 0
        self._world, self._balancer, self._turn = world, balancer, turn
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.is_set():
            proxy = self._balancer[self._turn % len(self._balancer)]
            try:
                with self._world.client(proxy, "acme", name=self.name) as client:
                    self.connected += 1
                    self.at = proxy
                    while not self._end.wait(0.2):
                        client.ping()
            except Refused:
                self.refused += 1
                self._end.wait(0.2)
            except (EOFError, OSError):
                self.at = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self.join()


def test_a_rolling_restart_cuts_only_those_that_stay_where_a_pod_ends_and_they_are_back(
    world: World, leave: Callable[[Proxy, EdgeSettings], Process]
) -> None:
    settings = edge_settings(drain_seconds=3)
    old, other = (world.proxy(settings, around=CONTAINER) for _ in range(2))
    balancer = [old, other]
    with Device(world, "moves", balancer, 0) as moves, Device(world, "stays", balancer, 1) as stays:
        wait_until(lambda: (moves.at, stays.at) == (old, other), what="each is connected")
        # maxSurge: a new pod first. maxUnavailable 0: only then does an old one leave.
        new = world.proxy(settings, around=CONTAINER)
        balancer[0] = new
        leave(old, settings)
        # It keeps what it has while others come to the new one.
        with world.client(new, "acme", name="newcomer") as newcomer:
            wait_until(lambda: not world.accepts(old), what="it takes no new devices", seconds=30)
            assert moves.at is old
            wait_until(lambda: moves.at is new, what="its device is back at the new one", seconds=30)
            newcomer.ping()
        wait_until(lambda: not old.process.runs, what="it has ended")
        assert (moves.connected, moves.refused) == (2, 0)
        assert (stays.at, stays.connected, stays.refused) == (other, 1, 0)
        assert moves.is_alive()
        assert stays.is_alive()


def test_it_listens_for_devices_and_for_what_is_inside_and_nowhere_else(proxy: Proxy) -> None:
    ss = program("ss")
    assert ss
    listing = subprocess.run(
        [ss, "--no-header", "--listening", "--tcp", "--udp", "--numeric", "--processes"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    own = [line.split() for line in listing.splitlines() if f"pid={proxy.process.popen.pid}," in line]
    listens = {int(row[4].rpartition(":")[2]) for row in own if row[1] == "LISTEN"}
    assert listens == {proxy.place.port, proxy.place.metrics_port}
