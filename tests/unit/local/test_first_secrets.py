from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from ops.local.first_secrets import ensure_secrets
from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"passphrase", "master-key", "licence-private.pem", "licence-public.pem"}


def test_a_first_run_makes_them_all_and_only_for_their_owner(tmp_path: Path) -> None:
    secrets = ensure_secrets(tmp_path / "secrets", state_file=tmp_path / "state.json")
    assert {file.name for file in secrets.folder.iterdir()} == FILES
    assert stat.S_IMODE(secrets.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets.folder.iterdir()} == {0o600}
    assert [path.name for path in tmp_path.iterdir()] == ["secrets"]


def test_a_second_run_keeps_them(tmp_path: Path) -> None:
    first = ensure_secrets(tmp_path / "secrets", state_file=tmp_path / "state.json").configuration()
    (tmp_path / "state.json").touch()
    assert ensure_secrets(tmp_path / "secrets", state_file=tmp_path / "state.json").configuration() == first
    assert set(first) == {"iotistic:masterKey", "iotistic:licencePrivateKeys"}


def test_two_environments_have_nothing_in_common(tmp_path: Path) -> None:
    first, second = (
        ensure_secrets(tmp_path / name, state_file=tmp_path / "state.json").configuration()
        for name in ("one", "two")
    )
    assert not set(first.values()) & set(second.values())


@pytest.mark.parametrize("lost", sorted(FILES))
def test_one_lost_file_is_refused_with_what_its_loss_means(tmp_path: Path, lost: str) -> None:
    folder = ensure_secrets(tmp_path / "secrets", state_file=tmp_path / "state.json").folder
    (folder / lost).unlink()
    with pytest.raises(UsageError) as refusal:
        ensure_secrets(folder, state_file=tmp_path / "state.json")
    (problem,) = refusal.value.problems
    assert problem.where == str(folder / lost)
    assert "other secrets of the same environment" in problem.what
    assert "make down" in problem.how
    assert not (folder / lost).exists()


def test_a_lost_folder_beside_a_state_is_refused_and_stays_lost(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    state.touch()
    with pytest.raises(UsageError) as refusal:
        ensure_secrets(tmp_path / "secrets", state_file=state)
    assert len(refusal.value.problems) == len(FILES)
    assert str(state) in str(refusal.value)
    assert not (tmp_path / "secrets").exists()


def test_a_run_that_was_killed_while_making_them_leaves_nothing_half_made(tmp_path: Path) -> None:
    unfinished = tmp_path / "secrets.1.unfinished"
    unfinished.mkdir()
    (unfinished / "passphrase").write_text("half")
    secrets = ensure_secrets(tmp_path / "secrets", state_file=tmp_path / "state.json")
    assert {file.name for file in secrets.folder.iterdir()} == FILES
