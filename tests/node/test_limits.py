"""A customer that takes all it can get hurts only itself."""

from __future__ import annotations

import statistics
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.node.world import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.node.world import World

pytestmark = pytest.mark.node

RATIO = 3.0
"""How much slower the neighbour may get while both share two processors with the tests."""

ALLOCATE = "held = [bytearray(1 << 20) for _ in range(4096)]"
FORK = """
import os, time
made = 0
try:
    while made < 5000:
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        made += 1
except OSError:
    pass
print(made)
"""
FILL = """
with open('/tmp/filler', 'wb') as file:
    for _ in range(200):
        file.write(bytes(1 << 20))
"""


@pytest.fixture(scope="module")
def crowded(world: World) -> Iterator[World]:
    """A world that is whole again afterwards."""
    yield world
    world.wait_ready("acme")


def latency(world: World) -> float:
    """Return the median seconds that the neighbour's API takes for an answer from its database."""
    program = (
        "import statistics, time, urllib.request as u\n"
        "taken = []\n"
        "for _ in range(40):\n"
        "    started = time.perf_counter()\n"
        "    u.urlopen('http://127.0.0.1:3002/api/v1/notes', timeout=10).read()\n"
        "    taken.append(time.perf_counter() - started)\n"
        "print(statistics.median(taken))\n"
    )
    return float(world.run("customer-globex", "deploy/api", "python3", "-c", program))


def test_memory_is_taken_from_nobody_else(crowded: World) -> None:
    before = statistics.median(latency(crowded) for _ in range(3))
    greedy = subprocess.Popen(
        crowded.command("exec", "--namespace=customer-acme", "deploy/api", "--", "python3", "-c", ALLOCATE),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    with greedy:
        during = statistics.median(latency(crowded) for _ in range(3))
        assert greedy.wait(timeout=120) == 137
    assert during < before * RATIO, f"{before * 1000:.1f} ms before, {during * 1000:.1f} ms during"
    crowded.wait_ready("acme")


def test_process_numbers_run_out_for_the_customer_only(crowded: World) -> None:
    answer = crowded.attempt("customer-acme", "deploy/dashboard", "python3", "-c", FORK)
    # Stopped by the number of processes, or by the memory that they take.
    made = int(answer.stdout or "0")
    assert made < 1024
    assert answer.returncode in {0, 137}
    crowded.api("globex", "/api/v1/notes", {"text": "still served"})
    crowded.wait_ready("acme")


def test_a_full_scratch_volume_ends_its_own_pod(crowded: World) -> None:
    [name] = [
        str(pod["metadata"]["name"])
        for pod in crowded.pods("acme")
        if pod["metadata"]["labels"].get("app.kubernetes.io/name") == "api"
        and pod["status"]["phase"] == "Running"
    ]
    crowded.attempt("customer-acme", f"pod/{name}", "python3", "-c", FILL)
    eventually(lambda: ended(crowded, name), seconds=150)
    crowded.wait_ready("acme")
    crowded.api("globex", "/api/v1/notes", {"text": "still served"})


def ended(world: World, name: str) -> bool:
    answer = world.try_kubectl(
        "get", f"pod/{name}", "--namespace=customer-acme", "-o=jsonpath={.status.reason}"
    )
    return answer.returncode != 0 or answer.stdout == "Evicted"
