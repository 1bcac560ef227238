"""What git is asked about a working copy."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from ops.git import branch_point, changed_files
from tenants.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S607 - git of this machine


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a working copy on a branch that main has left behind."""
    run(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "kept").write_text("1")
    (tmp_path / "gone").write_text("1")
    run(tmp_path, "add", ".")
    run(tmp_path, "commit", "--quiet", "--message=first")
    run(tmp_path, "switch", "--quiet", "--create=change")
    run(tmp_path, "switch", "--quiet", "main")
    (tmp_path / "by-others").write_text("1")
    run(tmp_path, "add", ".")
    run(tmp_path, "commit", "--quiet", "--message=second")
    run(tmp_path, "switch", "--quiet", "change")
    return tmp_path


def test_only_this_change_is_seen_with_what_is_new_and_what_is_gone(clone: Path) -> None:
    (clone / "new é").write_text("1")
    (clone / "gone").unlink()
    assert changed_files(clone, branch_point(clone, "main")) == ["gone", "new é"]


def test_branches_without_a_common_history_are_refused(clone: Path) -> None:
    run(clone, "switch", "--quiet", "--orphan=alone")
    run(clone, "commit", "--quiet", "--allow-empty", "--message=alone")
    with pytest.raises(UsageError, match="no common history"):
        branch_point(clone, "main")
