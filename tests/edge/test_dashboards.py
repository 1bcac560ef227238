"""Prometheus's own tool parses every query of the platform's dashboards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.platform.dashboards import dashboards
from tests.edge import promtool

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

pytestmark = pytest.mark.edge

QUERIES = [
    target["expr"]
    for drawn in dashboards(edge=True, backups=True)
    for panel in drawn["panels"]
    for target in panel["targets"]
]


def check(folder: Path, queries: list[str]) -> subprocess.CompletedProcess[str]:
    """Let promtool read queries as rules, which is how it parses many at once."""
    rules = [{"record": f"query:{number}:asked", "expr": query} for number, query in enumerate(queries)]
    return promtool.check(folder, [{"name": "queries", "rules": rules}])


def test_every_query_can_be_parsed(tmp_path: Path) -> None:
    answer = check(tmp_path, QUERIES)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"{len(QUERIES)} rules found" in answer.stdout


def test_one_that_cannot_is_found(tmp_path: Path) -> None:
    assert check(tmp_path, [*QUERIES, "sum by (tenant (up)"]).returncode != 0
