"""Two APIs that start at once migrate one after the other, by the lock that their pods take."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING

import pytest

from infra.customer import api, migrations
from infra.customer.instance import manifests
from tests.edge.pods import Image
from tests.program.instances import instance_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.component import Manifest
    from infra.customer.model import Instance
    from tests.edge.database import Database
    from tests.edge.pods import Node
    from tests.edge.world import Process

pytestmark = pytest.mark.edge

PODS = ("api", "api-surge")
AWAY_SECONDS = 2.5
"""For how long a database is away: longer than a pod that waits sleeps between two looks."""
MIGRATE = """
export PGPASSWORD=$DB_PASSWORD
ask() { psql --quiet --no-psqlrc -At --host=$DB_HOST --username=$DB_USER --dbname=$DB_NAME --command="$1"; }
ask "INSERT INTO journal (pod, event) VALUES ('$POD', 'begins')"
until [ "$(ask "SELECT count(*) FROM released")" = 1 ]; do sleep 0.1; done
ask "INSERT INTO journal (pod, event) VALUES ('$POD', 'ends')"
exec python3 -m http.server "$PORT" --bind 127.0.0.1
"""
"""What an API does at its start: it migrates, here for as long as the test wants, and then it listens."""


def two_pods(instance: Instance) -> list[Manifest]:
    """Return the objects with a second API, as a roll-out that surges has them, on a port of its own."""
    objects = manifests(instance)
    (first,) = (
        item for item in objects if (item["kind"], item["metadata"]["name"]) == ("Deployment", api.APP)
    )
    second = copy.deepcopy(first)
    second["metadata"]["name"] = PODS[1]
    pod = second["spec"]["template"]["spec"]
    for container in (*pod["initContainers"], *pod["containers"]):
        for variable in container["env"]:
            if variable["name"] == "PORT":
                variable["value"] = "3003"
    for item, name in ((first, PODS[0]), (second, PODS[1])):
        item["spec"]["template"]["spec"]["containers"][0]["env"].append({"name": "POD", "value": name})
    return [*objects, second]


@pytest.fixture
def journal(node: Node, instance: Instance, database: Database) -> Iterator[Database]:
    before = list(node.processes)
    node.apply(two_pods(instance))
    node.image("api", Image(entrypoint=("bash", "-euc", MIGRATE)))
    database.as_api(
        "CREATE TABLE released (at timestamptz);CREATE TABLE journal (number serial, pod text, event text)"
    )
    yield database
    for process in node.processes[len(before) :]:
        if process is not database.process:
            process.stop()
    database.as_api("DROP TABLE released, journal")


def events(database: Database) -> list[str]:
    return database.as_api("SELECT pod || ' ' || event FROM journal ORDER BY number").splitlines()


def held(database: Database) -> int:
    """Return how many sessions have the lock or wait for it."""
    locks = database.as_superuser("SELECT objid FROM pg_locks WHERE locktype = 'advisory'").split()
    assert set(locks) <= {str(migrations.LOCK)}
    return len(locks)


def release(database: Database) -> None:
    """Let the migrations come to their end."""
    database.as_api("INSERT INTO released VALUES (now())")


def take(node: Node, name: str) -> Process:
    """Make a pod and start what takes the lock for it."""
    node.create("Deployment", name)
    return node.go_on("Deployment", name, migrations.NAME)


def its_turn(node: Node, name: str) -> bool:
    """Return whether a kubelet would start a pod's API now: it asks what the pod says."""
    (lock,) = node.pod("Deployment", name)["initContainers"]
    return (
        node.run("Deployment", name, migrations.NAME, *lock["startupProbe"]["exec"]["command"]).returncode
        == 0
    )


def test_without_the_lock_both_begin_at_once(node: Node, journal: Database) -> None:
    """The test below can fail: an API has no lock of its own."""
    for name in PODS:
        node.start("Deployment", name, "api")
    wait_until(lambda: len(events(journal)) == 2, what="both have begun", seconds=30)
    release(journal)
    wait_until(lambda: len(events(journal)) == 4, what="both have ended", seconds=30)
    assert [event.split()[1] for event in events(journal)] == ["begins", "begins", "ends", "ends"]


def test_with_it_the_second_begins_when_the_first_listens(node: Node, journal: Database) -> None:
    locks = {name: take(node, name) for name in PODS}
    wait_until(lambda: held(journal) == 2, what="one has the lock and the other waits", seconds=30)
    wait_until(lambda: any(its_turn(node, name) for name in PODS), what="one has its turn", seconds=30)
    first, second = sorted(PODS, key=lambda name: not its_turn(node, name))
    node.go_on("Deployment", first, "api")
    wait_until(lambda: events(journal) == [f"{first} begins"], what="it has begun", seconds=30)
    assert not its_turn(node, second)

    release(journal)
    wait_until(lambda: its_turn(node, second), what="the other has its turn", seconds=60)
    assert events(journal) == [f"{first} begins", f"{first} ends"]
    node.go_on("Deployment", second, "api")
    wait_until(lambda: held(journal) == 0, what="the lock is free", seconds=60)
    for lock in locks.values():
        assert lock.runs, lock.said()
        assert "the lock is free" in lock.said()


def test_before_its_database_listens_no_api_starts(node: Node, database: Database) -> None:
    """The API itself would end where it finds none, again and again."""
    database.process.stop()
    lock = take(node, api.APP)
    time.sleep(3)
    assert lock.runs, lock.said()
    assert not its_turn(node, api.APP)
    database.start()
    wait_until(lambda: its_turn(node, api.APP), what="it has its turn", seconds=30)
    lock.stop()


def test_a_pod_that_is_killed_leaves_the_lock_to_the_next(node: Node, journal: Database) -> None:
    first, second = PODS
    lock = take(node, first)
    wait_until(lambda: its_turn(node, first), what="it has its turn", seconds=30)
    take(node, second)
    wait_until(lambda: held(journal) == 2, what="the other waits", seconds=30)
    assert not its_turn(node, second)
    lock.stop()
    wait_until(lambda: its_turn(node, second), what="the other has its turn", seconds=30)


def test_a_pod_that_is_deleted_is_not_waited_for(node: Node, journal: Database) -> None:
    release(journal)
    waiting, migrated = take(node, PODS[0]), PODS[1]
    wait_until(lambda: its_turn(node, PODS[0]), what="it has its turn", seconds=30)
    lock = take(node, migrated)
    # One that waits for its turn, one that has it, and one that has had it: each ends when it is asked to.
    wait_until(lambda: held(journal) == 2, what="the other waits", seconds=30)
    node.end(lock)
    node.end(waiting)
    lock = take(node, migrated)
    wait_until(lambda: its_turn(node, migrated), what="it has its turn", seconds=30)
    node.go_on("Deployment", migrated, "api")
    wait_until(lambda: "the lock is free" in lock.said(), what="it has had its turn", seconds=60)
    node.end(lock)
    assert held(journal) == 0


def test_a_database_that_is_away_is_waited_for(node: Node, journal: Database) -> None:
    journal.process.stop()
    lock = take(node, PODS[0])
    try:
        time.sleep(AWAY_SECONDS)
        assert lock.runs, lock.said()
        assert not its_turn(node, PODS[0])
    finally:
        journal.start()
    wait_until(lambda: its_turn(node, PODS[0]), what="it has its turn", seconds=30)
    assert held(journal) == 1


def test_a_pod_that_waits_for_a_database_ends_when_it_is_asked_to(node: Node, journal: Database) -> None:
    journal.process.stop()
    try:
        lock = take(node, PODS[0])
        time.sleep(AWAY_SECONDS)
        node.end(lock)
        assert lock.popen.returncode == 0
    finally:
        journal.start()


def test_a_lock_that_went_with_its_database_ends_its_pods_container_and_is_taken_anew(
    node: Node, journal: Database
) -> None:
    """What a kubelet starts anew, it does not keep for running."""
    lock = take(node, PODS[0])
    wait_until(lambda: its_turn(node, PODS[0]), what="it has its turn", seconds=30)
    journal.restart()
    release(journal)
    node.go_on("Deployment", PODS[0], "api")
    wait_until(lambda: not lock.runs, what="it has ended", seconds=60)
    assert lock.popen.returncode != 0
    assert "server closed the connection unexpectedly" in lock.said()
    assert "the lock is free" not in lock.said()
    anew = node.go_on("Deployment", PODS[0], migrations.NAME)
    wait_until(lambda: "the lock is free" in anew.said(), what="it was taken and given back", seconds=30)


def test_who_is_not_let_in_says_so_and_ends(node: Node, instance: Instance, journal: Database) -> None:
    stranger = {"database_api": "not the password"}
    node.apply(manifests(instance_of(instance.tenant.id, credentials=stranger)))
    try:
        lock = take(node, PODS[0])
        wait_until(lambda: not lock.runs, what="it has ended", seconds=30)
    finally:
        node.apply(two_pods(instance))
    assert lock.popen.returncode != 0
    assert "password authentication failed" in lock.said()
    assert stranger["database_api"] not in lock.said()
    assert held(journal) == 0
