"""A customer that takes all it can get hurts only itself."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.node.bounded import bounded
from tests.node.devices import NAMESPACE, account, mqtt, taken, with_device
from tests.node.latency import ABUSE_SECONDS, Latency, of_api, of_broker
from tests.node.probes import probe_pod
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.node.world import World

pytestmark = pytest.mark.node

Recorder = Callable[[str, object], None]

RATIO = 3.0
"""How much slower the neighbour may get while both share two processors with the tests."""
KILLED = 128 + 9
"""How a program ends whose container the kernel killed for its memory."""
OF_PROCESSES = 1024
"""How many processes a pod may have."""

ALLOCATE = """
import json, os, sys, time
began = time.monotonic()
killed = 0
while time.monotonic() < began + float(sys.argv[1]):
    if os.fork() == 0:
        held = [bytearray(1 << 20) for _ in range(4096)]
        os._exit(0)
    status = os.wait()[1]
    killed += os.WIFSIGNALED(status) and os.WTERMSIG(status) == 9
print(json.dumps([began, time.monotonic(), killed]))
"""
START = """
import json, sys, threading, time
# Each is a process to the kernel that counts them, and takes little memory: that is limited, too.
threading.stack_size(64 << 10)
stays = threading.Event()
began = time.monotonic()
made = 0
while time.monotonic() < began + float(sys.argv[1]):
    try:
        threading.Thread(target=stays.wait).start()
        made += 1
    except RuntimeError:
        time.sleep(0.001)
print(json.dumps([began, time.monotonic(), made]))
stays.set()
"""
POUR = """
import errno, json, os, sys, time
began = time.monotonic()
full = 0
while time.monotonic() < began + float(sys.argv[1]):
    file = os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        while True:
            os.write(file, bytes(1 << 20))
    except OSError as error:
        full += error.errno == errno.ENOSPC
    os.close(file)
print(json.dumps([began, time.monotonic(), full]))
"""


CONNECT = """
import select, selectors, socket, sys, time
host, wanted, user, password = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]
began = time.monotonic()

def text(value):
    return len(value).to_bytes(2, 'big') + value.encode()

def connect(client):
    # MQTT 3.1.1: user, password and clean session; heard of again within ten minutes.
    kind = text('MQTT') + bytes([4, 0xC2]) + (600).to_bytes(2, 'big')
    body = kind + text(client) + text(user) + text(password)
    return bytes([0x10, len(body)]) + body

events, admitted = selectors.DefaultSelector(), []
for number in range(wanted):
    connection = socket.create_connection((host, 1883), 60)
    events.register(connection, selectors.EVENT_READ)
    try:
        connection.sendall(connect(f'crowd-{number}'))
    except OSError:
        pass  # It was closed already, which reading it tells below.
print('all have knocked since', began, flush=True)
while events.get_map():
    for key, _ in events.select():
        events.unregister(key.fileobj)
        try:
            answer = key.fileobj.recv(4)
        except OSError:
            answer = b''
        if answer == bytes([0x20, 2, 0, 0]):
            admitted.append(key.fileobj)
        else:
            key.fileobj.close()
print(len(admitted), flush=True)
while not select.select([sys.stdin], [], [], 0.01)[0]:
    try:
        another = socket.create_connection((host, 1883), 5)
        another.sendall(connect('one-more'))
        if another.recv(4):
            admitted.append(another)
    except OSError:
        pass
"""
DATA = "/var/lib/postgresql/data"
LONG = secrets.token_hex(40_000)
"""A note that no compression makes fit into space that was there before."""
FILLED = "initech"
"""Whose disk is filled. It comes back while a crowd is at another's door."""
CROWD = 2000
"""Connections at once, many times what a plan has."""
MISCOUNTED = 30
"""Connections beyond the plan's: the broker counts those that ended down twice, its probes' too."""


@pytest.fixture(scope="module")
def crowded(world: World) -> Iterator[World]:
    """A world with a client where the edge stands, that is whole again afterwards."""
    # Devices that many connect from have little processor time left for one that measures.
    beside = probe_pod(NAMESPACE, "neighbour", {})
    world.apply(beside)
    try:
        with with_device(world, "crowd", ["acme", "globex"]):
            wait = ("--for=condition=Ready", "pod/neighbour", f"--namespace={NAMESPACE}", "--timeout=120s")
            world.kubectl("wait", *wait)
            yield world
    finally:
        world.kubectl("delete", "pod/neighbour", f"--namespace={NAMESPACE}", "--wait=false")
    for tenant in ("acme", FILLED):
        world.wait_ready(tenant)


@contextmanager
def neighbour(world: World, record: Recorder) -> Iterator[Latency]:
    """Measure how globex is served, and judge that afterwards."""
    with of_api(world, "globex") as latency:
        yield latency
        world.api("globex", "/api/v1/notes", {"text": "still served"})
    judge(latency, record)


def judge(latency: Latency, record: Recorder, of: str = "API") -> None:
    latency.assert_enough()
    record(f"globex's {of}", str(latency))
    assert latency.ratio < RATIO, str(latency)


def abuse(world: World, latency: Latency, tenant: str, target: str, program: str, *arguments: str) -> int:
    """Run a program in a pod of a customer's all the time, however often it is killed.

    Returns:
        What it counted in all.
    """
    counted = 0
    until = time.monotonic() + ABUSE_SECONDS
    while (left := until - time.monotonic()) > 0:
        began = time.monotonic()
        answer = world.attempt(f"customer-{tenant}", target, "python3", "-c", program, str(left), *arguments)
        if answer.returncode == 0:
            began, ended, count = json.loads(answer.stdout)
        else:
            assert answer.returncode == KILLED, answer.stderr
            ended, count = time.monotonic(), 1
        latency.abuse.append((began, ended))
        counted += count
    return counted


def test_memory_is_taken_from_nobody_else(crowded: World, record_property: Recorder) -> None:
    with neighbour(crowded, record_property) as latency:
        assert abuse(crowded, latency, "acme", "deploy/api", ALLOCATE) > 1
    crowded.wait_ready("acme")


def test_process_numbers_run_out_for_the_customer_only(crowded: World, record_property: Recorder) -> None:
    with neighbour(crowded, record_property) as latency:
        made = abuse(crowded, latency, "acme", "deploy/api", START)
    assert OF_PROCESSES * 0.9 < made < OF_PROCESSES
    crowded.wait_ready("acme")


def test_a_full_disk_stops_its_own_customer_only(crowded: World, record_property: Recorder) -> None:
    with bounded(crowded, FILLED, "postgres", "400m") as volume:
        wait_until(lambda: takes_a_note(crowded, FILLED), seconds=120)
        with neighbour(crowded, record_property) as latency:
            assert abuse(crowded, latency, FILLED, "statefulset/postgres", POUR, f"{DATA}/filler") > 1
        wait_until(lambda: not takes_a_note(crowded, FILLED), seconds=60)
        crowded.node.namespaces.run("/bin/rm", str(volume / "filler"))
        # It comes back by itself, with what it had.
        wait_until(lambda: takes_a_note(crowded, FILLED), seconds=240)
        notes = crowded.api(FILLED, "/api/v1/notes")["notes"]
        assert notes.count(LONG) >= 2


def takes_a_note(world: World, tenant: str) -> bool:
    """Return whether a customer's API can store something that needs new space on its disk."""
    try:
        world.api(tenant, "/api/v1/notes", {"text": LONG})
    except AssertionError:
        return False
    return True


def test_a_crowd_of_connections_fills_its_own_broker_only(crowded: World, record_property: Recorder) -> None:
    crowded.kubectl("delete", "pod/mosquitto-0", "--namespace=customer-acme")
    crowded.wait_ready("acme")
    taken(crowded, "crowd", "pub", "acme", "iot/acme/x", "-m", "1")
    with (
        neighbour(crowded, record_property) as latency,
        of_broker(crowded, "globex", "neighbour") as round_trips,
        crowd(crowded, "acme", CROWD) as (left, began),
    ):
        # What is left is the plan's 50, less the API's and the exporter's.
        assert 0 < left <= 50 + MISCOUNTED
        refused = mqtt(crowded, "crowd", "pub", "acme", "iot/acme/x", "-m", "1")
        assert refused.returncode != 0
        time.sleep(max(0, began + ABUSE_SECONDS - time.monotonic()))
        for measured in (latency, round_trips):
            measured.abuse.append((began, time.monotonic()))
    judge(round_trips, record_property, "broker")


def test_a_larger_plan_has_more_connections(crowded: World) -> None:
    with crowd(crowded, "globex", 60) as (left, _):
        assert left == 60


@contextmanager
def crowd(world: World, tenant: str, wanted: int) -> Iterator[tuple[int, float]]:
    """Connect many devices to a customer's broker at once, and others one after another all the time.

    Yield how many of the many it admitted, and since when they knock.
    """
    host = f"mosquitto.customer-{tenant}.svc.cluster.local"
    program = ["python3", "-c", CONNECT, host, str(wanted), *account(tenant)]
    with subprocess.Popen(
        world.command("exec", "--stdin", f"--namespace={NAMESPACE}", "pod/crowd", "--", *program),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said, failed = process.stdout, process.stderr
        assert said is not None
        assert failed is not None
        first, _, began = said.readline().rpartition(" ")
        assert first == "all have knocked since", failed.read()
        yield int(said.readline()), float(began)
        assert process.stdin is not None
        process.stdin.close()
