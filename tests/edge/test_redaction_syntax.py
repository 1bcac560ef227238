"""Prometheus's tool, which has the log agent's engine for patterns, takes every pattern of the redaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from infra.platform.redaction import FIRST_LINE, REDACTIONS
from tests.edge import promtool

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.edge


def check(folder: Path, pattern: str) -> int:
    rule = {"record": "a:b:c", "expr": f"up{{line=~{json.dumps(pattern)}}}"}
    return promtool.check(folder, [{"name": "patterns", "rules": [rule]}]).returncode


@pytest.mark.parametrize("what", ["an entry's first line", *REDACTIONS])
def test_a_pattern_is_one_of_re2(tmp_path: Path, what: str) -> None:
    assert check(tmp_path, {"an entry's first line": FIRST_LINE, **REDACTIONS}[what]) == 0


def test_one_that_is_not_is_found(tmp_path: Path) -> None:
    assert check(tmp_path, r"(?<=password)=(\S+)") != 0
