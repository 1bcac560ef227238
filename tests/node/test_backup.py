"""A customer's backup, what it held lost, and put back as docs/guides/restore-a-tenant.md says, step by step.

The Jobs are the rendered ones, and their pods run.
"""

from __future__ import annotations

import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.dev_project import PYTHON
from tests.isolation import ENDPOINTS
from tests.node.bounded import scale
from tests.node.devices import NAMESPACE, mqtt_command, taken, with_device
from tests.node.probes import addresses, connects, probe_pod
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.node.world import World

pytestmark = pytest.mark.node

CUSTOMER = "initech"
HOME = f"customer-{CUSTOMER}"
WHERE = f"--namespace={HOME}"
BY_HAND = "backup-by-hand"
BEFORE_RESTORE = "backup-before-restore"
TOPICS = f"iot/{CUSTOMER}/archive"
"""Topics of these tests. Other tests retain messages too."""
RETAINED = {
    f"{TOPICS}/state": "on since noon",
    f"{TOPICS}/name": "Gäteway 7",
    f"{TOPICS}/long": "x" * 100_000,
}
AFTERWARDS = f"{TOPICS}/afterwards"
LAST = f"iot/{CUSTOMER}/last"

TABLES = """
SET ROLE iotistic;
CREATE TABLE readings (
    id bigserial PRIMARY KEY, device uuid NOT NULL, at timestamptz NOT NULL, value float8, exact numeric,
    raw bytea, meta jsonb, tags text[], note text
);
CREATE TABLE devices (id integer GENERATED ALWAYS AS IDENTITY (START 1000 INCREMENT 7), name text UNIQUE);
INSERT INTO readings (device, at, value, exact, raw, meta, tags, note)
    SELECT uuid_generate_v4(), '2026-01-01 00:00:00.123456+00'::timestamptz + n * interval '1 min',
        CASE n % 3 WHEN 0 THEN 'NaN' ELSE n / 7.0 END, n / 7::numeric, decode(repeat(md5(n::text), 8), 'hex'),
        jsonb_build_object('n', n, 'text', E'\\u00e4"\\n'), ARRAY['a', NULL, n::text], md5(n::text)
    FROM generate_series(1, 5000) n;
INSERT INTO readings (device, at, raw, note)
    SELECT uuid_generate_v4(), now(), decode(repeat('00ff', 500000), 'hex'), repeat('Größe ', 200000);
INSERT INTO devices (name) SELECT 'device ' || n FROM generate_series(1, 100) n;
SELECT setval('readings_id_seq', 90000);
"""
LOSS = """
SET ROLE iotistic;
DROP TABLE devices, notes;
DELETE FROM readings WHERE id % 2 = 0;
UPDATE readings SET raw = NULL;
SELECT setval('readings_id_seq', 1);
CREATE TABLE strange (n int);
"""
CHECKSUMS = r"""
SELECT format(
    'SELECT %L, count(*), encode(sha256(string_agg(record_send(t), NULL ORDER BY record_send(t))), ''hex'')'
    ' FROM %I t %s', relname, relname, CASE relname WHEN 'mqtt_users' THEN 'WHERE NOT superuser' END
) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname \gexec
SELECT format('SELECT %L, last_value, is_called FROM %I', relname, relname)
    FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace ORDER BY relname \gexec
"""
"""Each row as PostgreSQL sends it in binary, and where each sequence is. The API writes its own account anew
whenever it starts, which it does when its connections end."""


def sql(world: World, statements: str) -> str:
    """Run statements in the database's pod, where the superuser needs no password."""
    options = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
    command = ("psql", *options, "--username=postgres", "--dbname=iotistic")
    return world.run(HOME, "statefulset/postgres", *command, stdin=statements)


def checksums(world: World) -> dict[str, str]:
    """Return a checksum for each table and each sequence, by name."""
    lines = sql(world, CHECKSUMS).split()
    return dict(line.split("|", 1) for line in lines)


def retain(world: World, topic: str, text: str) -> None:
    empty = ("-n",) if text == "" else ("-m", text)
    taken(world, "archivist", "pub", CUSTOMER, topic, "-r", *empty)


def retained(world: World) -> dict[str, str]:
    """Return the retained messages of these tests' topics, which a broker sends before another topic's."""
    retain(world, LAST, "the last")
    command = mqtt_command("sub", CUSTOMER, f"{TOPICS}/#", "-t", LAST, "-v", "-W", "20", "--retained-only")
    # It says into a pipe what it has to say only at its end, unless it is told to.
    said = ["stdbuf", "--output=L", *command]
    found: dict[str, str] = {}
    with subprocess.Popen(
        world.command("exec", f"--namespace={NAMESPACE}", "pod/archivist", "--", *said),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            topic, _, text = line.rstrip("\n").partition(" ")
            if topic == LAST:
                process.kill()
                return found
            found[topic] = text
    pytest.fail(f"it ended: {found}")


def saved(world: World) -> bool:
    """Return whether the broker has written down what it holds, as it does every minute, or when told."""
    world.run(HOME, "statefulset/mosquitto", "pkill", "-USR1", "-x", "mosquitto")
    held = ("grep", "-q", RETAINED[f"{TOPICS}/state"], "/mosquitto/data/mosquitto.db")
    return world.succeeds(HOME, "statefulset/mosquitto", *held)


def back_up(world: World, tenant: str, job: str = BY_HAND) -> str:
    """Run the nightly backup now, as the runbook says, and return what storing it said."""
    where = f"--namespace=customer-{tenant}"
    world.kubectl(where, "create", "job", "--from=cronjob/backup", job)
    complete(world, where, job)
    # Where a pod of it failed, another one did the work.
    selector = f"--selector=batch.kubernetes.io/job-name={job}"
    (pod,) = world.get("pods", where, selector, "--field-selector=status.phase=Succeeded")["items"]
    return world.kubectl(where, "logs", f"pod/{pod['metadata']['name']}", "--container=store", "--tail=100")


def complete(world: World, where: str, job: str) -> None:
    """Wait until a Job has done its work: each step of it derives a key, which is meant to take its time."""
    done = ("--for=condition=Complete", "--timeout=600s", f"job/{job}")
    answer = world.try_kubectl(where, "wait", *done)
    assert answer.returncode == 0, world.kubectl(where, "get", "pods,events", "--sort-by=.metadata.name")


def printed(world: World, what: str, *more: str) -> str:
    """Return the Job as the command prints it."""
    return world.project.iotistic("tenant", "restore-job", CUSTOMER, "--what", what, *more).stdout


def apply(world: World, what: str, *more: str, expect: int = 0) -> str:
    """Let the command put a part back, and return on one line what it said."""
    command = (str(PYTHON), "-m", "ops.cli", "tenant", "restore-job", CUSTOMER, "--what", what)
    return " ".join(world.project.shell(*command, "--apply", "--yes", *more, expect=expect).split())


def forget(world: World, *jobs: str) -> None:
    """Delete Jobs that have ended, as before another one of the name."""
    world.kubectl(WHERE, "delete", "--ignore-not-found", *(f"job/{name}" for name in jobs))


def pod_of(world: World, job: str) -> dict[str, Any]:
    (pod,) = world.get("pods", WHERE, f"--selector=batch.kubernetes.io/job-name={job}")["items"]
    return dict(pod)


@pytest.fixture(scope="module")
def snapshot(world: World) -> Iterator[str]:
    """Return the name of a backup with rows of many types and retained messages; globex has one too."""
    with with_device(world, "archivist", [CUSTOMER]):
        world.api(CUSTOMER, "/api/v1/notes", {"text": "written before"})
        sql(world, TABLES)
        for topic, text in RETAINED.items():
            retain(world, topic, text)
        wait_until(lambda: saved(world), seconds=60)
        try:
            with ThreadPoolExecutor() as both:
                said, _ = both.map(lambda tenant: back_up(world, tenant), (CUSTOMER, "globex"))
            found = re.search(r"snapshot ([0-9a-f]{8}) saved", said)
            assert found is not None
            yield found[1]
        finally:
            forget(world, BY_HAND, BEFORE_RESTORE, "restore-database", "restore-broker")
            world.kubectl("--namespace=customer-globex", "delete", "--ignore-not-found", f"job/{BY_HAND}")
            sql(world, "DROP TABLE IF EXISTS readings, devices, strange")
            for topic in (*RETAINED, AFTERWARDS, LAST):
                retain(world, topic, "")


@pytest.mark.usefixtures("snapshot")
def test_a_backup_of_another_customers_is_refused_and_changes_nothing(world: World) -> None:
    """By a key that is another's, and by a repository that is another's. The next test puts back its own."""
    before = checksums(world)
    for exchanged in (another_key(world), another_repository(world)):
        with exchanged:
            said = apply(world, "database", expect=1)
        assert "wrong password or no key found" in said
        assert checksums(world) == before
        forget(world, "restore-database")


def test_a_database_comes_back_byte_for_byte(world: World, snapshot: str) -> None:
    before = checksums(world)
    assert {"readings", "devices", "notes", "mqtt_users", "readings_id_seq", "devices_id_seq"} <= set(before)
    sql(world, LOSS)
    assert checksums(world).items() & before.items() < before.items()

    # What is there now is kept, and takes the place of no other backup.
    assert snapshot in back_up(world, CUSTOMER, BEFORE_RESTORE)
    assert "It is put back" in apply(world, "database", "--backup", snapshot)
    assert checksums(world) == before
    world.kubectl(WHERE, "rollout", "restart", "deployment/api")
    world.wait_ready(CUSTOMER)
    assert "written before" in world.api(CUSTOMER, "/api/v1/notes")["notes"]
    # Sequences go on where they were.
    insert = "INSERT INTO {} RETURNING id"
    assert sql(world, insert.format("devices (name) VALUES ('next')")).strip() == str(1000 + 100 * 7)
    assert sql(world, insert.format("readings (device, at) VALUES (uuid_nil(), now())")).strip() == "90001"


def test_a_broker_that_runs_is_waited_for_and_waits_in_turn(world: World, snapshot: str) -> None:
    assert retained(world) == RETAINED
    for topic in RETAINED:
        retain(world, topic, "")
    retain(world, AFTERWARDS, "came after the backup")
    assert "statefulset/mosquitto: still runs" in apply(world, "broker", expect=2)

    world.kubectl(WHERE, "create", "--filename=-", stdin=printed(world, "broker", "--backup", snapshot))
    wait_until(lambda: "anti-affinity" in unscheduled(world, "restore-broker"), seconds=60)
    time.sleep(3)
    assert "anti-affinity" in unscheduled(world, "restore-broker"), "it waits as long as the broker runs"
    assert retained(world) == {AFTERWARDS: "came after the backup"}

    scale(world, CUSTOMER, "mosquitto", 0)
    wait_until(lambda: "nodeName" in pod_of(world, "restore-broker")["spec"], seconds=300)
    # Somebody in a hurry starts the broker again at once.
    scale(world, CUSTOMER, "mosquitto", 1)
    complete(world, WHERE, "restore-broker")
    # The scheduler would look at it again within five minutes; a new pod is looked at now.
    scale(world, CUSTOMER, "mosquitto", 0)
    scale(world, CUSTOMER, "mosquitto", 1)
    world.wait_ready(CUSTOMER)
    (put,) = pod_of(world, "restore-broker")["status"]["containerStatuses"]
    broker = world.get("pod/mosquitto-0", WHERE)["status"]["containerStatuses"]
    started = {it["state"]["running"]["startedAt"] for it in broker}
    assert min(started) >= put["state"]["terminated"]["finishedAt"], "never both at once"
    assert retained(world) == RETAINED


def unscheduled(world: World, job: str) -> str:
    """Return why the scheduler gives a Job's pod no node; nothing where it has given one."""
    found = world.get("pods", WHERE, f"--selector=batch.kubernetes.io/job-name={job}")["items"]
    for condition in (one for pod in found for one in pod["status"].get("conditions", [])):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition["message"])
    return ""


@pytest.mark.usefixtures("snapshot")
def test_a_backups_pod_is_restricted_and_reaches_the_database_and_nothing_else(world: World) -> None:
    # The latest alone is left: of the Jobs that were made from it, the nightly one keeps one.
    pod, *_ = (pod for pod in world.pods(CUSTOMER) if pod["metadata"]["name"].startswith("backup-"))
    labels = world.get(f"namespace/{HOME}")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    for step in (*pod["spec"]["initContainers"], *pod["spec"]["containers"]):
        assert step["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    # A pod that is to the policies what this one was.
    own = {key: value for key, value in pod["metadata"]["labels"].items() if "iotistic.io/" in key}
    named = {key: value for key, value in pod["metadata"]["labels"].items() if "app.kubernetes.io/" in key}
    world.apply(probe_pod(HOME, "like-a-backup", own | named))
    try:
        world.kubectl(WHERE, "wait", "--for=condition=Ready", "pod/like-a-backup", "--timeout=120s")
        for tenant, expected in ((CUSTOMER, {("postgres", 5432)}), ("globex", set())):
            there = addresses(world, tenant)
            endpoints = [(app, port) for app, port in ENDPOINTS if app in there]
            places = [(there[app], port) for app, port in endpoints]
            answers = connects(world, HOME, "pod/like-a-backup", places)
            assert {place for place, reached in zip(endpoints, answers, strict=True) if reached} == expected
    finally:
        world.kubectl(WHERE, "delete", "pod/like-a-backup", "--wait=false")


@contextmanager
def another_key(world: World) -> Iterator[None]:
    """Let its backups have the key of globex's."""
    own, other = (world.get("secret/backup", f"--namespace=customer-{name}") for name in (CUSTOMER, "globex"))
    kept = {key: own["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": kept, "type": own["type"]}
    world.apply({**secret, "data": other["data"]})
    try:
        yield
    finally:
        world.apply({**secret, "data": own["data"]})


@contextmanager
def another_repository(world: World) -> Iterator[None]:
    """Let its volume of backups hold those of globex."""
    own, other = (repository(world, name) for name in (CUSTOMER, "globex"))
    exchange = 'mkdir "$0.kept" && mv "$0"/* "$0.kept" && cp -a "$1"/. "$0"'
    world.node.namespaces.run("/bin/sh", "-c", exchange, own, other)
    try:
        yield
    finally:
        back = 'rm -r "$0"/* && mv "$0.kept"/* "$0" && rmdir "$0.kept"'
        world.node.namespaces.run("/bin/sh", "-c", back, own)


def repository(world: World, tenant: str) -> str:
    """Return where the node has a customer's volume of backups."""
    claim = world.get("persistentvolumeclaim/backup-data", f"--namespace=customer-{tenant}")
    volume = world.get(f"persistentvolume/{claim['spec']['volumeName']}")
    return str(volume["spec"]["local"]["path"])
