"""A broker that asks the database: the rendered queries, as the rendered role, in the real database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.customer import authentication
from infra.customer.instance import manifests
from tests.edge.essentials import essentials
from tests.edge.test_settle import MQTT_TABLES, TABLES
from tests.program.instances import PLACEHOLDERS, instance_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.customer.model import Instance
    from tests.edge.database import Database
    from tests.edge.pods import Node

pytestmark = pytest.mark.edge

READ, WRITE, SUBSCRIBE = 1, 2, 4
"""Kinds of access, as the broker names them."""

USERS = """
INSERT INTO mqtt_users (username, password_hash, is_superuser, is_active) VALUES
    ('device_2', 'theirs', false, false), ('api', 'its', true, true), ('former', 'its', true, false);
INSERT INTO mqtt_acls (username, topic, access) VALUES
    ('device_1', 'iot/all', 5), ('device_1', 'iot/nothing', 0), ('device_2', 'iot/device/2/#', 7);
"""


@pytest.fixture(scope="module")
def instance() -> Instance:
    return instance_of("acme", surroundings={"mqtt_authentication": "postgres", "broker_issuer": None})


@pytest.fixture(scope="module")
def tables(node: Node, database: Database) -> Iterator[Database]:
    """The API's tables as it seeds them, with users of each kind, settled."""
    database.as_api(TABLES + MQTT_TABLES + USERS)
    answer = node.finish("Job", "settle")
    assert answer.returncode == 0, answer.stderr
    yield database
    database.as_api("DROP TABLE users, system_config, mqtt_users, mqtt_acls")


def configured(node: Node) -> dict[str, str]:
    """Return what the plugin is told, from the file that the broker's pod has written for itself."""
    pod = ("StatefulSet", "mosquitto")
    node.image("password", essentials(node.folder))
    node.create(*pod)
    answer = node.run(*pod, "password")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    text = (node.volume(*pod, "config") / "mosquitto.conf").read_text(encoding="utf-8")
    options = (line.removeprefix("auth_opt_") for line in text.splitlines() if line.startswith("auth_opt_"))
    return dict(option.split(" ", 1) for option in options)


def ask(database: Database, node: Node, query: str, *values: str) -> list[str]:
    """Ask as the plugin does: its role, its password, its query, the values apart."""
    told = configured(node)
    statement = f"PREPARE asked AS {told[f'pg_{query}']}; EXECUTE asked ({', '.join(values)})"
    answer = database.psql(
        statement, role=told["pg_user"], password=told["pg_password"], dbname=told["pg_dbname"]
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.split()


def test_a_user_is_found_by_name_while_active(tables: Database, node: Node) -> None:
    assert ask(tables, node, "userquery", "'device_1'") == ["theirs"]
    for name in ("'device_2'", "'nobody'", "'device_1'' OR true --'"):
        assert ask(tables, node, "userquery", name) == [], name


def test_who_is_not_active_is_no_superuser(tables: Database, node: Node) -> None:
    found = {name: ask(tables, node, "superquery", f"'{name}'") for name in ("api", "former", "device_1")}
    assert found == {"api": ["1"], "former": ["0"], "device_1": ["0"]}


@pytest.mark.parametrize(
    ("access", "topics"),
    [
        (READ, {"iot/device/1/#", "iot/all"}),
        (WRITE, {"iot/device/1/#"}),
        (SUBSCRIBE, {"iot/device/1/#", "iot/all"}),
    ],
)
def test_topics_are_those_of_the_kind_of_access(
    tables: Database, node: Node, access: int, topics: set[str]
) -> None:
    assert set(ask(tables, node, "aclquery", "'device_1'", str(access))) == topics
    assert ask(tables, node, "aclquery", "'device_2'", str(access)) == []


def test_the_password_is_in_memory_and_the_brokers_alone(node: Node) -> None:
    assert configured(node)["pg_password"] == PLACEHOLDERS.database_broker
    file = node.volume("StatefulSet", "mosquitto", "config") / "mosquitto.conf"
    assert file.stat().st_mode & 0o777 == 0o600
    (volume,) = (v for v in node.pod("StatefulSet", "mosquitto")["volumes"] if v["name"] == "config")
    assert volume["emptyDir"]["medium"] == "Memory"


@pytest.mark.parametrize(
    "refused",
    [
        "SELECT * FROM users",
        "SELECT * FROM system_config",
        "UPDATE mqtt_users SET is_superuser = true",
        "INSERT INTO mqtt_acls (username, topic, access) VALUES ('device_1', '#', 7)",
        "CREATE TABLE mine ()",
    ],
)
def test_the_brokers_role_reads_the_two_tables_and_nothing_else(
    tables: Database, node: Node, refused: str
) -> None:
    password = configured(node)["pg_password"]
    answer = tables.psql(refused, role=authentication.ROLE, password=password)
    assert answer.returncode != 0
    assert "permission denied" in answer.stderr


def test_the_role_is_closed_behind_a_broker_that_asks_the_api_again(tables: Database, node: Node) -> None:
    node.apply(manifests(instance_of("acme")))
    try:
        tables.restart()
        answer = tables.psql("SELECT 1", role=authentication.ROLE, password=PLACEHOLDERS.database_broker)
        assert "not permitted to log in" in answer.stderr
    finally:
        node.apply(
            manifests(
                instance_of("acme", surroundings={"mqtt_authentication": "postgres", "broker_issuer": None})
            )
        )
    tables.restart()
    assert ask(tables, node, "userquery", "'device_1'") == ["theirs"]
