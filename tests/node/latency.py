"""How long a neighbour waits for answers, asked all the time while somebody else takes what they can get.

Every process here reads the same clock, so what was asked when is known by it.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.node.devices import NAMESPACE, account

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.node.world import World

CALM_SECONDS: Final = 2
ABUSE_SECONDS: Final = 4
ASKED: Final = 40
"""How often at least a neighbour was asked in such a time; half as often while all is calm."""

_SAMPLE: Final = """
import json, select, sys, time
def sample(ask):
    samples = []
    print("begins", flush=True)
    while not select.select([sys.stdin], [], [], 0.05)[0]:
        started = time.monotonic()
        ask()
        samples.append((started, time.monotonic() - started))
    print(json.dumps(samples))
"""
_ASK_API: Final = (
    _SAMPLE
    + """
import urllib.request
sample(lambda: urllib.request.urlopen("http://127.0.0.1:3002/api/v1/notes", timeout=10).read())
"""
)
_ASK_BROKER: Final = (
    _SAMPLE
    + """
import socket
host, user, password, topic = sys.argv[1:]
def text(value):
    return len(value).to_bytes(2, "big") + value.encode()
def packet(kind, body):
    return bytes([kind, len(body)]) + body
broker = socket.create_connection((host, 1883), 10)
said = broker.makefile("rb")
# MQTT 3.1.1: user, password and clean session; heard of again within ten minutes.
hello = text("MQTT") + bytes([4, 0xC2]) + (600).to_bytes(2, "big")
broker.sendall(packet(0x10, hello + text("neighbour") + text(user) + text(password)))
assert said.read(4) == bytes([0x20, 2, 0, 0])
broker.sendall(packet(0x82, bytes([0, 1]) + text(topic) + bytes([0])))
assert said.read(5) == bytes([0x90, 3, 0, 1, 0])
def round_trip():
    message = packet(0x30, text(topic) + time.monotonic().hex().encode())
    broker.sendall(message)
    assert said.read(len(message)) == message
sample(round_trip)
"""
)


@dataclass
class Latency:
    """Answers of a neighbour, before and during an abuse.

    Attributes:
        calm: When the abuse was about to begin.
        abuse: From when until when it went on.
        samples: When each question was asked, and how many seconds its answer took.
    """

    calm: float
    abuse: list[tuple[float, float]] = field(default_factory=list)
    samples: list[tuple[float, float]] = field(default_factory=list)

    @property
    def before(self) -> list[float]:
        """How long answers took that came before the abuse."""
        return [took for at, took in self.samples if at + took < self.calm]

    @property
    def during(self) -> list[float]:
        """How long answers took that were asked for while it went on, and came before it was over."""
        return [
            took
            for at, took in self.samples
            if any(began <= at and at + took <= ended for began, ended in self.abuse)
        ]

    @property
    def ratio(self) -> float:
        """How much longer the median answer took during it."""
        return statistics.median(self.during) / statistics.median(self.before)

    def assert_enough(self) -> None:
        """Refuse what was measured beside too little abuse, or too seldom."""
        assert sum(ended - began for began, ended in self.abuse) > ABUSE_SECONDS * 0.9
        assert len(self.before) > ASKED / 2
        assert len(self.during) > ASKED

    def __str__(self) -> str:
        """Return the medians and the worst of both, in milliseconds."""
        before, during = (
            f"{statistics.median(found) * 1000:.1f} ms (at worst {max(found) * 1000:.0f})"
            for found in (self.before, self.during)
        )
        return f"{before} before, {during} during, {self.ratio:.2f} times as long"


@contextmanager
def of_api(world: World, tenant: str) -> Iterator[Latency]:
    """Ask a customer's API for what is in its database, again and again."""
    with _sampled(world, (f"customer-{tenant}", "deploy/api"), [_ASK_API]) as latency:
        yield latency


@contextmanager
def of_broker(world: World, tenant: str, pod: str) -> Iterator[Latency]:
    """Publish to a customer's broker again and again, from a pod that is subscribed."""
    host = f"mosquitto.customer-{tenant}.svc.cluster.local"
    program = [_ASK_BROKER, host, *account(tenant), f"iot/{tenant}/round-trip"]
    with _sampled(world, (NAMESPACE, f"pod/{pod}"), program) as latency:
        yield latency


@contextmanager
def _sampled(world: World, where: tuple[str, str], program: Sequence[str]) -> Iterator[Latency]:
    namespace, target = where
    command = ("exec", "--stdin", f"--namespace={namespace}", target, "--", "python3", "-c", *program)
    with subprocess.Popen(
        world.command(*command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        begun = process.stdout.readline()
        assert begun == "begins\n", process.stderr.read()
        time.sleep(CALM_SECONDS)
        latency = Latency(time.monotonic())
        yield latency
        said, failed = process.communicate("enough\n", timeout=60)
        assert process.returncode == 0, failed
        latency.samples += [(at, took) for at, took in json.loads(said)]
