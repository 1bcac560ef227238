"""A customer that fills what it has for temporary files loses the pod, and nobody else anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.node.world import app_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from tests.node.world import World

pytestmark = pytest.mark.node

CUSTOMER = "initech"

FILL = """
with open('/tmp/filler', 'wb') as file:
    for _ in range(200):
        file.write(bytes(1 << 20))
"""


def test_a_full_scratch_volume_ends_its_own_pod(world: World) -> None:
    [name] = [
        str(pod["metadata"]["name"])
        for pod in world.pods(CUSTOMER)
        if app_of(pod) == "api" and pod["status"]["phase"] == "Running"
    ]
    world.attempt(f"customer-{CUSTOMER}", f"pod/{name}", "python3", "-c", FILL)
    wait_until(lambda: ended(world, name), seconds=150)
    world.wait_ready(CUSTOMER)
    world.api("globex", "/api/v1/notes", {"text": "still served"})


def ended(world: World, name: str) -> bool:
    answer = world.try_kubectl(
        "get", f"pod/{name}", f"--namespace=customer-{CUSTOMER}", "-o=jsonpath={.status.reason}"
    )
    return answer.returncode != 0 or answer.stdout == "Evicted"
