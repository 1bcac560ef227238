"""Contract double of the API, for tests only: its image cannot be had without the internet.

It keeps what the infrastructure relies on: the order of starting (database, migrations,
accounts, licence, listening), ending with 1 on a bad licence or a database that is away,
``GET /health``, the three questions of the broker, and its end when it is asked to. Rows and broker
accounts live in the customer's own database. Its image refuses to start anywhere but in a cluster of the
tests.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import psycopg2  # type: ignore[import-untyped]  # it is in the image only

SUPERUSER_TOPICS = "#"

MIGRATIONS = """
CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, text text NOT NULL);
CREATE TABLE IF NOT EXISTS mqtt_users
    (username text PRIMARY KEY, password text NOT NULL, superuser boolean NOT NULL, topics text NOT NULL);
-- What the real API seeds, and the infrastructure settles afterwards.
CREATE TABLE IF NOT EXISTS system_config
    (key text PRIMARY KEY, value jsonb NOT NULL, updated_at timestamptz NOT NULL DEFAULT now());
INSERT INTO system_config (key, value) VALUES ('mqtt.brokers.1', '{"host": "localhost"}')
    ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS users (username text PRIMARY KEY, password_hash text NOT NULL);
INSERT INTO users VALUES ('admin', overlay(crypt('admin', gen_salt('bf', 4)) PLACING '$2b$' FROM 1))
    ON CONFLICT DO NOTHING;
-- The real migrations grant to this role by name, so it has to exist.
GRANT SELECT ON notes TO postgres;
"""


class Database:
    """One connection; like the real API's, losing it ends the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection = psycopg2.connect(
            host=os.environ["DB_HOST"],
            port=os.environ["DB_PORT"],
            dbname=os.environ["DB_NAME"],
            user=os.environ["DB_USER"],
            password=os.environ["DB_PASSWORD"],
            sslmode="disable" if os.environ["DB_SSL"] == "false" else "require",
            connect_timeout=2,
        )
        self._connection.autocommit = True

    def watch(self) -> None:
        """End the process soon after the connection is lost, asked for or not."""
        while True:
            time.sleep(1)
            self.run("SELECT 1")

    def run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            with self._lock, self._connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []
        except psycopg2.OperationalError as error:
            sys.stderr.write(f"the database is gone: {error}\n")
            os._exit(1)


def add_account(database: Database, username: str, password: str, topics: str, *, superuser: bool) -> None:
    salt = os.urandom(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, n=1024, r=8, p=1)
    database.run(
        "INSERT INTO mqtt_users VALUES (%s, %s, %s, %s) ON CONFLICT (username) DO UPDATE SET"
        " password = EXCLUDED.password, superuser = EXCLUDED.superuser, topics = EXCLUDED.topics",
        username,
        f"{salt.hex()}${digest.hex()}",
        superuser,
        topics,
    )


def knows_password(stored: str, password: str) -> bool:
    salt, digest = stored.split("$")
    found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), n=1024, r=8, p=1)
    return hmac.compare_digest(found.hex(), digest)


def covers(pattern: str, topic: str) -> bool:
    """Return whether a topic is below a pattern that may end in ``#``."""
    return pattern in ("#", topic) or (pattern.endswith("/#") and topic.startswith(pattern[:-1]))


class Handler(BaseHTTPRequestHandler):
    """The endpoints that the infrastructure and the tests use."""

    database: Database

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, {"status": "healthy"})
        elif self.path == "/api/v1/notes":
            rows = self.database.run("SELECT text FROM notes ORDER BY id")
            self._answer(200, {"customer": os.environ["INSTANCE_ID"], "notes": [text for (text,) in rows]})
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        if self.path == "/api/v1/notes":
            self.database.run("INSERT INTO notes (text) VALUES (%s)", body["text"])
            self._answer(201, {})
        elif self.path == "/api/v1/mqtt-users":
            add_account(self.database, body["username"], body["password"], body["topics"], superuser=False)
            self._answer(201, {})
        elif self.path.startswith("/mosquitto-auth/"):
            self._answer(200 if self._allows(self.path.rpartition("/")[2], body) else 403, {})
        else:
            self._answer(404, {})

    def _allows(self, question: str, body: dict[str, Any]) -> bool:
        found = self.database.run(
            "SELECT password, superuser, topics FROM mqtt_users WHERE username = %s", body["username"]
        )
        if not found:
            return False
        [(password, superuser, topics)] = found
        if question == "user":
            return knows_password(password, body["password"])
        if question == "superuser":
            return bool(superuser)
        return question == "acl" and covers(topics, body["topic"])

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the library's name
        """Say nothing of each request."""


def check_licence() -> None:
    """End the process unless the licence verifies and names this customer."""
    try:
        claims = jwt.decode(
            os.environ.get("IOTISTIC_LICENSE_KEY", ""),
            os.environ["LICENSE_PUBLIC_KEY"],
            algorithms=["RS256"],
            options={"require": ["exp", "iat", "customerId"]},
        )
    except jwt.PyJWTError as error:
        sys.exit(f"the licence is refused: {error}")
    if claims["customerId"] != os.environ["CUSTOMER_ID"]:
        sys.exit("the licence is another customer's")


def end(*_: object) -> None:
    """End when asked to, as the real one does: the kernel asks no first process that does not listen."""
    os._exit(128 + signal.SIGTERM)


def main() -> None:
    signal.signal(signal.SIGTERM, end)
    with open("logs/combined.log", "a", encoding="utf-8") as log:  # noqa: PTH123 - as plain as the real one
        log.write("starting\n")
    try:
        database = Database()
    except psycopg2.OperationalError as error:
        sys.exit(f"the database does not answer: {error}")
    database.run(MIGRATIONS)
    add_account(
        database, os.environ["MQTT_USERNAME"], os.environ["MQTT_PASSWORD"], SUPERUSER_TOPICS, superuser=True
    )
    check_licence()
    threading.Thread(target=database.watch, daemon=True).start()
    Handler.database = database
    ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()  # noqa: S104 - a pod of its own


if __name__ == "__main__":
    main()
