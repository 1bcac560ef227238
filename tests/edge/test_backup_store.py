"""What stores a backup: it exchanges a raised password, and is not content with half a snapshot."""

from __future__ import annotations

import json
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from infra.customer import backup, backup_nightly, mosquitto, nodered, restore
from infra.customer.instance import manifests
from tests.edge.pods import NOTHING, Image
from tests.program.instances import with_options

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.edge.pods import Node

pytestmark = pytest.mark.edge

CRON_JOB = ("CronJob", backup.APP)
FLOWS = ("CronJob", backup_nightly.FLOWS)
PASSWORDS = ("the first one", "the second one", "the third one")


@pytest.fixture(autouse=True)
def empty(node: Node) -> Iterator[None]:
    """No repository, no volumes, and the programs as they are."""
    yield
    node.image("store", NOTHING)
    shutil.rmtree(node.folder / "claims", ignore_errors=True)


def raise_to(node: Node, epoch: int) -> None:
    """Declare the customer's objects as after raising ``epochs.backup``."""
    *former, present = PASSWORDS[:epoch]
    chosen = with_options(
        "acme", "node_red", credentials={"backup": present, "former_backups": tuple(former)}
    )
    back = (restore.job(chosen, part) for part in (restore.Part.DATABASE, restore.Part.FLOWS))
    node.apply([*manifests(chosen), *back])


def store(node: Node, dump: str) -> tuple[int, str]:
    """Store a dump, as the nightly backup does."""
    answer = stored_by(node, CRON_JOB, dump)
    return answer.returncode, answer.stderr


def stored_by(
    node: Node, cron_job: tuple[str, str], dump: str = "a dump"
) -> subprocess.CompletedProcess[str]:
    """Run a pod's last container, with the dump that the one before it would have made."""
    node.create(*cron_job)
    (node.volume(*cron_job, "work") / "database.dump").write_text(dump, encoding="utf-8")
    return node.run(*cron_job, "store")


def fetched(node: Node, snapshot: str = "latest") -> str:
    """Return the dump that a restore would load."""
    node.create("Job", "restore-database")
    answer = node.run("Job", "restore-database", "restore", SNAPSHOT=snapshot)
    assert answer.returncode == 0, answer.stderr
    return (node.volume("Job", "restore-database", "work") / "database.dump").read_text(encoding="utf-8")


def snapshots(node: Node) -> list[str]:
    """Return the ids of what is stored, by the present password."""
    answer = node.run(*CRON_JOB, "store", "restic", "snapshots", "--json")
    assert answer.returncode == 0, answer.stderr
    return [item["id"] for item in json.loads(answer.stdout)]


def opened_by(node: Node) -> list[str]:
    """Return which of all passwords open the repository, without any file of the pod."""
    arguments = ("restic", "cat", "config")
    return [
        password
        for password in PASSWORDS
        if node.run(
            *CRON_JOB, "store", *arguments, RESTIC_PASSWORD_FILE="", RESTIC_PASSWORD=password
        ).returncode
        == 0
    ]


def add_by_hand(node: Node) -> None:
    """Do the first half of the exchange."""
    command = ("--password-file=/run/secrets/backup/former-1", "key", "add")
    new = "--new-password-file=/run/secrets/backup/password"
    answer = node.run(*CRON_JOB, "store", "restic", *command, new)
    assert answer.returncode == 0, answer.stderr


def wrap(node: Node, folder: Path, script: str) -> None:
    """Let the pod that stores find a program before restic, which gets restic's arguments."""
    folder.mkdir()
    file = folder / "restic"
    file.write_text(f'#!/bin/sh\n{script}\nexec /usr/bin/restic "$@"\n', encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    folder.chmod(0o755)
    node.image("store", Image(files={"/usr/local/bin": folder}))


def test_a_raised_password_takes_the_place_of_the_former_one(node: Node) -> None:
    raise_to(node, 1)
    assert store(node, "of the first night")[0] == 0
    (first,) = snapshots(node)
    raise_to(node, 2)
    assert fetched(node, first) == "of the first night", "it can be had back before the next backup"
    assert store(node, "of the second night") == (0, "")
    assert opened_by(node) == ["the second one"]
    assert len(snapshots(node)) == 2
    assert fetched(node, first) == "of the first night"
    assert fetched(node) == "of the second night"
    assert store(node, "of the third night")[0] == 0, "and nothing is left to do"


def test_an_exchange_that_was_interrupted_is_finished_by_the_next_backup(node: Node, tmp_path: Path) -> None:
    raise_to(node, 1)
    assert store(node, "of the first night")[0] == 0
    raise_to(node, 2)
    wrap(node, tmp_path / "bin", '[ "$1 $2" != "key remove" ] || exit 1')
    assert store(node, "of the second night")[0] != 0
    assert opened_by(node) == ["the first one", "the second one"]
    node.image("store", NOTHING)
    assert fetched(node) == "of the second night"
    assert store(node, "of the third night")[0] == 0
    assert opened_by(node) == ["the second one"]


def test_two_epochs_at_once_and_a_password_that_came_in_twice(node: Node) -> None:
    raise_to(node, 1)
    assert store(node, "of the first night")[0] == 0
    raise_to(node, 2)
    node.create(*CRON_JOB)
    add_by_hand(node)
    add_by_hand(node)
    raise_to(node, 3)
    assert fetched(node) == "of the first night"
    assert store(node, "of the second night")[0] == 0
    assert opened_by(node) == ["the third one"]
    assert len(snapshots(node)) == 2


def test_flows_bring_the_password_in_and_leave_it_to_the_nightly_backup_to_close(node: Node) -> None:
    raise_to(node, 1)
    assert store(node, "of the first night")[0] == 0
    raise_to(node, 2)
    flows(node)
    assert node.finish(*FLOWS).returncode == 0
    assert opened_by(node) == ["the first one", "the second one"]
    assert store(node, "of the second night")[0] == 0
    assert opened_by(node) == ["the second one"]
    raise_to(node, 3)
    node.create("Job", "restore-flows")
    answer = node.run("Job", "restore-flows", "restore")
    assert answer.returncode == 0, answer.stderr


def broker(node: Node) -> None:
    held_by(node, mosquitto.APP, mosquitto.MOSQUITTO_USER, "mosquitto.db")


def flows(node: Node) -> None:
    held_by(node, nodered.APP, nodered.NODE_RED_USER, "flows.json")


def held_by(node: Node, app: str, user: int, name: str) -> None:
    """Put a file on a volume, as its owner's."""
    folder = node.folder / "claims" / f"{app}-data"
    folder.mkdir(parents=True)
    (folder / name).write_text("held", encoding="utf-8")
    for path in (folder, folder / name):
        shutil.chown(path, user, user)


@dataclass(frozen=True)
class Lacking:
    """What a snapshot lacks of what a pod stores, and what is said of it."""

    cron_job: tuple[str, str]
    volume: Callable[[Node], None]
    left_out: str
    told: str


@pytest.mark.parametrize(
    "lacking",
    [
        Lacking(CRON_JOB, broker, "/work/database.dump", "/work/database.dump"),
        Lacking(CRON_JOB, broker, "/broker", "/broker"),
        Lacking(CRON_JOB, broker, "mosquitto.db", "/broker/mosquitto.db"),
        Lacking(FLOWS, flows, "flows.json", "/flows/flows.json"),
    ],
    ids=lambda lacking: lacking.told,
)
def test_a_snapshot_that_lacks_a_part_fails_the_backup(node: Node, tmp_path: Path, lacking: Lacking) -> None:
    raise_to(node, 1)
    lacking.volume(node)
    wrap(node, tmp_path / "bin", f'[ "$1" != backup ] || set -- "$@" --exclude {lacking.left_out}')
    answer = stored_by(node, lacking.cron_job)
    assert answer.returncode != 0
    assert f"{lacking.told} is not in the snapshot that was just made" in answer.stderr
    node.image("store", NOTHING)
    answer = stored_by(node, lacking.cron_job)
    assert answer.returncode == 0, answer.stderr
    assert lacking.told in answer.stdout.splitlines()
