"""Gives a customer's volume an end, as a cloud's disk has one: the node's own are folders without a size."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.node.world import World

_MOUNT = """
set -eu
mkdir /run/bounded
cp -a "$0/." /run/bounded
mount -t tmpfs -o "size=$1" tmpfs "$0"
cp -a /run/bounded/. "$0"
rm -r /run/bounded
"""


@contextmanager
def bounded(world: World, tenant: str, app: str, size: str) -> Iterator[Path]:
    """Let the volume of a customer's workload hold ``size`` and no more, and yield where the node has it.

    What is written meanwhile is gone afterwards. Nobody waits for the workload to be ready again.
    """
    claim = world.get(f"persistentvolumeclaim/{app}-data", f"--namespace=customer-{tenant}")
    volume = world.get(f"persistentvolume/{claim['spec']['volumeName']}")
    path = volume["spec"]["local"]["path"]
    with _stopped(world, tenant, app):
        world.node.namespaces.run("/bin/sh", "-c", _MOUNT, path, size)
    try:
        yield Path(path)
    finally:
        with _stopped(world, tenant, app):
            world.node.namespaces.run("/bin/umount", path)


@contextmanager
def _stopped(world: World, tenant: str, app: str) -> Iterator[None]:
    """Keep a workload down, and let it come back."""
    scale(world, tenant, app, 0)
    try:
        yield
    finally:
        scale(world, tenant, app, 1)


def scale(world: World, tenant: str, app: str, replicas: int) -> None:
    namespace = f"--namespace=customer-{tenant}"
    world.kubectl("scale", f"statefulset/{app}", namespace, f"--replicas={replicas}")
    if replicas == 0:
        world.kubectl("wait", "--for=delete", f"pod/{app}-0", namespace, "--timeout=180s")
