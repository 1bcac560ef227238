"""The key of backups is replaced by the commands of docs/guides/rotate-secrets.md, on a real repository."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from ops.workspace import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.edge

GUIDE = (ROOT / "docs/guides/rotate-secrets.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^ +(restic .*)$", GUIDE, re.MULTILINE)


class Repository:
    """A repository that was made with the old key, and holds a snapshot."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("old-key", "new-key"):
            # As kubectl hands it out: without a line's end.
            (folder / name).write_text(f"the {name} of this test", encoding="utf-8")
        (folder / "data").write_text("what a customer has", encoding="utf-8")
        self.run("restic --password-file old-key init")
        self.run("restic --password-file old-key backup data")

    def run(self, line: str, *, expect: int = 0) -> str:
        environment = {
            **os.environ,
            "RESTIC_REPOSITORY": str(self._folder / "repository"),
            "RESTIC_CACHE_DIR": str(self._folder / "cache"),
        }
        done = subprocess.run(
            ["/bin/bash", "-c", line],
            cwd=self._folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, f"{line}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


def test_the_new_key_opens_what_the_old_one_wrote_and_the_old_one_goes(tmp_path: Path) -> None:
    add, snapshots, listed, remove = COMMANDS
    repository = Repository(tmp_path)
    assert "wrong password" in repository.run(snapshots, expect=1), "as every backup would say until then"
    repository.run(add)
    assert "data" in repository.run(snapshots)
    keys = repository.run(listed)
    assert len(re.findall(r"^[* ][0-9a-f]{8} ", keys, re.MULTILINE)) == 2
    (old,) = re.findall(r"^ ([0-9a-f]{8}) ", keys, re.MULTILINE)
    repository.run(remove.replace("<id>", old))
    assert "wrong password" in repository.run("restic --password-file old-key snapshots", expect=1)
    repository.run("restic --password-file new-key check --read-data")
