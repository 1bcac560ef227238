"""What the API seeds is settled by the rendered Job, in the real database."""

from __future__ import annotations

import dataclasses
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer import migrations
from infra.customer.instance import manifests
from infra.customer.model import Credentials
from tenants.key_ring import KeyRing
from tests.program.instances import PLACEHOLDERS, instance_of, with_options
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.customer.model import Instance
    from tests.edge.database import Database
    from tests.edge.pods import Node

pytestmark = pytest.mark.edge

TABLES = """
CREATE TABLE users (
    id serial PRIMARY KEY, username varchar(255) UNIQUE NOT NULL, email varchar(255) UNIQUE NOT NULL,
    password_hash varchar(255) NOT NULL, role varchar(50) NOT NULL
);
CREATE TABLE system_config (
    key varchar(255) PRIMARY KEY, value jsonb NOT NULL, updated_at timestamp DEFAULT CURRENT_TIMESTAMP
);
"""
MQTT_TABLES = """
CREATE TABLE mqtt_users (
    id serial PRIMARY KEY, username varchar(255) UNIQUE NOT NULL, password_hash varchar(255) NOT NULL,
    is_superuser boolean DEFAULT false, is_active boolean DEFAULT true
);
CREATE TABLE mqtt_acls (
    id serial PRIMARY KEY, username varchar(255), clientid varchar(255), topic varchar(255) NOT NULL,
    access integer NOT NULL, priority integer DEFAULT 0
);
INSERT INTO mqtt_users (username, password_hash) VALUES ('device_1', 'theirs');
INSERT INTO mqtt_acls (username, topic, access) VALUES ('device_1', 'iot/device/1/#', 7);
"""
BROKER = "mqtt.brokers.1"


@pytest.fixture
def tables(database: Database) -> Iterator[Database]:
    """The API's tables with what it seeds: admin with the password admin, and another user with it."""
    database.as_api(TABLES)
    # As the API writes it: bcrypt under the name $2b$.
    for name in ("admin", "guest"):
        database.as_api(
            "INSERT INTO users (username, email, password_hash, role)"
            " VALUES (:'name', :'name' || '@acme.example',"
            " overlay(crypt('admin', gen_salt('bf', 10)) PLACING '$2b$' FROM 1), 'admin')",
            name=name,
        )
    yield database
    database.as_api("DROP TABLE IF EXISTS users, system_config, mqtt_users, mqtt_acls")


def settle(node: Node) -> str:
    answer = node.finish("Job", "settle")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout + answer.stderr


def opens(database: Database, user: str, password: str) -> bool:
    """Return whether a password is a user's, by the database's own bcrypt."""
    answer = database.as_api(
        "WITH kept AS (SELECT overlay(password_hash PLACING '$2a$' FROM 1) AS hash FROM users"
        " WHERE username = :'user') SELECT hash = crypt(:'offered', hash) FROM kept",
        user=user,
        offered=password,
    )
    return answer == "t"


def broker(database: Database) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        database.as_api("SELECT value FROM system_config WHERE key = :'key'", key=BROKER)
    )
    return found


def write_broker(database: Database, value: dict[str, Any], at: str) -> None:
    database.as_api(
        "INSERT INTO system_config (key, value, updated_at) VALUES (:'key', :'value', :'at')",
        key=BROKER,
        value=json.dumps(value),
        at=at,
    )


def written(database: Database) -> str:
    """Return when the address was written last."""
    return database.as_api("SELECT updated_at FROM system_config WHERE key = :'key'", key=BROKER)


def declared(instance: Instance) -> dict[str, Any]:
    (files,) = (item["data"] for item in manifests(instance) if item["kind"] == "ConfigMap")
    found: dict[str, Any] = json.loads(files["broker.json"])
    return found


def sessions(database: Database) -> int:
    """Return how many other sessions the API's role has."""
    return int(database.as_superuser("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'api'"))


@pytest.fixture
def api_session(database: Database) -> Iterator[threading.Thread]:
    """A session of the API's role that stays open until it is ended from outside."""
    run = threading.Thread(
        target=database.psql,
        args=("SET application_name = 'api'; SELECT pg_sleep(600)",),
        kwargs={"role": "iotistic", "password": PLACEHOLDERS.database_api},
    )
    run.start()
    wait_until(lambda: sessions(database) == 1, what="the API's session is open")
    yield run
    database.as_superuser(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'api'"
    )
    run.join()


def test_the_seeded_password_is_replaced_and_nobody_elses(node: Node, tables: Database) -> None:
    assert opens(tables, "admin", "admin")
    said = settle(node)
    assert opens(tables, "admin", PLACEHOLDERS.admin)
    assert not opens(tables, "admin", "admin")
    assert opens(tables, "guest", "admin")
    assert PLACEHOLDERS.admin not in said
    settled = tables.as_api("SELECT password_hash FROM users WHERE username = 'admin'")
    # Python's and JavaScript's bcrypt read this name too.
    assert settled.startswith(("$2a$10$", "$2b$10$"))
    settle(node)
    assert tables.as_api("SELECT password_hash FROM users WHERE username = 'admin'") == settled


def test_a_password_of_the_customers_own_is_kept(node: Node, tables: Database) -> None:
    tables.as_api("UPDATE users SET password_hash = crypt('their own', gen_salt('bf', 10))")
    before = tables.as_api("SELECT password_hash FROM users ORDER BY username")
    settle(node)
    assert tables.as_api("SELECT password_hash FROM users ORDER BY username") == before


def rotated(epoch: int, licence_private_key: str) -> Instance:
    """Return the customer with the passwords of an epoch, as the program derives them."""
    tenant = instance_of("acme").tenant
    tenant = dataclasses.replace(tenant, epochs=tenant.epochs.model_copy(update={"admin": epoch}))
    keys = KeyRing.from_pems({1: licence_private_key})
    issued = Credentials.issue(tenant, master_key=bytes(range(32)), licence_keys=keys)
    passwords = {"admin": issued.admin, "former_admin": issued.former_admin}
    return instance_of("acme", credentials=passwords)


@pytest.fixture
def afterwards(node: Node) -> Iterator[None]:
    """The customer as before, once a test has ended."""
    yield
    node.apply(manifests(instance_of("acme")))


@pytest.mark.usefixtures("afterwards")
def test_a_password_of_any_earlier_epoch_is_replaced_and_opens_no_more(
    node: Node, tables: Database, licence_private_key: str
) -> None:
    known: list[str] = ["admin"]
    for epoch in (1, 2, 4):
        instance = rotated(epoch, licence_private_key)
        node.apply(manifests(instance))
        said = settle(node)
        wanted = instance.credentials.admin
        assert opens(tables, "admin", wanted)
        assert [old for old in known if opens(tables, "admin", old)] == []
        assert [password for password in (wanted, *known[1:]) if password in said] == []
        known.append(wanted)
    # As the API writes the same password: the name of the hash is another one.
    tables.as_api("UPDATE users SET password_hash = overlay(password_hash PLACING '$2b$' FROM 1)")
    node.apply(manifests(rotated(5, licence_private_key)))
    settle(node)
    assert [old for old in known if opens(tables, "admin", old)] == []
    assert opens(tables, "guest", "admin"), "of another user nothing is replaced"


@pytest.mark.usefixtures("afterwards")
def test_a_password_of_the_customers_own_is_kept_in_every_epoch(
    node: Node, tables: Database, licence_private_key: str
) -> None:
    settle(node)
    tables.as_api("UPDATE users SET password_hash = crypt('their own', gen_salt('bf', 10))")
    node.apply(manifests(rotated(3, licence_private_key)))
    settle(node)
    assert opens(tables, "admin", "their own")


@pytest.mark.parametrize("odd", ["", "scrypt$16384$8$1$c2FsdA$aGFzaA", "$2b$", "$argon2id$v=19$m=1"])
def test_a_hash_of_another_kind_is_kept(node: Node, tables: Database, odd: str) -> None:
    tables.as_api("UPDATE users SET password_hash = :'odd'", odd=odd)
    settle(node)
    assert tables.as_api("SELECT DISTINCT password_hash FROM users") == odd


def test_a_database_without_an_admin_is_settled_too(node: Node, instance: Instance, tables: Database) -> None:
    tables.as_api("DELETE FROM users")
    settle(node)
    assert broker(tables) == declared(instance)


def test_the_address_of_the_broker_is_written_where_there_is_none(
    node: Node, instance: Instance, tables: Database
) -> None:
    settle(node)
    found = broker(tables)
    assert found == declared(instance)
    assert found["host"] != "localhost"
    assert found["verifyCertificate"] is True


@pytest.mark.usefixtures("api_session")
def test_it_replaces_the_seeded_one_and_keeps_what_it_does_not_name(
    node: Node, instance: Instance, tables: Database
) -> None:
    seeded = {
        "name": "Default",
        "protocol": "mqtts",
        "host": "localhost",
        "port": 8883,
        "caCert": "published",
    }
    write_broker(tables, seeded, "2020-01-01")
    settle(node)
    assert broker(tables) == {"name": "Default", **declared(instance)}
    assert written(tables) > "2020-01-02"
    # The API holds what it has read at its start: it is made to start again.
    wait_until(lambda: sessions(tables) == 0, what="the API's session was ended")


@pytest.mark.usefixtures("api_session")
def test_where_nothing_changes_the_api_is_left_alone(
    node: Node, instance: Instance, tables: Database
) -> None:
    write_broker(tables, {"name": "Default", **declared(instance)}, "2020-01-01")
    settle(node)
    assert written(tables).startswith("2020-01-01")
    assert sessions(tables) == 1


@pytest.mark.usefixtures("api_session")
def test_a_job_that_was_killed_before_it_told_the_api_is_made_up_for(
    node: Node, instance: Instance, tables: Database
) -> None:
    write_broker(tables, declared(instance), "now")
    settle(node)
    wait_until(lambda: sessions(tables) == 0, what="the API's session was ended")
    assert broker(tables) == declared(instance)


def test_it_waits_until_the_migrations_are_done(node: Node, tables: Database) -> None:
    hold = f"SET application_name = 'api'; SELECT pg_advisory_lock({migrations.LOCK}); SELECT pg_sleep(600)"
    migrating = threading.Thread(
        target=tables.psql,
        args=(hold,),
        kwargs={"role": "iotistic", "password": PLACEHOLDERS.database_api},
    )
    migrating.start()
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    wait_until(lambda: tables.as_superuser(locks) == "1", what="the migrations run")
    results: list[int] = []
    job = threading.Thread(target=lambda: results.append(node.finish("Job", "settle").returncode))
    job.start()
    wait_until(lambda: tables.as_superuser(locks) == "2", what="the Job waits", seconds=30)
    assert sessions(tables) == 1, "what migrates is not ended"
    tables.as_superuser(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'api'"
    )
    for thread in (migrating, job):
        thread.join(timeout=60)
    assert results == [0]


def finish_late(node: Node, database: Database, missing: str) -> None:
    """Run the Job while tables are missing, see it wait, make them, and see it end."""
    results: list[int] = []
    job = threading.Thread(target=lambda: results.append(node.finish("Job", "settle").returncode))
    job.start()
    job.join(timeout=2.5)
    assert job.is_alive()
    database.as_api(missing)
    job.join(timeout=30)
    assert results == [0]


def test_it_waits_for_tables_that_are_not_there_yet(node: Node, database: Database) -> None:
    finish_late(node, database, TABLES)
    assert broker(database)["isDefault"] is True
    database.as_api("DROP TABLE users, system_config")


def test_the_address_follows_how_the_customer_is_reached(node: Node, tables: Database) -> None:
    settle(node)
    away = instance_of("acme", surroundings={"domain": "moved.example"})
    node.apply(manifests(away))
    try:
        settle(node)
        assert broker(tables)["host"] == "mqtt-acme.moved.example"
    finally:
        node.apply(manifests(instance_of("acme")))


@pytest.fixture
def with_node_red(node: Node) -> Iterator[Node]:
    """The customer with Node-RED, as long as a test lasts."""
    node.apply(manifests(with_options("acme", "node_red")))
    yield node
    node.apply(manifests(instance_of("acme")))


def account(database: Database, password: str) -> str:
    """Return whether a password is that of Node-RED at the broker, and what the account may."""
    return database.as_api(
        "SELECT password_hash = crypt(:'offered', password_hash), is_superuser, is_active"
        " FROM mqtt_users WHERE username = 'node-red'",
        offered=password,
    )


def access(database: Database) -> str:
    return database.as_api("SELECT username, topic, access FROM mqtt_acls ORDER BY id")


def test_node_red_has_an_account_that_sees_devices_and_is_closed_behind_it(
    with_node_red: Node, tables: Database
) -> None:
    tables.as_api(MQTT_TABLES)
    rules = "device_1|iot/device/1/#|7\nnode-red|iot/device/#|7"
    for _ in range(2):
        assert PLACEHOLDERS.mqtt_node_red not in settle(with_node_red)
        assert account(tables, PLACEHOLDERS.mqtt_node_red) == "t|f|t"
        assert access(tables) == rules

    rotated = {"mqtt_node_red": "another password"}
    with_node_red.apply(manifests(with_options("acme", "node_red", credentials=rotated)))
    settle(with_node_red)
    assert account(tables, "another password") == "t|f|t"

    with_node_red.apply(manifests(instance_of("acme")))
    settle(with_node_red)
    assert account(tables, "another password") == "t|f|f"
    assert tables.as_api("SELECT is_active FROM mqtt_users WHERE username = 'device_1'") == "t"


@pytest.mark.usefixtures("tables")
def test_it_waits_for_the_brokers_tables_where_it_needs_them(with_node_red: Node, database: Database) -> None:
    finish_late(with_node_red, database, MQTT_TABLES)


def test_a_statement_that_fails_fails_the_job(node: Node, tables: Database) -> None:
    tables.as_api("ALTER TABLE system_config ADD CHECK (key <> 'mqtt.brokers.1')")
    answer = node.finish("Job", "settle")
    assert answer.returncode != 0
    assert PLACEHOLDERS.admin not in answer.stdout + answer.stderr
