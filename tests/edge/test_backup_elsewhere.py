"""Backups in a store of somebody else's, by the rendered Jobs with the real restic."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.customer import backup, restore
from infra.customer.backup_access import BackupAccess
from infra.customer.instance import manifests
from tests.edge import object_store
from tests.edge.world import LOOPBACK
from tests.program.instances import instance_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from tests.edge.pods import Node

pytestmark = pytest.mark.edge

PORT = 9000
ACCESS = ("the store's id", "the store's key")


@pytest.fixture(scope="module")
def store(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store beside the customer's pods, and where it keeps what it is sent."""
    folder = tmp_path_factory.mktemp("store")
    command = (sys.executable, str(Path(object_store.__file__)), str(folder), LOOPBACK, str(PORT), *ACCESS)
    process = node.beside("store", *command)
    wait_until(lambda: node.listens(PORT), what="the store listens")
    yield folder
    process.stop()


def declare(node: Node, *, identity: str = ACCESS[0], key: str = ACCESS[1]) -> None:
    """Declare a customer whose backups go to the store, with this key of it."""
    credentials = {"AWS_ACCESS_KEY_ID": identity, "AWS_SECRET_ACCESS_KEY": key}
    surroundings: dict[str, Any] = {
        "backup_repository": f"s3:http://{LOOPBACK}:{PORT}/{object_store.BUCKET}/prod",
        "backup_access": BackupAccess(credentials=credentials),
    }
    chosen = instance_of("acme", surroundings=surroundings)
    node.apply([*manifests(chosen), restore.job(chosen, restore.Part.DATABASE)])


def stored(node: Node, dump: str) -> subprocess.CompletedProcess[str]:
    node.create("CronJob", backup.APP)
    (node.volume("CronJob", backup.APP, "work") / "database.dump").write_text(dump, encoding="utf-8")
    return node.run("CronJob", backup.APP, "store")


def test_a_backup_goes_below_the_address_and_comes_back(node: Node, store: Path) -> None:
    declare(node)
    for dump in ("of the first night", "of the second night"):
        answer = stored(node, dump)
        assert answer.returncode == 0, answer.stderr
        assert ACCESS[1] not in answer.stdout + answer.stderr
    assert {file.name.partition("%2Facme%2F")[0] for file in store.iterdir()} == {"prod"}
    node.create("Job", "restore-database")
    answer = node.run("Job", "restore-database", "restore")
    assert answer.returncode == 0, answer.stderr
    held = node.volume("Job", "restore-database", "work") / "database.dump"
    assert held.read_text(encoding="utf-8") == "of the second night"


@pytest.mark.parametrize("wrong", [{"identity": "another id"}, {"key": "another key"}])
def test_whoever_has_not_the_stores_key_stores_nothing(
    node: Node, store: Path, wrong: dict[str, str]
) -> None:
    before = len(list(store.iterdir()))
    declare(node, **wrong)
    assert stored(node, "of no night").returncode != 0
    assert len(list(store.iterdir())) == before
