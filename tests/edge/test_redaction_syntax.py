"""Prometheus's tool, which has the log agent's engine for patterns, takes every pattern of the redaction."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from infra.platform.redaction import FIRST_LINE, REDACTIONS
from tests.edge.world import program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.edge


def check(folder: Path, pattern: str) -> int:
    rule = {"record": "a:b:c", "expr": f"up{{line=~{json.dumps(pattern)}}}"}
    file = folder / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "patterns", "rules": [rule]}]}), encoding="utf-8")
    tool = program("promtool")
    assert tool, "promtool is not installed"
    return subprocess.run([tool, "check", "rules", str(file)], capture_output=True, check=False).returncode


@pytest.mark.parametrize("what", ["an entry's first line", *REDACTIONS])
def test_a_pattern_is_one_of_re2(tmp_path: Path, what: str) -> None:
    assert check(tmp_path, {"an entry's first line": FIRST_LINE, **REDACTIONS}[what]) == 0


def test_one_that_is_not_is_found(tmp_path: Path) -> None:
    assert check(tmp_path, r"(?<=password)=(\S+)") != 0
