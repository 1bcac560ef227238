"""A customer's database, as its pod runs it, and everybody who logs in to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from infra.customer.ports import POSTGRES_PORT
from tests.edge.pods import Image
from tests.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from tests.edge.pods import Node
    from tests.edge.world import Process

ROOT = Path(__file__).parents[2]
_ENTRYPOINT = "/docker-entrypoint.sh"
POSTGRES_IMAGE = Image(
    entrypoint=("sh", _ENTRYPOINT),
    files={_ENTRYPOINT: ROOT / "ops" / "local" / "node" / "files" / "postgres.sh"},
)

_POD = ("StatefulSet", "postgres", "postgres")
_PSQL = (
    "psql",
    "--no-psqlrc",
    "--quiet",
    "--tuples-only",
    "--no-align",
    "--no-password",
    "--set=ON_ERROR_STOP=1",
)


class Database:
    """PostgreSQL in its pod.

    Args:
        node: Where it runs.
    """

    process: Process

    def __init__(self, node: Node) -> None:
        self.node = node

    def start(self) -> None:
        """Start it as a kubelet does: the program, and beside it what is to run after the start."""
        self.process = self.node.start(*_POD)
        answer = self.settle_roles()
        assert answer.returncode == 0, answer.stderr + self.process.said()
        wait_until(lambda: self.node.listens(POSTGRES_PORT), what="the database listens")

    def restart(self) -> None:
        """Kill it, as a node does that loses its power, and start it again."""
        self.process.stop()
        self.start()

    def settle_roles(self, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run what the pod runs after each start."""
        return self.node.run(*_POD, "/bin/sh", "/etc/iotistic/roles.sh", **environment)

    def psql(
        self, statement: str, *, role: str, password: str = "", dbname: str = "iotistic", **values: str
    ) -> subprocess.CompletedProcess[str]:
        """Log in over the network, as the API does, and run a statement.

        Args:
            statement: SQL, in which ``:'name'`` is a quoted value.
            role: Who logs in.
            password: With what.
            dbname: Name of the database.
            values: The values by name.
        """
        login = f"host=postgres user={role} dbname={dbname}"
        return self._run(statement, login, values, PGPASSWORD=password)

    def as_superuser(self, statement: str) -> str:
        """Run a statement inside the pod, where the superuser needs no password."""
        answer = self._run(statement, "user=postgres dbname=iotistic", {})
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def as_api(self, statement: str, **values: str) -> str:
        """Run a statement as the API's role, which must succeed, and return what it answers."""
        containers = self.node.pod("Deployment", "api")["containers"]
        (container,) = (item for item in containers if item["name"] == "api")
        env = {item["name"]: self.node.value(item) for item in container["env"]}
        answer = self.psql(
            statement, role=env["DB_USER"], password=env["DB_PASSWORD"], dbname=env["DB_NAME"], **values
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def _run(
        self, statement: str, login: str, values: Mapping[str, str], **environment: str
    ) -> subprocess.CompletedProcess[str]:
        settings = [f"--set={key}={value}" for key, value in values.items()]
        return self.node.run(*_POD, *_PSQL, *settings, login, stdin=statement, **environment)
