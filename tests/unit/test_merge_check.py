"""What a merge has to pass: nothing of it may be skipped in silence."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from ops.local.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

STAND_INS = {"id": "echo 1000", "make": 'echo "make $* with CI=${CI-}"'}
"""Nobody who may install anything, and instead of the tests a word about them."""


def test_no_tier_is_skipped_in_silence(tmp_path: Path) -> None:
    for name, script in STAND_INS.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "CI"}
    environment["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    answer = subprocess.run(
        [ROOT / ".ci" / "run"], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == "make test with CI=true"
