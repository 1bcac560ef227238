"""PostgreSQL itself, started from the rendered objects: who gets in, and what a start settles."""

from __future__ import annotations

import dataclasses
import threading
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra.customer.instance import manifests
from tests.program.instances import PLACEHOLDERS, instance_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.edge.database import Database

pytestmark = pytest.mark.edge

EXTENSIONS = {"uuid-ossp", "pgcrypto", "pg_trgm"}
PASSWORDS = {
    "iotistic": PLACEHOLDERS.database_api,
    "exporter": PLACEHOLDERS.database_exporter,
    "postgres": PLACEHOLDERS.database_superuser,
}


def roles(database: Database) -> str:
    """Return what the roles, the database and the extensions are, but for the passwords."""
    return database.as_api(
        "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolconnlimit FROM pg_roles"
        " WHERE rolname IN ('postgres', 'iotistic', 'exporter')"
        " UNION ALL SELECT datname || datacl::text, false, false, false, false, datdba::int FROM pg_database"
        " UNION ALL SELECT extname, false, false, false, false, 0 FROM pg_extension ORDER BY 1"
    )


def test_the_api_owns_its_database_and_nothing_more(database: Database) -> None:
    assert (
        database.as_api(
            "SELECT current_user, pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        )
        == "iotistic|iotistic"
    )
    attributes = "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
    assert database.as_api(f"{attributes} FROM pg_roles WHERE rolname = current_user") == "f"
    found = database.as_api("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'")
    assert set(found.splitlines()) == EXTENSIONS


def test_its_migrations_find_the_role_and_the_extensions_they_name(database: Database) -> None:
    database.as_api(
        'CREATE EXTENSION IF NOT EXISTS "uuid-ossp"; CREATE EXTENSION IF NOT EXISTS pgcrypto;'
        "CREATE TABLE fleet (id uuid PRIMARY KEY DEFAULT uuid_generate_v4(), name text);"
        "CREATE INDEX ON fleet USING gin (name gin_trgm_ops);"
        "GRANT SELECT, INSERT, UPDATE, DELETE ON fleet TO postgres;"
        "INSERT INTO fleet (name) VALUES (encode(digest('a', 'sha256'), 'hex'));"
        "DROP TABLE fleet"
    )


def test_passwords_are_kept_and_asked_for_by_scram(database: Database) -> None:
    kept = "SELECT bool_and(rolpassword LIKE 'SCRAM-SHA-256$%') FROM pg_authid WHERE rolcanlogin"
    assert database.as_superuser(kept) == "t"
    rules = "SELECT DISTINCT auth_method FROM pg_hba_file_rules WHERE error IS NULL ORDER BY 1"
    assert database.as_superuser(rules).split() == ["peer", "reject", "scram-sha-256"]
    assert database.as_superuser("SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL") == "0"


@pytest.mark.parametrize(
    ("role", "password", "name", "why"),
    [
        ("iotistic", "wrong", "iotistic", "password authentication failed"),
        ("iotistic", "", "iotistic", "no password supplied"),
        ("postgres", PASSWORDS["postgres"], "iotistic", "pg_hba.conf rejects connection"),
        ("postgres", PASSWORDS["postgres"], "postgres", "pg_hba.conf rejects connection"),
        ("nobody", "guess", "iotistic", "password authentication failed"),
    ],
)
def test_nobody_else_gets_in(database: Database, role: str, password: str, name: str, why: str) -> None:
    answer = database.psql("SELECT 1", role=role, password=password, dbname=name)
    assert answer.returncode != 0
    assert why in answer.stderr


def test_the_exporter_reads_statistics_and_no_data(database: Database) -> None:
    def ask(statement: str) -> tuple[int, str]:
        answer = database.psql(statement, role="exporter", password=PASSWORDS["exporter"])
        return answer.returncode, answer.stdout.strip() or answer.stderr

    database.as_api("CREATE TABLE measured (value int); INSERT INTO measured VALUES (1)")
    assert ask("SELECT count(*) > 0 FROM pg_stat_database")[0] == 0
    assert ask("SELECT query <> '<insufficient privilege>' FROM pg_stat_activity LIMIT 1") == (0, "t")
    for refused in (
        "SELECT * FROM measured",
        "INSERT INTO measured VALUES (2)",
        "CREATE TABLE mine ()",
        "CREATE TEMPORARY TABLE mine ()",
        "CREATE ROLE another",
    ):
        status, said = ask(refused)
        assert status != 0, refused
        assert "permission denied" in said, refused
    database.as_api("DROP TABLE measured")


def test_what_a_start_settles_is_settled_again_without_a_difference(database: Database) -> None:
    before = roles(database)
    answer = database.settle_roles()
    assert (answer.returncode, answer.stdout) == (0, "")
    assert roles(database) == before


def test_rows_and_roles_survive_a_crash(database: Database) -> None:
    database.as_api("CREATE TABLE kept (value int); INSERT INTO kept VALUES (42)")
    before = roles(database)
    database.restart()
    assert database.as_api("SELECT value FROM kept") == "42"
    assert roles(database) == before
    database.as_api("DROP TABLE kept")


@pytest.fixture
def _raised(database: Database) -> Iterator[None]:
    """Passwords whose epoch was raised, and the former ones afterwards."""
    raised = {
        name: f"new {getattr(PLACEHOLDERS, name)}"
        for name in ("database_api", "database_exporter", "database_superuser")
    }
    database.node.apply(manifests(instance_of("acme", credentials=raised)))
    yield
    database.node.apply(manifests(instance_of("acme")))
    database.restart()


@pytest.mark.usefixtures("_raised")
def test_raised_passwords_are_set_without_the_former_ones(database: Database) -> None:
    database.restart()
    assert database.as_api("SELECT 1") == "1"
    for role in ("iotistic", "exporter"):
        assert database.psql("SELECT 1", role=role, password=f"new {PASSWORDS[role]}").returncode == 0
        assert database.psql("SELECT 1", role=role, password=PASSWORDS[role]).returncode != 0


def seen_while(running: threading.Thread) -> str:
    """Return every command line of the machine that could be seen while something ran."""
    seen: set[str] = set()
    while running.is_alive():
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(file.read_text(encoding="utf-8", errors="replace"))
            except OSError:  # it ended while it was looked at
                continue
    return "\n".join(seen)


def test_no_password_shows_in_the_log_or_the_process_list(database: Database) -> None:
    thread = threading.Thread(target=database.settle_roles)
    thread.start()
    seen = seen_while(thread)
    thread.join()
    assert "roles.sql" in seen
    # A statement that fails is what a database, and its client, would write down.
    refused = database.settle_roles(PGOPTIONS="-c default_transaction_read_only=on")
    assert refused.returncode != 0
    assert "read-only transaction" in refused.stderr
    said = database.process.said() + refused.stdout + refused.stderr
    values = dataclasses.asdict(PLACEHOLDERS).values()
    for password in chain.from_iterable([value] if isinstance(value, str) else value for value in values):
        assert password not in seen + said
        assert password.replace("'", "''") not in seen + said
