"""What the broker holds, and what a customer leaves behind, from the backup to where it is wanted again."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer import backup, backup_final, mosquitto, restore
from infra.customer.instance import manifests
from tenants.models import LifecycleState
from tests.edge.broker import Broker, asking_nobody
from tests.edge.database import POSTGRES_IMAGE, Database
from tests.edge.pods import Node
from tests.edge.test_settle import MQTT_TABLES, TABLES
from tests.program.instances import PLACEHOLDERS, instance_of, with_options
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.customer.model import Instance

pytestmark = pytest.mark.edge

TOPIC = "iot/device/1/state"
LAST: dict[str, Any] = {"runs": False, "lifecycle": LifecycleState.DECOMMISSIONED}


@pytest.fixture(scope="module")
def instance() -> Instance:
    return instance_of("acme", surroundings={"broker_issuer": None})


@pytest.fixture(scope="module")
def node(instance: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = Node(tmp_path_factory.mktemp("node"), asking_nobody(manifests(instance)))
    node.image("postgres", POSTGRES_IMAGE)
    yield node
    node.close()


@pytest.fixture(scope="module")
def broker(node: Node) -> Broker:
    return Broker(node)


@pytest.fixture
def database(node: Node, instance: Instance) -> Iterator[Database]:
    """The customer's database, and afterwards no volume that has anything left on it."""
    node.apply(asking_nobody(manifests(instance)))
    database = Database(node)
    database.start()
    yield database
    database.process.stop()
    shutil.rmtree(node.folder / "claims")


def empty(node: Node, app: str) -> None:
    """Take a volume away, as the loss of a disk does."""
    shutil.rmtree(claim(node, app))


def claim(node: Node, app: str) -> Path:
    return node.folder / "claims" / f"{app}-data"


def finish(node: Node, kind: str, name: str) -> str:
    answer = node.finish(kind, name)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def put_back(node: Node, instance: Instance, part: restore.Part) -> str:
    node.apply([restore.job(instance, part)])
    return finish(node, "Job", restore.name(part))


@pytest.mark.usefixtures("database")
def test_a_retained_message_comes_back_on_an_empty_volume(
    node: Node, instance: Instance, broker: Broker
) -> None:
    process = broker.start()
    broker.retain(TOPIC, "on since noon")
    node.end(process)
    finish(node, "CronJob", backup.APP)

    empty(node, mosquitto.APP)
    put_back(node, instance, restore.Part.BROKER)
    process = broker.start()
    assert broker.retained(TOPIC) == "on since noon"
    # It can go on writing where it was put back.
    broker.retain(TOPIC, "off")
    node.end(process)
    process = broker.start()
    assert broker.retained(TOPIC) == "off"
    node.end(process)
    assert "Error" not in process.said()


@pytest.mark.usefixtures("database")
def test_a_snapshot_without_the_brokers_data_changes_nothing(node: Node, instance: Instance) -> None:
    held = claim(node, mosquitto.APP)
    held.mkdir(parents=True)
    finish(node, "CronJob", backup.APP)
    (held / "mosquitto.db").write_text("of today", encoding="utf-8")
    node.apply([restore.job(instance, restore.Part.BROKER)])
    answer = node.finish("Job", "restore-broker")
    assert answer.returncode != 0
    assert "the snapshot has no mosquitto.db: nothing was changed" in answer.stderr
    assert (held / "mosquitto.db").read_text(encoding="utf-8") == "of today"


def rows(database: Database) -> str:
    return database.as_api("SELECT count(*), sum(value) FROM kept")


def test_what_a_customer_leaves_behind_is_stored_with_nothing_running(
    node: Node, instance: Instance, database: Database, broker: Broker
) -> None:
    database.as_api(
        f"{TABLES} CREATE TABLE kept (value int); INSERT INTO kept SELECT generate_series(1, 1000)"
    )
    before = rows(database)
    process = broker.start()
    broker.retain(TOPIC, "the last word")
    node.end(process)
    database.process.stop()

    # A password that was raised while nothing ran is not in the database yet.
    credentials = {"database_api": "a newer password"}
    left = manifests(
        instance_of("acme", surroundings={"broker_issuer": None}, credentials=credentials, **LAST)
    )
    node.apply(left)
    said = [finish(node, "Job", item["metadata"]["name"]) for item in left if backup_final.is_final(item)]
    assert "/work/database.dump" in said[-1]
    assert "a newer password" not in "".join(said)

    # Revived, the customer goes on with the same volumes.
    node.apply(asking_nobody(manifests(instance)))
    database.start()
    assert rows(database) == before
    database.process.stop()

    # Nothing is left but the repository, and all of it can be had back.
    for app in ("postgres", mosquitto.APP):
        empty(node, app)
    database.start()
    for part in (restore.Part.DATABASE, restore.Part.BROKER):
        put_back(node, instance, part)
    assert rows(database) == before
    process = broker.start()
    assert broker.retained(TOPIC) == "the last word"
    node.end(process)


def test_a_volume_that_was_never_used_is_no_reason_to_fail(node: Node) -> None:
    node.apply(manifests(instance_of("acme", surroundings={"broker_issuer": None}, **LAST)))
    assert "/work/database.dump" in finish(node, "Job", backup_final.NAME)


def test_an_older_database_comes_back_with_the_accounts_and_the_address_of_today(
    node: Node, database: Database
) -> None:
    database.as_api(TABLES + MQTT_TABLES)
    declare(database, domain="old.example", node_red="of that day")
    finish(node, "Job", "settle")
    finish(node, "CronJob", backup.APP)

    # All that is declared differently today, and settled in the database since.
    today = declare(database, domain="new.example", node_red="of today", mqtt_authentication="postgres")
    finish(node, "Job", "settle")
    settled = declared_in(database)
    assert settled == "mqtt-acme.new.example|t|t|t"
    database.as_api("UPDATE mqtt_users SET is_active = false; DELETE FROM system_config")
    said = put_back(node, today, restore.Part.DATABASE)
    assert declared_in(database) == settled
    assert database.as_api("SELECT is_active FROM mqtt_users WHERE username = 'device_1'") == "t"
    assert "of today" not in said


def declare(database: Database, *, domain: str, node_red: str, **surroundings: str) -> Instance:
    """Declare a customer with Node-RED, and let the database's pod start with that."""
    declared = with_options(
        "acme",
        "node_red",
        surroundings={"broker_issuer": None, "domain": domain, **surroundings},
        credentials={"mqtt_node_red": node_red},
    )
    database.node.apply(asking_nobody(manifests(declared)))
    database.restart()
    return declared


def declared_in(database: Database) -> str:
    """Return the broker's address, whether today's password is Node-RED's, and what its role may read."""
    return database.as_superuser(
        "SELECT value->>'host', password_hash = crypt('of today', password_hash),"
        " has_table_privilege('broker', 'mqtt_users', 'SELECT'),"
        " has_table_privilege('broker', 'mqtt_acls', 'SELECT')"
        " FROM system_config, mqtt_users WHERE key = 'mqtt.brokers.1' AND username = 'node-red'"
    )


def test_whoever_is_logged_in_is_put_out_when_a_database_comes_back(
    node: Node, instance: Instance, database: Database
) -> None:
    database.as_api(TABLES)
    finish(node, "CronJob", backup.APP)
    with ThreadPoolExecutor(1) as beside:
        session = beside.submit(
            database.psql, "SELECT pg_sleep(600)", role="iotistic", password=PLACEHOLDERS.database_api
        )
        wait_until(lambda: "pg_sleep" in running(database), what="the session is there")
        put_back(node, instance, restore.Part.DATABASE)
        assert "terminating connection" in session.result().stderr


def running(database: Database) -> str:
    return database.as_superuser(
        "SELECT query FROM pg_stat_activity WHERE usename = 'iotistic' AND pid <> pg_backend_pid()"
    )
