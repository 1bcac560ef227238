"""What processes of one run of the real node's tests know of each other."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.node.sharing import Run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Run, Run]:
    """Return what two processes of one run have."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("PYTEST_XDIST_TESTRUNUID", "one-run")
    return Run.join(), Run.join()


def test_what_one_made_serves_the_other(two: tuple[Run, Run]) -> None:
    first, second = two
    assert first.once("thing", lambda: {"made": "by the first"}) == {"made": "by the first"}
    assert second.once("thing", lambda: pytest.fail("again")) == {"made": "by the first"}
    leave(first, second)


def test_what_one_failed_to_make_the_other_does_not_try(two: tuple[Run, Run]) -> None:
    first, second = two

    def fail() -> None:
        message = "no room"
        raise OSError(message)

    with pytest.raises(OSError, match="no room"):
        first.once("thing", fail)
    with pytest.raises(RuntimeError, match="thing: another process failed to make it: no room"):
        second.once("thing", lambda: pytest.fail("again"))
    leave(first, second)


def test_the_last_to_leave_cleans_up(two: tuple[Run, Run]) -> None:
    first, second = two
    first.leave(lambda: pytest.fail("somebody is there"))
    cleaned: list[bool] = []
    second.leave(lambda: cleaned.append(second.folder.exists()))
    assert cleaned == [True]
    assert not second.folder.exists()


def test_who_waits_for_others_is_there_until_the_end(two: tuple[Run, Run]) -> None:
    first, second = two
    with ThreadPoolExecutor() as beside:
        waiting = beside.submit(first.wait_for_others)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.2)
        second.leave(lambda: pytest.fail("the first waits to begin"))
        waiting.result(timeout=30)
    cleaned: list[bool] = []
    first.leave(lambda: cleaned.append(True))
    assert cleaned == [True]


def test_a_process_by_itself_has_a_run_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.delenv("PYTEST_XDIST_TESTRUNUID", raising=False)
    first, second = Run.join(), Run.join()
    assert first.folder != second.folder
    first.wait_for_others()
    leave(first, second)


def leave(*runs: Run) -> None:
    for run in runs:
        run.leave(lambda: None)
