"""Devices: MQTT clients in the edge's namespace, with accounts at their customers' brokers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.node.probes import probe_pod
from tests.waiting import last_seen

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Sequence

    from tests.node.world import World

NAMESPACE = "mqtt-edge"


def account(tenant: str) -> tuple[str, str]:
    """Return user and password of a customer's device."""
    return f"device-{tenant}", f"secret-{tenant}"


def add_account(world: World, tenant: str) -> None:
    """Give a customer's device an account at its broker, for its own topics."""
    user, password = account(tenant)
    body = {"username": user, "password": password, "topics": f"iot/{tenant}/#"}
    world.api(tenant, "/api/v1/mqtt-users", body)


@contextmanager
def with_device(world: World, pod: str, tenants: Sequence[str]) -> Iterator[None]:
    """Run a client, and give each customer one device that may use its own topics."""
    world.apply(probe_pod(NAMESPACE, pod, {}))
    world.kubectl("wait", "--for=condition=Ready", f"pod/{pod}", f"--namespace={NAMESPACE}", "--timeout=120s")
    for tenant in tenants:
        add_account(world, tenant)
    try:
        yield
    finally:
        world.kubectl(
            "delete", f"pod/{pod}", f"--namespace={NAMESPACE}", "--wait=false", "--ignore-not-found"
        )


def mqtt(  # noqa: PLR0913 - what a client has to be told
    world: World,
    pod: str,
    verb: str,
    tenant: str,
    topic: str,
    *options: str,
    credentials: tuple[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run Mosquitto's own client against a customer's broker.

    Args:
        world: The world.
        pod: The client.
        verb: ``pub`` or ``sub``.
        tenant: The customer whose broker is asked.
        topic: The topic.
        options: More options.
        credentials: User and password, those of the customer's device if left out.
    """
    return world.attempt(
        NAMESPACE, f"pod/{pod}", *mqtt_command(verb, tenant, topic, *options, credentials=credentials)
    )


def taken(world: World, pod: str, verb: str, tenant: str, topic: str, *options: str) -> str:
    """Run that client until the broker takes it, and return what it printed.

    A broker that has just become ready is not at once where its Service leads to.
    """
    answer = last_seen(
        lambda: mqtt(world, pod, verb, tenant, topic, *options),
        lambda answer: answer.returncode == 0,
        seconds=30,
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def mqtt_command(
    verb: str, tenant: str, topic: str, *options: str, credentials: tuple[str, str] | None = None
) -> list[str]:
    """Return the command line of that client."""
    user, password = credentials or account(tenant)
    broker = ["-h", f"mosquitto.customer-{tenant}.svc.cluster.local", "-u", user, "-P", password]
    return [f"mosquitto_{verb}", *broker, "-q", "1", "-t", topic, *options]
