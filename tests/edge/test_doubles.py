"""The API's double from the tests of the real node, against Debian's PostgreSQL: what those tests rely on."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tests.edge.pods import Image
from tests.edge.world import LOOPBACK, free_port
from tests.program.instances import PLACEHOLDERS, instance_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra.customer.model import Instance
    from tests.edge.database import Database
    from tests.edge.pods import Node
    from tests.edge.world import Process

pytestmark = pytest.mark.edge

SCRIPT = Path(__file__).parents[1] / "node" / "doubles" / "api.py"
POD = ("Deployment", "api", "api")
PORT = 3002
MINUTE = 60
PYTHON = "/usr/bin/python3"
"""Debian's, as in the double's image."""
IMAGE = Image(entrypoint=("sh", "-c", f"cd /app && exec {PYTHON} -B api.py"), files={"/app/api.py": SCRIPT})


@pytest.fixture(scope="module", autouse=True)
def _modules() -> None:
    """Skip where Debian's Python lacks what is in the double's image; never where a merge depends on it."""
    command = ["/usr/bin/python3", "-c", "import cryptography, jwt, psycopg2"]
    lacking = (
        not Path(command[0]).exists() or subprocess.run(command, check=False, capture_output=True).returncode
    )
    if lacking:
        reason = "not installed: python3-cryptography, python3-jwt, python3-psycopg2 (.ci/packages)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def public(private_key: str) -> str:
    key = load_pem_private_key(private_key.encode(), None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def licence(private_key: str, **changes: object) -> str:
    """Return a licence of acme's for a minute, with some claims changed, or without those that are None."""
    now = int(time.time())
    customer = instance_of("acme").tenant.customer_id
    claims = {"customerId": customer, "iat": now, "exp": now + MINUTE, **changes}
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, private_key, algorithm="RS256")


@pytest.fixture(scope="module")
def instance(licence_private_key: str) -> Instance:
    """A customer whose licence is valid."""
    credentials = {
        "licence": licence(licence_private_key),
        "licence_public_key": public(licence_private_key),
    }
    return instance_of("acme", credentials=credentials)


@pytest.fixture
def api(node: Node, database: Database) -> Node:
    """The customer's pods, the database's running, and the double's made anew."""
    assert database.process.runs
    node.image("api", IMAGE)
    node.create(*POD[:2])
    return node


@pytest.fixture
def running(api: Node) -> Iterator[Process]:
    """The double, once it listens."""
    process = api.go_on(*POD)

    def listens() -> bool:
        assert process.runs, process.said()
        return api.listens(PORT)

    wait_until(listens, what="the double listens")
    yield process
    process.stop()
    # What waits for it outside may end first, and the next one must not be taken for listening.
    wait_until(lambda: not api.listens(PORT), what="the double has gone")


REFUSED: dict[str, Callable[[str, str], str]] = {
    "absent": lambda _own, _other: "",
    "no licence": lambda _own, _other: "not.a.licence",
    "of a foreign key": lambda _own, other: licence(other),
    "over": lambda own, _other: licence(own, exp=int(time.time()) - 1),
    "without an end": lambda own, _other: licence(own, exp=None),
    "unsigned": lambda _own, _other: jwt.encode({"exp": 9_999_999_999, "iat": 0}, "", algorithm="none"),
    "changed": lambda own, _other: f"{licence(own)[:-12]}AAAAAAAAAAAA",
    "another customer's": lambda own, _other: licence(own, customerId="cust_of_somebody_else"),
    "of no customer": lambda own, _other: licence(own, customerId=None),
}
"""Licences that are not good, made with the customer's key and another one."""


@pytest.mark.parametrize("kind", REFUSED)
def test_a_licence_that_is_not_good_ends_it(
    api: Node, licence_private_key: str, next_licence_private_key: str, kind: str
) -> None:
    token = REFUSED[kind](licence_private_key, next_licence_private_key)
    answer = api.run(*POD, IOTISTIC_LICENSE_KEY=token)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("the licence is "), answer.stderr
    assert "Traceback" not in answer.stderr


def test_its_tables_and_accounts_are_there_before_its_licence_is_looked_at(
    api: Node, database: Database
) -> None:
    database.as_api("DROP TABLE IF EXISTS notes, mqtt_users")
    assert api.run(*POD, IOTISTIC_LICENSE_KEY="not.a.licence").returncode == 1
    assert database.as_api("SELECT count(*) FROM notes") == "0"
    assert database.as_api("SELECT username, superuser, topics FROM mqtt_users") == "api|t|#"


def test_a_database_that_is_away_ends_it_first_of_all(api: Node) -> None:
    answer = api.run(*POD, DB_PORT=str(free_port()), IOTISTIC_LICENSE_KEY="not.a.licence")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("the database does not answer: ")
    assert (api.volume(*POD[:2], "logs") / "combined.log").read_text() == "starting\n"


def test_a_wrong_password_is_no_database_either(api: Node) -> None:
    answer = api.run(*POD, DB_PASSWORD="wrong")  # noqa: S106 - what is tested
    assert answer.returncode == 1
    assert "password authentication failed" in answer.stderr


@pytest.mark.usefixtures("running")
def test_it_answers_what_the_infrastructure_asks(api: Node) -> None:
    assert api.http(f"http://{LOOPBACK}:{PORT}/health")[0] == 200
    assert api.http(f"http://{LOOPBACK}:{PORT}/nothing")[0] == 404

    def allows(question: str, **fields: object) -> int:
        url = f"http://{LOOPBACK}:{PORT}/mosquitto-auth/{question}"
        return api.http(url, "--data", json.dumps({"username": "api", **fields}))[0]

    assert allows("user", password=PLACEHOLDERS.mqtt_api) == 200
    assert allows("user", password="wrong") == 403  # noqa: S106 - what is tested
    assert allows("superuser") == 200
    assert allows("acl", topic="any/thing", acc=1) == 200
    assert allows("acl", username="nobody", topic="any/thing", acc=1) == 403


def test_a_database_that_goes_away_ends_it(running: Process, database: Database) -> None:
    database.process.stop()
    wait_until(lambda: not running.runs, what="the double has ended")
    assert running.popen.returncode == 1
    assert "the database is gone" in running.said()
    database.start()
