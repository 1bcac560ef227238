"""A backup, some damage and a restore, by the rendered Jobs with the real programs."""

from __future__ import annotations

import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from infra.customer import backup, backup_nightly, mosquitto, nodered, restore
from infra.customer.instance import manifests
from tests.edge.test_settle import MQTT_TABLES
from tests.edge.test_settle import TABLES as API_TABLES
from tests.program.instances import PLACEHOLDERS, instance_of, with_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.customer.model import Instance
    from tests.edge.database import Database
    from tests.edge.pods import Node

pytestmark = pytest.mark.edge

CRON_JOB = ("CronJob", backup.APP)
TABLES = """
CREATE TYPE state AS ENUM ('on', 'off');
CREATE TABLE devices (
    id uuid PRIMARY KEY DEFAULT uuid_generate_v4(), name text NOT NULL, state state, meta jsonb, raw bytea
);
CREATE INDEX ON devices USING gin (name gin_trgm_ops);
CREATE TABLE readings (
    id bigserial PRIMARY KEY, device uuid REFERENCES devices ON DELETE CASCADE, value float8, at timestamptz
) PARTITION BY RANGE (id);
CREATE TABLE readings_low PARTITION OF readings FOR VALUES FROM (1) TO (500);
CREATE TABLE readings_high PARTITION OF readings DEFAULT;
CREATE VIEW newest AS SELECT device, max(at) AS at FROM readings GROUP BY device;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at := now(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON readings FOR EACH ROW EXECUTE FUNCTION touch();
GRANT SELECT ON devices TO postgres;
INSERT INTO devices (name, state, meta, raw)
    SELECT E'G\\u00e4te "' || n || E'\\'\\n', 'on', jsonb_build_object('n', n), decode(md5(n::text), 'hex')
    FROM generate_series(1, 100) n;
INSERT INTO readings (device, value, at)
    SELECT id, 'NaN', '2026-01-01 00:00:00.123456+00' FROM devices, generate_series(1, 10);
"""
CHECKSUMS = """
SELECT 'devices', count(*), md5(string_agg(devices::text, '|' ORDER BY id)) FROM devices
UNION ALL SELECT 'readings', count(*), md5(string_agg(readings::text, '|' ORDER BY id)) FROM readings
UNION ALL SELECT 'newest', count(*), md5(string_agg(newest::text, '|' ORDER BY device)) FROM newest
UNION ALL SELECT 'sequence', last_value, is_called::text FROM readings_id_seq
UNION ALL SELECT 'grants', count(*), md5(string_agg(relacl::text, '|' ORDER BY relname)) FROM pg_class
    WHERE relacl IS NOT NULL AND relnamespace = 'public'::regnamespace
UNION ALL SELECT 'database', 1, datacl::text FROM pg_database WHERE datname = current_database()
UNION ALL SELECT 'objects', count(*), md5(string_agg(relname || relkind::text, '|' ORDER BY relname))
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
UNION ALL SELECT 'extensions', count(*), string_agg(extname, ',' ORDER BY extname) FROM pg_extension
ORDER BY 1
"""
BROKER_DATA = "retained messages"


@pytest.fixture
def filled(node: Node, database: Database) -> Iterator[Database]:
    """A database with rows, a broker with data of its own, and an empty repository."""
    # Without the API's own, a restore would wait for the API to make them.
    database.as_api(TABLES + API_TABLES + MQTT_TABLES)
    broker = node.folder / "claims" / f"{mosquitto.APP}-data"
    broker.mkdir(parents=True, exist_ok=True)
    file = broker / "mosquitto.db"
    file.write_text(BROKER_DATA, encoding="utf-8")
    # As the broker leaves it: its own alone.
    for path in (broker, file):
        os.chown(path, mosquitto.MOSQUITTO_USER, mosquitto.MOSQUITTO_USER)
    file.chmod(0o600)
    yield database
    database.as_api("DROP OWNED BY CURRENT_USER CASCADE")
    shutil.rmtree(repository(node), ignore_errors=True)


def repository(node: Node) -> Path:
    return node.folder / "claims" / f"{backup.APP}-data"


def back_up(node: Node) -> str:
    answer = node.finish(*CRON_JOB)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def restic(node: Node, *arguments: str) -> str:
    """Ask restic as the nightly backup does."""
    answer = node.run(*CRON_JOB, "store", "restic", *arguments)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def snapshots(node: Node) -> int:
    return restic(node, "snapshots", "--compact").count("acme")


def put_back(node: Node, instance: Instance, snapshot: str = "latest") -> tuple[int, str]:
    node.apply([restore.job(instance, restore.Part.DATABASE, snapshot=snapshot)])
    answer = node.finish("Job", "restore-database")
    return answer.returncode, answer.stderr


def test_a_damaged_database_is_restored_row_by_row(node: Node, instance: Instance, filled: Database) -> None:
    before = filled.as_api(CHECKSUMS)
    assert before.count("\n") >= 7
    back_up(node)
    filled.as_api(
        "DELETE FROM devices WHERE meta->>'n' > '5'; UPDATE readings SET value = 0; DROP VIEW newest;"
        "ALTER TABLE devices DROP COLUMN raw; REVOKE ALL ON devices FROM postgres;"
        # What a later version of the API may have made; it refers to what is put back.
        "CREATE TABLE added (device uuid REFERENCES devices); CREATE VIEW of_added AS SELECT * FROM devices"
    )
    status, said = put_back(node, instance)
    assert status == 0, said
    assert filled.as_api(CHECKSUMS) == before
    # The API goes on where it was.
    filled.as_api("INSERT INTO readings (device, value) SELECT id, 1 FROM devices LIMIT 1")


def test_an_empty_database_is_restored_from_the_moment_that_is_chosen(
    node: Node, instance: Instance, filled: Database
) -> None:
    before = filled.as_api(CHECKSUMS)
    back_up(node)
    # Another day's is made of the same dump.
    day = ("--time", "2026-01-01 03:00:00")
    restic(node, "backup", "--host", "acme", "--tag", "instance", *day, "/work/database.dump")
    (earlier,) = (
        item["id"]
        for item in json.loads(restic(node, "snapshots", "--json"))
        if item["time"].startswith("2026-01-01")
    )
    filled.as_api("UPDATE devices SET name = 'changed'")
    later = filled.as_api(CHECKSUMS)
    back_up(node)
    filled.as_api("DROP OWNED BY CURRENT_USER CASCADE")
    assert put_back(node, instance)[0] == 0
    assert filled.as_api(CHECKSUMS) == later
    assert put_back(node, instance, earlier)[0] == 0
    assert filled.as_api(CHECKSUMS) == before


def test_the_brokers_data_is_stored_as_well(node: Node, filled: Database) -> None:
    assert filled.as_api("SELECT 1") == "1"
    back_up(node)
    assert restic(node, "dump", "latest", "/broker/mosquitto.db") == BROKER_DATA


def test_node_reds_flows_are_stored_beside_it_and_kept_as_long(
    node: Node, instance: Instance, filled: Database
) -> None:
    assert filled.as_api("SELECT 1") == "1"
    days = 2
    policy = instance.tenant.backup.model_copy(update={"retention_days": days})
    node.apply(manifests(with_options("acme", "node_red", backup=policy)))
    try:
        flows = node.folder / "claims" / f"{nodered.APP}-data"
        flows.mkdir(exist_ok=True)
        for name in ("flows.json", ".sessions.json"):
            (flows / name).write_text(f"the text of {name}", encoding="utf-8")
            os.chown(flows / name, nodered.NODE_RED_USER, nodered.NODE_RED_USER)
        answer = node.finish("CronJob", backup_nightly.FLOWS)
        assert answer.returncode == 0, answer.stderr
        node.create(*CRON_JOB)
        for day in range(1, days + 2):
            at = ("--time", f"2025-01-{day:02} 03:00:00")
            restic(node, "backup", "--host", "acme", "--tag", "flows", *at, "/etc/iotistic")
        back_up(node)
        assert (
            restic(node, "dump", "--tag", "flows", "latest", "/flows/flows.json") == "the text of flows.json"
        )
        stored = restic(node, "ls", "--tag", "flows", "latest")
        assert "/flows/flows.json" in stored
        assert ".sessions.json" not in stored
        by_tag = [item["tags"] for item in json.loads(restic(node, "snapshots", "--json"))]
        assert by_tag.count(["flows"]) == days
        # What is restored is the database's, though the flows are newer.
        assert node.finish("CronJob", backup_nightly.FLOWS).returncode == 0
        assert put_back(node, instance)[0] == 0
    finally:
        node.apply(manifests(instance))


def test_flows_are_put_back_for_node_red_to_go_on_with(node: Node, instance: Instance) -> None:
    chosen = with_options("acme", "node_red")
    node.apply([*manifests(chosen), restore.job(chosen, restore.Part.FLOWS)])
    try:
        node.create("Deployment", nodered.APP)
        write = "umask 022; mkdir -p /data/lib; echo today > /data/flows.json; echo kept > /data/lib/part"
        assert node.run("Deployment", nodered.APP, nodered.APP, "sh", "-c", write).returncode == 0
        assert node.finish("CronJob", backup_nightly.FLOWS).returncode == 0
        spoil = "rm -r /data/lib; echo spoilt > /data/flows.json; echo new > /data/later"
        assert node.run("Deployment", nodered.APP, nodered.APP, "sh", "-c", spoil).returncode == 0

        answer = node.finish("Job", "restore-flows")
        assert answer.returncode == 0, answer.stderr
        node.create("Deployment", nodered.APP)
        read = "cat /data/flows.json /data/lib/part /data/later; echo more >> /data/lib/part"
        answer = node.run("Deployment", nodered.APP, nodered.APP, "sh", "-c", read)
        assert (answer.stdout, answer.returncode) == ("today\nkept\nnew\n", 0), answer.stderr
    finally:
        node.apply(manifests(instance))
        shutil.rmtree(repository(node), ignore_errors=True)


def test_nothing_in_the_repository_can_be_read_without_the_key(
    node: Node, instance: Instance, filled: Database
) -> None:
    back_up(node)
    before = filled.as_api(CHECKSUMS)
    stored = b"".join(path.read_bytes() for path in repository(node).rglob("*") if path.is_file())
    assert b"devices" not in stored
    assert BROKER_DATA.encode() not in stored
    other = instance_of("acme", credentials={"backup": "another key"})
    node.apply(manifests(other))
    try:
        answer = node.finish(*CRON_JOB)
        assert answer.returncode != 0
        assert "already" in answer.stderr
        status, said = put_back(node, instance)
        assert status != 0
        assert "wrong password" in said
    finally:
        node.apply(manifests(instance))
    assert filled.as_api(CHECKSUMS) == before
    node.create(*CRON_JOB)
    assert snapshots(node) == 1


def test_all_of_two_days_are_kept_and_before_the_last_of_each_for_as_long_as_the_plan_says(
    node: Node, instance: Instance, filled: Database
) -> None:
    assert filled.as_api("SELECT 1") == "1"
    # One by hand, before a restore, takes no other's place.
    back_up(node)
    back_up(node)
    assert snapshots(node) == 2
    days = instance.tenant.backup.retention_days
    for day in range(1, days + 3):
        for hour in (3, 4):
            at = f"2025-{1 + day // 28:02}-{1 + day % 28:02} {hour:02}:00:00"
            restic(node, "backup", "--host", "acme", "--tag", "instance", "--time", at, "/etc/iotistic")
    assert snapshots(node) == 2 + 2 * (days + 2)
    back_up(node)
    assert snapshots(node) == 3 + days - 1


def test_without_a_dump_nothing_is_stored(node: Node, filled: Database) -> None:
    assert filled.as_api("SELECT 1") == "1"
    back_up(node)
    node.create(*CRON_JOB)
    answer = node.run(*CRON_JOB, "store")
    assert answer.returncode != 0
    assert "no dump" in answer.stderr
    assert snapshots(node) == 1


def test_a_dump_that_fails_fails_the_backup(node: Node, filled: Database) -> None:
    filled.as_superuser("ALTER TABLE devices OWNER TO postgres; REVOKE ALL ON devices FROM iotistic")
    answer = node.finish(*CRON_JOB)
    filled.as_superuser("DROP TABLE devices CASCADE")
    assert answer.returncode != 0
    assert "permission denied" in answer.stderr


def test_a_database_that_starts_is_waited_for(node: Node, instance: Instance, filled: Database) -> None:
    finish_early(node, filled, *CRON_JOB)
    before = filled.as_api(CHECKSUMS)
    filled.as_api("DELETE FROM readings")
    node.apply([restore.job(instance, restore.Part.DATABASE)])
    finish_early(node, filled, "Job", "restore-database")
    assert filled.as_api(CHECKSUMS) == before


def finish_early(node: Node, database: Database, kind: str, name: str) -> None:
    """Begin a Job before its database runs."""
    database.process.stop()
    with ThreadPoolExecutor(1) as beside:
        running = beside.submit(node.finish, kind, name)
        time.sleep(2)
        assert not running.done()
        database.start()
        answer = running.result()
    assert answer.returncode == 0, answer.stderr


def test_a_dump_that_breaks_off_changes_nothing(node: Node, instance: Instance, filled: Database) -> None:
    back_up(node)
    before = filled.as_api(CHECKSUMS)
    node.apply([restore.job(instance, restore.Part.DATABASE)])
    node.create("Job", "restore-database")
    assert node.run("Job", "restore-database", "restore").returncode == 0
    dump = node.volume("Job", "restore-database", "work") / "database.dump"
    os.truncate(dump, dump.stat().st_size * 2 // 3)
    answer = node.run("Job", "restore-database", "load")
    assert answer.returncode != 0
    assert filled.as_api(CHECKSUMS) == before


def test_no_secret_is_said(node: Node, filled: Database) -> None:
    assert filled.as_api("SELECT 1") == "1"
    answer = node.finish(*CRON_JOB)
    for secret in (PLACEHOLDERS.backup, PLACEHOLDERS.database_api):
        assert secret not in answer.stdout + answer.stderr
